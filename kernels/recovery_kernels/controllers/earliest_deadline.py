"""Earliest deadline first: the request whose client gives up soonest is served first.

Source: Jackson, Scheduling a Production Line to Minimize Maximum Tardiness (1955); Liu and Layland (JACM 1973). Nobody
is interrupted. Of equal deadlines the first that came goes first. One whose deadline has passed is served as others.
"""

import math

AXIS = "queue"
PARAMS = ()
MEMORY: dict[str, int] = {}


def begin(params, memory, facts):  # type: ignore[no-untyped-def]
    """There is nothing to remember."""


def rank(params, memory, facts):  # type: ignore[no-untyped-def]
    """The moment at which the client gives up, in whole nanoseconds, so that equal deadlines are equal numbers."""
    return math.floor((facts.now_s + facts.left_s) * 1e9 + 0.5) / 1e9
