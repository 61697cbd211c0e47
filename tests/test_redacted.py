"""A page that may leave the company holds no number of the scenario and no name.

Oracles: the scenario's own inputs, whose digits and words are looked for; the ratios, reckoned here from the results.
"""

import itertools
import json
import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import run_records
from click.testing import CliRunner, Result
from markupsafe import Markup

import recovery
from recovery.cli import main as cli
from recovery.measures import register
from recovery.show import redacted
from recovery.units import quantity

SECRET = """
title = "Zaphod's ledger"
question = "Will Marvin cope with Zaphod's herd?"
answer = "Slartibartfast says so."
label = "Heart of Gold"
clock = "2031-03-17T04:37Z"
seed = 73856093
horizon = "1741s"
hold = "67s"
coupling.window = "1s"
baseline = { within = "13%", over = "83s" }
fleet = { holders = 739, hosts = 7, called = "improbabilities" }
host.establish_time = "23.7ms"
host.renew_time = "4.73ms"
host.timeout = "5.39s"
host.fail_after = "113ms"
host.reject_cost = "1.37ms"
lease = { duration = "127.3s", check_every = "31.7s" }
dependency.outages = [{ from = "193s", to = "478.7s" }]
policy.client = { name = "exponential", base = "397ms", cap = "8.93s" }
[variants."Vogon constructor fleet"]
policy.queue = { name = "bounded", limit = "2.71s" }
[variants.Trillian]
policy.queue = "lifo"
[[notes]]
key = "fleet.holders"
kind = "assumed"
why = "Ford Prefect counted them"
[expect]
ttr99_s = "< 911s"
"""


def call(*words: object) -> Result:
    return CliRunner().invoke(cli.main, [str(word) for word in words])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run, and its redacted page."""
    place = tmp_path_factory.mktemp("magrathea")
    file = place / "deepthought.toml"
    file.write_text(SECRET)
    assert call("run", file, "--no-report", "--out", place / "krikkit", "--replications", 2).exit_code in (0, 99, 4)
    folder = place / "krikkit" / "deepthought"
    result = call("report", folder, "--redact")
    assert result.exit_code == 0, result.output
    assert result.stdout.strip() == str(folder / "redacted.html")
    return folder


def words_of(place: Path) -> str:
    """What the page shows beside its picture."""
    text = (place / "redacted.html").read_text()
    return Markup(re.sub(r"<svg.*?</svg>|<style.*?</style>", " ", text, flags=re.DOTALL)).striptags()


def numbers_in(text: str) -> set[str]:
    return set(re.findall(r"\d[\d,]*(?:\.\d+)?", text))


def scalars(value: object) -> Iterator[object]:
    """Every value of a table, and every key that the file itself made up."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield from scalars(one)
            if " " in str(key) or str(key)[:1].isupper():
                yield key
    elif isinstance(value, list):
        for one in value:
            yield from scalars(one)
    else:
        yield value


def digits_of(number: float) -> set[str]:
    """The number as somebody may write it: plain, in other units of time, with groups of three."""
    found = set()
    for factor in (1, 1000, 1 / 60, 1 / 3600):
        for text in (f"{number * factor:.4g}", f"{number * factor:,.0f}", f"{number * factor:.3g}"):
            if len(re.sub(r"\D", "", text).strip("0")) >= 3:  # two digits may be anything
                found.add(text)
    return found


def test_no_number_and_no_name_of_the_scenario_is_in_the_page(made: Path) -> None:
    text = (made / "redacted.html").read_text()
    manifest = json.loads((made / "manifest.json").read_text())
    values = [*scalars(manifest["inputs"]), "deepthought", "krikkit", "magrathea"]
    values += [word for word in manifest["argv"] if "/" in word or "." in word]
    numbers = numbers_in(words_of(made))
    for value in values:
        found = quantity(value)
        if found is not None:
            assert not digits_of(found[1]) & numbers, value
            assert str(value).rstrip("smh%/") not in numbers or len(str(value)) <= 2, value
        elif isinstance(value, str) and len(value) > 1:
            own = [word for word in re.findall(r"\w{4,}", value) if word[0].isupper() or word == value]
            assert value in WORDS or value not in text, value
            for word in own:
                assert not re.search(rf"\b{re.escape(word)}\b", text) or word in WORDS, word
    for word in ("improbabilit", "Zaphod", "Marvin", "Vogon", "Trillian", "Ford", "2031", "lifo", "expo"):
        assert word not in text


