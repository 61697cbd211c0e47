"""The DNS race: from the table [dns] to the kernel, and how often, how late, and whether at all."""

import itertools
import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from recovery_kernels import dns as kernel
from recovery_kernels import interleavings as space
from recovery_kernels import requests

from recovery.errors import Refusal
from recovery.measures import histograms
from recovery.model.dns import Dns
from recovery.stages.queueing import MeasuredValues, dist
from recovery.statistics.arrays import Floats
from recovery.statistics.means import mean_interval

YEAR_S = 365.25 * 86_400.0
FLAGS = {
    "compare-and-set": kernel.COMPARE_AND_SET,
    "keep-active": kernel.KEEP_ACTIVE,
    "refuse-empty": kernel.REFUSE_EMPTY,
    "one-writer": kernel.ONE_WRITER,
}


def flags(guardrails: Sequence[str]) -> int:
    """Guardrails as the kernel has them."""
    return sum(FLAGS[name] for name in set(guardrails))


def params(dns: Dns, table: MeasuredValues) -> kernel.Params:
    """What decides a race, in the kernel's form."""
    delays, lock = dns.delays, dns.lock
    return kernel.Params(
        enactors=dns.enactors,
        endpoints=dns.endpoints,
        keep=dns.keep,
        guardrails=flags(dns.guardrails),
        plan=dist(delays.plan, table),
        look=dist(delays.look, table),
        transaction=dist(delays.transaction, table),
        back_off=dist(delays.back_off, table),
        clean_up=dist(delays.clean_up, table),
        check=dist(delays.check, table),
        loses=float(lock.loses),
        loses_again=float(lock.loses_again),
        factor=float(lock.factor),
        cap_ns=lock.cap * 1e9,
    )


def new_race(p: kernel.Params, *, latency: bool = False, log_lines: int = 0) -> kernel.Race:
    """Arrays of a race; `latency`: whether the latency of plans is kept."""
    return kernel.Race(
        whole=np.zeros(kernel.WHOLE, np.int64),
        enactors=np.zeros((p.enactors, kernel.COLUMNS), np.int64),
        active=np.zeros(p.endpoints, np.int64),
        locks=np.zeros(p.endpoints, np.int64),
        spared=np.zeros(p.endpoints, np.int64),
        published=np.zeros(kernel.RING if latency else 0, np.int64),
        histogram=np.zeros(requests.HISTOGRAM if latency else 1, np.int64),
        log=np.zeros((log_lines, 5), np.int64),
        keys=np.zeros((p.enactors, kernel.STREAMS), np.uint64),
    )


def begin(p: kernel.Params, table: Floats, race: kernel.Race, seed: int, replication: int) -> None:
    """Set the keys and put the race to its start."""
    kernel.set_keys(race, np.uint64(seed), np.uint64(replication))
    kernel.begin(p, table, race)


# --- is it possible at all --------------------------------------------------------------------------------------------

STATES_FIRST, STATES_MAX = 1 << 16, 1 << 25


@dataclass(frozen=True)
class Exploration:
    """What a search of all interleavings found: `story` has the steps to the empty record, empty if impossible.

    `states`: states that were looked at (all there are, if it is impossible); `steps`: steps between them.
    """

    enactors: int
    endpoints: int
    plans: int
    keep: int
    guardrails: tuple[str, ...]
    states: int
    steps: int
    story: tuple[str, ...]

    @property
    def is_possible(self) -> bool:
        """Whether a record can become empty."""
        return bool(self.story)


def explore(enactors: int, endpoints: int, plans: int, keep: int, guardrails: Sequence[str] = ()) -> Exploration:
    """Every interleaving of a small race: shortest way to an empty record, or that there is none.

    Up to 3 Enactors, 4 endpoints, 7 plans. Refusal beyond, and if there are more states than fit.
    """
    sizes = (("enactors", enactors, space.ENACTORS_MAX), ("endpoints", endpoints, space.ENDPOINTS_MAX))
    for name, value, most in (*sizes, ("plans", plans, space.PLANS_MAX), ("keep", keep, space.PLANS_MAX)):
        if not 1 <= value <= most:
            raise Refusal(f"{name} is {value}; want 1 to {most} for a search of all interleavings")
    room, counts = STATES_FIRST, np.zeros(3, np.int64)
    while True:
        table = np.full(2 * room, -1, np.int64)
        states, parents = np.empty(room, np.int64), np.empty(room, np.int64)
        sizes_ = (enactors, endpoints, plans, keep, flags(guardrails))
        status = space.explore(*sizes_, table, states, parents, counts)
        if status != space.FULL:
            break
        room *= 4
        if room > STATES_MAX:
            raise Refusal(f"more than {room // 4} states; want fewer plans, endpoints or Enactors")
    story: list[str] = []
    if status == space.FOUND:
        trace = [int(counts[2])]
        while parents[trace[-1]] >= 0:
            trace.append(int(parents[trace[-1]]))
        way = [int(states[i]) for i in reversed(trace)]
        story = [_told(a, b, enactors, endpoints, keep, guardrails) for a, b in itertools.pairwise(way)]
    key = tuple(sorted(set(guardrails)))
    return Exploration(enactors, endpoints, plans, keep, key, int(counts[0]), int(counts[1]), tuple(story))


