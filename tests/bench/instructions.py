"""Machine instructions for each logical event, which unlike times are the same in every run.

    python tests/bench/instructions.py

Counted by Valgrind for two horizons; the difference leaves out start-up and set-up. The kernel is compiled for a generic
processor, because Valgrind does not know the newest instructions, and before Valgrind starts, because LLVM under it takes
very long.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
HORIZONS_S = (300.0, 900.0)
GENERIC = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": "", "PYTHONHASHSEED": "0"}


def missing() -> str | None:
    return None if shutil.which("valgrind") else "there is no valgrind"


def per_event(storm: str) -> float:
    """Of our kernel, on a storm of `peers` by name. Raises CalledProcessError where Valgrind does not know this machine."""
    _run([], storm, HORIZONS_S[0])  # compiles
    (few, first), (many, last) = (_count(storm, horizon_s) for horizon_s in HORIZONS_S)
    return (last - first) / (many - few)


def _count(storm: str, horizon_s: float) -> tuple[int, int]:
    """Logical events and instructions."""
    tool = ["valgrind", "--tool=cachegrind", "--cache-sim=no", f"--cachegrind-out-file={os.devnull}"]
    done = _run(tool, storm, horizon_s)
    found = re.search(r"I\s+refs:\s+([\d,]+)", done.stderr)
    assert found, done.stderr
    return int(done.stdout), int(found[1].replace(",", ""))


def _run(tool: Sequence[str], storm: str, horizon_s: float) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join(filter(None, [str(ROOT), str(HERE), os.environ.get("PYTHONPATH")]))
    command = [*tool, sys.executable, str(HERE / "instructions.py"), storm, str(horizon_s)]
    environment = {**os.environ, **GENERIC, "PYTHONPATH": paths}
    return subprocess.run(command, check=True, capture_output=True, text=True, env=environment)


def _simulate(storm: str, horizon_s: float) -> None:
    """What Valgrind looks at."""
    import ours
    import peers

    result = ours.run(replace(getattr(peers, storm), horizon_s=horizon_s))
    print(result.logical_events)


def main() -> None:
    if len(sys.argv) == 3:
        _simulate(sys.argv[1], float(sys.argv[2]))
        return
    if reason := missing():
        sys.exit(reason)
    for storm in ("STORM", "COLLAPSE"):
        print(f"{storm:10} {per_event(storm):7.1f} instructions per logical event")


if __name__ == "__main__":
    main()
