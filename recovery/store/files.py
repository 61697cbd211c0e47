"""Files of results: written whole or not at all, and read with a word on which one is damaged.

All that is written goes through `write_together`, as bytes, so that what the disk says (full, read-only, a limit on
the size of files) comes as one error with the file's own name and the reason. Of ours it knows errors alone.
"""

import io
import json
import os
import secrets
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import JsonValue

from recovery.errors import Refusal

if TYPE_CHECKING:
    import polars as pl


class WriteError(OSError):
    """A file could not be written: `filename` is the one that was wanted, `strerror` the reason."""

    def __str__(self) -> str:
        return f"{self.filename}: {self.strerror}"


class Unwritable(WriteError):
    """A folder takes no files, which is known before work is done for it."""


class Damaged(Refusal):
    """A file of results is missing, cut or no longer what was written; the text names it and says what to do."""


def write_together(files: Mapping[Path, bytes]) -> None:
    """Write files so that each is there whole or not at all: all are on the disk beside their places before the first
    takes its name, so a disk that fills up in between leaves what was there. Missing folders are made.

    Raises WriteError.
    """
    parts: dict[Path, Path] = {}
    goal = Path()
    try:
        for goal, data in files.items():
            goal.parent.mkdir(parents=True, exist_ok=True)
            part = parts[goal] = goal.with_name(f".{os.getpid()}.{secrets.token_hex(6)}.part")
            with part.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        for goal, part in parts.items():
            part.replace(goal)
    except OSError as error:
        raise WriteError(error.errno, error.strerror or str(error), str(goal)) from error
    finally:
        for part in parts.values():
            with suppress(OSError):
                part.unlink(missing_ok=True)


def try_out(folder: Path) -> None:
    """Make a folder and see that files can be made in it, before work is done whose results shall lie there.

    Raises Unwritable.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise Unwritable(error.errno, error.strerror or str(error), str(folder)) from error


@contextmanager
def unless_empty(folders: Sequence[Path]) -> Iterator[None]:
    """Folders that were made for results, the innermost first: they go again if no result came and they are empty."""
    try:
        yield
    except BaseException:
        for one in folders:
            with suppress(OSError):  # it is not empty: somebody else's files are in it
                one.rmdir()
        raise


def write_whole(path: Path, data: bytes) -> None:
    """One file, whole or not at all. Raises WriteError."""
    write_together({path: data})


def write_text(path: Path, text: str) -> None:
    """A text file in UTF-8, whole or not at all. Raises WriteError."""
    write_whole(path, text.encode())


def parquet(frame: "pl.DataFrame") -> bytes:
    """A Polars frame as a Parquet file. In memory: Polars hides what the disk says behind errors of its own."""
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd")
    return buffer.getvalue()


AGAIN = "it run again (a sweep with --resume, which runs nothing twice)"


def read_json(path: Path, *, want: str = AGAIN) -> dict[str, JsonValue]:
    """A JSON file of results, an object. Raises Damaged, with what is wanted."""
    try:
        found = json.loads(_bytes(path, want))
    except (ValueError, RecursionError) as error:
        if isinstance(error, Damaged):
            raise
        raise Damaged(f"{path}: is damaged ({_first(error)}); want {want}") from None
    if not isinstance(found, dict):
        raise Damaged(f"{path}: is damaged (no JSON object); want {want}")
    return found


def read_parquet(path: Path, *, want: str = AGAIN) -> "pl.DataFrame":
    """A Parquet file of results as a Polars frame. Raises Damaged, with what is wanted."""
    import polars as pl

    data = _bytes(path, want)
    try:
        return pl.read_parquet(io.BytesIO(data))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise Damaged(f"{path}: is damaged ({_first(error)}); want {want}") from None


def _bytes(path: Path, want: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Damaged(f"{path}: cannot be read ({error.strerror or error}); want {want}") from None


def _first(error: BaseException) -> str:
    """The first line of an error's text."""
    return (str(error).splitlines() or [type(error).__name__])[0]
