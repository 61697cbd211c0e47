"""What a class of clients has of its own on a host with several: its rules, its keys, and where it is counted.

Clients are numbered through, class by class, so a class is told from a number. A host without classes is one class,
with the rules and the keys of the host.
"""

import numpy as np

from recovery_kernels.draws import Dist
from recovery_kernels.events import place
from recovery_kernels.jit import inline
from recovery_kernels.lanes.layout import (
    CHECK_EVERY_AT,
    CHECK_JITTER_AT,
    CLIENT_AT,
    DEADLINES,
    DUE,
    DUE_FIRST,
    ESTABLISH_AT,
    FIRST,
    KEYS_AT,
    LANE_BITS,
    LANE_NUMBERS,
    LAW,
    LEASE_AT,
    MASK,
    MEMORY,
    NEVER,
    OFFSET,
    OWN_OLDEST,
    OWN_PEAK,
    OWN_SEEN,
    OWN_STARTS,
    OWN_WAITING,
    RENEW_AT,
    TIMEOUT_AT,
)
from recovery_kernels.policies import Client, Lease
from recovery_kernels.requests import WAITING, Keys, Params


@inline
def class_of(host, client):  # type: ignore[no-untyped-def]
    """The class of a client."""
    number = np.int64(0)
    for other in range(1, host.firsts.shape[0]):
        number += np.int64(client >= host.firsts[place(other)])
    return number


@inline
def queues(host):  # type: ignore[no-untyped-def]
    """How many queues there are: one of each class, or that of the host."""
    return max(host.firsts.shape[0], 1)


@inline
def queue_of(host, number):  # type: ignore[no-untyped-def]
    """The queue of a class, as if it were a lane; without classes that of the host, which is one."""
    return (number + 1) * LANE_NUMBERS + DEADLINES if host.firsts.shape[0] > 0 else np.int64(DEADLINES)


@inline
def waiting_of(host, number):  # type: ignore[no-untyped-def]
    """How many wait in such a queue."""
    return host.whole[place(number * MEMORY + OWN_WAITING if host.firsts.shape[0] > 0 else WAITING)]


@inline
def timeout_of(rules, host, number):  # type: ignore[no-untyped-def]
    """How long (ns) a client of a class waits for its answer."""
    return host.laws[place(number * LAW + TIMEOUT_AT)] if host.firsts.shape[0] > 0 else rules.timeout_ns


@inline
def find_due_first(host):  # type: ignore[no-untyped-def]
    """Copy where the head lies that is due first of those of all queues, where there are classes; of several due at one
    time that is the one of the first class, whose clients have the lowest numbers.
    """
    lanes = host.lanes
    found, due = np.int64(0), np.int64(NEVER << LANE_BITS)
    for number in range(host.firsts.shape[0]):
        own = lanes[place(DUE + queue_of(host, number))]
        if own < due:
            found, due = np.int64(number), own
    if host.firsts.shape[0] > 0:
        queue = queue_of(host, found)
        lanes[DUE_FIRST], lanes[DUE + DEADLINES] = found, due
        lanes[FIRST + DEADLINES] = lanes[place(FIRST + queue)]
        lanes[OFFSET + DEADLINES] = lanes[place(OFFSET + queue)]
        lanes[MASK + DEADLINES] = lanes[place(MASK + queue)]


@inline
def _real(laws, at):  # type: ignore[no-untyped-def]
    return laws[place(at)].view(np.float64)


@inline
def _key(laws, at):  # type: ignore[no-untyped-def]
    return laws[place(at)].view(np.uint64)


@inline
def _dist(laws, at):  # type: ignore[no-untyped-def]
    return Dist(laws[place(at)], _real(laws, at + 1), _real(laws, at + 2), laws[place(at + 3)], laws[place(at + 4)])


@inline
def service_of(host, number, law_at):  # type: ignore[no-untyped-def]
    """The law of a class's services, first ones or renewals, by where it lies; its key; the first of its clients."""
    law = number * LAW
    return _dist(host.laws, law + law_at), _key(host.laws, law + KEYS_AT), host.firsts[place(number)]


