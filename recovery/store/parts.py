"""Rows of the runs of a sweep on disk: in parts while it runs, in one file when it is done."""

import os
import secrets
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from recovery.errors import Refusal
from recovery.store import files

if TYPE_CHECKING:
    import polars as pl

T = TypeVar("T")


def runs_of_sweep(folder: Path) -> "pl.DataFrame":
    """All rows of a finished sweep. Raises Refusal if there are none, or of another version, files.Damaged if the
    file is no longer whole.
    """
    path = folder / "runs.parquet"
    if not path.exists():
        raise Refusal(f"{folder} has no runs.parquet; want the folder of a finished sweep")
    rows: pl.DataFrame = files.read_parquet(path)
    if missing := [name for name in ("key", "role", "policy_id", "draw", "error") if name not in rows.columns]:
        raise Refusal(f"{path}: has no column {missing[0]}; want a sweep of this version: recovery sweep --resume")
    return rows


class Parts:
    """Rows of runs on disk, by append of whole Parquet files; what is there is never written again."""

    def __init__(self, folder: Path, name: str = "parts") -> None:
        """`folder` is the sweep's; parts lie in a folder `name` below it."""
        self.folder = folder / name

    def add(self, rows: Sequence[Mapping[str, object]]) -> None:
        """Append one part. Raises files.WriteError if the disk does not take it; then nothing of it is there."""
        import polars as pl

        table = pl.DataFrame(
            [
                {key: value if type(value) in _AS_IT_IS else as_float(value) for key, value in row.items()}
                for row in rows
            ],
            infer_schema_length=None,
        )
        name = f"{time.time_ns()}-{os.getpid()}-{secrets.token_hex(3)}.parquet"
        files.write_whole(self.folder / name, files.parquet(table))

    def read(self) -> "pl.DataFrame | None":
        """All rows (one row a key where a column of that name tells runs apart), or None. Raises files.Damaged for a
        file that is none of ours.
        """
        import polars as pl

        want = "it moved away, then --resume, which runs again what it held"
        tables = [files.read_parquet(path, want=want) for path in sorted(self.folder.glob("*.parquet"))]
        return pl.concat(tables, how="diagonal_relaxed") if tables else None


_AS_IT_IS = frozenset((float, str, type(None)))  # most values of most rows


def as_float(value: T) -> T | float:
    """Numbers as float64, so that all parts have the same columns."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        return value
    return float(value)
