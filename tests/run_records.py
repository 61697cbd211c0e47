"""Records of a run for tests of what is told of one: made by hand, with the scenario of a small fleet."""

import functools
import math
from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from recovery.reading.experiment import parse
from recovery.store.manifest_record import FORMAT
from recovery.store.record import Share
from recovery.store.run_record import Group, Measured, Row, Summary
from recovery.store.scenario_record import Scenario
from recovery.study.resolved import resolved

FLEET = """
horizon = "1h"
fleet = { holders = 200, hosts = 4 }
host = { establish_time = "200ms", timeout = "5s" }
lease = { duration = "2m", check_every = "30s" }
"""


@functools.cache
def scenario_of(text: str = FLEET) -> Scenario:
    """The first variant of a scenario, resolved."""
    return resolved(parse(text).first.scenario)


def row_of(
    variant: str,
    replication: int = 0,
    verdict: str = "recovered",
    levers: Mapping[str, JsonValue] | None = None,
    seed: int = 1,
    **measures: float,
) -> Row:
    """A run with these measures."""
    return Row(
        variant=variant, levers=dict(levers or {}), seed=seed, replication=replication, digest="", cpu_s=0.0,
        verdict=verdict, measures=measures,
    )  # fmt: skip


def group_of(
    variant: str,
    verdicts: Mapping[str, int] | None = None,
    levers: Mapping[str, JsonValue] | None = None,
    scenario: Scenario | None = None,
    **means: float | Measured,
) -> Group:
    """A variant with these means; where only a number is given, the mean has no interval."""
    verdicts = verdicts or {"recovered": 1}
    measures = {
        name: mean if isinstance(mean, Measured) else Measured(mean=mean, low=math.nan, high=math.nan)
        for name, mean in means.items()
    }
    return Group(
        variant=variant, levers=dict(levers or {}), runs=sum(verdicts.values()), verdicts=dict(verdicts),
        collapsed=Share(share=verdicts.get("collapsed", 0) / sum(verdicts.values())), measures=measures,
        scenario=scenario or scenario_of(),
    )  # fmt: skip


def summary_of(rows: Sequence[Row], groups: Sequence[Group] = ()) -> Summary:
    """A summary of these runs; without groups, of their variants in order."""
    names = dict.fromkeys(row.variant for row in rows)
    return Summary(format=FORMAT, rows=tuple(rows), groups=tuple(groups or map(group_of, names)), recovers_from_s=100.0)
