"""Is this machine fit to run? Versions, cores, memory, cache, and a small run against the plain arithmetic of its
result.
"""

import os
import platform
import sys
from dataclasses import dataclass
from importlib import metadata

from recovery.reading.experiment import parse
from recovery.simulate import needed, pipeline
from recovery.store.versions import versions
from recovery.study import machine
from recovery.units import show_bytes


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    what: str
    found: str
    ok: bool


# Constant service of 10 ms, one worker, timeout far away: three holders that are down to nothing after an outage of
# 60 s are
# back in three services. What comes out is known without running.
_KNOWN = """
horizon = "5m"
hold = "1m"
coupling.window = "1s"
fleet = { holders = 3, hosts = 1 }
host = { establish_time = "10ms", timeout = "10s", fail_after = "1ms" }
lease = { duration = "20s", check_every = "10s" }
dependency.outages = [{ from = "10s", to = "70s" }]
policy.client = { name = "fixed", delay = "1s" }
"""


def examine() -> list[Finding]:
    """Everything that `recovery doctor` looks at."""
    from recovery_kernels import draws, jit

    findings = [Finding(name, version, True) for name, version in versions().items()]
    findings.append(Finding("machine", f"{platform.system()} {platform.machine()}", True))
    own, whole = machine.cores(), os.cpu_count() or 1
    limit = f" of the machine's {whole} (affinity or container)" if own < whole else ""
    findings.append(Finding("cores", f"{own}{limit}", True))
    findings.append(Finding("free memory", show_bytes(machine.memory_bytes()), True))
    try:
        directory = jit.cache_dir()
        left = [part.name for part in needed.missing(needed.PARTS)]
        state = f"not compiled yet: {', '.join(left)}; recovery warmup does it" if left else "compiled"
        findings.append(Finding("kernel cache", f"{directory} ({state})", True))
    except OSError as error:
        findings.append(Finding("kernel cache", str(error), False))
    slow_start = sys.dont_write_bytecode
    findings.append(
        Finding(".pyc files", "off (PYTHONDONTWRITEBYTECODE): every start is slow" if slow_start else "on", True)
    )
    try:
        dask = metadata.version("distributed")
    except metadata.PackageNotFoundError:
        dask = "not installed, only --backend dask needs it: pip install 'recovery[dask]'"
    findings.append(Finding("distributed", dask, True))
    # SplitMix64 with seed 1234567 begins with this number (Vigna's reference implementation).
    import numpy as np

    first = int(draws.at(np.uint64(1234567), np.uint64(0)))
    findings.append(Finding("draws", f"{first} (want 6457827717110365317)", first == 6457827717110365317))
    experiment = parse(_KNOWN, name="doctor")
    with pipeline.Runner(1) as runner:
        outcome = next(runner.run([(experiment.first, 1, 0)]))
    row = outcome.measure()
    fits = (
        row["verdict"] == "recovered"
        and row["leased_min_share"] == 0
        and float(row["ttr100_s"]) <= 3
        and row["leased_end_share"] == 1
    )
    findings.append(Finding("small run", f"recovered in {row['ttr100_s']:g} s (want at most 3)", fits))
    return findings
