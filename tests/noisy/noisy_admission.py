"""Lets in at random."""

from noisy import MEMORY, PARAMS, stir

__all__ = ["AXIS", "MEMORY", "PARAMS"]
AXIS = "admission"


def begin(params, memory, facts):  # type: ignore[no-untyped-def]
    """Not from 0."""
    memory.sum = facts.now_s + facts.workers


def ask(params, memory, facts):  # type: ignore[no-untyped-def]
    """Half of them."""
    return 1.0 if stir(params, memory, facts) < 0.6 else 0.0


def told(params, memory, facts):  # type: ignore[no-untyped-def]
    """Remembers all of it."""
    stir(params, memory, facts)
