"""What services were waiting for, one stretch after another."""

import itertools
import math
from collections.abc import Sequence

import numpy as np

from recovery.store.service_record import Stretch, Wait, Waited
from recovery.study.services.outcome import Floats, ServicesOutcome, labels
from recovery.study.services.rules import NO_DEPTH

HOLD_S = 600.0  # what lasts less belongs to the stretch before;
HOLD_SHARE = 0.1  # in a short event what lasts less than this part of all the time in which somebody waits


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


def held(out: ServicesOutcome) -> int:
    """So many windows a stretch lasts at least to be told by itself."""
    impaired = np.logical_or.reduce([state.is_impaired for state in out.states.values()])
    return max(round(min(HOLD_S / out.window_s, HOLD_SHARE * np.count_nonzero(impaired))), 1)


def critical(out: ServicesOutcome, least: int) -> list[Stretch]:
    """What most of the impaired services were waiting for, one stretch after another: from, to, what, its share of the
    minutes lost in that stretch. Those of fewer than `least` windows belong to the one before.
    """
    found = waits(out)
    names = labels(out.table)
    total = found.sum(0)
    most = np.where(total > 0, found.argmax(0), -1)
    starts = [0, *(np.flatnonzero(np.diff(most)) + 1).tolist(), len(most)]
    runs: list[tuple[int, int, int]] = []  # from, to, what
    for a, b in itertools.pairwise(starts):
        is_brief = bool(runs) and b - a < least and most[a] >= 0 and runs[-1][2] >= 0
        if runs and (is_brief or runs[-1][2] == most[a]):
            runs[-1] = (runs[-1][0], b, runs[-1][2])
        else:
            runs.append((a, b, int(most[a])))
    return [
        Stretch(
            from_s=a * out.window_s,
            to_s=_end_s(out, b),
            waits_for=names[what],
            share=float(found[what, a:b].sum() / total[a:b].sum()),
            services=sum(1 for state in out.states.values() if state.is_impaired[a:b].any()),
        )
        for a, b, what in runs
        if what >= 0
    ]


def chains(out: ServicesOutcome, name: str, least: int) -> list[Wait]:
    """What one service was waiting for, one stretch after another, with the chain of services to the end.
    Stretches of fewer than `least` windows belong to the one before.
    """
    state, names = out.states[name], labels(out.table)
    starts = [0, *(np.flatnonzero(np.diff(state.waits_for)) + 1).tolist(), out.windows]
    runs: list[tuple[int, int, str]] = []  # from, to, what
    for a, b in itertools.pairwise(starts):
        if state.waits_for[a] < 0:
            continue
        label = names[state.waits_for[a]]
        joins = bool(runs) and runs[-1][1] == a
        if joins and (b - a < least or runs[-1][2] == label):
            runs[-1] = (runs[-1][0], b, runs[-1][2])
        else:
            runs.append((a, b, label))
    return [
        Wait(from_s=a * out.window_s, to_s=_end_s(out, b), waits_for=label, chain=tuple(out.chain(name, a)))
        for a, b, label in runs
    ]


def _end_s(out: ServicesOutcome, k: int) -> float:
    """The start of window k; inf where the horizon cuts off."""
    return k * out.window_s if k < out.windows else math.inf
