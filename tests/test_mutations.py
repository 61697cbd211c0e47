"""Twenty thousand files with something wrong, and runs of those that are taken.

Oracle: the contract. A file is parsed, or refused with file, key and what is wanted; never another exception, never a
warning, never long. What a run of it gives is possible: shares from 0 to 1, times up to the horizon or never, depths in
order, requests and work conserved, intervals that hold their mean.
"""

import math
import random
import re
import time
import warnings
from collections import Counter
from collections.abc import Mapping
from typing import Any

import jsonschema
import pytest
from mutations import Mutator, Source, sources, toml_of

from recovery.errors import CONTROL, LINE_MAX, ScenarioError
from recovery.model.oddities import oddities
from recovery.model.race import RaceAlone
from recovery.reading import service_table
from recovery.reading.experiment import parse
from recovery.reading.schema import json_schema
from recovery.simulate import chain
from recovery.simulate.explain import explanation
from recovery.simulate.pipeline import Outcome, Runner
from recovery.store.run_record import Summary
from recovery.study import services
from recovery.study.summary import summarise

FILES = sources()
MUTATOR = Mutator(FILES)
VALIDATOR = jsonschema.Draft202012Validator(json_schema())
NOT_OURS = re.compile(r"Input should|validation error|Value error|unable to|type=|<class|Traceback|digits for integer")
REPLICATIONS = 3
# Nobody was served, or what waits is gone already or never: there is no such number.
NOT_ALWAYS_TOLD = ("_low_s", "_high_s", "_again_s", "_last_s")  # of runs that tell an interval, or lost leases again
NOT_ALWAYS_MEASURED = ("sojourn", "latency", "reach", "empty_at", "drift")
# Bounds and predictions, which no run has to meet, and upper ends of a histogram's bins.
BEYOND_THE_HORIZON = ("fluid", "sojourn", "latency_p", "reach", "oldest", "empty_at")
LIMIT_S, VARIANT_S = 2.0, 0.02  # for a file, and for each variant that it compares: POINTS_MAX of them are allowed


def parsed(text: str, source: Source, overrides: tuple[str, ...] = ()) -> Any:
    """What a file says. Raises ScenarioError."""
    if source.is_services:
        return service_table.parse(text, "m.toml")
    model = RaceAlone if "how_often" in source.raw else None
    return parse(text, file="m.toml", folder=source.folder, overrides=overrides, model=model)


def answer(seed: int) -> str:
    """What becomes of one mutant: "taken" or "refused". Fails, with the text, if it is anything else."""
    text, source = MUTATOR.text(seed)
    rng = random.Random(f"set {seed}")
    overrides: tuple[str, ...] = ()
    if not source.is_services and rng.random() < 0.05:
        _, place = rng.choice(MUTATOR.spots)
        overrides = (
            f"{'.'.join(map(str, place))}={toml_of({'v': rng.choice(MUTATOR.named[str(place[-1])])})[4:].strip()}",
        )
    begun, variants, said = time.thread_time(), 1, "taken"
    where = f"seed {seed}, of {source.name}, {overrides}:\n{text[:5000]}"
    try:
        found = parsed(text, source, overrides)
        variants = 1 if source.is_services else len(found.variants)
        if not source.is_services and "how_often" not in source.raw:
            list(oddities(found.first.scenario))
            explanation(found.first.scenario)
    except ScenarioError as error:
        said = "refused"
        for line in str(error).splitlines():
            assert line.startswith(("m.toml: ", "--set ")), where
            assert "want" in line or "is no TOML" in line or line.endswith((" more", "of that kind")), (line, where)
            assert not NOT_OURS.search(line), (line, where)
            assert not CONTROL.search(line), (line, where)
            assert len(line) <= LINE_MAX + 100, where
    except Exception as error:
        raise AssertionError(f"{type(error).__name__}: {error}\n{where}") from error
    took_s = time.thread_time() - begun
    assert took_s < LIMIT_S + VARIANT_S * variants or "sweep" in text, (took_s, where)
    return said


def check_answers(first: int, count: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = Counter(answer(seed) for seed in range(first, first + count))
    assert found["taken"] > 0.05 * count  # or it looks at one side of the door only
    assert found["refused"] > 0.3 * count


def test_three_hundred_mutants_end_in_a_clean_answer() -> None:
    check_answers(0, 300)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(8))
