"""After the leases: launches, network propagation and health checks, fed by the lease stage (MODEL.md, section 9).

Each stage may run through many windows at once, or window by window: with equal bits. Where instances are terminated
for bad health and launched anew, the stages form a loop and run window by window.
"""

import math
import time
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from recovery_kernels import requests

from recovery.measures import histograms, lasting
from recovery.simulate.pipeline import Outcome
from recovery.stages import health, launches, propagation

LAUNCH_COLUMNS = (
    "launches_asked", "launch_attempts", "launches_throttled", "launches_insufficient", "launches_accepted",
    "launches_gave_up", "changes", "changes_held", "changes_released", "launches_asleep", "changes_waiting",
    "launches_asleep_max", "changes_waiting_max",
)  # fmt: skip
PROPAGATION_COLUMNS = (
    "jobs_submitted", "job_attempts", "jobs_refused", "jobs_shed", "jobs_failed", "jobs_gave_up", "launches_reachable",
    "changes_propagated", "latency_sum_ns", "latency_max_ns", "jobs_waiting", "jobs_asleep", "jobs_waiting_max",
)  # fmt: skip
HEALTH_COLUMNS = (
    "checks", "checks_failed", "health_changes", "targets_taken_out", "removals_delayed", "removals_cancelled",
    "targets_joined", "targets_terminated", "failovers", "targets_healthy", "targets_routed", "targets_usable",
    "targets_out", "targets_empty",
)  # fmt: skip
ZONE_COLUMNS = ("healthy_in_zone", "usable_in_zone", "removed_in_zone")  # followed by the zone's number
STRETCH = 360  # windows that one stage runs before the next one follows: keeps what lies between them small
FAILING_SHARE = 0.5  # launches fail while fewer of the attempts than this are accepted
NORMAL_SHARE = 0.99  # and are normal again when so many are
ERRORS_SHARE = 0.01  # connections fail from this share on


@dataclass
class Aftermath(Outcome):
    """An outcome with what followed the leases: `later` has int64[windows] for each column of the later stages."""

    later: dict[str, np.ndarray] = field(default_factory=dict)
    reach: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))

    def latency_mean_s(self) -> np.ndarray:
        """float64[windows]: mean time from launch to reachable of what became reachable in each window; where nothing
        did, that of the window before.
        """
        done, total = self.later["launches_reachable"], self.later["latency_sum_ns"] / 1e9
        last = np.maximum.accumulate(np.where(done > 0, np.arange(len(done)), -1))
        mean = total / np.maximum(done, 1)
        return np.asarray(np.where(last >= 0, mean[np.maximum(last, 0)], 0.0))

    def measure(self) -> dict[str, Any]:
        """One row of results, with the measures of the later stages."""
        row = super().measure() | self._launches() | (self._propagation() if len(self.reach) else {}) | self._health()
        stages = ("leases", "launches", "latency", "capacity")
        normal = [row[name] for stage in stages if (name := f"{stage}_normal_s") in row]
        return row | {"all_normal_s": max(normal)}  # of the last of the stages, from the start; 0 is always

    def _launches(self) -> dict[str, Any]:
        scenario, t, flows = self.scenario, self.times_s, self.later
        attempts, accepted = flows["launch_attempts"], flows["launches_accepted"]
        share = np.where(attempts > 0, accepted / np.maximum(attempts, 1), 1.0)
        fails_from = lasting.stays_from(t, share < FAILING_SHARE, 0.0, scenario.hold)
        after, works = fails_from if math.isfinite(fails_from) else 0.0, share >= FAILING_SHARE
        total = max(int(attempts.sum()), 1)
        return {
            "launches_fail_s": fails_from,
            "launches_resume_s": 0.0 if works.all() else lasting.stays_from(t, works, after, scenario.hold),
            "launches_normal_s": lasting.normal_from_s(t, share >= NORMAL_SHARE, fails_from, scenario.hold),
            "launches_asked": int(flows["launches_asked"].sum()),
            "launches_accepted": int(accepted.sum()),
            "launches_throttled_share": int(flows["launches_throttled"].sum()) / total,
            "launches_insufficient_share": int(flows["launches_insufficient"].sum()) / total,
            "launches_gave_up": int(flows["launches_gave_up"].sum()),
            "launches_asleep_peak": int(flows["launches_asleep_max"].max(initial=0)),
            "changes_waiting_peak": int(flows["changes_waiting_max"].max(initial=0)),
        }

    def _propagation(self) -> dict[str, Any]:
        part = self.scenario.propagation
        if part is None:
            raise ValueError("no [propagation]")
        t, flows, hold = self.times_s, self.later, self.scenario.hold
        is_late = self.latency_mean_s() > part.normal_latency
        rises = lasting.stays_from(t, is_late, 0.0, hold)
        starts = requests.part_start_ns(np.arange(requests.HISTOGRAM))
        return {
            "latency_rises_s": rises,
            "latency_normal_s": lasting.normal_from_s(t, ~is_late, rises, hold),
            "reach_p50_s": histograms.quantile_s(self.reach, starts, 0.5),
            "reach_p99_s": histograms.quantile_s(self.reach, starts, 0.99),
            "reach_max_s": float(flows["latency_max_ns"].max(initial=0) / 1e9),
            "jobs_waiting_peak": int(flows["jobs_waiting_max"].max(initial=0)),
            "jobs_refused_share": int(flows["jobs_refused"].sum()) / max(int(flows["job_attempts"].sum()), 1),
            "propagation_jobs": int(flows["jobs_submitted"].sum()),
        }

    def error_share(self) -> np.ndarray:
        """float64[windows]: connections that fail, as the share of the targets in use that cannot be reached; one when
        none is in use.
        """
        routed, usable = self.later["targets_routed"], self.later["targets_usable"]
        return np.asarray(np.where(routed > 0, 1 - usable / np.maximum(routed, 1), 1.0))

    def _health(self) -> dict[str, Any]:
        part = self.scenario.health
        if part is None:
            return {}
        t, flows, hold = self.times_s, self.later, self.scenario.hold
        share, fails = flows["targets_usable"] / part.targets, self.error_share() >= ERRORS_SHARE
        falls = lasting.stays_from(t, share < part.normal_share, 0.0, hold)
        back = lasting.normal_from_s(t, share >= part.normal_share, falls, hold)
        start = lasting.stays_from(t, fails, 0.0, hold)
        out = np.flatnonzero(flows["failovers"])
        return {
            "errors_start_s": start,
            "errors_end_s": lasting.normal_from_s(t, ~fails, start, hold),
            "failover_first_s": float(t[out[0]]) if len(out) else math.inf,
            "capacity_falls_s": falls,
            "capacity_normal_s": back,
            "usable_min_share": float(share.min()),
            "capacity_lost_hours": float((1 - share).sum() * self.scenario.coupling.window / 3600),
            "error_minutes": float(self.error_share().sum() * self.scenario.coupling.window / 60),
            "checks": int(flows["checks"].sum()),
            "checks_failed_share": int(flows["checks_failed"].sum()) / max(int(flows["checks"].sum()), 1),
            "health_changes": int(flows["health_changes"].sum()),
            "targets_terminated": int(flows["targets_terminated"].sum()),
            "failovers": int(flows["failovers"].sum()),
        }


