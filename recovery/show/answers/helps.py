"""What helps, of a run: the variant that is better, with what it costs; else what the limit points to."""

import functools
import math
import re
from collections.abc import Callable, Sequence

from recovery.measures import register
from recovery.measures.register import LEASES
from recovery.show import advice, renewed, stage_times, standings
from recovery.show.answers import apart, at_hosts, by_class, changes, gates, herd, mechanism, moments, once_more, remedy
from recovery.show.answers.answer import Change
from recovery.show.answers.costs import (
    ATTEMPTS,
    ATTEMPTS_GROW,
    LONGER,
    TIME,
    TIME_MORE_S,
    costs,
    not_measured,
    outweighs,
)
from recovery.show.answers.inputs import of_defaults, trying
from recovery.show.answers.rests import not_well_with
from recovery.show.figures import TimeAxis
from recovery.store.run_record import Group, RunManifest, Summary, with_groups
from recovery.store.scenario_record import Planned, Rule
from recovery.units import show_beside, show_count, show_duration, show_ends, show_number, show_share

ENOUGH = 10  # runs: so many show a cliff that one alone may pass by luck
SAME_TOLD = 2  # variants of which it is said that they run exactly as the first
WORTH = 0.1  # of the time after the return: what saves less is not advised
TIES_TOLD = 2  # variants of which it is said that they are as soon as the best
SETS_TOLD = 3  # keys that a variant sets
BRIEF = 80  # characters of a value
FEWER = 0.1  # of all holders: so many fewer without a lease are told
LATER_TOLD = 3  # variants of which it is said how much later they are
MANY_TRIES = 2  # attempts for each success, from which on they are told where all is well
LATER = 1.5  # times as long until the last is back: told beside the time of 99 %
CLEARLY_SOONER = renewed.CLEARLY_SOONER  # of the time of the best variant: what theory alone says is rough
SAME_HOSTS = (  # remedies that leave the hosts as they are, and all that they have to do
    "a higher limit", "a higher limit at once", "shorter waits", "shorter waits and a short queue", "longer waits",
    "waits at random", "asking again sooner", "a short queue", "newest first", "a first delay", "a longer timeout",
)  # fmt: skip
GIVEN = "which is given and no rule of the system"
ASKS_ATTEMPTS = re.compile(r"\b(attempts|calls|retries|tries)\b", re.IGNORECASE)  # a question that has such a word
SERVED_MOST = 0.99  # of all jobs: where fewer get an answer all is not well


