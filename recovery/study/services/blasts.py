"""Whom one service takes down alone, and what a cut edge saves."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from recovery.model.services import Edge
from recovery.store.service_record import BlastAnswer, Cut, Hit, Path
from recovery.study.services.graph import graph_of
from recovery.study.services.means import interval, starts_s, well_s
from recovery.study.services.outcome import Floats, ServicesOutcome
from recovery.study.services.propagation import propagate
from recovery.study.services.rules import NO_DEPTH

CUTS_MAX = 200  # edges that are cut, one after another
STATES_MAX = 100_000  # services that lie below the edges that are cut, all together


def cut(out: ServicesOutcome, edges: Iterable[Edge]) -> ServicesOutcome:
    """The same without these edges."""
    gone = frozenset((edge.source, edge.target) for edge in edges)
    without = replace(out, states=dict(out.states), gone=out.gone | gone)
    propagate(without, {target for _, target in gone})
    return without


def blast(out: ServicesOutcome, node: str, depth: Floats | None = None) -> ServicesOutcome:
    """As if only `node` had been impaired, as it was: no other root cause. With another `depth` (float64[windows])
    what was simulated or given of other services is left out, since it followed from the event.
    """
    forced = {node: out.states[node].depth if depth is None else depth}
    never = dict.fromkeys(out.table.services, np.zeros(out.windows, bool))
    own, has_collapsed = (out.own, out.has_collapsed) if depth is None else ({}, False)
    alone = replace(out, states={}, free=never, forced=forced, own=own, has_collapsed=has_collapsed)
    propagate(alone, set(out.table.services))
    return alone


def blast_rows(outs: Sequence[ServicesOutcome], node: str) -> list[Hit]:
    """Of runs of `blast`: each service that is impaired beside the node, most minutes lost first."""
    rows = []
    for name in outs[0].table.services:
        lost = [out.minutes_lost(name) for out in outs]
        if name == node or not any(lost):
            continue
        first = next(out for out in outs if out.minutes_lost(name) > 0)
        state, needs = first.states[name], outs[0].table.services[name].needs
        paths = [
            Path(
                path=(*first.path(needs[i].on), name),
                minutes=float(state.depth[state.edge == i].sum() * first.window_s / 60),
            )
            for i in range(len(needs))
            if (state.edge == i).any()
        ]
        rows.append(
            Hit(
                service=name,
                minutes_lost=interval(lost),
                starts_s=starts_s(outs, name),
                well_s=well_s(outs, name),
                path=tuple(first.path(name)),
                paths=tuple(sorted(paths, key=lambda one: -one.minutes)),
            )
        )
    return sorted(rows, key=lambda row: -row.minutes_lost.mean)


def cuts(outs: Sequence[ServicesOutcome]) -> list[Cut]:
    """For each edge, the minutes that all services would have lost less without it, most first. Of a large table only
    the edges into the services that lost most are tried: CUTS_MAX at most, and as many as reach STATES_MAX services.
    """
    rows = []
    for edge in tried(outs):
        others = [cut(out, [edge]) for out in outs]
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
            Cut(
                source=edge.source,
                target=edge.target,
                kind=edge.kind,
                saved_min=interval([a.total_min() - b.total_min() for a, b in zip(outs, others, strict=True)]),
                services={name: value for name, value in saved.items() if value > NO_DEPTH},
            )
        )
    return sorted(rows, key=lambda row: -row.saved_min.mean)


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


def blast_answer(
    outs: Sequence[ServicesOutcome], node: str, for_s: float = 0.0, edges: Sequence[Edge] = ()
) -> BlastAnswer:
    """What `recovery blast` tells: whom `node` takes down alone, as it was or wholly down for `for_s` from the start,
    without `edges`; what that saves; and what each cut would save beside. With `for_s`, `left_out` names the services
    whose trouble only a run could tell.
    """
    depths = [(np.arange(out.windows) * out.window_s < for_s).astype(float) if for_s else None for out in outs]
    whole = [blast(out, node, depth) for out, depth in zip(outs, depths, strict=True)]
    found = [cut(out, edges) for out in whole] if edges else whole
    return BlastAnswer(
        **dict(graph_of(outs)),
        node=node,
        for_s=for_s,
        left_out=tuple(name for name in outs[0].own if name != node) if for_s else (),
        node_minutes_lost=interval([out.minutes_lost(node) for out in found]),
        cut=tuple(str(edge) for edge in edges),
        saved_min=interval([a.total_min() - b.total_min() for a, b in zip(whole, found, strict=True)]),
        services=tuple(blast_rows(found, node)),
        cuts=tuple(cuts(found)),
        edges_tried=len(tried(found)),
        edges_pressing=len(pressed(found)),
    )
