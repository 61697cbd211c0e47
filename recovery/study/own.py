"""Is a policy of one's own fit to run? Questions drawn at random, and small runs that must add up.

Oracles: the same file uncompiled; conservation; the same run on other threads, in other pieces, and uncompiled.
"""

import ctypes
import json
import math
import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import recovery_kernels
from recovery_kernels import controllers as contract
from recovery_kernels.controllers import FACTS, View

from recovery.model.policies.own import OwnRule, add
from recovery.model.variant import Variant
from recovery.reading.experiment import parse
from recovery.simulate import pipeline
from recovery.simulate.outcome import Outcome
from recovery.stages import known
from recovery.stages.sessions import controllers, modules, own
from recovery.stages.sessions.controllers import SILENT
from recovery.statistics.arrays import Floats
from recovery.store import code
from recovery.units import ns

LIVES = 60  # memories that begin anew
QUESTIONS = 150  # that each of them is asked
HOSTS = 3
_OF_HOST = ("waiting", "in_service", "workers", "capacity_per_s")
_OF_REQUEST = ("tries", "is_leased", "sojourn_s", "waited_s", "timeout_s", "left_s", "mark")
_OF_CLIENT = ("tries", "is_leased", "sojourn_s", "hint_s", "holds", "last")
_OF_LEASE = (*_OF_HOST, "is_leased", "left_s")
_ALWAYS = ("now_s", "event", "number", "client", "attempt", "cost", "members", "u", "u_client")
SEEN = {
    "admission": (*_OF_HOST, *_OF_REQUEST),
    "queue": (*_OF_HOST, *_OF_REQUEST),
    "client": _OF_CLIENT,
    "guard": _OF_CLIENT,
    "lease": _OF_LEASE,
}
"""What the functions of an axis may look at, beside what all may; the rest is 0."""


class Check(NamedTuple):
    """One test: what must hold, and what is wrong where it does not."""

    what: str
    wrong: str = ""


def checks(path: Path) -> Iterator[Check]:
    """Test the policy of a file. Raises Refusal for one that cannot be loaded."""
    [rule] = own.load([path])
    yield Check(
        f"{LIVES * QUESTIONS} questions at random: it says a number each time, the same compiled and uncompiled",
        _questions(rule),
    )
    for name, text in _scenarios(rule).items():
        variant = parse(text).first
        outcome = _outcome(variant, 1)
        many = int(outcome.series["submitted"].sum())
        yield Check(f"{name}: {many} requests came, and each is in one place at any time", _lost(outcome))
        first = _numbers(outcome)
        yield Check(
            f"{name}: the same on {HOSTS} threads as on one", _differs(first, _numbers(_outcome(variant, HOSTS)))
        )
        yield Check(f"{name}: the same when the run is cut anywhere", _cut(variant))
        yield Check(f"{name}: the same uncompiled", _uncompiled(first, path, name))


# --- questions


def _questions(rule: type[OwnRule]) -> str:
    """What is wrong with an answer; "" if nothing is."""
    module, file, random = modules.of_file(rule.file), rule.file, np.random.default_rng(1)
    sizes = dict(module.MEMORY)
    told = ("told",) if hasattr(module, "told") else ()
    asked = [*(hook for hook in own.HOOKS_OF[file.axis] if hasattr(module, hook)), *told]
    for life in range(LIVES):
        params = np.array([value for _, value in file.params], np.float64)
        if life:
            params *= random.choice([0.5, 0.9, 1.0, 1.0, 1.1, 2.0], len(params))
        memory, now_s = np.zeros(max(sum(sizes.values()), 1)), 0.0
        for question in range(QUESTIONS):
            hook = "begin" if question == 0 else str(random.choice(asked))
            now_s += float(random.choice([0.0, 1.0])) * float(random.exponential(1.0))
            facts = _facts(random, file.axis, hook, now_s)
            if wrong := _asked(rule, hook, params, memory, facts):
                return wrong
    return ""


