"""What was made of objects that never change, kept by which object it was: for what runs of a sweep have in common. A
leaf.
"""

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")
Made = TypeVar("Made")


class ByObject(Generic[T, Made]):
    """What was made of each object. Threads may share it: at worst one makes again what another has made."""

    def __init__(self, most: int) -> None:
        """So many are kept at `most`, with their objects; then all are let go."""
        self._most = most
        self._kept: dict[int, tuple[T, Made]] = {}

    def get(self, one: object) -> Made | None:
        """What was made of this very object; None if nothing is kept."""
        kept = self._kept.get(id(one))
        return kept[1] if kept is not None and kept[0] is one else None

    def keep(self, one: T, made: Made) -> None:
        """Keep what was made of this object, and the object, so that no other takes its place in memory."""
        if len(self._kept) >= self._most:
            self.forget()
        self._kept[id(one)] = one, made

    def forget(self) -> None:
        """Let all go."""
        self._kept.clear()


class Kept(ByObject[T, Made]):
    """A function of one object that never changes, which is asked of the same object again and again; it makes
    something of each, never None.
    """

    def __init__(self, make: Callable[[T], Made], most: int) -> None:
        """As `ByObject` says."""
        super().__init__(most)
        self._make = make

    def __call__(self, one: T) -> Made:
        """What is made of this object."""
        made = self.get(one)
        if made is None:
            made = self._make(one)
            self.keep(one, made)
        return made
