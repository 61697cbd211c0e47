"""`recovery new`: a scenario to start from, with what only its user knows.

Oracles: the scenario that is read back, and the rule that no script is ever asked.
"""

import os
import pty
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from recovery.cli import main as cli
from recovery.cli.commands import start
from recovery.reading import preset
from recovery.reading.experiment import changed, parse
from recovery.units import duration_s

TOP = Path(__file__).resolve().parent.parent


def call(*words: object, typed: str = "") -> Result:
    return CliRunner().invoke(cli.main, [str(word) for word in words], input=typed)


def test_the_systems_are_those_of_the_presets() -> None:
    assert start.SYSTEMS == preset.SYSTEMS
    assert {f"{name}.toml" for name in preset.SYSTEMS} == {
        path.name for path in (TOP / "recovery" / "data" / "presets").iterdir()
    }


@pytest.mark.parametrize("system", preset.SYSTEMS)
def test_without_an_answer_the_preset_is_printed_as_it_is(system: str) -> None:
    assert call("new", "--system", system).stdout == start.SCHEMA_HINT + preset.text_of(system)


def test_the_first_line_names_the_schema_where_there_is_one_and_else_the_command_that_writes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Oracle: the folder, which has the file that the line names."""
    monkeypatch.chdir(tmp_path)

    def named(text: str) -> list[str]:
        return re.findall(r"^#:schema (\S+)$", text, re.MULTILINE)

    first = call("new").stdout
    assert not named(first)
    [command] = re.findall(r"recovery (schema --out \S+),", first.splitlines()[0])
    assert call(*command.split()).exit_code == 0
    [file] = named(call("new").stdout)
    assert Path(file).is_file()
    parse(call("new").stdout)
    Path("below").mkdir()
    assert call("new", "--out", "below/mine.toml").exit_code == 0
    assert not named(Path("below/mine.toml").read_text())


@pytest.mark.parametrize("system", preset.SYSTEMS)
def test_every_option_reaches_the_scenario_and_is_no_longer_assumed(system: str) -> None:
    words = {"count": "7_000", "duration": "37ms", "rate": "412/s", "choice": "hang"}
    own = {"outage": "21m", "timeout": "17s", "servers": "5", "workers": "13", "peak": "933/s"}
    answers = {one.option: own.get(one.option, words[one.kind]) for one in preset.questions(system)}
    options = [word for name, answer in answers.items() for word in (f"--{name}", answer)]
    result = call("new", "--system", system, *options)
    assert result.exit_code == 0, result.output
    assert not result.stderr
    for question in preset.questions(system):
        wanted = answers[question.option].replace("_", "")
        assert preset.default(result.stdout, question) == wanted, question
    table = tomllib.loads(result.stdout)
    noted = {note["key"] for note in table.get("notes", [])}
    assert not noted & {question.key for question in preset.questions(system)}
    parse(result.stdout)


FOLLOWS = {
    ("kubernetes", "outage"): {
        "horizon",
        "variants.without the rule, tolerations that outlast the outage.lease.duration",
    },
    ("aba", "outage"): {"horizon", "variants.half of the requests fail.dependency.outages.0.to"},
    ("leases", "servers"): {"fleet.zones"},
    ("kubernetes", "requests"): {
        "variants.requests fail.host.fail_after",
        "variants.queue bounded.policy.queue.name",
        "variants.queue bounded.policy.queue.limit",
        *(f"variants.requests hang until it is back{more}.host.fail_after" for more in ("", ", queue bounded")),
        *(f"variants.requests hang until it is back, queue bounded.policy.queue.{key}" for key in ("name", "limit")),
    },
    ("nomad", "nodes"): {"lease.duration.min", "lease.duration.max", "lease.check_every", "horizon"},
    ("hdfs", "nodes"): {"variants.no limit.host.workers"},
    ("hdfs", "make"): {"variants.no limit.host.establish_time.mean"},
    ("websocket", "servers"): {"variants.one gateway after the other.operator.0.waves", "horizon"},
    ("eureka", "servers"): {"variants.servers one after the other.operator.0.waves", "horizon"},
}
"""What may change beside the key of an option."""


def leaves(value: object, path: str = "") -> dict[str, object]:
    """Every value of a table by its key with dots."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if items is None:
        return {path: value}
    return {key: leaf for name, item in items for key, leaf in leaves(item, f"{path}.{name}".lstrip(".")).items()}


