"""The page that follows a command's numbers."""

from pathlib import Path

from recovery.cli import say
from recovery.cli.guard import ending, hint
from recovery.cli.status import Status


def drawn_page(folder: Path) -> tuple[Path | None, Status]:
    """The page of a folder of results. Where the disk does not take it that is said: the numbers are there."""
    from recovery.show import pages

    try:
        with hint(f"the numbers are in {folder}, recovery report draws them", OSError):
            return pages.write(folder), Status.WELL
    except OSError as error:
        say.talk(ending(error).message)
        return None, Status.OURS
