"""Of a variant that makes several changes, which of them help, as far as variants show it that make some of them."""

import math
from collections.abc import Callable, Sequence

from recovery.show.answers.costs import NOTHING, SERVED, costs
from recovery.store.run_record import Group

NAMED_MAX = 3  # keys or variants that a sentence names


def parts_of(whole: Group, among: Sequence[Group]) -> list[Group]:
    """Of some variants those that set a part of what another sets, and nothing else."""
    return [one for one in among if one.sets and _sets(one) < _sets(whole)]


def _sets(group: Group) -> set[tuple[str, str]]:
    return {(setting.key, setting.value) for setting in group.sets}


def least(best: Group, alike: Sequence[Group]) -> Group:
    """Of variants that are as good as the best, the one that makes fewest of its changes, no other change, and costs no
    more; the best where none does.
    """
    traffic = best.scenario.traffic
    cheap = [one for one in parts_of(best, alike) if costs(traffic, best.mean, one.mean) == NOTHING]
    return min(cheap, key=lambda one: len(one.sets), default=best)


def idle_words(first: Group, best: Group, idle: Sequence[Group]) -> str:
    """Which changes of the best variant save no time alone, by the variants (`idle`, parts of it) that make them; where
    one of these makes them all, which others then make the difference. "" of none.
    """
    if not idle:
        return ""
    most = max(idle, key=lambda one: len(one.sets))
    if all(_sets(one) <= _sets(most) for one in idle):
        own = {setting.key for setting in most.sets}
        rest = [setting.key for setting in best.sets if setting.key not in own]
        text = f"Of these {_listed(sorted(own), 'the changes')} alone (“{most.variant}”) saves no time, so "
        text += f"{_listed(rest, 'the rest')} makes the difference"
        which = f"“{most.variant}” costs"
    else:
        names = _listed([f"“{one.variant}”" for one in idle], f"{len(idle)} variants that make a part of them")
        text, which = f"Of these those of {names} save no time alone", "they cost"
    is_free = all(costs(first.scenario.traffic, first.mean, one.mean) == NOTHING for one in idle)
    return f"{text}." if is_free else f"{text}; what {which} is not counted here."


def without(first: Group, idle: Sequence[Group]) -> Callable[[str], float]:
    """The means from which the cost of a variant counts: of the first, or of parts of it that save no time, whichever
    are worse, so that what these cost is no price of what helps.
    """

    def mean(name: str) -> float:
        known = [value for one in (first, *idle) if not math.isnan(value := one.mean(name))]
        return (min if name == SERVED else max)(known, default=math.nan)

    return mean


def _listed(names: Sequence[str], many: str) -> str:
    """Names in a sentence; `many` in their place where they are too many."""
    return many if len(names) > NAMED_MAX else " and ".join(names)
