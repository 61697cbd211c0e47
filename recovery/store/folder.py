"""The folder of a run: manifest.json, summary.json and series.parquet, each written whole or not at all."""

import math
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pydantic import JsonValue, ValidationError

from recovery.errors import Refusal
from recovery.measures.register import JOBS, LEASES
from recovery.store import files
from recovery.store.manifest_record import FORMAT
from recovery.store.record import Record
from recovery.store.run_record import Run, RunManifest, Summary, sets_of

if TYPE_CHECKING:
    import polars as pl

A = TypeVar("A", bound=Record)
AGAIN = "run the experiment again"


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


def table_of(folder: Path, name: str) -> dict[str, JsonValue]:
    """The table in a JSON file of a folder of results. Raises Refusal if it is of another format, files.Damaged if
    it is no longer whole.
    """
    table = files.read_json(folder / name)
    if table.get("format") != FORMAT:
        raise Refusal(f"{folder}: {name} has format {table.get('format')}; want {FORMAT}: {AGAIN}")
    return table


def record_of(folder: Path, name: str, kind: type[A]) -> A:
    """The record in a JSON file of a folder of results. Raises Refusal if it is of another format, files.Damaged if
    it is no longer whole, or holds something else.
    """
    table = table_of(folder, name)
    try:
        return kind.model_validate(table)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise files.Damaged(f"{folder / name}: is damaged ({where}: {first['msg']}); want {files.AGAIN}") from None


def kind_of(folder: Path) -> str:
    """What a folder holds: "sweep", "leases", "jobs", "race"; "" if nothing that was finished. Raises files.Damaged."""
    path = folder / "manifest.json"
    return str(files.read_json(path).get("kind", "")) if path.exists() else ""


def wanted_in(folder: Path) -> str:
    """What is wanted where a folder holds no finished run: those in it that do, or one that a command wrote."""
    inside = sorted(one.parent for one in folder.glob("*/manifest.json"))
    if not inside:
        return "a folder that recovery run or sweep wrote"
    more = f" or another of its {len(inside)}" if len(inside) > 3 else ""
    return " or ".join(map(str, inside[:3])) + more


def replaced_in(out: Path, name: str, file: str, overrides: Sequence[str]) -> str:
    """That a run of this file, with these keys set, writes over one of another scenario, and how to keep both; "" where
    the folder `out`/`name` holds none that can be read, or one of the same.
    """
    goal = out / name
    try:
        if kind_of(goal) not in (LEASES, JOBS):
            return ""
        old = record_of(goal, "manifest.json", RunManifest)
    except (Refusal, files.Damaged):
        return ""
    was, now = sets_of(old.overrides), sets_of(overrides)
    if was == now and Path(old.file).resolve() == Path(file).resolve():
        return ""
    held, new = (f"{one} {f'with {sets}' if sets else 'as it stands'}" for one, sets in ((old.file, was), (file, now)))
    other = out / "other"
    return (
        f"{goal} holds the results of {held}; those of {new} take their place. To keep both give this run a folder of "
        f"its own (--out {other}), and compare them: recovery compare {goal} {other / name}"
    )


def run_of(folder: Path) -> Run:
    """Manifest and summary of a run's folder. Raises Refusal and files.Damaged as `record_of`."""
    return Run(record_of(folder, "manifest.json", RunManifest), record_of(folder, "summary.json", Summary))


def with_its_runs(folder: Path) -> Run:
    """The same, of a folder that has a row for each run. Raises Refusal as well for results/NAME of this project, where
    rows are left out if they are many.
    """
    manifest, summary = run_of(folder)
    if manifest.runs_done and not summary.rows:
        raise Refusal(f"{folder}: summary.json is a published one, without its runs; want the folder that was run")
    return Run(manifest, summary)


def wall_s(folder: Path) -> float:
    """How long the runs or the sweep of a folder took, s; 0 where that is not known. Raises files.Damaged."""
    found = table_of(folder, "manifest.json").get("wall_s")
    return float(found) if isinstance(found, int | float) and math.isfinite(found) else 0.0


def series_of(folder: Path) -> "pl.DataFrame | None":
    """The curves of a folder; None if they were not kept. Raises files.Damaged."""
    path = folder / "series.parquet"
    return files.read_parquet(path) if path.exists() else None
