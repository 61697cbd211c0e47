"""Every measure that a row of results can have, once: its name, kind and stage, where it may be asked for, and in words
what it is. A leaf; what computes them stands beside it and in the stages.

A measure is added by one row of TABLE and one function: tables, [expect], [[observed]], pages and docs follow.
"""

import functools
import math
from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Final, Literal

COLUMNS_VERSION = 1
"""Of the names and meanings of columns of tables and of measures. Raise it when one goes, or means another thing."""

Kind = Literal["time", "milestone", "share", "number", "count", "flag", "text"]
"""What a value is: a *time* lasts; a *milestone* is a moment, from the start (0: always, inf: never, nan: not
measured); a *share* is from 0 to 1; a *count* is whole, a *number* need not be; a *flag* is true or false.
"""

TrafficName = Literal["leases", "jobs"]
LEASES: Final = "leases"
JOBS: Final = "jobs"
"""What makes requests at the hosts of a run: holders that renew leases, or jobs that come. Each run has one of them."""

ALL: Final = "all"
TRAFFIC = (ALL, LEASES, JOBS)
"""Stages of which one is always there: of leases, of jobs, of whichever it is. All others are tables of a scenario."""

UNITS = {"_per_s": "1/s", "_s": "s", "_ns": "ns", "_share": "share", "_hours": "h", "_minutes": "min"}
_UNITS_OF: dict[Kind, tuple[str, ...]] = {
    "time": ("s",), "milestone": ("s",), "share": ("share",), "number": ("", "1/s", "h", "min"), "count": ("",),
    "flag": ("",), "text": ("",),
}  # fmt: skip


def unit_of(name: str) -> str:
    """The unit that a name ends with: "s" of `ttr99_s`, "share" of `denied_share`; "" for a count or a ratio."""
    return next((unit for end, unit in UNITS.items() if without_class(name).endswith(end)), "")


def without_class(name: str) -> str:
    """The name of a measure without the class that it is of: "ttr99_s" of `ttr99_s.heartbeat`."""
    return name.partition(".")[0]


def class_of(name: str) -> str:
    """The class that a measure is of: "heartbeat" of `ttr99_s.heartbeat`; "" where it is of all."""
    return name.partition(".")[2]


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One measure of one stage. The same name may be a measure of leases and one of jobs, with words of its own.

    `is_expected`: [expect] may bound it. `is_shown`: it is a column of its stage's table on a page. `is_recovery`: a
    time or milestone from which on all is well, so a sweep may be decided by it. `is_onset`: a milestone at which
    something begins, not ends. `is_harm`: policies are compared by it beside their time; `axis` then is what a picture
    writes beside it. `before`: known to nobody but the last host, so a sample of the hosts tells this one at most.
    `table`: the later stage that it needs though it is not that stage's own. `may_be_negative`: a number below 0 is no
    fault of the interval. `of_rules`: only scenarios with rules of part two of the model have it. `of_renewals`: only
    those in which counts of renewals tell who is overdue (`Scenario.overdue_after_s`). `of_class`: where a scenario has
    classes, each has one of its own, named with it: `ttr99_s.heartbeat`.
    Raises ValueError where the name does not end in its kind's unit.
    """

    name: str
    kind: Kind
    stage: str
    title: str
    meaning: str
    is_expected: bool = False
    is_shown: bool = False
    is_recovery: bool = False
    is_onset: bool = False
    is_harm: bool = False
    axis: str = ""
    before: str = ""
    table: str = ""
    may_be_negative: bool = False
    of_rules: bool = False
    of_renewals: bool = False
    of_class: bool = False

    def __post_init__(self) -> None:
        if self.unit not in _UNITS_OF[self.kind]:
            wanted = " or ".join(repr(unit) for unit in _UNITS_OF[self.kind])
            raise ValueError(f"{self.name} has the unit {self.unit!r} by its name; want {wanted} for a {self.kind}")

    @property
    def unit(self) -> str:
        """Its unit, as its name ends."""
        return unit_of(self.name)

    @property
    def needs(self) -> str:
        """The later stage's table that a scenario must have; "" if it needs none."""
        return self.table or ("" if self.stage in TRAFFIC else self.stage)

    @property
    def is_milestone(self) -> bool:
        """Whether it is a moment of the whole experiment."""
        return self.kind == "milestone"

    @property
    def is_observed(self) -> bool:
        """Whether [[observed]] may be compared with it: a moment, or a time that ends at one (`moments.moment_s`)."""
        return self.is_milestone or self.name in DEPTHS

    @property
    def form(self) -> Literal["time", "share", "number"]:
        """How its values are written: as durations, in per cent, or as plain numbers."""
        if self.kind in ("time", "milestone"):
            return "time"
        return "share" if self.kind == "share" else "number"

    @property
    def limits(self) -> tuple[float, float]:
        """Least and most that it can be, as intervals take it: shares lie in [0, 1], all others at or above 0."""
        return limits_of(self.name)


