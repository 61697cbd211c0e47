"""What `recovery compare` says of runs or sweeps beside each other: what a change did, then a table for each pair."""

import functools
import math
from collections.abc import Callable, Sequence

from recovery import units
from recovery.measures import register
from recovery.measures.words import show_measure
from recovery.show.standings import ALIKE, ALWAYS
from recovery.show.text import EARLY, table
from recovery.store.compare_record import Comparison, Condition, Difference, Outcome, SideMean
from recovery.units import digits_apart, show_duration, show_number, show_seconds, show_share

Show = Callable[[float], str]
# What is printed, in this order, as far as a run has it; `--json` has all measures.
SHOWN = (
    "ttr50_s", "ttr90_s", "ttr99_s", "ttr100_s", "ttr_renewed_s", "launches_normal_s", "latency_normal_s",
    "capacity_normal_s", "errors_end_s", "all_normal_s", "served_share", "latency_p99_s", "amplification",
    "wasted_share", "denied_share", "queue_peak", "backlog_peak", "unleased_holder_hours", "error_minutes",
)  # fmt: skip
REFUSED = "denied_share"  # a row of its own only where something is refused, as of a run
OF_RUN = f"{REFUSED} is of the attempts of the whole run: the longer that goes on afterwards, the smaller."
NEVER = "A time that never came counts as the horizon, a time to recovery as what is left from the dependency's return."
_NAMED = {"all_normal_s": "all normal again"}
_HOLDS = {
    "yes": "holds, so this check fails",
    "no": "does not hold",
    "unsure": "not decided: the interval spans the bound, want more replications",
    "not measured": "not measured",
}
FROM_NOTHING = 1000.0  # times more: of (nearly) nothing a change in per cent says nothing
RENEWED = "ttr_renewed_s"
_ONE_RUN = "one run: no interval"
FINER = 10  # times finer is the window that is advised
LATE = "not within"  # the run: it did not collapse, so a longer one may tell another end
_NO_INTERVAL = "not decided: there is no interval, want more replications"


def told(found: Comparison) -> str:
    """The conditions and tables of a comparison, for people; its answer stands before them."""
    parts = [conditions(found.conditions)] if found.conditions else []
    parts += [
        "\n".join([head(own[0]), table(lines(own, asked(found))), *notes(own)]) for own in grouped(found.differences)
    ]
    return "\n\n".join(parts)


def answers(found: Comparison) -> list[str]:
    """What each change did: of one a sentence; of several first how many of them are what, then a line each, the worst
    first.
    """
    if len(found.outcomes) == 1:
        return [answer(found.outcomes[0], named=False)]
    runs = list(dict.fromkeys(one.run for one in found.outcomes))
    is_of_variants = len(found.outcomes) > len(runs)
    those = " and ".join(f"“{run}”" for run in runs)
    head = f"{those} beside “{found.names[0]}”: "
    what = "variants" if is_of_variants else found.kind
    lines = [_line(one, is_of_variants, len(runs) > 1) for one in sorted(found.outcomes, key=_goodness)]
    return [f"{head}{_tally(found.outcomes, what)}.", *lines]


def _tally(outcomes: Sequence[Outcome], what: str) -> str:
    """How many variants are better, worse and so on: "of 3 variants 1 is worse, 2 are the same"."""
    found: dict[str, int] = {}
    for one in sorted(outcomes, key=_goodness):
        verdict = "" if one.verdict == _ONE_RUN else _verdict(one)
        found[verdict] = found.get(verdict, 0) + 1
    told = [
        f"{many} {'is' if many == 1 else 'are'} {verdict}" if verdict else f"{many} differ{'s' if many == 1 else ''}"
        for verdict, many in found.items()
    ]
    if len(told) > 1:
        return f"of {len(outcomes)} {what} {', '.join(told)}"
    whole = f"all {len(outcomes)} {what}" if len(outcomes) > 2 else f"both {what}"
    return f"{whole} {told[0].partition(' ')[2]}"


def _verdict(one: Outcome) -> str:
    """What a change did, in a word: of a changed outcome whether that is better or worse."""
    if one.is_worse is not None:
        return "worse" if one.is_worse else "better"
    return one.verdict


