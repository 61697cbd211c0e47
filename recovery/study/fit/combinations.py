"""Keys that the data cannot tell apart: settings of them that do as well, and what would tell these apart."""

from collections.abc import Sequence

import numpy as np

from recovery.study.fit.columns import columns_of, sampled
from recovery.study.fit.search import Tried, finer

WALKED = (0.0, 0.5, 1.0)  # of a range: where one key is held while the other is searched
STARTS = (0.125, 0.375, 0.625, 0.875)  # of the other's range
APART = 0.2  # of the spread of two curves: by so much (root mean square) they must be apart to be told so
TOLD_MOST = 3


def combinations_of(
    tried: Tried, best: Sequence[float], together: Sequence[Sequence[str]], most: float
) -> tuple[tuple[tuple[str, ...], ...], tuple[str, ...]]:
    """For the first two keys that cannot be told apart: settings ("key=value" each) of which the sum of squares is up
    to `most`, that of the fit among them, and the columns in which the two farthest differ most. Both are empty where
    no two such keys are.
    """
    ranges = tried.candidates.ranges
    names = [r.key for r in ranges]
    pair = next((keys for keys in together if len(keys) > 1), None)
    if pair is None:
        return (), ()
    # A whole number takes few values, so it is the one that is held.
    walked, other = sorted((names.index(key) for key in pair[:2]), key=lambda i: not ranges[i].is_whole)
    found = {_overrides(tried, best): list(best)}
    for held in WALKED:
        starts = []
        for start in STARTS:
            places = list(best)
            places[walked], places[other] = ranges[walked].taken(held), ranges[other].taken(start)
            starts.append(places)
        tried.ahead(starts)
        closest = finer(
            tried,
            min(starts, key=tried.square),
            [other],
            step=STARTS[0],
            enough=lambda places: tried.square(places) <= most,
            worth=lambda square: square - most,
        )
        if tried.square(closest) <= most:
            found[_overrides(tried, closest)] = closest
    rows = sorted(found.items(), key=lambda row: row[1][walked])
    if len(rows) < 2:
        return (), ()
    return tuple(row[0] for row in rows), _apart(tried, rows[0][1], rows[-1][1])


def _overrides(tried: Tried, places: Sequence[float]) -> tuple[str, ...]:
    return tuple(r.override(place) for r, place in zip(tried.candidates.ranges, places, strict=True))


def _apart(tried: Tried, one: Sequence[float], other: Sequence[float]) -> tuple[str, ...]:
    """Columns in which two settings differ by more than APART, those that differ most first."""
    [first, *_], [last, *_] = tried.candidates.outcomes(one), tried.candidates.outcomes(other)
    times = first.times_s.tolist()
    differ = {}
    for column in columns_of(first.scenario):
        if column == tried.observations.column:
            continue
        curves = np.array([sampled(first, column, times), sampled(last, column, times)])
        if (spread := float(curves.std())) > 0:
            differ[column] = float(np.sqrt(((curves[0] - curves[1]) ** 2).mean())) / spread
    apart = sorted((column for column, much in differ.items() if much > APART), key=lambda column: -differ[column])
    return tuple(apart[:TOLD_MOST])
