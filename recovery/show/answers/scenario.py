"""The answer before anything runs, from a scenario in numbers: what theory says will limit it, and what to try."""

import itertools
import math
import shlex
from collections.abc import Sequence

from recovery.show import advice
from recovery.show.answers import apart, foretold, gates, herd, lasting, mechanism, moments, remedy
from recovery.show.answers.answer import Answer, AnswerPart, Cause, Change
from recovery.show.answers.foretold import Variants
from recovery.show.answers.inputs import assumed, of_defaults, trying
from recovery.store.note_record import Note
from recovery.store.run_record import Group
from recovery.store.scenario_record import Course, Fleet, Lasting, Outage, Scenario
from recovery.units import show_count, show_duration, show_share

AWAY_MAX = 3  # outages that are told one by one


def answer_of(
    file: str,
    variant: str,
    scenario: Scenario,
    notes: Sequence[Note],
    *,
    given: Sequence[str] = (),
    policies: Sequence[str] = (),
    outages: Course = (),
    lasts: Lasting | None = None,
    took: str = "",
    sure: str = "",
    variants: Variants = (),
) -> Answer:
    """The answer on the first variant of a file that was not run, with what is `given` beside the file ("key=value");
    `outages` are those that the file has, `lasts` is how long its leases last through one; `took` and `sure` say what a
    run of all variants will take, and how well that is known. `variants` are the file's others.
    """
    asked = foretold.group_of(variant, scenario)
    collapse = foretold.collapse_of(asked)
    limit = collapse or foretold.paced(asked)
    is_of_hanging = limit is not None and bool(hung := mechanism.hangs(scenario)) and hung in limit.text
    is_all_the_time = collapse is not None and collapse.kind in mechanism.ALL_THE_TIME
    why = Cause()
    if limit is not None:
        is_always = not scenario.has_leases or is_all_the_time or herd.is_of_the_end(scenario)
        is_always = is_always or limit.kind == "spread"  # which begins with the end of sessions
        always = f"{limit.text[:1].upper()}{limit.text[1:]}." if is_always else ""
        text = always or f"{_spared(scenario)}{_if_all_run_out(scenario)}, {limit.text}."
        if is_of_hanging:  # which needs no lease to run out
            text = f"{_spared(scenario)}{limit.text[:1].upper()}{limit.text[1:]}."
        why = Cause(text=text, mechanism=limit.kind, number=limit.number)
    # of variants that are as good one is named first that somebody can choose, as after a run
    chosen_first = sorted(variants, key=lambda one: bool(apart.of_the_incident(scenario, one[1])))
    change = _to_try(asked, collapse, chosen_first, notes, file, given, policies)
    kept = "" if is_all_the_time else lasting.told(scenario, outages, lasts)  # a lease not renewed before lasts less
    if kept:
        why, change = Cause(mechanism="nothing"), _of_kept(file, given, policies, is_sure=lasting.is_sure(kept))
    told = [kept, took, "Nothing was run: this is what theory says.", _what_it_is(scenario), _away(scenario, outages)]
    told += [_hangs(scenario, is_out=bool(outages), is_told=is_of_hanging and not kept)]
    known = f"{sure} " if sure else ""
    bounds = "Theory gives bounds and ratios, no chances: above 1 is bad, how bad only a run tells."
    mixed = apart.drawn_anew(variant, scenario, [(name, one) for name, one, *_ in variants])
    found = Answer(
        happened=AnswerPart(text=" ".join(one for one in told if one)),
        why=why,
        change=change,
        sure=AnswerPart(text=f"{known}{bounds}{_on_a_condition(scenario)} {mixed}".rstrip()),
        rests_on=AnswerPart(text=" ".join([*assumed(notes), *advice.late_costs(scenario)])),
    )
    return found.speaking_of(scenario.called)


