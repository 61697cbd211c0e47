"""How a client learns that its session ended: at once, at its next check, or after a time."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Discriminator, Tag

from recovery.model.distributions import Distribution
from recovery.units import duration_s

WORDS = ("at-once", "at-check")


def _time(value: object) -> object:
    """A duration alone is a constant."""
    if isinstance(value, dict | Distribution):
        return value
    try:
        return Distribution.constant(duration_s(value))
    except ValueError:
        raise ValueError(
            'want "at-once" (the connection breaks), "at-check" (at the next check), or a time such as "30s" or '
            '{ dist = "exponential", mean = "30s" }'
        ) from None


def _kind(value: object) -> str:
    return "function-word" if isinstance(value, str) and value in WORDS else "function-time"


Notice = Annotated[
    Annotated[Literal["at-once", "at-check"], Tag("function-word")]
    | Annotated[Distribution, BeforeValidator(_time), Tag("function-time")],
    Discriminator(_kind),
]
"""Whoever tells where a mistake stands leaves out parts of a place that begin with function- (recovery.reading)."""
