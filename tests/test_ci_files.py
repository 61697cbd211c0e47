"""What a CI is given: a job summary in Markdown and JUnit's XML.

Oracles: the elements, attributes and order that JUnit's schema (Jenkins's junit-10.xsd) asks for, the exit status, and
the rules of GitHub's Markdown for tables and escapes.
"""

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner, Result

from recovery.cli import main as cli
from recovery.show import junit, markdown

TINY = """
horizon = "10m"
hold = "1m"
title = "a | b"
fleet = { holders = 50, hosts = 2 }
host = { establish_time = "10ms", timeout = "5s", fail_after = "100ms" }
lease = { duration = "2m", check_every = "30s" }
dependency.outages = [{ from = "2m", to = "5m" }]
[variants."with <b> & `ticks` | bars"]
policy.queue = "lifo"
"""
ATTRIBUTES = {
    "testsuites": {"tests", "failures", "errors"},
    "testsuite": {"name", "tests", "failures", "errors", "skipped", "time"},
    "testcase": {"classname", "name", "time"},
    "failure": {"message", "type"},
    "error": {"message", "type"},
}
CHILDREN = {"testsuites": {"testsuite"}, "testsuite": {"testcase"}, "testcase": {"failure", "error"}}


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    (tmp_path / "tiny.toml").write_text(TINY, encoding="utf-8")
    return tmp_path / "tiny.toml"


def call(*arguments: object) -> Result:
    result = CliRunner().invoke(cli.main, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
    return result


def suites_of(path: Path) -> ET.Element:
    """The file, if it is as the schema wants it, and its counts are those of its cases."""
    text = path.read_bytes()
    assert text.startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n')
    root = ET.fromstring(text)
    for node in root.iter():
        assert set(node.attrib) == ATTRIBUTES[node.tag]
        assert {child.tag for child in node} <= CHILDREN.get(node.tag, set())
        for name in {"tests", "failures", "errors"} & set(node.attrib):
            tag = {"tests": "testcase", "failures": "failure", "errors": "error"}[name]
            assert int(node.attrib[name]) == len(list(node.iter(tag)))
        if "time" in node.attrib:
            assert float(node.attrib["time"]) >= 0
    return root


@pytest.mark.parametrize(
    ("bound", "replications", "status", "ended"),
    [
        ('ttr99_s="< 5m"', 1, 0, []),
        ('ttr99_s="< 1ns"', 1, 99, ["failure"]),
        ('collapsed_share="< 5%"', 2, 4, ["error"]),
    ],
)
def test_a_run_tells_its_bounds_in_both_files(
    tiny: Path, tmp_path: Path, bound: str, replications: int, status: int, ended: list[str]
) -> None:
    files = tmp_path / "summary.md", tmp_path / "junit.xml"
    result = call(
        "run", tiny, "--out", tmp_path / "out", "--no-report", "--replications", replications, "--set",
        f"expect.{bound}", "--markdown", files[0], "--junit", files[1],
    )  # fmt: skip
    assert result.exit_code == status
    suites = suites_of(files[1])
    assert [node.tag for node in suites.iter() if node.tag in ("failure", "error")] == ended
    [case, whole] = suites.iter("testcase")
    assert case.attrib["name"] == bound.replace('="', " ").rstrip('"')
    assert whole.attrib["name"] == "all runs are done"
    text = files[0].read_text()
    first, second, *_ = [line for line in text.splitlines() if line]
    assert first == r"## a \| b"
    assert second.startswith("**What happened:** ")  # the answer comes first
    sign = {0: "✅", 99: "❌", 4: "⚠️"}[status]
    assert f"- {sign} expected `{case.attrib['name']}`: " in text
    assert len(text) < 6000


def cells(line: str) -> list[str]:
    """Cells of a row of a table in GitHub's Markdown: a bar after a backslash parts none."""
    return re.split(r"(?<!\\)\|", line)[1:-1]


def test_markdown_has_what_is_refused_where_a_variant_refuses(tmp_path: Path) -> None:
    """Five hundred ask a queue of a second at once; without a bound nobody is refused."""
    file, text = (
        tmp_path / "refuses.md",
        (
            'horizon = "20m"\nhold = "1m"\nfleet = { holders = 500, hosts = 1 }\n'
            'host = { workers = 1, establish_time = "100ms", timeout = "10s" }\n'
            'lease = { duration = "2m", check_every = "40s" }\ndependency.outages = [{ from = "1m", to = "5m" }]\n'
        ),
    )
    scenario = tmp_path / "refuses.toml"
    for variants, is_told in ('variants.short.policy.queue = { name = "bounded", limit = "1s" }\n', True), ("", False):
        scenario.write_text(text + variants, encoding="utf-8")
        assert call("run", scenario, "--out", tmp_path, "--no-report", "--markdown", file).exit_code == 0
        table = [line for line in file.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
        cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table if "---" not in line]
        assert ("refused" in cells[0]) == is_told
        if is_told:
            at = cells[0].index("refused")
            assert cells[1][at] == "0 %"
            assert float(cells[2][at].split()[0]) > 1


def test_a_table_of_markdown_shows_names_as_they_stand(tiny: Path, tmp_path: Path) -> None:
    file = tmp_path / "summary.md"
    assert call("run", tiny, "--out", tmp_path, "--no-report", "--markdown", file).exit_code == 0
    rows = [cells(line) for line in file.read_text().splitlines() if line.startswith("|")]
    assert {len(row) for row in rows} == {5}
    names = [re.sub(r"\\(.)", r"\1", row[0].strip()) for row in rows]
    assert names == ["variant", "---", "as written", "with <b> & `ticks` | bars"]
    assert not re.search(r"(?<!\\)[<`]", rows[-1][0])  # no HTML, no code


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a|b", r"a\|b"), ("x\n# y", r"x \# y"), ("[l](u)", r"\[l\](u)"), ("a\\", "a\\\\"), ("\x1b[1m", "\\\\u001b\\[1m")],
)
def test_markdown_is_escaped(text: str, shown: str) -> None:
    assert markdown.plain(text) == shown


