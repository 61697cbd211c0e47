"""What the command prints for people: plain text, the same on every machine."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from recovery.measures import register
from recovery.measures.register import ROUNDING
from recovery.model.variant import Variant
from recovery.reading.experiment import Experiment
from recovery.show import stage_times
from recovery.simulate.estimate import Estimate
from recovery.units import is_time, show_bytes, show_count, show_duration, show_milestone, show_number, show_share

DEPTHS = (50, 90, 99, 100)  # per cent, of the times to recovery


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)


def mean(group: Mapping[str, Any], measure: str) -> float:
    """Mean of a measure over a variant's runs, from summary.json or before it was written; nan if it has none."""
    return _number(group["measures"].get(measure, {}).get("mean"))


def sample_span(group: Mapping[str, Any], measure: str) -> str:
    """Interval (95 %) of a time to recovery that a sample of the hosts gives, in words; "" if all were simulated, or
    where several runs give the interval.
    """
    name = f"{measure[:-2]}_low_s"
    if group["runs"] > 1 or name not in group["measures"]:
        return ""
    low, high = mean(group, name), mean(group, f"{measure[:-2]}_high_s")
    if math.isnan(low):
        return "all hosts needed" if measure == "ttr100_s" else "too few hosts tell"
    if low == high:
        return "never" if math.isinf(low) else show_duration(low)
    return f"{show_duration(low)} to {'never' if math.isinf(high) else show_duration(high)}"


def verdict_of(group: Mapping[str, Any]) -> str:
    """The verdict of most runs, with how many where they differ."""
    verdicts = sorted(group["verdicts"].items(), key=lambda item: -item[1])
    name, count = verdicts[0]
    return name if count == group["runs"] else f"{name} {count} of {group['runs']}"


def saved_s(group: Mapping[str, Any], first: Mapping[str, Any], measure: str = "ttr99_s") -> float:
    """By how much a variant's recovery is shorter than the first variant's; inf if only it recovers, -inf if only the
    first does, nan if neither.
    """
    ours, theirs = mean(group, measure), mean(first, measure)
    if math.isinf(ours) and math.isinf(theirs):
        return math.nan
    return theirs - ours


def show_saved(seconds: float) -> str:
    """The time saved, for a table."""
    if math.isnan(seconds):
        return "–"
    if math.isinf(seconds):
        return "recovers" if seconds > 0 else "never"
    if abs(seconds) < 120:
        return f"{seconds:+.3g} s" if seconds else "0 s"
    return f"{seconds / 60:+.0f} min" if abs(seconds) >= 600 else f"{seconds / 60:+.1f} min"


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


def results(experiment: Experiment, summary: Mapping[str, Any], verdict: Sequence[str]) -> str:
    """Title, verdict, table of variants, milestones, bounds."""
    parts = [experiment.head.title, "\n".join(verdict), variants_table(summary), "\n".join(notes(summary))]
    variants = stage_times.variants(summary, experiment.first.scenario.coupling.window)
    if variants:
        parts.append(stages_table(variants))
    spans = [[group["variant"], *(sample_span(group, f"ttr{n}_s") for n in DEPTHS)] for group in summary["groups"]]
    if any(any(row[1:]) for row in spans):
        head = ["from a sample of the hosts (95 %)", *(f"{n} %" for n in DEPTHS)]
        parts.append(table([head, *([cell or "–" for cell in row] for row in spans)]))
    if summary["milestones"]:
        parts.append(milestones_table(summary))
    parts += [expected(bound) for bound in summary["expect"]]
    return "\n\n".join(part for part in parts if part)


def expected(bound: Mapping[str, Any]) -> str:
    """Whether a bound of [expect] holds, and where in a sweep it holds least."""
    levers = "".join(f", {key} = {value}" for key, value in bound.get("levers", {}).items())
    value = show_measure(bound["text"].split()[0], bound["value"])
    told = levers.removeprefix(", ") if value == bound["holds"] else value + levers
    if bound.get("why"):
        told = bound["why"] + levers
    elif bound["holds"] == "unsure":
        told += "; its interval holds the bound"
    return f"expected {bound['text']}: {bound['holds']}" + (f" ({told})" if told else "")


def show_measure(measure: str, value: Any) -> str:
    """A measure's value by what its name says it is: a milestone, a time, a share, a number."""
    number = _number(value)
    if math.isnan(number) or measure in register.milestones():
        return show_milestone(number)
    if is_time(measure):
        return show_duration(number)
    return show_share(number) if measure.endswith("_share") else "∞" if math.isinf(number) else f"{number:.4g}"


LOST = "*"  # marks a time whose share was lost again before the horizon


