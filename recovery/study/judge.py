"""Whether the bounds of [expect] hold."""

import json
import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal, NamedTuple

from pydantic import JsonValue

from recovery import theory
from recovery.measures import late, register
from recovery.measures.renewals import OVERDUE, RENEWED
from recovery.measures.words import show_measure
from recovery.model.expect import Expectation
from recovery.reading.experiment import Experiment
from recovery.statistics import confidence
from recovery.statistics.means import mean_interval
from recovery.store.run_record import Bound
from recovery.units import show_between, show_duration


class Ended(NamedTuple):
    """A run, as it is judged: its variant, the values of its levers, its measures, how each of its classes ended by
    `verdict.NAME`, how long it was, for how long what is back must stay so (s), and when all have renewed at the
    earliest (s; inf: not by its end; nan: not known), since `ttr_renewed_s` is when they have at the latest, and how
    many are overdue at most, since `overdue_peak` is how many are at least (nan: not known).
    """

    variant: str
    levers: Mapping[str, JsonValue]
    replication: int
    verdict: str
    measures: Mapping[str, float]
    words: Mapping[str, str] = MappingProxyType({})
    horizon_s: float = math.inf
    hold_s: float = 0.0
    renewed_from_s: float = math.nan
    overdue_at_most: float = math.nan

    @property
    def row(self) -> dict[str, object]:
        """All that tells how it ended."""
        return {"verdict": self.verdict, **self.words, **self.measures}


def judged(experiment: Experiment, runs: Sequence[Ended], i: int, *, at_every_look: bool = False) -> Bound:
    """Whether a bound holds for the first variant: "yes", "no", "unsure" where the interval spans it or runs that still
    drain end too soon to tell, or "not measured" where no run has such a value.

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
        runs = [run for run in own if not math.isnan(run.measures[bound.measure])]
        if not runs:
            return Bound(text=bound.text, holds="not measured", value=math.nan, levers=levers)
        return _of_runs(bound, runs, at_every_look)
    holds = _between(bound, low, high)
    return Bound(text=bound.text, holds=holds, value=mean, levers=levers)


def _of_runs(bound: Expectation, runs: Sequence[Ended], at_every_look: bool) -> Bound:
    """Whether a bound holds for the mean of runs that know its measure. Of a run that is too short to come to a time
    only the least is known, so of a mean with such a run too.
    """
    measure, too_short, values = bound.measure, list[Ended](), dict[int, list[float]]()
    latest: dict[int, list[float]] = {}
    for run in runs:
        value, most = _ends(measure, run)
        if late.is_late(measure, value, run.row):
            value = most = late.at_least_s(measure, run.row, run.horizon_s, run.hold_s)
            too_short.append(run)
        values.setdefault(run.replication, []).append(value)
        latest.setdefault(run.replication, []).append(most)
    mean, low, high = _interval(measure, list(values.values()), at_every_look)
    least, is_open = mean, values != latest and not too_short
    if is_open:
        most, _, high = _interval(measure, list(latest.values()), at_every_look)
        mean = most if math.isfinite(most) and measure != OVERDUE else least
    if too_short:
        mean = high = math.inf
    holds, levers = _between(bound, low, high), dict(runs[0].levers)
    why = _longer(bound, too_short, len(runs)) if too_short and holds == "unsure" else ""
    if is_open and (holds == "unsure" or math.isinf(high)):
        why = _as_counts_tell(measure, least, most)
        why += "; counts of renewals do not tell more" if holds == "unsure" else ""
    return Bound(text=bound.text, holds=holds, value=mean, why=why, levers=levers)


def _ends(measure: str, run: Ended) -> tuple[float, float]:
    """What a measure of a run is at the least and at most: the same of all but what counts of renewals tell."""
    value = run.measures[measure]
    if measure == OVERDUE:
        return value, math.inf if math.isnan(run.overdue_at_most) else run.overdue_at_most
    if measure != RENEWED:
        return value, value
    return 0.0 if math.isnan(run.renewed_from_s) else run.renewed_from_s, value


def _as_counts_tell(measure: str, least: float, most: float) -> str:
    """What counts of renewals tell of a measure, between two ends; of the runs of a sweep the most is not kept."""
    if measure != OVERDUE:
        return show_between(least, most)
    text = f"at least {show_measure(measure, least)}"
    return f"{text}, at most {show_measure(measure, most)}" if math.isfinite(most) else text


def _longer(bound: Expectation, too_short: Sequence[Ended], runs: int) -> str:
    """That runs end too soon to tell, and what horizon would."""
    last = max(too_short, key=lambda run: late.from_s(bound.measure, run.row))
    from_s = late.from_s(bound.measure, last.row)
    many = "" if len(too_short) == runs else f" in {len(too_short)} of {runs} runs"
    told = f"not within {show_duration(last.horizon_s - from_s)}{many}"
    return f"{told}: {late.wanted(from_s + bound.bound + last.hold_s, last.horizon_s)}"


def _between(bound: Expectation, low: float, high: float) -> Literal["yes", "no", "unsure"]:
    """Whether a bound holds for all that lies between two ends."""
    both = {_holds(bound, end) for end in (low, high)}
    return "unsure" if len(both) > 1 else "yes" if both == {True} else "no"


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