def change_of(manifest: RunManifest, summary: Summary, limit: mechanism.Limit | None) -> tuple[Change, Group | None]:
    """The change that helps most, and the variant that it is, if it is one."""
    groups, axis, whose = summary.groups, TimeAxis.of(manifest), advice.whose(summary)
    first = groups[0]
    was, at_first = advice.standing(summary, first), advice.first_standing(summary, first)
    if lacks_the_file(manifest, first):
        return _without_the_file(manifest, summary)
    is_well = at_first.never == 0 and at_first.mean_s <= first.scenario.window_s
    unjudged = _lost_later(first) if is_well and set(first.verdicts) == {"recovered"} else ""
    if standings.is_lost_again(summary, first, advice.measure_of(summary)):
        is_well = False  # a run is judged by the last return
    if (soonest := _renews_soonest(summary)) is not None:
        return _renews_sooner(summary, soonest, axis), soonest
    if is_well and set(first.verdicts) == {"recovered"}:
        lost = first.mean("gave_up")
        if first.mean("served_share") <= SERVED_MOST:
            text = (
                f"No change can make it sooner, since what waits is gone at once; but {show_count(lost)} jobs gave up."
            )
            return Change(text=text), None
        if first.unleased is not None and first.unleased.to_s < first.mean("recovers_from_s"):
            text = f"No change can make it sooner: all is well when {moments.since(first)}, where the clock starts. "
            return Change(text=f"{text}What was before that is not judged; recovers_from sets another start."), None
        if unjudged:
            return Change(text=unjudged), None
        well = f"99 %{whose} are well at once" if whose else "it is well at once"
        if first.scenario.has_leases and first.unleased is None and not first.mean("sessions_ended") > 0:
            well = "no holder loses its lease"
        if first.is_overdue and first.unleased is None and math.isinf(renewed.shown_s(first)):
            return _never_renewed(manifest, summary, axis), None
        if (over := _overloaded(manifest, first, well)) is not None:
            return over, None
        told = [f"Nothing needs to change: {well}.", _in_vain(first), not_well_with(summary, axis)]
        if (short := _renews_sooner_with(summary)) is not None:
            told.append(f"All holders would renew sooner with {short.text} (not simulated; this would try it).")
            return _to_try(manifest, told, short), None
        return Change(text=" ".join(one for one in told if one)), None
    others, away = _changes_of_the_system(summary)
    best, declared = best_of(summary), advice.declared_only(groups)
    if best is not None:
        return _best(summary, best, declared, axis, limit), best
    if (part := _of_the_limit(summary)) is not None:
        return part
    said = []
    is_never = was.never == was.runs
    is_leases = advice.is_judged_by_leases(groups)
    same = [one for one in others if _means(one) == _means(first)]
    said += [
        f"“{one.variant}” runs exactly as “{first.variant}”, so it changes nothing here." for one in same[:SAME_TOLD]
    ]
    others = [one for one in others if one not in same]
    answering = [one for one in others if not (is_leases and advice.declares_only(first, one))]
    trade, classes = _trade_off(summary, axis), by_class.of_variants(summary, answering)
    if trade:
        said.append(trade)
    elif answering:
        window = show_duration(first.scenario.window_s)
        is_none = not classes and all(advice.standing(summary, one).rank >= was.rank for one in answering)
        how = "sooner" if is_none else f"sooner by more than {window}"
        how += f" for{whose.removeprefix(' of')}" if whose else ""
        whole = f"is {how}"
        if is_never:
            whole = "recovers" if is_leases else "brings all stages back"
        text = f"None of the {len(answering)} other variants {whole}."
        if is_none and not is_never and len(answering) == len(summary.groups) - 1:
            text = f"No other variant is {how}."
        if len(answering) == 1:
            lacks = "does not recover either" if is_leases else "does not bring all stages back either"
            text = f"“{answering[0].variant}” {lacks if is_never else f'is not {how}'}."
        if not is_never and (later := _later(summary, answering)):
            text = later if len(answering) == 1 else f"{text.removesuffix('.')}: {later}"
        said.append(text)
    said += [
        *classes,
        *by_class.by_priority_alone(summary, _changes_of_the_system(summary)[0]),
        *([away] if away else []),
    ]
    if others:
        if not (is_never or trade):
            said += [_answered_sooner(summary), _fewest_wait(summary), _fewest_attempts(manifest, summary)]
        said += declared
    is_of_it = limit is not None and limit.kind == "gated"  # by that limit itself leases are lost once more
    last = "" if is_of_it else _lost_again(summary)
    deed = once_more.deed_of(first) if last else None
    hands = None if deed is None else remedy.without_hands(first)
    if hands is not None and not any(remedy.is_in(one.scenario, hands) for one in groups[1:]):
        said.append(f"Try {hands.text} (not simulated; this would try it). It would spare the later loss: {last}.")
        return _to_try(manifest, said, hands), None
    found = None if limit is None else remedy.of(first, limit)
    if found is None:
        said.append("" if limit is None or limit.kind != "spread" else _above(first, at_first, limit))
        return Change(text=" ".join(text for text in said if text) or unjudged), None
    if (tried := next((one for one in groups[1:] if remedy.is_in(one.scenario, found)), None)) is not None:
        said.append(f"“{tried.variant}” tries {found.text} already.")
        return Change(text=" ".join(text for text in said if text)), None
    stays = _stays(deed, last) if last else ""
    is_bound = limit is not None and is_leases and not whose  # a limit holds all of them up
    gain, is_little = _gain(first, at_first, limit, found) if is_bound and limit is not None else ("", False)
    if is_little:
        said += [f"Little is left to gain: {found.text} would save {gain}.", stays]
        return Change(text=" ".join(text for text in said if text)), None
    later = "" if is_leases else ", and another stage may be the last then"
    said.append(f"Try {found.text} (not simulated{later}; this would try it).")
    said += of_defaults(summary.notes, found.overrides)
    said += [f"It would save {gain}." if gain else "", stays]
    longer = None if limit is None else remedy.outlasting(first, limit)
    if longer is not None and longer != found:
        text = f"{longer.text[:1].upper()}{longer.text[1:]} may do as well: the last is then served before its client "
        said.append(f"{text}gives up (not simulated; --set {longer.overrides[0]}).")
    return _to_try(manifest, said, found), None


def _lost_later(first: Group) -> str:
    """That the last loss of leases of a variant that is well at once is not judged, and what it comes after; "" where
    none comes later.
    """
    again, window_s = (first.unleased_spans or (first.unleased,))[-1], first.scenario.window_s
    if again is None or not again.from_s > first.mean("recovers_from_s") + window_s:
        return ""
    deed, begin_s = once_more.deed_of(first), first.began_s(again)
    after = f"from {show_duration(begin_s)} after the start on"
    if deed is not None:
        after = f"after what operators do {show_duration(deed.at_s)} after the start ({deed.sets or deed.do})"
    text = f"No change is judged: all is well when {moments.since(first)}, where the clock starts, and leases are lost "
    return f'{text}{after}. To judge that: recovers_from = "{again.from_s - window_s:.0f}s".'


def _lost_again(summary: Summary) -> str:
    """When the first variant is back for the last time, where its leases are lost once more; "" where they are not, or
    not back in some run, whose collapse is then what its limit is of.
    """
    first = summary.groups[0]
    last = advice.standing(summary, first)
    if last.never or not standings.is_lost_again(summary, first, advice.measure_of(summary)):
        return ""
    return f"as it is, {advice.is_back(summary)} for the last time only {moments.after(first, last)}"


def _stays(deed: Planned | None, last: str) -> str:
    """What a change of the first return leaves as it is: the `last` one."""
    text = "whether leases are then still lost once more, only a run tells"
    if deed is not None and math.isfinite(deed.comes_within_s):
        text = "leases are lost once more all the same, since operators end the sessions"
    return f"That is of the first return; {text}: {last}."


def _to_try(manifest: RunManifest, said: Sequence[str], found: remedy.Remedy) -> Change:
    """A change that was not simulated, with the command that would."""
    command = trying(manifest.file, manifest.overrides, found.overrides, policies=manifest.own_files)
    text = " ".join(one for one in said if one)
    return Change(text=text, name=found.name, is_simulated=False, command=command)


