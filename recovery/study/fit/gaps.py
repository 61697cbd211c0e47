"""Whether a key's misfit is smooth: where it jumps from value to value, one between two that fit may not."""

import itertools
from collections.abc import Callable, Sequence

from recovery.study.fit.search import PAIR, Tried

LOOKED = 6  # places of a key's interval
FINEST = 1 / 1_000  # of a range: a gap that is narrower is not looked into


def holes_of(
    tried: Tried,
    i: int,
    settings: Sequence[Sequence[float]],
    most: float,
    times: float,
    search: Callable[[Sequence[float], float], None],
    fits: Callable[[Sequence[float]], bool],
) -> list[float]:
    """Places of key `i` between two of the settings with which none was found whose sum of squares is up to so many
    `times` that at the worse of both, or `most` where that is larger: the misfit is not smooth there.

    The widest gaps are looked into, those between two that are up to `most` first, each at its roundest value: clients
    without jitter keep step with round values, and people set such. The other keys are first as on the way from one to
    the other side, then as at either, then searched: `search` is given a setting to start from and the place. What
    `fits` is no such place, however far off the run is with which all are tried.
    """
    r = tried.candidates.ranges[i]
    known = {places[i]: list(places) for places in sorted(settings, key=tried.square, reverse=True)}
    gaps = list(itertools.pairwise(sorted(known)))
    holes: list[float] = []

    def order(gap: tuple[float, float]) -> tuple[bool, float]:
        return max(tried.square(known[side]) for side in gap) > most, gap[0] - gap[1]

    for _ in range(LOOKED // PAIR):
        gaps = sorted((gap for gap in gaps if gap[1] - gap[0] > FINEST), key=order)
        chosen, gaps = gaps[:PAIR], gaps[PAIR:]
        looked = [(low, place, high) for low, high in chosen if (place := r.roundest(low, high)) not in (low, high)]
        tried.ahead(_between(known[low], known[high], i, place) for low, place, high in looked)
        for low, place, high in looked:
            start, sides = _between(known[low], known[high], i, place), (known[low], known[high])
            limit = times * max(most, *map(tried.square, sides))
            if tried.square(start) > limit:
                starts = [start, *([*side[:i], place, *side[i + 1 :]] for side in sides)]
                tried.ahead(starts)
                start = min(starts, key=tried.square)
            if tried.square(start) > limit:
                search(start, place)
                there = (list(at) for at in tried.places.values() if at[i] == place)
                start = min([start, *there], key=tried.square)
            if tried.square(start) > limit and not fits(start):
                holes.append(place)
            else:
                known[place] = start
                gaps += [(low, place), (place, high)]
    return sorted(holes)


def _between(a: Sequence[float], b: Sequence[float], i: int, place: float) -> list[float]:
    """The setting with key `i` at a place on the way from one to the other."""
    part = (place - a[i]) / (b[i] - a[i])
    between = [x + part * (y - x) for x, y in zip(a, b, strict=True)]
    between[i] = place
    return between
