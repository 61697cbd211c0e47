"""Rules of admission that remember, as a file writes them: their defaults, what they refuse, and what they come to."""

import importlib
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from recovery.errors import ScenarioError
from recovery.model.policies.adaptive import (
    AdaptiveRule,
    Aimd,
    EnvoyAdaptiveConcurrency,
    FixedConcurrency,
    Gradient2,
    Vegas,
)
from recovery.model.policies.admission import LeakyBucket
from recovery.model.policies.controlled import Controlled
from recovery.model.policies.shedding import (
    Blue,
    EnvoyAdmissionControl,
    PercentageRamp,
    Pid,
    SheddingRule,
    whole_tokens,
)
from recovery.reading.experiment import parse

RULES = (*get_args(AdaptiveRule), *get_args(SheddingRule))


def lowered(rule: type[Controlled], **given: Any) -> dict[str, float]:
    """The parameters of a rule's controller by name, of one of four hosts that can do 10/s each."""
    controller = rule.model_validate(given).lower(10.0, 4).controller
    assert controller is not None
    module = importlib.import_module(f"recovery_kernels.controllers.{controller.name}")
    assert module.AXIS == "admission"
    return dict(zip(module.PARAMS, controller.params, strict=True))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_rule_has_a_controller_that_takes_its_parameters(rule: type[Controlled]) -> None:
    assert all(isinstance(value, float) for value in lowered(rule).values())
    assert not rule().lower(10.0, 4).is_establish_only
    assert rule.model_validate({"only": "establish"}).lower(10.0, 4).is_establish_only


def test_defaults_are_those_of_the_sources() -> None:
    """AIMDLimit, VegasLimit and Gradient2Limit.Builder (78a74b9); GradientControllerConfig's constructor and the
    example of Envoy's documentation; admission_control.cc's constants; BlueThrottle's properties; Cinnamon's constants.
    """
    assert lowered(Aimd) == {
        "initial": 20, "least": 20, "most": 200, "backoff": 0.9, "timeout_s": 5, "window_s": 0,
    }  # fmt: skip
    assert lowered(Vegas) == {"initial": 20, "most": 1000, "smoothing": 1, "probe": 30, "window_s": 0}
    assert lowered(Gradient2) == {
        "initial": 20, "least": 20, "most": 200, "smoothing": 0.2, "headroom": 4, "long": 600, "tolerance": 1.5,
        "window_s": 1,
    }  # fmt: skip
    assert lowered(EnvoyAdaptiveConcurrency) == {
        "least": 3, "most": 1000, "every_s": 0.1, "rest_every_s": 60, "requests": 50, "jitter": 0.15, "buffer": 0.25,
        "quantile_share": 0.5,
    }  # fmt: skip
    assert lowered(EnvoyAdmissionControl) == {
        "window_s": 30, "threshold": 0.95, "aggression": 1, "most": 0.8, "least_per_s": 0,
    }  # fmt: skip
    assert lowered(Blue) | {"tokens": 0, "fill": 0, "fill_every_s": 0} == {
        "tokens": 0, "fill": 0, "fill_every_s": 0, "freeze_s": 0.1, "increase": 0.02, "decrease": 0.002, "ratio": 0,
    }  # fmt: skip
    assert lowered(Pid) == {"period_s": 0.5, "kp": 0.1, "ki": 1.4, "memory_s": 60}
    assert lowered(FixedConcurrency) == {"limit": 1024}


def test_limits_may_be_times_to_work_off() -> None:
    """At 10/s a host, 5 s are 50 requests; less than one request is one."""
    assert lowered(FixedConcurrency, limit="5s") == {"limit": 50}
    found = lowered(Aimd, initial="2s", least="10ms", most="1m")
    assert (found["initial"], found["least"], found["most"]) == (20, 1, 600)


def test_rates_are_those_of_a_host() -> None:
    """40/s of four hosts are 10/s each: one token in 100 ms, and 2 s of it saved up are 20. 8/s: nobody is refused
    below 2/s a host. Without a chance its time is below 0.
    """
    found = lowered(Blue, rate="40/s", burst="2s", freeze="off")
    assert (found["tokens"], found["fill"], found["fill_every_s"], found["freeze_s"]) == (20, 1, 0.1, -1)
    assert lowered(EnvoyAdmissionControl, from_rate="8/s")["least_per_s"] == 2


@pytest.mark.parametrize("per_s", [1e-6, 0.3, 4.99, 5.01, 7.3, 12.5, 333.3, 999.0, 1234.5, 1e5, 1e9])
def test_whole_tokens_in_whole_ms_are_a_rate_to_half_a_percent(per_s: float) -> None:
    tokens, every_ms = whole_tokens(per_s)
    assert min(tokens, every_ms) >= 1
    assert tokens * 1000 / every_ms == pytest.approx(per_s, rel=0.005)


