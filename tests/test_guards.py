"""The axis `guard`: what a scenario without one says, and where a guard of a class stands.

Oracles: a file that names no guard, beside the same file that says there is none; the defaults in botocore's own
classes; and what a rule comes to, worked out by hand.
"""

import importlib
import json
from typing import Any

import pytest
from botocore import loaders
from botocore.retries import quota, standard, throttling
from test_scenario import LEASES, mistakes, with_

from recovery.model.policies import NoGuard, guard
from recovery.simulate.identity import digest_of, digest_of_traffic
from recovery.store import scenario_record as record
from recovery.study.resolved import resolved


def test_no_guard_is_as_if_there_were_no_such_axis() -> None:
    silent, said = with_("policy.queue=lifo").first, with_("policy.queue=lifo", "policy.guard=none").first
    assert silent.scenario == said.scenario
    assert digest_of(silent, 1, 0) == digest_of(said, 1, 0)
    assert digest_of_traffic(silent, 1, 0) == digest_of_traffic(said, 1, 0)
    assert "guard" not in silent.scenario.model_dump_json()
    assert not said.scenario.rules


def test_a_record_without_a_guard_is_as_it_was_and_is_read_as_none() -> None:
    kept = resolved(with_("policy.guard=none").first.scenario)
    assert kept.policies.guard == record.Rule(name="none", words=NoGuard().words)
    assert set(json.loads(kept.to_json())["policies"]) == {"client", "admission", "queue", "lease"}
    assert record.Scenario.read(kept.to_json()).policies == kept.policies


def test_a_class_has_the_guard_of_all_or_its_own() -> None:
    told = with_("classes.a.share=50%", "classes.b.guard=none").first.scenario
    assert [told.seen_by(name).policy.guard for name in "ab"] == [NoGuard(), NoGuard()]
    assert told.classes["b"].guard == NoGuard()
    assert told.classes["a"].guard is None


def test_a_guard_that_is_not_there_is_told() -> None:
    [line] = mistakes(LEASES, "policy.guard=never")
    assert line.startswith("s.toml: policy.guard")
    assert "none" in line


RULES = (
    guard.Attempts, guard.RetryBudget, guard.ConcurrencyBudget, guard.GrpcThrottle, guard.AwsStandard,
    guard.AwsAdaptive, guard.CircuitBreaker, guard.SreThrottle, guard.SreBudget, guard.InitialStagger,
)  # fmt: skip


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_names_a_controller_of_clients_and_gives_what_it_takes(rule: type[Any]) -> None:
    lowered = rule.model_validate({}).lower()
    module = importlib.import_module(f"recovery_kernels.controllers.{lowered.controller.name}")
    assert module.AXIS == "client"
    assert len(lowered.controller.params) == len(module.PARAMS)
    assert lowered.group == 1
    if "otherwise" in rule.model_fields:
        assert module.PARAMS[-1] == "otherwise_s"
        assert rule.model_validate({"otherwise": "7s"}).lower().controller.params[-1] == 7.0


def test_the_defaults_of_aws_are_those_of_botocore() -> None:
    checker = standard.RetryQuotaChecker
    costs = (checker._RETRY_COST, checker._RETRY_COST, checker._THROTTLING_RETRY_COST)
    params = (standard.DEFAULT_MAX_ATTEMPTS, quota.RetryQuota.INITIAL_CAPACITY, *costs)
    assert guard.AwsStandard().lower().controller == ("aws_standard", (*params, 30.0))
    beta = throttling.CubicCalculator._BETA
    assert guard.AwsAdaptive().lower().controller == ("aws_adaptive", (*params, beta, 30.0))
    legacy = loaders.create_loader().load_data("_retry")["retry"]["__default__"]
    assert guard.Attempts().attempts == legacy["max_attempts"]


def test_a_budget_in_whole_numbers() -> None:
    """By hand: 10 s are slots of 1000 ms; 1000 / 0.2 = 5000 a retry, 10/s for 10 s are 100 of them. Without a share a
    retry costs 1, and the reserve is 10 · 2 = 20 for 2.9 s, of which whole seconds count; its slots are of 290 ms.
    """
    assert guard.RetryBudget().lower().controller == ("finagle_budget", (1000, 1000, 5000, 500_000, 30.0))
    bare = guard.RetryBudget.model_validate({"share": 0, "ttl": "2.9s"}).lower().controller
    assert bare == ("finagle_budget", (290, 0, 1, 20, 30.0))


def test_shares_of_a_breaker_are_per_cent_without_dust() -> None:
    """By hand: 7 % are 7.0 per cent, though 100 * 0.07 is 7.000000000000001."""
    controller = guard.CircuitBreaker.model_validate({"failures": "7%"}).lower().controller
    assert controller == ("circuit_breaker", (7.0, 100, 100, 60.0, 10, 60.0, 100.0, 30.0))


def test_a_group_is_a_number_of_clients_or_all_of_a_host() -> None:
    assert guard.SreThrottle.model_validate({"group": 12}).lower().group == 12
    assert guard.SreThrottle.model_validate({"group": "host"}).lower().group is None
    for wrong in (0, True, 1.5, "all"):
        with pytest.raises(ValueError, match='want a whole number of clients, 1 to 1000000000, or "host"'):
            guard.SreThrottle.model_validate({"group": wrong})


@pytest.mark.parametrize(
    ("rule", "given", "wanted"),
    [
        (guard.RetryBudget, {"share": 0, "least_per_s": 0}, "want share or least_per_s above 0"),
        (guard.RetryBudget, {"ttl": "500ms"}, "greater than or equal to 1"),
        (guard.CircuitBreaker, {"window": 1001}, "less than or equal to 1000"),
        (guard.Attempts, {"attempts": 0}, "greater than or equal to 1"),
        (guard.AwsAdaptive, {"beta": "100%"}, "less than 1"),
        (guard.SreThrottle, {"k": 0.5}, "greater than or equal to 1"),
    ],
)
def test_nonsense_is_refused(rule: type[Any], given: dict[str, object], wanted: str) -> None:
    with pytest.raises(ValueError, match=wanted):
        rule.model_validate(given)
