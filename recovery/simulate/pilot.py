"""How long a run takes: small runs of the same kernels, and what they cost scaled up. For `recovery check`.

First one host as it is, as far as its part of the time goes: many runs are done by then. Otherwise thinned ones too
(simulate/thin.py). The whole host tells what the time up to where it came costs, the thinned one what the rest does.
Near a cliff the range holds both branches. It decides no result, so it may be made better without new results.
"""

import itertools
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from recovery_kernels import requests

from recovery.model.policies import DropExpired
from recovery.model.scenario import Scenario
from recovery.model.variant import Variant
from recovery.simulate import needed, pipeline, reuse
from recovery.simulate.estimate import Estimate
from recovery.simulate.explain import explanation
from recovery.simulate.thin import can_be_thinned, thinned
from recovery.simulate.watch import Watch, levels_of
from recovery.stages import health, known, launches, leases, propagation, queueing
from recovery.stages.cost import came
from recovery.stages.outage import resolve
from recovery.units import duration_s, ns

ALL_S = 0.25  # of all pilots of a file
WITH_KERNELS_S = 0.4  # of them and of having the kernels in memory: where these take long, pilots are shorter
LEAST_SHARE = 0.5  # but not by more than to so much
AT_ONCE = 12  # variants that share it at least; further ones are tried out while some is left
AT_ONCE_LATER = 4  # of those with later stages, whose pilots take longer
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
CALL_S = 3e-5  # to call a kernel
CALLS, CLIENTS_A_CALL = 32, 500  # of a run's host at most; of one with leases as many as it has clients
WINDOW_S = 1e-7  # of a host's window in which nothing happens
TOGETHER_S = 2e-4  # of a window in which operators look at the whole fleet
CACHES = 0.1  # an event of a host with k times as many clients costs k to this power as much (measured)
TOLD = 0.1  # part of a run's cost that a host must have come through to tell how costs of pilots scale
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


def into(need: Estimate, found: Tried) -> Estimate:
    """An estimate with what the pilot found in place of what was reckoned."""
    return replace(
        need,
        events=found.events,
        cpu_s=found.cpu_s,
        low_s=found.low_s,
        high_s=found.high_s,
        hosts_share=found.hosts_share,
    )


def is_ready(scenario: Scenario) -> bool:
    """Whether every kernel that the scenario needs is compiled, so that a pilot is quick."""
    return not needed.missing(part for part in needed.parts_of(scenario) if part is not needed.RACE)


def tried(
    variants: Sequence[Variant],
    seed: int,
    budget_s: float = ALL_S,
    replications: int = 1,
    shared: Sequence[reuse.Shared] | None = None,
) -> list[Tried]:
    """What a run of each variant takes, in the mean over replications; `shared` is what `reuse.shared` says of them.

    Variants are tried out in an order in which each next one is the farthest from those before, while there is time;
    the others take what lies between, weighed by distance in names and levers. Hosts that several share are tried out
    once. What is left goes to second replications.
    """
    begun = time.thread_time()
    _loaded(resolve(variants[0], seed, 0).scenario, seed)
    spare_s = WITH_KERNELS_S - (time.thread_time() - begun)
    budget_s = min(budget_s, max(spare_s, LEAST_SHARE * budget_s))
    shared = reuse.shared([(variant, seed, 0) for variant in variants]) if shared is None else shared
    places, has_later = _places(variants), variants[0].scenario.launches is not None
    order, pilots = _farthest(places), _Pilots(seed)
    first = list(itertools.islice(order, AT_ONCE))
    kinds = list({shared[i].key: i for i in reversed(first)}.values())[::-1]  # of hosts
    left_s, least = budget_s, 2 if replications > 1 else 1  # one takes at most so much of what is left
    hosts_s = budget_s / 2 if has_later else budget_s
    for number, i in enumerate(kinds):
        spent_s = pilots.hosts(variants[i], shared[i].key, max(hosts_s, 0.0) / max(len(kinds) - number, least)).spent_s
        left_s, hosts_s = left_s - spent_s, hosts_s - spent_s
    found: dict[int, Tried] = {}
    each = min(len(first), AT_ONCE_LATER if has_later else AT_ONCE)
    for i in dict.fromkeys([*kinds, *first, *order]):
        begun = time.thread_time()
        found[i] = pilots.run(variants[i], shared[i].key, max(left_s, 0.0) / max(each - len(found), least))
        left_s -= time.thread_time() - begun
        if len(found) >= each and left_s < budget_s / each:
            break
    for i in list(found):
        begun = time.thread_time()
        if replications > 1 and found[i].is_whole and found[i].spent_s < left_s / 2:
            found[i] = _either(found[i], pilots.run(variants[i], None, left_s / 2, replication=1))
            left_s -= time.thread_time() - begun
    told = _between(places, found)
    return [one if i in found else pilots.with_hosts(one, shared[i].key) for i, one in enumerate(told)]