def _in_vain(first: Group) -> str:
    """Where all is well though much work or most attempts are in vain: how much, over what time that is counted, and
    why it does no harm; "" where little is.
    """
    wasted, made, denied = (first.mean(name) for name in ("wasted_share", "amplification", "denied_share"))
    found, out, has_leases = [], [], first.scenario.has_leases
    if wasted >= mechanism.WASTE:
        found.append(f"{show_share(wasted)} of the work is for answers that nobody waits for")
    if made >= MANY_TRIES:
        found.append("no attempt succeeds" if math.isinf(made) else f"a success takes {show_number(made)} attempts")
    if found:
        until = "99 % have a lease" if has_leases else "99 % of the backlog is cleared"
        out.append(f"In the first {show_duration(first.scenario.window_s)} after {moments.since(first)} ")
        counted = f"this is counted until {until}, but for one window at least"
        if has_leases and first.unleased is None:
            counted = "this is of that one window; tables have –, since no lease has to come back"
        out.append(f"{' and '.join(found)} ({counted}). ")
    if denied >= mechanism.WASTE:
        out.append(f"{show_share(denied)} of the attempts of the whole run are refused. ")
    if not out:
        return ""
    if not has_leases:
        return f"{''.join(out)}That does no harm: the jobs behind them try again, and get their answer in time."
    if first.unleased is not None:
        return f"{''.join(out)}That does no harm: 99 % have a lease all the same."
    until = "before its lease ends"
    if first.renewals is not None and first.renewals.overdue and math.isfinite(first.renewals.all_s):
        until = f"and all have renewed {renewed.told(first, moments.returned(first))}"
    return f"{''.join(out)}That costs nobody a lease: whoever gets no answer tries again, {until}."


def _means(group: Group) -> str:
    """All that is measured of a variant, to be compared; what was not measured is like itself."""
    return repr([(name, found.mean, group.mean(name)) for name, found in group.measures.items()])


def _gain(first: Group, was: standings.Standing, limit: mechanism.Limit, found: remedy.Remedy) -> tuple[str, bool]:
    """What a change of a fleet or of jobs that recover can save, of how long a trouble, and whether that is little: of
    the time after the return, since nobody can change the outage. Of a capacity it is half of the work with twice the
    workers, and what is in vain; what else the time holds may become as much shorter, or not at all. With a
    short queue it is only what is in vain; of whatever leaves the hosts as they are what they do not need for the work.
    Of those that do not recover nothing.
    """
    fleet = first.scenario.fleet
    if was.never or not was.is_known or limit.kind == "gated":  # then leases are lost again after it
        return "", False
    is_paced = limit.kind == "capacity"
    from_s, away_s = first.mean("recovers_from_s"), was.mean_s
    down_s = mechanism.restart_takes_s(first.scenario, from_s)
    gain_s = most_s = max(was.mean_s - down_s, 0.0)
    if found.name in SAME_HOSTS:
        hosts_s = gates.hosts_s(first.scenario, mechanism.work_of(first))
        gain_s -= hosts_s if hosts_s <= gain_s else 0.0  # where many give up, less than all the work is done
        most_s = gain_s
    more = ""
    if is_paced:
        vain_s = mechanism.vain_s_of(first, was.mean_s)
        half_s = (limit.number - down_s) / 2
        gain_s = half_s + vain_s
        most_s = max(most_s - half_s, gain_s)  # half of the work is left at the least
        if remedy.is_short_queue(found):
            how, told_s = _about(gain_s, most_s, first)
            more = f"; with twice the workers as well {how} {show_duration(told_s)}"
            gain_s = most_s = vain_s
    above_s = max(was.mean_s - herd.asks_s(first.scenario), 0.0)  # nobody is back who has not asked
    gain_s, most_s = min(gain_s, above_s), min(most_s, above_s)
    of = "until 99 % are back" if fleet is not None else "that the backlog takes"
    if fleet is not None and first.unleased is not None:
        spans, back_s = first.unleased_spans or (first.unleased,), from_s + was.mean_s
        span = [spans[0], *(one for one in spans if one.from_s <= back_s)][-1]  # not one that comes after it
        began_s = first.began_s(span)
        if began_s > from_s:  # leases may be away for less than all the time after it
            away_s, of = span.to_s - began_s, "that some are without a lease"
    how, told_s = _about(gain_s, most_s, first) if is_paced else ("at most", gain_s)
    part, away = show_beside(told_s, away_s)
    saves = f"{how} {'all' if told_s >= away_s else part} of the {away}"
    return f"{saves} {of}{more}", max(gain_s, most_s) < WORTH * away_s


def _above(first: Group, was: standings.Standing, limit: mechanism.Limit) -> str:
    """How much of a time is above what the first attempts take, which no other change than of these can save."""
    above_s = was.mean_s - limit.number
    if was.never or not was.is_known:
        return ""
    none = above_s <= first.scenario.window_s
    most = "anything" if none else f"more than {show_duration(above_s)} of the {show_duration(was.mean_s)}"
    return f"No change of waits, queues or hosts saves {most}, since clients do not ask sooner."


def _about(gain_s: float, most_s: float, first: Group) -> tuple[str, float]:
    """What faster hosts save, s, and in words how sure that is: about so much where it is nearly all that there is to
    gain; else at most all of that, since waits or what comes next may then take as long.
    """
    is_all = most_s - gain_s <= max(first.scenario.window_s, mechanism.VAIN * most_s)
    return ("about", gain_s) if is_all else ("at most", most_s)


def _later(summary: Summary, others: Sequence[Group]) -> str:
    """Which variants are later than the first, and by how much, as a sentence; "" where none clearly is."""
    first, told = summary.groups[0], []
    was = advice.standing(summary, first)
    for one in others:
        now = advice.standing(summary, one)
        if now.never_share > was.never_share:
            told.append(f"“{one.variant}” is not well before the end{_in_runs(now)}")
        elif now.never_share == was.never_share and now.mean_s - was.mean_s > first.scenario.window_s:
            told.append(f"“{one.variant}” is {show_duration(now.mean_s - was.mean_s)} later")
    return f"{', '.join(told[:LATER_TOLD])}{' and so on' if len(told) > LATER_TOLD else ''}." if told else ""


