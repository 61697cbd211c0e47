"""How runs with several classes are told: each class by its own end, where one collapses and another does not.

Oracle: rows made by hand, of which it is known which class collapsed.
"""

import math

from run_records import group_of, row_of, scenario_of, summary_of
from test_rankings import manifest_of

from recovery.show import standings, text
from recovery.show.answers.run import answer_of
from recovery.store.run_record import Row, Summary
from recovery.store.scenario_record import Span

NEVER = math.inf
SHARED = """
horizon = "1h"
fleet = { holders = 200, hosts = 4 }
host = { establish_time = "200ms", timeout = "5s" }
lease = { duration = "2m", check_every = "30s" }
[classes.node]
[classes.call]
rate = "1/s"
retries = 3
"""


def ended(name: str, verdict: str, ttr99_s: float, *, node: str, call: str, **measures: float) -> Row:
    """A run of nodes that hold leases and of calls, with how each of them ended."""
    calls_s = NEVER if call == "collapsed" else 40.0
    row = row_of(
        name, verdict=verdict, ttr99_s=ttr99_s, recovers_from_s=600.0, leased_min_share=0.0, leased_end_share=0.0,
        **{"ttr99_s.node": ttr99_s, "ttr99_s.call": calls_s, **measures},
    )  # fmt: skip
    return row.model_copy(update={"words": {"verdict.node": node, "verdict.call": call}})


def judged_by_nodes(*rows: Row) -> Summary:
    """Variants with a run each, of a file that is about its nodes."""
    groups = [
        group_of(row.variant, {row.verdict: 1}, scenario=scenario_of(SHARED), **row.measures).model_copy(
            update={"unleased": Span(from_s=600.0, to_s=3600.0)}
        )
        for row in rows
    ]
    return summary_of(rows, groups).model_copy(update={"judged_class": "node"})


DOWN = ended("as written", "collapsed", NEVER, node="collapsed", call="collapsed")
DRAINS = ended(
    "nodes first", "collapsed", NEVER, node="recovering", call="collapsed",
    **{"drift_per_s": 700.0, "drift_per_s.node": -490.0, "drift_per_s.call": 1200.0, "is_near_cliff": 0.0},
)  # fmt: skip
TURNS = ended(
    "calls first", "collapsed", NEVER, node="collapsed", call="recovered",
    **{"drift_per_s": 150.0, "drift_per_s.node": 460.0, "is_near_cliff": 1.0},
)  # fmt: skip
BACK = ended("nodes alone", "recovered", 60.0, node="recovered", call="collapsed")


def test_a_variant_whose_calls_alone_collapse_does_not_collapse_too() -> None:
    said = answer_of(manifest_of(), judged_by_nodes(DOWN, DRAINS, TURNS)).happened.text
    assert "“calls first” collapses too." in said
    assert "“nodes first” collapse" not in said
    assert (
        "Under “nodes first” 99 % of “node” are not back within 50 min, but what waits of it becomes less; "
        "99 % of the backlog of “call” is never cleared." in said
    )


def test_a_class_that_collapses_is_told_though_the_class_that_is_judged_is_back() -> None:
    said = answer_of(manifest_of(), judged_by_nodes(BACK)).happened.text
    assert "99 % of “node”, by which variants are judged, have one again 60 s after" in said
    assert said.endswith("99 % of the backlog of “call” is never cleared.")


def test_holders_of_leases_have_not_collapsed_where_jobs_beside_them_alone_did() -> None:
    summary = judged_by_nodes(DRAINS, DOWN)
    assert [standings.time_of(summary, group, "ttr99_s") for group in summary.groups] == ["> 50 min", "never"]
    said = answer_of(manifest_of(), summary).happened.text
    assert "They do not come back" not in said
    assert "99 % are not back within the 50 min that the run goes on, but what waits becomes less" in said


def test_what_waits_is_told_of_each_class_and_as_the_mean_of_a_stretch() -> None:
    drains, turns = text.notes(judged_by_nodes(DRAINS, TURNS))[:2]
    of_call = "what waits of it grew by 1,200 a second over the last stretch of the run"
    assert drains == f"“nodes first” still drains by “node”; it does not come back by “call”: {of_call}."
    assert turns == (
        "“calls first” does not come back by “node”: what waits of it grew by 460 a second over the last stretch of "
        "the run on average, but not evenly: it may fall by its end."
    )


def test_what_waits_of_all_is_told_where_no_class_alone_collapsed() -> None:
    row = ended("both", "collapsed", NEVER, node="recovering", call="recovered", drift_per_s=10.0)
    [told, *_] = text.notes(judged_by_nodes(row))
    assert told.startswith("“both” still drains by “node”; it does not come back: what waits grew by 10 a second over")
