"""How the runs of a variant end, by one time: the time of those that come to it, with its interval, and how many never
do. Every text, table, page and picture of a run turns replications into a word or a number by this one rule.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from recovery.measures import for_good, register
from recovery.measures.moments import moment_s
from recovery.statistics.means import mean_interval
from recovery.store.run_record import Group, Row, Summary
from recovery.store.scenario_record import Scenario
from recovery.units import are_apart, show_duration, show_ends


class Standing(NamedTuple):
    """How many of `runs` do not come to a time, and the mean time of the others with its interval (95 %), s. The mean
    is nan where no run comes to it or none knows, an end of the interval where there is none.

    Of those that do not come, `late` did not collapse: they still drain at their end, and a longer run may come to it.
    `within_s` is how long they had for it (nan: not known), `window_s` how exactly times are known.

    The less never, the better; then the sooner.
    """

    never: int
    runs: int
    mean_s: float
    low_s: float = math.nan
    high_s: float = math.nan
    late: int = 0
    within_s: float = math.nan
    window_s: float = 0.0

    @property
    def never_share(self) -> float:
        """Share of the runs that never come to it."""
        return self.never / self.runs if self.runs else math.nan

    @property
    def is_known(self) -> bool:
        """Whether some run comes to it, at a time that is known."""
        return math.isfinite(self.mean_s)

    @property
    def is_never(self) -> bool:
        """Whether no run comes to it, as far as is known."""
        return self.never > 0 and not self.is_known

    @property
    def rank(self) -> tuple[float, float]:
        """Less is better."""
        return self.never_share, self.mean_s if self.is_known else math.inf

    @property
    def collapsed(self) -> int:
        """How many collapsed, so that no longer run comes to it."""
        return self.never - self.late

    @property
    def words(self) -> str:
        """How often it is not come to, and whether never or not within the run; "" where every run comes to it."""
        within = f"not within {show_duration(self.within_s)}" if math.isfinite(self.within_s) else "not within the run"
        found = [(what, many) for what, many in (("never", self.collapsed), (within, self.late)) if many]
        if len(found) == 1 and self.never == self.runs:
            return found[0][0]
        return " and ".join(f"{what} in {many} of {self.runs} runs" for what, many in found)

    @property
    def short(self) -> str:
        """The same for a table: "never 1/20", "not yet 2/20" of those that still drain."""
        found = (("never", self.collapsed), ("not yet", self.late))
        return ", ".join(f"{what} {many}/{self.runs}" for what, many in found if many)

    def show(self, show: Callable[[float], str] = show_duration) -> str:
        """The time in words, "< 10 s" where it is shorter than can be told; where no run comes to it "never", or, where
        none collapsed, "> 2 h": longer than the runs; "–" where none knows.
        """
        if self.is_known:
            return f"< {show_duration(self.window_s)}" if self.mean_s < self.window_s else show(self.mean_s)
        if not self.never:
            return "–"
        is_late = not self.collapsed and math.isfinite(self.within_s)
        return f"> {show(self.within_s)}" if is_late else "never"

    def span(self, show: Callable[[float], str] = show_duration) -> str:
        """Both ends of the interval, "" where it has none, one of no width (`ALIKE`), or one that `show` hides."""
        if not (math.isfinite(self.low_s) and math.isfinite(self.high_s)):
            return ""
        if show is show_duration:
            return show_ends(max(self.low_s, 0.0), self.high_s)
        low, high = show(max(self.low_s, 0.0)), show(self.high_s)
        return f"{low} to {high}" if low != high else ""

    def is_alike(self) -> bool:
        """Whether it has an interval, of no width."""
        is_known = math.isfinite(self.low_s) and math.isfinite(self.high_s)
        return is_known and not are_apart(max(self.low_s, 0.0), self.high_s)

    def whole(self, show: Callable[[float], str] = show_duration) -> str:
        """The time, and how often it is not come to beside it: "4 min (never 1/20)"."""
        return f"{self.show(show)} ({self.short})" if self.is_known and self.never else self.show(show)


def of_times(times: Sequence[float]) -> Standing:
    """How runs with these times stand; inf is never, nan not known."""
    back = [one for one in times if math.isfinite(one)]
    return Standing(sum(map(math.isinf, times)), len(times), *mean_interval(back, least=0.0))


def comes_in_waves(row: Row) -> bool:
    """Whether a run ends while its leases come and go in waves, so that its end tells no drift."""
    return row.verdict == "recovering" and row.of("is_near_cliff") > 0 and math.isnan(row.of("drift_per_s"))


def is_down(row: Row, measure: str, scenario: Scenario) -> bool:
    """Whether a run collapsed by a time: of a class that class. Of all holders of leases who share their hosts with
    jobs it is their own classes that decide: what waits may grow by the jobs alone.
    """
    if whose := register.class_of(measure):
        return row.words.get(f"verdict.{whose}") == "collapsed"
    if not scenario.has_leases or not any(one.is_jobs for one in scenario.classes):
        return row.verdict == "collapsed"
    own = [row.words.get(f"verdict.{one.name}") for one in scenario.classes if not one.is_jobs]
    return row.verdict == "collapsed" and (not any(own) or "collapsed" in own)


def _is_late(row: Row, measure: str, time_s: float, scenario: Scenario) -> bool:
    """Whether a run does not come to what ends a disturbance, and did not collapse: it still drains as it ends, or a
    stage after the leases is not normal yet.
    """
    if not register.is_end(measure):
        return False
    return (row.is_lost(measure) or math.isinf(time_s)) and not is_down(row, measure, scenario)


def of_rows(rows: Sequence[Row], measure: str, scenario: Scenario) -> Standing:
    """How these runs of a scenario stand, by a time."""
    return _standing(rows, measure, scenario, lambda row: row.told(measure))


def of(summary: Summary, group: Group, measure: str) -> Standing:
    """How the runs of a variant stand, by a time."""
    return of_rows(summary.rows_of(group), measure, group.scenario)


def of_last(summary: Summary, group: Group, measure: str) -> Standing:
    """How the runs of a variant stand, by a time; where leases are lost once more, by when they are back for the last
    time.
    """
    return _standing(summary.rows_of(group), measure, group.scenario, lambda row: row.last(measure))


def is_lost_again(summary: Summary, group: Group, measure: str) -> bool:
    """Whether in some run leases are lost once more after that time."""
    return any(row.is_lost_again(measure) for row in summary.rows_of(group))


def of_moment(summary: Summary, group: Group, measure: str) -> Standing:
    """How the runs of a variant stand, by the moment, from the start, of what [[observed]] names."""
    found = _standing(summary.rows_of(group), measure, group.scenario, lambda row: moment_s(measure, row.measures))
    return found._replace(within_s=group.scenario.horizon_s, window_s=0.0)


def _standing(rows: Sequence[Row], measure: str, scenario: Scenario, time_s: Callable[[Row], float]) -> Standing:
    late = [row for row in rows if _is_late(row, measure, time_s(row), scenario)]
    found = of_times([math.inf if row.is_lost(measure) else time_s(row) for row in rows])
    if not register.starts_at_return(measure):  # a moment of the whole run; 0 says that it was always so
        return found._replace(late=len(late), within_s=scenario.horizon_s)
    from_s = max((row.of("recovers_from_s") for row in rows), default=math.nan)
    return found._replace(late=len(late), within_s=scenario.horizon_s - from_s, window_s=scenario.window_s)


class Saved(NamedTuple):
    """By how much sooner, s, with its interval (95 %). inf: comes to it where the other does not; -inf: the other way
    round; nan: neither does, or not known. `beyond_s`: where the other is only not there yet as its run ends, what is
    saved is more than this. `most_s`: of times that are known within bounds alone the mean is what is surely saved, or
    lost, and it may be up to so much (inf: any that is more). `is_open`: known as far as counts show alone, or, where
    it is nan, not even that.
    """

    mean_s: float
    low_s: float = math.nan
    high_s: float = math.nan
    beyond_s: float = math.nan
    most_s: float = math.nan
    is_open: bool = False


def saved(first: Sequence[Row], own: Sequence[Row], measure: str, *, is_last: bool = False) -> Saved:
    """By how much these runs come sooner to a time than the first variant's: over the replications in which both come
    to it; where there are none such, the difference of the means. With `is_last` as `of_last` has it.
    """
    was_s, now_s = (
        {
            row.replication: math.inf if row.is_lost(measure) else row.last(measure) if is_last else row.told(measure)
            for row in rows
        }
        for rows in (first, own)
    )
    was, now = of_times([*was_s.values()]), of_times([*now_s.values()])
    if was.is_never or now.is_never:
        return Saved(math.nan if was.is_never == now.is_never else math.inf if was.is_never else -math.inf)
    pairs = [was_s[one] - time_s for one, time_s in now_s.items() if one in was_s]
    pairs = [saved_s for saved_s in pairs if math.isfinite(saved_s)]
    return Saved(*mean_interval(pairs)) if pairs else Saved(was.mean_s - now.mean_s)


def are_alike(first: Sequence[Row], own: Sequence[Row]) -> bool:
    """Whether two variants have runs of the same replications that are alike in all that is measured."""
    ones, others = ({row.replication: row for row in rows} for rows in (first, own))
    return bool(ones) and ones.keys() == others.keys() and all(row.is_like(others[one]) for one, row in ones.items())


def beyond(found: Saved, was: Standing, now: Standing) -> Saved:
    """The same with what is surely saved where the other only was not back within its run, and none of it collapsed."""
    is_late = found.mean_s == math.inf and not was.collapsed and was.within_s > now.mean_s
    return found._replace(beyond_s=was.within_s - now.mean_s) if is_late else found


def is_always(group: Group, rows: Sequence[Row], measure: str) -> bool:
    """Whether a measure is a time to recovery, of all or of a class, and none of these runs of a variant ever had less
    than that share of its leases, also between the ends of windows.
    """
    if not rows or not all(row.of(measure) == 0 and not row.is_lost(measure) for row in rows):
        return False
    keeps = group.keeps(measure)
    return all(for_good.is_always(measure, row.of) for row in rows) if keeps is None else keeps


def is_within_a_window(rows: Sequence[Row], measure: str = "ttr99_s") -> bool:
    """Whether all of these runs come to a time before windows tell it, so that nothing can be divided by it."""
    return bool(rows) and all(row.of(measure) == 0 for row in rows)


def hours_as_known(group: Group, measure: str) -> str:
    """By which measure hours without a lease after the return are told: as ends of windows show them, or, where these
    show more than there are, or none was without a lease before it, by the exact hours of the whole run.
    """
    whole = measure.replace("excess_hours", "unleased_holder_hours", 1)
    if register.without_class(measure) != "excess_hours" or group.estimate(whole) is None:
        return measure
    spans = group.unleased_spans or ((group.unleased,) if group.unleased is not None else ())
    is_after = bool(group.worst) and all(group.began_s(one) >= group.mean("recovers_from_s") for one in spans)
    return whole if is_after or group.mean(measure) > group.mean(whole) else measure


ALIKE = "all alike"  # where an interval would be, and it has no width


def lost_none(group: Group, rows: Sequence[Row]) -> bool:
    """Whether no run of leases ever had less than all of them."""
    return is_always(group, rows, "ttr100_s")


ALWAYS = "always"  # where a time to recovery would be, and nobody was ever away


def time_of(summary: Summary, group: Group, measure: str) -> str:
    """A time to recovery, of all or of a class, for a table: "always" where no run ever had less than that share of its
    leases.
    """
    return ALWAYS if is_always(group, summary.rows_of(group), measure) else of(summary, group, measure).whole()