def _told(a: int, b: int, enactors: int, endpoints: int, keep: int, guardrails: Sequence[str]) -> str:
    """One step in words."""
    if space.newest_of(b) != space.newest_of(a):
        return f"The Planner publishes plan {space.newest_of(b)}."
    e = next(e for e in range(enactors) if space.row_of(a, e) != space.row_of(b, e))
    name = f"Enactor {'ABC'[e]}"
    phase, plan, endpoint = (int(part) for part in space.row_of(a, e))
    then, new_plan, _ = (int(part) for part in space.row_of(b, e))
    if phase == kernel.IDLE:
        own = range(e, endpoints, enactors) if "one-writer" in guardrails else range(endpoints)
        applied = max(int(space.active_of(a, i)) for i in own)
        return f"{name} takes plan {new_plan} and checks once: it is newer than plan {applied}, which is applied."
    if phase == kernel.WAITING:
        return f"{name} takes the lock of endpoint {endpoint + 1}."
    if phase == kernel.WRITING:
        before = int(space.active_of(a, endpoint))
        if space.active_of(b, endpoint) == before and then == kernel.IDLE:
            lost_plan = before if space.is_deleted(a, before) else plan
            return f"{name} gives up at endpoint {endpoint + 1}: plan {lost_plan} is gone."
        if space.active_of(b, endpoint) == before:
            return f"{name} passes endpoint {endpoint + 1} by: it has plan {before}, no older than {plan}."
        text = f"{name} writes plan {plan} to endpoint {endpoint + 1}"
        if plan < before:
            text += f", over plan {before}, which is newer"
        if space.is_deleted(a, plan):
            return f"{text}. But plan {plan} is gone: endpoint {endpoint + 1} is empty, and no Enactor can mend it."
        return text + "."
    gone = [old for old in range(8) if space.is_deleted(b, old) and not space.is_deleted(a, old)]
    which = f"deletes {_listed(gone)}" if gone else "finds nothing to delete"
    text = f"{name} has finished plan {plan} and cleans up: it {which} ({keep} or more generations older)"
    lost = [i for i in range(endpoints) if int(space.active_of(b, i)) in gone]
    if lost:
        i = lost[0]
        used = int(space.active_of(b, i))
        return f"{text}. But endpoint {i + 1} uses plan {used}: it is empty, and no Enactor can mend it."
    return text + "."


def _listed(plans: Sequence[int]) -> str:
    return f"plan {plans[0]}" if len(plans) == 1 else f"plans {plans[0]} to {plans[-1]}"


# --- how often, and how late ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rate:
    """Empty records a year with a 95 % interval, how it was found (brute force or splitting), and from how much.

    `years` and `cycles` are simulated years and generations of plans; `empty` is the number of empty records seen (by
    brute force only); `levels` the lags, in generations, between which splitting was done.
    """

    method: str
    per_year: float
    low: float
    high: float
    years: float
    cycles: int
    empty: int
    levels: tuple[int, ...] = ()
    latency_mean_s: float = math.nan
    latency_p50_s: float = math.nan
    latency_p99_s: float = math.nan
    latency_p999_s: float = math.nan


def _run(dns: Dns, seed: int, replication: int, until_s: float) -> kernel.Race:
    table = MeasuredValues()
    p = params(dns, table)
    values = table.array()
    race = new_race(p, latency=True)
    begin(p, values, race, seed, replication)
    kernel.advance(p, values, race, np.int64(until_s * 1e9), 1, 0, 0)
    return race