@pytest.mark.parametrize(
    ("rule", "given", "wanted"),
    [
        (FixedConcurrency, {"limit": 0}, "from 1"),
        (Aimd, {"initial": 10}, "no less than least"),
        (Aimd, {"initial": 300}, "no more than most"),
        (Aimd, {"least": "2s"}, "all limits in requests, or all as times"),
        (Aimd, {"backoff": "100%"}, 'below "100%"'),
        (Aimd, {"backoff": "49%"}, 'from "50%" on'),
        (Aimd, {"window": "50ms"}, '"100ms" or longer'),
        (Vegas, {"initial": 2000}, "no more than most"),
        (Vegas, {"smoothing": 0}, 'above "0%"'),
        (Gradient2, {"tolerance": 0.9}, "greater than or equal to 1"),
        (EnvoyAdaptiveConcurrency, {"least": 20, "most": 10}, "least no more than most"),
        (EnvoyAdaptiveConcurrency, {"every": "10us"}, '"1ms" or longer'),
        (EnvoyAdmissionControl, {"window": "1500ms"}, "whole seconds"),
        (EnvoyAdmissionControl, {"window": "3m"}, '"1s" to "120s"'),
        (EnvoyAdmissionControl, {"aggression": 0.5}, "greater than or equal to 1"),
        (Blue, {"freeze": "off", "increase": "3%"}, "only with freeze"),
        (Blue, {"rate": 0}, "rate"),
        (Pid, {"period": "10us"}, '"1ms" or longer'),
        (Pid, {"memory": "100ms"}, "as long as period"),
        (Pid, {"memory": "1h"}, "at most 600 times"),
        (PercentageRamp, {"every": 0}, "above 0"),
        (PercentageRamp, {"from_share": "110%"}, 'to "100%"'),
        (LeakyBucket, {"wait": "off", "line": 3}, "only with wait"),
    ],
)
def test_nonsense_is_refused_with_what_is_wanted(rule: type[Controlled], given: dict[str, Any], wanted: str) -> None:
    with pytest.raises(ValidationError, match=wanted):
        rule.model_validate(given)


def test_a_leaky_bucket_is_a_token_bucket_of_one_request_with_a_line() -> None:
    """90 % of 10/s are 9/s; a burst of 0 s is one request, as buckets hold one at least."""
    found = LeakyBucket().lower(10.0, 4)
    assert (found.law, found.per_s, found.burst_s, found.wait_s, found.line) == ("token-bucket", 9.0, 0.0, 1.0, None)


def test_estimates_know_what_a_rule_never_lets_in_more_of() -> None:
    """By hand: 5 s at 10/s are 50 requests that may be there at once; 60 % of 10/s are 6/s, and 2 s of it 12 tokens."""
    assert FixedConcurrency.model_validate({"limit": "5s"}).lower(10.0, 4).limit == 50
    found = Blue.model_validate({"rate": "60%", "burst": "2s"})
    assert (found.lower(10.0, 4).per_s, found.tokens(10.0, 4)) == (6.0, 12)


HERD = """
horizon = "1h"
fleet = { holders = 200, hosts = 4 }
host.establish_time = "200ms"
host.timeout = "5s"
lease = { duration = "2m", check_every = "30s" }
"""
SET = '[[operator]]\ndo = "set"\nat = "9m"\nkey = "policy.admission.'


@pytest.mark.parametrize(
    ("rule", "more", "wanted"),
    [
        ('"fixed-concurrency"', SET + 'limit"\nvalue = 5\n', 'policy.admission "queue-size", "queue-size-switch" or'),
        ('"blue"', SET + 'rate"\nvalue = "5/s"\n', 'policy.admission "token-bucket", "leaky-bucket" or "queue-size"'),
        ('{ name = "blue", rate = "4/s", burst = "2s" }', "classes.a.cost = 3\n", "or a longer policy.admission.burst"),
        ('"leaky-bucket"', "classes.a.cost = 3\n", "want a smaller cost$"),
        ('"aimd"', 'host.hint.says = "tokens"\nhost.hint.clients = "obey"\n', 'want "time" or "queue"'),
    ],
)
def test_what_a_file_cannot_ask_of_a_rule_is_refused(rule: str, more: str, wanted: str) -> None:
    with pytest.raises(ScenarioError, match=wanted):
        parse(f"{HERD}policy.admission = {rule}\n{more}")
