"""Policies in plain words: every policy has its own, and a change of any parameter changes them.

Oracle: two policies that differ read differently; no words hold a name of the code or a sign of its grammar.
"""

import itertools
import re
from collections.abc import Iterator

import pytest
from pydantic import BaseModel
from run_records import group_of

from recovery.model.policies import AXES, HEALTH, INTAKES, Rule, name_of
from recovery.reading.experiment import parse
from recovery.study.resolved import resolved
from recovery.study.sweep.policies import policies_of

CLASSES = [*(one for axis in AXES.values() for one in axis), *HEALTH, *INTAKES]
GIVEN: dict[str, dict[str, object]] = {  # what a policy needs, or needs so that its parameters may move
    "IntakeBucket": {"rate": "100/s"},
    "LinearLimit": {"rate": "100/s"},
    "TokenBucket": {"wait": "5s"},
}
OTHERS: dict[str, tuple[object, ...]] = {
    "delay": ("1ms", "61s", "29999ms", "1.5h", {"dist": "exponential", "mean": "30s"},
              {"dist": "exponential", "mean": "31s"},
              {"dist": "lognormal", "mean": "30s", "cv": 1}, {"dist": "lognormal", "mean": "30s", "cv": 2},
              {"dist": "weibull", "mean": "30s", "shape": 2}, {"dist": "pareto", "mean": "30s", "tail": 2},
              {"dist": "uniform", "min": "10s", "max": "50s"}, {"dist": "uniform", "min": "0s", "max": "50s"}),
    "base": ("100ms", "201ms", "1.0000001s"),
    "cap": ("2h", "3599.9s", "8m"),
    "factor": (1.5, 1.50001, 4),
    "rate": ("90/s", "90.01/s", "12%", "12.01%"),
    "burst": (0, "2s", "2001ms"),
    "only": ("establish",),
    "limit": (1501, 1502, "1m", "61s"),
    "low": (999, 3, "20s", "21s"),
    "max_age": ("5s", "1m"),
    "margin": ("5s", "6s"),
    "grace": (0, "11s"),
    "from_failures": ("50%", "50.01%"),
    "then": ("rearm",),
    "until": ("heard",),
    "healthy": (2, 3),
    "below": ("40%", "40.5%"),
    "share": ("7%", "7.5%", 0.5, 2),
    "within": ("1m", "61s"),
    "forget": ("1m", "61s"),
    "wait": ("1s", "1001ms"),
    "line": (3, 4),
    "jitter": ("10%", "10.1%"),
    "initial": (30, 31, "2s"),
    "least": (1, 2, "10/s"),
    "most": (300, 301, "70%", "70.5%", "5s"),
    "backoff": ("80%", "80.5%"),
    "timeout": ("1s", "1001ms"),
    "window": (98, 99, "1s", "2s", "3s", "off"),
    "smoothing": ("30%", "30.5%"),
    "probe": (10, 11),
    "headroom": (0, 5),
    "long": (10, 11),
    "tolerance": (1, 2, 2.01),
    "every": ("1s", "1001ms"),
    "rest_every": ("10s", "10001ms"),
    "requests": (1, 60),
    "buffer": (0, "10%"),
    "quantile": (0, "90%", "99.9%"),
    "threshold": ("90%", "90.5%"),
    "aggression": (2, 2.5),
    "from_rate": ("1/s", "10%"),
    "freeze": ("off", "1s", "1001ms"),
    "increase": ("1%", "1.5%"),
    "decrease": ("1%", "1.5%"),
    "ratio": (0.2, 0.201, "1%", "1.5%"),
    "period": ("1s", "1001ms"),
    "proportional": (0, 1, 1.5),
    "integral": (0, 1, 1.5),
    "memory": ("30s", "30001ms"),
    "start": ("5m", "301s"),
    "from_share": (0, "20%"),
    "step": ("20%", "20.5%"),
    "short": ("6ms", "7ms"),
    "drops": (False,),
    "target": ("6ms", "6.1ms"),
    "interval": ("1s", "1001ms"),
    "update": ("10ms", "10.1ms"),
    "alpha": (0.2, 0.21),
    "beta": (0, 1.26, "60%", "60.1%"),
    "queues": (8, 9),
    "hand": (1, 2),
    "flow": ("class",),
    "loaded": ("40s", "41s"),
    "extension": ("2m", "121s"),
    "spread": ("750/s", "751/s"),
    "check_every": ("20s", "21s"),
    "batch": (2, 500),
    "learning": ("2m", "121s"),
    "otherwise": ("31s", "30001ms"),
    "group": (2, 3, "host"),
    "attempts": (6, 7),
    "least_per_s": (0, 11),
    "ttl": ("11s", "10001ms"),
    "tokens": (11, 10.5),
    "quota": (501, 502),
    "cost": (15, 16),
    "timeout_cost": (15, 16),
    "refusal_cost": (15, 16),
    "failures": ("60%", "60.1%"),
    "open": ("61s", "62s"),
    "probes": (11, 12),
    "slow": ("61s", "62s"),
    "slow_share": ("99%", "98%"),
    "k": (3, 2.5),
    "refused_base": ("2s", "2001ms"),
}  # fmt: skip


