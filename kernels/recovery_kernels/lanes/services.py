"""What comes of a service when it ends: a lease, a failure, an answer, or nothing, and when its client comes again."""

import numpy as np

from recovery_kernels import draws, policies
from recovery_kernels.batches import window_of
from recovery_kernels.events import CLIENT_BITS, NOBODY, place
from recovery_kernels.jit import inline, kernel
from recovery_kernels.lanes.classes import class_of, seen_by
from recovery_kernels.lanes.layout import (
    ANSWERS,
    CHECKS,
    CLIENT,
    EXPIRES_AT,
    FAR,
    FORESEEN,
    GRANTS,
    HEARD,
    HISTOGRAM_OF_STALE,
    IDLE,
    MEMORY,
    NEVER,
    NEW,
    OLD,
    OUTCOME,
    PAID_NS,
    STARTED_AT,
    SUBMITTED_AT,
    TELLS,
    TRY,
    WASTES,
    WHICH,
    WHO_IS,
)
from recovery_kernels.lanes.rows import push
from recovery_kernels.lanes.wheel import wait
from recovery_kernels.requests import (
    BIN,
    BUSY,
    BUSY_NS,
    CANCELLED,
    ESTABLISHED,
    FAILED,
    FAILED_NS,
    GAVE_UP,
    LEASED,
    OPEN,
    OVERHEAD_NS,
    SLEEPERS,
    SUCCEEDED,
    UNLEASED_CARRY,
    UNLEASED_CARRY_NS,
    UNLEASED_NS,
    USEFUL_NS,
    WASTED,
    WASTED_NS,
    part_of,
)
from recovery_kernels.sessions.layout import SERIES


@kernel
def wait_again(params, keys, inputs, host, shift, now, who, expires, number, is_answer):  # type: ignore[no-untyped-def]
    """The client's attempt came to nothing: it sleeps in the wheel. `who` counts the failure already."""
    own, streams, client = seen_by(params, keys, host, who & CLIENT, True)
    delay = policies.retry_delay_ns(own.client, inputs.table, streams.retry, client, number >> 1, who >> CLIENT_BITS)
    if is_answer:
        delay = max(delay, params.client.round_trip_ns)
    wait(host, shift, now + min(delay, FAR), who, expires, number)


@inline
def answer(params, rules, keys, inputs, host, shift, is_jobs, now, who, expires, number):  # type: ignore[no-untyped-def]
    """The client hears that its attempt came to nothing. Returns 1 if that ends a job, else 0."""
    if is_jobs and policies.gives_up(params.client, (who + TRY) >> CLIENT_BITS):
        host.series[place(host.whole[BIN]), GAVE_UP] += 1
        return 1
    if rules.answer_ns >= 0:
        push(host.rows, host.lanes, ANSWERS, now + rules.answer_ns, who + TRY, expires, number)
    else:
        wait_again(params, keys, inputs, host, shift, now, who + TRY, expires, number, True)
    return 0


@inline
def _runs_out(params, rules, host, number, expires, kept, change):  # type: ignore[no-untyped-def]
    """Change how many leases of a class run out in the window at whose end this one is gone. Where all delays are
    constant that is mostly the window of the lease before, which is `kept`.
    """
    whole = host.whole
    since = expires - 1 - whole[place(kept)]
    if rules.lease_ns < 0 or rules.check_ns < 0 or since < 0 or since >= params.window_ns:
        window = window_of(expires - 1, params.window_ns, rules.windows_per_ns)
        whole[place(kept)] = window * params.window_ns
        whole[place(kept + 1)] = min(window, host.series.shape[0] - 1)
    host.expiring[place(number * host.series.shape[0] + whole[place(kept + 1)])] += change


@kernel
def drawn(law, inputs, key, client, attempt):  # type: ignore[no-untyped-def]
    """A service time (float64 ns) of a law, from the stream with this key."""
    return draws.draw(law, inputs.table, key, client, attempt)


