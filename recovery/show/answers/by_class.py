"""What a variant does for each class: for which it is sooner and for which later, and why priorities do not help."""

import math
from collections.abc import Container, Sequence

from recovery.measures import register
from recovery.show import advice, classes, standings
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
            text = f"But by class, with 99 % {_done(summary)}, “{group.variant}” is sooner for {', '.join(sooner)}"
            out.append(f"{text}, and later for {', '.join(later)}." if later else f"{text}.")
    return out[:CLASSES_TOLD]


def _done(summary: Summary) -> str:
    """What 99 % of all together are."""
    return "cleared" if advice.is_of_jobs(summary, "ttr99_s") else "back"


def _by_class(summary: Summary, group: Group, *, but: Container[str] = ()) -> tuple[list[str], list[str]]:
    """The classes for which a variant is sooner than the first, and for which it is later, with both times; not the one
    that variants are judged by, and none of `but`.
    """
    first, judged, sooner, later = summary.groups[0], advice.measure_of(summary), [], []
    for one in first.scenario.classes:
        measure = f"ttr99_s.{one.name}"
        if one.name in but or measure not in first.measures or measure not in group.measures or measure == judged:
            continue
        now, was = (standings.of_last(summary, of, measure) for of in (group, first))
        told = f"“{one.name}” ({standings.time_of(summary, group, measure)} instead of "
        told += f"{standings.time_of(summary, first, measure)})"
        if advice.is_better(now, was, group.scenario.window_s):
            sooner.append(told)
        elif advice.is_better(was, now, group.scenario.window_s):
            later.append(told)
    return sooner, later


def lost(summary: Summary, group: Group) -> list[str]:
    """The classes beside the one that variants are judged by of which 99 % are not back in some run of a variant."""
    judged = register.class_of(advice.measure_of(summary))
    known = [one.name for one in group.scenario.classes if f"ttr99_s.{one.name}" in group.measures]
    return [name for name in known if name != judged and _standing(summary, group, name).never]


def _standing(summary: Summary, group: Group, name: str) -> standings.Standing:
    return standings.of_last(summary, group, f"ttr99_s.{name}")


def not_back(summary: Summary, group: Group, name: str) -> str:
    """That a class is not back under a variant, in words."""
    is_jobs = advice.is_of_jobs(summary, f"ttr99_s.{name}")
    return advice.not_back(is_jobs, f" of “{name}”", _standing(summary, group, name))


def not_back_of(summary: Summary, group: Group, names: Sequence[str]) -> str:
    """The same of several; "" of none."""
    return " and ".join(not_back(summary, group, name) for name in names)


def collapsed(summary: Summary, group: Group) -> int:
    """In how many runs of a variant the class collapses that variants are judged by; without one the whole."""
    judged = register.class_of(advice.measure_of(summary))
    found = classes.verdicts(summary, group, judged) if judged else group.verdicts
    return found.get("collapsed", 0)


def with_cost(summary: Summary, best: Group, cost: str) -> str:
    """What a variant costs, and before all else which classes are lost under it: more often than under the first, which
    is a cost, or as there.
    """
    first, worse, alike = summary.groups[0], [], []
    for name in lost(summary, best):
        now, was = (_standing(summary, one, name) for one in (best, first))
        told = not_back(summary, best, name)
        if now.never_share > was.never_share:
            worse.append(f"{told}, instead of {was.whole()}")
        else:
            alike.append(told + (f", as under “{first.variant}”" if now.never_share == was.never_share else ""))
    if worse:
        more = cost.removeprefix("It costs: ")
        cost = f"It costs: {'; '.join(worse)}{'.' if more == cost else f'; {more}'}"
    if alike:
        rest = cost.replace("It costs nothing", "Beside that it costs nothing", 1)
        cost = f"But {', and '.join(alike)}. {rest}"
    return cost


def beside(summary: Summary, best: Group) -> str:
    """What the best variant for the class that the file is about does for the others, and for all together; "" where
    the file is about all. Classes that are lost stand beside its cost.
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
            said.append(
                f"All classes together are {how}: 99 % {_done(summary)} after {now.whole()} instead of {was.whole()}."
            )
    for how, found in zip(("sooner", "later"), _by_class(summary, best, but=lost(summary, best)), strict=True):
        parts += [f"{how} for {', '.join(found)}"] if found else []
    return " ".join([*said, *([f"By class it is {' and '.join(parts)}."] if parts else [])])


def by_priority_alone(summary: Summary, others: Sequence[Group]) -> list[str]:
    """Why a variant is no better that changes priorities alone: they order what waits in a queue, and whoever finds the
    queue full that all classes share does not come into it, whatever its class.
    """
    first, out = summary.groups[0], []
    for one in others:
        now, was = one.scenario.classes, first.scenario.classes
        alike = [[kind.model_copy(update={"priority": 0}) for kind in kinds] for kinds in (now, was)]
        is_alone = apart.differing(first, one) <= {"classes", "rules"} and alike[0] == alike[1] and now != was
        is_alone = is_alone and all(own.key.endswith("priority") for own in {*one.sets} ^ {*first.sets})
        most = one.scenario.hosts.queue_limit
        is_shared = all(math.isinf(kind.limit) for kind in one.scenario.classes)
        if is_alone and is_shared and math.isfinite(most) and one.mean("queue_peak") >= cliffs.FULL * most:
            places = "one request" if most == 1 else f"{show_count(most)} requests"
            text = f"“{one.variant}” changes priorities alone. These order what waits in the queue. But it is full: "
            text += f"it holds {places} of all classes, and whoever comes then does not get in, whatever its class. "
            text += "A limit of its own for each other class (classes.NAME.limit) keeps room."
            out.append(text)
    return out[:CLASSES_TOLD]
