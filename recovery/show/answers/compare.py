"""The answers of comparisons, from their records: which side is better, by how much, how sure."""

from collections.abc import Sequence
from math import nan

from recovery.show import compare_text
from recovery.show.answers.answer import Answer, AnswerPart, Cause, Change
from recovery.show.answers.costs import SERVED, cost, costs, held_otherwise
from recovery.show.sweep_text import beside, ends_of_difference
from recovery.store.compare_record import Comparison, Outcome
from recovery.store.sweep_record import Difference
from recovery.units import show_share


def answer_of(found: Comparison) -> Answer:
    """The answer of runs, sweeps or scenarios side by side."""
    change = _change(found)
    most = max((one.runs for one in found.outcomes), default=0)
    paired = bool(found.differences) and all(one.is_paired for one in found.differences)
    if most < 2:
        sure = "One run of each, so that nothing tells chance from change."
    else:
        sure = f"{most} runs of each, {'paired by seed and draw' if paired else 'independent'}; 95 % intervals."
    sure += _left_out(found)
    answer = Answer(
        happened=AnswerPart(text="\n".join(compare_text.answers(found))), why=Cause(), change=change,
        sure=AnswerPart(text=sure),
        rests_on=AnswerPart(
            text=" ".join(
                filter(None, (compare_text.of_judged(found), compare_text.of_window(found),
                              compare_text.of_never(found.differences, compare_text.asked(found))))
            )
        ),
    )  # fmt: skip
    return answer.speaking_of(found.called)


def _left_out(found: Comparison) -> str:
    """How many runs of a side are not compared, since the other has none with the same seed and draws, in sentences; of
    each side by its first variant; "" where all are compared.
    """
    sides = {one.than: (one.than_left_out, one.runs, one.run) for one in reversed(found.outcomes) if one.than_left_out}
    sides |= {one.run: (one.left_out, one.runs, one.than) for one in reversed(found.outcomes) if one.left_out}
    told = (
        f" {many} of the {many + runs} runs of “{name}” {'is' if many == 1 else 'are'} left out, since “{other}” has "
        "no run with the same seed and draws."
        for name, (many, runs, other) in sides.items()
    )
    return "".join(told)


def _change(found: Comparison) -> Change:
    """Which side to take. A side is judged by its file as it stands, its first variant; where that tells nothing, by
    the others.
    """
    if found.unlike:
        return Change(text=f"No advice: the sides do not have the same to cope with ({'; '.join(found.unlike)}).")
    firsts = {one.run: one for one in reversed(found.outcomes)}
    better = [one for one in found.outcomes if one.is_worse is False]
    sooner = [one for one in better if one is firsts[one.run]] or [
        one for one in better if not firsts[one.run].is_worse
    ]
    if sooner:
        best = min(sooner, key=_by_s)
        whose = "" if best is firsts[best.run] else f" in “{best.variant}” alone"
        if harms := _harms(found, best):
            text = f"“{best.run}” is a trade-off: it is better by its time{whose}, and surely worse: {harms}."
            return Change(text=text, saved_s=-_by_s(best, nan))
        text = f"Take “{best.run}”{whose and f': it is better{whose}'}."
        text += _unseen(best.than_held_s, best.held_s)
        return Change(text=text, name=best.run, saved_s=-_by_s(best, nan))
    if worse := [one for one in found.outcomes if one.is_worse]:
        text = f"Stay with “{worse[0].than}”."
        for run in dict.fromkeys(one.run for one in better):  # files that are worse as they stand
            names = " and ".join(f"“{one.variant}”" for one in better if one.run == run)
            are = "is" if names.count("“") == 1 else "are"
            text += f" Of “{run}” only {names} {are} better: as it stands, it is worse."
        return Change(text=text, name=worse[0].than)
    return Change()


def _unseen(was_s: float, now_s: float) -> str:
    """What no measure compares: what leases cost that are held longer, or shorter, as a sentence; "" else."""
    otherwise = held_otherwise(was_s, now_s)
    return f" What is not measured: {otherwise}." if otherwise else ""


