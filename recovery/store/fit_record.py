"""Records of a fit: the values that were found, how good they are, what else would do, and what its picture shows."""

from typing import Literal

from pydantic import Field

from recovery.store.record import Number, Record
from recovery.store.scenario_record import Course

Missing = Literal["", "always", "never"]
"""Why a milestone does not occur: "always": what it ends never was; "never": it does not come; "": it occurs."""


class Value(Record):
    """What was found for one key: the value, its 95 % interval within the range, and whether the data say it: it is not
    determined where the interval is wide, open, or of a fit that does not explain the data. It is open where it ends
    only because the range does, and the scenario takes values beyond. `elsewhere` are parts of the range, apart from
    it, in which values that were tried do as well.
    """

    key: str
    text: str
    low: str
    high: str
    is_determined: bool
    is_at_end: bool  # of its range: the best value may lie beyond
    is_open_below: bool = False
    is_open_above: bool = False
    elsewhere: tuple[tuple[str, str], ...] = ()


class Misfit(Record):
    """How far the best simulation is from the data, and how far chance would make it.

    `rms` and `noise` are root mean squares: of a series in its own unit, of milestones in standard deviations. `share`
    is rms over the spread (standard deviation) of a series. `run_longest` points in a row are off to the same side.
    `p` is how often chance makes so much; nan where nothing is left to test. `is_systematic`: there is more than chance
    makes; `explains`: there is no misfit, or one that is small beside the data.
    """

    rms: Number
    noise: Number
    share: Number
    points: int
    run_longest: int
    p: Number
    is_systematic: bool
    explains: bool


class Cliff(Record):
    """A setting that fits, of which not all runs go the same way, though they differ in nothing but their random
    numbers: `alike` of `runs` go as the data do; the one that is farthest from them is off (root mean square) by this
    share of the data's standard deviation.
    """

    values: tuple[str, ...]  # "key value"
    runs: int
    alike: int
    farthest_share: Number


class Other(Record):
    """A key that was not varied: the cosine between what it does and what the fitted keys can do, and the share of the
    squared misfit that a change of it could take away, to first order.
    """

    key: str
    cosine: Number
    takes_away_share: Number


class Tied(Record):
    """Keys that were varied and `others` that were not, all of which the simulation takes nearly as one ratio: the
    product of `above` over that of `below`. `settings`: what the scenario has for the others, for people.
    """

    keys: tuple[str, ...]
    others: tuple[str, ...]
    settings: tuple[str, ...]
    above: tuple[str, ...]
    below: tuple[str, ...]


class Jump(Record):
    """Two values of the one key that was varied, next to each other, between which the time of a milestone jumps over
    what was observed: what it is at each, s, inf where it does not come before the horizon.
    """

    label: str
    below: str
    above: str
    below_s: Number
    above_s: Number


class FitMilestone(Record):
    """A milestone that was observed, with its standard deviation, and when it comes in the simulation; s. `chance_s` is
    the standard deviation of that over other random numbers.
    """

    label: str
    measure: str
    observed_s: Number
    sigma_s: Number
    simulated_s: Number
    chance_s: Number
    missing: Missing


class FitSeries(Record):
    """A measured series and the simulation at the optimum: mean, lowest and highest of the runs at `grid_s`, s."""

    column: str
    unit: str  # "share", "count", "s", "1/s"
    times_s: tuple[Number, ...]
    values: tuple[Number, ...]
    grid_s: tuple[Number, ...]
    low: tuple[Number, ...]
    mean: tuple[Number, ...]
    high: tuple[Number, ...]


class FitPicture(Record):
    """What the picture of a fit shows: milestones, or a series, over the scenario with the values that were found, and
    its outages.
    """

    horizon_s: Number
    clock: str
    outages: Course
    milestones: tuple[FitMilestone, ...]
    series: FitSeries | None


class Fit(Record):
    """The result: a value a key, how good the fit is, and what else would do.

    `residuals` are in standard deviations, a milestone each, and `missing` says which do not occur; of a series both
    are empty. `jumps` say why a milestone is not met though a key was free for it. `combinations` are settings of the
    keys of `not_told_apart` ("key=value" each) that do as well, and `tells_apart` the columns in which these differ
    most. `tied`: keys that were not varied of which only a ratio with those that were is known. `tells_nothing_of`:
    keys of which each value of the range does as well, with the others as they are. `cliff`: where it is chance which
    way a run goes at what fits a series.
    `overrides` hold only what is determined by data that are explained; `shift_s` by how much later the
    simulation would have to be to fit much better, nan if that helps little; `said` what must be told of how a series
    was read.
    """

    values: tuple[Value, ...]
    residuals: tuple[Number, ...]
    labels: tuple[str, ...]
    missing: tuple[Missing, ...]
    jumps: tuple[Jump, ...]
    not_told_apart: tuple[tuple[str, ...], ...]
    tells_nothing_of: tuple[str, ...] = Field((), exclude_if=lambda value: not value)
    combinations: tuple[tuple[str, ...], ...]
    tells_apart: tuple[str, ...]
    misfit: Misfit
    cliff: Cliff | None = Field(None, exclude_if=lambda value: value is None)
    others: tuple[Other, ...]
    tied: tuple[Tied, ...] = Field((), exclude_if=lambda value: not value)
    shift_s: Number
    runs: int
    overrides: tuple[str, ...]
    said: tuple[str, ...]
    picture: FitPicture


class Family(Record):
    """A distribution that was fitted to a histogram: its `misfit_share` is the largest share of times that it puts on
    the wrong side of a bound.
    """

    dist: Literal["exponential", "lognormal"]
    mean_s: Number
    cv: Number  # standard deviation over mean
    misfit_share: Number


class ServiceTimes(Record):
    """What a histogram says of service times, the family that fits best first.

    `mean_s` is of all times, `file_mean_s` of the empirical file, which lacks what is rarer than its quantiles are
    apart; `beyond_share` of them lie beyond the last bound, and are taken to be as long as it says.
    """

    times: Number
    mean_s: Number
    file_mean_s: Number
    beyond_share: Number
    last_bound_s: Number
    families: tuple[Family, ...]
    said: tuple[str, ...] = ()
