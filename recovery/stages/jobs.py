"""Jobs (MODEL.md, section 1): open arrivals at one queueing stage, each with a number of retries."""

from recovery.model.scenario import Scenario
from recovery.stages import host as hosts
from recovery.stages import queueing


def start(
    scenario: Scenario, seed: int, replication: int, host: int, controls: list[queueing.Control]
) -> hosts.HostRun:
    """An empty host before its first job; every host has an equal part of the arrivals, with draws of its own."""
    if scenario.jobs is None:
        raise ValueError("no [jobs]")
    table = queueing.Table()
    params = queueing.params(scenario, table)
    arrivals = [(step.at, step.rate_per_s() / scenario.jobs.hosts) for step in scenario.jobs.steps]
    inputs = queueing.inputs(controls, table, arrivals)
    keys = hosts.stream_keys(seed, replication, host)
    at_once = max(rate for _, rate in arrivals) * scenario.host.timeout.mean_s()
    return hosts.new_host(
        params,
        inputs,
        keys,
        clients=max(64, min(round(4 * at_once), 1 << 20)),
        windows=scenario.windows,
        span_ns=queueing.span_ns(scenario),
    )
