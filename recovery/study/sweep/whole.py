"""A whole sweep, or a part of one: run, and written to its folder."""

import json
import platform
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from recovery.errors import Refusal
from recovery.reading.experiment import Experiment
from recovery.simulate import identity, pipeline
from recovery.stages.outage import outages_of, resolve
from recovery.store import files
from recovery.store.called import command_line
from recovery.store.folder import save
from recovery.store.json_text import plain
from recovery.store.manifest_record import FORMAT
from recovery.store.sweep_record import Summary, SweepManifest
from recovery.store.versions import versions
from recovery.study.keeping import head_of
from recovery.study.resolved import own_policies
from recovery.study.runs.chunks import forget
from recovery.study.runs.executor import Backend
from recovery.study.summary import course_of
from recovery.study.sweep.policies import wanted
from recovery.study.sweep.runs import Tell, silent
from recovery.study.sweep.sensitivity import sensitivities
from recovery.study.sweep.summary import summary_of
from recovery.study.sweep.sweeping import Sweeping
from recovery.study.sweep.table import curves_table, runs_table


def run(
    experiment: Experiment,
    *,
    out: Path,
    place: Backend,
    resume: bool,
    tell: Tell | None = None,
    say: Callable[[str], None] | None = None,
    reuse: bool = True,
) -> tuple[Path, Summary]:
    """Run a sweep, or go on with one; writes runs.parquet, series.parquet, summary.json and manifest.json. With `reuse`
    what several runs share of their stages runs once, as long as it fits the memory of a worker or the folder. `say`
    hears how many runs of the folder are still the same: a run has a key of all that decides its row, so others are
    never mixed with these.

    Raises ScenarioError before anything runs, or where too few draws are accepted; Refusal if the folder holds runs and
    `resume` is false. After any other end (Ctrl-C, a full disk, a kill) what was done is kept.
    """
    wanted(experiment)
    folder = out / experiment.name
    if any((folder / "parts").glob("*.parquet")) and not resume:
        raise Refusal(
            f"{folder} holds runs of a sweep; want --resume to go on with it (runs that are still the same are kept), "
            f"or another --out"
        )
    (folder / "parts").mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    work = Sweeping(experiment, folder, place, tell or silent, reuse=reuse)
    with place:
        work.go()
        sensitivity = sensitivities(work)
    forget()
    if work.runs.known.before and say is not None:
        say(_resumed(folder, work))
    table = runs_table(work)
    curves = curves_table(work, table)
    summary = summary_of(work, table, sensitivity, folder)
    manifest = _manifest(work, summary, place, time.monotonic() - begun)
    results = {"runs.parquet": files.parquet(table)}
    if curves is not None:
        results["series.parquet"] = files.parquet(curves)
    results["summary.json"] = summary.to_json().encode()
    results["manifest.json"] = manifest.to_json().encode()  # last: where it stands, the rest is whole
    save(folder, results)
    return folder, summary


def _resumed(folder: Path, work: Sweeping) -> str:
    """What became of the runs that the folder held before."""
    before = work.runs.known.before
    kept = len(before & work.runs.asked)
    text = f"{folder}: {kept} of the {len(before)} runs that were there are still the same and were not run again"
    others = " (they are of another file or another version)"
    return text + (f"; {len(before) - kept} are left out{others}" if kept < len(before) else "")


def _manifest(work: Sweeping, summary: Summary, place: Backend, wall_s: float) -> SweepManifest:
    """How the sweep was made."""
    experiment = work.experiment
    first = resolve(experiment.first, work.seed, 0).scenario
    return SweepManifest.model_validate(
        {
            "format": FORMAT,
            "name": experiment.name,
            "file": experiment.file,
            "head": head_of(experiment),
            "inputs": plain(experiment.raw),
            "inputs_in_order": json.dumps(experiment.raw, default=str),
            "digest": digest_of(experiment),
            "engine": pipeline.engines_of(variant.scenario for variant in experiment.variants),
            "own_policies": own_policies(experiment.variants),
            "versions": versions(),
            "machine": platform.machine(),
            "argv": command_line(),
            "written": datetime.now(UTC).isoformat(timespec="seconds"),
            "traffic": summary.traffic,
            "seed": experiment.head.seed,
            "replications": experiment.head.replications,
            "threads": place.workers,
            "backend": place.name,
            "wall_s": round(wall_s, 3),
            "cpu_s": round(work.runs.known.cpu_s, 3),
            "runs_done": summary.runs.done,
            "runs_wanted": summary.runs.done + summary.runs.failed,
            "window_s": first.coupling.window,
            "horizon_s": first.horizon,
            "outages": [course_of(outages_of(first))],
        }
    )


def shard_of(text: str) -> tuple[int, int]:
    """(3, 10) of "3/10". Raises Refusal."""
    number, sign, of = text.partition("/")
    if not (sign and text.isascii() and number.isdigit() and of.isdigit() and 1 <= int(number) <= int(of)):
        raise Refusal(f"--shard is {text}; want part I of N as I/N, for instance 3/10")
    return int(number), int(of)


def run_shard(
    experiment: Experiment,
    *,
    out: Path,
    place: Backend,
    shard: tuple[int, int],
    tell: Tell | None = None,
    reuse: bool = True,
) -> int:
    """Run one part of a sweep, (number from 1, of how many), into the folder that all parts share or that is gathered
    later; how many runs it has. What is left, and the tables, are made by `run` with resume.
    """
    wanted(experiment)
    folder = out / experiment.name
    (folder / "parts").mkdir(parents=True, exist_ok=True)
    with place:
        return Sweeping(experiment, folder, place, tell or silent, reuse=reuse).part(*shard)


def digest_of(experiment: Experiment) -> str:
    """Name (16 hex digits) of everything that decides a sweep's result."""
    runs = [identity.digest_of(variant, experiment.head.seed, 0) for variant in experiment.variants]
    sweep = experiment.head.sweep
    declared = json.dumps(sweep.model_dump(mode="json") if sweep else None, sort_keys=True, default=str)
    return identity.digest_of_run([*runs, declared, str(experiment.head.replications)])
