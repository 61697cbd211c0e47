"""Dependents: each kind and random graphs against a plain twin, laws of graphs, closed forms, mistakes, pages.

Oracles: a twin that steps window by window in plain Python (tests/twin/services.py, within rounding); laws (no service
is impaired without a cause above it, a cut edge hurts nobody, the blast of nothing is nothing, work is conserved);
closed forms of a backlog and of lost capacity; the text of errors.
"""

import dataclasses
import functools
import itertools
import json
import math
import random
import re
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from kernel_cases import OVERFLOW
from twin.services import ServicesTwin

from recovery.cli import main as cli
from recovery.errors import ScenarioError
from recovery.model.services import ServiceTable
from recovery.reading import service_table
from recovery.reading.experiment import load, parse
from recovery.show import figures_services, report, report_services, services_text
from recovery.simulate import identity, pipeline, reuse
from recovery.simulate.sums import Sum
from recovery.store.service_record import BlastAnswer, WellFrom
from recovery.study import execute, services
from recovery.study.services import means, propagation

pytestmark = pytest.mark.filterwarnings(OVERFLOW)

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = ROOT / "experiments" / "services" / "us-east-1-2025-10.toml"
HEAD = 'horizon = "10h"\nwindow = "1m"\n'
ROOT_NODE = '[services.root]\nimpaired = [{ from = "60m", to = "120m" }]\n'
KINDS: dict[str, dict[str, Any]] = {
    "hard": {"share": 0.8, "tolerates": 0.2, "after": "12m", "lag": "7m"},
    "backlog": {"share": 0.9, "tolerates": 0.1, "ratio": 1.7, "kept": 0.6, "until": "95m"},
    "capacity": {"loses_in": "90m", "regains_in": "70m", "most": 0.8, "spare": 0.15},
    "manual": {"at": "180m"},
}


def table_of(text: str) -> ServiceTable:
    return service_table.parse(HEAD + text)


def one_need(need: str) -> services.ServicesOutcome:
    return services.alone(table_of(f"{ROOT_NODE}[services.x]\nneeds = [{{ on = 'root', {need} }}]\n"))


def spans_min(out: services.ServicesOutcome, name: str) -> list[tuple[float, float]]:
    return [(a / 60, b / 60) for a, b in out.impaired(name)]


def random_table(seed: int, nodes: int = 9, horizon: str = "10h") -> str:
    """Services with random trouble and random needs of all kinds, as TOML."""
    rng = random.Random(seed)
    text = f'horizon = "{horizon}"\nwindow = "1m"\n'
    for i in range(nodes):
        text += f"[services.s{i}]\n"
        has_own = i == 0 or rng.random() < 0.4
        if has_own:
            at, spans = 0, []
            for _ in range(rng.randint(1, 3)):
                begin = at + rng.randint(0, 90)
                at = begin + rng.randint(1, 80)
                spans.append(f'{{ from = "{begin}m", to = "{at}m", depth = {rng.randint(1, 10) / 10} }}')
            text += f"impaired = [{', '.join(spans)}]\n"
        needs = []
        sources = rng.sample(range(i), min(i, rng.randint(0 if has_own else 1, 3)))
        while sources:
            kind = rng.choice([*KINDS, *(["cause"] if has_own else [])])
            need: dict[str, Any] = {"on": f"s{sources.pop()}", "kind": kind}
            if kind == "manual":
                need |= rng.choice([{"at": f"{rng.randint(0, 400)}m"}, {"after": f"{rng.randint(0, 60)}m"}])
            elif kind != "cause":
                for key, usual in KINDS[kind].items():
                    if key in ("ratio", "loses_in", "regains_in") or rng.random() < 0.5:
                        need[key] = usual
            if kind == "capacity" and sources:
                need["launches"] = f"s{sources.pop()}"
            needs.append("{ " + ", ".join(f"{key} = {json.dumps(value)}" for key, value in need.items()) + " }")
        text += f"needs = [{', '.join(needs)}]\n"
    return text


# --- twin -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_its_twins(kind: str) -> None:
    need = ", ".join(f"{key} = {json.dumps(value)}" for key, value in KINDS[kind].items())
    table = table_of(
        '[services.root]\nimpaired = [{ from = "20m", to = "70m", depth = 0.5 }, { from = "75m", to = "110m" }]\n'
        f"[services.x]\nneeds = [{{ on = 'root', kind = '{kind}', {need} }}]\n"
    )
    out = services.alone(table)
    assert out.states["x"].is_impaired.any()
    np.testing.assert_allclose(out.states["x"].depth, ServicesTwin(table).run()["x"], atol=1e-9)


@pytest.mark.parametrize("seed", range(40))
def test_a_random_graph_is_its_twins(seed: int) -> None:
    table = service_table.parse(random_table(seed))
    out, twin = services.alone(table), ServicesTwin(table)
    for name, depth in twin.run().items():
        np.testing.assert_allclose(out.states[name].depth, depth, atol=1e-9, err_msg=f"{name} of seed {seed}")
    for name, depth in twin.run(only="s0").items():
        np.testing.assert_allclose(
            services.blast(out, "s0").states[name].depth, depth, atol=1e-9, err_msg=f"{name}, s0 alone"
        )
    edge = random.Random(seed).choice(table.edges)
    for name, depth in twin.run(cut=(edge.source, edge.target)).items():
        np.testing.assert_allclose(
            services.cut(out, [edge]).states[name].depth, depth, atol=1e-9, err_msg=f"{name}, {edge}"
        )


# --- laws -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(40, 70))
def test_nobody_is_impaired_without_a_cause_above(seed: int) -> None:
    table = service_table.parse(random_table(seed))
    out = services.alone(table)
    for name, service in table.services.items():
        found = out.impaired(name)
        if not found or service.has_own:
            continue
        above = [out.impaired(source) for need in service.needs for source in need.sources[:1]]
        first = min((spans[0][0] for spans in above if spans), default=math.inf)
        assert first <= found[0][0]
        root = out.path(name)[0]
        assert table.services[root].has_own


