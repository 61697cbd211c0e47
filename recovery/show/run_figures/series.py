"""What of the stages after the leases is drawn over time: shares and means made of flows, by parts of a curve."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from recovery.show.figures import Array, Curve, ends_of, level_of, parts_of
from recovery.show.run_figures.panels import Line
from recovery.store.run_record import Summary
from recovery.store.scenario_record import Scenario

POINTS = 240  # of a curve


def _summed(curve: Curve, column: str) -> Array:
    """A flow, added up over each part of the curve."""
    begins, _ = parts_of(curve, POINTS)
    return np.asarray(np.add.reduceat(curve.frame[column].to_numpy().astype(float), begins.astype(int)))


def _held(values: Array, known: npt.NDArray[np.bool_]) -> Array:
    """Where nothing is known, the value before; before the first, zero."""
    last = np.maximum.accumulate(np.where(known, np.arange(len(known)), -1))
    return np.asarray(np.where(last >= 0, values[np.maximum(last, 0)], 0.0))


def accepted(curve: Curve) -> tuple[Array, Array]:
    """Share of the attempts that are accepted (%)."""
    attempts = _summed(curve, "launch_attempts")
    share = 100 * _summed(curve, "launches_accepted") / np.maximum(attempts, 1)
    return parts_of(curve, POINTS)[1], np.where(attempts > 0, share, 100.0)


def latency(curve: Curve) -> tuple[Array, Array]:
    """Mean time from launch to reachable of what became reachable (min)."""
    done = _summed(curve, "launches_reachable")
    return parts_of(curve, POINTS)[1], _held(_summed(curve, "latency_sum_ns") / 60e9 / np.maximum(done, 1), done > 0)


def share_of(summary: Summary, column: str) -> Line:
    """A number of targets as a share of all targets of the variant (%)."""
    targets = {group.variant: group.scenario.health.targets for group in summary.groups if group.scenario.health}

    def line(curve: Curve) -> tuple[Array, Array]:
        return level_of(curve, column, 100 / targets[curve.label], POINTS)

    return line


def errors(curve: Curve) -> tuple[Array, Array]:
    """Share of connections that fail (%), at the end of each part."""
    times, usable = ends_of(curve, "targets_usable", points=POINTS)
    routed = ends_of(curve, "targets_routed", points=POINTS)[1]
    return times, np.where(routed > 0, 100 * (1 - usable / np.maximum(routed, 1)), 100.0)


def waiting(curve: Curve) -> tuple[Array, Array]:
    """Jobs of propagation in queues or asleep: times (s) and numbers."""
    times, waiting = ends_of(curve, "jobs_waiting", points=POINTS)
    return times, waiting + ends_of(curve, "jobs_asleep", points=POINTS)[1]


def terminated(curve: Curve) -> tuple[Array, Array]:
    """Instances terminated so far."""
    return parts_of(curve, POINTS)[1], np.cumsum(_summed(curve, "targets_terminated"))


def normal_latency_s(scenario: Scenario) -> float:
    """Latency up to which launches are normal, in seconds; nan where there is no propagation."""
    return scenario.propagation.normal_latency_s if scenario.propagation is not None else math.nan
