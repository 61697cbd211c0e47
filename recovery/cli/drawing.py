"""The page that follows a command's numbers."""

from pathlib import Path

from recovery.cli import say
from recovery.cli.guard import ending, hint
from recovery.cli.status import Status


def drawn_page(folder: Path, reuse: bool) -> tuple[Path | None, Status]:
    """The page of a folder of results; with `reuse`, pictures that the folder knows are not drawn again. Where the disk
    does not take it that is said: the numbers are there.
    """
    from recovery.show import figures, pages
    from recovery.store.shelf import Shelf, known_in

    try:
        with figures.without_help(), hint(f"the numbers are in {folder}, recovery report draws them", OSError):
            return pages.write(folder, known=Shelf(known_in(folder)) if reuse else None), Status.WELL
    except OSError as error:
        say.talk(ending(error).message)
        return None, Status.OURS
