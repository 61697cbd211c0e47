"""Policies of a finished sweep beside each other: paired differences of their restricted times, and of their harms."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from recovery.errors import Refusal
from recovery.measures import register
from recovery.measures.for_good import of_rows
from recovery.statistics import clusters
from recovery.statistics.arrays import Flags, Floats
from recovery.statistics.selection import surely_more_often
from recovery.store import sweep_record as record
from recovery.store.parts import runs_of_sweep
from recovery.study.sweep.estimates import difference_of, mean_of, told

if TYPE_CHECKING:
    import polars as pl

_THAN = "_than"
SERVED = "served_share"  # of jobs: it is less that is a harm
ATTEMPTS = "amplification"  # for each success: whoever receives them pays


def compared(folder: Path, words: Sequence[str]) -> list[record.Difference]:
    """Paired differences of each policy from the first, by name, id, rank or variant. Raises Refusal for unknown
    ones, for fewer than two, and where two have no draw in common.
    """
    import polars as pl

    summary = record.read(folder)
    if len(words) < 2:
        raise Refusal("want two policies or more, the first is what the others are compared with")
    runs = runs_of_sweep(folder).filter((pl.col("role") == "draw") & pl.col("error").is_null())
    found = [summary.named(word) for word in words]
    ids = [one.id for one in found]
    if twice := next((i for i, one in enumerate(ids) if one in ids[:i]), 0):
        raise Refusal(
            f"{' and '.join(words)}: {words[twice]} is {found[twice].name}, which is named twice; "
            "want policies that differ"
        )
    first, *others = found
    return [_difference(summary, runs, other, first) for other in others]


def _difference(
    summary: record.Summary, runs: "pl.DataFrame", policy: record.Policy, than: record.Policy
) -> record.Difference:
    """One policy against another, over the draws that both met. Raises Refusal where there are none."""
    import polars as pl

    own, base = (runs.filter(pl.col("policy_id") == one.id) for one in (policy, than))
    both = own.join(base, on=["replication", "draw"], suffix=_THAN).sort("replication", "draw")
    if not both.height:
        raise Refusal(f"{policy.name} and {than.name} have no draw in common")
    unit = both.get_column("run_replication" if summary.unit == "run" else "replication").to_numpy()
    is_sequential = summary.precision is not None

    def beside(name: str) -> tuple[Floats, Floats]:
        return of_rows(both, name), of_rows(both, name, _THAN)

    def lost(suffix: str) -> Flags:
        fell = both.get_column("verdict" + suffix).to_numpy() == "collapsed"
        return np.asarray(np.isinf(of_rows(both, summary.measure, suffix)) | fell)

    mine, theirs = (clusters.restricted(times, summary.limit_s) for times in beside(summary.measure))
    by = difference_of(mine, theirs, unit, summary.limit_s, is_sequential=is_sequential)
    verdict: Literal["sooner", "later", "not told apart"] = "not told apart"
    if by.high < 0 or by.low > 0:
        verdict = "sooner" if by.high < 0 else "later"
    mine_lost, theirs_lost = lost(""), lost(_THAN)
    harms = []
    for name in (*register.harms(summary.traffic), SERVED, ATTEMPTS):
        if name in runs.columns:
            a, b = beside(name)
            with np.errstate(invalid="ignore"):  # where neither has a success, attempts for each are not compared
                by_harm = a - b
            of = told(mean_of(by_harm, unit, is_sequential=is_sequential))
            if not math.isnan(of.mean):
                known = ~np.isnan(by_harm)
                harms.append(record.Harm(name=name, mean=a[known].mean(), than_mean=b[known].mean(), difference=of))
    return record.Difference(
        policy=policy.name,
        policy_id=policy.id,
        words=policy.in_words,
        than=than.name,
        than_id=than.id,
        than_words=than.in_words,
        measure=summary.measure,
        difference_s=told(by),
        draws=both.height,
        sooner_share=float(np.mean(mine < theirs)),
        later_share=float(np.mean(mine > theirs)),
        verdict=verdict,
        traffic=summary.traffic,
        lost=int(mine_lost.sum()),
        than_lost=int(theirs_lost.sum()),
        surely_loses_more=surely_more_often(mine_lost, theirs_lost, unit),
        at_every_look=is_sequential,
        window_s=summary.window_s,
        harms=tuple(harms),
        held_s=policy.held_s,
        than_held_s=than.held_s,
    )