def _as_often_well(summary: Summary) -> list[Group]:
    """The first variant, and the others that are back at least as often: a short queue is no praise of a collapse."""
    first, others = summary.groups[0], _changes_of_the_system(summary)[0]
    was = advice.standing(summary, first).never_share
    return [first, *(one for one in others if advice.standing(summary, one).never_share <= was)]


def _answered_sooner(summary: Summary) -> str:
    """Which variant answers requests much sooner, though leases or jobs are back no sooner: that is what clients who
    get in feel, and no time to recovery tells it; "" where none does.
    """
    first, *others = _as_often_well(summary)
    known = [one for one in others if not math.isnan(one.mean(TIME))]
    least = min(known, key=lambda one: one.mean(TIME), default=first)
    was_s, now_s = first.mean(TIME), least.mean(TIME)
    if not (was_s >= LONGER * now_s and was_s - now_s >= max(TIME_MORE_S, first.scenario.window_s)):
        return ""
    text = f"But under “{least.variant}” whoever gets in is answered sooner: 99 % of the requests take up to "
    return f"{text}{show_duration(now_s)} at a host, instead of {show_duration(was_s)} (sojourn_p99_s)."


def _fewest_wait(summary: Summary) -> str:
    """Which variant lets fewest wait though none is sooner, with what that costs in time and in harms."""
    first, *others = _as_often_well(summary)
    least = advice.fewest_wait([first, *others])
    if least is None:
        return ""
    was, now = advice.standing(summary, first), advice.standing(summary, least)
    peaks = (show_count(group.mean("queue_peak")) for group in (least, first))
    text = f"Fewest wait under “{least.variant}”: {' requests at most instead of '.join(peaks)}"
    later_s = now.mean_s - was.mean_s
    if later_s > first.scenario.window_s:
        text += f", but it is {show_duration(later_s)} later"
    cost = costs(first.scenario.traffic, first.mean, least.mean)
    if ", but it is " in text:
        cost = cost.replace("It costs nothing", "Beside that it costs nothing", 1)
    return " ".join(one for one in (f"{text}.", _by_schedule(summary, least), cost) if one)


def _fewest_attempts(manifest: RunManifest, summary: Summary) -> str:
    """Which variant makes far fewer attempts though none is sooner: of those that are no later, or of all, with how
    much later it is, where the file asks for attempts, by its question or a bound. "" where none does.
    """
    first, *others = _as_often_well(summary)
    is_asked = ASKS_ATTEMPTS.search(manifest.head.question) or any(one.measure == ATTEMPTS for one in summary.expect)
    among = others if is_asked else [one for one in others if not _later(summary, [one])]
    known = [one for one in among if one.mean(ATTEMPTS) > 0]
    least = min(known, key=lambda one: one.mean(ATTEMPTS), default=first)
    made, makes = first.mean(ATTEMPTS), least.mean(ATTEMPTS)
    if not LONGER * makes <= made < math.inf:
        return ""
    text = f"“{least.variant}” makes {show_share(1 - makes / made)} fewer attempts for each success: "
    text += f"{show_number(makes)} instead of {show_number(made)}"
    later_s = advice.standing(summary, least).mean_s - advice.standing(summary, first).mean_s
    return f"{text}, but it is {show_duration(later_s)} later." if later_s > first.scenario.window_s else f"{text}."


def _by_schedule(summary: Summary, group: Group) -> str:
    """That the time of a variant is mostly the waves that operators chose; "" where it is not."""
    now = advice.standing(summary, group)
    if not advice.is_judged_by_leases(summary.groups) or not now.is_known:
        return ""
    found = mechanism.schedule_of(group, now.mean_s)
    if found is None:
        return ""
    schedule = found.text.partition(": ")[2]
    return f"Its {show_duration(now.mean_s)} are mostly the spacing that operators chose: {schedule}."


def _in_runs(found: standings.Standing) -> str:
    return f" in {found.never} of {found.runs} runs" if found.never < found.runs else ""


def _renews_soonest(summary: Summary) -> Group | None:
    """Where no lease is lost, but some are overdue: the variant by which all have renewed soonest; None where none is
    sooner than the first.
    """
    first = summary.groups[0]
    was = advice.first_standing(summary, first)
    is_well = was.never == 0 and was.mean_s <= first.scenario.window_s and first.unleased is None
    if not is_well or first.renewals is None or not first.renewals.overdue:
        return None
    others = _changes_of_the_system(summary)[0]
    free = [one for one in others if not _is_given(first, one)]
    alike = renewed.soonest_of(first, free) or renewed.soonest_of(first, others)
    return changes.least(alike[0], alike) if alike else None


def _is_given(first: Group, other: Group) -> bool:
    """Whether a variant is no change that somebody can make: it differs from the first in the incident alone."""
    return bool(apart.of_the_incident(first.scenario, other.scenario))


