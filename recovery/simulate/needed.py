"""Which kernels a scenario needs, and which of them were compiled before.

A part is what one stage calls from Python; what these call is compiled with them. Whether a part is compiled is asked
of each of its kernels: the first stage's may be there, and a later stage's not.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numba
from recovery_kernels import jit

from recovery.model.operator import Restart
from recovery.model.race import RaceAlone
from recovery.model.scenario import Scenario
from recovery.stages import engines, feedback, launches, leases, propagation


class KernelPart(NamedTuple):
    """Kernels that are compiled together: what they are for, their names (module.function), and about how long; those
    of lanes beside ON_LANES_S.
    """

    name: str
    kernels: tuple[str, ...]
    compile_s: float


ON_LANES_S = 20.0  # what all kernels of the lane engine are made of: compiled once by a process, whichever it compiles
_KEY = "draws.stream_key"
_STEADY = ("draws.stream_keys", "draws.steady")
_ENDS = ("ends.begin", "ends.close", "ends.leases", "ends.unleased")
LANES = KernelPart("leases", ("engine.advance",), 5.0)
LANES_ANY = KernelPart("leases, newest first or with cancel", ("engine.advance_any",), 4.0)
ALONE = KernelPart("hosts of leases that do not take turns", (*_STEADY, *_ENDS), 1.0)
SAMPLE = KernelPart("a sample of hosts", ("draws.stream_keys", "draws.uniforms"), 1.0)
LANES_SESSIONS = KernelPart("leases where stale work is counted", (*_STEADY, *_ENDS, "engine.advance_sessions"), 3.0)
LANES_CLASSES = KernelPart("leases of several classes", (*_STEADY, *_ENDS, "engine.advance_classes"), 4.0)
ENDED = KernelPart(
    "sessions that end", tuple(f"ended.{name}" for name in ("end_sessions", "learn", "tell_lost", "put_in")), 4.0
)
LEASES = KernelPart("leases event by event", (*_STEADY, "requests.advance", "requests.wake_holders"), 7.0)
JOBS = KernelPart("jobs", ("draws.stream_keys", "engine.advance_jobs", "ends.close"), 3.0)
JOBS_EVENTS = KernelPart(
    "jobs event by event", ("draws.stream_keys", "requests.advance", "requests.first_arrival"), 8.0
)
SESSIONS = KernelPart("sessions", (_KEY, *_STEADY, "loop.advance", "loop.begin"), 28.0)
LAUNCHES = KernelPart("launches", (_KEY, "launches.begin", "launches.advance"), 3.0)
PROPAGATION = KernelPart("propagation", (_KEY, "propagation.advance"), 3.0)
DOOR = KernelPart("admission of launches", ("launch_door.begin",), 1.0)
SHARDS = KernelPart("propagation event by event", (_KEY, "shards.begin", "shards.advance"), 5.0)
HEALTH = KernelPart("health", (_KEY, "draws.uniforms", "health.advance", "launches.ask"), 3.0)
LOOP = KernelPart("loop of the later stages", ("feedback.advance",), 2.0)
WINDOW = KernelPart("outage of the race", (_KEY, "draws.uniform"), 1.0)
RACE = KernelPart(
    "race",
    (
        *(f"dns.{name}" for name in ("set_keys", "begin", "advance", "entrances", "stage")),
        *(f"interleavings.{name}" for name in ("explore", "newest_of", "row_of", "active_of", "is_deleted")),
    ),
    6.0,
)
ON_LANES = (LANES, LANES_ANY, LANES_SESSIONS, LANES_CLASSES, JOBS)
PARTS = (
    LANES, LANES_ANY, ALONE, SAMPLE, LANES_SESSIONS, LANES_CLASSES, ENDED, LEASES, JOBS, JOBS_EVENTS, SESSIONS,
    LAUNCHES, DOOR, PROPAGATION, SHARDS, HEALTH, LOOP, WINDOW, RACE,
)  # fmt: skip


def parts_of(scenario: Scenario | RaceAlone) -> list[KernelPart]:
    """What a run of the scenario calls, its race too."""
    if isinstance(scenario, RaceAlone):
        return [RACE]
    part = scenario.propagation
    later = (
        (LAUNCHES, scenario.launches),
        (DOOR, scenario.launches if scenario.launches is not None and launches.used(scenario) else None),
        (PROPAGATION if part is None or propagation.is_plain(part) else SHARDS, part),
        (HEALTH, scenario.health),
        (LOOP, scenario.health if feedback.is_one_kernel(scenario) else None),
        (WINDOW, scenario.dns_window),
        (RACE, scenario.dns),
    )
    first = _first(scenario)
    is_alone = first in (LANES, LANES_ANY) and not leases.run_in_turn(scenario)
    own = ((ALONE, is_alone), (SAMPLE, leases.are_sampled(scenario)), (ENDED, _ends(scenario)))
    return [
        first,
        *(part for part, is_wanted in own if is_wanted),
        *(part for part, wanted in later if wanted is not None),
    ]


def _ends(scenario: Scenario) -> bool:
    """Whether the lane engine has to end sessions, or to tell clients of a restart."""
    if not scenario.rules or engines.engine_of(scenario) != engines.LANES:
        return False
    is_cold = scenario.fleet is not None and scenario.fleet.start == "unleased"
    return is_cold or any(
        action.ends_sessions or (isinstance(action, Restart) and action.told) for action in scenario.operator
    )


def _first(scenario: Scenario) -> KernelPart:
    engine = engines.engine_of(scenario)
    if engine == engines.SESSIONS:
        return SESSIONS
    is_on_lanes = engine == engines.LANES
    if not scenario.has_leases:
        return JOBS if is_on_lanes else JOBS_EVENTS
    if not is_on_lanes:
        return LEASES
    if len(scenario.classes) > 1:
        return LANES_CLASSES
    if engines.looks_at_queue(scenario):
        return LANES_ANY
    return LANES_SESSIONS if scenario.rules else LANES


def missing(parts: Iterable[KernelPart]) -> dict[KernelPart, list[str]]:
    """The parts that are not compiled yet, each with those of its kernels that are missing."""
    if numba.config.DISABLE_JIT:  # type: ignore[attr-defined]  # filled when Numba starts
        return {}
    there = {file.name.partition("-")[0] for file in jit.cache_dir().rglob("*.nbi")}
    wanted = {part: [kernel for kernel in part.kernels if kernel not in there] for part in dict.fromkeys(parts)}
    return {part: kernels for part, kernels in wanted.items() if kernels}
