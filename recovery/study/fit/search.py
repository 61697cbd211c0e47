"""The search for the values that come closest to what was observed.

A space-filling sample of the ranges gives the start, `scipy.optimize.least_squares` goes on from there. Milestones are
then searched more finely in steps that are halved: their times are steep near a collapse and rise by whole windows, so
slopes lead past the value that meets them. Every candidate is simulated with the same seed and replications (common
random numbers), so that differences are due to the inputs.
"""

import itertools
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from recovery.errors import Refusal
from recovery.stages.outage import resolve
from recovery.store.fit_record import Missing
from recovery.study.fit.candidates import Candidates
from recovery.study.fit.columns import Floats
from recovery.study.fit.observations import ALWAYS, Observations
from recovery.units import show_duration

FINEST = 1 / 2_000  # of a range: the last step of the finer search
MET = 0.1  # standard deviations: a milestone that is closer is met
STEP_MOST = 0.25  # of a range: the longest step of that search
PAIR = 2  # gaps that a scan halves at a time, side by side: always so many, so that threads change no result
ROUND = 8  # round values of a key that are tried, for each key of the fit
UNITS = {
    60: "a minute",
    3600: "an hour",
    100: "",
    1000: "",
}  # by what numbers in another unit are off, and whose counts
NEAR = 1.25  # times: so near to such a factor, a series before an outage is in another unit
STEP = 0.05  # of a range, for sensitivities: milestones lie on a grid, so a step must be seen


class Tried:
    """Residuals of what was simulated, by the values that were taken."""

    def __init__(self, candidates: Candidates, observations: Observations) -> None:
        self.candidates, self.observations = candidates, observations
        self.horizon_s = candidates.experiment([0.5] * len(candidates.ranges)).first.scenario.horizon
        self._known: dict[tuple[str, ...], Floats] = {}
        self.places: dict[tuple[str, ...], tuple[float, ...]] = {}
        self.missing: list[tuple[Missing, ...]] = []

    def __call__(self, places: Sequence[float]) -> Floats:
        """float64 of milestones or points, in standard deviations."""
        self.ahead([places])
        return self._known[self._key(places)]

    def ahead(self, every: Iterable[Sequence[float]]) -> None:
        """Simulate those of these places that were not tried yet, side by side."""
        new = {key: tuple(places) for places in every if (key := self._key(places)) not in self._known}
        runs = self.candidates.each((self.candidates.experiment(places), ()) for places in new.values())
        for (key, places), outcomes in zip(new.items(), runs, strict=True):
            self.missing.append(self.observations.missing(outcomes))
            self._known[key] = self.observations.residuals(outcomes, self.horizon_s)
            self.places[key] = tuple(r.taken(place) for r, place in zip(self.candidates.ranges, places, strict=True))

    def _key(self, places: Sequence[float]) -> tuple[str, ...]:
        return tuple(r.text(place) for r, place in zip(self.candidates.ranges, places, strict=True))

    def square(self, places: Sequence[float]) -> float:
        """Sum of the squares."""
        return float((self(places) ** 2).sum())

    def closest(self) -> list[float]:
        """The places that were tried with the least squares."""
        tried: list[Sequence[float]] = list(self.places.values())
        closest = min(tried, key=self.square)
        return list(closest)

    def check(self) -> None:
        """Refusal for a milestone that occurs with no value tried, and a series that changes before its cause."""
        file, keys = self.candidates.path, ", ".join(r.key for r in self.candidates.ranges)
        for i, states in enumerate(zip(*self.missing, strict=True)):
            if all(states):
                label, measure, *_ = self.observations.milestones[i]
                why = "what it ends never was" if ALWAYS in states else "it never comes before the horizon"
                raise Refusal(
                    f"{file}: {measure} of the milestone {label!r} does not occur in the simulation, whatever value of "
                    f"{keys} was tried: {why}; want another measure or scenario, or used_for_fit on the others only"
                )
        middle = self.candidates.experiment([0.5] * len(self.candidates.ranges))
        outages = resolve(middle.first, middle.head.seed, 0).scenario.outages
        if not (self.observations.values and outages):
            return
        values = np.array(self.observations.values)
        tried = np.array(list(self._known.values()))
        off = np.where((tried > 0).all(0) | (tried < 0).all(0), np.abs(tried).min(0), 0.0) * self.observations.sigma
        early = (np.array(self.observations.times_s) < outages[0].start) & (off > 0.25 * np.ptp(values))
        if early.any():
            at = int(np.argmax(early))
            simulated = tried * self.observations.sigma + values
            is_turned = self.observations.unit == "share" and bool(
                (np.abs(simulated + values - 1).min(0)[early] < 0.25 * np.ptp(values)).all()
            )
            asked = "is it the share of those without (--without)?" if is_turned else "are they shifted (--origin)?"
            wanted = "the share itself" if is_turned else "times from the scenario's start"
            before = np.array(self.observations.times_s) < outages[0].start
            is_share = self.observations.unit == "share"
            if not is_share and (unit := _other_unit(values[before].mean(), simulated[:, before].mean(1))):
                wanted, asked = "a rate a second" if self.observations.column.endswith("_per_s") else "its unit", unit
            raise Refusal(
                f"{file}: {self.observations.column} is {values[at]:.3g} in the series at "
                f"{show_duration(self.observations.times_s[at])}, before the dependency goes away at "
                f"{show_duration(outages[0].start)}, where the simulation is at least {off[at]:.3g} off with every "
                f"value tried; want {wanted}: {asked}"
            )


