"""Closed forms that simulated results are held against: queues, dimensionless groups, bounds on recovery, intervals.

A leaf: it imports nothing of this project, and no array library when it is imported. Times are seconds (`_s`), rates
are per second (`_per_s`), shares lie between 0 and 1 (`_share`), a number without a suffix is a count. "Never" and
"without bound" are `math.inf`. Impossible input is refused with `ValueError`; an overloaded queue is not impossible, it
has `busy_share` 1 and infinite waits.

Symbols in the docstrings: lambda arrivals a second, mu services a second and worker, c workers, a = lambda / mu the
offered load in erlangs, rho = a / c the offered load a worker, theta patience that ends a second, nu retries a second.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from statistics import NormalDist
from types import MappingProxyType
from typing import NamedTuple

NEGLIGIBLE = 1e-30
"""A state of a birth-death chain this much rarer than the commonest one, and all states beyond it, count as nothing."""

STATES_MAX = 1_000_000
"""The most states of a birth-death chain that are summed before the caller is told to ask for less."""


# --- input ------------------------------------------------------------------------------------------------------------


def _positive(name: str, value: float) -> float:
    if not 0.0 < value < math.inf:
        raise ValueError(f"{name} is {value}; want a finite number above 0")
    return float(value)


def _positive_or_inf(name: str, value: float) -> float:
    if not value > 0.0:
        raise ValueError(f"{name} is {value}; want a number above 0, or inf")
    return float(value)


def _from_zero(name: str, value: float) -> float:
    if not 0.0 <= value < math.inf:
        raise ValueError(f"{name} is {value}; want a finite number from 0")
    return float(value)


def _from_zero_or_inf(name: str, value: float) -> float:
    if not value >= 0.0:
        raise ValueError(f"{name} is {value}; want a number from 0, or inf")
    return float(value)


def _share(name: str, value: float) -> float:
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"{name} is {value}; want a share from 0 to 1")
    return float(value)


def _whole(name: str, value: int, least: int) -> int:
    try:
        whole = operator.index(value)
    except TypeError:
        whole = least - 1
    if whole < least:
        raise ValueError(f"{name} is {value}; want a whole number from {least}")
    return whole


# --- queues -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Queue:
    """The steady state of a queue, as means over a long time or over many arrivals.

    An arrival is *admitted* if it is not turned away for want of a place. Little's law holds inside every instance:
    `queue_length = admitted arrivals a second * wait_s` and `in_system = admitted arrivals a second * sojourn_s`.
    """

    busy_share: float
    """Share of the workers' time that is spent on requests (0 where workers are unlimited)."""
    wait_share: float
    """Share of the admitted that do not find a free worker at once."""
    wait_s: float
    """Mean seconds from admission until service starts or the request gives up; over all admitted, also those that do
    not wait."""
    sojourn_s: float
    """Mean seconds from admission until the request leaves, served or not."""
    queue_length: float
    """Mean number of requests that wait, in the queue or between two tries."""
    in_system: float
    """Mean number of requests that wait or are in service."""
    served_share: float = 1.0
    """Share of all arrivals that are served in the end (in an overloaded queue: that a long run sees served)."""
    lost_share: float = 0.0
    """Share of all arrivals that are turned away for want of a place."""
    abandon_share: float = 0.0
    """Share of all arrivals that are admitted and give up before their service ends."""
    attempts_per_arrival: float = 1.0
    """Mean number of times that a request comes to the door."""


def _overloaded(offered_share: float) -> Queue:
    return Queue(
        busy_share=1.0,
        wait_share=1.0,
        wait_s=math.inf,
        sojourn_s=math.inf,
        queue_length=math.inf,
        in_system=math.inf,
        served_share=1.0 / offered_share,
    )


def erlang_b(offered: float, workers: int) -> float:
    """Share of arrivals lost in M/G/c/c: no waiting, all `workers` busy (Erlang's loss formula).

    B(c) = (a^c / c!) / sum over n = 0..c of a^n / n!, computed by the stable recursion B(0) = 1,
    B(n) = a B(n-1) / (n + a B(n-1)).

    `offered` is a = lambda / mu in erlangs, from 0; `workers` a whole number from 0. Returns a share.
    Raises ValueError for anything else.
    Source: A. K. Erlang 1917; Gross and Harris, Fundamentals of Queueing Theory, section on M/M/c/c.
    """
    offered = _from_zero("offered", offered)
    workers = _whole("workers", workers, 0)
    lost_share = 1.0
    for n in range(1, workers + 1):
        lost_share = offered * lost_share / (n + offered * lost_share)
    return lost_share


