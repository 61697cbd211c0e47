"""The register of measures holds every measure that a row of results has, once, and what it says of each is true.

Oracle: rows of small runs of every kind of traffic and all later stages, and the values in them.
"""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import fingerprints
import pytest

from recovery import units
from recovery.measures import register
from recovery.measures.register import JOBS, LEASES, Measure
from recovery.model.scenario import Scenario
from recovery.stages import known

LATER = ("launches", "propagation", "health")
SAMPLED = "fleet.hosts = 12\nfleet.sample_hosts = 4"


def row(base: str, change: str = "") -> dict[str, Any]:
    return fingerprints.outcome_of(fingerprints.experiment_of(base, change)).measure()


@pytest.fixture(scope="module")
def rows() -> dict[tuple[str, ...], dict[str, Any]]:
    """A row of results for the stages that it is of."""
    return {
        (LEASES,): row(fingerprints.LEASES),
        (LEASES, "sampled"): row(fingerprints.LEASES, SAMPLED),
        (JOBS,): row(fingerprints.JOBS),
        (LEASES, *LATER): row(fingerprints.LATER),
    }


def stages_of(name: str) -> set[str]:
    return {one.stage for one in register.TABLE if one.name == name}


def test_every_measure_of_a_row_is_in_the_register(rows: Mapping[tuple[str, ...], dict[str, Any]]) -> None:
    for stages, own in rows.items():
        for name in own:
            assert stages_of(name) & {register.ALL, *stages}, name


def test_every_measure_of_the_register_is_in_the_rows_of_its_stages(
    rows: Mapping[tuple[str, ...], dict[str, Any]],
) -> None:
    of_a_sample = [one.name for one in register.TABLE if any(end in one.name for end in ("_low_", "_high_", "_no_"))]
    for stages, own in rows.items():
        for one in register.TABLE:
            if one.name == "collapsed_share" or (one.name in of_a_sample and "sampled" not in stages):
                continue  # the one is of several runs
            if one.of_rules or one.of_renewals:
                continue  # tests/test_session_files.py, tests/test_for_good.py
            is_there = one.stage in stages or (one.stage == register.ALL and one.needs in ("", *stages))
            assert not is_there or one.name in own, one.name


def test_values_are_of_the_kind_that_the_register_says(rows: Mapping[tuple[str, ...], dict[str, Any]]) -> None:
    for own in rows.values():
        for name, value in own.items():
            found = register.find(name)
            assert found is not None
            if found.kind in ("text", "flag"):
                assert type(value) is {"text": str, "flag": bool}[found.kind]
            elif found.kind == "count":
                assert type(value) is int
                assert value >= 0
            elif not math.isnan(value):
                low, high = found.limits if name != "drift_per_s" else (-math.inf, math.inf)
                assert low <= value <= high, name


def test_a_name_is_told_once_in_each_traffic() -> None:
    for traffic in (LEASES, JOBS):
        own = [one.name for one in register.TABLE if one.stage not in register.TRAFFIC or one.stage in ("all", traffic)]
        assert len(own) == len(set(own))
    for one in register.TABLE:  # what is asked for by name alone is the same in each
        same = [other for other in register.TABLE if other.name == one.name]
        for field in ("kind", "is_expected", "is_recovery", "is_onset", "is_harm"):
            assert len({getattr(other, field) for other in same}) == 1, one.name


def test_a_name_ends_in_its_unit() -> None:
    for one in register.TABLE:
        assert units.is_time(one.name) == (one.form == "time")
        assert (one.form == "share") == (one.unit == "share")
    words: dict[str, Any] = {"stage": LEASES, "title": "", "meaning": ""}
    with pytest.raises(ValueError, match="spares_s has the unit 's' by its name; want '' for a count"):
        Measure(name="spares_s", kind="count", **words)
    with pytest.raises(ValueError, match="spares has the unit '' by its name; want 's' for a milestone"):
        Measure(name="spares", kind="milestone", **words)


def test_what_is_told_of_a_measure_fits_together() -> None:
    for one in register.TABLE:
        assert one.title
        assert one.meaning
        assert not one.is_onset or one.is_milestone
        assert not one.is_recovery or one.form == "time"
        assert one.is_harm == bool(one.axis)
        if one.before:  # is known of a sample, and asked for in the same places
            before = register.find(one.before)
            assert before is not None
            assert not before.before
            assert (before.kind, before.stage) == (one.kind, one.stage)


def test_a_stage_has_one_word() -> None:
    """That of its table in a scenario: the title of its milestone, which pages call it by, begins with it."""
    normals = register.normals()
    assert list(normals) == ["leases", *(stage.name for stage in known.LATER), register.ALL]
    assert [stage for stage, one in normals.items() if stage != register.ALL and not one.title.startswith(stage)] == []
    assert {stage.name for stage in known.LATER} < set(Scenario.model_fields)


def test_questions_have_their_answers() -> None:
    needs = {name: one.needs for name in ("reach_p50_s", "all_normal_s", "ttr99_s") if (one := register.find(name))}
    assert needs == {"reach_p50_s": "propagation", "all_normal_s": "launches", "ttr99_s": ""}
    assert register.find("nothing") is None
    jobs, leases = (register.find("ttr99_s", traffic) for traffic in (JOBS, LEASES))
    assert jobs is not None
    assert leases is not None
    assert dataclasses.replace(jobs, stage=LEASES, title=leases.title, meaning=leases.meaning) == leases
    assert register.harms(JOBS) == tuple(name for name in register.harms(LEASES) if not register.is_of_leases(name))
    assert {one.name for one in register.normals().values()} < set(register.recoveries())
    assert set(register.milestones("health")) < set(register.milestones())
