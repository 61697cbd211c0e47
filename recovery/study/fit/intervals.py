"""What the data say of each key: intervals from the sensitivities at the optimum, and keys that stand for each other.

To first order they only say what is so near the optimum, so where the scenario explains the data their ends are
searched.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from recovery.stages.outage import resolve
from recovery.store.fit_record import Value
from recovery.study.fit.columns import Floats
from recovery.study.fit.gaps import holes_of
from recovery.study.fit.judged import Judge
from recovery.study.fit.ranges import Range
from recovery.study.fit.search import FINEST, STEP, Tried, finer, scanned

FACTOR = 10.0  # between the ends of an interval, from which on a key is not determined
EDGE = 1 / 500  # of a range: an end of an interval of a single key is found to this
EDGE_OF_SERIES = 1 / 128  # of a single key fitted to a series
EDGE_OF_SEVERAL = 1 / 32  # with several keys, where each trial is a search of the others
FINEST_OF_OTHERS = 1 / 250  # of a range: the last step of that search
CLEARLY = 2.0  # times the largest sum of squares that does as well: with more, a value does not fit a curve
CLEARLY_OF_MILESTONES = 4.0  # which are few, so chance moves them by more
STARTS = (0.125, 0.375, 0.625, 0.875)  # of another key's range, for that search
MOVED_MOST = 3.0  # standard deviations, by which both steps together move a milestone
SCANNED = 24  # places of a key all over its range, where distant values of it may do as well
SCANNED_MORE = 12  # more of them, between those
VALLEYS_MOST = 4  # that are searched with all keys
VALLEY = 9.0  # times the largest sum of squares that does as well: a place up to that is searched from
AS_WELL = 1.1  # times the misfit of a series: up to that another setting does as well
LEFT = 2.0  # times the squares that are left at the best, where that is more than chance makes
DELAY = "policy.client.delay"  # the same after every attempt, for all clients
ROOM = 2.0  # times the change of a key that the data tell nothing of
UNDETERMINED = 0.5  # a direction whose 95 % half-width is more than this part of a range is not determined


@dataclass(frozen=True)
class Region:
    """Whether a setting does as well as the best, within what chance makes: by more runs of it if there is a `judge`,
    else by the residuals of the run with which all settings are tried.
    """

    near: Callable[[Floats], bool]  # by these residuals
    most: float  # no setting with a larger sum of squares is near
    judge: Callable[[Sequence[float]], bool] | None = None

    def __call__(self, tried: Tried, places: Sequence[float]) -> bool:
        """Whether these places do."""
        return self.near(tried(places)) if self.judge is None else self.judge(places)

    def beside(self, tried: Tried, i: int, low: float, high: float) -> list[tuple[float, ...]]:
        """Of all that was tried with key `i` outside of these places: what is near and does."""
        outside = [places for places in tried.places.values() if not low <= places[i] <= high]
        return [places for places in outside if self.near(tried(places)) and self(tried, places)]


def student(freedom: float) -> float:
    """Half-width of a 95 % interval in standard deviations: Student's, or the normal one for infinite freedom."""
    from scipy import stats

    return float(stats.norm.ppf(0.975) if math.isinf(freedom) else stats.t.ppf(0.975, freedom))


def halves(sensitivity: Floats, spread: Floats, quantile: float) -> tuple[Floats, Floats]:
    """Half-widths (parts of the ranges) of the region of confidence along its axes float64[keys], and the axes
    float64[keys, keys], a row each. `spread` is the covariance of the residuals.

    Source: Seber and Wild, Nonlinear Regression, 1989, section 2.1 and, for residuals that hang together, 6.2.
    """
    u, strengths, axes = np.linalg.svd(sensitivity, full_matrices=False)
    strengths = np.maximum(strengths, 1e-9)
    inverse = axes.T @ np.diag(1 / strengths) @ u.T
    covariance = inverse @ spread @ inverse.T
    free = np.eye(sensitivity.shape[1]) - axes.T @ axes  # directions that move nothing: more keys than data
    squares, directions = np.linalg.eigh(covariance + 1e18 * free)
    return quantile * np.sqrt(np.maximum(squares, 0.0)), directions.T


