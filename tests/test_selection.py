"""Which policies are told apart, on data whose truth is known (the emulation of MODEL.md, section 10)."""

import math

import numpy as np
import pytest

from recovery import selection


def test_a_leader_that_may_still_collapse_excludes_nobody() -> None:
    # 100 s against 150 s without a spread: a collapse in 5 % of the runs (of 2,000 s) would turn that round.
    times = np.array([[100.0] * 20, [150.0] * 20])
    told = selection.select(times, np.isinf(times), range(20), limit_s=2_000.0, indifference_s=60.0, never_max=0.05)
    assert told.leader == 0
    assert told.not_told_apart == (0, 1)
    assert told.chosen is None


def test_what_is_clearly_worse_is_excluded_and_stays_so() -> None:
    times = np.array([[100.0] * 150, [1_500.0] * 150, [math.inf] * 150])
    told = selection.select(times, np.isinf(times), range(150), limit_s=2_000.0, indifference_s=60.0, never_max=0.05)
    assert told.not_told_apart == (0,)
    assert told.excluded == (1, 2)
    assert told.chosen == 0
    assert told.differences[1].mean == pytest.approx(1_400.0)
    assert 0.0 < told.differences[1].low < 1_400.0 < told.differences[1].high
    again = selection.select(
        times[:, :2], np.isinf(times[:, :2]), range(2), limit_s=2e3, indifference_s=6e1, never_max=0.05, excluded=[1]
    )
    assert again.not_told_apart == (0, 2)