def _goodness(one: Outcome) -> tuple[int, float]:
    """By which the worst comes first: what is surely so, then the difference of the time that decides."""
    is_changed = one.verdict == "changed outcome"
    rank = 0 if one.is_worse is None else (-1 if one.is_worse else 1) * (2 if is_changed else 1)
    return rank, -one.difference.surely if one.difference is not None else 0.0


def _line(one: Outcome, is_of_variants: bool, is_of_runs: bool) -> str:
    """What a change did, as a line of a list: "“lifo”: worse, 99 % back after 4 min instead of 3 min, +60 s"."""
    names = [f"“{one.variant}”"] if is_of_variants else []
    names += [f"“{one.run}”"] if is_of_runs else []
    against = f" (beside “{one.than_variant}”)" if one.than_variant != one.variant else ""
    verdict, row = _verdict(one), one.difference
    subject = f"{' of '.join(names)}{against}: "
    if one.verdict == "changed outcome":
        was = f"{one.than_recovered} of {one.than_runs}"
        return f"{subject}{verdict}, recovers in {one.recovered} of {one.runs} runs instead of {was}."
    if row is None:
        return f"{subject}{verdict}, {register_words('ttr99_s', one.traffic)} was not measured ({one.why})."
    means = means_of(row)
    when = after(register_words(row.measure, one.traffic), means[1])
    if one.verdict == "the same":
        return f"{subject}{verdict}, {when}."
    told = "" if one.verdict == _ONE_RUN else f"{verdict}, "
    return f"{subject}{told}{when} instead of {_instead(means[0])}{_by(row)}{_why(row)}."


def answer(one: Outcome, *, named: bool) -> str:
    """What a change did, in a sentence; `named` with the variant that it speaks of."""
    whose = f"“{one.run}” (“{one.variant}”)" if named else f"“{one.run}”"
    against = f"“{one.than}”" if one.than_variant == one.variant else f"“{one.than}” (“{one.than_variant}”)"
    back = f"recovers in {one.recovered} of {one.runs} runs, {against} in {one.than_recovered} of {one.than_runs}"
    if one.verdict == "changed outcome":
        return f"{whose} changes the outcome{' for the worse' if one.is_worse else ' for the better'}: it {back}."
    if one.difference is None:
        what = register_words("ttr99_s", one.traffic)
        return f"{whose} and {against} are not told apart: {what} was not measured ({one.why})."
    row = one.difference
    means = means_of(row)
    what = register_words(row.measure, one.traffic)
    if one.verdict == "the same":
        runs = "1 run" if row.runs == 1 else f"{row.runs} runs"
        if "never" in means[1] or LATE in means[1] or row.is_always or row.within:
            return f"{whose} and {against} end alike in {runs}: {after(what, means[1])}."
        return f"{whose} and {against} have the same time in {runs}: {after(what, means[1])}."
    by, was = _by(row), _instead(means[0])
    if one.verdict in ("better", "worse"):
        return f"{whose} is {one.verdict} than {against}: {after(what, means[1])} instead of {was}{by}."
    if one.verdict == "not told apart":
        return f"{whose} and {against} are not told apart: {after(what, means[1])} and {was}{by}{_why(row)}."
    told = f"{after(what, means[1])} instead of {was} of {against}"
    return f"{whose}: {told}{by}; one run tells no chance from change."


def _by(row: Difference) -> str:
    """By how much a time differs, with its interval; "" where one side never comes to it, which makes it a difference
    from the horizon that says nothing of the system, or was never without it.
    """
    if row.is_open or "never" in means_of(row) or row.is_always != row.than_is_always:
        return ""
    of = "paired runs" if row.is_paired else f"and {row.than_runs} independent runs"
    return f", {_differs(row)}{interval(row, f'{row.runs} {of}')}"


def _differs(row: Difference) -> str:
    """A difference with its sign: "+4 min", "+4 min or more", "–" where it may be of either."""
    if row.is_open:
        return "–"
    show = by_of(row.measure)
    return signed(row.difference.mean, show) if row.by is None else _signed_between(row.by.from_s, row.by.to_s, show)


