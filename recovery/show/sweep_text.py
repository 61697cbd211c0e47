"""What the commands of sweeps say: tables and sentences for people, from the records of sweeps."""

import math
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from recovery.measures import register
from recovery.show.standings import ALIKE
from recovery.show.text import table
from recovery.show.words import differences_from, is_lopsided, span_of, times_from
from recovery.statistics import clusters, confidence, estimate
from recovery.store import files
from recovery.store.parts import runs_of_sweep
from recovery.store.record import Estimate
from recovery.store.sweep_record import Difference, Planned, Policy, Replayed, Summary, Tried
from recovery.units import are_apart, show_count, show_duration, show_share

SHOW: dict[str, Callable[[float], str]] = {
    "duration": show_duration,
    "share": show_share,
    "rate": lambda v: f"{v:.4g}/s",
    "number": lambda v: f"{v:.6g}",
}


def shown(kind: str, value: float) -> str:
    """A value of a threshold's key, by its kind."""
    return SHOW[kind](value)


def planned(plan: Planned, workers: int) -> str:
    """What a sweep will take."""
    draws = "1 draw" if plan.draws == 1 else f"{plan.draws} draws"
    lines = [f"{plan.policies} policies × {draws} a replication: {show_count(plan.least)} runs at least"]
    if plan.most > plan.least:
        lines[0] += f", {show_count(plan.most)} at most (policies that are precise or beaten stop earlier)"
    times = [show_duration(runs * plan.cpu_s / workers) for runs in (plan.least, plan.most)]
    span = times[0] if plan.most == plan.least else f"{times[0]} to {times[1]}"
    lines.append(f"{show_duration(plan.cpu_s)} a run ({plan.timed} were timed): {span} on {workers} cores")
    lines.append(f"about {show_count(plan.most * 250 / 1e6)} MB of results at most")
    size = Size(plan.replications, plan.replications_key, plan.draws_of_one)
    if (least := plan.units_that_tell) is not None:
        lines.append(
            too_few(plan.policies, size, least)
            or f"Two policies can be told apart from {size.told(least)} on, where they differ most; here are "
            f"{show_count(size.units)}."
        )
    if unchosen := cannot_choose(size, plan.units_that_choose, plan.never_max):
        lines.append(unchosen)
    return "\n".join(lines)


class Size(NamedTuple):
    """How large a sweep is: its most replications, the key of the file that sets them, and the units in each (its
    draws in a random sweep, else 1). Units are what the test counts.
    """

    replications: int
    key: str
    draws_of_one: int

    @property
    def units(self) -> int:
        """How many units the sweep has at most."""
        return self.replications * self.draws_of_one

    def told(self, units: int) -> str:
        """So many units in words: "8 draws", "5 replications"."""
        unit = "replication" if self.draws_of_one == 1 else "draw"
        return f"{show_count(units)} {unit}{'' if units == 1 else 's'}"

    def set_to(self, units: int) -> str:
        """Which key gives so many units, in words."""
        many = math.ceil(units / self.draws_of_one)
        by = f"{self.key} = {many}{', at the top of the file' if self.key == 'replications' else ''}"
        if self.draws_of_one == 1:
            return by
        return f"sweep.samples = {math.ceil(units / self.replications)}, or {by}"


def too_few(policies: int, size: Size, that_tell: int | None) -> str:
    """That so few units tell no two policies apart, how many do, and by which key; "" where they can."""
    if that_tell is None or size.units >= that_tell:
        return ""
    return (
        f"{_none_apart(policies, size)}, however much they differ: that takes at least {that_tell} "
        f"({size.set_to(that_tell)})."
    )


def _none_apart(policies: int, size: Size) -> str:
    return f"{size.told(size.units)} cannot tell any two of {show_count(policies)} policies apart"


def cannot_choose(size: Size, that_choose: int | None, never_max: float) -> str:
    """That no policy can be chosen with so few units, and how many may; "" where one can be."""
    if that_choose is None or size.units >= that_choose:
        return ""
    return (
        f"To choose one takes at least {size.told(that_choose)} in which all its runs recover: so many show that it "
        f"never does in less than {show_share(never_max)} (sweep.never_max). With {show_count(size.units)} none is "
        "chosen."
    )