def _renews_sooner(summary: Summary, best: Group, axis: TimeAxis) -> Change:
    """The variant by which all have renewed soonest, though no lease is lost."""
    first = summary.groups[0]
    saved, when = renewed.sooner_s(best, first), moments.returned(first)
    text = f"“{best.variant}”: all have renewed {renewed.told(best, when)}, "
    much = f"{renewed.between(saved, renewed.most_sooner_s(best, first))} sooner"
    if not renewed.is_sure(best):
        early, shown = map(show_duration, (renewed.after_s(best), renewed.shown_s(best)))
        text += f"and as far as counts show {'no later' if shown == early else f'by {shown} after it'}, "
        much = f"about {show_duration(saved)} sooner"
    text += much if math.isfinite(saved) else "instead of not before the end"
    text += _span_of(renewed.saved_span(summary, best, first)) if math.isfinite(saved) and first.runs > 1 else ""
    cost = costs(first.scenario.traffic, first.mean, best.mean)
    alike = renewed.soonest_of(first, _changes_of_the_system(summary)[0])
    window_s, best_s = first.scenario.window_s, renewed.after_s(best)
    how = [(one, _how_soon(best_s - renewed.after_s(one), window_s, renewed.show(one))) for one in alike]
    as_soon = _as_soon(first, best, how)
    unseen = _not_measured(first, best)
    told = [
        f"{text}.",
        _sets(best),
        _given(first, best),
        "No holder loses its lease either way.",
        cost,
        unseen,
        as_soon,
    ]
    told.append(not_well_with(summary, axis))
    return Change(text=" ".join(one for one in told if one), name=best.variant, saved_s=saved)


def _overloaded(manifest: RunManifest, first: Group, well: str) -> Change | None:
    """What removes the cause where all is well, though renewals alone are more than the hosts can do; else None."""
    fleet = first.scenario.fleet
    if fleet is None or not fleet.renewals_share > 1:
        return None
    share = show_share(fleet.renewals_share)
    told = [f"{well[0].upper()}{well[1:]}, but renewals alone need {share} of what the hosts can do, all the time."]
    found = remedy.of(first, mechanism.Limit("renewals", "", fleet.renewals_share))
    if found is None:
        return Change(text=told[0])
    return _to_try(manifest, [*told, f"Try {found.text} (not simulated; this would try it)."], found)


def _never_renewed(manifest: RunManifest, summary: Summary, axis: TimeAxis) -> Change:
    """What removes the cause where no lease is lost, but some are overdue as the run ends, and no variant is better."""
    first, fleet = summary.groups[0], summary.groups[0].scenario.fleet
    assert fleet is not None
    limit = mechanism.of_renewing(first, math.inf)
    found = None if limit is None else remedy.of(first, limit)
    late = "not all have renewed before the end"
    if math.isfinite(renewed.after_s(first)):
        late = f"some are still {fleet.overdue} as the run ends"
    told = [f"No holder loses its lease, but {late}."]
    if len(summary.groups) > 1:
        told.append("No variant changes that without losing leases.")
    if found is None:
        return Change(text=" ".join([*told, not_well_with(summary, axis)]).strip())
    if (tried := next((one for one in summary.groups[1:] if remedy.is_in(one.scenario, found)), None)) is not None:
        return Change(text=" ".join([*told, f"“{tried.variant}” tries {found.text} already."]))
    told += [f"Try {found.text} (not simulated; this would try it).", *of_defaults(summary.notes, found.overrides)]
    return _to_try(manifest, told, found)


def _as_soon(first: Group, best: Group, alike: Sequence[tuple[Group, str]]) -> str:
    """Which other variants are as soon as the best or sooner, in words, and which of them nobody can choose."""
    said = []
    for one, when in [pair for pair in alike if pair[0] is not best][:TIES_TOLD]:
        given = apart.of_the_incident(first.scenario, one.scenario)
        text = f"“{one.variant}” is {when}"
        said.append(f"{text}, but it changes {given}, {GIVEN}." if given else f"{text}.")
    return " ".join(said)


def _how_soon(sooner_s: float, window_s: float, when: str) -> str:
    """Whether a variant is sooner than another by more than a window, or as soon, with its time."""
    return f"{'sooner' if sooner_s > window_s else 'as soon'} ({when})"


def _given(first: Group, best: Group) -> str:
    """That the best variant is no choice, as a sentence; "" where it is one."""
    given = apart.of_the_incident(first.scenario, best.scenario)
    return f"It changes {given}, {GIVEN}." if given else ""


def _not_measured(first: Group, best: Group) -> str:
    """What a variant costs that no harm measures, in sentences; "" where there is nothing such."""
    was, now = first.scenario.fleet, best.scenario.fleet
    held_s, more = (math.nan, math.nan), ""
    if was is not None and now is not None:
        held_s = was.held_s, now.held_s
        if now.renewals_per_s > ATTEMPTS_GROW * was.renewals_per_s:
            more = f"All the time {show_count(now.renewals_per_s)} renewals come a second instead of "
            more += f"{show_count(was.renewals_per_s)}: {show_share(now.renewals_share)} of what the hosts can do "
            more += f"instead of {show_share(was.renewals_share)}."
    unseen = not_measured(functools.partial(_rule_on, first), functools.partial(_rule_on, best), held_s)
    return " ".join(one for one in (more, unseen) if one)


def _rule_on(group: Group, axis: str) -> str:
    """The name of a variant's rule on an axis."""
    rule: Rule = getattr(group.scenario.policies, axis)
    return rule.name


def _span_of(saved: standings.Saved) -> str:
    """How sure the mean of several runs is, in brackets."""
    if not math.isfinite(saved.low_s):
        return " (mean of the runs, without an interval)"
    ends = show_ends(saved.low_s, saved.high_s)
    return f" (95 %: {ends})" if ends else f" ({standings.ALIKE})"