def _signed_between(low: float, high: float, show: Show) -> str:
    """A difference that is known within bounds alone, with its sign: "+4 min or more", "+4 min to +5 min"."""
    if low > 0 and math.isinf(high):
        return f"{signed(low, show)} or more"
    if high < 0 and math.isinf(low):
        return f"{signed(high, show)} or more"
    if math.isinf(high):
        return f"no less than {signed(low, show)}"
    if math.isinf(low):
        return f"no more than {signed(high, show)}"
    ends = dict.fromkeys((signed(low, show), signed(high, show)))
    return " to ".join(ends)


def _why(row: Difference) -> str:
    """Why two times are not told apart, unless their interval says it."""
    return f"; {'no interval: ' if row.verdict == 'no interval' else ''}{row.why}" if row.why else ""


def _instead(when: str) -> str:
    """A mean of the old side, where that of the new stands before it."""
    return "never away" if when == ALWAYS else when


def after(what: str, when: str) -> str:
    """When something is so, in words: "99 % back after 25 min", "99 % never back", "99 % not cleared within 2 h", "99 %
    never away" of leases that were there all the time.
    """
    many, _, back = what.rpartition(" ") if what.endswith((" back", " cleared")) else ("", "", what)
    if when.startswith(LATE) and "," not in when:
        return f"{many} not {back} {when.removeprefix('not ')}".strip()
    if when == ALWAYS:
        return f"{many} never away"
    return f"{many} never {back}".strip() if when == "never" else f"{what} after {when}"


def register_words(measure: str, traffic: register.TrafficName) -> str:
    """What a time to recovery is called: "99 % back", "99 % of “heartbeat” back"; of jobs "99 % cleared"."""
    known, whose = register.find(measure, traffic), register.class_of(measure)
    title = _NAMED.get(measure, known.title if known is not None else measure)
    many, _, back = title.rpartition(" ")
    return f"{many} of “{whose}” {back}" if whose and known is not None else title


def conditions(found: Sequence[Condition]) -> str:
    """Whether each condition holds, a line each."""
    return "\n".join(f"fail if {one.text}: {whole(one)}" for one in found)


def whole(one: Condition) -> str:
    """Whether a condition holds, by what it was judged, and of which other variants it would hold."""
    return holds(one) + because(one) + elsewhere(one)


def holds(one: Condition) -> str:
    """Whether a condition holds, in words."""
    if one.holds == "unsure" and math.isnan(one.value.mean):
        return "not decided"
    is_bare = one.holds == "unsure" and one.is_change and math.isnan(one.value.low)
    return _NO_INTERVAL if is_bare else _HOLDS[one.holds]


def because(one: Condition) -> str:
    """What a condition was judged by, in brackets; "" where nothing was measured and nothing said."""
    found = []
    if not math.isnan(one.value.mean) and not one.why.startswith("in "):
        show = by_of(one.measure)
        shown = signed(one.value.mean, show) if one.is_change else show_measure(one.measure, one.value.mean)
        if one.is_change and not math.isnan(one.value.low):
            shown += f", {signed(one.value.low, show)} to {signed(one.value.high, show)}"
        found.append("; ".join([shown, *_relative(one)]))
    found += [one.why] if one.why else []
    return f" ({'; '.join(found)})" if found else ""


def _relative(one: Condition) -> list[str]:
    """A change over the old mean, in words; none of a share, whose change is in points, unless the condition is in
    per cent of the old.
    """
    if not one.is_change or (register.unit_of(one.measure) == "share" and not one.text.endswith("%")):
        return []
    if math.isnan(one.change_share):
        return ["from nothing"] if one.value.mean > register.ROUNDING else []
    if one.change_share >= FROM_NOTHING:
        return ["from nearly nothing"]
    return [signed(one.change_share, show_share)]


def elsewhere(one: Condition) -> str:
    """What stands with variants that were not asked for, as a sentence after what was judged; "" where nothing does."""
    if not one.holds_elsewhere:
        return ""
    names = ", ".join(f"“{name}”" for name in one.holds_elsewhere)
    return f". This is “{one.variant}” alone: of {names} it holds; --variant judges another"