DEPTHS = {"ttr50_s": 0.50, "ttr90_s": 0.90, "ttr99_s": 0.99, "ttr100_s": 1.00}
"""Of the times to recovery: the share that is back then."""
ROUNDING = 1e-12  # a share may miss its depth by so much
DENIED = "denied_share"
DENIED_OF_RETURN = "denied_return_share"
"""The same share over the time of `amplification`, which no healthy time after it dilutes: known of the runs of a
variant together (`run_record.Group`), not of one."""


@functools.cache
def again_of(name: str) -> str:
    """The measure that takes the place of a time to recovery where its share is lost only after `hold`:
    "ttr99_again_s.heartbeat" of "ttr99_s.heartbeat".
    """
    return _beside(name, "again")


@functools.cache
def last_of(name: str) -> str:
    """The measure that judges in the place of a time to recovery where its share is lost once more:
    "ttr99_last_s.heartbeat" of "ttr99_s.heartbeat".
    """
    return _beside(name, "last")


def _beside(name: str, which: str) -> str:
    own = without_class(name)
    return name.replace(own, f"{own.removesuffix('_s')}_{which}_s", 1)


def _depths() -> list[Measure]:
    """Times to recovery of leases and of jobs, and what goes with each."""
    same = {90: "the same for 90 %", 99: "the same for 99 %: the main measure", 100: "the same for all"}
    depths = [round(100 * share) for share in DEPTHS.values()]
    words = (
        (LEASES, "back", "time until half of the holders have a lease and keep it for `hold`"),
        (JOBS, "cleared", "time until half of the jobs without an answer have one or gave up, for good"),
    )
    times = [
        Measure(
            name=f"ttr{depth}_s", kind="time", stage=stage, title=f"{depth} % {back}", meaning=same.get(depth, half),
            is_expected=True, is_shown=True, is_recovery=True, of_class=True,
            before="ttr99_s" if depth == 100 and stage == LEASES else "",
        )
        for stage, back, half in words for depth in depths
    ]  # fmt: skip
    lost = [
        Measure(
            name=f"ttr{depth}_lost_s", kind="time", stage=ALL, title=f"{depth} % lost again",
            meaning=f"time until the share of ttr{depth}_s was next lost; never: it held to the horizon", of_class=True,
        )
        for depth in depths
    ]  # fmt: skip
    again = [
        Measure(
            name=again_of(f"ttr{depth}_s"), kind="time", stage=LEASES, title=f"{depth} % back again",
            meaning=f"only if {depth} % had a lease as the clock started and kept it for `hold`, but lost it later: "
            f"time until they were back for good. Such a run is judged and ranked by it instead of ttr{depth}_s",
            of_class=True,
        )
        for depth in depths
    ]  # fmt: skip
    last = [
        Measure(
            name=last_of(f"ttr{depth}_s"), kind="time", stage=LEASES, title=f"{depth} % back for the last time",
            meaning=f"only if {depth} % were back and were lost once more, not by another outage: time until they were "
            f"back for the last time. Such a run is judged and ranked by it instead of ttr{depth}_s",
            of_class=True,
        )
        for depth in depths
    ]  # fmt: skip
    ends = [
        Measure(
            name=f"ttr{depth}_{end}_s", kind="time", stage=LEASES, title=f"{depth} % back, {end} end",
            meaning=f"{end} end of the interval (95 %) of ttr{depth}_s where only a sample of the hosts is simulated: "
            f"when the {edge} edge of the band gets there",
        )
        for depth in depths for end, edge in (("low", "upper"), ("high", "lower"))
    ]  # fmt: skip
    reasons = [
        Measure(
            name=f"ttr{depth}_no_interval", kind="text", stage=LEASES, title=f"{depth} % back, no interval",
            meaning=f"why a sample of the hosts gives ttr{depth}_s no interval; empty if it has one",
        )
        for depth in depths
    ]  # fmt: skip
    return [*times, *lost, *again, *last, *ends, *reasons]


