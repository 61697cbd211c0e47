"""How long a run takes: small runs of the same kernels, thinned, and what they cost scaled up. For `recovery check`.

Thinned means: one host instead of all, of its workers, clients, rates and limits an equal part each, so that the load
of a worker, and with it what happens, stays as it is. Where one worker is left and still has many clients, it is made
slower and they fewer. If even that takes too long, the pilot ends early; then the rest costs, in proportion, what it
cost a still thinner one, or what the last part did. It decides no result, so it may be made better without new results.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from kernels import draws, jit, requests
from recovery import pipeline
from recovery.estimate import Estimate
from recovery.scenario import Scenario, World
from recovery.stages import health, jobs, launches, leases, propagation, queueing
from recovery.stages import host as hosts
from recovery.units import ns

ALL_S = 0.35  # of all pilots of a file
WORLDS_MAX = 10  # that are tried out; of more, evenly chosen ones stand for those beside them
CLIENTS_LEAST = 200  # of a pilot's host: with fewer, whole numbers tell too much
PATIENCE = 50  # a slowed worker takes no longer for a job than this part of a timeout
ROUGH = 40  # clients of a first pilot, of a much slower worker, that tells only which part of the time costs what
SLICES = 48  # of the horizon, between which a pilot may end
JOIN_S = 2e-9  # to add up a number of a host's series
CALL_S = 3e-5  # to call a kernel
NEAR = 2.0  # what a pilot tells is right to this factor
ENDED = 4.0  # and to this one where it ended early


@dataclass(frozen=True)
class Tried:
    """Processor seconds and events of a run, what they lie between, and whether the pilot came to the horizon."""

    cpu_s: float
    low_s: float
    high_s: float
    events: float
    is_whole: bool


def into(need: Estimate, found: Tried) -> Estimate:
    """An estimate with what the pilot found in place of what was reckoned."""
    return replace(need, events=found.events, cpu_s=found.cpu_s, low_s=found.low_s, high_s=found.high_s)


def is_ready(scenario: Scenario) -> bool:
    """Whether every kernel that the scenario needs is compiled, so that a pilot is quick."""
    names = [
        "requests",
        *(["launches"] if scenario.launches else []),
        *(["propagation"] if scenario.propagation else []),
    ]
    names += ["health"] if scenario.health else []
    return all(any(jit.cache_dir().rglob(f"{name}.advance-*.nbi")) for name in names)


def tried(worlds: Sequence[World], seed: int, budget_s: float = ALL_S) -> list[Tried]:
    """What a run of each world takes; of many worlds some are tried out, and the others take what the nearest does."""
    chosen = np.unique(np.linspace(0, len(worlds) - 1, min(len(worlds), WORLDS_MAX)).round().astype(int))
    found: dict[int, Tried] = {}
    left_s = budget_s
    for done, i in enumerate(chosen.tolist()):
        begun = time.thread_time()
        found[i] = _world(worlds[i], seed, max(left_s, 0.0) / (len(chosen) - done))
        left_s -= time.thread_time() - begun
    return [found[int(chosen[np.abs(chosen - i).argmin()])] for i in range(len(worlds))]


def _world(world: World, seed: int, budget_s: float) -> Tried:
    scenario = world.scenario
    later_s = budget_s / 2 if scenario.launches is not None else 0.0
    begun = time.thread_time()
    cpu_s, events, is_whole, leased = _hosts(scenario, seed, budget_s - later_s)
    if scenario.launches is not None:
        left_s = budget_s - (time.thread_time() - begun)
        more_s, more, is_all = _later(scenario, seed, leased, max(left_s, later_s / 2))
        cpu_s, events, is_whole = cpu_s + more_s, events + more, is_whole and is_all
    factor = NEAR if is_whole else ENDED
    return Tried(cpu_s, cpu_s / factor, cpu_s * factor, events, is_whole)


# --- hosts ------------------------------------------------------------------------------------------------------------


def _scaled(dist: draws.Dist, by: float) -> draws.Dist:
    """A distribution of times that are longer by a factor; measured ones stay."""
    if dist.kind == draws.LOGNORMAL:
        return dist._replace(a=dist.a + float(np.log(by)))
    if dist.kind == draws.EMPIRICAL:
        return dist
    return dist._replace(a=dist.a * by, b=dist.b * by if dist.kind == draws.UNIFORM else dist.b)


def _thinned(run: hosts.HostRun, workers: int, slower: float) -> None:
    """Leave so many workers, each slower by a factor; rates, bursts and limits fall in proportion."""
    p = run.params
    by = p.workers / workers * slower
    a, q = p.admission, p.queue
    run.params = p._replace(
        workers=workers,
        establish=_scaled(p.establish, slower),
        renew=_scaled(p.renew, slower),
        fail_after_ns=min(round(p.fail_after_ns * slower), draws.FAR_NS),
        reject_cost_ns=min(round(p.reject_cost_ns * slower), draws.FAR_NS),
        drop_cost_ns=min(round(p.drop_cost_ns * slower), draws.FAR_NS),
        slowdown_n=p.slowdown_n / by,
        admission=a._replace(
            rate_per_ns=a.rate_per_ns / by, burst=max(1.0, a.burst / by), limit=max(1.0, a.limit / by)
        ),
        queue=q._replace(limit=max(round(q.limit / by), min(q.limit, 1))),
    )
    run.host.real[requests.TOKENS] = run.params.admission.burst
    args = run.inputs.control_args.copy()
    is_gate = (run.inputs.controls[:, 1] == requests.GATE) & (args[:, 0] > 0)
    args[is_gate] = np.stack([args[is_gate, 0] / by, np.maximum(args[is_gate, 1] / by, 1.0)], axis=1)
    run.inputs = run.inputs._replace(control_args=args, arrivals_per_ns=run.inputs.arrivals_per_ns / by)


def _started(scenario: Scenario, seed: int, clients: int, workers: int, slower: float) -> hosts.HostRun:
    controls = queueing.controls_of(scenario, 0, [])
    if scenario.fleet is not None:
        run = leases.start(scenario, seed, 0, 0, clients, controls)
    else:
        run = jobs.start(scenario, seed, 0, 0, controls)
    _thinned(run, workers, slower)
    return run


@dataclass
class _Pilot:
    start_s: float
    run_s: float
    events: float
    is_whole: bool
    leased: np.ndarray  # float64[windows], share of its clients at each window's end
    spent: list[float]  # seconds at the end of each slice


def _run(
    scenario: Scenario, seed: int, clients: int, workers: int, slower: float, budget_s: float, before: _Pilot | None
) -> _Pilot:
    """One thinned host, to the horizon or as far as the budget goes: then the rest costs, in proportion, what it
    cost the pilot `before`, or else what the last part did.
    """
    begun = time.thread_time()
    run = _started(scenario, seed, clients, workers, slower)
    start_s = time.thread_time() - begun
    end, spent = scenario.windows * ns(scenario.coupling.window), [0.0]
    begun = time.thread_time()
    for piece in range(1, SLICES + 1):
        run.advance(end * piece // SLICES)
        spent.append(time.thread_time() - begun)
        if spent[-1] > budget_s and piece < SLICES:
            break
    series = run.host.series[: scenario.windows]
    flows = series[:, [requests.SUBMITTED, requests.SUCCEEDED, requests.WASTED, requests.FAILED, requests.TIMED_OUT]]
    run_s, events = spent[-1], float(flows.sum())
    is_whole = piece == SLICES
    if not is_whole:
        if before is not None and before.is_whole and before.spent[piece] > 0:
            rest = run_s * (before.spent[-1] / before.spent[piece] - 1)
        else:
            rest = (SLICES - piece) * (spent[-1] - spent[max(0, piece - 3)]) / min(piece, 3)
        events *= (run_s + rest) / max(run_s, 1e-9)
        run_s += rest
        run.host.series[run.host.whole[requests.BIN] :, requests.LEASED_END] = run.host.whole[requests.LEASED]
    return _Pilot(start_s, run_s, events, is_whole, series[:, requests.LEASED_END] / max(clients, 1), spent)


def _hosts(scenario: Scenario, seed: int, budget_s: float) -> tuple[float, float, bool, np.ndarray]:
    """Processor seconds and events of all hosts, whether the pilot came to the end, and the share of leases."""
    own = scenario.host.workers
    count = pipeline.simulated_hosts(scenario)
    if scenario.fleet is not None:
        clients = scenario.fleet.droplets / scenario.hosts
    else:
        steps = scenario.jobs.steps if scenario.jobs else ()
        clients = max(step.rate_per_s() for step in steps) / scenario.hosts * scenario.host.timeout.mean_s()
    longest = max(
        scenario.host.establish_time.mean_s(), scenario.host.fail_after if scenario.dependency.outages else 0.0
    )
    patience = scenario.host.timeout.mean_s() / PATIENCE / max(longest, 1e-9)
    slowest = max(1.0, min(clients / own / CLIENTS_LEAST, patience))
    roughest = max(1.0, clients / own / ROUGH)
    steps_: list[tuple[int, float]] = [(1, each) for each in (roughest, slowest) if each > 1.5]
    workers = 1
    while workers < own:
        if clients * workers / own >= CLIENTS_LEAST:
            steps_.append((workers, 1.0))
        workers *= 4
    steps_.append((own, 1.0))
    left_s = budget_s
    best: tuple[_Pilot, float] | None = None
    for workers, slower in steps_:
        by = own / workers * slower
        is_rough = best is not None and steps_[0] == (1, roughest) and best[1] == own * roughest > own * slowest
        if best is not None and (not best[0].is_whole or 1.5 * best[0].run_s * best[1] / by > left_s) and not is_rough:
            break
        begun = time.thread_time()
        pilot = _run(scenario, seed, max(1, round(clients / by)), workers, slower, left_s, best[0] if best else None)
        left_s -= time.thread_time() - begun
        best = (pilot, by)
    assert best is not None
    pilot, by = best
    fixed_s = pilot.start_s + SLICES * CALL_S / 2 + scenario.windows * len(pipeline.COLUMNS) * JOIN_S
    if any(action.when is not None for action in scenario.operator):
        fixed_s += scenario.windows * CALL_S
    return count * (fixed_s + pilot.run_s * by), count * pilot.events * by, pilot.is_whole, pilot.leased


# --- what follows the leases ------------------------------------------------------------------------------------------

LATER_LEAST = 20_000  # launches and changes of a pilot of the later stages, about


def _later(scenario: Scenario, seed: int, leased: np.ndarray, budget_s: float) -> tuple[float, float, bool]:
    """The same of launches, propagation and health checks, thinned by what comes to them."""
    zones = scenario.fleet.zones if scenario.fleet is not None else 1
    many = 1_000_000
    levels = np.tile((leased * many).astype(np.int64), (zones, 1))
    rates = launches.rates_per_ns(scenario, "demand") + launches.rates_per_ns(scenario, "changes")
    come = float(rates.sum()) * ns(scenario.coupling.window)
    by = max(1.0, come / LATER_LEAST)
    part = scenario.propagation
    shards = part.shards if part is not None else 1
    workers = part.workers if part is not None else 1
    if part is not None:
        by = min(by, float(shards * workers))
    kept = max(1, round(shards / by))
    own = max(1, round(workers / (by * kept / shards)))
    if part is not None:
        by = shards * workers / (kept * own)
    first = launches.start(scenario, seed, 0, levels, np.full(zones, many, np.int64))
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
        second = propagation.start(thin, seed, 0)
        a, each = second.params.intake, workers / own  # shards that stay, of fewer workers
        second.params = second.params._replace(
            slowdown_n=second.params.slowdown_n / each,
            intake=a._replace(
                rate_per_ns=a.rate_per_ns * kept / shards / each,
                burst=max(1.0, a.burst / each),
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
    stretch = 1 if scenario.health is not None and scenario.health.terminate_after is not None else 60
    windows = scenario.windows
    spent: list[tuple[int, float]] = []
    until, begun = 0, time.thread_time()
    while until < windows:
        until = min(until + stretch, windows)
        first.advance(until)
        if second is not None:
            second.advance(until, first.state.jobs, first.state.first)
        if third is not None and second is not None:
            third.advance(until, first.state.jobs, first.state.first, second.state.finishes, second.state.told)
            second.forget(until)
            times_ns, identities = third.orders()
            first.ask(times_ns + first.params.window_ns, identities)
        first.forget(until)
        spent.append((until, time.thread_time() - begun))
        if spent[-1][1] > budget_s and until < windows:
            break
    cpu_s = spent[-1][1]
    events = float(first.state.series[:, 1].sum())
    if second is not None:
        events += float(second.state.series[:, 1].sum())
    if third is not None:
        events += float(third.state.series[:, 0].sum())
    if until < windows:
        at, before = next(pair for pair in [(0, 0.0), *spent] if pair[0] >= min(until / 2, spent[-1][0] - stretch))
        rest = (windows - until) * (cpu_s - before) / max(until - at, 1)
        events *= (cpu_s + rest) / max(cpu_s, 1e-9)
        cpu_s += rest
    fixed_s = len(spent) * 3 * CALL_S * windows / max(until, 1)
    return max(cpu_s - fixed_s, 0.0) * by + fixed_s, events * by, until == windows
