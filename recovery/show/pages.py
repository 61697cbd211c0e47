"""The page of a folder of results, by what it holds."""

from collections.abc import Sequence
from pathlib import Path

from recovery.errors import Refusal
from recovery.show import drawn
from recovery.show.lever_figures import Mark
from recovery.store import folder
from recovery.store.shelf import Shelf


def write(place: Path, marks: Sequence[Mark] = (), known: Shelf | None = None) -> Path:
    """Pictures and report.html of a folder; returns the page's path. `marks` are facts about the lever of a run that
    sweeps one key. Pictures that are `known` are not drawn again, and those that are drawn are known afterwards.
    Raises Refusal if the folder holds nothing finished, files.Damaged if a file is no longer whole.
    """
    if not (place / "manifest.json").is_file():
        raise Refusal(f"{place} has no manifest.json; want the folder of a finished run")
    with drawn.known(known, place, marks):
        return _write(place, marks)


def _write(place: Path, marks: Sequence[Mark]) -> Path:
    kind = folder.kind_of(place)
    if kind == "sweep":
        from recovery.show import report_sweep

        return report_sweep.write(place)
    if kind == "race":
        from recovery.show import race_page

        return race_page.write(place)
    from recovery.show import report

    return report.write(place, marks)
