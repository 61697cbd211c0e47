"""The timing wheel of clients whose delays are random: chunks of rows, put in order when their slot's time comes."""

import numpy as np

from recovery_kernels.events import CLIENT_BITS, place, sift_in, sift_out
from recovery_kernels.fetching import fetch
from recovery_kernels.jit import inline, kernel
from recovery_kernels.lanes.layout import (
    AHEAD,
    CHUNK,
    CLIENT,
    COUNTED_AT_MOST,
    DUE,
    END,
    EXPIRES,
    FETCHED,
    FIRST,
    LANE_BITS,
    LAST,
    LINE,
    MASK,
    NEAR,
    NUMBER,
    ROW,
    TIME,
    VACANT,
    WHO,
)
from recovery_kernels.lanes.rows import push, row_at, write
from recovery_kernels.requests import CURSOR


@inline
def store(pool, following, slots, whole, turn, time, who, expires, number):  # type: ignore[no-untyped-def]
    """Put a row into the last chunk of a slot of the wheel, or into a new one."""
    slot = place(turn & (slots.shape[0] - 1))
    end = np.int64(slots[slot])
    if end % CHUNK == 0:
        before = end // CHUNK - 1
        chunk = whole[VACANT]
        whole[VACANT] = following[place(chunk)]
        following[place(chunk)] = before
        end = chunk * CHUNK
    write(pool, end * ROW, time, who, expires, number)
    slots[slot] = end + 1


@inline
def wait(host, shift, due, who, expires, number):  # type: ignore[no-untyped-def]
    """Put a row into the wheel; it must not be due before what was submitted last."""
    turn = due >> shift
    if turn <= host.whole[CURSOR]:
        push(host.rows, host.lanes, NEAR, due, who, expires, number)
    else:
        store(host.pool, host.following, host.slots, host.whole, turn, due, who, expires, number)


@inline
def _sort(sorting, many):  # type: ignore[no-untyped-def]
    """Put the first so many of `sorting` in order, the largest first, by a heap (Williams, 1964)."""
    for size in range(1, many):
        sift_in(sorting, size, sorting[place(size)])
    for size in range(many, 0, -1):
        least = sorting[0]
        sift_out(sorting, size)
        sorting[place(size - 1)] = least


@inline
def _rank(sorting, many, key):  # type: ignore[no-untyped-def]
    """How many of the first so many of `sorting`, the largest first, are less than one of them."""
    first, last = np.int64(0), np.int64(many - 1)
    while first < last:
        middle = (first + last) >> 1
        if sorting[place(middle)] > key:
            first = middle + 1
        else:
            last = middle
    return many - 1 - first


@kernel
def _sort_in(host, start, many):  # type: ignore[no-untyped-def]
    """Put the first so many of `sorting`, all of a slot that begins at `start`, into NEAR, behind those of earlier
    slots. Of few the rank of each is counted, without a branch; more are sorted, and the place of each is looked up:
    where many are due at one time they came in any order.
    """
    rows, lanes, pool, sorting, places = host.rows, host.lanes, host.pool, host.sorting, host.places
    least, most = sorting[0], sorting[0]
    end = lanes[place(END + NEAR)]
    is_few = many <= COUNTED_AT_MOST
    if not is_few:
        _sort(sorting, many)
        least, most = sorting[place(many - 1)], sorting[0]
    for a in range(many):
        row = np.int64(places[place(a)]) * ROW
        rank = np.int64(0)
        if is_few:
            key = sorting[place(a)]
            least, most = min(least, key), max(most, key)
            for b in range(many):
                rank += sorting[place(b)] < key
        else:
            key = ((pool[place(row + TIME)] - start) << CLIENT_BITS) | (pool[place(row + WHO)] & CLIENT)
            rank = _rank(sorting, many, key)
        to = row_at(lanes, NEAR, end + rank)
        for column in range(ROW):
            rows[place(to + column)] = pool[place(row + column)]
    lanes[place(END + NEAR)] = end + many
    if end == lanes[place(FIRST + NEAR)]:
        lanes[place(DUE + NEAR)] = ((start + (least >> CLIENT_BITS)) << LANE_BITS) | NEAR
    lanes[place(LAST + NEAR)] = max(lanes[place(LAST + NEAR)], start + (most >> CLIENT_BITS))


