"""Leases (MODEL.md, section 2): holders spread over hosts, in their steady state when the run starts."""

import numpy as np
from recovery_kernels import draws

from recovery.model.scenario import Scenario
from recovery.stages import host as hosts
from recovery.stages import queueing


def holders_of(scenario: Scenario) -> np.ndarray:
    """Holders of each host, int64[hosts]; they sum to fleet.holders and every host has one.

    With skew they are lognormal: host h has the quantile (h + 1/2) / hosts.
    """
    fleet = scenario.fleet
    if fleet is None:
        raise ValueError("no [fleet]")
    weights = np.ones(fleet.hosts)
    if fleet.skew > 0:
        sigma = float(np.sqrt(np.log1p(fleet.skew**2)))
        places = (np.arange(fleet.hosts) + 0.5) / fleet.hosts
        weights = np.array([float(f"{draws.exp(sigma * draws.normal(place)):.12g}") for place in places])
    exact = weights / weights.sum() * (fleet.holders - fleet.hosts)
    counts = np.floor(exact).astype(np.int64)
    left = fleet.holders - fleet.hosts - int(counts.sum())
    counts[np.argsort(counts - exact, kind="stable")[:left]] += 1
    return np.asarray(counts + 1)


def start(
    scenario: Scenario, seed: int, replication: int, host: int, holders: int, controls: list[queueing.Control]
) -> hosts.HostRun:
    """A host in its steady state at t = 0: phases uniform, each lease as fresh as its last check.

    Holders are numbered in the order of their first check, so that those who are neighbours in time are neighbours in
    memory.
    """
    table = queueing.Table()
    params = queueing.params(scenario, table)
    inputs = queueing.inputs(controls, table)
    keys = hosts.stream_keys(seed, replication, host)
    run = hosts.new_host(
        params, inputs, keys, clients=holders, windows=scenario.windows, span_ns=queueing.span_ns(scenario)
    )
    phase = np.empty(holders)
    draws.uniforms(hosts.stream_key(seed, replication, draws.PHASE, host), phase)
    first = (np.sort(phase) * params.check_every_ns).astype(np.int64)
    length = np.empty(holders)
    draws.draws(params.lease.duration, inputs.table, keys.lease, length)
    whole = (np.minimum(length, draws.FAR_NS) + 0.5).astype(np.int64) + params.lease.grace_ns
    expires = first - params.check_every_ns + np.minimum(whole, draws.FAR_NS)
    hosts.wake_holders(run, first, expires)
    return run
