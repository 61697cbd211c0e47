"""Digests of this program's own files: they tell apart what an older version made."""

import functools
import hashlib
import os
from collections.abc import Collection
from pathlib import Path

RECOVERY = Path(__file__).resolve().parent.parent


@functools.cache
def _files(package: Path) -> dict[str, bytes]:
    """Digests of a package's files by where they are in it, as they are when they are first asked for."""
    found = {}
    for folder, rooms, names in os.walk(package):
        rooms.sort()
        where = os.path.relpath(folder, package).replace(os.sep, "/")
        for name in sorted(names):
            if name.endswith(".py"):
                data = Path(folder, name).read_bytes()
                found[name if where == "." else f"{where}/{name}"] = hashlib.sha256(data).digest()
    return found


def digest(*packages: Path, without: Collection[str] = ()) -> str:
    """Digest (16 hex digits) of the Python files of packages, by their folders, save those in the rooms `without`."""
    found = hashlib.sha256()
    for package in packages:
        for file, own in _files(package).items():
            if file.split("/")[0] not in without:
                found.update(f"{package.name}/{file}".encode() + b"\0" + own)
    return found.hexdigest()[:16]
