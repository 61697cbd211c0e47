"""The scenarios to start from, and the questions that only their user can answer: answers become values of the text,
what was not answered is marked as assumed.
"""

import copy
import functools
import math
import operator
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from importlib import resources
from typing import NamedTuple

from recovery.errors import Refusal
from recovery.reading import toml_edit
from recovery.reading.toml_edit import Table
from recovery.units import duration_s, rate_per_s

SYSTEMS = (
    "leases", "jobs", "kubernetes", "nomad", "consul", "etcd", "zookeeper", "kafka", "hdfs", "eureka", "vault",
    "websocket", "mqtt", "sip", "mobile-core", "us-east-1", "aba", "herd",
)  # fmt: skip


class Question(NamedTuple):
    """What is asked: the option, the words, the key that a note on it names, and its kind."""

    option: str
    asks: str
    key: str
    kind: str  # "count", "duration", "rate" or "choice"


_KEYS = {
    "nodes": ("fleet.holders", "count"),
    "servers": ("fleet.hosts", "count"),
    "rate": ("jobs.steps", "rate"),
    "peak": ("jobs.steps", "rate"),
    "workers": ("host.workers", "count"),
    "make": ("host.establish_time", "duration"),
    "renew": ("host.renew_time", "duration"),
    "expire": ("lease.expire_time", "duration"),
    "outage": ("dependency.outages", "duration"),
    "timeout": ("host.timeout", "duration"),
    "requests": ("host.fail_after", "choice"),
}
_RENEW = "Mean time to renew one that still runs"
_PUT = "Mean time of one renewal of a lease (a PUT, in time or late)"
_OUTAGE = "How long is what they depend on away"
_REQUESTS = "Do requests fail or hang while it is away"
_TIMEOUT = "After what time does a client give up a request"
_NODE_LEASES = {
    "nodes": "How many nodes",
    "servers": "How many API servers",
    "workers": "How many requests does one API server work on at once (seats of the nodes' priority level)",
    "make": "Mean time to make one lease",
    "renew": _RENEW,
    "outage": _OUTAGE,
    "requests": _REQUESTS,
    "timeout": _TIMEOUT,
}
_ASKED = {
    "leases": {
        "nodes": "How many holders of leases",
        "servers": "How many managers that they are spread over",
        "workers": "How many requests does one manager work on at once",
        "make": "Mean time to make one lease",
        "renew": _RENEW,
        "outage": _OUTAGE,
        "requests": _REQUESTS,
        "timeout": _TIMEOUT,
    },
    "jobs": {
        "rate": "Requests a second on a normal day",
        "peak": "Requests a second at the peak",
        "workers": "How many requests does the service work on at once",
        "make": "Mean time to serve one request",
        "timeout": _TIMEOUT,
    },
    "kubernetes": {key: asks for key, asks in _NODE_LEASES.items() if key != "renew"} | {"make": _PUT},
    "aba": _NODE_LEASES,
    "nomad": {
        "nodes": "How many clients",
        "workers": "How many requests does the leader work on at once",
        "make": "Mean time to make one lease",
        "renew": _RENEW,
        "outage": _OUTAGE,
        "timeout": _TIMEOUT,
    },
    "consul": {
        "nodes": "How many sessions",
        "workers": "How many requests does the leader work on at once",
        "make": "Mean time to make a session",
        "renew": "Mean time to renew a session",
        "outage": "How long is there no leader",
        "timeout": _TIMEOUT,
    },
    "etcd": {
        "nodes": "How many leases",
        "workers": "How many requests does the leader work on at once",
        "make": "Mean time to make a lease and its key",
        "renew": "Mean time to keep a lease alive",
        "outage": "How long is there no leader",
        "timeout": _TIMEOUT,
    },
    "zookeeper": {
        "nodes": "How many sessions",
        "workers": "How many requests does the leader work on at once",
        "make": "Mean time to make or move a session",
        "renew": "Mean time to answer a ping",
        "outage": "How long is there no quorum",
    },
    "kafka": {
        "nodes": "How many brokers",
        "make": "Mean time of the controller to register or unfence a broker",
        "renew": "Mean time of the controller for a heartbeat",
        "outage": "How long is there no active controller",
    },
    "hdfs": {
        "nodes": "How many data nodes",
        "make": "Mean time of a block report while five others are worked on",
    },
    "eureka": {
        "nodes": "How many instances",
        "servers": "How many Eureka servers",
        "workers": "How many requests does one server work on at once",
        "make": "Mean time to register an instance",
        "renew": "Mean time to answer a heartbeat",
    },
    "vault": {
        "nodes": "How many agents",
        "workers": "How many requests does the active server work on at once",
        "make": "Mean time of a login",
        "renew": "Mean time to renew a token",
        "expire": "Mean time to revoke a token that ran out",
        "outage": "How long is the storage away",
    },
    "websocket": {
        "nodes": "How many clients are connected",
        "servers": "How many gateways",
        "workers": "How many connections does one gateway set up at once",
        "make": "Mean time to set up a connection",
    },
    "mqtt": {
        "nodes": "How many devices are connected",
        "servers": "How many brokers",
        "workers": "How many connections does one broker set up at once",
        "make": "Mean time to set up a connection",
    },
    "sip": {
        "nodes": "How many phones",
        "servers": "How many registrars",
        "workers": "How many registrations does one registrar work on at once",
        "make": "Mean time of a registration",
    },
    "mobile-core": {
        "nodes": "How many phones",
        "servers": "How many nodes of the core",
        "workers": "How many requests does one node work on at once",
        "make": "Mean time of an attach",
        "renew": "Mean time of a tracking area update",
    },
}  # fmt: skip