@pytest.mark.parametrize("seed", range(70, 90))
def test_a_cut_edge_hurts_nobody(seed: int) -> None:
    table = service_table.parse(random_table(seed))
    out = services.alone(table)
    for edge in table.edges:
        for name, state in services.cut(out, [edge]).states.items():
            assert (state.depth <= out.states[name].depth + 1e-9).all(), (edge, name)
    nothing = services.cut(out, table.edges)
    for name, service in table.services.items():
        if not service.has_own:
            assert nothing.minutes_lost(name) == 0


@pytest.mark.parametrize("seed", range(90, 100))
def test_the_blast_of_nothing_is_nothing_and_of_one_no_more_than_the_event(seed: int) -> None:
    table = service_table.parse(random_table(seed))
    out = services.alone(table)
    for node in table.services:
        alone, quiet = services.blast(out, node), services.blast(out, node, np.zeros(out.windows))
        assert quiet.total_min() == 0
        for name in table.services:
            assert (alone.states[name].depth <= out.states[name].depth + 1e-9).all()
            if name not in table.below({node}):
                assert alone.minutes_lost(name) == 0


@pytest.mark.parametrize("seed", range(100, 110))
def test_all_minutes_lost_are_waited_for_something(seed: int) -> None:
    out = services.alone(service_table.parse(random_table(seed)))
    waits = services.waits(out)
    depths = np.sum([state.depth for state in out.states.values()], axis=0)
    np.testing.assert_allclose(waits.sum(0), depths, atol=1e-9)
    for name, state in out.states.items():
        for k in np.flatnonzero(state.is_impaired)[::17].tolist():
            chain = out.chain(name, k)
            assert all(out.states[one].depth[k] > 0 for one in chain)
            assert len(set(chain)) == len(chain)


def test_work_of_a_backlog_is_done_waits_or_is_lost() -> None:
    out = one_need("kind = 'backlog', ratio = 1.5, kept = 0.7")
    state, minutes = out.states["x"], np.arange(out.windows)
    assert state.backlog_s is not None
    is_down = (minutes >= 60) & (minutes < 120)
    served = np.where(is_down, 0.0, np.minimum(1.0 + np.append(0.0, state.backlog_s[:-1]) / 60, 1.5))  # min of arrivals
    waiting, lost = state.backlog_s[-1] / 60, state.lost_s / 60
    assert math.isclose(served.sum() + waiting + lost, out.windows, rel_tol=1e-12)
    assert math.isclose(lost, 60 * 0.3)


# --- closed forms -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ratio", [1.25, 2.0, 4.6])
def test_a_backlog_drains_in_outage_over_ratio_less_one(ratio: float) -> None:
    [(begin, end)] = spans_min(one_need(f"kind = 'backlog', ratio = {ratio}"), "x")
    assert begin == 60
    assert end == pytest.approx(120 + 60 / (ratio - 1), abs=1)


def test_a_hard_need_lives_without_for_a_while_and_lags() -> None:
    assert spans_min(one_need("kind = 'hard'"), "x") == [(60, 120)]
    assert spans_min(one_need("kind = 'hard', after = '15m', lag = '5m'"), "x") == [(75, 125)]
    assert spans_min(one_need("kind = 'hard', after = '60m'"), "x") == []  # static stability for as long as it lasts
    assert spans_min(one_need("kind = 'hard', tolerates = '100%'"), "x") == []


def test_somebody_acts_at_a_time_or_so_long_after_the_need_is_back() -> None:
    assert spans_min(one_need("kind = 'manual', at = '200m'"), "x") == [(60, 200)]
    assert spans_min(one_need("kind = 'manual', at = '90m'"), "x") == [(60, 120)]  # not before the need is back
    assert spans_min(one_need("kind = 'manual', after = '30m'"), "x") == [(60, 150)]


def test_capacity_goes_and_comes_back_through_launches() -> None:
    need = "kind = 'capacity', loses_in = '2h', regains_in = '4h', spare = '25%'"
    [(begin, end)] = spans_min(one_need(need), "x")  # half is lost in an hour: 25 % after 30 min; regained in an hour
    assert (begin, end) == pytest.approx((90, 180), abs=1)
    table = table_of(
        ROOT_NODE + '[services.ec2]\nimpaired = [{ from = "0m", to = "300m" }]\n'
        f"[services.x]\nneeds = [{{ on = 'root', {need}, launches = 'ec2' }}]\n"
    )
    out = services.alone(table)
    assert spans_min(out, "x")[0] == pytest.approx((90, 360), abs=1)  # no launch before 300 min
    assert spans_min(services.cut(out, [table.edge("ec2->x")]), "x")[0] == pytest.approx((90, 180), abs=1)
    assert out.chain("x", 200) == ["x", "ec2"]  # it waits for launches
    assert out.chain("x", 100) == ["x", "root"]


def test_a_cause_makes_trouble_only_once_it_was_there() -> None:
    table = table_of(
        f"{ROOT_NODE}[services.stage]\nimpaired = [{{ from = '30m', to = '45m' }}, {{ from = '100m', to = '200m' }}]\n"
        "needs = [{ on = 'root', kind = 'cause' }]\n[services.x]\nneeds = [{ on = 'stage', kind = 'hard' }]\n"
    )
    out = services.alone(table)
    assert spans_min(out, "x") == [(30, 45), (100, 200)]
    assert spans_min(services.cut(out, [table.edge("root->stage")]), "x") == [(30, 45)]  # before root it was its own
    assert spans_min(services.blast(out, "root"), "x") == [(100, 200)]
    assert services.blast(out, "root").path("x") == ["root", "stage", "x"]
    assert out.chain("x", 110) == ["x", "stage", "root"]
    assert out.chain("x", 150) == ["x", "stage"]  # root is well: the stage is busy with itself


