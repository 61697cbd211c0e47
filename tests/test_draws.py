"""Draws by address: the generator, the functions that turn bits into variates, and the shape of what comes out.

Oracles: published vectors of SplitMix64; decimal arithmetic with 50 digits; scipy's distributions. Statistical tests
look at fixed addresses, so they pass or fail for good; 1e-4 is the level at which one of them would fail by chance.
"""

import math
from collections.abc import Callable
from decimal import Decimal, localcontext

import numpy as np
import pytest
from kernel_cases import OVERFLOW
from recovery_kernels import draws
from recovery_kernels.draws import Dist
from scipy import special, stats

pytestmark = pytest.mark.filterwarnings(OVERFLOW)
LEVEL = 1e-4
SMALL = 2000  # draws, where nothing is compiled
EMPTY = np.zeros(1)
with np.errstate(over="ignore"):  # meant, where nothing is compiled
    KEY = np.uint64(draws.stream_key(np.uint64(42), np.uint64(0), np.uint64(draws.SERVICE), np.uint64(3)))
MASK = 2**64 - 1
PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459230781640628620899862803")


def mix64(z: int) -> int:
    """SplitMix64's finalizer in whole numbers without bound."""
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB & MASK
    return z ^ (z >> 31)


def uniform_of(bits: int) -> float:
    """The draw whose 64 bits are these: the finalizer is a bijection, so it can be run backwards to find the key."""
    z = bits ^ (bits >> 31) ^ (bits >> 62)
    z = z * pow(0x94D049BB133111EB, -1, 2**64) & MASK
    z = z ^ (z >> 27) ^ (z >> 54)
    z = z * pow(0xBF58476D1CE4E5B9, -1, 2**64) & MASK
    z = z ^ (z >> 30) ^ (z >> 60)
    assert mix64(z) == bits
    return float(draws.uniform(np.uint64(z - 0x9E3779B97F4A7C15 & MASK), 0, 0))


@pytest.mark.nojit
def test_a_draw_lies_strictly_between_0_and_1() -> None:
    least, most = (uniform_of(bits) for bits in (0, MASK))
    assert least == 2.0**-53
    assert most == 1.0 - 2.0**-53


@pytest.mark.nojit
def test_splitmix64_gives_the_published_numbers() -> None:
    seed = np.uint64(1234567)
    found = [int(draws.at(seed, n)) for n in range(5)]
    assert found == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]


@pytest.mark.nojit
def test_an_address_is_hashed_as_it_says() -> None:
    golden, step = 0x9E3779B97F4A7C15, 0xD1B54A32D192ED03
    for client, attempt in [(0, 0), (1, 0), (0, 1), (12345, 678), (2**27 - 1, 2**40)]:
        bits = mix64(int(KEY) + client * step + (attempt + 1) * golden & MASK)
        assert draws.uniform(KEY, client, attempt) == ((bits >> 12) + 0.5) * 2.0**-52
    key = 0
    for number in (42, 0, draws.SERVICE, 3):
        key = mix64(key + (number + 1) * golden & MASK)
    assert int(KEY) == key


def test_keys_of_streams_and_hosts_differ() -> None:
    keys = {
        int(draws.stream_key(np.uint64(seed), np.uint64(replication), np.uint64(stream), np.uint64(host)))
        for seed in range(4)
        for replication in range(4)
        for stream in range(8)
        for host in range(200)
    }
    assert len(keys) == 4 * 4 * 8 * 200


# --- functions --------------------------------------------------------------------------------------------------------


def exact(function: Callable[[Decimal], Decimal], x: float) -> Decimal:
    with localcontext() as context:
        context.prec = 50
        return function(Decimal(x))


def arguments(count: int) -> list[float]:
    """Where logarithms are asked for: near 1, at ends of table slices, tiny, and anywhere."""
    rng = np.random.default_rng(1)
    slices = 1.0 + np.arange(128) / 128
    ends = [*slices, *np.nextafter(slices, 0), *np.nextafter(slices, 2)]
    near = 1.0 + rng.uniform(-1, 1, count) * 10.0 ** rng.uniform(-16, -1, count)
    far = 10.0 ** rng.uniform(-300, 300, count)
    return [float(x) for x in [*ends, *near, *far, *rng.random(count), 2.0**-54, 1 - 2.0**-53, 1.0]]


