"""What a command says: data on stdout, as text or as JSON with the number of its form; talk on stderr."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import click

from recovery.cli.status import Status

FORMAT = 1  # of all that --json prints; a new number where a reader of the old would be misled


def print_json(table: Mapping[str, object]) -> None:
    """Print a table as JSON, with its format."""
    from recovery.store.json_text import to_json

    click.echo(to_json({"format": FORMAT, **table}), nl=False)


def talk(line: str) -> None:
    """Say a line to who looks on, not to who reads the data."""
    click.echo(line, err=True)


def of_older_page(folder: Path) -> None:
    """Say where the page of a folder whose numbers were written without one is of a run before."""
    if (folder / "report.html").exists():
        talk(f"{folder / 'report.html'} is of an earlier run; recovery report {folder} draws it anew")


def status_of(holds: Iterable[str]) -> Status:
    """What the bounds of a scenario make of its runs, by whether each holds."""
    holds = set(holds)
    return Status.THRESHOLD if "no" in holds else Status.UNSURE if holds - {"yes"} else Status.WELL
