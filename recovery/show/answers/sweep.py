"""The answer of a sweep, from its summary: how the baseline fares, which lever decides, what to choose, how sure."""

import math
from collections.abc import Sequence

from recovery.show.answers import one_run
from recovery.show.answers.answer import Answer, AnswerPart, Cause, Change
from recovery.show.answers.costs import costs, not_measured
from recovery.show.answers.inputs import assumed, named
from recovery.show.sweep_figures.drawn import Told, told, what
from recovery.show.sweep_text import cannot_choose, too_few_in
from recovery.show.words import span_of
from recovery.store.record import Share
from recovery.store.sweep_record import Summary
from recovery.units import show_count, show_duration, show_share


def answer_of(summary: Summary) -> Answer:
    """The answer of a finished sweep."""
    ran = [one for one in told(summary) if one.has_run]
    if not ran:
        return Answer(
            happened=AnswerPart(text=_all_failed(summary)),
            why=Cause(),
            change=Change(),
            sure=AnswerPart(),
            rests_on=AnswerPart(),
        )
    base = next((one for one in ran if one.is_baseline), None)
    found = Answer(
        happened=AnswerPart(text=_happened(summary, base, ran)),
        why=_why(summary, ran),
        change=_change(summary, base, ran[0]),
        sure=AnswerPart(text=_sure(summary, ran)),
        rests_on=AnswerPart(text=_rests_on(summary)),
    )
    return found.speaking_of(summary.called)


def _all_failed(summary: Summary) -> str:
    lost, many = sum(one.failed for one in summary.policies), len(summary.policies)
    runs = "1 run" if lost == 1 else f"{show_count(lost)} runs"
    of = "1 policy" if many == 1 else f"{show_count(many)} policies"
    text = f"No policy has a run that was done: {runs} of {of} failed"
    because = summary.failures[0].error.rstrip(".") if summary.failures else ""
    return f"{text}, the first because: {because}." if because else f"{text}."


def _never(found: Share) -> str:
    if found.share == 1:
        return f"{show_share(found.share)} do not recover (at least {show_share(found.low)})"
    return f"{show_share(found.share)} do not recover (at most {show_share(found.high)})"


def _baseline(summary: Summary) -> str:
    """What the baseline is called in a sentence."""
    return "the file as it stands" if summary.baseline_is_file else "the first of the list"


def _happened(summary: Summary, base: Told | None, ran: Sequence[Told]) -> str:
    if base is None:
        others = "1 other policy" if len(ran) == 1 else f"{show_count(len(ran))} other policies"
        return f"No run of {_baseline(summary)} was done; {others} ran."
    limit = show_duration(summary.limit_s)
    head = "As the file stands"
    if not summary.baseline_is_file:
        head = f"The file's own values are not among those of the levers. With the first of the list, “{base.in_words}”"
    if base.not_recovered.share == 1:
        text = f"{head}: no run of {show_count(base.runs)} is back within {limit}."
    else:
        text = f"{head}: {what(summary)} after {span_of(base.restricted)} on average, "
        text += f"where a run that is not back counts as {limit}. Of its runs {_never(base.not_recovered)}."
    if lost := _lost(summary, ran):
        who = "It" if len(ran) == 1 else f"{show_count(lost)} of {show_count(len(ran))} policies"
        fails = f"surely fail{'s' if lost == 1 else ''} to come back within {limit}"
        text += f" {who} {fails} in more than {show_share(summary.never_max)} of the runs."
    return text


def _lost(summary: Summary, ran: Sequence[Told]) -> int:
    """How many policies surely are not back in more runs than may be."""
    return sum(1 for one in ran if one.is_lost_too_often(summary.never_max))


def _why(summary: Summary, ran: Sequence[Told]) -> Cause:
    """What limits the baseline, by the rules of single runs; then the lever that decides most."""
    limit, lever = one_run.limit_of(summary.middle), _deciding(summary, ran)
    if limit is None or summary.middle is None:
        return lever
    found = summary.middle
    often = f", as {show_count(found.alike)} of {show_count(found.runs)} do" if found.alike < found.runs else ""
    which = "The middle run" if found.runs > 1 else "The run"
    text = f"{which} of {_baseline(summary)} {one_run.ENDS[found.row.verdict]}{often}: {limit.text}."
    return Cause(text=f"{text} {lever.text}".rstrip(), mechanism=limit.kind, number=limit.number)