def questions(system: str) -> list[Question]:
    """What is asked for a system, in order; nothing for one that happened or is shipped as an example."""
    return [Question(option, asks, *_KEYS[option]) for option, asks in _ASKED.get(system, {}).items()]


def text_of(system: str) -> str:
    """The scenario of a system as it is shipped."""
    return resources.files("recovery").joinpath("data", "presets", f"{system}.toml").read_text(encoding="utf-8")


_Value = int | str
_CHOICES = ("fail", "hang")
_HANGS = "until-back"  # what host.fail_after is where requests hang
_HUNG = "requests hang until it is back"
"""The name of a variant in which they do, and the beginning of the names of others."""
_STEPS = {"rate": (0, 2), "peak": (1,)}  # steps of jobs that an answer sets


def value(question: Question, answer: str) -> _Value:
    """An answer as the text will have it. Raises ValueError that says what is wanted."""
    text = answer.strip()
    if question.kind == "count":
        digits = re.sub(r"(?<=\d)[_, ](?=\d)", "", text)
        if not re.fullmatch(r"[0-9]{1,9}", digits) or int(digits) < 1:
            raise Refusal("want a whole number from 1 to 999999999, such as 5000")
        return int(digits)
    if question.kind == "choice":
        if text not in _CHOICES:
            raise Refusal("want fail or hang")
        return text
    if question.kind == "rate":
        text = f"{text}/s" if re.fullmatch(r"[0-9.]+", text) else text
        if rate_per_s(text) <= 0:
            raise Refusal('want a rate above 0, such as "300/s"')
        return text
    seconds = duration_s(int(text) if text.isascii() and text.isdigit() else text)  # of a number the unit is wanted
    if seconds <= 0:
        raise Refusal('want a duration above 0, such as "30ms" or "20m"')
    return text


def default(text: str, question: Question) -> str:
    """What the text has for a question now."""
    table = tomllib.loads(text)
    if question.option == "outage":
        outage = table["dependency"]["outages"][0]
        return _duration(duration_s(outage["to"]) - duration_s(outage["from"]))
    if question.option in _STEPS:
        return str(table["jobs"]["steps"][_STEPS[question.option][0]]["rate"])
    if question.kind == "choice":
        return _CHOICES[table["host"]["fail_after"] == _HANGS]
    found: object = functools.reduce(operator.getitem, question.key.split("."), table)
    return str(found["mean"] if isinstance(found, dict) else found)


def _duration(seconds: float) -> str:
    """A time in the largest unit of which it is a whole number, as a person would write it."""
    for unit, unit_s in (("h", 3600.0), ("m", 60.0), ("s", 1.0)):
        if seconds >= unit_s and seconds % unit_s == 0:
            return f"{seconds / unit_s:.0f}{unit}"
    return f"{seconds:.9f}".rstrip("0") + "s" if seconds >= 1 else f"{seconds * 1e3:.6f}".rstrip("0").rstrip(".") + "ms"


