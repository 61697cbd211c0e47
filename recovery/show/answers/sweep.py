"""The answer of a sweep, from its summary: how the baseline fares, which lever decides, what to choose, how sure."""

import functools
import math
from collections.abc import Sequence

from recovery.show.answers import mechanism, one_run
from recovery.show.answers.answer import Answer, AnswerPart, Cause, Change
from recovery.show.answers.costs import costs, not_measured, outweighs
from recovery.show.answers.inputs import assumed, named
from recovery.show.sweep_figures.drawn import Told, told, what
from recovery.show.sweep_text import cannot_choose_in, rounded_up, too_few_in
from recovery.show.words import differences_from, is_lopsided, span_of, times_from
from recovery.store.record import Estimate
from recovery.store.sweep_record import FEW_POLICIES, Summary
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
        change=_change(summary, base, ran),
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


def _never(policy: Told, most: float, tail: str = "") -> str:
    """How many of its runs are back, and what share may not be, as the main clause of a sentence: "all recover"."""
    found, runs = policy.not_recovered, show_count(policy.runs)
    whose = "its only run" if policy.runs == 1 else f"of its {runs} runs"
    if found.share == 0:
        all_do = "recovers" if policy.runs == 1 else "all recover"
        return f"{whose} {all_do} (of more such runs up to {show_share(most)} may not{tail})"
    if found.share == 1:
        none = "does not recover" if policy.runs == 1 else "none recovers"
        return f"{whose} {none} (of more such runs at least {show_share(found.low)} do not)"
    return f"{whose} {show_share(found.share)} do not recover (of more such runs up to {show_share(most)}{tail})"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _why_lopsided(summary: Summary, policy: Told) -> str:
    """Why the interval of a policy's mean time reaches much farther to one side."""
    found, limit = policy.restricted, show_duration(summary.limit_s)
    if found.high - found.mean < found.mean - found.low:
        return f"The interval reaches far down only, since no run counts as more than {limit}."
    if summary.precision is not None:
        may = show_share(policy.not_recovered.high)
        return f"The interval reaches far up, since up to {may} of the runs may not be back, each counted as {limit}."
    return "The interval reaches far up, since these few draws differ much, and no time is below 0."


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
        span = span_of(base.restricted, times_from(summary.window_s))
        text = f"{head}: {what(summary)} after {span} on average, where a run that is not back counts as {limit}. "
        text += f"{_sentence(_never(base, base.not_recovered.high))}."
        if base.mean_harm("unleased_holder_hours") == 0:
            text += " Nobody is without a lease in any of these runs."
        text += f" {_why_lopsided(summary, base)}" if is_lopsided(base.restricted) else ""
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
    found, lever = summary.middle, _deciding(summary, ran)
    if found is None:
        return lever
    which = "The middle run" if found.runs > 1 else "The run"
    cause = one_run.why(f"{which} of {_baseline(summary)}", found)
    return lever if cause is None else cause.model_copy(update={"text": f"{cause.text} {lever.text}".rstrip()})


def _may_be_chance(summary: Summary) -> str:
    """That so few draws tell no policies apart, after a sentence on which lever decides; "" where they can."""
    return " In so few draws that may be chance." if too_few_in(summary) else ""


def _mean(times: Sequence[float]) -> float:
    return math.fsum(times) / len(times)


