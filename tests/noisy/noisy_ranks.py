"""A queue in an order of its own."""

from noisy import MEMORY, PARAMS, stir

__all__ = ["AXIS", "MEMORY", "PARAMS"]
AXIS = "queue"


def begin(params, memory, facts):  # type: ignore[no-untyped-def]
    """Not from 0."""
    memory.sum = facts.now_s + facts.workers


def rank(params, memory, facts):  # type: ignore[no-untyped-def]
    """Few ranks, so that many are equal; and some that are no number."""
    x = stir(params, memory, facts)
    return float("nan") if x > 0.9 else float(int(4.0 * x))


def head(params, memory, facts):  # type: ignore[no-untyped-def]
    """Some are dropped."""
    return 1.0 if stir(params, memory, facts) < 0.8 else 0.0


def told(params, memory, facts):  # type: ignore[no-untyped-def]
    """Remembers all of it."""
    stir(params, memory, facts)
