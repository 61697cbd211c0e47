"""Rows of numbers by name, for plain Python: what compiled controllers see of them."""

from collections.abc import Mapping

from recovery_kernels.arrays import Real


class View:
    """Numbers by name over a row of them: what compiled functions see of params, memory and facts, for plain Python."""

    __slots__ = ("_places", "_row")
    _places: dict[str, tuple[int, int]]
    _row: Real

    def __init__(self, sizes: Mapping[str, int], row: Real) -> None:
        """`row` float64[sum of sizes]; a name of size 1 is a number, another one a row of numbers."""
        at, places = 0, {}
        for name, size in sizes.items():
            places[name] = (at, size)
            at += size
        object.__setattr__(self, "_places", places)
        object.__setattr__(self, "_row", row)

    def __getattr__(self, name: str) -> float | Real:
        at, size = self._place(name)
        return float(self._row[at]) if size == 1 else self._row[at : at + size]

    def __setattr__(self, name: str, value: float) -> None:
        at, size = self._place(name)
        if size != 1:
            raise AttributeError(f"{name} is a row of {size} numbers; want one of them, {name}[i]")
        self._row[at] = value

    def _place(self, name: str) -> tuple[int, int]:
        if name not in self._places:
            raise AttributeError(f"{name} is not there; want one of {', '.join(self._places)}")
        return self._places[name]