@inline
def count(params, rules, keys, inputs, host, flows, slot, now, has_classes):  # type: ignore[no-untyped-def]
    """Count that a client learns at `now` that it has a lease: that of a worker, or of that request of a batch. Returns
    the end of the lease.
    """
    whole, workers = host.whole, host.workers
    paid = workers[place(PAID_NS + slot)]
    submitted = workers[place(SUBMITTED_AT + slot)]
    expires = workers[place(EXPIRES_AT + slot)]
    client = workers[place(WHO_IS + slot)] & CLIENT
    number = class_of(host, client) if has_classes else np.int64(0)
    at, own = number * SERIES, number * MEMORY
    flows[place(at + OVERHEAD_NS)] += paid
    flows[place(at + SUCCEEDED)] += 1
    flows[place(at + USEFUL_NS)] += now - workers[place(STARTED_AT + slot)] - paid
    host.histogram[place(number * HISTOGRAM_OF_STALE + part_of(now - submitted))] += 1
    seen, streams, client = seen_by(params, keys, host, client, has_classes)
    length = rules.lease_ns
    if length < 0:
        length = draws.whole_ns(draws.draw(seen.lease.duration, inputs.table, streams.lease, client, 0))
        length = min(length + seen.lease.grace_ns, draws.FAR_NS)
    new = policies.credit_ns(seen.lease, submitted, now) + length
    if expires > now:
        _runs_out(params, rules, host, number, expires, OLD, -1)
    else:
        whole[place(own + UNLEASED_NS)] += now - max(expires, 0)
        if whole[place(own + UNLEASED_NS)] >= UNLEASED_CARRY_NS:
            whole[place(own + UNLEASED_NS)] -= UNLEASED_CARRY_NS
            whole[place(own + UNLEASED_CARRY)] += 1
        flows[place(at + ESTABLISHED)] += 1
    if new > now:
        _runs_out(params, rules, host, number, new, NEW, 1)
    else:
        whole[place(own + LEASED)] -= 1  # of those whom `ESTABLISHED` counts, and of renewals that end a lease
    return new


@inline
def is_cut(params, outcome):  # type: ignore[no-untyped-def]
    """Whether the client cancels a request in service, which ends at its deadline."""
    return params.cancel != 0 and outcome >= WASTES and outcome != TELLS


@inline
def pause_ns(params, uniform):  # type: ignore[no-untyped-def]
    """How long (ns) a client waits for its next check with jitter, by a draw between 0 and 1."""
    every = np.float64(params.check_every_ns) * (1.0 + params.check_jitter * (2.0 * uniform - 1.0))
    return min(draws.whole_ns(every), FAR)


@inline
def _check_again(params, rules, keys, host, shift, slot, now, expires):  # type: ignore[no-untyped-def]
    """The client of a worker, or of that request of a batch, sleeps until its next check."""
    number = host.workers[place(WHICH + slot)]
    client = host.workers[place(WHO_IS + slot)] & CLIENT
    if rules.check_ns >= 0:
        push(host.rows, host.lanes, CHECKS, now + rules.check_ns, client, expires, number)
    else:
        seen, streams, name = seen_by(params, keys, host, client, True)
        due = now + pause_ns(seen, draws.uniform(streams.check, name, number >> 1))
        wait(host, shift, due, client, expires, number)


@inline
def waste(host, flows, worker, now, has_classes):  # type: ignore[no-untyped-def]
    """A worker is done at `now` with a request whose client gave up."""
    workers = host.workers
    paid = workers[place(PAID_NS + worker)]
    number = class_of(host, workers[place(WHO_IS + worker)] & CLIENT) if has_classes else np.int64(0)
    at = number * SERIES
    flows[place(at + OVERHEAD_NS)] += paid
    flows[place(at + WASTED)] += 1
    flows[place(at + WASTED_NS)] += now - workers[place(STARTED_AT + worker)] - paid
    part = part_of(now - workers[place(SUBMITTED_AT + worker)])
    host.histogram[place(number * HISTOGRAM_OF_STALE + part)] += 1


@inline
def succeed(host, flows, slot, now):  # type: ignore[no-untyped-def]
    """Count that a job, whose request is that of a worker or of a batch, has its answer at `now`."""
    workers = host.workers
    paid = workers[place(PAID_NS + slot)]
    flows[OVERHEAD_NS] += paid
    flows[SUCCEEDED] += 1
    flows[USEFUL_NS] += now - workers[place(STARTED_AT + slot)] - paid
    host.histogram[place(part_of(now - workers[place(SUBMITTED_AT + slot)]))] += 1
    host.latency[place(part_of(now - workers[place(EXPIRES_AT + slot)]))] += 1


