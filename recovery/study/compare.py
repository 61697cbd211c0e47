"""Finished runs beside each other: variant by variant, each measure with its difference and an interval for that.

Where both have runs of the same seed and replication these are paired, since they have their draws in common; else the
runs are independent, and the interval is Welch's.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from recovery import units
from recovery.show.text import table
from recovery.statistics import clusters
from recovery.statistics.estimate import Estimate
from recovery.store import files
from recovery.store import results as store
from recovery.store.results import number
from recovery.units import show_duration, show_number, show_share

CONFIDENCE = 0.95
# What is printed, in this order, as far as a run has it; `--json` has all measures.
SHOWN = (
    "ttr50_s", "ttr90_s", "ttr99_s", "ttr100_s", "launches_normal_s", "latency_normal_s", "capacity_normal_s",
    "errors_end_s", "all_normal_s", "served_share", "latency_p99_s", "amplification", "wasted_share", "queue_peak",
    "backlog_peak", "unleased_holder_hours", "error_minutes",
)  # fmt: skip
_NO_MEASURES = frozenset({"seed", "replication", "cpu_s", "variant", "levers", "digest", "actions", "outages_index"})


class Run(NamedTuple):
    """A folder of `recovery run`, under the name that sets it apart."""

    name: str
    manifest: dict[str, Any]
    variants: dict[str, list[dict[str, Any]]]  # rows of each variant, the first variant first


def kind_of(folder: Path) -> str:
    """What a folder holds: "sweep", "leases", "jobs", "race"; "" if nothing that was finished. Raises files.Damaged."""
    path = folder / "manifest.json"
    return str(files.read_json(path).get("kind", "")) if path.exists() else ""


def runs(folders: Sequence[Path]) -> list[Run]:
    """Finished runs. Raises ValueError for a folder that holds none, or one whose measures meant something else, and
    for fewer than two.
    """
    if len(folders) < 2:
        raise ValueError("want two folders or more, the first is what the others are compared with")
    found = []
    for folder in folders:
        kind = kind_of(folder)
        if kind == "sweep":
            raise ValueError(
                f"{folder} is the folder of a sweep, and another is of a run; "
                "want folders of runs alone, or one sweep and the names of its policies"
            )
        if kind == "race":
            raise ValueError(
                f"{folder} holds the DNS race alone; want folders that recovery run wrote of a fleet or jobs"
            )
        if not kind:
            raise ValueError(f"{folder} holds no finished run; want a folder that recovery run wrote")
        manifest, summary = store.tables_of(folder)
        try:
            variants: dict[str, list[dict[str, Any]]] = {}
            for row in summary["rows"]:
                variants.setdefault(_variant(row), []).append(row)
        except (KeyError, TypeError) as error:
            raise ValueError(f"{folder}/summary.json cannot be read ({error}); want the run done again") from None
        found.append(Run(str(manifest["name"]), manifest, variants))
    names = [run.name for run in found]
    if len(set(names)) < len(names):
        found = [run._replace(name=str(folder)) for run, folder in zip(found, folders, strict=True)]
    return found


def _variant(row: Mapping[str, Any]) -> str:
    levers = ", ".join(f"{key} = {value}" for key, value in row["levers"].items())
    return f"{row['variant']}, {levers}" if levers else str(row["variant"])


def compared(folders: Sequence[Path]) -> list[dict[str, Any]]:
    """Differences of each run from the first: a row for each variant that both have (the first of each, whatever its
    name) and each measure. Raises ValueError that says what is wanted.
    """
    first, *others = runs(folders)
    rows: list[dict[str, Any]] = []
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
        limit_s = min(float(run.manifest["horizon_s"]) for run in (first, other))
        for mine, theirs in both:
            head = {
                "run": other.name,
                "than": first.name,
                "variant": mine,
                "than_variant": theirs,
                "horizon_s": limit_s,
            }
            told = _differences(other.variants[mine], first.variants[theirs], limit_s)
            rows += [head | row for row in told]
    return rows


def _differences(
    mine: Sequence[Mapping[str, Any]], theirs: Sequence[Mapping[str, Any]], limit_s: float
) -> list[dict[str, Any]]:
    by_draw = {(row["seed"], row["replication"]): row for row in theirs}
    pairs = [
        (row, by_draw[row["seed"], row["replication"]]) for row in mine if (row["seed"], row["replication"]) in by_draw
    ]
    own, base = ([one for one, _ in pairs], [two for _, two in pairs]) if pairs else (list(mine), list(theirs))
    rows = []
    for measure, value in own[0].items():
        if measure in _NO_MEASURES or isinstance(value, bool) or measure not in base[0]:
            continue
        try:
            a, b = (np.array([number(row[measure]) for row in some]) for some in (own, base))
        except ValueError:  # a verdict, or another word
            continue
        rows += _difference(measure, a, b, limit_s, is_paired=bool(pairs))
    return rows


def _difference(measure: str, a: np.ndarray, b: np.ndarray, limit_s: float, *, is_paired: bool) -> list[dict[str, Any]]:
    """The row of one measure; none where it was not measured. A time that never came counts as the horizon."""
    if is_paired:
        known = ~(np.isnan(a) | np.isnan(b))
        a, b = a[known], b[known]
    else:
        a, b = a[~np.isnan(a)], b[~np.isnan(b)]
    if not len(a) or not len(b):
        return []
    is_time = units.is_time(measure) and bool((a >= 0).all() and (b >= 0).all())
    never = float(np.isinf(a).mean()), float(np.isinf(b).mean())
    if is_time:
        a, b = clusters.restricted(a, limit_s), clusters.restricted(b, limit_s)
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return []
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
    return [
        {
            "measure": measure,
            "mean": float(a.mean()),
            "than_mean": float(b.mean()),
            "difference": told._asdict(),
            "is_paired": is_paired,
            "runs": len(a),
            "than_runs": len(b),
            "verdict": verdict,
        }
        | ({"never_share": never[0], "than_never_share": never[1]} if is_time else {})
    ]


def _welch(a: np.ndarray, b: np.ndarray) -> Estimate:
    """Difference of the means of independent runs, and Welch's interval; nan ends where a side has one run."""
    from scipy import stats

    mean = float(a.mean() - b.mean())
    if min(len(a), len(b)) < 2:
        return Estimate(mean, math.nan, math.nan)
    if a.std() == b.std() == 0:
        return Estimate(mean, mean, mean)
    low, high = stats.ttest_ind(a, b, equal_var=False).confidence_interval(CONFIDENCE)
    return Estimate(mean, float(low), float(high))


