"""What is on disk: a folder for a run with manifest.json, summary.json and series.parquet, each written whole or not
at all.
"""

import json
import math
import os
import platform
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from recovery import theory
from recovery.measures import register
from recovery.model.expect import Expectation
from recovery.model.scenario import Scenario
from recovery.model.variant import Variant
from recovery.reading.experiment import Experiment
from recovery.simulate import identity
from recovery.simulate.pipeline import ENGINE, Outcome
from recovery.stages.outage import resolve
from recovery.statistics import confidence
from recovery.statistics.means import mean_interval
from recovery.store import files
from recovery.study import advice
from recovery.version import VERSION

FORMAT = 2  # of manifest and summary; a new number where a reader of the old would be misled
SERIES_VARIANTS_MAX = 40  # a sweep of more variants keeps the rows, not the curves
_PACKAGES = ("numpy", "numba", "scipy", "polars", "matplotlib", "pydantic")


def plain(value: Any) -> Any:
    """The same in what JSON can say: inf (never) and nan (not measured) become "inf" and null."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        if math.isinf(value):
            return "inf" if value > 0 else "-inf"
        return None if math.isnan(value) else value
    return value


def number(value: Any) -> float:
    """A number as `plain` wrote it: "inf" and null are inf and nan again."""
    return math.nan if value is None else float(value)


def as_read(value: Any) -> Any:
    """A table as it comes back from its JSON file."""
    return json.loads(to_json(value))


def to_json(value: Any) -> str:
    """Stable text: sorted keys, no nan."""
    return json.dumps(plain(value), indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False, default=str) + "\n"


def versions() -> dict[str, str]:
    """Versions of this program, of Python and of the packages that compute."""
    found = {"recovery": VERSION, "python": platform.python_version()}
    return found | {name: metadata.version(name) for name in _PACKAGES}


Outages = list[tuple[float, float, float]]  # from s, to s, share of requests that fail; in order of time


def outages_of(outcomes: Sequence[Outcome]) -> tuple[list[Outages], list[int]]:
    """What the dependency did in these runs, each course once, that of the first run first; and which course was whose.

    Runs of one experiment share few courses: where none is drawn, as many as variants change them.
    """
    numbers: dict[tuple[tuple[float, float, float], ...], int] = {}
    whose = [numbers.setdefault(tuple(outcome.outages), len(numbers)) for outcome in outcomes]
    return [list(course) for course in numbers], whose


def told_outages(courses: Sequence[Outages]) -> list[list[dict[str, float]]]:
    """The part `outages` of a manifest. A row of summary.json names its course by `outages_index`."""
    return [[{"from_s": a, "to_s": b, "fails_share": share} for a, b, share in course] for course in courses]


def summarise(experiment: Experiment, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """summary.json: a row for each run, a group for each variant, milestones, bounds, inputs that are fitted."""
    rows = [
        {
            "variant": outcome.variant.name,
            "levers": dict(outcome.variant.levers),
            "seed": outcome.seed,
            "replication": outcome.replication,
            "digest": identity.digest_of(outcome.variant, outcome.seed, outcome.replication),
            "actions": [{"do": do, "at_s": at} for do, at in outcome.actions],
            "cpu_s": round(outcome.cpu_s, 3),
            "outages_index": number,
            **outcome.measure(),
        }
        for outcome, number in zip(outcomes, outages_of(outcomes)[1], strict=True)
    ]
    groups = [_group(variant, rows) for variant in experiment.variants]
    for group, variant in zip(groups, experiment.variants, strict=True):
        if group is not None:
            own = [o for o in outcomes if (o.variant.name, o.variant.levers) == (variant.name, variant.levers)]
            group |= {"facts": advice.facts(variant.scenario), "unleased_s": advice.unleased_s(own)}
    first = resolve(experiment.first, experiment.head.seed, 0).scenario  # as its first replication meets it
    return {
        "format": FORMAT,
        "rows": rows,
        "groups": [group for group in groups if group],
        "milestones": _milestones(experiment, rows),
        "expect": [judged(experiment, rows, i) for i in range(len(experiment.expectations))],
        "notes": [
            note.model_dump() | {"value": _raw_value(experiment.raw, note.key)} for note in experiment.head.notes
        ],
        "explain": [
            row._asdict() if hasattr(row, "_asdict") else dict(vars(row))
            for row in explanation(experiment.first.scenario)
        ],
        "recovers_from_s": first.recovers_from_s,
    }


def _raw_value(raw: Any, key: str) -> Any:
    for part in key.split("."):
        raw = raw[part]
    return raw


def _group(variant: Variant, rows: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """Mean and interval of every measure over the replications of one variant; collapse as a probability with its
    interval.
    """
    own = [row for row in rows if row["variant"] == variant.name and row["levers"] == dict(variant.levers)]
    if not own:
        return None
    collapsed = sum(row["verdict"] == "collapsed" for row in own)
    interval = theory.wilson(collapsed, len(own))
    numbers = {}
    for name, value in own[0].items():
        if isinstance(value, int | float) and name not in ("seed", "replication", "cpu_s"):
            values = [number(row[name]) for row in own]
            least, most = register.limits_of(name)
            mean, low, high = mean_interval(values, least=least, most=most)
            numbers[name] = {"mean": mean, "low": low, "high": high}
            if missing := sum(math.isnan(value) for value in values):
                numbers[name]["not_measured"] = missing  # runs that the mean knows nothing of
    verdicts = [row["verdict"] for row in own]
    return {
        "variant": variant.name,
        "levers": dict(variant.levers),
        "runs": len(own),
        "outages_index": own[0]["outages_index"],  # of its first run, which the pictures show
        "verdicts": {verdict: verdicts.count(verdict) for verdict in sorted(set(verdicts))},
        "collapsed": {"share": collapsed / len(own), "low": interval[0], "high": interval[1]},
        "measures": numbers,
    }


def _milestones(experiment: Experiment, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Observed milestones beside those of the first variant (mean over its replications)."""
    first = experiment.first
    own = [row for row in rows if row["variant"] == first.name and row["levers"] == dict(first.levers)]
    out = []
    for observed in experiment.head.observed:
        simulated = mean_interval([float(row[observed.measure]) for row in own])[0] if own else math.nan
        out.append(
            {
                "label": observed.label,
                "observed_s": observed.at,
                "simulated_s": simulated,
                "difference_min": (simulated - observed.at) / 60 if simulated else math.nan,  # 0 is always, no time
                "confidence": observed.confidence,
                "source": observed.source,
                "used_for_fit": observed.used_for_fit,
                "measure": observed.measure,
            }
        )
    return out


