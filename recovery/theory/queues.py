"""The steady state of queues: from arrivals, services and workers to waits, lengths and losses.

Symbols in the docstrings: lambda arrivals a second, mu services a second and worker, c workers, a = lambda / mu the
offered load in erlangs, rho = a / c the offered load a worker, theta patience that ends a second, nu retries a second.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from recovery.theory import given

NEGLIGIBLE = 1e-30
"""A state of a birth-death chain this much rarer than the commonest one, and all states beyond it, count as nothing."""

STATES_MAX = 1_000_000
"""The most states of a birth-death chain that are summed before the caller is told to ask for less."""


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
    offered = given.from_zero("offered", offered)
    workers = given.whole("workers", workers, 0)
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
    workers = given.whole("workers", workers, 1)
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
    arrival_per_s = given.positive("arrival_per_s", arrival_per_s)
    service_per_s = given.positive("service_per_s", service_per_s)
    workers = given.whole("workers", workers, 1)
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
    arrival_per_s = given.positive("arrival_per_s", arrival_per_s)
    mean_service_s = given.positive("mean_service_s", mean_service_s)
    cv = given.from_zero("cv", cv)
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
    arrival_per_s = given.positive("arrival_per_s", arrival_per_s)
    service_per_s = given.positive("service_per_s", service_per_s)
    workers = given.whole("workers", workers, 1)
    places = given.whole("places", places, workers)
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
    arrival_per_s = given.positive("arrival_per_s", arrival_per_s)
    service_per_s = given.positive("service_per_s", service_per_s)
    workers = given.whole("workers", workers, 1)
    patience_per_s = given.from_zero("patience_per_s", patience_per_s)
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
    arrival_per_s = given.positive("arrival_per_s", arrival_per_s)
    service_per_s = given.positive("service_per_s", service_per_s)
    retry_per_s = given.positive("retry_per_s", retry_per_s)
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
    return mginf(arrival_per_s, 1.0 / given.positive("service_per_s", service_per_s))


def mginf(arrival_per_s: float, mean_service_s: float) -> Queue:
    """M/G/infinity: unlimited workers, nobody waits, any service time.

    The number in the system is Poisson with mean lambda * mean service. `busy_share` is 0: workers are unlimited.

    Rate and time are above 0; raises ValueError otherwise.
    Source: L. Takacs, Introduction to the Theory of Queues, 1962; Gross and Harris, section on M/G/infinity.
    """
    arrival_per_s = given.positive("arrival_per_s", arrival_per_s)
    mean_service_s = given.positive("mean_service_s", mean_service_s)
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
