"""Machine instructions for each logical event, which unlike times do not depend on what else the machine does.

    python tests/bench/instructions.py

Ends with 1 where an engine takes over 5 % more than COUNTS says: a commit that raises a count explains it there.
Counted by Valgrind for two horizons; the difference leaves out start-up and set-up. The kernel is compiled before
Valgrind starts, because LLVM under it takes minutes, and for a plain processor, because Valgrind knows no newer one.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
HORIZONS_S = (300.0, 3900.0)
PROCESSOR = "x86-64-v3" if platform.machine() in ("x86_64", "AMD64") else "generic"
COUNTS = {  # instructions per logical event, on x86-64-v3; "classes": two of them, on lanes
    ("events", "STORM"): 415.6,
    ("events", "AT_RANDOM"): 426.9,
    ("events", "COLLAPSE"): 408.3,
    ("events", "QUEUE"): 435.1,
    ("lanes", "STORM"): 93.7,
    ("lanes", "AT_RANDOM"): 193.8,
    ("lanes", "COLLAPSE"): 60.6,
    ("lanes", "QUEUE"): 144.3,
    ("classes", "STORM"): 245.2,
    ("sessions on lanes", "STORM"): 94.2,
    ("sessions on lanes", "AT_RANDOM"): 191.7,
    ("sessions on lanes", "COLLAPSE"): 57.3,
    ("sessions", "STORM"): 985.9,
    ("sessions", "AT_RANDOM"): 998.5,
    ("sessions", "COLLAPSE"): 929.4,
}
MARGIN = 0.05
PLAIN = {
    "NUMBA_CPU_NAME": PROCESSOR,
    "NUMBA_CPU_FEATURES": "",
    "OPENBLAS_NUM_THREADS": "1",  # NumPy's idle threads count too
    "PYTHONHASHSEED": "0",
}


def missing() -> str | None:
    return None if shutil.which("valgrind") else "there is no valgrind"


def per_event(storm: str, engine: str) -> float:
    """Of one of our engines, on a storm of `peers` by name, or on the QUEUE of eight workers. Raises RuntimeError where
    Valgrind cannot run it.
    """
    _run([], storm, engine, HORIZONS_S[0])  # compiles
    (few, first), (many, last) = (_count(storm, engine, horizon_s) for horizon_s in HORIZONS_S)
    return (last - first) / (many - few)


def _count(storm: str, engine: str, horizon_s: float) -> tuple[int, int]:
    """Logical events and instructions."""
    tool = ["valgrind", "--tool=cachegrind", "--cache-sim=no", f"--cachegrind-out-file={os.devnull}"]
    done = _run(tool, storm, engine, horizon_s)
    events, compiled = map(int, done.stdout.split())
    if compiled:
        raise RuntimeError("the kernel was compiled while Valgrind counted: has its source changed meanwhile?")
    found = re.search(r"I\s+refs:\s+([\d,]+)", done.stderr)
    if found is None:
        raise RuntimeError(f"no count from Valgrind: {done.stderr[-500:]}")
    return events, int(found[1].replace(",", ""))


def _run(tool: Sequence[str], storm: str, engine: str, horizon_s: float) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join(filter(None, [str(ROOT), str(HERE), os.environ.get("PYTHONPATH")]))
    command = [*tool, sys.executable, str(HERE / "instructions.py"), storm, engine, str(horizon_s)]
    environment = {**os.environ, **PLAIN, "PYTHONPATH": paths}
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}: {done.stderr[-500:]}")
    return done


def _simulate(storm: str, engine: str, horizon_s: float) -> None:
    """What Valgrind looks at."""
    import ours
    import peers
    from peers.mm8 import QueueParams
    from recovery_kernels import requests
    from recovery_kernels.lanes import engine as lanes
    from recovery_kernels.sessions import loop as sessions

    if storm == "QUEUE":
        events = ours.run_queue(QueueParams(horizon_s=horizon_s), engine).logical_events
    else:
        chosen = ("lanes", ours.TWO_CLASSES) if engine == "classes" else (engine, ours.PLAIN)
        events = ours.run(replace(getattr(peers, storm), horizon_s=horizon_s), *chosen).logical_events
    of_lanes = (lanes.advance, lanes.advance_sessions, lanes.advance_classes, lanes.advance_jobs)
    kernels = (*of_lanes, requests.advance, sessions.advance)
    print(events, sum(sum(one.stats.cache_misses.values()) for one in kernels))


def main() -> None:
    if len(sys.argv) == 4:
        _simulate(sys.argv[1], sys.argv[2], float(sys.argv[3]))
        return
    if reason := missing():
        sys.exit(reason)
    is_more = False
    for (engine, storm), before in COUNTS.items():
        count = per_event(storm, engine)
        more = count / before - 1
        is_more |= more > MARGIN
        print(f"{engine:17}  {storm:9} {count:7.1f} instructions per logical event, {more:+.1%}", flush=True)
    if PROCESSOR != "x86-64-v3":
        sys.exit("the counts in the tree are of x86-64-v3")
    sys.exit("over 5 % more than COUNTS says: explain it in the commit that raises them" if is_more else 0)


if __name__ == "__main__":
    main()
