"""Looks at a sweep's results: which policies are known well enough, beaten or chosen. It depends on results alone."""

import math
from collections.abc import Sequence

import numpy as np

from recovery.model.sweep import Sweep
from recovery.statistics import confidence, selection
from recovery.statistics.arrays import Floats, Whole
from recovery.store.sweep_record import Status
from recovery.study.sweep.draws import Drawn
from recovery.study.sweep.estimates import ALPHA
from recovery.study.sweep.policies import Policy

Place = tuple[int, int]
"""A replication and the number of a draw in it."""


class Looks:
    """Times of every policy so far, and what was concluded at the looks."""

    def __init__(self, sweep: Sweep, policies: Sequence[Policy]) -> None:
        """Nothing is known yet."""
        self.sweep, self.policies = sweep, policies
        self.limit_s = math.nan  # what times are restricted to: known with the first round of runs
        self.draws: dict[Place, Drawn] = {}
        self.times: dict[int, dict[Place, float]] = {policy.number: {} for policy in policies}
        self.status: dict[int, Status] = {}
        self.looks: dict[int, confidence.Look] = {}
        self.selected: selection.Selected | None = None

    @property
    def active(self) -> list[Policy]:
        """Policies that are still run."""
        return [policy for policy in self.policies if policy.number not in self.status]

    @property
    def last(self) -> selection.Selected:
        """What was selected at the last look. Raises ValueError before the first one."""
        if self.selected is None:
            raise ValueError("no look was taken; want `end` first")
        return self.selected

    def times_of(self, policy: int) -> tuple[Floats, Whole]:
        """Times of a policy's runs in order, `inf` for never, and the unit of each."""
        ordered = sorted(self.times[policy].items())
        return np.array([value for _, value in ordered], float), self.units([place for place, _ in ordered])

    def units(self, places: Sequence[Place]) -> Whole:
        """The unit of each (replication, draw)."""
        if self.sweep.runs_are_units:
            return np.array([self.draws[place].run_replication for place in places], np.int64)
        return np.array([replication for replication, _ in places], np.int64)

    def judge(self) -> None:
        """Which policies are known well enough, or beaten."""
        for policy in self.policies:
            if policy.number not in self.status and not self.times[policy.number]:
                self.status[policy.number] = "failed"
        active = [policy.number for policy in self.active]
        if self.sweep.precision is None or not active:
            return
        for number in active:
            self.looks[number] = self._look(number)
        told = self._select()
        # A choice is still to be made, unless the leader collapses too often to be chosen.
        is_open = told.chosen is None and told.leader is not None and self.looks[told.leader].status != "collapses"
        for number in active:
            status = self.looks[number].status
            if number in told.excluded:
                too_often = self.looks[number].never.low > self.sweep.never_max
                self.status[number] = "collapses" if too_often else "beaten"
            elif status != "open" and not is_open:
                self.status[number] = status

    def _look(self, number: int) -> confidence.Look:
        times, unit = self.times_of(number)
        sweep = self.sweep
        return confidence.looked(
            times, unit, precision=sweep.precision or math.inf, never_max=sweep.never_max, alpha=ALPHA
        )

    def _select(self) -> selection.Selected:
        """Look which policies are not told apart from the best; those that were excluded before stay so."""
        times, units = self._table()
        self.selected = selection.select(
            times,
            np.isinf(times),
            units,
            alpha=ALPHA,
            limit_s=self.limit_s,
            indifference_s=self.sweep.indifference,
            never_max=self.sweep.never_max,
            excluded=self.selected.excluded if self.selected else (),
        )
        return self.selected

    def _table(self) -> tuple[Floats, Whole]:
        """Times of all policies, a row each, in all draws, and the unit of each draw."""
        places = sorted(self.draws)
        rows = [[self.times[policy.number].get(place, math.nan) for place in places] for policy in self.policies]
        return np.array(rows, float), self.units(places)

    def replications_to_choose(self) -> float | None:
        """How many replications would choose the soonest so far, if further draws were like these: an estimate. inf
        where no number of such is enough, None where one is chosen or nothing ran.
        """
        if self.last.chosen is not None or self.last.leader is None or len(self.policies) < 2:
            return None
        times, units = self._table()
        wanted = selection.units_to_choose(
            times,
            units,
            self.last,
            alpha=ALPHA,
            limit_s=self.limit_s,
            indifference_s=self.sweep.indifference,
            never_max=self.sweep.never_max,
        )
        if not math.isfinite(wanted):
            return math.inf
        each = len(np.unique(units)) / len({replication for replication, _ in self.draws})
        return float(math.ceil(wanted / each))

    def _last_status(self, number: int) -> Status:
        """The state of a policy that ran to the end."""
        if not self.times[number]:
            return "failed"
        if self.sweep.precision is None:
            return "done"
        status = self.looks[number].status
        return "cap" if status == "open" else status

    def end(self) -> None:
        """The last look, once nothing runs any more."""
        self._select()
        for policy in self.active:
            self.status[policy.number] = self._last_status(policy.number)

    def ranked(self) -> list[Policy]:
        """Policies by their mean restricted time, the least first; what is not known comes last. Where some stopped
        earlier, that is the leader's mean and the mean difference from it where both ran.
        """
        behind = self.selected.differences if self.selected else ()

        def place(policy: Policy) -> tuple[float, int]:
            mean = behind[policy.number].mean if behind else math.nan
            return (math.inf if math.isnan(mean) else mean), policy.number

        return sorted(self.policies, key=place)
