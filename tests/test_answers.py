"""The answer as a type: its parts as text, HTML and JSON, and where it is shown.

Oracle: what each rendering must hold, escaped where it must be; and that every place shows the same answer.
"""

import json
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner
from situations import IMPATIENT

from recovery.cli import main as cli
from recovery.show.answers import compare, threshold
from recovery.show.answers.answer import TITLES, Answer, Cause, Change, Part, html, parts, text
from recovery.store.record import Estimate
from recovery.store.sweep_record import Difference, Threshold, Tried

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


def test_theory_alone_names_the_timeout_and_what_to_try(tmp_path: Path) -> None:
    """2,000 leases at 20 a second take 100 s, five timeouts of 20 s: nothing needs to run to say so."""
    file = tmp_path / "storm.toml"
    file.write_text(IMPATIENT, encoding="utf-8")
    told = json.loads(CliRunner().invoke(cli.main, ["explain", str(file), "--json"]).stdout)["answer"]
    assert told["why"]["mechanism"] == "timeout"
    assert told["why"]["number"] == pytest.approx(5)
    assert "all 2,000 holders take 100 s" in told["happened"]["text"]
    assert not told["change"]["is_simulated"]
    said = CliRunner().invoke(cli.main, ["explain", str(file)]).stdout
    assert said.splitlines()[2].startswith("What happened: Nothing was run")


@pytest.mark.parametrize(("fails", "safe"), [("above", "at or below 60 s"), ("below", "at or above 2 min")])
def test_a_threshold_says_on_which_side_to_stay(fails: str, safe: str) -> None:
    tried = tuple(Tried(value=value, failed=0, runs=20, verdict="holds") for value in (60.0, 120.0))
    found = Threshold.model_validate(
        {"experiment": "x", "key": "host.timeout", "kind": "duration", "low": 60.0, "high": 120.0, "fails": fails,
         "confidence": 0.95, "note": "", "tried": tried}
    )  # fmt: skip
    answer = threshold.answer_of(found)
    assert "between 60 s and 2 min" in answer.happened.text
    assert f"Keep host.timeout {safe}" in answer.change.text
    assert "40 runs at 2 values" in answer.sure.text


def test_policies_beside_each_other_are_told_in_words() -> None:
    row = Difference(
        policy="a, queue=lifo", policy_id="1", words="serve the newest first", than="a, queue=fifo", than_id="0",
        than_words="serve in order of arrival", measure="ttr99_s", draws=40, sooner_share=0.9, later_share=0.1,
        difference_s=Estimate(mean=-60.0, low=-90.0, high=-30.0), verdict="sooner",
    )  # fmt: skip
    answer = compare.answer_of_policies([row])
    assert answer.change.text.startswith("Take “serve the newest first”")
    assert answer.change.saved_s == 60
    assert "60 s sooner than “serve in order of arrival”" in answer.happened.text
    assert "=" not in answer.happened.text
