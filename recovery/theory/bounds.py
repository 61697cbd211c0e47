"""Bounds on a recovery: the load below which it happens, and the least time that it takes if no work is wasted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate

from recovery.theory import given


def hidden_capacity_per_s(service_per_s: float, retries: float | None) -> float:
    """Load below which a queue that was pushed over the edge empties again: mu / (1 + R), per second.

    While it is over the edge, each request is tried 1 + R times, and each try is work that nobody cancels. Unlimited
    retries (`None` or `inf`) give 0: it never comes back unaided.

    `service_per_s` is the capacity of all workers together, above 0; `retries` is R, from 0. Raises ValueError
    otherwise.
    Source: conservation of work; the notion in Bronson, Aghayev, Charapko and Zhu, Metastable Failures in Distributed
    Systems, HotOS 2021.
    """
    service_per_s = given.positive("service_per_s", service_per_s)
    retries = math.inf if retries is None else given.from_zero_or_inf("retries", retries)
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
    share = given.share("share", share)
    unleased = given.from_zero("unleased", unleased)
    establish_per_s = given.positive("establish_per_s", establish_per_s)
    renewal_share = given.from_zero("renewal_share", renewal_share)
    if renewal_share >= 1.0:
        return math.inf
    return share * unleased / (establish_per_s * (1.0 - renewal_share))


def admission_estimate_s(share: float, unleased: float, admission_per_s: float, renewals_per_s: float = 0.0) -> float:
    """Seconds that an admission of so many a second takes to let in `share` of `unleased` holders, beside all renewals
    that need its leave too: f N / (a - r); `inf` where these take all of it.

    An estimate: it counts the renewals of the whole fleet in full, which are fewer while leases are missing, and takes
    it that somebody asks at every moment. Without renewals it is a lower bound.

    `share` is from 0 to 1, `unleased` and `renewals_per_s` from 0, `admission_per_s` above 0; raises ValueError
    otherwise.
    Source: conservation of requests.
    """
    share = given.share("share", share)
    unleased = given.from_zero("unleased", unleased)
    left_per_s = given.positive("admission_per_s", admission_per_s) - given.from_zero("renewals_per_s", renewals_per_s)
    return share * unleased / left_per_s if left_per_s > 0 else math.inf


def closed_loop_s(clients: float, service_per_s: float, think_s: float) -> float:
    """Seconds that each of so many clients waits for an answer, its service included, where each thinks for `think_s`
    after every answer and there are more of them than can be served: N / mu - Z, at least 0.

    The interactive response time law, R = N / X - Z, at the throughput X = mu of a server that is always busy. It is
    the mean where it is well above the time of one service.

    `clients` is N from 0, `service_per_s` mu of all workers together above 0, `think_s` Z from 0; raises ValueError
    otherwise.
    Source: Denning and Buzen, The Operational Analysis of Queueing Network Models, ACM Computing Surveys 10, 1978.
    """
    clients, think_s = given.from_zero("clients", clients), given.from_zero("think_s", think_s)
    return max(clients / given.positive("service_per_s", service_per_s) - think_s, 0.0)


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
    share = given.share("share", share)
    if not 0 < len(unleased) == len(workers) or any(len(row) != len(establish_s) for row in unleased):
        raise ValueError(
            f"unleased has {len(unleased)} hosts and workers {len(workers)}; want the same, and all classes in each"
        )
    order = sorted(range(len(establish_s)), key=lambda number: given.positive("establish_s", establish_s[number]))
    turns: list[tuple[float, float]] = []
    for row, many in zip(unleased, workers, strict=True):
        begin_s = 0.0
        for number in order:
            end_s = begin_s + given.from_zero("unleased", row[number]) * establish_s[number] / given.positive(
                "workers", many
            )
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
    share = given.share("share", share)
    renewal_share = given.from_zero("renewal_share", renewal_share)
    if not 0 < len(unleased) == len(establish_per_s):
        raise ValueError(
            f"unleased has {len(unleased)} hosts and establish_per_s {len(establish_per_s)}; want the same, from 1"
        )
    hosts = sorted(
        (given.from_zero("unleased", count) / given.positive("establish_per_s", rate), count, rate)
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