def _renews_sooner_with(summary: Summary) -> remedy.Remedy | None:
    """Where no lease is lost, but hosts work for clients that have gone before all have renewed: a short queue, where
    by its arithmetic all have renewed clearly sooner and no variant tries one; else None. What waits in it, who asks
    again and the work of all come one after the other at worst.
    """
    first, found = summary.groups[0], summary.groups[0].renewals
    fleet, hosts = first.scenario.fleet, first.scenario.hosts
    if fleet is None or first.unleased is not None or found is None or not found.overdue:
        return None
    if not first.mean("wasted_share") >= mechanism.WASTE or any(
        math.isfinite(one.scenario.hosts.queue_limit) for one in summary.groups
    ):
        return None
    short = remedy.short_queue(first)
    at_most_s = hosts.timeout_s / 2 + first.scenario.longest_wait_s + fleet.all_at_once_s
    return short if at_most_s < CLEARLY_SOONER * found.all_s else None


def best_of(summary: Summary) -> Group | None:
    """The variant that helps most, which the answer names and pictures show in colour; None where none does. One that
    stands near a cliff comes behind those that do not, unless fewer of its runs are never well; and so does one under
    which a class is lost that variants are not judged by, and one that is no choice. Of its changes only those are
    advised that help, where a variant shows it (`changes.least`).
    """
    if (soonest := _renews_soonest(summary)) is not None:
        return soonest
    others = _changes_of_the_system(summary)[0]
    best = _best_among(summary, others)
    is_given = functools.partial(_is_given, summary.groups[0])
    flaws: tuple[Callable[[Group], object], ...] = (is_given, functools.partial(by_class.lost, summary), narrow)
    for has_flaw in flaws:
        fine = [one for one in others if not has_flaw(one)]
        safe = _best_among(summary, fine)
        if best is None or safe is None:
            continue
        if advice.standing(summary, safe).never_share <= advice.standing(summary, best).never_share:
            best, others = safe, fine
    return best and changes.least(best, [one for one, _ in _as_good(summary, best, others)])


def _best_among(summary: Summary, others: Sequence[Group]) -> Group | None:
    """Of some variants the one that helps most; None where none does. One that is sooner, but at a cost that outweighs
    it, is no help, unless it comes back more often.
    """
    first = summary.groups[0]
    fair = [one for one in others if not _is_trade_off(summary, one)]
    for among in (others, fair):
        best = advice.best_of(with_groups(summary, [first, *among]))
        if best is None:
            return None
        now, was = advice.standing(summary, best), advice.standing(summary, first)
        if best in fair or now.never_share < was.never_share:
            return best if advice.is_better(now, was, best.scenario.window_s) else None
    return None


def _as_good(summary: Summary, best: Group, among: Sequence[Group]) -> list[tuple[Group, str]]:
    """Of some variants those that are as soon as the best, to a window, or sooner, and as often, with their times."""
    first, now = summary.groups[0], advice.standing(summary, best)
    window_s = first.scenario.window_s
    known = [(one, advice.standing(summary, one)) for one in among]
    return [
        (one, _how_soon(now.mean_s - its.mean_s, window_s, its.whole()))
        for one, its in known
        if its.is_known and its.never_share <= now.never_share
        and its.mean_s <= now.mean_s + window_s and not advice.declares_only(first, one)
    ]  # fmt: skip


def _is_trade_off(summary: Summary, group: Group) -> bool:
    """Whether what a variant costs outweighs what it saves."""
    first = summary.groups[0]
    now, was = advice.standing(summary, group), advice.standing(summary, first)
    if not (now.is_known and was.is_known and was.mean_s > 0):
        return False
    whose = register.class_of(advice.measure_of(summary))

    def suffered(of: Group) -> Callable[[str], float]:
        return lambda name: of.mean(f"{name}.{whose}") if whose and f"{name}.{whose}" in of.measures else of.mean(name)

    return outweighs(suffered(first), suffered(group), 1 - now.mean_s / was.mean_s)


def _trade_off(summary: Summary, axis: TimeAxis) -> str:
    """Which variant is sooner at a cost that outweighs it, though none helps; "" where none is."""
    first, others = summary.groups[0], _changes_of_the_system(summary)[0]
    soonest = advice.best_of(with_groups(summary, [first, *others]))
    if soonest is None or not _is_trade_off(summary, soonest):
        return ""
    now, was = advice.standing(summary, soonest), advice.standing(summary, first)
    if not advice.is_better(now, was, soonest.scenario.window_s):
        return ""
    cost = costs(first.scenario.traffic, first.mean, soonest.mean)
    text = f"{_when_well(summary, soonest, axis)}, {_sooner(summary, soonest)}, but that costs more than it saves"
    return f"{text}: {cost.removeprefix('It costs: ')}"


def _near_a_cliff(summary: Summary, best: Group) -> str:
    """What few runs do not show of the best variant, or of one that is sooner: that it stands near a cliff."""
    soonest = _best_among(summary, _changes_of_the_system(summary)[0])
    if soonest is None or (found := narrow(soonest)) is None:
        return ""
    run = f"{_few(soonest.runs)} may not show that; run --replications {ENOUGH}."
    if soonest is best:
        return f"It stands near a cliff: its {found}. {run[:1].upper()}{run[1:]}"
    return f"“{soonest.variant}” is sooner, but near a cliff: its {found}; {run}"


def narrow(group: Group) -> herd.Narrow | None:
    """Whether a variant stands near a cliff by its numbers alone, and too few runs show whether it falls. None where it
    has fallen: much of its work is in vain.
    """
    has_fallen = group.mean("wasted_share") >= mechanism.WASTE
    return herd.narrow(group.scenario) if group.runs < ENOUGH and not has_fallen else None


def _few(runs: int) -> str:
    """So few runs, in words."""
    return "one run" if runs == 1 else f"{runs} runs"


