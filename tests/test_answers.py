"""The answer as a type: its parts as text, HTML and JSON, and where it is shown.

Oracle: what each rendering must hold, escaped where it must be; and that every place shows the same answer.
"""

import json
from html import unescape
from html.parser import HTMLParser

from recovery.show.answers.answer import TITLES, Answer, Cause, Change, Part, html, parts, text

WHOLE = Answer(
    happened=Part(text="All of the 10 <nodes> are without a lease."),
    why=Cause(text="The queue is 3 timeouts long.", mechanism="timeout", number=3.0),
    change=Change(text="A short queue.", name="a & b", is_simulated=False, command="recovery run a --set 'x=<1>'"),
    sure=Part(text="One run."),
    rests_on=Part(),
)


class _Texts(HTMLParser):
    """The texts of each tag."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self._tag = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._tag = tag

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.found.append((self._tag, unescape(data).strip()))


def test_parts_stand_in_order_and_empty_ones_are_left_out() -> None:
    assert [part.name for part in parts(WHOLE)] == list(TITLES)[:-1]
    assert text(WHOLE).splitlines() == [
        "What happened: All of the 10 <nodes> are without a lease.",
        "Why: The queue is 3 timeouts long.",
        "What helps: A short queue.",
        "    recovery run a --set 'x=<1>'",
        "How sure: One run.",
    ]


def test_html_says_the_same_and_is_escaped() -> None:
    reader = _Texts()
    reader.feed(html(WHOLE))
    said = [one for tag, one in reader.found if tag in ("dd", "code")]
    assert said == [*(part.text for part in parts(WHOLE)[:3]), WHOLE.change.command, WHOLE.sure.text]
    assert "<nodes>" not in html(WHOLE)


def test_json_is_read_again() -> None:
    table = json.loads(WHOLE.to_json())
    assert list(table) == sorted(TITLES)
    assert table["change"]["saved_s"] is None
    assert Answer.read(WHOLE.to_json()).why == WHOLE.why
