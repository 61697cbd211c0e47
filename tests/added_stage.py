"""Calls for help of customers who gave up their launches: a stage, as docs/adding.md adds one."""

from dataclasses import dataclass

import numpy as np
from pydantic import Field
from recovery_kernels import launches as kernel

from recovery.measures.register import Measure
from recovery.model.part import Part
from recovery.model.scenario import Scenario
from recovery.stages.launches import LaunchRun
from recovery.stages.stage import Before, Column, Later, Row, StageRun, Table, named
from recovery.units import Share


class Calls(Part):
    """A table [calls]: who gives up a launch may call for help."""

    share: Share = Field(0.5, description="share of those who give up that call")


class WithCalls(Scenario):
    """A scenario that may have calls."""

    calls: Calls | None = Field(None, description="calls of customers who gave up")


MEASURES = (
    Measure(
        name="calls_peak",
        kind="count",
        stage="calls",
        title="most calls",
        meaning="most calls in one window",
        is_expected=True,
        is_shown=True,
    ),
    Measure(
        name="calls_normal_s",
        kind="milestone",
        stage="calls",
        title="calls",
        meaning="when the last window with a call is over",
        is_expected=True,
        is_recovery=True,
    ),
)

CALLED = 0  # the only column of its series


class CallTable(Table):
    """What came of the calls."""

    def measures(self, scenario: Scenario, times_s: np.ndarray) -> Row:
        """How many call at most, and until when."""
        calls = self.columns["calls"]
        last = np.flatnonzero(calls)
        return {"calls_peak": int(calls.max()), "calls_normal_s": float(times_s[last[-1]]) if len(last) else 0.0}


@dataclass
class CallRun(StageRun):
    """The stage behind the launches. It has no memory, so a line of NumPy stands where others call their kernel."""

    share: float
    launches: LaunchRun
    series: np.ndarray
    done: int = 0

    def advance(self, until: int) -> None:
        """Run the windows before `until`."""
        new = slice(self.done, until)
        self.series[new, CALLED] = np.round(self.share * self.launches.state.series[new, kernel.GAVE_UP])
        self.done = until

    def table(self) -> CallTable:
        """Its series."""
        return CallTable(columns=named(STAGE.columns, self.series))


class _Calls(Later):
    name = "calls"
    table = CallTable
    columns = (Column("calls", "flow", "calls of customers who gave up", CALLED),)

    def start(self, before: Before) -> CallRun:
        (share,) = self.lowered(before.scenario)
        windows = np.zeros((before.scenario.windows, 1), np.int64)
        return CallRun(share, before.run_of(LaunchRun), windows)

    def lowered(self, scenario: Scenario) -> tuple[float]:
        """What enters its kernel: a run's key changes with it."""
        if not isinstance(scenario, WithCalls) or scenario.calls is None:
            raise ValueError("no [calls]")
        return (scenario.calls.share,)


STAGE = _Calls()
