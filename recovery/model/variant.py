"""A scenario under its name."""

from dataclasses import dataclass

from pydantic import JsonValue

from recovery.model.scenario import Scenario


@dataclass(frozen=True)
class Variant:
    """A scenario under its name, with the values of the swept keys that made it."""

    name: str
    scenario: Scenario
    levers: tuple[tuple[str, JsonValue], ...] = ()
