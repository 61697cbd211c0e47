"""What a CI wants of a command beside its status: a job summary in Markdown, and JUnit's XML."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import click

from recovery.cli import say
from recovery.cli.guard import ending
from recovery.cli.status import Status

if TYPE_CHECKING:
    from recovery.show.junit import Suite

P = ParamSpec("P")
R = TypeVar("R")
_FILE = click.Path(dir_okay=False, path_type=Path)


def options(command: Callable[P, R]) -> Callable[P, R]:
    """The options --markdown and --junit."""
    markdown = click.option(
        "--markdown", type=_FILE, help="File for a Markdown summary: the answer, each expectation, a small table."
    )
    junit = click.option(
        "--junit", type=_FILE, help="File for JUnit XML, with a test case for each line of [expect] and each --fail-if."
    )
    return markdown(junit(command))


class Reports:
    """Both files, where they are wanted; what is added is written once, at the end."""

    def __init__(self, markdown: Path | None, junit: Path | None) -> None:
        """Of the files that were asked for."""
        self._files = markdown, junit
        self._sections: list[str] = []
        self._suites: list[Suite] = []

    @property
    def are_wanted(self) -> bool:
        """Whether there is a file to write, so that there is something to add."""
        return any(self._files)

    def add(self, section: str, suite: "Suite | None" = None) -> None:
        """Add what is said of one experiment."""
        self._sections.append(section)
        if suite is not None:
            self._suites.append(suite)

    def write(self) -> Status:
        """Write the files. Where the disk does not take one that is said: the numbers are there."""
        status = Status.WELL
        if not self.are_wanted:
            return status
        from recovery.show import junit
        from recovery.store import files

        texts = "\n".join(self._sections), junit.xml(self._suites)
        for file, text in zip(self._files, texts, strict=True):
            if file is not None:
                try:
                    files.write_text(file, text)
                except OSError as error:
                    say.talk(ending(error).message)
                    status = Status.OURS
        return status
