"""The axis `guard`: what a scenario without one says, and where a guard of a class stands.

Oracles: a file that names no guard, beside the same file that says there is none; the defaults in botocore's own
classes; and what a rule comes to, worked out by hand.
"""

import importlib
import json
from types import SimpleNamespace
from typing import Any

import pytest
from botocore import loaders
from botocore.retries import quota, standard, throttling
from run_records import group_of
from test_scenario import LEASES, mistakes, with_

from recovery.model.oddities import oddities
from recovery.model.policies import NoGuard, guard
from recovery.reading.experiment import parse
from recovery.show import redacted
from recovery.simulate.identity import digest_of, digest_of_traffic
from recovery.simulate.thin import thinned
from recovery.store import scenario_record as record
from recovery.study.resolved import resolved
from recovery.study.sweep.policies import policies_of


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


def test_a_backoff_that_is_a_controller_cannot_be_set_in_a_run() -> None:
    action = 'operator=[{do="set", at="10m", key="policy.client", value="%s"}]'
    assert with_(action % "aws-legacy")
    [line] = mistakes(LEASES, action % "aws-standard")
    assert 'want another rule: "aws-standard" is a controller, and none can begin in a run' in line


def test_the_sdks_quota_without_its_backoff_is_noted() -> None:
    said = list(oddities(with_("policy.guard=aws-adaptive").first.scenario))
    assert [line for line in said if line.startswith('policy.guard is "aws-adaptive" and policy.client')]
    both = list(oddities(with_("policy.guard=aws-adaptive", "policy.client=aws-standard").first.scenario))
    assert not [line for line in both if line.startswith("policy.guard")]


def test_a_sweep_tells_guards_in_words() -> None:
    found = policies_of(parse(LEASES + '''
[sweep]
samples = 1
[sweep.levers]
"policy.guard" = { values = ["none", { name = "attempts", attempts = 2 }] }
'''))  # fmt: skip
    assert [one.words for one in found] == [
        ("send every attempt",), ("make 2 attempts a request; else ask anew after 30 s",)
    ]  # fmt: skip


def test_a_redacted_page_tells_a_guard_by_its_axis_alone() -> None:
    scenarios = [resolved(with_(change).first.scenario) for change in ("policy.guard=none", "policy.guard=attempts")]
    groups = [group_of(name, scenario=one) for name, one in zip("ab", scenarios, strict=True)]
    assert redacted.changes(SimpleNamespace(groups=groups)) == ["the guard policy"]  # type: ignore[arg-type]


def test_a_thinner_host_has_a_smaller_common_budget() -> None:
    """By hand: a host of 10 workers cut to 2 has a fifth of what all its clients share; what is each client's stays."""
    told = with_("host.workers=10", 'policy.guard={name="aws-standard", group="host", quota=500}').first.scenario
    assert thinned(told, 2, 1.0).policy.guard == guard.AwsStandard(group="host", quota=100)
    own = with_("host.workers=10", 'policy.guard={name="aws-standard", group=7, quota=500}').first.scenario
    assert thinned(own, 2, 1.0).policy.guard == own.policy.guard


RULES = (
    guard.Attempts, guard.RetryBudget, guard.ConcurrencyBudget, guard.GrpcThrottle, guard.AwsStandard,
    guard.AwsAdaptive, guard.CircuitBreaker, guard.SreThrottle, guard.SreBudget, guard.InitialStagger,
)  # fmt: skip


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_names_a_guard_and_gives_what_it_takes(rule: type[Any]) -> None:
    lowered = rule.model_validate({}).lower()
    module = importlib.import_module(f"recovery_kernels.controllers.{lowered.controller.name}")
    assert module.AXIS == "guard"
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
        (guard.RetryBudget, {"ttl": "500ms"}, 'want ttl from "1s" to "60s"'),
        (guard.RetryBudget, {"share": 1e-300}, "want a share of 0, or at least 1e-06"),
        (guard.CircuitBreaker, {"window": 1001}, "less than or equal to 1000"),
        (guard.Attempts, {"attempts": 0}, "greater than or equal to 1"),
        (guard.AwsAdaptive, {"beta": "100%"}, "less than 1"),
        (guard.SreThrottle, {"k": 0.5}, "greater than or equal to 1"),
    ],
)
def test_nonsense_is_refused(rule: type[Any], given: dict[str, object], wanted: str) -> None:
    with pytest.raises(ValueError, match=wanted):
        rule.model_validate(given)
