"""How the runs of a variant end, by one time: the time of those that come to it, with its interval, and how many never
do. Every text, table, page and picture of a run turns replications into a word or a number by this one rule.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from recovery.measures import register
from recovery.measures.moments import moment_s
from recovery.statistics.means import mean_interval
from recovery.store.run_record import Group, Row, Summary
from recovery.units import show_duration


class Standing(NamedTuple):
    """How many of `runs` never come to a time, and the mean time of the others with its interval (95 %), s. The mean is
    nan where no run comes to it or none knows, an end of the interval where there is none.

    The less never, the better; then the sooner.
    """

    never: int
    runs: int
    mean_s: float
    low_s: float = math.nan
    high_s: float = math.nan

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
    def words(self) -> str:
        """How often never; "" where every run comes to it."""
        if not self.never:
            return ""
        return "never" if self.never == self.runs else f"never in {self.never} of {self.runs} runs"

    @property
    def short(self) -> str:
        """The same for a table: "never 1/20"."""
        return f"never {self.never}/{self.runs}" if self.never else ""

    def show(self, show: Callable[[float], str] = show_duration) -> str:
        """The time in words: "never" where no run comes to it, "–" where none knows."""
        if self.is_known:
            return show(self.mean_s)
        return "never" if self.never else "–"

    def span(self, show: Callable[[float], str] = show_duration) -> str:
        """Both ends of the interval, "" where it has none or no width."""
        has_width = math.isfinite(self.low_s) and math.isfinite(self.high_s) and self.high_s > self.low_s
        return f"{show(max(self.low_s, 0.0))} to {show(self.high_s)}" if has_width else ""

    def whole(self, show: Callable[[float], str] = show_duration) -> str:
        """The time, and how often never beside it: "4 min (never 1/20)"."""
        return f"{self.show(show)} ({self.short})" if self.is_known and self.never else self.show(show)


def of_times(times: Sequence[float]) -> Standing:
    """How runs with these times stand; inf is never, nan not known."""
    back = [one for one in times if math.isfinite(one)]
    return Standing(sum(map(math.isinf, times)), len(times), *mean_interval(back, least=0.0))


def is_lost(row: Row, measure: str) -> bool:
    """Whether a run never comes to a time: of nearly all leases or jobs also where these collapse after all."""
    return math.isinf(row.for_good(measure))


def of_rows(rows: Sequence[Row], measure: str) -> Standing:
    """How these runs stand, by a time."""
    return of_times([math.inf if is_lost(row, measure) else row.of(measure) for row in rows])


def of(summary: Summary, group: Group, measure: str) -> Standing:
    """How the runs of a variant stand, by a time."""
    return of_rows(summary.rows_of(group), measure)


def of_moment(summary: Summary, group: Group, measure: str) -> Standing:
    """How the runs of a variant stand, by the moment, from the start, of what [[observed]] names."""
    rows = summary.rows_of(group)
    return of_times([math.inf if is_lost(row, measure) else moment_s(measure, row.measures) for row in rows])


class Saved(NamedTuple):
    """By how much sooner, s, with its interval (95 %). inf: comes to it where the other never does; -inf: the other way
    round; nan: neither does, or not known.
    """

    mean_s: float
    low_s: float = math.nan
    high_s: float = math.nan


def saved(first: Sequence[Row], own: Sequence[Row], measure: str) -> Saved:
    """By how much these runs come sooner to a time than the first variant's: over the replications in which both come
    to it; where there are none such, the difference of the means.
    """
    was, now = of_rows(first, measure), of_rows(own, measure)
    if was.is_never or now.is_never:
        return Saved(math.nan if was.is_never == now.is_never else math.inf if was.is_never else -math.inf)
    times = {
        row.replication: row.of(measure)
        for row in first
        if not is_lost(row, measure) and not math.isnan(row.of(measure))
    }
    pairs = [times[row.replication] - row.of(measure) for row in own
             if row.replication in times and not is_lost(row, measure) and not math.isnan(row.of(measure))]  # fmt: skip
    return Saved(*mean_interval(pairs)) if pairs else Saved(was.mean_s - now.mean_s)


def is_always(rows: Sequence[Row], measure: str) -> bool:
    """Whether a measure is a time to recovery, and no run ever had less than that share of its leases."""
    if measure not in register.DEPTHS or not rows:
        return False
    found, least = of_rows(rows, measure), register.DEPTHS[measure] - register.ROUNDING
    return found.mean_s == 0 and not found.never and all(row.of("leased_min_share") >= least for row in rows)
