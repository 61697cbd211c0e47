"""The axis `guard`: what a scenario without one says, and where a guard of a class stands.

Oracle: a file that names no guard, beside the same file that says there is none.
"""

import json

from test_scenario import LEASES, mistakes, with_

from recovery.model.policies import NoGuard
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