def erlang_c(offered: float, workers: int) -> float:
    """Share of arrivals that wait in M/M/c with an unbounded queue (Erlang's delay formula).

    C = B / (1 - rho (1 - B)) with rho = a / c and B of `erlang_b`; 1 where a >= c.

    `offered` is a = lambda / mu in erlangs, from 0; `workers` a whole number from 1. Returns a share.
    Raises ValueError for anything else.
    Source: A. K. Erlang 1917; Gross and Harris, Fundamentals of Queueing Theory, section on M/M/c.
    """
    workers = _whole("workers", workers, 1)
    lost_share = erlang_b(offered, workers)
    if offered >= workers:
        return 1.0
    return lost_share / (1.0 - offered / workers * (1.0 - lost_share))


def mm1(arrival_per_s: float, service_per_s: float) -> Queue:
    """M/M/1: Poisson arrivals, one worker, exponential service, unbounded FIFO.

    rho = lambda / mu; wait = rho / (mu - lambda); sojourn = 1 / (mu - lambda); in system = rho / (1 - rho).
    With rho >= 1 there is no steady state: waits and lengths are infinite.

    Both rates are per second and above 0; raises ValueError otherwise.
    Source: Gross and Harris, Fundamentals of Queueing Theory, section on M/M/1.
    """
    return mmc(arrival_per_s, service_per_s, 1)


def mmc(arrival_per_s: float, service_per_s: float, workers: int) -> Queue:
    """M/M/c: as M/M/1 with `workers` workers and one queue.

    wait share = Erlang C; wait = C / (c mu - lambda); queue length = C rho / (1 - rho); sojourn = wait + 1 / mu;
    in system = queue length + a. With rho >= 1 waits and lengths are infinite.

    `service_per_s` is the rate of one worker. Rates are above 0, `workers` a whole number from 1; raises ValueError
    otherwise.
    Source: Gross and Harris, Fundamentals of Queueing Theory, section on M/M/c.
    """
    arrival_per_s = _positive("arrival_per_s", arrival_per_s)
    service_per_s = _positive("service_per_s", service_per_s)
    workers = _whole("workers", workers, 1)
    busy_share = arrival_per_s / (workers * service_per_s)
    if busy_share >= 1.0:
        return _overloaded(busy_share)
    wait_share = erlang_c(arrival_per_s / service_per_s, workers)
    wait_s = wait_share / (workers * service_per_s - arrival_per_s)
    sojourn_s = wait_s + 1.0 / service_per_s
    return Queue(
        busy_share=busy_share,
        wait_share=wait_share,
        wait_s=wait_s,
        sojourn_s=sojourn_s,
        queue_length=arrival_per_s * wait_s,
        in_system=arrival_per_s * sojourn_s,
    )


def mg1(arrival_per_s: float, mean_service_s: float, cv: float) -> Queue:
    """M/G/1: Poisson arrivals, one worker, any service time, unbounded FIFO (Pollaczek and Khinchine).

    wait = rho / (1 - rho) * (1 + cv^2) / 2 * mean service, with rho = lambda * mean service. With rho >= 1 waits and
    lengths are infinite.

    `cv` is the coefficient of variation of the service time, standard deviation / mean: 0 constant, 1 exponential.
    Rate and time are above 0, `cv` is from 0; raises ValueError otherwise.
    Source: Pollaczek 1930, Khinchine 1932; Gross and Harris, Fundamentals of Queueing Theory, section on M/G/1.
    """
    arrival_per_s = _positive("arrival_per_s", arrival_per_s)
    mean_service_s = _positive("mean_service_s", mean_service_s)
    cv = _from_zero("cv", cv)
    busy_share = arrival_per_s * mean_service_s
    if busy_share >= 1.0:
        return _overloaded(busy_share)
    wait_s = busy_share / (1.0 - busy_share) * (1.0 + cv * cv) / 2.0 * mean_service_s
    sojourn_s = wait_s + mean_service_s
    return Queue(
        busy_share=busy_share,
        wait_share=busy_share,
        wait_s=wait_s,
        sojourn_s=sojourn_s,
        queue_length=arrival_per_s * wait_s,
        in_system=arrival_per_s * sojourn_s,
    )


