"""The answer of a run, from its manifest and its summary."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from recovery import theory
from recovery.measures import register
from recovery.measures.register import LEASES, ROUNDING
from recovery.show import advice, outages, renewed, stage_times, standings
from recovery.show.answers import (
    apart,
    at_hosts,
    by_class,
    cliffs,
    deeds,
    helps,
    lasting,
    mechanism,
    moments,
    once_more,
    points,
)
from recovery.show.answers.answer import Answer, AnswerPart, Cause
from recovery.show.answers.inputs import assumed, trying
from recovery.show.figures import TimeAxis
from recovery.show.stage_times import ALL
from recovery.show.text import sample_interval
from recovery.statistics.means import mean_interval
from recovery.store.note_record import Note
from recovery.store.run_record import Group, Row, RunManifest, Summary
from recovery.store.scenario_record import Course
from recovery.units import show_count, show_duration, show_milestone, show_share

JUST_IN_TIME = 0.9  # of the time that a run had: what comes later comes only just
COARSE = 50  # windows: how exactly times are known is told beside one that is shorter
BETWEEN = 0.05  # of all leases: if more than these may be away between the ends of windows, that is told
LONGER = 4  # times as long a run, which tells whether what comes and goes in waves comes back


def answer_of(manifest: RunManifest, summary: Summary) -> Answer:
    """The answer of a run: of its first variant what happened and why; of all others which helps most."""
    if summary.is_sweep:
        return points.answer_of(summary)
    first = summary.groups[0]
    limit = _limit(manifest, summary)
    change, helper = helps.change_of(manifest, summary, limit)
    why = _with_the_worst(manifest, summary, _why(manifest, summary, limit))
    found = Answer(
        happened=AnswerPart(text=_happened(manifest, summary, why)),
        why=why,
        change=change,
        sure=AnswerPart(text=_sure(manifest, summary, helper)),
        rests_on=AnswerPart(text=_rests_on(summary.notes, [first] if helper is None else [first, helper])),
    )
    return found.speaking_of(first.scenario.called)


# --- what happened ----------------------------------------------------------------------------------------------------


def _happened(manifest: RunManifest, summary: Summary, why: Cause) -> str:
    first, axis = summary.groups[0], TimeAxis.of(manifest)
    tell = _leases if manifest.has_leases else _jobs
    before = outages.told_before(manifest, summary, moments.SPELLS)
    out = [*tell(summary, first, axis), before, _hang(manifest, first, why), *_stages(summary, axis), *_others(summary)]
    out += _in_calm(manifest, summary, axis)
    if helps.lacks_the_file(manifest, first):
        out.insert(0, f"“{manifest.head.label}” has no run, so this is “{first.variant}”.")
    return " ".join(one for one in out if one)


def _in_calm(manifest: RunManifest, summary: Summary, axis: TimeAxis) -> list[str]:
    """Which variants that collapse lose leases before anything happens: before the dependency is away for the first
    time, and before operators act.
    """
    out = []
    for group in summary.groups:
        course = manifest.outages[group.outages_index] if group.outages_index < len(manifest.outages) else ()
        events = [one.from_s for one in course] + [one.at_s for one in group.scenario.actions]
        if group.unleased is None or not course or not group.verdicts.get("collapsed"):
            continue
        from_s = group.unleased.from_s
        if group.scenario.window_s < from_s < min(one for one in events if not math.isnan(one)):
            text = f"Under “{group.variant}” leases are lost already {moments.at(axis, from_s)}, before the dependency"
            out.append(f"{text} is away: not by its outage.")
    return out


def _hang(manifest: RunManifest, first: Group, why: Cause) -> str:
    """What requests do while the dependency is away (hang, where that is theory's to tell, or fail so soon), and how
    many then wait where `why` does not say it; "" where it is not away, or some of them succeed.
    """
    course = manifest.outages[first.outages_index] if first.outages_index < len(manifest.outages) else ()
    text, fails = mechanism.hangs(first.scenario), mechanism.fails(first.scenario)
    is_told = bool(text or fails) or math.isnan(first.scenario.hosts.hanging)
    if not course or not is_told or any(one.fails_share < 1 for one in course):
        return ""
    more = f": {text}" if text and text[1:] not in why.text else ""
    if fails and not text and first.scenario.has_leases and first.scenario.policies.guard.name == "none":
        wait_s = mechanism.waits_at_most_s(first.scenario, _down_s(course))
        more = f", and a client that failed asks again after up to {show_duration(wait_s)}"
    return f"While the dependency is away requests {fails or 'do not fail but hang'}{more}."


def _leases(summary: Summary, first: Group, axis: TimeAxis) -> list[str]:
    return [*_renewals(first, axis), *_lost(summary, first, axis)]


def _renewals(first: Group, axis: TimeAxis) -> list[str]:
    """Who was overdue and when all have renewed, where being late costs no lease yet. Where leases are lost all the
    same, these tell it, and who was overdue is told only where the file has a word for it.
    """
    found, fleet = first.renewals, first.scenario.fleet
    if found is None or fleet is None or not found.overdue:
        return []
    is_lost = first.unleased is not None
    if is_lost and fleet.overdue == "overdue":
        return []
    late = "their last renewal is more than " + show_duration(found.after_s) + " ago"
    when = moments.spells(first, found.overdue, axis, found.overdue_runs)
    text = f"{when} some of the {show_count(fleet.holders)} holders are {fleet.overdue} "
    text += f"({late}), at worst {moments.of_all(found.overdue_most, fleet.holders)}"
    text += " (mean of the runs)." if first.runs > 1 else "."
    return [text] if is_lost else [text, f"{_renewed(first)}."]


def _renewed(group: Group) -> str:
    """When all holders have renewed after the dependency's return, as far as counts of renewals tell it."""
    if math.isinf(renewed.after_s(group)):
        return f"Not all of them have renewed again before the end{' in each run' if group.runs > 1 else ''}"
    mean = " on average" if group.runs > 1 else ""
    open_ = "" if renewed.is_sure(group) else f" ({renewed.OPEN})"
    return f"All have renewed again {renewed.told(group, moments.returned(group))}{mean}{open_}"


def _lost(summary: Summary, first: Group, axis: TimeAxis) -> list[str]:
    """Who was without a lease, and when 99 % have one again."""
    fleet, span = first.scenario.fleet, first.unleased
    if fleet is None or span is None:
        if (ended := first.mean("sessions_ended")) > 0:  # and made anew before the window was over
            window = show_duration(first.scenario.window_s)
            return [f"{show_count(ended)} sessions end, and less than {window} later all holders have a lease again."]
        none = f"No {fleet.loss}: no" if fleet is not None and fleet.loss else "No"
        return [f"{none} holder is ever without a lease.", _by_a_rule(summary)]
    worst = (1 - first.leased_least) * fleet.asks
    each = [(1 - one.least_share) * fleet.asks for one in first.unleased_spans if not math.isnan(one.least_share)]
    often = sum(row.has_lost for row in summary.rows_of(first))
    when = moments.spells(first, first.unleased_spans or (span,), axis, often)
    text = f"{when} some of the {show_count(fleet.holders)} holders are without a lease"
    text += f"{f', so that {fleet.loss}' if fleet.loss else ''}, at worst "
    text += moments.worst_of(each if 1 < len(each) <= moments.SPELLS else [worst], fleet.asks)
    text += f" of {show_count(fleet.leases)} leases" if fleet.leases else ""
    held = first.worst.get("")
    if held is not None and held.most_share - held.least_share > BETWEEN:
        text += f", as ends of windows of {show_duration(first.scenario.window_s)} show"
    text += " (mean of the runs)." if first.runs > 1 else "."
    told = at_hosts.told(summary, first)
    text = f"As clients see it, {text[:1].lower()}{text[1:]}" if told else text
    return [told, text, *_come_back(summary, first, axis)]


def _by_a_rule(summary: Summary) -> str:
    """What the rule of leases has to do with it that nobody lost one: a variant that differs in that rule alone, and
    has none, shows it; "" where there is no rule.
    """
    first, *others = summary.groups
    rule = first.scenario.policies.lease
    if rule.name == "fixed" or not rule.words:
        return ""
    without = [one for one in others if one.scenario.policies.lease.name == "fixed"]
    alone = next((one for one in without if apart.differing(first, one) == {"policy.lease"}), None)
    if alone is None:
        return f"The rule of leases may spare them: {rule.words}."
    if alone.unleased is None:
        return f"Nor is any without the rule of leases (“{alone.variant}”)."
    return f"The rule of leases spares them: {rule.words}. Without it (“{alone.variant}”) leases are lost."


def _is_back(row: Row) -> bool:
    """Whether a run is well: 99 % were back (a sample of the hosts may not say when), and it did not collapse all the
    same.
    """
    return not row.is_lost("ttr99_s")


def _back(summary: Summary, first: Group, axis: TimeAxis) -> str:
    """When 99 % are back, or how it stands at the end."""
    rows = summary.rows_of(first)
    lost = [row for row in rows if not _is_back(row)]
    if len(lost) == len(rows):
        return f"{_left(first, lost)}."
    what = "99 % have one again" if first.scenario.has_leases else "99 % of the backlog is cleared"
    found = standings.of(summary, first, "ttr99_s")
    if not found.is_known:
        return f"The sample of the hosts does not tell when {what}."
    if standings.is_always(first, rows, "ttr99_s"):
        return "99 % have one all the time."
    again = _lost_again(summary, first)
    if again and not lost and moments.is_lost_only_later(first):
        return f"When {moments.since(first)}, none is lost yet{again.replace(moments.more(first), 'only later', 1)}."
    text = f"{what} {moments.after(first, found)}"
    text += f", at {axis.show(summary.recovers_from_s + found.mean_s)}" if axis.start is not None else ""
    text += ", and not for good" if any(row.verdict == "recovering" for row in rows if _is_back(row)) else ""
    if not lost:
        return f"{text}{again}."
    if again:
        left = _left(first, lost)
        return f"{text}{again}. In {len(lost)} of {len(rows)} runs {left[:1].lower()}{left[1:]}."
    often = f"in {len(rows) - len(lost)} of {len(rows)} runs, but in {len(lost)}"
    left = _left(first, lost)
    return f"{text} {often} {left[:1].lower()}{left[1:]}."


def _of_classes(summary: Summary, first: Group) -> list[str]:
    """When 99 % of the class that the file is about are back, and which others are not: these only where it does not
    stand there already, as of holders of whom no class is back.
    """
    lost, judged = by_class.lost(summary, first), register.class_of(advice.measure_of(summary))
    whole = [one.name for one in first.scenario.classes if one.is_jobs != first.scenario.has_leases]
    if standings.of(summary, first, "ttr99_s").is_never and {*whole} <= {*lost, judged}:
        lost = [name for name in lost if name not in whole]
    others = by_class.not_back_of(summary, first, lost)
    return [_of_the_class(summary, first), f"{others}." if others else ""]


def _of_the_class(summary: Summary, first: Group) -> str:
    """When 99 % of the class that the file is about are back; "" where it is about all."""
    if not (whose := advice.whose(summary)):
        return ""
    found, measure = advice.first_standing(summary, first), advice.measure_of(summary)
    is_jobs, judged = advice.is_of_jobs(summary, measure), f"{whose}, by which variants are judged,"
    if not found.is_known:
        return f"{advice.not_back(is_jobs, judged, found)}."
    is_always, when = standings.is_always(first, summary.rows_of(first), measure), moments.after(first, found)
    often = f", {found.words}" if found.never else ""
    if is_jobs:
        return f"99 % of the backlog{judged} is cleared {when}{often}."
    return f"99 %{judged} have one {'all the time' if is_always else f'again {when}'}{often}."


def _lost_again(summary: Summary, first: Group) -> str:
    """That leases are lost once more, and when 99 % are back for the last time, by which variants are judged; "" where
    none is.
    """
    rows = [row for row in summary.rows_of(first) if row.is_lost_again("ttr99_s")]
    if not rows:
        return ""
    often = f" in {len(rows)} of {first.runs} runs" if first.runs > 1 else ""
    found = standings.of_times([row.last("ttr99_s") for row in rows])
    still = sum(
        _is_back(row) and math.isinf(row.last("ttr99_s")) for row in rows
    )  # of the others it is told how they end
    if not found.is_known:
        return f"; leases are lost {moments.more(first)}{often}{', and 99 % are not back at the end' if still else ''}"
    text = f"; leases are lost {moments.more(first)}{often}, and 99 % are back for the last time after "
    text += f"{show_duration(found.mean_s)}{moments.on_average(found)}"
    return text + (f" (not at the end of {still} run{'' if still == 1 else 's'})" if still else "")


def _left(first: Group, lost: Sequence[Row]) -> str:
    """How runs stand at their end that are not back: a longer run of those that still drain may tell another end."""
    fleet = first.scenario.fleet
    down = sum(standings.is_down(row, "ttr99_s", first.scenario) for row in lost)
    is_down = down > 0
    within = standings.of_rows(lost, "ttr99_s", first.scenario).within_s
    late = "99 % are not back" if first.scenario.has_leases else "99 % of the backlog is not cleared"
    late += f" within the {show_duration(within)} that the run goes on"
    waves = sum(map(standings.comes_in_waves, lost))
    if waves == len(lost):
        late += ". Leases come and go in waves, and only a longer run tells whether all come back"
    else:
        late += ", but what waits becomes less" + (f" (in {waves} of these runs it comes and goes)" if waves else "")
    if is_down:
        text = "They do not come back" if first.scenario.has_leases else "The backlog does not go away"
        text += f" ({len(lost) - down} of these runs still drain)" if down < len(lost) else ""
    else:
        text = late
    if fleet is not None:
        mean = ", on average," if len(lost) > 1 else ""
        left = (1 - math.fsum(row.of("leased_end_share") for row in lost) / len(lost)) * fleet.asks
        if left <= ROUNDING * fleet.asks:
            held = f"all have one at the end, but not for {show_duration(first.scenario.hold_s)} yet"
            return f"They do not come back for good: {held}" if is_down else f"{held[:1].upper()}{held[1:]}"
        text += f": at the end{mean} {moments.of_all(left, fleet.asks)} {'is' if left < 1.5 else 'are'} without a lease"
        return text
    waiting = math.fsum(row.of("backlog_end") for row in lost) / len(lost)
    if round(waiting) > 0:
        text += f": at the end {show_count(round(waiting))} {'job is' if round(waiting) == 1 else 'jobs are'} "
        text += "without an answer"
    return text


def _jobs(summary: Summary, first: Group, axis: TimeAxis) -> list[str]:
    peak, served = first.mean("backlog_peak"), first.mean("served_share")
    text = f"Up to {show_count(peak)} jobs are without an answer at one time"
    text = f"In {first.runs} runs, on average, {text[:1].lower()}{text[1:]}" if first.runs > 1 else text
    gave_up = first.mean("gave_up")
    text += f"; {show_share(served)} of all jobs get one"
    text += f", and {show_count(gave_up)} give up." if gave_up > 0 else "."
    return [text, *_come_back(summary, first, axis)]


def _come_back(summary: Summary, first: Group, axis: TimeAxis) -> list[str]:
    """When 99 % are back, what operators did before, and how each class stands."""
    return [_back(summary, first, axis), deeds.told(summary, first, axis), *_of_classes(summary, first)]


def _stages(summary: Summary, axis: TimeAxis) -> list[str]:
    """When the stages after the leases are normal again."""
    variants = stage_times.variants(summary)
    if not variants:
        return []
    first = variants[0]
    back = first.normal[ALL]
    mean = moments.on_average(back, axis.show)
    if first.is_well(ALL):
        return [f"All stages are normal {'all' if back.mean_s == 0 else 'almost all'} the time."]
    if back.never:
        hold = "hold" if stage_times.are_many(first.last.stage) else "holds"
        if back.is_known:
            often = f"but in {back.never} of {back.runs} runs not before the end"
            text = f"All stages are normal again at {axis.show(back.mean_s)}{mean}, {often}"
            return [f"{text}; {first.last.words} {hold} it up."]
        return [f"Not all stages are normal again before the end; {first.last.words} {hold} it up."]
    return [f"All stages are normal again at {axis.show(back.mean_s)}{mean}, {first.last.words} last."]


def _others(summary: Summary) -> list[str]:
    """Which of the other variants collapse, by the class that variants are judged by; and of those that do not, which
    collapse by another class.
    """
    first, *others = summary.groups
    lost = {one.variant: by_class.collapsed(summary, one) for one in summary.groups}
    beside = [one for one in others if not lost[one.variant] and one.verdicts.get("collapsed")]
    return [*_that_collapse(lost, first, others), *(_by_another_class(summary, one) for one in beside)]


def _that_collapse(lost: Mapping[str, int], first: Group, others: Sequence[Group]) -> list[str]:
    down = [f"“{one.variant}”{_in_some(one, lost[one.variant])}" for one in others if lost[one.variant]]
    if not down:
        return []
    shown = down if len(down) <= 3 else [*down[:2], f"{len(down) - 2} others"]
    listed = shown[0] if len(shown) == 1 else ", ".join(shown[:-1]) + " and " + shown[-1]
    verb = "collapses" if len(down) == 1 else "collapse"
    return [f"{listed[:1].upper()}{listed[1:]} {verb}{' too' if lost[first.variant] else ''}."]


def _in_some(group: Group, lost: int) -> str:
    """In how many runs a variant collapses, where it does not in all."""
    return f" (in {lost} of {group.runs} runs)" if lost < group.runs else ""


def _by_another_class(summary: Summary, group: Group) -> str:
    """How a variant stands that does not collapse by the class that variants are judged by, and does by another."""
    found, measure = advice.first_standing(summary, group), advice.measure_of(summary)
    is_jobs, whose = advice.is_of_jobs(summary, measure), advice.whose(summary)
    told = [f"{advice.not_back(is_jobs, whose, found)}, but what waits of it becomes less"] if found.never else []
    told += filter(None, [by_class.not_back_of(summary, group, by_class.lost(summary, group))])
    return f"Under “{group.variant}” {'; '.join(told)}." if told else ""


# --- why --------------------------------------------------------------------------------------------------------------


def _limit(manifest: RunManifest, summary: Summary) -> mechanism.Limit | None:
    """What limits the first variant: the stage that is last, where stages follow, else the leases or jobs."""
    first, variants = summary.groups[0], stage_times.variants(summary)
    if variants:
        return mechanism.limit_of_stage(first, variants[0].last.stage)
    return _limit_of(manifest, summary, first)


def _limit_of(manifest: RunManifest, summary: Summary, group: Group) -> mechanism.Limit | None:
    """What limits the leases or jobs of a variant."""
    done, ttr_s, down_s = _ran(manifest, summary, group)
    return mechanism.limit_of(done, ttr_s=ttr_s, down_s=down_s)


def _ran(manifest: RunManifest, summary: Summary, group: Group) -> tuple[Group, float, float]:
    """A variant as it was done, the mean time of its runs that are back, and how long its dependency was away, s."""
    course = manifest.outages[group.outages_index] if group.outages_index < len(manifest.outages) else ()
    down_s = _down_s(course)
    rows = summary.rows_of(group)
    ttr_s = mean_interval([row.told("ttr99_s") for row in rows if _is_back(row)])[0]
    return once_more.as_done(group, rows), ttr_s, down_s


def _down_s(course: Course) -> float:
    """How long the dependency was away, from its first outage to the end of its last, s; inf without one."""
    return max(one.to_s for one in course) - min(one.from_s for one in course) if course else math.inf


def _why(manifest: RunManifest, summary: Summary, limit: mechanism.Limit | None) -> Cause:
    """Why the first variant took so long to be back, and why leases were lost once more."""
    first, found = summary.groups[0], _once_more(manifest, summary)
    is_all = found is not None and once_more.is_all(limit, summary.rows_of(first))
    if found is None or (limit is not None and first.verdicts.get("collapsed") and not is_all):
        return _of_the_return(manifest, summary, limit)
    if is_all or _is_well(summary, first):
        text = (
            found.text.replace(once_more.HEAD, "Leases are lost", 1)
            if moments.is_lost_only_later(first)
            else found.text
        )
        return Cause(text=text, mechanism=found.kind, number=found.number)
    cause = _of_the_return(manifest, summary, limit)
    if once_more.HEAD in cause.text:
        return cause
    return cause.model_copy(update={"text": f"{cause.text} {found.text}".strip()})


def _once_more(manifest: RunManifest, summary: Summary) -> mechanism.Limit | None:
    """Why leases of the first variant are lost once more after they were back; None where none are."""
    first = summary.groups[0]
    if not standings.is_lost_again(summary, first, "ttr99_s"):
        return None
    done, _, _ = _ran(manifest, summary, first)
    last = standings.of_last(summary, first, "ttr99_s")
    return once_more.why(done, first.mean("recovers_from_s") + (last.mean_s if last.is_known else math.inf))


def _of_the_return(manifest: RunManifest, summary: Summary, limit: mechanism.Limit | None) -> Cause:
    first, variants = summary.groups[0], stage_times.variants(summary)
    if _is_well(summary, first):
        places = {row.outages_index for row in summary.rows_of(first)} or {first.outages_index}
        courses = [course for place, course in enumerate(manifest.outages) if place in places]
        spared = lasting.spared(first, courses)
        _, _, down_s = _ran(manifest, summary, first)
        paced = mechanism.of_renewing(first, down_s) if renewed.is_judged(first, first) else None
        if paced is None:
            return Cause(text=spared, mechanism="nothing")
        text = f"{spared} {paced.text[:1].upper()}{paced.text[1:]}.".lstrip()
        return Cause(text=text, mechanism=paced.kind, number=paced.number)
    if limit is None:
        if variants and variants[0].last.stage != LEASES:
            return Cause(text="No single limit explains at least half of the time.")
        done, ttr_s, down_s = _ran(manifest, summary, first)
        looked = "; ".join(mechanism.looked_at(done, ttr_s=ttr_s, down_s=down_s))
        if first.verdicts.get("collapsed"):
            return Cause(text=f"No rule names what makes it collapse: see the pictures. Looked at: {looked}.")
        text = f"No single limit explains at least half of the {show_duration(ttr_s)}." if ttr_s > 0 else ""
        return Cause(text=f"{text or 'No single limit explains at least half of the time.'} Looked at: {looked}.")
    text = f"{limit.text[:1].upper()}{limit.text[1:]}."
    if variants and variants[0].last.stage != LEASES:
        stage = variants[0].last.stage
        verb = "are" if stage_times.are_many(stage) else "is"
        text = f"What comes last {verb} {stage_times.called(stage)}: {limit.text}."
    else:
        text = f"{text} {deeds.ended(summary, first, limit)}".rstrip()
    return Cause(text=text, mechanism=limit.kind, number=limit.number)


def _with_the_worst(manifest: RunManifest, summary: Summary, cause: Cause) -> Cause:
    """With what limits a variant that is back less often than the first: of several the one that differs from it in
    least.
    """
    first, *others = summary.groups
    if not advice.is_judged_by_leases(summary.groups):
        return cause
    often = advice.standing(summary, first).never_share
    worst = apart.nearest(summary, [one for one in others if advice.standing(summary, one).never_share > often])
    limit = None if worst is None else _limit_of(manifest, summary, worst)
    if worst is None or limit is None or limit.text[1:] in cause.text:
        return cause
    text = f"{cause.text} “{worst.variant}” is worse: {limit.text}.".strip()
    return cause.model_copy(update={"text": text})


def _is_well(summary: Summary, first: Group) -> bool:
    """Whether there is nothing to explain: no holder was ever without a lease, or all was well at once."""
    was = advice.first_standing(summary, first)
    is_last = advice.is_judged_by_leases([first])
    if is_last and first.scenario.has_leases and first.unleased is None:
        return True
    return was.never == 0 and was.mean_s <= first.scenario.window_s and "collapsed" not in first.verdicts


# --- how sure ---------------------------------------------------------------------------------------------------------


def _sure(manifest: RunManifest, summary: Summary, helper: Group | None) -> str:
    first, axis = summary.groups[0], TimeAxis.of(manifest)
    out, each = [], " of each variant" if len(summary.groups) > 1 else ""
    if first.runs < 2:
        more = trying(manifest.file, manifest.overrides, (), replications=20, policies=manifest.own_files)
        out.append(f"One run{each}, so no interval; {more} gives one.")
        if (span := sample_interval(first, "ttr99_s")) is not None:
            out.append(f"{_sampled(span)}.")
    else:
        out.append(f"{first.runs} runs{each}, 95 % intervals: {_span(summary, first, axis)}.")
        if helper is not None:
            out.append(f"“{helper.variant}”: {_span(summary, helper, axis)}.")
    out += _grid(summary, [first] if helper is None else [first, helper])
    if not first.verdicts.get("collapsed") and (found := helps.narrow(first)) is not None:
        out.append(f"“{first.variant}” stands near a cliff, which so few runs may not show: its {found}.")
    waves = [group for group in summary.groups if any(map(standings.comes_in_waves, summary.rows_of(group)))]
    near = [group for group in summary.groups if group not in waves and cliffs.is_near(group)]
    if near:
        names = ", ".join(f"“{group.variant}”" for group in near[:3]) + (" and others" if len(near) > 3 else "")
        out.append(f"Near a cliff, so that another run, or a longer one, may end elsewhere: {names}.")
    if waves:
        longer = f"horizon={LONGER * first.scenario.horizon_s / 60:.3g}m"
        more = trying(manifest.file, manifest.overrides, [longer], policies=manifest.own_files)
        names = ", ".join(f"“{group.variant}”" for group in waves[:3]) + (" and others" if len(waves) > 3 else "")
        out.append(f"Leases come and go in waves as the run ends, and only a longer run tells more: {names} ({more}).")
    late = [group for group in summary.groups if _ends_just_in_time(summary, group)]
    if late:
        names = ", ".join(f"“{group.variant}”" for group in late[:3]) + (" and others" if len(late) > 3 else "")
        end = axis.show(first.scenario.horizon_s)
        out.append(f"Well only shortly before the run ends at {end}, so that a longer run would tell more: {names}.")
    if any(group.mean("wasted_share") > 0 for group in summary.groups):
        others = [(group.variant, group.scenario) for group in summary.groups[1:]]
        out += filter(None, [apart.drawn_anew(first.variant, first.scenario, others)])
    return " ".join(out)


def _grid(summary: Summary, groups: Sequence[Group]) -> list[str]:
    """How exactly times are known, where one that the answer tells of these variants is not much longer than that."""
    window_s = groups[0].scenario.window_s
    told_s = [advice.standing(summary, one).mean_s for one in groups]
    told_s += [one.renewals.all_s for one in groups if one.unleased is None and one.renewals and one.renewals.overdue]
    is_coarse = any(window_s <= one_s < COARSE * window_s for one_s in told_s)
    told = [f"Times are known to within {show_duration(window_s)} (coupling.window)."] if is_coarse else []
    names = [one.variant for one in groups if any(action.when for action in one.scenario.actions)]
    if names:
        listed = " and ".join(f"“{name}”" for name in names)
        told.append(
            f"In {listed} operators look at the end of each window ({show_duration(window_s)}) whether to act, so with "
            "another coupling.window they act at other times."
        )
    return told


def _ends_just_in_time(summary: Summary, group: Group) -> bool:
    """Whether the time of a variant is so near to the end of the run that one a little slower would not come to it."""
    found = advice.standing(summary, group)
    slowest = max((time for row in summary.rows_of(group)
                   if math.isfinite(time := row.last(advice.measure_of(summary)))), default=0.0)  # fmt: skip
    return found.is_known and slowest > JUST_IN_TIME * found.within_s


def _sampled(span: tuple[float, float]) -> str:
    """What a sample of the hosts says of when 99 % are back."""
    low, high = span
    if math.isnan(low):
        return "From a sample of the hosts, too few of which tell for an interval"
    if math.isinf(low):
        return "From a sample of the hosts: 99 % are never back (95 %)"
    ends = show_duration(low) if low == high else f"{show_duration(low)} to {show_milestone(high)}"
    return f"From a sample of the hosts: 99 % back after {ends} (95 %)"


def _span(summary: Summary, group: Group, axis: TimeAxis) -> str:
    """When those are well that recover, and the chance of never, with intervals."""
    measure, rows, whose = advice.measure_of(summary), summary.rows_of(group), advice.whose(summary)
    is_whole = measure == "all_normal_s"
    stands = advice.standing(summary, group)
    low, high = theory.clopper_pearson(stands.never, stands.runs)
    may = f"of more such runs up to {show_share(high)} may not {'become normal' if is_whole else 'come back'}"
    chance = f"not within the run in {stands.never} of {stands.runs} (chance {show_share(low)} to {show_share(high)})"
    chance += f", of which {stands.collapsed} collapsed" if stands.late and stands.collapsed else ""
    if not stands.is_known:
        return chance
    if not is_whole and renewed.is_judged(group, summary.groups[0]):
        return _span_renewed(summary, group)
    if not is_whole and standings.is_always(group, rows, measure):
        return f"99 %{whose} have a lease all the time, in each of the {stands.runs} runs"
    show = axis.show if is_whole else show_duration
    interval, alike = f" ({ends})" if (ends := stands.span(show)) else "", stands.is_alike()
    what = "all stages normal at" if is_whole else f"99 %{whose} back after"
    if standings.is_lost_again(summary, group, measure):
        what = f"99 %{whose} back for the last time after"
    if not stands.never:
        return (
            f"{what} {stands.show(show)}{interval},{' alike' if alike else ''} in each of the {stands.runs} runs; {may}"
        )
    return f"{what} {stands.show(show)}{interval} where it recovers{', alike each time' if alike else ''}; {chance}"


def _span_renewed(summary: Summary, group: Group) -> str:
    """When all have renewed, with its interval, where no lease is lost and that decides."""
    found, often = renewed.standing(summary, group), f"in each of the {group.runs} runs"
    if found.never and math.isfinite(early_s := renewed.after_s(group)):
        return (
            f"all have renewed after {show_duration(early_s)} at the earliest{' on average' if group.runs > 1 else ''}"
        )
    if found.never:
        low, high = map(show_share, theory.clopper_pearson(found.never, found.runs))
        return f"not all have renewed before the end in {found.never} of {found.runs} runs (chance {low} to {high})"
    interval = f" ({ends}) on average" if (ends := found.span()) else f", alike {often}" if found.is_alike() else ""
    return f"all have renewed {'' if renewed.is_exact(group) else 'at the latest '}after {found.show()}{interval}"


# --- what it rests on -------------------------------------------------------------------------------------------------


def _is_in_order_of_classes(group: Group) -> bool:
    """Whether several classes wait in one row, and may ask at one instant."""
    classes, fleet = group.scenario.classes, group.scenario.fleet
    is_one_row = len(classes) > 1 and len({one.priority for one in classes}) == 1
    is_cold = fleet is not None and math.isfinite(fleet.asks_within_s)
    return is_one_row and (group.mean("sessions_ended") > 0 or is_cold)


def _rests_on(notes: Sequence[Note], groups: Sequence[Group]) -> str:
    out = assumed(notes)
    for group in groups:
        if group.verdicts.get("collapsed", 0) < group.runs:
            out += [text for text in advice.assumptions(group) if text not in out]
    if any(mechanism.lost_again(group) > 0 for group in groups):
        out.append(mechanism.RENEWALS_WAIT)
    if any(_is_in_order_of_classes(group) for group in groups):
        out.append(
            "Of clients who ask at one instant those of the class that stands first in the file are first "
            f"(“{groups[0].scenario.classes[0].name}”): it fares better than a class that is like it."
        )
    return " ".join(out)
