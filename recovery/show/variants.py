"""Variants of a run in words: which is back first, and what the first, the best and a lost one do."""

import math
from collections.abc import Sequence

from recovery.show import renewed, standings
from recovery.show.standings import Standing
from recovery.show.words import speaking_of
from recovery.store.run_record import Group, Summary

_BACK = "ttr99_s"


def back(summary: Summary, group: Group) -> Standing:
    """When a variant's runs are back (99 %) for the last time, and how many never are."""
    return standings.of_last(summary, group, _BACK)


def best_of(summary: Summary) -> Group | None:
    """Of the variants beside the first the one that fails to come back least often, and of these is back first, or has
    all renewed first; None if none ever is.
    """
    known = [group for group in summary.groups[1:] if back(summary, group).is_known]
    return min(known, key=lambda group: (back(summary, group).rank, renewed.after_s(group)), default=None)


def how_long(summary: Summary, group: Group, *, is_overdue_seen: bool = False) -> str:
    """When a variant is back, in words: "back after 75 min", "back after 4 min (never in 3 of 40 runs)"; where leases
    are lost once more both returns; of one that was never away also who was overdue, where that is seen beside it.
    """
    found = back(summary, group)
    if found.is_known:
        often = f" ({found.words})" if found.never else ""
        if standings.is_always(group, summary.rows_of(group), _BACK):
            kept = "loses no lease" if group.unleased is None else "always has 99 % of its leases"
            late = renewed.overdue(group) if is_overdue_seen else ""
            return speaking_of(group.scenario.called, f"{kept}{f', {late}' if late else ''}")
        if standings.is_lost_again(summary, group, _BACK):
            first = standings.of(summary, group, _BACK)
            return f"back {_when(first)}, lost once more, and back for the last time {_when(found)}{often}"
        return f"back {_when(found)}{often}"
    if not found.never:
        return "back at a time that is not known"
    return "never recovers" if found.collapsed else f"{found.words.replace('not', 'not back', 1)}"


def _when(found: Standing) -> str:
    return f"{'in' if found.mean_s < found.window_s else 'after'} {found.show()}"


def contrast(summary: Summary, best: Group | None, *, is_overdue_seen: bool = False) -> str:
    """The first variant, the `best` of the others, and one that never recovers: when they are back."""
    first, *others = summary.groups
    found = {id(group): back(summary, group) for group in summary.groups}
    was, chosen = found[id(first)], [first]
    lost = [group for group in others if found[id(group)].never]
    worst = max(lost, key=lambda group: found[id(group)].never_share, default=None)
    is_worse = worst is not None and found[id(worst)].never_share > was.never_share and was.is_known
    if worst is not None and worst is not best and is_worse:
        chosen.append(worst)
    if best is not None and (best is not worst or not is_worse):
        is_sooner = found[id(best)].rank < was.rank or renewed.best_of(first, [best]) is best
        if is_sooner:
            chosen.append(best)
        elif len(chosen) == 1:  # the first is the best: the other that is worst says what that is worth
            chosen.append(max(others, key=lambda group: found[id(group)].rank))
    if others and all(one.is_never for one in found.values()):
        return f"none of the {len(summary.groups)} variants recovers"
    told = {group.variant: how_long(summary, group, is_overdue_seen=is_overdue_seen) for group in chosen}
    return "; ".join(f"“{variant}” {_is(text)}" for variant, text in told.items())


def ends(values: Sequence[tuple[float, str]]) -> list[tuple[float, str]]:
    """The first variant's number, and of the others' the one that differs from it most."""
    if len(values) == 1:
        return list(values)

    def far(pair: tuple[float, str]) -> float:
        return abs(math.log((pair[0] + 1e-9) / (values[0][0] + 1e-9)))

    return [values[0], max(values[1:], key=far)]


def _is(text: str) -> str:
    return f"is {text}" if text.startswith(("back", "not")) else text
