"""How a service suffers with what it needs: a rule for each kind of need (MODEL.md, section 12).

Every rule is monotone in the depth of what is needed, so that a cut edge never hurts anybody.
"""

from collections.abc import Mapping

import numpy as np

from recovery.model.services import Need
from recovery.study.services.outcome import BACKLOG, CAPACITY, LAG, MANUAL, OWN, Floats, Numbers, ServicesOutcome, State

NONE_S = 1e-6  # less work than this does not wait
NO_DEPTH = 1e-9


def suffer(
    out: ServicesOutcome,
    name: str,
    i: int,
    need: Need,
    state: State,
    number_of: Mapping[str, int],
    label_number: Mapping[str, int],
) -> None:
    """What need `i` does to a service, each kind by its rule."""
    window = out.window_s
    found = out.states[need.on].depth
    x = np.where(found > need.tolerates, found, 0.0)
    presses, on = x > 0, np.where(x > 0, number_of[need.on], OWN)
    if need.kind == "hard":
        depth, label = _latest_most(_latest_least(x, round(need.after / window)), round(need.lag / window)), LAG
    elif need.kind == "manual":
        label = MANUAL
        if need.at is None:
            depth = _latest_most(x, round(need.after / window))
        else:
            stuck = np.arange(out.windows) < round(need.at / window)
            depth = np.where(stuck, np.maximum.accumulate(x), x)
    elif need.kind == "backlog":
        label = BACKLOG
        capacity = (need.ratio or 1.0) * (1 - x)  # over arrivals
        short = np.maximum(1 - capacity, 0.0)
        if need.until is not None:
            short[round(need.until / window) :] = 0.0
        waiting = _reflected((need.kept * short - np.maximum(capacity - 1, 0.0)) * window)
        before = np.concatenate(([0.0], waiting[:-1]))
        late = (waiting > NONE_S) | (before > NONE_S)
        depth = np.maximum(late, (1 - need.kept) * short)
        presses = short > 0
        on = np.where(presses, number_of[need.on], OWN)
        state.backlog_s = waiting if state.backlog_s is None else np.maximum(state.backlog_s, waiting)
        state.lost_s += float(((1 - need.kept) * short).sum() * window)
    else:
        label = CAPACITY
        launches = need.launches if (need.launches, name) not in out.gone else None
        denied = np.zeros(out.windows) if launches is None else out.states[launches].depth
        loses, regains = x * window / (need.loses_in or 1.0), (1 - denied) * window / (need.regains_in or 1.0)
        missing = _between(np.where(presses, loses, -regains), need.most)  # what is launched meanwhile is lost again
        depth = np.maximum(missing - need.spare, 0.0) / (1 - need.spare)
        if launches is not None:
            on = np.where(~presses & (denied > 0), number_of[launches], on)
        state.missing_share = missing if state.missing_share is None else np.maximum(state.missing_share, missing)
    deeper(state, need.share * depth, i, on, label_number[label])


def deeper(state: State, depth: Floats, edge: int | Numbers, on: Numbers, label: int) -> None:
    """Where `depth` is more than the state's, it takes its place, with what decides it and whom it waits for."""
    more = depth > np.maximum(state.depth, NO_DEPTH)
    state.edge = np.where(more, edge, state.edge).astype(np.int32)
    state.waits_on = np.where(more, on, state.waits_on).astype(np.int32)
    state.waits_for = np.where(more & (on < 0), label, state.waits_for).astype(np.int32)
    state.depth = np.where(more, depth, state.depth)


def _latest_least(x: Floats, windows: int) -> Floats:
    """Least of each window and so many before it; before the start it is 0."""
    from scipy import ndimage

    size = min(windows, len(x)) + 1
    return np.asarray(ndimage.minimum_filter1d(x, size, origin=(size - 1) // 2, mode="constant", cval=0.0))


def _latest_most(x: Floats, windows: int) -> Floats:
    """Most of each window and so many before it."""
    from scipy import ndimage

    size = min(windows, len(x)) + 1
    return np.asarray(ndimage.maximum_filter1d(x, size, origin=(size - 1) // 2, mode="constant", cval=0.0))


def _reflected(steps: Floats) -> Floats:
    """Level that changes by `steps` and never falls below 0 (Lindley 1952), in closed form."""
    total = np.cumsum(steps)
    return np.asarray(total - np.minimum(np.minimum.accumulate(total), 0.0))


def _between(steps: Floats, most: float) -> Floats:
    """Level that changes by `steps` and stays from 0 to `most`."""
    if not (steps > 0).any():
        return np.zeros(len(steps))
    level, out = 0.0, []
    for step in steps.tolist():
        level = min(max(level + step, 0.0), most)
        out.append(level)
    return np.asarray(out)
