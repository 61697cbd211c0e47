"""Procedures of statistics emulated from first run to stop, thousands of times, on data whose truth is known.

`python tests/emulation.py` prints the tables of MODEL.md, section 10 (half an hour); the tests run a part of it.
All looks of many experiments are computed at once, by cumulative sums; tests hold that against the modules themselves,
look by look.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from scipy import special
from scipy.stats import qmc

from recovery.statistics import confidence, sobol
from recovery.statistics.estimate import Estimate
from recovery.statistics.means import mean_interval

Draw = Callable[[np.random.Generator, tuple[int, int, int]], np.ndarray]


class Case(NamedTuple):
    """Runs in units of `draws`; a run never recovers with chance `never`, else its time has mean 1."""

    name: str
    time: Draw
    never: float
    draws: int
    precision: float
    units: int
    """Units at which it stops in any case."""


class Held(NamedTuple):
    """How often the truth was within the interval at the stop."""

    time: int
    never: int
    """… of the chance of never."""
    stopped: int
    """Experiments that stopped before the cap."""
    units: float
    """Mean number of units at the stop."""


def normal(cv: float) -> Draw:
    return lambda rng, shape: rng.normal(1.0, cv, shape)


def exponential(rng: np.random.Generator, shape: tuple[int, int, int]) -> np.ndarray:
    return rng.exponential(1.0, shape)


def lognormal(cv: float) -> Draw:
    variance = math.log1p(cv**2)
    return lambda rng, shape: rng.lognormal(-variance / 2.0, math.sqrt(variance), shape)


def alike(cv: float) -> Draw:
    """Half of the variance is the unit's."""

    def draw(rng: np.random.Generator, shape: tuple[int, int, int]) -> np.ndarray:
        both = rng.normal(size=(*shape[:2], 1)) + rng.normal(size=shape)
        return np.asarray(1.0 + cv * math.sqrt(0.5) * both)

    return draw


CASES = [
    Case("normal, cv .05", normal(0.05), 0.0, 1, 0.05, 400),
    Case("normal, cv .1", normal(0.1), 0.0, 1, 0.05, 400),
    Case("normal, cv .2", normal(0.2), 0.0, 1, 0.05, 600),
    Case("normal, cv .5", normal(0.5), 0.0, 1, 0.05, 2_500),
    Case("exponential", exponential, 0.0, 1, 0.05, 8_000),
    Case("lognormal, cv 2", lognormal(2.0), 0.0, 1, 0.1, 9_000),
    Case("1 % never", normal(0.2), 0.01, 1, 0.05, 1_500),
    Case("2 % never", normal(0.2), 0.02, 1, 0.05, 1_500),
    Case("5 % never", normal(0.2), 0.05, 1, 0.05, 1_000),
    Case("10 % never", normal(0.2), 0.1, 1, 0.05, 2_000),
    Case("10 % never, exponential", exponential, 0.1, 1, 0.1, 4_000),
    Case("2 draws a replication", alike(0.2), 0.01, 2, 0.05, 1_000),
    Case("4 draws a replication", alike(0.5), 0.02, 4, 0.05, 1_500),
    Case("8 draws a replication, lognormal cv 1", lognormal(1.0), 0.1, 8, 0.05, 1_500),
    Case("16 draws a replication", alike(0.2), 0.02, 16, 0.05, 500),
    Case("16 draws a replication, exponential", exponential, 0.05, 16, 0.05, 600),
]


def log_capitals(values: np.ndarray, mean: float) -> np.ndarray:
    """`confidence.log_capital` after each of the values float[..., n]."""
    total = np.full(values.shape, -math.inf)
    for bet, share in zip(confidence.BETS, confidence.CAPITAL, strict=True):
        with np.errstate(divide="ignore"):
            won = np.cumsum(np.log1p(bet * (values / mean - 1.0)), axis=-1)
        total = np.logaddexp(total, math.log(share) + won)
    return total


def log_mixtures(events: np.ndarray, runs: np.ndarray, p: float) -> np.ndarray:
    """What `confidence.chance` holds against 1 / alpha at p."""
    mixed = special.betaln(events + confidence.RARE, runs - events + 1.0) - special.betaln(confidence.RARE, 1.0)
    return np.asarray(mixed - special.xlogy(events, p) - special.xlog1py(runs - events, -p))