WORDS = {
    "bounded",
    "recovery",
    "exponential",
    "assumed",
    "Will",
    "Heart",
    "policy",
    "version",
    "report",
    "timeout",
    "leases",
}
# Words of the page itself, which the inputs may share.


def test_no_row_of_results_is_in_the_page_as_it_is(made: Path) -> None:
    """Counts of more than two digits, and times in seconds, are told as ratios only."""
    text = Markup(
        re.sub(r"<svg.*?</svg>|<style.*?</style>", " ", (made / "redacted.html").read_text(), flags=re.DOTALL)
    )
    numbers = set(re.findall(r"\d[\d,]*(?:\.\d+)?", text.striptags()))
    for row in json.loads((made / "summary.json").read_text())["rows"]:
        for name, value in row["measures"].items():
            if isinstance(value, int | float) and not name.endswith("_share") and abs(value) >= 100:
                assert not {f"{value:.0f}", f"{value:,.0f}", f"{value:.3g}", f"{value:.1f}"} & numbers, name


def test_times_are_in_outage_lengths(made: Path) -> None:
    """The mean time to 99 % over the length of the outage, 285.7 s, to a tenth of a power of ten."""
    rows = json.loads((made / "summary.json").read_text())["rows"]
    text = (made / "redacted.html").read_text().replace("\u00a0", " ")  # which keeps numbers and units together
    cells = re.search(r"99 % back \(outage lengths\)</th>(.*?)</tr>", text)
    assert cells is not None
    shown = re.findall(r">([^<]+)</td>", cells[1])
    for variant, cell in zip(dict.fromkeys(row["variant"] for row in rows), shown, strict=True):
        own = [float(row["measures"]["ttr99_s"]) for row in rows if row["variant"] == variant]
        mean = sum(own) / len(own) / 285.7
        if mean == float("inf"):
            assert cell == "never"
        elif cell.startswith("&lt;"):
            assert mean < 0.1
        else:
            assert abs(10 * math.log10(float(cell) / mean)) < 0.7  # and two digits of it


@pytest.mark.parametrize(("window_s", "outage_s"), [(10.0, 1500.0), (10.0, 600.0), (1.0, 285.0)])
def test_the_length_of_the_outage_is_not_found_by_a_search(window_s: float, outage_s: float) -> None:
    """Times are whole windows. Whoever tries all outages of whole windows finds that nearly all give what is shown."""
    whole = [1, 3, 5, 6, 11, 17, 23, 31, 46, 88, 120]
    length = round(outage_s / window_s)

    def fits(show: Callable[[float], str], cell: str, n: int) -> bool:
        about = float(cell.removeprefix("< ")) * (0.5 if cell.startswith("<") else 1.0) * n
        return any(show(max(k, 1) / n) == cell for k in (math.floor(about), math.ceil(about)))

    def remain(show: Callable[[float], str]) -> list[int]:
        cells = {show(one / length) for one in whole}
        return [n for n in range(1, 1_000) if all(fits(show, cell, n) for cell in cells)]

    hidden, found = remain(redacted.of_times), remain(redacted.ratio)
    assert found[0] > 0.9 * length  # two digits: the shortest that fits is the truth
    assert hidden[0] < 0.5 * length
    assert len(hidden) > 900


