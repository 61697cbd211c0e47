"""What the formulas say of each variant of a file before anything runs: whether it may collapse, and of what; else the
time that it takes at least.
"""

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

from recovery.show.answers import gates, herd, lasting, mechanism, remedy
from recovery.show.answers.costs import held_otherwise
from recovery.show.words import speaking_of
from recovery.store.record import Share
from recovery.store.run_record import Group
from recovery.store.scenario_record import Course, Lasting, Scenario
from recovery.units import show_count, show_duration, show_share

Variants = Sequence[tuple[str, Scenario, Course, Lasting | None]]
"""Variants of a file: name, resolved, the outages that each has, and how long its leases last through one."""
SPARES = ("freeze", "self-preservation", "failover-extension")
"""Rules by which leases do not run out while the dependency is away, or few are renewed."""
Outlook = Literal["collapses", "may collapse", "open", "comes back"]
"""What theory says of a variant: it collapses whatever happens; it may, once its leases are lost or a queue is there;
nothing that is looked at makes it collapse; it surely comes back (`remedy.has_way_back`).
"""

NAMED_MAX = 3  # variants that a sentence names


class Foretold(NamedTuple):
    """A variant by its formulas; `limit` is what may make it collapse, else the longest of the times that it cannot be
    back sooner than; None where theory names nothing. `least_s` is that time (inf: not known).
    """

    variant: str
    outlook: Outlook
    limit: mechanism.Limit | None
    least_s: float
    text: str


def group_of(variant: str, scenario: Scenario) -> Group:
    """A variant of which nothing was measured."""
    return Group(variant=variant, runs=0, verdicts={}, collapsed=Share(share=0.0), measures={}, scenario=scenario)


def collapse_of(group: Group) -> mechanism.Limit | None:
    """What theory says will or may make a variant collapse that was not run. Not a queue that is longer than the
    timeout where clients come back so slowly that the hosts serve them as they come.
    """
    found = mechanism.collapse_of(group)
    is_of_a_queue = found is not None and found.kind in ("timeout", "expiry")
    return None if is_of_a_queue and comes_slowly(group.scenario) else found


def comes_slowly(scenario: Scenario) -> bool:
    """Whether clients come back so slowly that the hosts serve them as they come."""
    within_s = herd.apart_s(scenario)
    if scenario.fleet is None or math.isinf(within_s):
        return False
    return within_s * (1 + remedy.SAME) >= remedy.spread_s(scenario)  # as it is told, with two digits


def of(variant: str, scenario: Scenario, outages: Course = (), lasts: Lasting | None = None) -> Foretold:
    """What the formulas say of a variant. What may happen once leases run out is no matter where its outages are too
    short for that, and is told as a case where a rule may spare them.
    """
    group = group_of(variant, scenario)
    collapse = collapse_of(group)
    if collapse is not None and collapse.kind in mechanism.ALL_THE_TIME:
        return Foretold(variant, "collapses", collapse, math.inf, f"collapses whatever happens: {collapse.text}.")
    if kept := lasting.told(scenario, outages, lasts):  # a lease not renewed before lasts less
        outlook: Outlook = "comes back" if lasting.is_sure(kept) else "open"
        return Foretold(variant, outlook, None, math.inf, f"{kept[:1].lower()}{kept[1:]}")
    pace = paced(group) if collapse is None else paced(_outlasting(group)) if collapse.kind == "expiry" else None
    least_s, takes = math.inf, ""
    if pace is not None:
        least_s = pace.number
        takes = f"all leases take {show_duration(least_s)} at least, since " if math.isfinite(least_s) else ""
        takes = f"{takes}{pace.text}"
    if collapse is not None:
        when = "" if herd.is_of_the_end(scenario) or not scenario.has_leases else " if all leases run out"
        text = f"may collapse{when}: {collapse.text}."
        if when and scenario.policies.lease.name in SPARES:
            text = "its rule of leases may spare all of them; if all run out all the same, it may collapse: "
            text += f"{collapse.text}."
        text += f" If it does not, {takes}." if takes else ""
        return Foretold(variant, "may collapse", collapse, least_s, text)
    outlook = "comes back" if remedy.has_way_back(group) else "open"
    text = "surely comes back" if outlook == "comes back" else "theory names nothing that makes it collapse"
    return Foretold(variant, outlook, pace, least_s, "; ".join(filter(None, (text, takes))) + ".")


def _outlasting(group: Group) -> Group:
    """The same where no lease runs out while the others are made."""
    scenario = group.scenario
    if scenario.fleet is None:
        return group
    fleet = scenario.fleet.model_copy(update={"lease_s": math.inf})
    return group.model_copy(update={"scenario": scenario.model_copy(update={"fleet": fleet})})


