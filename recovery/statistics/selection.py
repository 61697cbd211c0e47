"""Which policies are not told apart from the best, and whether one may be chosen: one mechanism.

What is compared is the mean of restricted times, E[min(time, limit)]: it is bounded, so that a run that never recovers
counts as what it costs, and its chance needs no model. For each pair of policies the difference, unit by unit on common
random numbers, has an exact sequence of lower ends (`confidence.lower`), valid at every look with error
alpha / (policies - 1). The best policy is wrongly excluded, or another wrongly called as good, only if one of the
sequences of the best against the others fails: with probability alpha at most, at all looks together.

A policy that has not collapsed yet has no small variance to offer: until as many units are seen as a rare collapse
needs, the lower end allows for it.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Collection
from typing import NamedTuple

import numpy as np

from recovery import theory
from recovery.statistics import confidence
from recovery.statistics.arrays import Floats, Whole
from recovery.statistics.estimate import UNKNOWN, Estimate
from recovery.statistics.given import between_0_and_1, numbers, same_length


class Selected(NamedTuple):
    """What is known of all policies at one look."""

    leader: int | None
    """The policy with the least mean restricted time among those that are left; None if none ran."""
    not_told_apart: tuple[int, ...]
    """Policies that no sequence excludes, the leader first, then by their mean: the best is among them."""
    excluded: tuple[int, ...]
    """Policies that are beaten: some policy is better, surely enough."""
    chosen: int | None
    """The leader, if nobody that is left, save those of `too_often`, can be better by more than the indifference, and
    never is rare; else None."""
    differences: tuple[Estimate, ...]
    """Of each policy its mean restricted time less the leader's (s), with the ends of both one-sided sequences, each
    with error alpha / (policies - 1); 0 for the leader, nan where they have no common unit."""
    never: tuple[Estimate, ...]
    """Chance of never of each policy, with error alpha / 2 as in `confidence.looked`."""
    too_often: tuple[int, ...]
    """Policies whose chance of never is surely above `never_max`: they are not chosen, whatever their time is."""
    why_not: str
    """Why none is chosen; empty if one is."""


@functools.cache
def units_that_tell_apart(policies: int, alpha: float = 0.05) -> int:
    """The fewest units at which `select` can exclude any of so many policies (two at least): where one is back at once
    and the other never in every unit. A smaller difference takes more. Raises ValueError for fewer policies.
    """
    if policies < 2:
        raise ValueError(f"policies is {policies}; want two or more")
    each = between_0_and_1("alpha", alpha) / (policies - 1)
    units = 1
    while not confidence.lower(np.ones(units), each) > 0.5:
        units += 1
    return units


def lower_end(differences_s: object, units: object, limit_s: float, alpha: float) -> float:
    """The lower end (s) of one mean difference between -limit and limit, at every look: the test of `select`, for what
    is no single policy. `differences_s` float[n], `units` n labels. Raises ValueError otherwise.
    """
    differences = numbers("differences_s", differences_s, 1)
    _, code = np.unique(np.asarray(units), return_inverse=True)
    same_length("units", np.asarray(code, np.float64), "differences_s", len(differences))
    share = np.clip(0.5 + 0.5 * np.bincount(code, differences) / np.bincount(code) / limit_s, 0.0, 1.0)
    return float(limit_s * (2.0 * confidence.lower(share, alpha) - 1.0))


def surely_more_often(mine: object, theirs: object, units: object, alpha: float = 0.05) -> bool:
    """Whether something happens more often in runs than in those of another that met the same draws, run by run: by
    `lower_end` of the difference, which asks nothing of the runs of a unit, and holds at every look. With error alpha /
    2, since it is asked of both directions. `mine`, `theirs` bool[n], `units` n labels. Raises ValueError otherwise.
    """
    by = np.asarray(mine, np.float64) - np.asarray(theirs, np.float64)
    return lower_end(by, units, 1.0, between_0_and_1("alpha", alpha) / 2) > 0.0


def may_be_chance(mine: object, theirs: object, *, are_paired: bool) -> bool:
    """Whether chance may make it that something happens more often in some runs than in others, each of them a unit
    that is looked at once: by McNemar's exact test where runs at the same place have their random numbers in common,
    by Fisher's where they are independent. All of the one and none of the other is no chance, however few they are.
    `mine`, `theirs` bool[n] (of independent runs any two lengths from 1). Raises ValueError otherwise.
    """
    a, b = (np.asarray(one, bool) for one in (mine, theirs))
    if abs(a.mean() - b.mean()) == 1.0:
        return False
    if not are_paired:
        return theory.fisher_p(int(a.sum()), len(a), int(b.sum()), len(b)) > theory.CHANCE_P
    same_length("theirs", b, "mine", len(a))
    return theory.mcnemar_p(int((a & ~b).sum()), int((b & ~a).sum())) > theory.CHANCE_P


def _shares(values: Floats, leader: int, code: Whole, limit_s: float) -> Floats:
    """Of each policy and unit the difference from the leader in [-limit, limit], as a share of that range: 1/2 is no
    difference; nan where they have no common run. `values` float[p, n] are restricted, `code` the number of each run's
    unit. Returns float64[p, units].
    """
    units = int(code.max()) + 1
    share = np.full((len(values), units), math.nan)
    for i, row in enumerate(values):
        both = ~np.isnan(row) & ~np.isnan(values[leader])
        size = np.bincount(code[both], minlength=units)
        worse = np.bincount(code[both], (row - values[leader])[both], minlength=units)
        share[i, size > 0] = 0.5 + 0.5 * worse[size > 0] / (size[size > 0] * limit_s)
    return np.asarray(np.clip(share, 0.0, 1.0))


def units_to_choose(
    times_s: object,
    units: object,
    selected: Selected,
    *,
    alpha: float = 0.05,
    limit_s: float,
    indifference_s: float,
    never_max: float,
) -> float:
    """At how many units `select` would choose the leader, if further units were like those so far: their values again
    and again in the same proportions. An estimate, without an interval; inf if no number of such units is enough, nan
    if no policy ran.

    Arguments as those of `select`, with what it `selected` of them; a time is never where it is inf.
    """
    if selected.leader is None:
        return math.nan
    times = np.asarray(times_s, np.float64)
    _, code = np.unique(np.asarray(units), return_inverse=True)
    share = _shares(np.minimum(times, limit_s), selected.leader, code, limit_s)
    each = alpha / max(len(times) - 1, 1)
    least = 0.5 - 0.5 * indifference_s / limit_s
    rivals = set(selected.not_told_apart) - {selected.leader} - set(selected.too_often)
    found = [confidence.units_above(share[i][~np.isnan(share[i])], least, each) for i in rivals]
    own = ~np.isnan(times[selected.leader])
    lost = np.isinf(times[selected.leader][own])
    return max([*found, confidence.units_below(lost, code[own], never_max, alpha / 2.0)])


def select(
    times_s: object,
    never: object,
    units: object,
    *,
    alpha: float = 0.05,
    limit_s: float,
    indifference_s: float,
    never_max: float,
    excluded: Collection[int] = (),
) -> Selected:
    """The policies that are not told apart from the best, and the one that is chosen, if any.

    `times_s` float[p, n] a row a policy and a column a run (the same inputs and random numbers in each row), `inf` for
    never, nan where a policy did not run; `never` bool[p, n] where it did not recover; `units` n labels: the run, or
    the replication where runs of it are not independent; `excluded` policies that an earlier look excluded: they stay
    so. Raises ValueError otherwise.
    """
    times, lost = np.asarray(times_s, np.float64), np.asarray(never, bool)
    if times.ndim != 2 or times.size == 0 or lost.shape != times.shape:
        raise ValueError(f"times_s has shape {times.shape}, never {lost.shape}; want both [policies, runs]")
    if (times < 0.0).any():
        raise ValueError(f"times_s holds {np.nanmin(times)}; want numbers from 0, inf or nan")
    _, code = np.unique(np.asarray(units), return_inverse=True)
    if code.shape != times.shape[1:]:
        raise ValueError(f"units has shape {code.shape}; want {times.shape[1:]}, one label a run")
    if not 0.0 < limit_s < math.inf:
        raise ValueError(f"limit_s is {limit_s}; want a finite number above 0")
    if not 0.0 <= indifference_s < math.inf:
        raise ValueError(f"indifference_s is {indifference_s}; want a finite number from 0")
    between_0_and_1("never_max", never_max)
    each = between_0_and_1("alpha", alpha) / max(len(times) - 1, 1)
    ran = ~np.isnan(times)
    values = np.where(ran, np.where(lost, limit_s, np.minimum(times, limit_s)), math.nan)
    chances = tuple(
        confidence.never(np.where(lost[i], math.inf, 0.0)[ran[i]], code[ran[i]], alpha / 2.0)
        if ran[i].any()
        else Estimate(math.nan, 0.0, 1.0)
        for i in range(len(times))
    )
    too_often = tuple(i for i, one in enumerate(chances) if one.low > never_max)
    nothing = tuple([UNKNOWN] * len(times))
    left = [i for i in range(len(times)) if i not in excluded and ran[i].any()]
    if not left:
        return Selected(
            None, (), tuple(sorted(excluded)), None, nothing, chances, too_often, "no policy is left that ran"
        )
    means = {i: float(values[i][ran[i]].mean()) for i in range(len(times)) if ran[i].any()}
    leader = min(left, key=lambda i: (means[i], i))

    share = _shares(values, leader, code, limit_s)
    seen = ~np.isnan(share)
    low = limit_s * (2.0 * confidence.lower(share, each) - 1.0)
    high = -limit_s * (2.0 * confidence.lower(1.0 - share, each) - 1.0)
    differences = tuple(
        Estimate(0.0, 0.0, 0.0) if i == leader
        else Estimate(limit_s * (2.0 * float(share[i, seen[i]].mean()) - 1.0), float(low[i]), float(high[i]))
        if seen[i].any() else UNKNOWN
        for i in range(len(times))
    )  # fmt: skip
    beaten = {i for i in left if i != leader and low[i] > 0.0}
    alive = sorted((i for i in left if i not in beaten), key=lambda i: (i != leader, means[i], i))
    nearer = sum(differences[i].low < -indifference_s for i in alive if i not in too_often)
    why = [f"{nearer} may be better than the soonest so far by more than the indifference"] if nearer else []
    if not chances[leader].high < never_max:
        why.append("the soonest so far may still fail to recover too often")
    return Selected(
        leader,
        tuple(alive),
        tuple(sorted({*excluded, *beaten})),
        None if why else leader,
        differences,
        chances,
        too_often,
        " and ".join(why),
    )
