"""The answer of a threshold, from its record: where recovery turns into collapse, and on which side to stay."""

import itertools
import math

from recovery.show.answers import one_run
from recovery.show.answers.answer import Answer, AnswerPart, Cause, Change
from recovery.show.sweep_text import shown
from recovery.store.sweep_record import Threshold, Tried
from recovery.units import show_duration, show_share

MOST = 0.5  # of the runs: so many collapse on the far side of the threshold


def answer_of(found: Threshold) -> Answer:
    """The answer of `recovery threshold`."""
    low, high = shown(found.kind, found.low), shown(found.kind, found.high)
    runs = sum(one.runs for one in found.tried)
    note = f" {found.note[:1].upper()}{found.note[1:].rstrip('.')}." if found.note else ""
    is_above = found.fails == "above"
    safe, bad, side = (low, high, "below") if is_above else (high, low, "above")
    text = f"At {found.key} = {safe} most runs {_good(found)}, at {bad} most {_bad(found)}"
    text += f" (runs of {show_duration(found.horizon_s)})."
    if found.outage_s is not None:
        lengths = [show_duration(length_s) for length_s in (found.outage_s if is_above else found.outage_s[::-1])]
        text += f" The outage lasts {lengths[0]} in the former and {lengths[1]} in the latter."
    return Answer(
        happened=AnswerPart(text=f"{text}{_late(found)}"),
        why=_why(found, bad),
        change=Change(
            text=_keep(found, found.low if is_above else found.high, side), name=found.key, is_simulated=True
        ),
        sure=AnswerPart(
            text=f"{show_share(found.confidence)} confidence, from {runs} runs at {len(found.tried)} values.{note} "
            f"{_searched(found)}{_longer(found)}{_surely(found)}".rstrip()
        ),
        rests_on=AnswerPart(
            text=f"It is assumed that the chance of a {'collapse' if found.within_s is None else 'late return'} only "
            "rises, or only falls, from low values to high ones."
        ),
    )  # fmt: skip


def _why(found: Threshold, bad: str) -> Cause:
    """What limits the runs on the bad side, by the rules of single runs."""
    cause = None if found.beyond is None else one_run.why(f"At {found.key} = {bad} a run", found.beyond)
    number = float(found.low if found.fails == "above" else found.high)
    return Cause(mechanism=found.key, number=number) if cause is None else cause


def _searched(found: Threshold) -> str:
    """Where the ends come from, if they were looked for."""
    if found.own is None:
        return ""
    values = ", ".join(shown(found.kind, value) for value in sorted(found.searched))
    text = f"The search began at the file's {shown(found.kind, found.own)} and went outward until verdicts differed, "
    text += f"by way of {values}; values beyond these were not tried. "
    return text if len(found.searched) > 1 else ""


def _good(found: Threshold) -> str:
    """What most runs do on the good side: "are back within 10 min"."""
    if found.of_renewals:
        return f"have surely all renewed within {show_duration(found.within_s or math.nan)}"
    if found.within_s is not None:
        return f"are back within {show_duration(found.within_s)}"
    return "recover" if _still_drain(found) is None else "do not collapse"


def _bad(found: Threshold) -> str:
    return "collapse" if found.within_s is None else "may not have" if found.of_renewals else "are not"


def _surely(found: Threshold) -> str:
    """By what runs are judged of which counts of renewals tell no more than the latest time."""
    if not found.of_renewals:
        return ""
    return "A run whose counts of renewals do not show that all have renewed in time counts as late."


def _at_good(found: Threshold) -> Tried | None:
    """The good side of the threshold; None where nothing was tried there."""
    good = found.low if found.fails == "above" else found.high
    return max((one for one in found.tried if one.value == good), key=lambda one: one.runs, default=None)


def _still_drain(found: Threshold) -> Tried | None:
    """The good side, where some of its runs are not back as they end."""
    good = _at_good(found)
    return good if good is not None and good.late else None


def _safe(found: Threshold) -> Tried | None:
    """The value nearest the threshold at which no run failed, nor at any that was tried farther away; where there is
    none, the farthest, and None where nothing was tried on the good side. Taken in this order, from the far end on, its
    interval need not be wider for having been picked.
    """
    is_above = found.fails == "above"
    good = found.low if is_above else found.high
    tried = [one for one in found.tried if (one.value <= good if is_above else one.value >= good)]
    tried.sort(key=lambda one: one.value, reverse=not is_above)
    without = list(itertools.takewhile(lambda one: not one.failed, tried))
    kept = without or tried[:1]
    return kept[-1] if kept else None


