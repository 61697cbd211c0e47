"""Digests of this program's own files: they tell apart what an older version made."""

import functools
import hashlib
from collections.abc import Collection
from pathlib import Path

RECOVERY = Path(__file__).resolve().parent.parent


@functools.cache
def _files(package: Path) -> dict[Path, bytes]:
    """Digests of a package's files, as they are when they are first asked for."""
    return {file: hashlib.sha256(file.read_bytes()).digest() for file in sorted(package.rglob("*.py"))}


def digest(*packages: Path, without: Collection[str] = ()) -> str:
    """Digest (16 hex digits) of the Python files of packages, by their folders, save those in the rooms `without`."""
    found = hashlib.sha256()
    for package in packages:
        for file, own in _files(package).items():
            if file.relative_to(package).parts[0] not in without:
                found.update(file.relative_to(package.parent).as_posix().encode() + b"\0" + own)
    return found.hexdigest()[:16]
