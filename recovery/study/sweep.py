"""Sweeps: every policy in every draw, replication after replication, until what is asked is known well enough.

A *policy* is a variant at a point of the levers; a *draw* is a point of the uncertainties. Draws are made anew in
each replication and are the same for all policies, as are their random numbers, so differences are paired. A draw made
at random has random numbers of its own. What goes on after each look depends on results alone, never on time or order,
so a sweep that was killed and resumed ends with the same table.

The *unit* is what is independent: the run, or the replication where its draws depend on each other (lhs, sobol) or are
the same each time (grid, list). With `precision` intervals hold at every look (statistics.confidence), without it once.
"""

import bisect
import collections
import hashlib
import json
import math
import platform
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from recovery import theory
from recovery.errors import ScenarioError
from recovery.measures import register
from recovery.model.sweep import Span, Sweep
from recovery.model.variant import Variant
from recovery.reading import design
from recovery.reading.design import Point, saltelli, short_keys
from recovery.reading.experiment import Experiment
from recovery.show import text
from recovery.simulate import identity, pilot, pipeline
from recovery.stages.outage import outages_s, resolve
from recovery.statistics import cliff, clusters, confidence, pareto, prim, selection, sobol
from recovery.statistics.estimate import UNKNOWN, Estimate
from recovery.store import files
from recovery.store import results as store
from recovery.study.runs import loop
from recovery.study.runs.chunks import Done, Work, simulate
from recovery.study.runs.executor import Backend
from recovery.units import quantity, show_duration, show_share

UNITS_LEAST = 8  # before the first look: whatever the sequences say, few runs are alike by chance
ROUND_RUNS = 16  # at least, between two looks: workers wait for each other less often
CONFIDENCE = 0.95
ALPHA = 0.05  # 1 - CONFIDENCE
TOGETHER = 20_000  # runs that may wait at once: each keeps its scenario
PRIM_POLICIES = 30  # boxes are looked for in so many policies that fail somewhere
PRIM_RUNS = 32
SENSITIVITY_REPLICATIONS = 8  # among which the base sample of Sobol indices is shared out
NEVER_FAR_S = 600.0  # a policy whose regret stays below this in every draw is never far from the best


class Policy(NamedTuple):
    """A variant at a point of the levers: its number among the variants of the experiment, name, and id (hexadecimal
    digits). Both differ between any two policies; what is joined is joined by the id.
    """

    number: int
    name: str
    id: str
    variant: str
    levers: dict[str, Any]


class Drawn(NamedTuple):
    """A draw of a replication, and the number of its random numbers (the replication of `recovery run`)."""

    inputs: Point
    run_replication: int


class Job(NamedTuple):
    """One run that the sweep wants. `role`: draw (counts), tried (a draw that was not accepted), sensitivity."""

    role: str
    policy: int
    replication: int
    draw: int
    inputs: Point
    run_replication: int


def shown(value: Any) -> Any:
    """A lever's value for tables: a policy with its parameters as text, all else as it is."""
    if isinstance(value, Mapping):
        rest = ", ".join(f"{key}={shown(one)}" for key, one in value.items() if key != "name")
        return f"{value.get('name', '')}({rest})" if rest else str(value.get("name", ""))
    if isinstance(value, list | tuple):
        return "[" + ", ".join(str(shown(one)) for one in value) + "]"
    return value


def policies_of(experiment: Experiment) -> list[Policy]:
    """All policies, the file as it stands first (at the first point of the levers)."""
    short = short_keys(key for variant in experiment.variants for key, _ in variant.levers)
    ids = _ids([[variant.name, variant.levers] for variant in experiment.variants])
    levers = [{key: shown(value) for key, value in variant.levers} for variant in experiment.variants]
    names = [
        ", ".join([variant.name, *(f"{short[key]}={value}" for key, value in own.items())])
        for variant, own in zip(experiment.variants, levers, strict=True)
    ]
    many = collections.Counter(names)  # 5 and "5" are shown alike, and a variant may be called as another with levers
    return [
        Policy(number, name if many[name] == 1 else f"{name} [{ids[number]}]", ids[number], variant.name, own)
        for number, (variant, own, name) in enumerate(zip(experiment.variants, levers, names, strict=True))
    ]


def _ids(policies: Sequence[Any]) -> list[str]:
    """Beginnings of digests, from eight digits on as many as tell all policies apart."""
    digests = [hashlib.sha256(json.dumps(one, default=str).encode()).hexdigest() for one in policies]
    return next(ids for n in range(8, 65) if len(set(ids := [one[:n] for one in digests])) == len(ids) or n == 64)


@dataclass(frozen=True)
class Plan:
    """What a sweep will do at least and at most, before anything runs."""

    policies: int
    draws: int
    least: int
    most: int
    cpu_s: float
    timed: int


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
            f"want no more than sweep.replications_max, {sweep.replications_max}"
        )
    names = {policy.name for policy in policies_of(experiment)}
    for name in sweep.sensitivity.policies if sweep.sensitivity else ():
        if name not in names:
            raise ScenarioError(f"{experiment.file}: sweep.sensitivity.policies has {name!r}; want a policy's name")
    return sweep


