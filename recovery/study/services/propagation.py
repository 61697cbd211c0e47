"""Impairment goes through the table: the state of each service follows from the states of what it needs."""

from collections.abc import Mapping, Sequence

import numpy as np

from recovery.model.services import Need, Service
from recovery.study.services.outcome import NOBODY, OWN, Flags, ServicesOutcome, State, label_of, labels
from recovery.study.services.rules import deeper, suffer


def propagate(out: ServicesOutcome, changed: set[str]) -> None:
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
        deeper(state, forced, OWN, np.full(n, OWN), label_number[label_of(name, service)])
    elif name in out.own:
        _own(out, name, service, state, number_of, label_number[label_of(name, service)])
    for i, need in enumerate(service.needs):
        if forced is None and need.kind != "cause" and (need.on, name) not in out.gone:
            suffer(out, name, i, need, state, number_of, label_number)
    names = out.table.names
    for other in np.unique(state.waits_on[state.waits_on >= 0]).tolist():  # the end of the chain, for others
        there = state.waits_on == other
        state.waits_for[there] = out.states[names[other]].waits_for[there]
    return state


def triggered(out: ServicesOutcome, causes: Sequence[Need]) -> Flags:
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
    since = [triggered(out, [need]) for _, need in causes]
    depth = np.where(out.free[name] | np.logical_or.reduce([*since, out.free[name]]), own, 0.0)
    edge, on = np.full(out.windows, OWN), np.full(out.windows, OWN)
    deepest = np.zeros(out.windows)
    for (i, need), caused in sorted(zip(causes, since, strict=True), key=lambda pair: -int(pair[1].sum())):
        edge = np.where((edge == OWN) & caused & ~out.free[name], i, edge)
        depth_of = out.states[need.on].depth
        # It waits for a need that is at least as deep in trouble as itself, else for its own work.
        waits = (depth_of >= depth) & (depth_of > deepest)
        on = np.where(waits, number_of[need.on], on)
        deepest = np.where(waits, depth_of, deepest)
    deeper(state, depth, edge, on, label)