TABLE: tuple[Measure, ...] = (
    Measure(
        name="recovers_from_s", kind="time", stage=ALL, title="clock starts",
        meaning="from where times of recovery are counted, from the start: the dependency is back for good",
    ),
    *_depths(),
    Measure(
        name="ttr99_server_s", kind="time", stage=LEASES, of_class=True, title="99 % back at the server",
        meaning="time until 99 % of the holders have a lease as the server sees it, for good; this counts leases whose "
        "answer came too late for the client",
        is_expected=True, of_rules=True,
    ),
    Measure(
        name="sessions_ended", kind="count", stage=LEASES, of_class=True, title="sessions ended",
        meaning="sessions that restarts, crashes and operators ended, and leases with them", is_expected=True,
        of_rules=True,
    ),
    Measure(
        name="overdue_peak", kind="count", stage=LEASES, title="most overdue", is_expected=True,
        of_renewals=True,
        meaning="most holders, at one time, whose last renewal was longer ago than `fleet.overdue_after`: at least so "
        "many; measured only where leases are alike and a late renewal costs none",
    ),
    Measure(
        name="ttr_renewed_s", kind="time", stage=LEASES, title="all renewed", is_expected=True, is_recovery=True,
        of_renewals=True,
        meaning="time until each holder has renewed since the dependency's last return: at most this long, and inf "
        "where counts of renewals tell no latest time (answers and tables tell the earliest, too); measured where "
        "`overdue_peak` is",
    ),
    Measure(
        name="crashes", kind="count", stage=ALL, title="crashes",
        meaning="times that hosts died of their load", is_expected=True, of_rules=True,
    ),
    Measure(
        name="efficiency", kind="number", stage=LEASES, title="efficiency",
        meaning="fluid bound (least time, if no work were wasted) over time to 99 %; 1 is the best",
        is_expected=True, is_shown=True,
    ),
    Measure(
        name="fluid_bound_s", kind="time", stage=LEASES, title="fluid bound",
        meaning="least time in which 99 % could have a lease if no work were wasted, of those who have none as the "
        "clock of recovery starts; where sessions end then, as its first window ends, when some have one again",
    ),
    Measure(
        name="amplification", kind="number", stage=ALL, of_class=True, title="attempts a success",
        meaning="attempts for each success, from the dependency's return until 99 % are back (or the run ends), over a "
        "window at least", is_expected=True, is_shown=True,
    ),
    Measure(
        name="amplification_peak", kind="number", stage=ALL, title="most attempts a success",
        meaning="the most over any stretch of `hold` after the dependency's return", is_expected=True,
    ),
    Measure(
        name="ttr_load_s", kind="time", stage=ALL, title="load as before",
        meaning="time until the load (attempts a second) is up to `baseline.within` above its level before, for good",
        is_expected=True, is_recovery=True, table="baseline",
    ),
    Measure(
        name="ttr_response_s", kind="time", stage=ALL, title="response as before",
        meaning="the same of the response time: what requests spend at the hosts on average",
        is_expected=True, is_recovery=True, table="baseline",
    ),
    Measure(
        name="load_peak", kind="number", stage=ALL, title="most load",
        meaning="the most load over its level before the disturbance", is_expected=True, table="baseline",
    ),
    Measure(
        name="response_peak", kind="number", stage=ALL, title="longest response",
        meaning="the longest response time over its level before the disturbance", is_expected=True, table="baseline",
    ),
    Measure(
        name="load_excess", kind="number", stage=ALL, title="attempts in excess",
        meaning="attempts above the level before, from the disturbance to the horizon: the area of excess",
        is_expected=True, table="baseline",
    ),
    Measure(
        name="wasted_share", kind="share", stage=ALL, of_class=True, title="wasted work",
        meaning="share of the work done for answers nobody waited for, over the time of `amplification`; of requests "
        "that hang, only what is done after the return",
        is_expected=True, is_shown=True, is_harm=True, axis="work for answers nobody waited for",
    ),
    Measure(
        name="served_share", kind="share", stage=JOBS, of_class=True, is_expected=True, title="jobs served",
        meaning="share of all jobs that succeeded",
        is_shown=True,
    ),
    Measure(
        name="backlog_peak", kind="count", stage=JOBS, of_class=True, is_expected=True, title="largest backlog",
        meaning="most jobs without an answer at one time; of several hosts their peaks in one window, added up",
        is_shown=True,
    ),
    Measure(
        name="backlog_end", kind="count", stage=JOBS, of_class=True, is_expected=True, title="backlog at the end",
        meaning="jobs without an answer at the horizon",
    ),
    Measure(
        name="excess_hours", kind="number", stage=JOBS, of_class=True, title="excess job hours",
        meaning="hours times the jobs without an answer above the normal", is_expected=True, is_shown=True,
    ),
    Measure(
        name="queue_peak", kind="count", stage=ALL, of_class=True, title="longest queue",
        meaning="most requests that waited at one time; of several hosts their peaks in one window, added up",
        is_expected=True, is_shown=True,
    ),
    Measure(
        name="oldest_peak_s", kind="time", stage=ALL, of_class=True, title="oldest request",
        meaning="the longest that the oldest request of a queue had waited at any time; those of which only the number "
        "is known (MODEL.md, section 13, stale work) have no age",
    ),
    Measure(
        name="sojourn_p50_s", kind="time", stage=ALL, of_class=True, title="time at a host, 50 %",
        meaning="time from a request's arrival to its finish, of half of the finished ones, wasted ones too; not "
        "measured where it could hang on requests of which only the number is known (MODEL.md, section 13, stale work)",
        is_expected=True,
    ),
    Measure(
        name="sojourn_p99_s", kind="time", stage=ALL, of_class=True, title="time at a host, 99 %",
        meaning="the same of 99 %",
        is_expected=True,
    ),
    Measure(
        name="sojourn_max_s", kind="time", stage=ALL, of_class=True, title="time at a host, longest",
        meaning="the longest of them",
        is_expected=True,
    ),
    Measure(
        name="latency_p50_s", kind="time", stage=JOBS, of_class=True, is_expected=True, title="latency, 50 %",
        meaning="time from a job's first attempt to its success, of half of the successes",
    ),
    Measure(
        name="latency_p99_s", kind="time", stage=JOBS, of_class=True, is_expected=True, title="latency, 99 %",
        meaning="time from a job's first attempt to its success, of 99 % of the successes", is_shown=True,
    ),
    Measure(
        name="gave_up", kind="count", stage=JOBS, of_class=True, is_expected=True, title="gave up",
        meaning="jobs whose retries were used up",
    ),
    Measure(
        name="unleased_holder_hours", kind="number", stage=LEASES, of_class=True, title="hours without a lease",
        meaning="hours without a lease, over all holders",
        is_expected=True, is_shown=True, is_harm=True, axis="hours without a lease, all holders",
    ),
    Measure(
        name="excess_hours", kind="number", stage=LEASES, of_class=True,
        title="hours without a lease, after the return",
        meaning="the same from the dependency's return to the horizon", is_expected=True, is_shown=True,
    ),
    Measure(
        name="relapses", kind="count", stage=LEASES, of_class=True, title="relapses",
        meaning="how often fewer than 80 % had a lease after 90 % had been back", is_expected=True,
    ),
    Measure(
        name="leased_min_share", kind="share", stage=LEASES, of_class=True, title="least leased",
        meaning="least share of the holders that had a lease at a window's end",
    ),
    Measure(
        name="leased_end_share", kind="share", stage=LEASES, of_class=True, title="leased at the end",
        meaning="share of the holders that has a lease at the horizon",
    ),
    Measure(
        name="decline_ends_s", kind="milestone", stage=LEASES, title="decline ends",
        meaning="when the leased share has fallen to within a point of its least value", is_onset=True,
    ),
    Measure(
        name="progress_from_s", kind="milestone", stage=LEASES, title="progress from",
        meaning="when the leased share leaves that lowest level for good", is_onset=True,
    ),
    Measure(
        name="leased_all_s", kind="milestone", stage=LEASES, title="all leased", meaning="when all have a lease again",
        before="leases_normal_s",
    ),
    Measure(
        name="leases_normal_s", kind="milestone", stage=LEASES, title="leases (99 %)",
        meaning="when 99 % have their leases again", is_expected=True, is_recovery=True,
    ),
    Measure(
        name="verdict", kind="text", stage=ALL, of_class=True, title="verdict",
        meaning="recovered, recovering or collapsed",
    ),
    Measure(
        name="collapsed_share", kind="share", stage=ALL, title="collapsed",
        meaning="share of the runs that collapsed (of all runs of a variant, not of one)", is_expected=True,
    ),
    Measure(
        name="empty_at_s", kind="time", stage=ALL, title="would be empty",
        meaning="when nothing would wait any more, from the start, if the queue went on falling as it does at the "
        "horizon; only of a run that is recovering",
    ),
    Measure(
        name="drift_per_s", kind="number", stage=ALL, of_class=True, title="drift",
        meaning="how fast the queue grows over the last stretch; below 0: it falls; none once all is back",
        is_expected=True, may_be_negative=True,
    ),
    Measure(
        name="is_near_cliff", kind="flag", stage=ALL, title="near a cliff",
        meaning="whether another run may end elsewhere, so that one run is chance",
    ),
    Measure(
        name="denied", kind="count", stage=ALL, of_class=True, title="refused",
        meaning="attempts that were refused, whatever refused them",
    ),
    Measure(
        name="denied_share", kind="share", stage=ALL, of_class=True, title="refused",
        meaning="share of the attempts of the whole run, to its horizon, that were refused",
        is_expected=True, is_harm=True, axis="attempts of the whole run that were refused",
    ),
    Measure(
        name="logical_events", kind="count", stage=ALL, title="events",
        meaning="submissions, finishes and deadlines that were simulated",
    ),
    Measure(
        name="launches_fail_s", kind="milestone", stage="launches", title="launches fail",
        meaning="when fewer than half of the attempts are accepted, for `hold`", is_expected=True, is_onset=True,
    ),
    Measure(
        name="launches_resume_s", kind="milestone", stage="launches", title="launches resume",
        meaning="when half of the attempts are accepted again, for `hold`", is_expected=True,
    ),
    Measure(
        name="launches_normal_s", kind="milestone", stage="launches", title="launches",
        meaning="when 99 % of the attempts are accepted again, for good", is_expected=True, is_recovery=True,
    ),
    Measure(
        name="launches_asked", kind="count", stage="launches", title="asked",
        meaning="launches that customers wanted, and those of terminated instances", is_shown=True,
    ),
    Measure(
        name="launches_accepted", kind="count", stage="launches", title="accepted",
        meaning="launches that were accepted", is_shown=True,
    ),
    Measure(
        name="launches_throttled_share", kind="share", stage="launches", title="limit exceeded",
        meaning="share of the attempts that the request throttle denied", is_expected=True, is_shown=True,
    ),
    Measure(
        name="launches_insufficient_share", kind="share", stage="launches", title="no capacity",
        meaning="share of the attempts that found no leased holder", is_expected=True, is_shown=True,
    ),
    Measure(
        name="launches_gave_up", kind="count", stage="launches", title="gave up",
        meaning="launches whose customers tried no more", is_shown=True,
    ),
    Measure(
        name="launches_asleep_peak", kind="count", stage="launches", title="customers waiting",
        meaning="most customers between two attempts at one time", is_expected=True, is_shown=True,
    ),
    Measure(
        name="changes_waiting_peak", kind="count", stage="launches", title="changes waiting",
        meaning="most changes that waited for a lease at one time", is_expected=True, is_shown=True,
    ),
    Measure(
        name="latency_rises_s", kind="milestone", stage="propagation", title="latency rises",
        meaning="when the mean latency of a window's launches is above `normal_latency`, for `hold`",
        is_expected=True, is_onset=True,
    ),
    Measure(
        name="latency_normal_s", kind="milestone", stage="propagation", title="propagation",
        meaning="when it is no longer above that, for good", is_expected=True, is_recovery=True,
    ),
    Measure(
        name="propagation_jobs", kind="count", stage="propagation", title="jobs",
        meaning="accepted launches and changes", is_shown=True,
    ),
    Measure(
        name="reach_p50_s", kind="time", stage="propagation", title="latency, 50 %",
        meaning="time from an accepted launch to the reachable instance, of half", is_expected=True, is_shown=True,
    ),
    Measure(
        name="reach_p99_s", kind="time", stage="propagation", title="latency, 99 %", meaning="the same of 99 %",
        is_expected=True, is_shown=True,
    ),
    Measure(
        name="reach_max_s", kind="time", stage="propagation", title="longest", meaning="the longest of them",
        is_expected=True, is_shown=True,
    ),
    Measure(
        name="jobs_waiting_peak", kind="count", stage="propagation", title="longest queue",
        meaning="most jobs in the queues at one time", is_expected=True, is_shown=True,
    ),
    Measure(
        name="jobs_refused_share", kind="share", stage="propagation", title="refused",
        meaning="share of the attempts that were not let into a queue", is_expected=True, is_shown=True,
    ),
    Measure(
        name="errors_start_s", kind="milestone", stage="health", title="errors start",
        meaning="when 1 % of the connections or more fail, for `hold`", is_expected=True, is_onset=True,
    ),
    Measure(
        name="errors_end_s", kind="milestone", stage="health", title="errors end",
        meaning="when fewer than 1 % fail again, for good", is_expected=True,
    ),
    Measure(
        name="failover_first_s", kind="milestone", stage="health", title="first failover",
        meaning="when a zone is taken out for the first time", is_expected=True, is_onset=True,
    ),
    Measure(
        name="capacity_falls_s", kind="milestone", stage="health", title="capacity falls",
        meaning="when the usable share of the targets is below `normal_share`, for `hold`",
        is_expected=True, is_onset=True,
    ),
    Measure(
        name="capacity_normal_s", kind="milestone", stage="health", title="health checks",
        meaning="when it is no longer below that, for good", is_expected=True, is_recovery=True,
    ),
    Measure(
        name="usable_min_share", kind="share", stage="health", title="least usable",
        meaning="least share of the targets in use and reachable", is_expected=True, is_shown=True,
    ),
    Measure(
        name="capacity_lost_hours", kind="number", stage="health", title="capacity lost (h)",
        meaning="share of the targets that is not usable, times hours", is_expected=True, is_shown=True,
    ),
    Measure(
        name="error_minutes", kind="number", stage="health", title="error minutes",
        meaning="minutes times the share of the targets in use that fail", is_expected=True, is_shown=True,
    ),
    Measure(
        name="checks", kind="count", stage="health", title="checks", meaning="checks that were made", is_shown=True,
    ),
    Measure(
        name="checks_failed_share", kind="share", stage="health", title="failed",
        meaning="share of the checks that failed", is_expected=True, is_shown=True,
    ),
    Measure(
        name="health_changes", kind="count", stage="health", title="changes",
        meaning="targets taken out or brought in", is_shown=True,
    ),
    Measure(
        name="targets_terminated", kind="count", stage="health", title="terminated",
        meaning="instances terminated for bad health", is_expected=True, is_shown=True,
    ),
    Measure(
        name="failovers", kind="count", stage="health", title="failovers", meaning="how often a zone was taken out",
        is_expected=True, is_shown=True,
    ),
    Measure(
        name="all_normal_s", kind="milestone", stage=ALL, title="all of them",
        meaning="when the last of the stages is normal again", is_expected=True, is_recovery=True, table="launches",
    ),
)  # fmt: skip
"""In the order in which tables show them."""