def reaches_of(widths: Floats, directions: Floats) -> Floats:
    """float64[keys, keys]: for each key the way from the best to the upper end of its interval, with what the other
    keys are there, to first order; from what `halves` gives.
    """
    covariance = directions.T @ np.diag(widths**2) @ directions
    return np.asarray(covariance / np.sqrt(np.maximum(np.diag(covariance), 1e-18))[:, None])


def sensitivity_of(tried: Tried, best: Sequence[float]) -> Floats:
    """float64[residuals, keys]: change of each residual over a whole range, from a small step both ways; of milestones,
    which may be steep, from one that moves none by much more than a standard deviation.
    """
    columns = []
    for i, r in enumerate(tried.candidates.ranges):
        step = STEP
        while True:
            up, down = list(best), list(best)
            up[i], down[i] = r.moved(best[i], step), r.moved(best[i], -step)
            tried.ahead([up, down])
            change = tried(up) - tried(down)
            step /= 2
            if step < FINEST or not tried.observations.milestones or np.abs(change).max() <= MOVED_MOST:
                break
        columns.append(change / (up[i] - down[i]))
    return np.array(columns).T


def inside_of_milestones(tried: Tried, best: Sequence[float], spread: Floats, quantile: float) -> Region:
    """Whether the squares of the residuals, in standard deviations of `spread`, are larger than at the best by no more
    than `quantile` squared (profile likelihood: Venzon and Moolgavkar 1988). No slope enters, so it holds for a
    milestone that is steep on one side.
    """
    variances = np.diag(spread)
    most = float((tried(best) ** 2 / variances).sum()) + quantile**2
    return Region(lambda at: float((at**2 / variances).sum()) <= most, most * float(variances.max()))


def inside_of_series(tried: Tried, best: Sequence[float], judge: Judge) -> Region:
    """Whether chance makes such a curve of a setting, by runs of that setting (`judged`). Where it does not of the best
    either, what is left there is taken as an error in any direction: a setting does as well if its squares are no more
    than `LEFT` times as large. Of several keys only what comes near by its first run is judged.
    """
    own = judge(best)
    most = AS_WELL**2 * max(own.of_one, own.square)

    def is_inside(places: Sequence[float]) -> bool:
        if len(places) > 1 and tried.square(places) > CLEARLY * most:
            return False
        found = judge(places)
        return found.fits(own) or (own.misfit.is_systematic and found.square <= LEFT * own.square)

    return Region(lambda at: float(at @ at) <= most, most, is_inside)


def edges_of(
    tried: Tried,
    best: Sequence[float],
    i: int,
    is_inside: Region,
    edge: float = EDGE,
    reach: Floats | None = None,
) -> tuple[float, float]:
    """Places of the ends of the interval of key `i`: beyond them no setting of the other keys was found that is inside.
    The ends of the range are tried first, then places around where the end lies to first order and just beyond what
    was tried before and is inside, then the place between what is inside and what is not, until these are `edge` apart;
    what is told lies outside, so that the interval is never too narrow.

    `reach` float64[keys]: from the best to the upper end and what the other keys are there, to first order (if it is
    not given: the end of the range, and the others as they are).
    """
    if reach is None:
        reach = np.eye(len(best))[i]
    search, away = _Others(tried, best, i, reach, is_inside), float(reach[i])
    near, far = away - 0.45 * edge, away + 0.45 * edge
    low = _end(search, 0.0, [best[i] - far, best[i] - near], edge)
    return low, _end(search, 1.0, [best[i] + far, best[i] + near], edge)


