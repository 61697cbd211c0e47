"""Leases of any length, of which some go on."""

from noisy import MEMORY, PARAMS, stir

__all__ = ["AXIS", "MEMORY", "PARAMS"]
AXIS = "lease"


def begin(params, memory, facts):  # type: ignore[no-untyped-def]
    """Not from 0."""
    memory.sum = facts.now_s + facts.workers


def renew(params, memory, facts):  # type: ignore[no-untyped-def]
    """Some as the file says."""
    x = stir(params, memory, facts)
    return 0.0 if x < 0.3 else x * 1e-6 * params.b


def expire(params, memory, facts):  # type: ignore[no-untyped-def]
    """Half of them go on."""
    x = stir(params, memory, facts)
    return 0.0 if x < 0.5 else x * 1e-6 * params.b


def restart(params, memory, facts):  # type: ignore[no-untyped-def]
    """Some stay as they are."""
    x = stir(params, memory, facts)
    return -1.0 if x < 0.3 else x * 1e-6 * params.b


def told(params, memory, facts):  # type: ignore[no-untyped-def]
    """Remembers all of it."""
    stir(params, memory, facts)