# --- what is asked of it ----------------------------------------------------------------------------------------------


def find(name: str, traffic: TrafficName | None = None) -> Measure | None:
    """The measure of this name (with `traffic`: as it is there), or of this name of a class; None if it
    is none.
    """
    own, of_class = without_class(name), class_of(name)
    found = (one for one in TABLE if one.name == own and (traffic is None or _is_of(one, traffic)))
    return next((one for one in found if one.of_class or not of_class), None)


def of_classes(traffic: TrafficName | None = None) -> tuple[str, ...]:
    """Measures that each class has of its own; with `traffic`, those of a class of it."""
    return _names([one for one in TABLE if one.of_class and (traffic is None or _is_of(one, traffic))])


def _is_of(measure: Measure, traffic: TrafficName) -> bool:
    return measure.stage not in TRAFFIC or measure.stage in (ALL, traffic)


def _names(measures: Sequence[Measure]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.name for one in measures))


def expected() -> tuple[str, ...]:
    """Measures that [expect] may bound."""
    return _names([one for one in TABLE if one.is_expected])


def milestones(stage: str = "") -> tuple[str, ...]:
    """All milestones, or those of one stage."""
    return _names([one for one in TABLE if one.is_milestone and stage in ("", one.stage)])


def observable() -> tuple[str, ...]:
    """Milestones and times to recovery: all that [[observed]] may name."""
    return _names([one for one in TABLE if one.is_observed])


