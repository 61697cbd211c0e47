"""Runs of one experiment that have the same hosts: these run once, and the work to be done is counted accordingly."""

from collections.abc import Sequence

from recovery.simulate import pipeline, reuse
from recovery.simulate.reuse import Known
from recovery.stages import known as stages


class Alike:
    """Runs that have the same hosts: key of these (None: not known to be the same as any), and the tasks by place."""

    def __init__(self, key: str | None) -> None:
        self.key = key
        self.tasks: dict[int, pipeline.Task] = {}
        self.found: pipeline.Outcome | None = None

    @property
    def first(self) -> pipeline.Task:
        """Whose hosts run."""
        return next(iter(self.tasks.values()))


def together(tasks: Sequence[pipeline.Task], known: Known | None) -> list[Alike]:
    """The tasks, those with the same hosts together, in the order of the first of each."""
    groups: dict[str | int, Alike] = {}
    for place, task in enumerate(tasks):
        key = None if known is None else reuse.key_of_hosts(task)
        groups.setdefault(place if key is None else key, Alike(key)).tasks[place] = task
    for one in groups.values():
        one.found = None if known is None else reuse.hosts_of(one.first, one.key, known)
    return list(groups.values())


def work_of(groups: Sequence[Alike]) -> float:
    """What is to be simulated, in hosts: the later stages of a run count as much as its hosts."""
    hosts = sum(pipeline.simulated_hosts(one.first[0].scenario) for one in groups if one.found is None)
    return hosts + sum(work_later(task) for one in groups for task in one.tasks.values())


def work_later(task: pipeline.Task) -> int:
    """What the later stages of a run count, in hosts."""
    scenario = task[0].scenario
    return pipeline.simulated_hosts(scenario) if stages.later_of(scenario) else 0
