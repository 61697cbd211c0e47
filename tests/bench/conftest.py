"""The benchmarks' own tables at the end of a run, beside pytest-benchmark's."""

from __future__ import annotations

import os
from collections import defaultdict

import pytest

Table = list[dict[str, str]]

TABLES: pytest.StashKey[dict[str, Table]] = pytest.StashKey()


@pytest.fixture
def table(request: pytest.FixtureRequest) -> dict[str, Table]:
    """Rows (column to text) by title; what a test appends is printed after the last test."""
    return request.config.stash.setdefault(TABLES, defaultdict(list))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for title, rows in config.stash.get(TABLES, {}).items():
        terminalreporter.section(f"{title}; {os.cpu_count()} cores")
        columns = list(dict.fromkeys(column for row in rows for column in row))
        lines = [columns, *([row.get(column, "") for column in columns] for row in rows)]
        widths = [max(len(line[place]) for line in lines) for place in range(len(columns))]
        for line in lines:
            cells = [text.rjust(width) for text, width in zip(line, widths, strict=True)]
            cells[0] = line[0].ljust(widths[0])
            terminalreporter.write_line("  ".join(cells).rstrip())