def onsets() -> tuple[str, ...]:
    """Milestones at which something begins: one in the first window is one, while an end there says that nothing was
    ever wrong but for moments.
    """
    return _names([one for one in TABLE if one.is_onset])


def deciding(measured: Container[str], of_class: str = "") -> str:
    """Of what was measured the measure that variants are judged by: that of the last stage that there is; of leases or
    jobs that of the class that the file is about (`of_class`, "" where it is about none).
    """
    if "all_normal_s" in measured:
        return "all_normal_s"
    return name if (name := f"ttr99_s.{of_class}") in measured else "ttr99_s"


def recoveries() -> tuple[str, ...]:
    """Times and milestones from which on all is well: a sweep is decided by one of them."""
    return _names([one for one in TABLE if one.is_recovery])


def normals() -> dict[str, Measure]:
    """By stage the milestone from which on it is normal again, in the order of the event; last of ALL stages together.
    Its title is what pages call the stage.
    """
    found = {one.stage: one for one in TABLE if one.is_recovery and one.is_milestone}
    return {**{stage: one for stage, one in found.items() if stage != ALL}, ALL: found[ALL]}


def starts_at_return(name: str) -> bool:
    """Whether a time is counted from the dependency's return, and not from the start of the experiment."""
    return name.startswith("ttr")


