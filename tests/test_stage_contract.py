"""The contract of stages: columns are bound to the kernels' own, and a stage or a measure is added as the docs say.

Oracle: the kernels' numbers of their columns; for what is added, the same quantity from columns of the stage before.
"""

import re
from pathlib import Path

import added_measure
import added_stage
import numpy as np
import pytest
from fingerprints import LATER
from recovery_kernels import health, launches, propagation, requests

from recovery.errors import ScenarioError
from recovery.measures import register
from recovery.model import policies, services
from recovery.model.health import Health
from recovery.model.launches import Launches
from recovery.model.propagation import Propagation
from recovery.reading.experiment import Experiment, parse
from recovery.simulate import chain, identity, pipeline
from recovery.simulate.outcome import Outcome
from recovery.stages import known, traffic
from recovery.stages import launches as launching
from recovery.study.keeping import series_table
from recovery.study.summary import summarise

TOP = Path(__file__).resolve().parent.parent
GIVING_UP = "launches.retries = 1\n"
KERNELS = {"launches": launches.SERIES, "propagation": propagation.SERIES, "health": health.SERIES}


def run(loaded: Experiment, stretch: int = chain.STRETCH) -> Outcome:
    with pipeline.Runner(1) as runner:
        return chain.follow(next(runner.run([(loaded.first, 1, 0)])), stretch)


def places(columns: object, *, by_zone: bool = False) -> list[int]:
    return sorted(one.place for one in columns if one.place is not None and one.by_zone == by_zone)  # type: ignore[attr-defined]


def test_each_column_of_a_kernel_has_one_name() -> None:
    assert places(traffic.COLUMNS) == list(range(requests.SERIES))
    for stage in known.LATER:
        assert places(stage.columns) == list(range(KERNELS[stage.name]))
    assert places(known.LATER[-1].columns, by_zone=True) == list(range(health.ZONE_SERIES))
    for kind in known.TRAFFIC:
        names = [one.name for stage in (kind, *known.LATER) for one in stage.columns]
        assert len(names) == len(set(names))


def test_the_stages_that_a_table_of_services_may_name_are_those_of_the_register() -> None:
    """The model may not see the register: the dependency is no stage, and errors are told by the health checks."""
    assert {"dependency", "errors", "leases"} | {stage.name for stage in known.LATER} == set(services.STAGES)


def test_the_rules_of_later_stages_are_told_in_one_list() -> None:
    """Oracle: the models, of which a key that takes a rule has one as its default."""
    models = {"launches": Launches, "propagation": Propagation, "health": Health}
    assert set(models) == {stage.name for stage in known.LATER}
    found = {
        (name, key): type(default)
        for name, model in models.items()
        for key, field in model.model_fields.items()
        if isinstance(default := field.get_default(call_default_factory=True), policies.Rule)
    }
    assert set(found) == set(policies.OF_STAGES)
    assert all(rule in policies.OF_STAGES[place] for place, rule in found.items())


def test_stages_in_another_order_do_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known, "LATER", known.LATER[::-1])
    with pytest.raises(ValueError, match=r"no \w+ before; want the stages in the order of known\.LATER"):
        run(parse(LATER))


def test_a_table_has_the_columns_that_its_stage_says() -> None:
    loaded = parse(LATER)
    outcome, zones = run(loaded), loaded.first.scenario.fleet.zones  # type: ignore[union-attr]
    said = [
        f"{one.name}_{zone}" if one.by_zone else one.name
        for stage in (known.traffic_of(loaded.first.scenario), *known.LATER)
        for one in stage.columns
        if not one.is_asked
        for zone in range(zones if one.by_zone else 1)
    ]
    assert set(outcome.columns()) == set(said)
    assert all(len(column) == len(outcome.times_s) for column in outcome.columns().values())


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stage of docs/adding.md, in the lists in which a stage stands."""
    monkeypatch.setattr(known, "LATER", (*known.LATER, added_stage.STAGE))
    monkeypatch.setattr(register, "TABLE", (*register.TABLE, *added_stage.MEASURES))


def loaded_with_calls(expect: str = 'calls_peak = "< 1000"', share: str = "25%") -> Experiment:
    overrides = ("launches.retries=1", f'calls.share="{share}"')
    return parse(f"expect = {{ {expect} }}\n{LATER}", overrides=overrides, model=added_stage.WithCalls)


@pytest.mark.usefixtures("calls")
def test_a_stage_that_is_added_runs_and_is_measured() -> None:
    loaded = loaded_with_calls()
    outcome = run(loaded)
    calls = outcome.columns()["calls"]
    gave_up = outcome.columns()["launches_gave_up"]
    assert gave_up.sum() > 0
    assert np.array_equal(calls, np.round(gave_up / 4))  # the share of the scenario, of the stage before
    assert np.array_equal(run(loaded, 7).columns()["calls"], calls)  # however it is cut
    row = outcome.measure()
    assert row["calls_peak"] == calls.max() > 0
    last = outcome.times_s[np.flatnonzero(calls)[-1]]
    assert row["calls_normal_s"] == last
    others = [
        float(row[name])
        for name in (one.name for one in register.normals().values())
        if name in row and name not in ("calls_normal_s", "all_normal_s")
    ]
    assert row["all_normal_s"] == max(*others, last)
    assert "calls" in series_table([outcome]).columns
    assert [one.holds for one in summarise(loaded, [outcome]).expect] == ["yes"]
    assert [one.name for one in register.shown("calls")] == ["calls_peak"]


@pytest.mark.usefixtures("calls")
def test_a_stage_that_is_added_is_part_of_the_key_and_of_what_may_be_asked() -> None:
    one, two = (identity.digest_of(loaded_with_calls(share=share).first, 1, 0) for share in ("25%", "50%"))
    assert one != two
    with pytest.raises(ScenarioError, match=r"expect\.call_peak is not a measure .did you mean calls_peak?"):
        loaded_with_calls('call_peak = "< 9"')
    with pytest.raises(ScenarioError, match=r"expect.calls_peak is calls_peak; want a table \[calls\], or one of"):
        parse('expect = { calls_peak = "< 9" }\n' + LATER, model=added_stage.WithCalls)


def test_without_the_stage_nothing_of_it_is_there() -> None:
    with pytest.raises(ScenarioError, match=r"expect\.calls_peak is not a measure"):
        parse('expect = { calls_peak = "< 9" }\n' + LATER)


def test_a_measure_that_is_added_is_in_rows_and_may_be_expected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(register, "TABLE", (*register.TABLE, added_measure.MEASURE))
    monkeypatch.setattr(launching, "LaunchTable", added_measure.LaunchTable)
    loaded = parse('expect = { launches_quiet_share = "< 100%" }\n' + LATER)
    outcome = run(loaded)
    asked = outcome.columns()["launches_asked"].tolist()
    assert outcome.measure()["launches_quiet_share"] == asked.count(0) / len(asked) < 1
    assert [one.holds for one in summarise(loaded, [outcome]).expect] == ["yes"]
    assert "launches_quiet_share" in [one.name for one in register.shown("launches")]


def test_the_docs_show_the_code_that_the_tests_run() -> None:
    told = re.findall(r"^```python\n(.*?)^```$", (TOP / "docs" / "adding.md").read_text(encoding="utf-8"), re.S | re.M)
    own = [(TOP / "tests" / name).read_text(encoding="utf-8") for name in ("added_measure.py", "added_stage.py")]
    assert told == own