def paced(group: Group) -> mechanism.Limit | None:
    """The longest of the times that a fleet which lost all its leases cannot be back sooner than."""
    if group.scenario.fleet is None:
        return None
    is_held = herd.held_back(group.scenario) is not None  # then their waves pace it
    if group.scenario.is_counted_from_end and comes_slowly(group.scenario) and not is_held:
        return mechanism.Limit("spread", *herd.first_attempts(group.scenario))
    return mechanism.predicted(group)


def numbers(scenario: Scenario, file: Scenario) -> str:
    """What comes all the time, what admission lets in, and how late a holder that dies is missed, where that is
    another number than in the file, in sentences; "" where all are the same.
    """
    told = []
    if not math.isclose(scenario.wanted_share, file.wanted_share, rel_tol=1e-9):
        what = "Renewals take" if scenario.has_leases else "Jobs ask for"
        told.append(f"{what} {show_share(scenario.wanted_share)} of the hosts (file: {show_share(file.wanted_share)}).")
    rate_per_s = scenario.hosts.admission_per_s
    if math.isfinite(rate_per_s) and rate_per_s != file.hosts.admission_per_s:
        takes = ""
        if scenario.fleet is not None:
            takes_s = gates.admission_s(scenario, gates.MOST * scenario.fleet.asks, rate_per_s)
            takes = ", which for 99 % of all takes " + (
                show_duration(takes_s) if math.isfinite(takes_s) else "for ever"
            )
        told.append(f"Admission lets in {show_count(rate_per_s)} a second{takes}.")
    if file.fleet is not None and scenario.fleet is not None:
        otherwise = held_otherwise(file.fleet.held_s, scenario.fleet.held_s)
        told.append(f"{otherwise[:1].upper()}{otherwise[1:]}." if otherwise else "")
    return " ".join(filter(None, told))


def sentence(cause: mechanism.Limit, others: Sequence[Foretold]) -> tuple[str, Foretold | None]:
    """Which variants do not have what may make the file collapse, as a sentence, and the first of them; ("", None)
    where the file has no variant.
    """
    if not others:
        return "", None
    sure = [one for one in others if one.outlook == "comes back"]
    free = sure or [one for one in others if one.outlook == "open"]
    mended = bool(free)
    free = free or [one for one in others if one.limit is not None and one.limit.kind != cause.kind and _may(one)]
    if not free:
        many = len(others)
        none = f"None of the file's {many} variants" if many > 1 else f"“{others[0].variant}”"
        return f"{none} {'is' if many > 1 else 'is not'} free of that cause, by the same formulas.", None
    free = sorted(free, key=lambda one: one.least_s)
    names = [f"“{one.variant}”" for one in free[:NAMED_MAX]]
    names += [f"{len(free) - NAMED_MAX} more"] if len(free) > NAMED_MAX else []
    *before, last = names
    who, is_one = f"{', '.join(before)}{' and ' if before else ''}{last}", len(free) == 1
    if sure:
        return f"By the same formulas {who} surely {'comes' if is_one else 'come'} back.", free[0]
    but = "" if mended else ", but not of every other"
    return f"By the same formulas {who} {'is' if is_one else 'are'} free of that cause{but}.", free[0]


def _may(one: Foretold) -> bool:
    return one.outlook == "may collapse"


def lines(file: Scenario, variants: Variants) -> list[str]:
    """What the formulas say of each variant, a line each, in the words of its scenario."""
    out = []
    for name, scenario, outages, lasts in variants:
        told = [of(name, scenario, outages, lasts).text, numbers(scenario, file)]
        out.append(f"“{name}”: {speaking_of(scenario.called, ' '.join(one for one in told if one))}")
    return out


def plain(
    name: str, scenario: Scenario, outages: Course = (), lasts: Lasting | None = None
) -> dict[str, str | float | None]:
    """The same for JSON: the outlook, the mechanism that limits with its number (s, a ratio or a share, as of
    `mechanism.Limit`), and the share of the hosts that what comes all the time takes.
    """
    found = of(name, scenario, outages, lasts)
    kind, number = (found.limit.kind, found.limit.number) if found.limit is not None else ("", math.nan)
    return {
        "variant": name, "outlook": found.outlook, "mechanism": kind,
        "number": number if math.isfinite(number) else None,
        "wanted_share": scenario.wanted_share, "text": speaking_of(scenario.called, found.text),
    }  # fmt: skip
