"""The one compile decorator, and where the compiled code is kept.

Numba checks only the file of the function that it loads: an edit in another file, of a function that was compiled in,
goes unseen, and the old answer comes back. So the cache lies in a directory named by a digest of the whole package, and
any edit names a new one. The package's own directory may be read-only and is never written to.

Which steps the compiler takes is the subject of `pipeline`.
"""

import contextlib
import functools
import hashlib
import os
import platform
import re
import shutil
import stat
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, TypeVar, cast

import numba
from numba.core.caching import FunctionCache

from recovery_kernels.pipeline import called_from_c, dispatchers

_PACKAGE = Path(__file__).resolve().parent
_KEEP_S = 30 * 24 * 3600  # a directory that nobody used for so long is removed
_STAMP = ".used"
_CONTROLLERS = "controllers"
# What all kernels share. fastmath stays off: it assumes that there is no inf, which is our "never", and reorders sums.
# parallel stays off: it swallows exceptions, and sums would depend on the number of threads. boundscheck is left to
# NUMBA_BOUNDSCHECK: one job of the tests sets it, the hot loop cannot afford it.
_OPTIONS: dict[str, Any] = {
    "nopython": True,
    "nogil": True,  # runs go side by side in threads
    "error_model": "numpy",  # x / 0 is inf, as in arrays; "python" adds a branch and an exception to each division
    "no_cfunc_wrapper": True,  # nobody calls them from C
    # No reference counts: kernels allocate nothing (np.empty in one fails to compile), and counting every array that
    # they touch costs 15 times the work. An option of Numba without documentation, safe while the version is pinned.
    "_nrt": False,
}
_settings: Any = numba.config  # filled from NUMBA_* variables and Numba's own file; has no types

_Function = TypeVar("_Function", bound=Callable[..., Any])


def kernel(function: _Function) -> _Function:
    """Compile a function at its first call with the flags that all kernels share, or load it from the cache.

    With NUMBA_DISABLE_JIT=1 the function comes back as it is.
    """
    return _compile(function)


def inline(function: _Function) -> _Function:
    """As `kernel`, for a small function that the machine code of its callers must contain rather than call."""
    return _compile(function, forceinline=True)


class Settled:
    """A kernel for a caller whose arguments have the same types at each call, as those of a host have. At each call
    Numba looks at all numbers in all named tuples to find out which machine code is meant: 30 µs for a host, which may
    be more than its events take. Here the first call settles it.

    What a later call gives is taken for the types of the first one: no array may have another layout.
    """

    call: Callable[..., Any]

    def __init__(self, function: Callable[..., Any]) -> None:
        """Of a kernel; one that is not compiled stays as it is."""
        self.function = function
        self.call = function if _settings.DISABLE_JIT else self._first

    def _first(self, *args: Any) -> Any:
        found = self.function(*args)
        codes = cast(Any, self.function).overloads.values()
        if len(codes) == 1:  # else somebody else calls it with other types, and each call has to be looked at
            [code] = codes
            self.call = code.entry_point
        return found


def compiled_address(function: Callable[..., Any], source: str, signature: Any) -> int:
    """Where machine code of a function of this signature lies in this process; it is compiled, or loaded from the
    cache. It is called as a function of C, and has to be called through `by_address`.

    The cache is kept by `source`, a digest of the function's files: these are no part of the kernels' digest.
    """
    called = called_from_c(function, signature, _OPTIONS)
    called._cache = _cache_of(function, source[:16])
    called.compile()
    _kept.append(called)  # the machine code lives as long as this does
    return int(called.address)


_kept: list[Any] = []


def cache_dir() -> Path:
    """Directory of the compiled kernels of exactly this source, this Python, this Numba and these settings; it exists.

    It lies in NUMBA_CACHE_DIR where the user set one, else in the user's cache directory, else in a private temporary
    one. Raises OSError if NUMBA_CACHE_DIR cannot be written to.
    """
    with _settled:
        return _cache_dir(_settings.CACHE_DIR, _digest(bool(_settings.BOUNDSCHECK)))


def is_compiled() -> bool:
    """Whether kernels of this source were compiled before, so that the next run starts at once."""
    return bool(_settings.DISABLE_JIT) or any(cache_dir().rglob("*.nbi"))


def _compile(function: _Function, forceinline: bool = False) -> _Function:
    if _settings.DISABLE_JIT:
        return function
    return cast(_Function, dispatchers(function, _OPTIONS, forceinline, functools.partial(_cache_of, function)))


_settled = threading.RLock()  # held while Numba's directory is ours: kernels are first called from several threads