def _end(search: "_Others", end: float, guesses: Sequence[float], edge: float) -> float:
    """The place of the end of an interval towards this end of the range, looked for at the guesses first."""
    r, i = search.tried.candidates.ranges[search.i], search.i
    inside, outside = search.farthest(end), r.taken(end)
    if search(inside, outside):
        return end
    beyond = inside[i] + math.copysign(0.9 * edge, end - 0.5)
    places = [r.taken(guess) for guess in (*guesses, beyond)]
    while True:
        while abs(outside - inside[i]) > edge:
            low, high = sorted((inside[i], outside))
            place = next((place for place in places if low < place < high), r.taken((low + high) / 2))
            if place in (low, high):
                break
            if found := search(inside, place):
                inside = found
            else:
                outside = place
        found = search(inside, outside, everywhere=True)
        if found is None:
            return inside[i] if r.is_whole else outside
        if outside == r.taken(end):
            return end
        inside, outside = found, r.taken(end)  # the other keys do as well somewhere else: on from there


class _Others:
    """Searches the other keys where key `i` is held."""

    def __init__(self, tried: Tried, best: Sequence[float], i: int, reach: Floats, is_inside: Region) -> None:
        self.tried, self.best, self.i, self.reach, self.is_inside = tried, list(best), i, reach, is_inside
        self.free = [j for j in range(len(best)) if j != i]

    def __call__(self, near: Sequence[float], place: float, *, everywhere: bool = False) -> list[float] | None:
        """A setting with key `i` at a place that is inside, the other keys searched from where they were and from where
        they are to first order, or `everywhere` from places all over their ranges; None if none was found.
        """
        tried, i = self.tried, self.i
        held = [*near[:i], place, *near[i + 1 :]]
        if self.is_inside(tried, held):
            return held
        if not self.free:
            return None
        starts = [held, self._along(place)]
        if everywhere:
            for j in self.free:
                taken = tried.candidates.ranges[j].taken
                # Where waves do alike, what fits is too narrow to be led to.
                places = np.linspace(0, 1, SCANNED).tolist() if is_in_step(tried.candidates.ranges[j].key) else STARTS
                starts += [[*held[:j], taken(start), *held[j + 1 :]] for start in places]
        tried.ahead(starts)
        start = min(starts, key=tried.square)
        closest = finer(
            tried,
            start,
            self.free,
            step=STARTS[0] / 2,
            finest=FINEST_OF_OTHERS,
            enough=lambda places: self.is_inside(tried, places),
            worth=lambda square: square - self.is_inside.most,
        )
        return closest if self.is_inside(tried, closest) else None

    def farthest(self, end: float) -> list[float]:
        """Of what was tried and is inside, with the best: the setting that lies farthest towards this end. Where keys
        make up for each other, the search of the one has led along the valley in which the other ends. Of a single key,
        and where clients come in waves, what lies far may be a valley of its own: then the best.
        """
        if not self.free or any(is_in_step(r.key) for r in self.tried.candidates.ranges):
            return self.best
        tried = self.is_inside.beside(self.tried, self.i, *sorted((self.best[self.i], 1 - end)))
        return min([self.best, *map(list, tried)], key=lambda places: abs(end - places[self.i]))

    def _along(self, place: float) -> list[float]:
        """The other keys as they go with key `i` to first order."""
        part = (place - self.best[self.i]) / max(float(self.reach[self.i]), 1e-9)
        along = [
            r.taken(at + part * by)
            for r, at, by in zip(self.tried.candidates.ranges, self.best, self.reach.tolist(), strict=True)
        ]
        along[self.i] = place
        return along


def values_of(
    ranges: Sequence[Range], best: Sequence[float], widths: Floats, directions: Floats
) -> tuple[tuple[Value, ...], tuple[tuple[str, ...], ...]]:
    """What was found for each key, and the keys that the data cannot tell apart; from what `halves` gives."""
    together = tuple(
        dict.fromkeys(
            tuple(r.key for r, part in zip(ranges, direction.tolist(), strict=True) if abs(part) > 0.3)
            for width, direction in zip(widths.tolist(), directions, strict=True)
            if width > UNDETERMINED
        )
    )
    values = []
    for i, r in enumerate(ranges):
        half = float(np.sqrt(((widths * directions[:, i]) ** 2).sum()))
        values.append(_value(r, best[i], best[i] - half, best[i] + half, half))
    return tuple(values), together


