"""What a sweep found, in sentences, from its record."""

from collections.abc import Sequence

from recovery.statistics.selection import Selected
from recovery.store.sweep_record import Choice, Policy, Summary
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
    out += [f"So did those of {len(lost) - 3} more policies."] if len(lost) > 3 else []
    if summary.precision is not None and (wide := [one for one in ran if one.status == "cap"]):
        out.append(
            f"After {summary.design.replications_max} replications, the most, {len(wide)} of {len(ran)} policies are "
            f"less well known than was wanted ({show_share(summary.precision)} of the time of those that recover, and "
            f"whether they never do in {show_share(most)} of the runs){_what_it_takes(summary)}."
        )
    out += _worse(summary)
    if len(ran) > 1:
        out.append(_never_far(ran))
    median = sorted(one.restricted.mean for one in ran)[len(ran) // 2]
    traps = [one for one in ran if one.given_recovery.mean < median and one.is_lost_too_often(most)]
    if traps:
        worst = max(traps, key=lambda one: one.not_recovered.share)
        out.append(
            f"Sooner than the middle policy where they recover, and yet surely not back in more than "
            f"{show_share(most)} of the runs: {len(traps)} of {len(ran)}, most often “{worst.in_words}” "
            f"({show_share(worst.not_recovered.share)} of {worst.runs})."
        )
    return out


def _worse(summary: Summary) -> list[str]:
    """The choices that are worse than another of the same lever, whatever stands beside them: surely, by the test of
    the ranking; and those of which only the interval of these draws, looked at once, says so.
    """
    worse = [one for one in summary.choices if one.is_surely_worse or one.behind.low > summary.indifference_s]
    near = show_duration(summary.indifference_s)

    def told(head: str, found: Sequence[Choice], tail: str) -> list[str]:
        if not found:
            return []
        text = f"{head} on average over all that may stand beside it, by more than {near}: {len(found)} of "
        text += f"{len(summary.choices)} choices, each beside the best of its lever (the same {found[0].draws} draws; "
        text += f"{show_share(CONFIDENCE)} for all of them together{tail})."
        return [f"{text} {'; '.join(map(_behind, found))}."]

    return [
        *told("Surely worse", [one for one in worse if one.is_surely_worse], ", however often one looks"),
        *told(
            "Later, but not surely,",
            [one for one in worse if not one.is_surely_worse],
            ", if looked at once; the test of the ranking, which allows for a rare collapse, wants more draws",
        ),
    ]


def _behind(one: Choice) -> str:
    """How much later a choice is, with the interval of its draws."""
    ends = f"{show_duration(one.behind.low)} to {show_duration(one.behind.high)}"
    return f"“{one.words}” is {show_duration(one.behind.mean)} ({ends}) later than “{one.than}”"


def choice(names: Sequence[str], selected: Selected, indifference_s: float) -> str:
    """Which policies are not told apart from the best, what that means, and whether one is chosen; `names` of all."""
    if selected.leader is None:
        return "Nothing is chosen: no policy ran."
    if len(names) == 1:
        return "Nothing is chosen: there is one policy."
    lost = set(selected.not_told_apart) & set(selected.too_often)
    left, of = len(selected.not_told_apart) - len(lost), len(names)
    leader, near = names[selected.leader], show_duration(indifference_s)
    if selected.chosen is not None:
        said = (
            f"Chosen: {leader}. No other of {of} policies is better by more than {near}, and it never recovers in at "
            f"most {show_share(selected.never[selected.leader].high)} of the runs; {left - 1} "
            f"{'is' if left == 2 else 'are'} not told apart from it"
        )
    elif selected.leader in lost:
        return (
            f"Not chosen: the soonest of {of} policies on average is {leader}, which surely is not back too often, and "
            f"{left} that may still be chosen are not told apart from it."
        )
    else:
        said = (
            f"Not chosen: {left} of {of} policies are not told apart from the best, the first is {leader}; "
            f"{selected.why_not} (the indifference is {near})"
        )
    out = f", or among {len(lost)} that surely are not back too often," if lost else ""
    return f"{said}. The best is among these{out} with {show_share(CONFIDENCE)}, however often one looks."


def _never_far(ran: Sequence[Policy]) -> str:
    """How many policies were never far from the best, on how many draws that rests, and what it bounds."""
    near = [one for one in ran if not one.regret.far]
    said = f"Never more than {show_duration(NEVER_FAR_S)} behind the best of the same draw: {len(near)} of {len(ran)}"
    said += " policies"
    if near:
        first = near[0].regret
        said += (
            f", first “{near[0].in_words}”: in none of its draws, {first.draws}, so that its chance is at most "
            f"{show_share(first.far_share.high)} ({show_share(CONFIDENCE)})"
        )
        draws = sorted(one.regret.draws for one in near)
        said += f"; they rest on {draws[0]} to {draws[-1]} draws" if draws[0] < draws[-1] else ""
        means = sorted(one.restricted.mean for one in near)
        low, high = show_duration(means[0]), show_duration(means[-1])
        said += f". They are back in {low}" + (f" to {high}" if high != low else "") + " on average"
    return said + "."


def _what_it_takes(summary: Summary) -> str:
    """How many units it takes to show that never is rare enough, if the most replications have fewer."""
    design, is_run = summary.design, summary.unit == "run"
    each = design.samples if is_run and design.uncertainties and design.method == "random" else 1
    have, least = design.replications_max * each, units_that_show(summary.never_max, is_run=is_run)
    if have >= least:
        return ""
    unit = "runs" if is_run else "replications"
    told = f"; to show that much takes {least} {unit} that recover, here are {have} at most"
    return told + ("" if is_run else ' (with method = "random" each run counts)')