def _other_unit(observed: float, simulated: Floats) -> str:
    """Of means of a series before the outage: whether it is in another unit than what is simulated with some value
    tried, by which constant it is then off; "" where it is by none of those that units differ by.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = observed / simulated
    for factor, unit in UNITS.items():
        for times, whole in ((ratios / factor, f"{factor} times"), (ratios * factor, f"1/{factor} of")):
            if ((times > 1 / NEAR) & (times < NEAR)).any():
                of = f", such as counts {unit}" if whole.endswith("times") and unit else ""
                return f"it is about {whole} what is simulated, so is it in another unit{of}?"
    return ""


def best_of(tried: Tried, samples: int) -> list[float]:
    """The places (0 to 1 in each range) with the least squares. Raises what `Tried.check` raises."""
    from scipy import optimize
    from scipy.stats import qmc

    keys = len(tried.candidates.ranges)
    design: list[list[float]] = qmc.LatinHypercube(keys, rng=np.random.default_rng(1)).random(samples).tolist()
    tried.ahead(design)
    start = min(design, key=tried.square)
    tried.check()
    # Places are moved to 1 … 2, because least_squares takes steps relative to the value.
    if keys == 1 and tried.observations.values:
        # A valley may be narrower than the design is dense: of curves it shows in how they change beside it.
        scanned(tried, start, 0, samples)
        start = tried.closest()
        design.append(start)
    found = optimize.least_squares(
        lambda x: tried((x - 1).tolist()),
        np.array(start) + 1,
        bounds=(1.0, 2.0),
        diff_step=STEP / 1.5,
        xtol=1e-3,
        ftol=1e-3,
        max_nfev=20,
    )
    best = min([*design, (found.x - 1).tolist()], key=tried.square)
    best = [r.taken(place) for r, place in zip(tried.candidates.ranges, best, strict=True)]
    return finer(tried, best, range(keys)) if tried.observations.milestones else best


def rounded(tried: Tried, best: Sequence[float]) -> list[list[float]]:
    """Settings with a round value of a key, the others as at the best: people set such, and clients without jitter keep
    step with them, so that they may fit where none nearby does. The mean of a distribution is measured, not set.
    """
    ranges = tried.candidates.ranges
    return [
        [*best[:i], place, *best[i + 1 :]]
        for i, r in enumerate(ranges)
        if not r.key.endswith(".mean")
        for place in r.round_places(ROUND * len(ranges))
    ]


def scanned(
    tried: Tried, best: Sequence[float], i: int, most: int, *, square: float | None = None
) -> list[list[float]]:
    """Places of key `i` all over its range, the others as at `best`, in order: those that were tried, and up to `most`
    more, each halfway in the gap between two that may hold the least squares, until none may hold less than `square`
    (if it is not given: than was found).

    A gap's bound is what is left if within it every residual only rises or only falls. Curves that a steep rise has
    moved past the data leave a low bound however far off both are, so a valley that is narrower than the gap is found.
    """
    r = tried.candidates.ranges[i]
    others = [at for j, at in enumerate(best) if j != i]
    known = {
        places[i]: list(places)
        for places in tried.places.values()
        if [at for j, at in enumerate(places) if j != i] == others
    }

    def take(new: Iterable[float]) -> None:
        every = {place: [*best[:i], place, *best[i + 1 :]] for place in new if place not in known}
        tried.ahead(every.values())
        known.update(every)

    def bound(low: float, high: float) -> float:
        a, b = tried(known[low]), tried(known[high])
        return float((np.minimum(np.abs(a), np.abs(b)) ** 2)[a * b > 0].sum())

    take((r.taken(0.0), r.taken(1.0)))
    closed: set[tuple[float, float]] = set()
    while most > 0:
        least = min(tried.square(places) for places in known.values()) if square is None else square
        gaps = [gap for gap in itertools.pairwise(sorted(known)) if gap[1] - gap[0] > FINEST and gap not in closed]
        bounds = {gap: found for gap in gaps if (found := bound(*gap)) < least}
        chosen = sorted(bounds, key=lambda gap: (bounds[gap], gap[0] - gap[1]))[: min(PAIR, most)]
        if not chosen:
            break
        closed.update(chosen)  # of a whole number the middle may be an end
        take(r.taken((low + high) / 2) for low, high in chosen)
        most -= len(chosen)
    return [known[place] for place in sorted(known)]


def finer(
    tried: Tried,
    best: Sequence[float],
    free: Sequence[int],
    *,
    step: float = STEP,
    finest: float = FINEST,
    enough: Callable[[Sequence[float]], bool] | None = None,
    worth: Callable[[float], float] = lambda _: MET**2,
) -> list[float]:
    """The places after a compass search over the keys `free` (Hooke and Jeeves 1961): a step that comes closer is
    taken, after two to the same side one twice as long, and where none does the step is halved, until the places are
    close `enough` (if nothing is said: all is met), the step is below `finest`, or smaller steps cannot gain what is
    still `worth` a search, of this sum of squares.
    """
    is_enough = enough or (lambda places: tried.square(places) <= MET**2)
    place, square, last = list(best), tried.square(best), -1
    while step >= finest and not is_enough(place):
        pairs = [
            [[*place[:i], tried.candidates.ranges[i].moved(place[i], by), *place[i + 1 :]] for by in (step, -step)]
            for i in free
        ]
        around = [one for pair in pairs for one in pair]
        tried.ahead(around)
        move, closest = min(enumerate(around), key=lambda one: tried.square(one[1]))
        if tried.square(closest) < square:
            place, square = closest, tried.square(closest)
            step = min(2 * step, STEP_MOST) if move == last else step
            last = move
        elif sum(_gain(tried, place, pair) for pair in pairs) < worth(square):
            break
        else:
            step, last = step / 2, -1
    return place


def _gain(tried: Tried, place: Sequence[float], pair: Sequence[Sequence[float]]) -> float:
    """By how much the squares may be smaller between two places around one, if they do not fall at either: of a
    parabola at most an eighth of what it rises at both. At an end of a range nothing is known of one side.
    """
    if any(one == list(place) for one in pair):
        return np.inf
    return sum(tried.square(one) - tried.square(place) for one in pair) / 8
