"""Policies of a sweep: every variant at every point of the levers, each with a name and an id of its own."""

import collections
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pydantic import JsonValue

from recovery.errors import ScenarioError
from recovery.keys import short_keys
from recovery.measures import register
from recovery.model import policies
from recovery.model.scenario import Scenario
from recovery.model.sweep import Sweep
from recovery.reading.experiment import Experiment
from recovery.study.resolved import held_s


class Policy(NamedTuple):
    """A variant at a point of the levers: its number among the variants of the experiment, name, and id (hexadecimal
    digits). Both differ between any two policies; what is joined is joined by the id.
    """

    number: int
    name: str
    id: str
    variant: str
    levers: dict[str, JsonValue]
    words: tuple[str, ...]  # what sets it apart from the other policies, in plain words
    held_s: float = math.nan  # a lease that nobody renews; nan of jobs


def shown(value: object) -> JsonValue:
    """A lever's value for tables: a policy with its parameters as text, all else as it is."""
    if isinstance(value, Mapping):
        rest = ", ".join(f"{key}={shown(one)}" for key, one in value.items() if key != "name")
        return f"{value.get('name', '')}({rest})" if rest else str(value.get("name", ""))
    if isinstance(value, list | tuple):
        return "[" + ", ".join(str(shown(one)) for one in value) + "]"
    return value if isinstance(value, str | int | float) else str(value)


def policies_of(experiment: Experiment) -> list[Policy]:
    """All policies, by variants in the order of the file, the unchanged file first, and by points of the levers."""
    short = short_keys(key for variant in experiment.variants for key, _ in variant.levers)
    ids = _ids([[variant.name, variant.levers] for variant in experiment.variants])
    levers = [{key: shown(value) for key, value in variant.levers} for variant in experiment.variants]
    names = [
        ", ".join([variant.name, *(f"{short[key]}={value}" for key, value in own.items())])
        for variant, own in zip(experiment.variants, levers, strict=True)
    ]
    words = words_of(experiment)
    many = collections.Counter(names)  # 5 and "5" are shown alike, and a variant may be called as another with levers
    return [
        Policy(
            number,
            name if many[name] == 1 else f"{name} [{ids[number]}]",
            ids[number],
            variant.name,
            own,
            words[number] if words.count(words[number]) == 1 else (*words[number], f"[{ids[number]}]"),
            held_s(variant.scenario),
        )
        for number, (variant, own, name) in enumerate(zip(experiment.variants, levers, names, strict=True))
    ]


def words_of(experiment: Experiment) -> list[tuple[str, ...]]:
    """Of each policy what differs between the policies of the sweep, in plain words: its variant, and each choice."""
    names = {variant.name for variant in experiment.variants}
    values: dict[str, list[str]] = {}
    for variant in experiment.variants:
        for key, value in variant.levers:
            values.setdefault(key, []).append(str(value))
    keys = [key for key, found in values.items() if len(set(found)) > 1 or len(found) < len(experiment.variants)]
    short = short_keys(values)
    out = []
    for variant in experiment.variants:
        levers = dict(variant.levers)
        told = [in_words(key, levers[key], variant.scenario, short[key]) for key in keys if key in levers]
        parts = [variant.name, *told] if len(names) > 1 or not told else told
        out.append(tuple(parts))
    return out


def in_words(key: str, value: object, scenario: Scenario, short: str) -> str:
    """What a lever's value does in plain words: of a policy its own, of another key its short name and the value."""
    match key.split("."):
        case ["policy", axis] if axis in policies.AXES:
            found: policies.Rule = getattr(scenario.policy, axis)
            return found.words
        case ["host", "cancel_on_timeout"]:
            return scenario.host.cancel_words
        case ["propagation", "intake"] if scenario.propagation is not None:
            return f"propagation: {policies.of_shards(scenario.propagation.intake.words)}"
        case ["propagation", "queue"] if scenario.propagation is not None:
            return f"propagation: {policies.of_shards(scenario.propagation.queue.words)}"
        case ["propagation", "client"] if scenario.propagation is not None:
            return f"refused jobs: {scenario.propagation.client.words}"
        case ["launches", "admission"] if scenario.launches is not None:
            return f"launches: {policies.of_launches(scenario.launches.admission.words)}"
        case ["launches", "client"] if scenario.launches is not None:
            return f"denied launches: {scenario.launches.client.words}"
        case ["health", "policy"] if scenario.health is not None:
            return scenario.health.policy.words
    return f"{short.replace('_', ' ').replace('.', ' ')} {shown(value)}"


def _ids(policies: Sequence[object]) -> list[str]:
    """Beginnings of digests, from eight digits on as many as tell all policies apart."""
    digests = [hashlib.sha256(json.dumps(one, default=str).encode()).hexdigest() for one in policies]
    return next(ids for n in range(8, 65) if len(set(ids := [one[:n] for one in digests])) == len(ids) or n == 64)


def wanted(experiment: Experiment) -> Sweep:
    """The experiment's sweep. Raises ScenarioError if it has none, or one that cannot be run."""
    sweep = experiment.head.sweep
    if sweep is None:
        raise ScenarioError(f"{experiment.file}: has no [sweep]; want one with [sweep.levers] or [sweep.uncertainties]")
    if sweep.accept is not None and not experiment.head.observed:
        raise ScenarioError(f"{experiment.file}: sweep.accept needs [[observed]] milestones to meet; want some")
    if sweep.accept is not None and not sweep.draws_anew:
        raise ScenarioError(f"{experiment.file}: sweep.accept wants draws made anew (method random, lhs, sobol)")
    if experiment.head.replications > sweep.replications_max:
        raise ScenarioError(
            f"{experiment.file}: replications is {experiment.head.replications}; "
            f"want no more than sweep.replications_max, which is {sweep.replications_max}; "
            f"it is set in the file's [sweep], or with --set sweep.replications_max={experiment.head.replications}"
        )
    asked = register.find(sweep.measure)
    if "fleet.sample_hosts" in sweep.uncertainties and asked is not None and asked.before:
        raise ScenarioError(
            f"{experiment.file}: sweep.measure is {sweep.measure}, which no sample of the hosts tells "
            f"(sweep.uncertainties has fleet.sample_hosts): only the last host does; want {asked.before}, or all hosts"
        )
    names = {policy.name for policy in policies_of(experiment)}
    for name in sweep.sensitivity.policies if sweep.sensitivity else ():
        if name not in names:
            raise ScenarioError(f"{experiment.file}: sweep.sensitivity.policies has {name!r}; want a policy's name")
    return sweep