def mm1k(arrival_per_s: float, service_per_s: float, places: int) -> Queue:
    """M/M/1/K: as M/M/1, but an arrival that finds `places` requests in the system is lost.

    `places` counts the one in service. lost share = (1 - rho) rho^K / (1 - rho^(K+1)), 1 / (K + 1) where rho = 1; waits
    are those of the admitted. Any load has a steady state.

    Rates are per second and above 0, `places` a whole number from 1; raises ValueError otherwise.
    Source: Gross and Harris, Fundamentals of Queueing Theory, section on M/M/c/K.
    """
    return mmck(arrival_per_s, service_per_s, 1, places)


def mmck(arrival_per_s: float, service_per_s: float, workers: int, places: int) -> Queue:
    """M/M/c/K: as M/M/c, but an arrival that finds `places` requests in the system is lost.

    `places` counts those in service, so `places = workers` is Erlang's loss system. Shares of time of the states 0..K
    follow from p(n) min(n, c) mu = p(n-1) lambda; lost share = p(K). Waits are those of the admitted. Any load has a
    steady state.

    `service_per_s` is the rate of one worker. Rates are above 0, `workers` is a whole number from 1 and `places` one
    from `workers`; raises ValueError otherwise, and where more than `STATES_MAX` states matter.
    Source: Gross and Harris, Fundamentals of Queueing Theory, section on M/M/c/K.
    """
    arrival_per_s = _positive("arrival_per_s", arrival_per_s)
    service_per_s = _positive("service_per_s", service_per_s)
    workers = _whole("workers", workers, 1)
    places = _whole("places", places, workers)
    levels = _levels(arrival_per_s, service_per_s, workers, 0.0, places)
    # Not 1 - full share: what is served is what was admitted, and keeps its digits in a deep overload.
    admitted_share = min(levels.busy * service_per_s / arrival_per_s, 1.0)
    admitted_per_s = arrival_per_s * admitted_share
    return Queue(
        busy_share=levels.busy / workers,
        wait_share=levels.wait_share / admitted_share,
        wait_s=levels.waiting / admitted_per_s,
        sojourn_s=(levels.waiting + levels.busy) / admitted_per_s,
        queue_length=levels.waiting,
        in_system=levels.waiting + levels.busy,
        served_share=admitted_share,
        lost_share=levels.full_share,
    )


def erlang_a(
    arrival_per_s: float,
    service_per_s: float,
    workers: int,
    patience_per_s: float,
    *,
    abandon_in_service: bool = False,
) -> Queue:
    """M/M/c+M (Erlang A): as M/M/c, but each request gives up after an exponential patience of mean 1 / theta.

    Birth-death chain: up with lambda, down from n with min(n, c) mu + max(n - c, 0) theta. abandon share =
    theta * queue length / lambda; served share = mu E[busy workers] / lambda. `wait_s` and `sojourn_s` are over all
    arrivals, also those that give up. Any load has a steady state unless theta is 0, which is M/M/c.

    By default a request gives up only while it waits. With `abandon_in_service` it leaves its worker too (the
    `cancel_on_timeout` of the model): the chain is Erlang A with mu + theta in place of mu, and of the requests that
    leave a worker only mu / (mu + theta) are done, so that served share = mu E[busy workers] / lambda still holds and
    abandon share = theta * in system / lambda. Timeouts of the model that are constant, not exponential, are not this
    chain.

    `service_per_s` is the rate of one worker, `patience_per_s` is theta. The first two rates are above 0, theta is from
    0, `workers` a whole number from 1; raises ValueError otherwise, and where more than `STATES_MAX` states matter
    (patience of 10^9 arrivals in overload).
    Source: C. Palm 1957; Garnett, Mandelbaum and Reiman, Designing a Call Center with Impatient Customers,
    Manufacturing and Service Operations Management 4 (2002).
    """
    arrival_per_s = _positive("arrival_per_s", arrival_per_s)
    service_per_s = _positive("service_per_s", service_per_s)
    workers = _whole("workers", workers, 1)
    patience_per_s = _from_zero("patience_per_s", patience_per_s)
    if patience_per_s == 0.0:
        return mmc(arrival_per_s, service_per_s, workers)
    leave_worker_per_s = service_per_s + patience_per_s if abandon_in_service else service_per_s
    levels = _levels(arrival_per_s, leave_worker_per_s, workers, patience_per_s, None)
    in_system = levels.waiting + levels.busy
    impatient = in_system if abandon_in_service else levels.waiting
    return Queue(
        busy_share=levels.busy / workers,
        wait_share=levels.wait_share,
        wait_s=levels.waiting / arrival_per_s,
        sojourn_s=in_system / arrival_per_s,
        queue_length=levels.waiting,
        in_system=in_system,
        served_share=service_per_s * levels.busy / arrival_per_s,
        abandon_share=patience_per_s * impatient / arrival_per_s,
    )


