"""A folder of what is known already: files by their keys, each whole or absent, all together of bounded size.

It is no result: whoever deletes it loses time alone. What cannot be read or written is as if it were not there.
"""

import os
from contextlib import suppress
from pathlib import Path

from recovery.store import files

BYTES_MAX = 256 << 20
ENDING = ".known"


def known_in(folder: Path) -> Path:
    """Where a folder of results has what is known of it."""
    return folder / "known"


class Shelf:
    """A folder of files by key. Several processes may use it at once."""

    def __init__(self, folder: Path, bytes_max: int = BYTES_MAX) -> None:
        """`folder` is made when the first file comes. Beyond `bytes_max` those go that were longest not asked for."""
        self.folder, self.bytes_max = folder, bytes_max

    def read(self, key: str) -> bytes | None:
        """What lies under a key; None if nothing does."""
        path = self._path(key)
        try:
            found = path.read_bytes()
        except OSError:
            return None
        with suppress(OSError):
            os.utime(path)
        return found

    def write(self, key: str, data: bytes) -> None:
        """Put something there, if the disk takes it and it is no larger than all may be together."""
        if len(data) > self.bytes_max:
            return
        with suppress(files.WriteError):
            files.write_whole(self._path(key), data)
        self._shrink()

    def drop(self, key: str) -> None:
        """Take away what lies under a key."""
        with suppress(OSError):
            self._path(key).unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}{ENDING}"

    def _shrink(self) -> None:
        """Delete the oldest until the rest is small enough."""
        there = []
        for path in self.folder.glob(f"*{ENDING}"):
            with suppress(OSError):
                there.append((path.stat().st_mtime_ns, path.stat().st_size, path))
        left = sum(size for _, size, _ in there)
        for _, size, path in sorted(there):
            if left <= self.bytes_max:
                return
            with suppress(OSError):
                path.unlink()
            left -= size
