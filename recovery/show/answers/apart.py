"""What sets two variants of a run apart, so that the nearest of several can be told from the others."""

from collections.abc import Sequence

from recovery.show import advice
from recovery.store.run_record import Group, Summary
from recovery.store.scenario_record import Policies, Scenario

NAMED_MAX = 3  # variants that a sentence names


def differing(one: Group, other: Group) -> frozenset[str]:
    """The axes of policies and the other inputs in which two variants differ. What only follows from them (a longest
    wait, a capacity) does not count.
    """
    ours, theirs = _given(one.scenario), _given(other.scenario)
    return frozenset(name for name, value in ours.items() if repr(value) != repr(theirs[name]))  # nan is like nan


def of_the_incident(one: Scenario, other: Scenario) -> str:
    """What two variants differ in, in words, where that is the incident alone, which is given, so that nobody chooses
    it as a rule of the system: what the outage does to requests (they fail, or hang), and how soon clients learn that
    their session ended. "" where they differ in anything else, or in nothing.
    """
    ours, theirs = _given(one), _given(other)
    apart = {name for name, value in ours.items() if repr(value) != repr(theirs[name])}
    rules = {rule.key for rule in one.rules} ^ {rule.key for rule in other.rules}
    notices = {key for key in rules if key.startswith("operator.") and key.endswith(".notice")}
    if not apart <= {"failing", "rules"} or not rules <= {"host.fail_after", *notices}:
        return ""
    learn = [[action.learns_s for action in scenario.actions] for scenario in (one, other)]
    told = ["what requests do in the outage"] if "failing" in apart or "host.fail_after" in rules else []
    told += ["how soon clients learn that their session ended"] if notices or learn[0] != learn[1] else []
    return " and ".join(told)


def _given(scenario: Scenario) -> dict[str, object]:
    """What a file gives of a variant, by name."""
    hosts, fleet = scenario.hosts, scenario.fleet
    given: dict[str, object] = {f"policy.{axis}": getattr(scenario.policies, axis) for axis in Policies.model_fields}
    given["hosts"] = hosts.hosts
    given["workers"] = hosts.workers
    given["service"] = (hosts.service, float(f"{hosts.serves_s:.9g}"))
    given["timeout"] = hosts.timeout_s
    given["failing"] = float(f"{hosts.failing_per_s / (hosts.workers * hosts.hosts):.9g}")
    given["gone"] = hosts.cancels
    given["full"] = (hosts.is_mute, hosts.is_silent, hosts.reject_share, hosts.dies_at)
    given["fleet"] = fleet and (fleet.holders, fleet.leases, fleet.zones, fleet.most)
    given["lease"] = fleet and (fleet.lease_s, fleet.grace_s)
    given["checks"] = fleet and fleet.check_every_s
    given["actions"] = [(one.do, one.at_s, one.when, one.lets_in, one.waves, one.sets) for one in scenario.actions]
    for name in ("jobs", "classes", "rules", "launches", "propagation", "health"):
        given[name] = getattr(scenario, name)
    return given


def drawn_anew(first: str, scenario: Scenario, others: Sequence[tuple[str, Scenario]]) -> str:
    """Which variants draw other services than the first for requests whose client has gone, as a sentence; "" of none:
    with a rule of MODEL.md, section 13, these are only counted (stale work), and so they are drawn anew.
    """
    names = [f"“{name}”" for name, one in others if bool(one.rules) != bool(scenario.rules)]
    if not names:
        return ""
    shown = ", ".join(names[:NAMED_MAX]) + (" and others" if len(names) > NAMED_MAX else "")
    text = f"Requests whose client gave up before their turn have other random numbers in {shown} than in “{first}”"
    return f"{text}: so a small difference may come from that and not from the change."


def nearest(summary: Summary, among: Sequence[Group]) -> Group | None:
    """Of some variants the one that differs from the first in least, and of those alike the one that is worst; None of
    none.
    """
    first = summary.groups[0]
    worst = sorted(among, key=lambda one: advice.standing(summary, one).rank, reverse=True)
    return min(worst, key=lambda one: len(differing(first, one)), default=None)
