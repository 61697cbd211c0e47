"""What is told of one policy: its times and chances with intervals, regret, harm, difference from the baseline."""

import collections
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from recovery.measures import register
from recovery.measures.register import TrafficName
from recovery.statistics import clusters, confidence
from recovery.statistics.arrays import Floats, Whole
from recovery.store import sweep_record as record
from recovery.store.record import Estimate
from recovery.study.sweep.estimates import CONFIDENCE, chance_of, difference_of, mean_of, told, told_share
from recovery.study.sweep.looks import Looks, Place
from recovery.study.sweep.policies import Policy

if TYPE_CHECKING:
    import polars as pl

NEVER_FAR_S = 600.0  # a policy whose regret stays below this in every draw is never far from the best


def best_in_each(looks: Looks) -> dict[Place, float]:
    """The least restricted time in each draw, over the policies that ran there."""
    best: dict[Place, float] = {}
    for times in looks.times.values():
        for place, value in times.items():
            best[place] = min(best.get(place, math.inf), value, looks.limit_s)
    return best


def policy_of(
    looks: Looks,
    policy: Policy,
    baseline: Policy,
    rank: int,
    rows: "pl.DataFrame",
    traffic: TrafficName,
    best: Mapping[Place, float],
) -> record.Policy:
    """What is told of one policy; `rows` are its runs, `best` the least time in each draw."""
    import polars as pl

    selected = looks.last
    good = rows.filter(pl.col("error").is_null())
    errors = rows.get_column("error").drop_nulls().to_list()
    out = record.Policy(
        id=policy.id,
        name=policy.name,
        words=policy.words,
        variant=policy.variant,
        levers=policy.levers,
        is_baseline=policy is baseline,
        rank=rank,
        status=looks.status[policy.number],
        not_told_apart=policy.number in selected.not_told_apart and policy.number not in selected.too_often,
        is_chosen=policy.number == selected.chosen,
        from_best=told(selected.differences[policy.number]),
        difference=_difference(looks, policy.number, baseline.number) if good.height else None,
        failed=len(errors),
        failed_because=_most_frequent(errors),
        runs=good.height,
        replications=good.get_column("replication").n_unique(),
        regret=record.Regret(far_s=NEVER_FAR_S),
        harm=dict.fromkeys(register.harms(traffic), record.UNKNOWN),
        held_s=policy.held_s,
    )
    return _measured(looks, policy, good, out, best) if good.height else out


def _measured(
    looks: Looks, policy: Policy, good: "pl.DataFrame", out: record.Policy, best: Mapping[Place, float]
) -> record.Policy:
    """The same with what its runs say."""
    import polars as pl

    times, unit = looks.times_of(policy.number)
    limit_s, is_sequential = looks.limit_s, looks.sweep.precision is not None
    values, finite = clusters.restricted(times, limit_s), np.isfinite(times)
    if is_sequential:
        look = looks.looks[policy.number]
        recovered, never = look.recovered, look.never
        whole = confidence.restricted(recovered, never, limit_s)
    else:
        never = chance_of(~finite, unit)
        recovered = clusters.ratio(np.where(finite, times, 0.0), finite.astype(float), unit, CONFIDENCE, 0.0)
        whole = mean_of(values, unit, is_sequential=False, low=0.0, high=limit_s)
    unit_of_rows = looks.units(list(good.select("replication", "draw").iter_rows()))
    fell = good.get_column("verdict").to_numpy() == "collapsed"

    def mean_of_column(name: str) -> Estimate:
        if name not in good.columns:
            return record.UNKNOWN
        column = good.get_column(name).cast(pl.Float64).fill_null(math.nan).to_numpy()
        low, high = register.limits_of(name)
        return told(mean_of(column, unit_of_rows, is_sequential=is_sequential, low=low, high=high))

    return out.model_copy(
        update={
            "units": len(np.unique(unit)),
            "restricted": told(whole),
            "given_recovery": told(recovered),
            "half_width_share": clusters.relative_half_width(recovered),
            "not_recovered": told_share(never),
            "collapsed": told_share(chance_of(fell, unit_of_rows)),
            "surely_not_recovered": policy.number in looks.last.too_often,
            "fluid_bound_s": mean_of_column("fluid_bound_s"),
            "worst_s": float(values.max()),
            "regret": _regret(
                values - np.array([best[place] for place in sorted(looks.times[policy.number])]),
                unit,
            ),
            "harm": {harm: mean_of_column(harm) for harm in out.harm},
            "served": mean_of_column("served_share"),
            "amplification": mean_of_column("amplification"),
        }
    )


def _difference(looks: Looks, number: int, baseline: int) -> Estimate | None:
    """Difference from the baseline in the draws that both met; None for the baseline, or without such draws."""
    both = sorted(looks.times[number].keys() & looks.times[baseline].keys())
    if number == baseline or not both:
        return None
    mine = clusters.restricted([looks.times[number][place] for place in both], looks.limit_s)
    other = clusters.restricted([looks.times[baseline][place] for place in both], looks.limit_s)
    is_sequential = looks.sweep.precision is not None
    return told(difference_of(mine, other, looks.units(both), looks.limit_s, is_sequential=is_sequential))


def _regret(regrets: Floats, unit: Whole) -> record.Regret:
    far = regrets > NEVER_FAR_S
    return record.Regret(
        mean=float(regrets.mean()),
        p90=float(np.quantile(regrets, 0.9)),
        max=float(regrets.max()),
        draws=len(regrets),
        far_s=NEVER_FAR_S,
        far=int(far.sum()),
        far_share=told_share(chance_of(far, unit)),
    )


def _most_frequent(errors: Sequence[str]) -> str | None:
    """The error of most failed runs, the first of those as frequent; None without any."""
    return collections.Counter(errors).most_common(1)[0][0] if errors else None
