"""Versions of what computed a result."""

import functools
import platform
from importlib import metadata

from recovery.measures.register import COLUMNS_VERSION
from recovery.version import VERSION

_PACKAGES = ("numpy", "numba", "scipy", "polars", "matplotlib", "pydantic")


@functools.cache
def _installed() -> dict[str, str]:
    return {name: metadata.version(name) for name in _PACKAGES}


def versions() -> dict[str, str]:
    """Versions of this program, of its tables' columns, of Python and of the packages that compute; looked up once."""
    own = {"recovery": VERSION, "columns": str(COLUMNS_VERSION), "python": platform.python_version()}
    return own | _installed()
