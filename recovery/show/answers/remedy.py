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
    """A change under its name, what it does in words, and KEY=VALUE."""

    name: str
    text: str
    override: str


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
            return Remedy("no step by hand", "let the operators do nothing", "operator=[]")
        case "horizon":
            horizon = _seconds(1.5 * limit.number)
            return Remedy("a longer run", f"a run of {show_duration(1.5 * limit.number)}", f"horizon={horizon}")
        case "refusals":
            return _longer_waits(group)
        case "expiry" if scenario.fleet is not None:
            lease_s = 2 * scenario.fleet.holders / hosts.capacity_per_s
            return Remedy("longer leases", f"leases of {show_duration(lease_s)}", f"lease.duration={_seconds(lease_s)}")
    return None


def _higher_limit(group: Group) -> Remedy:
    """90 % of what the hosts can do; where that is let in already, or would be too little, more workers too."""
    scenario, hosts = group.scenario, group.scenario.hosts
    if hosts.admission_per_s >= HIGH * hosts.capacity_per_s or scenario.wanted_share >= HIGH:
        return _workers(group, 2 * hosts.workers)
    return Remedy(
        "a higher limit", f"a limit of {HIGH:.0%} of what the hosts can do", f"policy.admission.rate={HIGH:.0%}"
    )


def _workers(group: Group, workers: int) -> Remedy:
    text = f"{workers} workers a host instead of {group.scenario.hosts.workers}"
    return Remedy("more workers", text, f"host.workers={workers}")


def _seconds(seconds: float) -> str:
    return f"{float(f'{seconds:.2g}'):.9f}".rstrip("0").rstrip(".") + "s"


def _live_work_only(group: Group) -> Remedy:
    """Serve nobody who has gone: a queue half a timeout long; where clients do not pause, the newest first."""
    hosts = group.scenario.hosts
    if group.scenario.policies.client.name == "immediate":
        return Remedy("newest first", "serve the newest request first", "policy.queue=lifo")
    half = _seconds(hosts.timeout_s / 2)
    return Remedy(
        "a short queue", f"a queue of at most {show_duration(hosts.timeout_s / 2)} of work, which refuses more at once",
        f'policy.queue={{ name = "bounded", limit = "{half}" }}',
    )  # fmt: skip


def _jitter(group: Group) -> Remedy:
    wait = _seconds(group.scenario.hosts.client_wait_s)
    client = f'policy.client={{ name = "full-jitter", base = "{wait}", cap = "{wait}" }}'
    return Remedy("waits at random", f"clients that wait a random part of {wait}", client)


def _longer_waits(group: Group) -> Remedy:
    """Waits at random so long that saying no to everybody takes a tenth of the hosts' work: half a wait on average."""
    scenario, hosts = group.scenario, group.scenario.hosts
    most = scenario.fleet.holders if scenario.fleet is not None else group.mean("backlog_peak")
    wait = _seconds(2 * most * hosts.reject_share / hosts.capacity_per_s / REFUSING)
    client = f'policy.client={{ name = "full-jitter", base = "{wait}", cap = "{wait}" }}'
    return Remedy("longer waits", f"clients that wait a random part of {wait} after a refusal", client)


def _shorter_waits(group: Group) -> Remedy | None:
    """The longest wait as long as the hosts need for the work, but no shorter than a timeout."""
    hosts, client = group.scenario.hosts, group.scenario.policies.client.name
    key = {"exponential": "cap", "full-jitter": "cap", "fixed": "delay"}.get(client)
    work_s = max(group.mean("fluid_bound_s"), hosts.client_wait_s / 10)
    if key is None or not work_s < hosts.client_wait_s:
        return None
    wait = _seconds(work_s)
    return Remedy("shorter waits", f"clients that try again after {wait} at the latest", f"policy.client.{key}={wait}")
