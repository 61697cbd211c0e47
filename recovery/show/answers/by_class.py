"""What a variant does for each class: for which it is sooner and for which later, and why priorities do not help."""

import math
from collections.abc import Sequence

from recovery.show import advice, standings
from recovery.show.answers import apart, cliffs
from recovery.store.run_record import Group, Summary
from recovery.units import show_count

CLASSES_TOLD = 2  # variants of which it is said what they do for each class


def of_variants(summary: Summary, others: Sequence[Group]) -> list[str]:
    """What a variant that is no better for all together does for each class: some may be back sooner, at the cost of
    others.
    """
    out = []
    for group in others:
        sooner, later = _by_class(summary, group)
        if sooner:
            text = f"But by class, with 99 % back, “{group.variant}” is sooner for {', '.join(sooner)}"
            out.append(f"{text}, and later for {', '.join(later)}." if later else f"{text}.")
    return out[:CLASSES_TOLD]


def _by_class(summary: Summary, group: Group) -> tuple[list[str], list[str]]:
    """The classes for which a variant is sooner than the first, and for which it is later, with both times; not the one
    that variants are judged by.
    """
    first, sooner, later = summary.groups[0], [], []
    for one in first.scenario.classes:
        measure = f"ttr99_s.{one.name}"
        if measure not in first.measures or measure not in group.measures or measure == advice.measure_of(summary):
            continue
        now, was = (standings.of_last(summary, of, measure) for of in (group, first))
        told = f"“{one.name}” ({standings.time_of(summary, group, measure)} instead of "
        told += f"{standings.time_of(summary, first, measure)})"
        if advice.is_better(now, was, group.scenario.window_s):
            sooner.append(told)
        elif advice.is_better(was, now, group.scenario.window_s):
            later.append(told)
    return sooner, later


def beside(summary: Summary, best: Group) -> str:
    """What the best variant for the class that the file is about does for the others, and for all together; "" where
    the file is about all.
    """
    if not advice.whose(summary):
        return ""
    first, window_s = summary.groups[0], best.scenario.window_s
    now, was = (standings.of_last(summary, one, "ttr99_s") for one in (best, first))
    said, parts = [], []
    for how, is_so in (
        ("sooner", advice.is_better(now, was, window_s)),
        ("later", advice.is_better(was, now, window_s)),
    ):
        if is_so:
            said.append(f"All classes together are {how}: 99 % back after {now.whole()} instead of {was.whole()}.")
    for how, found in zip(("sooner", "later"), _by_class(summary, best), strict=True):
        parts += [f"{how} for {', '.join(found)}"] if found else []
    return " ".join([*said, *([f"By class it is {' and '.join(parts)}."] if parts else [])])


def by_priority_alone(summary: Summary, others: Sequence[Group]) -> list[str]:
    """Why a variant is no better that changes priorities alone: they order what waits in a queue, and whoever finds the
    queue full that all classes share does not come into it, whatever its class.
    """
    first, out = summary.groups[0], []
    for one in others:
        now, was = ({kind.name: kind.model_copy(update={"priority": 0}) for kind in of.scenario.classes}
                    for of in (one, first))  # fmt: skip
        rules = {rule.key for rule in one.scenario.rules} ^ {rule.key for rule in first.scenario.rules}
        is_alone = apart.differing(first, one) <= {"classes", "rules"} and now == was and one.scenario != first.scenario
        is_alone = is_alone and all(key.endswith("priority") for key in rules)
        most = one.scenario.hosts.queue_limit
        is_shared = all(math.isinf(kind.limit) for kind in one.scenario.classes)
        if is_alone and is_shared and math.isfinite(most) and one.mean("queue_peak") >= cliffs.FULL * most:
            places = "one request" if most == 1 else f"{show_count(most)} requests"
            text = f"“{one.variant}” changes priorities alone. These order what waits in the queue. But it is full: "
            text += f"it holds {places} of all classes, and whoever comes then does not get in, whatever its class. "
            text += "A limit of its own for each other class (classes.NAME.limit) keeps room."
            out.append(text)
    return out[:CLASSES_TOLD]
