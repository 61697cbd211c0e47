"""What leases and jobs have in common: the columns of the request kernel, and the measures of requests at hosts.

The traffic comes first in every run. It is made host by host, side by side (recovery.simulate.pipeline), and added up.
"""

import functools
import math
import operator
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from recovery_kernels import requests

from recovery.measures import effort, leased_curve, standing
from recovery.measures.histograms import middle_s, quantiles_s, sure_parts_of
from recovery.measures.register import TrafficName
from recovery.model.scenario import Scenario
from recovery.stages import baseline
from recovery.stages import host as hosts
from recovery.stages.doubt import Doubt
from recovery.stages.in_turn import InTurn
from recovery.stages.queueing import Begun
from recovery.stages.stage import Act, Column, Row, Stage, Table
from recovery.statistics.arrays import Floats, Numbers, Whole

Started = Sequence[Begun]
"""Actions of operators that a condition has set off."""

COLUMNS = (
    Column("submitted", "flow", "attempts of clients", requests.SUBMITTED),
    Column("rejected_throttle", "flow", "refused by an operator's throttle", requests.REJECTED_GATE),
    Column("rejected_admission", "flow", "refused by admission", requests.REJECTED_ADMISSION),
    Column("rejected_full", "flow", "refused by a full queue", requests.REJECTED_FULL),
    Column("rejected_down", "flow", "refused by a host that restarts", requests.REJECTED_DOWN),
    Column("dropped", "flow", "thrown out of the queue by its policy", requests.DROPPED),
    Column("lost", "flow", "lost in a restart", requests.LOST),
    Column("cancelled", "flow", "taken back by a client at its timeout", requests.CANCELLED),
    Column("succeeded", "flow", "finished well, somebody waited", requests.SUCCEEDED),
    Column("wasted", "flow", "finished well, nobody waited any more", requests.WASTED),
    Column("failed", "flow", "failed with the dependency", requests.FAILED),
    Column("timed_out", "flow", "given up by a client at its timeout", requests.TIMED_OUT),
    Column("established", "flow", "successes that made a lease, not renewed it", requests.ESTABLISHED),
    Column("arrived", "flow", "jobs that came", requests.ARRIVED),
    Column("gave_up", "flow", "jobs whose retries were used up", requests.GAVE_UP),
    Column("useful_work_ns", "flow", "work on answers somebody waited for", requests.USEFUL_NS),
    Column("wasted_work_ns", "flow", "work on answers nobody waited for", requests.WASTED_NS),
    Column("failed_work_ns", "flow", "work that failed with the dependency", requests.FAILED_NS),
    Column("overhead_work_ns", "flow", "work of saying no and dropping", requests.OVERHEAD_NS),
    Column("busy_ns", "flow", "time that workers were busy", requests.BUSY_SUM_NS),
    Column("idle_ns", "flow", "time that workers were idle", requests.IDLE_SUM_NS),
    Column("down_ns", "flow", "time that workers were down in a restart", requests.DOWN_SUM_NS),
    Column("queue", "level", "requests in the queues, abandoned ones too", requests.QUEUE),
    Column("oldest_ns", "level", "age of the oldest at any host; counted stale work has none", requests.OLDEST_NS),
    Column("leased", "level", "holders with a lease", requests.LEASED_END),
    Column("in_service", "level", "requests that workers work on", requests.IN_SERVICE),
    Column("asleep", "level", "clients between two attempts", requests.SLEEPING_END),
    Column("queue_max", "peak", "most in the queues, added up over hosts", requests.QUEUE_MAX),
    Column("oldest_max_ns", "peak", "the largest age at any host", requests.OLDEST_MAX_NS),
    Column("backlog_max", "peak", "most jobs without an answer, added up over hosts", requests.OPEN_MAX),
)  # fmt: skip
KINDS_OF_WORK = ("useful", "wasted", "failed", "overhead")  # columns useful_work_ns, …
WHY_REFUSED = ("throttle", "admission", "full", "down")  # columns rejected_throttle, …
EVENTS = ("submitted", "succeeded", "wasted", "failed", "timed_out")