def searched(
    tried: Tried,
    best: Sequence[float],
    together: Sequence[tuple[str, ...]],
    is_inside: Region,
    *,
    is_milestones: bool,
    reaches: Floats | None = None,
) -> tuple[tuple[Value, ...], tuple[tuple[str, ...], ...], tuple[str, ...]]:
    """The same as `values_of`, with intervals that are searched, each from its row of `reaches` (`reaches_of`); and of
    several keys those of which the data tell nothing, which make up for no other. More keys than milestones are never
    determined.
    """
    ranges = tried.candidates.ranges
    edge = EDGE_OF_SEVERAL if len(ranges) > 1 else EDGE if is_milestones else EDGE_OF_SERIES
    times = CLEARLY_OF_MILESTONES if is_milestones else CLEARLY
    is_too_many = is_milestones and len(ranges) > len(tried(best))
    for i, r in enumerate(ranges):
        if is_in_step(r.key):
            _elsewhere_searched(tried, best, i, is_inside)
    found, broken = [], set[str]()
    for i, r in enumerate(ranges):
        reach = None if reaches is None else reaches[i]
        low, high = edges_of(tried, best, i, is_inside, edge, reach)
        if holes := _holes(tried, best, i, (low, high), is_inside, times):
            broken.add(r.key)
        low = max([low, *(hole for hole in holes if hole < best[i])])
        high = min([high, *(hole for hole in holes if hole > best[i])])
        (low, high), *far = _joined(tried, i, low, high, edge, is_inside, holes)
        half = max(best[i] - low, high - best[i])
        # The range may be thousands wide by its logarithm: a value known to a factor of ten is not found.
        is_wide = r.is_log and r.value(high) > FACTOR * r.value(low)
        if is_too_many or far or holes or is_wide or (low <= 0 and high >= 1) or has_unseen_waves(tried, best, i):
            half = math.inf
        value = _value(r, best[i], low, high, half)
        found.append(value.model_copy(update={"elsewhere": tuple((r.text(a), r.text(b)) for a, b in far)}))
    loose = [value.key for value in found if not value.is_determined]
    told = zip(ranges, found, strict=True)
    silent = [r.key for i, (r, value) in enumerate(told) if _is_flat(tried, best, i, value, is_inside)]
    silent = silent if len(ranges) > 1 else []
    groups = [tuple(key for key in keys if key not in silent) for keys in together]
    # What jumps from value to value has no slope that a key which is determined could make up for.
    groups = [keys for keys in groups if len(keys) > 1 and any(key in loose and key not in broken for key in keys)]
    groups += [(key,) for key in loose if not any(key in keys for keys in groups)]
    # Where one key makes up for another, the end of the other's range ends its interval too.
    cut = {value.key for value in found if value.is_open_below or value.is_open_above}
    bound = {key for keys in groups if cut.intersection(keys) for key in keys}
    values = (v.model_copy(update={"is_determined": v.is_determined and v.key not in bound}) for v in found)
    return tuple(values), tuple(groups), tuple(silent)


def _holes(
    tried: Tried, best: Sequence[float], i: int, ends: tuple[float, float], is_inside: Region, times: float
) -> list[float]:
    """Places of key `i` between the ends of its interval at which the misfit clearly jumps."""
    low, high = ends
    within = [at for at in tried.places.values() if low <= at[i] <= high]
    settings = [at for at in within if at[i] in ends or is_inside.near(tried(at))]
    others = _Others(tried, best, i, np.eye(len(best))[i], is_inside)

    def search(start: Sequence[float], place: float) -> None:
        others(start, place, everywhere=True)

    return holes_of(tried, i, settings, is_inside.most, times, search, lambda at: is_inside(tried, at))


def _is_flat(tried: Tried, best: Sequence[float], i: int, value: Value, is_inside: Region) -> bool:
    """Whether key `i` alone, with the others as they are, does as well all over its range, and would with `ROOM` times
    the change: where one key makes up for another it does not, unless the range is very short.
    """
    if not (value.is_open_below and value.is_open_above):
        return False
    places = [[*best[:i], tried.candidates.ranges[i].taken(at), *best[i + 1 :]] for at in (0.0, *STARTS, 1.0)]
    tried.ahead(places)
    at = tried(best)
    return all(is_inside(tried, place) and is_inside.near(at + ROOM * (tried(place) - at)) for place in places)


