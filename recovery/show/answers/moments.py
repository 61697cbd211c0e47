"""Moments in words: of day or after the start, and from when times to recovery count."""

from collections.abc import Callable

from recovery.show.figures import TimeAxis
from recovery.show.standings import Standing
from recovery.store.run_record import Group
from recovery.units import show_duration


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


_FROM = {
    "the clock of recovery starts": "the start of the clock of recovery",
    "the sessions end": "the end of the sessions",
    "the dependency is back": "the dependency's return",
    "the dependency is back for the last time": "the dependency's last return",
    "the start": "the start",
}


def after(group: Group, found: Standing, *, is_always: bool) -> str:
    """A time to recovery: "5 min after the dependency is back", "less than 10 s after …" where it is shorter than can
    be told; where nobody was ever away "from the dependency's return on". Of several runs it is their mean, with its
    interval.
    """
    begin = since(group)
    if is_always:
        return f"from {_FROM[begin]} on"
    if found.mean_s < found.window_s:
        return f"less than {show_duration(found.window_s)} after {begin}"
    return f"{show_duration(found.mean_s)} after {begin}{on_average(found)}"


def on_average(found: Standing, show: Callable[[float], str] = show_duration) -> str:
    """That a time is the mean of several runs, with its interval; "" where one run came to it."""
    if found.runs - found.never < 2:
        return ""
    ends = found.span(show)
    return f" on average (95 %: {ends})" if ends else " on average"
