"""Each rule of part two on a scenario so small that its times follow from the rule by hand (MODEL.md, section 13).

Oracle: the words of the rule; a comment says how the times come about. All times are ns.
"""

import itertools
from dataclasses import replace
from typing import Any, Literal

import pytest
from sessions_cases import hanging, run
from twin.sessions.books import HOST, Books
from twin.sessions.clients import log_scale, paced_ns
from twin.sessions.fleet import Fleet
from twin.sessions.scenario import (
    FAR_NS,
    Action,
    Bar,
    Class,
    Condition,
    Crash,
    Edit,
    EndSessions,
    Hold,
    Host,
    HostsIn,
    Lease,
    Limiter,
    Purge,
    Restart,
    Retry,
    Scale,
    Scenario,
    Set,
    Step,
    Throttle,
    constant,
)


def holders(first: tuple[int, ...], *, leased: bool = True, name: str = "all", **parts: Any) -> Class:
    """Holders on one host whose leases run for ever, or who have none."""
    expires = (FAR_NS if leased else 0,) * len(first)
    defaults: dict[str, Any] = {"establish": constant(10), "renew": constant(1)}
    return Class(name, first_ns=(first,), expires_ns=(expires,), **{**defaults, **parts})


def at(time: int, *edits: Edit, classes: tuple[int, ...] | None = None) -> Action:
    """Operators do something at a time."""
    return Action(tuple(Step(edit, classes=classes) for edit in edits), at_ns=time)


def told(*classes: Class, until: int = 1000, window: int = 100, host: Host | None = None, **parts: Any) -> Books:
    """A run of one host, with a round trip of 1 ns where nothing else is said."""
    rule = host or Host()
    if rule.round_trip_ns == Host().round_trip_ns:
        rule = replace(rule, round_trip_ns=1)
    return run(Scenario(until, window, classes, rule, **parts))


def times(books: Books, what: str, number: int = 0) -> list[int]:
    """When something happened to a class."""
    return [line.time for line in books.log if line.what == what and line.number == number]


def who(books: Books, what: str, number: int = 0) -> list[int]:
    """To whom it happened, in order."""
    return [line.client for line in books.log if line.what == what and line.number == number]


NEVER_SOON = (5000,) * 12  # checks far away: the clients sleep


