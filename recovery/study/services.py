"""Who else was down: impairment propagated through a table of services, after a run or alone (MODEL.md, section 12).

All is on the grid of the run: `depth` float64[windows] is the share of a service's work that is not done, or late, in
each window. Every rule is monotone in the depth of what is needed, so that a cut edge never hurts anybody.
"""

import functools
import itertools
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from recovery.model.scenario import Scenario
from recovery.model.services import Edge, Need, Observed, Service, Table, has_stage
from recovery.reading.experiment import Experiment
from recovery.reading.service_table import load, value_at
from recovery.simulate import aftermath
from recovery.simulate.aftermath import Aftermath
from recovery.simulate.pipeline import Outcome
from recovery.statistics.means import mean_interval
from recovery.units import duration_s

NONE_S = 1e-6  # less work than this does not wait
NO_DEPTH = 1e-9
OWN, NOBODY = -1, -2  # in place of the number of a need: the service itself; it is not impaired
WITHIN_MIN = {"official": 10.0, "measured": 10.0, "reported": 20.0, "recalled": 20.0}
BETTER = {"progress": 0.9, "half": 0.5}  # of the deepest
_OF_DEPTH = {"start", "end", "first end", "second start", *BETTER}  # what is read off a service's own depth
MANUAL, BACKLOG, CAPACITY, LAG = "manual step", "backlog", "capacity", "lag"
CUTS_MAX = 200  # edges that are cut, one after another
BLAST_MAX = 60  # services that are looked at alone: those that lost most
STATES_MAX = 100_000  # services that lie below the edges that are cut, all together
PATH_MAX = 60  # names of a path that are told: more are left out in its middle
_DEFAULTS = {  # what works of a stage, below which a service is impaired, and from which it is well
    "dependency": (1.0, 1.0),
    "leases": (0.99, 0.99),
    "launches": (aftermath.FAILING_SHARE, aftermath.NORMAL_SHARE),
    "propagation": (1.0, 1.0),
    "errors": (0.99, 0.99),
}


@dataclass
class State:
    """One service over time.

    `edge` int32[windows] is the number of the need that decides, OWN or NOBODY; `waits_on` the number of the service
    that it waits for, OWN if it waits for its own work, NOBODY; `waits_for` the number of the label of what the end of
    that chain is busy with. `backlog_s` is work that waits at each window's end, in time of arrivals; `missing_share`
    instances that are lost.
    """

    depth: np.ndarray
    edge: np.ndarray
    waits_on: np.ndarray
    waits_for: np.ndarray
    backlog_s: np.ndarray | None = None
    lost_s: float = 0.0
    missing_share: np.ndarray | None = None

    @functools.cached_property
    def is_impaired(self) -> np.ndarray:
        """bool[windows]."""
        return np.asarray(self.depth > 0)

    @functools.cached_property
    def is_quiet(self) -> bool:
        """Whether it is never impaired."""
        return not self.is_impaired.any()

    @functools.cached_property
    def lost_windows(self) -> np.float64:
        """Depth over time, in windows."""
        return np.float64(self.depth.sum())

    @functools.cached_property
    def first_edge(self) -> int:
        """The need that decided when it became impaired first; NOBODY if it never was."""
        return NOBODY if self.is_quiet else int(self.edge[int(np.argmax(self.is_impaired))])

    def is_same(self, other: "State") -> bool:
        """Whether everything about it is the same."""
        if self is other:
            return True
        pairs = [
            (self.depth, other.depth), (self.edge, other.edge), (self.waits_on, other.waits_on),
            (self.waits_for, other.waits_for), (self.backlog_s, other.backlog_s),
            (self.missing_share, other.missing_share),
        ]  # fmt: skip
        alike = (a is b or (a is not None and b is not None and np.array_equal(a, b)) for a, b in pairs)
        return self.lost_s == other.lost_s and all(alike)


