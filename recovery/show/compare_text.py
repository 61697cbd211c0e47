"""What `recovery compare` says of finished runs beside each other: a table for each pair of variants."""

import math
from collections.abc import Callable, Sequence

from recovery import units
from recovery.show.text import table
from recovery.store.compare_record import Difference
from recovery.units import show_duration, show_number, show_share

Show = Callable[[float], str]
# What is printed, in this order, as far as a run has it; `--json` has all measures.
SHOWN = (
    "ttr50_s", "ttr90_s", "ttr99_s", "ttr100_s", "launches_normal_s", "latency_normal_s", "capacity_normal_s",
    "errors_end_s", "all_normal_s", "served_share", "latency_p99_s", "amplification", "wasted_share", "queue_peak",
    "backlog_peak", "unleased_holder_hours", "error_minutes",
)  # fmt: skip


def told(rows: Sequence[Difference]) -> str:
    """What was compared, for people: a table for each pair of variants."""
    parts = []
    groups: dict[tuple[str, ...], list[Difference]] = {}
    for row in rows:
        groups.setdefault((row.run, row.than, row.variant, row.than_variant), []).append(row)
    for (run, than, variant, than_variant), own in groups.items():
        first = own[0]
        how = "paired: the same seeds and draws" if first.is_paired else "independent runs"
        against = f"{than}: {than_variant}" if than_variant != variant else than
        lines = [["measure", than, run, "difference", "95 %", ""]]
        for row in [row for name in SHOWN for row in own if row.measure == name]:
            show, ends = _show(row.measure), row.difference
            interval = "" if math.isnan(ends.low) else f"{_signed(ends.low, show)} to {_signed(ends.high, show)}"
            means = [_mean(row.than_mean, row.than_never_share, show), _mean(row.mean, row.never_share, show)]
            lines.append([row.measure, *means, _signed(ends.mean, show), interval, row.verdict])
        runs = "1 run" if first.runs == 1 else f"{first.runs} runs"
        head = f"{run}: {variant}, compared with {against} ({runs} against {first.than_runs}, {how})"
        parts.append(f"{head}\n{table(lines)}")
    never = (
        "A time that never came counts as the horizon, a time to recovery as what is left from the dependency's return."
    )
    return "\n\n".join([*parts, never])


def _mean(value: float, never_share: float | None, show: Show) -> str:
    if never_share == 1:
        return "never"
    return show(value) + (f", never in {show_share(never_share)}" if never_share else "")


def _show(measure: str) -> Show:
    if units.is_time(measure):
        return show_duration
    return show_share if measure.endswith("_share") else show_number


def _signed(value: float, show: Show) -> str:
    return ("+" if value > 0 else "−" if value < 0 else "") + show(abs(value))
