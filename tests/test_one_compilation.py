"""Five hundred combinations of policies in one process compile each kernel once, each function of a controller once.

Oracle: Numba's own list of the signatures that a function was compiled for, and its events of compiling. A kernel that
is looked up once gives what it gives when it is looked up at each call.
"""

import itertools

import numpy as np
import pytest
from numba.core import event
from recovery_kernels import jit, requests
from recovery_kernels.lanes import ends, engine
from recovery_kernels.sessions import loop

import recovery
from recovery.errors import ScenarioError
from recovery.model.policies import AXES, name_of
from recovery.stages import host, lanes
from recovery.stages.sessions import controllers, run

HERD = """
horizon = "4m"
hold = "1m"
coupling.window = "10s"
fleet = { holders = 40, hosts = 1 }
host = { workers = 1, establish_time = { dist = "exponential", mean = "1s" }, renew_time = "20ms", timeout = "10s" }
lease = { duration = "40s", check_every = "20s" }
dependency.outages = [{ from = "20s", to = "80s" }]
"""
MANY = 500
HOOKS = len(controllers.HOOKS)
SETTLED = (
    host.ADVANCE, lanes.ADVANCE, lanes.ADVANCE_ANY, lanes.ADVANCE_SESSIONS, lanes.ADVANCE_CLASSES, lanes.ADVANCE_JOBS,
    run.ADVANCE,
)  # fmt: skip
KERNELS = (
    engine.advance, engine.advance_any, engine.advance_sessions, engine.advance_classes, engine.advance_jobs,
    requests.advance, loop.advance, loop.begin,
)  # fmt: skip
CLASSES = HERD + "classes = { one = { share = 0.5 }, two = {} }\n"
JOBS = (
    HERD.replace("fleet = { holders = 40, hosts = 1 }", 'jobs.steps = [{ at = "0s", rate = "1/s" }]')
    .replace('lease = { duration = "40s", check_every = "20s" }', "")
    .replace('renew_time = "20ms", ', "")
)
# A host of each kernel: of lanes, of lanes that look at their queue or count stale work, of events, of sessions.
EACH = (
    {},
    {"policy.queue": "lifo"},
    {"fleet.start": "unleased"},
    {"policy.lease": "freeze"},
    {"policy.guard": "retry-budget"},
)


def combinations() -> list[dict[str, str]]:
    """Combinations of rules by name, spread over all of them."""
    names = [[name_of(rule) for rule in rules] for rules in AXES.values()]
    every = list(itertools.product(*names))
    step = 0.6180339887498949 * len(every)  # the golden section: each name comes as often as any other
    chosen = [every[int(k * step) % len(every)] for k in range(3 * MANY)]
    return [dict(zip(AXES, one, strict=True)) for one in dict.fromkeys(chosen)]


@pytest.mark.slow
def test_five_hundred_combinations_compile_each_kernel_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for one in SETTLED:  # so that Numba looks at the types of each call
        monkeypatch.setattr(one, "call", one.function)
    base = recovery.parse(HERD)
    for policy in EACH:
        base.with_(**policy).run()
    for text in (CLASSES, JOBS):
        for queue in ("fifo", "bounded"):
            recovery.parse(text).with_(**{"policy.queue": queue}).run()
    done, before = 0, controllers.address_of.cache_info().misses
    with event.install_recorder("numba:compile") as compiled:
        for policy in combinations():
            try:
                scenario = base.with_(**{f"policy.{axis}": name for axis, name in policy.items()})
            except ScenarioError:
                continue  # a combination that makes no sense is refused before anything runs
            scenario.run()
            done += 1
            if done == MANY:
                break
    assert done == MANY
    assert [len(kernel.signatures) for kernel in KERNELS] == [1] * len(KERNELS)  # type: ignore[attr-defined]
    mine = {one.data["dispatcher"].py_func.__module__ for _, one in compiled.buffer if one.is_start}
    of_hosts = tuple(f"recovery_kernels.{part}" for part in ("lanes", "requests", "sessions"))
    assert not {name for name in mine if name.startswith(of_hosts)}
    assert controllers.address_of.cache_info().misses - before <= HOOKS * sum(map(len, AXES.values()))


def test_a_kernel_is_looked_up_once_where_its_arguments_have_the_same_types() -> None:
    expires_ns = np.array([-5, 1_500_000_000, 9_000_000_000])
    settled = jit.Settled(jit.kernel(ends.unleased.py_func))  # type: ignore[attr-defined]

    def lost(one: np.ndarray) -> list[int]:
        parts = np.zeros(2, np.int64)
        settled.call(one, np.int64(4_000_000_000), parts)
        return list(parts)

    asked = settled.call
    assert lost(expires_ns) == [4 + 2, 500_000_000]  # since 0 s and 1.5 s, until 4 s
    assert settled.call != asked
    assert lost(expires_ns[::-1].copy()) == [4 + 2, 500_000_000]

    settled = jit.Settled(settled.function)
    lost(expires_ns.astype(np.int32))  # the kernel has two kinds now, so each call is looked at
    asked = settled.call
    assert lost(expires_ns) == [4 + 2, 500_000_000]
    assert settled.call == asked