@inline
def _carry_out(params, rules, keys, inputs, host, shift, is_jobs, worker, now):  # type: ignore[no-untyped-def]
    flows = host.series[place(host.whole[BIN])]
    workers = host.workers
    outcome = workers[place(OUTCOME + worker)]
    if is_jobs and outcome in (FORESEEN, GRANTS):
        if outcome == GRANTS:
            succeed(host, flows, worker, now)
        return 1
    if outcome in (FORESEEN, GRANTS):
        expires = workers[place(EXPIRES_AT + worker)]
        if outcome == GRANTS:
            expires = count(params, rules, keys, inputs, host, flows, worker, now, True)
            if policies.newest_first(params.queue):
                host.leases[place(workers[place(WHO_IS + worker)] & CLIENT)] = expires
        _check_again(params, rules, keys, host, shift, worker, now, expires)
        return 0
    paid = workers[place(PAID_NS + worker)]
    work = now - workers[place(STARTED_AT + worker)] - paid
    number = class_of(host, workers[place(WHO_IS + worker)] & CLIENT)
    at = number * SERIES
    if is_cut(params, outcome):
        flows[place(at + CANCELLED)] += 1
        flows[place(at + OVERHEAD_NS)] += paid + min(work, 0)
        flows[place(at + WASTED_NS)] += max(work, 0)
        return 0
    if outcome == WASTES:
        waste(host, flows, worker, now, True)
        return 0
    flows[place(at + OVERHEAD_NS)] += paid
    part = part_of(now - workers[place(SUBMITTED_AT + worker)])
    host.histogram[place(number * HISTOGRAM_OF_STALE + part)] += 1
    flows[place(at + FAILED)] += 1
    flows[place(at + FAILED_NS)] += work
    if outcome == TELLS:
        host.whole[place(number * MEMORY + SLEEPERS)] += 1
        who, expires = workers[place(WHO_IS + worker)], workers[place(EXPIRES_AT + worker)]
        attempt = workers[place(WHICH + worker)]
        return answer(params, rules, keys, inputs, host, shift, is_jobs, now, who, expires, attempt)
    return 0


@kernel
def carry_out(params, rules, keys, inputs, host, shift, worker, now):  # type: ignore[no-untyped-def]
    """A worker, which is not idle, is done at `now` with what it began; or else that request of a batch is."""
    _carry_out(params, rules, keys, inputs, host, shift, False, worker, now)


@kernel
def carry_out_job(params, rules, keys, inputs, host, shift, worker, now):  # type: ignore[no-untyped-def]
    """As `carry_out`, of a job. Returns 1 if it is over, else 0."""
    return _carry_out(params, rules, keys, inputs, host, shift, True, worker, now)


@inline
def heard_from(rules, outcome, finish):  # type: ignore[no-untyped-def]
    """When a client may submit again that learns at `finish` what came of its request; else NEVER. Nobody is idle."""
    if outcome <= GRANTS:
        return finish + rules.least_check_ns
    return finish + rules.least_answer_ns if outcome == TELLS else np.int64(NEVER)


@inline
def _sweep(params, rules, keys, inputs, host, shift, is_jobs, until):  # type: ignore[no-untyped-def]
    whole = host.whole
    busy = 0
    heard = np.int64(NEVER)
    for worker in range(params.workers):
        outcome = host.workers[place(OUTCOME + worker)]
        if outcome != IDLE:
            finish = (host.free[place(worker)] >> rules.worker_bits) - 1
            if finish <= until:
                if is_jobs:
                    whole[OPEN] -= carry_out_job(params, rules, keys, inputs, host, shift, worker, finish)
                else:
                    carry_out(params, rules, keys, inputs, host, shift, worker, finish)
                host.workers[place(OUTCOME + worker)] = IDLE
                if not is_cut(params, outcome):
                    host.workers[place(WHO_IS + worker)] = NOBODY
                whole[BUSY_NS] += finish
            else:
                busy += 1
                heard = min(heard, heard_from(rules, outcome, finish))
    whole[BUSY] = busy
    whole[HEARD] = heard
    return heard


@kernel
def sweep(params, rules, keys, inputs, host, shift, until):  # type: ignore[no-untyped-def]
    """Carry out every finish up to `until`. Returns from when on something may come of the others."""
    return _sweep(params, rules, keys, inputs, host, shift, False, until)


@kernel
def sweep_jobs(params, rules, keys, inputs, host, shift, until):  # type: ignore[no-untyped-def]
    """As `sweep`, of jobs; the clock must be at `until`, as those that are over are taken away."""
    return _sweep(params, rules, keys, inputs, host, shift, True, until)
