"""Random numbers by address, and the few functions that turn bits into variates.

A draw is a pure function of its address `(seed, replication, stream, host, client, attempt)`; nothing is consumed, so
the order of events cannot change a draw. The generator is SplitMix64 (Steele, Lea and Flood, "Fast splittable
pseudorandom number generators", OOPSLA 2014): every address but the last number is hashed into the seed of one
SplitMix64 sequence, and the last number is the position in it.

Logarithm, exponential and normal quantile are our own arithmetic (additions, products, quotients and square roots,
which IEEE 754 fixes to the last bit, and tables made with exact decimal arithmetic), because the C library's differ
from machine to machine in the last bit, and one bit can swap two events.
"""

from decimal import Decimal, localcontext
from typing import NamedTuple

import numpy as np

from recovery_kernels.arrays import Real
from recovery_kernels.jit import inline, kernel

# Streams: one for each purpose, so that two purposes never share a draw.
PHASE, SERVICE, TIMEOUT, RETRY, CHECK, LEASE, DEPENDENCY, ARRIVAL = range(8)
ADMISSION = 24  # those between are of the later stages

# Distributions, by number.
CONSTANT, UNIFORM, EXPONENTIAL, LOGNORMAL, WEIBULL, PARETO, EMPIRICAL = range(7)

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_CLIENT = np.uint64(
    0xD1B54A32D192ED03
)  # odd, far from multiples of _GOLDEN: clients and attempts span a lattice without near misses
_MIX1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX2 = np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S12 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(12)
_ULP52 = 2.0**-52
# A number below 2^52 that is put behind these bits is 2^52 more as a float64: a conversion without one, of which the
# processor does several at a time. What is taken away, 2^52 - 0.5, leaves it half more than it was, to the last bit.
_WHOLE52_BITS = np.uint64(0x4330_0000_0000_0000)
_WHOLE52_LESS_HALF = 2.0**52 - 0.5

# 36 years: beyond every horizon (10 years at most), and a few such times add up within 64 bits. Longer ones are cut off
# here, as they are never over in either case.
FAR_NS = 1 << 60
_FAR = float(FAR_NS)
_LEAST = 2.0**-1022  # the smallest number of which `log` knows
_MOST_SLOW = 1e150  # a slowdown beyond all times, which is still a number times 0


class Dist(NamedTuple):
    """A distribution for the kernel: its number, two parameters, and where its measured values lie in the shared table.

    CONSTANT a; UNIFORM from a to b; EXPONENTIAL with mean a; LOGNORMAL with location a and scale b of the logarithm;
    WEIBULL with scale a and shape b; PARETO from a with tail exponent b; EMPIRICAL: `size` values from `first` on.
    """

    kind: int
    a: float
    b: float
    first: int
    size: int


@inline
def mix64(z):  # type: ignore[no-untyped-def]
    """SplitMix64's finalizer: uint64 to uint64, a bijection."""
    z = (z ^ (z >> _S30)) * _MIX1
    z = (z ^ (z >> _S27)) * _MIX2
    return z ^ (z >> _S31)


@inline
def at(key, number):  # type: ignore[no-untyped-def]
    """Value `number` (from 0) of the SplitMix64 sequence with seed `key`; also the key of a sub-stream."""
    return mix64(key + (np.uint64(number) + np.uint64(1)) * _GOLDEN)


@kernel
def stream_key(seed, replication, stream, host):  # type: ignore[no-untyped-def]
    """Key (uint64) of one stream of one host; whole numbers from 0."""
    return at(at(at(at(np.uint64(0), seed), replication), stream), host)


@kernel
def stream_keys(seed, replication, streams, host, keys):  # type: ignore[no-untyped-def]
    """Fill keys (uint64[n]) with those of some streams (int64[n]) of one host."""
    for i in range(keys.shape[0]):
        keys[i] = at(at(at(at(np.uint64(0), seed), replication), streams[i]), host)


@inline
def uniform(key, client, attempt):  # type: ignore[no-untyped-def]
    """The draw of one address: a float64 strictly between 0 and 1 with 52 random bits (with 53, adding 0.5 could
    round to 1).
    """
    bits = at(key + np.uint64(client) * _CLIENT, attempt)
    return (np.uint64(bits >> _S12 | _WHOLE52_BITS).view(np.float64) - _WHOLE52_LESS_HALF) * _ULP52


def _log_table() -> Real:
    """1/c and -log(1/c), side by side, for the middles c of 512 slices of [1, 2): correctly rounded, on any machine."""
    table = np.empty((512, 2))
    table[:, 0] = 1.0 / (1.0 + (np.arange(512) + 0.5) / 512)
    with localcontext() as context:
        context.prec = 40
        table[:, 1] = [float(-Decimal(float(x)).ln()) for x in table[:, 0]]
    return table


