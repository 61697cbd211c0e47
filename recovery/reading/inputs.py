"""Files of numbers that a scenario or a command names. A leaf: of ours it knows errors alone."""

import stat
from pathlib import Path

from recovery.errors import Refusal


def regular(path: Path) -> Path:
    """The path, if a regular file lies there (or a link to one): a device has no end, a pipe may never begin, and
    neither can be read twice. Raises Refusal for anything else, OSError where nothing can be looked at.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise Refusal("a folder, a device or a pipe, not a regular file")
    return path


def reason(error: BaseException) -> str:
    """Why a file could not be read, in a line and without its name."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(text).splitlines()[0]