@pytest.mark.parametrize("system", preset.SYSTEMS)
def test_an_option_changes_its_key_and_what_follows_and_never_a_value_that_a_variant_names(system: str) -> None:
    """Oracle: the table above, what the first lines tell, and the names of the variants, which hold what they state."""
    plain = tomllib.loads(preset.text_of(system))
    for one in preset.questions(system):
        keys = [f"jobs.steps.{i}.rate" for i in (0, 1, 2)] if one.kind == "rate" else [one.key]
        keys = ["dependency.outages.0.to"] if one.option == "outage" else keys
        for answer in {
            "count": ("2", "7001"),
            "duration": ("7s", "3h"),
            "rate": ("299/s", "1501/s"),
            "choice": ("fail", "hang"),
        }[one.kind]:
            if one.kind == "rate" and (one.option == "peak") != (answer == "1501/s"):
                continue
            text = preset.answered(system, {one.option: preset.value(one, answer)})
            table = tomllib.loads(text)
            notes = table.pop("notes", []), plain.get("notes", [])
            before, after = leaves({key: item for key, item in plain.items() if key != "notes"}), leaves(table)
            changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
            followed = changed - {key for key in changed for wanted in keys if key in (wanted, f"{wanted}.mean")}
            late = {"horizon"} if one.option == "outage" or system == "kubernetes" else set()
            assert followed <= FOLLOWS.get((system, one.option), set()) | late, (one.option, answer)
            told = re.search("(?m)^# Follows from .*", text)
            assert one.kind == "choice" or len(followed) == (told[0].count(" = ") if told else 0)
            for name, variant in table.get("variants", {}).items():
                if re.search(r"\d", name):
                    assert variant == plain["variants"][name]
            lost = [note["key"] for note in notes[1] if note not in notes[0]]
            assert lost in ([], [one.key])


@pytest.mark.parametrize(("system", "servers"), [("websocket", 6), ("eureka", 40), ("websocket", 1)])
def test_hosts_that_restart_one_after_the_other_still_do_and_before_the_horizon(system: str, servers: int) -> None:
    experiment = parse(preset.answered(system, {"servers": servers}))
    [in_turn] = [one.scenario for one in experiment.variants if "after the other" in one.name]
    [step] = in_turn.operator
    assert (step.waves, in_turn.hosts) == (servers, servers)  # type: ignore[union-attr]
    assert step.at + servers * step.every < in_turn.horizon  # type: ignore[union-attr]
    assert "fleet" in {note.key for note in experiment.head.notes} or system != "websocket"


@pytest.mark.parametrize(
    ("outage", "to", "horizon"),
    [("4h", "250m", "7h30m"), ("50m", "1h", "4h20m"), ("90s", "690s", "4h"), ("100ms", "600.1s", "4h")],
)
def test_times_are_written_as_a_person_would(outage: str, to: str, horizon: str) -> None:
    """The outage of the leases begins after 10 min and takes 30; the horizon is 4 h."""
    table = tomllib.loads(preset.answered("leases", {"outage": outage}))
    assert table["dependency"]["outages"][0]["to"] == to
    assert duration_s(table["horizon"]) == duration_s(horizon)
    assert tomllib.loads(preset.answered("kubernetes", {"workers": 200}))["horizon"] == "30m"


@pytest.mark.parametrize("system", ["leases", "jobs", "herd"])
def test_help_says_which_options_fit_a_system(system: str) -> None:
    """Oracle: the options that the system takes."""
    own = call("new", "--system", system, "--help").stdout.partition(f"Options that fit {system}:")[2]
    wanted = [f"--{one.option}" for one in preset.questions(system)]
    assert re.findall(r"--\w+", own) == wanted
    of_all = call("new", "--help").stdout.partition("Options that fit each system")[2]
    row = re.search(rf"^  {system} ((?:.|\n {{4}})*)", of_all, re.MULTILINE)
    assert row is not None
    assert re.findall(r"--\w+", row[1]) == wanted


