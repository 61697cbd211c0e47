"""The scenarios to start from, and the questions that only their user can answer: answers become values of the text,
what was not answered is marked as assumed.
"""

import re
import tomllib
from collections.abc import Callable, Mapping
from importlib import resources
from typing import Any, NamedTuple

from recovery.errors import Refusal
from recovery.reading import toml_edit
from recovery.units import duration_s, rate_per_s

SYSTEMS = ("leases", "jobs", "kubernetes", "nomad", "us-east-1", "aba", "herd")


class Question(NamedTuple):
    """What is asked: the option, the words, the key that a note on it names, and whether it is a count or a time."""

    option: str
    asks: str
    key: str
    kind: str  # "count", "duration" or "rate"


_NODES = {"kubernetes": "nodes", "aba": "nodes", "nomad": "clients", "leases": "holders of leases"}
_SERVERS = {"kubernetes": "API servers", "aba": "API servers", "leases": "managers that they are spread over"}
_WORKERS = {
    "kubernetes": "requests that one API server works on at once (seats of the nodes' priority level)",
    "aba": "requests that one API server works on at once (seats of the nodes' priority level)",
    "nomad": "requests that the leader works on at once",
    "leases": "requests that one manager works on at once",
    "jobs": "requests that the service works on at once",
}


def questions(system: str) -> list[Question]:
    """What is asked for a system, in order; nothing for one that happened or is shipped as an example."""
    if system in ("us-east-1", "herd"):
        return []
    made = "serve one request" if system == "jobs" else "make one lease"
    found = []
    if system in _NODES:
        found.append(Question("nodes", f"How many {_NODES[system]}", "fleet.holders", "count"))
    if system in _SERVERS:
        found.append(Question("servers", f"How many {_SERVERS[system]}", "fleet.hosts", "count"))
    if system == "jobs":
        found.append(Question("rate", "Requests a second on a normal day", "jobs.steps", "rate"))
        found.append(Question("peak", "Requests a second at the peak", "jobs.steps", "rate"))
    found.append(Question("workers", f"How many {_WORKERS[system]}", "host.workers", "count"))
    found.append(Question("make", f"Mean time to {made}", "host.establish_time", "duration"))
    if system != "jobs":
        found.append(Question("renew", "Mean time to renew one that still runs", "host.renew_time", "duration"))
        found.append(Question("outage", "How long is what they depend on away", "dependency.outages", "duration"))
    found.append(Question("timeout", "After what time does a client give up a request", "host.timeout", "duration"))
    return found


def text_of(system: str) -> str:
    """The scenario of a system as it is shipped."""
    return resources.files("recovery").joinpath("data", "presets", f"{system}.toml").read_text(encoding="utf-8")


_Value = int | str
_STEPS = {"rate": (0, 2), "peak": (1,)}  # steps of jobs that an answer sets


def value(question: Question, answer: str) -> _Value:
    """An answer as the text will have it. Raises ValueError that says what is wanted."""
    text = answer.strip()
    if question.kind == "count":
        digits = re.sub(r"(?<=\d)[_, ](?=\d)", "", text)
        if not re.fullmatch(r"[0-9]{1,9}", digits) or int(digits) < 1:
            raise Refusal("want a whole number from 1, such as 5000")
        return int(digits)
    if question.kind == "rate":
        text = f"{text}/s" if re.fullmatch(r"[0-9.]+", text) else text
        if rate_per_s(text) <= 0:
            raise Refusal('want a rate above 0, such as "300/s"')
        return text
    if duration_s(text) <= 0:
        raise Refusal('want a duration above 0, such as "30ms"')
    return text


def default(text: str, question: Question) -> str:
    """What the text has for a question now."""
    table = tomllib.loads(text)
    if question.option == "outage":
        outage = table["dependency"]["outages"][0]
        return _duration(duration_s(outage["to"]) - duration_s(outage["from"]))
    if question.option in _STEPS:
        return str(table["jobs"]["steps"][_STEPS[question.option][0]]["rate"])
    found: Any = table
    for part in question.key.split("."):
        found = found[part]
    return str(found["mean"] if isinstance(found, dict) else found)


def _duration(seconds: float) -> str:
    return f"{seconds / 60:g}m" if seconds % 60 == 0 else f"{seconds:g}s"


def answered(system: str, answers: Mapping[str, _Value]) -> str:
    """The text of a system with the answers (by option), and notes on what is assumed. Raises Refusal where the text
    cannot be changed.
    """
    text = text_of(system)
    asked = questions(system)
    for question in asked:
        if question.option in answers:
            text = _SET.get(question.option, _set)(text, question, answers[question.option])
    given = {question.key for question in asked if question.option in answers}
    assumed = [question for question in asked if question.option not in answers]
    for key in given - {question.key for question in assumed}:
        text = re.sub(rf'\n\[\[notes\]\]\nkey = "{re.escape(key)}"\n(?:[^\n\[].*\n)*', "", text)
        last = re.escape(key.rpartition(".")[2])
        text = re.sub(rf"(?m)^({last} = .*?#.*?)\byours\b", r"\1given", text)
    noted = {note["key"] for note in tomllib.loads(text).get("notes", [])}
    keys = list(dict.fromkeys(question.key for question in assumed))
    for key in keys:
        if key not in noted:
            why = 'why = "as the preset has it; set yours"'
            text = f'{text.rstrip()}\n\n[[notes]]\nkey = "{key}"\nkind = "assumed"\n{why}\n'
    words = [f"{one.option} {default(text, one)}" for one in asked if one.option in answers]
    head = f"# Given: {', '.join(words) or 'nothing'}.\n"
    head += f"# Assumed, and marked so in [[notes]] and on the page: {', '.join(keys) or 'nothing of what is asked'}.\n"
    return head + text


def _set(text: str, question: Question, new: _Value) -> str:
    """The text with a key set; of a distribution its mean."""
    wanted = tomllib.loads(text)
    *parts, last = question.key.split(".")
    table = wanted
    for part in parts:
        table = table[part]
    table[last] = {**table[last], "mean": new} if isinstance(table[last], dict) else new
    return toml_edit.edited(text, wanted)


def _set_outage(text: str, question: Question, new: _Value) -> str:  # noqa: ARG001
    """The outage as long as wanted; what was left of the horizon after it stays as long."""
    wanted = tomllib.loads(text)
    outage = wanted["dependency"]["outages"][0]
    end = duration_s(outage["from"]) + duration_s(new)
    horizon = duration_s(wanted["horizon"]) + max(end - duration_s(outage["to"]), 0.0)
    outage["to"], wanted["horizon"] = _duration(end), _duration(horizon)
    return toml_edit.edited(text, wanted)


def _set_steps(text: str, question: Question, new: _Value) -> str:
    wanted = tomllib.loads(text)
    for place in _STEPS[question.option]:
        wanted["jobs"]["steps"][place]["rate"] = new
    return toml_edit.edited(text, wanted)


_SET: dict[str, Callable[[str, Question, _Value], str]] = {
    "outage": _set_outage,
    "rate": _set_steps,
    "peak": _set_steps,
}
