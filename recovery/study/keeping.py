"""From the outcomes of a run to its folder: manifest, summary and curves, in memory."""

import json
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from recovery.reading.experiment import Experiment
from recovery.simulate import identity
from recovery.simulate.outcome import Outcome
from recovery.simulate.pipeline import engines_of
from recovery.stages import known
from recovery.store import files
from recovery.store.called import command_line
from recovery.store.json_text import plain_table
from recovery.store.manifest_record import FORMAT, Head
from recovery.store.run_record import RunManifest, Summary
from recovery.store.versions import versions
from recovery.study.resolved import own_policies
from recovery.study.summary import courses_of

if TYPE_CHECKING:
    import polars as pl

SERIES_VARIANTS_MAX = 40  # a sweep of more variants keeps the rows, not the curves


class Results(NamedTuple):
    """What a run's folder holds: two records, its curves (None: of too many variants), those of services."""

    manifest: RunManifest
    summary: Summary
    series: "pl.DataFrame | None"
    services: "pl.DataFrame | None" = None

    def files(self) -> dict[str, bytes]:
        """All files by name. The last is the manifest: where it stands, the rest is whole."""
        frames = {"services.parquet": self.services, "series.parquet": self.series}
        found = {name: files.parquet(frame) for name, frame in frames.items() if frame is not None}
        found["summary.json"] = self.summary.to_json().encode()
        found["manifest.json"] = self.manifest.to_json().encode()
        return found


class Took(NamedTuple):
    """What a run took, and how much of it was done."""

    threads: int
    wall_s: float
    cpu_s: float
    runs_done: int
    runs_wanted: int
    interrupted: bool = False


def results(experiment: Experiment, outcomes: Sequence[Outcome], summary: Summary, took: Took | None = None) -> Results:
    """The results of a run, in memory."""
    took = took or Took(1, 0.0, sum(outcome.cpu_s for outcome in outcomes), len(outcomes), len(outcomes))
    scenario, head = experiment.first.scenario, experiment.head
    manifest = RunManifest(
        format=FORMAT,
        kind=known.traffic_of(scenario).name,
        name=experiment.name,
        file=experiment.file,
        head=head_of(experiment),
        inputs=plain_table(experiment.raw),
        digest=identity.digest_of_run([row.digest for row in summary.rows]),
        versions=versions(),
        machine=platform.machine(),
        argv=command_line(),
        written=datetime.now(UTC).isoformat(timespec="seconds"),
        engine=engines_of(variant.scenario for variant in experiment.variants),
        model=identity.MODEL,
        measures=identity.MEASURES,
        window_s=scenario.coupling.window,
        horizon_s=scenario.horizon,
        outages=tuple(courses_of(outcomes)[0]),
        scenario_keys=tuple(experiment.base),
        overrides=experiment.overrides,
        own_policies=own_policies(experiment.variants),
        seed=head.seed,
        replications=head.replications,
        **took._asdict(),
    )
    is_kept = len(experiment.variants) <= SERIES_VARIANTS_MAX
    return Results(manifest, summary, series_table(outcomes) if is_kept else None)


def head_of(experiment: Experiment) -> Head:
    """What an experiment says of itself."""
    names = {name for name in Head.model_fields if name in type(experiment.head).model_fields}
    return Head.model_validate(experiment.head.model_dump(mode="json", include=names))


def series_table(outcomes: Sequence[Outcome]) -> "pl.DataFrame":
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
        names = {
            "variant": [outcome.variant.name] * rows,
            "levers": [json.dumps(dict(outcome.variant.levers), sort_keys=True, default=str)] * rows,
        }
        frames.append(pl.DataFrame(names | {"time_s": outcome.times_s} | outcome.columns()))
    return pl.concat(frames, how="diagonal")