class Paths(NamedTuple):
    """All looks of many experiments, [experiments, looks]."""

    times_s: np.ndarray
    """Of each run, [experiments, units, draws], inf for never."""
    mean: np.ndarray
    half: np.ndarray
    holds_never: np.ndarray
    below: np.ndarray
    """The chance of never is below `never_max`, for sure."""
    above: np.ndarray


def paths(case: Case, rng: np.random.Generator, experiments: int, alpha: float, never_max: float) -> Paths:
    """Every look at so many experiments."""
    shape = (experiments, case.units, case.draws)
    lost = rng.random(shape) < case.never
    times = np.where(lost, math.inf, case.time(rng, shape))
    y, m = np.where(lost, 0.0, times).sum(axis=2), (~lost).sum(axis=2).astype(float)
    told, above, below = np.cumsum(m > 0, axis=1), np.cumsum(y, axis=1), np.cumsum(m, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = above / below
        squares = np.cumsum(y * y, axis=1) - 2 * mean * np.cumsum(y * m, axis=1) + mean**2 * np.cumsum(m * m, axis=1)
        error = np.sqrt(np.maximum(squares, 0.0) * told / (told - 1)) / below
    half = confidence.half_width(error, told, alpha / 2)
    runs = np.arange(1, case.units + 1)
    if case.draws == 1:
        events = np.cumsum(lost[:, :, 0], axis=1)
        out = log_mixtures(events, runs, never_max) > math.log(2 / alpha)
        is_below, is_above = out & (events < never_max * runs), out & (events > never_max * runs)
        misses = log_mixtures(events, runs, case.never) > math.log(2 / alpha) if case.never else np.zeros_like(out)
    else:
        share, bar = lost.mean(axis=2), math.log(4 / alpha)
        is_above = log_capitals(share, never_max) > bar
        is_below = log_capitals(1.0 - share, 1.0 - never_max) > bar
        misses = np.zeros_like(is_above)
        if case.never:
            misses = (log_capitals(share, case.never) > bar) | (log_capitals(1.0 - share, 1.0 - case.never) > bar)
    return Paths(times, mean, half, ~misses, is_below, is_above)


def held(case: Case, experiments: int, seed: int = 10, *, alpha: float = 0.05, never_max: float = 0.05) -> Held:
    """Stop at the first look that is precise, or at the cap; how often the truth is within what is told there."""
    rng, at_once, found = np.random.default_rng(seed), max(1, 1_000_000 // (case.units * case.draws)), []
    for first in range(0, experiments, at_once):
        path = paths(case, rng, min(at_once, experiments - first), alpha, never_max)
        stop = (path.half <= case.precision * path.mean) & (path.below | path.above)
        at = np.where(stop.any(axis=1), stop.argmax(axis=1), case.units - 1)
        rows = np.arange(len(at))
        right = np.abs(path.mean[rows, at] - 1.0) <= path.half[rows, at]
        found.append(np.stack([right, path.holds_never[rows, at], stop.any(axis=1), at + 1.0]))
    time, never, stopped, units = np.concatenate(found, axis=1).sum(axis=1)
    return Held(int(time), int(never), int(stopped), units / experiments)


def slow(share: float, times: float) -> Draw:
    """That share of the runs takes so many times as long (cv .1 each)."""

    def draw(rng: np.random.Generator, shape: tuple[int, int, int]) -> np.ndarray:
        mode = np.where(rng.random(shape) < share, times, 1.0)
        return np.asarray(mode * rng.normal(1.0, 0.1, shape) / (1.0 + share * (times - 1.0)))

    return draw


def print_limits(experiments: int = 500) -> None:
    """Of MODEL.md: where the sequence of the time does not hold as stated, as it holds only for large samples."""
    for share, times in ((0.02, 10.0), (0.02, 3.0), (0.05, 10.0)):
        told = held(Case("", slow(share, times), 0.0, 1, 0.05, 4_000), experiments)
        print(f"\n{share:.0%} take {times:g} times as long: the time holds in {told.time / experiments:.3f}")
    for case in CASES[2:6]:
        path = paths(case._replace(units=2_000), np.random.default_rng(3), experiments, 0.05, 0.05)
        holds = ~(np.abs(path.mean - 1.0) > path.half)
        all_of, later = holds.all(axis=1).mean(), holds[:, 81:].all(axis=1).mean()
        print(f"\n{case.name}: at all of 2000 looks in {all_of:.3f}, from the 82nd on in {later:.3f}", flush=True)


def of_students_rule(experiments: int, seed: int = 15) -> tuple[float, float]:
    """How often Student's interval holds where it is looked at after each run, from the second on, until it is within 5
    % of its mean: of normal times (cv .1), and of such (cv .05) restricted to the tenfold where 5 % never recover.
    """
    rng, units = np.random.default_rng(seed), 4_000
    n = np.arange(1, units + 1)
    quantile = np.append(math.inf, special.stdtrit(n[1:] - 1, 0.975))
    shares = []
    for never, truth in ((0.0, 1.0), (0.05, 1.45)):
        held = 0
        for _ in range(experiments):
            lost = rng.random(units) < never
            values = np.where(lost, 10.0, rng.normal(1.0, 0.1 if never == 0.0 else 0.05, units))
            mean = np.cumsum(values) / n
            with np.errstate(invalid="ignore", divide="ignore"):
                deviation = np.sqrt(np.maximum(np.cumsum(values**2) - n * mean**2, 0.0) / (n - 1))
                half = quantile * deviation / np.sqrt(n)
            stop = half <= 0.05 * mean
            at = int(stop.argmax()) if stop.any() else units - 1
            held += bool(abs(mean[at] - truth) <= half[at])
        shares.append(held / experiments)
    return shares[0], shares[1]


def table_of_stops(experiments: int = 2_000) -> None:
    """A table of MODEL.md: `looked` with early stopping at every look."""
    print(
        f"| {experiments} experiments | precision | time | never | stopped | units |\n"
        "| --- | --- | --- | --- | --- | --- |"
    )
    for case in CASES:
        told = held(case, experiments)
        of = [f"{part / experiments:.3f}" for part in told[:3]]
        print(f"| {case.name} | {case.precision:.0%} | {' | '.join(of)} | {told.units:.0f} |", flush=True)


class Contest(NamedTuple):
    """Policies whose times are normal about `time`, with half of the variance (sd) common to all; each never recovers
    with chance `never`. Shares of the limit: the restricted mean is (1 - never) time + never.
    """

    name: str
    time: np.ndarray
    never: np.ndarray
    deviation: float = 0.03

    @property
    def mean(self) -> np.ndarray:
        """Restricted means. (Times are so far from 0 and 1 that next to nothing is cut.)"""
        return np.asarray((1.0 - self.never) * self.time + self.never)

    def draw(self, rng: np.random.Generator, units: int) -> np.ndarray:
        """Times float[policies, units], inf for never."""
        shape = (len(self.time), units)
        own = rng.normal(size=shape) + rng.normal(size=units)
        times = np.clip(self.time[:, None] + self.deviation * math.sqrt(0.5) * own, 0.0, 1.0)
        return np.where(rng.random(shape) < self.never[:, None], math.inf, times)


NEAR = 1.0 / 60.0
"""Indifference of the contests: a minute of an hour."""


def contests(policies: int) -> list[Contest]:
    """Contests of so many policies; the best is 1 where the first collapses and would be best otherwise."""
    first, second = np.arange(policies) == 0, np.arange(policies) == 1
    none, few = np.zeros(policies), np.where(first, 0.05, 0.0)
    return [
        Contest("slippage: all others two indifferences behind", np.where(first, 0.2, 0.2 + 2.0 * NEAR), none),
        Contest("ties", np.full(policies, 0.2), none),
        Contest(
            "the quickest collapses in 5 %, and is 1.5 indifferences behind by that",
            np.select([first, second], [0.1, 0.145 - 1.5 * NEAR], 0.145),
            few,
        ),
        Contest(
            "the quickest collapses in 5 %, and is best by two indifferences all the same",
            np.where(first, 0.1, 0.145 + 2.0 * NEAR),
            few,
        ),
        Contest("none recovers often: 60 % never, all others 75 %", np.full(policies, 0.3), np.where(first, 0.6, 0.75)),
    ]


class Ended(NamedTuple):
    """How one contest ended."""

    is_right: bool
    """The best is not excluded, and what is chosen is within the indifference of it."""
    is_chosen: bool
    left: int
    units: int


def ended(
    contest: Contest, rng: np.random.Generator, units: int, every: int, alpha: float = 0.05, never_max: float = 0.05
) -> Ended:
    """`selection.select` at each `every`-th unit until one is chosen or the cap."""
    times = contest.draw(rng, units)
    values, looks = np.minimum(times, 1.0), np.arange(every, units + 1, every)
    means = np.cumsum(values, axis=1)[:, looks - 1] / looks
    lost = np.cumsum(np.isinf(times), axis=1)[:, looks - 1]
    bar, known = math.log((len(times) - 1) / alpha), {}

    def against(leader: int) -> tuple[np.ndarray, np.ndarray]:
        """Of each policy and look: it is worse than the leader; it is better by no more than the indifference."""
        if leader not in known:
            share = 0.5 + 0.5 * (values - values[leader])
            known[leader] = [_log_capitals(share, 0.5 - 0.5 * by, every) >= bar for by in (0.0, NEAR)]
        return known[leader]

    left = np.ones(len(times), bool)
    best = int(contest.mean.argmin())
    for at, unit in enumerate(looks.tolist()):
        leader = int(np.where(left, means[:, at], math.inf).argmin())
        worse, near = (part[:, at] for part in against(leader))
        worse[leader], near[leader] = False, True
        left &= ~worse
        rare = log_mixtures(lost[leader, at], np.int64(unit), never_max) > math.log(2 / alpha)
        if near[left].all() and rare and lost[leader, at] < never_max * unit:
            right = bool(left[best]) and contest.mean[leader] <= contest.mean[best] + NEAR + 1e-12
            return Ended(right, True, int(left.sum()), unit)
    return Ended(bool(left[best]), False, int(left.sum()), units)


def _log_capitals(values: np.ndarray, mean: float, every: int) -> np.ndarray:
    """`confidence.log_capital` after each `every` values float[..., n]."""
    parts = (values[..., : values.shape[-1] // every * every] / mean).reshape(*values.shape[:-1], -1, every)
    parts = np.ascontiguousarray(np.moveaxis(parts, -1, 0))  # products of long rows are quick, of short ones slow
    total = np.full(parts.shape[1:], -math.inf)
    for bet, share in zip(confidence.BETS, confidence.CAPITAL, strict=True):
        with np.errstate(divide="ignore"):
            won = np.cumsum(np.log((1.0 - bet + bet * parts).prod(axis=0)), axis=-1)
        total = np.logaddexp(total, math.log(share) + won)
    return total


def table_of_selections(experiments: int = 1_000, units: int = 600) -> None:
    """A table of MODEL.md: right, chosen, left and units of so many contests."""
    print(f"\n| {experiments} contests, cap {units} units | policies | right | chosen | left | units |")
    print("| --- | --- | --- | --- | --- | --- |")
    for policies in (10, 50):
        for contest in contests(policies):
            rng = np.random.default_rng(policies)
            told = [ended(contest, rng, units, 10) for _ in range(experiments)]
            right, chosen, left, used = np.array(told, float).mean(axis=0)
            print(f"| {contest.name} | {policies} | {right:.3f} | {chosen:.3f} | {left:.1f} | {used:.0f} |", flush=True)


class Values(NamedTuple):
    """Values with limits, whose mean is known."""

    name: str
    mean: float
    most: float
    draw: Callable[[np.random.Generator, tuple[int, int]], np.ndarray]


VALUES = [
    Values("shares, beta, mean .5, sd .15", 0.5, 1.0, lambda rng, shape: rng.beta(5.0, 5.0, shape)),
    Values("shares, beta, mean .3, sd .26", 0.3, 1.0, lambda rng, shape: rng.beta(0.6, 1.4, shape)),
    Values("shares, beta, mean .1, sd .09", 0.1, 1.0, lambda rng, shape: rng.beta(1.0, 9.0, shape)),
    Values("shares, beta, mean .02, sd .014", 0.02, 1.0, lambda rng, shape: rng.beta(2.0, 98.0, shape)),
    Values("shares, 0 or 1, mean .2", 0.2, 1.0, lambda rng, shape: (rng.random(shape) < 0.2).astype(float)),
    Values("times, normal, cv .3", 1.0, math.inf, lambda rng, shape: np.maximum(rng.normal(1.0, 0.3, shape), 0.0)),
    Values("times, exponential", 1.0, math.inf, lambda rng, shape: rng.exponential(1.0, shape)),
    Values("times, lognormal, cv 1", 1.0, math.inf, lambda rng, shape: lognormal(1.0)(rng, (*shape, 1))[..., 0]),
]
SIZES = (2, 3, 5, 8, 20, 50)


def covered(values: Values, size: int, experiments: int, *, limited: bool = True, seed: int = 47) -> int:
    """How often the interval of so many values holds their mean; Student's own where it is not `limited`."""
    limits = {"least": 0.0, "most": values.most} if limited else {}
    drawn = values.draw(np.random.default_rng(seed), (experiments, size)).tolist()
    told = [mean_interval(one, **limits) for one in drawn]
    return sum(low <= values.mean <= high for _, low, high in told)


def table_of_fixed_sizes(experiments: int = 4_000) -> None:
    """A table of MODEL.md: intervals of a fixed number of values, Student's own / within their limits."""
    print(f"\n| {experiments} experiments | {' | '.join(map(str, SIZES))} |\n{'| --- ' * (len(SIZES) + 1)}|")
    for values in VALUES:
        of = [[covered(values, n, experiments, limited=it) / experiments for it in (False, True)] for n in SIZES]
        print(f"| {values.name} | {' | '.join(f'{old:.3f} / {new:.3f}' for old, new in of)} |", flush=True)


def ishigami(unit: np.ndarray) -> np.ndarray:
    """T. Ishigami and T. Homma's function (1990), a = 7, b = 0.1, on the unit cube; more inputs do nothing."""
    x = math.pi * (2.0 * unit - 1.0)
    return np.asarray(np.sin(x[..., 0]) + 7.0 * np.sin(x[..., 1]) ** 2 + 0.1 * x[..., 2] ** 4 * np.sin(x[..., 0]))


def with_chance(
    rng: np.random.Generator, f: Callable[[np.ndarray], np.ndarray], inputs: int, noise: float
) -> sobol.VarianceShares:
    """Shares of f + noise over 8 replications of 32 Sobol points; every run has a chance of its own."""
    told = []
    for _ in range(8):
        points = qmc.Sobol(2 * inputs, seed=rng).random(32)
        a, b = points[:, :inputs], points[:, inputs:]
        mixed = [np.where(np.arange(inputs) == i, b, a) for i in range(inputs)]
        told.append(np.stack([f(x) + noise * rng.normal(size=32) for x in (a, b, a, *mixed)]))
    all_of = np.stack(told)
    names = [f"x{i + 1}" for i in range(inputs)]
    return sobol.variance_shares(all_of[:, 0], all_of[:, 1], all_of[:, 3:], all_of[:, 2], names)


def ishigami_with_chance(rng: np.random.Generator, noise: float) -> sobol.VarianceShares:
    """Of Ishigami's function, with a fourth input that does nothing."""
    return with_chance(rng, ishigami, 4, noise)


def shares_held(told: Sequence[sobol.VarianceShares], noise: float) -> dict[str, int]:
    """How often each share of Ishigami's function with noise lies in its interval, by the closed form."""
    alone, second, both = 0.5 * (1.0 + 0.1 * math.pi**4 / 5.0) ** 2, 49.0 / 8.0, 0.08 * math.pi**8 / 225.0
    whole = alone + second + both + noise**2
    first = {"x1": alone, "x2": second, "x3": 0.0, "x4": 0.0}
    total = {"x1": alone + both, "x2": second, "x3": both, "x4": 0.0}

    def held(estimates: Sequence[Estimate], truth: float) -> int:
        return sum(one.low <= truth / whole <= one.high for one in estimates)

    return (
        {f"S1 {name}": held([one.S1[name] for one in told], truth) for name, truth in first.items()}
        | {f"ST {name}": held([one.ST[name] for one in told], truth) for name, truth in total.items()}
        | {"chance": held([one.chance for one in told], noise**2)}
    )


def table_of_shares(experiments: int = 1_000) -> None:
    """Of MODEL.md: how often shares of variance hold."""
    for noise in (0.0, 3.0, 6.0):
        told = [ishigami_with_chance(np.random.default_rng(i), noise) for i in range(experiments)]
        print(f"\nIshigami with noise {noise:g}, {experiments} experiments: {shares_held(told, noise)}", flush=True)


if __name__ == "__main__":
    table_of_fixed_sizes()
    print(f"\nStudent's at every look: normal, and 5 % never: {of_students_rule(1_000)}")
    table_of_stops()
    print_limits()
    table_of_selections()
    table_of_shares()
