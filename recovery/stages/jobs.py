"""Jobs (MODEL.md, section 1): open arrivals at one queueing stage, each with a number of retries."""

import itertools
import math
from dataclasses import dataclass

import numpy as np

from recovery.measures import jobs_backlog, standing
from recovery.measures.register import DEPTHS, JOBS
from recovery.model.at_best import as_done, job_steps
from recovery.model.scenario import Scenario
from recovery.stages import engines, lanes, queueing
from recovery.stages import host as hosts
from recovery.stages.stage import Column, Lowered, Row
from recovery.stages.traffic import COLUMNS, Started, Traffic, TrafficTable, cycle_s
from recovery.statistics.arrays import Flags, Floats, Numbers


def start(
    scenario: Scenario, seed: int, replication: int, host: int, controls: list[queueing.Control]
) -> hosts.Running:
    """An empty host before its first job; every host has an equal part of the arrivals, with draws of its own."""
    if scenario.jobs is None:
        raise ValueError("no [jobs]")
    table = queueing.MeasuredValues()
    params = queueing.params(scenario, table)
    arrivals = [(step.at, step.rate_per_s() / scenario.jobs.hosts) for step in scenario.jobs.steps]
    inputs = queueing.inputs(controls, table, arrivals)
    keys = hosts.stream_keys(seed, replication, host)
    if engines.runs_on_lanes(scenario, params):
        same = lanes.Hosts(params, inputs, windows=scenario.windows, span_ns=queueing.span_ns(scenario))
        return same.start_jobs(keys, at_once(scenario))
    return hosts.new_host(
        params,
        inputs,
        keys,
        clients=at_once(scenario),
        windows=scenario.windows,
        span_ns=queueing.span_ns(scenario),
    )


def at_once(scenario: Scenario) -> int:
    """How many jobs to expect on a host at one time."""
    steps = scenario.steps
    most = max(step.rate_per_s() for step in steps) / scenario.hosts * scenario.host.timeout.mean_s()
    return max(64, min(round(4 * most), 1 << 20))


@dataclass(kw_only=True)
class JobTable(TrafficTable):
    """What the hosts that share the jobs gave."""

    def computed(self, scenario: Scenario) -> dict[str, Numbers]:  # noqa: ARG002
        """Jobs without an answer."""
        return {"backlog": self.backlog(), **self.computed_of_classes()}

    def measures(self, scenario: Scenario, times_s: Floats) -> Row:
        """Times until the backlog is cleared, verdict, work, latencies (MODEL.md, section 4)."""
        flows, back, hold, missing = self.columns, scenario.recovers_from_s, scenario.hold, self.backlog()
        found = jobs_backlog.normal_of(times_s, missing, self.quiet(scenario, times_s), back)
        times = jobs_backlog.jobs_times_s(times_s, missing, found, back, hold)
        ttr99_s = times["ttr99_s"]
        row: Row = {**times}
        row["backlog_peak"] = int(flows["backlog_max"].max(initial=0))
        row["backlog_end"] = int(missing[-1])
        row["served_share"] = float(flows["succeeded"].sum() / max(flows["arrived"].sum(), 1))
        row["gave_up"] = int(flows["gave_up"].sum())
        row |= self.standing(
            scenario, times_s, missing, most=found.allowed(DEPTHS["ttr99_s"]), normal=found.level, ttr99_s=ttr99_s,
            is_served=jobs_backlog.is_served(times_s, flows["succeeded"], flows["gave_up"], hold),
        )  # fmt: skip
        row |= self.work(scenario, times_s, ttr99_s) | self.quantiles(self.latency, "latency")
        return row | self.by_rules(scenario, times_s) | self.denials()

    def quiet(self, scenario: Scenario, times_s: Floats) -> Flags:
        """bool[windows], those that tell how many jobs without an answer are normal: before anything happens; where
        there are none, or more is asked for at the end than then, those of the last stretch, if jobs are served in it
        and do not become more.
        """
        flows, back, hold = self.columns, scenario.recovers_from_s, scenario.hold
        steps = [(step.at, step.rate_per_s()) for step in job_steps(as_done(scenario, self.fired.tolist()))]
        happens = [outage.start for outage in scenario.outages[:1]]
        happens += [at for (_, before), (at, rate) in itertools.pairwise(steps) if rate > before]
        happens += [action.at for action in scenario.operator if action.at is not None]
        quiet = np.asarray(times_s <= min(back, *happens, math.inf))
        if quiet.any() and steps[-1][1] <= steps[0][1]:
            return quiet
        stretch = standing.stretch_s(times_s, back, hold, cycle_s(scenario))
        is_served = jobs_backlog.is_served(times_s, flows["succeeded"], flows["gave_up"], hold)
        if is_served and not standing.drift(times_s, self.backlog(), stretch).rises:
            return np.asarray(times_s > times_s[-1] - stretch)
        return quiet


class _Jobs(Traffic):
    name = JOBS
    table = JobTable
    columns = (*COLUMNS, Column("backlog", "level", "jobs that have neither succeeded nor given up"))

    def start(
        self,
        scenario: Scenario,
        seed: int,
        replication: int,
        host: int,
        holders: int,  # noqa: ARG002
    ) -> hosts.Running:
        return start(scenario, seed, replication, host, queueing.controls_of(scenario, host, ()))

    def lowered(self, scenario: Scenario) -> Lowered:
        return queueing.lowered(scenario)

    def set_off(self, run: hosts.Running, scenario: Scenario, host: int, started: Started) -> None:
        queueing.recontrol(run, queueing.controls_of(scenario, host, started))


STAGE = _Jobs()
