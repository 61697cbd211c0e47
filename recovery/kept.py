"""What was made of objects that never change, kept by which object it was: for what runs of a sweep have in common. A
leaf.
"""

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")
Made = TypeVar("Made")


class Kept(Generic[T, Made]):
    """A function of one object that never changes, which is asked of the same object again and again. Threads may share
    it: at worst one makes again what another has made.
    """

    def __init__(self, make: Callable[[T], Made], most: int) -> None:
        """So many are kept at `most`, with their objects; then all are let go."""
        self._make, self._most = make, most
        self._kept: dict[int, tuple[T, Made]] = {}

    def __call__(self, one: T) -> Made:
        """What is made of this object."""
        kept = self._kept.get(id(one))
        if kept is not None and kept[0] is one:
            return kept[1]
        made = self._make(one)
        if len(self._kept) >= self._most:
            self.forget()
        self._kept[id(one)] = one, made
        return made

    def forget(self) -> None:
        """Let all go."""
        self._kept.clear()
