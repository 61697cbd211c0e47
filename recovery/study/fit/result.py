"""A fit from end to end: the search, the test of its misfit, the intervals, and what else would do.

A fit is told only with how good it is (MODEL.md, section 9): its misfit is tested against chance, which is the spread
over more replications and what is known of the data; misfit widens the intervals, and where it is large no value is
offered.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from recovery.errors import Refusal
from recovery.reading.experiment import Experiment, load
from recovery.reading.keys import not_one_number
from recovery.simulate.pipeline import Outcome
from recovery.stages.outage import outages_of, resolve
from recovery.store.fit_record import Cliff, Fit, FitMilestone, FitPicture, FitSeries, Jump, Missing, Value
from recovery.study.fit.candidates import Candidates
from recovery.study.fit.columns import Floats
from recovery.study.fit.combinations import combinations_of
from recovery.study.fit.intervals import (
    AS_WELL,
    FINEST_OF_OTHERS,
    Region,
    halves,
    inside_of_milestones,
    inside_of_series,
    reaches_of,
    searched,
    sensitivity_of,
    student,
    values_of,
)
from recovery.study.fit.judged import Judge
from recovery.study.fit.misfit import of_milestones, shift_s
from recovery.study.fit.observations import Observations
from recovery.study.fit.others import others_of, tied_of
from recovery.study.fit.ranges import Range
from recovery.study.fit.search import MET, Tried, best_of, finer, rounded
from recovery.study.fit.watched import Watched
from recovery.study.summary import course_of

NOISE_RUNS = 8  # more replications of milestones at the optimum, for the noise
CLOSEST = 4  # settings that are judged where the best explains nothing


def fit(
    path: Path,
    ranges: Sequence[Range],
    observations: Observations,
    *,
    overrides: tuple[str, ...] = (),
    samples: int = 16,
    threads: int = 1,
    say: Callable[[str], None] | None = None,
) -> Fit:
    """Values of `ranges` with which the simulation comes closest to the data; `say` is told how far it is, in a line
    every half minute at most. Raises ScenarioError, Refusal.
    """
    if not ranges:
        raise Refusal("no --range; want at least one KEY=LOW..HIGH")
    if len({r.key for r in ranges}) < len(ranges):
        raise Refusal("two --range of one key; want one a key")
    raw = load(path, overrides).raw
    for one in ranges:
        if wrong := not_one_number(raw, one.key):
            raise Refusal(f"{path}: {wrong} (--range)")
    watched = Watched(say or (lambda _: None), len(ranges), samples, is_curve=bool(observations.values))
    candidates = Candidates(path, ranges, overrides, threads, watched.done)
    watched.foretell(candidates.experiment, threads)
    tried = Tried(candidates, observations)
    watched.begin("looking for what comes closest")
    best = best_of(tried, samples)
    tried.ahead(rounded(tried, best))
    best = _onward(tried, best) or best
    watched.begin("looking how far from there values still do as well")
    judge = Judge(tried)
    best = _that_fits(tried, judge, best)
    found = _told(tried, judge, best)
    # The ends of the intervals lead farther than the search did: what fits clearly better there is where to go on.
    while onward := _onward(tried, best):
        best = onward
        found = _told(tried, judge, best)
    return found


def _that_fits(tried: Tried, judge: Judge, best: list[float]) -> list[float]:
    """The best, or of what was tried the closest that fits, where the best does not: near a cliff the run with which
    all are tried may go another way than the data.
    """
    if not tried.observations.values or judge(best).misfit.explains:
        return best
    closest = sorted(tried.places.values(), key=tried.square)[:CLOSEST]
    return next((list(places) for places in closest if judge(places).misfit.explains), best)


def _onward(tried: Tried, best: list[float]) -> list[float]:
    """Where a search from what fits a series clearly better than the best leads; none if nothing does."""
    if not tried.observations.values or tried.square(tried.closest()) * AS_WELL**2 >= tried.square(best):
        return []
    return finer(tried, tried.closest(), range(len(best)), finest=FINEST_OF_OTHERS)


def _told(tried: Tried, judge: Judge, best: list[float]) -> Fit:
    """The misfit and the intervals at the optimum (Gauss and Newton), and what else would do."""
    observations, candidates, ranges = tried.observations, tried.candidates, tried.candidates.ranges
    at = tried(best)
    sensitivity = sensitivity_of(tried, best)
    own = candidates.outcomes(best)
    first = len(own)
    if observations.milestones:
        runs = own + candidates.outcomes(best, replications=range(first, first + NOISE_RUNS))
        chance_s = observations.chance_s(runs, tried.horizon_s)
        sigmas = np.array([row[3] for row in observations.milestones])
        variances = 1 + (chance_s / sigmas) ** 2 * (1 + 1 / first)
        misfit, spread = of_milestones(at / np.sqrt(variances), len(ranges)), np.diag(variances)
        freedom = math.inf
        left = len(at) - len(ranges)
        if left > 0:  # where the model does not meet the data, its own misfit is the noise
            spread = spread * max(1.0, float((at**2 / variances).sum()) / left)
        most = float((at**2).sum()) + float(np.trace(spread)) / len(at)
        is_inside = inside_of_milestones(tried, best, spread, student(freedom))
    else:
        found = judge(best)
        runs, chance_s = candidates.outcomes(best, replications=found.kind), np.zeros(0)
        misfit, spread, freedom = found.misfit, found.chance, found.freedom
        is_inside = inside_of_series(tried, best, judge)
        most = is_inside.most
    quantile = student(freedom)
    widths, directions = halves(sensitivity, spread, quantile)
    values, together = values_of(ranges, best, widths, directions)
    silent: tuple[str, ...] = ()
    if misfit.explains or (observations.milestones and len(ranges) == 1):  # else it would take long for no value
        reaches = reaches_of(widths, directions)
        values, together, silent = searched(
            tried, best, together, is_inside, is_milestones=bool(observations.milestones), reaches=reaches
        )
    if not misfit.explains:  # an interval holds where the file is right
        values = tuple(value.model_copy(update={"is_determined": False}) for value in values)
    combinations, apart = combinations_of(tried, best, together, most)
    labels = tuple(row[0] for row in observations.milestones)
    missing = observations.missing(own)
    others = others_of(tried, best, at, sensitivity)
    overrides = _offered(tried, best, values, is_inside) if misfit.explains else ()
    return Fit(
        values=values,
        residuals=tuple(at.tolist()) if labels else (),
        labels=labels,
        missing=missing,
        jumps=_jumps(tried, best, chance_s),
        not_told_apart=together,
        tells_nothing_of=silent,
        combinations=combinations,
        tells_apart=apart,
        misfit=misfit,
        cliff=None if labels else _cliff(judge, candidates, best),
        others=others,
        tied=tied_of(candidates.experiment(best).first.scenario, [r.key for r in ranges]),
        shift_s=math.nan if labels or misfit.explains else shift_s(observations, own),
        runs=candidates.runs,
        overrides=overrides,
        said=observations.said,
        picture=_picture(
            observations, runs, own, chance_s, missing, load(candidates.path, (*candidates.overrides, *overrides))
        ),
    )


def _cliff(judge: Judge, candidates: Candidates, best: Sequence[float]) -> Cliff | None:
    """The setting that fits, nearest to the best, of which not all runs go as the data do; None if there is none."""
    apart = [(places, one) for places, one in judge.known.items() if one.fits(judge(best)) and len(one.kind) < one.runs]
    if not apart:
        return None
    places, one = min(apart, key=lambda row: math.dist(row[0], best))
    keys = tuple(f"{r.key} {r.text(place)}" for r, place in zip(candidates.ranges, places, strict=True))
    return Cliff(
        values=keys, runs=one.runs, alike=len(one.kind), farthest_share=math.sqrt(one.far / one.misfit.points) / 100
    )


def _offered(tried: Tried, best: list[float], values: Sequence[Value], is_inside: Region) -> tuple[str, ...]:
    """The values to go on with: those that are determined, and all where the file's own value of another does not do as
    well with them. Nothing where the data leave every value open, or are fewer than the keys.
    """
    ranges = tried.candidates.ranges
    every = tuple(r.override(place) for r, place in zip(ranges, best, strict=True))
    determined = tuple(one for one, value in zip(every, values, strict=True) if value.is_determined)
    is_open = all((value.low, value.high) == (r.text(0), r.text(1)) for r, value in zip(ranges, values, strict=True))
    if determined == every or is_open or len(every) > len(tried(best)):
        return determined
    kept = tried.observations.residuals(tried.candidates.outcomes_with(determined), tried.horizon_s)
    return determined if is_inside.near(kept) else every


def _jumps(tried: Tried, best: Sequence[float], chance_s: Floats) -> tuple[Jump, ...]:
    """Milestones that a single key does not meet because their time jumps over what was observed: the values tried
    next to it on both sides.
    """
    if len(best) > 1:
        return ()
    places = sorted({places[0]: key for key, places in tried.places.items()}.items())
    out = []
    for i, (label, _, observed_s, sigma_s) in enumerate(tried.observations.milestones):
        rows = [(place, key[0], float(tried([place])[i])) for place, key in places]
        sides = [(a, b) for a, b in itertools.pairwise(rows) if a[2] * b[2] < 0 and best[0] in (a[0], b[0])]
        # What other random numbers move by as much is no jump.
        for a, b in sides if abs(tried(best)[i]) * sigma_s > max(MET * sigma_s, 2 * chance_s[i]) else ():
            at_s = [observed_s + row[2] * sigma_s for row in (a, b)]
            below_s, above_s = (math.inf if one >= tried.horizon_s else one for one in at_s)
            out.append(Jump(label=label, below=a[1], above=b[1], below_s=below_s, above_s=above_s))
    return tuple(out)


def _picture(
    observations: Observations,
    runs: Sequence[Outcome],
    own: Sequence[Outcome],
    chance_s: Floats,
    missing: Sequence[Missing],
    experiment: Experiment,
) -> FitPicture:
    """What the picture shows, over the scenario with the values that are offered; milestones are of the runs `own` that
    were fitted.
    """
    scenario = resolve(experiment.first, experiment.head.seed, 0).scenario
    milestones = [
        FitMilestone(
            label=label,
            measure=measure,
            observed_s=at_s,
            sigma_s=sigma_s,
            simulated_s=float(np.mean([observations.time_s(outcome, i) for outcome in own])),
            chance_s=float(chance_s[i]),
            missing=missing[i],
        )
        for i, (label, measure, at_s, sigma_s) in enumerate(observations.milestones)
    ]
    return FitPicture(
        horizon_s=scenario.horizon,
        clock=experiment.head.clock,
        outages=course_of(outages_of(scenario)),
        milestones=tuple(milestones),
        series=None if milestones else _series(observations, runs),
    )


def _series(observations: Observations, runs: Sequence[Outcome]) -> FitSeries:
    grid = runs[0].times_s.tolist()
    curves = np.array([observations.sampled(outcome, grid) for outcome in runs])
    return FitSeries(
        column=observations.column,
        unit=observations.unit,
        times_s=observations.times_s,
        values=observations.values,
        grid_s=tuple(grid),
        low=tuple(curves.min(0).tolist()),
        mean=tuple(curves.mean(0).tolist()),
        high=tuple(curves.max(0).tolist()),
    )
