"""Trouble of a service's own, before anybody else's: from a stage of a run, or as the table gives it."""

import math
from collections.abc import Sequence

import numpy as np

from recovery.model.scenario import Scenario
from recovery.model.services import Service
from recovery.simulate.pipeline import Outcome
from recovery.stages import classes
from recovery.stages.health import HealthTable
from recovery.stages.launches import FAILING_SHARE, NORMAL_SHARE, LaunchTable
from recovery.study.services.outcome import Flags, Floats
from recovery.study.services.rules import NO_DEPTH

_DEFAULTS = {  # what works of a stage, below which a service is impaired, and from which it is well
    "dependency": (1.0, 1.0),
    "leases": (0.99, 0.99),
    "launches": (FAILING_SHARE, NORMAL_SHARE),
    "propagation": (1.0, 1.0),
    "errors": (0.99, 0.99),
}


def given(service: Service, window: float, windows: int) -> Floats:
    """Depth (float64[windows]) of the times that the table gives: the mean over each window."""
    return _mean_over_windows([(span.start, span.end, span.depth) for span in service.impaired], window, windows)


def _mean_over_windows(steps: Sequence[tuple[float, float, float]], window: float, windows: int) -> Floats:
    edges = np.arange(windows + 1) * window
    out = np.zeros(windows)
    for begin, end, depth in steps:
        out += depth * np.clip(np.minimum(edges[1:], end) - np.maximum(edges[:-1], begin), 0, None) / window
    return np.where(out > NO_DEPTH, np.minimum(out, 1.0), 0.0)


def simulated(outcome: Outcome, service: Service, windows: int) -> Floats:
    """Depth (float64[windows]) of a stage of a run. What a stage says at the end of a window holds for the next one;
    after the run it stays as it was.
    """
    scenario, stage = outcome.scenario, service.stage or ""
    below, normal = _thresholds(scenario, service)
    window = scenario.coupling.window
    if stage == "dependency":
        works, held = 1 - _mean_over_windows(outcome.outages, window, windows), 1
    else:
        works, held = _works(outcome, stage, service.of_class), math.ceil(scenario.hold / window - 1e-9) + 1
    is_bad = stretches(works < below - NO_DEPTH, works >= normal - NO_DEPTH, held)
    launched = outcome.find(LaunchTable)
    done = launched.asked_share() if stage == "launches" and launched is not None else works
    depth = np.where(is_bad, np.maximum(1 - done, max(1 - normal, 1e-6)), 0.0)
    if stage != "dependency":
        depth = np.concatenate(([0.0], depth))
    return np.concatenate((depth, np.full(max(windows - len(depth), 0), depth[-1])))[:windows]


def _thresholds(scenario: Scenario, service: Service) -> tuple[float, float]:
    if service.stage == "health" and scenario.health is not None:
        usual = (scenario.health.normal_share,) * 2
    else:
        usual = _DEFAULTS[service.stage or ""]
    normal = service.normal if service.normal is not None else max(usual[1], service.below or 0.0)
    return min(usual[0], normal) if service.below is None else service.below, normal


def _works(outcome: Outcome, stage: str, of_class: str | None) -> Floats:
    """What works of a stage, float64[windows] from 0 to 1: leased share (of a class), connections without error, or
    what the stage itself says. Raises ValueError for a stage that the run has not, or that says nothing.
    """
    works = None
    if stage == "leases":
        hosts = outcome.traffic if of_class is None else classes.of_class(outcome.traffic, of_class)
        works = hosts.leased_share()
    elif stage == "errors" and (checked := outcome.find(HealthTable)) is not None:
        works = 1 - checked.error_share()
    elif stage in outcome.later:
        works = outcome.later[stage].works(outcome.scenario)
    if works is None:
        raise ValueError(f"this run has no stage {stage} that tells what works")
    return works


def stretches(is_bad: Flags, is_good: Flags, held: int) -> Flags:
    """bool[n]: true from the first window of a run of `held` bad ones to that of the next run of `held` good ones."""
    marks = np.zeros(len(is_bad), np.int8)
    for is_so, mark in ((is_bad, 1), (is_good, -1)):
        edges = np.flatnonzero(np.diff(np.concatenate(([False], is_so, [False])).astype(np.int8))).reshape(-1, 2)
        marks[edges[edges[:, 1] - edges[:, 0] >= held, 0]] = mark
    last = np.maximum.accumulate(np.where(marks != 0, np.arange(len(marks)), -1))
    return np.asarray(np.where(last >= 0, marks[np.maximum(last, 0)] > 0, False))
