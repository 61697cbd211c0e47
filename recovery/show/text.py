"""What the command prints for people: plain text, the same on every machine."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from recovery import theory
from recovery.measures import for_good, words
from recovery.measures.register import DENIED, DENIED_OF_RETURN, ROUNDING
from recovery.show import advice, classes, milestones, outages, renewed, stage_times, standings
from recovery.show.words import speaking_of
from recovery.store.note_record import Note
from recovery.store.run_record import Bound, Explained, Group, Row, RunManifest, Summary
from recovery.store.scenario_record import Planned, RuleInUse, Scenario
from recovery.units import is_time, show_bytes, show_count, show_duration, show_number, show_share

TIMES_TOLD = 3  # of what operators did: so many are told one by one
DEPTHS = (50, 90, 99, 100)  # per cent, of the times to recovery


class Refused(NamedTuple):
    """A column of what is refused: its measure, its head and what it means."""

    measure: str
    title: str
    meaning: str


OF_RETURN = Refused(
    DENIED_OF_RETURN, "refused",
    "share of the attempts that were refused, from the dependency's return until 99 % are back (or the run ends), over "
    "a window at least",
)  # fmt: skip
OF_RUN = Refused(
    DENIED, "refused, whole run", "share of the attempts of the whole run, to its horizon, that were refused"
)


class Need(NamedTuple):
    """What a variant is thought to need: memory at most, events, CPU time and its interval; without its hosts where
    they are those of a variant before it. `hosts` are simulated, each by one thread.
    """

    variant: str
    memory_bytes: float
    events: float
    cpu_s: float
    low_s: float
    high_s: float
    hosts: int
    shares_hosts: bool = False


class Parameter(NamedTuple):
    """A parameter of a policy."""

    name: str
    default: str
    description: str


class Rule(NamedTuple):
    """A policy: its axis, what that axis decides, its name, rule, source, how it fails, its parameters, and the keys at
    which it may stand.
    """

    axis: str
    decides: str
    name: str
    rule: str
    source: str
    fails: str
    parameters: tuple[Parameter, ...]
    places: tuple[str, ...] = ()


def sample_interval(group: Group, measure: str) -> tuple[float, float] | None:
    """Interval (95 %) of a time to recovery that a sample of the hosts gives, s: inf for never, nan where too few hosts
    tell; None if all were simulated, or where several runs give the interval.
    """
    name = f"{measure[:-2]}_low_s"
    if group.runs > 1 or name not in group.measures:
        return None
    return group.mean(name), group.mean(f"{measure[:-2]}_high_s")


def sample_span(group: Group, measure: str) -> str:
    """The same in words for a cell of a table, or why there is none; "" where none is wanted."""
    span = sample_interval(group, measure)
    if span is None:
        return ""
    low, high = span
    if math.isnan(low):
        return "all hosts needed" if measure == "ttr100_s" else "too few hosts tell"
    if low == high:
        return "never" if math.isinf(low) else show_duration(low)
    return f"{show_duration(low)} to {'never' if math.isinf(high) else show_duration(high)}"


def verdict_of(group: Group) -> str:
    """The verdict of most runs, with how many where they differ; of a fleet that loses no lease but is late to the end
    that it is.
    """
    if late := renewed.late_to_the_end(group):
        return late
    verdicts = sorted(group.verdicts.items(), key=lambda item: -item[1])
    name, count = verdicts[0]
    return name if count == group.runs else f"{name} {count} of {group.runs}"


def show_saved(found: standings.Saved) -> str:
    """The time saved, for a table: in the digits of the answer."""
    seconds = found.mean_s
    if math.isnan(seconds):
        return "?" if found.is_open else "–"
    if math.isfinite(found.beyond_s):
        return f"> {show_duration(found.beyond_s)}"
    if math.isinf(seconds):
        return "recovers" if seconds > 0 else "not back"
    sign = "+" if seconds > 0 else "-" if seconds < 0 else ""
    if math.isinf(found.most_s):
        return f"{sign}{show_duration(abs(seconds))} or more"
    sign = f"about {sign}" if found.is_open else sign
    ends = [f"{sign}{show_duration(abs(one))}" for one in (seconds, found.most_s) if not math.isnan(one)]
    return " to ".join(dict.fromkeys(ends))


def table(rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """Rows of text in columns, the first `left` columns to the left and the others to the right; the first row is the
    head.
    """
    from rich.cells import cell_len  # a Chinese letter is two columns wide, an accent none

    widths = [max(cell_len(row[i]) for row in rows) for i in range(len(rows[0]))]

    def line(row: Sequence[str]) -> str:
        spaces = [" " * (w - cell_len(cell)) for cell, w in zip(row, widths, strict=True)]
        cells = [cell + gap if i < left else gap + cell for i, (cell, gap) in enumerate(zip(row, spaces, strict=True))]
        return "  ".join(cells).rstrip()

    return "\n".join([line(rows[0]), "  ".join("-" * w for w in widths), *(line(row) for row in rows[1:])])


def results(manifest: RunManifest, summary: Summary, verdict: Sequence[str]) -> str:
    """Title, verdict, table of variants, milestones, bounds."""
    told = [*filter(None, [counted(manifest, summary)]), *notes(summary)]
    parts = [manifest.title, "\n".join(verdict), variants_table(summary), "\n".join(told)]
    if each := outages.rows(manifest, summary):
        parts.append(table(each))
    if of_classes := classes.rows(summary):
        parts.append(table(of_classes, left=2))
    variants = stage_times.variants(summary)
    if variants:
        parts.append(stages_table(variants))
    spans = [[group.variant, *(sample_span(group, f"ttr{n}_s") for n in DEPTHS)] for group in summary.groups]
    if any(any(row[1:]) for row in spans):
        head = ["from a sample of the hosts (95 %)", *(f"{n} %" for n in DEPTHS)]
        parts.append(table([head, *([cell or "–" for cell in row] for row in spans)]))
    parts.append(intervals_table(summary))
    if summary.milestones:
        parts.append(milestones_table(summary))
    parts += [expected(bound) for bound in summary.expect]
    return "\n\n".join(part for part in parts if part)


def expected(bound: Bound) -> str:
    """Whether a bound of [expect] holds, and where in a sweep it holds least."""
    return words.expected(bound.text, bound.holds, bound.value, bound.why, bound.levers)


def is_last_of_several(manifest: RunManifest, summary: Summary) -> bool:
    """Whether times count from the end of an outage that was not the first."""
    first = summary.groups[0]
    counts = not (first.scenario.is_counted_from_file or first.scenario.is_counted_from_end)
    return counts and bool(manifest.outages) and len(manifest.outages[first.outages_index]) > 1


def counted(manifest: RunManifest, summary: Summary) -> str:
    """From when all columns count, where an outage came before; "" where there was one, and that is plain."""
    if not is_last_of_several(manifest, summary):
        return ""
    course = manifest.outages[summary.groups[0].outages_index]
    last = show_duration(summary.recovers_from_s)
    return (
        f"times, saved and efficiency count from the last of {len(course)} returns of the dependency, {last} after the "
        f"start; from the first: --set recovers_from={course[0].to_s:.10g}s."
    )


BAD = 0.3  # of the work: so much waste asks for a word
LOST = "*"  # marks a time whose share was lost again before the horizon


def lost(summary: Summary) -> set[tuple[str, str]]:
    """(Variant, measure) of the times to recovery whose share some run lost again before the horizon. Nothing of a
    sweep's points, of which `notes` tells nothing either: one variant stands there at many points.
    """
    return {
        (row.variant, f"ttr{depth}_s")
        for row in summary.rows
        if not row.levers
        for depth in DEPTHS
        if math.isfinite(row.of(f"ttr{depth}_lost_s"))
    }


def lost_again(summary: Summary, group: Group) -> str:
    """Which share a variant lost again, when and until when: what a star in a table says; "" where it has none."""
    rows, again, times = summary.rows_of(group), [], []
    for depth in DEPTHS:
        known = [time for row in rows if math.isfinite(time := row.of(f"ttr{depth}_lost_s"))]
        if known:
            runs = f" in {len(known)} of {len(rows)} runs" if len(rows) > 1 else ""
            again.append(f"{depth} % after {show_duration(min(known))}{runs}")
            times.append(standings.time_of(summary, group, f"ttr{depth}_s"))
    if not again:
        return ""
    is_later = any(row.is_back_again for row in rows)
    until = " It still had it when the clock started: its times are those until it had it again" * is_later
    if standings.is_lost_again(summary, group, "ttr99_s"):
        last = standings.of_last(summary, group, "ttr99_s")
        if last.is_never:
            until += " 99 % were not back at the end"
        else:
            until += f" 99 % were back for the last time after {last.whole()}: saved is counted to then"
    not_for_good = f" (never{LOST}: it was reached, and not for good)" if "never" in times else ""
    return f"{LOST} “{group.variant}” lost its share again: {', '.join(again)}{not_for_good}.{until}{'.' * bool(until)}"


def notes(summary: Summary) -> list[str]:
    """What the times of the variants do not say: which share was lost again and when, what still drains and until when,
    how what has collapsed goes on, and where another run may end elsewhere. Nothing of a sweep's points.
    """
    out = []
    for group in summary.groups:
        if group.levers:
            continue
        rows = [row for row in summary.rows if row.variant == group.variant]
        if again := lost_again(summary, group):
            out.append(again)
        told = _state(group, rows)
        if told:
            out.append(f"“{group.variant}” {told}.")
        out += _on_conditions(group, rows)
    kept = {group.variant for group in summary.groups if standings.lost_none(group, summary.rows_of(group))}
    if any(group.mean("amplification") < 1 - ROUNDING and group.variant not in kept for group in summary.groups):
        out.append(EARLY)
    first, *others = summary.groups
    if any(not one.levers and (renewed.is_judged(one, first) or renewed.is_apart(one, first)) for one in others):
        text = "saved, where no lease is lost: by when all have renewed"
        text += "; – where one is." if any(renewed.is_apart(one, first) for one in others) else "."
        if any(renewed.saved(summary, one, first).is_open for one in others):
            text += f" It is “about” or “?” where it hangs on a time with ≥: {renewed.OPEN}."
        out.append(speaking_of(first.scenario.called, text))
    if kept:
        text = "efficiency, amplification and wasted are – where no lease was lost: they count while leases come back."
        out.append(speaking_of(first.scenario.called, text))
    if any(group.mean("fluid_bound_s") == 0 and math.isnan(group.mean("efficiency")) for group in summary.groups):
        text = "efficiency is – where fewer than 1 % of the leases were lost before the dependency was back."
        out.append(speaking_of(first.scenario.called, text))
    brief = [one for one in summary.groups if standings.is_within_a_window(summary.rows_of(one))]
    if any(one.variant not in kept and one.mean("efficiency") > 0 for one in brief):
        out.append("efficiency is – where windows do not tell the time that it is a part of.")
    return [*out, *_overloaded(summary), *filter(None, [counted_over(summary)])]


def _on_conditions(group: Group, rows: Sequence[Row]) -> list[str]:
    """When operators acted on a condition, or that it never came to that, a sentence each; not of two that do the same,
    which a run does not tell apart.
    """
    out = []
    for one in group.scenario.actions:
        if not one.when or sum(other.do == one.do for other in group.scenario.actions) > 1:
            continue
        each = [[act.at_s for act in row.actions if act.do == one.do] for row in rows]
        acted, what = [times for times in each if times], f"“{group.variant}”: operators act on {one.when} ({one.do})"
        if not acted:
            ever = " in any run" if len(each) > 1 else ""
            out.append(f"“{group.variant}” never comes to {one.when}{ever}, so nobody acts on it ({one.do}).")
        elif len(each) == 1:
            shown = [show_duration(at_s) for at_s in acted[0][:TIMES_TOLD]]
            more = len(acted[0]) - len(shown)
            many = f" and {more} time{'' if more == 1 else 's'} more" if more else ""
            out.append(f"{what} at {', '.join(shown)} from the start{many}.")
        else:
            early, late = (show_duration(end(times[0] for times in acted)) for end in (min, max))
            when = early if early == late else f"{early} to {late}"
            out.append(f"{what} in {len(acted)} of {len(each)} runs, for the first time at {when} from the start.")
    return out


def _overloaded(summary: Summary) -> list[str]:
    """Which variants ask for more jobs than the hosts do all the time, though a part of their backlog counts as
    cleared: what waited before anything happened is no normal.
    """
    out = []
    for group in summary.groups:
        scenario = group.scenario
        if group.levers or scenario.jobs is None or not scenario.wanted_share >= 1:
            continue
        if math.isfinite(group.mean("ttr50_s")):
            come, can = show_count(scenario.jobs.arrivals_per_s), show_count(scenario.hosts.per_s_at(math.inf))
            text = f"“{group.variant}” is overloaded: {come} jobs a second come, and the hosts do {can}. "
            text += (
                "Its backlog counts as cleared once no more jobs wait than before the trouble, when it grew already."
            )
            out.append(text)
    return out


EARLY = "amplification below 1: requests that waited already at the return succeed without a new attempt."


def counted_over(summary: Summary) -> str:
    """Of what time amplification and waste are, where that is one window and they look bad; else ""."""
    looks_bad = [
        group
        for group in summary.groups
        if not group.levers
        and all(row.of("ttr99_s") <= group.scenario.window_s for row in summary.rows_of(group))
        and not standings.lost_none(group, summary.rows_of(group))
        and (group.mean("wasted_share") >= BAD or math.isinf(group.mean("amplification")))
    ]  # fmt: skip
    if not looks_bad:
        return ""
    names = ", ".join(f"“{group.variant}”" for group in looks_bad[:3]) + (" and others" if len(looks_bad) > 3 else "")
    window = show_duration(looks_bad[0].scenario.window_s)
    what = "99 % have a lease" if looks_bad[0].scenario.has_leases else "99 % of the backlog is cleared"
    text = "amplification and wasted count from the dependency's return (or the clock's start) until "
    text += f"{what}, for one window at least: of {names} they are of {window} alone."
    return speaking_of(looks_bad[0].scenario.called, text)


def _state(group: Group, rows: Sequence[Row]) -> str:
    """How the runs that are not back go on, in words."""
    parts = []

    def often(verdict: str) -> str:
        count = group.verdicts.get(verdict, 0)
        return f" in {count} of {group.runs} runs" if count < group.runs else ""

    ends = standings.of_times([row.of("empty_at_s") for row in rows if row.verdict == "recovering"])
    if ends.is_known:
        span = f" ({told})" if (told := ends.span()) else ""
        parts.append(f"still drains{often('recovering')}: what waits would be gone {ends.show()}{span} from the start")
    if waves := sum(map(standings.comes_in_waves, rows)):
        often_so = f" in {waves} of {group.runs} runs" if waves < group.runs else ""
        parts.append(
            f"comes and goes in waves as the run ends{often_so}: only a longer run tells whether it comes back"
        )
    parts += _that_collapse(group, rows)
    if len(group.verdicts) > 1:  # what else says so, the answer tells
        parts.append("is near a cliff, so that one run is chance")
    return "; it ".join(parts)


def _that_collapse(group: Group, rows: Sequence[Row]) -> list[str]:
    """How what waits went on in the runs that collapsed: of each class that did, where there are classes, and before
    these which still drain where that is not told of the whole.
    """

    def of_classes(verdict: str, *but: str) -> list[str]:
        return [
            one.name
            for one in group.scenario.classes
            if any(row.words.get(f"verdict.{one.name}") == verdict and row.verdict not in but for row in rows)
        ]

    parts = [f"still drains by “{name}”" for name in of_classes("recovering", "recovering")]
    for name in of_classes("collapsed") or [""]:
        down = [row for row in rows if (row.words.get(f"verdict.{name}") if name else row.verdict) == "collapsed"]
        drifts = [row.of(f"drift_per_s.{name}" if name else "drift_per_s") for row in down]
        drifts = [one for one in drifts if not math.isnan(one)]
        if drifts:
            often = f" in {len(down)} of {group.runs} runs" if len(down) < group.runs else ""
            by, of = (f" by “{name}”", " of it") if name else ("", "")
            goes = _went(
                math.fsum(drifts) / len(drifts), of, is_even=not any(row.of("is_near_cliff") > 0 for row in down)
            )
            parts.append(f"does not come back{by}{often}: {goes}")
    return parts


def _went(drift: float, of: str, *, is_even: bool) -> str:
    """How what waits went over the stretch that tells a collapse, with its mean drift, 1/s: it may turn in it."""
    if abs(drift) < 5e-3:  # whether a queue waits or none does
        return "as it ends it becomes neither better nor worse"
    much = f"{show_number(float(f'{abs(drift):.2g}'))} a second over the last stretch of the run"
    if drift < 0:
        return f"what waits{of} fell by {much}, which chance may make"
    return f"what waits{of} grew by {much}" + ("" if is_even else " on average, but not evenly: it may fall by its end")


def variants_table(summary: Summary) -> str:
    """A line a variant: times to recovery, what is saved against the first, efficiency, amplification, wasted work."""
    groups = summary.groups
    if any(group.levers for group in groups):
        return _sweep_table(groups)
    head = [
        "variant",
        *(f"{depth} %" for depth in DEPTHS),
        "saved",
        "verdict",
        "efficiency",
        "amplification",
        "wasted",
        "longest queue",
    ]
    is_renewed = renewed.is_told(summary)
    if is_renewed:
        head.insert(1 + len(DEPTHS), renewed.TITLE)
    refused = refused_columns(summary)
    head[-1:-1] = [column.title for column in refused]
    rows, marked = [head], lost(summary)
    for group in groups:
        times = [
            standings.time_of(summary, group, f"ttr{depth}_s")
            + (LOST if (group.variant, f"ttr{depth}_s") in marked else "" if not marked else " ")
            for depth in DEPTHS
        ]
        saved = "" if group is groups[0] else show_saved(renewed.saved(summary, group, groups[0]))
        if group is not groups[0] and advice.declares_only(groups[0], group):
            saved = show_saved(standings.Saved(math.nan))
        efficiency, amplification = group.mean("efficiency"), group.mean("amplification")
        is_brief = standings.is_within_a_window(summary.rows_of(group))
        of_return = [
            "–" if math.isnan(efficiency) or is_brief else show_share(efficiency),
            "∞" if math.isinf(amplification) else show_number(amplification),
            show_share(group.mean("wasted_share")),
        ]
        if standings.lost_none(group, summary.rows_of(group)):
            of_return = ["–"] * len(of_return)
        rows.append(
            [
                group.variant,
                *times,
                *([renewed.show(group)] if is_renewed else []),
                saved,
                verdict_of(group),
                *of_return,
                *(share_of(summary, group, column.measure) for column in refused),
                show_count(group.mean("queue_peak")),
            ]
        )
    return table(rows)


def refused_columns(summary: Summary) -> list[Refused]:
    """The column of what is refused, where a variant does so, and else none. It is of the whole run where no variant
    lost a lease, and of an older run.
    """
    groups = [group for group in summary.groups if not standings.lost_none(group, summary.rows_of(group))]
    is_known = groups and all(group.denied_of_return is not None for group in groups)
    column, groups = (OF_RETURN, groups) if is_known else (OF_RUN, list(summary.groups))
    return [column] if any(group.mean(column.measure) > 0 for group in groups) else []


def share_of(summary: Summary, group: Group, measure: str) -> str:
    """A share for a table: "–" where it is of the time in which leases come back, and none was lost."""
    is_of_nothing = measure in for_good.OF_RETURN and standings.lost_none(group, summary.rows_of(group))
    return "–" if is_of_nothing else show_share(group.mean(measure))


def intervals_table(summary: Summary) -> str:
    """A line a variant of several runs: the interval (95 %) of the mean of each time to recovery, of the runs that come
    to it, or why it has none; "" of single runs, and of a sweep's points.
    """
    groups = [group for group in summary.groups if group.runs > 1]
    if not groups or any(group.levers for group in groups):
        return ""
    times = {f"{depth} %": f"ttr{depth}_s" for depth in DEPTHS}
    if renewed.is_told(summary):
        latest = "" if all(map(renewed.is_exact, groups)) else ", at the latest"
        times[f"{renewed.TITLE}{latest}"] = renewed.MEASURE
    rows = [["interval of the mean time (95 %)", *times]]
    for group in groups:
        found = [standings.of(summary, group, measure) for measure in times.values()]
        spans = [one.span() or _no_span(one) for one in found]
        if renewed.MEASURE in times.values() and found[-1].never and math.isfinite(renewed.after_s(group)):
            spans[-1] = "–"  # that no count tells it is no sign that it never is
        rows.append([group.variant, *spans])
    return table(rows)


def _no_span(one: standings.Standing) -> str:
    """Why a time has no interval."""
    if not one.is_known:
        return one.show()
    return standings.ALIKE if one.runs - one.never > 1 else "one run"


def stages_table(variants: Sequence[stage_times.Variant]) -> str:
    """A line a variant: when each stage is normal again, since the start; what of the last is saved; which that is."""
    stages = [stage for stage in stage_times.TITLES if stage in variants[0].normal]
    rows = [["normal again", *(stage_times.TITLES[stage] for stage in stages), "saved", "held back by"]]
    for variant in variants:
        shown = [variant.show(stage, show_duration) for stage in stages]
        saved = "" if variant is variants[0] else stage_times.show_saving(variant.saved[stage_times.ALL])
        rows.append([variant.name, *shown, saved, variant.last.words])
    return table(rows)


def _sweep_table(groups: Sequence[Group]) -> str:
    keys = list(groups[0].levers)
    rows = [["variant", *keys, "runs", "collapsed", "from", "to"]]
    for group in groups:
        share = group.collapsed
        rows.append(
            [
                f"{group.variant} *" if group.is_file else group.variant,
                *map(group.lever_words, keys),
                str(group.runs),
                *map(show_share, (share.share, share.low, share.high)),
            ]
        )
    return table(rows) + ("\n* the file as it stands" if any(group.is_file for group in groups) else "")


def milestones_table(summary: Summary) -> str:
    """Observed and simulated milestones, with the difference."""
    rows = [["milestone", "confidence", "observed", "simulated", "difference"]]
    for stone in summary.milestones:
        label = stone.label + (" (used for the fit)" if stone.used_for_fit else "")
        found = milestones.simulated(summary, stone)
        off = milestones.difference_min(stone, found)
        shown = f"{off:+.1f} min" if math.isfinite(off) else "–"
        times = [show_duration(stone.observed_s), milestones.show(found)]
        rows.append([label, stone.confidence, *times, shown])
    return table(rows, left=2)


def _between(low_s: float, high_s: float) -> str:
    return f"between {show_duration(low_s)} and {show_duration(high_s)}"


def took(file: str, replications: int, needs: Sequence[Need], threads: int, *, compile_s: float) -> tuple[str, str]:
    """What `recovery check` says of a run: that nothing is wrong and what it will take, and how well that is known;
    above 0, `compile_s` is what the kernels take first, and nothing was tried out.
    """
    runs, what = len(needs) * replications, "policies" if _are_policies(needs) else "variants"
    cpu_s, low_s, high_s = (
        sum(costs) * replications
        for costs in zip(*((need.cpu_s, need.low_s, need.high_s) for need in needs), strict=True)
    )
    memory = show_bytes(max(need.memory_bytes for need in needs))
    threads = min(threads, replications * sum(need.hosts for need in needs if not need.shares_hosts))
    if runs == 1:
        said = f"{file}: no mistake; one run takes"
    elif replications == 1:
        said = f"{file}: no mistake; {runs} {what} take"
    elif len(needs) == 1:
        said = f"{file}: no mistake; {runs} replications take"
    else:
        said = f"{file}: no mistake; {len(needs)} {what} × {replications} replications = {runs} runs take"
    said += f" at most {memory} of memory and about {show_duration(cpu_s / threads)}"
    said += f" ({_between(low_s / threads, high_s / threads)})" if compile_s <= 0 else ""
    said += " with one thread." if threads == 1 else f" with {threads} threads."
    if shared := sum(need.shares_hosts for need in needs):
        said += f" {shared} variant{'s have' if shared > 1 else ' has'} the same hosts as one before: these run once."
    if compile_s <= 0:
        return said, "How long it takes is scaled up from small runs of a fraction of a second."
    return said, (
        f"The kernels are not compiled yet, which comes on top (about {show_duration(compile_s)}, once). Until then "
        "the time is by a count of events alone, and may be ten times off; after recovery warmup it is known better."
    )


def _are_policies(needs: Sequence[Need]) -> bool:
    """Whether a variant stands for several policies of a sweep."""
    return len({need.variant for need in needs}) < len(needs)


def checked(needs: Sequence[Need]) -> str:
    """What each variant will take, as a table."""
    table_rows = [["variant", "memory at most", "events about", "CPU time about"]]
    names: dict[str, Need] = {}
    for need in needs:
        if need.variant not in names or need.events > names[need.variant].events:
            names[need.variant] = need
    many = Counter(need.variant for need in needs)
    for name, need in names.items():
        told = name if many[name] == 1 else f"{name}: of its {many[name]} policies the one with most events"
        table_rows.append([told, show_bytes(need.memory_bytes), f"{need.events:.2g}", show_duration(need.cpu_s)])
    return table(table_rows)


def explained(
    title: str,
    rows: Sequence[Explained],
    notes: Sequence[Note],
    scenario: Scenario,
    engine: str,
    of_stages: Sequence[RuleInUse] = (),
    variants: Sequence[str] = (),
) -> str:
    """What formulas say of the file's other `variants`, a line each. Then of the first alone each group with its
    formula, the numbers in it, its value, what it means, and its symbols; the rules of part two of the model that are
    in use, those of launches and propagation, what operators set in the run, and which engine runs it.
    """
    rules, actions = scenario.rules, scenario.actions
    lines = [title]
    if variants:
        lines += ["", "The file's other variants, by formulas alone (only a run tells how they end):"]
        lines += [f"    {line}" for line in variants]
    for row, legend in zip(rows, theory.legends([row.formula for row in rows]), strict=True):
        lines += ["", f"{row.name} = {row.formula} = {row.numbers} = {_value(row.name, row.value)}"]
        lines += [f"    {speaking_of(scenario.called, one)}" for one in (row.meaning, legend) if one]
    for note in notes:
        kind = "a documented default" if note.kind == "default" else note.kind
        lines += ["", f"{note.key} is {kind}: {note.why}"]
    if rules:
        lines += ["", "Rules of sessions, classes, operators or loaded servers that are in use (MODEL.md, section 13):"]
        lines += [f"    {rule.key}: {rule.why}" for rule in rules]
    if of_stages:
        lines += ["", "Rules of launches and propagation that are in use (MODEL.md, section 9):"]
        lines += [f"    {rule.key}: {rule.why}" for rule in of_stages]
    if edits := [action for action in actions if action.sets]:
        lines += ["", "What operators change in the run; all groups above are of the file, the bound is of its best:"]
        lines += [f"    {edit(action)}" for action in edits]
    lines += ["", f"Engine: {engine} ({ENGINES[engine]})."]
    return "\n".join(lines)


ENGINES = {
    "events": "request by request, the first engine of MODEL.md",
    "lanes": "the quickest engine, for queues in order of arrival or newest first; its bits are those of the others",
    "sessions": "the one for sessions, classes, operators and loaded servers, section 13 of MODEL.md",
}
"""What each engine is, as a manifest names it."""


def edit(action: Planned) -> str:
    """What operators set, from when to when, and how: "from 10 min to 20 min, evenly: KEY = VALUE, from VALUE"."""
    begin_s, end_s, until_s = (action.at_s + later_s for later_s in (0.0, action.over_s, action.lasts_s))
    if math.isnan(action.at_s):
        when = f"when {action.when}"
        over = f", evenly over {show_duration(action.over_s)}" if action.over_s else ""
        until = f", for {show_duration(action.lasts_s)}" if math.isfinite(action.lasts_s) else ""
    else:
        when, over = f"at {show_duration(begin_s)}", ""
        if action.over_s:
            when = f"from {show_duration(begin_s)} to {show_duration(end_s)}, evenly"
        until = f", until {show_duration(until_s)}" if math.isfinite(until_s) else ""
    rises = f", from {action.sets_from} on" if action.sets_from else ""
    does = (
        "" if math.isnan(action.capacity_per_s) else f"; the hosts then do {show_count(action.capacity_per_s)} a second"
    )
    return f"{when}{over}{until}: {action.sets}{rises}{does}"


def _value(name: str, value: float) -> str:
    if math.isinf(value):
        return "infinite"
    if is_time(name):
        shown = show_duration(value)
        return f"{value:.6g} s" + ("" if shown.endswith(" s") else f" ({shown})")
    return f"{value:.4g}" + (" a second" if name.endswith("_per_s") else "")


def catalogued(rules: Sequence[Rule]) -> str:
    """Every policy with rule, parameters, failure mode and source, under its axis."""
    lines: list[str] = []
    axis = None
    tables = {"operator": "[[operator]] do", "intake": "propagation.intake", "health": "health.policy"}
    for rule in rules:
        if rule.axis != axis:
            axis = rule.axis
            lines += ([""] if lines else []) + [f"{tables.get(axis, f'policy.{axis}')}: {rule.decides}"]
        lines += ["", f"  {rule.name}", f"      {rule.rule}"]
        lines += [f"      {one.name} = {one.default}: {one.description}" for one in rule.parameters]
        lines += [f"      fails: {rule.fails}"] if rule.fails else []
        lines.append(f"      source: {rule.source}")
        lines += [f"      stands at: {', '.join(rule.places)}"] if len(rule.places) > 1 else []
    return "\n".join(lines)
