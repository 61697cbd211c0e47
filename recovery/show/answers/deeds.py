"""What operators did while leases or jobs came back, and what of their trouble that ended."""

import itertools
from collections.abc import Iterable

from recovery.show import standings
from recovery.show.answers import mechanism, moments, once_more
from recovery.show.figures import TimeAxis
from recovery.store.run_record import Group, Summary
from recovery.store.scenario_record import Planned
from recovery.units import show_duration

DID = {  # in words, what an action sets after it
    "restart": "restarted hosts",
    "end-sessions": "ended sessions",
    "throttle": "throttled requests",
    "pause": "let nothing in for a while",
    "hold-clients": "held clients back",
    "purge": "threw away what waited in the queues",
    "set": "set",
    "scale": "scaled by",
}
EMPTIES = ("purge", "restart")  # what takes away the requests that wait at a host
FED = ("timeout", "retries")  # kinds of limits by which a long queue stays long, since it is work in vain
PROMPT = 0.5  # of the time before it: so soon after what operators did all are back where that ended the trouble
TOLD = 2  # moments at which they did something, the last ones


def told(summary: Summary, group: Group, axis: TimeAxis) -> str:
    """What operators did between the start of recovery's clock and 99 % being back, and how much later these were; ""
    where they did nothing then, or 99 % are not back in each run.
    """
    found, done = standings.of(summary, group, "ttr99_s"), _meanwhile(summary, group)
    said = []
    for at_s, deeds in itertools.groupby(done, key=lambda one: one.at_s):
        said.append(f"{_words(deeds)} {'at ' if axis.start is not None else ''}{moments.at(axis, at_s)}")
    if not said:
        return ""
    later_s = group.mean("recovers_from_s") + found.mean_s - done[-1].at_s
    what = "99 % are back" if group.scenario.has_leases else "99 % of the backlog is cleared"
    mean = " on average" if group.runs > 1 else ""
    return f"Operators {', then '.join(said[-TOLD:])}; {what} {show_duration(later_s)} later{mean}."


def ended(summary: Summary, group: Group, limit: mechanism.Limit) -> str:
    """That a queue which keeps itself long did so until operators emptied it, as a sentence; "" where they did not, or
    all were back only long after.
    """
    if limit.kind not in FED or "restart" in limit.text:  # which is told there
        return ""
    found, from_s = standings.of(summary, group, "ttr99_s"), group.mean("recovers_from_s")
    for one in _meanwhile(summary, group):
        took_s = one.at_s - from_s
        if one.do in EMPTIES and found.mean_s - took_s <= PROMPT * took_s:
            return f"That lasted until operators {DID[one.do]}, {show_duration(took_s)} after {moments.since(group)}."
    return ""


def _meanwhile(summary: Summary, group: Group) -> list[Planned]:
    """What operators did while 99 % were not back yet, in order of time; of several runs only what all have at the same
    time.
    """
    found, from_s = standings.of(summary, group, "ttr99_s"), group.mean("recovers_from_s")
    if not found.is_known or found.never:
        return []
    done = once_more.as_done(group, summary.rows_of(group)) if group.runs == 1 else group
    known = [one for one in done.scenario.actions if from_s < one.at_s < from_s + found.mean_s]
    return sorted(known, key=lambda one: one.at_s)


def _words(deeds: Iterable[Planned]) -> str:
    return " and ".join(dict.fromkeys(f"{DID[one.do]}{f' {one.sets}' if one.sets else ''}" for one in deeds))
