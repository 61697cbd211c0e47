"""The DNS race of a file: of an experiment with the race alone, or of a scenario that goes on after it."""

from pathlib import Path

from recovery.model.race import RaceAlone
from recovery.reading import door
from recovery.reading.experiment import Experiment, load


def is_race(path: str | Path) -> bool:
    """Whether a file has [dns] and no [host]: an experiment with the race alone."""
    raw = door.peek(path)
    return "dns" in raw and "host" not in raw


def load_any(path: str | Path, overrides: tuple[str, ...] = ()) -> Experiment:
    """Read the race of an experiment: of one with the race alone, or of a scenario with [dns]. Raises ScenarioError."""
    return load(path, overrides, RaceAlone if is_race(path) else None)


def has_race(experiment: Experiment) -> bool:
    """Whether every variant has [dns]."""
    return all(getattr(variant.scenario, "dns", None) is not None for variant in experiment.variants)