@dataclass(kw_only=True)
class TrafficTable(Table):
    """What the hosts gave, added up (ages: the largest). All sums are of the whole fleet, also where only a sample of
    its hosts was simulated.

    `leased_by_zone` int64[zones, windows] of `holders_by_zone` int64[zones]; `sojourn` and `latency` histograms
    int64[requests.HISTOGRAM] of finished requests and of jobs; `unleased_ns`, time without a lease, over holders.
    `unleased_at_start` float64[hosts], holders when the dependency is back, and `weight` float64[hosts], for how many
    such as it a host stands: both 0 where it was not simulated. `fired` float64[n, 2]: numbers of the operators'
    actions that a condition set off, and when (s). `doubt`: how far the leased share may be off; None where all hosts
    were simulated.

    Of a scenario with classes, whose names are the keys, in their order: `sojourn_of` and `latency_of`, the histograms
    of each; of each class of holders `holders_of` int64[zones], `leased_of` int64[zones, windows], `unleased_ns_of`
    float64[1] and `unleased_at_start_of` float64[hosts]. Their columns are those of all with the class behind a dot:
    `leased.heartbeat`. Of the table of one class, `begun_of_class_ns` is its part of `begun_work_ns`.
    """

    leased_by_zone: Whole
    holders_by_zone: Whole
    sojourn: Whole
    latency: Whole
    unleased_ns: int
    unleased_at_start: Floats
    weight: Floats
    fired: Floats = field(default_factory=lambda: np.zeros((0, 2)))
    doubt: Doubt | None = None
    sojourn_of: dict[str, Whole] = field(default_factory=dict)
    latency_of: dict[str, Whole] = field(default_factory=dict)
    holders_of: dict[str, Whole] = field(default_factory=dict)
    leased_of: dict[str, Whole] = field(default_factory=dict)
    unleased_ns_of: dict[str, Floats] = field(default_factory=dict)
    unleased_at_start_of: dict[str, Floats] = field(default_factory=dict)
    begun_of_class_ns: Floats | None = None

    def actions(self, scenario: Scenario) -> list[Act]:
        """What operators did at the hosts, in order of time."""
        planned = [Act(action.do, action.at) for action in scenario.operator if action.at is not None]
        fired = [Act(scenario.operator[int(number)].do, at_s) for number, at_s in self.fired.tolist()]
        return sorted([*planned, *fired], key=lambda act: act.at_s)

    @functools.cached_property
    def holders(self) -> int:
        """Lease holders; 0 for jobs."""
        return int(self.holders_by_zone.sum())

    def leased_share(self) -> Floats:
        """float64[windows], share of holders with a lease."""
        return np.asarray(self.columns["leased"] / max(self.holders, 1))

    def backlog(self, end: str = "") -> Whole:
        """int64[windows], jobs that have neither succeeded nor given up; with an `end` of columns, those of a class."""
        flows = self.columns
        return np.asarray(np.cumsum(flows[f"arrived{end}"] - flows[f"succeeded{end}"] - flows[f"gave_up{end}"]))

    def begun_work_ns(self) -> Floats:
        """float64[windows], ns: what had been done by each window's end for requests that were still in service."""
        if self.begun_of_class_ns is not None:
            return self.begun_of_class_ns
        ended = functools.reduce(operator.add, (self.columns[f"{kind}_work_ns"] for kind in KINDS_OF_WORK))
        return np.maximum(np.cumsum(self.columns["busy_ns"] - ended, dtype=np.float64), 0.0)

    def computed_of_classes(self) -> dict[str, Numbers]:
        """Of each class the share of its holders that have a lease, or its jobs without an answer."""
        found: dict[str, Numbers] = {}
        for name in self.sojourn_of:
            if name in self.holders_of:
                found[f"leased_share.{name}"] = self.columns[f"leased.{name}"] / max(
                    int(self.holders_of[name].sum()), 1
                )
            else:
                found[f"backlog.{name}"] = self.backlog(f".{name}")
        return found

    def logical_events(self) -> int:
        """Submissions, finishes and deadlines."""
        return sum(self.totals(*EVENTS))

    def totals(self, *names: str) -> list[int]:
        """The sum of each of these columns; at once, as a row of results asks for a dozen."""
        found: list[int] = np.add.reduce([self.columns[name] for name in names], axis=1).tolist()
        return found

    def quantiles(self, histogram: Whole, name: str) -> Row:
        """Half and 99 % of a histogram of times: name_p50_s, name_p99_s."""
        half_s, most_s = quantiles_s(histogram, _starts_ns(), (0.5, 0.99))
        return {f"{name}_p50_s": half_s, f"{name}_p99_s": most_s}

    def standing(
        self,
        scenario: Scenario,
        times_s: Floats,
        missing: Numbers,
        *,
        most: float,
        normal: float,
        ttr99_s: float,
        is_served: bool,
        swing: float = math.inf,
    ) -> Row:
        """Verdict, drift and area of excess. `missing` wait, `normal` of them always; up to `most` is recovered.
        Who comes and goes by `swing` has not collapsed.
        """
        back, hold = scenario.recovers_from_s, scenario.hold
        stretch = standing.stretch_s(times_s, back, hold, cycle_s(scenario))
        state = standing.state(
            times_s, missing, self.columns["queue"], most=most, time_s=ttr99_s, is_served=is_served, hold_s=hold,
            stretch_s=stretch, swing=swing,
        )  # fmt: skip
        if back >= times_s[-1]:
            # The dependency is not back yet: nothing is known of the recovery.
            state = standing.State("recovering", math.nan, math.nan, False)
        return {**state._asdict(), "excess_hours": effort.excess_hours(times_s, missing, normal, back)}

    def work(self, scenario: Scenario, times_s: Floats, ttr99_s: float) -> Row:
        """Attempts, work and queues, during recovery and at their peaks, and times of requests at hosts."""
        flows, back, hold = self.columns, scenario.recovers_from_s, scenario.hold
        during = slice(*_during(scenario, times_s, ttr99_s))
        attempts, successes = (int(np.add.reduce(flows[name][during])) for name in ("submitted", "succeeded"))
        work = {
            kind: float(np.add.reduce(flows[f"{kind}_work_ns"][during], dtype=np.float64))  # int64 might not hold it
            for kind in KINDS_OF_WORK
        }
        if scenario.host.hangs and 0 < during.start < during.stop:
            # Who hung until the return ends after it. Not the hours on a worker, only what is done from then on is work
            # of the recovery. As these end first, what ends until so much work has ended tells what became of them.
            before_ns = float(self.begun_work_ns()[during.start - 1])
            ended = {kind: np.cumsum(flows[f"{kind}_work_ns"][during], dtype=np.float64) for kind in work}
            until = int(np.searchsorted(functools.reduce(operator.add, ended.values()), before_ns))
            most_of = max(work, key=lambda kind: float(ended[kind][: until + 1][-1]))
            work[most_of] = max(work[most_of] - before_ns, 0.0)
        all_work = functools.reduce(operator.add, work.values())  # sum() rounds otherwise from Python 3.12 on
        half, most, last = sure_parts_of(self.sojourn, (0.5, 0.99, 1.0), self._without_time(scenario))
        return {
            "amplification": attempts / successes if successes else math.inf,
            "amplification_peak": effort.amplification_peak(
                times_s, flows["submitted"], flows["succeeded"], back, hold
            ),
            "wasted_share": work["wasted"] / max(all_work, 1.0),
            "queue_peak": int(flows["queue_max"].max(initial=0)),
            "oldest_peak_s": float(flows["oldest_max_ns"].max(initial=0) / 1e9),
            "sojourn_p50_s": middle_s(_starts_ns(), half),
            "sojourn_p99_s": middle_s(_starts_ns(), most),
            "sojourn_max_s": math.nan if last is None else float(_starts_ns()[last]) / 1e9,
            **baseline.measures(scenario, times_s, flows),
        }

    def denied_of_return(self, scenario: Scenario, times_s: Floats, ttr99_s: float) -> float:
        """Share of the attempts that was refused, over the time of `amplification`."""
        during = slice(*_during(scenario, times_s, ttr99_s))
        denied = sum(int(self.columns[f"rejected_{why}"][during].sum()) for why in WHY_REFUSED)
        return denied / max(int(self.columns["submitted"][during].sum()), 1)

    def _without_time(self, scenario: Scenario) -> int:
        """Finished requests of which only the number is known (MODEL.md, section 13, stale work), not their time."""
        if not scenario.rules:
            return 0
        return max(sum(self.totals("succeeded", "wasted", "failed")) - int(self.sojourn.sum()), 0)

    def by_rules(self, scenario: Scenario, times_s: Floats) -> Row:
        """What is measured only where a scenario uses rules of part two of the model."""
        if not scenario.rules:
            return {}
        row: Row = {}
        if "crashes" in self.columns:  # a host dies with all its classes
            row["crashes"] = int(self.columns["crashes"].sum())
        if self.holders:
            reached = leased_curve.reached_by(self.columns["leased_server"] / self.holders)
            back = scenario.recovers_from_s
            times = leased_curve.times_to_recovery_s(times_s, reached, back, scenario.hold)
            row |= {"ttr99_server_s": times["ttr99_s"], "sessions_ended": int(self.columns["sessions_ended"].sum())}
        return row

    def denials(self) -> Row:
        """What was refused, of all attempts, and how much was simulated."""
        found = self.totals(*EVENTS, *(f"rejected_{why}" for why in WHY_REFUSED))
        events, refused = found[: len(EVENTS)], found[len(EVENTS) :]
        denied = sum(refused)
        return {
            "denied": denied,
            "denied_share": denied / max(events[EVENTS.index("submitted")], 1),
            "logical_events": sum(events),
        }


