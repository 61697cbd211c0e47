"""What is measured of each class of holders or jobs: the measures of leases or jobs, of its traffic alone."""

import numpy as np

from recovery.measures import register
from recovery.model.scenario import Scenario
from recovery.stages.jobs import JobTable
from recovery.stages.leases import LeaseTable
from recovery.stages.stage import Row
from recovery.stages.traffic import TrafficTable
from recovery.statistics.arrays import Floats


def of_class(table: TrafficTable, name: str) -> TrafficTable:
    """What the hosts gave of one class, as if it were alone there."""
    end = f".{name}"
    held = table.holders_of.get(name)
    part = table.columns[f"in_service{end}"] / np.maximum(table.columns["in_service"], 1)
    kind = JobTable if held is None else LeaseTable
    return kind(
        columns={key.removesuffix(end): column for key, column in table.columns.items() if key.endswith(end)},
        leased_by_zone=table.leased_of.get(name, np.zeros((1, 0), np.int64)),
        holders_by_zone=np.zeros(1, np.int64) if held is None else held,
        sojourn=table.sojourn_of[name],
        latency=table.latency_of[name],
        unleased_ns=0 if held is None else int(table.unleased_ns_of[name][0]),
        unleased_at_start=table.unleased_at_start_of.get(name, np.zeros(len(table.weight))),
        weight=table.weight,
        fired=table.fired,
        begun_of_class_ns=table.begun_work_ns() * part,
    )


def measures(table: TrafficTable, scenario: Scenario, times_s: Floats) -> Row:
    """The measures of each class, by their names with the class behind a dot; none where there are no classes."""
    row: Row = {}
    for name, place in scenario.places.items():
        seen = of_class(table, name).measures(scenario.seen_by(name), times_s)
        own = register.of_classes(register.JOBS if place.is_jobs else register.LEASES)
        row |= {f"{measure}.{name}": seen[measure] for measure in own if measure in seen}
    return row
