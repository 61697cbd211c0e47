"""Whether this machine is large enough: its cores and free memory, against what an experiment takes."""

import os
from pathlib import Path

from recovery.errors import ScenarioError
from recovery.reading.experiment import Experiment
from recovery.simulate.estimate import estimate
from recovery.units import show_bytes


def cores() -> int:
    """Cores that this process may use: its affinity and the container's limit."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        if quota != "max":
            count = min(count, max(1, int(quota) // int(period)))
    except (OSError, ValueError):
        pass
    return count


def memory_bytes() -> float:
    """Memory that is free for us: the machine's, and the container's limit."""
    import psutil

    free = float(psutil.virtual_memory().available)
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text().strip()
        used = Path("/sys/fs/cgroup/memory.current").read_text().strip()
        if limit != "max":
            free = min(free, float(limit) - float(used))
    except (OSError, ValueError):
        pass
    return free


def refuse_if_too_large(experiment: Experiment, threads: int) -> None:
    """Raise ScenarioError if a variant needs more memory than there is, with the estimate and what to change."""
    free = memory_bytes()
    for variant in experiment.variants:
        need = estimate(variant.scenario, threads)
        if need.memory_bytes > 0.9 * free:
            later = f", later stages {show_bytes(need.later_bytes)}" if need.later_bytes else ""
            less = ", a lower launches.demand" if need.later_bytes else ""
            raise ScenarioError(
                f"{experiment.file}: “{variant.name}” needs up to {show_bytes(need.memory_bytes)} of memory "
                f"({need.hosts_in_flight} hosts at once, {show_bytes(need.host_bytes)} each{later}); "
                f"{show_bytes(free)} are free. "
                f"Want more hosts of fewer holders (fleet.hosts), fewer --threads, a shorter horizon, "
                f"or a bounded queue (policy.queue){less}"
            )


def followers(experiment: Experiment, threads: int) -> int:
    """How many runs may be in their later stages at once: as many as there are threads, if the memory lasts."""
    needs = [estimate(variant.scenario, threads) for variant in experiment.variants]
    later = max(need.later_bytes for need in needs)
    leases = max(need.memory_bytes - need.later_bytes for need in needs)
    return max(1, min(threads, int((0.9 * memory_bytes() - leases) / later))) if later else threads
