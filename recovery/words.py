"""What a result says, in sentences: the verdict that stands first on the page and on the terminal."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from recovery.units import show_duration, show_share

Group = Mapping[str, Any]


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)


def mean(group: Group, measure: str) -> float:
    """Mean of a measure over a world's runs, from summary.json or before it was written; nan if it has none."""
    return _number(group["measures"].get(measure, {}).get("mean"))


def verdict_of(group: Group) -> str:
    """The verdict of most runs, with how many where they differ."""
    verdicts = sorted(group["verdicts"].items(), key=lambda item: -item[1])
    name, count = verdicts[0]
    return name if count == group["runs"] else f"{name} {count} of {group['runs']}"


def saved_s(group: Group, first: Group, measure: str = "ttr99_s") -> float:
    """By how much a world's recovery is shorter than the first world's; inf if only it recovers, -inf if only the
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
    return f"{seconds / 60:+.0f} min" if abs(seconds) >= 600 else f"{seconds / 60:+.1f} min"


def sentences(summary: Mapping[str, Any]) -> list[str]:
    """One to three sentences: what happens in the first world, why, and which of the others helps most."""
    groups: Sequence[Group] = summary["groups"]
    if any(group["levers"] for group in groups):
        return _sweep_sentences(groups)
    first = groups[0]
    return [*_first_sentence(first, summary), *_best_sentence(first, groups[1:])]


def _first_sentence(first: Group, summary: Mapping[str, Any]) -> list[str]:
    name, verdict = first["world"], verdict_of(first)
    ttr = mean(first, "ttr99_s")
    out = []
    if math.isfinite(ttr):
        what = "of the fleet is leased" if "leased_min_share" in first["measures"] else "of the backlog is gone"
        out.append(f"“{name}”: 99 % {what} {show_duration(ttr)} after the dependency is back.")
    else:
        out.append(f"“{name}”: {verdict}; 99 % are not back before the horizon.")
    wasted = mean(first, "wasted_share")
    groups = {row["name"]: _number(row["value"]) for row in summary.get("explain", [])}
    if wasted > 0.3:
        why = f"{show_share(wasted)} of the work until then was spent on requests that nobody waited for any more"
        if groups.get("r1", 0.0) > 1:
            why += (
                f" (r1 = {groups['r1']:.3g}: making every lease takes that many timeouts, "
                "so in one long queue each attempt is too old when its turn comes)"
            )
        out.append(f"{why[0].upper()}{why[1:]}.")
    return out


def _best_sentence(first: Group, others: Sequence[Group]) -> list[str]:
    back = [group for group in others if math.isfinite(mean(group, "ttr99_s"))]
    lost = [group for group in others if verdict_of(group) == "collapsed"]
    out = []
    if back:
        best = min(back, key=lambda group: mean(group, "ttr99_s"))
        saved = saved_s(best, first)
        if saved > 0:
            by = f", {show_duration(saved)} sooner" if math.isfinite(saved) else ", where it never came back"
            out.append(f"What helps most is “{best['world']}”: {show_duration(mean(best, 'ttr99_s'))}{by}.")
    if lost:
        names = ", ".join(f"“{group['world']}”" for group in lost)
        out.append(f"Collapsed for good: {names}.")
    return out


def _sweep_sentences(groups: Sequence[Group]) -> list[str]:
    out = []
    for name in dict.fromkeys(group["world"] for group in groups):
        own = [group for group in groups if group["world"] == name]
        keys = list(own[0]["levers"])
        collapsed = [group for group in own if group["collapsed"]["share"] >= 0.5]
        if len(keys) != 1:
            out.append(f"“{name}”: {len(collapsed)} of {len(own)} points collapse in at least half of their runs.")
            continue
        values = [group["levers"][keys[0]] for group in own]
        flip = crossing(own)
        if flip is not None:
            out.append(
                f"“{name}”: half of the runs collapse between {keys[0]} = {values[flip]} and {values[flip + 1]}."
            )
        else:
            often = (
                "in most runs everywhere" if len(collapsed) == len(own) else "in fewer than half of the runs everywhere"
            )
            out.append(f"“{name}”: collapses {often} from {keys[0]} = {values[0]} to {values[-1]}.")
    return out


def crossing(own: Sequence[Group]) -> int | None:
    """Place of the last point before the share of collapsed runs crosses one half, in the order of the lever's values;
    None if it never does.
    """
    above = [group["collapsed"]["share"] >= 0.5 for group in own]
    return next((i for i in range(len(above) - 1) if above[i] != above[i + 1]), None)