def mm1_retrial(arrival_per_s: float, service_per_s: float, retry_per_s: float) -> Queue:
    """M/M/1 retrial queue: nobody waits at the host; who finds it busy comes again after an exponential time, for ever.

    nu is the rate at which each rejected request tries again (mean time between its tries 1 / nu).
    wait share (blocked at the first try) = rho; in orbit = rho^2 / (1 - rho) + lambda rho / (nu (1 - rho));
    wait = in orbit / lambda = rho / (1 - rho) * (1 / mu + 1 / nu); sojourn = wait + 1 / mu;
    attempts an arrival = 1 + nu * wait. `queue_length` is the orbit. With rho >= 1 the orbit grows without bound,
    whatever nu is; nu to infinity is M/M/1.

    All rates are per second and above 0; raises ValueError otherwise.
    Source: Falin and Templeton, Retrial Queues, Chapman and Hall 1997, chapter 1.
    """
    arrival_per_s = _positive("arrival_per_s", arrival_per_s)
    service_per_s = _positive("service_per_s", service_per_s)
    retry_per_s = _positive("retry_per_s", retry_per_s)
    busy_share = arrival_per_s / service_per_s
    if busy_share >= 1.0:
        return Queue(
            busy_share=1.0,
            wait_share=1.0,
            wait_s=math.inf,
            sojourn_s=math.inf,
            queue_length=math.inf,
            in_system=math.inf,
            served_share=1.0 / busy_share,
            attempts_per_arrival=math.inf,
        )
    wait_s = busy_share / (1.0 - busy_share) * (1.0 / service_per_s + 1.0 / retry_per_s)
    sojourn_s = wait_s + 1.0 / service_per_s
    return Queue(
        busy_share=busy_share,
        wait_share=busy_share,
        wait_s=wait_s,
        sojourn_s=sojourn_s,
        queue_length=arrival_per_s * wait_s,
        in_system=arrival_per_s * sojourn_s,
        attempts_per_arrival=1.0 + retry_per_s * wait_s,
    )


def mminf(arrival_per_s: float, service_per_s: float) -> Queue:
    """M/M/infinity: unlimited workers, nobody waits; `mginf` with mean service 1 / mu.

    Both rates are per second and above 0; raises ValueError otherwise.
    Source: Gross and Harris, Fundamentals of Queueing Theory, section on queues with unlimited service.
    """
    return mginf(arrival_per_s, 1.0 / _positive("service_per_s", service_per_s))


def mginf(arrival_per_s: float, mean_service_s: float) -> Queue:
    """M/G/infinity: unlimited workers, nobody waits, any service time.

    The number in the system is Poisson with mean lambda * mean service. `busy_share` is 0: workers are unlimited.

    Rate and time are above 0; raises ValueError otherwise.
    Source: L. Takacs, Introduction to the Theory of Queues, 1962; Gross and Harris, section on M/G/infinity.
    """
    arrival_per_s = _positive("arrival_per_s", arrival_per_s)
    mean_service_s = _positive("mean_service_s", mean_service_s)
    return Queue(
        busy_share=0.0,
        wait_share=0.0,
        wait_s=0.0,
        sojourn_s=mean_service_s,
        queue_length=0.0,
        in_system=arrival_per_s * mean_service_s,
    )


class _Levels(NamedTuple):
    """Time averages of a birth-death chain."""

    busy: float
    waiting: float
    wait_share: float  # of time: no worker is free, but a place is
    full_share: float  # of time: no place is free


def _levels(
    arrival_per_s: float, leave_worker_per_s: float, workers: int, patience_per_s: float, places: int | None
) -> _Levels:
    """Time averages of the chain with `_states`' rates. No state is given more weight than the commonest, so that
    nothing overflows, however many workers there are."""
    total = busy = waiting = wait = full = 0.0
    for n, weight in _states(arrival_per_s, leave_worker_per_s, workers, patience_per_s, places):
        total += weight
        busy += weight * min(n, workers)
        waiting += weight * max(n - workers, 0)
        if n == places:
            full += weight
        elif n >= workers:
            wait += weight
    return _Levels(busy / total, waiting / total, wait / total, full / total)


