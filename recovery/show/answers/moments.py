"""Moments in words: of day or after the start, and from when times to recovery count."""

from recovery.show.figures import TimeAxis
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


_FROM = {
    "the clock of recovery starts": "the start of the clock of recovery",
    "the sessions end": "the end of the sessions",
    "the dependency is back": "the dependency's return",
    "the dependency is back for the last time": "the dependency's last return",
    "the start": "the start",
}


def after(group: Group, ttr_s: float) -> str:
    """A time to recovery: "5 min after the dependency is back"; of none at all "from the dependency's return on"."""
    begin = since(group)
    return f"{show_duration(ttr_s)} after {begin}" if ttr_s > 0 else f"from {_FROM[begin]} on"
