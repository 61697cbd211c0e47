"""Experiments with the race alone: the command, the page, and what is published of them.

Oracles: the search and the rates themselves (tests of their own); the file that was read.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from recovery.cli import main as cli
from recovery.reading.race import is_race, load_any
from recovery.study import race

ROOT = Path(__file__).resolve().parent.parent
RACES = sorted(path for path in (ROOT / "experiments").glob("*.toml") if is_race(path))
TINY = """
title = "A small race"
[dns]
keep = 2
delays.plan = "60s"
delays.look = "20s"
delays.back_off = "5s"
delays.clean_up = "1s"
delays.transaction = { dist = "exponential", mean = "40s" }
[variants.safe]
dns.guardrails = ["compare-and-set"]
[how_often]
years = 0.05
trials = 50
repeats = 2
[possible]
enactors = 2
endpoints = 1
plans = 2
"""


@pytest.fixture
def tiny(tmp_path: Path) -> str:
    (tmp_path / "tiny.toml").write_text(TINY, encoding="utf-8")
    return str(tmp_path / "tiny.toml")


def call(*arguments: object) -> Result:
    result = CliRunner().invoke(cli.main, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
    return result


def test_dns_answers_in_words_and_json(tiny: str) -> None:
    said = call("dns", tiny, "--threads", 1)
    assert said.exit_code == 0
    assert "no guardrail: possible, in 9 steps" in said.stdout
    assert "compare-and-set: impossible (" in said.stdout
    assert "9. Enactor B has finished plan 2 and cleans up" in said.stdout
    summary = json.loads(call("dns", tiny, "--json").stdout)["summary"]
    plain, safe = summary["rows"]
    assert plain["per_year"]["low"] > 0
    assert safe["per_year"]["mean"] == safe["empty"] == 0
    assert plain["latency"]["p50_s"] <= plain["latency"]["p99_s"] <= plain["latency"]["p999_s"]


@pytest.mark.parametrize("sweep", [[], ["--set", 'sweep.levers."dns.keep".values=[1, 2]']])
def test_run_writes_numbers_and_a_page(tiny: str, tmp_path: Path, sweep: list[str]) -> None:
    assert call("run", tiny, "--out", tmp_path / "out", *sweep).exit_code == 0
    folder = tmp_path / "out" / "tiny"
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "A small race" in page
    assert page.count("<svg") == 4  # two pictures, each wide and narrow
    assert "http" not in page.replace("http://www.w3.org", "")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("dns.keep=0", "dns.keep is 0; want a whole number from 1"),
        ("dns.kep=1", "dns.kep is not a key (did you mean keep?)"),
        ("dns.guardrails=['compare']", "want one of compare-and-set, keep-active, refuse-empty, one-writer"),
        ("dns.delays.look=5", "want a duration with its unit"),
        ("possible.plans=9", "possible.plans is 9; want a whole number up to 7"),
        ("fleet.hosts=1", "fleet is not a key"),
    ],
)
def test_mistakes_are_told_with_status_2(tiny: str, change: str, said: str) -> None:
    result = call("dns", tiny, "--set", change)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


def test_a_file_without_the_race_is_refused(tmp_path: Path) -> None:
    result = call("dns", ROOT / "experiments" / "us-east-1-2025-10-leases.toml")
    assert result.exit_code == 2
    assert "dns is missing; want a table [dns]" in result.stderr
    alone = call("check", RACES[0])
    assert alone.exit_code == 2
    assert "has the DNS race alone; want a scenario of a fleet or jobs here" in alone.stderr


def published(path: Path, file: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "results" / path.stem / file).read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("path", RACES, ids=lambda path: path.stem)
def test_what_is_published_was_made_by_this_code_from_this_experiment(path: Path) -> None:
    manifest = published(path, "manifest.json")
    assert manifest["inputs"] == load_any(path).raw
    assert manifest["digest"] == race.digest_of(load_any(path)), "make results, and look at what changed"


def test_published_guardrails_that_are_impossible_to_break_were_never_broken() -> None:
    summary = published(ROOT / "experiments" / "dns-guardrails.toml", "summary.json")
    safe = {tuple(sorted(search["guardrails"])) for search in summary["possible"] if not search["is_possible"]}
    assert safe == {("compare-and-set",), ("keep-active", "refuse-empty")}
    for row in summary["rows"]:
        assert (row["empty"] == 0) == (tuple(sorted(row["guardrails"])) in safe)


def test_a_note_on_the_race_tells_the_value_that_it_is_about(tmp_path: Path) -> None:
    note = '[[notes]]\nkey = "dns.delays.look"\nkind = "assumed"\nwhy = "nobody knows"\n'
    (tmp_path / "noted.toml").write_text(TINY.replace("[dns]", f"{note}[dns]"), encoding="utf-8")
    told = call("run", tmp_path / "noted.toml", "--out", tmp_path / "out", "--threads", 1)
    assert told.exit_code == 0
    page = (tmp_path / "out" / "noted" / "report.html").read_text(encoding="utf-8")
    [row] = [row for row in page.split("<tr")[1:] if 'id="note-1"' in row]
    assert "20s" in row
    assert "None" not in row
