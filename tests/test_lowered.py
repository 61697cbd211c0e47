"""What rules come to in numbers, and that no engine asks which rule it has."""

import ast
import inspect
from types import ModuleType

import pytest

from recovery.model import policies
from recovery.model.policies import AXES, OF_STAGES
from recovery.model.policies.client import Exponential, FullJitter, Immediate
from recovery.model.policies.lease import Freeze
from recovery.model.policies.rule import requests_of
from recovery.stages import cost, health, launches, propagation, queueing, traffic
from recovery.stages.sessions import numbers, tables

OF_AN_ENGINE = {
    "client": {**tables._RETRIES},
    "guard": {"none": 0},
    "admission": queueing.LIMITS,
    "queue": queueing.QUEUES,
    "lease": queueing.LEASES,
}
OF_A_STAGE = {
    "client": queueing.CLIENTS,
    "intake": queueing.LIMITS,
    "admission": queueing.LIMITS,
    "policy": health.RULES,
    "queue": queueing.QUEUES,
}


TWO_TO_AN_ENGINE = {"lease": [Freeze(until="heard")]}  # what a key makes another rule
GIVEN = {"admission": (10.0, 4), "queue": (10.0,)}  # what rules are lowered with: what a host does in 1 s, hosts


@pytest.mark.parametrize("axis", AXES)
def test_every_rule_of_an_axis_has_its_number_in_an_engine(axis: str) -> None:
    """But a controller, which is called by its address."""
    known = OF_AN_ENGINE[axis]
    every = [*(rule() for rule in AXES[axis]), *TWO_TO_AN_ENGINE.get(axis, ())]
    lowered = [one.lower(*GIVEN.get(axis, ())) for one in every]  # type: ignore[attr-defined]
    assert {one[0] for one in lowered if one.controller is None} == set(known)
    assert len(set(known.values())) == len(known)  # no two rules are one


@pytest.mark.parametrize("place", OF_STAGES)
def test_every_rule_of_a_stage_has_its_number(place: tuple[str, str]) -> None:
    """But those that hosts have, too: a controller is called by its address, a leaky bucket is a token bucket."""
    known = OF_A_STAGE[place[1]]
    own = [rule for rule in OF_STAGES[place] if not {rule} & {*AXES["admission"], *AXES["queue"][4:]}]
    assert {rule.model_fields["name"].default for rule in own} == set(known)
    assert len(set(known.values())) == len(known)


@pytest.mark.parametrize("module", [cost, health, launches, propagation, queueing, traffic, numbers, tables])
def test_no_engine_asks_which_rule_it_has(module: ModuleType) -> None:
    rules = {rule.__name__ for axis in (*AXES.values(), *OF_STAGES.values()) for rule in axis}
    nodes = list(ast.walk(ast.parse(inspect.getsource(module))))
    named = {node.id for node in nodes if isinstance(node, ast.Name)}
    named |= {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    assert not rules & named


def test_a_queue_in_time_is_what_workers_do_in_it() -> None:
    """By hand: 5 s at 3/s are 15 requests; a number of requests stays; a hundredth of a second is still one request."""
    assert [requests_of(5.0, 3.0), requests_of(7, 3.0), requests_of(0.01, 3.0), requests_of(0, 3.0)] == [15, 7, 1, 0]


def test_a_rate_has_equal_parts_and_low_stays_below_limit() -> None:
    """By hand: 90 % of 4 hosts that do 10/s each are 9/s a host; 200/s are 50/s; 0.26 s and 0.25 s of 10/s are 3 and 2
    requests, rounded (half to even).
    """
    bucket, switch = policies.TokenBucket, policies.QueueSizeSwitch
    assert bucket.model_validate({"rate": "90%"}).lower(10.0, 4).per_s == pytest.approx(9.0)
    assert bucket.model_validate({"rate": "200/s"}).lower(10.0, 4).per_s == pytest.approx(50.0)
    door = switch.model_validate({"limit": "260ms", "low": "250ms"}).lower(10.0, 4)
    assert (door.limit, door.low, door.per_s) == (3, 2, None)


def test_the_longest_wait() -> None:
    """Full jitter waits half of its bound in the mean; back-off without jitter waits all of it; immediate, nothing."""
    given = {"base": "1s", "cap": "8s"}
    assert Exponential.model_validate(given).lower().longest_s == 8.0
    assert Immediate().lower().longest_s == 0.0
    waits = FullJitter.model_validate(given).lower()
    assert waits.longest_s * waits.longest_share == 4.0