def is_in_step(key: str) -> bool:
    """Whether it is a time after which clients come back: many of them come in waves, and delays of which the waves
    meet the same moment do alike, however far apart they are.
    """
    return key in (DELAY, "policy.client.base", "policy.client.cap")


def has_unseen_waves(tried: Tried, best: Sequence[float], i: int) -> bool:
    """Whether delays that were not tried may do as well: one that fits k times into an outage and one that fits k + 1
    times bring a wave at the same moment, and these may lie closer together than the places that are scanned.
    """
    r = tried.candidates.ranges[i]
    if r.key != DELAY:
        return False
    experiment = tried.candidates.experiment(best)
    outages = resolve(experiment.first, experiment.head.seed, 0).scenario.outages
    longest_s, delay_s = max((one.end - one.start for one in outages), default=0.0), r.value(best[i])
    return longest_s > 0 and best[i] - r.place(delay_s * longest_s / (longest_s + delay_s)) < 2 / SCANNED


def _elsewhere_searched(tried: Tried, best: Sequence[float], i: int, is_inside: Region) -> None:
    """Try values of key `i` all over its range, and the other keys too from where it comes near the data."""
    r = tried.candidates.ranges[i]
    tried.ahead([*best[:i], r.taken(at), *best[i + 1 :]] for at in np.linspace(0, 1, SCANNED).tolist())
    row = scanned(tried, best, i, SCANNED_MORE, square=is_inside.most)
    squares = [math.inf, *(tried.square(places) for places in row), math.inf]
    valleys = [
        places
        for before, (square, places), after in zip(
            squares, zip(squares[1:], row, strict=False), squares[2:], strict=False
        )
        if square <= min(before, after, VALLEY * is_inside.most) and not is_inside(tried, places)
    ]
    for places in sorted(valleys, key=tried.square)[:VALLEYS_MOST]:
        finer(
            tried,
            places,
            range(len(best)),
            step=1 / SCANNED / 4,
            finest=FINEST_OF_OTHERS,
            enough=lambda at: is_inside(tried, at),
            worth=lambda square: square - is_inside.most,
        )


def _joined(
    tried: Tried, i: int, low: float, high: float, apart: float, is_inside: Region, holes: Sequence[float]
) -> list[tuple[float, float]]:
    """The interval of key `i`, and parts of its range outside in which a setting that was tried does as well: places
    that are up to `apart` from each other are one part.
    """
    wanted = sorted({places[i] for places in is_inside.beside(tried, i, low, high)})

    def is_one(a: float, b: float) -> bool:
        return b - a <= apart and not any(a <= hole <= b for hole in holes)

    parts = [(low, high)]
    for place in [at for at in reversed(wanted) if at < low]:
        if is_one(place, parts[-1][0]):
            parts[-1] = (place, parts[-1][1])
        else:
            parts.append((place, place))
    [own, *below], parts = parts, [parts[0]]
    for place in [at for at in wanted if at > high]:
        if is_one(parts[-1][1], place):
            parts[-1] = (parts[-1][0], place)
        else:
            parts.append((place, place))
    [(_, top), *above] = parts
    return [(own[0], top), *reversed(below), *above]


def _value(r: Range, best: float, low: float, high: float, half: float) -> Value:
    is_open_below, is_open_above = low <= 0 and not r.is_limit_low, high >= 1 and not r.is_limit_high
    return Value(
        key=r.key,
        text=r.text(best),
        low=r.text(low),
        high=r.text(high),
        is_determined=half <= UNDETERMINED and not (is_open_below or is_open_above),
        is_at_end=(best < 0.01 and not r.is_limit_low) or (best > 0.99 and not r.is_limit_high),
        is_open_below=is_open_below,
        is_open_above=is_open_above,
    )
