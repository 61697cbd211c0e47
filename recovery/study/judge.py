"""Whether the bounds of [expect] hold."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from pydantic import JsonValue

from recovery import theory
from recovery.measures import register
from recovery.model.expect import Expectation
from recovery.reading.experiment import Experiment
from recovery.statistics import confidence
from recovery.statistics.means import mean_interval
from recovery.store.run_record import Bound


class Ended(NamedTuple):
    """A run, as it is judged: its variant, the values of its levers, and its measures."""

    variant: str
    levers: Mapping[str, JsonValue]
    replication: int
    verdict: str
    measures: Mapping[str, float]


def judged(experiment: Experiment, runs: Sequence[Ended], i: int, *, at_every_look: bool = False) -> Bound:
    """Whether a bound holds for the first variant: "yes", "no", "unsure" where the interval spans it, or "not measured"
    where no run has such a value.

    A mean's interval is over replications. In a sweep it must hold at every point; what is told is the worst one, with
    its `levers`. `at_every_look` where the number of replications hangs on results: then the interval is one that holds
    however often one looks (statistics.confidence).
    """
    bound = experiment.expectations[i]
    points: dict[str, list[Ended]] = {}
    for run in runs:
        if run.variant == experiment.first.name:
            points.setdefault(json.dumps(dict(run.levers), sort_keys=True, default=str), []).append(run)
    if not points:
        return Bound(text=bound.text, holds="no", value=math.nan, why="every run failed")
    told = [of_one_point(bound, own, at_every_look) for own in points.values()]
    return min(told, key=lambda judged: ("no", "not measured", "unsure", "yes").index(judged.holds))


def of_one_point(bound: Expectation, own: Sequence[Ended], at_every_look: bool) -> Bound:
    """Whether a bound holds for the replications of one point, as `judged` says."""
    levers = dict(own[0].levers)
    if bound.measure == "collapsed_share":
        mean, low, high = _chance(own, at_every_look)
    elif bound.measure not in own[0].measures:
        why = f"{bound.measure} is no measure of this kind of traffic"
        return Bound(text=bound.text, holds="no", value=math.nan, why=why, levers=levers)
    else:
        values: dict[int, list[float]] = {}
        for run in own:
            if not math.isnan(value := run.measures[bound.measure]):
                values.setdefault(run.replication, []).append(value)
        if not values:
            return Bound(text=bound.text, holds="not measured", value=math.nan, levers=levers)
        mean, low, high = _interval(bound.measure, list(values.values()), at_every_look)
    both = {_holds(bound, end) for end in (low, high)}
    holds: Literal["yes", "no", "unsure"] = "unsure" if len(both) > 1 else "yes" if both == {True} else "no"
    return Bound(text=bound.text, holds=holds, value=mean, levers=levers)


def _holds(bound: Expectation, value: float) -> bool:
    return {
        "<": value < bound.bound,
        "<=": value <= bound.bound,
        ">": value > bound.bound,
        ">=": value >= bound.bound,
    }[bound.sign]


def _chance(own: Sequence[Ended], at_every_look: bool) -> tuple[float, float, float]:
    """The share of runs that collapse, and its interval."""
    collapsed = sum(run.verdict == "collapsed" for run in own)
    mean = collapsed / len(own)
    if at_every_look:
        times = [math.inf if run.verdict == "collapsed" else 0.0 for run in own]
        _, low, high = confidence.never(times, [run.replication for run in own])
        return mean, low, high
    low, high = theory.clopper_pearson(collapsed, len(own)) if len(own) > 1 else (mean, mean)
    return mean, low, high


def _interval(
    measure: str, by_replication: Sequence[Sequence[float]], at_every_look: bool
) -> tuple[float, float, float]:
    """The mean of a measure over replications, and its interval: of one run it has no width, of several runs of one
    replication, which depend on each other, it is all that is possible.
    """
    means = [math.fsum(one) / len(one) for one in by_replication]
    least, most = register.limits_of(measure)
    if sum(map(len, by_replication)) == 1 or not all(map(math.isfinite, means)):
        mean = math.fsum(means) / len(means)
        return mean, mean, mean
    mean, low, high = confidence.mean(means) if at_every_look else mean_interval(means, least=least, most=most)
    return mean, least if math.isnan(low) else max(low, least), most if math.isnan(high) else min(high, most)
