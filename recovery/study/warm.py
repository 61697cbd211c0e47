"""Kernels are compiled before they are needed, in small runs of each stage, and it is said how long that takes."""

import sys
import time
from collections.abc import Callable, Iterable

from recovery.model.race import RaceAlone
from recovery.model.variant import Variant
from recovery.reading.experiment import parse
from recovery.simulate import chain, needed, pipeline
from recovery.simulate.needed import KernelPart
from recovery.study import race
from recovery.units import show_duration

_HOST = 'host = { establish_time = "1ms", timeout = "1s" }\nhorizon = "4s"\nhold = "0s"\ncoupling.window = "1s"\n'
_LEASES = _HOST + 'fleet = { holders = 2, hosts = 1 }\nlease = { duration = "2s", check_every = "1s" }\n'
_LAUNCHES = _LEASES + 'launches.demand = "1/s"\n'
_PROPAGATION = _LAUNCHES + 'propagation.time = "1ms"\n'
_HEALTH = 'health = { targets = 2, interval = "1s", timeout = "500ms", time = "1ms"'
_DNS = """
dns.enactors = 2
dns.endpoints = 2
dns.keep = 2
dns.delays = { plan = "20s", look = "5s", transaction = "4s", back_off = "5s", clean_up = "1s" }
dns.lock = { loses = "10%", loses_again = "50%", factor = 2.0, cap = "1m" }
"""
_SMALL = {
    needed.LANES: _LEASES,
    needed.LANES_ANY: _LEASES + 'policy.queue = "lifo"\n',
    needed.ALONE: _LEASES + 'operator = [{ do = "restart", at = "1s" }]\n',
    needed.SAMPLE: _LEASES.replace("holders = 2, hosts = 1", "holders = 3, hosts = 3, sample_hosts = 2"),
    needed.LANES_SESSIONS: _LEASES + "classes.all = {}\n",
    needed.LANES_CLASSES: _LEASES + "classes = { one = { share = 0.5 }, two = {} }\n",
    needed.ENDED: _LEASES + 'operator = [{ do = "restart", at = "1s", sessions = "end", told = true }]\n',
    needed.LEASES: _LEASES + 'policy.lease = "freeze"\n',
    needed.JOBS: _HOST + 'jobs.steps = [{ at = "0s", rate = "1/s" }]\n',
    needed.JOBS_EVENTS: _HOST.replace('timeout = "1s"', 'timeout = { dist = "uniform", min = "1s", max = "2s" }')
    + 'jobs.steps = [{ at = "0s", rate = "1/s" }]\n',
    needed.SESSIONS: _LEASES + 'operator = [{ do = "purge", at = "1s" }]\n',
    needed.LAUNCHES: _LAUNCHES,
    needed.DOOR: _PROPAGATION + 'launches.admission = "fixed-concurrency"\n',
    needed.PROPAGATION: _PROPAGATION,
    needed.SHARDS: _PROPAGATION + 'propagation.intake = { name = "leaky-bucket", rate = "1/s", wait = "1s" }\n',
    needed.HEALTH: _PROPAGATION + _HEALTH + " }\n",
    needed.LOOP: _PROPAGATION + _HEALTH + ', terminate_after = "1s" }\n',
    needed.WINDOW: _LEASES + _DNS + 'dns.window = { at = "0s", detect = "1s", repair = "1s", negative_ttl = "1s" }\n',
}
_RACE = (
    _DNS
    + "how_often = { years = 1e-4, trials = 10, repeats = 2 }\n"
    + "possible = { enactors = 2, endpoints = 1, plans = 2, guardrails = [[]] }\n"
)


def parts_of(variants: Iterable[Variant]) -> list[KernelPart]:
    """What runs of these variants call."""
    return list(dict.fromkeys(part for variant in variants for part in needed.parts_of(variant.scenario)))


def compile_s(parts: Iterable[KernelPart]) -> float:
    """About how many seconds it takes to compile what is missing of these."""
    missing = needed.missing(parts)
    shared_s = needed.ON_LANES_S if any(part in missing for part in needed.ON_LANES) else 0.0
    return shared_s + sum(part.compile_s for part in missing)


def for_runs(variants: Iterable[Variant], quiet: bool) -> None:
    """Compile what runs of these variants need and what is not compiled yet, and say so before and after."""
    missing = needed.missing(parts_of(variants))
    if not missing:
        return
    begun, cpu_s = time.monotonic(), time.process_time()
    if not quiet:
        kernels = ", ".join(dict.fromkeys(kernel for own in missing.values() for kernel in own))
        _say(f"compiling {kernels}: about {show_duration(compile_s(missing))} of CPU time, kept for later …")
    for part in missing:
        compile_part(part)
    if not quiet:
        cpu_s = time.process_time() - cpu_s
        _say(f"compiled in {show_duration(time.monotonic() - begun)} ({show_duration(cpu_s)} of CPU time)")


def all_of(parts: Iterable[KernelPart], tell: Callable[[str], None]) -> dict[str, float]:
    """Compile the parts that are not compiled yet, and tell each before and after; seconds that each took, by name."""
    took_s = {}
    for part, kernels in needed.missing(parts).items():
        tell(f"{part.name}: {', '.join(kernels)}: about {show_duration(part.compile_s)} of CPU time …")
        begun = time.monotonic()
        compile_part(part)
        took_s[part.name] = time.monotonic() - begun
        tell(f"{part.name}: compiled in {show_duration(took_s[part.name])}")
    return took_s


def compile_part(part: KernelPart) -> None:
    """Run the least that calls each kernel of a part, and the stages before it."""
    if part is needed.RACE:
        race.answer(parse(_RACE, model=RaceAlone), 1)
        return
    with pipeline.Runner(1) as runner:
        for outcome in runner.run([(parse(_SMALL[part]).first, 1, 0)]):
            chain.follow(outcome)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