def _size_of(summary: Summary, *, is_known: bool) -> Size:
    """The size of a finished sweep; an older one that does not have what it takes in units has it in replications."""
    key = "replications" if summary.precision is None else "sweep.replications_max"
    return Size(summary.replications, key, summary.draws_of_one if is_known else 1)


def too_few_in(summary: Summary) -> str:
    """That a finished sweep has too few units to tell any two policies apart; "" where it has enough."""
    is_known = summary.units_that_tell is not None
    least = summary.units_that_tell if is_known else summary.replications_that_tell
    return too_few(len(summary.policies), _size_of(summary, is_known=is_known), least)


def none_apart_in(summary: Summary) -> str:
    """The same in a main clause, for a title: "3 draws cannot tell any two of 6 policies apart"; "" where they can."""
    size = _size_of(summary, is_known=summary.units_that_tell is not None)
    return _none_apart(len(summary.policies), size) if too_few_in(summary) else ""


def cannot_choose_in(summary: Summary) -> str:
    """That a finished sweep has too few units to choose a policy; "" where it has enough."""
    is_known = summary.units_that_choose is not None
    least = summary.units_that_choose if is_known else summary.replications_that_choose
    return cannot_choose(_size_of(summary, is_known=is_known), least, summary.never_max)


STATES = {
    "precise": "precise",
    "collapses": "not back too often",
    "beaten": "beaten, stopped",
    "cap": "most replications reached",
    "done": "as many as asked for",
    "failed": "failed",
}
TOO_OFTEN = STATES["collapses"]


def state_of(policy: Policy, never_max: float) -> str:
    """How a policy ended, in words: what surely is not back too often is that first, however it ended."""
    return TOO_OFTEN if policy.has_run and policy.is_lost_too_often(never_max) else STATES[policy.status]


def _state(policy: Policy, never_max: float) -> str:
    """The same, and how many of its runs failed."""
    if not policy.failed:
        return state_of(policy, never_max)
    if not policy.has_run:
        return f"failed ({policy.failed} {'run' if policy.failed == 1 else 'runs'})"
    return f"{state_of(policy, never_max)} ({policy.failed} failed)"


def if_recovers(policy: Policy, summary: Summary) -> Estimate:
    """The time of the runs that are back, s. Where all are, and intervals are of one look, it is the mean time with its
    interval: the same numbers have one. (With `precision` that of the mean allows for runs that are not back.)
    """
    whole, back = policy.restricted, policy.given_recovery
    is_same = summary.precision is None and policy.not_recovered.share == 0
    return whole if is_same and math.isclose(whole.mean, back.mean, rel_tol=1e-9, abs_tol=1e-9) else back


def half_width(policy: Policy, summary: Summary) -> str:
    """Half the interval of the time of those that are back, over the time, and of how many runs that is; or that so few
    tell nothing, and about how many would. "–" where there is no interval, or one of no width though runs differ: the
    means of the units are equal by chance then.
    """
    share, found = policy.half_width_share, if_recovers(policy, summary)
    if found is not policy.given_recovery:
        share = clusters.relative_half_width(estimate.Estimate(found.mean, found.low, found.high))
    if not math.isfinite(share):
        return "–"
    if share < register.ROUNDING:
        return "–" if are_apart(found.mean, policy.worst_s) else ALIKE
    if wanted := _runs_wanted(policy, summary):
        return f"{policy.back_of or f'{policy.runs} runs'}: {wanted}"
    return ", of ".join(filter(None, (f"±\u00a0{show_share(share)}", policy.back_of)))


TELLING = 0.5  # half an interval over its time: so well a time is to be known where a sweep does not say how well


def _runs_wanted(policy: Policy, summary: Summary) -> str:
    """That too few runs are back to tell their time, since its interval reaches to over twice the time, and about how
    many would; "" where they tell it.
    """
    found, looks = if_recovers(policy, summary), summary.precision is not None
    units = min(policy.units, policy.runs_back)
    if not found.high > 2 * found.mean or not units:
        return ""
    alpha = (1 - summary.confidence) / (2 if looks else 1)
    most = confidence.units_within(
        found.high / found.mean - 1, units, summary.precision or TELLING, at_every_look=looks, alpha=alpha
    )
    if not math.isfinite(most):
        return "too few"
    return f"too few, want {show_count(rounded_up(most * policy.runs_back / units))}"  # a unit may have several runs


def rounded_up(number: float) -> int:
    """An estimate with two digits, and no less."""
    unit: int = 10 ** max(math.floor(math.log10(number)) - 1, 0)
    return math.ceil(number / unit) * unit


