"""The verdict of a run, in two or three sentences: what collapsed, why, and which change helps most, by how much."""

from __future__ import annotations

import math
from collections.abc import Sequence

from recovery import units
from recovery.show import advice, levers, variants, verdict_later
from recovery.show.answers import mechanism
from recovery.show.words import speaking_of
from recovery.store.run_record import Group, RunManifest, Span, Summary


def verdict(manifest: RunManifest, summary: Summary) -> list[str]:
    """Two or three sentences: what collapsed, why, and which change helps most, by how much."""
    lever = levers.lever_of(summary)
    if summary.is_sweep:
        return _verdict_of_sweep(summary, lever)
    groups = summary.groups
    first, others = groups[0], groups[1:]
    out = [_what_happened(first, others, manifest)]
    if manifest.has_leases:
        out.append(_without_a_lease(groups))
    out.append(_why_collapsed(groups))
    if later := verdict_later.verdict(manifest, summary):
        return [text for text in (*out, *later) if text]
    out += _what_helps(summary) if others else [*_paced(first), *_assumed(first)]
    return [text for text in out if text]


def _without_a_lease(groups: Sequence[Group]) -> str:
    """From when to when holders are without a lease, in words, in the first variant; where it has all of them, in those
    that have not.
    """
    called = groups[0].scenario.called
    lost = [(group, group.unleased) for group in groups if group.unleased is not None]
    if groups[0].unleased is not None:
        return speaking_of(called, "Holders are without a lease ") + f"{_span(groups[0], groups[0].unleased)}."
    none = speaking_of(called, "No holder is ever without a lease")
    if not lost:
        return none + (", in any of the variants." if len(groups) > 1 else ".")
    told = "; ".join(f"under {_name(group)} some are, {_span(group, span)}" for group, span in lost[:3])
    return f"{none}; {told}{f'; and under {len(lost) - 3} others' if len(lost) > 3 else ''}."


def _span(group: Group, unleased: Span) -> str:
    worst = units.show_share(1 - group.mean("leased_min_share"))
    span = f"from {units.show_duration(unleased.from_s)} "
    span += (
        f"to {units.show_duration(unleased.to_s)} after the start"
        if math.isfinite(unleased.to_s)
        else "after the start to the horizon"
    )
    return f"{span} (at worst {worst} of them)"


def _why_collapsed(groups: Sequence[Group]) -> str:
    """What limits the first variant that collapses, with its number."""
    for group in groups:
        if group.verdicts.get("collapsed"):
            limit = mechanism.limit_of(group)
            name = "" if group is groups[0] else f" “{group.variant}” collapses"
            return f"Why{name}: {limit.text}." if limit is not None else ""
    return ""


def _name(group: Group) -> str:
    return f"“{group.variant}”"


def _what_happened(first: Group, others: Sequence[Group], manifest: RunManifest) -> str:
    ttr = first.mean("ttr99_s")
    what = "99 % of its leases" if manifest.has_leases else "99 % of its backlog cleared"
    if math.isfinite(ttr):
        out = f"{_name(first)} has {what}"
        if ttr == 0 and first.mean("leased_min_share") >= 0.99:
            out += " all the time"
        else:
            out += " back" if manifest.has_leases else ""
            out += f" {units.show_duration(ttr)} after" if ttr > 0 else " already at"
            out += " recovers_from" if first.scenario.is_counted_from_file else " the dependency's return"
        out += "" if set(first.verdicts) == {"recovered"} else ", and not for good"
    elif first.verdicts.get("collapsed"):
        n = first.verdicts["collapsed"]
        out = f"{_name(first)} collapses" + (
            f" in {n} of {first.runs} runs" if first.runs > 1 else " and never recovers"
        )
    else:
        out = f"{_name(first)} is not back at the horizon, but still drains"
    down = [_name(group) for group in others if group.verdicts.get("collapsed")]
    if down:
        shown = down if len(down) <= 3 else [*down[:2], f"{len(down) - 2} others"]
        listed = shown[0] if len(shown) == 1 else ", ".join(shown[:-1]) + " and " + shown[-1]
        out += f"; {listed} {'collapses' if len(down) == 1 else 'collapse'}"
        out += " too" if first.verdicts.get("collapsed") else ""
    return out + "."


