"""The one table that `make bench` ends with, on made-up results. Oracle: reckoned by hand."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).resolve().parent / "bench"
sys.path.append(str(BENCH))

MADE_UP = """
def test_ours(benchmark, tell):
    benchmark.pedantic(lambda: None, rounds=1)
    tell("the storm", 10.0, "ns an event")

def test_other(benchmark, tell):
    benchmark.pedantic(lambda: None, rounds=1)
    tell("the storm", 25.0, "ns an event", "other")

def test_stage(benchmark, tell):
    benchmark.pedantic(lambda: None, rounds=1)
    tell("launches", 20.0, "ns an attempt")

def test_wrong(benchmark, tell):
    benchmark.pedantic(lambda: None, rounds=1)
    assert False, "answers differ"
    tell("never", 1.0, "s")
"""


def ended_with(folder: Path, chosen: str) -> tuple[str, list[list[str]]]:
    """What a run of the made-up benchmarks prints before its one table, and the rows of that."""
    (folder / "test_made_up.py").write_text(MADE_UP, encoding="utf-8")
    for name in ("conftest.py", "one_table.py"):
        shutil.copy(BENCH / name, folder)
    command = [sys.executable, "-m", "pytest", "-q", "--benchmark-only", "-p", "no:cacheprovider", "-k", chosen]
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}  # a worker's of ours
    done = subprocess.run(command, cwd=folder, env=env, check=False, capture_output=True, text=True)
    before, _, table = done.stdout.partition("all in one table")
    return before, [re.split("  +", line) for line in table.splitlines()[1:] if "  " in line]


def test_each_program_is_compared_with_ours_where_both_ran() -> None:
    import one_table
    from one_table import Cost

    costs = [
        Cost("the storm", "SimPy", 10_500.0, "ns an event"),
        Cost("a day", "recovery", 1.5, "s"),
        Cost("the storm", "recovery", 7.0, "ns an event"),
        Cost("the queue", "SimPy", 5_903.0, "ns an event"),
        Cost("the queue", "Ciw", 9_132.0, "ns an event"),
    ]
    assert one_table.rows(costs) == [
        ("the storm", "recovery", "7.00", "ns an event", "1.00"),
        ("the storm", "SimPy", "10,500", "ns an event", "1,500"),
        ("a day", "recovery", "1.50", "s", ""),
        ("the queue", "SimPy", "5,903", "ns an event", ""),
        ("the queue", "Ciw", "9,132", "ns an event", ""),
    ]


@pytest.mark.parametrize(
    ("value", "told"),
    [(0.0, "0"), (0.01234, "0.0123"), (0.9996, "1.00"), (9.996, "10.0"), (99.96, "100"), (1_502.4, "1,502")],
)
def test_numbers_have_three_digits(value: float, told: str) -> None:
    import one_table

    assert one_table.number(value) == told


def test_columns_stand_below_one_another() -> None:
    import one_table

    assert one_table.lines(("what", "ns"), [("storm", "7.1"), ("queue of eight", "62.6")], left=1) == [
        "what              ns",
        "storm            7.1",
        "queue of eight  62.6",
    ]


def test_a_run_ends_with_the_table_of_what_was_chosen(tmp_path: Path) -> None:
    before, rows = ended_with(tmp_path, "ours or other or stage")
    assert rows == [
        ["what is simulated", "program", "time", "unit", "times ours"],
        ["the storm", "recovery", "10.0", "ns an event", "1.00"],
        ["the storm", "other", "25.0", "ns an event", "2.50"],
        ["launches", "recovery", "20.0", "ns an attempt"],
    ]
    assert "benchmark: 3 tests" in before  # pytest-benchmark's own tables


def test_without_ours_nothing_is_compared(tmp_path: Path) -> None:
    _, rows = ended_with(tmp_path, "other")
    assert rows[1:] == [["the storm", "other", "25.0", "ns an event"]]


def test_what_has_other_answers_is_not_in_the_table(tmp_path: Path) -> None:
    before, rows = ended_with(tmp_path, "wrong or stage")
    assert "answers differ" in before
    assert rows[1:] == [["launches", "recovery", "20.0", "ns an attempt"]]


def test_each_benchmark_tells_what_it_found() -> None:
    for file in BENCH.glob("test_*.py"):
        for test in file.read_text(encoding="utf-8").split("\ndef ")[1:]:
            name = test.partition("(")[0]
            if name.startswith("test_") and "benchmark: Any" in test.partition(")")[0]:
                assert "    tell(" in test, f"{file.name}: {name}"
