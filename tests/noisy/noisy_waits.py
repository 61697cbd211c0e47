"""Waits at random after failures."""

from noisy import MEMORY, PARAMS, stir

__all__ = ["AXIS", "MEMORY", "PARAMS"]
AXIS = "client"


def begin(params, memory, facts):  # type: ignore[no-untyped-def]
    """Each client another."""
    memory.sum = facts.client * 0.1


def wait(params, memory, facts):  # type: ignore[no-untyped-def]
    """Never so short that a client without patience asks at each nanosecond."""
    x = stir(params, memory, facts)
    return 1e-6 if x < 0.2 else x * 1e-6 * params.b


def told(params, memory, facts):  # type: ignore[no-untyped-def]
    """Remembers all of it."""
    stir(params, memory, facts)
