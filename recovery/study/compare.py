"""Finished runs beside each other: variant by variant, each measure with its difference and an interval for that.

Where both have runs of the same seed and replication these are paired, since they have their draws in common; else the
runs are independent, and the interval is Welch's.
"""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from recovery import units
from recovery.measures import register
from recovery.statistics import clusters
from recovery.statistics.arrays import Floats
from recovery.statistics.estimate import Estimate
from recovery.store import folder, record
from recovery.store.compare_record import Difference
from recovery.store.run_record import Row, RunManifest

CONFIDENCE = 0.95


class Run(NamedTuple):
    """A folder of `recovery run`, under the name that sets it apart."""

    name: str
    manifest: RunManifest
    variants: dict[str, list[Row]]  # rows of each variant, the first variant first


def runs(folders: Sequence[Path]) -> list[Run]:
    """Finished runs. Raises ValueError for a folder that holds none, or one whose measures meant something else, for
    jobs beside leases, and for fewer than two.
    """
    if len(folders) < 2:
        raise ValueError("want two folders or more, the first is what the others are compared with")
    found: list[Run] = []
    for place in folders:
        kind = folder.kind_of(place)
        if kind == "sweep":
            raise ValueError(
                f"{place} is the folder of a sweep, and another is of a run; "
                "want folders of runs alone, or one sweep and the names of its policies"
            )
        if kind == "race":
            raise ValueError(
                f"{place} holds the DNS race alone; want folders that recovery run wrote of a fleet or jobs"
            )
        if not kind:
            raise ValueError(f"{place} holds no finished run; want a folder that recovery run wrote")
        manifest, summary = folder.run_of(place)
        if found and manifest.kind != found[0].manifest.kind:
            raise ValueError(
                f"{place} has {manifest.kind} and {folders[0]} has {found[0].manifest.kind}; "
                "want runs of one kind: their measures mean something else"
            )
        variants: dict[str, list[Row]] = {}
        for row in summary.rows:
            variants.setdefault(_variant(row), []).append(row)
        found.append(Run(manifest.name, manifest, variants))
    names = [run.name for run in found]
    if len(set(names)) < len(names):
        found = [run._replace(name=str(place)) for run, place in zip(found, folders, strict=True)]
    return found


def _variant(row: Row) -> str:
    levers = ", ".join(f"{key} = {value}" for key, value in row.levers.items())
    return f"{row.variant}, {levers}" if levers else row.variant


def compared(folders: Sequence[Path]) -> list[Difference]:
    """Differences of each run from the first: a row for each variant that both have (the first of each, whatever its
    name) and each measure. Raises ValueError that says what is wanted.
    """
    first, *others = runs(folders)
    rows: list[Difference] = []
    for other in others:
        both = [(name, name) for name in other.variants if name in first.variants]
        heads = next(iter(other.variants)), next(iter(first.variants))
        if heads[0] not in first.variants and heads[1] not in other.variants:
            both.insert(0, heads)
        if not both:
            raise ValueError(
                f"{other.name} and {first.name} have no variant in common: {', '.join(other.variants)} and "
                f"{', '.join(first.variants)}; want runs with variants of the same names"
            )
        limit_s = min(run.manifest.horizon_s for run in (first, other))
        for mine, theirs in both:
            head = _Head(other.name, first.name, mine, theirs, limit_s)
            rows += _differences(head, other.variants[mine], first.variants[theirs])
    return rows


class _Head(NamedTuple):
    """Which variant of which run is compared with which."""

    run: str
    than: str
    variant: str
    than_variant: str
    horizon_s: float


def _differences(head: _Head, mine: Sequence[Row], theirs: Sequence[Row]) -> Iterator[Difference]:
    by_draw = {(row.seed, row.replication): row for row in theirs}
    pairs = [(row, by_draw[row.seed, row.replication]) for row in mine if (row.seed, row.replication) in by_draw]
    own, base = ([one for one, _ in pairs], [two for _, two in pairs]) if pairs else (list(mine), list(theirs))
    for measure in own[0].measures:
        known = register.find(measure)
        if measure in base[0].measures and not (known is not None and known.kind == "flag"):
            a, b = (np.array([row.of(measure) for row in some]) for some in (own, base))
            limit_s = _limit_s(head, measure, [*own, *base])
            found = _difference(head, measure, a, b, limit_s, is_paired=bool(pairs))
            if found is not None:
                yield found


def _limit_s(head: _Head, measure: str, rows: Sequence[Row]) -> float:
    """As what a time counts that never came: the longest that each of these runs can show. Times to recovery begin at
    the dependency's return, all others with the experiment.
    """
    backs = [row.of("recovers_from_s") for row in rows if "recovers_from_s" in row.measures]
    return head.horizon_s - (max(backs, default=0.0) if register.starts_at_return(measure) else 0.0)


def _difference(
    head: _Head, measure: str, a: Floats, b: Floats, limit_s: float, *, is_paired: bool
) -> Difference | None:
    """The difference of one measure; None where it was not measured. A time that never came counts as the limit."""
    if is_paired:
        known = ~(np.isnan(a) | np.isnan(b))
        a, b = a[known], b[known]
    else:
        a, b = a[~np.isnan(a)], b[~np.isnan(b)]
    if not len(a) or not len(b):
        return None
    is_time = units.is_time(measure) and bool((a >= 0).all() and (b >= 0).all())
    never = float(np.isinf(a).mean()), float(np.isinf(b).mean())
    if is_time:
        a, b = clusters.restricted(a, limit_s), clusters.restricted(b, limit_s)
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return None
    if is_paired:
        told = clusters.paired(a, b, np.arange(len(a)), CONFIDENCE)
        is_same = bool((a == b).all())
    else:
        told, is_same = _welch(a, b), False
    verdict = "less" if told.high < 0 else "more" if told.low > 0 else "not told apart"
    if is_same:
        verdict = "the same"
    elif math.isnan(told.low):
        verdict = "one run: no interval"
    return Difference(
        **head._asdict(),
        measure=measure,
        mean=float(a.mean()),
        than_mean=float(b.mean()),
        difference=record.Estimate(mean=told.mean, low=told.low, high=told.high),
        is_paired=is_paired,
        runs=len(a),
        than_runs=len(b),
        verdict=verdict,
        never_share=never[0] if is_time else None,
        than_never_share=never[1] if is_time else None,
    )


def _welch(a: Floats, b: Floats) -> Estimate:
    """Difference of the means of independent runs, and Welch's interval; nan ends where a side has one run."""
    from scipy import stats

    mean = float(a.mean() - b.mean())
    if min(len(a), len(b)) < 2:
        return Estimate(mean, math.nan, math.nan)
    if a.std() == b.std() == 0:
        return Estimate(mean, mean, mean)
    low, high = stats.ttest_ind(a, b, equal_var=False).confidence_interval(CONFIDENCE)
    return Estimate(mean, float(low), float(high))
