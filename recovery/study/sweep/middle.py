"""The run that an answer of a sweep explains: of the runs of the baseline that end as most do, the middle
one. A mean over draws would mix runs of different scenarios, of which no rule can name a mechanism.
"""

import collections
import math
from typing import TYPE_CHECKING

from recovery.measures import register
from recovery.stages import known
from recovery.stages.outage import outages_of, resolve
from recovery.store.run_record import Row
from recovery.store.sweep_record import Middle
from recovery.study.resolved import resolved
from recovery.study.sweep.sweeping import Sweeping

if TYPE_CHECKING:
    import polars as pl


def middle_of(work: Sweeping, draws: "pl.DataFrame") -> Middle | None:
    """The middle run; None where the baseline has none. `draws` are the runs of all policies."""
    import polars as pl

    first, measure = work.baseline, work.sweep.measure
    own = draws.filter(pl.col("error").is_null() & (pl.col("policy_id") == first.id))
    if not own.height:
        return None
    verdict, alike = collections.Counter(own.get_column("verdict").to_list()).most_common(1)[0]
    place = pl.col(measure).cast(pl.Float64).fill_null(math.inf)
    ordered = own.filter(pl.col("verdict") == verdict).sort(place, "replication", "draw")
    row = ordered.row((ordered.height - 1) // 2, named=True)
    job = next(job for job, key in work.jobs if key == row["key"] and job.policy == first.number)
    drawn = work.experiment.drawn(job.policy, job.inputs)
    scenario = resolve(drawn, work.seed, job.run_replication).scenario
    course = outages_of(scenario)
    names = [one for one in row if register.find(one, known.traffic_of(scenario).name) is not None]
    return Middle(
        row=Row(
            variant=first.variant, seed=work.seed, replication=job.run_replication, digest=row["key"],
            cpu_s=math.nan, verdict=verdict,
            measures={name: float(row[name]) for name in names if isinstance(row[name], int | float)},
        ),
        scenario=resolved(scenario),
        down_s=max(one.to_s for one in course) - min(one.from_s for one in course) if course else math.inf,
        alike=alike,
        runs=own.height,
    )  # fmt: skip