@inline
def seen_by(params, keys, host, client, may_be):  # type: ignore[no-untyped-def]
    """The parameters and the keys that hold for a client, and its number within its class, which its draws have.
    Classes there `may_be`.
    """
    establish, renew = params.establish, params.renew
    check_every_ns, check_jitter = params.check_every_ns, params.check_jitter
    policy, lease = params.client, params.lease
    service, retry, check, duration = keys.service, keys.retry, keys.check, keys.lease
    dependency, admission = keys.dependency, keys.admission
    stale, stale_dependency = keys.stale, keys.stale_dependency
    if may_be and host.firsts.shape[0] > 0:
        number, laws = class_of(host, client), host.laws
        client -= host.firsts[place(number)]
        law = number * LAW
        establish, renew = _dist(laws, law + ESTABLISH_AT), _dist(laws, law + RENEW_AT)
        check_every_ns, check_jitter = laws[place(law + CHECK_EVERY_AT)], _real(laws, law + CHECK_JITTER_AT)
        at = law + CLIENT_AT
        policy = Client(
            laws[place(at)], _dist(laws, at + 1), _real(laws, at + 6), _real(laws, at + 7), _real(laws, at + 8),
            laws[place(at + 9)], laws[place(at + 10)], _real(laws, at + 11),
        )  # fmt: skip
        at = law + LEASE_AT
        lease = Lease(
            laws[place(at)], _dist(laws, at + 1), laws[place(at + 6)], laws[place(at + 7)], _real(laws, at + 8)
        )
        at = law + KEYS_AT
        service, retry = _key(laws, at), _key(laws, at + 2)
        check, duration = _key(laws, at + 3), _key(laws, at + 4)
        dependency, admission = _key(laws, at + 5), _key(laws, at + 7)
        stale, stale_dependency = _key(laws, at + 8), _key(laws, at + 9)
    own = Params(
        params.traffic, params.workers, params.timeout, params.cancel, establish, renew, params.fail_after_ns,
        params.reject_cost_ns, params.drop_cost_ns, params.drop_notifies, params.slowdown_a, params.slowdown_b,
        params.slowdown_n, check_every_ns, check_jitter, params.poisson, params.window_ns, policy, params.admission,
        params.queue, lease,
    )  # fmt: skip
    streams = Keys(
        service, keys.timeout, retry, check, duration, dependency, keys.arrival, admission, stale, stale_dependency
    )
    return own, streams, client


@inline
def _look(host, number, now):  # type: ignore[no-untyped-def]
    """See whether at `now` more of a class wait than ever did in this window, those with them who begin later."""
    whole, own, ring = host.whole, number * MEMORY, np.int64(host.begun.shape[0])
    waiting, starts = whole[place(own + OWN_WAITING)], whole[place(own + OWN_STARTS)]
    seen = whole[place(own + OWN_SEEN)]
    while waiting + starts - seen > whole[place(own + OWN_PEAK)]:
        if seen == starts or host.begun_of[place(number * ring + (seen & (ring - 1)))] > now:
            whole[place(own + OWN_PEAK)] = waiting + starts - seen
        else:
            seen += 1
    whole[place(own + OWN_SEEN)] = seen


@inline
def begins(host, number, start, submitted, queued):  # type: ignore[no-untyped-def]
    """One of a class begins at `start`, maybe ahead of the clock; it may have been `queued` before."""
    whole, own, ring = host.whole, number * MEMORY, np.int64(host.begun.shape[0])
    starts = whole[place(own + OWN_STARTS)]
    host.begun_of[place(number * ring + (starts & (ring - 1)))] = start
    whole[place(own + OWN_STARTS)] = starts + 1
    whole[place(own + OWN_SEEN)] = max(whole[place(own + OWN_SEEN)], starts + 1 - ring)  # more are never ahead
    if start == submitted:
        whole[place(own + OWN_SEEN)] = starts + 1
    elif not queued:
        _look(host, number, submitted)


@inline
def waits(host, number, now):  # type: ignore[no-untyped-def]
    """One more of a class waits."""
    host.whole[place(number * MEMORY + OWN_WAITING)] += 1
    _look(host, number, now)


@inline
def is_of_age(host, number, age):  # type: ignore[no-untyped-def]
    """One of a class was so old (ns) at most in this window."""
    at = place(number * MEMORY + OWN_OLDEST)
    host.whole[at] = max(host.whole[at], age)
