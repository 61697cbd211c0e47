"""What a table of services gave: a state a service over time, and how a path leads to it.

All is on the grid of the run: `depth` float64[windows] is the share of a service's work that is not done, or late, in
each window.
"""

import functools
import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from pydantic import JsonValue

from recovery.model.services import Service, ServiceTable
from recovery.stages.stage import Act

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int32]
OWN, NOBODY = -1, -2  # in place of the number of a need: the service itself; it is not impaired
MANUAL, BACKLOG, CAPACITY, LAG = "manual step", "backlog", "capacity", "lag"
OF_ITS_OWN = (MANUAL, BACKLOG, CAPACITY, LAG)  # kinds of work that a service waits for where no other is in trouble
PATH_MAX = 60  # names of a path that are told: more are left out in its middle


@dataclass
class State:
    """One service over time.

    `edge` int32[windows] is the number of the need that decides, OWN or NOBODY; `waits_on` the number of the service
    that it waits for, OWN if it waits for its own work, NOBODY; `waits_for` the number of the label of what the end of
    that chain is busy with. `backlog_s` is work that waits at each window's end, in time of arrivals; `missing_share`
    instances that are lost.
    """

    depth: Floats
    edge: Numbers
    waits_on: Numbers
    waits_for: Numbers
    backlog_s: Floats | None = None
    lost_s: float = 0.0
    missing_share: Floats | None = None

    @functools.cached_property
    def is_impaired(self) -> Flags:
        """bool[windows]."""
        return np.asarray(self.depth > 0)

    @functools.cached_property
    def is_quiet(self) -> bool:
        """Whether it is never impaired."""
        return not self.is_impaired.any()

    @functools.cached_property
    def lost_windows(self) -> np.float64:
        """Depth over time, in windows."""
        return np.float64(self.depth.sum())

    @functools.cached_property
    def first_edge(self) -> int:
        """The need that decided when it became impaired first; NOBODY if it never was."""
        return NOBODY if self.is_quiet else int(self.edge[int(np.argmax(self.is_impaired))])

    def is_same(self, other: "State") -> bool:
        """Whether everything about it is the same."""
        if self is other:
            return True
        pairs: list[tuple[Floats | Numbers | None, Floats | Numbers | None]] = [
            (self.depth, other.depth), (self.edge, other.edge), (self.waits_on, other.waits_on),
            (self.waits_for, other.waits_for), (self.backlog_s, other.backlog_s),
            (self.missing_share, other.missing_share),
        ]  # fmt: skip
        alike = (a is b or (a is not None and b is not None and np.array_equal(a, b)) for a, b in pairs)
        return self.lost_s == other.lost_s and all(alike)


@dataclass
class ServicesOutcome:
    """What a table of services gave, on a grid of `window_s`: a state a service, and what was put in."""

    table: ServiceTable
    window_s: float
    windows: int
    own: dict[str, Floats]  # float64[windows]: trouble of a service's own
    free: dict[str, Flags]  # bool[windows]: where that had no cause in the graph
    given: frozenset[str]  # services whose own trouble is given, not simulated
    states: dict[str, State] = field(default_factory=dict)
    actions: list[Act] = field(default_factory=list)
    variant: str = ""
    levers: dict[str, JsonValue] = field(default_factory=dict)
    replication: int = 0
    gone: frozenset[tuple[str, str]] = frozenset()  # edges that are cut: from, to
    forced: dict[str, Floats] = field(default_factory=dict)  # depths that are put in place of what follows
    _known_heads: dict[str, tuple[list[str], int]] | None = field(default=None, init=False, compare=False)
    has_collapsed: bool = False  # whether the run behind it did
    ran: int | None = None  # windows of the run behind it; None if there is none
    failover_s: float = math.nan  # when the run first takes a zone out; nan if it has no health checks

    def impaired(self, name: str) -> list[tuple[float, float]]:
        """Times [from, to) in seconds in which a service is impaired; inf where the horizon cuts one off."""
        return spans(self.states[name].is_impaired, self.window_s)

    def minutes_lost(self, name: str) -> float:
        """Depth over time, in minutes."""
        return float(self.states[name].lost_windows * self.window_s / 60)

    def total_min(self) -> float:
        """Minutes lost by all services."""
        return math.fsum(self.minutes_lost(name) for name in self.states)

    def is_lost(self, name: str) -> bool:
        """Whether a service that is impaired at the end waits for what has collapsed. One that waits for work of its
        own, a backlog or a step by hand, comes to the end of it, and so may one behind what did not collapse.
        """
        if not self.has_collapsed:
            return False
        return labels(self.table)[int(self.states[name].waits_for[-1])] not in OF_ITS_OWN

    def path(self, name: str) -> list[str]:
        """The services from a root cause to this one, at the moment at which each becomes impaired first. Of more than
        PATH_MAX the middle is left out, and told in a word.
        """
        half = PATH_MAX // 2
        tail = [name]
        while len(tail) < half and (before := self._cause(tail[0])) is not None:
            tail.insert(0, before)
        if (before := self._cause(tail[0])) is None:
            return tail
        head, length = self._heads()[before]
        between = length - len(head)
        return [*head, *([f"… {between} more …"] if between else []), *tail]

    def _cause(self, name: str) -> str | None:
        """The service that made this one impaired first; None if it was itself, or never was."""
        number = self.states[name].first_edge
        return self.table.services[name].needs[number].on if number >= 0 else None

    def _heads(self) -> dict[str, tuple[list[str], int]]:
        """Of each service the first half of its path, and how long that is: all of them in one walk over the graph."""
        if self._known_heads is None:
            found: dict[str, tuple[list[str], int]] = {}
            for name in self.table.order:
                before = self._cause(name)
                head, length = ([], 0) if before is None else found[before]
                found[name] = ([*head, name] if length < PATH_MAX // 2 else head, length + 1)
            self._known_heads = found
        return self._known_heads

    def chain(self, name: str, k: int) -> list[str]:
        """Whom a service waits for in window k, and that one in its turn, to the end of the chain, or as far as
        PATH_MAX.
        """
        names = self.table.names
        out = [name]
        while (number := int(self.states[out[-1]].waits_on[k])) >= 0:
            if len(out) == PATH_MAX:
                return [*out, "…"]
            out.append(names[number])
        return out


def labels(table: ServiceTable) -> list[str]:
    """What services can be waiting for: each stage, each service with given trouble, and four kinds of own work."""
    own = [label_of(name, service) for name, service in table.services.items()]
    return list(dict.fromkeys([*own, *OF_ITS_OWN]))


def label_of(name: str, service: Service) -> str:
    """What others wait for while a service has trouble of its own: its stage, else its name for people."""
    return service.stage or service.label or name


def spans(is_so: Flags, window_s: float) -> list[tuple[float, float]]:
    """Times [from, to) of the runs of a bool[windows]; to is inf where the last window is one."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], is_so, [False])).astype(np.int8))).reshape(-1, 2)
    return [(a * window_s, b * window_s if b < len(is_so) else math.inf) for a, b in edges.tolist()]