def test_what_is_not_given_is_marked_as_assumed() -> None:
    result = call("new", "--system", "kubernetes", "--nodes", "5000")
    scenario = parse(result.stdout)
    assert scenario.first.scenario.fleet is not None
    assert scenario.first.scenario.fleet.holders == 5000
    noted = {note.key: note.kind for note in scenario.head.notes}
    wanted = {question.key for question in preset.questions("kubernetes")} - {"fleet.holders"}
    assert wanted <= set(noted)
    assert "fleet.holders" not in noted
    assert {noted[key] for key in wanted} == {"assumed"}
    assert noted["policy.client"] == "default"
    assert re.search(r"(?m)^holders = 5000 .*given", result.stdout)
    assert re.search(r"(?m)^hosts = 3 .*yours", result.stdout)
    assert "# Given: nodes 5000.\n" in result.stdout


def test_a_mean_that_is_given_leaves_its_spread_assumed() -> None:
    """A preset's times have a form, and some a cv, that nobody gave; where no time has a spread none is noted."""
    for system in preset.SYSTEMS:
        asked = {question.option for question in preset.questions(system)}
        if "make" not in asked:
            continue
        scenario = parse(call("new", "--system", system, "--make", "20ms").stdout)
        notes = {note.key for note in scenario.head.notes if note.key.startswith("host.establish_time")}
        host = scenario.raw["host"]["establish_time"]
        spread = "cv" if "cv" in host else "dist"
        assert notes == ({f"host.establish_time.{spread}"} if isinstance(host, dict) else set()), system


def test_what_is_set_beside_a_file_is_no_longer_noted() -> None:
    """A note is on the value of the file: not on one that is set in its place, but on what is left of a table."""
    text = preset.text_of("leases")

    def noted(*overrides: str) -> set[str]:
        return {note.key for note in parse(text, overrides=overrides).head.notes}

    lost = noted() - noted("host.timeout=50s", "fleet={ holders = 100, hosts = 2 }", 'host.establish_time.mean="9ms"')
    assert lost == {"host.timeout", "fleet.holders", "fleet.hosts"}


def test_a_table_that_is_set_part_by_part_is_as_little_assumed_as_one_that_is_set_at_once() -> None:
    """What was assumed of a rule or a time is no longer the file's once each of its parts is set."""

    def noted(*overrides: str) -> set[str]:
        experiment = parse(preset.text_of("mobile-core"), overrides=overrides)
        return {note.key for note in experiment.head.notes}

    parts = ("policy.queue.name=bounded", "policy.queue.limit=1s")
    assert noted(*parts) == noted('policy.queue={name="bounded",limit="1s"}') == noted() - {"policy.queue"}
    waits = [f"policy.client.{one}" for one in ("name=exponential", "base=10s", "factor=3", "cap=60s")]
    assert noted(*waits) == noted() - {"policy.client"}
    assert noted(*waits[1:]) == noted()  # its name is still the file's
    changed_later = changed(parse(preset.text_of("mobile-core"), overrides=tuple(waits[:2])), waits[2:])
    assert "policy.client" not in {note.key for note in changed_later.head.notes}


def test_a_preset_is_not_called_by_what_an_option_or_set_may_change() -> None:
    """A row that is called "no limit" would say so though --set gives it one."""
    for system in preset.SYSTEMS:
        label = parse(preset.text_of(system)).head.label
        assert re.fullmatch("as .*|defaults|documented timers", label), system


def test_the_horizon_grows_with_the_outage() -> None:
    scenario = parse(call("new", "--system", "kubernetes", "--outage", "3h").stdout).first.scenario
    [outage] = scenario.dependency.outages
    assert outage.end - outage.start == 3 * 3600
    shipped = parse(preset.text_of("kubernetes")).first.scenario
    assert scenario.horizon - outage.end == shipped.horizon - shipped.dependency.outages[0].end