@dataclass
class ServicesOutcome:
    """What a table of services gave, on a grid of `window_s`: a state a service, and what was put in."""

    table: Table
    window_s: float
    windows: int
    own: dict[str, np.ndarray]  # float64[windows]: trouble of a service's own
    free: dict[str, np.ndarray]  # bool[windows]: where that had no cause in the graph
    given: frozenset[str]  # services whose own trouble is given, not simulated
    states: dict[str, State] = field(default_factory=dict)
    actions: list[tuple[str, float]] = field(default_factory=list)
    variant: str = ""
    levers: dict[str, Any] = field(default_factory=dict)
    replication: int = 0
    gone: frozenset[tuple[str, str]] = frozenset()  # edges that are cut: from, to
    forced: dict[str, np.ndarray] = field(default_factory=dict)  # depths that are put in place of what follows
    _known_heads: dict[str, tuple[list[str], int]] | None = field(default=None, init=False, compare=False)
    failover_s: float = math.nan  # when the run first takes a zone out; nan if it has no health checks

    def impaired(self, name: str) -> list[tuple[float, float]]:
        """Times [from, to) in seconds in which a service is impaired; inf where the horizon cuts one off."""
        return spans(self.states[name].is_impaired, self.window_s)

    def minutes_lost(self, name: str) -> float:
        """Depth over time, in minutes."""
        return float(self.states[name].lost_windows * self.window_s / 60)

    def total_min(self) -> float:
        """Minutes lost by all services."""
        return math.fsum(self.minutes_lost(name) for name in self.states)

    def cut(self, edges: Iterable[Edge]) -> "ServicesOutcome":
        """The same without these edges."""
        gone = frozenset((edge.source, edge.target) for edge in edges)
        out = replace(self, states=dict(self.states), gone=self.gone | gone)
        _propagate(out, {target for _, target in gone})
        return out

    def blast(self, node: str, depth: np.ndarray | None = None) -> "ServicesOutcome":
        """As if only `node` had been impaired, as it was: no other root cause. With another `depth` (float64[windows])
        what was simulated or given of other services is left out, since it followed from the event.
        """
        forced = {node: self.states[node].depth if depth is None else depth}
        never = dict.fromkeys(self.table.services, np.zeros(self.windows, bool))
        out = replace(self, states={}, free=never, forced=forced, own=self.own if depth is None else {})
        _propagate(out, set(self.table.services))
        return out

    def path(self, name: str) -> list[str]:
        """The services from a root cause to this one, at the moment at which each becomes impaired first. Of more than
        PATH_MAX the middle is left out, and told in a word.
        """
        half = PATH_MAX // 2
        tail = [name]
        while len(tail) < half and (before := self._cause(tail[0])) is not None:
            tail.insert(0, before)
        if (before := self._cause(tail[0])) is None:
            return tail
        head, length = self._heads()[before]
        between = length - len(head)
        return [*head, *([f"… {between} more …"] if between else []), *tail]

    def _cause(self, name: str) -> str | None:
        """The service that made this one impaired first; None if it was itself, or never was."""
        number = self.states[name].first_edge
        return self.table.services[name].needs[number].on if number >= 0 else None

    def _heads(self) -> dict[str, tuple[list[str], int]]:
        """Of each service the first half of its path, and how long that is: all of them in one walk over the graph."""
        if self._known_heads is None:
            found: dict[str, tuple[list[str], int]] = {}
            for name in self.table.order:
                before = self._cause(name)
                head, length = ([], 0) if before is None else found[before]
                found[name] = ([*head, name] if length < PATH_MAX // 2 else head, length + 1)
            self._known_heads = found
        return self._known_heads

    def chain(self, name: str, k: int) -> list[str]:
        """Whom a service waits for in window k, and that one in its turn, to the end of the chain, or as far as
        PATH_MAX.
        """
        names = self.table.names
        out = [name]
        while (number := int(self.states[out[-1]].waits_on[k])) >= 0:
            if len(out) == PATH_MAX:
                return [*out, "…"]
            out.append(names[number])
        return out


def labels(table: Table) -> list[str]:
    """What services can be waiting for: each stage, each service with given trouble, and four kinds of own work."""
    own = [label_of(name, service) for name, service in table.services.items()]
    return list(dict.fromkeys([*own, MANUAL, BACKLOG, CAPACITY, LAG]))


def label_of(name: str, service: Service) -> str:
    """What others wait for while a service has trouble of its own: its stage, else its name for people."""
    return service.stage or service.label or name


def spans(is_so: np.ndarray, window_s: float) -> list[tuple[float, float]]:
    """Times [from, to) of the runs of a bool[windows]; to is inf where the last window is one."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], is_so, [False])).astype(np.int8))).reshape(-1, 2)
    return [(a * window_s, b * window_s if b < len(is_so) else math.inf) for a, b in edges.tolist()]


# --- from a run, or from the table alone ------------------------------------------------------------------------------


def alone(table: Table) -> ServicesOutcome:
    """A table by itself: the trouble that it gives."""
    window, windows = table.body.window, math.ceil(table.body.horizon / table.body.window)
    own = {name: _given(s, window, windows) for name, s in table.services.items() if s.impaired}
    return _event(table, window, windows, own, frozenset(own))


def after(outcome: Outcome, table: Table) -> ServicesOutcome:
    """A table behind a run: stages that the run has come from there, others as the table gives them."""
    scenario = outcome.scenario
    window = scenario.coupling.window
    windows = max(len(outcome.times_s), math.ceil(table.body.horizon / window))
    own, given = {}, set()
    for name, service in table.services.items():
        if service.stage is not None and has_stage(scenario, service.stage):
            own[name] = _simulated(outcome, service, windows)
            if service.stage == "dependency":  # when it is away is an input of every run
                given.add(name)
        elif service.impaired:
            own[name] = _given(service, window, windows)
            given.add(name)
    out = _event(table, window, windows, own, frozenset(given))
    out.actions, out.replication = [*outcome.actions, *_found(scenario)], outcome.replication
    if isinstance(outcome, Aftermath) and "failovers" in outcome.later:
        found = np.flatnonzero(outcome.later["failovers"])
        out.failover_s = float(outcome.times_s[found[0]]) if len(found) else math.inf
    out.variant, out.levers = outcome.variant.name, dict(outcome.variant.levers)
    return out


def _found(scenario: Scenario) -> list[tuple[str, float]]:
    """When people know why records are empty, as the experiment says (its mean)."""
    window = None if scenario.dns is None else scenario.dns.window
    return [] if window is None else [("cause found", window.at + window.detect.mean_s())]


def table_of(experiment: Experiment) -> Table | None:
    """The table that an experiment names, or None. Raises ScenarioError."""
    named = experiment.head.services
    return load(experiment.folder / named) if named else None


def _event(
    table: Table, window: float, windows: int, own: dict[str, np.ndarray], given: frozenset[str]
) -> ServicesOutcome:
    free = dict.fromkeys(table.services, np.ones(windows, bool))
    out = ServicesOutcome(table, window, windows, own, free, given)
    _propagate(out, set(table.services))
    for name, service in table.services.items():
        causes = [need for need in service.needs if need.kind == "cause"]
        if name in own and causes:
            out.free[name] = ~_triggered(out, causes)
    _propagate(out, set(table.services))
    return out


def _given(service: Service, window: float, windows: int) -> np.ndarray:
    """Depth (float64[windows]) of the times that the table gives: the mean over each window."""
    return _mean_over_windows([(span.start, span.end, span.depth) for span in service.impaired], window, windows)


def _mean_over_windows(steps: Sequence[tuple[float, float, float]], window: float, windows: int) -> np.ndarray:
    edges = np.arange(windows + 1) * window
    out = np.zeros(windows)
    for begin, end, depth in steps:
        out += depth * np.clip(np.minimum(edges[1:], end) - np.maximum(edges[:-1], begin), 0, None) / window
    return np.where(out > NO_DEPTH, np.minimum(out, 1.0), 0.0)


def _simulated(outcome: Outcome, service: Service, windows: int) -> np.ndarray:
    """Depth (float64[windows]) of a stage of a run. What a stage says at the end of a window holds for the next one;
    after the run it stays as it was.
    """
    scenario, stage = outcome.scenario, service.stage or ""
    below, normal = _thresholds(scenario, service)
    window = scenario.coupling.window
    if stage == "dependency":
        works, held = 1 - _mean_over_windows(outcome.outages, window, windows), 1
    else:
        works, held = _works(outcome, stage), math.ceil(scenario.hold / window - 1e-9) + 1
    is_bad = stretches(works < below - NO_DEPTH, works >= normal - NO_DEPTH, held)
    done = _launched(outcome) if stage == "launches" else works
    depth = np.where(is_bad, np.maximum(1 - done, max(1 - normal, 1e-6)), 0.0)
    if stage != "dependency":
        depth = np.concatenate(([0.0], depth))
    return np.concatenate((depth, np.full(max(windows - len(depth), 0), depth[-1])))[:windows]


def _thresholds(scenario: Scenario, service: Service) -> tuple[float, float]:
    if service.stage == "health" and scenario.health is not None:
        usual = (scenario.health.normal_share,) * 2
    else:
        usual = _DEFAULTS[service.stage or ""]
    normal = service.normal if service.normal is not None else max(usual[1], service.below or 0.0)
    return min(usual[0], normal) if service.below is None else service.below, normal


def _launched(outcome: Outcome) -> np.ndarray:
    """Launches accepted over launches wanted, float64[windows], 1 at most: who comes back is not counted twice."""
    if not isinstance(outcome, Aftermath):
        raise ValueError("this run has no stage launches")
    asked, accepted = outcome.later["launches_asked"], outcome.later["launches_accepted"]
    return np.asarray(np.where(asked > 0, np.minimum(accepted / np.maximum(asked, 1), 1.0), 1.0))


def _works(outcome: Outcome, stage: str) -> np.ndarray:
    """What works of a stage, float64[windows] from 0 to 1: leased share, accepted share of the attempts, normal over
    actual latency, usable share of the targets, connections without error.
    """
    if stage == "leases":
        return outcome.leased_share()
    if not isinstance(outcome, Aftermath):
        raise ValueError(f"this run has no stage {stage}")
    later, scenario = outcome.later, outcome.scenario
    if stage == "launches":
        attempts = later["launch_attempts"]
        return np.asarray(np.where(attempts > 0, later["launches_accepted"] / np.maximum(attempts, 1), 1.0))
    if stage == "propagation" and scenario.propagation is not None:
        return np.asarray(
            np.minimum(1.0, scenario.propagation.normal_latency / np.maximum(outcome.latency_mean_s(), 1e-9))
        )
    if stage == "health" and scenario.health is not None:
        return np.asarray(later["targets_usable"] / scenario.health.targets)
    return 1 - outcome.error_share()


def stretches(is_bad: np.ndarray, is_good: np.ndarray, held: int) -> np.ndarray:
    """bool[n]: true from the first window of a run of `held` bad ones to that of the next run of `held` good ones."""
    marks = np.zeros(len(is_bad), np.int8)
    for is_so, mark in ((is_bad, 1), (is_good, -1)):
        edges = np.flatnonzero(np.diff(np.concatenate(([False], is_so, [False])).astype(np.int8))).reshape(-1, 2)
        marks[edges[edges[:, 1] - edges[:, 0] >= held, 0]] = mark
    last = np.maximum.accumulate(np.where(marks != 0, np.arange(len(marks)), -1))
    return np.asarray(np.where(last >= 0, marks[np.maximum(last, 0)] > 0, False))


# --- propagation ------------------------------------------------------------------------------------------------------


def _propagate(out: ServicesOutcome, changed: set[str]) -> None:
    """States of the `changed` services and of what hangs on them, in the order of the graph. Where a state stays as it
    was, what hangs on it is left alone.
    """
    number_of = {name: i for i, name in enumerate(out.table.services)}
    label_number = {label: i for i, label in enumerate(labels(out.table))}
    quiet: dict[tuple[bool, bool], State] = {}
    moved: set[str] = set()
    for name in out.table.order:
        if name not in changed and not any(source in moved for source in out.table.sources[name]):
            continue
        new = _quiet(out, name, quiet) or _state(out, name, number_of, label_number)
        if name not in out.states or not out.states[name].is_same(new):
            out.states[name] = new
            moved.add(name)


def _quiet(out: ServicesOutcome, name: str, known: dict[tuple[bool, bool], State]) -> State | None:
    """The state of a service that has no trouble of its own, and needs nobody who has; None of others. It is the same
    one (in `known`) for all of a kind.
    """
    if (
        name in out.forced
        or name in out.own
        or not all(out.states[other].is_quiet for other in out.table.sources[name])
    ):
        return None
    kinds = {need.kind for need in out.table.services[name].needs if (need.on, name) not in out.gone}
    has = "backlog" in kinds, "capacity" in kinds
    if has not in known:
        n = out.windows
        state = State(np.zeros(n), np.full(n, NOBODY, np.int32), np.full(n, NOBODY, np.int32), np.full(n, -1, np.int32))
        state.backlog_s = np.zeros(n) if has[0] else None
        state.missing_share = np.zeros(n) if has[1] else None
        known[has] = state
    return known[has]


def _state(out: ServicesOutcome, name: str, number_of: Mapping[str, int], label_number: Mapping[str, int]) -> State:
    n = out.windows
    service, forced = out.table.services[name], out.forced.get(name)
    state = State(np.zeros(n), np.full(n, NOBODY, np.int32), np.full(n, NOBODY, np.int32), np.full(n, -1, np.int32))
    if forced is not None:
        _deeper(state, forced, OWN, np.full(n, OWN), label_number[label_of(name, service)])
    elif name in out.own:
        _own(out, name, service, state, number_of, label_number[label_of(name, service)])
    for i, need in enumerate(service.needs):
        if forced is None and need.kind != "cause" and (need.on, name) not in out.gone:
            _suffer(out, name, i, need, state, number_of, label_number)
    names = out.table.names
    for other in np.unique(state.waits_on[state.waits_on >= 0]).tolist():  # the end of the chain, for others
        there = state.waits_on == other
        state.waits_for[there] = out.states[names[other]].waits_for[there]
    return state


def _deeper(state: State, depth: np.ndarray, edge: int | np.ndarray, on: np.ndarray, label: int) -> None:
    """Where `depth` is more than the state's, it takes its place, with what decides it and whom it waits for."""
    more = depth > np.maximum(state.depth, NO_DEPTH)
    state.edge = np.where(more, edge, state.edge).astype(np.int32)
    state.waits_on = np.where(more, on, state.waits_on).astype(np.int32)
    state.waits_for = np.where(more & (on < 0), label, state.waits_for).astype(np.int32)
    state.depth = np.where(more, depth, state.depth)


def _triggered(out: ServicesOutcome, causes: Sequence[Need]) -> np.ndarray:
    """bool[windows]: whether one of these causes is impaired, or was."""
    found = np.zeros(out.windows, bool)
    for need in causes:
        found |= out.states[need.on].is_impaired
    return np.asarray(np.maximum.accumulate(found))


def _own(
    out: ServicesOutcome,
    name: str,
    service: Service,
    state: State,
    number_of: Mapping[str, int],
    label: int,
) -> None:
    """Trouble of its own: as it was simulated or given, so far as what caused it has been impaired by then."""
    own = out.own[name]
    needs = enumerate(service.needs)
    causes = [(i, need) for i, need in needs if need.kind == "cause" and (need.on, name) not in out.gone]
    since = [_triggered(out, [need]) for _, need in causes]
    depth = np.where(out.free[name] | np.logical_or.reduce([*since, out.free[name]]), own, 0.0)
    edge, on = np.full(out.windows, OWN), np.full(out.windows, OWN)
    deepest = np.zeros(out.windows)
    for (i, need), triggered in sorted(zip(causes, since, strict=True), key=lambda pair: -int(pair[1].sum())):
        edge = np.where((edge == OWN) & triggered & ~out.free[name], i, edge)
        depth_of = out.states[need.on].depth
        # It waits for a need that is at least as deep in trouble as itself, else for its own work.
        waits = (depth_of >= depth) & (depth_of > deepest)
        on = np.where(waits, number_of[need.on], on)
        deepest = np.where(waits, depth_of, deepest)
    _deeper(state, depth, edge, on, label)


def _suffer(
    out: ServicesOutcome,
    name: str,
    i: int,
    need: Need,
    state: State,
    number_of: Mapping[str, int],
    label_number: Mapping[str, int],
) -> None:
    """What need `i` does to a service, each kind by its rule."""
    window = out.window_s
    found = out.states[need.on].depth
    x = np.where(found > need.tolerates, found, 0.0)
    presses, on = x > 0, np.where(x > 0, number_of[need.on], OWN)
    if need.kind == "hard":
        depth, label = _latest_most(_latest_least(x, _whole(need.after / window)), _whole(need.lag / window)), LAG
    elif need.kind == "manual":
        label = MANUAL
        if need.at is None:
            depth = _latest_most(x, _whole(need.after / window))
        else:
            stuck = np.arange(out.windows) < _whole(need.at / window)
            depth = np.where(stuck, np.maximum.accumulate(x), x)
    elif need.kind == "backlog":
        label = BACKLOG
        capacity = (need.ratio or 1.0) * (1 - x)  # over arrivals
        short = np.maximum(1 - capacity, 0.0)
        if need.until is not None:
            short[_whole(need.until / window) :] = 0.0
        waiting = _reflected((need.kept * short - np.maximum(capacity - 1, 0.0)) * window)
        before = np.concatenate(([0.0], waiting[:-1]))
        late = (waiting > NONE_S) | (before > NONE_S)
        depth = np.maximum(late, (1 - need.kept) * short)
        presses = short > 0
        on = np.where(presses, number_of[need.on], OWN)
        state.backlog_s = waiting if state.backlog_s is None else np.maximum(state.backlog_s, waiting)
        state.lost_s += float(((1 - need.kept) * short).sum() * window)
    else:
        label = CAPACITY
        launches = need.launches if (need.launches, name) not in out.gone else None
        denied = np.zeros(out.windows) if launches is None else out.states[launches].depth
        loses, regains = x * window / (need.loses_in or 1.0), (1 - denied) * window / (need.regains_in or 1.0)
        missing = _between(np.where(presses, loses, -regains), need.most)  # what is launched meanwhile is lost again
        depth = np.maximum(missing - need.spare, 0.0) / (1 - need.spare)
        if launches is not None:
            on = np.where(~presses & (denied > 0), number_of[launches], on)
        state.missing_share = missing if state.missing_share is None else np.maximum(state.missing_share, missing)
    _deeper(state, need.share * depth, i, on, label_number[label])


def _whole(windows: float) -> int:
    """Windows of a time: the nearest whole number."""
    return round(windows)


def _latest_least(x: np.ndarray, windows: int) -> np.ndarray:
    """Least of each window and so many before it; before the start it is 0."""
    size = min(windows, len(x)) + 1
    return np.asarray(ndimage.minimum_filter1d(x, size, origin=(size - 1) // 2, mode="constant", cval=0.0))


def _latest_most(x: np.ndarray, windows: int) -> np.ndarray:
    """Most of each window and so many before it."""
    size = min(windows, len(x)) + 1
    return np.asarray(ndimage.maximum_filter1d(x, size, origin=(size - 1) // 2, mode="constant", cval=0.0))


def _reflected(steps: np.ndarray) -> np.ndarray:
    """Level that changes by `steps` and never falls below 0 (Lindley 1952), in closed form."""
    total = np.cumsum(steps)
    return np.asarray(total - np.minimum(np.minimum.accumulate(total), 0.0))


def _between(steps: np.ndarray, most: float) -> np.ndarray:
    """Level that changes by `steps` and stays from 0 to `most`."""
    if not (steps > 0).any():
        return np.zeros(len(steps))
    level, out = 0.0, []
    for step in steps.tolist():
        level = min(max(level + step, 0.0), most)
        out.append(level)
    return np.asarray(out)


# --- the summary ------------------------------------------------------------------------------------------------------


def _interval(values: Sequence[float]) -> dict[str, float]:
    """Mean and interval over the runs that have a value."""
    mean, low, high = mean_interval(values, least=0.0)
    return {"mean": mean, "low": low, "high": high}


def _starts_s(outs: Sequence[ServicesOutcome], name: str) -> dict[str, float]:
    """When a service is impaired first, over the runs in which it is; inf if it never is."""
    return _interval([found[0][0] for out in outs if (found := out.impaired(name))] or [math.inf])


def _well_s(outs: Sequence[ServicesOutcome], name: str) -> dict[str, float]:
    """When a service is well for good, over the runs in which it was not; 0 if it always was."""
    return _interval([found[-1][1] for out in outs if (found := out.impaired(name))] or [0.0])


def milestone_s(out: ServicesOutcome, row: Observed) -> float:
    """When the simulation has what was observed, s; inf if never, nan if it cannot say, 0 for the end of what never
    was.
    """
    if row.what == "nothing":
        return math.nan
    if row.what == "action":
        times = [at for do, at in out.actions if do.startswith(row.action)]  # some name their zone after that
        return min(times, key=lambda at: abs(at - row.at)) if times else math.nan
    if row.what == "input":
        return duration_s(value_at(out.table, row.key))
    if row.what == "failover":
        return out.failover_s
    if row.what == "last end":
        spans = (out.impaired(name) for name in out.table.services if name not in row.besides)
        return max((found[-1][1] for found in spans if found), default=0.0)
    found = out.impaired(row.service)
    if row.what in BETTER:
        depth = out.states[row.service].depth
        deepest = int(np.argmax(depth))
        better = np.flatnonzero(depth[deepest:] <= BETTER[row.what] * depth[deepest])
        if depth[deepest] == 0:
            return 0.0
        return float((deepest + better[0]) * out.window_s) if len(better) else math.inf
    if not found and row.what.endswith("end"):
        return 0.0
    number, end = {"start": (0, 0), "end": (-1, 1), "first end": (0, 1), "second start": (1, 0)}[row.what]
    return found[number][end] if len(found) > max(number, 0) else math.inf


def observed(outs: Sequence[ServicesOutcome]) -> list[dict[str, Any]]:
    """Each observed row beside the simulation (mean over replications with its interval), with what counts as near."""
    rows = []
    for row in outs[0].table.body.observed:
        told = _interval([milestone_s(out, row) for out in outs])
        is_always = told["mean"] == 0 and (row.what.endswith("end") or row.what in BETTER)
        difference = math.nan if is_always else (told["mean"] - row.at) / 60
        is_known = not math.isnan(told["mean"])
        within = WITHIN_MIN[row.confidence]
        is_given = row.what in ("action", "input") or (row.what in _OF_DEPTH and row.service in outs[0].given)
        rows.append(
            row.model_dump(exclude={"at", "action", "key", "besides"})
            | {
                "observed_s": row.at,
                "simulated_s": told["mean"],
                "low_s": told["low"],
                "high_s": told["high"],
                "is_always": is_always,
                "difference_min": difference,
                "within_min": within,
                "is_within": abs(difference) <= within if is_known else None,
                "is_given": is_given,
                "is_predicted": not (row.used_for_fit or row.follows_manual or is_given) and is_known,
            }
        )
    return rows


def blast_rows(outs: Sequence[ServicesOutcome], node: str) -> list[dict[str, Any]]:
    """Of runs of `ServicesOutcome.blast`: each service that is impaired beside the node, most minutes lost first."""
    rows = []
    for name in outs[0].table.services:
        lost = [out.minutes_lost(name) for out in outs]
        if name == node or not any(lost):
            continue
        first = next(out for out in outs if out.minutes_lost(name) > 0)
        state, needs = first.states[name], outs[0].table.services[name].needs
        paths: list[dict[str, Any]] = [
            {
                "path": [*first.path(needs[i].on), name],
                "minutes": float(state.depth[state.edge == i].sum() * first.window_s / 60),
            }
            for i in range(len(needs))
            if (state.edge == i).any()
        ]
        row: dict[str, Any] = {
            "service": name,
            "minutes_lost": _interval(lost),
            "starts_s": _starts_s(outs, name),
            "well_s": _well_s(outs, name),
            "path": first.path(name),
            "paths": sorted(paths, key=lambda one: -float(one["minutes"])),
        }
        rows.append(row)
    return sorted(rows, key=lambda row: -float(row["minutes_lost"]["mean"]))


def cuts(outs: Sequence[ServicesOutcome]) -> list[dict[str, Any]]:
    """For each edge, the minutes that all services would have lost less without it, most first. Of a large table only
    the edges into the services that lost most are tried: CUTS_MAX at most, and as many as reach STATES_MAX services.
    """
    edges = tried(outs)
    rows = []
    for edge in edges:
        others = [out.cut([edge]) for out in outs]
        moved = [
            name
            for name in outs[0].table.services
            if any(a.states[name] is not b.states[name] for a, b in zip(outs, others, strict=True))
        ]
        saved = {
            name: math.fsum(a.minutes_lost(name) - b.minutes_lost(name) for a, b in zip(outs, others, strict=True))
            / len(outs)
            for name in moved
        }
        rows.append(
            {
                "from": edge.source,
                "to": edge.target,
                "kind": edge.kind,
                "saved_min": _interval([a.total_min() - b.total_min() for a, b in zip(outs, others, strict=True)]),
                "services": {name: value for name, value in saved.items() if value > NO_DEPTH},
            }
        )
    return sorted(rows, key=lambda row: -float(row["saved_min"]["mean"]))


def tried(outs: Sequence[ServicesOutcome]) -> list[Edge]:
    """The edges that `cuts` tries, those into the services that lost most first."""
    table = outs[0].table
    pressing = pressed(outs)
    edges: list[Edge] = []
    states = 0
    for edge in sorted(pressing, key=lambda edge: -outs[0].minutes_lost(edge.target))[:CUTS_MAX]:
        states += len(table.below({edge.target})) * len(outs)
        if edges and states > STATES_MAX:
            break
        edges.append(edge)
    return edges


def pressed(outs: Sequence[ServicesOutcome]) -> list[Edge]:
    """The edges from a service that was impaired."""
    return [edge for edge in outs[0].table.edges if any(not out.states[edge.source].is_quiet for out in outs)]


def waits(out: ServicesOutcome) -> np.ndarray:
    """float64[labels, windows]: depth of all services together that wait for each of `labels`."""
    found = np.zeros((len(labels(out.table)), out.windows))
    columns = np.arange(out.windows)
    for state in out.states.values():
        there = state.waits_for >= 0
        found[state.waits_for[there], columns[there]] += state.depth[there]
    return found


def critical(out: ServicesOutcome, hold_s: float = 600.0) -> list[dict[str, Any]]:
    """What most of the impaired services were waiting for, one stretch after another: from, to, what, its share of the
    minutes lost in that stretch. Stretches shorter than `hold_s` belong to the one before.
    """
    found = waits(out)
    names = labels(out.table)
    total = found.sum(0)
    most = np.where(total > 0, found.argmax(0), -1)
    held = max(_whole(hold_s / out.window_s), 1)
    starts = [0, *(np.flatnonzero(np.diff(most)) + 1).tolist(), len(most)]
    runs: list[tuple[int, int, int]] = []  # from, to, what
    for a, b in itertools.pairwise(starts):
        is_brief = bool(runs) and b - a < held and most[a] >= 0 and runs[-1][2] >= 0
        if runs and (is_brief or runs[-1][2] == most[a]):
            runs[-1] = (runs[-1][0], b, runs[-1][2])
        else:
            runs.append((a, b, int(most[a])))
    return [
        {
            "from_s": a * out.window_s,
            "to_s": b * out.window_s if b < out.windows else math.inf,
            "for": names[what],
            "share": float(found[what, a:b].sum() / total[a:b].sum()),
            "services": sum(1 for state in out.states.values() if state.is_impaired[a:b].any()),
        }
        for a, b, what in runs
        if what >= 0
    ]


def chains(out: ServicesOutcome, name: str, hold_s: float = 600.0) -> list[dict[str, Any]]:
    """What one service was waiting for, one stretch after another, with the chain of services to the end."""
    state, names = out.states[name], labels(out.table)
    held = max(_whole(hold_s / out.window_s), 1)
    starts = [0, *(np.flatnonzero(np.diff(state.waits_for)) + 1).tolist(), out.windows]
    rows: list[dict[str, Any]] = []
    for a, b in itertools.pairwise(starts):
        if state.waits_for[a] < 0:
            continue
        end = b * out.window_s if b < out.windows else math.inf
        label, joins = names[state.waits_for[a]], bool(rows) and rows[-1]["to_s"] == a * out.window_s
        if joins and (b - a < held or rows[-1]["for"] == label):
            rows[-1]["to_s"] = end
        else:
            rows.append({"from_s": a * out.window_s, "to_s": end, "for": label, "chain": out.chain(name, a)})
    return rows


def steps(out: ServicesOutcome, name: str) -> list[list[float]]:
    """Depth over time for pictures: [from, to, depth], depth to a tenth (at least a twentieth), to inf at the end."""
    depth = out.states[name].depth
    shown = np.where(depth > 0, np.maximum(np.round(depth, 1), 0.05), 0.0)
    edges = [0, *(np.flatnonzero(np.diff(shown)) + 1).tolist(), len(shown)]
    window = out.window_s
    return [[a * window, b * window, float(shown[a])] for a, b in itertools.pairwise(edges) if shown[a] > 0]


def head(outs: Sequence[ServicesOutcome]) -> dict[str, Any]:
    """What every answer about a table says of it: title, grid, nodes, edges."""
    first, table = outs[0], outs[0].table
    return {
        "title": table.body.title,
        "file": Path(table.file).name,
        "clock": table.body.clock,
        "variant": first.variant,
        "runs": len(outs),
        "window_s": first.window_s,
        "horizon_s": first.windows * first.window_s,
        "nodes": [
            {
                "name": name,
                "label": table.label(name),
                "layer": table.layer[name],
                "stage": service.stage,
                "is_given": name in first.given,
                "is_simulated": name in first.own and name not in first.given,
            }
            for name, service in table.services.items()
        ],
        "edges": [{"from": edge.source, "to": edge.target, "kind": edge.kind} for edge in table.edges],
    }


def blast_answer(
    outs: Sequence[ServicesOutcome], node: str, for_s: float = 0.0, edges: Sequence[Edge] = ()
) -> dict[str, Any]:
    """What `recovery blast` tells: whom `node` takes down alone, as it was or wholly down for `for_s` from the start,
    without `edges`; what that saves; and what each cut would save beside. With `for_s`, `left_out` names the services
    whose trouble only a run could tell.
    """
    depths = [(np.arange(out.windows) * out.window_s < for_s).astype(float) if for_s else None for out in outs]
    whole = [out.blast(node, depth) for out, depth in zip(outs, depths, strict=True)]
    found = [out.cut(edges) for out in whole] if edges else whole
    return head(outs) | {
        "node": node,
        "for_s": for_s,
        "left_out": [name for name in outs[0].own if name != node] if for_s else [],
        "node_minutes_lost": _interval([out.minutes_lost(node) for out in found]),
        "cut": [str(edge) for edge in edges],
        "saved_min": _interval([a.total_min() - b.total_min() for a, b in zip(whole, found, strict=True)]),
        "services": blast_rows(found, node),
        "cuts": cuts(found),
        "edges_tried": len(tried(found)),
        "edges_pressing": len(pressed(found)),
    }


def part(outs: Sequence[ServicesOutcome]) -> dict[str, Any]:
    """The part "services" of summary.json for all runs of an experiment: that of its first variant, and of each variant
    what its services lost (`variants`).
    """
    variants: dict[tuple[str, str], list[ServicesOutcome]] = {}
    for out in outs:
        variants.setdefault((out.variant, str(sorted(out.levers.items()))), []).append(out)
    rows = [
        {
            "variant": own[0].variant,
            "levers": own[0].levers,
            "runs": len(own),
            "minutes_lost": _interval([out.total_min() for out in own]),
            "services": {
                name: {
                    "minutes_lost": _interval([out.minutes_lost(name) for out in own]),
                    "well_s": _well_s(own, name),
                }
                for name in own[0].table.services
            },
        }
        for own in variants.values()
    ]
    return summary(next(iter(variants.values()))) | {"variants": rows}


def summary(outs: Sequence[ServicesOutcome]) -> dict[str, Any]:
    """What the replications of one variant gave: nodes, edges, each service, blast radius of each node, what each cut
    edge would have saved, the critical path, what was observed (MODEL.md, section 12).
    """
    first, table = outs[0], outs[0].table
    hit = [name for name in table.services if any(out.states[name].is_impaired.any() for out in outs)]
    hit = sorted(hit, key=lambda name: -first.minutes_lost(name))[:BLAST_MAX]
    found = [waits(out).sum(1) * out.window_s / 60 for out in outs]
    total = max(math.fsum(float(one.sum()) for one in found), NO_DEPTH)
    waited: list[dict[str, Any]] = []
    for i, label in enumerate(labels(table)):
        minutes = math.fsum(float(one[i]) for one in found)
        if minutes > 0:
            waited.append({"for": label, "minutes": minutes / len(outs), "share": minutes / total})
    return head(outs) | {
        "services": [_service(outs, name) for name in table.services],
        "minutes_lost": _interval([out.total_min() for out in outs]),
        "waits": sorted(waited, key=lambda row: -float(row["minutes"])),
        "critical": critical(first),
        "blast": [
            {"node": name, "services": blast_rows([out.blast(name) for out in outs], name)}
            for name in table.services
            if name in hit
        ],
        "cuts": cuts(outs),
        "observed": observed(outs),
        "notes": [note.model_dump() | {"value": value_at(table, note.key)} for note in table.body.notes],
    }


def _service(outs: Sequence[ServicesOutcome], name: str) -> dict[str, Any]:
    first = outs[0]
    state = first.states[name]
    row: dict[str, Any] = {
        "name": name,
        "impaired": first.impaired(name),
        "depth": steps(first, name),
        "minutes_lost": _interval([out.minutes_lost(name) for out in outs]),
        "starts_s": _starts_s(outs, name),
        "well_s": _well_s(outs, name),
        "deepest_share": _interval([float(out.states[name].depth.max(initial=0.0)) for out in outs]),
        "waits": chains(first, name),
    }
    if state.backlog_s is not None:
        peaks = [float(out.states[name].backlog_s.max(initial=0.0)) for out in outs]  # type: ignore[union-attr]
        row["backlog_peak_h"] = _interval([peak / 3600 for peak in peaks])
        row["lost_work_h"] = _interval([out.states[name].lost_s / 3600 for out in outs])
        rate = next((need.arrivals for need in first.table.services[name].needs if need.arrivals), None)
        if rate:
            row["backlog_peak_units"] = _interval([peak * rate for peak in peaks])
    if state.missing_share is not None:
        missing = [float(out.states[name].missing_share.max(initial=0.0)) for out in outs]  # type: ignore[union-attr]
        row["missing_peak_share"] = _interval(missing)
    return row


def series_table(outs: Sequence[ServicesOutcome]) -> Any:
    """services.parquet: a row for each window in which a service is impaired, or has a backlog, in the first
    replication of each variant. Columns: variant, levers, service, time_s (the window's end), depth, backlog_s,
    waits_for.
    """
    import polars as pl

    frames = []
    for out in outs:
        if out.replication != 0:
            continue
        names = np.asarray([*labels(out.table), ""])
        levers = json.dumps(out.levers, sort_keys=True, default=str)
        for name, state in out.states.items():
            backlog = np.zeros(out.windows) if state.backlog_s is None else state.backlog_s
            rows = np.flatnonzero(state.is_impaired | (backlog > NONE_S))
            frames.append(
                pl.DataFrame(
                    {
                        "variant": [out.variant] * len(rows),
                        "levers": [levers] * len(rows),
                        "service": [name] * len(rows),
                        "time_s": (rows + 1) * out.window_s,
                        "depth": state.depth[rows],
                        "backlog_s": backlog[rows],
                        "waits_for": names[state.waits_for[rows]],
                    },
                    schema_overrides=dict.fromkeys(("variant", "levers", "service", "waits_for"), pl.String),
                )
            )
    return pl.concat(frames)
