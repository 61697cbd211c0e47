"""The JSON schema against the parser. Oracle: the parser; what it takes the schema takes, what it says of keys, kinds,
choices and ranges the schema says too.
"""

import copy
import pkgutil
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import BaseModel, TypeAdapter

from recovery import model
from recovery.errors import ScenarioError
from recovery.reading.experiment import rebuilt
from recovery.reading.schema import json_schema

TOP = Path(__file__).resolve().parent.parent
WHOLE = TOP / "experiments" / "us-east-1-2025-10.toml"
SCHEMA = json_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
FILES = sorted(
    [
        *(TOP / "experiments").glob("*.toml"),
        *(TOP / "experiments" / "patterns").glob("*.toml"),
        *(TOP / "recovery" / "data" / "presets").glob("*.toml"),
        *(TOP / "tests" / "faults" / "inputs").glob("**/*.toml"),
    ]
)


def table_of(file: Path) -> dict[str, Any]:
    return tomllib.loads(file.read_text(encoding="utf-8"))


def takes(raw: dict[str, Any], file: Path = WHOLE) -> bool:
    """Whether the parser takes it."""
    try:
        rebuilt(raw, "s.toml", "s", file.parent)
    except ScenarioError:
        return False
    return True


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_what_the_parser_takes_the_schema_takes(file: Path) -> None:
    raw = table_of(file)
    if takes(raw, file):
        VALIDATOR.validate(raw)


# Of a variant of the whole experiment: what is wrong in words that a schema has, and what is right.
WRONG = [
    "host.wrokers = 4",
    "host.timeout = 5",
    "host.workers = 0",
    "host.workers = true",
    'host.establish_time = { dist = "lognormal", mean = "20ms" }',
    'host.establish_time = { mean = "0s" }',
    "hosts.workers = 3",
    "title = 'of a variant'",
    "policy.queue = 'lif'",
    "policy.queue = { nam = 'lifo' }",
    "policy.queue = { limit = '5' }",
    "policy.queue = { name = 'lifo', limit = '5s' }",
    "policy.queue = { limit = '5s', cap = '5s' }",
    "policy.queues = 'lifo'",
    "dependency.outages = [{ from = '1m' }]",
    "dependency.outages = [{ from = '1m', to = '2m', fails = '120%' }]",
    "operator = [{ at = '1m' }]",
    "operator = [{ do = 'reboot', at = '1m' }]",
    "launches.retries = -1",
    "launches.client = { name = 'fixed', delay = 3 }",
    "health.policy = { name = 'panic', below = 2 }",
    "health.policy = { bellow = '5%' }",
    "propagation.intake.limit = 0",
    "lease = 'fixed'",
    "fleet = 3",
]
RIGHT = [
    "host.workers = 4",
    "host.establish_time = '30ms'",
    "host.fail_after = 0",
    "policy.queue = 'lifo'",
    "policy.queue = { name = 'bounded', limit = '15s' }",
    "dependency.outages = []",
    "launches.retries = 'unlimited'",
    "launches.retries = 3",
    "launches.demand = '3/s'",
    "health.rise = 3",
    "health.policy = 'rise-fall'",
    "propagation.time = '1s'",
    "operator = [{ do = 'restart', at = '1m', share = 0.5 }]",
    "lease.check_jitter = '5.5%'",
    "hold = '1m'",
]


def variant(change: str) -> dict[str, Any]:
    raw = table_of(WHOLE)
    del raw["dns"]
    for key in ("services", "notes"):
        raw.pop(key, None)
    raw["operator"] = []
    raw["dependency"] = {"outages": [{"from": "10m", "to": "1h"}]}
    raw["variants"] = {"v": tomllib.loads(change)}
    return raw


@pytest.mark.parametrize("change", WRONG)
def test_the_schema_sees_into_variants(change: str) -> None:
    raw = variant(change)
    assert not takes(raw)
    assert list(VALIDATOR.iter_errors(raw))


@pytest.mark.parametrize("change", RIGHT)
def test_variants_may_have_any_of_the_keys(change: str) -> None:
    raw = variant(change)
    assert takes(raw)
    VALIDATOR.validate(raw)


def test_a_variant_may_change_one_parameter_of_a_policy_that_is_there() -> None:
    """A table without a name is merged with the file's own policy."""
    for change, policy in (
        ("policy.queue = { limit = '15s' }", {"queue": {"name": "bounded", "limit": "1m"}}),
        ("policy.client.cap = '15s'", {"client": {"name": "exponential", "base": "1s", "cap": "60s"}}),
        ("host.establish_time = { mean = '15ms' }", {}),
    ):
        raw = variant(change)
        raw["policy"] = policy
        raw["host"]["establish_time"] = {"dist": "lognormal", "mean": "20ms", "cv": 1.0}
        assert takes(raw), change
        VALIDATOR.validate(raw)


def test_outside_variants_a_policy_and_an_action_have_a_name() -> None:
    raw = variant("hold = '1m'")
    for change in (
        {"policy": {"queue": {"limit": "15s"}}},
        {"policy": {"queue": {}}},
        {"operator": [{"at": "1m"}]},
        {"health": raw["health"] | {"policy": {"below": "50%"}}},
    ):
        wrong = copy.deepcopy(raw) | change
        assert not takes(wrong)
        assert list(VALIDATOR.iter_errors(wrong)), change


def tables() -> list[type[BaseModel]]:
    """Every table of a file that is no rule of a policy: the name of a rule is chosen, not missing."""
    modules = [import_module(one.name) for one in pkgutil.walk_packages(model.__path__, f"{model.__name__}.")]
    found = {one for module in modules for one in vars(module).values() if isinstance(one, type)}
    return [one for one in found if issubclass(one, BaseModel) and one.__module__.startswith(model.__name__)]


def test_each_key_that_must_be_there_has_an_example_that_it_takes() -> None:
    wanted = 0
    for table in tables():
        for name, field in table.model_fields.items():
            is_table = isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
            if not field.is_required() or name == "name":
                continue
            if field.examples:
                TypeAdapter(field.rebuild_annotation()).validate_python(field.examples[0])
                wanted += 1
            else:
                assert is_table or table.__name__ in ("Body", "_ByQueue"), (table.__name__, name)
    assert wanted > 30