@functools.cache
def _starts_ns() -> Floats:
    """Least times (ns) of the parts of a histogram."""
    return np.asarray(requests.part_start_ns(np.arange(requests.HISTOGRAM)))


def _during(scenario: Scenario, times_s: Floats, ttr99_s: float) -> list[int]:
    """The first of the windows in which leases or jobs come back, until 99 % are (or the run ends), one at least; and
    the first after them.
    """
    back = scenario.recovers_from_s
    end = back + ttr99_s if math.isfinite(ttr99_s) else math.inf
    found: list[int] = times_s.searchsorted((back, max(end, back + scenario.coupling.window)), side="right").tolist()
    return found


def cycle_s(scenario: Scenario) -> float:
    """How long a client waits for one try and until the next; with leases a round of their checks, if longer."""
    pause = scenario.policy.client.lower().longest_s
    checks = scenario.lease.check_every if scenario.lease is not None else 0.0
    return max(scenario.host.timeout.mean_s() + pause, checks)


class Traffic(Stage):
    """What makes requests at hosts: a host is a pure function of scenario, seed, replication and number. Its table is
    made of the sums over hosts.
    """

    name: TrafficName
    table: type[TrafficTable]

    @functools.cached_property
    def width(self) -> int:
        """Columns of a host's series."""
        return 1 + max(one.place for one in self.columns if one.place is not None)

    @abstractmethod
    def start(self, scenario: Scenario, seed: int, replication: int, host: int, holders: int) -> hosts.Running:
        """A host before its first event; `holders` are its own (0 for jobs). No action that waits for a condition has
        begun.
        """

    def in_turn(
        self,
        scenario: Scenario,  # noqa: ARG002
        seed: int,  # noqa: ARG002
        replication: int,  # noqa: ARG002
        some: Sequence[tuple[int, int]],  # noqa: ARG002
        edge: int,  # noqa: ARG002
    ) -> InTurn | None:
        """Some hosts, number and holders of each, before their first events, which run one after the other in one call;
        None where each has to run alone. `edge` as in `in_turn.start`.
        """
        return None

    @abstractmethod
    def set_off(self, run: hosts.Running, scenario: Scenario, host: int, started: Started) -> None:
        """Let the actions begin that a condition has set off: all of them, by place, and when (s)."""