def _to_try(
    asked: Group,
    collapse: mechanism.Limit | None,
    variants: Variants,
    notes: Sequence[Note],
    file: str,
    given: Sequence[str],
    policies: Sequence[str],
) -> Change:
    """What would keep it from a collapse that theory names: as after a run, a variant of the file before any other
    change, and no change that a variant has. Whether it comes to pass only a run tells, save where too much is asked
    for all the time; and so whether what merely takes its time needs a change.
    """
    scenario = asked.scenario
    is_sure = collapse is not None and collapse.kind in mechanism.ALL_THE_TIME
    # where no lease may run out at all, what would make them again is no advice yet
    feared = collapse if is_sure or not _spared(scenario) else None
    cure = None if feared is None else remedy.of(asked, feared)
    if cure is not None and any(remedy.is_in(one, cure) for _, one, *_ in variants):
        cure = None
    others = [foretold.of(*one) for one in variants]
    said, free = ("", None) if feared is None else foretold.sentence(feared, others)
    plain = trying(file, given, (), policies=policies)
    if free is not None:
        runs = f"Run it ({plain}): the run" if plain else "A run"
        its = f"{show_count(len(others))} variants" if len(others) > 1 else "variant"
        text = f"{said} {runs} tells how the file and its {its} end, and what the best one costs."
        if cure is not None:
            text += f" If that is not enough, try {cure.text} (not simulated: {' '.join(_set(cure))})."
        return Change(text=text, name=free.variant, is_simulated=False, command=plain)
    if cure is not None:
        tries = f"ry {cure.text} (not simulated; this would try it)."
        if not math.isnan(cure.back_s):  # a run judges by the same share
            tries += f" By theory 99 % are then back about {show_duration(cure.back_s)} after {moments.since(asked)}."
        text = f"T{tries}"
        if not is_sure:
            first = f"First run it as it is ({plain}): only a run" if plain else "Only a run"
            first = f"{first} tells whether it collapses. If it does, t{tries}"
            text = f"{first} {_if_not(scenario, cure)}".rstrip()
        text = f"{said} {text}".lstrip()
        text = " ".join([text, *of_defaults(notes, cure.overrides)])
        command = trying(file, given, cure.overrides, policies=policies)
        return Change(text=text, name=cure.name, is_simulated=False, command=command)
    loses = ", whether any lease runs out, and what would make it sooner" if scenario.has_leases else ""
    text = f"{said} Only a run tells what happens{loses}.".lstrip()
    return Change(text=text, is_simulated=False, command=plain)


def _set(cure: remedy.Remedy) -> list[str]:
    return [f"--set {shlex.quote(one)}" for one in cure.overrides]


def _if_not(scenario: Scenario, cure: remedy.Remedy) -> str:
    """What a cure costs that delays all, if nothing collapses without it, as a sentence; "" of other cures."""
    if scenario.fleet is None or math.isnan(cure.back_s):
        return ""
    needs_s = scenario.fleet.asks / scenario.hosts.capacity_per_s
    text = f"If it does not, the change makes it later: the delay alone takes {show_duration(cure.back_s)}, the hosts "
    return f"{text}need only {show_duration(needs_s)} for all."


def _of_kept(file: str, given: Sequence[str], policies: Sequence[str], *, is_sure: bool) -> Change:
    """What is advised where no lease runs out: nothing, or the run that tells whether it comes to that."""
    if is_sure:
        return Change(text="Nothing needs to change for the leases.")
    command = trying(file, given, (), policies=policies)
    return Change(text="Only a run tells whether anything needs to change.", is_simulated=False, command=command)


def _spared(scenario: Scenario) -> str:
    """A sentence on the rule by which no lease may run out at all; "" without one."""
    rule = scenario.policies.lease
    return f"The rule of leases may spare all of them: {rule.words}. " if rule.name in foretold.SPARES else ""


def _if_all_run_out(scenario: Scenario) -> str:
    """The case that is told, with the time that it takes at least where a cap holds leases back that have ended."""
    cap, text = gates.expiries_per_s(scenario), "If all leases run out"
    if math.isinf(cap) or scenario.fleet is None:
        return text
    takes = show_duration(scenario.fleet.asks / cap)
    return f"{text} (which takes {takes} at least: {show_count(cap)} a second, by the cap on expiries)"


