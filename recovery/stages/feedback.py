"""Stages that give something back to one before them run as one: window by window, each after those before it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from recovery_kernels import feedback as kernel
from recovery_kernels import health as checks
from recovery_kernels import launches
from recovery_kernels import propagation as network
from recovery_kernels.by_address import address_of

from recovery.model.scenario import Scenario
from recovery.stages import health, propagation
from recovery.stages.launches import LaunchRun
from recovery.stages.propagating import PropagationRun
from recovery.stages.stage import StageRun


def is_one_kernel(scenario: Scenario) -> bool:
    """Whether its launches, propagation and health checks are a loop that one kernel runs."""
    network = scenario.propagation
    return (
        scenario.health is not None
        and network is not None
        and (health.STAGE.feeds_back(scenario) and propagation.is_plain(network))
    )


def loop_of(runs: Sequence[StageRun]) -> "Loop":
    """These stages as one."""
    if len(runs) == kernel.STAGES:
        first, second, third = runs
        if (
            isinstance(first, LaunchRun)
            and isinstance(second, propagation.Fed)
            and type(second.run) is PropagationRun  # not event by event
            and isinstance(third, health.Fed)
        ):
            return _OneKernel(runs, first, second, third.run)
    return Loop(runs)


@dataclass
class Loop:
    """Stages of which one gives something back to one before it; `advance` may be called with any rising windows."""

    runs: Sequence[StageRun]
    at: int = field(default=0, kw_only=True)

    def advance(self, until: int) -> None:
        """Run the windows before `until`."""
        while self.at < until:
            self.at += 1
            for run in self.runs:
                run.advance(self.at)


@dataclass
class _OneKernel(Loop):
    """Launches, propagation and health checks, which one kernel takes through many windows at once."""

    first: LaunchRun
    second: propagation.Fed
    third: health.HealthRun
    addresses: tuple[int, ...] = ()

    def advance(self, until: int) -> None:
        """Run the windows before `until`."""
        self.first.begin()
        while status := self._run(until):
            stage, said = status % kernel.STAGES, status // kernel.STAGES
            if stage == kernel.LAUNCHES:
                self.first.grow(said)
            elif stage == kernel.PROPAGATION:
                self.second.run.grow(said)
            else:
                self.third.grow()

    def _run(self, until: int) -> int:
        """The kernel's run up to a window, with the arrays as they are now; what it says."""
        first, second, third = self.first, self.second.run, self.third
        jobs, known = first.state.jobs, first.state.first
        second.inputs = second.inputs._replace(jobs=jobs, first=known)
        finishes, told = second.state.finishes, second.state.told
        third.inputs = third.inputs._replace(jobs=jobs, first=known, finishes=finishes, told=told)
        if not self.addresses:  # of this process alone
            self.addresses = (
                address_of(launches.advance, *first.arguments, _A_WINDOW),
                address_of(network.advance, *second.arguments, _A_WINDOW),
                address_of(checks.advance, *third.arguments, _A_WINDOW),
            )
        one, two, three = self.addresses
        return int(
            kernel.advance(
                kernel.Launching(one, *first.arguments),
                kernel.Propagating(two, *second.arguments, int(self.second.is_seen)),
                kernel.Checking(three, *third.arguments),
                np.int64(until),
            )
        )


_A_WINDOW = np.int64(0)  # any: a kernel is compiled for its type