def _deciding(summary: Summary, ran: Sequence[Told]) -> Cause:
    """The lever whose values differ most in the middle time of their policies."""
    spreads: list[tuple[float, str, list[tuple[float, str]]]] = []
    for lever in summary.design.levers:
        each = [
            (sorted(one.restricted.mean for one in ran if one.levers.get(lever.key) == value), lever.words_of(value))
            for value in lever.values
        ]
        fair = max((len(times) for times, _ in each), default=0) / 2  # what stands beside less has no fair middle
        middles = [(times[len(times) // 2], words) for times, words in each if times and len(times) >= fair]
        if len(middles) > 1:
            middles.sort()
            spreads.append((middles[-1][0] - middles[0][0], lever.key, middles))
    if not spreads:
        return Cause()
    spread, key, middles = max(spreads)
    if not spread > 0:
        return Cause(text="No lever changes the time of the middle policy.")
    (low, best), (high, worst) = middles[0], middles[-1]
    text = f"{key} decides most: the middle policy that has “{best}” takes {show_duration(low)}, "
    return Cause(text=f"{text}with “{worst}” {show_duration(high)}.", mechanism=key, number=spread)


def _change(summary: Summary, base: Told | None, best: Told) -> Change:
    """The policy that is first in the ranking, beside the baseline."""
    if len(summary.policies) == 1:
        return Change(text="There is no other policy: the sweep has one.")
    if base is best:
        return Change(text=f"None of the other policies is sooner on average than {_baseline(summary)}.")
    if best.not_recovered.share == 1:
        return Change(text="No policy recovers in any of its runs.")
    text = f"“{best.told}”: {span_of(best.restricted)} on average{_lost_too(base, best)}"
    saved, differs = math.nan, best.difference
    if differs is not None and base is not None:
        saved = -differs.mean
        text += f", {show_duration(saved)} sooner than {_baseline(summary)}" if saved > 0 else ""
        if saved > 0 and math.isfinite(differs.low + differs.high):
            low, high = show_duration(max(-differs.high, 0.0)), show_duration(min(-differs.low, summary.limit_s))
            over = _over(summary, base, best)
            if differs.high >= 0:
                text += f" (at most {high}, {over}: a difference that chance can make)"
            elif low != high:
                text += f" ({low} to {high}, {over})"
    if base is None:
        text += f". What it saves and costs is not told: {_baseline(summary)} has no run."
    else:
        text += f". {costs(summary.traffic, base.mean_harm, best.mean_harm)}"
        unseen = not_measured(_rule_of_leases(base), _rule_of_leases(best))
        text += f" {unseen}" if unseen else ""
    return Change(text=text, name=best.in_words, saved_s=saved)


def _over(summary: Summary, base: Told, best: Told) -> str:
    """What the interval of their difference rests on: how many draws, and whether it is of one look."""
    many = "" if base.failed or best.failed else f"{show_count(min(base.runs, best.runs))} "
    return f"over the same {many}draws" + (", looked at once" if summary.precision is None else "")


def _rule_of_leases(policy: Told) -> str:
    """The name of the rule of leases that a policy takes from a lever; "" where none sets it."""
    value = policy.levers.get("policy.lease", "")
    return str(value.get("name", "") if isinstance(value, dict) else value)


def _lost_too(base: Told | None, best: Told) -> str:
    """What the average hides: how often a policy does not recover, or collapses after all."""
    out = []
    for words, share in (("does not recover", "not_recovered"), ("collapses", "collapsed")):
        now, was = (getattr(one, share).share if one is not None else math.nan for one in (best, base))
        if now > 0:
            out.append(f"{words} in {show_share(now)} of its runs" + (f" ({show_share(was)} as it is)" if was != now and
                       not math.isnan(was) else ""))  # fmt: skip
    told = [out[0]] if len(out) == 2 and best.collapsed.share == best.not_recovered.share else out
    return f", and it {' and '.join(told)}" if told else ""


def _sure(summary: Summary, ran: Sequence[Told]) -> str:
    best, chosen = ran[0], next((one for one in ran if one.is_chosen), None)
    near, sure = show_duration(summary.indifference_s), show_share(summary.confidence)
    alike = sum(1 for one in ran if one.not_told_apart)
    if len(summary.policies) == 1:
        text = "Nothing was to be chosen."
    elif chosen is not None:
        lost = _lost(summary, ran)
        beside = f"apart from {lost} with surely too many runs that are not back, " if lost else ""
        text = f"The first policy of the ranking is chosen: {beside}no other of {len(ran)} policies is better "
        text += f"by more than {near} ({sure}){_not_told_apart(summary, ran)}."
    else:
        among = f"{alike} of {len(ran)} policies may still be the best ({sure}); " if alike > 1 else ""
        text = f"No policy is chosen: {among}{summary.selection.why_not} (indifference: {near})."
        choosing = cannot_choose(summary.replications, summary.replications_that_choose, summary.never_max)
        text = " ".join(filter(None, (text, too_few_in(summary), choosing)))
    runs = f"{best.runs} run" if best.runs == 1 else f"{best.runs} runs"
    whose = f"its {runs}" if best is chosen or len(ran) == 1 else f"the {runs} of the first policy of the ranking"
    return f"{text} Of {whose} {_never(best.not_recovered)}."


def _not_told_apart(summary: Summary, ran: Sequence[Told]) -> str:
    """How many are not told apart from the one that is chosen: those that may be chosen, and those that may not yet."""
    others = [one for one in ran if one.not_told_apart and not one.is_chosen]
    may = sum(1 for one in others if one.not_recovered.high < summary.never_max)
    out = [f"{may} other{'' if may == 1 else 's'} may still be the best, and may be chosen"] if may else []
    if less := len(others) - may:
        much = f"but more than {show_share(summary.never_max)} of the runs may be not back"
        out.append(f"{less} other{'' if less == 1 else 's'} may still be the best, {much}")
    return "".join(f"; {one}" for one in out)


def _rests_on(summary: Summary) -> str:
    out, design = [], summary.design
    if keys := [one.key for one in design.uncertainties]:
        text = named(keys, f"drawn, since nobody knows {'it' if len(keys) == 1 else 'them'}")
        if design.accept is not None:
            kept, tried = show_count(design.accept.kept), show_count(design.accept.tried)
            text += f"; of {tried} draws the {kept} count that meet what was observed"
        out.append(text + ".")
    return " ".join([*out, *assumed(summary.notes)])
