"""What a table of services gave behind the runs of an experiment, told whole: the part `services`, and its series."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from recovery.reading.service_table import value_at
from recovery.store.json_text import plain
from recovery.store.note_record import Note
from recovery.store.service_record import Blast, Loss, Service, Services, ServiceVariant
from recovery.study.services.blasts import blast, blast_rows, cuts
from recovery.study.services.graph import graph_of
from recovery.study.services.means import interval, starts_s, well_s
from recovery.study.services.milestones import observed
from recovery.study.services.outcome import ServicesOutcome, labels
from recovery.study.services.rules import NONE_S
from recovery.study.services.waiting import chains, critical, waited

if TYPE_CHECKING:
    import polars as pl

BLAST_MAX = 60  # services that are looked at alone: those that lost most


def part(outs: Sequence[ServicesOutcome]) -> Services:
    """All runs of an experiment: the summary of its first variant, and of each variant what its services lost."""
    variants: dict[tuple[str, str], list[ServicesOutcome]] = {}
    for out in outs:
        variants.setdefault((out.variant, str(sorted(out.levers.items()))), []).append(out)
    rows = tuple(
        ServiceVariant(
            variant=own[0].variant,
            levers=own[0].levers,
            runs=len(own),
            minutes_lost=interval([out.total_min() for out in own]),
            services={
                name: Loss(
                    minutes_lost=interval([out.minutes_lost(name) for out in own]),
                    well_s=well_s(own, name),
                )
                for name in own[0].table.services
            },
        )
        for own in variants.values()
    )
    return summary(next(iter(variants.values()))).model_copy(update={"variants": rows})


def summary(outs: Sequence[ServicesOutcome]) -> Services:
    """What the replications of one variant gave: nodes, edges, each service, blast radius of each node, what each cut
    edge would have saved, the critical path, what was observed (MODEL.md, section 12).
    """
    first, table = outs[0], outs[0].table
    hit = [name for name in table.services if any(out.states[name].is_impaired.any() for out in outs)]
    hit = sorted(hit, key=lambda name: -first.minutes_lost(name))[:BLAST_MAX]
    return Services(
        **dict(graph_of(outs)),
        services=tuple(_service(outs, name) for name in table.services),
        minutes_lost=interval([out.total_min() for out in outs]),
        waits=tuple(waited(outs)),
        critical=tuple(critical(first)),
        blast=tuple(
            Blast(node=name, services=tuple(blast_rows([blast(out, name) for out in outs], name)))
            for name in table.services
            if name in hit
        ),
        cuts=tuple(cuts(outs)),
        observed=tuple(observed(outs)),
        notes=tuple(
            Note(key=note.key, kind=note.kind, why=note.why, value=plain(value_at(table, note.key)))
            for note in table.body.notes
        ),
    )


def _service(outs: Sequence[ServicesOutcome], name: str) -> Service:
    first = outs[0]
    backlogs = [state.backlog_s for out in outs if (state := out.states[name]).backlog_s is not None]
    missing = [state.missing_share for out in outs if (state := out.states[name]).missing_share is not None]
    peaks = [float(backlog.max(initial=0.0)) for backlog in backlogs]
    rate = next((need.arrivals for need in first.table.services[name].needs if need.arrivals), None)
    return Service(
        name=name,
        impaired=tuple(first.impaired(name)),
        depth=tuple(steps(first, name)),
        minutes_lost=interval([out.minutes_lost(name) for out in outs]),
        starts_s=starts_s(outs, name),
        well_s=well_s(outs, name),
        deepest_share=interval([float(out.states[name].depth.max(initial=0.0)) for out in outs]),
        waits=tuple(chains(first, name)),
        backlog_peak_h=interval([peak / 3600 for peak in peaks]) if peaks else None,
        lost_work_h=interval([out.states[name].lost_s / 3600 for out in outs]) if peaks else None,
        backlog_peak_units=interval([peak * rate for peak in peaks]) if peaks and rate else None,
        missing_peak_share=interval([float(share.max(initial=0.0)) for share in missing]) if missing else None,
    )


def steps(out: ServicesOutcome, name: str) -> list[tuple[float, float, float]]:
    """Depth over time for pictures: (from, to, depth), depth to a tenth (at least a twentieth), to inf at the end."""
    depth = out.states[name].depth
    shown = np.where(depth > 0, np.maximum(np.round(depth, 1), 0.05), 0.0)
    edges = [0, *(np.flatnonzero(np.diff(shown)) + 1).tolist(), len(shown)]
    window = out.window_s
    return [(a * window, b * window, float(shown[a])) for a, b in itertools.pairwise(edges) if shown[a] > 0]


def series_table(outs: Sequence[ServicesOutcome]) -> pl.DataFrame:
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
