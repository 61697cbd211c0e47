"""Which hosts the lane engine carries, and what follows from their parameters."""

from collections.abc import Sequence

from recovery_kernels import limits, policies
from recovery_kernels.draws import CONSTANT
from recovery_kernels.lanes.layout import FAR, MOST_WORKERS, MOST_WORKERS_NEWEST_FIRST, NEVER, TIME_BITS, Rules
from recovery_kernels.requests import JOBS, Inputs, Params


def _whole_ns(time: float) -> int:
    """As draws.whole_ns, which called from Python would be machine code of its own; FAR at most."""
    return int(time + 0.5) if time < FAR else FAR


def _constant_retry_ns(client: policies.Client) -> int:
    """What a client waits after any failure; -1 where that is not always the same."""
    if client.kind == policies.IMMEDIATE:
        return 0
    if client.kind == policies.FIXED:
        return _whole_ns(client.delay.a) if client.delay.kind == CONSTANT else -1
    if client.kind == policies.EXPONENTIAL and (client.factor == 1.0 or client.base_ns >= client.cap_ns):
        return _whole_ns(min(client.base_ns, client.cap_ns))
    return -1


def carries(params: Params, horizon_ns: int) -> bool:
    """Whether this engine can run a host with these rules to the horizon."""
    is_carried = params.client.retries < 0 and params.check_every_ns * (1.0 - params.check_jitter) >= 4
    return (
        (params.traffic == JOBS or is_carried)
        and params.workers <= MOST_WORKERS
        and horizon_ns <= 1 << (TIME_BITS - int(params.workers - 1).bit_length())
        and params.timeout.kind == CONSTANT
        and (params.queue.kind != policies.LIFO or params.workers <= MOST_WORKERS_NEWEST_FIRST)
        and params.client.round_trip_ns >= 1
        and params.lease.kind not in (policies.FREEZE, policies.FREEZE_UNTIL_HEARD)
    )


def go_together(each: Sequence[Params]) -> bool:
    """Whether it can run a host with several classes, whose rules it carries: of each the oldest is taken first."""
    return len(each) == 1 or each[0].queue.kind != policies.LIFO


def looks_at_queue(params: Params) -> bool:
    """Whether those who wait are looked at one by one, as they leave when they time out or the newest is taken first:
    then `advance_any` runs the host, else `advance`.
    """
    return bool(params.cancel != 0 or params.queue.kind == policies.LIFO)


def rules_of(params: Params, inputs: Inputs, *, counts_stale: bool, slowed_by_busy: bool) -> Rules:
    """What follows from the parameters of a host that `carries`."""
    retry_ns = _constant_retry_ns(params.client)
    trip_ns = min(params.client.round_trip_ns, FAR)
    answer_ns = max(retry_ns, trip_ns) if retry_ns >= 0 else -1
    least_answer_ns = max(answer_ns, trip_ns)
    check_ns = _whole_ns(float(params.check_every_ns)) if params.check_jitter <= 0.0 else -1
    soonest_ns = _whole_ns(params.check_every_ns * (1.0 - params.check_jitter)) - 2
    least_check_ns = check_ns if check_ns >= 0 else soonest_ns
    if params.traffic == JOBS:
        check_ns, least_check_ns = 0, NEVER  # their lane is that of checks; nobody comes again after a success
        if params.client.retries >= 0:
            # A job gives up at its deadline, or when its failure is told, and not when it would try again.
            retry_ns, least_answer_ns = 0 if retry_ns == 0 or params.client.retries == 0 else -1, 0
    lease_ns = -1
    if params.lease.duration.kind == CONSTANT:
        lease_ns = min(_whole_ns(params.lease.duration.a) + params.lease.grace_ns, FAR)
    is_eager = (
        params.queue.kind == policies.FIFO
        and params.cancel == 0
        and params.slowdown_a <= 0.0
        and params.admission.kind in (limits.OPEN, limits.TOKEN_BUCKET)
    )
    return Rules(
        timeout_ns=max(_whole_ns(params.timeout.a), 1),
        retry_ns=retry_ns,
        answer_ns=answer_ns,
        check_ns=check_ns,
        lease_ns=lease_ns,
        least_check_ns=least_check_ns,
        least_answer_ns=least_answer_ns,
        is_eager=int(is_eager),
        counts_stale=int(counts_stale),
        slowed_by_busy=int(slowed_by_busy),
        worker_bits=int(params.workers - 1).bit_length(),
        windows_per_ns=1.0 / params.window_ns,
    )


def rules_of_all(each: Sequence[Rules], priorities: Sequence[int]) -> Rules:
    """The same of a host with several classes that `go_together`, of the rules of each: a delay that is not the same
    for all is none that is always the same. Only retries may differ: they follow deadlines, and so lie in the queue of
    each class. The timeout is the least. Who comes later may be taken sooner where priorities differ.
    """
    first = each[0]
    return first._replace(
        timeout_ns=min(one.timeout_ns for one in each),
        is_eager=min(each[0].is_eager, int(len(set(priorities)) == 1)),
        retry_ns=min(one.retry_ns for one in each),
        answer_ns=_same([one.answer_ns for one in each]),
        check_ns=_same([one.check_ns for one in each]),
        lease_ns=-1,
        least_check_ns=min(one.least_check_ns for one in each),
        least_answer_ns=min(one.least_answer_ns for one in each),
    )


def _same(delays_ns: Sequence[int]) -> int:
    """The delay that all have; -1 where they differ."""
    return delays_ns[0] if len(set(delays_ns)) == 1 else -1