def _by_s(one: Outcome, unknown: float = 0.0) -> float:
    """How much later a variant is (s); `unknown` where no time is compared."""
    return one.difference.surely if one.difference is not None else unknown


def _harms(found: Comparison, best: Outcome) -> str:
    """What is surely worse where the time is better: harms that are clearly more, and other variants of that side."""
    out = []
    for row in found.differences:
        if (row.run, row.variant, row.than_variant) != (best.run, best.variant, best.than_variant):
            continue
        if row.verdict == ("less" if row.measure == SERVED else "more"):
            out.append(cost(row.measure, row.than_mean, row.mean))
    out += [
        f"“{one.variant}”, which {'is later' if one.verdict == 'worse' else 'recovers more seldom'}"
        for one in found.outcomes
        if one is not best and one.run == best.run and one.is_worse
    ]
    return "; ".join(filter(None, out))


def answer_of_policies(rows: Sequence[Difference]) -> Answer:
    """The answer of policies of a sweep side by side."""
    said = []
    for row in rows:
        ends = ends_of_difference(row)
        said.append(f"“{row.words or row.policy}” is {beside(row)} “{row.than_words or row.than}” ({ends}).")
    change = _soonest(rows)
    draws = min(row.draws for row in rows)
    over = f"{draws} draw{'' if draws == 1 else 's'}{'' if draws == max(row.draws for row in rows) else ' or more'}"
    once = "" if all(row.at_every_look for row in rows) else ", looked at once"
    lost = any(row.lost or row.than_lost for row in rows)
    return Answer(
        happened=AnswerPart(text=" ".join(said)), why=Cause(), change=change,
        sure=AnswerPart(
            text=f"95 % intervals over {over}, the same for both sides; of each pair alone{once}. The "
            "ranking compares every policy with the best at every look, and allows for runs that are not back: it may "
            "leave open what is told apart here."
        ),
        rests_on=AnswerPart(text="A time that never came counts as the limit of the sweep." if lost else ""),
    )  # fmt: skip


def _soonest(rows: Sequence[Difference]) -> Change:
    """The policy that is sooner by most without a harm that is more, beyond chance; where each has one, a trade-off."""
    sooner = sorted((row for row in rows if row.verdict == "sooner"), key=lambda row: row.difference_s.mean)
    if not sooner:
        return Change()
    row = next((one for one in sooner if not _surely_worse(one)), sooner[0])
    name, saved = row.words or row.policy, -row.difference_s.mean
    text = f"in {show_share(row.sooner_share)} of {row.draws} draws it is sooner"
    if row.lost:
        text += f", and in {show_share(row.lost / row.draws)} of its runs it does not recover"
        text += f" ({show_share(row.than_lost / row.draws)} of the other's"
        is_open = row.lost > row.than_lost and not row.surely_loses_more
        text += ", a difference that chance can make)" if is_open else ")"
    if harms := _surely_worse(row):
        return Change(text=f"“{name}” is a trade-off: {text}. But it is worse: {harms}.", saved_s=saved)
    was, now = ({one.name: getattr(one, mean) for one in row.harms} for mean in ("than_mean", "mean"))
    cost = costs(row.traffic, lambda harm: was.get(harm, nan), lambda harm: now.get(harm, nan))
    cost += _unseen(row.than_held_s, row.held_s)
    return Change(text=f"Take “{name}”: {text}. {cost}", name=row.policy, saved_s=saved)


def _surely_worse(row: Difference) -> str:
    """Harms whose interval of the difference lies on the bad side, and by much, in words; and runs that are lost more
    often than chance makes it.
    """
    out = []
    if row.surely_loses_more:
        out.append(f"{show_share(row.lost / row.draws)} of the runs do not recover, "
                   f"instead of {show_share(row.than_lost / row.draws)}")  # fmt: skip
    for one in row.harms:
        is_sure = one.difference.high < 0 if one.name == SERVED else one.difference.low > 0
        out += [cost(one.name, one.than_mean, one.mean, row.traffic)] if is_sure else []
    return "; ".join(filter(None, out))
