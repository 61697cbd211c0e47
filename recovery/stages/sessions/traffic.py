"""Leases and jobs of scenarios with rules of part two of the model: the same stages on the engine of sessions.

The engine is loaded where a scenario asks for it: its hundred kernels would be a part of every command's start.
"""

from collections.abc import Sequence

import numpy as np
from recovery_kernels.sessions import layout
from recovery_kernels.sessions.streams import STREAMS

from recovery.measures import register
from recovery.model.scenario import Scenario
from recovery.stages import engines, jobs, leases
from recovery.stages import host as hosts
from recovery.stages.stage import Column, Lowered
from recovery.stages.traffic import Started, Traffic
from recovery.statistics.arrays import Whole

COLUMNS = (
    Column("sessions_ended", "flow", "sessions that ended, and leases with them", layout.ENDED),
    Column("kept", "flow", "submissions that fell due and that operators kept", layout.KEPT_FLOW),
    Column("expiries", "flow", "leases that ran out and became work", layout.EXPIRIES_FLOW),
    Column("expired", "flow", "work of expiries that was done", layout.EXPIRED),
    Column("barred", "flow", "attempts that were barred, or that a guard of their client held back", layout.BARRED),
    Column("unanswered", "flow", "attempts that a silent host never heard", layout.UNANSWERED),
    Column("late", "flow", "successes after the deadline that made a lease all the same", layout.LATE_FLOW),
    Column("purged", "flow", "requests that operators threw away", layout.PURGED),
    Column("resent", "flow", "times that an attempt asked again by itself", layout.RESENT),
    Column("crashes", "flow", "times that a host died of its load", layout.CRASHES),
    Column("own_lost", "flow", "work of the hosts themselves that was lost with them", layout.OWN_LOST),
    Column("own_purged", "flow", "work of the hosts themselves that operators threw away", layout.OWN_PURGED),
    Column("line", "level", "requests that wait for a token", layout.LINE_END),
    Column("outside", "level", "attempts that a silent host has not heard yet", layout.OUTSIDE_END),
    Column("leased_server", "level", "holders with a lease as the server sees it", layout.LEASED_SERVER),
    Column("held", "level", "clients whose submission operators keep", layout.KEPT_END),
    Column("bound", "level", "clients that wait for the success of another class", layout.BOUND_END),
    Column("unaware", "level", "clients that do not know yet that their session ended", layout.UNAWARE_END),
    Column("open", "level", "jobs that are there", layout.OPEN_END),
)  # fmt: skip


class _OfSessions(Traffic):
    """What both have in common."""

    def lowered(self, scenario: Scenario) -> Lowered:
        from recovery.stages.sessions.run import lowered

        return lowered(scenario)

    def set_off(self, run: hosts.Running, scenario: Scenario, host: int, started: Started) -> None:
        from recovery.stages.sessions.on_lanes import LaneSessionRun
        from recovery.stages.sessions.run import SessionRun

        if isinstance(run, LaneSessionRun):
            run.set_off(scenario, host, started)
        elif isinstance(run, SessionRun):
            run.set_off(started)
        else:
            raise TypeError(f"{type(run).__name__} is another engine's host; want one of this")


class _Leases(_OfSessions):
    name = register.LEASES
    table = leases.LeaseTable
    columns = (*leases.STAGE.columns, *COLUMNS)

    def is_in(self, scenario: Scenario) -> bool:
        return scenario.has_leases and bool(scenario.rules)

    def start(self, scenario: Scenario, seed: int, replication: int, host: int, holders: int) -> hosts.Running:
        members = leases.members_of(scenario, host, holders)
        first, expires = steady(scenario, seed, replication, host, members)
        if engines.engine_of(scenario) == engines.LANES:
            from recovery.stages.sessions import on_lanes

            return on_lanes.new_run(scenario, seed, replication, host, members, first, expires)
        from recovery.stages.sessions.run import new_run

        return new_run(scenario, seed, replication, host, members, first, expires)


class _Jobs(_OfSessions):
    name = register.JOBS
    table = jobs.JobTable
    columns = (*jobs.STAGE.columns, *COLUMNS)

    def is_in(self, scenario: Scenario) -> bool:
        return not scenario.has_leases and bool(scenario.rules)

    def start(
        self,
        scenario: Scenario,
        seed: int,
        replication: int,
        host: int,
        holders: int,  # noqa: ARG002
    ) -> hosts.Running:
        from recovery.stages.sessions.run import new_run

        nobody = np.zeros(0, np.int64)
        return new_run(scenario, seed, replication, host, [0] * max(len(scenario.classes), 1), nobody, nobody)


def steady(scenario: Scenario, seed: int, replication: int, host: int, members: Sequence[int]) -> tuple[Whole, Whole]:
    """First submissions and ends of the leases of a host's holders, int64[holders], class by class: in their steady
    state (MODEL.md, section 2), or all at once.
    """
    if scenario.fleet is not None and scenario.fleet.in_step:
        nothing = np.zeros(sum(members), np.int64)
        return nothing, nothing
    seen = [scenario.seen_by(name) for name in scenario.classes] or [scenario]
    each = [
        leases.steady(one, seed, replication, host, many, STREAMS * number)
        for number, (one, many) in enumerate(zip(seen, members, strict=True))
        if one.has_leases
    ]
    return np.concatenate([first for first, _ in each]), np.concatenate([expires for _, expires in each])


LEASES, JOBS = _Leases(), _Jobs()
