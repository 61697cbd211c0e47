"""A queue that takes from either end, drops, and refuses."""

from noisy import MEMORY, PARAMS, stir

__all__ = ["AXIS", "MEMORY", "PARAMS"]
AXIS = "queue"


def begin(params, memory, facts):  # type: ignore[no-untyped-def]
    """Not from 0."""
    memory.sum = facts.now_s + facts.workers


def ask(params, memory, facts):  # type: ignore[no-untyped-def]
    """Some are refused; marks from 0 to 4."""
    x = stir(params, memory, facts)
    return 0.0 if x < 0.2 else 1.0 + 5.0 * x


def newest(params, memory, facts):  # type: ignore[no-untyped-def]
    """From either end."""
    return 1.0 if stir(params, memory, facts) < 0.5 else 0.0


def head(params, memory, facts):  # type: ignore[no-untyped-def]
    """Some are dropped."""
    return 1.0 if stir(params, memory, facts) < 0.7 else 0.0


def told(params, memory, facts):  # type: ignore[no-untyped-def]
    """Remembers all of it."""
    stir(params, memory, facts)
