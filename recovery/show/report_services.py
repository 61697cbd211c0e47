"""The section of a report on who else was down behind a run. Never simulates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from recovery import units
from recovery.show import figures_services, levers, page, standings
from recovery.show.drawn import Drawn
from recovery.show.figures import TimeAxis
from recovery.show.words import span_of
from recovery.store import files
from recovery.store.manifest_record import FORMAT
from recovery.store.record import Estimate
from recovery.store.service_record import (
    SHORT_S,
    SHORT_SHARE,
    BlastAnswer,
    BlastFile,
    Cut,
    Graph,
    Service,
    ServiceMilestone,
    Services,
    Stretch,
    WellFrom,
)


class ServiceRow(NamedTuple):
    """A service in words: what it is, when it was impaired, and what for."""

    label: str
    kind: str
    impaired: str
    minutes: str
    deepest: str
    backlog: str
    waits: str


class StretchRow(NamedTuple):
    """A stretch of the critical path in words."""

    begins: str
    ends: str
    waits_for: str
    share: str
    services: str


class CutRow(NamedTuple):
    """An edge whose cut saves something, in words: what it is, minutes saved in all, and whom it helps most."""

    edge: str
    key: str
    kind: str
    saved: str
    helped: str


class VariantRow(NamedTuple):
    """A variant in words: minutes that all services lost, what that saves, and who was well last."""

    variant: str
    minutes: str
    saved: str
    last: str


class SeenRow(NamedTuple):
    """What was observed of a service beside what was simulated, in words."""

    label: str
    service: str
    observed: str
    simulated: str
    difference: str
    look: str
    near: str
    role: str
    confidence: str
    source: str


class BlastRow(NamedTuple):
    """A node in words: how many services it takes down alone, the minutes that they lose, and who."""

    node: str
    services: int
    minutes: str
    who: str


TO_AND_FRO = (
    f"Where what is waited for goes to and fro, stretches shorter than {units.show_share(SHORT_SHARE)} of all the "
    f"waiting and than {units.show_duration(SHORT_S)} count to the one before."
)
CUTS_SHOWN = 10
SERVICES_SHOWN = 60  # of a larger table those that lost most


def section(part: Services | None, folder: Path) -> str:
    """HTML of the section, with its pictures (also written into the folder's figures/); empty without services."""
    return "" if part is None else html(part, page.draw(folder, lambda: figures_services.figures_for(part)))


def write_blast(folder: Path, answer: BlastAnswer) -> None:
    """Picture, wide and narrow, and numbers of the blast radius of one node."""
    lost = {row.service: row.minutes_lost.mean for row in answer.services}
    lost[answer.node] = answer.node_minutes_lost.mean
    page.save(folder, lambda: [figures_services.blast_picture(answer, answer.node, lost)])
    told = BlastFile(format=FORMAT, **dict(answer))
    files.write_text(folder / f"blast-{answer.node}.json", told.to_json())


def axis_of(graph: Graph) -> TimeAxis:
    """How times are shown: of day where the start is known."""
    return TimeAxis(graph.horizon_s, graph.clock)


def html(part: Services, drawn: Sequence[Drawn]) -> str:
    """The section as text; `drawn` are its pictures."""
    axis = axis_of(part)
    return page.filled(
        "services.html.j2",
        figures=drawn,
        part=part,
        services=[_service(part, row, axis) for row in shown(part)],
        more=len(part.services) - len(shown(part)),
        to_and_fro=TO_AND_FRO,
        critical=[stretch_row(row, axis) for row in part.critical],
        cuts=cut_rows(part, part.cuts)[:CUTS_SHOWN],
        variants=_variants(part, axis),
        observed=[_observed(row, axis, part.label_of(row.service)) for row in part.observed],
        verdict=verdict(part),
        counts=counts(part.observed),
        notes=page.notes_of(part.notes),
        blast=[row for row in blast_rows(part) if row.services],
    )


def shown(part: Services, most: int = SERVICES_SHOWN) -> list[Service]:
    """The services in the order of the table; of a large one those that lost most."""
    lost = {row.name: row.minutes_lost.mean for row in part.services}
    kept = set(sorted(lost, key=lambda name: -lost[name])[:most])
    return [row for row in part.services if row.name in kept]


def verdict(part: Services) -> list[str]:
    """Two or three sentences: how many were impaired, what they waited for, which cut edge would have saved most, how
    near the simulation is to what was observed.
    """
    hit = [row for row in part.services if row.minutes_lost.mean > 0]
    total = units.show_duration(60 * part.minutes_lost.mean)
    out = [f"{len(hit)} of {len(part.services)} services were impaired and lost {total} in all, weighed by depth."]
    out += assumed(part)
    if part.waits:
        waits = [f"{row.waits_for} ({units.show_share(round(row.share, 3))})" for row in part.waits[:3]]
        out.append(f"Most of that time they were waiting for {', '.join(waits)}.")
    best = part.cuts[0] if part.cuts else None
    if best is not None and best.saved_min.mean > 0:
        source, target = part.label_of(best.source), part.label_of(best.target)
        saved = units.show_duration(60 * best.saved_min.mean)
        out.append(f"The edge that would have saved most is {source} → {target}: {saved} over all services.")
    compared = [row for row in part.observed if row.is_predicted and row.is_within is not None]
    if compared:
        near = sum(1 for row in compared if row.is_within)
        out.append(
            f"Of {len(compared)} observed times that are predicted (neither fitted, nor given, nor following a step by "
            f"hand) {near} are met within 10 minutes (official) or 20 (others)."
        )
    return out


def assumed(graph: Graph) -> list[str]:
    """A sentence on the time after the run, where the table is followed for longer: what is taken to be so then."""
    if graph.assumed_from_s is None:
        return []
    end, horizon = (units.show_duration(at_s) for at_s in (graph.assumed_from_s, graph.horizon_s))
    text = f"The run ends after {end}. What comes then, to the table's horizon of {horizon}, is not simulated: it is "
    return [f"{text}assumed that each stage stays as it was at the end of the run."]


def show_spans(row: Service, axis: TimeAxis) -> str:
    """Impaired times of a service in words."""
    shown = []
    for begin, end in row.impaired:
        to = "the end" if not math.isfinite(end) else show_time(end, axis)
        shown.append(f"{show_time(begin, axis)}–{to}")
    return ", ".join(shown[:4]) + (f" and {len(shown) - 4} more" if len(shown) > 4 else "") or "never"


def show_time(at_s: float, axis: TimeAxis) -> str:
    """A time of day, with the date from a day after the start on; or the time since the start."""
    if math.isnan(at_s):
        return "–"
    if not math.isfinite(at_s):
        return "never"
    if axis.start is None or at_s < 86_400:
        return axis.show(at_s)
    return f"{axis.start + timedelta(seconds=at_s):%d %b %H:%M}"


def standing(found: WellFrom, graph: Graph) -> standings.Standing:
    """How the runs stand by when a service is well for good; a file that does not count the lost has one mean."""
    is_lost = math.isinf(found.mean)
    never = found.never if found.runs else int(is_lost)
    mean_s = math.nan if is_lost else found.mean
    return standings.Standing(
        never, found.runs or 1, mean_s, found.low, found.high, late=found.late, within_s=graph.horizon_s
    )


def show_minutes(found: Estimate) -> str:
    """Minutes with their interval, where there is one."""
    return span_of(found, "{:,.0f}".format)


def _service(part: Services, row: Service, axis: TimeAxis) -> ServiceRow:
    node = next(one for one in part.nodes if one.name == row.name)
    kind = "simulated stage" if node.is_simulated else "input" if node.is_given else "follows"
    backlog = row.backlog_peak_h
    return ServiceRow(
        label=node.label,
        kind=kind,
        impaired=show_spans(row, axis),
        minutes=show_minutes(row.minutes_lost),
        deepest=units.show_share(round(row.deepest_share.mean, 3)),
        backlog="" if backlog is None else f"{backlog.mean:.2g} h",
        waits="; ".join(f"{wait.waits_for} until {show_time(wait.to_s, axis)}" for wait in row.waits[:5]),
    )


def stretch_row(row: Stretch, axis: TimeAxis) -> StretchRow:
    """A stretch of the critical path in words."""
    return StretchRow(
        begins=show_time(row.from_s, axis),
        ends="the end" if not math.isfinite(row.to_s) else show_time(row.to_s, axis),
        waits_for=row.waits_for,
        share=units.show_share(round(row.share, 3)),
        services=str(row.services),
    )


def cut_rows(graph: Graph, cuts: Sequence[Cut]) -> list[CutRow]:
    """Each edge whose cut saves something."""
    out = []
    for row in cuts:
        if row.saved_min.mean <= 0:
            continue
        helped = sorted(row.services.items(), key=lambda item: -item[1])
        most = ", ".join(f"{graph.label_of(name)} {minutes:,.0f}" for name, minutes in helped[:3])
        out.append(
            CutRow(
                edge=f"{graph.label_of(row.source)} → {graph.label_of(row.target)}",
                key=f"{row.source}->{row.target}",
                kind=row.kind,
                saved=show_minutes(row.saved_min),
                helped=most + (f" and {len(helped) - 3} more" if len(helped) > 3 else ""),
            )
        )
    return out


def _variants(part: Services, axis: TimeAxis) -> list[VariantRow]:
    """Each variant; none where there is only one."""
    variants = part.variants
    out = []
    for row in variants if len(variants) > 1 else ():
        saved = variants[0].minutes_lost.mean - row.minutes_lost.mean
        ends = {name: standing(one.well_s, part) for name, one in row.services.items()}
        ends = {name: end for name, end in ends.items() if end.rank > (0, 0)}  # the others were well all the time
        last = max(ends, key=lambda name: ends[name].rank, default=None)
        at = "" if last is None else ends[last].whole(lambda at_s: show_time(at_s, axis))
        out.append(
            VariantRow(
                variant=levers.label_of(row.variant, row.levers),
                minutes=show_minutes(row.minutes_lost),
                saved="" if row is variants[0] else f"{saved:+,.0f}".replace("-", "−"),
                last="–" if last is None else f"{part.label_of(last)}, {at}",
            )
        )
    return out


def _observed(row: ServiceMilestone, axis: TimeAxis, label: str) -> SeenRow:
    return SeenRow(
        label=row.label,
        service=label,
        observed=show_time(row.observed_s, axis),
        simulated=NOT if row.is_within is None else show_simulated(row, axis),
        difference=show_difference(row),
        look="" if row.is_within is None else "good" if row.is_within else "never",
        near={None: "–", True: "yes", False: "no"}[row.is_within] + f" ({row.within_min:.0f})",
        role=role(row),
        confidence=row.confidence,
        source=row.source,
    )


def show_simulated(row: ServiceMilestone, axis: TimeAxis) -> str:
    """When the simulation has what was observed, in words."""
    return "always well" if row.is_always else show_time(row.simulated_s, axis)


def show_difference(row: ServiceMilestone) -> str:
    """Minutes from what was observed to the simulation."""
    off = row.difference_min
    if math.isinf(off):
        return "never"
    return "–" if math.isnan(off) else f"{off:+.0f}".replace("-", "−") if abs(off) >= 0.5 else "0"


PREDICTED, FITTED, BY_HAND, INPUT = "predicted", "used for the fit", "follows a step by hand", "input"
NOT = "not simulated"


def role(row: ServiceMilestone) -> str:
    """Whether an observed row says something for the model."""
    if row.is_within is None:
        return NOT
    if row.is_given:
        return INPUT
    if row.follows_manual:
        return BY_HAND
    return FITTED if row.used_for_fit else PREDICTED


def counts(observed: Sequence[ServiceMilestone]) -> str:
    """How many observed rows say what for the model, and how many that are predicted or fitted are near."""
    rows = [(role(row), row.is_within) for row in observed]
    words = {INPUT: "given as input", BY_HAND: "following a step by hand"}
    kinds = [(sum(1 for kind, _ in rows if kind == one), one) for one in (PREDICTED, FITTED, INPUT, BY_HAND, NOT)]
    told = ", ".join(f"{n} {words.get(one, one)}" for n, one in kinds if n)
    near = [bool(is_within) for kind, is_within in rows if kind in (PREDICTED, FITTED)]
    out = f"{len(rows)} observed times: {told}."
    return out + (f" Of those predicted or fitted {sum(near)} of {len(near)} are within their limit." if near else "")


def blast_rows(part: Services) -> list[BlastRow]:
    """Of each node, whom it takes down alone: a row a node, most minutes first."""
    rows = []
    for row in part.blast:
        minutes = math.fsum(one.minutes_lost.mean for one in row.services)
        who = ", ".join(part.label_of(one.service) for one in row.services[:6])
        who += f" and {len(row.services) - 6} more" if len(row.services) > 6 else ""
        rows.append((minutes, BlastRow(part.label_of(row.node), len(row.services), f"{minutes:,.0f}", who)))
    return [words for _, words in sorted(rows, key=lambda one: -one[0])]