def grouped(rows: Sequence[Difference]) -> list[list[Difference]]:
    """Rows of each pair of variants."""
    groups: dict[tuple[str, ...], list[Difference]] = {}
    for row in rows:
        groups.setdefault((row.run, row.than, row.variant, row.than_variant), []).append(row)
    return list(groups.values())


def head(first: Difference) -> str:
    """What is compared in a table, and how, by one of its rows."""
    how = "paired: the same seeds and draws" if first.is_paired else "independent runs"
    against = f"{first.than}: {first.than_variant}" if first.than_variant != first.variant else first.than
    runs = "1 run" if first.runs == 1 else f"{first.runs} runs"
    return f"{first.run}: {first.variant}, compared with {against} ({runs} against {first.than_runs}, {how})"


def notes(own: Sequence[Difference]) -> list[str]:
    """What stands below a table, in sentences."""
    attempts = [row for row in own if register.without_class(row.measure) == "amplification"]
    is_early = any(min(row.mean, row.than_mean) < 1 - register.ROUNDING for row in attempts)
    is_refused = any(max(row.mean, row.than_mean) > 0 for row in own if row.measure == REFUSED)
    return [*of_horizon(own), *([EARLY] if is_early else []), *([OF_RUN] if is_refused else [])]


def of_horizon(own: Sequence[Difference]) -> list[str]:
    """What in a table hangs on how long the runs are, in sentences: where runs do not come to an end."""
    known = register.recoveries()
    ends = [
        row for row in own if (row.never_share or row.than_never_share) and register.without_class(row.measure) in known
    ]
    if not ends:
        return []
    last = max(ends, key=lambda row: max(row.never_share or 0.0, row.than_never_share or 0.0))
    shares = ((last.than, last.than_never_share), (last.run, last.never_share))
    whose = " and ".join(f"{show_share(share)} of the runs of “{name}”" for name, share in shares if share)
    text = f"{whose} have not recovered at the horizon ({show_duration(last.horizon_s)}): their counts and shares, and "
    return [f"{text}what differs in these, are of the whole run and would be others in a longer one."]


def of_window(found: Comparison) -> str:
    """To what times are known, where that hides what was asked; else ""."""
    if math.isnan(found.window_s):
        return ""
    text = f"Times are known to one window ({show_duration(found.window_s)}), so a change of less may not be seen: set "
    return f'{text}coupling.window = "{found.window_s / FINER:g}s" in each file for a finer comparison.'


def of_judged(found: Comparison) -> str:
    """By what sides are judged, where that is not the time until nearly all is back; else ""."""
    judged = {one.difference.measure for one in found.outcomes if one.difference is not None}
    told = [
        f"Judged is “{whose}” alone, the class that the file is about."
        for whose in sorted({register.class_of(measure) for measure in judged} - {""})
    ]
    if RENEWED in judged:
        told.append("Where neither side loses a lease, judged is when all holders have renewed, as far as counts tell.")
    if any(one.difference is not None and one.difference.is_last for one in found.outcomes):
        told.append("Where leases are lost once more after they were back, times are those of the last return.")
    return " ".join(told)


def asked(found: Comparison) -> tuple[str, ...]:
    """The measures that a table has besides those that it always has: what decides, and what conditions name."""
    decides = (one.difference.measure for one in found.outcomes if one.difference is not None)
    return (*dict.fromkeys(decides), *(one.measure for one in found.conditions))


def of_never(rows: Sequence[Difference], also: Sequence[str] = ()) -> str:
    """As what a time counts that never came, where a table shows one; else ""."""
    return (
        NEVER
        if any(row.measure in (*SHOWN, *also) and (row.never_share or row.than_never_share) for row in rows)
        else ""
    )


def is_from_horizon(row: Difference) -> bool:
    """Whether all runs of one side alone never come to a time: the difference then is only one from the horizon."""
    return ((row.never_share or 0.0) == 1) != ((row.than_never_share or 0.0) == 1)