def _loaded(scenario: Scenario, seed: int) -> None:
    """Have the kernels in memory before anything is timed."""
    _run(scenario, seed, 0, 1, scenario.host.workers, 1.0, 0.0)
    if scenario.launches is not None:
        _later(scenario, seed, np.ones(scenario.windows), 0.0)


def _either(one: Tried, other: Tried) -> Tried:
    """Two replications: their mean, and a range that holds both."""
    return replace(
        one,
        cpu_s=(one.cpu_s + other.cpu_s) / 2,
        events=(one.events + other.events) / 2,
        hosts_share=(one.hosts_share + other.hosts_share) / 2,
        low_s=min(one.low_s, other.low_s),
        high_s=max(one.high_s, other.high_s),
    )


def _places(variants: Sequence[Variant]) -> np.ndarray:
    """float64[variants, axes]: where they lie: the values of levers from 0 to 1, words and names as far as can be."""
    axes = [np.unique([variant.name for variant in variants], return_inverse=True)[1]]
    columns = [np.eye(axes[0].max() + 1)[axes[0]] / 2**0.5]
    for key in dict.fromkeys(key for variant in variants for key, _ in variant.levers):
        values = [dict(variant.levers).get(key) for variant in variants]
        if all(_number(value) is not None for value in values):
            numbers = np.array([_number(value) for value in values], float)
            ranks = np.unique(numbers, return_inverse=True)[1]
            columns.append((ranks / max(ranks.max(), 1))[:, None])
        else:
            words = np.unique([repr(value) for value in values], return_inverse=True)[1]
            columns.append(np.eye(words.max() + 1)[words] / 2**0.5)
    return np.concatenate(columns, axis=1)


def _number(value: object) -> float | None:
    """A lever's value as a number: so many seconds, or what stands before a unit."""
    try:
        return float(value) if isinstance(value, int | float) else duration_s(str(value))
    except ValueError:
        found = re.match(r"\d+(\.\d+)?(?=\s*(/|%|$))", str(value))
        return float(found[0]) if found else None


def _distances(places: np.ndarray, i: int) -> np.ndarray:
    return np.asarray(np.sqrt(((places - places[i]) ** 2).sum(axis=1)))


def _farthest(places: np.ndarray) -> Iterator[int]:
    """All variants, each next one the farthest from those before."""
    i, distance = 0, np.full(len(places), np.inf)
    for _ in range(len(places)):
        yield i
        distance = np.minimum(distance, _distances(places, i))
        distance[i] = -1.0
        i = int(distance.argmax())


def _between(places: np.ndarray, found: dict[int, Tried]) -> list[Tried]:
    """Each variant by those that were tried out: logarithms, weighed by the inverse square of the distance. How far
    that is off is told by those that were tried out, each from the others.
    """
    known = list(found)
    if len(known) == len(places):
        return [found[i] for i in range(len(places))]
    logs = np.log(
        [
            [max(t.cpu_s, 1e-9), max(t.low_s, 1e-9), max(t.high_s, 1e-9), t.events + 1, max(t.hosts_share, 1e-9)]
            for t in found.values()
        ]
    )

    def weighed(i: int, among: list[int]) -> np.ndarray:
        weights = 1 / (_distances(places, i)[[known[j] for j in among]] ** 2 + 1e-6)
        weights /= (logs[among, 2] - logs[among, 1]) ** 2  # a wide range tells less
        return np.asarray(weights @ logs[among] / weights.sum())

    everyone = list(range(len(known)))
    apart = [logs[j, 0] - weighed(known[j], [k for k in everyone if k != j])[0] for j in everyone]
    wider = float(np.exp(np.sqrt(np.mean(np.square(apart)))))
    told = []
    for i in range(len(places)):
        if i in found:
            told.append(found[i])
            continue
        cpu_s, low_s, high_s, events, hosts_share = np.exp(weighed(i, everyone)).tolist()
        told.append(Tried(cpu_s, low_s / wider, high_s * wider, events, False, hosts_share))
    return told


