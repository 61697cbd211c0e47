"""What the stages after the leases take: a pilot for `recovery check` (simulate/pilot.py)."""

import time

import numpy as np
from recovery_kernels.arrays import Real

from recovery.model.scenario import Scenario
from recovery.stages import health, launches, propagation
from recovery.stages.cost import came

CALL_S = 3e-5  # to call a kernel
LATER_LEAST = 8_000  # launches and changes of a pilot of the later stages, about
LATER_STRETCHES = 96  # of the horizon, run one after the other; what is terminated comes back a stretch late
USUAL = 0.6  # of what an event takes at most (NS_PER_ATTEMPT and so on), on the day of us-east-1


def later(scenario: Scenario, seed: int, leased: Real, budget_s: float) -> tuple[float, float, bool]:
    """What launches, propagation and health checks of a run take, thinned by what comes to them: processor seconds,
    events, and whether the pilot came to the horizon in `budget_s`. `leased`, float64[windows], is the share of leases
    at each window's end. What an event takes is known of these stages; how many there are is not.
    """
    zones = scenario.zones
    many = 1_000_000
    levels = np.tile((leased * many).astype(np.int64), (zones, 1))
    asked = () if scenario.launches is None else (scenario.launches.demand, scenario.launches.changes)
    by = max(1.0, sum(came(scenario, demand) for demand in asked) / LATER_LEAST)
    part = scenario.propagation
    shards = part.shards if part is not None else 1
    workers = part.workers if part is not None else 1
    if part is not None:
        by = min(by, float(shards * workers))
    kept = max(1, round(shards / by))
    own = max(1, round(workers / (by * kept / shards)))
    if part is not None:
        by = shards * workers / (kept * own)
    first = launches.start(scenario, seed, 0, levels, np.full(zones, many, np.int64), by)
    throttle = first.inputs.throttle.copy()
    throttle[throttle[:, 0] > 0, 0] /= by
    throttle[:, 1] = np.maximum(throttle[:, 1] / by, 1.0)
    first.inputs = first.inputs._replace(
        launches_per_ns=first.inputs.launches_per_ns / by,
        changes_per_ns=first.inputs.changes_per_ns / by,
        throttle=throttle,
    )
    second = third = None
    if part is not None:
        thin = scenario.model_copy(update={"propagation": part.model_copy(update={"shards": kept, "workers": own})})
        each = workers / own  # shards that stay, of fewer workers
        second = propagation.start(thin, seed, 0, shards * each)
        a = second.params.intake
        second.params = second.params._replace(
            slowdown_n=second.params.slowdown_n / each,
            intake=a._replace(
                limit=max(a.limit / each, 1.0),
                low=a.low / each,
            ),
        )
    if scenario.health is not None and second is not None:
        targets = max(zones, round(scenario.health.targets / by))
        thin = scenario.model_copy(
            update={
                "health": scenario.health.model_copy(
                    update={"targets": targets, "workers": max(1, round(scenario.health.workers / by))}
                )
            }
        )
        third = health.start(thin, seed, 0, zones)
    windows = scenario.windows
    stretch = max(windows // LATER_STRETCHES, 1)
    done: list[tuple[int, float, float]] = []  # windows, events of a run until then, and what they take
    until, begun = 0, time.thread_time()
    while until < windows:
        until = min(until + stretch, windows)
        first.advance(until)
        if second is not None:
            second.advance(until, first.state.jobs, first.state.first)
            first.see(round(by * second.waiting()), round(by * second.in_service()))
        if third is not None and second is not None:
            third.advance(until, first.state.jobs, first.state.first, second.state.finishes, second.state.told)
            second.forget(until)
            times_ns, identities = third.orders()
            first.ask(times_ns + first.params.window_ns, identities)
        first.forget(until)
        counts = [first.state.series[:, 1].sum() * launches.NS_PER_ATTEMPT]
        events = float(first.state.series[:, 1].sum())
        if second is not None:
            counts.append(second.state.series[:, 1].sum() * propagation.NS_PER_JOB)
            events += float(second.state.series[:, 1].sum())
        if third is not None:
            counts.append(third.state.series[:, 0].sum() * health.NS_PER_CHECK)
            events += float(third.state.series[:, 0].sum())
        done.append((until, by * events, by * USUAL * float(sum(counts)) / 1e9))
        if time.thread_time() - begun > budget_s:
            break
    _, events, cpu_s = done[-1]
    if until < windows:  # it goes on as it did in the later half
        at, _, before_s = next(one for one in [(0, 0.0, 0.0), *done] if one[0] >= min(until / 2, until - stretch))
        rest_s = (windows - until) * (cpu_s - before_s) / max(until - at, 1)
        events *= (cpu_s + rest_s) / max(cpu_s, 1e-9)
        cpu_s += rest_s
    return cpu_s + 3 * CALL_S * windows, events, until == windows
