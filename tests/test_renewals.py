"""Who is overdue and when all have renewed, from counts of successes.

Oracle: the same told from who renewed when, holder by holder, which the counts do not know.
"""

import math

import numpy as np
import pytest

from recovery.measures.renewals import all_renewed_s, overdue, overdue_at_most

HOLDERS, WINDOWS, ROUND, AFTER, AWAY, BACK = 40, 120, 10, 25, 40, 70  # windows of 1 s


def _renewals(seed: int, spread: int) -> list[list[float]]:
    """When each holder renews: every 10 s, save while the dependency is away; then within `spread` s of its return."""
    draw = np.random.default_rng(seed)
    out = []
    for phase in draw.uniform(0, ROUND, HOLDERS):
        own = [float(at) for at in np.arange(phase - 3 * ROUND, AWAY, ROUND)]
        own += [float(at) for at in np.arange(BACK + draw.uniform(0, spread), WINDOWS, ROUND)]
        out.append(own)
    return out


@pytest.mark.parametrize("spread", [8, 25])
def test_counts_bound_what_holders_do(spread: int) -> None:
    times = _renewals(spread, spread)
    ends = np.arange(1, WINDOWS + 1)
    counts = np.histogram([at for own in times for at in own if at >= 0], np.arange(WINDOWS + 1))[0].astype(np.int64)
    found = overdue(counts, 1.0, HOLDERS, AFTER)
    true = np.array([sum(not any(end - AFTER <= at < end for at in own) for own in times) for end in ends])
    assert (found <= true).all()
    assert (found[: BACK + ROUND - 1] == true[: BACK + ROUND - 1]).all()  # until somebody renews twice
    assert found.max() == HOLDERS
    most = overdue_at_most(counts, 1.0, HOLDERS, AFTER, ROUND, ROUND)
    assert (true <= most).all()
    assert (most[:AWAY] == 0).all()  # a whole round lies within the time, and before the start all renewed
    assert (most[AWAY + AFTER - ROUND : BACK] >= found[AWAY + AFTER - ROUND : BACK]).all()
    assert (most[-1] == 0) == (true[-1] == 0)
    early, late = all_renewed_s(counts, 1.0, HOLDERS, BACK, ROUND)
    last = max(min(at for at in own if at >= BACK) for own in times) - BACK
    assert early - 1 <= last <= late
    assert (early == late) == (spread < ROUND)


def test_who_never_renews_again_is_told_so() -> None:
    assert all_renewed_s(np.array([4, 0, 3], np.int64), 1.0, 4, 1.0, 10.0) == (math.inf, math.inf)