# --- section 12: sessions ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("workers", "delay"), [(1, 0), (4, 0), (4, 7)])
def test_a_burst_of_reconnecting_clients_drains_at_n_s_over_c(workers: int, delay: int) -> None:
    # D/D/c with a burst of N: the k-th is done after k/c services
    books = told(
        holders(NEVER_SOON, first_delay=constant(delay)),
        host=Host(workers=workers),
        playbook=(at(100, EndSessions()),),
    )
    assert times(books, "success") == [100 + delay + 10 * (k // workers + 1) for k in range(12)]
    assert books.level(0, "leased") == 12  # the sessions end at the window's end, so in the next window
    assert books.total("ended") == books.total("established") == 12


def test_a_cold_start_comes_at_once_or_with_phases() -> None:
    phases = tuple(10 * k for k in range(5))
    in_step = told(holders((0,) * 5, starts_unleased=True))
    spread = told(holders(phases, starts_unleased=True))
    assert times(in_step, "success") == times(spread, "success") == [10, 20, 30, 40, 50]
    assert in_step.waits[0, 0] == [0, 10, 20, 30, 40]
    assert spread.waits[0, 0] == [0] * 5


def test_notice_then_first_delay_before_any_retry_policy() -> None:
    books = told(
        holders((5000,), first_delay=constant(7), retry=Retry("fixed", constant(300))),
        playbook=(at(100, EndSessions(notice=constant(50))),),
    )
    assert (times(books, "end"), times(books, "notice"), times(books, "submit")) == ([100], [150], [157])


def test_at_check_is_a_notice_at_the_next_check() -> None:
    books = told(holders((400,), first_delay=constant(7)), playbook=(at(100, EndSessions(notice="at-check")),))
    assert (times(books, "notice"), times(books, "submit")) == ([400], [407])


def test_a_notice_begins_a_new_row_of_tries() -> None:
    # 10, 20: failures 1 and 2, so the next would be at 20 + 20; the session ends at 25: at once, and failure 1 again
    crowd = holders((10,), retry=Retry("exponential", base_ns=10.0))
    books = told(crowd, host=Host(fail_after_ns=0), dependency=((5, 1.0),), playbook=(at(25, EndSessions()),), until=60)
    assert times(books, "submit") == [10, 20, 25, 35, 55]


def test_a_second_end_restarts_no_notice() -> None:
    ends = (at(100, EndSessions(notice=constant(50))), at(120, EndSessions(notice=constant(50))))
    books = told(holders((5000,)), playbook=ends)
    assert (times(books, "end"), times(books, "notice")) == ([100], [150])


def test_an_attempt_in_flight_makes_the_new_session() -> None:
    # 95: the check, which is a renewal; 96: it is done. At 95 the session ends before the submission, so it establishes
    books = told(holders((95, 5000), renew=constant(10)), playbook=(at(100, EndSessions()),))
    assert [(line.time, line.client) for line in books.log if line.what == "success"] == [(105, 0), (115, 1)]
    assert who(books, "notice") == [1]


def test_a_notice_runs_on_in_an_outage() -> None:
    books = told(
        holders((5000,), retry=Retry("fixed", constant(100))),
        host=Host(fail_after_ns=2),
        dependency=((90, 1.0), (200, 0.0)),
        playbook=(at(100, EndSessions(notice=constant(50))),),
    )
    assert (times(books, "submit"), times(books, "fail"), times(books, "success")) == ([150, 252], [152], [262])


@pytest.mark.parametrize("is_told", [True, False])
def test_a_restart_tells_those_whose_requests_it_loses_or_not(is_told: bool) -> None:
    # both are lost at 5; told, they fail and come after the pause, else at their deadlines and after the pause
    books = told(
        holders((0, 0), leased=False, timeout=constant(40), retry=Retry("fixed", constant(20))),
        host=Host(round_trip_ns=1),
        playbook=(at(5, Restart(down_ns=3, is_told=is_told)),),
    )
    assert books.total("lost") == 2
    assert times(books, "submit")[2:4] == ([25, 25] if is_told else [60, 60])


def test_who_is_told_comes_no_sooner_than_a_round_trip() -> None:
    books = told(
        holders((0,), leased=False), host=Host(round_trip_ns=9), playbook=(at(5, Restart(down_ns=0, is_told=True)),)
    )
    assert times(books, "submit") == [0, 14]


def test_a_restart_ends_sessions_or_lets_them_stay() -> None:
    stay = told(holders(NEVER_SOON), playbook=(at(50, Restart(down_ns=5)),))
    end = told(holders(NEVER_SOON), playbook=(at(50, Restart(down_ns=5, ends_sessions=True)),))
    assert (stay.total("ended"), stay.total("submitted")) == (0, 0)
    assert end.total("ended") == 12
    assert end.total("rejected-down") == 12 * 5  # at 50, 51, … 54: at once, then after each round trip
    assert times(end, "success")[0] == 65


def test_a_share_of_the_clients_is_spread_over_their_numbers() -> None:
    books = told(holders(NEVER_SOON), playbook=(at(100, EndSessions(share=0.25)),))
    assert who(books, "end") == [3, 7, 11]


# --- section 13: classes ----------------------------------------------------------------------------------------------


def test_tied_sessions_end_together_and_after_waits_for_the_others_success() -> None:
    # 100: both sessions end; registrations take 10 each; a report is due 7 after its node's registration
    nodes = holders((5000,) * 3, name="nodes")
    reports = holders((5000,) * 3, name="reports", after="nodes", first_delay=constant(7), establish=constant(2))
    books = told(nodes, reports, host=Host(workers=4), playbook=(at(100, EndSessions(), classes=(0,)),))
    assert times(books, "end", 1) == [100] * 3
    assert times(books, "bound", 1) == [100] * 3
    assert times(books, "success", 0) == [110] * 3
    assert times(books, "submit", 1) == [117] * 3


def test_classes_that_are_tied_alone_do_not_wait() -> None:
    nodes = holders((5000,), name="nodes")
    beats = holders((5000,), name="beats", of="nodes", establish=constant(2))
    books = told(nodes, beats, host=Host(workers=2), playbook=(at(100, EndSessions(), classes=(1,)),))
    assert (times(books, "end", 0), times(books, "submit", 1)) == ([100], [100])


def test_jobs_come_with_or_after_those_they_are_tied_to() -> None:
    work = Class("work", arrivals=((0, 0.01),), is_poisson=False, establish=constant(5))
    with_it = Class("with", of="work", establish=constant(1))
    then = Class("then", after="work", establish=constant(1))
    books = told(work, with_it, then, host=Host(workers=9))
    assert times(books, "arrive", 1) == times(books, "arrive", 0)
    assert times(books, "arrive", 2) == times(books, "success", 0)


def test_priority_is_strict_and_interrupts_nobody() -> None:
    # 0: the low one begins, and ends at 10; then all high ones, then the other low ones
    low = holders((0, 0, 0), leased=False, name="low", priority=1)
    high = holders((1, 2), leased=False, name="high")
    books = told(low, high)
    assert (times(books, "start", 0), times(books, "start", 1)) == ([0, 30, 40], [10, 20])


def test_weights_share_the_services_of_one_priority() -> None:
    three = holders((0,) * 12, leased=False, name="three", weight=3)
    one = holders((0,) * 12, leased=False, name="one", weight=1)
    order = [line.number for line in told(three, one).log if line.what == "start"]
    for k in range(4):
        assert sorted(order[4 * k : 4 * k + 4]) == [0, 0, 0, 1]  # while both wait: three to one
    assert set(order[16:]) == {1}


def test_a_row_that_was_empty_has_saved_up_nothing() -> None:
    # b comes when a has had 10 services: then they take turns, and b does not get ten in a row
    a = holders((0,) * 20, leased=False, name="a", weight=1)
    b = holders((95,) * 5, leased=False, name="b", weight=1)
    order = [line.number for line in told(a, b).log if line.what == "start"]
    assert order[:10] == [0] * 10
    assert sorted(order[10:20]) == [0] * 5 + [1] * 5
    assert all(x != y for x, y in itertools.pairwise(order[10:20]))


def test_the_common_limit_counts_classes_without_one_of_their_own() -> None:
    own = holders((0,) * 5, leased=False, name="own", limit=1, retry=Retry("fixed", constant(500)))
    common = holders((1,) * 5, leased=False, name="common", retry=Retry("fixed", constant(500)))
    books = told(own, common, host=Host(limit=2), until=5)
    assert (books.total("rejected-full", 0), books.total("rejected-full", 1)) == (3, 3)


def test_a_class_pays_its_cost_in_tokens() -> None:
    bucket = Limiter("token-bucket", 0.0, 5.0)
    dear = holders((0,) * 3, leased=False, name="dear", cost=2.0, retry=Retry("fixed", constant(500)))
    cheap = holders((1,) * 3, leased=False, name="cheap", cost=1.0, retry=Retry("fixed", constant(500)))
    books = told(dear, cheap, host=Host(admission=bucket), until=100)
    assert (books.total("rejected-admission", 0), books.total("rejected-admission", 1)) == (1, 2)
    with pytest.raises(ValueError, match=r"cost 6\.0 above the burst 5\.0"):
        told(replace(dear, cost=6.0), host=Host(admission=bucket))


def test_debt_of_rejections_falls_on_the_next_service_of_any_class() -> None:
    host = Host(limit=0, reject_cost_ns=3)
    busy = holders((0, 1, 1), leased=False, name="busy", retry=Retry("fixed", constant(500)))
    other = holders((20,), leased=False, name="other")
    assert times(told(busy, other, host=host, until=100), "success", 1) == [20 + 2 * 3 + 10]


def test_expiry_is_work_that_nobody_refuses_or_takes_back() -> None:
    # 90 leases end at 100 and are worked off one a ns; a renewal in between waits behind them and recalls none
    quiet = Class("quiet", first_ns=((5000,) * 90,), expires_ns=((100,) * 90,), expire=constant(1))
    asks = holders((120,), name="asks", renew=constant(1))
    books = told(quiet, asks, host=Host(limit=0))
    assert times(books, "expired") == [101 + k for k in range(90)]
    assert books.level(0, "leased", 0) == 0  # gone at their expiry, not at the end of the work
    back = Class("back", first_ns=((105,),), expires_ns=((100,),), expire=constant(50), establish=constant(1))
    books = told(back)
    assert (times(books, "expired"), times(books, "success")) == ([150], [151])


def test_a_queue_that_drops_what_nobody_waits_for_drops_no_work_of_the_host() -> None:
    busy = holders((0,), leased=False, name="busy", establish=constant(50))
    gone = Class("gone", ((5000,),), ((6,),), expire=constant(3))
    host = Host(drop_expired=True, max_age_ns=5, probe=constant(1), probe_every_ns=20)
    books = told(busy, gone, host=host, until=60)
    assert (times(books, "expired", 1), times(books, "probed", HOST)) == ([53], [54])
    assert books.total("dropped") == 0


def test_a_sessions_end_is_an_expiry() -> None:
    books = told(holders((5000,), expire=constant(4)), playbook=(at(100, EndSessions()),))
    assert (times(books, "expiry"), times(books, "expired"), times(books, "success")) == ([100], [104], [114])


def test_a_lease_that_runs_out_as_the_clocks_stop_has_run_out() -> None:
    # 100: the dependency is down and the clocks stand; one lease ends at that moment, the other has 50 left at 200
    rule = Lease("freeze", constant(500))
    books = run(
        Scenario(
            400,
            100,
            (Class("all", ((5000, 5000),), ((100, 150),), expire=constant(4), lease=rule),),
            dependency=((100, 1.0), (200, 0.0)),
        )
    )
    assert times(books, "expiry") == [100, 250]
    assert [books.level(window, "leased") for window in range(4)] == [1, 1, 0, 0]


@pytest.mark.parametrize("thaw", ["resume", "rearm"])
def test_clocks_may_stand_until_a_holder_is_heard_of(thaw: Literal["resume", "rearm"]) -> None:
    # From 95 on one is done every 3. The one of 140 is the first whose sender still waits: 18 before it make 95 to 149.
    # The leases of 50 run out at 145 if their clocks go on at 95. All are heard of by 158, long before 152 + 50.
    books = run(hanging("return", thaw))
    assert times(books, "success") == [152, 155, 158]
    assert [books.level(window, "leased") for window in range(13, 16)] == [3, 0, 3]
    assert books.total("established") == 3
    books = run(hanging("heard", thaw))
    assert times(books, "success") == [152, 155, 158]
    assert [books.level(window, "leased") for window in range(20)] == [3] * 20
    assert books.total("established") == 0
    # 98: the host hears of a success that is too late for its sender
    books = run(hanging("heard", thaw, late="counts"))
    assert times(books, "late")[0] == 98
    assert [books.level(window, "leased") for window in range(13, 16)] == [3, 0, 3]  # what holders know of: to 98 + 50
    assert [books.level(window, "leased-server") for window in range(20)] == [3] * 20


# --- section 14: operators --------------------------------------------------------------------------------------------


def test_an_edit_acts_on_what_is_submitted_later() -> None:
    slow = holders(
        (0, 60), leased=False, establish=constant(500), timeout=constant(100), retry=Retry("fixed", constant(900))
    )
    books = told(slow, host=Host(workers=2), playbook=(at(50, Set("timeout", constant(20)), classes=(0,)),))
    assert times(books, "deadline") == [80, 100]


def test_a_bucket_fills_at_the_old_rate_until_the_edit() -> None:
    # 0: the one token goes. 80 at 1/100 and 4 at 1/20 make the next one, at 84
    waits = holders((0, 1), leased=False, establish=constant(1))
    host = Host(admission=Limiter("token-bucket", 0.01, 1.0, line=5))
    books = told(waits, host=host, playbook=(at(80, Set("admission_rate_per_ns", 0.05)),))
    assert times(books, "start") == [0, 84]


def test_a_ramp_changes_at_window_edges() -> None:
    fleet = Fleet(Scenario(100, 10, (holders((500,)),), Host(2), playbook=(at(3, Set("workers", 10, over_ns=40)),)))
    seen = []
    for time in (9, 11, 21, 31, 41, 51):
        fleet.advance(time)
        seen.append(fleet.hosts[0].workers())
    assert seen == [2, 3, 5, 7, 9, 10]  # 2 + 8 · 7/40 = 3.4, then 5.4, 7.4, 9.4, to the nearest; 10 from 43 on


def test_of_two_edits_that_holds_which_was_begun_last_and_is_not_over() -> None:
    edits = (at(10, Set("workers", 5, lasts_ns=40)), at(20, Set("workers", 7, lasts_ns=10)), at(60, Set("workers", 9)))
    fleet = Fleet(Scenario(100, 10, (holders((500,)),), Host(2), playbook=edits))
    seen = []
    for time in (5, 15, 25, 35, 55, 65):
        fleet.advance(time)
        seen.append(fleet.hosts[0].workers())
    assert seen == [2, 5, 7, 5, 2, 9]


def test_workers_warm_up_and_leave_when_idle() -> None:
    # two more from 30 on, so at 30 three work; at 35 two go: those that work then work on
    crowd = holders((0,) * 9, leased=False)
    books = told(crowd, playbook=(at(20, Scale(2, warm_up_ns=10)), at(35, Scale(-2))))
    assert times(books, "start") == [0, 10, 20, 30, 30, 30, 40, 50, 60]
    assert books.levels[0, 0, HOST, "busy-ns"] + books.levels[0, 0, HOST, "idle-ns"] == 100 + 10 * 2


def test_hosts_that_are_added_share_the_arrivals_of_jobs() -> None:
    work = Class("work", arrivals=((0, 0.1),), is_poisson=False, establish=constant(1))
    scenario = Scenario(2000, 1000, (work,), hosts=(0, 1), spare=(1,), playbook=(at(1000, HostsIn((1,), True)),))
    books = run(scenario)
    came = [books.flows[window, host, 0, "arrived"] for window in (0, 1) for host in (0, 1)]
    assert came[:2] == [100, 0]
    assert all(abs(n - 50) <= 1 for n in came[2:])


def test_clients_are_held_and_let_in_by_their_number() -> None:
    # due at 10 … 120; held from 15 on; at 200, 230 and 260 every third; a deadline in between runs on
    first = tuple(10 * k for k in range(1, 13))
    books = told(holders(first), host=Host(workers=9), playbook=(at(15, Hold(185, waves=3, every_ns=30)),))
    assert times(books, "submit") == [10, *[200] * 3, *[230] * 4, *[260] * 4]
    assert who(books, "submit") == [0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11]
    kept = [books.level(window, "kept") for window in range(3)]
    assert kept == [8, 11, 0]  # what happens at an edge, the first wave and what falls due, comes after it


@pytest.mark.parametrize("is_told", [True, False])
def test_a_purge_empties_what_waits(is_told: bool) -> None:
    crowd = holders((0, 0, 0), leased=False, timeout=constant(60), retry=Retry("fixed", constant(20)))
    books = told(crowd, playbook=(at(5, Purge(is_told=is_told)),))
    assert books.total("purged") == 2
    assert times(books, "success")[0] == 10  # the one in service is not purged
    assert times(books, "submit")[3:5] == ([25, 25] if is_told else [80, 80])


def test_a_condition_fires_again_after_a_while() -> None:
    # the queue is above 1 at every edge from 10 on, held for 20: 30; then not looked at until 60, held again: 80, 130
    rule = Condition("queue", 1.0, is_above=True, held_ns=20, again_after_ns=30)
    crowd = holders((5,) * 100, leased=False, establish=constant(1000))
    books = told(crowd, until=150, window=10, playbook=(Action((Step(Scale(0)),), when=rule),))
    assert times(books, "scale", HOST) == [30, 80, 130]
    once = replace(rule, again_after_ns=None)
    books = told(crowd, until=150, window=10, playbook=(Action((Step(Scale(0)),), when=once),))
    assert times(books, "scale", HOST) == [30]


# --- section 15: the server under load --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cancel", "starts", "cancelled"),
    [("none", [0, 100, 200], []), ("queue", [0], [20, 40]), ("worker", [0, 20, 20], [20, 20, 40])],
)
def test_what_a_client_that_gives_up_frees(cancel: Any, starts: list[int], cancelled: list[int]) -> None:
    # 0 and 1 come at 0, 2 at 20, and each gives up after 20. The worker that is freed at 20 takes 1, whose deadline is
    # next, and then 2
    crowd = holders(
        (0, 0, 20), leased=False, establish=constant(100), timeout=constant(20), retry=Retry("fixed", constant(900))
    )
    books = told(crowd, host=Host(cancel=cancel), until=300)
    assert (times(books, "start"), times(books, "cancel")) == (starts, cancelled)


def test_a_silent_full_queue_is_asked_again_in_growing_gaps() -> None:
    # the worker is busy until 100; asked at 1, then 2, 4, 8, 16 … later: 3, 7, 15, 31, 63, 127
    crowd = holders((0, 1), leased=False, establish=constant(100), timeout=constant(300))
    host = Host(limit=0, full="silent", resend=constant(2))
    books = told(crowd, host=host)
    assert times(books, "resend") == [3, 7, 15, 31, 63, 127]
    assert times(books, "success") == [100, 227]
    assert books.total("submitted") == 2  # the same attempt
    short = told(replace(crowd, timeout=constant(31), establish=constant(30)), host=host, until=33)
    assert times(short, "resend") == [3, 7, 15, 31]
    assert times(short, "start") == [0, 31]


def test_an_attempt_is_not_sent_again_at_its_deadline() -> None:
    crowd = holders(
        (0, 1), leased=False, establish=constant(100), timeout=constant(14), retry=Retry("fixed", constant(900))
    )
    books = told(crowd, host=Host(limit=0, full="silent", resend=constant(2)), until=500)
    assert (times(books, "resend"), times(books, "deadline")) == ([3, 7], [14, 15])
    assert books.total("unanswered") == 1


def test_a_service_is_slower_by_the_others_in_service() -> None:
    crowd = holders((0, 1, 2), leased=False)
    books = told(crowd, host=Host(workers=3, slowdown_a=1.0, slowdown_n=2.0, slowdown_by="in-service"))
    assert times(books, "success") == [10, 1 + 15, 2 + 20]


def test_what_begins_in_the_outage_hangs_until_it_is_back() -> None:
    # back at 100, asked again from 107 on; both workers hang, a third request waits; told as useful work
    crowd = holders((20, 30, 40), leased=False)
    books = told(
        crowd, host=Host(workers=2, fail_after_ns=None), dependency=((10, 1.0), (100, 0.0)), resume_after=constant(7)
    )
    assert times(books, "start") == [20, 30, 117]
    assert times(books, "success") == [117, 117, 127]
    assert books.total("useful-ns") == 97 + 87 + 10


def test_the_host_asks_its_dependency_again_after_a_hold_off() -> None:
    crowd = holders((99, 103, 107), leased=False, retry=Retry("fixed", constant(900)))
    books = told(crowd, host=Host(fail_after_ns=0), dependency=((10, 1.0), (100, 0.0)), resume_after=constant(7))
    assert (times(books, "fail"), times(books, "success")) == ([99, 103], [117])


def test_a_host_accepts_before_it_serves() -> None:
    crowd = holders((52, 56, 58), leased=False, retry=Retry("fixed", constant(100)))
    books = told(crowd, host=Host(start_time_ns=20), playbook=(at(50, Restart(down_ns=5)),))
    assert times(books, "reject") == [52]
    assert times(books, "start") == [75, 85, 152]
    assert books.levels[0, 0, HOST, "down-ns"] == 25


def test_a_late_success_makes_the_lease_at_the_server() -> None:
    # served 0 … 50, given up at 20, asked again at 30: that attempt starts at 50 and is a renewal of 5
    late = holders(
        (0,), leased=False, establish=constant(50), renew=constant(5), timeout=constant(20),
        retry=Retry("fixed", constant(10)), lease=Lease(duration=constant(1000)),
    )  # fmt: skip
    counts = Fleet(Scenario(52, 51, (late,), Host(late="counts")))
    books = counts.run()
    assert (books.level(0, "leased-server"), books.level(0, "leased")) == (1, 0)
    assert books.total("useful-ns") == 50
    later = told(late, host=Host(late="counts", round_trip_ns=1), until=60)
    assert times(later, "success") == []  # the attempt of 30 was given up at 50, when the deadline came
    wasted = told(late, host=Host(round_trip_ns=1), until=60)
    assert (wasted.total("late"), wasted.total("wasted")) == (0, 1)


def test_an_expiry_only_moves_forward_by_a_late_success() -> None:
    # credit on arrival. The attempt of 0 takes 60 and is given up at 15; that of 20 takes 5 and makes a lease from 20
    # on. So the late success at 60, from 0 on, would end it earlier
    slow = holders(
        (0,), leased=False, establish=constant(60), timeout=constant(15), retry=Retry("fixed", constant(5)),
        lease=Lease("credit-on-arrival", constant(400)), check_every_ns=900,
    )  # fmt: skip
    quicker = at(10, Set("establish", constant(5)), classes=(0,))
    fleet = Fleet(Scenario(100, 100, (slow,), Host(workers=2, late="counts"), playbook=(quicker,)))
    books = fleet.run()
    assert (times(books, "success"), times(books, "late")) == ([25], [60])
    assert fleet.hosts[0].clients[0][0].server.expires == 20 + 400


def test_a_host_dies_of_its_queue_again_and_again() -> None:
    # at 0 five come, four wait: more than three, so it dies at once; at 10 and so on they are back
    crash = Crash(queue=3, down_ns=10)
    crowd = holders(
        (0,) * 5, leased=False, establish=constant(100), timeout=constant(20), retry=Retry("fixed", constant(10))
    )
    books = told(crowd, host=Host(crash=crash), until=100)
    assert times(books, "crash", HOST) == [0, 30, 60, 90]
    assert books.total("lost") == 5 * 4


def test_a_host_dies_of_its_memory() -> None:
    crash = Crash(memory_bytes=299, bytes_a_request=100, down_ns=1000)
    crowd = holders((0, 5, 10, 15), leased=False, establish=constant(100))
    assert times(told(crowd, host=Host(workers=2, crash=crash)), "crash", HOST) == [10]


def test_a_host_is_killed_by_its_own_probe_while_it_starts() -> None:
    # starts take 40; probes at 10, 20, …: that of 10 is done at 11. Down from 15 to 20, start until 60: the probe of 20
    # is out for 31 at 50 (more than 25: look at 50), and so on: it never gets through
    crash = Crash(probe_latency_ns=25, down_ns=5)
    host = Host(start_time_ns=40, crash=crash, probe=constant(1), probe_every_ns=10)
    books = told(holders((5000,)), host=host, until=200, playbook=(at(15, Restart(down_ns=5)),))
    assert times(books, "probe", HOST)[:2] == [10, 20]
    assert times(books, "crash", HOST) == [50, 90, 130, 170]


def test_overlapping_downtimes_end_at_the_later() -> None:
    crowd = holders((12, 25, 31), leased=False, retry=Retry("fixed", constant(500)))
    books = told(crowd, playbook=(at(10, Restart(down_ns=20)), at(15, Restart(down_ns=5))))
    assert (times(books, "reject"), times(books, "start")) == ([12, 25], [31, 512, 525])


def test_a_crash_ends_sessions_or_not() -> None:
    crowd = holders((0,) * 5, renew=constant(100))
    for ends in (True, False):
        crash = Crash(queue=3, down_ns=900, ends_sessions=ends)
        assert told(crowd, host=Host(crash=crash), until=50).total("ended") == (5 if ends else 0)


# --- section 17: client timers and hints ------------------------------------------------------------------------------


def test_timeouts_grow_up_to_their_cap_and_shrink_with_a_success_unless_they_keep() -> None:
    slow = holders(
        (0,), leased=False, timeout=constant(10), timeout_growth=2.0, timeout_cap_ns=35.0, establish=constant(FAR_NS)
    )
    books = told(slow, host=Host(cancel="worker"), until=150)
    assert times(books, "deadline") == [10, 30, 65, 100, 135]  # 10, 20, 35, 35, 35
    for keeps in (False, True):
        once = replace(slow, establish=constant(15), renew=constant(500), check_every_ns=5, timeout_keeps=keeps)
        books = told(once, host=Host(cancel="worker"), until=61)
        # 10: given up; 25: success; 30: the next, whose deadline is 10 or 20 later
        assert (times(books, "success"), times(books, "deadline")[1]) == ([25], 50 if keeps else 40)


@pytest.mark.parametrize(("hint", "second"), [("ignore", 5), ("obey", 30), ("at-least", 30)])
def test_a_rejections_hint_is_used_as_the_client_policy_says(hint: str, second: int) -> None:
    rule = Retry("fixed", constant(5), hint=hint)  # type: ignore[arg-type]
    crowd = holders((0, 1), leased=False, establish=constant(500), retry=rule)
    books = told(crowd, host=Host(limit=0, hint="fixed", hint_ns=30))
    assert times(books, "submit")[:3] == [0, 1, 1 + second]


def test_a_hint_may_be_when_the_token_is_there() -> None:
    crowd = holders((0, 10), leased=False, retry=Retry("immediate", hint="obey"), establish=constant(1))
    books = told(crowd, host=Host(admission=Limiter("token-bucket", 0.01, 1.0), hint="token"))
    assert times(books, "submit") == [0, 10, 100]
    assert times(books, "start") == [0, 100]


def test_a_hint_may_be_the_work_that_waits() -> None:
    crowd = holders((0, 0, 0, 1), leased=False, retry=Retry("immediate", hint="obey"))
    books = told(crowd, host=Host(limit=2, hint="queue", hint_ns=10))
    assert times(books, "submit") == [0, 0, 0, 1, 21]


def test_intervals_are_scaled_by_the_number_of_members() -> None:
    # documented: Nomad never has more than 50 heartbeats a second; Consul's scale is 14 for a million nodes
    second = 10**9
    assert paced_ns(10 * second, 400, 50 / second) == 10 * second
    assert paced_ns(10 * second, 7500, 50 / second) == 150 * second
    assert [log_scale(n) for n in (1, 128, 129, 256, 257, 8192, 10**6)] == [1, 1, 2, 2, 3, 7, 14]


# --- section 18: admission that waits, and bars a share ---------------------------------------------------------------


def test_a_bucket_that_lets_wait_serves_in_order_at_exactly_its_rate() -> None:
    crowd = holders((0,) * 12, leased=False, establish=constant(1))
    books = told(crowd, host=Host(admission=Limiter("token-bucket", 1 / 64, 2.0, line=99)))
    assert times(books, "start") == [0, 1, *[64 * k for k in range(1, 11)]]  # two saved up; one worker
    assert who(books, "start") == list(range(12))
    assert books.total("rejected-admission") == 0


def test_who_would_wait_too_long_is_refused() -> None:
    crowd = holders((0,) * 6, leased=False, establish=constant(1), retry=Retry("fixed", constant(5000)))
    by_time = told(crowd, host=Host(admission=Limiter("token-bucket", 0.01, 1.0, line=99, wait_ns=300.0)))
    by_number = told(crowd, host=Host(admission=Limiter("token-bucket", 0.01, 1.0, line=2)))
    assert (by_time.total("rejected-admission"), by_number.total("rejected-admission")) == (2, 3)
    assert times(by_time, "start") == [0, 100, 200, 300]


def test_a_throttle_that_lets_wait_lets_all_go_on_when_it_goes() -> None:
    gate = Limiter("token-bucket", 0.0, 1.0, line=99)
    crowd = holders((10, 20, 30), leased=False)
    books = told(crowd, host=Host(workers=3), playbook=(at(5, Throttle(gate)), at(200, Throttle(None))))
    assert times(books, "start") == [10, 200, 200]


def test_an_attempt_that_is_barred_comes_back_after_the_barring_time() -> None:
    crowd = holders((10,), leased=False, retry=Retry("fixed", constant(1)))
    host = Host(bar=Bar(1.0, constant(40)), reject_cost_ns=9)
    books = told(crowd, host=host, playbook=(at(100, Set("bar_share", 0.0)),))
    assert (times(books, "bar"), times(books, "submit")) == ([10, 50, 90], [10, 50, 90, 130])
    assert times(books, "success") == [140]  # no cost of saying no


# --- where rules meet -------------------------------------------------------------------------------------------------


def test_who_has_no_lease_has_no_session_that_ends() -> None:
    # refused at 10 for want of room, it sleeps until 60; the end at 30 is not for it, and its pause stands
    crowd = holders((0, 10), leased=False, establish=constant(55), retry=Retry("fixed", constant(50)))
    books = told(crowd, host=Host(limit=0), playbook=(at(30, EndSessions()),), until=300)
    assert times(books, "end") == []
    assert times(books, "submit") == [0, 10, 60]


def test_a_kept_submission_is_not_asleep() -> None:
    # due at 50 and kept; its session ends at 60; at 100 it is let in at once, without notice or first delay
    crowd = holders((50,), first_delay=constant(7))
    books = told(crowd, playbook=(at(40, Hold(60)), at(60, EndSessions())), until=300)
    assert (times(books, "end"), times(books, "notice"), times(books, "submit")) == ([60], [], [100])
    assert times(books, "success") == [110]  # without a lease it establishes


def test_jobs_are_let_in_in_turn() -> None:
    work = Class("work", arrivals=((0, 0.1),), is_poisson=False, establish=constant(0))
    books = told(work, playbook=(at(0, Hold(100, waves=2, every_ns=50)),), until=149, window=50)
    let_in = [line.client for line in books.log if line.what == "submit" and line.time == 100]
    assert let_in == [0, 2, 4, 6, 8]
    assert all(line.client % 2 == 0 for line in books.log if line.what == "submit")


def test_deadlines_run_on_while_clients_are_held() -> None:
    crowd = holders(
        (0,), leased=False, establish=constant(500), timeout=constant(50), retry=Retry("fixed", constant(20))
    )
    books = told(crowd, playbook=(at(10, Hold(190)),), until=300)
    assert (times(books, "deadline"), times(books, "keep"), times(books, "submit")) == ([50, 250], [70], [0, 200, 270])


def test_the_work_of_an_expiry_and_the_probe_count_as_waiting() -> None:
    # the worker is busy until 100; an expiry waits from 20, so that a limit of 1 leaves no room at 30
    busy = holders((0,), leased=False, name="busy", establish=constant(100))
    gone = Class("gone", ((5000,),), ((20,),), expire=constant(1))
    late = holders((30,), leased=False, name="late", retry=Retry("fixed", constant(500)))
    assert told(busy, gone, late, host=Host(limit=1), until=90).total("rejected-full", 2) == 1
    probed = Host(limit=1, probe=constant(1), probe_every_ns=25)
    assert told(busy, replace(late, name="other"), host=probed, until=90).total("rejected-full", 1) == 1


def test_work_of_an_expiry_has_the_priority_of_its_class() -> None:
    busy = holders((0,), leased=False, name="busy")
    asks = holders((5,), leased=False, name="asks", priority=1)
    gone = Class("gone", ((5000,),), ((6,),), expire=constant(3))
    books = told(busy, asks, gone, until=100)
    assert (times(books, "expired", 2), times(books, "success", 1)) == ([13], [23])


def test_an_outage_that_ends_in_part_lets_a_part_begin() -> None:
    # 40 hang in a full outage; at 100 the dependency fails 0.5, at 200 nothing: all whose draw is from 0.5 on begin
    # at 100, and the others at 200
    crowd = holders((0,) * 40, leased=False)
    host = Host(workers=40, fail_after_ns=None)
    books = told(crowd, host=host, dependency=((0, 1.0), (100, 0.5), (200, 0.0)), until=300)
    resumed = times(books, "resume")
    assert set(resumed) == {100, 200}
    assert len(resumed) == 40
    assert 5 < resumed.count(100) < 35
    assert times(books, "success") == [time + 10 for time in resumed]


def test_a_hold_off_ends_with_the_next_outage() -> None:
    crowd = holders((0, 115), leased=False, retry=Retry("fixed", constant(900)))
    outages = ((5, 1.0), (100, 0.0), (110, 1.0), (120, 0.0))
    books = told(crowd, host=Host(fail_after_ns=0), dependency=outages, resume_after=constant(10), until=300)
    assert times(books, "dependency", HOST) == [5, 110, 130]  # the one that was to end at 110 is taken away
    assert times(books, "fail") == [115]


def test_who_is_exempt_passes_the_line() -> None:
    # three without a lease wait for tokens from 1 on; a renewal at 5 passes them
    asks = holders((0, 1, 1), leased=False, name="asks")
    renews = holders((5,), name="renews")
    bucket = Limiter("token-bucket", 0.01, 1.0, is_establish_only=True, line=9)
    books = told(asks, renews, host=Host(workers=2, admission=bucket))
    assert (times(books, "start", 0), times(books, "start", 1)) == ([0, 100, 200], [5])


def test_a_cheap_request_does_not_pass_a_dear_one_in_the_line() -> None:
    # two tokens at 0 for the first; the second waits for two, until 200; the cheap one finds one at 150, and waits
    dear = holders((0, 1), leased=False, name="dear", establish=constant(1), cost=2.0)
    cheap = holders((150,), leased=False, name="cheap", establish=constant(1))
    books = told(dear, cheap, host=Host(admission=Limiter("token-bucket", 0.01, 2.0, line=9)))
    assert (times(books, "start", 0), times(books, "start", 1)) == ([0, 200], [300])


def test_a_token_of_the_throttle_is_taken_by_who_waits_for_one_of_the_admission() -> None:
    # throttle: two tokens, and none come; admission: one at 10, the next at 110. The second waits there, and the third
    # finds no token at the throttle
    gate = Limiter("token-bucket", 0.0, 2.0)
    bucket = Limiter("token-bucket", 0.01, 1.0, line=9)
    crowd = holders((10, 10, 10), leased=False, establish=constant(1), retry=Retry("fixed", constant(900)))
    books = told(crowd, host=Host(admission=bucket), playbook=(at(5, Throttle(gate)),), until=500)
    assert times(books, "start") == [10, 110]
    assert books.total("rejected-gate") == 1


def test_a_token_stays_where_the_queue_is_full() -> None:
    # the second gets its token at 100, when the worker is busy (since 40, until 140) and nobody may wait: refused. So
    # the token is there for the one that comes at 150
    crowd = holders(
        (0, 10, 150), leased=False, name="crowd", establish=constant(1), retry=Retry("fixed", constant(900))
    )
    long = holders((40,), leased=False, name="long", establish=constant(100), cost=0.0)
    bucket = Limiter("token-bucket", 0.01, 1.0, line=9, classes=(0,))
    books = told(crowd, long, host=Host(limit=0, admission=bucket))
    assert times(books, "reject", 0) == [100]
    assert times(books, "start", 0) == [0, 150]


def test_abandoned_requests_keep_their_place_in_a_line() -> None:
    crowd = holders(
        (0, 1, 2), leased=False, establish=constant(1), timeout=constant(50), retry=Retry("fixed", constant(900))
    )
    bucket = Limiter("token-bucket", 0.01, 1.0, line=9)
    for cancel, starts in (("none", [0, 100, 200]), ("queue", [0])):
        books = told(crowd, host=Host(admission=bucket, cancel=cancel), until=300)  # type: ignore[arg-type]
        assert times(books, "start") == starts
        assert times(books, "deadline") == [51, 52]


def test_credit_on_arrival_counts_from_when_a_silent_host_heard() -> None:
    crowd = Class(
        "all",
        ((0, 1),),
        ((0, 0),),
        establish=constant(20),
        lease=Lease("credit-on-arrival", constant(100)),
        timeout=constant(90),
    )
    fleet = Fleet(Scenario(60, 60, (crowd,), Host(limit=0, full="silent", resend=constant(8))))
    fleet.advance(59)
    assert [line.time for line in fleet.books.log if line.what == "resend"] == [9, 25]
    assert fleet.hosts[0].clients[0][1].holder.expires == 25 + 100
    assert fleet.books.sojourns[0, 0] == [20, 44]  # from its first submission


def test_a_late_success_stands_while_clocks_stand() -> None:
    # served from 0 to 50, given up at 20; clocks stand from 30 to 200: whole (100) from then on
    rule = Lease("freeze", constant(100), freeze_share=0.5)
    late = holders(
        (0,),
        leased=False,
        establish=constant(50),
        timeout=constant(20),
        retry=Retry("fixed", constant(900)),
        lease=rule,
    )
    fleet = Fleet(Scenario(400, 50, (late,), Host(late="counts"), dependency=((30, 1.0), (200, 0.0))))
    books = fleet.run()
    assert times(books, "late") == [50]
    leased = [books.level(window, "leased-server") for window in range(8)]
    assert leased == [0, 1, 1, 1, 1, 0, 0, 0]  # at 50 before it happens; until 300
    assert [books.level(window, "leased") for window in range(8)] == [0] * 8


def test_an_edit_reaches_its_hosts_and_classes_only() -> None:
    crowd = Class("a", ((0,), (0,)), ((0,), (0,)), establish=constant(10))
    other = replace(crowd, name="b")
    step = Step(Set("establish", constant(30)), hosts=(1,), classes=(0,))
    scenario = Scenario(100, 100, (crowd, other), Host(workers=2), hosts=(0, 1), playbook=(Action((step,), at_ns=0),))
    done = {(line.host, line.number): line.time for line in run(scenario).log if line.what == "success"}
    assert done == {(0, 0): 10, (0, 1): 10, (1, 0): 30, (1, 1): 10}


def test_a_condition_may_look_at_one_class() -> None:
    lost = Class("lost", ((5000,) * 2,), ((35,) * 2,))
    kept = holders((5000,) * 8, name="kept")
    for classes, when in ((None, []), ((0,), [40])):
        rule = Condition("leased", 0.5, is_above=False, classes=classes)
        books = told(lost, kept, until=100, window=10, playbook=(Action((Step(Scale(0)),), when=rule),))
        assert times(books, "scale", HOST) == when


def test_what_makes_no_sense_is_refused() -> None:
    good = holders((0,))
    for wrong, why in [
        (replace(good, after="nobody"), "nobody is no class before it"),
        (replace(good, retry=Retry(retries=3)), "holders never give up"),
        (replace(good, expires_ns=((),)), "an expires_ns for each first_ns"),
        (Class("all"), "want first_ns of holders"),
    ]:
        with pytest.raises(ValueError, match=why):
            told(wrong)
    with pytest.raises(ValueError, match="is not live"):
        told(good, playbook=(at(1, Set("hosts", 3)),))
    with pytest.raises(ValueError, match="want classes"):
        told(good, playbook=(at(1, Set("timeout", constant(1))),))
    with pytest.raises(ValueError, match="want a token bucket"):
        told(good, host=Host(admission=Limiter("queue-size", line=3)))