def _away(scenario: Scenario, outages: Course) -> str:
    """When the dependency is away, and how long it is back between outages; "" without one."""
    if not outages:
        return ""
    each = [f"from {show_duration(one.from_s)} to {show_duration(one.to_s)}{_fails(one)}" for one in outages[:AWAY_MAX]]
    if len(outages) > AWAY_MAX:
        each.append(f"{len(outages) - AWAY_MAX} more times")
    *before, last = each
    text = f"The dependency is away {', '.join(before)}{' and ' if before else ''}{last}"
    gaps = [later.from_s - one.to_s for one, later in itertools.pairwise(outages)]
    gaps = [gap_s for gap_s in gaps if gap_s > 0]
    if gaps and scenario.fleet is not None:
        makes_s = scenario.fleet.asks / scenario.hosts.capacity_per_s
        least = "at least " if len(gaps) > 1 else ""
        text += f": it is back for {least}{show_duration(min(gaps))} between them, and all leases take "
        text += f"{show_duration(makes_s)} of work"
    return f"{text}."


def _fails(one: Outage) -> str:
    return "" if one.fails_share == 1 else f" ({show_share(one.fails_share)} of the requests fail)"


def _hangs(scenario: Scenario, *, is_out: bool, is_told: bool) -> str:
    """What requests do while the dependency is away (hang, or fail so soon), and how many then wait where that is not
    told elsewhere, in sentences; "" where it is not away.
    """
    if math.isnan(scenario.hosts.hanging):
        return "Requests hang while the dependency is away, and hold up those behind them: how many, only a run tells."
    hung, fails = mechanism.hangs(scenario), mechanism.fails(scenario)
    out = [f"Meanwhile requests {fails} (host.fail_after)."] if is_out and fails else []
    out += [f"{hung[:1].upper()}{hung[1:]}."] if hung and not is_told else []
    return " ".join(out)


def _on_a_condition(scenario: Scenario) -> str:
    """That what operators do to the hosts on a condition counts as done before all in the bounds, as a sentence; ""
    where they make none faster so.
    """
    hosts = scenario.hosts
    known = [one for one in scenario.actions if one.when and (one.sets.startswith("host.") or "workers" in one.sets)]
    if not known or not hosts.fastest_per_s > hosts.capacity_per_s:
        return ""
    told = " and ".join(dict.fromkeys(f"{one.sets}, when {one.when}" for one in known))
    text = f" In them what operators do on a condition ({told}) counts as done from the start: when they do it, "
    return f"{text}only a run tells."


def _what_it_is(scenario: Scenario) -> str:
    """Who asks, and what the hosts can do."""
    hosts, fleet = scenario.hosts, scenario.fleet
    let_in = hosts.admission_per_s
    first = " at first" if hosts.admission_course else ""
    limit = f" Admission lets in {show_count(let_in)} a second in all{gates.of_each(scenario, let_in)}{first}."
    limit = limit if math.isfinite(let_in) else ""
    if scenario.policies.queue.name == "bounded":
        work = show_duration(hosts.queue_limit / hosts.capacity_per_s)
        limit += f" At each host at most {show_count(hosts.queue_limit / hosts.hosts)} requests wait ({work} of work)."
    own = [f"{show_count(one.limit)} of “{one.name}”" for one in scenario.classes if math.isfinite(one.limit)]
    limit += f" At each host no more requests may wait than {' and '.join(own)}." if own else ""
    if fleet is None:
        come = show_count(scenario.wanted_per_s)
        return f"{come} jobs a second come at the end, and the hosts do {show_count(hosts.per_s_at(math.inf))}.{limit}"
    text = f"The hosts do {show_count(hosts.capacity_per_s)} a second: all {show_count(fleet.holders)} holders"
    text += f", with {show_count(fleet.leases)} leases," if fleet.leases else ""
    takes = "take" if fleet.renewals_share < 1 else "ask for"
    text += f" take {show_duration(fleet.asks / hosts.capacity_per_s)}, and renewals {takes} "
    text += f"{show_share(fleet.renewals_share)} of the hosts all the time."
    return text + _in_turn(fleet) + limit


def _in_turn(fleet: Fleet) -> str:
    """What renewals that are more than the hosts can do come to where no lease is lost by it, as a sentence."""
    found = fleet.in_turn
    if found is None or found.ends not in ("well", "perhaps late"):
        return ""
    text = " That is no collapse by itself: a holder asks again only after its answer, so each waits about "
    text += f"{show_duration(found.waits_s)} for it and is renewed every {show_duration(found.every_s)}, and the "
    text += f"shortest lease runs {show_duration(found.lease_s)}"
    return f"{text}." if found.ends == "well" else f"{text}; but that wait comes near to the timeout."