def _of_the_limit(summary: Summary) -> tuple[Change, Group] | None:
    """Where no variant brings all stages back: the variant that brings those back that hold the first one up, and what
    holds it up then. None where there is none.
    """
    first, known = summary.groups[0], stage_times.variants(summary)
    others = _changes_of_the_system(summary)[0]
    if not known or not others or not known[0].normal[stage_times.ALL].is_never:
        return None
    stage = known[0].last.stage
    measure = "ttr99_s" if stage == LEASES else stage_times.NORMAL[stage]
    best = advice.best_of(with_groups(summary, [first, *others]), measure)
    was = standings.of(summary, first, measure)
    if best is None or not standings.of(summary, best, measure).never_share < was.never_share:
        return None
    [its] = [one for one in known if one.name == best.variant]
    now = standings.of(summary, best, measure)
    if stage == LEASES:
        is_always = standings.is_always(best, summary.rows_of(best), measure)
        when = "99 % have a lease all the time" if is_always else f"99 % are back {moments.after(best, now)}"
    else:
        when = f"they are normal again {now.show()} after the start"
    text = f"“{best.variant}” brings {stage_times.called(stage)} back: {when}, instead of {was.words}. "
    last, verb = its.last.stage, "are" if stage_times.are_many(its.last.stage) else "is"
    words = its.normal[last].words.replace("never", "never normal", 1).replace("not within", "not normal within", 1)
    text += f"But {stage_times.called(last)} {verb} then {words}. " if words else ""
    text += costs(first.scenario.traffic, first.mean, best.mean)
    return Change(text=text, name=best.variant), best


def _at_the_cost_of_a_class(summary: Summary, best: Group) -> str:
    """Which variant is sooner than the best for what variants are judged by, but loses a class; "" where none is."""
    soonest = _best_among(summary, _changes_of_the_system(summary)[0])
    if soonest is None or soonest is best or not (lost := by_class.lost(summary, soonest)):
        return ""
    told = ", and ".join(by_class.not_back(summary, soonest, name) for name in lost)
    whose, when = advice.whose(summary).removeprefix(" of"), advice.standing(summary, soonest).whole()
    return f"“{soonest.variant}” is sooner{f' for{whose}' if whose else ''} ({when}), but {told}."


def _changes_of_the_system(summary: Summary) -> tuple[list[Group], str]:
    """The variants beside the first whose dependency does the same, and a sentence on the others: a milder outage is no
    change that anybody can make. Where the race makes the outage, a guardrail is one.
    """
    first, *others = summary.groups
    if summary.race is not None:
        return others, ""
    away = [one for one in others if one.outages_index != first.outages_index]
    if not away:
        return others, ""
    named = ", ".join(f"“{one.variant}”" for one in away[:3]) + (" and others" if len(away) > 3 else "")
    text = f"Not judged: {named}, whose dependency is away at other times or for other requests."
    return [one for one in others if one not in away], text


def lacks_the_file(manifest: RunManifest, first: Group) -> bool:
    """Whether the file as it stands has no run, so that the first group is another variant."""
    return bool(manifest.head.label) and first.variant != manifest.head.label


def _without_the_file(manifest: RunManifest, summary: Summary) -> tuple[Change, Group | None]:
    """Which variant is best where there is nothing to compare it with."""
    why = f"What it saves and costs is not told: “{manifest.head.label}” has no run."
    best = min(summary.groups, key=lambda group: advice.standing(summary, group).rank)
    if not advice.standing(summary, best).is_known:
        return Change(text="No variant recovers." if len(summary.groups) > 1 else ""), None
    text = f"{_when_well(summary, best, TimeAxis.of(manifest))}. {why}"
    return Change(text=text, name=best.variant), None if best is summary.groups[0] else best


def _when_well(summary: Summary, group: Group, axis: TimeAxis) -> str:
    """When a variant is well, over the runs in which it is."""
    now = advice.standing(summary, group)
    if not advice.is_judged_by_leases(summary.groups):
        return f"“{group.variant}”: all stages are normal " + (
            f"at {moments.at(axis, now.mean_s)}" if now.mean_s > 0 else "all the time"
        )
    measure, what = advice.measure_of(summary), advice.is_back(summary)
    if standings.is_lost_again(summary, group, measure):
        first = advice.first_standing(summary, group)
        what = f"{what} after {first.whole()}, then leases are lost {moments.more(group)}, "
        what += "and 99 % are back for the last time"
    elif standings.is_always(group, summary.rows_of(group), measure):
        return f"“{group.variant}”: 99 %{advice.whose(summary)} have a lease all the time"
    return f"“{group.variant}”: {what} {moments.after(group, now)}"


def _sooner(summary: Summary, group: Group) -> str:
    """How much sooner, or later, a variant is than the first, with its interval."""
    was, now = advice.standing(summary, summary.groups[0]), advice.standing(summary, group)
    saved, low, high, *_ = advice.saved(summary, group)
    where = " where both recover" if was.never or now.never else ""
    if saved < 0:
        return f"{show_duration(-saved)} later{where}"
    if not saved > 0:
        return ""
    text = f"{show_duration(saved)} sooner{where} ({show_share(saved / was.mean_s)} less"
    text += f"; 95 %: {show_duration(low)} to {show_duration(high)})" if math.isfinite(low) else ")"
    return text + (", a difference that chance can make in so few runs" if low <= 0 else "")