def lines(own: Sequence[Difference], also: Sequence[str] = ()) -> list[list[str]]:
    """The rows of a table, its head first; with the measures of `also`."""
    out = [["measure", own[0].than, own[0].run, "difference", "95 %", ""]]
    for row in [row for name in dict.fromkeys((*SHOWN, *also)) for row in own if row.measure == name]:
        if row.measure == REFUSED and row.mean == row.than_mean == 0 and row.measure not in also:
            continue
        show, span, means, differs = show_of(row.measure), _span(row), means_of(row), _differs(row)
        verdict = f"{row.verdict}: {row.why}" if row.why else row.verdict
        if is_from_horizon(row):
            differs, span = f"{differs} or more", ""
        if (row.never_share or row.than_never_share) and row.verdict != "the same":
            verdict += f"; counts as {show(row.limit_s)} where it did not come"
        out.append([row.measure, *means, differs, span, verdict])
    return out


def interval(row: Difference, runs: str) -> str:
    """The interval of a difference in brackets, with what it is of; "" where one run tells none."""
    span = _span(row)
    if span == ALIKE:
        return f" ({runs}, {ALIKE})"
    return f" ({span}, 95 %; {runs})" if span else ""


def _span(row: Difference) -> str:
    """Both ends of the interval of a difference; that all are alike where it has no width; "" where there is none."""
    ends, show = row.difference, by_of(row.measure)
    if math.isnan(ends.low) or row.is_open:
        return ""
    if row.by is not None:
        return _signed_between(ends.low, ends.high, show)
    low, high = signed(ends.low, show), signed(ends.high, show)
    if low == high and units.are_apart(ends.low, ends.high):
        finer = show_seconds if units.is_time(row.measure) else show_points if show is show_points else show_number
        show = functools.partial(finer, digits=digits_apart(ends.low, ends.high))
        low, high = signed(ends.low, show), signed(ends.high, show)
    return f"{low} to {high}" if low != high else ALIKE


def means_of(row: Difference) -> list[str]:
    """Both means, of the old and of the new, with as many digits as it takes to see that they differ."""
    show, sides = show_of(row.measure), [row.side(is_new=is_new) for is_new in (False, True)]
    if row.within:
        shown = [units.show_between(one.from_s, one.to_s) for one in row.within]
        return [mean(side, show, shown=text) for side, text in zip(sides, shown, strict=True)]
    digits = digits_apart(row.mean, row.than_mean)
    apart = show
    if not units.is_time(row.measure):
        apart = functools.partial(show_share if show is show_share else show_number, digits=digits)
    elif show(row.mean) == show(row.than_mean) and digits > 3:
        apart = functools.partial(show_seconds, digits=digits)
    soon = f"less than {show(row.window_s)}"  # as the answer of a run has it
    return [
        soon if 0 <= side.mean < row.window_s and not side.never_share and not side.is_always
        else mean(side, show, apart)
        for side in sides
    ]  # fmt: skip


def mean(side: SideMean, show: Show, exactly: Show | None = None, shown: str = "") -> str:
    """A mean, with the shares of runs in which it never came, or not within the run; the mean itself by `exactly`, or
    as it is `shown`. "always" of leases that were there all the time.
    """
    if side.is_always:
        return ALWAYS
    late, collapsed = f"{LATE} {show(side.limit_s)}", side.never_share - side.late_share
    shares = [(what, share) for what, share in (("never", collapsed), (late, side.late_share)) if share > 0]
    if side.never_share == 1 and len(shares) == 1:
        return shares[0][0]
    told = [] if side.never_share == 1 else [shown or (exactly or show)(side.mean)]
    return ", ".join([*told, *(f"{what} in {show_share(share)}" for what, share in shares)])


def show_of(measure: str) -> Show:
    """How the values of a measure are written."""
    if units.is_time(measure):
        return show_duration
    return show_share if register.unit_of(measure) == "share" else show_number


def by_of(measure: str) -> Show:
    """How differences of a measure are written: of shares in points, since per cent of what would be left open."""
    return show_points if register.unit_of(measure) == "share" else show_of(measure)


def show_points(value: float, digits: int = 3) -> str:
    """A difference of shares, in percentage points."""
    return f"{show_number(100 * value, digits) if abs(value) >= units.SHARE_LEAST else 0} pp"


def signed(value: float, show: Show) -> str:
    """A difference with its sign; one of rounding alone is none."""
    shown = show(0.0 if abs(value) < register.ROUNDING else abs(value))
    return shown if shown == show(0.0) else ("+" if value > 0 else "−") + shown
