"""What the hosts of a run take: pilots for `recovery check` (simulate/pilot.py).

First one host as it is, as far as its part of the time goes: many runs are done by then. Otherwise thinned ones too
(simulate/thin.py). The whole host tells what the time up to where it came costs, the thinned one what the rest does.
Near a cliff the range holds both branches.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from recovery_kernels import requests
from recovery_kernels.arrays import Real, Whole

from recovery.model.at_best import hidden_capacity, job_steps
from recovery.model.policies import DropExpired
from recovery.model.scenario import Scenario
from recovery.simulate import pipeline
from recovery.simulate.explain import explanation
from recovery.simulate.pilot_later import CALL_S
from recovery.simulate.thin import can_be_thinned, thinned
from recovery.simulate.watch import Watch, levels_of
from recovery.stages import known, leases, queueing
from recovery.units import ns

WHOLE_SHARE = 0.4  # of a variant's time for the host as it is
FAR_SHARE = 0.1  # where a rough pilot tells that it takes FAR times that
FAR = 6.0
CLIENT_S = 1e-7  # to make a client
EVENTFUL = 8  # windows that must be done to tell how events were spread
ROUGH = 40  # clients of the first thinned pilot
FINER = 4.0  # times as many has each next one, while there is time
COARSE, FINE = 48, 4096  # steps of the horizon, between which a pilot may end: as they cost
STEP_S = 2e-3  # that a step may take before the next ones are made shorter
JOIN_S = 2e-9  # to add up a number of a host's series
CALLS, CLIENTS_A_CALL = 32, 500  # of a run's host at most; of one with leases as many as it has clients
WINDOW_S = 1e-7  # of a host's window in which nothing happens
TOGETHER_S = 2e-4  # of a window in which operators look at the whole fleet
AHEAD = 16  # windows by which hosts advance at once where conditions are looked at, in the mean
CACHES = 0.1  # an event of a host with k times as many clients costs k to this power as much (measured)
TOLD = 0.1  # part of a run's cost that a host must have come through to tell how costs of pilots scale
TELLING = 50_000  # events of a host as it is, from which on they tell what one takes
NEAR = 2.0  # what a pilot tells is right to this factor
ENDED = 4.0  # and to this one where it ended early, or near a cliff
CLIFF = 2.0  # r1, r2 and the load over what gets out of a long queue are near 1 to this factor: near a cliff
APART = 0.5  # pilots whose shares of leases at their end differ by so much stand on both sides of one
OVERRUN = 3.0  # times its budget that the roughest pilot may take to come past all that changes from outside
STRETCHES = 40  # of the horizon: of one of them the highest cost is taken


@dataclass(frozen=True)
class Tried:
    """Processor seconds and events of a run, what they lie between, and whether the pilot came to the horizon; which
    share of the time the hosts take; and what the pilot itself took.
    """

    cpu_s: float
    low_s: float
    high_s: float
    events: float
    is_whole: bool
    hosts_share: float = 1.0
    spent_s: float = 0.0


@dataclass
class Pilot:
    by: float  # clients and work of the host, over those of the pilot
    start_s: float
    times_ns: Whole  # up to which it was run
    spent_s: Real  # and what it cost until then, without what a call costs
    changed_ns: int  # when what happens from outside last changed
    next_ns: int  # when the dependency changes next; the end if it does not
    last_ns: int  # when what happens from outside changes last
    events: Real  # float64[windows] that are done
    is_whole: bool
    leased: Real  # float64[windows], share of its clients at each window's end

    @property
    def total(self) -> float:
        """Events of a host as it is, as far as it came."""
        return float(self.events.sum()) * self.by

    def branches(self, end_ns: int) -> tuple[float, float]:
        """How much of its events a host has that is well as soon as nothing changes any more, and how many times as
        many one has that stays at its worst.
        """
        whole = float(self.events.sum())
        if not whole > 0 or not self.last_ns < end_ns:
            return 1.0, 1.0
        many = len(self.events)
        stretch, until = max(many // STRETCHES, 1), round(many * self.last_ns / self.times_ns[-1])
        worst = float(np.add.reduceat(self.events, np.arange(0, many, stretch)).max()) / stretch
        before = float(self.events[:until].sum())
        return before / whole, max((before + worst * (many - until)) / whole, 1.0)

    def rest_s(self, end_ns: int, *, is_open: bool) -> list[float]:
        """What the rest costs, between two guesses: the last part goes on as it is to the end, or (of open arrivals)
        grows as it did, or is over when the dependency changes. Events tell how the cost was spread: timing is rougher.
        """
        times, spent = self.times_ns, self.spent_s
        if len(self.events) >= EVENTFUL and self.events.sum() > 0:
            times = np.linspace(0, times[-1], len(self.events) + 1)
            spent = np.concatenate([[0.0], np.cumsum(self.events)]) * (spent[-1] / self.events.sum())
        last, rest = times[-1], end_ns - times[-1]
        half = np.interp(spent[-1] / 2, spent, times)
        since = min(max(self.changed_ns, half), times[-2])
        middle = (since + last) / 2
        before, after = np.diff(np.interp([since, middle, last], times, spent)) / max(last - middle, 1)
        growth = max(after - before, 0.0) / max(last - middle, 1) if is_open else 0.0
        goes_on, grows = rest * after, rest * (after + growth * (rest + last - middle) / 2)
        return [
            float(goes_on),
            float(grows),
            *([float((self.next_ns - last) * after)] if self.next_ns < end_ns else []),
            *([0.0] if self.next_ns >= end_ns and self.changed_ns > since - (last - since) else []),
        ]


def run(
    scenario: Scenario, seed: int, replication: int, clients: int, workers: int, slower: float, budget_s: float
) -> Pilot:
    """One host, thinned, to the horizon or as far as the budget goes."""
    begun = time.thread_time()
    traffic, watch = known.traffic_of(scenario), Watch(scenario)
    by = scenario.host.workers / workers * slower
    own = thinned(scenario, workers, slower) if by > 1 else scenario
    running = traffic.start(own, seed, replication, 0, clients)
    start_s = time.thread_time() - begun
    window = ns(scenario.coupling.window)
    end = scenario.windows * window
    calls = []
    for _ in range(5):
        begun = time.thread_time()
        running.advance(0)
        calls.append(time.thread_time() - begun)
    call_s = float(np.median(calls))
    dependency = [control[0] for control in queueing.dependency_controls(scenario)]
    acts = [ns(action.at) for action in scenario.operator if action.at is not None]
    steps = [ns(step.at) for step in scenario.jobs.steps] if scenario.jobs is not None else [0]
    changes = np.unique([*dependency, *acts, *steps, end])
    times, took, step, gone_s, changed = [0], [0.0], max(end // FINE, 1), 0.0, 0
    last = int(max((edge for edge in changes if edge < end), default=0))
    most_s = budget_s * (OVERRUN if clients <= ROUGH else 1.0)
    while times[-1] < end and (gone_s <= (most_s if times[-1] <= last else budget_s) or len(times) < 3):
        edge = int(changes[np.searchsorted(changes, times[-1], side="right")])
        until = min(times[-1] + step, edge, end)
        if watch.is_needed:
            until = times[-1] + window
        begun = time.thread_time()
        running.advance(until)
        took_s = time.thread_time() - begun
        if watch.is_needed:
            number = until // window - 1
            levels = levels_of(running.rows(number, number + 1)[0], clients, by * scenario.hosts)
            members = leases.members_of(scenario, 0, clients) if scenario.has_leases else [0] * len(scenario.classes)
            for place, (name, many) in enumerate(zip(scenario.classes, members, strict=False)):
                row = running.of_class(place).rows(number, number + 1)[0]
                levels |= levels_of(row, many, by * scenario.hosts, name)
            if watch.look((number + 1) * scenario.coupling.window, levels):
                traffic.set_off(running, own, 0, watch.started)
        gone_s += time.thread_time() - begun
        times.append(until)
        took.append(took_s)
        step = min(2 * step, end // COARSE) if took_s < STEP_S else max(step // 2, end // FINE, 1)
        if until >= edge:
            step, changed = max(end // FINE, 1), edge
    series, windows = running.series[: scenario.windows], times[-1] // window
    flows = series[:, [requests.SUBMITTED, requests.SUCCEEDED, requests.WASTED, requests.FAILED, requests.TIMED_OUT]]
    is_whole = times[-1] >= end
    if not is_whole:  # the last that is known stands for the rest
        series[windows:, requests.LEASED_END] = series[windows - 1, requests.LEASED_END] if windows else clients
    leased = series[:, requests.LEASED_END] / max(clients, 1)
    spent = np.maximum.accumulate(np.maximum(np.cumsum(took) - call_s * np.arange(len(took)), 0.0))
    following = min([edge for edge in dependency if edge > times[-1]], default=end)
    done = flows[:windows].sum(axis=1).astype(float)
    return Pilot(by, start_s, np.array(times), spent, changed, following, last, done, is_whole, leased)


def _clients(scenario: Scenario) -> float:
    """Of a host: its holders, or the most jobs that come within a timeout."""
    if scenario.fleet is not None:
        return scenario.fleet.holders / scenario.hosts
    steps = scenario.steps
    starts = np.array([*[step.at for step in steps], max(scenario.horizon, steps[-1].at)])
    came = np.concatenate([[0.0], np.cumsum([step.rate_per_s() for step in steps] * np.diff(starts))])
    lasts = scenario.host.timeout.mean_s()
    ends = np.concatenate([starts, starts + lasts])
    return float((np.interp(ends, starts, came) - np.interp(ends - lasts, starts, came)).max()) / scenario.hosts


def _thinner(own: int, clients: float) -> list[tuple[int, float]]:
    """Workers that are left of a host's own, and how much slower they are, from the roughest pilot to the finest."""
    found, by = [], clients / ROUGH
    while by > 2:
        workers = max(1, int(own / by))
        if own / workers > 1 or by > own:
            found.append((workers, max(1.0, by * workers / own)))
        by /= FINER
    return found


