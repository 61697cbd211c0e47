"""The systems that `recovery new` knows: each runs as it is made, names its source, and marks what is assumed.

Oracles: what the files and the questions say of themselves; the arithmetic of a herd that one host has to serve.
"""

import re
import sys
import tomllib
from pathlib import Path

import pytest

from recovery.model.oddities import oddities
from recovery.reading import preset
from recovery.reading.experiment import Experiment, parse
from recovery.simulate.pipeline import Runner
from recovery.stages.stage import Row

TOP = Path(__file__).resolve().parent.parent
sys.path.append(str(TOP / "docs"))
SOURCED = (
    "consul", "etcd", "zookeeper", "kafka", "hdfs", "eureka", "vault", "websocket", "mqtt", "sip", "mobile-core",
)  # fmt: skip


def measured(experiment: Experiment) -> list[Row]:
    """What is measured of each variant."""
    runs = [(variant, experiment.head.seed, 0) for variant in experiment.variants]
    with Runner(2) as runner:
        return [one.measure() for one in runner.run(runs)]


@pytest.mark.parametrize("system", SOURCED)
def test_a_system_names_its_source_and_marks_what_only_its_user_knows(system: str) -> None:
    text = preset.text_of(system)
    assert re.search(r"(?m)^# Source: .*\b(com|org|RFC|3GPP|io)\b", text)
    experiment = parse(text)
    assumed = {note.key for note in experiment.head.notes if note.kind == "assumed"}
    asked = {question.key for question in preset.questions(system)} - {"dependency.outages"}
    assert asked <= assumed
    assert {"fleet.holders", "host.establish_time"} <= asked
    assert [note for variant in experiment.variants for note in oddities(variant.scenario)] == []


SAID = {"fleet.called", "fleet.holds", "fleet.loss", "fleet.overdue", "jobs.arrivals"}
"""Keys of words, and of what the question says already."""
NOTHING = {"policy.admission": "open", "policy.lease": "fixed", "fleet.zones": 3, "fleet.hosts": 1}
"""Values that say that there is none of it, or no more than one leader; zones alone change nothing."""


@pytest.mark.parametrize("system", preset._ASKED)
@pytest.mark.parametrize("is_answered", [False, True])
def test_whatever_a_preset_made_up_is_assumed_or_a_documented_default(system: str, is_answered: bool) -> None:
    """Oracle: the keys of the file's tables, none of which comes from nowhere."""
    asked = preset.questions(system)
    given = {question.key for question in asked} if is_answered else set()
    answers = {one.option: preset.value(one, preset.default(preset.text_of(system), one)) for one in asked}
    table = tomllib.loads(preset.answered(system, answers) if is_answered else preset.text_of(system))
    notes = {note["key"]: note for note in table["notes"]}
    for part in ("fleet", "host", "lease", "jobs", "dependency", "policy"):
        for name, value in table.get(part, {}).items():
            key = f"{part}.{name}"
            is_plain = key in SAID or NOTHING.get(key) == value
            assert is_plain or key in given or key in notes or part in notes, key
    assert "operator" in notes or "operator" not in table
    assert given.isdisjoint(notes)
    assert all(len(note["why"]) > 20 for note in notes.values() if note["kind"] == "default")


@pytest.mark.parametrize("system", SOURCED)
def test_a_small_one_runs_and_the_small_herd_is_served(system: str) -> None:
    """A fiftieth of the clients on the same servers: what takes seconds for all of them is over at once."""
    shipped = parse(preset.text_of(system)).first.scenario
    assert shipped.fleet is not None
    small = parse(preset.answered(system, {"nodes": max(shipped.fleet.holders // 50, 10)}))
    assert measured(small)[0]["verdict"] == "recovered"


@pytest.mark.slow
@pytest.mark.parametrize("system", SOURCED)
def test_each_runs_as_it_is_made(system: str) -> None:
    """All variants end with a verdict; none is sooner back than the hosts can work off the herd."""
    for row in measured(parse(preset.text_of(system))):
        assert row["verdict"] in ("recovered", "recovering", "collapsed")
        assert float(row["ttr99_s"]) >= float(row["fluid_bound_s"]) - 60 or float(row["leased_min_share"]) >= 0.99


def test_the_page_of_systems_has_a_row_and_a_section_for_each() -> None:
    from generate import presets

    page = presets.page()
    for system in SOURCED:
        assert f"| `{system}` | {parse(preset.text_of(system)).head.title} |" in page
        assert f"\n## {system}\n" in page
