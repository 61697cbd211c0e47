"""The verdict on the stages after the leases: when the last is normal again, and which variant saves most."""

from __future__ import annotations

import math

from recovery.show import advice, stage_times
from recovery.show.answers import mechanism
from recovery.show.figures import TimeAxis
from recovery.show.stage_times import ALL, Variant
from recovery.store.run_record import Group, RunManifest, Summary


def verdict(manifest: RunManifest, summary: Summary) -> list[str]:
    """When the last stage of the first variant is normal again, which that is, and which variant saves most."""
    variants = stage_times.variants(summary)
    if not variants:
        return []
    axis, first, others = TimeAxis.of(manifest), variants[0], variants[1:]
    end = first.normal_s[ALL].mean
    groups = {group.variant: group for group in summary.groups}
    if math.isinf(end):
        held = _held_back(groups[first.name], first)
        text = f"“{first.name}” is not normal again in all stages before the horizon{held}."
    elif first.is_well(ALL):
        return [f"“{first.name}” is normal in all stages {'all' if end == 0 else 'almost all'} the time."]
    else:
        text = f"All stages of “{first.name}” are normal again at {axis.show(end)} ({first.last} last)."
    out = [text]
    better = [variant for variant in others if variant.saved_s[ALL].mean > 0 or variant.normal_s[ALL].mean < end]
    if better:
        best = min(better, key=lambda variant: variant.normal_s[ALL].mean)
        saved = stage_times.show_saving(best.saved_s[ALL])
        told = f", {saved.removeprefix('+')} sooner" if saved != "–" else ""
        if best.is_well(ALL):
            text = f"Most helps “{best.name}”: {best.show(ALL, axis.show)}{told}."
        else:
            text = f"Most helps “{best.name}”: normal at {axis.show(best.normal_s[ALL].mean)}{told}"
            text += f"{_held_back(groups[best.name], best)}."
        out += [text, *advice.assumptions(groups[best.name])]
    elif others:
        out.append("No other variant is sooner.")
    alone = advice.leases_alone(summary.groups)
    return [*out, alone] if alone else out


def _held_back(group: Group, variant: Variant) -> str:
    """Which stage a variant is held back by, and what limits that, with its number."""
    limit = mechanism.limit_of_stage(group, variant.last.split()[0])
    return f", held back by {variant.last}" + (f": {limit.text}" if limit is not None else "")
