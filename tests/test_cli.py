"""The command as its users meet it: what it prints where, with which exit status, and never a traceback.

Oracles: the table of exit statuses in `recovery --help`; the scenarios that it prints itself.
"""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result

from recovery import errors
from recovery.cli import main as cli
from recovery.cli.commands.start import SYSTEMS
from recovery.cli.guard import ending
from recovery.cli.status import Status
from recovery.reading.schema import json_schema
from recovery.show import text

TOP = Path(__file__).resolve().parent.parent
TINY = """
horizon = "10m"
hold = "1m"
fleet = { holders = 50, hosts = 2 }
host = { establish_time = "10ms", timeout = "5s", fail_after = "100ms" }
lease = { duration = "2m", check_every = "30s" }
dependency.outages = [{ from = "2m", to = "5m" }]
"""


@pytest.fixture
def tiny(tmp_path: Path) -> str:
    (tmp_path / "tiny.toml").write_text(TINY, encoding="utf-8")
    return str(tmp_path / "tiny.toml")


def call(*arguments: object) -> Result:
    result = CliRunner().invoke(cli.main, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
    return result


def start(*arguments: object, **options: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "recovery", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(TOP)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "encoding": "utf-8"}
    return subprocess.Popen(command, env={**environment, "PYTHONIOENCODING": "utf-8"}, **{**pipes, **options})


def test_the_start_imports_nothing_heavy() -> None:
    heavy = "numpy", "numba", "scipy", "polars", "matplotlib", "pydantic", "rich", "jinja2", "psutil"
    code = f"import sys, recovery.cli.main; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=TOP, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_run_without_a_report_loads_no_more_than_it_needs(tmp_path: Path) -> None:
    """Oracle: the modules that Python has loaded at the end of a command that draws nothing."""
    (tmp_path / "a.toml").write_text(TINY)
    drawing = "matplotlib", "scipy.special", "jinja2", "xml.etree", "recovery.store.sweep_record"
    code = f"""
import atexit, sys
from recovery.cli import main
atexit.register(lambda: print([name for name in {drawing} if name in sys.modules]))
main.main(["run", {str(tmp_path / "a.toml")!r}, "--out", {str(tmp_path)!r}, "--no-report"])
"""
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.splitlines()[-1] == "[]"


def test_help_names_every_exit_status() -> None:
    result = call("--help")
    assert result.exit_code == 0
    for status in ("0 well", "1 our fault", "2 usage", "3 some", "4 inconclusive", "99 an [expect]", "130 interrupted"):
        assert status in " ".join(result.stdout.split())


def test_run_prints_a_table_and_writes_a_folder(tiny: str, tmp_path: Path) -> None:
    result = call("run", tiny, "--out", tmp_path / "out")
    assert result.exit_code == 0
    assert "as written" in result.stdout
    assert f"report: {tmp_path / 'out' / 'tiny' / 'report.html'}" in result.stdout
    assert (tmp_path / "out" / "tiny" / "manifest.json").is_file()


def test_run_prints_json(tiny: str, tmp_path: Path) -> None:
    result = call("run", tiny, "--out", tmp_path / "out", "--no-report", "--json", "--replications", 2, "--seed", 5)
    printed = json.loads(result.stdout)
    [done] = printed["runs"]
    assert (result.exit_code, printed["format"], done["report"]) == (0, 1, None)
    assert [(row["seed"], row["replication"]) for row in done["summary"]["rows"]] == [(5, 0), (5, 1)]
    assert (Path(done["folder"]) / "summary.json").is_file()


@pytest.mark.parametrize(
    ("bound", "replications", "status"),
    [('ttr99_s="< 5m"', 1, 0), ('ttr99_s="< 1s"', 1, 99), ('collapsed_share="< 5%"', 2, 4)],
)
def test_bounds_decide_the_exit_status(tiny: str, tmp_path: Path, bound: str, replications: int, status: int) -> None:
    options = "--out", tmp_path / "out", "--no-report", "--replications", replications, "--set", f"expect.{bound}"
    result = call("run", tiny, *options)
    assert result.exit_code == status
    assert f"expected {bound.partition('=')[0]} <" in result.stdout


def test_what_was_set_beside_the_file_stands_in_the_title(tiny: str, tmp_path: Path) -> None:
    first = call("run", tiny, "--out", tmp_path / "out", "--no-report").stdout.splitlines()[0]
    sets = ("--set", "host.workers=3", "--set", "horizon=21m", "--set", "hold=1m", "--set", "seed=4",
            "--set", "host.timeout=9s")  # fmt: skip
    result = call("run", tiny, "--out", tmp_path / "out", "--no-report", *sets)
    assert result.stdout.splitlines()[0] == f"{first}, with host.workers=3, horizon=21m, hold=1m and 1 more"
    goal = tmp_path / "out" / Path(tiny).stem
    held = f"{goal} holds the results of {tiny} as it stands; those of {tiny} with host.workers=3"
    assert held in result.stderr  # of the call before
    assert f"recovery compare {goal} {tmp_path / 'out' / 'other' / goal.name}" in result.stderr
    again = call("run", tiny, "--out", tmp_path / "out", "--no-report", *sets, "--replications", "2")
    assert "take their place" not in again.stderr  # more runs of the same


def test_a_key_lists_what_may_stand_there() -> None:
    """Every queue may order propagation's jobs; an axis whose keys take rules of another one names these."""
    said = call("policies", "propagation.queue").stdout
    assert all(f"\n  {name}\n" in said for name in ("fifo", "lifo", "codel", "fair-queue"))
    others = call("policies", "intake").stdout.splitlines()[-1]
    assert others.startswith("  At one of these keys may stand, too: ")
    assert {"aimd", "vegas", "pid", "fixed-concurrency"} <= set(others.rstrip(".").replace(",", "").split())


def test_mistakes_are_told_on_stderr_with_status_2(tiny: str) -> None:
    for command in ("run", "check", "explain"):
        result = call(command, tiny, "--set", "host.workers=0", "--set", "polcy.queue=lifo")
        assert (result.exit_code, result.stdout) == (2, "")
        first, second = result.stderr.splitlines()
        assert first.startswith(
            f"{tiny}: polcy is not a key (did you mean policy?); want one of answer, baseline, classes, clock, "
        )
        assert second == f"{tiny}: host.workers is 0; want a whole number from 1"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run"], "Missing argument"),
        (["rnu"], "Did you mean run?"),
        (["check", "no.toml"], "no.toml: cannot be read: No such file or directory"),
        (["check", "."], ".: cannot be read: Is a directory"),
        (["new", "--system", "nomda"], "(did you mean nomad?)"),
        (["new", "--system", "k8s"], "(did you mean kubernetes?)"),
        (["policies", "lif"], "lif is no policy and no axis (did you mean lifo?)"),
        (["policies", "retry"], "(did you mean client?)"),
        (["policies", "conflict"], "conflict is no policy but a key of the host, host.conflict:"),
        (["report", "nowhere"], "nowhere has no manifest.json; want the folder of a finished run"),
        (["run", "a/x.toml", "--threads", "0"], "0 is not in the range"),
        (["check", "INCIDENT", "--set", "fleet.holders=30k"], "want a whole number, written as 30_000"),
        (["check", "INCIDENT", "--set", "fleet.holders=30,000"], "want a whole number, written as 30_000"),
    ],
)
def test_usage_is_told_with_status_2(arguments: list[str], said: str) -> None:
    incident = str(TOP / "recovery" / "data" / "incidents" / "k8s-48610" / "k8s-48610.toml")
    result = call(*(incident if word == "INCIDENT" else word for word in arguments))
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


