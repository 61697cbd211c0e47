"""The DNS race in the report of an experiment that goes on after it: what is kept, and where the page tells it.

Oracles: the search and the rate as `recovery dns` gives them; the scenario's own outages; the order of the event.
"""

import dataclasses
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from kernel_cases import OVERFLOW
from test_later_told import SMALL, STONES, VARIANTS

from recovery.model.dns import GUARDRAILS
from recovery.reading.experiment import Experiment, load, parse
from recovery.show import report, report_race, tables
from recovery.simulate import pipeline
from recovery.stages import dns as stage
from recovery.store.race_record import Race
from recovery.store.run_record import with_groups
from recovery.store.service_record import Services
from recovery.study import execute, race, warm

pytestmark = pytest.mark.filterwarnings(OVERFLOW)

RACE = """
[dns]
keep = 1
enactors = 2
endpoints = 2
[dns.delays]
plan = "60s"
look = { dist = "exponential", mean = "10s" }
transaction = { dist = "exponential", mean = "20s" }
back_off = "5s"
clean_up = "1s"
[dns.window]
at = "5m"
detect = "4m"
repair = "6m"
negative_ttl = "1m"
[[notes]]
key = "dns.keep"
kind = "assumed"
why = "nobody said"
"""
WITH_RACE = SMALL.replace('dependency.outages = [{ from = "5m", to = "15m" }]\n', "") + RACE
SERVICES = """
[services.base]
impaired = [{ from = "5m", to = "15m" }]
[services.site]
needs = [{ on = "base", kind = "hard" }]
[[observed]]
label = "the record <is> empty"
service = "base"
what = "start"
at = "5m"
source = "made up"
[[observed]]
label = "the cause is known"
service = "base"
what = "action"
action = "cause found"
at = "9m"
source = "made up"
[[observed]]
label = "the site is down"
service = "site"
what = "start"
at = "6m"
source = "made up"
"""


@pytest.fixture(scope="module", autouse=True)
def _brief() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, much in (("YEARS", 0.05), ("TRIALS", 20), ("REPEATS", 2)):
            patch.setattr(race, name, much)
        yield


@pytest.fixture(scope="module")
def experiment(tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    folder = tmp_path_factory.mktemp("race")
    (folder / "who.toml").write_text(SERVICES)
    (folder / "small.toml").write_text(f'services = "who.toml"\n{WITH_RACE}{VARIANTS}{STONES}')
    return load(folder / "small.toml")


@pytest.fixture(scope="module")
def folder(experiment: Experiment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return execute.run(experiment, out=tmp_path_factory.mktemp("out"), threads=2, quiet=True).folder


@pytest.fixture(scope="module")
def page(folder: Path) -> str:
    return report.write(folder).read_text(encoding="utf-8")


def test_the_part_is_the_same_on_any_number_of_threads_and_another_with_another_seed(experiment: Experiment) -> None:
    found = race.part(experiment, 1)
    assert found == race.part(experiment, 3)
    head = experiment.head.model_copy(update={"seed": experiment.head.seed + 1})
    assert found != race.part(dataclasses.replace(experiment, head=head), 1)


def test_the_race_is_counted_before_the_runs_so_that_ctrl_c_there_loses_none(
    experiment: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    ran: list[object] = []

    def note(_: object, tasks: list[object]) -> Iterator[object]:
        ran.extend(tasks)
        return iter(())

    monkeypatch.setattr(warm, "for_runs", lambda *_: None)  # it runs small scenarios where kernels are not compiled
    monkeypatch.setattr(race, "part", interrupted)
    monkeypatch.setattr(pipeline.Runner, "run", note)
    with pytest.raises(KeyboardInterrupt):
        execute.run(experiment, out=tmp_path, threads=1, quiet=True)
    assert not ran


def test_the_part_has_what_the_race_alone_gives(experiment: Experiment) -> None:
    found = race.part(experiment, 2)
    assert found is not None
    dns = experiment.first.scenario.dns
    assert dns is not None
    brute = stage.by_brute_force(dns, years=race.YEARS / 8, seed=experiment.head.seed, replications=8)
    assert found.rows[0].empty == brute.empty > 0
    assert [row.guardrails for row in found.rows] == [(), *((name,) for name in GUARDRAILS)]
    assert found.possible[0].story == stage.explore(3, 2, 3, 1).story
    assert found.window is not None
    away = sum((b - a) * share for a, b, share in found.window.steps)
    assert away == pytest.approx(600 - 5 / 2 + 60 / 2)  # ten minutes, less the TTL, more the negative one
    safe = next(row for row in found.rows if row.guardrails == ("compare-and-set",))
    assert safe.per_year.mean == safe.empty == 0
    assert found.inputs == {key: value for key, value in experiment.raw["dns"].items() if key != "window"}
    assert Race.read(found.to_json()) == found


def test_without_a_race_nothing_is_kept_or_told(tmp_path: Path) -> None:
    assert race.part(parse(SMALL), 1) is None
    assert report_race.section(None, [], "", [], tmp_path) == ""
    assert not list(tmp_path.iterdir())


def test_the_page_tells_the_story_in_the_order_of_the_event(folder: Path, page: str) -> None:
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    order = (
        "stages-title",
        "milestones",
        "dns",
        "variants",
        "launches",
        "propagation",
        "health",
        "services",
        "run",
    )
    places = [page.index(f'id="{name}"') for name in order]
    assert places == sorted(places)
    section = page[places[2] : places[3]]
    for step in summary["race"]["possible"][0]["story"]:
        assert f"<li>{step}</li>" in section
    assert "compare-and-set" in section
    assert "impossible: none of" in section
    assert 'href="#note-1"' in section  # what is assumed is marked
    assert section.count('id="figure-dns"') == 1
    assert (folder / "figures" / "dns.svg").stat().st_size > 3_000
    stones = [(300.0, "the record <is> empty"), (540.0, "the cause is known")]  # of what the dependency is, no other
    assert report_race.stones(Services.model_validate(summary["services"])) == stones


def test_variants_with_the_same_leases_are_told_once(experiment: Experiment, folder: Path, page: str) -> None:
    other = experiment.variants[1].name
    manifest, summary, _ = report.read(folder)
    shown = tables.distinct(manifest, summary)
    same = all(
        summary.groups[0].measures[name] == summary.groups[1].measures[name]
        for name in ("ttr50_s", "ttr99_s", "queue_peak", "amplification")
    )
    assert same  # it differs by its throttle of launches alone
    leases = page[page.index('id="variants"') : page.index('id="launches"')]
    assert [group.variant for group in shown.groups] == ["as it is"]
    assert f"“as it is” stands here also for “{other}”" in leases
    assert other in page[page.index('id="launches"') :]
    # What they hold has the name that the file gives it.
    first = summary.groups[0]
    fleet = first.scenario.fleet.model_copy(update={"holds": "connections", "holds_one": "connection"})  # type: ignore[union-attr]
    named = first.model_copy(update={"scenario": first.scenario.model_copy(update={"fleet": fleet})})
    told = report.html(manifest, with_groups(summary, [named, *summary.groups[1:]]), ())
    assert re.search(r'id="variants-fold">\s*<summary><h2>Connections</h2>', told)