def _states(
    arrival_per_s: float, leave_worker_per_s: float, workers: int, patience_per_s: float, places: int | None
) -> Iterator[tuple[int, float]]:
    """States (number in system) of the chain and their weights, those that are not `NEGLIGIBLE`: the commonest state
    with weight 1, then those below it going down, then those above it going up. Weights fall on both sides."""

    def leave_per_s(n: int) -> float:
        return min(n, workers) * leave_worker_per_s + max(n - workers, 0) * patience_per_s

    spare_per_s = workers * leave_worker_per_s - arrival_per_s
    if spare_per_s > 0.0:
        commonest = int(arrival_per_s / leave_worker_per_s)
    elif patience_per_s > 0.0:
        commonest = workers + int(min(-spare_per_s / patience_per_s, 1e300))
    else:
        assert places is not None, "a chain without impatience and without a last place has no steady state"
        commonest = places
    if places is not None:
        commonest = min(commonest, places)
    left = STATES_MAX
    yield commonest, 1.0
    for step in (-1, 1):
        n, weight = commonest, 1.0
        while weight > NEGLIGIBLE and n != (0 if step < 0 else places):
            weight *= leave_per_s(n) / arrival_per_s if step < 0 else arrival_per_s / leave_per_s(n + 1)
            n += step
            left -= 1
            if left < 0:
                raise ValueError(f"more than {STATES_MAX} states matter; want fewer places or shorter patience")
            yield n, weight


# --- recovery ---------------------------------------------------------------------------------------------------------


def hidden_capacity_per_s(service_per_s: float, retries: float | None) -> float:
    """Load below which a queue that was pushed over the edge empties again: mu / (1 + R), per second.

    While it is over the edge, each request is tried 1 + R times, and each try is work that nobody cancels. Unlimited
    retries (`None` or `inf`) give 0: it never comes back unaided.

    `service_per_s` is the capacity of all workers together, above 0; `retries` is R, from 0. Raises ValueError
    otherwise.
    Source: conservation of work; the notion in Bronson, Aghayev, Charapko and Zhu, Metastable Failures in Distributed
    Systems, HotOS 2021.
    """
    service_per_s = _positive("service_per_s", service_per_s)
    retries = math.inf if retries is None else _from_zero_or_inf("retries", retries)
    return service_per_s / (1.0 + retries)


def fluid_bound_s(share: float, unleased: float, establish_per_s: float, renewal_share: float = 0.0) -> float:
    """Seconds that establishing `share` of `unleased` holders takes if no work is wasted: f N / (mu (1 - r3)).

    Without `renewal_share` it is a lower bound on the time to recovery of that share of the backlog. With
    `renewal_share` = r3 of `groups` it counts the renewals of the whole fleet in full: an estimate, no bound, since
    renewals are fewer while leases are missing; `inf` where r3 >= 1. `share` is of the backlog: a fleet of N of which
    only N_unleased lost their lease has the share F of all its holders back once it has f = 1 - (1 - F) N / N_unleased
    of the backlog. Of hosts that are unequally loaded, see `fleet_fluid_bound_s`.

    `share` is from 0 to 1, `unleased` from 0, `establish_per_s` above 0, `renewal_share` from 0; raises ValueError
    otherwise.
    Source: conservation of work (Newell, Applications of Queueing Theory, 1982, on fluid approximations).
    """
    share = _share("share", share)
    unleased = _from_zero("unleased", unleased)
    establish_per_s = _positive("establish_per_s", establish_per_s)
    renewal_share = _from_zero("renewal_share", renewal_share)
    if renewal_share >= 1.0:
        return math.inf
    return share * unleased / (establish_per_s * (1.0 - renewal_share))


def mixed_fluid_bound_s(
    share: float, unleased: Sequence[Sequence[float]], establish_s: Sequence[float], workers: Sequence[float]
) -> float:
    """Seconds until hosts that work side by side have established `share` of several classes' leases, at the least.

    On each host the classes with the shorter times come first, since that makes the most leases in any time: the
    smallest t with sum over hosts of n_h(t) = f * sum of N. With one class it is `fleet_fluid_bound_s`.

    `unleased` has a row a host with one number a class, `establish_s` one number a class, above 0, and `workers` one a
    host, above 0; `share` as in `fluid_bound_s`. Raises ValueError otherwise, and where the lengths differ or are 0.
    Source: conservation of work, and Smith, Various optimizers for single-stage production, 1956 (shortest first).
    """
    share = _share("share", share)
    if not 0 < len(unleased) == len(workers) or any(len(row) != len(establish_s) for row in unleased):
        raise ValueError(
            f"unleased has {len(unleased)} hosts and workers {len(workers)}; want the same, and all classes in each"
        )
    order = sorted(range(len(establish_s)), key=lambda number: _positive("establish_s", establish_s[number]))
    turns: list[tuple[float, float]] = []
    for row, many in zip(unleased, workers, strict=True):
        begin_s = 0.0
        for number in order:
            end_s = begin_s + _from_zero("unleased", row[number]) * establish_s[number] / _positive("workers", many)
            rate = many / establish_s[number]
            turns += [(begin_s, rate), (end_s, -rate)] if end_s > begin_s else []
            begin_s = end_s
    missing, now_s, working_per_s = share * math.fsum(map(math.fsum, unleased)), 0.0, 0.0
    for at_s, change in sorted(turns):
        done = working_per_s * (at_s - now_s)
        if working_per_s > 0 and missing <= done:
            return now_s + missing / working_per_s
        missing, now_s, working_per_s = missing - done, at_s, working_per_s + change
    return now_s