def _asked(rule: type[OwnRule], hook: str, params: Floats, memory: Floats, facts: Floats) -> str:
    """Ask a function once, compiled and uncompiled; `memory` is then as it left it."""
    module = modules.of_file(rule.file)
    sizes = dict.fromkeys(module.PARAMS, 1), dict(module.MEMORY), dict.fromkeys(FACTS, 1)
    given = params.copy(), facts.copy()
    plain = params.copy(), memory.copy(), facts.copy()
    views = [View(size, row) for size, row in zip(sizes, plain, strict=True)]
    seen = _told_facts(rule.file.axis, facts)
    try:
        answer = getattr(module, hook)(*views)
    except Exception as error:  # whatever the user's own code raises
        lines = [one.lineno for one in traceback.extract_tb(error.__traceback__) if rule.file.digest in one.filename]
        return f"{hook}, line {lines[-1] if lines else 0}: {type(error).__name__}: {error}, at {seen}"
    said = _compiled(rule, hook)(params.ctypes.data, memory.ctypes.data, facts.ctypes.data)
    if hook in SILENT:
        answer = said = 0.0
    if not isinstance(answer, int | float | np.floating) or not math.isfinite(answer):
        return f"{hook} says {answer!r}; want a number, at {seen}"
    if float(answer) != said:
        return f"{hook} says {said!r} compiled and {answer!r} uncompiled, at {seen}"
    if not (np.array_equal(given[0], plain[0]) and np.array_equal(given[1], plain[2])):
        return f"{hook} writes parameters or facts; want it to write its memory alone"
    if not np.array_equal(plain[1], memory, equal_nan=True):
        place = int(np.flatnonzero(plain[1] != memory)[0])
        name = [name for name, size in module.MEMORY.items() for _ in range(size)][place]
        return f"{hook} leaves {name} = {memory[place]!r} compiled and {plain[1][place]!r} uncompiled, at {seen}"
    return ""


def _compiled(rule: type[OwnRule], hook: str) -> Callable[[int, int, int], float]:
    """A function as compiled code calls it: by its address, with the addresses of three rows."""
    rows = [ctypes.c_void_p] * 3
    kind = ctypes.CFUNCTYPE(None if hook in SILENT else ctypes.c_double, *rows)
    return kind(controllers.address_of(rule.file.controller, hook))


def _facts(random: np.random.Generator, axis: str, hook: str, now_s: float) -> Floats:
    """Facts as a host might have them, and at their edges."""
    workers = float(random.choice([0, 1, 2, 8, 64]))
    time_s = [0.0, 0.001, float(random.exponential(1.0)), float(random.exponential(60.0))]
    drawn = {
        "now_s": now_s,
        "event": float(random.integers(1, contract.RESTARTED + 1)) if hook == "told" else 0.0,
        "number": float(random.integers(0, 3)),
        "client": float(random.integers(0, 100)),
        "attempt": float(random.integers(0, 1000)),
        "cost": float(random.choice([0.0, 1.0, 2.5])),
        "members": float(random.choice([0, 1, 1000])),
        "u": float(random.random()),
        "u_client": float(random.random()),
        "waiting": float(random.choice([0, 1, 10, 1000, 1_000_000])),
        "in_service": float(random.integers(0, int(workers) + 1)),
        "workers": workers,
        "capacity_per_s": workers * float(random.choice([0.1, 100.0])),
        "tries": float(random.choice([0, 0, 1, 2, 5, 40, 5000])),
        "is_leased": float(random.integers(0, 2)),
        "sojourn_s": float(random.choice(time_s)),
        "waited_s": float(random.choice(time_s)),
        "timeout_s": float(random.choice([1.0, 30.0, 1e9])),
        "left_s": float(random.choice(time_s)),
        "mark": float(random.integers(0, 4)),
        "hint_s": float(random.choice([-1.0, 0.0, 30.0])),
        "holds": float(random.choice([0, 0, 1, 7])),
        "last": float(random.integers(0, contract.TIMED_OUT + 1)),
    }
    known_here = (*_ALWAYS, *SEEN[axis])
    hint_s = {"hint_s": -1.0}
    return np.array([drawn[name] if name in known_here else hint_s.get(name, 0.0) for name in FACTS])


def _told_facts(axis: str, facts: Floats) -> str:
    shown = ("now_s", "event", "u", *SEEN[axis])
    return ", ".join(f"{name} {facts[FACTS.index(name)]:.6g}" for name in shown)


