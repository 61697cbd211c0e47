"""Versions of what computed a result."""

import platform
from importlib import metadata

from recovery.version import VERSION

_PACKAGES = ("numpy", "numba", "scipy", "polars", "matplotlib", "pydantic")


def versions() -> dict[str, str]:
    """Versions of this program, of Python and of the packages that compute."""
    found = {"recovery": VERSION, "python": platform.python_version()}
    return found | {name: metadata.version(name) for name in _PACKAGES}