def fleet_fluid_bound_s(
    share: float, unleased: Sequence[float], establish_per_s: Sequence[float], renewal_share: float = 0.0
) -> float:
    """Seconds until hosts that work side by side, each on its own backlog, have established `share` of all of it.

    The smallest t with sum over hosts of min(N_h, mu_h (1 - r3) t) = f * sum of N_h. For equal hosts it is
    `fluid_bound_s` of the fleet; for share 1 it is the slowest host's; for a smaller share of an uneven fleet it is
    less than the largest `fluid_bound_s` over hosts, which is therefore a lower bound only where f = 1.

    `unleased` and `establish_per_s` have one number a host, from 0 and above 0; `share` and `renewal_share` as in
    `fluid_bound_s`. Raises ValueError otherwise, and where the lengths differ or are 0.
    Source: conservation of work, host by host.
    """
    share = _share("share", share)
    renewal_share = _from_zero("renewal_share", renewal_share)
    if not 0 < len(unleased) == len(establish_per_s):
        raise ValueError(
            f"unleased has {len(unleased)} hosts and establish_per_s {len(establish_per_s)}; want the same, from 1"
        )
    hosts = sorted(
        (_from_zero("unleased", count) / _positive("establish_per_s", rate), count, rate)
        for count, rate in zip(unleased, establish_per_s, strict=True)
    )
    if renewal_share >= 1.0:
        return math.inf
    # Hosts in the order in which they are done. Up to each one's end, it and those after it still work.
    working_per_s = list(accumulate(rate for _, _, rate in reversed(hosts)))[::-1]
    missing = share * math.fsum(count for _, count, _ in hosts)
    for (end_s, count, _), rate in zip(hosts, working_per_s, strict=True):
        if missing < end_s * rate:
            return missing / rate / (1.0 - renewal_share)
        missing -= count
    return hosts[-1][0] / (1.0 - renewal_share)


class Explanation(NamedTuple):
    """How a number comes about: `formula` names its inputs in braces, `meaning` is one sentence."""

    formula: str
    meaning: str


class Row(NamedTuple):
    """One explained number: its formula in symbols, and the same formula with the numbers put in."""

    name: str
    value: float
    formula: str
    numbers: str
    meaning: str


SYMBOLS: Mapping[str, str] = MappingProxyType(
    {
        "amplification": "A",
        "check_every_s": "P",
        "holders": "N",
        "establish_per_s": "μ",
        "establish_s": "s",
        "hosts": "M",
        "lease_s": "L",
        "queue_limit": "Q",
        "reject_cost_s": "s_x",
        "renew_s": "s_r",
        "renewal_share": "r3",
        "retries": "R",
        "service_per_s": "μ",
        "share": "f",
        "timeout_s": "τ",
        "unleased": "N_unleased",
        "workers": "c",
    }
)
"""The symbol of every input of `EXPLANATIONS`."""

EXPLANATIONS: Mapping[str, Explanation] = MappingProxyType(
    {
        "establish_per_s": Explanation(
            "{workers} * {hosts} / {establish_s}",
            "Leases that the whole fleet of hosts can establish in a second.",
        ),
        "r1": Explanation(
            "{holders} / ({establish_per_s} * {timeout_s})",
            "Backlog in timeouts: above about 1 an unbounded FIFO works for clients that have already given up.",
        ),
        "r2": Explanation(
            "{queue_limit} * {hosts} / ({establish_per_s} * {timeout_s})",
            "Queue bound in timeouts: below 1 a bounded queue serves only requests that somebody still waits for.",
        ),
        "r3": Explanation(
            "{holders} * {renew_s} / ({check_every_s} * {workers} * {hosts})",
            "Share of the work that renewals need in the steady state: recovery has what is left of 1.",
        ),
        "r4": Explanation(
            "{holders} / ({establish_per_s} * {lease_s})",
            "Refill against expiry: above 1 the first leases run out before the last are made.",
        ),
        "r5": Explanation(
            "{amplification} * {reject_cost_s} / {establish_s}",
            "Share of the work spent on saying no: near 1 a host does nothing else.",
        ),
        "hidden_capacity_per_s": Explanation(
            "{service_per_s} / (1 + {retries})",
            "Load below which a queue that was pushed over the edge empties again without help.",
        ),
        "fluid_bound_s": Explanation(
            "{share} * {unleased} / {establish_per_s}",
            "Time to recovery if no work is wasted and nothing is renewed: nothing can be faster.",
        ),
        "fluid_estimate_s": Explanation(
            "{share} * {unleased} / ({establish_per_s} * (1 - {renewal_share}))",
            "Time to recovery if no work is wasted and all renewals are made.",
        ),
    }
)
"""What each number means and how it is made up."""