def test_a_stage_turns_bad_and_good_only_if_it_stays() -> None:
    rng = np.random.default_rng(5)
    for held in (1, 2, 5):
        level = np.repeat(rng.random(40), rng.integers(1, 9, 40))
        is_bad, is_good = level < 0.4, level > 0.6
        expected, now = [], False
        for k in range(len(level)):
            ahead = is_good[k : k + held] if now else is_bad[k : k + held]
            before = is_good[k - 1] if now else is_bad[k - 1]
            if len(ahead) == held and ahead.all() and (k == 0 or not before):
                now = not now
            expected.append(now)
        assert services.stretches(is_bad, is_good, held).tolist() == expected


# --- mistakes ---------------------------------------------------------------------------------------------------------


CIRCLE = "".join(f"[services.{name}]\nneeds = [{{ on = '{on}', kind = 'hard' }}]\n" for name, on in ("ac", "ba", "cb"))
A = "[services.b]\n[services.a]\nneeds = [{ on = 'b', "


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (CIRCLE, "go round in a circle: a -> b -> c -> a"),
        ("[services.a]\nneeds = [{ on = 'a', kind = 'hard' }]\n", 'services.a.needs.0.on is "a"; want another service'),
        (
            "[services.dynamodb]\n[services.a]\nneeds = [{ on = 'dynamo', kind = 'hard' }]\n",
            'services.a.needs.0.on is "dynamo" (did you mean dynamodb?)',
        ),
        (
            A + "kind = 'hard' }, { on = 'b', kind = 'manual', at = '1m' }]\n",
            'services.a.needs.1.on is "b" once more',
        ),
        (A + "kind = 'hrad' }]\n", "(did you mean hard?)"),
        (A + "kind = 'backlog' }]\n", "want ratio too"),
        (A + "kind = 'hard', ratio = 2 }]\n", "want no ratio with kind hard"),
        (A + "kind = 'manual' }]\n", "want either at or after"),
        (A + "kind = 'hard', lag = 5 }]\n", "want a duration with its unit"),
        (A + "kind = 'hard', lag = " + "9" * 400 + " }]\n", "want a duration such as"),
        (
            A + "kind = 'capacity', loses_in = '1h', regains_in = '1h', most = '5%', spare = '9%' }]\n",
            "want spare below most",
        ),
        (A + "kind = 'hard' }]\n[[notes]]\nkey = 'services.a.needs.²'\nkind = 'assumed'\nwhy = 'x'\n", "notes.0.key"),
        (
            A + "kind = 'hard', share = '5%' }]\n[[observed]]\nlabel='x'\nat='1m'\nservice='a'\nwhat='input'\n"
            "key='services.a.needs.0.share'\nsource='y'\n",
            'observed.0.key is "services.a.needs.0.share"; want a time',
        ),
        (A + "kind = 'cause' }]\n", "want stage or impaired beside"),
        ("[services.a]\nstage = 'leases'\nbelow = '90%'\nnormal = '50%'\n", "want below no larger than normal"),
        ("[services.a]\nimpaired = [{ from = '11h', to = '12h' }]\n", "services.a.impaired.0.from is 11 h 00 min"),
        ("[services.a]\n[[observed]]\nlabel='x'\nat='1m'\nservice='b'\nwhat='end'\nsource='y'\n", "observed.0.service"),
        ("[services.a]\n[[observed]]\nlabel='x'\nat='1m'\nservice='a'\nwhat='input'\nsource='y'\n", "want key"),
        (
            "[services.a]\n[[observed]]\nlabel='x'\nat='1m'\nservice='a'\nwhat='input'\nkey='services.a.at'\nsource='y'\n",
            "observed.0.key is \"services.a.at\"; want a time",
        ),
        (
            A + "kind = 'backlog', ratio = 2 }]\n[[observed]]\nlabel='x'\nat='1m'\nservice='a'\nwhat='input'\n"
            "key='services.a.needs.0.ratio'\nsource='y'\n",
            'observed.0.key is "services.a.needs.0.ratio"; want a time',  # a number, no time
        ),
        (
            "[services.a]\n[[observed]]\nlabel='x'\nat='1m'\nservice='a'\nwhat='last end'\nbesides=['b']\nsource='y'\n",
            'observed.0.besides is "b"',
        ),
        (A + "kind = 'backlog', ratio = 2, until = '11h' }]\n", "services.a.needs.0.until is 11 h 00 min; want before"),
        ("[services.a]\n[[notes]]\nkey = 'services.a.needs.0.lag'\nkind = 'assumed'\nwhy = 'x'\n", "notes.0.key"),
        ("[services.a]\nneeeds = []\n", "(did you mean needs?)"),
        ("[services.'a b']\n", "want a name of letters"),
    ],
)  # fmt: skip
def test_a_table_that_cannot_be_is_told_with_what_is_wanted(text: str, told: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        table_of(text)
    assert told in str(caught.value)
    assert all(line.startswith("services: ") for line in str(caught.value).splitlines())


def test_an_edge_or_service_that_is_not_there_is_told() -> None:
    table = table_of(ROOT_NODE + "[services.x]\nneeds = [{ on = 'root', kind = 'hard' }]\n")
    for text, told in (
        ("x->root", "want another: it needs nothing"),
        ("rot->x", "did you mean root?"),
        ("x", "no edge"),
    ):
        with pytest.raises(ScenarioError, match="want") as caught:
            table.edge(text)
        assert told in str(caught.value)


def test_the_table_in_the_docs_is_one() -> None:
    page = (ROOT / "docs" / "how-to" / "services.md").read_text(encoding="utf-8")
    [text] = [block for block in page.split("```toml\n") if "[services." in block.split("```")[0]]
    table = service_table.parse(text.split("```")[0])
    assert services.alone(table).path("queue") == ["database", "polling", "queue"]


# --- the event --------------------------------------------------------------------------------------------------------


def test_the_shipped_table_meets_what_was_observed() -> None:
    rows = services.observed([services.alone(service_table.load(SHIPPED))])
    compared = [row for row in rows if row.is_within is not None]
    assert len(compared) >= 28
    assert [row.label for row in compared if not row.is_within] == []
    assert not any(row.is_predicted and (row.used_for_fit or row.is_given) for row in rows)
    told = report_services.counts(rows)
    shown = [int(n) for n in re.findall(r"(\d+) (?:predicted|used|given|following|not)", told)]
    assert sum(shown) == len(rows)
    assert f"{shown[0] + shown[1]} of {shown[0] + shown[1]} are within" in told


def test_what_people_did_and_the_end_of_all_are_read_off_the_table() -> None:
    out = services.alone(
        table_of(
            ROOT_NODE
            + "[services.x]\nneeds = [{ on = 'root', kind = 'hard', lag = '10m' }]\n"
            + "[services.y]\nneeds = [{ on = 'root', kind = 'manual', at = '300m' }]\n"
            + "".join(
                f"[[observed]]\nlabel = 'l'\nservice = 'y'\nat = '2h'\nsource = 's'\n{more}\n"
                for more in (
                    "what = 'last end'",
                    "what = 'last end'\nbesides = ['y']",
                    "what = 'input'\nkey = 'services.y.needs.0.at'",
                    "what = 'failover'",
                )
            )
        )
    )
    last, others, by_hand, failover = services.observed([out])
    assert (last.simulated_s, others.simulated_s, by_hand.simulated_s) == (300 * 60, 130 * 60, 300 * 60)
    assert [row.is_given for row in (last, others, by_hand, failover)] == [False, False, True, False]
    assert failover.is_within is None  # a table alone has no health checks
    assert report_services.role(failover) == "not simulated"


def test_one_lost_run_of_three_hides_no_time_of_the_others() -> None:
    """A manual need is well at 180 and 240 min in two runs and never in the third, where the root stays impaired."""
    manual = "[services.x]\nneeds = [{ on = 'root', kind = 'manual', at = '%s' }]\n"
    lost = ROOT_NODE.replace('"120m"', '"10h"') + manual % "180m"
    outs = [services.alone(table_of(text)) for text in (ROOT_NODE + manual % "180m", ROOT_NODE + manual % "240m", lost)]
    well = means.well_s(outs, "x")
    assert (well.mean, well.never, well.runs) == (210 * 60, 1, 3)
    graph = services.blast_answer(outs[:1], "root")
    said = [_whole(well, graph), _whole(means.well_s(outs[2:], "x"), graph)]
    assert said == ["210 min (not yet 1/3)", f"> {graph.horizon_s / 60:g} min"]  # nothing collapsed there
    outs[2].has_collapsed = True
    said = [_whole(means.well_s(some, "x"), graph) for some in (outs, outs[2:])]
    assert said == ["210 min (never 1/3)", "never"]
    # An hour's backlog that shrinks by a twentieth of what comes takes 20 h, whatever collapsed.
    late = services.alone(
        table_of(ROOT_NODE + "[services.x]\nneeds = [{ on = 'root', kind = 'backlog', ratio = 1.05 }]")
    )
    late.has_collapsed = True
    assert _whole(means.well_s([late], "x"), graph) == f"> {graph.horizon_s / 60:g} min"
    assert _whole(WellFrom(mean=math.inf), graph) == "never"  # of a file that does not count


def _whole(well: WellFrom, graph: BlastAnswer) -> str:
    return report_services.standing(well, graph).whole(lambda at_s: f"{at_s / 60:g} min")


def test_a_backlog_that_people_stop_only_drains_from_then_on() -> None:
    # From 60 to 120 min nothing is served; stopped at 90 min, 30 min of work wait until the need is back at 120.
    ends = [spans_min(one_need(f"kind = 'backlog', ratio = 2{more}"), "x")[-1][1] for more in (", until = '90m'", "")]
    assert ends == pytest.approx([120 + 30, 120 + 60], abs=1)


def test_dynamodb_took_everybody_down_and_launches_only_those_who_launch() -> None:
    table = service_table.load(SHIPPED)
    out = services.alone(table)
    assert all(services.blast(out, "dynamodb").minutes_lost(name) > 0 for name in table.services)
    hit = {name for name in table.services if services.blast(out, "ec2").minutes_lost(name) > 0}
    assert "redshift_clusters" in hit
    assert not hit & {"dynamodb", "dwfm", "iam_sign_in", "support", "lambda_sqs"}


def test_stretches_of_a_short_event_are_told_apart() -> None:
    """Down from 5 to 15 min; 10 min of work drain at twice the rate in which they came, until 20 min; and somebody acts
    10 min after that.
    """
    text = """[services.api]
impaired = [{ from = "5m", to = "15m" }]
[services.mail]
needs = [{ on = "api", kind = "backlog", ratio = 3.0 }]
[services.ledger]
needs = [{ on = "mail", kind = "manual", after = "10m" }]
"""
    out = services.alone(table_of(text))
    told = [("api", 300, 900), ("backlog", 900, 1200), ("manual step", 1200, 1800)]
    part = services.summary([out])
    [ledger] = [one for one in part.services if one.name == "ledger"]
    for found in (part.critical, ledger.waits):
        assert [(one.waits_for, one.from_s, one.to_s) for one in found] == told


def test_what_a_service_waits_for_at_last_is_told_however_short_it_is_and_whoever_waits_elsewhere() -> None:
    """Down from 5 to 17 min. The api is away from 7 to 20 min; 13 min of mail drain at twice the rate in which they
    came, until 26.5 min; and somebody acts at 27 min. Another service, that waits for an hour, changes none of this.
    """
    text = """[services.db]
impaired = [{ from = "5m", to = "17m" }]
[services.api]
needs = [{ on = "db", kind = "hard", after = "2m", lag = "3m" }]
[services.mail]
needs = [{ on = "api", kind = "backlog", ratio = 3.0 }]
[services.ledger]
needs = [{ on = "mail", kind = "hard" }, { on = "db", kind = "manual", after = "10m" }]
"""
    slow = '[services.slow]\nneeds = [{ on = "db", kind = "manual", after = "1h" }]\n'
    for more in ("", slow):
        table = service_table.parse(f'horizon = "10h"\nwindow = "10s"\n{text}{more}')
        part = services.summary([services.alone(table)])
        waits = {one.name: [(wait.waits_for, wait.from_s, wait.to_s) for wait in one.waits] for one in part.services}
        assert waits["api"] == [("db", 420, 1020), ("lag", 1020, 1200)]
        assert waits["ledger"][-2:] == [("backlog", 1200, 1590), ("manual step", 1590, 1620)]
    told = [(one.waits_for, one.from_s, one.to_s) for one in part.critical]
    assert told[:2] == [("db", 300, 1020), ("lag", 1020, 1200)]
    assert told[2:] == [("backlog", 1200, 1590), ("manual step", 1590, 1020 + 3600)]


def test_waiting_that_goes_to_and_fro_counts_to_the_stretch_before() -> None:
    """The db is down for an hour, then, a minute each, the cache and the db by turns; and the cache is the last."""
    text = """[services.db]
impaired = [{ from = "0m", to = "60m" }, { from = "61m", to = "62m" }, { from = "63m", to = "64m" }]
[services.cache]
impaired = [{ from = "60m", to = "61m" }, { from = "62m", to = "63m" }, { from = "64m", to = "90m" }]
[services.api]
needs = [{ on = "db", kind = "hard" }, { on = "cache", kind = "hard" }]
"""
    part = services.summary([services.alone(table_of(text))])
    [api] = [one for one in part.services if one.name == "api"]
    for found in (part.critical, api.waits):
        assert [(one.waits_for, one.to_s) for one in found] == [("db", 64 * 60), ("cache", 90 * 60)]
    assert report_services.TO_AND_FRO in services_text.told(part)


def test_a_large_table_is_quick() -> None:
    table = service_table.parse(random_table(3, nodes=1000, horizon="83h"))
    begun = time.process_time()
    out = services.alone(table)
    assert out.windows == 4980
    assert time.process_time() - begun < 20  # a few seconds; the bound leaves room for a busy machine


# --- after a run ------------------------------------------------------------------------------------------------------

SYSTEM = """
title = "a small system"
horizon = "3h"
hold = "2m"
seed = 4
services = "who.toml"
fleet = { holders = 300, hosts = 3, zones = 3 }
host = { establish_time = "5s", renew_time = "20ms", timeout = "1m", fail_after = "1s", workers = 2 }
policy = { queue = "lifo", client = { name = "fixed", delay = "10s" } }
lease = { duration = "10m", check_every = "2m" }
dependency = { outages = [{ from = "20m", to = "50m" }] }
launches = { demand = "1/s", retries = 2 }
propagation = { workers = 3, time = "2s", normal_latency = "1m" }
[health]
targets = 60
joins = "5%"
time = "10ms"
[variants."never away"]
dependency.outages = []
"""
WHO = """
horizon = "5h"
[services.base]
stage = "dependency"
[services.leases]
stage = "leases"
needs = [{ on = "base", kind = "cause" }]
[services.launches]
stage = "launches"
needs = [{ on = "leases", kind = "cause" }]
[services.network]
stage = "propagation"
needs = [{ on = "launches", kind = "cause" }]
[services.balancer]
stage = "health"
needs = [{ on = "network", kind = "cause" }]
[services.errors]
stage = "errors"
[services.shop]
needs = [{ on = "launches", kind = "backlog", ratio = 2, arrivals = "3/s" }]
[services.site]
label = "The site"
needs = [{ on = "base", kind = "hard", lag = "5m" }]
[[observed]]
label = "the site is well"
at = "56m"
service = "site"
what = "end"
confidence = "official"
source = "made up"
[[observed]]
label = "nobody saw it"
at = "1m"
service = "base"
what = "nothing"
source = "made up"
[[notes]]
key = "services.site.needs.0.lag"
kind = "assumed"
why = "made up"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("system")
    (place / "system.toml").write_text(SYSTEM, encoding="utf-8")
    (place / "who.toml").write_text(WHO, encoding="utf-8")
    return place


@pytest.fixture(scope="module")
def finished(folder: Path) -> execute.Finished:
    loaded = load(folder / "system.toml", ("replications=2",))
    return execute.run(loaded, out=folder / "out", threads=2, quiet=True)


def test_a_run_says_what_its_services_did(finished: execute.Finished) -> None:
    part = json.loads((finished.folder / "summary.json").read_text(encoding="utf-8"))["services"]
    rows = {row["name"]: row for row in part["services"]}
    assert rows["base"]["impaired"] == [[1200, 3000]]
    assert rows["site"]["impaired"] == [[1200, 3300]]
    assert rows["site"]["minutes_lost"] == {"mean": 35, "low": 35, "high": 35}
    assert rows["leases"]["impaired"][0][0] > 1200  # leases run out after the dependency is away
    assert rows["launches"]["impaired"][0][0] > rows["leases"]["impaired"][0][0]
    assert rows["shop"]["backlog_peak_units"]["mean"] == pytest.approx(rows["shop"]["backlog_peak_h"]["mean"] * 10800)
    seen = part["observed"]
    assert (seen[0]["simulated_s"], seen[0]["difference_min"], seen[0]["is_within"]) == (3300, -1, True)
    assert seen[1]["simulated_s"] is None
    assert [variant["variant"] for variant in part["variants"]] == ["as written", "never away"]
    assert part["variants"][1]["services"]["site"]["minutes_lost"]["mean"] == 0
    assert part["blast"][0]["node"] == "base"
    assert part["horizon_s"] == 5 * 3600


def test_leases_turn_well_when_the_run_says_so(finished: execute.Finished, folder: Path) -> None:
    # Oracle: the measure of the run, which finds the same moment from the same curve by another way.
    summary = finished.summary
    assert summary.services is not None
    row = next(row for row in summary.rows if row.variant == "as written" and row.replication == 0).measures
    leases = next(one for one in summary.services.services if one.name == "leases")
    assert leases.impaired[-1][1] == pytest.approx(3000 + row["ttr99_s"], abs=0.01)
    launches = next(one for one in summary.services.services if one.name == "launches")
    assert launches.impaired[0][0] == pytest.approx(row["launches_fail_s"], abs=0.01)
    assert launches.impaired[-1][1] == pytest.approx(row["launches_normal_s"], abs=0.01)
    balancer = next(one for one in summary.services.services if one.name == "balancer")
    assert balancer.impaired[0][0] == pytest.approx(row["capacity_falls_s"], abs=0.01)


def test_series_hold_what_the_summary_tells(finished: execute.Finished) -> None:
    import polars as pl

    frame = pl.read_parquet(finished.folder / "services.parquet")
    site = frame.filter((pl.col("variant") == "as written") & (pl.col("service") == "site"))
    assert site["time_s"].to_list() == [10.0 * k for k in range(121, 331)]
    assert set(site["waits_for"].to_list()) == {"dependency", "lag"}


def test_series_tell_points_of_the_levers_apart() -> None:
    table = table_of(ROOT_NODE)
    points = [dataclasses.replace(services.alone(table), levers={"host.timeout": value}) for value in ("1m", "2m")]
    frame = services.series_table(points)
    assert frame["levers"].unique(maintain_order=True).to_list() == [
        '{"host.timeout": "1m"}',
        '{"host.timeout": "2m"}',
    ]
    assert not frame.select("variant", "levers", "service", "time_s").is_duplicated().any()


def test_a_run_without_services_is_as_before(folder: Path) -> None:
    text = SYSTEM.replace('services = "who.toml"\n', "")
    with_table, without = load(folder / "system.toml"), parse(text)
    digests = [[identity.digest_of(variant, 4, 0) for variant in one.variants] for one in (with_table, without)]
    assert digests[0] == digests[1]
    assert services.table_of(without) is None
    assert report_services.section(None, folder) == ""


def test_a_table_that_is_missing_or_wrong_is_told_before_anything_runs(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(SYSTEM, encoding="utf-8")
    with pytest.raises(ScenarioError, match=r"who\.toml: cannot be read"):
        load(tmp_path / "a.toml")
    (tmp_path / "who.toml").write_text("[services.a]\nstage = 'lease'\n", encoding="utf-8")
    (tmp_path / "long.toml").write_text("horizon = '36500d'\nwindow = '1d'\n[services.a]\n", encoding="utf-8")
    with pytest.raises(ScenarioError, match=r"long\.toml: coupling\.window of the experiment is .* want at least 4 h"):
        load(tmp_path / "a.toml", ("services=long.toml",))
    with pytest.raises(ScenarioError, match=r"services holds the control character U\+0000; want a text without"):
        load(tmp_path / "a.toml", ('services="a\\u0000b"',))
    with pytest.raises(ScenarioError, match=r"who\.toml: services\.a\.stage is \"lease\" \(did you mean leases\?\)"):
        load(tmp_path / "a.toml")


def behind(folder: Path, table: str, **overrides: str) -> services.ServicesOutcome:
    """What a table gives behind the first run of the small system."""
    (folder / "system.toml").write_text(SYSTEM, encoding="utf-8")
    (folder / "who.toml").write_text(table, encoding="utf-8")
    loaded = load(folder / "system.toml", tuple(f"{key}={value}" for key, value in overrides.items()))
    [outcome] = pipeline.Runner(1).run([(loaded.first, 4, 0)])
    found = services.table_of(loaded)
    assert found is not None
    return services.after(outcome, found)


# The dependency is away from 20 to 50 min, and somebody acts 30 min later: down to 80 min, or to the end of the run.
BY_HAND = """[services.base]
stage = "dependency"
[services.site]
needs = [{ on = "base", kind = "manual", after = "30m" }]
"""


@pytest.mark.parametrize(("horizon", "minutes"), [("", 40), ('horizon = "2h"\n', 60)])
def test_minutes_lost_stop_with_the_run_unless_the_table_says_more(
    tmp_path: Path, horizon: str, minutes: float
) -> None:
    part = services.summary([behind(tmp_path, horizon + BY_HAND, horizon="1h")])
    assert {row.name: row.minutes_lost.mean for row in part.services} == {"base": 30, "site": minutes}
    said = "The run ends after 60 min. What comes then, to the table's horizon of 2 h 00 min, is not simulated: it is "
    assert (said in services_text.told(part)) is bool(horizon)


def test_times_of_a_table_lie_before_the_end_of_what_is_followed(tmp_path: Path) -> None:
    late = BY_HAND + '[services.late]\nimpaired = [{ from = "4h", to = "5h" }]\n'
    with pytest.raises(
        ScenarioError, match=r"services\.late\.impaired\.0\.from is 4 h.*; want before the horizon, 3 h"
    ):
        behind(tmp_path, late)
    assert behind(tmp_path, 'horizon = "6h"\n' + late).minutes_lost("late") == 60


@pytest.mark.parametrize("stage", ["leases", "launches", "propagation", "health", "errors"])
def test_a_stage_that_the_experiment_has_not_is_refused(tmp_path: Path, stage: str) -> None:
    jobs = """services = "who.toml"
horizon = "10m"
hold = "2m"
[jobs]
steps = [{ at = "0s", rate = "1/s" }]
[host]
establish_time = "50ms"
timeout = "3s"
[dependency]
outages = [{ from = "5m", to = "6m" }]
"""
    (tmp_path / "jobs.toml").write_text(jobs, encoding="utf-8")
    table = f'[services.api]\nstage = "{stage}"\n'
    (tmp_path / "who.toml").write_text(table, encoding="utf-8")
    with pytest.raises(ScenarioError, match=f'services.api.stage is "{stage}"; the experiment has no {stage}; want'):
        load(tmp_path / "jobs.toml")
    with pytest.raises(
        ScenarioError, match=r'want a stage that it has \("dependency"\), or services\.api\.impaired.*jobs are'
    ):
        load(tmp_path / "jobs.toml")
    (tmp_path / "who.toml").write_text(f'{table}impaired = [{{ from = "1m", to = "2m" }}]\n', encoding="utf-8")
    assert load(tmp_path / "jobs.toml").head.services == "who.toml"  # the table says what the run does not


def test_jobs_are_no_stage_of_a_service() -> None:
    with pytest.raises(ScenarioError, match=r'services\.api\.stage is "jobs"; want one of dependency.*say in impaired'):
        service_table.parse('[services.api]\nstage = "jobs"\n')


def test_the_page_has_the_section_its_pictures_and_no_outside(finished: execute.Finished) -> None:
    page = report.write(finished.folder).read_text(encoding="utf-8")
    assert 'id="services"' in page
    assert "The site" in page
    assert "What the services lost in each variant" in page
    assert "http://" not in page.replace("http://www.w3.org/", "")
    for name in ("services-graph", "services-timeline", "services-waits"):
        assert (finished.folder / "figures" / f"{name}.svg").stat().st_size > 3_000
        assert f'id="figure-{name}"' in page


def test_pictures_have_every_service_by_its_label() -> None:
    table = service_table.load(SHIPPED)
    part = services.summary([services.alone(table)])
    graph, timeline, waits = figures_services.figures_for(part)
    boxes = {text.get_text().replace("\n", " ") for text in graph.figure.axes[0].texts}
    ticks = {label.get_text() for label in timeline.figure.axes[0].get_yticklabels()}
    for name in table.services:
        assert any(box.startswith(table.label(name)) for box in boxes), name
        assert table.label(name) in ticks
    assert waits.figure.axes[0].get_ylabel() == "services impaired (by depth)"
    kinds = {text.get_text().split(":")[0] for text in graph.figure.axes[2].get_legend().get_texts()}  # type: ignore[union-attr]
    assert kinds == {edge.kind for edge in table.edges}


# --- commands ---------------------------------------------------------------------------------------------------------


def blast(*arguments: str) -> Any:
    return CliRunner().invoke(cli.main, ["blast", *arguments])


def test_blast_of_a_table_says_whom_it_takes_down(tmp_path: Path) -> None:
    told = blast("nlb", str(SHIPPED), "--out", str(tmp_path))
    assert told.exit_code == 0, told.output
    assert "NLB alone, impaired as it was, takes down 4 of 16 others" in told.output
    assert "nlb -> lambda_instances -> lambda_async" in told.output
    assert (tmp_path / "figures" / "services-blast-nlb.svg").is_file()
    answer = json.loads((tmp_path / "blast-nlb.json").read_text(encoding="utf-8"))
    assert {row["service"] for row in answer["services"]} == {"sts", "connect", "lambda_instances", "lambda_async"}


def test_blast_for_a_time_and_without_an_edge() -> None:
    told = json.loads(blast("ec2", "--services", str(SHIPPED), "--for", "2h", "--json").output)
    [fargate] = [row for row in told["services"] if row["service"] == "ecs_eks_fargate"]
    assert fargate["minutes_lost"]["mean"] == 150  # two hours and the half hour after
    assert fargate["path"] == ["ec2", "ecs_eks_fargate"]
    cut = json.loads(
        blast("ec2", "--services", str(SHIPPED), "--for", "2h", "--cut", "ec2->ecs_eks_fargate", "--json").output
    )
    assert cut["saved_min"]["mean"] == 150
    assert "ecs_eks_fargate" not in {row["service"] for row in cut["services"]}


def test_blast_of_an_experiment_runs_its_first_variant(folder: Path) -> None:
    told = blast("base", str(folder / "system.toml"), "--threads", "1", "--json")
    assert told.exit_code == 0, told.output
    answer = json.loads(told.stdout)
    assert {"site", "leases", "launches", "shop"} <= {row["service"] for row in answer["services"]}
    assert answer["variant"] == "as written"


def test_blast_takes_what_a_run_knows_and_tells_the_same(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Oracles: its own answer without reuse; the hosts that ran, counted."""
    started: list[object] = []
    outcome = Sum.outcome
    monkeypatch.setattr(Sum, "outcome", lambda *args: started.append(args) or outcome(*args))
    monkeypatch.setattr(reuse.Known, "__init__", functools.partialmethod(reuse.Known.__init__, worth_s=0.0))
    monkeypatch.chdir(tmp_path)
    arguments = ("base", str(folder / "system.toml"), "--threads", "1", "--json")
    anew = blast(*arguments, "--no-reuse").stdout
    assert started
    assert not list(tmp_path.iterdir())  # nothing was asked to be kept
    execute.run(load(folder / "system.toml"), out=tmp_path / "out", threads=1, quiet=True)
    started.clear()
    assert blast(*arguments).stdout == anew
    assert not started
    assert blast(*arguments, "--no-reuse").stdout == anew
    assert started


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("ec3", str(SHIPPED)), "did you mean ec2?"),
        (("ec2",), "want FILE"),
        (("ec2", str(SHIPPED), "--for", "2"), "want a duration such as"),
        (("ec2", str(SHIPPED), "--cut", "ec2->sts"), "ec2->sts is no edge"),
        (("ec2", str(SHIPPED), "--replications", "3"), "is not run"),
        (("ec2", "nowhere.toml"), "cannot be read"),
        (("ec2", str(ROOT / "experiments" / "hidden-capacity.toml")), "services is missing"),
    ],
)
def test_blast_tells_what_it_wants(arguments: tuple[str, ...], told: str) -> None:
    result = blast(*arguments)
    assert result.exit_code == 2
    assert told in result.stderr


