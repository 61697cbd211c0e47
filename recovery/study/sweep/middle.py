"""The run that an answer of a sweep explains: of the runs of the baseline that end as most do, the middle
one. A mean over draws would mix runs of different scenarios, of which no rule can name a mechanism.
"""

import collections
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from recovery.measures import register
from recovery.model.scenario import Scenario
from recovery.model.variant import Variant
from recovery.stages import known
from recovery.stages.outage import outages_of, resolve
from recovery.store.run_record import Row
from recovery.store.sweep_record import Middle, Value
from recovery.study.resolved import resolved
from recovery.study.runs.chunks import hosts
from recovery.study.summary import lost_again, tells_lost_again
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
    row, alike = in_the_middle(own, measure, "replication", "draw")
    job = next(job for job, key in work.jobs if key == row["key"] and job.policy == first.number)
    drawn = work.experiment.drawn(job.policy, job.inputs)
    scenario = resolve(drawn, work.seed, job.run_replication).scenario
    found = record_of(row, scenario, first.variant, work.seed, job.run_replication)
    lost = _lost_again(drawn, work.seed, job.run_replication)
    return found.model_copy(update={"alike": alike, "runs": own.height, "lost_again": lost})


def in_the_middle(own: "pl.DataFrame", measure: str, *then: str) -> tuple[dict[str, Value], int]:
    """Of runs the one in the middle by a measure (equal ones in the order of other columns) among those that end as
    most do, as a row; and how many end so.
    """
    import polars as pl

    verdict, alike = collections.Counter(own.get_column("verdict").to_list()).most_common(1)[0]
    place = pl.col(measure).cast(pl.Float64).fill_null(math.inf)
    ordered = own.filter(pl.col("verdict") == verdict).sort(place, *then)
    return ordered.row((ordered.height - 1) // 2, named=True), alike


def record_of(row: Mapping[str, Value], scenario: Scenario, variant: str, seed: int, replication: int) -> Middle:
    """A run of which a row is kept, with its scenario, as if it were the only one."""
    course = outages_of(scenario)
    names = [one for one in row if register.find(one, known.traffic_of(scenario).name) is not None]
    return Middle(
        row=Row(
            variant=variant, seed=seed, replication=replication, digest=str(row["key"]),
            cpu_s=math.nan, verdict=str(row["verdict"]),
            measures={name: float(value) for name in names if isinstance(value := row[name], int | float)},
        ),
        scenario=resolved(scenario),
        down_s=max(one.to_s for one in course) - min(one.from_s for one in course) if course else math.inf,
        alike=1,
        runs=1,
    )  # fmt: skip


def _lost_again(variant: Variant, seed: int, replication: int) -> float | None:
    """How often leases were lost again. No row of a run has it, so the hosts of this one run once more."""
    if not tells_lost_again(variant.scenario):
        return None
    return lost_again([hosts((variant, seed, replication))], variant.scenario)
