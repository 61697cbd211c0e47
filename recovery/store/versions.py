"""Versions of what computed a result."""

import functools
import platform
from importlib import metadata

from recovery.version import VERSION

_PACKAGES = ("numpy", "numba", "scipy", "polars", "matplotlib", "pydantic")


@functools.cache
def _installed() -> dict[str, str]:
    return {name: metadata.version(name) for name in _PACKAGES}


def versions() -> dict[str, str]:
    """Versions of this program, of Python and of the packages that compute; each is looked up once."""
    return {"recovery": VERSION, "python": platform.python_version(), **_installed()}