def _why(summary: Summary) -> str:
    values = {row.name: row.value for row in summary.explain}
    r1, r2, r3, r4, r5 = (values.get(f"r{i}", math.nan) for i in range(1, 6))
    if r1 > 1 and not r2 < 1:
        text = (
            f"Why: the work that waits is {r1:.3g} timeouts long (r1), so whoever is served first in, first out has "
            "already given up, and the work is wasted"
        )
        return text + (f"; renewals alone need {units.show_share(r3)} of the hosts (r3)." if r3 > 0.05 else ".")
    if r3 >= 1:
        return f"Why: renewals alone need {units.show_share(r3)} of what the hosts can do (r3)."
    if r4 > 1:
        return f"Why: refilling all leases takes {r4:.3g} times as long as a lease runs (r4)."
    if r5 > 0.5:
        return f"Why: saying no costs {units.show_share(r5)} of the hosts' time (r5)."
    hidden = values.get("hidden_capacity_per_s", math.nan)
    if hidden == 0:
        return "Why: every job is tried again without limit, so a queue that is longer than the timeout feeds itself."
    if hidden > 0:
        return f"Why: above {units.show_count(hidden)} jobs a second (hidden capacity), retries keep a long queue long."
    return ""


def _what_helps(summary: Summary) -> list[str]:
    """Which variant is back first, by how much, what limits it then, and what that stands on."""
    groups = summary.groups
    first, others = groups[0], groups[1:]
    best, declared = advice.best_of(groups), advice.declared_only(groups)
    was = first.mean("ttr99_s")
    if best is None:
        if declared:
            return [*_paced(first), *declared]
        far = max(others, key=lambda group: group.mean("leased_end_share"))
        end = far.mean("leased_end_share")
        more = f"; {_name(far)} gets farthest, with {units.show_share(end)} leased at the end" if end > 0 else ""
        return [
            f"None of the {len(others)} other variants recovers{more}."
            if len(others) > 1
            else f"{_name(others[0])} does not recover either."
        ]
    ttr = best.mean("ttr99_s")
    if was - ttr <= best.scenario.window_s:  # times are known to a window
        next_best = f"; the next best, {_name(best)}, takes {units.show_duration(ttr)}" if ttr != was else ""
        text = f"None of the other variants is {'clearly ' if ttr < was else ''}faster{next_best}."
        return [sentence for sentence in (text, *_paced(first), advice.fewest_wait(groups), *declared) if sentence]
    text = f"Most helps {_name(best)}: {'it is ' if math.isinf(was) else ''}back after {units.show_duration(ttr)}"
    if math.isfinite(was):
        text += f", {units.show_duration(was - ttr)} sooner ({units.show_share((was - ttr) / was)} less)"
        low = advice.saved_s(summary, best)[1]
        text += ", a difference that chance can make in so few runs" if low <= 0 else ""
    bound = best.mean("fluid_bound_s")
    text += f"; nothing can be faster than {units.show_duration(bound)}." if bound > 0 else "."
    return [text, *_paced(best), *declared, *_assumed(best)]


def _paced(group: Group) -> list[str]:
    """What a recovery is paced by, as a sentence, if the rules know it."""
    limit = None if group.verdicts.get("collapsed") else mechanism.limit_of(group)
    return [f"What paces {_name(group)}: {limit.text}."] if limit is not None else []


def _assumed(group: Group) -> list[str]:
    """What a recovery stands on; of a collapse that is no question."""
    return [] if group.verdicts.get("collapsed") else advice.assumptions(group)


def _verdict_of_sweep(summary: Summary, lever: levers.Lever | None) -> list[str]:
    out = []
    if lever is None:
        worst = max(summary.groups, key=lambda group: group.collapsed.share)
        label = levers.label_of(worst.variant, worst.levers)
        out.append(f"Most often collapses “{label}”: in {units.show_share(worst.collapsed.share)} of its runs.")
        best = variants.best_of(summary.groups)
        if best is not None:
            label = levers.label_of(best.variant, best.levers)
            out.append(f"Fastest is “{label}”, back after {units.show_duration(best.mean('ttr99_s'))}.")
        return out
    for variant, at in levers.crossings(summary, lever).items():
        own = [group for group in summary.groups if group.variant == variant]
        if math.isfinite(at.at):
            shares = sorted((lever.of(g), g.collapsed.share) for g in own)
            side = "above" if shares[-1][1] > shares[0][1] else "below"
            text = f"“{variant}” collapses in more than half of its runs {side} {lever.show(at.at)}"
            if math.isfinite(at.low) and math.isfinite(at.high):
                text += f" ({lever.show(at.low)} to {lever.show(at.high)} with the intervals)"
        else:
            least, *_, most = [units.show_share(share) for share in sorted(g.collapsed.share for g in own)]
            text = f"“{variant}” collapses in {least} to {most} of its runs over the whole sweep"
        predicted = levers.hidden_capacity(own[0].scenario, lever)
        if math.isfinite(predicted):
            text += f"; its predicted hidden capacity is {lever.show(predicted)}"
        out.append(text + ".")
    return [*out, _why(summary)] if _why(summary) and "hidden capacity)" not in _why(summary) else out