def test_code_holds_backticks() -> None:
    assert markdown.code("a`b``c") == "``` a`b``c ```"  # CommonMark: a longer run, and a space, which is taken off


def test_xml_holds_any_name() -> None:
    nasty = "a\x00\x1b<&>\"'\ufffe\ud800 ü"
    text = junit.xml([junit.Suite(nasty, (junit.Case(nasty, "failure", nasty, (nasty,)),), 1.5)])
    [case] = ET.fromstring(text.encode()).iter("testcase")
    assert case.attrib["name"] == "a\ufffd\ufffd<&>\"'\ufffd\ufffd ü"


def test_several_experiments_share_the_files(tiny: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text(TINY.replace("a | b", "the other") + '[expect]\nttr99_s = "< 1ns"\n')
    files = tmp_path / "summary.md", tmp_path / "junit.xml"
    words = "--out", tmp_path, "--no-report", "--markdown", files[0], "--junit", files[1]
    assert call("run", tiny, other, *words).exit_code == 99
    assert re.findall("^## (.*)$", files[0].read_text(), re.MULTILINE) == [r"a \| b", "the other"]
    assert [one.attrib["name"] for one in suites_of(files[1])] == ["tiny", "other"]


def test_a_comparison_tells_its_conditions_in_both_files(tiny: Path, tmp_path: Path) -> None:
    slow = tmp_path / "slow.toml"
    slow.write_text(TINY.replace('"10ms"', '"900ms"'))
    files = tmp_path / "summary.md", tmp_path / "junit.xml"
    result = call(
        "compare", tiny, slow, "--out", tmp_path, "--no-report", "--replications", 3, "--markdown", files[0],
        "--junit", files[1], "--fail-if", "ttr100_s > +10%", "--fail-if", "wasted_share > +100pp",
    )  # fmt: skip
    assert result.exit_code == 99
    suites = suites_of(files[1])
    assert float(suites[0].attrib["time"]) > 0
    assert [case.attrib["name"] for case in suites.iter("testcase")] == [
        "not ttr100_s > +10%",
        "not wasted_share > +100pp",
    ]
    assert [len(case) for case in suites.iter("testcase")] == [1, 0]
    text = files[0].read_text()
    assert "❌ fail if `ttr100_s > +10%`: " in text
    assert "✅ fail if `wasted_share > +100pp`: " in text
    assert text.splitlines()[2].startswith("**“slow”")


RACE = """
title = "two processes write one record"
[dns]
enactors = 2
endpoints = 2
keep = 2
delays = { plan = "20s", look = "5s", transaction = "4s", back_off = "5s", clean_up = "1s" }
[how_often]
years = 1e-3
trials = 20
repeats = 4
[possible]
enactors = 2
endpoints = 1
plans = 2
guardrails = [[]]
"""


def test_a_sweep_and_the_race_write_them_too(tiny: Path, tmp_path: Path) -> None:
    swept = tmp_path / "swept.toml"
    swept.write_text(
        TINY + '[expect]\nttr99_s = "< 1ns"\n[sweep]\nmethod = "random"\nsamples = 2\n'
        '[sweep.uncertainties]\n"host.timeout" = { min = "4s", max = "6s" }\n'
    )
    files = tmp_path / "summary.md", tmp_path / "junit.xml"
    words = "--out", tmp_path, "--no-report", "--markdown", files[0], "--junit", files[1]
    assert call("sweep", swept, *words).exit_code == 99
    assert [case.attrib["name"] for case in suites_of(files[1]).iter("testcase")] == [
        "ttr99_s < 1ns", "all runs are done",
    ]  # fmt: skip
    assert files[0].read_text().startswith("## a \\| b\n\n**What happened:** ")
    race = tmp_path / "race.toml"
    race.write_text(RACE)
    assert call("run", race, *words).exit_code == 0
    assert len(suites_of(files[1])) == 0
    assert "possible, in" in files[0].read_text()


def test_a_file_that_cannot_be_written_is_told_and_costs_no_numbers(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    goal = tmp_path / "file" / "summary.md"
    result = call("run", tiny, "--out", tmp_path / "out", "--no-report", "--markdown", goal)
    assert result.exit_code == 1
    assert str(goal) in result.stderr
    assert (tmp_path / "out" / "tiny" / "manifest.json").is_file()