JSON_ERRORS = [
    (["check", "{tiny}", "--set", "host.workers=0"], 2, "{tiny}: host.workers is 0; want", "{tiny}", "host.workers"),
    (["check", "no.toml"], 2, "no.toml: cannot be read", "no.toml", None),
    (["rank", "nowhere"], 2, "nowhere holds no finished sweep", None, None),
    (["run"], 2, "Missing argument", None, None),
    (["rnu"], 2, "No such command 'rnu'. Did you mean run?", None, None),
    (["run", "{tiny}", "--threads", "0"], 2, "0 is not in the range", None, None),
    (["run", "{tiny}", "--out", "{tiny}/x"], 2, "want a folder that can be written", "{tiny}/x/tiny", None),
    (["blast", "a"], 2, "want FILE, an experiment", None, None),
]


@pytest.mark.parametrize(("arguments", "status", "said", "file", "key"), JSON_ERRORS)
def test_with_json_an_error_is_json(
    tiny: str, arguments: list[str], status: int, said: str, file: str | None, key: str | None
) -> None:
    """On stdout, in one form, with nothing on stderr for programs that take both together."""
    result = call(*(word.format(tiny=tiny) for word in arguments), "--json")
    assert (result.exit_code, result.stderr) == (status, "")
    table = json.loads(result.stdout)
    assert (table["format"], set(table)) == (1, {"format", "error"})
    assert set(table["error"]) == {"status", "message", "file", "key"}
    assert table["error"]["status"] == status
    assert said.format(tiny=tiny) in table["error"]["message"]
    assert (table["error"]["file"], table["error"]["key"]) == (file and file.format(tiny=tiny), key)


