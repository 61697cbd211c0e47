"""The run that an answer of a sweep explains: of the runs of the baseline that end as most do, the middle
one. A mean over draws would mix runs of different scenarios, of which no rule can name a mechanism.
"""

import collections
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from recovery.measures import register
from recovery.model.variant import Variant
from recovery.stages import known
from recovery.stages.outage import outages_of, resolve
from recovery.store.run_record import Row
from recovery.store.sweep_record import Middle, Value
from recovery.study.resolved import resolved
from recovery.study.runs.chunks import hosts
from recovery.study.summary import actions_of, lost_again, tells_lost_again, unleased
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
    ran = resolve(drawn, work.seed, job.run_replication)
    found = record_of(row, ran, first.variant, work.seed, job.run_replication)
    return found.model_copy(update={"alike": alike, "runs": own.height})


def in_the_middle(own: "pl.DataFrame", measure: str, *then: str) -> tuple[dict[str, Value], int]:
    """Of runs the one in the middle by a measure (equal ones in the order of other columns) among those that end as
    most do, as a row; and how many end so.
    """
    import polars as pl

    verdict, alike = collections.Counter(own.get_column("verdict").to_list()).most_common(1)[0]
    place = pl.col(measure).cast(pl.Float64).fill_null(math.inf)
    ordered = own.filter(pl.col("verdict") == verdict).sort(place, *then)
    return ordered.row((ordered.height - 1) // 2, named=True), alike


def record_of(row: Mapping[str, Value], ran: Variant, variant: str, seed: int, replication: int) -> Middle:
    """A run of which a row is kept, with its scenario, as if it were the only one. `ran` is what ran, as it was drawn,
    `variant` what it is called.
    """
    scenario = ran.scenario
    course = outages_of(scenario)
    names = [one for one in row if register.find(one, known.traffic_of(scenario).name) is not None]
    found = Middle(
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
    return _seen_again(found, ran, seed, replication)


def _seen_again(found: Middle, ran: Variant, seed: int, replication: int) -> Middle:
    """With what no row of a run has, and a simulation of its hosts tells: how often leases were lost again; and where
    they were lost once more after all were back, when they were away, and what operators did by then.
    """
    scenario, is_lost = ran.scenario, found.row.is_lost_again("ttr99_s")
    if not (is_lost or tells_lost_again(scenario)):
        return found
    outcomes = [hosts((ran, seed, replication))]
    found = found.model_copy(update={"lost_again": lost_again(outcomes, scenario)})
    if not is_lost:
        return found
    own = {
        "row": found.row.model_copy(update={"actions": actions_of(outcomes[0])}),
        "scenario": resolved(scenario, outcomes[0].traffic.fired.tolist()),
        "unleased_spans": unleased(outcomes, scenario.hold),
    }
    return found.model_copy(update=own)
