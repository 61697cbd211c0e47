"""The answer of a run over swept keys: where each variant tips over, why, and on which side to stay."""

from __future__ import annotations

import math

from recovery.show import advice, levers
from recovery.show.answers import mechanism
from recovery.show.answers.answer import Answer, AnswerPart, Cause, Change
from recovery.show.answers.inputs import assumed
from recovery.store.run_record import Group, Summary
from recovery.units import show_duration, show_share


def answer_of(summary: Summary) -> Answer:
    """Where each variant tips over, over the one swept key; or which point collapses most often."""
    lever = levers.lever_of(summary)
    worst = max(summary.groups, key=lambda group: group.collapsed.share)
    limit = mechanism.limit_of(worst) if worst.verdicts.get("collapsed") else None
    why = Cause() if limit is None else Cause(
        text=f"Of “{_label(worst)}”: {limit.text}.", mechanism=limit.kind,
        number=limit.number,
    )  # fmt: skip
    change = _stands_most(summary, lever) if lever is not None else _soonest(summary)
    runs = sum(group.runs for group in summary.groups)
    share = f"{len(summary.groups)} points, {runs} runs of {show_duration(summary.groups[0].scenario.horizon_s)}"
    drain = sum(group.verdicts.get("recovering", 0) for group in summary.groups)
    late = f"; {drain} runs still drain as they end, so that longer ones may tell another edge" if drain else ""
    return Answer(
        happened=AnswerPart(text=" ".join([*_as_it_stands(summary), *_tips(summary, lever, worst)])),
        why=why,
        change=change,
        sure=AnswerPart(text=f"{share}; shares and edges have 95 % intervals in the table{late}."),
        rests_on=AnswerPart(text=" ".join(assumed(summary.notes))),
    )


def _as_it_stands(summary: Summary) -> list[str]:
    """Which point is the file as it stands, and how that ends; that none is, or nothing where it is not known."""
    found = next((group for group in summary.groups if group.is_file), None)
    if found is not None:
        often = show_share(found.collapsed.share)
        return [f"The file as it stands is “{_label(found)}”: it collapses in {often} of its runs."]
    is_known = all(group.is_file is False for group in summary.groups)
    return ["The file's own values are not among those of the levers."] if is_known else []


def _soonest(summary: Summary) -> Change:
    """The point that is never back least often, and of these the one that is back first."""
    best = min(summary.groups, key=lambda group: advice.standing(summary, group).rank)
    found = advice.standing(summary, best)
    if not found.is_known:
        return Change(text="No point of the sweep recovers.")
    often = f", {found.words}" if found.words else ""
    text = f"Soonest is “{_label(best)}”, back after {show_duration(found.mean_s)}{often}."
    return Change(text=text, name=_label(best))


def _stands_most(summary: Summary, lever: levers.Lever) -> Change:
    """The variant that collapses last over the key, and on which side of its edge to stay."""
    edges = levers.crossings(summary, lever)
    never = [name for name in edges if not any(g.collapsed.share for g in summary.groups if g.variant == name)]
    if never:
        return Change(text=f"“{never[0]}” collapses at no point of the sweep.", name=never[0])
    known = {name: at.at for name, at in edges.items() if math.isfinite(at.at)}
    if not known:
        return Change()
    rises = {name: _rises(summary, lever, name) for name in known}
    if len(set(rises.values())) > 1:
        return Change()
    is_above = next(iter(rises.values()))
    best = max(known, key=lambda name: known[name] if is_above else -known[name])
    side, edge = "below" if is_above else "above", lever.show(known[best])
    stands = f"“{best}” stands most. " if len(known) > 1 else ""
    return Change(text=f"{stands}Keep {lever.key} well {side} {edge}.", name=best)


def _rises(summary: Summary, lever: levers.Lever, variant: str) -> bool:
    """Whether a variant collapses more often at the greater values of the key."""
    own = [group for group in summary.groups if group.variant == variant]
    return levers.rises([lever.of(group) for group in own], [group.collapsed.share for group in own])


def _label(group: Group) -> str:
    """A variant at a point of the levers, in words."""
    return levers.label_of(group.variant, {key: group.lever_words(key) for key in group.levers})


def _tips(summary: Summary, lever: levers.Lever | None, worst: Group) -> list[str]:
    if lever is None:
        if not worst.collapsed.share:
            return [f"No point of {len(summary.groups)} collapses."]
        label = _label(worst)
        return [f"“{label}” collapses most often: in {show_share(worst.collapsed.share)} of its runs."]
    out = []
    for variant, at in levers.crossings(summary, lever).items():
        own = [group for group in summary.groups if group.variant == variant]
        if math.isfinite(at.at):
            side = "above" if _rises(summary, lever, variant) else "below"
            text = f"“{variant}” collapses in more than half of its runs {side} {lever.show(at.at)}"
            if math.isfinite(at.low) and math.isfinite(at.high):
                text += f" (between {lever.show(at.low)} and {lever.show(at.high)}, the nearest points that tell)"
        else:
            least, most = (show_share(pick(g.collapsed.share for g in own)) for pick in (min, max))
            span = least if least == most else f"{least} to {most}"
            text = f"“{variant}” collapses in {span} of its runs over the whole sweep"
        predicted = levers.hidden_capacity(own[0].scenario, lever)
        if math.isfinite(predicted):
            text += f"; its predicted hidden capacity is {lever.show(predicted)}"
        out.append(text + ".")
    return out