def test_twenty_thousand_mutants_end_in_a_clean_answer(part: int) -> None:
    check_answers(1_000 + part * 2_500, 2_500)


# The schema

INFINITE_TOO = ("amplification", "efficiency", "response_peak")  # over nothing: where none succeeds, or none leaves
IN_WORDS_OF_A_SCHEMA = re.compile(
    r" is not a key|want true or false|want a text in quotes|want a list|want a table(?! \[)"
)


PART_OF_A_POLICY = re.compile(r"variants\..*\.policy\.\w+\.\w+ is not a key of ")


def check_schema(first: int, count: int) -> None:
    """The parser and the schema on the same mutants. A lever may put right what stands in the file, so none here."""
    known = [one for one in FILES if not one.is_services and "how_often" not in one.raw]
    both = Counter[tuple[bool, bool]]()
    for seed in range(first, first + count):
        source = random.Random(f"schema {seed}").choice(known)
        raw = MUTATOR.table(seed, source)
        raw.pop("sweep", None)
        said = ""
        try:
            parsed(toml_of(raw), source)
        except ScenarioError as error:
            said = str(error)
        if "levels deep" in said or "thousands of digits" in said or "is no TOML" in said:
            continue  # nor does the validator like these
        if PART_OF_A_POLICY.search(said):
            continue  # of a variant: the policy's name stands in the file, and the schema does not look there
        is_valid = VALIDATOR.is_valid(raw)
        both[not said, is_valid] += 1
        assert is_valid or said, (seed, source.name, toml_of(raw))
        assert not is_valid or not IN_WORDS_OF_A_SCHEMA.search(said), (seed, said)
    assert both[True, True] > 0.05 * count
    assert both[False, False] > 0.3 * count


def test_the_schema_agrees_with_the_parser_on_mutants() -> None:
    check_schema(0, 100)


@pytest.mark.slow
def test_the_schema_agrees_with_the_parser_on_thousands_of_mutants() -> None:
    check_schema(1_000, 3_000)


# Runs


def shrunk(raw: dict[str, Any]) -> dict[str, Any]:
    """The same, small: few clients, slow to come back, so that a run takes no second however it ends."""

    def put(table: str, key: str, most: int) -> None:
        part = raw.get(table)
        if isinstance(part, dict) and isinstance(part.get(key), int) and not isinstance(part[key], bool):
            part[key] = min(part[key], most)

    raw = {key: value for key, value in raw.items() if key not in ("sweep", "services", "expect", "replications")}
    for table, key, most in (
        ("fleet", "holders", 150), ("fleet", "hosts", 6), ("jobs", "hosts", 2), ("jobs", "retries", 5),
        ("health", "targets", 100), ("fleet", "sample_hosts", 4), ("propagation", "shards", 20),
    ):  # fmt: skip
        put(table, key, most)
    fleet, host, launches = raw.get("fleet"), raw.get("host"), raw.get("launches")
    if isinstance(fleet, dict) and fleet.get("zones") == 3 and "sample_hosts" in fleet:
        fleet["sample_hosts"] = 6
    if isinstance(host, dict):
        host["round_trip"] = "2s"
    if isinstance(launches, dict):
        launches["demand"] = "0.2/s"
        launches["changes"] = "0.1/s"
    return raw


def is_small(one: Any) -> bool:
    """Whether a run is short, counted at its worst: every client at every round trip, and every window."""
    if one.windows > 20_000 or one.horizon > 2 * 86_400:
        return False
    trips = one.horizon / one.host.round_trip
    if one.jobs is not None:
        ends = [*(step.at for step in one.jobs.steps[1:]), one.horizon]
        jobs = sum(
            s.rate_per_s() * max(min(end, one.horizon) - s.at, 0) for s, end in zip(one.jobs.steps, ends, strict=True)
        )
        tries = trips if one.jobs.retries < 0 else min(trips, one.jobs.retries + 1)
        return bool(jobs * tries < 3e6 and one.windows * one.jobs.hosts < 100_000)
    if one.health is not None and one.health.targets * one.horizon / one.health.interval > 3e6:
        return False
    least = min(trips, one.horizon / max(one.lease.check_every * (1 - one.lease.check_jitter), 1e-3) + trips)
    return bool(one.fleet.holders * least < 5e6 and one.windows * one.fleet.hosts < 200_000)