def judged(
    experiment: Experiment, rows: Sequence[dict[str, Any]], i: int, *, at_every_look: bool = False
) -> dict[str, Any]:
    """Whether a bound holds for the first variant: "yes", "no", "unsure" where the interval spans it, or "not measured"
    where no run has such a value.

    `rows` are measures with `variant`, `levers` and `replication`; a mean's interval is over replications. In a sweep
    it must hold at every point; what is told is the worst one, with its `levers`. `at_every_look` where the number of
    replications hangs on results: then the interval is one that holds however often one looks (statistics.confidence).
    """
    bound = experiment.expectations[i]
    first = [row for row in rows if row["variant"] == experiment.first.name]
    points: dict[str, list[dict[str, Any]]] = {}
    for row in first:
        points.setdefault(json.dumps(row["levers"], sort_keys=True, default=str), []).append(row)
    if not points:
        return {"text": bound.text, "holds": "no", "value": math.nan, "why": "every run failed", "levers": {}}
    told = [_judged(bound, own, at_every_look) | {"levers": own[0]["levers"]} for own in points.values()]
    return min(told, key=lambda judged: ("no", "not measured", "unsure", "yes").index(judged["holds"]))


def _judged(bound: Expectation, own: Sequence[dict[str, Any]], at_every_look: bool) -> dict[str, Any]:
    """Whether a bound holds for the replications of one point."""
    if bound.measure == "collapsed_share":
        collapsed = sum(row["verdict"] == "collapsed" for row in own)
        mean = collapsed / len(own)
        if at_every_look:
            times = [math.inf if row["verdict"] == "collapsed" else 0.0 for row in own]
            _, low, high = confidence.never(times, [row["replication"] for row in own])
        else:
            low, high = theory.wilson(collapsed, len(own)) if len(own) > 1 else (mean, mean)
    elif bound.measure not in own[0]:
        why = f"{bound.measure} is no measure of this kind of traffic"
        return {"text": bound.text, "holds": "no", "value": math.nan, "why": why}
    else:
        values: dict[int, list[float]] = {}
        for row in own:
            if not math.isnan(value := number(row[bound.measure])):
                values.setdefault(row["replication"], []).append(value)
        if not values:
            return {"text": bound.text, "holds": "not measured", "value": math.nan}
        means = [math.fsum(one) / len(one) for one in values.values()]
        least, most = register.limits_of(bound.measure)
        if at_every_look and all(map(math.isfinite, means)):
            mean, low, high = confidence.mean(means)
            least = least if mean >= least else -math.inf  # a drift may be below 0
            low, high = (least if math.isnan(low) else max(low, least)), (most if math.isnan(high) else min(high, most))
        else:
            mean, low, high = mean_interval(means, least=least, most=most)
            low, high = (mean if math.isnan(end) else end for end in (low, high))

    def holds(value: float) -> bool:
        return {
            "<": value < bound.bound,
            "<=": value <= bound.bound,
            ">": value > bound.bound,
            ">=": value >= bound.bound,
        }[bound.sign]

    both = {holds(low), holds(high)}
    return {
        "text": bound.text,
        "holds": "unsure" if len(both) > 1 else "yes" if both == {True} else "no",
        "value": mean,
    }