# --- words ------------------------------------------------------------------------------------------------------------


def told(rows: Sequence[Mapping[str, Any]]) -> str:
    """`compared` for people: a table for each pair of variants."""
    parts = []
    groups: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["run"], row["than"], row["variant"], row["than_variant"]), []).append(row)
    for (run, than, variant, than_variant), own in groups.items():
        first = own[0]
        how = "paired: the same seeds and draws" if first["is_paired"] else "independent runs"
        against = f"{than}: {than_variant}" if than_variant != variant else than
        lines = [["measure", than, run, "difference", "95 %", ""]]
        shown = [row for name in SHOWN for row in own if row["measure"] == name]
        for row in shown:
            show = _show(row["measure"])
            ends = row["difference"]
            interval = (
                "" if math.isnan(ends["low"]) else f"{_signed(ends['low'], show)} to {_signed(ends['high'], show)}"
            )
            means = [
                _mean(row[mean], row.get(never, 0.0), show)
                for mean, never in (("than_mean", "than_never_share"), ("mean", "never_share"))
            ]
            lines.append([row["measure"], *means, _signed(ends["mean"], show), interval, row["verdict"]])
        runs = "1 run" if first["runs"] == 1 else f"{first['runs']} runs"
        head = f"{run}: {variant}, compared with {against} ({runs} against {first['than_runs']}, {how})"
        parts.append(f"{head}\n{table(lines)}")
    return "\n\n".join(parts) + "\n\nA time that never came counts as the horizon."


def _mean(value: float, never_share: float, show: Any) -> str:
    if never_share == 1:
        return "never"
    return str(show(value)) + (f", never in {show_share(never_share)}" if never_share > 0 else "")


def _show(measure: str) -> Any:
    if units.is_time(measure):
        return show_duration
    return show_share if measure.endswith("_share") else show_number


def _signed(value: float, show: Any) -> str:
    return ("+" if value > 0 else "−" if value < 0 else "") + str(show(abs(value)))