def is_end(name: str) -> bool:
    """Whether a disturbance ends at a time or a milestone: a longer run may come to it that a short one does not."""
    known = find(name)
    if without_class(name).endswith("_lost_s"):  # never is good: what was back was held
        return False
    return starts_at_return(name) or (known is not None and known.is_milestone and not known.is_onset)


def harms(traffic: TrafficName) -> tuple[str, ...]:
    """What policies do beside their time, by name."""
    return tuple(sorted(_names([one for one in TABLE if one.is_harm and _is_of(one, traffic)])))


def shown(stage: str) -> tuple[Measure, ...]:
    """Columns of a stage's table on a page, in its order; of LEASES and JOBS with those of ALL."""
    wanted = (stage, ALL) if stage in (LEASES, JOBS) else (stage,)
    return tuple(one for one in TABLE if one.is_shown and one.stage in wanted)


def is_of_leases(name: str) -> bool:
    """Whether it is a measure of leases alone, which jobs have not."""
    return all(one.stage == LEASES for one in TABLE if one.name == without_class(name))


def limits_of(name: str) -> tuple[float, float]:
    """Least and most that a measure of this name can be: shares lie in [0, 1], all others (times, counts, ratios) at or
    above 0, save the few that may fall below.
    """
    if any(one.may_be_negative for one in TABLE if one.name == without_class(name)):
        return -math.inf, math.inf
    return (0.0, 1.0) if unit_of(name) == "share" else (0.0, math.inf)
