"""What each of several outages cost.

Oracle: a curve made by hand, of which each time is plain.
"""

import math

import numpy as np

from recovery.measures.each_outage import after_each, apart


def test_outages_that_are_close_are_one() -> None:
    assert apart([(1.0, 2.0), (2.5, 4.0), (3.0, 3.5), (9.0, 10.0)], 2.0) == [(1.0, 4.0), (9.0, 10.0)]


def test_each_is_judged_until_the_next() -> None:
    """Windows of 1 s. Away from 10 to 20 s, half lost at 15 s, 99 % back at 25 s and all at 30 s; away from 60 to 70 s,
    all lost at 65 s and never back before 90 s; then nothing is lost, after one that all are back from 95 s on.
    """
    share = np.ones(130)
    share[14:24], share[24:29], share[64:94] = 0.5, 0.995, 0.0
    refused = np.zeros(130, np.int64)
    refused[[5, 12, 59, 60, 129]] = 1, 2, 4, 8, 16
    outages = [(10.0, 20.0), (60.0, 70.0), (90.0, 91.0), (110.0, 115.0)]
    found = after_each(outages, np.arange(1.0, 131.0), share, refused, 10.0)
    assert [one.least_share for one in found] == [0.5, 0.0, 0.0, 1.0]
    assert [one.back_s for one in found] == [(5.0, 10.0), (math.inf, math.inf), (4.0, 4.0), (0.0, 0.0)]
    assert [one.refused for one in found] == [6.0, 8.0, 0.0, 16.0]
