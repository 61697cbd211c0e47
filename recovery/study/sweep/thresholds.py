"""The threshold of a key: where the file as it stands turns from recovery to collapse, told while it is looked for."""

import math
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from recovery.errors import Refusal, ScenarioError
from recovery.model.sweep import Span
from recovery.model.variant import Variant
from recovery.reading.experiment import Experiment
from recovery.reading.keys import not_one_number
from recovery.simulate import identity
from recovery.stages.outage import resolve
from recovery.statistics import cliff
from recovery.store.sweep_record import Longer, Threshold, Tried
from recovery.study.runs import loop
from recovery.study.runs.chunks import Done, Work
from recovery.study.runs.executor import Backend
from recovery.study.sweep.runs import Found, KnownRuns
from recovery.units import quantity, show_duration

LONGER = 2  # how many times as long the runs are by which both ends of the bracket are looked at again
LONGER_RUNS = 10  # at each end


def _silent_value(kind: str, one: Tried) -> None:
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
    known_value: Callable[[str, Tried], None] = _silent_value,
    say: Callable[[str], None] = _silent_line,
) -> Threshold:
    """Where recovery turns into collapse over one key of the file as it stands (cliff.cliff), by the verdict of the
    runs: one that still drains at the horizon is on the good side, so the cliff is the system's and not the horizon's.
    Whether it is, some runs that are twice as long say at both ends. All are kept under `out` and not run again.

    `known_value` hears of each value that is known (what kind of quantity it is, and what was found), `say` of what is
    being tried and how long the rest may take. Raises Refusal if an end is no number with a unit, or both ends have
    one verdict.
    """
    whole = all(re.fullmatch(r"\s*-?[0-9]{1,18}\s*", text) for text in (low, high))
    ends = [int(text) if whole else text for text in (low, high)]
    (kind, least), (other, greatest) = (quantity(end) or ("", math.nan) for end in ends)
    if not kind or kind != other or not least < greatest:
        raise Refusal(f"{key} from {low} to {high}: want two durations, rates, shares or numbers, the lower first")
    if wrong := not_one_number(experiment.raw, key):
        raise Refusal(f"{experiment.file}: {wrong}")
    scale: Literal["log", "linear"] = "log" if least > 0 else "linear"
    span = Span(values=None, min=ends[0], max=ends[1], distribution="log-uniform" if scale == "log" else "uniform")
    known = KnownRuns(out / experiment.name / "threshold", "ttr99_s")
    each_s = math.nan
    values = 2 + math.ceil(max(math.log2(_steps(least, greatest, tolerance, scale)), 0.0))  # both ends, then halves
    tried = 0
    progress = _Watched(say)

    late: dict[float, int] = {}  # by the value, runs that are not back and did not collapse

    def told_of(one: cliff.Tried) -> Tried:
        return Tried(**one._asdict(), late=late[one.value])

    def note(one: cliff.Tried) -> None:
        nonlocal tried
        tried += 1
        known_value(kind, told_of(one))

    def place_of(value: float) -> float:
        if scale == "log":
            return math.log(value / least) / math.log(greatest / least)
        return (value - least) / (greatest - least)

    def fails(value: float, replications: range) -> list[bool]:
        text = round(value) if whole else span.at(place_of(value))
        found = ends_of(experiment.drawn(None, ((key, text),)), text, replications)
        late[value] = late.get(value, 0) + sum(math.isinf(one.value) and not one.has_collapsed for one in found)
        return [one.has_collapsed for one in found]

    def longer_of(low: float, high: float, runs: int) -> Longer | None:
        """The same at both ends of the bracket to a later horizon; None where the file cannot have that."""
        horizon_s, collapsed = LONGER * experiment.first.scenario.horizon, []
        for value in (low, high):
            text = round(value) if whole else span.at(place_of(value))
            try:
                variant = experiment.drawn(None, ((key, text), ("horizon", f"{horizon_s:.9f}s")))
            except ScenarioError:
                return None
            if variant.scenario.horizon != horizon_s:  # the first variant sets its own
                return None
            collapsed.append(sum(one.has_collapsed for one in ends_of(variant, text, range(runs))))
        return Longer(horizon_s=horizon_s, runs=runs, low_failed=collapsed[0], high_failed=collapsed[1])

    def ends_of(variant: Variant, text: object, replications: range) -> list[Found]:
        nonlocal each_s
        seed = experiment.head.seed
        met = {r: resolve(variant, seed, r) for r in replications}
        keys = {identity.digest_of(met[r], seed, r): r for r in replications}
        todo = [Work(k, met[r], seed, r) for k, r in keys.items() if k not in known.found or k in known.again]
        progress.begin(f"{key} = {text}", replications, most, max(values - tried, 1))

        def add(rows: Sequence[Done]) -> None:
            known.add(rows)
            progress.done(len(rows))

        if todo:
            each_s = loop.drain(todo, place, add, many=len(todo), each_s=each_s)
        for name in keys:
            if (error := known.found[name].error) is not None:
                raise Refusal(f"{key} = {text}: a run failed: {error}")
        return [known.found[name] for name in keys]

    with place:
        told = cliff.cliff(
            fails, least, greatest, confidence=confidence, tolerance=tolerance, most=most, scale=scale, whole=whole,
            known=note,
        )  # fmt: skip
        longer = longer_of(told.low, told.high, min(LONGER_RUNS, *(one.runs for one in told.tried)))
    return Threshold(
        experiment=experiment.name,
        key=key,
        kind=kind,
        low=told.low,
        high=told.high,
        fails=told.fails,
        confidence=told.confidence,
        note=told.note,
        tried=tuple(map(told_of, told.tried)),
        horizon_s=experiment.first.scenario.horizon,
        longer=longer,
    )
