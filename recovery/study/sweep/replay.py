"""Replay: one run of a finished sweep again, exactly, and whether it gives the same row."""

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from recovery.errors import Refusal, ScenarioError
from recovery.model.sweep import Sweep
from recovery.model.variant import Variant
from recovery.reading.design import Point
from recovery.reading.experiment import Experiment, rebuilt
from recovery.simulate import identity
from recovery.store.parts import as_float, runs_of_sweep
from recovery.store.sweep_record import Replayed, SweepManifest, Value, manifest_of
from recovery.study.runs.chunks import Work, simulate
from recovery.study.sweep.draws import draws_of, saltelli
from recovery.study.sweep.policies import policies_of, wanted
from recovery.study.sweep.runs import key_of_impossible


def replayed(folder: Path, key: str) -> Replayed:
    """Run a row of a sweep again, by its key or a beginning of it. Raises Refusal if it is not there, or the code or
    the inputs have changed.
    """
    manifest, run = find(folder, key)
    folder_of_file = Path(manifest.file).parent
    raw = json.loads(manifest.inputs_in_order)
    experiment = rebuilt(raw, manifest.file, manifest.name, folder_of_file)
    variant = variant_of(experiment, run)
    [done] = simulate([Work(run.key, variant, run.seed, run.run_replication)], sharing=None)
    fresh = {name: as_float(value) for name, value in done.row.items() if name != "cpu_s"}
    changed = sorted(name for name, value in fresh.items() if not _same(value, run.row.get(name)))
    words = next("; ".join(one.words) for one in policies_of(experiment) if one.id == run.policy_id)
    return Replayed(key=run.key, policy=run.policy, words=words, same=not changed, changed=tuple(changed), row=fresh)


def _same(a: Value, b: Value) -> bool:
    return a == b or (_is_unknown(a) and _is_unknown(b))


def _is_unknown(value: Value) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


class Run(NamedTuple):
    """A run of a finished sweep: where it stands in it, and its row of runs.parquet."""

    key: str
    role: str
    policy: str
    policy_id: str
    replication: int
    run_replication: int
    seed: int
    row: Mapping[str, Value]


def find(folder: Path, key: str) -> tuple[SweepManifest, Run]:
    """SweepManifest and run of a sweep by its key (or a beginning of it). Raises Refusal if there is none."""
    import polars as pl

    rows = runs_of_sweep(folder).filter(pl.col("key").str.starts_with(key))
    if rows.get_column("key").n_unique() != 1:
        raise Refusal(f"{key} names {rows.get_column('key').n_unique()} runs of {folder}; want the key of one")
    row = rows.row(0, named=True)
    return manifest_of(folder), Run(**{name: row[name] for name in Run._fields if name != "row"}, row=row)


def variant_of(experiment: Experiment, run: Run) -> Variant:
    """The variant of a run, with its draw made again. Raises Refusal if the sweep does not draw it any more, and
    ScenarioError if its draw cannot be.
    """
    sweep = wanted(experiment)
    number = next((one.number for one in policies_of(experiment) if one.id == run.policy_id), None)
    if number is None:
        raise Refusal(f"{run.policy} is no policy of {experiment.file}")
    for point in _points_of(sweep, experiment.head.seed, run):
        try:
            variant = experiment.drawn(number, point)
        except ScenarioError as error:
            if key_of_impossible(run.policy_id, point, error) == run.key:
                raise
            continue
        if identity.digest_of(variant, experiment.head.seed, run.run_replication) == run.key:
            return variant
    raise Refusal(
        f"{run.key} is not drawn by {experiment.file} as it is now (code or inputs changed); want the sweep again"
    )


def _points_of(sweep: Sweep, seed: int, run: Run) -> Iterator[Point]:
    """Where the run's draw may be."""
    if run.role == "sensitivity":
        samples = sweep.sensitivity.samples if sweep.sensitivity else 4
        yield from (one.inputs for _, _, one in saltelli(sweep, seed, samples))
    else:
        for block in draws_of(sweep, seed, run.replication):
            yield from (one.inputs for one in block)
