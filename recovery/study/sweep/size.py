"""The size of a sweep: how many replications and runs it takes, at least and at most, and how long a run is."""

import math
import time
from typing import Literal

from recovery.reading import design
from recovery.reading.design import Point
from recovery.reading.experiment import Experiment
from recovery.simulate import chain, pilot, reuse
from recovery.stages import known as stages
from recovery.statistics import selection
from recovery.store.sweep_record import Planned
from recovery.study import ahead
from recovery.study.runs.chunks import Work, hosts, simulate
from recovery.study.sweep.estimates import ALPHA, units_that_show
from recovery.study.sweep.policies import policies_of, wanted

LOOKED_AT = 200  # policies at most, to tell how many share their hosts
UNITS_LEAST = 8  # before the first look: whatever the sequences say, few runs are alike by chance


def plan(experiment: Experiment, timed: int = 5, patience_s: float = 10.0) -> Planned:
    """How many runs and how long, from a few runs of the first replication that are timed."""
    sweep = wanted(experiment)
    policies, points = policies_of(experiment), design.draws(sweep, experiment.head.seed, 0, 0)
    begun = time.monotonic()
    of_hosts: list[float] = []
    of_later: list[float] = []
    for i in range(timed):
        policy = policies[i * len(policies) // timed]
        variant = experiment.drawn(policy.number, points[i % len(points)])
        work = Work("", variant, experiment.head.seed, 0)
        if not pilot.is_ready(variant.scenario):
            simulate([work])  # compiles, which is not a run's time
        before = time.process_time()
        outcome = hosts((variant, experiment.head.seed, 0))
        between = time.process_time()
        chain.follow(outcome).measure()
        of_hosts.append(between - before)
        of_later.append(time.process_time() - between)
        if time.monotonic() - begun > patience_s:
            break
    each = len(policies) * len(points)
    hosts_anew, later_anew = _anew(experiment, points[0])
    least, most = each * first_round(experiment), each * most_of(experiment)
    return Planned(
        policies=len(policies),
        draws=len(points),
        least=least,
        most=most,
        cpu_s=(math.fsum(of_hosts) * hosts_anew + math.fsum(of_later) * later_anew) / len(of_hosts),
        timed=len(of_hosts),
        replications=most_of(experiment),
        replications_key=key_of_most(experiment),
        replications_that_tell=replications_that_tell(experiment),
        replications_that_choose=replications_that_choose(experiment),
        units_that_tell=units_that_tell(experiment),
        units_that_choose=units_that_choose(experiment),
        draws_of_one=draws_of_one(experiment),
        never_max=sweep.never_max,
    )


def foretold(experiment: Experiment, threads: int, shards: int = 1) -> str:
    """How long the runs take that a sweep (or one of so many shards of it) is sure to do; "" where that is not long."""
    every, points = policies_of(experiment), design.draws(wanted(experiment), experiment.head.seed, 0, 0)
    runs = len(every) * len(points) * first_round(experiment) / shards
    if not ahead.may_be_long([(one, runs / len(every)) for one in experiment.variants], threads):
        return ""
    some = every[:: math.ceil(len(every) / LOOKED_AT)]
    variants = [experiment.drawn(one.number, points[i % len(points)]) for i, one in enumerate(some)]
    found = ahead.takes([(one, runs / len(some)) for one in variants], experiment.head.seed, threads)
    at_least = " at least:" if first_round(experiment) < most_of(experiment) else ""
    return "" if found is None else f"{experiment.file}:{at_least} {ahead.line(math.ceil(runs), found, threads)}"


def _anew(experiment: Experiment, point: Point) -> tuple[float, float]:
    """Share of the policies whose hosts run, and of the time of later stages that they take: what others of the same
    draw have run is the same.
    """
    policies = policies_of(experiment)[:LOOKED_AT]
    variants = [experiment.drawn(policy.number, point) for policy in policies]
    if not stages.later_of(variants[0].scenario):
        return 1.0, 1.0
    tasks = [(variant, experiment.head.seed, 0) for variant in variants]
    shared = reuse.shared(tasks)
    return 1 - sum(one.hosts for one in shared) / len(shared), sum(one.later_anew for one in shared) / len(shared)


def most_of(experiment: Experiment) -> int:
    """Replications at most."""
    sweep = wanted(experiment)
    return sweep.replications_max if sweep.precision is not None else experiment.head.replications


def key_of_most(experiment: Experiment) -> Literal["replications", "sweep.replications_max"]:
    """The key of the file that sets the most replications."""
    return "replications" if wanted(experiment).precision is None else "sweep.replications_max"


def first_round(experiment: Experiment) -> int:
    """Replications that are run whatever comes: before the first look, or all where nothing is decided on the way."""
    sweep, least = wanted(experiment), experiment.head.replications
    if sweep.precision is None:
        return least
    return min(max(least, math.ceil(UNITS_LEAST / draws_of_one(experiment))), sweep.replications_max)


def replications_that_tell(experiment: Experiment) -> int | None:
    """The fewest replications at which any two policies can be told apart, however much they differ; None where there
    is one policy.
    """
    return _replications(experiment, units_that_tell(experiment))


def replications_that_choose(experiment: Experiment) -> int | None:
    """The fewest replications at which a policy can be chosen, if all its runs recover; None where there is one."""
    return _replications(experiment, units_that_choose(experiment))


def units_that_tell(experiment: Experiment) -> int | None:
    """The same as `replications_that_tell` in units: draws of a random sweep, else replications."""
    policies = len(experiment.variants)
    return None if policies < 2 else selection.units_that_tell_apart(policies, ALPHA)


def units_that_choose(experiment: Experiment) -> int | None:
    """The fewest units at which a policy can be chosen, if all its runs recover: by its chance of never, and by being
    told apart; None where there is one policy.
    """
    that_tell, sweep = units_that_tell(experiment), wanted(experiment)
    return None if that_tell is None else max(that_tell, units_that_show(sweep.never_max, is_run=sweep.runs_are_units))


def draws_of_one(experiment: Experiment) -> int:
    """How many units (what is independent) a replication has: its draws in a random sweep, else 1."""
    sweep = wanted(experiment)
    return sweep.samples if sweep.draws_anew and sweep.runs_are_units else 1


def _replications(experiment: Experiment, units: int | None) -> int | None:
    return None if units is None else math.ceil(units / draws_of_one(experiment))
