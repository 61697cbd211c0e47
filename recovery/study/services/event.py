"""An event: trouble of services' own, behind a run or as the table gives it, and all that follows from it."""

import math

import numpy as np

from recovery.model.scenario import Scenario
from recovery.model.services import ServiceTable, has_stage
from recovery.reading.experiment import Experiment
from recovery.reading.service_table import load
from recovery.simulate.pipeline import Outcome
from recovery.stages.health import HealthTable
from recovery.stages.stage import Act
from recovery.study.services.outcome import Floats, ServicesOutcome
from recovery.study.services.own import given, simulated
from recovery.study.services.propagation import propagate, triggered


def alone(table: ServiceTable) -> ServicesOutcome:
    """A table by itself: the trouble that it gives."""
    window, windows = table.body.window, math.ceil(table.body.alone_s / table.body.window)
    own = {name: given(s, window, windows) for name, s in table.services.items() if s.impaired}
    return _event(table, window, windows, own, frozenset(own))


def after(outcome: Outcome, table: ServiceTable) -> ServicesOutcome:
    """A table behind a run: stages that the run has come from there, others as the table gives them."""
    scenario = outcome.scenario
    window = scenario.coupling.window
    windows = max(len(outcome.times_s), math.ceil(table.body.behind_s(scenario.horizon) / window))
    own, inputs = {}, set()
    for name, service in table.services.items():
        if service.stage is not None and has_stage(scenario, service.stage, service.of_class):
            own[name] = simulated(outcome, service, windows)
            if service.stage == "dependency":  # when it is away is an input of every run
                inputs.add(name)
        elif service.impaired:
            own[name] = given(service, window, windows)
            inputs.add(name)
    out = _event(table, window, windows, own, frozenset(inputs))
    out.actions, out.replication = [*outcome.actions, *_found(scenario)], outcome.replication
    out.ran = len(outcome.times_s)
    out.has_collapsed = outcome.measure()["verdict"] == "collapsed"
    if (checked := outcome.find(HealthTable)) is not None:
        found = np.flatnonzero(checked.columns["failovers"])
        out.failover_s = float(outcome.times_s[found[0]]) if len(found) else math.inf
    out.variant, out.levers = outcome.variant.name, dict(outcome.variant.levers)
    return out


def _found(scenario: Scenario) -> list[Act]:
    """When people know why records are empty, as the experiment says (its mean)."""
    window = None if scenario.dns is None else scenario.dns.window
    return [] if window is None else [Act("cause found", window.at + window.detect.mean_s())]


def table_of(experiment: Experiment) -> ServiceTable | None:
    """The table that an experiment names, or None. Raises ScenarioError."""
    named = experiment.head.services
    return load(experiment.folder / named) if named else None


def _event(
    table: ServiceTable, window: float, windows: int, own: dict[str, Floats], given: frozenset[str]
) -> ServicesOutcome:
    free = dict.fromkeys(table.services, np.ones(windows, bool))
    out = ServicesOutcome(table, window, windows, own, free, given)
    propagate(out, set(table.services))
    for name, service in table.services.items():
        causes = [need for need in service.needs if need.kind == "cause"]
        if name in own and causes:
            out.free[name] = ~triggered(out, causes)
    propagate(out, set(table.services))
    return out
