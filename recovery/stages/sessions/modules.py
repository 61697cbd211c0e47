"""The code of a user's own policy, run from its text: the same in other processes and on other machines."""

import functools
import os
import sys
from pathlib import Path
from types import ModuleType

from recovery_kernels import jit

from recovery.model.policies.own import File


def of_file(file: File) -> ModuleType:
    """The module of a user's file. Its text is kept beside the compiled kernels, where tracebacks and Numba's cache
    find it. Raises what its code raises.
    """
    return _run(Path(file.file).stem, file.text, file.digest)


@functools.cache
def _run(stem: str, text: str, digest: str) -> ModuleType:
    module = ModuleType(f"recovery_own_{digest}")
    module.__file__ = str(_kept(stem, text, digest))
    sys.modules[module.__name__] = module  # where its functions are looked for
    exec(compile(text, module.__file__, "exec"), module.__dict__)
    return module


def _kept(stem: str, text: str, digest: str) -> Path:
    """A file with just this text; it is written once, so what was compiled of it stays good."""
    place = jit.cache_dir() / "own" / digest / f"{stem}.py"
    if not place.is_file() or place.read_bytes() != text.encode():
        place.parent.mkdir(parents=True, exist_ok=True)
        begun = place.with_suffix(f".{os.getpid()}")
        begun.write_bytes(text.encode())
        begun.replace(place)
    return place