def _sooner_still(summary: Summary, now: standings.Standing, limit: mechanism.Limit | None) -> str:
    """The remedy that the limit of the first variant points to, where by its arithmetic it is clearly sooner than the
    best variant; "" where it is not, arithmetic does not tell, or a variant has it.
    """
    first, *others = summary.groups
    found = None if limit is None else remedy.of(first, limit)
    if found is None or any(remedy.is_in(one.scenario, found) for one in others):
        return ""
    if not found.back_s < CLEARLY_SOONER * now.mean_s:
        return ""
    about = f"by theory 99 % are back about {show_duration(found.back_s)} after {moments.since(first)}"
    return f"Sooner still may be {found.text}: {about} (not simulated; --set '{found.overrides[0]}' tries it)."


def _the_last(summary: Summary, best: Group) -> str:
    """When the last is back, where 99 % are back much sooner, so that another variant may be the first with all of
    them; "" where not.
    """
    if advice.measure_of(summary) != "ttr99_s" or not best.scenario.has_leases:
        return ""
    most, whole = (standings.of(summary, best, name) for name in ("ttr99_s", "ttr100_s"))
    if not (most.is_known and whole.is_known and whole.mean_s > LATER * max(most.mean_s, most.window_s)):
        return ""
    text = f"The last is back only after {whole.whole()}"
    known = [(standings.of(summary, one, "ttr100_s"), one) for one in _changes_of_the_system(summary)[0]]
    soonest = min((pair for pair in known if pair[0].is_known), key=lambda pair: pair[0].rank, default=(whole, best))
    if soonest[1] is best or not advice.is_better(soonest[0], whole, best.scenario.window_s):
        return f"{text}."
    return f"{text}; all are back first under “{soonest[1].variant}” ({soonest[0].whole()})."


def _lose_fewer(summary: Summary, best: Group) -> str:
    """How many are without a lease at worst under a variant, where these are by far fewer than in the file."""
    was, least = (
        min(one.leased_least, *(row.of("leased_min_share") for row in summary.rows_of(one)))
        for one in (summary.groups[0], best)
    )
    if not was + FEWER <= least < gates.MOST:
        return ""
    return f"At worst {show_share(1 - least)} are without a lease there, instead of {show_share(1 - was)}."


def _sets(best: Group) -> str:
    """What a variant sets, key by key, with what the file has unless that is a list or a table, which takes long; of a
    value that takes long its key alone. "" where that is not known.
    """
    told = []
    for one in best.sets[:SETS_TOLD]:
        value = f" = {one.value}" if len(one.value) <= BRIEF else " (to what, the file says)"
        counts = f" ({one.counts})" if one.counts else ""
        is_short = one.was[:1] not in ("", "[", "{") and len(one.was) <= BRIEF
        told.append(f"{one.key}{value}{counts}{f' instead of {one.was}' if is_short else ''}")
    more = len(best.sets) - len(told)
    return f"It sets {', '.join(told)}{f' and {more} more' if more else ''}." if told else ""


def _idle(summary: Summary, best: Group) -> list[Group]:
    """The variants that make a part of the changes of the best, and are well as often and as soon as the first, to a
    window; none where that is not well in each run, so that costs tell nothing.
    """
    first, *others = summary.groups
    was, known = advice.standing(summary, first), changes.parts_of(best, others)
    now = [(one, advice.standing(summary, one)) for one in known]
    return [
        one for one, its in now if not (was.never or its.never)
        and abs(its.mean_s - was.mean_s) <= first.scenario.window_s
    ]  # fmt: skip


def _best(
    summary: Summary, best: Group, declared: Sequence[str], axis: TimeAxis, limit: mechanism.Limit | None
) -> Change:
    first = summary.groups[0]
    was, now = advice.standing(summary, first), advice.standing(summary, best)
    saved = advice.saved(summary, best).mean_s
    text = _when_well(summary, best, axis)
    if was.never_share != now.never_share:
        text += f", {now.words}" if now.words else ""
        text += f", instead of {was.words}"
        text += ", a difference that chance can make in so few runs" if advice.may_be_chance(summary, best) else ""
    elif now.words:
        text += f", {now.words} like “{first.variant}”"
    if was.never == was.runs:
        saved = math.inf
    else:
        text += f", {told}" if (told := _sooner(summary, best)) else ""
    idle = _idle(summary, best)
    cost = costs(first.scenario.traffic, changes.without(first, idle), best.mean)
    cost = by_class.with_cost(summary, best, cost)
    alone = advice.leases_alone(summary)
    unseen = _not_measured(first, best)
    is_first = advice.measure_of(summary) == "ttr99_s" and not _lost_again(summary)  # the limit is of that return
    still = _sooner_still(summary, now, limit) if is_first else ""
    is_calm = [standings.is_lost_again(summary, one, advice.measure_of(summary)) for one in (first, best)] == [
        True,
        False,
    ]
    others = _changes_of_the_system(summary)[0]
    given = [one for one in others if _is_given(first, one)]
    parts = [
        f"{text}.",
        _sets(best),
        changes.idle_words(first, best, idle),
        _given(first, best),
        "" if best in given else _as_soon(first, best, _as_good(summary, best, given)),
        "There no lease is lost once more." if is_calm else "",
        _lose_fewer(summary, best),
        by_class.beside(summary, best),
        _the_last(summary, best),
        _by_schedule(summary, best),
        at_hosts.beside(summary, best) if advice.is_judged_by_leases(summary.groups) else "",
        cost,
        unseen,
        _at_the_cost_of_a_class(summary, best),
        _near_a_cliff(summary, best),
        *declared,
        alone,
        still,
    ]
    return Change(text=" ".join(one for one in parts if one), name=best.variant, saved_s=saved)
