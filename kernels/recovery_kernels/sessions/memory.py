"""The arrays of a host of the general engine: an empty host, and one that is enlarged where the loop asked for it."""

from typing import NamedTuple

import numpy as np

from recovery_kernels import requests
from recovery_kernels.arrays import Real, Whole
from recovery_kernels.controllers import FACTS
from recovery_kernels.events import NEVER
from recovery_kernels.sessions import layout
from recovery_kernels.sessions.labour import settle_all
from recovery_kernels.sessions.layout import Host


class Live(NamedTuple):
    """Values of the live keys: int64[HOST_WHOLE_KEYS], float64[HOST_REAL_KEYS], int64[K, CLASS_WHOLE_KEYS],
    float64[K, CLASS_REAL_KEYS].
    """

    whole: Whole
    real: Real
    class_whole: Whole
    class_real: Real


def new_host(
    live: Live,
    *,
    holders: int,
    jobs: int,
    workers: int,
    slots: int,
    windows: int,
    window_ns: int,
    log_lines: int = 0,
    gates: int = 1,
    memory: int = 0,
    written: int = 0,
    is_ranked: bool = False,
    has_nameless: bool = False,
) -> Host:
    """A host whose clients are not there yet (`loop.begin` puts them in).

    `holders`: rows that stay; `jobs`: rows for jobs, as many as are to be expected at one time (0: there are no jobs);
    `workers`: as many as are to be expected; `slots`: of the timing wheel, a power of two; `log_lines`: 0 for no log;
    `gates`: throttles that may be on at one time; `memory`: numbers that controllers remember; `written`: rows that may
    conflict; `is_ranked`: whether the queue's order is a controller's; `has_nameless`: whether stale work of several
    classes is only counted.
    """
    classes, rows = len(live.class_whole), holders + jobs
    leaves = 1 << int(workers + 1).bit_length()
    more = max(gates - 1, 0)
    pool = 1 << int(max(holders, jobs) // 8 + leaves + 16).bit_length()
    host = Host(
        clients=_nobody(rows),
        pauses=np.full(rows, -1.0),
        due=np.full(layout.TIMERS * rows, NEVER, np.int64),
        after=np.full(layout.TIMERS * rows, layout.NONE, np.int32),
        before=np.full(layout.TIMERS * rows, layout.NONE, np.int32),
        heads=np.full(slots, layout.NONE, np.int32),
        near=np.zeros((6 * rows + 128, 3), np.int64),
        requests=_no_requests(pool),
        fates=np.ones(pool),
        free_requests=np.arange(pool - 1, -1, -1),
        scratch=np.zeros(pool, np.int64),
        free_rows=np.concatenate([np.arange(rows - 1, holders - 1, -1), np.zeros(holders, np.int64)]),
        lists=_empty_lists(classes + 3 + more),
        at_worker=np.full(leaves, layout.NONE, np.int64),
        finish=np.full(leaves, NEVER, np.int64),
        tree=requests.tournament(leaves),
        idle=np.arange(leaves),
        whole=np.zeros(layout.WHOLE + more * layout.MORE_WHOLE, np.int64),
        real=np.zeros(layout.REAL + more * layout.MORE_REAL, np.float64),
        of_class=np.zeros((classes + 1, layout.CLASS_WHOLE), np.int64),
        of_class_real=np.zeros((classes, layout.CLASS_REAL), np.float64),
        set_whole=live.whole.copy(),
        set_real=live.real.copy(),
        class_whole=live.class_whole.copy(),
        class_real=live.class_real.copy(),
        base_whole=live.whole.copy(),
        base_real=live.real.copy(),
        base_class_whole=live.class_whole.copy(),
        base_class_real=live.class_real.copy(),
        hands=np.zeros((0, layout.HAND), np.int64),
        hand_reals=np.zeros((0, 3), np.float64),
        holds=np.zeros((0, layout.HOLD), np.int64),
        ends=np.zeros((8, layout.END), np.int64),
        passes=np.zeros((layout.MAX_PRIORITIES, classes + 1), np.int64),
        clocks=np.zeros(layout.MAX_PRIORITIES, np.int64),
        expiring=np.zeros((2, classes, windows + 1), np.int64),
        series=np.zeros((windows + 1, classes + 1, layout.SERIES), np.int64),
        histogram=np.zeros((classes, requests.HISTOGRAM), np.int64),
        latency=np.zeros((classes, requests.HISTOGRAM), np.int64),
        log=np.zeros((log_lines, 5), np.int64),
        memory=np.zeros(memory, np.float64),
        facts=np.zeros(len(FACTS), np.float64),
        written=np.full(written, layout.NONE, np.int64),
        heap=np.zeros((2 * pool if is_ranked else 0, 3), np.int64),
        heap_ranks=np.zeros(2 * pool if is_ranked else 0, np.float64),
        nameless=np.full(4 * pool if has_nameless else 0, layout.NONE, np.int8),
    )
    whole, real = host.whole, host.real
    whole[layout.EDGE] = window_ns
    whole[layout.FREE_REQUESTS] = pool
    whole[layout.FREE_ROWS] = jobs
    whole[
        [
            layout.HOLD_OFF_AT, layout.WAKE_AT, layout.PROBE_AT, layout.GATE_TICK, layout.ADMISSION_TICK,
            layout.NEXT_ARRIVAL,
        ]
    ] = NEVER  # fmt: skip
    whole[[layout.PROBE, layout.PROBE_LATENCY, layout.GATE, layout.FREED]] = layout.NONE
    whole[layout.WHOLE + layout.MORE_GATE :: layout.MORE_WHOLE] = layout.NONE
    host.of_class[:, layout.COMES_AT] = NEVER
    real[[layout.ARRIVAL_SHARE, layout.GATE_SHARE, layout.ADMISSION_SHARE]] = 1.0
    real[[layout.ADMISSION_TOKENS, layout.ADMISSION_BURST]] = live.real[layout.A_BURST]
    return host


def enlarged(host: Host, status: int) -> Host:
    """The same host with more room where `loop.advance` said that it needs some. Raises ValueError for a status that
    asks for none.
    """
    if status == layout.GROW_REQUESTS:
        return _more_requests(host)
    if status == layout.GROW_CLIENTS:
        return _more_clients(host)
    if status == layout.GROW_WORKERS:
        return _more_workers(host)
    if status == layout.GROW_ENDS:
        return host._replace(ends=np.concatenate([host.ends, np.zeros_like(host.ends)]))
    if status == layout.GROW_LOG:
        return host._replace(log=np.concatenate([host.log, np.zeros_like(host.log)]))
    if status == layout.GROW_NAMELESS:
        return _more_nameless(host)
    raise ValueError(f"status is {status}; want one that asks for more room")


def with_edits(host: Host, hands: Whole, hand_reals: Real, holds: Whole) -> Host:
    """The same host with these edits and holds behind those that it knows, which may have begun. What a known edit
    gives may be another value from now on.
    """
    known = len(host.hands)
    host.hands[:, layout.H_TO] = hands[:known, layout.H_TO]
    host.hand_reals[:, layout.HR_TO] = hand_reals[:known, layout.HR_TO]
    return host._replace(
        hands=np.concatenate([host.hands, hands[len(host.hands) :]]),
        hand_reals=np.concatenate([host.hand_reals, hand_reals[len(host.hand_reals) :]]),
        holds=np.concatenate([host.holds, holds[len(host.holds) :]]),
    )


def _more_requests(host: Host) -> Host:
    old, have = len(host.requests), int(host.whole[layout.FREE_REQUESTS])
    free = np.zeros(2 * old, np.int64)
    free[:have] = host.free_requests[:have]
    free[have : have + old] = np.arange(2 * old - 1, old - 1, -1)
    host.whole[layout.FREE_REQUESTS] = have + old
    return host._replace(
        heap=np.concatenate([host.heap, np.zeros_like(host.heap)]),
        heap_ranks=np.concatenate([host.heap_ranks, np.zeros_like(host.heap_ranks)]),
        requests=np.concatenate([host.requests, _no_requests(old)]),
        fates=np.concatenate([host.fates, np.ones(old)]),
        free_requests=free,
        scratch=np.zeros(2 * old, np.int64),
    )


def _more_nameless(host: Host) -> Host:
    old, grown = len(host.nameless), np.full(2 * len(host.nameless), layout.NONE, np.int8)
    order, end = int(host.whole[layout.NAMELESS_FROM]), int(host.whole[layout.ENTERED]) + 1
    while order < end:  # a piece that lies in a row in both
        many = min(end - order, old - (order & (old - 1)))
        here, there = order & (old - 1), order & (2 * old - 1)
        grown[there : there + many] = host.nameless[here : here + many]
        order += many
    return host._replace(nameless=grown)


def _more_clients(host: Host) -> Host:
    old, have = len(host.clients), int(host.whole[layout.FREE_ROWS])
    free = np.zeros(2 * old, np.int64)
    free[:have] = host.free_rows[:have]
    free[have : have + old] = np.arange(2 * old - 1, old - 1, -1)
    host.whole[layout.FREE_ROWS] = have + old
    near = np.zeros((12 * old + 128, 3), np.int64)
    near[: len(host.near)] = host.near
    return host._replace(
        clients=np.concatenate([host.clients, _nobody(old)]),
        pauses=np.concatenate([host.pauses, np.full(old, -1.0)]),
        due=np.concatenate([host.due, np.full(layout.TIMERS * old, NEVER, np.int64)]),
        after=np.concatenate([host.after, np.full(layout.TIMERS * old, layout.NONE, np.int32)]),
        before=np.concatenate([host.before, np.full(layout.TIMERS * old, layout.NONE, np.int32)]),
        near=near,
        free_rows=free,
    )


def _more_workers(host: Host) -> Host:
    old = len(host.finish)
    grown = host._replace(
        at_worker=np.concatenate([host.at_worker, np.full(old, layout.NONE, np.int64)]),
        finish=np.concatenate([host.finish, np.full(old, NEVER, np.int64)]),
        idle=np.concatenate([host.idle, np.arange(old, 2 * old)]),
        tree=requests.tournament(2 * old),
    )
    settle_all(grown)
    return grown


def _nobody(count: int) -> Whole:
    found = np.zeros((count, layout.CLIENT), np.int64)
    found[:, layout.REQUEST] = layout.NONE
    return found


def _no_requests(count: int) -> Whole:
    found = np.zeros((count, layout.REQUEST_COLUMNS), np.int64)
    found[:, [layout.R_ROW, layout.R_STALE, layout.R_WORKER, layout.R_NEXT, layout.R_BEFORE]] = layout.NONE
    return found


def _empty_lists(count: int) -> Whole:
    found = np.full((count, 3), layout.NONE, np.int64)
    found[:, layout.LENGTH] = 0
    return found