def follow(outcome: Outcome, stretch: int = STRETCH) -> Outcome:
    """The outcome with its later stages run, `stretch` windows at a time; as it is if the scenario has none."""
    scenario = outcome.scenario
    if scenario.launches is None:
        return outcome
    begun = time.thread_time()
    seed, replication, windows = outcome.seed, outcome.replication, scenario.windows
    first = launches.start(scenario, seed, replication, outcome.leased_by_zone, outcome.holders_by_zone)
    second = propagation.start(scenario, seed, replication) if scenario.propagation else None
    third = health.start(scenario, seed, replication, len(outcome.holders_by_zone)) if scenario.health else None
    if scenario.health is not None and scenario.health.terminate_after is not None:
        stretch = 1
    for until in range(stretch, windows + stretch, stretch):
        until = min(until, windows)
        first.advance(until)
        if second is not None:
            second.advance(until, first.state.jobs, first.state.first)
        if third is not None and second is not None:
            finishes, told = second.state.finishes, second.state.told
            third.advance(until, first.state.jobs, first.state.first, finishes, told)
            second.forget(until)
            times_ns, identities = third.orders()
            first.ask(times_ns + first.params.window_ns, identities)
        first.forget(until)
    later = {name: first.state.series[:, i].copy() for i, name in enumerate(LAUNCH_COLUMNS)}
    reach = np.zeros(0, np.int64)
    if second is not None:
        series = second.state.series[:windows]
        later |= {name: series[:, i].copy() for i, name in enumerate(PROPAGATION_COLUMNS)}
        reach = second.state.latency
    if third is not None:
        later |= {name: third.state.series[:, i].copy() for i, name in enumerate(HEALTH_COLUMNS)}
        for zone in range(third.state.by_zone.shape[1]):
            places = enumerate(ZONE_COLUMNS)
            later |= {f"{name}_{zone}": third.state.by_zone[:, zone, i].copy() for i, name in places}
    own = {item.name: getattr(outcome, item.name) for item in fields(Outcome)}
    own["cpu_s"] = outcome.cpu_s + time.thread_time() - begun
    own["actions"] = sorted([*outcome.actions, *_actions(scenario)], key=lambda action: action[1])
    return Aftermath(**own, later=later, reach=reach)


def _actions(scenario: Any) -> list[tuple[str, float]]:
    """What operators do to the later stages, and when (s)."""
    found = [("launch throttle", step.at) for step in scenario.launches.throttle]
    if scenario.propagation is not None:
        found += [("load reduction", reduction.at) for reduction in scenario.propagation.reductions]
    if scenario.health is not None:
        for switch in scenario.health.failover:
            found.append(
                (f"failover {switch.do}" + ("" if switch.zone is None else f" in zone {switch.zone}"), switch.at)
            )
    return found
