"""What happens between the ends of two windows: who is without a lease, for how long, and why.

Oracle: counts. Whoever holds a lease at the end of a window and made none in it held it all through the window; as a
fleet starts unleased nobody has one, and as operators end all sessions nobody has one either. Times by hand: a lease
takes 30 ms, and two hosts of 16 workers make 1,067 a second.
"""

import numpy as np
import pytest
import run_records
from test_advice import told

from recovery.measures import for_good, leased_curve
from recovery.show import standings, tables
from recovery.show.text import notes
from recovery.store.run_record import Group, Worst
from recovery.store.scenario_record import Span
from recovery.study.compare import differences
from recovery.study.compare.sides import Runs

BARE = """
horizon = "10m"
hold = "1m"
recovers_from = "0s"
fleet = { holders = 2000, hosts = 2, start = "unleased" }
host = { workers = 16, establish_time = { dist = "exponential", mean = "30ms" }, renew_time = "2ms", timeout = "20s" }
lease = { duration = "5m", check_every = "1m" }
policy.client = { name = "full-jitter", base = "1s", cap = "10s" }
"""
ENDED = BARE.replace('recovers_from = "0s"\n', "").replace(', start = "unleased"', "") + (
    '[[operator]]\ndo = "end-sessions"\nat = "AT"\nnotice = "at-once"\n'
)


def test_what_counts_tell_of_the_moments_between_ends() -> None:
    """Ten leases in five windows. 1: none is lost. 2: two run out and are made anew (at least one was away, eight were
    held throughout). 3: all ten end together and six are back. 4: the other four. 5: three ran out by the end.
    """
    leased, made, ended = np.array([10, 10, 6, 10, 7]), np.array([0, 2, 6, 4, 0]), np.array([0, 0, 10, 0, 0])
    found = leased_curve.within(leased, made, ended, 10, 10)
    assert found.most.tolist() == [10, 9, 0, 6, 7]
    assert found.least.tolist() == [10, 8, 0, 6, 7]
    bare = leased_curve.within(leased[:2], np.array([10, 0]), np.zeros(2, int), 10, 0)
    assert bare.most.tolist() == bare.least.tolist() == [0, 10]


def test_a_fleet_that_starts_without_leases_is_never_told_that_nobody_loses_one() -> None:
    """All ask at once and are back after 1.9 s, less than a window of 10 s; at 0 s nobody had a lease."""
    summary, answer = told(BARE, "fleet.in_step=true")
    first = summary.groups[0]
    assert (first.unleased_spans or first.unleased) == Span(from_s=10.0, to_s=10.0)
    assert answer.happened.text.startswith(
        "From 0 s to 10 s some of the 2,000 holders are without a lease, at worst all"
    )
    assert "99 % have one again less than 10 s after" in answer.happened.text
    assert "loses its lease" not in answer.change.text
    assert standings.time_of(summary, first, "ttr50_s") == "< 10 s"
    assert not standings.lost_none(first, summary.rows)
    [efficiency] = [one for one in tables.columns_of("leases", first) if one.measure == "efficiency"]
    assert tables._cell(first, efficiency, summary.rows).text == "–"  # 1.9 s at best, of less than 10 s
    assert "efficiency is – where windows do not tell" in "".join(notes(summary))


def test_first_attempts_that_are_spread_are_no_waits() -> None:
    """Each comes at its own phase of a minute, and nobody is refused, so nobody waits between two tries."""
    _, answer = told(BARE)
    assert answer.why.mechanism == "spread"
    assert answer.why.number == pytest.approx(0.99 * 60)
    assert "at worst all of them" in answer.happened.text
    assert "wait up to" not in answer.why.text + answer.change.text


def test_sessions_that_end_within_a_window_are_all_without_a_lease() -> None:
    """2,000 sessions end 1 s before the end of a window of 10 s. 99 % are back after 1,980 / 1,067 = 1.9 s, between
    1 s and 11 s as these windows tell, which is too little for a cause; nobody tries twice.
    """
    _, answer = told(ENDED.replace("AT", "5m9s"))
    assert "at worst all of them" in answer.happened.text
    assert answer.why.text.startswith("Windows of 10 s tell no more than that it takes between 1 s and 11 s")
    assert "wait up to" not in answer.why.text
    assert "Try" not in answer.change.text
    _, finer = told(ENDED.replace("AT", "5m9s"), "coupling.window=1s")
    assert (finer.why.mechanism, finer.why.number) == ("capacity", pytest.approx(1980 * 0.03 / 32))
    assert finer.happened.text.startswith("For 2 s from 5.2 min on some of the 2,000 holders")


@pytest.mark.parametrize("at", ["5m", "5m9s"])
def test_hours_after_the_return_are_all_that_there_are_where_none_were_before(at: str) -> None:
    """Ends of windows tell 0 hours, or 875 holders for 5 s; nobody was without a lease before the sessions ended."""
    summary, _ = told(ENDED.replace("AT", at))
    first = summary.groups[0]
    assert standings.hours_as_known(first, "excess_hours") == "unleased_holder_hours"
    cell = [
        tables._cell(first, one, summary.rows)
        for one in tables.columns_of("leases", first)
        if one.measure in ("excess_hours", "unleased_holder_hours")
    ]
    assert len({one.text for one in cell}) == 1


def test_hours_before_the_return_are_no_hours_after_it() -> None:
    """Leases run out from 5 min to 10 min, and the clock starts at 10 min."""
    first = _group(Span(from_s=300.0, to_s=700.0), unleased_holder_hours=9.0, excess_hours=2.0)
    assert standings.hours_as_known(first, "excess_hours") == "excess_hours"
    more = _group(Span(from_s=300.0, to_s=700.0), unleased_holder_hours=9.0, excess_hours=9.1)
    assert standings.hours_as_known(more, "excess_hours") == "unleased_holder_hours"


def _group(away: Span, **means: float) -> Group:
    found = run_records.group_of("it", recovers_from_s=600.0, **means)
    return found.model_copy(update={"unleased": away, "worst": {"": Worst(most_share=0.5, least_share=0.5)}})


@pytest.mark.parametrize(("least", "is_always"), [(0.995, True), (0.4, False), (float("nan"), True)])
def test_always_needs_that_so_many_were_held_all_the_time(least: float, is_always: bool) -> None:
    """99.5 % have a lease at each window's end; between two of them all of these did, only 40 %, or it is not known."""
    row = run_records.row_of("it", ttr99_s=0.0, leased_min_share=0.995, unleased_holder_hours=0.1)
    group = run_records.group_of("it", ttr99_s=0.0).model_copy(
        update={"worst": {"": Worst(most_share=0.995, least_share=least)}}
    )
    assert standings.is_always(group, [row], "ttr99_s") is is_always
    runs = Runs([0], [0], ["recovered"], {name: np.array([own]) for name, own in row.measures.items()}, group=group)
    assert differences._is_always(runs, "ttr99_s") is is_always


@pytest.mark.parametrize(("hours", "is_always"), [(0.0, True), (0.1, False)])
def test_hours_without_a_lease_tell_of_a_loss_that_no_end_shows(hours: float, is_always: bool) -> None:
    row = {"ttr50_s": 0.0, "leased_min_share": 1.0, "unleased_holder_hours": hours}
    assert for_good.is_always("ttr50_s", lambda name: row.get(name, float("nan"))) is is_always
