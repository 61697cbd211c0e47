"""What a run of benchmarks prints at its end beside pytest-benchmark's tables: one for each group, and one of all."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Generator
from typing import Protocol

import one_table
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

Table = list[dict[str, str]]

TABLES: pytest.StashKey[dict[str, Table]] = pytest.StashKey()
TOLD = "costs"  # of a benchmark's extra_info, which its file of results has, too


class Tell(Protocol):
    """Puts a line into the one table: what is simulated, what it cost, and of which program (ours)."""

    def __call__(self, simulated: str, time: float, unit: str, program: str = one_table.OURS) -> None: ...


@pytest.fixture
def table(request: pytest.FixtureRequest) -> dict[str, Table]:
    """Rows (column to text) by title; what a test appends is printed after the last test."""
    return request.config.stash.setdefault(TABLES, defaultdict(list))


@pytest.fixture
def tell(benchmark: BenchmarkFixture) -> Tell:
    def once(simulated: str, time: float, unit: str, program: str = one_table.OURS) -> None:
        benchmark.extra_info.setdefault(TOLD, []).append(one_table.Cost(simulated, program, time, unit))

    return once


@pytest.hookimpl(wrapper=True)
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> Generator[None, None, None]:
    """Behind all else, so that the one table is the last thing that is read."""
    try:
        return (yield)
    finally:
        cores = f"{os.cpu_count()} cores"
        for title, rows in config.stash.get(TABLES, {}).items():
            columns = list(dict.fromkeys(column for row in rows for column in row))
            cells = [[row.get(column, "") for column in columns] for row in rows]
            _print(terminalreporter, f"{title}; {cores}", one_table.lines(columns, cells, left=1))
        # pytest-benchmark's list of the results of this run, without those it was asked to compare them with
        results = config._benchmarksession.benchmarks
        costs = [one_table.Cost(*cost) for result in results if result for cost in result.extra_info.get(TOLD, ())]
        if costs:
            body = one_table.lines(one_table.HEAD, one_table.rows(costs), left=2)
            _print(terminalreporter, f"all in one table; {cores}", body)


def _print(reporter: pytest.TerminalReporter, title: str, lines: list[str]) -> None:
    reporter.section(title)
    for line in lines:
        reporter.write_line(line)
