"""Which stretch of time is drawn. Oracle: arithmetic on levels whose steps are given, and what the reader must find."""

import math

import numpy as np
import polars as pl
import pytest

from recovery import units
from recovery.show import figures, spans
from recovery.show.spans import Level

HOUR_S = 3600


def stepped(*steps: tuple[float, float], window_s: float = 1.0) -> Level:
    """A level of an hour that is 100 first and takes each value from a time on."""
    times = np.arange(window_s, HOUR_S + window_s, window_s)
    values = np.full(len(times), 100.0)
    for at_s, value in steps:
        values[times > at_s] = value
    return Level(times, values)


def test_an_axis_ends_a_little_after_the_last_that_happens_and_never_before() -> None:
    back, lost = stepped((120, 0), (728, 100)), stepped((120, 0))
    assert 728 < spans.settled_s([back, lost]) <= 730
    assert spans.settled_s([stepped()]) == 0
    assert spans.settled_s([stepped((HOUR_S - 1, 0)), back]) == HOUR_S  # what still moves at the end
    for last in (5, 60, 729, 1500, 2200):
        end = spans.end_s(HOUR_S, [last, 3, math.inf])
        assert last < end <= 1.3 * last
    assert spans.end_s(HOUR_S, [3000]) == spans.end_s(HOUR_S, [math.inf]) == HOUR_S


def test_noise_beside_the_largest_level_of_a_panel_is_nothing_that_happens() -> None:
    noise = Level(stepped().times_s, np.random.default_rng(1).uniform(0, 1, HOUR_S))
    assert spans.settled_s([noise, stepped((60, 0))]) <= 61 < HOUR_S * 0.9 < spans.settled_s([noise])


def test_a_return_of_a_moment_is_drawn_close_up_and_one_that_is_seen_is_not() -> None:
    near = spans.return_of([stepped((120, 0), (728, 100))], 720, 900)
    assert near is not None
    assert near.from_s < 0 < 8 < near.to_s < 20
    assert spans.return_of([stepped((120, 0), (900, 100))], 720, 1200) is None
    assert spans.return_of([stepped((120, 0), (722, 100))], 720, 900) is None  # two windows are no curve
    assert spans.return_of([stepped((120, 0))], 720, 900) is None  # nothing comes back


def test_the_close_up_has_its_own_axis_from_before_the_return() -> None:
    with figures.style():
        figure, (panel, _) = figures.stack([2.0, 0.2])
        axis = figures.TimeAxis(900).close_up(720, spans.Stretch(-5, 30), "the return")
        axis.dress(panel)
        assert panel.get_xlim() == (-5, 30)
        assert panel.get_xlabel() == "time since the return (s)"
        assert [text.get_text() for text in panel.get_xticklabels()][:2] == ["−5", "0"]
        assert figure.axes[0] is panel


def test_what_became_of_a_variant_stands_whole_in_the_legend_whatever_its_name() -> None:
    end = ": loses no lease, all NotReady, renewed after 8 s"
    for form in (figures.wide, figures.narrow):
        with figures.style(), form():
            _, (panel, below) = figures.stack([2.0, figures.lines_in(1)])
            [line] = panel.plot([0, 1], [0, 1])
            figures.legend_below(below, [line], ["a name that says much of a variant " * 5], False, ends=[end])
            told = below.get_legend().get_texts()[0].get_text()  # type: ignore[union-attr]
            assert told.replace("\n", " ").replace("\u00a0", " ").endswith(f" …{end}")
            assert "8\u00a0s" in told


def test_the_windows_of_a_stretch_are_those_that_end_in_it() -> None:
    curve = figures.Curve("as is", pl.DataFrame({"time_s": [1.0, 2.0, 3.0, 4.0]}))
    [part] = figures.cut([curve], 3.0, 2.0)
    assert part.frame["time_s"].to_list() == [2.0, 3.0]


@pytest.mark.parametrize(
    "text",
    ["250 ms", "105 / s", "2 h 05 min", "±\u00a05 %", "± 5", "< 10 s", "&lt; 10 s", "−89.2 pp", "3 days", "≥ 2.5 h"],
)
def test_a_value_with_its_unit_is_not_broken_over_lines(text: str) -> None:
    assert " " not in units.unbroken(text)


@pytest.mark.parametrize("text", ["in 3 of 4 runs", "5 min. 3 s", "at 5 some are", "a; 12 runs", "10 holders"])
def test_other_blanks_stay(text: str) -> None:
    held = units.unbroken(text)
    assert held.replace("\u00a0", " ") == text
    assert held.count(" ") == text.count(" ") - text.count(" min") - text.count(" s.") - (text.endswith(" s"))