def plan(experiment: Experiment, timed: int = 5, patience_s: float = 10.0) -> Plan:
    """How many runs and how long, from a few runs of the first replication that are timed."""
    sweep = wanted(experiment)
    policies, points = policies_of(experiment), design.draws(sweep, experiment.head.seed, 0, 0)
    begun, seconds = time.monotonic(), []
    for i in range(timed):
        policy = policies[i * len(policies) // timed]
        variant = experiment.drawn(policy.number, points[i % len(points)])
        work = Work("", variant, experiment.head.seed, 0)
        if not pilot.is_ready(variant.scenario):
            simulate([work])  # compiles, which is not a run's time
        before = time.process_time()
        simulate([work])
        seconds.append(time.process_time() - before)
        if time.monotonic() - begun > patience_s:
            break
    each = len(policies) * len(points)
    least, most = each * _first_round(experiment), each * _most(experiment)
    return Plan(len(policies), len(points), least, most, math.fsum(seconds) / len(seconds), len(seconds))


def _most(experiment: Experiment) -> int:
    """Replications at most."""
    sweep = wanted(experiment)
    return sweep.replications_max if sweep.precision is not None else experiment.head.replications


def _first_round(experiment: Experiment) -> int:
    """Replications that are run whatever comes: before the first look, or all where nothing is decided on the way."""
    sweep, least = wanted(experiment), experiment.head.replications
    if sweep.precision is None:
        return least
    a_replication = sweep.samples if sweep.draws_anew and sweep.runs_are_units else 1
    return min(max(least, math.ceil(UNITS_LEAST / a_replication)), sweep.replications_max)


class _Known:
    """Results so far: what decides, by key; all else lies in the parts."""

    def __init__(self, folder: Path, measure: str) -> None:
        self.parts, self.curves = store.Parts(folder), store.Parts(folder, "curves")
        self.measure = measure
        self.found: dict[str, tuple[float, str | None, dict[str, float]]] = {}
        self.cpu_s = 0.0
        table = self.parts.read()
        self.curves.read()  # a damaged one is told now and not after hours
        if table is not None and not {"key", "error"} <= set(table.columns):
            raise ValueError(f"{self.parts.folder}: holds files that are no parts of a sweep; want them moved away")
        for row in table.iter_rows(named=True) if table is not None else ():
            self._note(row)
        # What failed may do well now (memory was short, say). What killed its worker would kill another.
        self.again = {key for key, (_, error, _) in self.found.items() if error not in (None, loop.KILLED)}

    def _note(self, row: Mapping[str, Any]) -> None:
        self.cpu_s += row.get("cpu_s") or 0.0
        if row["error"] is not None and row["key"] in self.found:  # a success stays, whenever it came
            return
        kept = {key: value for key in OBSERVABLE if isinstance(value := row.get(key), float)}
        kept["collapsed"] = float(row.get("verdict") == "collapsed")
        value = row.get(self.measure)
        self.found[row["key"]] = (math.nan if value is None else float(value), row["error"], kept)

    def add(self, done: Sequence[Done]) -> None:
        curves = [
            {"key": one.row["key"], "time_s": float(t), "value": float(v)}
            for one in done if one.curve is not None for t, v in one.curve.T
        ]  # fmt: skip
        if curves:
            self.curves.add(curves)
        self.parts.add([one.row for one in done])  # last: a run that is known has its curve
        for one in done:
            self.again.discard(one.row["key"])
            self._note(one.row)


OBSERVABLE = register.milestones()


Tell = Callable[[int, int], None]


def _silent(wanted_runs: int, done_runs: int) -> None:
    """Tell nobody."""


class _Run:
    """A sweep at work; `tell` hears of runs wanted (less than 0: that need not run) and of runs done."""

    def __init__(self, experiment: Experiment, folder: Path, place: Backend, tell: Tell) -> None:
        self.experiment, self.sweep, self.place, self.tell = experiment, wanted(experiment), place, tell
        self.policies = policies_of(experiment)
        self.seed = experiment.head.seed
        self.known = _Known(folder, self.sweep.measure)
        self.each_s = math.nan
        self.jobs: list[tuple[Job, str]] = []  # with the key of each
        self.times: dict[int, dict[tuple[int, int], float]] = {policy.number: {} for policy in self.policies}
        self.status: dict[int, str] = {}
        self.looks: dict[int, confidence.Look] = {}
        self.selected: selection.Selected | None = None
        self.draws: dict[tuple[int, int], Drawn] = {}
        self.tried = 0

    def _work(self, job: Job) -> tuple[str, Work | str]:
        """The key of a job, and what is to be done for it: a run, or the error of a draw that cannot be."""
        try:
            variant = self.experiment.drawn(job.policy, job.inputs)
        except ScenarioError as error:
            key = identity.digest_of_run(
                [self.policies[job.policy].id, json.dumps(job.inputs, default=str), str(error)]
            )
            return key, str(error)
        key = identity.digest_of(variant, self.seed, job.run_replication)
        curves = self.sweep.curves
        keeps = curves is not None and job.role == "draw" and job.replication == 0 and job.draw < curves.draws
        return key, Work(key, variant, self.seed, job.run_replication, curves.every if curves and keeps else 0.0)

    def ensure(self, jobs: Iterable[Job]) -> list[str]:
        """Run what is not known of these; their keys."""
        jobs = list(jobs)
        self.tell(len(jobs), 0)
        keys: list[str] = []
        failed: list[Done] = []
        self.each_s = loop.drain(
            self._unknown(jobs, keys, failed), self.place, self._done, many=len(jobs), each_s=self.each_s
        )
        if failed:
            self.known.add(failed)
        return keys

    def _unknown(self, jobs: Iterable[Job], keys: list[str], failed: list[Done]) -> Iterator[Work]:
        """What is to be run of these; their keys, and the rows of draws that cannot be, go into the lists."""
        asked = set()
        for job in jobs:
            key, work = self._work(job)
            keys.append(key)
            if key in asked or (key in self.known.found and not (key in self.known.again and isinstance(work, Work))):
                self.tell(-1, 0)
                continue
            asked.add(key)
            if isinstance(work, str):
                self.tell(-1, 0)
                failed.append(Done({"key": key, "error": work}, None))
                self.known.found[key] = (math.nan, work, {})
            else:
                yield work

    def _done(self, rows: Sequence[Done]) -> None:
        self.known.add(rows)
        self.tell(0, len(rows))

    def draws_of(self, replication: int) -> list[Drawn]:
        """The draws of a replication; with `accept` only those that meet what was observed."""
        sweep = self.sweep
        blocks = sweep.accept.tries if sweep.accept is not None else 1
        first = replication * sweep.samples * blocks if sweep.draws_anew else replication

        def points_of(block: int) -> list[Drawn]:
            start, step = (first + block * sweep.samples, 1) if sweep.draws_anew else (first, 0)
            points = design.draws(sweep, self.seed, replication, block)
            return [Drawn(point, start + step * i) for i, point in enumerate(points)]

        if sweep.accept is None:
            return points_of(0)
        kept: list[Drawn] = []
        for block in range(blocks):
            jobs = [
                Job("tried", 0, replication, block * sweep.samples + i, one.inputs, one.run_replication)
                for i, one in enumerate(points_of(block))
            ]
            for job, key in zip(jobs, self.ensure(jobs), strict=True):
                if len(kept) == sweep.samples:
                    break
                self.tried += 1
                _, error, found = self.known.found[key]
                if error is None and self._meets(found):
                    kept.append(Drawn(job.inputs, job.run_replication))
                else:
                    self.jobs.append((job, key))
            if len(kept) == sweep.samples:
                return kept
        raise ScenarioError(
            f"{self.experiment.file}: sweep.accept kept {len(kept)} of {sweep.accept.tries * sweep.samples} draws; "
            f"want narrower ranges, a wider sweep.accept.within than {show_duration(sweep.accept.within)}, "
            f"or more tries"
        )

    def _meets(self, found: Mapping[str, float]) -> bool:
        within = self.sweep.accept.within if self.sweep.accept else math.inf
        return all(
            abs(found.get(observed.measure, math.inf) - observed.at) <= within
            for observed in self.experiment.head.observed
        )

    def limit_s(self) -> float:
        """Times are restricted to what the horizon lets one see, from where the measure counts."""
        scenario = resolve(self.experiment.first, self.experiment.head.seed, 0).scenario
        return scenario.horizon - (scenario.recovers_from_s if self.sweep.measure.startswith("ttr") else 0.0)

    def part(self, number: int, of: int) -> int:
        """Run every `of`-th draw, from `number` (1 …) on, of the replications that are sure to be wanted; how many."""
        jobs = [
            Job("draw", policy.number, replication, i, one.inputs, one.run_replication)
            for replication in range(_first_round(self.experiment))
            for i, one in enumerate(self.draws_of(replication))
            if (replication + i) % of == number - 1
            for policy in self.policies
        ]
        return len(self.ensure(jobs))

    def go(self) -> None:
        """All replications."""
        first, most = _first_round(self.experiment), _most(self.experiment)
        done = 0
        while done < most:
            active = [policy for policy in self.policies if policy.number not in self.status]
            if not active:
                break
            # Replications between two looks go out together, as far as memory allows.
            each = len(active) * max(len(design.draws(self.sweep, self.seed, 0, 0)), 1)
            wanted_now = first - done if done < first else math.ceil(ROUND_RUNS / each)
            together = min(wanted_now, max(1, TOGETHER // each), most - done)
            jobs = []
            for replication in range(done, done + together):
                draws = self.draws_of(replication)
                self.draws |= {(replication, i): one for i, one in enumerate(draws)}
                jobs += [
                    Job("draw", policy.number, replication, i, one.inputs, one.run_replication)
                    for i, one in enumerate(draws)
                    for policy in active
                ]
            for job, key in zip(jobs, self.ensure(jobs), strict=True):
                self.jobs.append((job, key))
                value, error, _ = self.known.found[key]
                if error is None:
                    self.times[job.policy][job.replication, job.draw] = value
            done += together
            if done >= first:
                self._judge()
        self._select()
        for policy in self.policies:
            if policy.number not in self.status:
                self.status[policy.number] = self._last_status(policy.number)

    def times_of(self, policy: int) -> tuple[np.ndarray, np.ndarray]:
        """Times of a policy's runs in order, `inf` for never, and the unit of each."""
        ordered = sorted(self.times[policy].items())
        return np.array([value for _, value in ordered], float), self.units([place for place, _ in ordered])

    def units(self, places: Sequence[tuple[int, int]]) -> np.ndarray:
        """The unit of each (replication, draw)."""
        if self.sweep.runs_are_units:
            return np.array([self.draws[place].run_replication for place in places], np.int64)
        return np.array([replication for replication, _ in places], np.int64)

    def _judge(self) -> None:
        """Which policies are known well enough, or beaten."""
        for policy in self.policies:
            if policy.number not in self.status and not self.times[policy.number]:
                self.status[policy.number] = "failed"
        active = [policy.number for policy in self.policies if policy.number not in self.status]
        if self.sweep.precision is None or not active:
            return
        for number in active:
            self.looks[number] = self._look(number)
        told = self._select()
        # A choice is still to be made, unless the leader collapses too often to be chosen.
        is_open = told.chosen is None and told.leader is not None and self.looks[told.leader].status != "collapses"
        for number in active:
            status = self.looks[number].status
            if number in told.excluded:
                too_often = self.looks[number].never.low > self.sweep.never_max
                self.status[number] = "collapses" if too_often else "beaten"
            elif status != "open" and not is_open:
                self.status[number] = status

    def _look(self, number: int) -> confidence.Look:
        times, unit = self.times_of(number)
        sweep = self.sweep
        return confidence.looked(
            times, unit, precision=sweep.precision or math.inf, never_max=sweep.never_max, alpha=ALPHA
        )

    def _select(self) -> selection.Selected:
        """Look which policies are not told apart from the best; those that were excluded before stay so."""
        places = sorted(self.draws)
        times = np.array(
            [[self.times[policy.number].get(place, math.nan) for place in places] for policy in self.policies], float
        )
        self.selected = selection.select(
            times,
            np.isinf(times),
            self.units(places),
            alpha=ALPHA,
            limit_s=self.limit_s(),
            indifference_s=self.sweep.indifference,
            never_max=self.sweep.never_max,
            excluded=self.selected.excluded if self.selected else (),
        )
        return self.selected

    def _last_status(self, number: int) -> str:
        """The state of a policy that ran to the end."""
        if not self.times[number]:
            return "failed"
        if self.sweep.precision is None:
            return "done"
        status = self.looks[number].status
        return status if status != "open" else "cap"

    def sensitivities(self) -> list[dict[str, Any]]:
        """Sobol indices of the restricted time, over the whole stated ranges."""
        part = self.sweep.sensitivity
        if part is None or not self.sweep.uncertainties:
            return []
        names = part.policies or tuple(dict.fromkeys([self.policies[0].name, self.ranked()[0].name]))
        keys = list(self.sweep.uncertainties)
        draws = _saltelli(self.sweep, self.seed, part.samples)
        out = []
        for policy in (policy for policy in self.policies if policy.name in names):
            jobs = [Job("sensitivity", policy.number, replication, i, *one) for replication, i, one in draws]
            found = []
            for job, key in zip(jobs, self.ensure(jobs), strict=True):
                self.jobs.append((job, key))
                found.append(self.known.found[key][0])
            table: dict[str, Any] = {"policy": policy.id, "name": policy.name, "measure": self.sweep.measure}
            table |= {"runs": len(found), "replications": SENSITIVITY_REPLICATIONS, "inputs": [], "chance": None}
            table["why_not"] = None
            if any(math.isnan(value) for value in found):
                table["why_not"] = f"{sum(math.isnan(value) for value in found)} of its runs failed"
            else:
                values = clusters.restricted(found, self.limit_s())
                blocks = values.reshape(SENSITIVITY_REPLICATIONS, len(keys) + 3, -1).swapaxes(0, 1)
                told = sobol.variance_shares(
                    blocks[0], blocks[1], blocks[2:-1].swapaxes(0, 1), blocks[-1], keys, CONFIDENCE
                )
                table["why_not"] = told.reason
                table["chance"] = told.chance._asdict()
                table["inputs"] = [
                    {"key": key, "S1": told.S1[key]._asdict(), "ST": told.ST[key]._asdict()} for key in keys
                ]
            out.append(table)
        return out

    def ranked(self) -> list[Policy]:
        """Policies by their mean restricted time, the least first; what is not known comes last. Where some stopped
        earlier, that is the leader's mean and the mean difference from it where both ran.
        """
        behind = self.selected.differences if self.selected else ()

        def place(policy: Policy) -> tuple[float, int]:
            mean = behind[policy.number].mean if behind else math.nan
            return (math.inf if math.isnan(mean) else mean), policy.number

        return sorted(self.policies, key=place)


def _saltelli(sweep: Sweep, seed: int, samples: int) -> list[tuple[int, int, Drawn]]:
    """Replication, number and draw of the runs for Sobol indices: A, B, A with each column of B, and A again, each
    with random numbers of its own.
    """
    out = []
    for replication in range(SENSITIVITY_REPLICATIONS):
        blocks = saltelli(sweep, seed, samples // SENSITIVITY_REPLICATIONS, replication)
        points = [point for block in [*blocks, blocks[0]] for point in block]
        first = replication * len(points)
        out += [(replication, i, Drawn(point, first + i)) for i, point in enumerate(points)]
    return out


def run(
    experiment: Experiment, *, out: Path, place: Backend, resume: bool, tell: Tell | None = None
) -> tuple[Path, dict[str, Any]]:
    """Run a sweep, or go on with one; writes runs.parquet, series.parquet, summary.json and manifest.json.

    Raises ScenarioError before anything runs, or where too few draws are accepted; FileExistsError if the folder holds
    runs and `resume` is false. After any other end (Ctrl-C, a full disk, a kill) what was done is kept.
    """
    wanted(experiment)
    folder = out / experiment.name
    if any((folder / "parts").glob("*.parquet")) and not resume:
        raise FileExistsError(
            f"{folder} holds runs of a sweep; want --resume to go on with it (runs that are still the same are kept), "
            f"or another --out"
        )
    (folder / "parts").mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    work = _Run(experiment, folder, place, tell or _silent)
    with place:
        work.go()
        sensitivity = work.sensitivities()
    table = _table(work)
    curves = _curves(work, table)
    summary = _summary(work, table, sensitivity, folder)
    manifest = {
        "format": store.FORMAT,
        "kind": "sweep",
        "name": experiment.name,
        "file": experiment.file,
        "head": experiment.head.model_dump(mode="json", exclude={"sweep", "notes", "observed"}),
        "inputs": experiment.raw,
        "inputs_in_order": json.dumps(experiment.raw, default=str),  # the order of keys decides the draws
        "digest": digest_of(experiment),
        "engine": pipeline.ENGINE,
        "versions": store.versions(),
        "machine": platform.machine(),
        "argv": ["recovery", *sys.argv[1:]],
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "traffic": summary["traffic"],
        "seed": experiment.head.seed,
        "replications": experiment.head.replications,
        "threads": place.workers,
        "backend": place.name,
        "wall_s": round(time.monotonic() - begun, 3),
        "cpu_s": round(work.known.cpu_s, 3),
        "runs_done": summary["runs"]["done"],
        "runs_wanted": summary["runs"]["done"] + summary["runs"]["failed"],
        "window_s": experiment.first.scenario.coupling.window,
        "horizon_s": experiment.first.scenario.horizon,
        "outages": store.told_outages([outages_s(resolve(experiment.first, experiment.head.seed, 0).scenario)]),
    }
    results = {"runs.parquet": files.parquet(table)}
    if curves is not None:
        results["series.parquet"] = files.parquet(curves)
    results["summary.json"] = store.to_json(summary).encode()
    results["manifest.json"] = store.to_json(manifest).encode()  # last: where it stands, the rest is whole
    store.save(folder, results)
    return folder, summary


def shard_of(text: str) -> tuple[int, int]:
    """(3, 10) of "3/10". Raises ValueError."""
    number, sign, of = text.partition("/")
    if not (sign and text.isascii() and number.isdigit() and of.isdigit() and 1 <= int(number) <= int(of)):
        raise ValueError(f"--shard is {text}; want part I of N as I/N, for instance 3/10")
    return int(number), int(of)


def run_shard(
    experiment: Experiment, *, out: Path, place: Backend, shard: tuple[int, int], tell: Tell | None = None
) -> int:
    """Run one part of a sweep, (number from 1, of how many), into the folder that all parts share or that is gathered
    later; how many runs it has. What is left, and the tables, are made by `run` with resume.
    """
    wanted(experiment)
    folder = out / experiment.name
    (folder / "parts").mkdir(parents=True, exist_ok=True)
    with place:
        return _Run(experiment, folder, place, tell or _silent).part(*shard)


def digest_of(experiment: Experiment) -> str:
    """Name (16 hex digits) of everything that decides a sweep's result."""
    runs = [identity.digest_of(variant, experiment.head.seed, 0) for variant in experiment.variants]
    sweep = experiment.head.sweep
    declared = json.dumps(sweep.model_dump(mode="json") if sweep else None, sort_keys=True, default=str)
    return identity.digest_of_run([*runs, declared, str(experiment.head.replications)])


def _number_or_text(values: Sequence[Any]) -> list[Any]:
    """Values of one key as numbers in base units (s, 1/s, share) if all are, else as text."""
    found = [quantity(value) for value in values]
    kinds = {one[0] for one in found if one is not None}
    if None not in found and len(kinds) == 1:
        return [one[1] for one in found if one is not None]
    return [str(value) for value in values]


_ORDER = {"draw": 0, "tried": 1, "sensitivity": 2}


def _table(work: _Run) -> Any:
    """runs.parquet: a row for each run that the sweep wanted, in order of role, policy, replication and draw."""
    import polars as pl

    jobs = sorted(work.jobs, key=lambda one: (_ORDER[one[0].role], *one[0][1:4]))
    lever_keys = list(dict.fromkeys(key for policy in work.policies for key in policy.levers))
    input_keys = list(work.sweep.uncertainties)
    columns: dict[str, list[Any]] = {"key": [key for _, key in jobs], "role": [job.role for job, _ in jobs]}
    columns["policy_id"] = [work.policies[job.policy].id for job, _ in jobs]
    columns["policy"] = [work.policies[job.policy].name for job, _ in jobs]
    columns["variant"] = [work.policies[job.policy].variant for job, _ in jobs]
    for key in lever_keys:
        values = _number_or_text([policy.levers.get(key, "") for policy in work.policies])
        columns[key] = [values[job.policy] for job, _ in jobs]
    for key in input_keys:
        columns[key] = _number_or_text([shown(dict(job.inputs)[key]) for job, _ in jobs])
    columns["replication"] = [job.replication for job, _ in jobs]
    columns["draw"] = [job.draw for job, _ in jobs]
    columns["run_replication"] = [job.run_replication for job, _ in jobs]
    columns["seed"] = [work.seed for _ in jobs]
    left = pl.DataFrame(columns, infer_schema_length=None)
    parts = work.known.parts.read()
    parts = parts.sort(pl.col("error").is_not_null(), maintain_order=True)  # what failed and then did not, did not
    found = parts.unique("key", keep="first", maintain_order=True).drop("cpu_s", strict=False)
    first = ["error", "verdict"]
    rest = [name for name in found.columns if name not in ("key", *first, *columns)]
    keep = ["key", *[name for name in first if name in found.columns], *sorted(rest)]
    found = found.select(keep).with_columns(pl.col("error").cast(pl.String))  # also where nothing failed
    return left.join(found, on="key", how="left", maintain_order="left")


def _curves(work: _Run, table: Any) -> Any:
    """series.parquet: curves of the first draws of each policy, in order."""
    import polars as pl

    curves = work.known.curves.read()
    if curves is None or work.sweep.curves is None:
        return None
    runs = table.filter(
        (pl.col("role") == "draw") & (pl.col("replication") == 0) & (pl.col("draw") < work.sweep.curves.draws)
    ).select("key", "policy_id", "policy", "replication", "draw")
    name = "leased_share" if work.experiment.first.scenario.fleet is not None else "backlog"
    points = curves.unique(["key", "time_s"], keep="first").sort("key", "time_s")
    joined = runs.join(points, on="key", how="inner", maintain_order="left_right").drop("key")
    return joined.rename({"value": name})


def _unit(span: Span) -> str | None:
    found = quantity(span.min if span.is_range else (span.values or ("",))[0])
    return {"duration": "s", "rate": "1/s", "share": "share"}.get(found[0]) if found else None


def _design(work: _Run) -> dict[str, Any]:
    sweep = work.sweep
    inputs: list[dict[str, Any]] = []
    for key, span in sweep.uncertainties.items():
        unit = _unit(span)
        told: dict[str, Any] = {"key": key} | ({"unit": unit} if unit else {})
        if span.is_range:
            low, high = quantity(span.min) or ("", 0.0), quantity(span.max) or ("", 0.0)
            told |= {"min": low[1], "max": high[1], "distribution": span.distribution}
        else:
            told["values"] = _number_or_text([shown(value) for value in span.values or ()])
        inputs.append(told)
    levers: dict[str, list[Any]] = {}
    for policy in work.policies:
        for key, value in policy.levers.items():
            if value not in levers.setdefault(key, []):
                levers[key].append(value)
    accept = None
    if sweep.accept is not None:
        accept = {"within_s": sweep.accept.within, "tried": work.tried, "kept": len(work.draws)}
    return {
        "method": sweep.method,
        "samples": sum(1 for replication, _ in work.draws if replication == 0),
        "replications": work.experiment.head.replications,
        "replications_max": sweep.replications_max,
        "levers": [{"key": key, "values": values} for key, values in levers.items()],
        "uncertainties": inputs,
        "accept": accept,
    }


def _summary(work: _Run, table: Any, sensitivity: list[dict[str, Any]], folder: Path) -> dict[str, Any]:
    """summary.json of a sweep."""
    import polars as pl

    experiment, sweep = work.experiment, work.sweep
    traffic = "leases" if experiment.first.scenario.fleet is not None else "jobs"
    draws = table.filter(pl.col("role") == "draw")
    by_policy = {name[0]: frame for name, frame in draws.group_by("policy_id", maintain_order=True)}
    ranked = work.ranked()
    best = _best_in_each(work)
    told = []
    for rank, policy in enumerate(ranked, 1):
        rows = by_policy.get(policy.id, draws.head(0))
        told.append(_policy(work, policy, rank, rows, traffic, best))
    _tell_where_they_fail(work, ranked, told)
    fronts = [one for one in told if one["status"] != "failed"]
    if fronts:
        points = [
            [one["restricted"]["mean"], *(one["harm"][harm]["mean"] for harm in register.harms(traffic))]
            for one in fronts
        ]
        for one, on_front in zip(fronts, pareto.pareto(points).tolist(), strict=True):
            one["on_front"] = on_front
    failed = table.filter(pl.col("error").is_not_null())
    failures = [
        {
            "key": row["key"],
            "policy_id": row["policy_id"],
            "policy": row["policy"],
            "replication": row["replication"],
            "draw": row["draw"],
            "error": row["error"],
            "command": f"recovery replay {row['key']} --from {folder}",
        }
        for row in failed.unique("key", keep="first", maintain_order=True).iter_rows(named=True)
    ]
    rows = _rows_of_first(work, draws)
    looks = sweep.precision is not None
    expected = [store.judged(experiment, rows, i, at_every_look=looks) for i in range(len(experiment.expectations))]
    return {
        "format": store.FORMAT,
        "kind": "sweep",
        "traffic": traffic,
        "measure": sweep.measure,
        "limit_s": work.limit_s(),
        "precision": sweep.precision,
        "never_max": sweep.never_max,
        "indifference_s": sweep.indifference,
        "unit": "run" if sweep.runs_are_units else "replication",
        "confidence": CONFIDENCE,
        "selection": _selection(work, ranked),
        "design": _design(work),
        "runs": {
            "done": table.height - failed.height,
            "failed": failed.height,
            "set_aside": failed.filter(pl.col("error") == loop.KILLED).height,
        },
        "policies": told,
        "sensitivity": sensitivity,
        "failures": failures,
        "notes": [
            note.model_dump() | {"value": store._raw_value(experiment.raw, note.key)} for note in experiment.head.notes
        ],
        "expect": expected,
        "answers": _answers(work, told) + [text.expected(bound) for bound in expected],
    }


def _selection(work: _Run, ranked: Sequence[Policy]) -> dict[str, Any]:
    """Which policies are not told apart from the best, in order of the ranking, and whether one is chosen: ids."""
    selected = work.selected
    assert selected is not None
    return {
        "not_told_apart": [policy.id for policy in ranked if policy.number in selected.not_told_apart],
        "chosen": None if selected.chosen is None else work.policies[selected.chosen].id,
        "why_not": selected.why_not,
        "words": _choice(work, selected),
    }


def _choice(work: _Run, selected: selection.Selected) -> str:
    """The set, what it means, and whether a policy is chosen, in words."""
    if selected.leader is None:
        return "Nothing is chosen: no policy ran."
    if len(work.policies) == 1:
        return "Nothing is chosen: there is one policy."
    left, of = len(selected.not_told_apart), len(work.policies)
    leader, near = work.policies[selected.leader].name, show_duration(work.sweep.indifference)
    if selected.chosen is not None:
        said = (
            f"Chosen: {leader}. No other of {of} policies is better by more than {near}, and it never recovers in at "
        )
        said += (
            f"most {show_share(selected.never[selected.leader].high)} of the runs; {left} are not told apart from it"
        )
    else:
        said = f"Not chosen: {left} of {of} policies are not told apart from the best, the first is {leader}; "
        said += f"{selected.why_not} (the indifference is {near})"
    return f"{said}. The best is among these with {show_share(CONFIDENCE)}, however often one looks."


def _rows_of_first(work: _Run, draws: Any) -> list[dict[str, Any]]:
    """Runs of the file as it stands, at every point of the levers, as `store.judged` wants them."""
    import polars as pl

    levers = {policy.id: policy.levers for policy in work.policies if policy.variant == work.policies[0].variant}
    rows = draws.filter(pl.col("error").is_null() & pl.col("policy_id").is_in(list(levers)))
    unit = "run_replication" if work.sweep.runs_are_units else "replication"
    return [
        row | {"variant": row["variant"], "levers": levers[row["policy_id"]], "replication": row[unit]}
        for row in rows.iter_rows(named=True)
    ]


def _best_in_each(work: _Run) -> dict[tuple[int, int], float]:
    """The least restricted time in each draw, over the policies that ran there."""
    best: dict[tuple[int, int], float] = {}
    for times in work.times.values():
        for place, value in times.items():
            best[place] = min(best.get(place, math.inf), value, work.limit_s())
    return best


def _policy(
    work: _Run, policy: Policy, rank: int, rows: Any, traffic: str, best: Mapping[tuple[int, int], float]
) -> dict[str, Any]:
    """What is told of one policy."""
    import polars as pl

    selected = work.selected
    assert selected is not None
    nothing = {"mean": math.nan, "low": math.nan, "high": math.nan}
    out: dict[str, Any] = {
        "id": policy.id,
        "name": policy.name,
        "variant": policy.variant,
        "levers": policy.levers,
        "is_baseline": policy.number == 0,
        "rank": rank,
        "status": work.status[policy.number],
        "not_told_apart": policy.number in selected.not_told_apart,
        "is_chosen": policy.number == selected.chosen,
        "from_best": selected.differences[policy.number]._asdict(),
        "failed": rows.filter(pl.col("error").is_not_null()).height if rows.height else 0,
        "failed_because": _most_frequent(rows.get_column("error").drop_nulls().to_list()),
        "on_front": False,
        "fails_where": [],
    }
    good = rows.filter(pl.col("error").is_null())
    out |= {"runs": good.height, "replications": good.get_column("replication").n_unique() if good.height else 0}
    if not good.height:
        empty = {"share": math.nan, "low": math.nan, "high": math.nan}
        out |= {"restricted": nothing, "given_recovery": nothing, "fluid_bound_s": nothing, "difference": None}
        out |= {"not_recovered": empty, "collapsed": empty, "worst_s": math.nan}
        out |= {"half_width_share": math.nan, "units": 0}
        return out | {
            "regret": dict.fromkeys(("mean", "p90", "max"), math.nan)
            | {"draws": 0, "far_s": NEVER_FAR_S, "far": 0, "far_share": empty},
            "harm": dict.fromkeys(register.harms(traffic), nothing),
        }
    times, unit = work.times_of(policy.number)
    limit_s, is_sequential = work.limit_s(), work.sweep.precision is not None
    places = sorted(work.times[policy.number])
    values, finite = clusters.restricted(times, limit_s), np.isfinite(times)
    if is_sequential:
        look = work.looks[policy.number]
        recovered, never = look.recovered, look.never
        whole = confidence.restricted(recovered, never, limit_s)
    else:
        never = chance_of(~finite, unit, is_sequential=False)
        recovered = clusters.ratio(np.where(finite, times, 0.0), finite.astype(float), unit, CONFIDENCE, 0.0)
        whole = mean_of(values, unit, is_sequential=False, low=0.0, high=limit_s)
    out |= {"restricted": whole._asdict(), "given_recovery": recovered._asdict(), "not_recovered": _as_share(never)}
    out["half_width_share"] = clusters.relative_half_width(recovered)
    out["units"] = len(np.unique(unit))
    places_of_rows = list(good.select("replication", "draw").iter_rows())
    unit_of_rows = work.units(places_of_rows)
    fell = good.get_column("verdict").to_numpy() == "collapsed"
    out["collapsed"] = _as_share(chance_of(fell, unit_of_rows, is_sequential=is_sequential))

    def mean_of_column(name: str, high: float = math.inf) -> dict[str, float]:
        if name not in good.columns:
            return nothing
        column = good.get_column(name).cast(pl.Float64).fill_null(math.nan).to_numpy()
        told = mean_of(column, unit_of_rows, is_sequential=is_sequential, low=0.0, high=high)
        return told._asdict()

    out["fluid_bound_s"] = mean_of_column("fluid_bound_s")
    out["harm"] = {
        harm: mean_of_column(harm, 1.0 if harm.endswith("_share") else math.inf) for harm in register.harms(traffic)
    }
    out["difference"] = None
    both = sorted(work.times[policy.number].keys() & work.times[0].keys())
    if policy.number != 0 and both:
        mine = clusters.restricted([work.times[policy.number][place] for place in both], limit_s)
        other = clusters.restricted([work.times[0][place] for place in both], limit_s)
        told = mean_of(mine - other, work.units(both), is_sequential=is_sequential)
        out["difference"] = told._asdict()
    out["worst_s"] = float(values.max())
    regrets = values - np.array([best[place] for place in places])
    far = regrets > NEVER_FAR_S
    out["regret"] = {
        "mean": float(regrets.mean()),
        "p90": float(np.quantile(regrets, 0.9)),
        "max": float(regrets.max()),
        "draws": len(regrets),
        "far_s": NEVER_FAR_S,
        "far": int(far.sum()),
        "far_share": _as_share(confidence.never(np.where(far, math.inf, 0.0), unit, ALPHA)),
    }
    return out


def mean_of(
    values: object, unit: object, *, is_sequential: bool, low: float = -math.inf, high: float = math.inf
) -> Estimate:
    """Mean of a value of runs and its interval over units, within `low` to `high`: at every look if it `is_sequential`,
    else once. What was not measured (nan) is left out; nan if nothing was, inf if one is.
    """
    rows, units = np.asarray(values, float), np.asarray(unit)
    rows, units = rows[~np.isnan(rows)], units[~np.isnan(rows)]
    if not len(rows):
        return UNKNOWN
    if np.isinf(rows).any():
        return Estimate(math.inf, math.nan, math.inf)
    if not is_sequential:
        return clusters.mean(rows, units, CONFIDENCE, low, high)
    told = confidence.ratio(rows, np.ones(len(rows)), units, ALPHA)
    return Estimate(told.mean, _at_least(told.low, low), -_at_least(-told.high, -high))


def _at_least(end: float, least: float) -> float:
    """An end of an interval that is no further out than what is possible; nan stays."""
    return end if math.isnan(end) else max(end, least)


def chance_of(happened: object, unit: object, *, is_sequential: bool) -> Estimate:
    """Chance of what happened in some runs and its interval: exact at every look if it `is_sequential`, else that of
    Wilson.
    """
    seen = np.asarray(happened, bool)
    if is_sequential:
        return confidence.never(np.where(seen, math.inf, 0.0), unit, ALPHA)
    low, high = theory.wilson(int(seen.sum()), len(seen), CONFIDENCE)
    return Estimate(float(seen.mean()), low, high)


def _as_share(told: Estimate) -> dict[str, float]:
    return {"share": told.mean, "low": told.low, "high": told.high}


def _most_frequent(errors: Sequence[str]) -> str | None:
    """The error of most failed runs, the first of those as frequent; None without any."""
    return collections.Counter(errors).most_common(1)[0][0] if errors else None


def _tell_where_they_fail(work: _Run, ranked: Sequence[Policy], told: Sequence[dict[str, Any]]) -> None:
    """Boxes for the best policies among those that fail in some draws and not in others."""
    left = PRIM_POLICIES
    for policy, one in zip(ranked, told, strict=True):
        times = np.array([value for _, value in sorted(work.times[policy.number].items())])
        fails = ~np.isfinite(times)
        if left and len(times) >= PRIM_RUNS and 0 < fails.sum() < len(times):
            one["fails_where"] = _boxes(work, policy, fails)
            left -= 1


def _boxes(work: _Run, policy: Policy, fails: np.ndarray) -> list[dict[str, Any]]:
    """In which draws a policy fails, in words (PRIM)."""
    keys = list(work.sweep.uncertainties)
    columns, kinds, names = [], [], []
    places = sorted(work.times[policy.number])
    for key in keys:
        values = _number_or_text([shown(dict(work.draws[place].inputs)[key]) for place in places])
        is_text = isinstance(values[0], str)
        names.append(sorted(set(values)) if is_text else [])
        columns.append([names[-1].index(value) for value in values] if is_text else values)
        kinds.append("category" if is_text else "number")
    boxes = prim.prim(np.array(columns, float).T, fails, keys, kinds=kinds)
    units = {key: _unit(work.sweep.uncertainties[key]) for key in keys}

    def show(name: str, value: float) -> str:
        if names[keys.index(name)]:
            return str(names[keys.index(name)][int(value)])
        unit = units[name]
        if unit == "s":
            return show_duration(value)
        return show_share(value) if unit == "share" else f"{value:.3g}/s" if unit == "1/s" else f"{value:.4g}"

    return [
        {"words": prim.words(box, show), "coverage": box.coverage, "density": box.density, "support": box.support}
        for box in boxes
    ]


def _answers(work: _Run, policies: Sequence[Mapping[str, Any]]) -> list[str]:
    """What the sweep found, in sentences."""
    limit_s = work.limit_s()
    ran = [one for one in policies if one["status"] != "failed"]
    lost = [
        f"{one['name']}: all {one['failed']} runs failed ({one['failed_because']})."
        for one in policies
        if one["status"] == "failed"
    ]
    if not ran:
        return [f"Every run failed, {sum(one['failed'] for one in policies)} of {len(policies)} policies.", *lost[:1]]
    best = ran[0]
    out = [
        f"Soonest on average: {best['name']}, {_span(best['restricted'])} (never counts as {show_duration(limit_s)})."
    ]
    out += lost[:3] + ([f"So did those of {len(lost) - 3} more policies."] if len(lost) > 3 else [])
    assert work.selected is not None
    out.append(_choice(work, work.selected))
    base = next((one for one in ran if one["is_baseline"]), None)
    if base is not None and base is not best:
        out.append(
            f"As the file stands ({base['name']}): {_span(base['restricted'])}; "
            f"{_at_most(base['not_recovered'])} of its runs do not recover."
        )
    if work.sweep.precision is not None and (wide := [one for one in ran if one["status"] == "cap"]):
        out.append(
            f"After {work.sweep.replications_max} replications, the most, {len(wide)} of {len(ran)} policies are less "
            f"well known than was wanted ({show_share(work.sweep.precision)} of the time of those that recover, and "
            f"whether they never do in {show_share(work.sweep.never_max)} of the runs){_what_it_takes(work)}."
        )
    if len(ran) > 1:
        out.append(_never_far(ran))
    median = sorted(one["restricted"]["mean"] for one in ran)[len(ran) // 2]
    most = work.sweep.never_max
    traps = [one for one in ran if one["given_recovery"]["mean"] < median and one["not_recovered"]["low"] > most]
    if traps:
        worst = max(traps, key=lambda one: float(one["not_recovered"]["share"]))
        out.append(
            f"Sooner than the middle policy where they recover, and yet surely not back in more than "
            f"{show_share(most)} of the runs: {len(traps)} of {len(ran)}, most often {worst['name']} "
            f"({show_share(worst['not_recovered']['share'])} of {worst['runs']})."
        )
    return out


def _never_far(ran: Sequence[Mapping[str, Any]]) -> str:
    """How many policies were never far from the best, on how many draws that rests, and what it bounds."""
    near = [one for one in ran if not one["regret"]["far"]]
    said = f"Never more than {show_duration(NEVER_FAR_S)} behind the best of the same draw: {len(near)} of {len(ran)}"
    said += " policies"
    if near:
        first = near[0]["regret"]
        said += (
            f", first {near[0]['name']}: in none of its draws, {first['draws']}, so that its chance is at most "
            f"{show_share(first['far_share']['high'])} ({show_share(CONFIDENCE)}, exact)"
        )
        draws = sorted(one["regret"]["draws"] for one in near)
        said += f"; they rest on {draws[0]} to {draws[-1]} draws" if draws[0] < draws[-1] else ""
        means = sorted(one["restricted"]["mean"] for one in near)
        low, high = show_duration(means[0]), show_duration(means[-1])
        said += f". They are back in {low}" + (f" to {high}" if high != low else "") + " on average"
    return said + "."


def _at_most(never: Mapping[str, float]) -> str:
    return f"{show_share(never['share'])} (at most {show_share(never['high'])})"


def _what_it_takes(work: _Run) -> str:
    """How many units it takes to show that never is rare enough, if the most replications have fewer."""
    sweep, most = work.sweep, work.sweep.replications_max
    have = most * (sweep.samples if sweep.draws_anew and sweep.runs_are_units else 1)
    least = units_that_show(sweep.never_max, is_run=sweep.runs_are_units)
    if have >= least:
        return ""
    unit = "runs" if sweep.runs_are_units else "replications"
    told = f"; to show that much takes {least} {unit} that recover, here are {have} at most"
    return told + ("" if sweep.runs_are_units else ' (with method = "random" each run counts)')


def units_that_show(never_max: float, *, is_run: bool) -> int:
    """How many units without a run that never recovers show that its chance is below `never_max`."""

    def is_shown(units: int) -> bool:
        if is_run:
            return confidence.chance(0, units, ALPHA / 2).high < never_max
        return confidence.bounded(np.zeros(units), ALPHA / 2).high < never_max

    most = 1
    while not is_shown(most):
        most *= 2
    return bisect.bisect_left(range(most + 1), True, lo=1, key=is_shown)


def _span(told: Mapping[str, float]) -> str:
    if math.isnan(told["low"]):
        return show_duration(told["mean"])
    return f"{show_duration(told['mean'])} ({show_duration(max(told['low'], 0.0))} to {show_duration(told['high'])})"


def find(folder: Path, key: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Manifest and row of a run of a sweep by its key (or a beginning of it). Raises ValueError if there is none."""
    import polars as pl

    rows = store.runs_of_sweep(folder).filter(pl.col("key").str.starts_with(key))
    if rows.get_column("key").n_unique() != 1:
        raise ValueError(f"{key} names {rows.get_column('key').n_unique()} runs of {folder}; want the key of one")
    manifest = files.read_json(folder / "manifest.json")
    return manifest, rows.row(0, named=True)


def variant_of(experiment: Experiment, row: Mapping[str, Any]) -> Variant:
    """The variant of a row of runs.parquet, with its draw made again. Raises ValueError if the sweep does not draw it
    any more.
    """
    sweep = wanted(experiment)
    number = next((one.number for one in policies_of(experiment) if one.id == row["policy_id"]), None)
    if number is None:
        raise ValueError(f"{row['policy']} is no policy of {experiment.file}")
    tries = sweep.accept.tries if sweep.accept is not None else 1
    points: Iterable[Point]
    if row["role"] == "sensitivity":
        samples = sweep.sensitivity.samples if sweep.sensitivity else 4
        points = (one.inputs for _, _, one in _saltelli(sweep, experiment.head.seed, samples))
    else:
        points = (
            point
            for block in range(tries)
            for point in design.draws(sweep, experiment.head.seed, row["replication"], block)
        )
    for point in points:
        try:
            variant = experiment.drawn(number, point)
        except ScenarioError as error:
            drawn = identity.digest_of_run([row["policy_id"], json.dumps(point, default=str), str(error)])
            if drawn == row["key"]:
                raise
            continue
        if identity.digest_of(variant, experiment.head.seed, row["run_replication"]) == row["key"]:
            return variant
    raise ValueError(
        f"{row['key']} is not drawn by {experiment.file} as it is now (code or inputs changed); want the sweep again"
    )


def _silent_value(kind: str, one: cliff.Tried) -> None:
    """Tell nobody."""


def _steps(least: float, greatest: float, tolerance: float, scale: str) -> float:
    """How many brackets of the wanted width there are between the ends."""
    if scale == "log":
        return math.log(greatest / least) / math.log1p(tolerance)
    return (greatest - least) / tolerance


def _silent_line(line: str) -> None:
    """Tell nobody."""


class _Watched:
    """Says what is being tried, how far it is, and how long the rest takes. A larger value may cost far more than a
    smaller one: until both ends have been timed, nothing is said of the rest; then a value costs the mean of those
    that are known.
    """

    EVERY_S = 10.0

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say, self.begun, self.said, self.count = say, 0.0, 0.0, 0
        self.each_s: dict[str, float] = {}  # a run's time, by the value
        self.what, self.wanted, self.left = "", 0, 1

    def begin(self, what: str, replications: range, most: int, values_left: int) -> None:
        is_same = what == self.what
        self.what, self.wanted, self.left, self.count = what, len(replications), values_left, 0
        self.begun = time.monotonic()
        if is_same and self.begun - self.said < self.EVERY_S:
            return
        self.said = self.begun
        runs = f"runs {replications.start + 1} to {replications.stop} of at most {most}"
        self.say(f"trying {what}: {runs}{self._left()}")

    def done(self, runs: int) -> None:
        self.count += runs
        now = time.monotonic()
        self.each_s[self.what] = (now - self.begun) / self.count
        if now - self.said > self.EVERY_S and self.count < self.wanted:
            self.said = now
            self.say(f"trying {self.what}: {self.count} of {self.wanted} runs{self._left()}")

    def _left(self) -> str:
        if len(self.each_s) < 2:
            return ""
        mean_s = math.fsum(self.each_s.values()) / len(self.each_s)
        own_s = self.each_s.get(self.what, mean_s) * (self.wanted - self.count)
        left_s = own_s + mean_s * self.wanted * (self.left - 1)
        return f"; about {show_duration(float(f'{left_s:.1g}'))} left, if most values are clear"


def threshold(
    experiment: Experiment,
    key: str,
    low: str,
    high: str,
    *,
    confidence: float,
    tolerance: float,
    most: int,
    out: Path,
    place: Backend,
    known_value: Callable[[str, cliff.Tried], None] = _silent_value,
    say: Callable[[str], None] = _silent_line,
) -> dict[str, Any]:
    """Where recovery turns into collapse over one key of the file as it stands (cliff.cliff), by the verdict of the
    runs: one that still drains at the horizon is on the good side, so the cliff is the system's and not the horizon's.
    They are kept under `out` and not run again.

    `known_value` hears of each value that is known (what kind of quantity it is, and what was found), `say` of what is
    being tried and how long the rest may take. Raises ValueError if an end is no number with a unit, or both ends have
    one verdict.
    """
    whole = all(re.fullmatch(r"\s*-?[0-9]{1,18}\s*", text) for text in (low, high))
    ends = [int(text) if whole else text for text in (low, high)]
    found = [quantity(end) for end in ends]
    if None in found or found[0][0] != found[1][0] or not found[0][1] < found[1][1]:  # type: ignore[index]
        raise ValueError(f"{key} from {low} to {high}: want two durations, rates, shares or numbers, the lower first")
    least, greatest = found[0][1], found[1][1]  # type: ignore[index]
    scale: Literal["log", "linear"] = "log" if least > 0 else "linear"
    span = Span(values=None, min=ends[0], max=ends[1], distribution="log-uniform" if scale == "log" else "uniform")
    kind = found[0][0]  # type: ignore[index]
    known = _Known(out / experiment.name / "threshold", "ttr99_s")
    each_s = math.nan
    values = 2 + math.ceil(max(math.log2(_steps(least, greatest, tolerance, scale)), 0.0))  # both ends, then halves
    tried = 0
    progress = _Watched(say)

    def note(one: cliff.Tried) -> None:
        nonlocal tried
        tried += 1
        known_value(kind, one)

    def place_of(value: float) -> float:
        if scale == "log":
            return math.log(value / least) / math.log(greatest / least)
        return (value - least) / (greatest - least)

    def fails(value: float, replications: range) -> list[bool]:
        nonlocal each_s
        text = round(value) if whole else span.at(place_of(value))
        variant = experiment.drawn(0, ((key, text),))
        keys = {identity.digest_of(variant, experiment.head.seed, r): r for r in replications}
        todo = [
            Work(k, variant, experiment.head.seed, r)
            for k, r in keys.items()
            if k not in known.found or k in known.again
        ]
        progress.begin(f"{key} = {text}", replications, most, max(values - tried, 1))

        def add(rows: Sequence[Done]) -> None:
            known.add(rows)
            progress.done(len(rows))

        if todo:
            each_s = loop.drain(todo, place, add, many=len(todo), each_s=each_s)
        for name in keys:
            if known.found[name][1] is not None:
                raise ValueError(f"{key} = {text}: a run failed: {known.found[name][1]}")
        return [known.found[name][2]["collapsed"] == 1 for name in keys]

    with place:
        told = cliff.cliff(
            fails, least, greatest, confidence=confidence, tolerance=tolerance, most=most, scale=scale, whole=whole,
            known=note,
        )  # fmt: skip
    return (
        {"experiment": experiment.name, "key": key, "kind": kind}
        | told._asdict()
        | {"tried": [one._asdict() for one in told.tried]}
    )