def _deciding(summary: Summary, ran: Sequence[Told]) -> Cause:
    """The lever whose values differ most in the mean time of their policies, by which choices are judged, too."""
    spreads: list[tuple[float, str, list[tuple[float, str]]]] = []
    for lever in summary.design.levers:
        each = [
            ([one.restricted.mean for one in ran if one.levers.get(lever.key) == value], lever.words_of(value))
            for value in lever.values
        ]
        fair = max((len(times) for times, _ in each), default=0) / 2  # what stands beside less has no fair mean
        means = [(_mean(times), words) for times, words in each if times and len(times) >= fair]
        if len(means) > 1:
            means.sort()
            spreads.append((means[-1][0] - means[0][0], lever.key, means))
    if not spreads:
        return Cause()
    spread, key, means = max(spreads)
    (low, best), (high, worst) = means[0], means[-1]
    if not spread > 0:
        return Cause(text="No lever changes the time.")
    if len(ran) < FEW_POLICIES:
        low_to, high_to = (_times_with(key, words, summary) for words in (best, worst))
        text = f"{key} decides most: with “{best}” it takes {low_to}, with “{worst}” {high_to}."
        text += f"{_or(summary, key)}{_may_be_chance(summary)}"
        return Cause(text=text, mechanism=key, number=spread)
    show = times_from(summary.window_s)
    text = f"{key} decides most: policies with “{best}” take {show(low)} on average, "
    text += f"with “{worst}” {show(high)}.{_or(summary, key)}{_may_be_chance(summary)}"
    return Cause(text=text, mechanism=key, number=spread)


def _or(summary: Summary, key: str) -> str:
    """Which other lever may decide as much as that one, after a sentence that names it: the intervals of how much later
    their worst choices are meet. "" where none may.
    """
    worst: dict[str, Estimate] = {}
    for one in summary.choices:
        if one.key not in worst or one.behind.mean > worst[one.key].mean:
            worst[one.key] = one.behind
    decides = worst.pop(key, Estimate(mean=math.nan))
    near = [other for other, behind in worst.items() if behind.high >= decides.low]
    return f" {' and '.join(near)} may decide as much." if near else ""


def _times_with(key: str, words: str, summary: Summary) -> str:
    """The times of the few policies that have a value of a lever, in words: "20 s to 31 s", "40 min or more" where no
    run is back.
    """
    show = times_from(summary.window_s)
    own = sorted(summary.policies_with(key, words), key=lambda one: one.restricted.mean)
    ends = dict.fromkeys(show(one.restricted.mean) for one in (own[0], own[-1]))
    return " to ".join(ends) + " or more" * own[-1].is_never_back


def _change(summary: Summary, base: Told | None, ran: Sequence[Told]) -> Change:
    """The policy that is first in the ranking, beside the baseline."""
    best = ran[0]
    if len(summary.policies) == 1:
        return Change(text="There is no other policy: the sweep has one.")
    if best.not_recovered.share == 1:
        return Change(text="No policy recovers in any of its runs.")
    if base is best:
        return Change(text=f"None of the other policies is sooner on average than {_baseline(summary)}.")
    show = differences_from(summary.window_s)
    text = f"“{best.told}”: {span_of(best.restricted, times_from(summary.window_s))} on average{_lost_too(base, best)}"
    saved, differs = math.nan, best.difference
    if differs is not None and base is not None:
        saved = -differs.mean
        at_least = "at least " if base.is_never_back and not best.back_of else ""
        text += f", {at_least}{show_duration(saved)} sooner than {_baseline(summary)}" if saved > 0 else ""
        if saved > 0 and math.isfinite(differs.low + differs.high):
            low, high = show(abs(differs.high)), show(-differs.low)
            over = _over(summary, base, best)
            if differs.high >= 0:
                ends = f"{high} sooner to {low} later" if differs.high > 0 else f"at most {high}"
                text += f" ({ends}, {over}: a difference that chance can make)"
            elif low != high:
                text += f" ({low} to {high}, {over})"
    lopsided = _why_lopsided(summary, best) if is_lopsided(best.restricted) else ""
    is_told = base is not None and is_lopsided(base.restricted) and lopsided == _why_lopsided(summary, base)
    text += f". {lopsided.rstrip('.')}" if lopsided and not is_told else ""
    if base is None:
        text += f". What it saves and costs is not told: {_baseline(summary)} has no run."
    else:
        text += f". {costs(summary.traffic, base.mean_harm, best.mean_harm)}"
        was, now = (functools.partial(_rule_on, one) for one in (base, best))
        unseen = not_measured(was, now, (base.held_s, best.held_s))
        text += f" {unseen}" if unseen else ""
        text += _costs_too_much(summary, base, ran)
    return Change(text=text, name=best.in_words, saved_s=saved)