def _exp_table() -> Real:
    """2^(j/64) for j = 0 … 63, correctly rounded."""
    with localcontext() as context:
        context.prec = 40
        return np.array([float(Decimal(2) ** (Decimal(j) / 64)) for j in range(64)])


_LOG = _log_table()
_POWER = _exp_table()
_LN2 = 0.6931471805599453
_LN2_64_HIGH = float(np.floor(_LN2 / 64 * 2.0**40) / 2.0**40)  # 40 bits: k * high is exact for |k| < 2^12
_LN2_64_LOW = float(Decimal(2).ln() / 64 - Decimal(_LN2_64_HIGH))
_WHOLE = 6755399441055744.0  # 1.5 · 2^52: added to a whole number, its bits end in that number's
_WHOLE_BITS = np.int64(np.float64(_WHOLE).view(np.int64))
_MANTISSA = np.int64((1 << 52) - 1)
_ONE_BITS = np.int64(1023 << 52)


@inline
def log(x):  # type: ignore[no-untyped-def]
    """Natural logarithm of a normal positive float64, absolute error below 1e-15 plus 1.25 units in the last place."""
    bits = np.float64(x).view(np.int64)
    exponent = (bits >> 52) - 1023
    slice_ = np.uint64((bits >> 43) & 511)
    m = np.int64((bits & _MANTISSA) | _ONE_BITS).view(np.float64)
    r = m * _LOG[slice_, 0] - 1.0  # |r| < 2^-10, so four terms of the series are enough
    return exponent * _LN2 + (_LOG[slice_, 1] + (r + r * r * ((0.3333333333333333 - 0.25 * r) * r - 0.5)))


@inline
def exp(x):  # type: ignore[no-untyped-def]
    """Exponential of a float64 between -700 and 700 (beyond: held at the ends), relative error below 1e-15."""
    x = min(max(x, -700.0), 700.0)
    nearest = np.floor(x * (64.0 / _LN2) + 0.5)
    k = np.float64(nearest + _WHOLE).view(np.int64) - _WHOLE_BITS  # a conversion, of which several go side by side
    r = (x - nearest * _LN2_64_HIGH) - nearest * _LN2_64_LOW
    series = 1.0 + r * (
        1.0 + r * (0.5 + r * (0.16666666666666666 + r * (0.041666666666666664 + r * 0.008333333333333333)))
    )
    scale = np.int64(((k >> 6) + 1023) << 52).view(np.float64)
    return scale * (_POWER[k & 63] * series)


@inline
def power(x, y):  # type: ignore[no-untyped-def]
    """x to the power y for x >= 0; 0 for x = 0."""
    if x <= 0.0:
        return 0.0
    if y == 1.0:
        return x
    return exp(y * log(x))


MIDDLE = 0.425  # so far from one half the quantile is one quotient
FAR_SIDE = 5.0  # and so far towards an end, by `_from_end`, another; beyond, a third


@inline
def _normal_middle(q):  # type: ignore[no-untyped-def]
    """The quantile that belongs to 0.5 + q, for |q| up to MIDDLE."""
    r = 0.180625 - q * q
    top = ((((((2.5090809287301226727e3 * r + 3.3430575583588128105e4) * r + 6.7265770927008700853e4) * r
              + 4.5921953931549871457e4) * r + 1.3731693765509461125e4) * r + 1.9715909503065514427e3) * r
           + 1.3314166789178437745e2) * r + 3.3871328727963666080e0  # fmt: skip
    low = ((((((5.2264952788528545610e3 * r + 2.8729085735721942674e4) * r + 3.9307895800092710610e4) * r
              + 2.1213794301586595867e4) * r + 5.3941960214247511077e3) * r + 6.8718700749205790830e2) * r
           + 4.2313330701600911252e1) * r + 1.0  # fmt: skip
    return q * top / low


@inline
def _from_end(u):  # type: ignore[no-untyped-def]
    """sqrt(-log(chance)) of the nearer end, 0 or 1."""
    return np.sqrt(-log(min(u, 1.0 - u)))


@inline
def _normal_side(r):  # type: ignore[no-untyped-def]
    """The quantile, without its sign, that belongs to r = _from_end(u), for r up to FAR_SIDE."""
    r -= 1.6
    top = ((((((7.74545014278341407640e-4 * r + 2.27238449892691845833e-2) * r + 2.41780725177450611770e-1) * r
              + 1.27045825245236838258e0) * r + 3.64784832476320460504e0) * r + 5.76949722146069140550e0) * r
           + 4.63033784615654529590e0) * r + 1.42343711074968357734e0  # fmt: skip
    low = ((((((1.05075007164441684324e-9 * r + 5.47593808499534494600e-4) * r + 1.51986665636164571966e-2) * r
              + 1.48103976427480074590e-1) * r + 6.89767334985100004550e-1) * r + 1.67638483018380384940e0) * r
           + 2.05319162663775882187e0) * r + 1.0  # fmt: skip
    return top / low