def check_row(row: Mapping[str, Any], outcome: Outcome, where: str) -> None:
    """What stands in a row of results can be."""
    end = outcome.times_s[-1]
    for name, value in row.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        if name.endswith("_lost_s"):  # only what was reached is lost again, and after that
            time_s = row[name.replace("_lost_s", "_s")]
            assert math.isnan(value) != math.isfinite(time_s), (name, value, where)
            assert not value < time_s, (name, value, where)
        elif math.isnan(value) and name in ("ttr100_s", "leased_all_s"):
            assert outcome.traffic.doubt is not None, (name, where)  # a sample does not tell the last host
        elif math.isnan(value) and name == "amplification_peak":  # nobody asked any more
            assert not outcome.series["submitted"][outcome.times_s > row["recovers_from_s"]].any(), (name, where)
        elif math.isnan(value) and name == "efficiency":  # lost after recovery was counted, or only after the return
            assert not math.isnan(row["ttr99_again_s"]) or row["fluid_bound_s"] == 0, (name, where)
        elif math.isnan(value):
            assert name.startswith(NOT_ALWAYS_MEASURED) or name.endswith(NOT_ALWAYS_TOLD), (name, where)
        elif name.endswith("_share"):
            assert 0 <= value <= 1, (name, value, where)
        elif name.endswith("_per_s"):
            assert math.isfinite(value), (name, value, where)
        else:
            assert value >= 0, (name, value, where)
            if name.endswith("_s") and not name.startswith(BEYOND_THE_HORIZON):
                assert value <= end + 1e-6 or math.isinf(value), (name, value, where)
            elif not name.endswith("_s") and not name.startswith(INFINITE_TOO):
                assert math.isfinite(value), (name, value, where)
    depths = [row[f"ttr{depth}_s"] for depth in (50, 90, 99, 100)]
    assert depths == sorted(depths), (depths, where)
    for name in [name for name in row if name.endswith("_low_s")]:
        low, high = row[name], row[name.replace("_low_s", "_high_s")]
        mean = row.get(name.replace("_low_s", "_s"), math.nan)
        assert not low > mean, (name, low, mean, high, where)
        assert not mean > high, (name, low, mean, high, where)
    assert row["verdict"] in ("recovered", "recovering", "collapsed"), where


def check_series(outcome: Outcome, where: str) -> None:
    """Nothing is lost, and no count is below 0."""
    flows = outcome.series
    is_sampled = outcome.scenario.fleet is not None and outcome.scenario.fleet.sample_hosts is not None
    for name, column in flows.items():
        assert (column >= 0).all(), (name, where)
    sums = {name: int(column.sum()) for name, column in flows.items()}
    one = outcome.scenario
    if not is_sampled:  # a sample is scaled stratum by stratum, and rounded
        # The last four are of rules that not every run has.
        gone = ("rejected_throttle", "rejected_admission", "rejected_full", "rejected_down", "dropped", "lost",
                "cancelled", "succeeded", "wasted", "failed",
                "barred", "unanswered", "late", "purged")  # fmt: skip
        left = sum(sums.get(name, 0) for name in gone)
        there = sum(int(flows[name][-1]) for name in ("queue", "in_service", "line", "outside") if name in flows)
        seen = [one.seen_by(name) for name in one.classes] or [one]
        own = one.host.probe is not None or any(each.lease and each.lease.expire_time for each in seen)
        assert left <= sums["submitted"] <= left + there, where
        assert own or sums["submitted"] == left + there, where  # else hosts have work that nobody submitted
        window = round(one.coupling.window * 1e9)
        worked = sums["useful_work_ns"] + sums["wasted_work_ns"] + sums["failed_work_ns"] + sums["overhead_work_ns"]
        assert worked == sums["busy_ns"], where
        assert (
            sums["busy_ns"] + sums["idle_ns"] + sums["down_ns"] == one.host.workers * one.hosts * window * one.windows
        ), where
    if one.fleet is not None:
        assert (flows["leased"] <= outcome.holders).all(), where
    else:
        there = sums["arrived"] - sums["succeeded"] - sums["gave_up"]
        assert 0 <= there == outcome.backlog()[-1], where
    if outcome.later:
        flows = {name: column for table in outcome.later.values() for name, column in table.columns.items()}
        later = {name: int(column.sum()) for name, column in flows.items()}
        for name, column in flows.items():
            assert (column >= 0).all(), (name, where)
        denied = later["launches_throttled"] + later["launches_insufficient"]
        assert later["launch_attempts"] == denied + later["launches_accepted"], where
        if "checks" in later and one.health is not None:
            assert later["checks_failed"] <= later["checks"], where
            assert (flows["targets_usable"] <= one.health.targets).all(), where


