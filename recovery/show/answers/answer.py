"""The answer that everything begins with: what happened, why, the one change that helps most, how sure, what it rests
on. What it is, and how it is shown as text and as HTML.
"""

import math
from html import escape
from typing import NamedTuple

from recovery.show.words import Called, speaking_of
from recovery.store.record import Number, Record


class AnswerPart(Record):
    """A part of an answer: a sentence or two; where it has several lines, those after the first are a list. Empty where
    there is nothing to say.
    """

    text: str = ""


class Cause(AnswerPart):
    """Why: the mechanism that limits, by name ("" where no rule knows it), with its number."""

    mechanism: str = ""
    number: Number = math.nan


class Change(AnswerPart):
    """The one change: the name of a variant or policy ("" for none), how much sooner (s; inf: back instead of never;
    nan: not known), and whether that was simulated; else `command` is what would try it.
    """

    name: str = ""
    saved_s: Number = math.nan
    is_simulated: bool = True
    command: str = ""


class Answer(Record):
    """Five parts, in the order in which a reader asks."""

    happened: AnswerPart
    why: Cause
    change: Change
    sure: AnswerPart
    rests_on: AnswerPart

    def speaking_of(self, called: Called) -> "Answer":
        """The same, with holders and what they hold under the names that they have in a scenario."""
        parts = {name: part.model_copy(update={"text": speaking_of(called, part.text)}) for name, part in self}
        return self.model_copy(update=parts)

    def __str__(self) -> str:
        return text(self)

    def _repr_html_(self) -> str:
        return html(self)


class Shown(NamedTuple):
    """A part under its title; `code` is a command that belongs to it."""

    name: str
    title: str
    text: str
    code: str


TITLES = {
    "happened": "What happened",
    "why": "Why",
    "change": "What helps",
    "sure": "How sure",
    "rests_on": "Rests on",
}
"""How each part is called."""


def parts(answer: Answer) -> list[Shown]:
    """The parts that say something, each under its title."""
    told: dict[str, AnswerPart] = dict(answer)
    return [
        Shown(name, title, part.text, part.command if isinstance(part, Change) else "")
        for name, title in TITLES.items()
        if (part := told[name]).text
    ]


def text(answer: Answer) -> str:
    """The answer for a terminal: a line a part, a command and what is a list on lines of their own."""
    lines = []
    for part in parts(answer):
        first, *rest = part.text.split("\n")
        lines += [f"{part.title}: {first}", *(f"  {line}" for line in rest)]
        lines += [f"    {part.code}"] if part.code else []
    return "\n".join(lines)


def html(answer: Answer) -> str:
    """The answer as a section of a page, all texts escaped."""

    def listed(text: str) -> str:
        first, *rest = map(escape, text.split("\n"))
        items = "".join(f"<li>{line}</li>" for line in rest)
        return f"{first}<ul>{items}</ul>" if rest else first

    rows = [
        f'<dt>{part.title}</dt>\n<dd class="{part.name}">{listed(part.text)}'
        + (f"<br>\n<code>{escape(part.code)}</code>" if part.code else "")
        + "</dd>"
        for part in parts(answer)
    ]
    head = '<section class="answer" aria-labelledby="answer">\n<h2 id="answer">Answer</h2>'
    return "\n".join([head, "<dl>", *rows, "</dl>", "</section>", ""])