# --- small runs

_HOST = """
horizon = "3m"
hold = "10s"
host = { workers = 1, establish_time = "400ms", timeout = "3s", round_trip = "10ms" }
dependency.outages = [{ from = "30s", to = "70s" }]
operator = [{ do = "restart", at = "100s", down_for = "5s" }]
"""
_HERD = f"""
fleet = {{ holders = 60, hosts = {HOSTS} }}
lease = {{ duration = "40s", check_every = "20s" }}
"""
_JOBS = f"""
jobs = {{ hosts = {HOSTS}, steps = [{{ at = "0s", rate = "6/s" }}], retries = 2 }}
"""


def _scenarios(rule: type[OwnRule]) -> dict[str, str]:
    """Small scenarios with the rule: more comes than the hosts can do, the dependency is away, hosts restart."""
    file = rule.file
    waits = "" if file.axis == "client" else 'policy.client = { name = "full-jitter", base = "1s", cap = "8s" }\n'
    text = f'{_HOST}{waits}policy.{file.axis} = "{file.name}"\n'
    found = {"a herd of leases": text + _HERD}
    return found if file.axis == "lease" else found | {"jobs": text + _JOBS}


def _outcome(variant: Variant, threads: int) -> Outcome:
    with pipeline.Runner(threads) as runner:
        return next(runner.run([(variant, 1, 0)]))


def _numbers(outcome: Outcome) -> dict[str, list[int]]:
    """All that the hosts wrote, by the names of its columns."""
    return {name: values.tolist() for name, values in outcome.series.items()}


def _differs(one: dict[str, list[int]], other: dict[str, list[int]]) -> str:
    names = [name for name in one if one[name] != other.get(name)]
    if not names:
        return ""
    name = names[0]
    window = next(i for i, (a, b) in enumerate(zip(one[name], other[name], strict=True)) if a != b)
    return f"{name} in window {window} is {one[name][window]}, and {other[name][window]}"


_ENDS = (
    "rejected_throttle", "rejected_admission", "rejected_full", "rejected_down", "dropped", "lost", "cancelled",
    "succeeded", "wasted", "failed", "barred",
)  # fmt: skip


def _lost(outcome: Outcome) -> str:
    """Requests that came and are nowhere."""
    series = outcome.series
    came = series["submitted"].cumsum()
    ended = np.sum([series[name] for name in _ENDS], axis=0).cumsum()
    left = came - ended - series["queue"] - series["in_service"]
    wrong = np.flatnonzero(left)
    return f"{left[wrong[0]]} requests are missing in window {wrong[0]}" if len(wrong) else ""


def _cut(variant: Variant) -> str:
    """Where a host says something else when its run is cut."""
    scenario, random = variant.scenario, np.random.default_rng(2)
    traffic, end = known.traffic_of(scenario), scenario.windows * ns(scenario.coupling.window)
    holders = scenario.fleet.holders // HOSTS if scenario.fleet is not None else 0
    whole, pieces = (traffic.start(scenario, 1, 0, 0, holders) for _ in range(2))
    whole.advance(end)
    for stop in sorted(random.integers(1, end, 40).tolist()):
        pieces.advance(stop)
    pieces.advance(end)
    rows = np.argwhere(whole.series != pieces.series)
    return f"window {rows[0][0]} is another" if len(rows) else ""


def _uncompiled(first: dict[str, list[int]], path: Path, name: str) -> str:
    """Where the same run in a process that compiles nothing says something else."""
    says = "import sys; from recovery.study import own; own.tell(*sys.argv[1:])"
    ours = [str(code.RECOVERY.parent), str(Path(recovery_kernels.__file__).parents[1])]
    found = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", says, str(path), name],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": os.pathsep.join(ours)},
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    if found.returncode:
        return found.stderr.strip().splitlines()[-1] if found.stderr.strip() else "it ended without a word"
    return _differs(first, json.loads(found.stdout))


def tell(path: str, name: str) -> None:
    """Print what one of the small runs gave, as JSON."""
    rule = own.rule_at(Path(path))
    add(rule)
    print(json.dumps(_numbers(_outcome(parse(_scenarios(rule)[name]).first, 1))))