def explanation(scenario: Scenario, *, with_hidden_capacity: bool = False) -> list[Any]:
    """r1 … r5, hidden capacity and fluid bound of a scenario: theory.Row each, name, value, formula, numbers,
    meaning. Of leases the hidden capacity is told on demand only: it is always 0.
    """
    from recovery.model import policies as named
    from recovery.stages import queueing

    rows: list[Any] = []
    part = scenario.host
    limit = None
    if isinstance(scenario.policy.queue, named.Bounded):
        limit = queueing.queue_limit(scenario.policy.queue.limit, scenario.establish_per_s)
    if scenario.fleet is not None and scenario.lease is not None:
        groups = theory.groups(
            holders=scenario.fleet.holders,
            hosts=scenario.fleet.hosts,
            workers=part.workers,
            establish_s=part.establish_time.mean_s(),
            timeout_s=part.timeout.mean_s(),
            check_every_s=scenario.lease.check_every,
            lease_s=scenario.lease.duration.mean_s(),
            renew_s=(part.renew_time or part.establish_time).mean_s(),
            queue_limit=limit,
            reject_cost_s=part.reject_cost,
        )
        rows += groups.rows()
        rows.append(
            _explained(
                "fluid_bound_s", share=0.99, unleased=scenario.fleet.holders, establish_per_s=groups.establish_per_s
            )
        )
        rows.append(
            _explained(
                "fluid_estimate_s",
                share=0.99,
                unleased=scenario.fleet.holders,
                establish_per_s=groups.establish_per_s,
                renewal_share=groups.r3,
            )
        )
    if scenario.jobs is not None or with_hidden_capacity:
        # Lease holders never give up: what is left once a queue has been pushed over the edge is nothing.
        retries = math.inf if scenario.jobs is None or scenario.jobs.retries < 0 else scenario.jobs.retries
        rate = scenario.establish_per_s * scenario.hosts
        rows.append(_explained("hidden_capacity_per_s", service_per_s=rate, retries=retries))
    return rows


def _explained(name: str, **inputs: Any) -> Any:
    return theory.explain(name, getattr(theory, name.replace("fluid_estimate_s", "fluid_bound_s"))(**inputs), **inputs)


def series_table(outcomes: Sequence[Outcome]) -> Any:
    """series.parquet: a row for each window of the first replication of each variant that was done.

    Columns: variant, levers, time_s, and those of its stages (Outcome.columns).
    """
    import polars as pl

    first: dict[tuple[str, str], Outcome] = {}
    for outcome in outcomes:
        first.setdefault((outcome.variant.name, str(outcome.variant.levers)), outcome)
    frames = []
    for outcome in first.values():
        rows = len(outcome.times_s)
        columns: dict[str, Any] = {
            "variant": [outcome.variant.name] * rows,
            "levers": [json.dumps(dict(outcome.variant.levers), sort_keys=True, default=str)] * rows,
            "time_s": outcome.times_s,
        }
        frames.append(pl.DataFrame(columns | outcome.columns()))
    return pl.concat(frames, how="diagonal")


class Results(NamedTuple):
    """What a run's folder holds: two tables, and all its files by name."""

    manifest: dict[str, Any]
    summary: dict[str, Any]
    files: dict[str, bytes]