class _Pilots:
    """Pilots of variants; hosts that several variants share (the same key of recovery.simulate.reuse) are tried out
    once.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._hosts: dict[str, _Hosts] = {}

    def hosts(self, variant: Variant, key: str | None, budget_s: float, replication: int = 0) -> "_Hosts":
        """What all hosts take, in so much time if they were not tried out yet."""
        if key is not None and key in self._hosts:
            return self._hosts[key]
        begun = time.thread_time()
        scenario = resolve(variant, self._seed, replication).scenario
        found = _Hosts(*_hosts(scenario, self._seed, replication, budget_s), time.thread_time() - begun)
        if key is not None:
            self._hosts[key] = found
        return found

    def run(self, variant: Variant, key: str | None, budget_s: float, replication: int = 0) -> Tried:
        """What a run takes, its later stages too."""
        has_later, begun = variant.scenario.launches is not None, time.thread_time()
        hosts = self.hosts(variant, key, budget_s / 2 if has_later else budget_s, replication)
        if not has_later:
            return replace(hosts.tried, spent_s=hosts.spent_s)
        left_s, later = budget_s - (time.thread_time() - begun), time.thread_time()
        scenario = resolve(variant, self._seed, replication).scenario
        more_s, more, is_all = _later(scenario, self._seed, hosts.leased, max(left_s, budget_s / 4))
        found = _with_later(hosts.tried, more_s, more, is_all=is_all)
        return replace(found, spent_s=hosts.spent_s + time.thread_time() - later)

    def with_hosts(self, told: Tried, key: str | None) -> Tried:
        """What was told of a run, with what its own hosts take, if these were tried out."""
        if key not in self._hosts or told.hosts_share >= 1:
            return told
        later = 1 - told.hosts_share
        return _with_later(self._hosts[key].tried, told.cpu_s * later, told.events * later, is_all=False)


def _with_later(hosts: Tried, more_s: float, more: float, *, is_all: bool) -> Tried:
    """A run of these hosts, and of later stages that take so much time for so many events."""
    factor = NEAR if is_all else ENDED
    cpu_s = hosts.cpu_s + more_s
    return Tried(
        cpu_s,
        hosts.low_s + more_s / factor,
        hosts.high_s + more_s * factor,
        hosts.events + more,
        hosts.is_whole and is_all,
        hosts.cpu_s / max(cpu_s, 1e-9),
    )


@dataclass(frozen=True)
class _Hosts:
    tried: Tried
    leased: np.ndarray  # share of leases at the end of each window
    spent_s: float


# --- hosts ------------------------------------------------------------------------------------------------------------


@dataclass
class _Pilot:
    by: float  # clients and work of the host, over those of the pilot
    start_s: float
    times_ns: np.ndarray  # up to which it was run
    spent_s: np.ndarray  # and what it cost until then, without what a call costs
    changed_ns: int  # when what happens from outside last changed
    next_ns: int  # when the dependency changes next; the end if it does not
    last_ns: int  # when what happens from outside changes last
    events: np.ndarray  # float64[windows] that are done
    is_whole: bool
    leased: np.ndarray  # float64[windows], share of its clients at each window's end

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
        ]


def _run(
    scenario: Scenario, seed: int, replication: int, clients: int, workers: int, slower: float, budget_s: float
) -> _Pilot:
    """One host, thinned, to the horizon or as far as the budget goes."""
    begun = time.thread_time()
    traffic, watch = known.traffic_of(scenario), Watch(scenario)
    by = scenario.host.workers / workers * slower
    own = thinned(scenario, workers, slower) if by > 1 else scenario
    run = traffic.start(own, seed, replication, 0, clients)
    start_s = time.thread_time() - begun
    window = ns(scenario.coupling.window)
    end = scenario.windows * window
    calls = []
    for _ in range(5):
        begun = time.thread_time()
        run.advance(0)
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
        run.advance(until)
        took_s = time.thread_time() - begun
        if watch.is_needed:
            number = until // window - 1
            levels = levels_of(run.rows(number, number + 1)[0], clients, by * scenario.hosts)
            members = leases.members_of(scenario, 0, clients) if scenario.has_leases else [0] * len(scenario.classes)
            for place, (name, many) in enumerate(zip(scenario.classes, members, strict=False)):
                row = run.of_class(place).rows(number, number + 1)[0]
                levels |= levels_of(row, many, by * scenario.hosts, name)
            if watch.look((number + 1) * scenario.coupling.window, levels):
                traffic.set_off(run, own, 0, watch.started)
        gone_s += time.thread_time() - begun
        times.append(until)
        took.append(took_s)
        step = min(2 * step, end // COARSE) if took_s < STEP_S else max(step // 2, end // FINE, 1)
        if until >= edge:
            step, changed = max(end // FINE, 1), edge
    series, windows = run.series[: scenario.windows], times[-1] // window
    flows = series[:, [requests.SUBMITTED, requests.SUCCEEDED, requests.WASTED, requests.FAILED, requests.TIMED_OUT]]
    is_whole = times[-1] >= end
    if not is_whole:  # the last that is known stands for the rest
        series[windows:, requests.LEASED_END] = series[windows - 1, requests.LEASED_END] if windows else clients
    leased = series[:, requests.LEASED_END] / max(clients, 1)
    spent = np.maximum.accumulate(np.maximum(np.cumsum(took) - call_s * np.arange(len(took)), 0.0))
    following = min([edge for edge in dependency if edge > times[-1]], default=end)
    done = flows[:windows].sum(axis=1).astype(float)
    return _Pilot(by, start_s, np.array(times), spent, changed, following, last, done, is_whole, leased)


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


def _hosts(scenario: Scenario, seed: int, replication: int, budget_s: float) -> tuple[Tried, np.ndarray]:
    """What all hosts take, and the share of leases at the end of each window."""
    own, clients = scenario.host.workers, _clients(scenario)
    end = scenario.windows * ns(scenario.coupling.window)
    whole: _Pilot | None = None
    thin: _Pilot | None = None
    thinned_ones: list[_Pilot] = []
    begun = time.thread_time()
    thinner = _thinner(own, clients) if can_be_thinned(scenario) else []
    part_s = budget_s
    if thinner:
        workers, slower = thinner[0]
        first_s = budget_s / (2 if any(action.when is not None for action in scenario.operator) else 4)
        thin = _run(scenario, seed, replication, ROUGH, workers, slower, first_s)
        thinned_ones.append(thin)
        is_far = thin.spent_s[-1] * thin.by > FAR * budget_s
        part_s = budget_s * (FAR_SHARE if is_far else WHOLE_SHARE)
        if not thin.is_whole:
            part_s = max(0.0, budget_s - (time.thread_time() - begun))
    if thin is None or not scenario.has_leases or clients * CLIENT_S < part_s:
        whole = _run(scenario, seed, replication, max(1, round(clients)), own, 1.0, part_s)
    if whole is None or not whole.is_whole:
        for workers, slower in thinner[1:]:
            if thin is None or not thin.is_whole:
                break
            by, left_s = own / workers * slower, budget_s - (time.thread_time() - begun)
            forecast_s = clients / by * CLIENT_S + 1.2 * thin.spent_s[-1] * thin.by / by
            if forecast_s > left_s:
                break
            finer = _run(scenario, seed, replication, max(1, round(clients / by)), workers, slower, left_s)
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
        fixed_s += scenario.windows * (TOGETHER_S + count * CALL_S)
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


def _totals(pilots: Sequence[_Pilot]) -> list[float]:
    """Events of a host, by each pilot that came to the horizon."""
    return [one.total for one in pilots if one.is_whole]


def _differ(pilots: Sequence[_Pilot], whole: _Pilot | None) -> bool:
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
    told = {row.name: row.value for row in explanation(scenario, with_hidden_capacity=True)}
    ratios = [min(told["r1"], told["r2"])] if "r1" in told else []
    hidden = told["hidden_capacity_per_s"]
    if scenario.jobs is not None and scenario.steps:
        ratios.append(scenario.steps[-1].rate_per_s() / (hidden or scenario.establish_per_s * scenario.hosts))
    return any(1 / CLIFF <= one <= CLIFF for one in ratios)


def _guesses(scenario: Scenario, whole: _Pilot | None, thin: _Pilot | None, end: int) -> tuple[list[float], float]:
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
    factor = ENDED if isinstance(scenario.policy.queue, DropExpired) else NEAR  # see MODEL.md, "Time of a run"
    if whole is None:
        return [float(cost[-1])], factor
    until, so_far = float(np.interp(whole.times_ns[-1], thin.times_ns, cost)), float(whole.spent_s[-1])
    guesses = [so_far + float(cost[-1]) - until]
    if until > TOLD * cost[-1]:
        guesses.append(so_far * float(cost[-1]) / until)
    return guesses, factor


# --- what follows the leases ------------------------------------------------------------------------------------------

LATER_LEAST = 8_000  # launches and changes of a pilot of the later stages, about
LATER_STRETCHES = (
    96  # of the horizon, in which they are run one after the other; what is terminated comes back a stretch late
)
USUAL = 0.6  # of what an event takes at most (NS_PER_ATTEMPT and so on), on the day of us-east-1


def _later(scenario: Scenario, seed: int, leased: np.ndarray, budget_s: float) -> tuple[float, float, bool]:
    """The same of launches, propagation and health checks, thinned by what comes to them. What an event takes is known
    of them; how many there are is not.
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
    windows = scenario.windows
    stretch = max(windows // LATER_STRETCHES, 1)
    done: list[tuple[int, float, float]] = []  # windows, events of a run until then, and what they take
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