def check_run(seed: int) -> bool:
    """Whether the mutant was taken, small, and run. Fails if it gives what cannot be."""
    rng = random.Random(f"run {seed}")
    source = rng.choice([one for one in FILES if not one.is_services and "host" in one.raw])
    raw = shrunk(MUTATOR.table(seed, source, most=6, is_gentle=seed % 2 == 0))
    try:
        experiment = parsed(toml_of(raw), source)
    except ScenarioError:
        return False
    variant = rng.choice(experiment.variants)
    if not is_small(variant.scenario):
        return False
    where = f"seed {seed}, of {source.name}, {variant.name}:\n{toml_of(raw)[:6000]}"
    try:
        with Runner(1) as runner:
            outcomes = [chain.follow(one) for one in runner.run([(variant, seed, n) for n in range(REPLICATIONS)])]
        rows = [outcome.measure() for outcome in outcomes]
        told = summarise(experiment, outcomes)
    except Exception as error:
        if isinstance(error, ValueError) and "want" in str(error):
            return False  # a limit that is told, with the knob to turn
        raise AssertionError(f"{type(error).__name__}: {error}\n{where}") from error
    for outcome, row in zip(outcomes, rows, strict=True):
        check_row(row, outcome, where)
        check_series(outcome, where)
    check_summary(told, where)
    return True


def check_summary(told: Summary, where: str) -> None:
    """Intervals hold their mean, and stay within what is possible; nothing is said that JSON cannot say."""
    told.to_json()
    [group] = told.groups
    assert group.runs == REPLICATIONS, where
    assert 0 <= group.collapsed.low <= group.collapsed.share <= group.collapsed.high <= 1, where
    for name, found in group.measures.items():
        assert not found.low > found.mean, (name, found, where)
        assert not found.mean > found.high, (name, found, where)
        if name.endswith("_share"):
            assert not found.low < 0, (name, found, where)
            assert not found.high > 1, (name, found, where)


def check_services(seed: int) -> bool:
    """Whether a mutated table of services was taken, and small. Fails if it gives what cannot be."""
    rng = random.Random(f"services {seed}")
    source = rng.choice([one for one in FILES if one.is_services])
    raw = MUTATOR.table(seed, source, is_gentle=True)
    try:
        table = parsed(toml_of(raw), source)
    except ScenarioError:
        return False
    if table.body.alone_s / table.body.window * len(table.services) > 300_000:
        return False
    where = f"seed {seed}, of {source.name}:\n{toml_of(raw)[:6000]}"
    out = services.alone(table)
    for name, state in out.states.items():
        assert ((state.depth >= 0) & (state.depth <= 1)).all(), (name, where)
        assert state.backlog_s is None or (state.backlog_s >= 0).all(), (name, where)
        assert state.missing_share is None or ((state.missing_share >= 0) & (state.missing_share <= 1)).all(), where
    hit = [name for name, state in out.states.items() if not state.is_quiet]
    node = rng.choice(hit or list(table.services))
    told = services.blast_answer([out], node)
    for row in told.services:
        assert 0 <= row.minutes_lost.mean <= table.body.alone_s / 60 + 1e3, (row, where)
        assert row.starts_s.mean <= row.well_s.mean or row.well_s.never, (row, where)
        assert sum(path.minutes for path in row.paths) <= row.minutes_lost.mean * (1 + 1e-9) + 1e-9, where
    for cut in told.cuts:
        assert cut.saved_min.mean >= -1e-6, (cut, where)
    return True


def check_runs(first: int, runs: int) -> None:
    done = 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for seed in range(first, first + 100 * runs):
            done += check_run(seed)
            if done == runs:
                return
    raise AssertionError(f"{done} of {runs} runs were taken")


def test_runs_of_mutants_give_possible_numbers() -> None:
    check_runs(0, 15)
    assert sum(check_services(seed) for seed in range(20)) > 2


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_hundreds_of_runs_of_mutants_give_possible_numbers(part: int) -> None:
    check_runs(10_000 + 20_000 * part, 120)


@pytest.mark.slow
def test_hundreds_of_mutated_services_tables_give_possible_numbers() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert sum(check_services(seed) for seed in range(1_000, 1_600)) > 100