def lost(summary: Mapping[str, Any]) -> set[tuple[str, str]]:
    """(Variant, measure) of the times to recovery whose share some run lost again before the horizon. Nothing of a
    sweep's points, of which `notes` tells nothing either: one variant stands there at many points.
    """
    return {
        (row["variant"], f"ttr{depth}_s")
        for row in summary["rows"]
        if not row.get("levers")
        for depth in DEPTHS
        if math.isfinite(_number(row.get(f"ttr{depth}_lost_s")))
    }


def notes(summary: Mapping[str, Any]) -> list[str]:
    """What the times of the variants do not say: which share was lost again and when, what still drains and until when,
    how what has collapsed goes on, and where another run may end elsewhere. Nothing of a sweep's points.
    """
    out = []
    for group in summary["groups"]:
        if group["levers"]:
            continue
        rows = [row for row in summary["rows"] if row["variant"] == group["variant"]]
        again = []
        for depth in DEPTHS:
            times = [_number(row.get(f"ttr{depth}_lost_s")) for row in rows]
            known = [time for time in times if math.isfinite(time)]
            if known:
                runs = f" in {len(known)} of {len(rows)} runs" if len(rows) > 1 else ""
                again.append(f"{depth} % after {show_duration(min(known))}{runs}")
        if again:
            out.append(f"{LOST} “{group['variant']}” lost its share again: {', '.join(again)}.")
        told = _state(group, rows)
        if told:
            out.append(f"“{group['variant']}” {told}.")
    return out