@inline
def _normal_far(r):  # type: ignore[no-untyped-def]
    """As `_normal_side`, for larger r."""
    r -= 5.0
    top = ((((((2.01033439929228813265e-7 * r + 2.71155556874348757815e-5) * r + 1.24266094738807843860e-3) * r
              + 2.65321895265761230930e-2) * r + 2.96560571828504891230e-1) * r + 1.78482653991729133580e0) * r
           + 5.46378491116411436990e0) * r + 6.65790464350110377720e0  # fmt: skip
    low = ((((((2.04426310338993978564e-15 * r + 1.42151175831644588870e-7) * r + 1.84631831751005468180e-5) * r
              + 7.86869131145613259100e-4) * r + 1.48753612908506148525e-2) * r + 1.36929880922735805310e-1) * r
           + 5.99832206555887937690e-1) * r + 1.0  # fmt: skip
    return top / low


@kernel
def normal(u):  # type: ignore[no-untyped-def]
    """Quantile of the standard normal distribution, relative error about 1e-16 (Wichura, algorithm AS 241, 1988)."""
    q = u - 0.5
    if abs(q) <= MIDDLE:
        return _normal_middle(q)
    r = _from_end(u)
    return np.copysign(_normal_side(r) if r <= FAR_SIDE else _normal_far(r), q)


@inline
def _normals(uniforms, values, count):  # type: ignore[no-untyped-def]
    """Fill values[:count] with the `normal` of each of `uniforms`, which become scratch. Every number takes the way of
    the middle and that of the sides: the processor goes several such ways at a time, but cannot choose for each.
    """
    for i in range(count):
        q = uniforms[np.uint64(i)] - 0.5
        middle = _normal_middle(q)
        values[np.uint64(i)] = middle if abs(q) <= MIDDLE else np.copysign(np.inf, q)
    far = np.int64(0)
    for i in range(count):
        r = _from_end(uniforms[np.uint64(i)])
        far += r > FAR_SIDE
        uniforms[np.uint64(i)] = r
    for i in range(count):
        value, side = values[np.uint64(i)], _normal_side(uniforms[np.uint64(i)])
        values[np.uint64(i)] = value if abs(value) < np.inf else np.copysign(side, value)
    if far > 0:  # one number of 36 billion
        for i in range(count):
            if uniforms[np.uint64(i)] > FAR_SIDE:
                values[np.uint64(i)] = np.copysign(_normal_far(uniforms[np.uint64(i)]), values[np.uint64(i)])


@kernel
def _curved(dist, u):  # type: ignore[no-untyped-def]
    """The distributions that need more than one logarithm; kept out of the hot path of `quantile`."""
    if dist.kind == LOGNORMAL:
        return exp(dist.a + dist.b * normal(u))
    if dist.kind == WEIBULL:
        return dist.a * power(max(-log(u), 0.0), 1.0 / dist.b)
    return dist.a * exp(-log(u) / dist.b)


@inline
def quantile(dist, table, u):  # type: ignore[no-untyped-def]
    """The value of `dist` (a Dist, in its own unit) that belongs to the uniform draw `u`; never negative.

    `table` is the shared float64 array of measured values. A larger u gives a smaller value for EXPONENTIAL, WEIBULL
    and PARETO (they are drawn from the upper end, where the logarithm is exact).
    """
    if dist.kind == CONSTANT:
        return dist.a
    if dist.kind == EXPONENTIAL:
        return max(-dist.a * log(u), 0.0)
    if dist.kind == UNIFORM:
        return dist.a + (dist.b - dist.a) * u
    if dist.kind == EMPIRICAL:
        return table[dist.first + np.int64(u * dist.size)]
    return _curved(dist, u)