def test_layers_stand_below_what_they_need() -> None:
    for seed in range(5):
        table = service_table.parse(random_table(seed, nodes=30))
        assert all(table.layer[edge.source] < table.layer[edge.target] for edge in table.edges)
        order = {name: i for i, name in enumerate(table.order)}
        assert all(order[edge.source] < order[edge.target] for edge in table.edges)
        assert all(a <= b for a, b in itertools.pairwise(table.layer[name] for name in table.order))


def test_a_run_in_which_nothing_happened_takes_no_time_away() -> None:
    assert means.interval([60.0, math.nan, 180.0]).mean == 120.0
    assert math.isnan(means.interval([math.nan, math.nan]).mean)


@pytest.mark.parametrize(
    ("what", "spans", "simulated", "difference"),
    [
        ("start", [], "never", "never"),  # it never began
        ("end", [], "always well", "–"),  # it never was impaired
        ("end", [(600.0, math.inf)], "never", "never"),  # it is impaired to the horizon
        ("start", [(0.0, 600.0)], "0 s", "-20"),  # it is impaired from the start on
        ("second start", [(0.0, 600.0)], "never", "never"),
    ],
)
def test_what_never_came_and_what_always_was_are_told(
    what: str, spans: list[tuple[float, float]], simulated: str, difference: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = ROOT_NODE + (
        f'[[observed]]\nservice = "root"\nlabel = "x"\nwhat = "{what}"\nat = "20m"\nconfidence = "official"\n'
        'source = "made up"\n'
    )
    out = services.alone(table_of(text))
    monkeypatch.setattr(services.ServicesOutcome, "impaired", lambda self, name: spans)
    row = services.observed([out])[0]
    axis = report_services.axis_of(services.summary([services.alone(table_of(text))]))
    assert report_services.show_simulated(row, axis) == simulated
    assert report_services.show_difference(row) == difference.replace("-", "−")
    assert row.is_within is False


# Size: what a table of thousands of services costs


def chain(n: int, kind: str = 'kind = "hard"') -> str:
    """Each service needs the one before; the first is impaired."""
    rows = [f'[services.s{i}]\nneeds = [{{ on = "s{i - 1}", {kind} }}]\n' for i in range(1, n)]
    return 'horizon = "3h"\n[services.s0]\nimpaired = [{ from = "10m", to = "1h" }]\n' + "".join(rows)


def states_made(monkeypatch: pytest.MonkeyPatch, n: int) -> int:
    """How many states `recovery blast` works out in full."""
    made = 0
    whole = propagation._state

    def counted(*arguments: Any) -> Any:
        nonlocal made
        made += 1
        return whole(*arguments)

    table = service_table.parse(chain(n))
    with monkeypatch.context() as patched:
        patched.setattr(propagation, "_state", counted)
        answer = services.blast_answer([services.alone(table)], "s0")
    assert [row.service for row in answer.services] == [f"s{i}" for i in range(1, n)]
    assert all(row.minutes_lost.mean == pytest.approx(50) for row in answer.services)
    # Without the edge into s(i) it and all below it are spared.
    saved = {row.target: row.saved_min.mean for row in answer.cuts}
    assert all(value == pytest.approx(50 * (n - int(to[1:]))) for to, value in saved.items())
    return made


def test_a_blast_is_linear_in_the_length_of_a_chain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice the services, twice the states: what is cut off is not worked out."""
    small, large = states_made(monkeypatch, 100), states_made(monkeypatch, 200)
    assert large < 2.1 * small
    assert large < 5 * 200


@pytest.mark.slow
def test_a_blast_of_five_thousand_services_takes_seconds() -> None:
    begun = time.process_time()
    table = service_table.parse(chain(5_000))
    answer = services.blast_answer([services.alone(table)], "s0")
    assert time.process_time() - begun < 30
    assert len(answer.services) == 4_999
    last = answer.services[-1].path
    assert (last[0], last[-1], len(last)) == ("s0", "s4999", services.PATH_MAX + 1)
    assert last[services.PATH_MAX // 2] == f"… {5_000 - services.PATH_MAX} more …"
    text = services_text.told_blast(answer)
    assert "more edges that were not tried: the table is large" in text


def test_a_service_that_is_spared_is_the_same_as_one_worked_out_in_full() -> None:
    """The state of those that need nobody in trouble is shared. Oracle: the same, worked out one by one."""
    for kind in (
        'kind = "hard", after = "1m"',
        'kind = "backlog", ratio = 1.5',
        'kind = "manual", at = "5m"',
        'kind = "capacity", loses_in = "1h", regains_in = "1h"',
    ):
        out = services.alone(service_table.parse(chain(3, kind)))
        spared = services.cut(out, out.table.edges[:1])
        number_of = {name: i for i, name in enumerate(out.table.services)}
        label_number = {label: i for i, label in enumerate(services.labels(out.table))}
        for name in ("s1", "s2"):
            assert spared.states[name].is_quiet
            assert spared.states[name].is_same(propagation._state(spared, name, number_of, label_number))


def test_many_services_want_a_coarser_grid() -> None:
    text = chain(2_000).replace('"3h"', '"3h"\nwindow = "1s"')
    with pytest.raises(ScenarioError, match=r"window is 1 s; want at least 1\.08 s for 2,000 services"):
        service_table.parse(text)