def test_the_curves_have_no_time_of_day_and_no_seconds(made: Path) -> None:
    text = (made / "redacted.html").read_text()
    assert "time since the outage began (outage lengths)" in text or text.count("<svg") == 1
    assert not re.search(r"\d\d:\d\d", re.sub(r"<style.*?</style>", "", text, flags=re.DOTALL))


@pytest.mark.parametrize("kind", ["nothing", "race"])
def test_what_cannot_be_redacted_is_told(tmp_path: Path, kind: str) -> None:
    if kind == "race":
        (tmp_path / "manifest.json").write_text('{"kind": "race"}')
    result = call("report", tmp_path, "--redact")
    assert result.exit_code == 2
    assert "want the folder of a run for --redact" in result.stderr


QUIET = """
horizon = "12m"
hold = "30s"
host = { workers = 5, establish_time = "100ms", timeout = "2s" }
jobs = { retries = 3, arrivals = "even", steps = [
  { at = "0s", rate = "20/s" }, { at = "2m", rate = "90/s" }, { at = "3m", rate = "20/s" } ] }
recovers_from = "3m"
policy.client = { name = "fixed", delay = "1s" }
policy.queue = { name = "bounded", limit = "1s" }
"""


def test_where_no_dependency_failed_none_is_told_to_be_back() -> None:
    """Oracle: the scenario, whose load rises and whose dependency is never away."""
    run = recovery.parse(QUIET).run(progress=False, threads=1)
    said = redacted.html(run.manifest, run.summary, []).replace("\u00a0", " ")
    assert "return" not in Markup(re.sub(r"<style.*?</style>", " ", said, flags=re.DOTALL)).striptags()
    assert "after the clock starts" in said
    assert all(f"{depth} % back (timeouts)" in said for depth in (50, 90, 99))


def test_a_run_that_is_lost_does_not_hide_the_others() -> None:
    """Two of three are back after 60 and 100 s, which is 16 timeouts of 5 s on average; one never is."""
    ends = ((60.0, "recovered"), (100.0, "recovered"), (math.inf, "collapsed"))
    rows = [run_records.row_of("a", i, verdict, ttr99_s=time) for i, (time, verdict) in enumerate(ends)]
    group = run_records.group_of("a", {"recovered": 2, "collapsed": 1}, ttr99_s=math.inf)
    summary = run_records.summary_of(rows, [group])
    [row] = [row for row in redacted.rows(summary, redacted.Unit(5.0, "timeouts")) if row.title.startswith("99 %")]
    assert row.cells == ["16; never in 0.33"]


def test_both_returns_are_told_where_leases_are_lost_once_more() -> None:
    """Back after 10 s, and for the last time after 100 s: 2 and 20 timeouts of 5 s. The other is back once."""
    again = {register.last_of("ttr99_s"): 100.0}
    rows = [
        run_records.row_of("a", 0, "recovered", ttr99_s=10.0, **again),
        run_records.row_of("b", 0, "recovered", ttr99_s=20.0),
    ]
    groups = [run_records.group_of(row.variant, {"recovered": 1}, ttr99_s=row.of("ttr99_s")) for row in rows]
    summary = run_records.summary_of(rows, groups)
    told = {row.title: row.cells for row in redacted.rows(summary, redacted.Unit(5.0, "timeouts"))}
    assert told["99 % back (timeouts)"] == ["2", "4"]
    assert told["99 % back for the last time, after a later loss (timeouts)"] == ["20", "4"]
    assert not any("90 % back for the last" in title for title in told)


def test_the_page_says_in_what_steps_times_are_told() -> None:
    """Each number that it gives as a step is told as it is, and is about a quarter more than the one before."""
    template = Path(redacted.__file__).parent / "templates" / "redacted.html.j2"
    [named] = re.findall(r"steps of about 25 % each \(([^)]*)\)", template.read_text(encoding="utf-8"))
    steps = named.split(", ")
    assert [redacted.of_times(float(step)) for step in steps] == steps
    assert all(1.2 <= float(b) / float(a) <= 1.31 for a, b in itertools.pairwise(steps))