def _state(group: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> str:
    """How the runs that are not back go on, in words."""
    parts = []
    ends = group["measures"].get("empty_at_s", {})
    if group["verdicts"].get("recovering") and math.isfinite(_number(ends.get("mean"))):
        low, high = (_number(ends[end]) for end in ("low", "high"))
        span = f" ({show_duration(low)} to {show_duration(high)})" if math.isfinite(low) and math.isfinite(high) else ""
        parts.append(
            f"still drains: what waits would be gone {show_duration(_number(ends['mean']))}{span} from the start"
        )
    drifts = [_number(row.get("drift_per_s")) for row in rows if row["verdict"] == "collapsed"]
    drifts = [one for one in drifts if not math.isnan(one)]
    if drifts:
        drift = math.fsum(drifts) / len(drifts)
        much = f"{show_number(float(f'{abs(drift):.2g}'))} a second"
        grows = "grows by " + much if drift > 0 else "shrinks by " + much + ", which chance may do"
        parts.append(f"does not come back: what waits {grows if abs(drift) >= 5e-3 else 'stays'}")
    if len(group["verdicts"]) > 1 or mean(group, "is_near_cliff") > 0:
        parts.append("is near a cliff, so that one run is chance")
    return "; it ".join(parts)


def variants_table(summary: Mapping[str, Any]) -> str:
    """A line a variant: times to recovery, what is saved against the first, efficiency, amplification, wasted work."""
    groups = summary["groups"]
    if any(group["levers"] for group in groups):
        return _sweep_table(groups)
    from recovery.study import advice

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
    rows, marked = [head], lost(summary)
    for group in groups:
        own = [row for row in summary["rows"] if row["variant"] == group["variant"]]
        times = [
            _time(mean(group, f"ttr{depth}_s"), depth, own)
            + (LOST if (group["variant"], f"ttr{depth}_s") in marked else "" if not marked else " ")
            for depth in DEPTHS
        ]
        saved = "" if group is groups[0] else show_saved(saved_s(group, groups[0]))
        if group is not groups[0] and advice.declares_only(groups[0], group):
            saved = show_saved(math.nan)
        efficiency, amplification = mean(group, "efficiency"), mean(group, "amplification")
        rows.append(
            [
                group["variant"],
                *times,
                saved,
                verdict_of(group),
                "–" if math.isnan(efficiency) else show_share(efficiency),
                "∞" if math.isinf(amplification) else show_number(amplification),
                show_share(mean(group, "wasted_share")),
                show_count(mean(group, "queue_peak")),
            ]
        )
    return table(rows)


def _time(mean_s: float, depth: int, rows: Sequence[Mapping[str, Any]]) -> str:
    """A time to recovery; "always" where no run ever had less than that share of its leases."""
    never_less = all(_number(row.get("leased_min_share")) >= depth / 100 - ROUNDING for row in rows)
    return "always" if mean_s == 0 and rows and never_less else show_duration(mean_s)


def stages_table(variants: Sequence[stage_times.Variant]) -> str:
    """A line a variant: when each stage is normal again, since the start; what of the last is saved; which that is."""
    stages = [stage for stage in stage_times.TITLES if stage in variants[0].normal_s]
    rows = [["normal again", *(stage_times.TITLES[stage] for stage in stages), "saved", "held back by"]]
    for variant in variants:
        shown = [variant.show(stage, show_duration) for stage in stages]
        saved = "" if variant is variants[0] else stage_times.show_saving(variant.saved_s[stage_times.ALL])
        rows.append([variant.name, *shown, saved, variant.last])
    return table(rows)


def _sweep_table(groups: Sequence[Mapping[str, Any]]) -> str:
    keys = list(groups[0]["levers"])
    rows = [["variant", *keys, "runs", "collapsed", "from", "to"]]
    for group in groups:
        share = group["collapsed"]
        levers = [value if isinstance(value := group["levers"][key], str) else json.dumps(value) for key in keys]
        rows.append(
            [
                group["variant"],
                *levers,
                str(group["runs"]),
                *(show_share(float(share[k])) for k in ("share", "low", "high")),
            ]
        )
    return table(rows)


def milestones_table(summary: Mapping[str, Any]) -> str:
    """Observed and simulated milestones, with the difference."""
    rows = [["milestone", "confidence", "observed", "simulated", "difference"]]
    for stone in summary["milestones"]:
        simulated, difference = _number(stone["simulated_s"]), _number(stone["difference_min"])
        label = stone["label"] + (" (used for the fit)" if stone["used_for_fit"] else "")
        shown = f"{difference:+.1f} min" if math.isfinite(difference) else "–"
        rows.append([label, stone["confidence"], show_duration(stone["observed_s"]), show_milestone(simulated), shown])
    return table(rows, left=2)


def _between(low_s: float, high_s: float) -> str:
    return f"between {show_duration(low_s)} and {show_duration(high_s)}"


def checked(experiment: Experiment, rows: Sequence[tuple[Variant, Estimate]], threads: int, *, is_ready: bool) -> str:
    """What `recovery check` says: nothing is wrong, what it will take."""
    runs = len(rows) * experiment.head.replications
    cpu_s = sum(need.cpu_s for _, need in rows) * experiment.head.replications
    low_s, high_s = (
        sum(getattr(need, end) for _, need in rows) * experiment.head.replications for end in ("low_s", "high_s")
    )
    time = f"about {show_duration(cpu_s / threads)} with {threads} threads"
    if is_ready:
        time += f", {_between(low_s / threads, high_s / threads)}"
    else:
        time += (
            "; the kernels are not compiled yet, which comes on top (about a minute), and nothing could be tried out"
        )
    lines = [
        f"{experiment.file}: no mistake; {len(rows)} variants × {experiment.head.replications} = {runs} runs",
        f"memory: at most {show_bytes(max(need.memory_bytes for _, need in rows))} with {threads} threads",
        f"time: {time}",
    ]
    table_rows = [["variant", "memory at most", "events about", "CPU time about"]]
    names: dict[str, tuple[Variant, Estimate]] = {}
    for variant, need in rows:
        if variant.name not in names or need.events > names[variant.name][1].events:
            names[variant.name] = (variant, need)
    for name, (_, need) in names.items():
        table_rows.append([name, show_bytes(need.memory_bytes), f"{need.events:.2g}", show_duration(need.cpu_s)])
    return "\n".join([*lines, "", table(table_rows)])


def explained(experiment: Experiment, rows: Sequence[Any]) -> str:
    """Each group with its formula, the numbers in it, its value and what it means."""
    lines = [f"{experiment.head.title} ({experiment.first.name})"]
    for row in rows:
        lines += [
            "",
            f"{row.name} = {row.formula} = {row.numbers} = {_value(row.name, row.value)}",
            f"    {row.meaning}",
        ]
    for note in experiment.head.notes:
        lines += ["", f"{note.key} is {note.kind}: {note.why}"]
    return "\n".join(lines)


def _value(name: str, value: float) -> str:
    if math.isinf(value):
        return "infinite"
    if is_time(name):
        return f"{value:.6g} s ({show_duration(value)})"
    return f"{value:.4g}" + (" 1/s" if name.endswith("_per_s") else "")


def catalogued(rows: Sequence[Mapping[str, Any]]) -> str:
    """Every policy with rule, parameters and source, under its axis."""
    from recovery.model.policies import MEANING

    lines: list[str] = []
    axis = None
    for row in rows:
        if row["axis"] != axis:
            axis = row["axis"]
            tables = {"operator": "[[operator]] do", "intake": "propagation.intake", "health": "health.policy"}
            table_name = tables.get(axis, f"policy.{axis}")
            lines += ([""] if lines else []) + [f"{table_name}: {MEANING[axis]}"]
        lines += ["", f"  {row['name']}", f"      {row['rule']}"]
        for parameter in row["parameters"]:
            lines.append(f"      {parameter['name']} = {parameter['default']}: {parameter['description']}")
        lines.append(f"      source: {row['source']}")
    return "\n".join(lines)