class Broken(Exception):
    """An error that no command expects."""


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (Broken("a\nb"), 1, r"this is a bug of recovery, please report .*Broken: a b at recovery/cli/commands/\S+"),
        (ValueError("of a library"), 1, r"this is a bug of recovery, .*ValueError: of a library"),
        (MemoryError(), 1, "no memory is left; want fewer --threads"),
        (OSError(28, "No space left on device", "x.json"), 1, r"x\.json: No space left on device$"),
        (KeyboardInterrupt(), 130, r"interrupted$"),
    ],
)
def test_the_guard_turns_every_error_into_a_line_and_a_status(
    monkeypatch: pytest.MonkeyPatch, error: BaseException, status: int, said: str
) -> None:
    """Oracle: the table of statuses. What is raised here, in a test, is not in our own words."""

    def broken(*arguments: object) -> None:
        raise error

    monkeypatch.setattr("recovery.store.sweep_record.read", broken)
    for option in ((), ("--json",)):
        result = call("rank", "a", *option)
        line = json.loads(result.stdout)["error"]["message"] if option else result.stderr.rstrip("\n")
        assert result.exit_code == status
        assert "\n" not in line
        assert re.match(said, line), line


@pytest.mark.parametrize(
    ("line", "status", "said"),
    [
        ("raise errors.Refusal('no; want yes')", 2, r"no; want yes$"),
        ("raise errors.ScenarioError('x.toml: no; want yes')", 2, r"x\.toml: no; want yes$"),
        (
            "raise ValueError('no stage\\nleases')",
            1,
            r"this is a bug .* report .*ValueError: no stage leases at ",
        ),
        ("int('x')", 1, "this is a bug"),
        ("[] = 1,", 1, "this is a bug"),
    ],
)
def test_only_a_refusal_is_a_word_to_the_user(line: str, status: int, said: str) -> None:
    """A ValueError that a bug raises under our code, in words or not, is told as a bug: one line, what to report."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        exec(compile(line, TOP / "recovery" / "somewhere.py", "exec"), {"errors": errors})
    told = ending(caught.value)
    assert told.status == status
    assert re.match(said, told.message), told.message
    assert "\n" not in told.message


def test_statuses_are_told_largest_last() -> None:
    """Where several apply the largest ends the command, so their order is their weight."""
    assert [status.value for status in sorted(Status)] == [0, 1, 2, 3, 4, 99, 130]
    assert all(status.meaning for status in Status)


def test_two_experiments_of_one_name_are_refused(tiny: str) -> None:
    result = call("run", tiny, tiny)
    assert result.exit_code == 2
    assert "two experiments have the same file name" in result.stderr


def test_a_folder_that_cannot_be_written_is_told_before_the_run(tiny: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    result = call("run", tiny, "--out", tmp_path / "file" / "out")
    assert result.exit_code == 2
    assert "Not a directory; want a folder that can be written" in result.stderr


def test_a_scenario_that_is_too_large_is_refused_with_the_estimate(tiny: str) -> None:
    for command in ("check", "run"):
        result = call(command, tiny, "--set", "fleet.holders=1000000000", "--set", "horizon=400h")
        assert (result.exit_code, result.stdout) == (2, "")
        assert "TB of memory (" in result.stderr
        assert "Want more hosts of fewer holders (fleet.hosts)" in result.stderr


def test_what_is_hardly_meant_is_noted_on_stderr(tiny: str) -> None:
    result = call("check", tiny, "--set", "recovers_from=3m")
    assert result.exit_code == 0
    assert result.stderr.splitlines() == [
        f"{tiny}: note: recovers_from is 3 min, before the last outage is over at 5 min (“as written”)"
    ]


def test_check(tiny: str) -> None:
    result = call("check", tiny, "--threads", 3)
    assert result.exit_code == 0
    assert "no mistake" in result.stdout
    printed = json.loads(call("check", tiny, "--json").stdout)
    assert (printed["format"], printed["runs"]) == (1, 1)
    assert printed["variants"][0]["memory_bytes"] > 0


def test_check_counts_no_more_threads_than_there_are_hosts_to_run() -> None:
    """Oracle: the processor time: on enough threads 8 hosts need an eighth of it, and one run of one host all of it."""

    def told(runs: int, hosts: int, threads: int) -> str:
        need = text.Need("as written", 1e6, 1e6, 80.0, 40.0, 160.0, hosts)
        return text.took("a.toml", runs, [need], threads, compile_s=0.0)[0].partition("about ")[2]

    assert told(1, 1, 16) == "80 s (between 40 s and 2.7 min) with one thread."
    assert told(1, 8, 16) == "10 s (between 5 s and 20 s) with 8 threads."
    assert told(2, 8, 16) == "10 s (between 5 s and 20 s) with 16 threads."


def test_explain(tiny: str) -> None:
    result = call("explain", tiny)
    assert result.exit_code == 0
    assert "\nr1 = " in result.stdout
    told = json.loads(call("explain", tiny, "--json").stdout)
    assert f"\nEngine: {told['engine']} (" in result.stdout
    # Each symbol is explained where it first stands, and no other.
    lines, known = result.stdout.splitlines(), set[str]()
    for row in told["rows"]:
        at = next(i for i, line in enumerate(lines) if line.startswith(f"{row['name']} = {row['formula']} = "))
        new = [one for one in re.findall(r"N_unleased|s_r|s_x|r3|\w", row["formula"]) if one not in known | {"r3"}]
        new = [one for one in dict.fromkeys(new) if not one.isdigit()]
        found = re.findall(r"(?:^    |; )(\w+): ", lines[at + 2])
        assert found == new
        known.update(new)
    assert set(told["symbols"]) == known
    names = {row["name"] for row in told["rows"]}
    assert {"r1", "r2", "r3", "r4", "r5", "fluid_bound_s"} <= names


QUICK = ("leases", "jobs", "kubernetes", "herd")  # the others' files are checked by test_presets.py in every run, too


@pytest.mark.parametrize(
    "system", [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in SYSTEMS]
)
def test_what_new_prints_can_be_checked_explained_and_run(system: str, tmp_path: Path) -> None:
    printed = call("new", "--system", system)
    assert (printed.exit_code, printed.stderr) == (0, "")
    jsonschema.validate(tomllib.loads(printed.stdout), json_schema())
    file = tmp_path / "mine.toml"
    written = call("new", "--system", system, "--out", file)
    assert (written.exit_code, written.stdout, file.read_text(encoding="utf-8")) == (0, "", printed.stdout)
    assert call("new", "--system", system, "--out", file).exit_code == 2  # never overwritten
    assert call("check", file).exit_code == 0
    assert call("explain", file).exit_code == 0
    small = (
        ["jobs.steps.0.rate=3/s", "jobs.steps.1.rate=15/s", "jobs.steps.2.rate=3/s", "host.workers=1"]
        if system == "jobs"
        else ["fleet.holders=60", "fleet.hosts=3", "horizon=8h"]
    )
    sets = [argument for change in small for argument in ("--set", change)]
    ran = call("run", file, "--no-report", "--out", tmp_path / "out", *sets)
    assert ran.exit_code == 0
    assert "saved" in ran.stdout


def test_report_is_drawn_again(tiny: str, tmp_path: Path) -> None:
    assert call("run", tiny, "--out", tmp_path, "--no-report").exit_code == 0
    result = call("report", tmp_path / "tiny")
    page = tmp_path / "tiny" / "report.html"
    assert (result.exit_code, result.stdout) == (0, f"{page}\n")
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_policies() -> None:
    everything = call("policies")
    assert "drop-expired" in everything.stdout
    assert "recovery policies NAME" in everything.stdout.splitlines()[0]
    assert "recovery policies NAME" not in call("policies", "drop-expired").stdout
    assert "lifo" not in call("policies", "drop-expired").stdout
    # r1 of the herd is 2.5, so a FIFO never serves anybody in time (docs: why a FIFO kills)
    assert 'with policy.queue = "fifo":\n      No lease comes back for good' in call("policies", "fifo").stdout
    rows = json.loads(call("policies", "lease", "--json").stdout)["policies"]
    assert [row["name"] for row in rows][:4] == ["fixed", "grace", "credit-on-arrival", "freeze"]


def test_schema_is_printed_and_written(tmp_path: Path) -> None:
    printed = call("schema")
    assert json.loads(printed.stdout)["title"] == "recovery experiment"
    assert call("schema", "--out", tmp_path / "s.json").stdout == ""
    assert (tmp_path / "s.json").read_text(encoding="utf-8") == printed.stdout


def test_doctor() -> None:
    result = call("doctor", "--json")
    findings = {finding["what"]: finding for finding in json.loads(result.stdout)["findings"]}
    assert findings["small run"]["ok"]
    assert findings["draws"]["ok"]
    assert result.exit_code == (0 if all(finding["ok"] for finding in findings.values()) else 1)


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGPIPE")
@pytest.mark.parametrize("command", ["policies", "schema"])
def test_a_reader_that_goes_away_is_no_error(command: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    process = start(command, stdout=writing)
    os.close(writing)
    _, talk = process.communicate(timeout=60)
    assert (process.returncode, talk) == (0, "")


def test_policies_tells_what_operators_may_do() -> None:
    result = call("policies", "operator")
    assert result.exit_code == 0
    for word in ("restart", "throttle", "pause", "down_for", "release", "lasts", "zone", "for ="):
        assert word in result.stdout
