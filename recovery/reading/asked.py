"""What the head of an experiment asks, held against what its scenarios can tell."""

from collections.abc import Mapping, Sequence

from recovery.errors import nearest, shown
from recovery.measures import register
from recovery.model.head import Head
from recovery.model.scenario import Scenario
from recovery.model.tables import LOSES_AT_ONCE
from recovery.model.variant import Variant


def wrong(head: Head, variants: Sequence[Variant], raw: Mapping[str, object], file: str) -> list[str]:
    """What the head asks that a scenario cannot tell: the first variant, and for a sweep's measure any."""
    scenario = variants[0].scenario
    mistakes = []
    for i, note in enumerate(head.notes):
        table: object = raw
        for part in note.key.split("."):
            table = table.get(part) if isinstance(table, dict) else None
        if table is None:
            wanted = "want a key that the file sets; without it remove this [[notes]], too"
            mistakes.append(f"{file}: notes.{i}.key is {shown(note.key)}; {wanted}")
    if not scenario.has_leases:
        mistakes += [
            f"{file}: expect.{measure} is a measure of leases; want one of jobs, such as ttr99_s"
            for measure in head.expect
            if register.is_of_leases(measure) and not register.class_of(measure)
        ]
        if any(stone.measure in register.milestones() for stone in head.observed):
            mistakes.append(
                f"{file}: observed are milestones of leases; want none with [jobs], but times such as ttr99_s"
            )
        if head.sweep is not None and register.is_of_leases(head.sweep.measure):
            mistakes.append(f"{file}: sweep.measure is {head.sweep.measure}, of leases; want one of jobs, as ttr99_s")
    else:
        mistakes += [
            f"{file}: expect.{measure} is a measure of jobs; want one of leases, such as ttr99_s"
            for measure in head.expect
            if not register.class_of(measure) and register.find(measure, register.LEASES) is None
        ]
    traffic: register.TrafficName = register.LEASES if scenario.has_leases else register.JOBS
    asked: list[tuple[str, str, Sequence[str]]] = [
        (f"expect.{measure}", measure, register.expected()) for measure in head.expect
    ]
    asked += [(f"observed.{i}.measure", stone.measure, register.observable()) for i, stone in enumerate(head.observed)]
    if head.sweep is not None:
        asked.append(("sweep.measure", head.sweep.measure, register.recoveries()))
    for key, measure, all_of_them in asked:
        measured = variants if key == "sweep.measure" else variants[:1]
        if whose := register.class_of(measure):
            told = (_wrong_class(variant, measure, whose) for variant in measured)
            mistakes += [f"{file}: {key} {wrong}" for wrong in dict.fromkeys(filter(None, told))]
        sampled = [
            variant.name for variant in measured if (fleet := variant.scenario.fleet) and fleet.sample_hosts is not None
        ]
        place = scenario.places.get(whose)
        known = register.find(
            measure, traffic if place is None else register.JOBS if place.is_jobs else register.LEASES
        )
        if needed := _needs(measure, traffic, scenario):
            there = ", ".join(name for name in all_of_them if not _needs(name, traffic, scenario))
            mistakes.append(f"{file}: {key} is {measure}; want a table [{needed}], or one of {there}")
        elif known is not None and known.of_rules and not scenario.rules:
            mistakes.append(
                f"{file}: {key} is {measure}, which only a scenario with sessions that end, edits of operators or a "
                "server under load has (MODEL.md, section 13); want such a rule, or another measure"
            )
        elif known is not None and known.of_renewals and scenario.overdue_after_s is None:
            mistakes.append(f"{file}: {key} is {measure}, which counts who is overdue; {_wanted_of_overdue(scenario)}")
        elif sampled and known is not None and known.before:
            where = "" if scenario.fleet and scenario.fleet.sample_hosts is not None else f" in “{sampled[0]}”"
            mistakes.append(
                f"{file}: {key} is {measure}, which no sample of the hosts tells (fleet.sample_hosts{where}): "
                f"only the last host does; want {known.before}{f'.{whose}' if whose else ''}, or all hosts"
            )
    return mistakes


def _wanted_of_overdue(scenario: Scenario) -> str:
    """What a scenario must change so that it can be told who is overdue, or another measure."""
    fleet, lease, wanted = scenario.fleet, scenario.lease, []
    if fleet is not None and fleet.overdue_after is None and scenario.policy.lease.name in LOSES_AT_ONCE:
        every_s = lease.check_every * (1 + lease.check_jitter) if lease is not None else 0.0
        wanted.append(f'fleet.overdue_after, longer than lease.check_every, such as "{1.5 * every_s:g}s"')
    wanted += ["no classes"] if scenario.classes else []
    wanted += ["no fleet.sample_hosts"] if fleet is not None and fleet.sample_hosts is not None else []
    wanted += ['fleet.start = "leased"'] if fleet is not None and fleet.start != "leased" else []
    is_changed = any(getattr(one, "key", "").startswith("lease.") for one in scenario.operator)
    if lease is not None and (lease.duration.dist != "constant" or lease.scaled is not None or is_changed):
        wanted.append('one constant lease.duration, such as "5m", for all leases and all the time')
    return f"want {' and '.join(wanted)}, or another measure"


def _wrong_class(variant: Variant, measure: str, name: str) -> str:
    """Why a variant has no such measure of a class; "" if it has."""
    scenario = variant.scenario
    place = scenario.places.get(name)
    if place is None:
        wanted = f"want one of {', '.join(scenario.classes)}" if scenario.classes else "want a table [classes.NAME]"
        return f"is of a class {name}, which is none{nearest(name, scenario.classes)}; {wanted}"
    if register.find(measure, register.JOBS if place.is_jobs else register.LEASES) is None:
        return f"is no measure of {'jobs' if place.is_jobs else 'leases'}, which {name} is; want another one"
    return ""


def _needs(measure: str, traffic: register.TrafficName, scenario: Scenario) -> str:
    """The later stage's table that a measure needs and that a scenario has not; "" if it lacks none."""
    known = register.find(measure, traffic)
    return "" if known is None or not known.needs or getattr(scenario, known.needs, None) is not None else known.needs