@pytest.mark.nojit
def test_log_is_the_logarithm() -> None:
    for x in arguments(SMALL // 4):
        wanted = exact(Decimal.ln, x)
        error = abs(Decimal(float(draws.log(x))) - wanted)
        assert error < Decimal("1e-15") + Decimal("1.25") * Decimal(math.ulp(float(wanted))), x


@pytest.mark.nojit
def test_exp_is_the_exponential() -> None:
    rng = np.random.default_rng(2)
    powers = [*rng.uniform(-700, 700, SMALL // 4), *rng.uniform(-1, 1, SMALL // 4), 0.0, -700.0, 700.0, 1e-300]
    for x in map(float, powers):
        wanted = exact(Decimal.exp, x)
        assert abs(Decimal(float(draws.exp(x))) / wanted - 1) < Decimal("1e-15"), x
    assert draws.exp(0.0) == 1.0
    assert draws.exp(1e9) == draws.exp(700.0)
    assert draws.exp(-1e9) == draws.exp(-700.0) > 0.0


@pytest.mark.nojit
def test_power_is_the_power() -> None:
    rng = np.random.default_rng(3)
    for x, y in zip(10.0 ** rng.uniform(-5, 5, 300), rng.uniform(0.1, 4, 300), strict=True):
        assert draws.power(float(x), float(y)) == pytest.approx(x**y, rel=2e-14)
    assert draws.power(0.0, 2.0) == 0.0
    assert draws.power(0.3, 1.0) == 0.3


@pytest.mark.nojit
def test_normal_is_the_quantile_of_the_normal_distribution() -> None:
    rng = np.random.default_rng(4)
    us = [*rng.random(SMALL), *10.0 ** rng.uniform(-17, -1, 500), 0.075, 0.925, 0.5, 2.0**-54, 1 - 2.0**-53]
    for u in map(float, us):
        assert draws.normal(u) == pytest.approx(special.ndtri(u), rel=5e-15, abs=1e-15), u
    assert draws.normal(0.5) == 0.0


def normal_below(x: Decimal) -> tuple[Decimal, Decimal]:
    """Chance that a standard normal number lies below x, and its density there: the series of Φ − 1/2 by odd powers
    (Abramowitz and Stegun, 26.2.11).
    """
    density = (-x * x / 2).exp() / (2 * PI).sqrt()
    term = total = x
    for odd in range(3, 1000, 2):
        term *= x * x / odd
        total += term
    return Decimal("0.5") + density * total, density


def error_of(dist: Dist, u: float) -> float:
    """Relative error of a quantile, reckoned with 70 digits, of which chances near 0 lose 20 at most."""
    found = Decimal(float(draws.quantile(dist, EMPTY, u)))
    with localcontext() as context:
        context.prec = 70
        a, b, chance = Decimal(dist.a), Decimal(dist.b), Decimal(u)
        if dist.kind == draws.LOGNORMAL:  # one step of Newton, by which the quantile is wrong
            below, density = normal_below((found.ln() - a) / b)
            return float((below - chance) / density * b)
        exact = {
            draws.UNIFORM: lambda: a + (b - a) * chance,
            draws.EXPONENTIAL: lambda: -a * chance.ln(),
            draws.WEIBULL: lambda: a * (-chance.ln()) ** (1 / b),
            draws.PARETO: lambda: a * chance ** (-1 / b),
        }[dist.kind]()
        return float(found / exact - 1)


# --- shape ------------------------------------------------------------------------------------------------------------

LATTICE = 300
PATTERNS: dict[str, Callable[[int], tuple[int, int, int]]] = {
    # number of the draw -> key's number, client, attempt
    "clients": lambda i: (0, i, 0),
    "attempts": lambda i: (0, 0, i),
    "lattice": lambda i: (0, i // LATTICE, i % LATTICE),
    "lattice-of-jobs": lambda i: (0, 10**6 + i // 3, i % 3),
    "diagonal": lambda i: (0, i, i),
    "against": lambda i: (0, i, 10**6 - i),
    "powers": lambda i: (0, i << 7, 1 << (i % 40)),
    "keys": lambda i: (i + 1, 0, 0),
}


def numbers(pattern: str, count: int) -> np.ndarray:
    at = PATTERNS[pattern]
    keys = {0: KEY}
    out = np.empty(count)
    for i in range(count):
        number, client, attempt = at(i)
        key = keys.get(number)
        if key is None:
            key = np.uint64(draws.stream_key(np.uint64(42), np.uint64(1), np.uint64(1), np.uint64(number)))
        out[i] = draws.uniform(key, client, attempt)
    return out


@pytest.mark.parametrize("pattern", PATTERNS)
def test_draws_of_neighbouring_addresses_are_uniform_and_independent(pattern: str) -> None:
    u = numbers(pattern, LATTICE * LATTICE)
    assert 0.0 < u.min() < u.max() < 1.0
    assert len(np.unique(u)) == len(u)
    assert stats.kstest(u, "uniform").pvalue > LEVEL
    assert stats.chisquare(np.bincount((u * 256).astype(int), minlength=256)).pvalue > LEVEL
    low_bits = np.bincount((u * 2.0**52).astype(np.int64) & 255, minlength=256)
    assert stats.chisquare(low_bits).pvalue > LEVEL
    for lag in (1, 2, 3, 7, 64, LATTICE - 1, LATTICE, LATTICE + 1):
        pairs = np.histogram2d(u[:-lag], u[lag:], bins=16, range=[[0, 1], [0, 1]])[0]
        assert stats.chisquare(pairs.ravel()).pvalue > LEVEL, lag
        correlation = np.corrcoef(u[:-lag], u[lag:])[0, 1]
        assert abs(correlation) * math.sqrt(len(u)) < stats.norm.isf(LEVEL / 2), lag


def test_streams_hosts_and_replications_are_independent() -> None:
    count = 50_000
    columns = []
    for address in [(1, 0, 1, 0), (2, 0, 1, 0), (1, 1, 1, 0), (1, 0, 2, 0), (1, 0, 1, 1)]:
        out = np.empty(count)
        draws.uniforms(np.uint64(draws.stream_key(*map(np.uint64, address))), out)
        columns.append(out)
    limit = stats.norm.isf(LEVEL / 2) / math.sqrt(count)
    assert (np.abs(np.corrcoef(columns) - np.eye(len(columns))) < limit).all()


def test_flipping_one_bit_of_an_address_flips_half_of_the_draw() -> None:
    flips = np.zeros(52)
    tries = 0
    for client in range(400):
        for bit in range(20):
            one, other = (
                int(draws.uniform(KEY, number, 5) * 2.0**52) for number in (client << 3, (client << 3) ^ (1 << bit))
            )
            flips += [(one ^ other) >> place & 1 for place in range(52)]
            tries += 1
    # 52 places, each a binomial of 8000 tries
    assert (np.abs(flips / tries - 0.5) < stats.norm.isf(LEVEL / 104) * 0.5 / math.sqrt(tries)).all()


DISTS = {
    "uniform": (Dist(draws.UNIFORM, 2.0, 5.0, 0, 0), stats.uniform(2, 3)),
    "exponential": (Dist(draws.EXPONENTIAL, 3.0, 0.0, 0, 0), stats.expon(scale=3)),
    "lognormal": (Dist(draws.LOGNORMAL, 0.5, 0.8, 0, 0), stats.lognorm(0.8, scale=math.exp(0.5))),
    "weibull": (Dist(draws.WEIBULL, 2.0, 1.7, 0, 0), stats.weibull_min(1.7, scale=2)),
    "weibull-heavy": (Dist(draws.WEIBULL, 2.0, 0.6, 0, 0), stats.weibull_min(0.6, scale=2)),
    "pareto": (Dist(draws.PARETO, 2.0, 3.5, 0, 0), stats.pareto(3.5, scale=2)),
}


def sample(dist: Dist, table: np.ndarray, count: int) -> np.ndarray:
    uniforms, out = np.empty(count), np.empty(count)
    draws.uniforms(KEY, uniforms)
    draws.quantiles(dist, table, uniforms, out, np.int64(count))
    return out


@pytest.mark.parametrize("name", DISTS)
def test_variates_have_their_distribution(name: str) -> None:
    dist, wanted = DISTS[name]
    found = sample(dist, EMPTY, 100_000)
    assert stats.kstest(found, wanted.cdf).pvalue > LEVEL
    interval = stats.norm.isf(LEVEL / 2) * wanted.std() / math.sqrt(len(found))
    assert abs(found.mean() - wanted.mean()) < interval
    assert (found >= 0).all()


@pytest.mark.nojit
@pytest.mark.parametrize("name", DISTS)
def test_quantile_is_the_inverse_of_the_distribution(name: str) -> None:
    dist, wanted = DISTS[name]
    from_above = name in ("exponential", "weibull", "weibull-heavy", "pareto")
    for u in [2.0**-54, 1e-9, 0.01, 0.3, 0.5, 0.77, 0.999]:
        exactly = wanted.isf(u) if from_above else wanted.ppf(u)
        assert draws.quantile(dist, EMPTY, u) == pytest.approx(exactly, rel=1e-12), u
    assert draws.quantile(dist, EMPTY, 1 - 2.0**-53) >= 0.0


@pytest.mark.nojit
@pytest.mark.parametrize("name", DISTS)
def test_quantile_is_right_to_the_last_digits(name: str) -> None:
    dist, _ = DISTS[name]
    rng = np.random.default_rng(6)
    us = [*rng.random(200), *10.0 ** rng.uniform(-16, -1, 100), *(1 - 10.0 ** rng.uniform(-3, -1, 50)), 2.0**-54]
    for u in map(float, us):  # near 1 the logarithm is nearly 0, and right to a number of decimals, not of digits
        assert abs(error_of(dist, u)) < 4e-15 + 5e-16 / -math.log(u), u


@pytest.mark.nojit
@pytest.mark.boundscheck
def test_a_constant_is_constant_and_a_measured_value_is_one_of_its_own() -> None:
    table = np.array([7.0, 1.0, 2.0, 4.0, 9.0])
    assert set(sample(Dist(draws.CONSTANT, 3.25, 0.0, 0, 0), table, 50)) == {3.25}
    found = sample(Dist(draws.EMPIRICAL, 0.0, 0.0, 1, 3), table, SMALL)
    values, counts = np.unique(found, return_counts=True)
    assert values.tolist() == [1.0, 2.0, 4.0]
    assert stats.chisquare(counts).pvalue > LEVEL
    last = Dist(draws.EMPIRICAL, 0.0, 0.0, 2, 3)
    assert draws.quantile(last, table, 1 - 2.0**-53) == 9.0
    assert draws.quantile(last, table, 2.0**-54) == 2.0


@pytest.mark.nojit
@pytest.mark.boundscheck
def test_the_keys_of_many_streams_are_the_single_ones() -> None:
    run, host, streams = (np.uint64(42), np.uint64(1)), np.uint64(3), np.array([draws.PHASE, draws.LEASE, 64 + 24])
    keys = np.empty(len(streams), np.uint64)
    draws.stream_keys(*run, streams, host, keys)
    assert keys.tolist() == [int(draws.stream_key(*run, np.uint64(stream), host)) for stream in streams]


@pytest.mark.nojit
@pytest.mark.boundscheck
def test_a_lease_in_the_steady_state_is_as_fresh_as_the_last_check() -> None:
    lasts = Dist(draws.CONSTANT, 250.4, 0.0, 0, 0)
    for many in (1, 2, 3, 40, 500):
        phases, drawn = np.empty(many), np.empty(many)
        first, expires = np.empty(many, np.int64), np.empty(many, np.int64)
        draws.uniforms(KEY, drawn)
        draws.steady(KEY, np.int64(100), lasts, np.int64(5), EMPTY, KEY, phases, first, expires)
        assert phases.tolist() == sorted(drawn)
        assert first.tolist() == [int(100 * phase) for phase in sorted(drawn)]
        assert (expires - first).tolist() == [155] * many  # the last check was 100 before; 250 rounded, and 5 of grace


@pytest.mark.nojit
@pytest.mark.boundscheck
def test_many_draws_are_the_single_ones() -> None:
    dist, _ = DISTS["exponential"]
    out = np.empty(20)
    draws.uniforms(KEY, out)
    assert out.tolist() == [draws.uniform(KEY, client, 0) for client in range(20)]
    single = [draws.draw(dist, EMPTY, KEY, client, 0) for client in range(20)]
    assert sample(dist, EMPTY, 20).tolist() == single
    assert [draws.quantile(dist, EMPTY, u) for u in out] == single


@pytest.mark.nojit
@pytest.mark.boundscheck
def test_quantiles_side_by_side_are_the_single_ones() -> None:
    table = np.array([7.0, 1.0, 2.0])
    us = [*np.random.default_rng(5).random(40), 2.0**-54, 0.075, 0.0749, 0.5, 0.925, 0.9251, 1 - 2.0**-53]
    others = [Dist(draws.CONSTANT, 3.0, 0.0, 0, 0), Dist(draws.EMPIRICAL, 0.0, 0.0, 0, 3),
              Dist(draws.WEIBULL, 2.0, 1.0, 0, 0)]  # fmt: skip
    for dist in (*(dist for dist, _ in DISTS.values()), *others):
        values = np.zeros(len(us))
        draws.quantiles(dist, table, np.array(us), values, len(us))
        assert values.tolist() == [draws.quantile(dist, table, u) for u in us]
