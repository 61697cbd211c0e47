"""Holds attempts back at random."""

from noisy import MEMORY, PARAMS, stir

__all__ = ["AXIS", "MEMORY", "PARAMS"]
AXIS = "guard"


def begin(params, memory, facts):  # type: ignore[no-untyped-def]
    """Each group another."""
    memory.sum = facts.client * 0.1


def ask(params, memory, facts):  # type: ignore[no-untyped-def]
    """Some wait, a few for less than a nanosecond; some are given up."""
    x = stir(params, memory, facts)
    if x < 0.6:
        return 0.0
    return 1e-12 if x < 0.65 else (0.8 - x) * 1e-5 * params.b


def told(params, memory, facts):  # type: ignore[no-untyped-def]
    """Remembers all of it."""
    stir(params, memory, facts)
