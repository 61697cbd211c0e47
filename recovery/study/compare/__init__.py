"""Finished runs or sweeps beside each other: differences, what a change did, and conditions on it."""

from recovery.study.compare.conditions import condition
from recovery.study.compare.sides import Side, side_of, sides
from recovery.study.compare.whole import compared

__all__ = ["Side", "compared", "condition", "side_of", "sides"]
