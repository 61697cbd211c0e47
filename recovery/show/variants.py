"""Variants of a run in words: which is back first, and what the first, the best and a lost one do."""

import math
from collections.abc import Sequence

from recovery import units
from recovery.store.run_record import Group


def best_of(groups: Sequence[Group]) -> Group | None:
    """The variant that is back first (ttr99), if any comes back."""
    finite = [group for group in groups if math.isfinite(group.mean("ttr99_s"))]
    return min(finite, key=lambda group: group.mean("ttr99_s")) if finite else None


def how_long(group: Group) -> str:
    """When a variant is back, in words: "back after 75 min", "never recovers", "not back in 3 of 40 runs"."""
    ttr = group.mean("ttr99_s")
    runs, back = group.runs, group.verdicts.get("recovered", 0)
    if math.isfinite(ttr):
        return f"back after {units.show_duration(ttr)}" if ttr > 0 else "is never away"
    if back:
        return f"not back in {runs - back} of {runs} runs"
    return "never recovers" if group.verdicts.get("collapsed") else "not yet back at the horizon"


def contrast(groups: Sequence[Group], best: Group | None) -> str:
    """The first variant, the `best` of the others, and one that never recovers: when they are back."""
    first, others = groups[0], groups[1:]
    chosen = [first]
    never = next((group for group in others if math.isinf(group.mean("ttr99_s"))), None)
    if never is not None and math.isfinite(first.mean("ttr99_s")):
        chosen.append(never)
    if best is not None and best is not never and (never is None or best.mean("ttr99_s") < first.mean("ttr99_s")):
        chosen.append(best)
    if len(groups) > 1 and all(
        math.isinf(group.mean("ttr99_s")) and not group.verdicts.get("recovered") for group in groups
    ):
        return f"none of the {len(groups)} variants recovers"
    return "; ".join(f"“{group.variant}” {_is(how_long(group))}" for group in chosen)


def ends(values: Sequence[tuple[float, str]]) -> list[tuple[float, str]]:
    """The first variant's number, and of the others' the one that differs from it most."""
    if len(values) == 1:
        return list(values)

    def far(pair: tuple[float, str]) -> float:
        return abs(math.log((pair[0] + 1e-9) / (values[0][0] + 1e-9)))

    return [values[0], max(values[1:], key=far)]


def _is(text: str) -> str:
    return f"is {text}" if text.startswith(("back", "not")) else text