RULES = ("policy", "propagation", "launches", "health")
"""Tables of a file whose levers choose rules by their names."""
WIDE = 72  # columns: a policy whose words take more stands below its numbers
WRAPPED = 110  # columns of such words


def names_of(words: Sequence[str], summary: Summary) -> str:
    """What the file calls the rules that stand in words, in the order of the words; "" where words say it themselves,
    and where no lever chooses a rule.
    """
    known: dict[str, str] = {}
    for lever in summary.design.levers:
        if lever.key.partition(".")[0] not in RULES:
            continue
        for value, told in zip(lever.values, lever.words, strict=False):
            name = value.partition("(")[0] if isinstance(value, str) else ""
            if name and name not in told and not name[0].isdigit():
                known[told] = name
    return ", ".join(known[word] for word in words if word in known)


def in_brackets(names: str) -> str:
    """Names of rules behind the words that they stand for: " (gradient2, fifo)"; "" without any."""
    return f" ({names})" if names else ""


def ranked(summary: Summary, most: int) -> str:
    """The ranking as a table; policies whose words are long stand below their numbers, so that a row can be read."""
    head = ["", "policy", "mean, not back = horizon", "if it recovers", "±", "not back", "at most", "largest regret"]
    head += ["runs", "state"]
    show, shown_first = times_from(summary.window_s), summary.policies[:most]
    which = "as it stands" if summary.baseline_is_file else "first of the list"
    called = [f"{one.in_words}{in_brackets(names_of(one.words, summary))}" for one in shown_first]
    is_wide = any(len(name) > WIDE for name in called)
    rows = [
        [
            f"{one.rank}{' *' if one.not_told_apart and len(summary.policies) > 1 else ''}",
            f"{'' if is_wide else f'{name} '}[{one.id}]" + (f" ({which})" if one.is_baseline else ""),
            span_of(one.restricted, show, between="–"),
            show(if_recovers(one, summary).mean),
            half_width(one, summary),
            show_share(one.not_recovered.share),
            show_share(one.not_recovered.high),
            show_duration(one.regret.max),
            str(one.runs),
            _state(one, summary.never_max),
        ]
        for one, name in zip(shown_first, called, strict=True)
    ]
    lines = table([head, *rows], left=2).split("\n")
    if is_wide:
        wrap = textwrap.TextWrapper(
            WRAPPED, initial_indent="    ", subsequent_indent="    ", break_on_hyphens=False, break_long_words=False
        )
        below = map(wrap.fill, called)
        lines = [*lines[:2], *(line for pair in zip(lines[2:], below, strict=True) for line in pair)]
    left = len(summary.policies) - most
    best = "* may still be the best\n" if len(summary.policies) > 1 else ""
    text = "\n".join([*lines, f"{best}{_of_intervals(summary)}", *filter(None, [of_marks(summary)])])
    if summary.baseline_is_file and summary.baseline is not None and len(summary.baseline.words) > 1:
        text += "\nElsewhere a policy is named by what sets it apart from the file as it stands. All else is as there: "
        text += f"“{'; '.join(summary.baseline.words)}”."
    return text + (f"\n… and {left} more: recovery rank" if left > 0 else "")


def of_marks(summary: Summary) -> str:
    """Where the intervals of the means seem to say otherwise, why a policy may still be the best though its interval
    lies above that of the first, or may not though it does not; "" where marks and intervals agree.
    """
    ran = [one for one in summary.policies if one.has_run and math.isfinite(one.restricted.mean)]
    left = [one for one in ran if one.not_told_apart]
    if not left:
        return ""
    first = min(left, key=lambda one: one.restricted.mean)
    above = [one for one in left if one.restricted.low > first.restricted.high]
    beaten = [
        one
        for one in ran
        if not one.not_told_apart
        and one.restricted.low <= first.restricted.high
        and not one.is_lost_too_often(summary.never_max)
    ]
    said = []
    if above:
        which = f"{show_count(len(above))} that may still be the best {'has' if len(above) == 1 else 'have'}"
        text = f"{which} an interval above that of the first: the test of the best asks more, since it "
        looks = "" if summary.precision is not None else ", and holds at every look"
        said.append(f"{text}compares all policies and allows for a rare run that is not back{looks}.")
    if beaten:
        which = f"{show_count(len(beaten))} whose interval lies over that of the first "
        which += "is surely later" if len(beaten) == 1 else "are surely later"
        said.append(f"{which}: the test compares runs of the same draws, which differ by less than their means.")
    return " ".join(said)