def answered(system: str, answers: Mapping[str, _Value]) -> str:
    """The text of a system with the answers (by option) and what follows from them, told in its first lines. What is
    given is no longer noted as assumed. Raises Refusal where the text cannot be changed.
    """
    text = text_of(system)
    if answers.get("requests") == "hang":
        text = _hanging(text)
    asked = questions(system)
    was: Table = tomllib.loads(text)
    direct = copy.deepcopy(was)
    for question in asked:
        if question.option in answers:
            _SET.get(question.option, _set)(direct, question, answers[question.option])
    if "rate" in answers or "peak" in answers:
        usual, peak = (str(direct["jobs"]["steps"][place]["rate"]) for place in (0, 1))
        if rate_per_s(peak) <= rate_per_s(usual):
            raise Refusal(f"--peak is {peak}; want more than --rate, {usual}")
    now = copy.deepcopy(direct)
    _follow(system, was, now)
    text = toml_edit.edited(text, now)
    given = {question.key for question in asked if question.option in answers}
    for key in given - {question.key for question in asked if question.option not in answers}:
        note = rf'\n\[\[notes\]\]\nkey = "{re.escape(key)}"\n(?:[^\n\[].*\n)*'
        text = re.sub(note, _on_spread(now, key) if re.search(note, text) else "", text)
        last = re.escape(key.rpartition(".")[2])
        text = re.sub(rf"(?m)^({last} = .*?#.*?)\byours\b", r"\1given", text)
    words = [f"{one.option} {default(text, one)}" for one in asked if one.option in answers]
    head = f"# Given: {', '.join(words) or 'nothing'}.\n"
    followed = [f"{key} = {toml_edit.literal(value)}" for key, value in toml_edit.changed(direct, now)]
    head += f"# Follows from what is given, and is changed too: {', '.join(followed)}.\n" if followed else ""
    notes = tomllib.loads(text).get("notes", [])
    marked, defaults = ([note["key"] for note in notes if note["kind"] == kind] for kind in ("assumed", "default"))
    head += f"# Assumed, and marked so in [[notes]] and on the page: {', '.join(marked) or 'nothing'}.\n"
    head += f"# Documented defaults, with their source in [[notes]]: {', '.join(defaults)}.\n" if defaults else ""
    return head + text


def _on_spread(table: Table, key: str) -> str:
    """The note on what of a distribution is still assumed when its mean is given: its form, and how far it spreads."""
    value: object = functools.reduce(operator.getitem, key.split("."), table)
    if not isinstance(value, dict) or "dist" not in value:
        return ""
    of, name = ("cv", f"{key}.cv") if "cv" in value else ("dist", f"{key}.dist")
    why = f"its mean is given, and not how far it spreads ({of} = {value[of]}); measure yours"
    return f'\n[[notes]]\nkey = "{name}"\nkind = "assumed"\nwhy = "{why}"\n'


def _set(table: Table, question: Question, new: _Value) -> None:
    """Set a key; of a distribution its mean."""
    *parts, last = question.key.split(".")
    for part in parts:
        table = table[part]
    if isinstance(table[last], dict):
        table[last]["mean"] = new
    else:
        table[last] = new


def _set_outage(table: Table, question: Question, new: _Value) -> None:  # noqa: ARG001
    outage = table["dependency"]["outages"][0]
    outage["to"] = _duration(duration_s(outage["from"]) + duration_s(new))


def _set_requests(table: Table, question: Question, new: _Value) -> None:  # noqa: ARG001
    if new == "hang":
        table["host"]["fail_after"] = _HANGS


def _hanging(text: str) -> str:
    """A text in which requests hang, as far as its variants go: the one that has them hang is the one in which they
    fail as they did, and what others have beside that is all that is left of them.
    """
    fails = tomllib.loads(text)["host"]["fail_after"]
    hangs = f'host.fail_after = "{_HANGS}"\n'
    text = text.replace(f'[variants."{_HUNG}"]\n{hangs}', f'[variants."requests fail"]\nhost.fail_after = "{fails}"\n')
    return re.sub(rf'\[variants\."{_HUNG}, (.*)"\]\n{re.escape(hangs)}', r'[variants."\1"]\n', text)


def _set_steps(table: Table, question: Question, new: _Value) -> None:
    for place in _STEPS[question.option]:
        table["jobs"]["steps"][place]["rate"] = new


_SET: dict[str, Callable[[Table, Question, _Value], None]] = {
    "outage": _set_outage,
    "requests": _set_requests,
    "rate": _set_steps,
    "peak": _set_steps,
}


def _follow(system: str, was: Table, now: Table) -> None:
    """Change what follows from the answers, which `now` has and the preset `was` has not. A value that a variant names
    ("session timeout 30 s") follows from nothing.
    """
    if "fleet" in now:
        _follow_hosts(was, now)
        _follow_holders(was, now)
    if "dependency" in now:
        _follow_outage(was, now)
    _follow_work(was, now)
    if system == "nomad":
        _heartbeats(was, now)
    if system == "kubernetes":
        _until_drained(now)


def _variants(table: Table) -> Iterator[tuple[str, Table]]:
    yield from table.get("variants", {}).items()


def _longer(table: Table, seconds: float) -> None:
    """A horizon that is longer by so much; none is shorter."""
    if seconds > 0:
        table["horizon"] = _duration(duration_s(table["horizon"]) + seconds)