def _costs_too_much(summary: Summary, base: Told, ran: Sequence[Told]) -> str:
    """Where what the first policy costs outweighs what it saves: that, and the soonest of which that is not so; else
    "". Not where it comes back more often than the baseline.
    """

    def is_trade_off(one: Told) -> bool:
        saved_share = 1 - one.restricted.mean / base.restricted.mean if base.restricted.mean > 0 else 0.0
        return outweighs(base.mean_harm, one.mean_harm, saved_share)

    if ran[0].not_recovered.share < base.not_recovered.share or not is_trade_off(ran[0]):
        return ""
    fair = next((one for one in ran if not is_trade_off(one) and one.restricted.mean < base.restricted.mean), None)
    if fair is None:
        return " That is more than it saves."
    show = times_from(summary.window_s)
    return f" That is more than it saves. “{fair.told}” costs less: it is back after {show(fair.restricted.mean)}."


def _over(summary: Summary, base: Told, best: Told) -> str:
    """What the interval of their difference rests on: how many draws, and whether it is of one look."""
    many = "" if base.failed or best.failed else f"{show_count(min(base.runs, best.runs))} "
    return f"over the same {many}draws" + (", looked at once" if summary.precision is None else "")


def _rule_on(policy: Told, axis: str) -> str:
    """The name of the rule on an axis that a policy takes from a lever; "" where none sets it."""
    value = policy.levers.get(f"policy.{axis}", "")
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
        text = f"The first policy of the ranking is chosen: no other of {len(ran)} policies is better by more than "
        text += f"{near} ({sure})."
        if lost := _lost(summary, ran):
            fail = "1 policy that surely fails" if lost == 1 else f"{show_count(lost)} policies that surely fail"
            text += f" That leaves out {fail} to come back in more than {show_share(summary.never_max)} of the runs."
        text += _not_told_apart(summary, ran)
    else:
        among = f": {alike} of {len(ran)} policies may still be the best ({sure})" if alike > 1 else ""
        takes = _it_takes(summary, ran) or cannot_choose_in(summary)
        told = (f"No policy is chosen{among}.", *_open(summary, ran), too_few_in(summary), takes)
        text = " ".join(filter(None, told))
    at_most = summary.selection.never_at_most
    always = "" if at_most is None else ", however often one looks"
    often = _never(best, best.not_recovered.high if at_most is None else at_most, always)
    is_named = best is chosen or len(ran) == 1
    return f"{text} {_sentence(often) if is_named else f'The first policy of the ranking: {often}'}."


def _open(summary: Summary, ran: Sequence[Told]) -> list[str]:
    """Why no policy is chosen: by how much others may be better than the first, and why that is more than the intervals
    of their times say; and how often the first may not be back.
    """
    best, near, limit = ran[0], show_duration(summary.indifference_s), show_duration(summary.limit_s)
    at_most = summary.selection.never_at_most
    if at_most is None:  # an older sweep
        return [f"{summary.selection.why_not[:1].upper()}{summary.selection.why_not[1:]} (indifference: {near})."]
    unit = "draw" if summary.unit == "run" else "replication"
    out, draws = [], f"{show_count(best.units)} {unit}{'' if best.units == 1 else 's'}"
    rivals = _rivals(summary, ran)
    if rivals:
        most = max(rivals, key=lambda one: -one.from_best.low)
        who = f"“{most.told}”" if len(rivals) == 1 else f"{show_count(len(rivals))} others"
        up_to = show_duration(-most.from_best.low)
        text = f"{who} may be better than the first of the ranking by up to {up_to}. To choose the first, that must "
        leave = "leaves" if best.units == 1 else "leave"
        text += f"be at most {near} (sweep.indifference). So much is open because {draws} {leave} open how many "
        text += f"runs are not back, and each of these counts as {limit}."
        out.append(text + (" The intervals of times do not allow for that." if summary.precision is None else ""))
    if not at_most < summary.never_max and best.not_recovered.share < 1:
        text = f"Up to {show_share(at_most)} of the runs of the first may not be back. To choose it, that must be less "
        out.append(f"{text}than {show_share(summary.never_max)} (sweep.never_max).")
    return out