def _of_intervals(summary: Summary) -> str:
    """What columns of a ranking are, what its intervals hold, and why those of the means may reach far to one side."""
    text = "±: half the 95 % interval of the time “if it recovers”, as a share of that time (–: too few runs to have "
    text += "one). "
    if any(_runs_wanted(one, summary) for one in summary.policies):
        text += "“Too few” there: the interval reaches above twice that time; about so many that recover would "
        text += f"tell it to ±{show_share(summary.precision or TELLING)}. "
    text += "“At most”: the upper end of the interval of “not back”. "
    if summary.precision is None:
        if not summary.chances_hold_at_every_look:
            return f"{text}Intervals are of these runs, looked at once; what may still be the best holds at every look."
        text += "Intervals of times are of these runs, looked at once. “At most” and what may still be the best hold "
        return f"{text}at every look."
    text += "Intervals hold at every look."
    if any(is_lopsided(one.restricted) for one in summary.policies):
        text += " Those of the mean allow for the runs that may not be back (“at most”), each counted as "
        text += f"{show_duration(summary.limit_s)}: so they may reach far to one side."
    return text


def differences(rows: Sequence[Difference]) -> str:
    """Differences of policies in words."""
    lines = []
    for row in rows:
        ends = ends_of_difference(row)
        once = "" if row.at_every_look else ", looked at once"
        held = ends if ends.startswith("no interval") else f"{ends}, 95 %{once}"
        draws = "1 draw" if row.draws == 1 else f"{row.draws} draws"
        lines.append(
            f"“{row.words or row.policy}”: {beside(row)} “{row.than_words or row.than}” ({held}; "
            f"sooner in {show_share(row.sooner_share)}, later in {show_share(row.later_share)} of {draws})"
        )
    return "\n".join(lines)


def beside(row: Difference) -> str:
    """What a policy is beside the other, in words: "40 s sooner than"; at least so much where no run of the later one
    is back, but all of the other are.
    """
    if row.verdict == "not told apart":
        return "not told apart from"
    later, sooner = (row.lost, row.than_lost) if row.verdict == "later" else (row.than_lost, row.lost)
    at_least = "at least " if later == row.draws and not sooner else ""
    return f"{at_least}{show_duration(abs(row.difference_s.mean))} {row.verdict} than"


def ends_of_difference(row: Difference) -> str:
    """Both ends of the interval of a difference in words, or that there is none."""
    show = differences_from(row.window_s)
    if not math.isfinite(row.difference_s.low):
        return f"no interval: {'one draw tells' if row.draws == 1 else 'so few draws tell'} none"
    if not are_apart(row.difference_s.low, row.difference_s.high):
        return "no interval: the draws show no spread"
    return f"difference {show(row.difference_s.low)} to {show(row.difference_s.high)}"


def told_replay(told: Replayed) -> str:
    """A run that was run again, in words."""
    rows = [["measure", "value"], *([name, str(value)] for name, value in told.row.items())]
    state = "the same row" if told.same else f"another row: {', '.join(told.changed)} differ"
    return f"{table(rows)}\n\n“{told.words or told.policy}”: {state}"


def told_value(key: str, kind: str, one: Tried, within_s: float | None = None) -> str:
    """What was found at one value of a threshold's key, in a line; with `within_s` runs fail that are not back then."""
    share = show_share(one.failed / one.runs)
    holds = "does not collapse" if one.late else "recovers"
    says = {"fails": "collapses", "holds": holds, "unclear": "not clear"}[one.verdict]
    late = f" and {show_share(one.late / one.runs)} still drain as they end" if one.late else ""
    if within_s is not None:
        says = {"fails": "too late", "holds": "in time", "unclear": "not clear"}[one.verdict]
        return f"{key} = {SHOW[kind](one.value)}: {share} of {one.runs} runs are not back in time, {says}"
    return f"{key} = {SHOW[kind](one.value)}: {share} of {one.runs} runs collapse{late}, {says}"


def write_csv(folder: Path) -> Path:
    """runs.csv beside runs.parquet."""
    files.write_text(folder / "runs.csv", runs_of_sweep(folder).write_csv())
    return folder / "runs.csv"