def _follow_hosts(was: Table, now: Table) -> None:
    """No more zones than hosts. Where hosts are restarted one after the other, in as many waves as there are, it stays
    so, and as long as before is simulated after the last of them.
    """
    before, hosts = was["fleet"]["hosts"], now["fleet"]["hosts"]
    if now["fleet"].get("zones", 1) > hosts:
        now["fleet"]["zones"] = hosts
    more_s = 0.0
    for _, variant in _variants(now):
        for step in variant.get("operator", ()):
            if step.get("waves") == before:
                step["waves"] = hosts
                more_s = max(more_s, (hosts - before) * duration_s(step["every"]))
    _longer(now, more_s)


def _follow_holders(was: Table, now: Table) -> None:
    """A variant whose host works on all holders at once still does."""
    for _, variant in _variants(now):
        if variant.get("host", {}).get("workers") == was["fleet"]["holders"]:
            variant["host"]["workers"] = now["fleet"]["holders"]


_OUTLASTS = "outlast the outage"
"""In the name of a variant whose leases have to."""


def _follow_outage(was: Table, now: Table) -> None:
    """What was left of the horizon after the outage stays as long; an outage of a variant that is the file's but for
    one thing stays that; leases that outlast it, as their variant says, outlast it by as large a part.
    """
    before, outage = (table["dependency"]["outages"][0] for table in (was, now))
    from_s, was_to_s, to_s = duration_s(before["from"]), duration_s(before["to"]), duration_s(outage["to"])
    _longer(now, to_s - was_to_s)
    for name, variant in _variants(now):
        for one in variant.get("dependency", {}).get("outages", ()):
            if (one["from"], one["to"]) == (before["from"], before["to"]):
                one["to"] = outage["to"]
        if _OUTLASTS in name and to_s > was_to_s:
            part = duration_s(variant["lease"]["duration"]) / (was_to_s - from_s)
            variant["lease"]["duration"] = _duration(60.0 * math.ceil(part * (to_s - from_s) / 60))


def _follow_work(was: Table, now: Table) -> None:
    """A time to make a lease that a variant has of its own stays as large a part of the file's."""
    before_s, make_s = (duration_s(table["host"]["establish_time"]["mean"]) for table in (was, now))
    for _, variant in _variants(now):
        own = variant.get("host", {}).get("establish_time")
        if own is not None and make_s != before_s:
            own["mean"] = _duration(float(f"{duration_s(own['mean']) / before_s * make_s:.3g}"))


_HEARTBEATS_PER_S = 50.0  # of a whole cluster: what Nomad's servers stretch the time between heartbeats for
_TTL_LEAST_S = 10.0


def _heartbeats(was: Table, now: Table) -> None:
    """Leases of Nomad's clients are as long as their number makes them, and are renewed after as large a part."""
    holders = now["fleet"]["holders"]
    if holders == was["fleet"]["holders"]:
        return
    lease = now["lease"]
    ttl_s = max(holders / _HEARTBEATS_PER_S, _TTL_LEAST_S)
    part = duration_s(lease["check_every"]) / duration_s(lease["duration"]["min"])
    _longer(now, 2 * ttl_s - duration_s(lease["duration"]["max"]))
    lease["duration"] |= {"min": _duration(ttl_s), "max": _duration(2 * ttl_s)}
    lease["check_every"] = _duration(math.floor(part * ttl_s))


_DRAINS_AT = 0.9  # load of the servers: above it the end is too far away to wait for
_SLACK = 1.05  # times as long as a fluid needs


def _until_drained(table: Table) -> None:
    """A horizon that is long enough for the variant whose requests hang until the outage ends: what was asked meanwhile
    is worked off beside what is asked then, and it is well for as long as it must hold. Each node asks once in its
    timeout and the mean wait of a client with jitter. A horizon that is long enough stays.
    """
    fleet, host, client = table["fleet"], table["host"], table["policy"]["client"]
    outage, work_s = table["dependency"]["outages"][0], duration_s(host["establish_time"]["mean"])
    every_s = duration_s(host["timeout"]) + duration_s(client["cap"]) / 2
    load = fleet["holders"] / every_s * work_s / (fleet["hosts"] * host["workers"])
    if load > _DRAINS_AT:
        return
    from_s, to_s = duration_s(outage["from"]), duration_s(outage["to"])
    ends_s = to_s + _SLACK * (to_s - from_s) * load / (1 - load) + duration_s(table["hold"])
    if ends_s > duration_s(table["horizon"]):
        table["horizon"] = _duration(60.0 * math.ceil(ends_s / 60))