def _text(value: float | None) -> str:
    if value is None or math.isinf(value):
        return "inf"
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else f"{value:.6g}"


def explain(name: str, value: float, **inputs: float | None) -> Row:
    """The row of `EXPLANATIONS[name]`, its formula once with symbols and once with `inputs` put in to 6 digits.

    `None` is unlimited and shown as inf. Raises ValueError for a name that has no explanation or an input that is
    missing.
    """
    if name not in EXPLANATIONS:
        raise ValueError(f"name is {name!r}; want one of {', '.join(EXPLANATIONS)}")
    formula, meaning = EXPLANATIONS[name]
    try:
        numbers = formula.format(**{key: _text(number) for key, number in inputs.items()})
    except KeyError as missing:
        raise ValueError(f"explanation of {name} lacks its input {missing}") from None
    return Row(name, value, formula.format(**SYMBOLS), numbers, meaning)


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """The dimensionless groups of a lease scenario with the inputs they were made of; see `groups`."""

    holders: int
    hosts: int
    workers: int
    establish_s: float
    timeout_s: float
    check_every_s: float
    lease_s: float
    renew_s: float
    queue_limit: float
    amplification: float
    reject_cost_s: float
    establish_per_s: float
    r1: float
    r2: float
    r3: float
    r4: float
    r5: float

    def rows(self) -> list[Row]:
        """`establish_per_s` and then r1 to r5, each with its formula, the numbers in it, and its meaning."""
        inputs: dict[str, float | None] = {
            "holders": self.holders,
            "hosts": self.hosts,
            "workers": self.workers,
            "establish_s": self.establish_s,
            "timeout_s": self.timeout_s,
            "check_every_s": self.check_every_s,
            "lease_s": self.lease_s,
            "renew_s": self.renew_s,
            "queue_limit": self.queue_limit,
            "amplification": self.amplification,
            "reject_cost_s": self.reject_cost_s,
            "establish_per_s": self.establish_per_s,
        }
        values = {
            "establish_per_s": self.establish_per_s,
            "r1": self.r1,
            "r2": self.r2,
            "r3": self.r3,
            "r4": self.r4,
            "r5": self.r5,
        }
        return [explain(name, value, **inputs) for name, value in values.items()]


