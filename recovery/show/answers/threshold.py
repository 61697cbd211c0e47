"""The answer of a threshold, from its record: where recovery turns into collapse, and on which side to stay."""

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
    keep = f"Stay well {side} {safe}: {_failed(found)}"
    if found.outage_s is not None:
        lengths = [show_duration(length_s) for length_s in (found.outage_s if is_above else found.outage_s[::-1])]
        text += f" The outage lasts {lengths[0]} in the former and {lengths[1]} in the latter."
        keep = f"Count on outages well shorter than {lengths[0]}: {_failed(found)}"
    return Answer(
        happened=AnswerPart(text=f"{text}{_late(found)}"),
        why=_why(found, bad),
        change=Change(
            text=keep, name=found.key, is_simulated=True
        ),
        sure=AnswerPart(
            text=f"{show_share(found.confidence)} confidence, from {runs} runs at {len(found.tried)} values.{note} "
            f"{_searched(found)}{_longer(found)}".rstrip()
        ),
        rests_on=AnswerPart(
            text=f"It is assumed that the chance of a {'collapse' if found.within_s is None else 'late return'} only "
            "rises, or only falls, from low values to high ones."
        ),
    )  # fmt: skip


def _why(found: Threshold, bad: str) -> Cause:
    """What limits the runs on the bad side, by the rules of single runs."""
    limit = one_run.limit_of(found.beyond)
    if found.beyond is None or limit is None:
        number = float(found.low if found.fails == "above" else found.high)
        return Cause(mechanism=found.key, number=number)
    often = f", as {found.beyond.alike} of {found.beyond.runs} do" if found.beyond.alike < found.beyond.runs else ""
    ends = one_run.ENDS[found.beyond.row.verdict]
    text = f"At {found.key} = {bad} a run {ends}{often}: {limit.text}."
    return Cause(text=text, mechanism=limit.kind, number=limit.number)


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
    if found.within_s is not None:
        return f"are back within {show_duration(found.within_s)}"
    return "recover" if _still_drain(found) is None else "do not collapse"


def _bad(found: Threshold) -> str:
    return "collapse" if found.within_s is None else "are not"


def _at_good(found: Threshold) -> Tried | None:
    """The good side of the threshold; None where nothing was tried there."""
    good = found.low if found.fails == "above" else found.high
    return max((one for one in found.tried if one.value == good), key=lambda one: one.runs, default=None)


def _still_drain(found: Threshold) -> Tried | None:
    """The good side, where some of its runs are not back as they end."""
    good = _at_good(found)
    return good if good is not None and good.late else None


WITHIN_S = 600.0  # a time to ask for, where the run is long enough


def _failed(found: Threshold) -> str:
    """Why the good side is no place to be: what its runs do there, and what to ask for instead."""
    good = _at_good(found)
    share = "up to half of the runs" if good is None else f"{good.failed} of {good.runs} runs"
    text = f"{share} {'collapse' if found.within_s is None else 'come late'} there; "
    text += "it is only sure that fewer than half do."
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
    ends = ((found.low, longer.low_failed), (found.high, longer.high_failed))
    (good, its), (bad, others) = ends if found.fails == "above" else ends[::-1]
    counts = f"{its} of {longer.runs} collapse at {shown(found.kind, good)}, {others} of {longer.runs} at "
    counts += shown(found.kind, bad)
    runs = f"runs of {show_duration(longer.horizon_s)}"
    if its < MOST * longer.runs < others:
        return f"Longer {runs} say the same: {counts}."
    moved = "the good side" if its >= MOST * longer.runs else "the bad side"
    text = f"But the threshold hangs on the horizon: longer {runs} say another thing on {moved} ({counts})."
    return f"{text} Look for it again with that horizon: --set horizon={longer.horizon_s:.15g}s."