def made(policy: type[Rule]) -> Iterator[Rule]:
    """The policy as it is by default, and with each of its parameters moved, all that are valid."""
    given = GIVEN.get(policy.__name__, {})
    yield policy.model_validate(given)
    for key in policy.model_fields:
        if key == "name":
            continue
        assert key in OTHERS, f"{policy.__name__}.{key} is new: give it other values here"
        found = 0
        for value in OTHERS[key]:
            try:
                other = policy.model_validate({**given, key: value})
            except ValueError:
                continue
            found += 1
            yield other
        assert found, (policy, key)


@pytest.mark.parametrize("policies", [*AXES.values(), HEALTH, INTAKES], ids=[*AXES, "health", "intake"])
def test_policies_that_differ_read_differently(policies: tuple[type[Rule], ...]) -> None:
    every = [one for policy in policies for one in made(policy)]
    for one, other in itertools.combinations(every, 2):
        assert (one == other) == (one.words == other.words), (one, other)


@pytest.mark.parametrize("policy", CLASSES, ids=lambda policy: f"{policy.axis}-{name_of(policy)}")
def test_words_are_plain(policy: type[Rule]) -> None:
    for one in made(policy):
        assert re.fullmatch(r"[a-z][A-Za-z0-9 ,;.%()-]+[a-z0-9%)]", one.words)
        assert "_" not in one.words
        assert isinstance(one, BaseModel)


SWEEP = """
horizon = "1h"
fleet = { holders = 200, hosts = 4 }
host = { establish_time = "200ms", timeout = "5s" }
lease = { duration = "2m", check_every = "30s" }
dependency.outages = [{ from = "5m", to = "15m" }]
[sweep]
samples = 1
[sweep.levers]
"policy.queue" = { values = ["fifo", { name = "bounded", limit = "15s" }] }
"policy.client" = { values = [{ name = "fixed", delay = "30s" }] }
"host.cancel_on_timeout" = { values = [false, true] }
"host.workers" = { values = [1, 2] }
"""


def test_a_sweep_names_only_what_differs() -> None:
    """The client is the same everywhere, and so is the variant: neither is told."""
    found = policies_of(parse(SWEEP))
    assert found[0].words == ("oldest first", "requests that time out stay in the queue", "workers 1")
    assert len({one.words for one in found}) == 8
    assert found[0].name == "as written, queue=fifo, client=fixed(delay=30s), cancel_on_timeout=False, workers=1"
    two = policies_of(parse(SWEEP + '[variants."more workers"]\nhost.round_trip = "2ms"\n'))
    assert {one.words[0] for one in two} == {"as written", "more workers"}
    assert len({one.words for one in two}) == len(two) == 16


def test_a_run_over_policies_names_them_in_words() -> None:
    """What a run's table and answer say of a swept policy is its words, of another key its value."""
    text = SWEEP.partition("[sweep]")[0]
    groups = [
        group_of("as written", levers=levers, scenario=resolved(parse(text, overrides=overrides).first.scenario))
        for levers, overrides in (
            ({"policy.queue": "lifo", "host.workers": 2}, ("policy.queue=lifo", "host.workers=2")),
            ({"host.cancel_on_timeout": True}, ("host.cancel_on_timeout=true",)),
        )
    ]
    assert [groups[0].lever_words(key) for key in groups[0].levers] == ["newest first", "2"]
    assert groups[1].lever_words("host.cancel_on_timeout") == "requests that time out leave the queue"


def test_a_part_of_a_policy_is_told_as_the_whole() -> None:
    """What another variant changes of a policy is told by what the policy then does; of other keys nothing is made."""
    text = SWEEP.partition("[sweep]")[0]
    overrides = ('policy.client={ name = "fixed", delay = "7s" }',)
    group = group_of("other", scenario=resolved(parse(text, overrides=overrides).first.scenario))
    assert group.policy_words("policy.client.delay") == group.policy_words("policy.client") == "try again after 7 s"
    assert (
        group.policy_words("host.workers") == group.policy_words("policy") == group.policy_words("fleet.client") == ""
    )