def _length(found: Threshold, value: float, outage_s: tuple[float, float]) -> str:
    """How long the outage is at a value of its begin or its end."""
    more_s = value - found.low
    return show_duration(outage_s[0] + (more_s if outage_s[1] > outage_s[0] else -more_s))


WITHIN_S = 600.0  # a time to ask for, where the run is long enough


def _keep(found: Threshold, good: float, side: str) -> str:
    """Where to stay: the tried value up to which no run fails, and how many may there; then what runs do at the
    threshold itself, `good`.
    """
    safe, edge = _safe(found), _at_good(found)
    value = good if safe is None else safe.value
    is_inside = safe is not None and not safe.failed and value != good
    if found.outage_s is not None:
        than = "of at most" if is_inside else "well shorter than"
        text = f"Count on outages {than} {_length(found, value, found.outage_s)}"
    else:
        at = shown(found.kind, value)
        text = f"Stay at {at} or {side}" if is_inside else f"Stay well {side} {at}"
    fail, fails = ("collapse", "collapses") if found.within_s is None else ("come late", "comes late")
    if found.of_renewals:
        fail = fails = "may come late"
    if safe is None or edge is None:
        return f"{text}: it is only sure that fewer than half of the runs {fail} there."
    which = ", the tried value nearest the threshold where that is so" if is_inside else ""
    does = f"{safe.failed} of {safe.runs} runs {fail}" if safe.failed else f"none of {safe.runs} runs {fails}"
    text += f": {does} there{which}. Of more such runs at most {show_share(safe.share_at_most)} may "
    text += f"({show_share(found.confidence)})."
    if edge.value != value:
        text += f" At {shown(found.kind, good)} {edge.failed} of {edge.runs} do: there it is only sure that fewer than "
        text += "half do."
    if _still_drain(found) is not None:
        text += " Those that do not collapse are not back at the end of the run. For a value at which runs are back in "
        text += f"time, ask with --within {min(WITHIN_S, found.horizon_s / 2) / 60:.4g}m."
    return text


def _late(found: Threshold) -> str:
    """What the runs on the good side of the threshold did not come to: they are only not collapsed."""
    late = _still_drain(found)
    if late is None:
        return ""
    text = f" At {shown(found.kind, late.value)} {show_share(late.late / late.runs)} of the runs are not back within "
    return f"{text}{show_duration(found.horizon_s)}, but ever fewer wait, so they do not count as collapsed."


def _longer(found: Threshold) -> str:
    """Whether the threshold is the system's: what runs to a later horizon say at both ends."""
    longer = found.longer
    if found.within_s is not None:
        return ""
    if longer is None:
        return "What longer runs would say is not known."
    low = (found.low, longer.low_failed_before, longer.low_failed)
    high = (found.high, longer.high_failed_before, longer.high_failed)
    good, bad = (low, high) if found.fails == "above" else (high, low)
    moved = [end for end, is_bad in ((good, False), (bad, True)) if _is_moved(found, longer.runs, end, is_bad)]
    told = moved or [good, bad]
    counts = " and ".join(f"{now} instead of {was} at {shown(found.kind, value)}" for value, was, now in told)
    runs = f"the first {longer.runs} runs of a value, continued to {show_duration(longer.horizon_s)}"
    if not moved:
        same = all(was == now for _, was, now in told)
        counts = " and ".join(f"{now} at {shown(found.kind, value)}" for value, _, now in told) if same else counts
        says = "say the same" if same else "do not move it"
        return f"Longer runs {says}: of {runs}, {counts} collapse{', as before' if same else ''}."
    text = f"But the threshold hangs on the horizon: of {runs}, {counts} collapse."
    return f"{text} Look for it again with that horizon: --set horizon={longer.horizon_s:.15g}s."


def _is_moved(found: Threshold, runs: int, end: tuple[float, int, int], is_bad: bool) -> bool:
    """Whether an end of the bracket is on the other side in longer runs: by the share that was found there, and by how
    much it changes in the same runs as they go on.
    """
    value, was, now = end
    its = max((one for one in found.tried if one.value == value), key=lambda one: one.runs, default=None)
    share = was / runs if its is None else its.failed / its.runs
    then = share + (now - was) / runs
    return now != was and (then <= MOST if is_bad else then >= MOST)