@inline
def fetch_end(pool, slots, turn):  # type: ignore[no-untyped-def]
    """Let that come to the cache which lies where the next row of a slot will be."""
    fetch(pool, np.int64(slots[place(turn & (slots.shape[0] - 1))]) * ROW)


@inline
def _fetch(host, turn, before):  # type: ignore[no-untyped-def]
    """Let a chunk of a slot come to the cache, the newest one or so many before it; those after it have come."""
    end = np.int64(host.slots[place(turn & (host.slots.shape[0] - 1))])
    chunk = (end - 1) // CHUNK if end > 0 else np.int64(-1)
    for _ in range(before):
        if chunk >= 0:
            chunk = np.int64(host.following[place(chunk)])
    if chunk >= 0:
        fetch(host.following, chunk)
        for line in range(chunk * CHUNK * ROW, (chunk + 1) * CHUNK * ROW, LINE):
            fetch(host.pool, line)


@inline
def _to_front(rows, lanes):  # type: ignore[no-untyped-def]
    """Move the rows of NEAR to the begin of its ring, where those of earlier slots lay, so that they stay in the cache.
    Those that go over the ring's end are left where they are.
    """
    first, many = lanes[place(FIRST + NEAR)], lanes[place(END + NEAR)] - lanes[place(FIRST + NEAR)]
    mask = lanes[place(MASK + NEAR)]
    if (first & mask) + many > mask + 1:
        return
    for number in range(many if first > 0 else 0):
        at, to = row_at(lanes, NEAR, first + number), row_at(lanes, NEAR, number)
        for column in range(ROW):
            rows[place(to + column)] = rows[place(at + column)]
    lanes[place(FIRST + NEAR)], lanes[place(END + NEAR)] = 0, many


@kernel
def turn(host, shift, until):  # type: ignore[no-untyped-def]
    """Turn the wheel, whose next slot begins by `until`, until NEAR has a batch of rows, or to the last slot that
    begins by then. Returns when the slot after that begins.
    """
    whole = host.whole
    lanes = host.lanes
    pool = host.pool
    mask = host.slots.shape[0] - 1
    _to_front(host.rows, lanes)
    while lanes[place(END + NEAR)] - lanes[place(FIRST + NEAR)] < AHEAD and (whole[CURSOR] + 1) << shift <= until:
        whole[CURSOR] += 1
        slot = place(whole[CURSOR] & mask)
        end = np.int64(host.slots[slot])
        if end == 0:
            continue
        host.slots[slot] = 0
        for before in range(FETCHED):
            _fetch(host, whole[CURSOR] + FETCHED - before, before)
        start = whole[CURSOR] << shift
        many = 0
        newest = (end - 1) // CHUNK
        chunk = newest
        while chunk >= 0:
            for at in range(chunk * CHUNK, end):
                row = at * ROW
                time, who = pool[place(row + TIME)], pool[place(row + WHO)]
                if time >> shift == whole[CURSOR]:
                    host.sorting[place(many)] = ((time - start) << CLIENT_BITS) | (who & CLIENT)
                    host.places[place(many)] = at
                    many += 1
                else:  # of a later round
                    expires, number = pool[place(row + EXPIRES)], pool[place(row + NUMBER)]
                    store(pool, host.following, host.slots, whole, whole[CURSOR], time, who, expires, number)
            chunk = np.int64(host.following[place(chunk)])
            end = (chunk + 1) * CHUNK
        if many > 0:
            _sort_in(host, start, many)
        while newest >= 0:  # its chunks are free
            chunk = np.int64(host.following[place(newest)])
            host.following[place(newest)] = whole[VACANT]
            whole[VACANT] = newest
            newest = chunk
    return (whole[CURSOR] + 1) << shift
