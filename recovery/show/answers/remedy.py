"""What the mechanism that limits a recovery points to: one change of the file, as `--set` takes it. Not simulated."""

import math
from typing import NamedTuple

from recovery.show.answers.mechanism import Limit
from recovery.store.run_record import Group
from recovery.units import show_duration

REFUSING = 0.1  # of the hosts' work: saying no should take no more
HIGH = 0.9  # of what the hosts can do: a limit that holds nobody back and yet spares them
HEADROOM = 0.7  # of the hosts' work: what must be done all the time should take no more


class Remedy(NamedTuple):
    """A change under its name, what it does in words, and each KEY=VALUE of it."""

    name: str
    text: str
    overrides: tuple[str, ...]


def of(group: Group, limit: Limit) -> Remedy | None:
    """The change that removes a limit of a variant; None where no key of the file does."""
    scenario, hosts = group.scenario, group.scenario.hosts
    match limit.kind:
        case "timeout" | "retries":
            return _live_work_only(group)
        case "renewals" | "arrivals":
            return _workers(group, math.ceil(hosts.workers * scenario.wanted_share / HEADROOM))
        case "capacity":
            return _workers(group, 2 * hosts.workers)
        case "admission":
            return _higher_limit(group)
        case "backoff":
            return _shorter_waits(group)
        case "herd":
            return _jitter(group)
        case "operator" | "restart":
            return Remedy("no step by hand", "doing nothing by hand", ("operator=[]",))
        case "horizon":
            end_s = 1.5 * limit.number
            return Remedy("a longer run", f"a run of {show_duration(end_s)}", (f"horizon={_seconds(end_s)}",))
        case "refusals":
            return _longer_waits(group)
        case "expiry" if scenario.fleet is not None:
            lease_s = 2 * scenario.fleet.holders / hosts.capacity_per_s
            longer = f"lease.duration={_seconds(lease_s)}"
            return Remedy("longer leases", f"leases of {show_duration(lease_s)}", (longer,))
        case "launches":
            return Remedy("no throttle of launches", "launches without a throttle", ("launches.throttle=[]",))
        case "latency" if scenario.propagation is not None and scenario.propagation.workers > 0:
            many = 2 * scenario.propagation.workers
            text = f"{many} workers a shard of network propagation instead of {scenario.propagation.workers}"
            return Remedy("more workers in propagation", text, (f"propagation.workers={many}",))
    return None


def _higher_limit(group: Group) -> Remedy:
    """90 % of what the hosts can do; where that is let in already, or would be too little, more workers too."""
    scenario, hosts = group.scenario, group.scenario.hosts
    higher = Remedy(
        "a higher limit", f"a limit of {HIGH:.0%} of what the hosts can do", (f"policy.admission.rate={HIGH:.0%}",)
    )
    if hosts.admission_per_s < HIGH * hosts.capacity_per_s and scenario.wanted_share < HIGH:
        return higher
    more = _workers(group, 2 * hosts.workers)
    return Remedy(
        "more workers and a higher limit", f"{more.text}, and {higher.text}", (*more.overrides, *higher.overrides)
    )


def _workers(group: Group, workers: int) -> Remedy:
    text = f"{workers} workers a host instead of {group.scenario.hosts.workers}"
    return Remedy("more workers", text, (f"host.workers={workers}",))


def _seconds(seconds: float) -> str:
    return f"{float(f'{seconds:.2g}'):.9f}".rstrip("0").rstrip(".") + "s"


def _client(name: str, base_s: float, cap_s: float) -> tuple[str, ...]:
    return (f'policy.client={{ name = "{name}", base = "{_seconds(base_s)}", cap = "{_seconds(cap_s)}" }}',)


def _live_work_only(group: Group) -> Remedy:
    """Serve nobody who has gone: a queue half a timeout long; where clients do not pause, the newest first."""
    hosts = group.scenario.hosts
    if group.scenario.policies.client.name == "immediate":
        return Remedy("newest first", "serving the newest request first", ("policy.queue=lifo",))
    half_s = hosts.timeout_s / 2
    return Remedy(
        "a short queue", f"a queue of at most {show_duration(half_s)} of work, which refuses more at once",
        (f'policy.queue={{ name = "bounded", limit = "{_seconds(half_s)}" }}',),
    )  # fmt: skip


def _jitter(group: Group) -> Remedy:
    wait_s = group.scenario.hosts.client_wait_s
    text = f"clients that wait a random part of {show_duration(wait_s)}"
    return Remedy("waits at random", text, _client("full-jitter", wait_s, wait_s))


def _longer_waits(group: Group) -> Remedy:
    """Waits at random so long that saying no to everybody takes a tenth of the hosts' work: half a wait on average."""
    scenario, hosts = group.scenario, group.scenario.hosts
    most = scenario.fleet.holders if scenario.fleet is not None else group.mean("backlog_peak")
    wait_s = 2 * most * hosts.reject_share / hosts.capacity_per_s / REFUSING
    text = f"clients that wait a random part of {show_duration(wait_s)} after a refusal"
    return Remedy("longer waits", text, _client("full-jitter", wait_s, wait_s))


def _shorter_waits(group: Group) -> Remedy | None:
    """The longest wait as long as the hosts need for the work, but no shorter than a tenth of what it is."""
    hosts, fleet, client = group.scenario.hosts, group.scenario.fleet, group.scenario.policies.client
    work_s = group.mean("fluid_bound_s")
    if math.isnan(work_s):
        work_s = fleet.holders / hosts.capacity_per_s if fleet is not None else 0.0
    wait_s = max(work_s, hosts.client_wait_s / 10)
    if client.name == "immediate" or not wait_s < hosts.client_wait_s:
        return None
    text = f"clients that try again after {show_duration(wait_s)} at the latest"
    if client.name == "fixed":
        return Remedy("shorter waits", text, (f"policy.client.delay={_seconds(wait_s)}",))
    base = client.parameters.get("base")
    base_s = min(float(base), wait_s) if isinstance(base, int | float) else wait_s
    return Remedy("shorter waits", text, _client(client.name, base_s, wait_s))
