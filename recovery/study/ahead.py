"""How long what is asked will take, said before it begins where that is long: by pilots, as `recovery check` does."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from recovery.model.variant import Variant
from recovery.reading.experiment import Experiment
from recovery.simulate import pilot, pipeline, reuse
from recovery.simulate.estimate import estimate
from recovery.simulate.reuse import Known
from recovery.study import warm
from recovery.study.alike import together
from recovery.units import show_duration

LONG_S = 10.0  # from here on it is said
FAR_S = 60.0  # and where it may take so long
SURE = 4.0  # times what it takes at most, that count of events may be off


class Takes(NamedTuple):
    """What it takes on this machine, s, and what that lies between."""

    about_s: float
    low_s: float
    high_s: float

    def times(self, factor: float) -> "Takes":
        """So many times as long."""
        return Takes(*(factor * one for one in self))

    def __str__(self) -> str:
        low, high = show_duration(self.low_s), show_duration(self.high_s)
        return f"about {show_duration(self.about_s)} (between {low} and {high})"


def may_be_long(wanted: Sequence[tuple[Variant, float]], threads: int) -> bool:
    """Whether so many runs of each variant may take long, by a count of their events at most: it costs nothing."""
    most_s = sum(many * estimate(variant.scenario, threads).cpu_s for variant, many in wanted)
    return SURE * most_s / threads >= LONG_S


def takes(wanted: Sequence[tuple[Variant, float]], seed: int, threads: int) -> Takes | None:
    """How long so many runs of each variant take with so many threads, by small runs that take a fraction of a second;
    None where that is not long.
    """
    if not may_be_long(wanted, threads):
        return None
    variants, many = [variant for variant, _ in wanted], [many for _, many in wanted]
    warm.for_runs(variants, quiet=True)
    shared = reuse.shared([(variant, seed, 0) for variant in variants])
    found = pilot.tried(variants, seed, replications=math.ceil(max(many)), shared=shared)
    needs = [pilot.into(estimate(variant.scenario, threads), one) for variant, one in zip(variants, found, strict=True)]
    needs = [need.with_known(one.hosts, one.later_anew) for need, one in zip(needs, shared, strict=True)]
    alone = sum(
        runs * pipeline.simulated_hosts(variant.scenario)
        for (variant, runs), one in zip(wanted, shared, strict=True)
        if not one.hosts
    )
    costs = zip(*((need.cpu_s, need.low_s, need.high_s) for need in needs), strict=True)
    told = Takes(*(sum(c * runs for c, runs in zip(cost, many, strict=True)) / min(threads, alone) for cost in costs))
    return told if told.about_s >= LONG_S or told.high_s >= FAR_S else None


def of_runs(experiment: Experiment, known: Known | None, threads: int) -> str:
    """How long all runs of an experiment take that are not `known`; "" where that is not long."""
    head, variants = experiment.head, experiment.variants
    if not may_be_long([(one, head.replications) for one in variants], threads):
        return ""
    tasks = [(one, head.seed, replication) for one in variants for replication in range(head.replications)]
    anew = [one[0] for group in together(tasks, known) if group.found is None for one in group.tasks.values()]
    many = Counter(map(id, anew))
    wanted = [(one, many[id(one)]) for one in variants if many[id(one)]]
    found = takes(wanted, head.seed, threads) if wanted else None
    return "" if found is None else f"{experiment.file}: {line(len(anew), found, threads)}"


def line(runs: int, found: Takes, threads: int) -> str:
    """So many runs, in words."""
    what = "one run takes" if runs == 1 else f"{runs} runs take"
    return f"{what} {found} with {threads} thread{'s' if threads > 1 else ''}, scaled up from small runs"
