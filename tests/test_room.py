"""Memory of large arrays that are gone serves the next ones, and no two that are there at once."""

import numpy as np
import pytest

from recovery.stages import room

LARGE = room.LEAST_BYTES // 8


@pytest.fixture(autouse=True)
def _own_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_ROOM", room._Room())


def test_memory_of_one_that_is_gone_serves_the_next() -> None:
    first = room.array(LARGE)
    first[:] = 7
    address = first.ctypes.data
    del first
    again = room.array(LARGE // 2, 2)
    assert again.ctypes.data == address
    assert again.shape == (LARGE // 2, 2)


def test_a_view_keeps_its_memory() -> None:
    first = room.array(4, LARGE)
    row = first.view(np.float64)[2]
    row[:] = 0.5
    del first
    one, other = room.array(4, LARGE), room.array(4, LARGE)
    one[:] = other[:] = -1
    assert (row == 0.5).all()
    assert not np.shares_memory(one, other)


def test_what_is_much_too_large_is_left_for_others() -> None:
    address = room.array(16 * LARGE).ctypes.data  # and it is gone
    assert room.array(LARGE).ctypes.data != address
    assert room.array(8 * LARGE).ctypes.data == address


def test_no_more_lies_ready_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "KEPT_BYTES", 3 * room.LEAST_BYTES)
    arrays = [room.array(LARGE) for _ in range(5)]
    addresses = [one.ctypes.data for one in arrays]
    while arrays:
        del arrays[0]
    ready = [one.ctypes.data for one in room._ROOM._ready]
    assert ready == addresses[2:]  # those that came last


def test_small_ones_and_none_are_plain() -> None:
    assert room.array(3, 2).base is None
    assert room.array(0).shape == (0,)
