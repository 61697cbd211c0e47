"""Hosts of the lane engine one after the other, in the memory of one: each is put in and, at its end, added up.

What a host has in the end is looked at once and no more: so hosts whose numbers are the same need not come back to
Python, nor have arrays of their own.
"""

from typing import NamedTuple

import numpy as np

from recovery_kernels import draws
from recovery_kernels.arrays import Bits, Real, Short, Whole
from recovery_kernels.events import place
from recovery_kernels.jit import inline, kernel
from recovery_kernels.lanes.ends import begin, close, leases, unleased
from recovery_kernels.lanes.layout import LAST, OFFSET
from recovery_kernels.requests import (
    LEASED_END,
    NOW,
    OLDEST_MAX_NS,
    OLDEST_NS,
    SERIES,
    UNLEASED_CARRY,
    UNLEASED_NS,
    Keys,
)

# Turns.at: which host has its turn, by its place; whether it is put in; how many holders were there at the ends of all.
NEXT, IS_IN, FOUND = range(3)


class Empty(NamedTuple):
    """What a host has in arrays that are not all zero, when nobody is there: as in `layout.Host`."""

    lanes: Whole
    following: Short
    free: Whole
    least: Whole
    workers: Whole
    whole: Whole
    real: Real


class Turns(NamedTuple):
    """Hosts that take turns, and their sums.

    at int64[3]; streams int64[11], the numbers of the streams of phases and of `Keys`, and keys uint64[11], theirs at
    the host that has its turn. hosts int64[n] are the hosts, with so many holders int64[n]; none: a host alone. phases
    float64[most], first_ns, expires_ns int64[most] for its holders, order int64[most] 0, 1, …

    Of all hosts: series int64[windows, SERIES], sums and, of ages, the largest; leased int64[zones, windows] of each
    zone. leased_at int64[n], of each at the end of window `edge`, if there is one. unleased int64[3], the time without
    leases: s, ns, and UNLEASED_CARRY. Times in the system add up in the histogram of the host.
    """

    at: Whole
    seed: np.uint64
    replication: np.uint64
    streams: Whole
    keys: Bits
    hosts: Whole
    holders: Whole
    phases: Real
    first_ns: Whole
    expires_ns: Whole
    order: Whole
    empty: Empty
    edge: int
    series: Whole
    leased: Whole
    leased_at: Whole
    unleased: Whole


@inline
def keys_of(turns):  # type: ignore[no-untyped-def]
    """The keys of the host that has its turn."""
    keys = turns.keys
    return Keys(keys[1], keys[2], keys[3], keys[4], keys[5], keys[6], keys[7], keys[8], keys[9], keys[10])


@inline
def _copy(source, target, first, end):  # type: ignore[no-untyped-def]
    for number in range(first, end):
        target[place(number)] = source[place(number)]


@inline
def _forget(host, empty):  # type: ignore[no-untyped-def]
    """Let nobody be there. Rings stay as long as they have become."""
    _copy(empty.lanes, host.lanes, 0, OFFSET)
    _copy(empty.lanes, host.lanes, LAST, empty.lanes.shape[0])
    _copy(empty.following, host.following, 0, empty.following.shape[0])
    _copy(empty.free, host.free, 0, empty.free.shape[0])
    _copy(empty.least, host.least, 0, empty.least.shape[0])
    _copy(empty.workers, host.workers, 0, empty.workers.shape[0])
    _copy(empty.whole, host.whole, 0, empty.whole.shape[0])
    _copy(empty.real, host.real, 0, empty.real.shape[0])
    host.slots[:] = 0
    host.expiring[:] = 0
    host.series[:, :] = 0


@kernel
def put_in(params, rules, inputs, host, turns, shift):  # type: ignore[no-untyped-def]
    """Let the next host have its turn, in its steady state."""
    number = turns.at[NEXT]
    many = turns.holders[number]
    if number > 0:
        _forget(host, turns.empty)
    of_host = np.uint64(turns.hosts[number])
    draws.stream_keys(turns.seed, turns.replication, turns.streams, of_host, turns.keys)
    first_ns, expires_ns, order = turns.first_ns[:many], turns.expires_ns[:many], turns.order[:many]
    lease = params.lease
    draws.steady(
        turns.keys[0], np.int64(params.check_every_ns), lease.duration, np.int64(lease.grace_ns), inputs.table,
        keys_of(turns).lease, turns.phases[:many], first_ns, expires_ns,
    )  # fmt: skip
    _copy(expires_ns, host.leases, 0, min(host.leases.shape[0], many))
    begin(np.int64(params.window_ns), first_ns, expires_ns, order, host, shift, rules.check_ns >= 0)
    turns.at[IS_IN] = 1


@kernel
def add(params, rules, host, turns):  # type: ignore[no-untyped-def]
    """The host that has its turn is at its end: add it to the sums."""
    number, series, own = turns.at[NEXT], turns.series, host.series
    expires_ns, parts, whole = turns.expires_ns[: turns.holders[number]], turns.unleased, host.whole
    close(params.workers, rules, host)
    turns.at[FOUND] += leases(host.rows, host.lanes, host.workers, host.slots, host.pool, host.following, expires_ns)
    unleased(expires_ns, whole[NOW], parts)
    parts[0] += whole[UNLEASED_NS] // 1_000_000_000
    parts[1] += whole[UNLEASED_NS] % 1_000_000_000
    parts[2] += whole[UNLEASED_CARRY]
    zone = turns.hosts[number] % turns.leased.shape[0]
    for window in range(series.shape[0]):
        row, flows = series[place(window)], own[place(window)]
        oldest, oldest_max = max(row[OLDEST_NS], flows[OLDEST_NS]), max(row[OLDEST_MAX_NS], flows[OLDEST_MAX_NS])
        for column in range(SERIES):
            row[place(column)] += flows[place(column)]
        row[OLDEST_NS], row[OLDEST_MAX_NS] = oldest, oldest_max
        turns.leased[zone, window] += flows[LEASED_END]
    if 0 <= turns.edge < series.shape[0]:
        turns.leased_at[number] = own[turns.edge, LEASED_END]
    turns.at[NEXT] = number + 1
    turns.at[IS_IN] = 0