def results(
    experiment: Experiment,
    outcomes: Sequence[Outcome],
    facts: dict[str, Any],
    more: dict[str, Any] | None = None,
) -> Results:
    """The results of a run, in memory.

    `facts` (seed, threads, wall_s, …) go into the manifest as they are, `more` into the summary.
    """
    summary = summarise(experiment, outcomes) | (more or {})
    manifest = {
        "format": FORMAT,
        "name": experiment.name,
        "file": experiment.file,
        "head": experiment.head.model_dump(mode="json", exclude={"sweep", "notes", "observed"}),
        "inputs": experiment.raw,
        "digest": identity.digest_of_run([row["digest"] for row in summary["rows"]]),
        "engine": ENGINE,
        "model": identity.MODEL,
        "measures": identity.MEASURES,
        "versions": versions(),
        "machine": platform.machine(),
        "argv": ["recovery", *sys.argv[1:]],
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "kind": "leases" if experiment.first.scenario.fleet else "jobs",
        "window_s": experiment.first.scenario.coupling.window,
        "horizon_s": experiment.first.scenario.horizon,
        "outages": told_outages(outages_of(outcomes)[0]),
        **facts,
    }
    found: dict[str, bytes] = {}
    if len(experiment.variants) <= SERIES_VARIANTS_MAX:
        found["series.parquet"] = files.parquet(series_table(outcomes))
    found["summary.json"] = to_json(summary).encode()
    found["manifest.json"] = to_json(manifest).encode()  # last: where it stands, the rest is whole
    return Results(manifest, summary, found)


def save(out: Path, found: Mapping[str, bytes]) -> None:
    """Write the files of a folder, all or none. Raises files.WriteError."""
    files.write_together({out / name: data for name, data in found.items()})


def keep(folder: Path, found: Mapping[str, bytes]) -> tuple[Path | None, str]:
    """As `save`, for results that took long: where the disk does not take them, they go to a temporary folder.

    Returns where they are (None: nowhere), and what was wrong.
    """
    try:
        save(folder, found)
        return folder, ""
    except files.WriteError as error:
        trouble = str(error)
    try:
        other = Path(tempfile.mkdtemp(prefix="recovery-"))
    except OSError as error:
        return None, f"{trouble}; nor is there another place ({error.strerror}): the results are only printed"
    try:
        save(other / folder.name, found)
    except files.WriteError as error:
        shutil.rmtree(other, ignore_errors=True)
        return None, f"{trouble}; nor in {other} ({error.strerror}): the results are only printed"
    return other / folder.name, f"{trouble}; the results are in {other / folder.name}"


def tables_of(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Manifest and summary of a folder of results. Raises ValueError if one is of another format, files.Damaged if one
    is no longer whole.
    """
    found = []
    for name in ("manifest.json", "summary.json"):
        table = files.read_json(folder / name)
        if table.get("format") != FORMAT:
            has = table.get("format")
            raise ValueError(f"{folder}: {name} has format {has}; want {FORMAT}: run the experiment again")
        found.append(table)
    return found[0], found[1]


def runs_of_sweep(folder: Path) -> Any:
    """All rows of a finished sweep, as a Polars frame. Raises ValueError if there are none, or of another version,
    files.Damaged if the file is no longer whole.
    """
    path = folder / "runs.parquet"
    if not path.exists():
        raise ValueError(f"{folder} has no runs.parquet; want the folder of a finished sweep")
    rows = files.read_parquet(path)
    if missing := [name for name in ("key", "role", "policy_id", "draw", "error") if name not in rows.columns]:
        raise ValueError(f"{path}: has no column {missing[0]}; want a sweep of this version: recovery sweep --resume")
    return rows


class Parts:
    """Rows of runs on disk, by append of whole Parquet files; what is there is never written again."""

    def __init__(self, folder: Path, name: str = "parts") -> None:
        """`folder` is the sweep's; parts lie in a folder `name` below it."""
        self.folder = folder / name

    def add(self, rows: Sequence[dict[str, Any]]) -> None:
        """Append one part. Raises files.WriteError if the disk does not take it; then nothing of it is there."""
        import polars as pl

        table = pl.DataFrame(
            [{key: _as_float(value) for key, value in row.items()} for row in rows], infer_schema_length=None
        )
        name = f"{time.time_ns()}-{os.getpid()}-{secrets.token_hex(3)}.parquet"
        files.write_whole(self.folder / name, files.parquet(table))

    def read(self) -> Any:
        """All rows, a Polars frame (one row a key where a column of that name tells runs apart), or None. Raises
        files.Damaged for a file that is none of ours.
        """
        import polars as pl

        want = "it moved away, then --resume, which runs again what it held"
        tables = [files.read_parquet(path, want=want) for path in sorted(self.folder.glob("*.parquet"))]
        return pl.concat(tables, how="diagonal_relaxed") if tables else None


def _as_float(value: Any) -> Any:
    """Numbers as float64, so that all parts have the same columns."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        return value
    return float(value)
