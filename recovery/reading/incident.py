"""Public incidents that are shipped as scenarios: their files, and what was observed."""

import csv
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from recovery.errors import Refusal, nearest


class Observation(NamedTuple):
    """What was seen, and who says so."""

    what: str
    observed: str
    source: str


class Incident(NamedTuple):
    """An incident: its name, the file of its scenario, and what was observed."""

    name: str
    file: Path
    observations: tuple[Observation, ...]


def incidents() -> Iterator[Incident]:
    """All that are shipped, by name."""
    for folder in sorted(_folder().iterdir()):
        with (folder / "observed.csv").open(encoding="utf-8", newline="") as file:
            rows = tuple(Observation(row["what"], row["observed"], row["source"]) for row in csv.DictReader(file))
        yield Incident(folder.name, folder / f"{folder.name}.toml", rows)


def find(name: str) -> Incident:
    """The incident of a name. Raises Refusal that says which there are."""
    names = [folder.name for folder in sorted(_folder().iterdir())]
    if name not in names:
        raise Refusal(f"--incident is {name}{nearest(name, names)}; want one of {', '.join(names)}")
    return next(one for one in incidents() if one.name == name)


def _folder() -> Path:
    return Path(str(resources.files("recovery").joinpath("data", "incidents")))
