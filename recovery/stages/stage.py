"""What a stage is: a name, columns, how it runs beside the stages before it, and what is measured of it.

One stage makes the traffic (`recovery.stages.traffic`: leases or jobs); the later ones follow it window by window, each
in a file of its own that ends in its `STAGE`. Which there are is listed once, in `recovery.stages.known`.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeVar

from recovery.model.scenario import Scenario
from recovery.statistics.arrays import Floats, Numbers, Whole

Row = dict[str, float | int | bool | str]
"""Measures by name (recovery.measures.register)."""

Lowered = Sequence[object]
"""Named tuples of numbers, as a kernel takes them."""


@dataclass(frozen=True)
class Column:
    """A column of a stage's table, and so of series.parquet: name with its unit last, and the kernel's number of it.

    A *flow* is what happened in a window, a *level* what was at its end, a *peak* the largest within it. `place` is
    None where it is computed from others, or made of several. `by_zone`: there is one for each zone, whose number
    follows the name. `is_asked`: only in runs whose scenario asks for it, as its meaning says.
    """

    name: str
    kind: Literal["flow", "level", "peak"]
    meaning: str
    place: int | None = None
    by_zone: bool = False
    is_asked: bool = False


def named(columns: Sequence[Column], series: Whole) -> dict[str, Whole]:
    """int64[windows] for each column that the kernel has, by name, from its series int64[windows, …]."""
    rows = list(series.T.copy())  # at once: a sweep of short runs asks for thirty columns in each of them
    return {one.name: rows[one.place] for one in columns if one.place is not None and not one.by_zone}


def named_by_zone(columns: Sequence[Column], series: Whole) -> dict[str, Whole]:
    """The same of the columns by zone, from int64[windows, zones, …], zone after zone."""
    own = [one for one in columns if one.place is not None and one.by_zone]
    return {f"{one.name}_{zone}": series[:, zone, one.place].copy() for zone in range(series.shape[1]) for one in own}


@dataclass(kw_only=True)
class Table:
    """What a stage gave: int64[windows] for each of its columns, by name."""

    columns: dict[str, Whole]

    def computed(self, scenario: Scenario) -> dict[str, Numbers]:  # noqa: ARG002
        """float64[windows] or int64[windows] for each column that is computed from others; none, for most."""
        return {}

    def works(self, scenario: Scenario) -> Floats | None:  # noqa: ARG002
        """float64[windows] from 0 to 1, what works of it, for the services that hang on it; None: it tells nothing."""
        return None

    def measures(self, scenario: Scenario, times_s: Floats) -> Row:  # noqa: ARG002
        """What is measured of it. `times_s` float64[windows] are the ends of the windows."""
        return {}


class StageRun(ABC):
    """A stage of one run. `advance` may be called with any rising windows, with the same bits.

    What it holds when it has started is all that enters it: its parameters, inputs, keys of draws, sizes, and the
    stages before that it takes from. So two that hold the same give the same, and one of them runs
    (recovery.simulate.reuse). What is no number, text, array, tuple, dataclass of such or stage is safe to hold, but
    then it runs each time.
    """

    @abstractmethod
    def advance(self, until: int) -> None:
        """Run the windows before `until`; all stages before this one have done so."""

    def forget(self, before: int) -> None:  # noqa: B027
        """Drop what the next stages have taken of the windows before this one."""

    @abstractmethod
    def table(self) -> Table:
        """What it gave, once all windows have run."""


P = TypeVar("P", bound=StageRun)


@dataclass
class Before:
    """What a stage that starts finds: the run, the leases of all windows, int64[zones, windows] of holders
    int64[zones], and the stages before it.
    """

    scenario: Scenario
    seed: int
    replication: int
    leased_by_zone: Whole
    holders_by_zone: Whole
    runs: list[StageRun] = field(default_factory=list)

    def run_of(self, kind: type[P]) -> P:
        """The stage before of this class. Raises ValueError if there is none."""
        for run in self.runs:
            if isinstance(run, kind):
                return run
        raise ValueError(f"no {kind.__name__} before; want the stages in the order of known.LATER")


class Act(NamedTuple):
    """What operators did, and when; in one zone, or (None) everywhere."""

    do: str
    at_s: float
    zone: int | None = None


class Cost(NamedTuple):
    """What a stage takes at most: bytes, events, processor seconds."""

    memory_bytes: float
    events: float
    cpu_s: float


class Stage(ABC):
    """A stage: it is there where the scenario has a table of its name. `table` is the class of what it gives, without
    which that is not kept from one run to the next. Which other tables must be there too the scenario checks.
    """

    name: str
    columns: tuple[Column, ...] = ()
    table: type[Table] = Table

    def is_in(self, scenario: Scenario) -> bool:
        """Whether a scenario has this stage."""
        return getattr(scenario, self.name, None) is not None

    def lowered(self, scenario: Scenario) -> Lowered:  # noqa: ARG002
        """What enters its kernel, which is part of a run's key."""
        return ()

    def actions(self, scenario: Scenario) -> list[Act]:  # noqa: ARG002
        """What operators do to it."""
        return []

    def cost(self, scenario: Scenario) -> Cost:  # noqa: ARG002
        """What it takes at most, its columns aside."""
        return Cost(0.0, 0.0, 0.0)


class Later(Stage):
    """A stage that follows the leases."""

    @abstractmethod
    def start(self, before: Before) -> StageRun:
        """The stage before its first window."""

    def feeds_back(self, scenario: Scenario) -> bool:  # noqa: ARG002
        """Whether a stage before this one takes something from it, so that all must run window by window."""
        return False