def hosts(scenario: Scenario, seed: int, replication: int, budget_s: float) -> tuple[Tried, Real]:
    """What all hosts take, and the share of leases at the end of each window."""
    own, clients = scenario.host.workers, _clients(scenario)
    end = scenario.windows * ns(scenario.coupling.window)
    whole: Pilot | None = None
    thin: Pilot | None = None
    thinned_ones: list[Pilot] = []
    begun = time.thread_time()
    thinner = _thinner(own, clients) if can_be_thinned(scenario) else []
    part_s = budget_s
    if thinner:
        workers, slower = thinner[0]
        first_s = budget_s / (2 if any(action.when is not None for action in scenario.operator) else 4)
        thin = run(scenario, seed, replication, ROUGH, workers, slower, first_s)
        thinned_ones.append(thin)
        is_far = thin.spent_s[-1] * thin.by > FAR * budget_s
        part_s = budget_s * (FAR_SHARE if is_far else WHOLE_SHARE)
        if not thin.is_whole:
            part_s = max(0.0, budget_s - (time.thread_time() - begun))
    if thin is None or not scenario.has_leases or clients * CLIENT_S < part_s:
        whole = run(scenario, seed, replication, max(1, round(clients)), own, 1.0, part_s)
    if whole is None or not whole.is_whole:
        for workers, slower in thinner[1:]:
            if thin is None or not thin.is_whole:
                break
            by, left_s = own / workers * slower, budget_s - (time.thread_time() - begun)
            forecast_s = clients / by * CLIENT_S + 1.2 * thin.spent_s[-1] * thin.by / by
            if forecast_s > left_s:
                break
            finer = run(scenario, seed, replication, max(1, round(clients / by)), workers, slower, left_s)
            if not finer.is_whole:
                break
            thin = finer
            thinned_ones.append(thin)
    pilots = [pilot for pilot in (whole, thin) if pilot is not None]
    best = max(pilots, key=lambda pilot: (pilot.times_ns[-1], -pilot.by))
    guesses, factor = _guesses(scenario, whole, thin, end)
    centre = float(np.sqrt(max(min(guesses), 1e-9) * max(guesses)))
    events = (
        float(best.events.sum()) * best.by * (1.0 if best.is_whole else centre / max(best.spent_s[-1] * best.by, 1e-9))
    )
    count = pipeline.simulated_hosts(scenario)
    one_s = CLIENT_S * clients if whole is None else whole.start_s
    one_s += CALL_S * (CALLS if not scenario.has_leases else min(CALLS, 1 + clients // CLIENTS_A_CALL))
    one_s += scenario.windows * requests.SERIES * JOIN_S
    fixed_s = count * one_s
    if any(action.when is not None for action in scenario.operator):
        fixed_s += scenario.windows * (TOGETHER_S + count * CALL_S / AHEAD)
    low, high = min(guesses) / factor, max(guesses) * factor
    is_near = is_near_cliff(scenario) or _differ(thinned_ones, whole)
    if is_near and best.is_whole and best is not whole:
        least, most = best.branches(end)
        others = [one / max(best.total, 1.0) for one in _totals(thinned_ones)]
        low = min(low, min(guesses) * min([least, *others]) / NEAR)
        high = max(high, max(guesses) * max([most, *others]) * NEAR)
    elif is_near and not best.is_whole:  # what it would come to was not seen
        low, high = low / ENDED, high * ENDED
    low_s, high_s = count * low + fixed_s / factor, count * high + fixed_s * factor
    return Tried(count * centre + fixed_s, low_s, high_s, count * events, best.is_whole), best.leased


def _totals(pilots: Sequence[Pilot]) -> list[float]:
    """Events of a host, by each pilot that came to the horizon."""
    return [one.total for one in pilots if one.is_whole]


def _differ(pilots: Sequence[Pilot], whole: Pilot | None) -> bool:
    """Whether pilots of several sizes end on both sides of a cliff, or differ by more than they should. (Their events
    are told apart, not their times, which the machine makes rough.)
    """
    totals = _totals(pilots)
    if totals and max(totals) > NEAR * min(totals):
        return True
    ends = [float(one.leased[-1]) for one in pilots if one.is_whole]
    if ends and max(ends) - min(ends) > APART:
        return True
    if whole is None or not pilots or not len(whole.events):
        return False
    at = len(whole.events) - 1  # the last window that the host as it is came to
    return abs(float(whole.leased[at] - pilots[-1].leased[at])) > APART


def is_near_cliff(scenario: Scenario) -> bool:
    """Whether theory puts it near a cliff: what waits is about as long as a timeout, or jobs are about as many as the
    hosts get out of a long queue (MODEL.md, section 2).
    """
    told = {row.name: row.value for row in explanation(scenario)}
    ratios = [min(told["r1"], told["r2"])] if "r1" in told else []
    if scenario.jobs is not None and (steps := job_steps(scenario)):
        can_per_s = told.get("hidden_capacity_per_s") or hidden_capacity(scenario)[0]
        ratios.append(steps[-1].rate_per_s() / can_per_s if can_per_s > 0 else math.inf)
    return any(1 / CLIFF <= one <= CLIFF for one in ratios)


def _guesses(scenario: Scenario, whole: Pilot | None, thin: Pilot | None, end: int) -> tuple[list[float], float]:
    """What a host costs, told in one or two ways, and the factor to which that is right."""
    if whole is not None and whole.is_whole:
        return [float(whole.spent_s[-1])], NEAR
    is_open = not scenario.has_leases
    if thin is None or not thin.is_whole:
        best = max((pilot for pilot in (whole, thin) if pilot), key=lambda pilot: pilot.spent_s[-1])
        each = [float(best.spent_s[-1]) + rest for rest in best.rest_s(end, is_open=is_open)]
        return [best.by ** (1 + CACHES) * one_s for one_s in each], ENDED
    idle = np.minimum(WINDOW_S * scenario.windows * thin.times_ns / end, thin.spent_s)  # that is not scaled
    cost = np.maximum.accumulate(thin.by ** (1 + CACHES) * (thin.spent_s - idle) + idle)
    queue = scenario.policy.queue
    remembers = queue.lower(scenario.establish_per_s).controller is not None
    factor = ENDED if isinstance(queue, DropExpired) or remembers else NEAR  # see MODEL.md, "Time of a run"
    if whole is None:
        return [float(cost[-1])], factor
    until, so_far = float(np.interp(whole.times_ns[-1], thin.times_ns, cost)), float(whole.spent_s[-1])
    guesses = [so_far + float(cost[-1]) - until]
    if (many := float(whole.events.sum())) >= TELLING:
        guesses.append(thin.total * so_far / many)
    if until > TOLD * cost[-1]:
        guesses.append(so_far * float(cost[-1]) / until)
    return guesses, factor