def _rivals(summary: Summary, ran: Sequence[Told]) -> list[Told]:
    """The policies that may be better than the first by more than the indifference."""
    return [one for one in ran[1:] if one.not_told_apart and one.from_best.low < -summary.indifference_s]


def _it_takes(summary: Summary, ran: Sequence[Told]) -> str:
    """How many replications would choose the first, if further draws were like these; "" where that is not known."""
    wanted, best = summary.selection.replications_to_choose, ran[0]
    if wanted is None or wanted <= summary.replications:
        return ""
    if math.isfinite(wanted):
        many = rounded_up(wanted)
        key = "replications" if summary.precision is None else "sweep.replications_max"
        text = f"If further draws are like these, about {show_count(many)} replications would choose the first ({key} "
        text += f"= {many} instead of {summary.replications}): an estimate from the spread so far, without an interval."
        least = max(summary.replications, summary.replications_that_choose or 0)  # that, whatever the indifference is
        is_far = wanted > FAR * least and _rivals(summary, ran)
        return f"{text} With a larger sweep.indifference it takes fewer." if is_far else text
    if not best.not_recovered.share < summary.never_max:
        text = f"{show_share(best.not_recovered.share)} of the runs of the first are not back: more draws like these "
        return f"{text}would never choose it."
    text = "More draws like these would never choose one: others are as soon as the first, or almost, and the "
    text += f"indifference is {show_duration(summary.indifference_s)}."
    return f"{text} Set a larger sweep.indifference, or take the first."


FAR = 10  # times as many replications: so many are told to be saved by a larger indifference


def _not_told_apart(summary: Summary, ran: Sequence[Told]) -> str:
    """How many others may be the best, beside the one that is chosen: those that one may take instead, since they are
    as near to it as one need care on either side; those that may be later by more than that; and those of which too
    little is known.
    """
    others = [one for one in ran if one.not_told_apart and not one.is_chosen]
    may = [one for one in others if one.not_recovered.high < summary.never_max]
    alike = [one for one in may if one.from_best.high <= summary.indifference_s]
    near, never = show_duration(summary.indifference_s), show_share(summary.never_max)
    text = ""
    if alike:
        who, them = ("1 other is", "it") if len(alike) == 1 else (f"{show_count(len(alike))} others are", "any of them")
        text = f" {who} at most {near} sooner or later: you may take {them} instead."
    if later := [one for one in may if one not in alike]:
        at_most = max(one.from_best.high for one in later)
        text += f" {_others(len(later), bool(text))} may be sooner by less than {near}, but later by up to "
        text += f"{show_duration(at_most)} on average."
    if less := len(others) - len(may):
        whose = "its" if less == 1 else "their"
        text += (
            f" {_others(less, bool(text))} may be sooner by less than {near}, but do{'es' if less == 1 else ''} not "
        )
        text += f"qualify yet: more than {never} of {whose} runs may not be back."
    return text


def _others(count: int, is_more: bool) -> str:
    return f"{show_count(count)} {'more' if is_more else 'other' if count == 1 else 'others'}"


def _rests_on(summary: Summary) -> str:
    out, design = [], summary.design
    if keys := [one.key for one in design.uncertainties]:
        text = named(keys, f"drawn, since nobody knows {'it' if len(keys) == 1 else 'them'}")
        if design.accept is not None:
            kept, tried = show_count(design.accept.kept), show_count(design.accept.tried)
            text += f"; of {tried} draws the {kept} count that meet what was observed"
        out.append(text + ".")
    found = None if summary.middle is None else one_run.group_of(summary.middle)
    waits = [mechanism.RENEWALS_WAIT] if found is not None and mechanism.lost_again(found) > 0 else []
    return " ".join([*out, *assumed(summary.notes), *waits])
