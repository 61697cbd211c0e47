"""What a sweep found, in sentences, from its record."""

from collections.abc import Sequence

from recovery.statistics.selection import Selected
from recovery.store.sweep_record import FEW_POLICIES, Choice, Policy, Summary
from recovery.study.sweep.estimates import CONFIDENCE, units_that_show
from recovery.study.sweep.told import NEVER_FAR_S
from recovery.units import show_duration, show_share


def answers(summary: Summary) -> list[str]:
    """What the sweep found beside its answer: what failed, what is not known well, what is never far, the traps."""
    policies = summary.policies
    ran = [one for one in policies if one.has_run]
    lost = [
        f"“{one.in_words}”: all {one.failed} runs failed ({one.failed_because})." for one in policies if not one.has_run
    ]
    if not ran:
        many = sum(one.failed for one in policies)
        return [f"Every run failed: {many} {'run' if many == 1 else 'runs'}, of {len(policies)} policies.", *lost[:1]]
    most, out = summary.never_max, lost[:3]
    out += [f"So did all runs of {len(lost) - 3} more policies."] if len(lost) > 3 else []
    if summary.precision is not None and (wide := [one for one in ran if one.status == "cap"]):
        out.append(
            f"{_of(len(wide), len(ran), 'policies')} known less exactly than was asked for, even after the most "
            f"replications allowed ({summary.design.replications_max}). Asked for are the mean time of the runs that "
            f"recover, to within {show_share(summary.precision)}, and whether more than {show_share(most)} of the runs "
            f"never recover.{_what_it_takes(summary)}"
        )
    out += _worse(summary)
    if len(ran) > 1:
        out += _never_far(ran, summary.limit_s)
    if len(ran) < FEW_POLICIES:
        return out + _few_traps(ran, most)
    median = sorted(one.restricted.mean for one in ran)[len(ran) // 2]
    traps = [one for one in ran if one.given_recovery.mean < median and one.is_lost_too_often(most)]
    if traps:
        worst = max(traps, key=lambda one: one.not_recovered.share)
        out.append(
            f"{_of(len(traps), len(ran), 'policies')} sooner than the middle policy in runs that recover, but surely "
            f"more than {show_share(most)} of the runs are not back. Worst is “{worst.in_words}”: "
            f"{show_share(worst.not_recovered.share)} of its {worst.runs} runs are not back."
        )
    return out


def _few_traps(ran: Sequence[Policy], never_max: float) -> list[str]:
    """Of a few policies each that is surely not back too often, but sooner than another in runs that recover."""
    out, fit = [], [one for one in ran if not one.is_lost_too_often(never_max)]
    for one in ran:
        slower = [other for other in fit if one.given_recovery.mean < other.given_recovery.mean]
        if slower and one not in fit:
            out.append(
                f"“{one.in_words}” is sooner than “{slower[0].in_words}” in runs that recover, but surely more than "
                f"{show_share(never_max)} of the runs are not back: {show_share(one.not_recovered.share)} of its "
                f"{one.runs} runs."
            )
    return out


def _worse(summary: Summary) -> list[str]:
    """The choices that are worse than another of the same lever, whatever stands beside them: surely, by the test of
    the ranking; and those of which only the interval of these draws, looked at once, says so.
    """
    worse = [one for one in summary.choices if one.is_surely_worse or one.behind.low > summary.indifference_s]
    near = show_duration(summary.indifference_s)

    def told(how: str, found: Sequence[Choice], looks: str) -> list[str]:
        if not found:
            return []
        text = f"{_of(len(found), len(summary.choices), 'choices')} {how} than the best choice of the same lever, by "
        behind = "; ".join(_behind(one, summary) for one in found)
        text += (
            f"more than {near}: {behind}. These are means over all combinations with the other levers, over the same "
        )
        text += f"{found[0].draws} draws ({show_share(CONFIDENCE)} for all of them together"
        return [f"{text}, {looks}"]

    return [
        *told("surely later", [one for one in worse if one.is_surely_worse], "however often one looks)."),
        *told(
            "later, though not surely,",
            [one for one in worse if not one.is_surely_worse],
            "if looked at once). To be sure, the test of the ranking wants more draws, since it allows for a rare "
            "collapse.",
        ),
    ]


def _of(found: int, total: int, what: str) -> str:
    """The head of a sentence on some of all: "1 of 9 policies is"."""
    return f"{found} of {total} {what} {'is' if found == 1 else 'are'}"


def _behind(one: Choice, summary: Summary) -> str:
    """How much later a choice is, with the interval of its draws; at least so much where none of its runs is back, but
    all of the other are.
    """
    own, than = (summary.policies_with(one.key, words) for words in (one.words, one.than))
    is_cut = bool(own) and all(it.is_never_back for it in own) and not any(it.back_of for it in than)
    low, high = show_duration(one.behind.low), show_duration(one.behind.high)
    ends = f" ({low} to {high})" if low != high else ""
    return f"“{one.words}” is {'at least ' * is_cut}{show_duration(one.behind.mean)}{ends} later than “{one.than}”"


def choice(names: Sequence[str], selected: Selected, indifference_s: float) -> str:
    """Which policies are not told apart from the best, what that means, and whether one is chosen; `names` of all."""
    if selected.leader is None:
        return "Nothing is chosen: no policy ran."
    if len(names) == 1:
        return "Nothing is chosen: there is only one policy."
    lost = set(selected.not_told_apart) & set(selected.too_often)
    left, of = len(selected.not_told_apart) - len(lost), len(names)
    leader, near = names[selected.leader], show_duration(indifference_s)
    if selected.chosen is not None:
        said = (
            f"Chosen: {leader}. No other of {of} policies is better by more than {near}, and at most "
            f"{show_share(selected.never[selected.leader].high)} of its runs never recover"
        )
        others = "1 other" if left == 2 else f"{left - 1} others"
        said += f"; {others} may be better by less than that" if left > 1 else ""
    elif selected.leader in lost:
        return (
            f"Not chosen: the soonest of {of} policies on average is {leader}, but surely too many of its runs are not "
            f"back. {_of(left, of, 'policies')} not surely later and may still be chosen."
        )
    else:
        said = (
            f"Not chosen: {left} of {of} policies may still be the best, and the soonest so far is {leader}; "
            f"{selected.why_not} (the indifference is {near})"
        )
    out = f", or one of {len(lost)} with surely too many runs that are not back" if lost else ""
    best = "this one" if left == 1 else f"one of these {left}"
    return f"{said}. The best is {best}{out} ({show_share(CONFIDENCE)}, however often one looks)."


def _never_far(ran: Sequence[Policy], limit_s: float) -> list[str]:
    """How many policies were never far from the best, on how many draws that rests, and what it bounds. Nothing where
    no run counts as more than that.
    """
    if limit_s <= NEVER_FAR_S:
        return []
    near = [one for one in ran if not one.regret.far]
    far = f"more than {show_duration(NEVER_FAR_S)} behind the best policy of the same draw"
    fixed = (
        f"These {show_duration(NEVER_FAR_S)} are fixed. For another limit see how far behind each policy is at most: "
    )
    fixed += "its largest regret, in the ranking."
    if not near:
        return [f"Each of {len(ran)} policies is {far} at least once. {fixed}"]
    first, draws = near[0].regret, sorted(one.regret.draws for one in near)
    in_all = "1 draw" if first.draws == 1 else f"{first.draws} draws"
    said = (
        f"{_of(len(near), len(ran), 'policies')} never {far}. First of these is “{near[0].in_words}”: in {in_all} it "
        f"is never so far behind, so the chance of that is at most {show_share(first.far_share.high)} "
        f"({show_share(CONFIDENCE)})."
    )
    said += f" These have {draws[0]} to {draws[-1]} draws each." if draws[0] < draws[-1] else ""
    means = sorted(one.restricted.mean for one in near)
    low, high = show_duration(means[0]), show_duration(means[-1])
    span = low if high == low else f"{low} to {high}"
    return [f"{said} On average {'it is' if len(near) == 1 else 'these are'} back in {span}. {fixed}"]


def _what_it_takes(summary: Summary) -> str:
    """How many units it takes to show that never is rare enough, if the most replications have fewer."""
    design, is_run = summary.design, summary.unit == "run"
    each = design.samples if is_run and design.uncertainties and design.method == "random" else 1
    have, least = design.replications_max * each, units_that_show(summary.never_max, is_run=is_run)
    if have >= least:
        return ""
    unit = "runs" if is_run else "replications"
    told = f" To rule that out takes {least} {unit} that recover; here are at most {have}"
    return told + ("." if is_run else ' (with method = "random" each run counts).')
