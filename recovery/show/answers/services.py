"""The answer of a blast radius, from its record: whom one service takes down, by which way, which cut helps most."""

import math

from recovery.show.answers.answer import Answer, AnswerPart, Cause, Change
from recovery.store.service_record import BlastAnswer
from recovery.units import show_duration, show_share

ROUNDING = 1e-9  # minutes that differ by no more of themselves are alike
WAYS_MAX = 3  # ways that are named


def answer_of(blast: BlastAnswer) -> Answer:
    """The answer of `recovery blast`."""
    node, rows = blast.label_of(blast.node), blast.services
    lost = math.fsum(row.minutes_lost.mean for row in rows)
    if not blast.for_s and not rows and not blast.node_minutes_lost.mean > 0:
        return _never_impaired(node)
    how = f"impaired for {show_duration(blast.for_s)}" if blast.for_s else "impaired as it was"
    happened = f"{node} alone, {how}, takes down {len(rows)} of {len(blast.nodes) - 1} others"
    happened += f": they lose {show_duration(60 * lost)} in all, weighed by depth." if rows else "."
    if blast.cut:
        happened += f" Cut: {', '.join(blast.cut)}, which saves {show_duration(60 * blast.saved_min.mean)}."
    sure = f"{blast.runs} runs." if blast.runs > 1 else "One course of events, so no interval."
    if blast.edges_pressing > blast.edges_tried:
        sure += f" {blast.edges_tried} of {blast.edges_pressing} edges were cut one by one."
    rests = "Who needs whom, and how, stands in the table of services."
    if blast.left_out:
        left = ", ".join(map(blast.label_of, blast.left_out))
        rests += f" Left out: {left}; what they would do only a run can tell (--set dependency.outages=…)."
    return Answer(
        happened=AnswerPart(text=happened), why=_why(blast), change=_change(blast), sure=AnswerPart(text=sure),
        rests_on=AnswerPart(text=rests),
    )  # fmt: skip


def _never_impaired(node: str) -> Answer:
    """Nothing is known of what a service takes down that was always well by itself."""
    return Answer(
        happened=AnswerPart(text=f"{node} was never impaired by itself, so that nothing is taken down."), why=Cause(),
        change=Change(text="--for DURATION says whom it would take down."), sure=AnswerPart(), rests_on=AnswerPart(),
    )  # fmt: skip


def _why(blast: BlastAnswer) -> Cause:
    """The first step by which most is lost."""
    by_step: dict[str, float] = {}
    for row in blast.services:
        if len(row.path) > 1:
            by_step[row.path[1]] = by_step.get(row.path[1], 0.0) + row.minutes_lost.mean
    total = math.fsum(by_step.values())
    if not total > 0:
        return Cause()
    step = max(by_step, key=lambda name: by_step[name])
    share = by_step[step] / total
    alike = [name for name in by_step if by_step[name] >= by_step[step] * (1 - ROUNDING)]
    if len(alike) > 1:
        ways = ", ".join(f"{blast.label_of(blast.node)} → {blast.label_of(name)}" for name in alike[:WAYS_MAX])
        more = f" and {len(alike) - WAYS_MAX} more" if len(alike) > WAYS_MAX else ""
        return Cause(
            text=f"As much, {show_share(share)} of that, is lost by each of the ways that begin with {ways}{more}."
        )
    target = blast.label_of(step)
    text = f"{show_share(share)} of that is lost by ways that begin with {blast.label_of(blast.node)} → {target}."
    return Cause(text=text, mechanism=step, number=share)


def _change(blast: BlastAnswer) -> Change:
    best = blast.cuts[0] if blast.cuts else None
    if best is None or not best.saved_min.mean > 0:
        return Change()
    source, target = blast.label_of(best.source), blast.label_of(best.target)
    saved_s = 60 * best.saved_min.mean
    alike = sum(one.saved_min.mean >= best.saved_min.mean * (1 - ROUNDING) for one in blast.cuts)
    as_much = f"; {alike - 1} other {'edge saves' if alike == 2 else 'edges save'} as much" if alike > 1 else ""
    text = f"{target} without {source} (a cache, a fallback, static stability) saves {show_duration(saved_s)} over all"
    text += f"{as_much}."
    return Change(text=text, name=f"{best.source}->{best.target}", saved_s=saved_s)