@kernel
def quantiles(dist, table, uniforms, values, count):  # type: ignore[no-untyped-def]
    """Fill values[:count] (float64[n]) with what `quantile` gives for each of `uniforms`, to the last bit: a pass for
    each step of a law, of which the processor does several at a time. `uniforms` may hold anything afterwards.
    """
    if dist.kind == EXPONENTIAL:
        for i in range(count):
            values[np.uint64(i)] = max(-dist.a * log(uniforms[np.uint64(i)]), 0.0)
    elif dist.kind == LOGNORMAL:
        _normals(uniforms, values, count)
        for i in range(count):
            values[np.uint64(i)] = exp(dist.a + dist.b * values[np.uint64(i)])
    elif dist.kind == WEIBULL:
        for i in range(count):
            values[np.uint64(i)] = max(-log(uniforms[np.uint64(i)]), 0.0)
        if 1.0 / dist.b != 1.0:
            for i in range(count):
                uniforms[np.uint64(i)] = values[np.uint64(i)]
                values[np.uint64(i)] = 1.0 / dist.b * log(max(values[np.uint64(i)], _LEAST))
            for i in range(count):
                values[np.uint64(i)] = exp(values[np.uint64(i)])
            for i in range(count):
                if uniforms[np.uint64(i)] <= 0.0:
                    values[np.uint64(i)] = 0.0
        for i in range(count):
            values[np.uint64(i)] = dist.a * values[np.uint64(i)]
    elif dist.kind == PARETO:
        for i in range(count):
            values[np.uint64(i)] = -log(uniforms[np.uint64(i)]) / dist.b
        for i in range(count):
            values[np.uint64(i)] = dist.a * exp(values[np.uint64(i)])
    else:
        for i in range(count):
            values[np.uint64(i)] = quantile(dist, table, uniforms[np.uint64(i)])


@inline
def whole_ns(time):  # type: ignore[no-untyped-def]
    """Whole nanoseconds (int64) of a time (float64 ns >= 0), rounded; FAR_NS at most."""
    return np.int64(time + 0.5) if time < _FAR else np.int64(FAR_NS)


@inline
def slowness(a, b, n, queue):  # type: ignore[no-untyped-def]
    """How many times as long a service takes while `queue` others wait: 1 + a · (queue / n)^b."""
    return min(1.0 + a * power(queue / n, b), _MOST_SLOW)


@kernel
def slownesses(a, b, n, known, until, out):  # type: ignore[no-untyped-def]
    """Fill out[known:until] (float64[n]) with the `slowness` of each queue, to the last bit, several at a time."""
    if b == 1.0 or known == 0:
        for queue in range(known, until):
            out[np.uint64(queue)] = slowness(a, b, n, queue)
    else:
        for queue in range(known, until):
            out[np.uint64(queue)] = min(1.0 + a * exp(b * log(queue / n)), _MOST_SLOW)


@inline
def slowed(time, a, b, n, queue):  # type: ignore[no-untyped-def]
    """A service time (float64 ns) while `queue` others wait."""
    return time * slowness(a, b, n, queue)


@inline
def draw(dist, table, key, client, attempt):  # type: ignore[no-untyped-def]
    """One variate of `dist` at an address; a constant costs no hash."""
    if dist.kind == CONSTANT:
        return dist.a
    return quantile(dist, table, uniform(key, client, attempt))


@kernel
def uniforms(key, out):  # type: ignore[no-untyped-def]
    """Fill out (float64[clients]) with the draws of clients 0, 1, … at attempt 0."""
    for client in range(out.shape[0]):
        out[client] = uniform(key, client, 0)


@inline
def _slot(phase, many):  # type: ignore[no-untyped-def]
    return min(np.int64(phase * many), many - 1)


@inline
def _in_order(key, counts, phases):  # type: ignore[no-untyped-def]
    """Fill phases (float64[clients]) with the draws of clients 0, 1, … at attempt 0, the least first. They are even, so
    each is put into the slot where it belongs, of about one each; `counts` int64[clients] is scratch.
    """
    many = np.int64(phases.shape[0])
    for slot in range(many):
        counts[slot] = 0
    for client in range(many):
        counts[_slot(uniform(key, client, 0), many)] += 1
    before = np.int64(0)
    for slot in range(many):
        own, counts[slot] = counts[slot], before
        before += own
    for client in range(many):
        phase = uniform(key, client, 0)
        slot = _slot(phase, many)
        phases[counts[slot]] = phase
        counts[slot] += 1
    for number in range(1, many):
        phase, at = phases[number], np.int64(number)
        while at > 0 and phases[at - 1] > phase:
            phases[at] = phases[at - 1]
            at -= 1
        phases[at] = phase


@kernel
def steady(phase_key, every_ns, duration, grace_ns, table, key, phases, first_ns, expires_ns):  # type: ignore[no-untyped-def]
    """Fill first_ns and expires_ns (int64[clients]) of clients in their steady state: when each submits first, and when
    its lease ends, which is as fresh as its last check; `phases` float64[clients] with the parts of the time between
    two checks at which they submit, in order. A lease lasts as `duration` says and `grace_ns` longer.
    """
    _in_order(phase_key, expires_ns, phases)
    for client in range(phases.shape[0]):
        first = np.int64(phases[client] * every_ns)
        whole = np.int64(min(draw(duration, table, key, client, 0), _FAR) + 0.5) + grace_ns
        first_ns[client] = first
        expires_ns[client] = first - every_ns + min(whole, np.int64(FAR_NS))
