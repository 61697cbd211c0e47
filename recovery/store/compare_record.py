"""Records of a comparison: finished runs or sweeps beside each other, measure by measure."""

from math import isnan, nan
from typing import Literal, NamedTuple

from pydantic import Field

from recovery.measures.register import LEASES, TrafficName
from recovery.store.record import Estimate, Number, Record
from recovery.store.scenario_record import Span

CALLED = ("holders", "holder")
Verdict = Literal["better", "worse", "changed outcome", "not told apart", "the same", "one run: no interval"]
"""What a change did. The outcome changed where one side surely recovers more often than the other."""


class SideMean(NamedTuple):
    """A mean of a side, the shares of its runs in which a time never came, and did not come within `limit_s` only;
    and whether it is a time to a share of the leases that was there all the time.
    """

    mean: float
    never_share: float
    late_share: float
    limit_s: float
    is_always: bool = False


class Difference(Record):
    """A measure of one variant beside the same of another: means, their difference, and what that says.

    `never_share` is of runs in which a time never came; None of what is no time. A never counts as the horizon, of
    times to recovery as what is left of it from the dependency's return (`limit_s`). `late_share` is of those of these
    runs that did not collapse: a longer run may come to it. `is_always`: a time to a share of the leases that no run
    was ever without; `is_last`: some run lost its share once more, and its time is that of the last return. `within`:
    the bounds of the old time and of the new, where no more is known of them; then a mean is the latest (inf: none is
    known), and the difference has no mean, but lies in `by` (None where the runs are alike in all else); its interval
    ends at inf where there is no bound. In a sweep a variant is a policy.
    """

    run: str
    than: str
    variant: str
    than_variant: str
    horizon_s: Number
    measure: str
    mean: Number
    than_mean: Number
    difference: Estimate
    is_paired: bool
    runs: int
    than_runs: int
    verdict: str
    why: str = ""  # why there is no interval, unless it is one run beside one other
    never_share: float | None = None
    than_never_share: float | None = None
    late_share: float = 0.0
    than_late_share: float = 0.0
    limit_s: Number = nan
    window_s: Number = nan  # of a time to recovery: what it is known to
    is_always: bool = False
    than_is_always: bool = False
    is_last: bool = False
    within: tuple[Span, ...] = Field((), exclude_if=lambda value: not value)
    by: Span | None = Field(None, exclude_if=lambda value: value is None)

    @property
    def surely(self) -> float:
        """The difference; where it is known within bounds alone as much of it as is sure, 0 where it may be of either
        sign.
        """
        return self.difference.mean if self.by is None else max(self.by.from_s, 0.0) + min(self.by.to_s, 0.0)

    @property
    def is_open(self) -> bool:
        """Whether it is known within bounds alone, and these do not tell its sign."""
        return self.by is not None and self.surely == 0

    def side(self, *, is_new: bool) -> SideMean:
        """One side of it."""
        if is_new:
            return SideMean(self.mean, self.never_share or 0.0, self.late_share, self.limit_s, self.is_always)
        return SideMean(
            self.than_mean, self.than_never_share or 0.0, self.than_late_share, self.limit_s, self.than_is_always
        )


class Outcome(Record):
    """What one variant did beside another, by the measure that decides: a time from which on all is well."""

    run: str
    than: str
    variant: str
    than_variant: str
    verdict: Verdict
    is_worse: bool | None  # None where that is not told
    difference: Difference | None  # None where the measure was not measured
    why: str  # why it was not; else ""
    recovered: int  # runs that recovered
    runs: int
    than_recovered: int
    than_runs: int
    left_out: int = 0  # runs that have no partner with the same seed and draws on the other side, where others do
    than_left_out: int = 0
    traffic: TrafficName = LEASES
    held_s: Number = Field(nan, exclude_if=isnan)  # a lease that nobody renews; as `scenario_record.Fleet`
    than_held_s: Number = Field(nan, exclude_if=isnan)


class Condition(Record):
    """A condition of `--fail-if`, whether it holds ("yes", "no", "unsure", "not measured"), and what it was judged by:
    the change from the old to the new, or the new value alone (`is_change` false). `holds_elsewhere`: other variants of
    which it surely holds, which nobody asked for.
    """

    text: str
    run: str
    than: str
    variant: str
    than_variant: str
    measure: str
    is_change: bool
    holds: Literal["yes", "no", "unsure", "not measured"]
    value: Estimate
    change_share: Number  # the change over the old mean; nan where there is none
    why: str = ""
    holds_elsewhere: tuple[str, ...] = ()


class Comparison(Record):
    """All that is told of sides beside each other, the first of which is what the others are compared with."""

    kind: Literal["runs", "sweeps"]
    names: tuple[str, ...]
    outcomes: tuple[Outcome, ...]
    conditions: tuple[Condition, ...]
    differences: tuple[Difference, ...]
    called: tuple[str, ...] = CALLED  # as in a scenario, where all sides agree
    window_s: Number = nan  # what times to recovery are known to, where less than this would matter; else nan
    unlike: tuple[str, ...] = ()  # what sides have to cope with that is not the same, in words