def by_brute_force(dns: Dns, *, years: float, seed: int, replications: int = 1, threads: int = 1) -> Rate:
    """Rate of empty records a year over `years` in each replication, each put in order as soon as it is there.

    The interval is the exact one of a Poisson count (Garwood, Biometrika 28, 1936): empty records are far apart
    against the time that a race remembers. Latency of a plan: from its publication until every endpoint has it or a
    newer one.
    """
    from scipy import stats

    with ThreadPoolExecutor(threads) as pool:
        races = list(pool.map(lambda n: _run(dns, seed, n, years * YEAR_S), range(replications)))
    count = sum(int(race.whole[kernel.STUCK]) for race in races)
    total = years * replications
    low = float(stats.chi2.ppf(0.025, 2 * count)) / 2 / total if count else 0.0
    high = float(stats.chi2.ppf(0.975, 2 * count + 2)) / 2 / total
    histogram = np.sum([race.histogram for race in races], axis=0)
    starts = requests.part_start_ns(np.arange(requests.HISTOGRAM))
    middles = (starts + np.append(starts[1:], starts[-1])) / 2e9
    known = int(histogram.sum())
    half_s, most_s, nearly_all_s = histograms.quantiles_s(histogram, starts, (0.5, 0.99, 0.999))
    return Rate(
        "brute force",
        count / total,
        low,
        high,
        total,
        sum(int(race.whole[kernel.NEWEST]) for race in races),
        count,
        latency_mean_s=float((histogram * middles).sum() / known) if known else math.nan,
        latency_p50_s=half_s,
        latency_p99_s=most_s,
        latency_p999_s=nearly_all_s,
    )


COMMON_SHARE = 0.02  # the first level of splitting is entered in about this share of the plan cycles, or less


def _pool(p: kernel.Params, places: int) -> kernel.Pool:
    return kernel.Pool(
        whole=np.zeros((places, kernel.WHOLE), np.int64),
        enactors=np.zeros((places, p.enactors, kernel.COLUMNS), np.int64),
        active=np.zeros((places, p.endpoints), np.int64),
        locks=np.zeros((places, p.endpoints), np.int64),
        spared=np.zeros((places, p.endpoints), np.int64),
    )


def _first_level(dns: Dns, p: kernel.Params, values: Floats, seed: int, until_ns: int) -> int:
    """The lowest lag that is entered in at most COMMON_SHARE of the plan cycles of a short run; at most `keep`."""
    for level in range(1, dns.keep):
        race = new_race(p)
        begin(p, values, race, seed, 2**40)
        seen = np.zeros(1, np.int64)
        kernel.entrances(p, values, race, np.int64(until_ns), level, _pool(p, 1), seen)
        if seen[0] <= COMMON_SHARE * max(int(race.whole[kernel.NEWEST]), 1):
            return level
    return dns.keep


def _split(dns: Dns, seed: int, repeat: int, years: float, trials: int, levels: Sequence[int]) -> tuple[float, int]:
    """One estimate (per year) by fixed-effort splitting, and the generations that its first stage took."""
    table = MeasuredValues()
    p = params(dns, table)
    values = table.array()
    race = new_race(p)
    first = (repeat + 1) << 32  # replications of this repeat's own
    begin(p, values, race, seed, first)
    seen = np.zeros(1, np.int64)
    here, there = _pool(p, trials), _pool(p, trials)
    kernel.entrances(p, values, race, np.int64(years * YEAR_S * 1e9), levels[0], here, seen)
    cycles = int(race.whole[kernel.NEWEST])
    rate, parents = float(seen[0]) / years, min(int(seen[0]), trials)
    for n in range(len(levels)):
        if parents == 0:
            return 0.0, cycles
        up = levels[n + 1] if n + 1 < len(levels) else 0
        start = np.uint64(first + 1 + n * trials)
        reached = int(
            kernel.stage(p, values, race, np.uint64(seed), start, levels[0], up, parents, trials, here, there)
        )
        rate *= reached / trials
        here, there, parents = there, here, reached
    return rate, cycles


def by_splitting(dns: Dns, *, years: float, seed: int, trials: int = 2000, repeats: int = 16, threads: int = 1) -> Rate:
    """Rate of empty records a year by fixed-effort multilevel splitting (Garvels, 2000; Botev and Kroese, 2012).

    The importance of a state is the lag: how many generations the oldest plan in a record, or in the hands of an
    Enactor that walks, is behind the newest. A record can only become empty once the lag is `keep`. The first stage
    counts over `years` how often the lag comes to the first level; each further stage runs `trials` copies of states
    that have reached one level until they reach the next (at the last: until a record is empty) or fall below the
    first. A copy draws its running timers anew, given how long they have lasted. The product is unbiased; the interval
    is Student's over independent repeats.
    """
    table = MeasuredValues()
    p = params(dns, table)
    level = _first_level(
        dns, p, table.array(), seed, int(min(years, 20_000 * dns.delays.plan.mean_s() / YEAR_S) * YEAR_S * 1e9)
    )
    levels = tuple(range(level, dns.keep + 1))
    with ThreadPoolExecutor(threads) as pool:
        found = list(pool.map(lambda n: _split(dns, seed, n, years, trials, levels), range(repeats)))
    mean, low, high = mean_interval([rate for rate, _ in found], least=0.0)
    return Rate("splitting", mean, low, high, years * repeats, sum(c for _, c in found), 0, levels)
