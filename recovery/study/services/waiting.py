"""What services were waiting for, one stretch after another."""

import itertools
import math
from collections.abc import Sequence

import numpy as np

from recovery.store.service_record import SHORT_S, SHORT_SHARE, Stretch, Wait, Waited
from recovery.study.services.outcome import NOBODY, Floats, Numbers, ServicesOutcome, labels
from recovery.study.services.rules import NO_DEPTH


def waits(out: ServicesOutcome) -> Floats:
    """float64[labels, windows]: depth of all services together that wait for each of `labels`."""
    found = np.zeros((len(labels(out.table)), out.windows))
    columns = np.arange(out.windows)
    for state in out.states.values():
        there = state.waits_for >= 0
        found[state.waits_for[there], columns[there]] += state.depth[there]
    return found


def waited(outs: Sequence[ServicesOutcome]) -> list[Waited]:
    """What all services waited for, in all runs together: most minutes lost first."""
    found = [waits(out).sum(1) * out.window_s / 60 for out in outs]
    total = max(math.fsum(float(one.sum()) for one in found), NO_DEPTH)
    rows = []
    for i, label in enumerate(labels(outs[0].table)):
        minutes = math.fsum(float(one[i]) for one in found)
        if minutes > 0:
            rows.append(Waited(waits_for=label, minutes=minutes / len(outs), share=minutes / total))
    return sorted(rows, key=lambda row: -row.minutes)


def critical(out: ServicesOutcome) -> list[Stretch]:
    """What most of the impaired services were waiting for, one stretch after another: from, to, what, its share of the
    minutes lost in that stretch.
    """
    found = waits(out)
    names = labels(out.table)
    total = found.sum(0)
    most = np.where(total > 0, found.argmax(0), NOBODY).astype(np.int32)
    return [
        Stretch(
            from_s=a * out.window_s,
            to_s=_end_s(out, b),
            waits_for=names[what],
            share=float(found[what, a:b].sum() / total[a:b].sum()),
            services=sum(1 for state in out.states.values() if state.is_impaired[a:b].any()),
        )
        for a, b, what in _stretches(most, out.window_s)
    ]


def chains(out: ServicesOutcome, name: str) -> list[Wait]:
    """What one service was waiting for, one stretch after another, with the chain of services to the end."""
    names = labels(out.table)
    return [
        Wait(from_s=a * out.window_s, to_s=_end_s(out, b), waits_for=names[what], chain=tuple(out.chain(name, a)))
        for a, b, what in _stretches(out.states[name].waits_for, out.window_s)
    ]


def _stretches(whats: Numbers, window_s: float) -> list[tuple[int, int, int]]:
    """Stretches (from, to, what) of one number in int[windows], where that is not NOBODY. Where it goes to and fro in
    short ones, so that a number comes again, all of these belong to the stretch before.
    """
    edges = [0, *(np.flatnonzero(np.diff(whats)) + 1).tolist(), len(whats)]
    spans = [(a, b, int(whats[a])) for a, b in itertools.pairwise(edges)]
    least = round(min(SHORT_S / window_s, SHORT_SHARE * np.count_nonzero(whats >= 0)))
    groups = itertools.groupby(spans, lambda one: one[2] >= 0 and one[1] - one[0] < least)
    parts = [(is_short, list(group)) for is_short, group in groups]
    found: list[tuple[int, int, int]] = []
    for (is_short, part), (_, after) in itertools.pairwise([*parts, (False, [])]):
        before = found[-1:] if found and found[-1][2] >= 0 else []
        around = [what for _, _, what in (*before, *part, *after[:1]) if what >= 0]
        if is_short and len(set(around)) < len(around):
            part = [(part[0][0], part[-1][1], (*before, *part)[0][2])]
        for a, b, what in part:
            if found and found[-1][2] == what:
                a, _, _ = found.pop()
            found.append((a, b, what))
    return [one for one in found if one[2] >= 0]


def _end_s(out: ServicesOutcome, k: int) -> float:
    """The start of window k; inf where the horizon cuts off."""
    return k * out.window_s if k < out.windows else math.inf
