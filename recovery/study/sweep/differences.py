"""Policies of a finished sweep beside each other: paired differences of their restricted times."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from recovery.errors import Refusal
from recovery.statistics import clusters
from recovery.store import sweep_record as record
from recovery.store.parts import runs_of_sweep
from recovery.study.sweep.estimates import mean_of, told


def compared(folder: Path, words: Sequence[str]) -> list[record.Difference]:
    """Paired differences of each policy from the first, by name, id, rank or variant. Raises Refusal for unknown
    ones, for fewer than two, and where two have no draw in common.
    """
    import polars as pl

    summary = record.read(folder)
    if len(words) < 2:
        raise Refusal("want two policies or more, the first is what the others are compared with")
    runs = runs_of_sweep(folder).filter((pl.col("role") == "draw") & pl.col("error").is_null())
    measure, unit = summary.measure, "run_replication" if summary.unit == "run" else "replication"
    first, *others = [summary.named(word) for word in words]
    base = runs.filter(pl.col("policy_id") == first.id).select("replication", "draw", pl.col(measure).alias("base"))
    out = []
    for other in others:
        own = runs.filter(pl.col("policy_id") == other.id).select("replication", "draw", "run_replication", measure)
        both = own.join(base, on=["replication", "draw"]).sort("replication", "draw")
        if not both.height:
            raise Refusal(f"{other.name} and {first.name} have no draw in common")
        mine = clusters.restricted(both.get_column(measure).to_numpy(), summary.limit_s)
        theirs = clusters.restricted(both.get_column("base").to_numpy(), summary.limit_s)
        by = mean_of(mine - theirs, both.get_column(unit).to_numpy(), is_sequential=summary.precision is not None)
        verdict: Literal["sooner", "later", "not told apart"] = "not told apart"
        if by.high < 0 or by.low > 0:
            verdict = "sooner" if by.high < 0 else "later"
        out.append(
            record.Difference(
                policy=other.name,
                policy_id=other.id,
                words=other.in_words,
                than=first.name,
                than_id=first.id,
                than_words=first.in_words,
                measure=measure,
                difference_s=told(by),
                draws=both.height,
                sooner_share=float(np.mean(mine < theirs)),
                later_share=float(np.mean(mine > theirs)),
                verdict=verdict,
            )
        )
    return out