def _cache_of(function: Callable[..., Any], within: str = "") -> "_Cache":
    """The cache of one function, as cache=True makes with Numba's own; in a folder of that name `within` ours."""
    # Numba settles the place here. It is set back afterwards, and not set in the environment, so that other packages
    # keep their caches and child processes see what the user wrote.
    with _settled:
        users_choice, place = _settings.CACHE_DIR, str(cache_dir() / within)
        _settings.CACHE_DIR = place
        try:
            return _Cache(function)
        finally:
            _settings.CACHE_DIR = users_choice


class _Cache(FunctionCache):
    """Numba's cache of one function, for files that are damaged, unreadable or cannot be written: Numba ends in a
    traceback there; here the function is compiled (again), and a line says so.
    """

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            # Numba's own method first fills the context with all that can be compiled: half of the start of a process.
            # Code that is compiled needs nothing of it, and the compiler sees to it for itself.
            with self._guard_against_spurious_io_errors():
                return self._load_overload(sig, target_context)
        except Exception as error:  # whatever reading machine code from a cut file may raise
            self._say("is damaged", error, "thrown away and compiled again")
            try:
                self.flush()
            except OSError:
                self.disable()
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            super().save_overload(sig, data)  # type: ignore[no-untyped-call]
        except Exception as error:
            self._say("cannot be written", error, "the next start compiles again")
            self.disable()

    _said: ClassVar[set[str]] = set()  # each once, not for each of a hundred kernels

    def _say(self, what: str, error: Exception, then: str) -> None:
        if what not in self._said and sys.stderr is not None:
            self._said.add(what)
            reason = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
            print(f"kernel cache {self.cache_path} {what} ({reason}): {then}", file=sys.stderr, flush=True)


@functools.cache
def _digest(boundscheck: bool) -> str:
    """Name of everything that decides the machine code and that Numba's own check does not see."""
    # The path belongs to it because Numba keeps copies of a package apart by path.
    parts = [
        str(_PACKAGE),
        platform.machine(),
        str(sys.implementation.cache_tag),
        numba.__version__,
        str(boundscheck),
    ]
    digest = hashlib.sha256("\0".join(parts).encode(errors="surrogateescape"))
    for file in sorted(_PACKAGE.rglob("*.py")):
        if file.parent.name == _CONTROLLERS and file.name != "__init__.py":
            continue  # called by address: no part of any other code
        digest.update(
            b"\0" + file.relative_to(_PACKAGE).as_posix().encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest()
        )
    return digest.hexdigest()[:16]


@functools.cache
def _cache_dir(users_choice: str, digest: str) -> Path:
    if users_choice:
        directory = Path(users_choice).expanduser().absolute() / digest
        if not _is_writable(directory):
            raise OSError(
                f"NUMBA_CACHE_DIR is {users_choice!r}; want a directory that can be written to, or none at all"
            )
        return directory
    base = _default_base()
    if base is None or not _is_writable(base / digest):
        base = _temporary_base()
        (base / digest).mkdir(exist_ok=True)
    with contextlib.suppress(OSError):  # a full disk
        (base / digest / _STAMP).touch()
    _remove_old(base, keep=digest)
    return base / digest


def _default_base() -> Path | None:
    """The user's cache directory by the custom of the system; None without a home."""
    try:
        if sys.platform == "win32":
            caches = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
        elif os.environ.get("XDG_CACHE_HOME"):
            caches = Path(os.environ["XDG_CACHE_HOME"])
        else:
            caches = Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache")
    except RuntimeError:
        return None
    return caches.absolute() / "recovery" / "numba"


def _temporary_base() -> Path:
    """A directory of this user alone: cached code is run, so nobody else may be able to put some there."""
    user = os.getuid() if hasattr(os, "getuid") else None
    base = Path(tempfile.gettempdir()) / f"recovery-numba-{user}"
    try:
        base.mkdir(mode=0o700, exist_ok=True)
        found = base.lstat()
    except OSError:
        return Path(tempfile.mkdtemp(prefix="recovery-numba-"))
    if user is None or (stat.S_ISDIR(found.st_mode) and found.st_uid == user and not found.st_mode & 0o022):
        return base
    return Path(tempfile.mkdtemp(prefix="recovery-numba-"))


def _is_writable(directory: Path) -> bool:
    """Whether a file can be made in the directory, which is made too. Mode bits mean nothing to root."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            return True
    except OSError:
        return False


def _remove_old(base: Path, keep: str) -> None:
    """Remove the caches of sources that nobody ran for `_KEEP_S`."""
    for directory in base.iterdir():
        if directory.name == keep or not re.fullmatch("[0-9a-f]{16}", directory.name):
            continue
        try:
            used_s = max(place.stat().st_mtime for place in (directory, directory / _STAMP) if place.exists())
        except (OSError, ValueError):
            continue  # another process was quicker
        if time.time() - used_s > _KEEP_S:
            shutil.rmtree(directory, ignore_errors=True)