def test_the_horizon_is_long_enough_to_work_off_what_hung() -> None:
    """Of 15,000 nodes each asks every 10 s and half of 7 s, 1,111 a second, for 20 min; three servers of 40 workers and
    50 ms do 2,400 a second, so 1,289 are left for the 1.33 million that hang: 1,034 s, and 5 min that it must hold.
    More nodes than servers can bear need no longer horizon.
    """
    few, some, many = (
        parse(call("new", "--system", "kubernetes", "--outage", "20m", "--make", "50ms", "--nodes", nodes).stdout)
        for nodes in ("1000", "15000", "90000")
    )
    after_s = [one.first.scenario.horizon - one.first.scenario.dependency.outages[0].end for one in (few, some, many)]
    assert after_s[0] == after_s[2]
    assert 1034 + 300 <= after_s[1] <= 1.1 * 1034 + 300 + 60


def test_questions_are_asked_a_line_each_and_again_where_an_answer_is_none() -> None:
    asked = preset.questions("kubernetes")
    typed = "many\n4321\n" + "\n" * (len(asked) - 1)
    result = call("new", "--system", "kubernetes", "--ask", typed=typed)
    assert result.exit_code == 0, result.output
    assert result.stderr.count("?") == len(asked) + 1
    assert "How many nodes? [10000]: " in result.stderr
    assert "want a whole number from 1 to 999999999, such as 5000" in result.stderr
    assert parse(result.stdout).first.scenario.fleet.holders == 4321  # type: ignore[union-attr]


def test_what_was_given_is_not_asked() -> None:
    asked = len(preset.questions("nomad"))
    result = call("new", "--system", "nomad", "--nodes", "900", "--ask", typed="\n" * (asked - 1))
    assert result.exit_code == 0, result.output
    assert "clients" not in result.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["--peak", "3/s"],
            "leases has; want --nodes, --servers, --workers, --make, --renew, --outage, --requests, --timeout, or a ",
        ),
        (
            ["--system", "us-east-1", "--nodes", "3"],
            "--nodes is nothing that us-east-1 has; want no such option, or a system",
        ),
        (["--nodes", "0"], "--nodes is 0; want a whole number from 1"),
        (["--nodes", "1000000000"], "--nodes is 1000000000; want a whole number from 1 to 999999999"),
        (["--make", "30"], '--make is 30; want a duration with its unit, "30s" (seconds) or "30ms" (milliseconds)'),
        (["--system", "jobs", "--rate", "2000/s"], "--peak is 1500/s; want more than --rate, 2000/s"),
        (["--system", "jobs", "--rate", "x"], '--rate is x; want a rate such as "200/s"'),
        (["--nodes", "3", "--servers", "5"], "--system leases: fleet.hosts is 5; want no more than fleet.holders, 3"),
    ],
)
def test_what_cannot_be_is_told(words: list[str], said: str) -> None:
    result = call("new", *words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


@pytest.mark.parametrize(("servers", "zones"), [(1, 1), (2, 2), (3, 3), (40, 3)])
def test_a_fleet_has_no_more_zones_than_servers(servers: int, zones: int) -> None:
    """Oracle: the shipped preset has three."""
    result = call("new", "--nodes", "3000", "--servers", str(servers))
    fleet = parse(result.stdout).first.scenario.fleet
    assert fleet is not None
    assert (fleet.hosts, fleet.zones) == (servers, zones)


def test_on_a_terminal_it_asks_and_the_scenario_goes_where_it_was_sent(tmp_path: Path) -> None:
    """A real pseudo-terminal for what is typed and said, a file for what is printed."""
    outer, inner = pty.openpty()
    with (tmp_path / "mine.toml").open("w") as printed:
        process = subprocess.Popen(
            [sys.executable, "-m", "recovery", "new", "--system", "nomad"], stdin=inner, stderr=inner, stdout=printed,
            env={**os.environ, "PYTHONPATH": str(TOP)}, start_new_session=True,
        )  # fmt: skip
        os.write(outer, b"777\n" + b"\n" * 10)
        assert process.wait(timeout=120) == 0
    os.close(inner)
    said = os.read(outer, 10_000).decode()
    os.close(outer)
    assert "How many clients? [7500]" in said
    assert parse((tmp_path / "mine.toml").read_text()).first.scenario.fleet.holders == 777  # type: ignore[union-attr]
