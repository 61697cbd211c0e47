"""Moments in words: of day or after the start, from when times to recovery count, and how long something holds."""

import math
from collections.abc import Callable, Sequence

from recovery.show.figures import TimeAxis
from recovery.show.standings import Standing
from recovery.store.run_record import Group
from recovery.store.scenario_record import Span
from recovery.units import show_count, show_duration, show_share

WELL = 0.99  # of all: times to recovery are until so many have a lease
TWICE = 2
SPELLS = 2  # times without leases that are told one by one


def at(axis: TimeAxis, at_s: float) -> str:
    """A moment: of day where the start is known, else after the start."""
    return axis.show(at_s) if axis.start is not None else f"{show_duration(at_s)} after the start"


def since(group: Group) -> str:
    """From when times to recovery count."""
    if group.scenario.is_counted_from_file:
        return "the clock of recovery starts"
    if group.scenario.is_counted_from_end:
        return "the sessions end"
    if group.mean("recovers_from_s") == 0:
        return "the start"
    is_again = group.unleased_spans and group.unleased_spans[0].to_s <= group.mean("recovers_from_s")
    return "the dependency is back for the last time" if is_again else "the dependency is back"


def returned(group: Group) -> str:
    """From when renewals are counted: the dependency's last return, whatever times to recovery count from."""
    return since(group) if not group.scenario.is_counted_from_file else "the dependency is back"


def is_lost_only_later(group: Group) -> bool:
    """Whether leases are lost, but none before recovery is counted, nor as it begins to be."""
    spans = group.unleased_spans or ((group.unleased,) if group.unleased is not None else ())
    return bool(spans) and all(group.began_s(one) > group.mean("recovers_from_s") for one in spans)


def more(group: Group) -> str:
    """How often leases are lost after they were back, as the end of "lost …": of several runs that of each is not
    known.
    """
    from_s = group.mean("recovers_from_s")
    times = sum(group.began_s(one) > from_s and not one.least_share >= WELL for one in group.unleased_spans)
    if group.runs != 1 or times <= 1:
        return "once more"
    return "twice more" if times == TWICE else f"{times} more times"


def after(group: Group, found: Standing) -> str:
    """A time to recovery: "5 min after the dependency is back", "less than 10 s after …" where it is shorter than can
    be told. Of several runs it is their mean, with its interval.
    """
    begin = since(group)
    if found.mean_s < found.window_s:
        return f"less than {show_duration(found.window_s)} after {begin}"
    return f"{show_duration(found.mean_s)} after {begin}{on_average(found)}"


def on_average(found: Standing, show: Callable[[float], str] = show_duration) -> str:
    """That a time is the mean of several runs, with its interval; "" where one run came to it."""
    if found.runs - found.never < 2:
        return ""
    ends = found.span(show)
    return f" on average (95 %: {ends})" if ends else " on average"


def spells(group: Group, spans: Sequence[Span], axis: TimeAxis, often: int) -> str:
    """When something holds in some of the runs, which are so `often` (0: not known), as the begin of a sentence."""
    told = [Span(from_s=group.began_s(one), to_s=one.to_s) for one in spans]
    times, whole = [_from_to(one, axis) for one in told], Span(from_s=told[0].from_s, to_s=told[-1].to_s)
    when = " and ".join(times) if len(times) <= SPELLS else f"{len(times)} times {_from_to(whole, axis)}"
    if group.runs > 1:
        many = f"all {group.runs}" if often == group.runs else f"{often or 'at least one'} of {group.runs}"
        when = f"in {many} runs, {when}{' at most' if often > 1 else ''},"
    return f"{when[:1].upper()}{when[1:]}"


def _from_to(span: Span, axis: TimeAxis) -> str:
    end = axis.show(span.to_s) if math.isfinite(span.to_s) else f"the end of the run ({axis.show(axis.horizon_s)})"
    if end == (begin := axis.show(span.from_s)):
        return f"for {show_duration(span.to_s - span.from_s)} from {begin} on"
    return f"from {begin} to {end}"


_TIMES = ("the first time", "the second")  # as many as SPELLS


def worst_of(counts: Sequence[float], of: int) -> str:
    """How many holders are away at worst; of several times of each, where they are not alike."""
    told = [of_all(count, of) for count in counts]
    if len({*told}) == 1:
        return told[0]
    return " and ".join(f"{many} {when}" for many, when in zip(told, _TIMES, strict=True))


def of_all(count: float, of: int) -> str:
    """A number of holders, of whom there are some; a mean over runs need not be whole."""
    some = max(round(count), 1)
    return "all of them" if some >= of else f"{show_count(some)} ({show_share(max(count, 1) / of)})"
