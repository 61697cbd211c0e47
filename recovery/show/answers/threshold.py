"""The answer of a threshold, from its record: where recovery turns into collapse, and on which side to stay."""

from recovery.show.answers.answer import Answer, AnswerPart, Cause, Change
from recovery.show.sweep_text import shown
from recovery.store.sweep_record import Threshold
from recovery.units import show_share


def answer_of(found: Threshold) -> Answer:
    """The answer of `recovery threshold`."""
    low, high = shown(found.kind, found.low), shown(found.kind, found.high)
    runs = sum(one.runs for one in found.tried)
    note = f" {found.note[:1].upper()}{found.note[1:].rstrip('.')}." if found.note else ""
    safe = low if found.fails == "above" else high
    side = "at or below" if found.fails == "above" else "at or above"
    return Answer(
        happened=AnswerPart(
            text=f"{found.key}: recovery turns into collapse between {low} and {high}; it fails {found.fails} that."
        ),
        why=Cause(mechanism=found.key, number=float(found.low if found.fails == "above" else found.high)),
        change=Change(
            text=f"Keep {found.key} {side} {safe}, with room for what is not known.", name=found.key,
            is_simulated=True,
        ),
        sure=AnswerPart(
            text=f"{show_share(found.confidence)} confidence, from {runs} runs at {len(found.tried)} values.{note}"
        ),
        rests_on=AnswerPart(text="If the chance of a collapse only rises, or only falls, with the value."),
    )  # fmt: skip
