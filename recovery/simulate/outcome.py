"""What one run gave: a table of columns for each of its stages, and its measures, which are the stages' own."""

from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from recovery.measures import register
from recovery.model.scenario import Scenario
from recovery.model.variant import Variant
from recovery.stages import classes
from recovery.stages.outage import Away, outages_of
from recovery.stages.stage import Act, Row, Table
from recovery.stages.traffic import TrafficTable
from recovery.statistics.arrays import Floats, Numbers, Whole

T = TypeVar("T", bound=Table)
Task = tuple[Variant, int, int]  # a run: variant, seed, replication


@dataclass
class Outcome:
    """One run. Its `variant` is the one that the run met: with the outages that were drawn for it. `times_s`
    float64[windows] are the ends of the windows; `traffic` is what the hosts gave, `later` what each later stage gave,
    by its name; `actions` what operators did.
    """

    variant: Variant
    seed: int
    replication: int
    times_s: Floats
    traffic: TrafficTable
    later: dict[str, Table] = field(default_factory=dict)
    actions: list[Act] = field(default_factory=list)
    cpu_s: float = 0.0

    @property
    def scenario(self) -> Scenario:
        """The scenario that was run."""
        return self.variant.scenario

    @property
    def series(self) -> dict[str, Whole]:
        """int64[windows] for each column of the hosts."""
        return self.traffic.columns

    @property
    def holders(self) -> int:
        """Lease holders; 0 for jobs."""
        return self.traffic.holders

    @property
    def outages(self) -> list[Away]:
        """What the dependency did in this run, in order of time."""
        return outages_of(self.scenario)

    def leased_share(self) -> Floats:
        """float64[windows], share of holders with a lease."""
        return self.traffic.leased_share()

    def backlog(self) -> Whole:
        """int64[windows], jobs that have neither succeeded nor given up."""
        return self.traffic.backlog()

    def find(self, kind: type[T]) -> T | None:
        """The table of this class; None if no stage of the run gave one."""
        return next((table for table in (self.traffic, *self.later.values()) if isinstance(table, kind)), None)

    def columns(self) -> dict[str, Numbers]:
        """int64[windows] or float64[windows] for each column of all stages, by name, in the order of series.parquet:
        those of the hosts, what is computed of these, then stage after stage.
        """
        found = self.traffic.columns | self.traffic.computed(self.scenario)
        for table in self.later.values():
            found = found | table.columns | table.computed(self.scenario)
        return found

    def measure(self) -> Row:
        """One row of results (recovery.measures.register says what each measure is)."""
        row: Row = {"recovers_from_s": self.scenario.recovers_from_s}
        for table in (self.traffic, *self.later.values()):
            row |= table.measures(self.scenario, self.times_s)
        row |= classes.measures(self.traffic, self.scenario, self.times_s)
        if self.later:  # of the last of the stages, from the start; 0 is always
            ends = [one.name for stage, one in register.normals().items() if stage != register.ALL]
            row["all_normal_s"] = max(float(row[name]) for name in ends if name in row)
        return row


def of_traffic(variant: Variant, seed: int, replication: int, table: TrafficTable, cpu_s: float) -> Outcome:
    """The outcome of a variant's hosts, before any later stage."""
    scenario = variant.scenario
    times_s = np.asarray(np.arange(1, scenario.windows + 1) * scenario.coupling.window, np.float64)
    return Outcome(variant, seed, replication, times_s, table, actions=table.actions(scenario), cpu_s=cpu_s)
