"""What each of several outages cost, as a table: a row an outage of a variant."""

import math
from collections.abc import Sequence

from recovery.show import standings
from recovery.show.figures import TimeAxis
from recovery.show.words import speaking_of
from recovery.store.run_record import AfterOutage, Group, RunManifest, Summary
from recovery.units import show_count, show_duration

ROWS_MAX = 12  # in all: where all variants would take more, the first is told alone


def rows(manifest: RunManifest, summary: Summary) -> list[list[str]]:
    """Head and rows; none where no variant has several outages. Where the variants have more than ROWS_MAX together,
    those of the first.
    """
    told = [group for group in summary.groups if group.outages and not group.levers]
    if sum(len(group.outages) for group in told) > ROWS_MAX:
        told = told[:1]
    if not told:
        return []
    axis, called = TimeAxis.of(manifest), told[0].scenario.called
    head = ["each outage", "from", "to", "most without a lease", "99 % after it", "100 % after it", "refused"]
    late = _word(told[0]) if any(one.overdue_most > 0 for group in told for one in group.outages) else ""
    head[3:3] = [f"most {late}"] if late else []
    found = [[speaking_of(called, cell) for cell in head]]
    for group in told:
        for one in group.outages:
            most = show_count(round(one.unleased_most))
            is_last = one is group.outages[-1]
            times = [back(summary, group, one, measure, is_last=is_last) for measure in ("ttr99_s", "ttr100_s")]
            refused = show_count(one.refused)
            overdue = [show_count(round(one.overdue_most)) if one.overdue_most >= 0 else "–"] if late else []
            found.append([group.variant, axis.show(one.from_s), axis.show(one.to_s), *overdue, most, *times, refused])
    return found


def back(summary: Summary, group: Group, one: AfterOutage, measure: str, *, is_last: bool) -> str:
    """When a share has its leases again after an outage: the mean of the runs in which it has before the next."""
    time_s, never = (one.ttr99_s, one.never99) if measure == "ttr99_s" else (one.ttr100_s, one.never100)
    often = f" ({never}/{group.runs} not)" if 0 < never < group.runs else ""
    if math.isfinite(time_s):
        window_s = group.scenario.window_s
        if one.unleased_most == 0:
            return standings.ALWAYS
        return (f"< {show_duration(window_s)}" if time_s < window_s else show_duration(time_s)) + often
    if math.isnan(time_s):
        return "–"
    if not is_last:
        return "not before the next"
    return standings.of(summary, group, measure).show()


def _word(group: Group) -> str:
    """What holders are called that have not renewed for long."""
    return group.scenario.fleet.overdue if group.scenario.fleet is not None else "overdue"


def told_before(manifest: RunManifest, summary: Summary, most: int) -> str:
    """A sentence on each outage of the first variant before the last, of which times count; where they are more than
    `most`, that a table has them; "" where there is one.
    """
    first, axis = summary.groups[0], TimeAxis.of(manifest)
    before: Sequence[AfterOutage] = first.outages[:-1]
    if len(before) > most:
        return f"What each of the {len(first.outages)} outages cost stands in a table of its own."
    said = []
    for one in before:
        when = f"After the outage from {axis.show(one.from_s)} to {axis.show(one.to_s)}"
        if one.unleased_most < 1:
            late = f", but up to {show_count(round(one.overdue_most))} holders are {_word(first)}"
            text = f"Of the outage from {axis.show(one.from_s)} to {axis.show(one.to_s)} no lease ran out"
            said.append(f"{text}{late if one.overdue_most >= 1 else ''}.")
        elif math.isfinite(one.ttr99_s):
            words = back(summary, first, one, "ttr99_s", is_last=False).replace("<", "less than")
            often = " (mean of the runs)" if first.runs > 1 else ""
            said.append(f"{when} it took {words}{often}.")
        else:
            said.append(f"{when} fewer than 99 % have one again before the next begins.")
    return " ".join(said)