def groups(
    *,
    holders: int,
    hosts: int,
    workers: int,
    establish_s: float,
    timeout_s: float,
    check_every_s: float,
    lease_s: float,
    renew_s: float,
    queue_limit: float | None = None,
    amplification: float = 1.0,
    reject_cost_s: float = 0.0,
) -> Groups:
    """The dimensionless groups of a lease scenario (MODEL.md, section 2). With mu = c M / s establishes a second:

    r1 = N / (mu tau)          backlog in timeouts
    r2 = Q M / (mu tau)        queue bound in timeouts; `inf` where the queue is unbounded
    r3 = N s_r / (P c M)       share of the work that renewals need in the steady state
    r4 = N / (mu L)            refill against expiry
    r5 = A s_x / s             share of the work spent on rejections

    `holders` is N and `hosts` is M, of the whole fleet; `workers` is c, a host; `establish_s` s and `renew_s` s_r are
    mean times of service; `timeout_s` is tau, `check_every_s` P, `lease_s` L. `queue_limit` is Q, the places in the
    queue of one host, `None` for unbounded. `amplification` is A, attempts for each establish that the fleet can do;
    `reject_cost_s` is s_x, the work of one rejection.

    Counts are whole numbers from 1. Times are above 0, `timeout_s` and `lease_s` may be inf; `renew_s`, `queue_limit`
    and `reject_cost_s` are from 0, `amplification` is from 1. Raises ValueError otherwise.
    Source: dimensional analysis of the model (Buckingham 1914); the groups are this project's own.
    """
    holders = _whole("holders", holders, 1)
    hosts = _whole("hosts", hosts, 1)
    workers = _whole("workers", workers, 1)
    establish_s = _positive("establish_s", establish_s)
    timeout_s = _positive_or_inf("timeout_s", timeout_s)
    check_every_s = _positive("check_every_s", check_every_s)
    lease_s = _positive_or_inf("lease_s", lease_s)
    renew_s = _from_zero("renew_s", renew_s)
    queue_limit = math.inf if queue_limit is None else _from_zero_or_inf("queue_limit", queue_limit)
    reject_cost_s = _from_zero("reject_cost_s", reject_cost_s)
    if not 1.0 <= amplification < math.inf:
        raise ValueError(f"amplification is {amplification}; want a finite number from 1")
    establish_per_s = workers * hosts / establish_s
    return Groups(
        holders=holders,
        hosts=hosts,
        workers=workers,
        establish_s=establish_s,
        timeout_s=timeout_s,
        check_every_s=check_every_s,
        lease_s=lease_s,
        renew_s=renew_s,
        queue_limit=queue_limit,
        amplification=float(amplification),
        reject_cost_s=reject_cost_s,
        establish_per_s=establish_per_s,
        r1=holders / (establish_per_s * timeout_s),
        r2=math.inf if math.isinf(queue_limit) else queue_limit * hosts / (establish_per_s * timeout_s),
        r3=holders * renew_s / (check_every_s * workers * hosts),
        r4=holders / (establish_per_s * lease_s),
        r5=amplification * reject_cost_s / establish_s,
    )


# --- intervals --------------------------------------------------------------------------------------------------------


class Interval(NamedTuple):
    """A confidence interval, both ends included."""

    low: float
    high: float


def _trials(successes: int, trials: int, confidence: float) -> tuple[int, int, float]:
    trials = _whole("trials", trials, 1)
    successes = _whole("successes", successes, 0)
    if successes > trials:
        raise ValueError(f"successes is {successes}; want at most trials, {trials}")
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence is {confidence}; want a number between 0 and 1")
    return successes, trials, float(confidence)


def wilson(successes: int, trials: int, confidence: float = 0.95) -> Interval:
    """Wilson's score interval for a proportion, without continuity correction.

    (k + z^2/2 +- z sqrt(k (n - k) / n + z^2/4)) / (n + z^2), z the normal quantile of (1 + confidence) / 2. On average
    over proportions it covers about as often as it says; for a guarantee take `clopper_pearson`.

    `successes` is k, from 0 to n; `trials` is n, from 1; `confidence` lies between 0 and 1. Returns shares. Raises
    ValueError otherwise.
    Source: E. B. Wilson, J. Am. Stat. Assoc. 22 (1927); Brown, Cai and DasGupta, Statistical Science 16 (2001).
    """
    successes, trials, confidence = _trials(successes, trials, confidence)
    z = -NormalDist().inv_cdf((1.0 - confidence) / 2.0)
    middle = successes + z * z / 2.0
    half = z * math.sqrt(successes * (trials - successes) / trials + z * z / 4.0)
    low = 0.0 if successes == 0 else (middle - half) / (trials + z * z)
    high = 1.0 if successes == trials else (middle + half) / (trials + z * z)
    return Interval(low, high)


def clopper_pearson(successes: int, trials: int, confidence: float = 0.95) -> Interval:
    """Clopper and Pearson's exact interval for a proportion: it never covers less often than it says.

    With alpha = 1 - confidence, low solves P(X >= k) = alpha/2 and high solves P(X <= k) = alpha/2 for X binomial: the
    quantile alpha/2 of Beta(k, n - k + 1) and the quantile 1 - alpha/2 of Beta(k + 1, n - k); 0 where k = 0 and 1 where
    k = n.

    `successes` is k, from 0 to n; `trials` is n, from 1; `confidence` lies between 0 and 1. Returns shares. Raises
    ValueError otherwise. Imports scipy when called.
    Source: Clopper and Pearson, Biometrika 26 (1934).
    """
    from scipy.special import betaincinv  # type: ignore[import-untyped, unused-ignore]

    successes, trials, confidence = _trials(successes, trials, confidence)
    tail = (1.0 - confidence) / 2.0
    low = 0.0 if successes == 0 else float(betaincinv(successes, trials - successes + 1, tail))
    high = 1.0 if successes == trials else 1.0 - float(betaincinv(trials - successes, successes + 1, tail))
    return Interval(low, high)
