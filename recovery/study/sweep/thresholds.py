"""The threshold of a key: where the file as it stands turns from recovery to collapse, told while it is looked for."""

import functools
import itertools
import math
import re
import shlex
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

from recovery import theory
from recovery.errors import Refusal, ScenarioError, shown
from recovery.model.sweep import text_of
from recovery.model.tables import LOSES_AT_ONCE
from recovery.model.variant import Variant
from recovery.reading.experiment import Experiment
from recovery.reading.keys import not_one_number, value_at
from recovery.simulate import identity
from recovery.stages.outage import resolve
from recovery.statistics import cliff, confidence
from recovery.store.sweep_record import Longer, Middle, Threshold, Tried
from recovery.study import ahead
from recovery.study.runs import loop
from recovery.study.runs.chunks import Done, Work
from recovery.study.runs.executor import Backend
from recovery.study.sweep.middle import in_the_middle, record_of
from recovery.study.sweep.runs import Found, KnownRuns
from recovery.units import quantity, show_count, show_duration

LONGER = 2  # how many times as long the runs are by which both ends of the bracket are looked at again
LONGER_RUNS = 10  # at each end
BATCH = 20  # runs of a value by which an end is looked for: as many as the bisection begins with
LOOKED_AT = 5  # values without a lost lease, under a rule that spares them, after which no farther one is tried
WITHIN_S = 600.0  # a time to ask for, where the run is long enough
DOUBLINGS = 6  # of the file's own value, and halvings
Verdict = Literal["fails", "holds", "unclear"]


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
    """Says at the begin how many runs it may take, and how long if all take as long as the first; then what is being
    tried and how far that is, a line every half minute at most. How long the rest takes is not said again: what comes
    hangs on what is found, and a run of one value may cost many times that of another.
    """

    EVERY_S = 30.0
    LONG_S = 10.0  # a search that takes no longer is not told how long it takes

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say, self.begun, self.said = say, time.monotonic(), -math.inf
        self.what, self.at = "", ""
        self.range, self.count, self.most = range(0), 0, 0
        self.least_runs, self.most_runs = 0, 0  # of the whole search; 0: not known, or told

    def plan(
        self, values: int, values_most: int, batch: int, most: int, between: str, foretold: Callable[[int], str]
    ) -> None:
        """Tell of a search `between` two values that tries about so many values, at most so many, by `batch` to `most`
        runs each, and how long the fewest take (`foretold`, of a number of runs) where that is long.
        """
        self.least_runs, self.most_runs = values * batch, values_most * most
        few = f"{batch} to {most}" if batch < most else str(most)
        self.say(
            f"searching {between}: about {values} values by {few} runs each; at most {values_most} values, "
            f"{show_count(self.most_runs)} runs{foretold(self.least_runs)}"
        )

    def timed(self, runs: int, took_s: float) -> None:
        """Tell how long the whole search takes, once, by runs that took so long."""
        least_s, most_s = (many * took_s / runs for many in (self.least_runs, self.most_runs))
        if least_s > self.LONG_S:
            self.say(
                f"the first {runs} runs took {show_duration(took_s)}: if all take as long, the search takes "
                f"{show_duration(least_s)} to {show_duration(most_s)}"
            )
        if self.least_runs:
            self.least_runs = self.most_runs = 0

    def begin(self, what: str, replications: range, most: int, at: str) -> None:
        """Tell of runs of a value; `at` says where in the search it stands."""
        self.what, self.range, self.count, self.most, self.at = what, replications, 0, most, at
        self._tell(f"runs {replications.start + 1} to {replications.stop} of at most {most}")

    def done(self, runs: int) -> None:
        self.count += runs
        if self.count < len(self.range):
            self._tell(f"{self.range.start + self.count} of {self.range.stop} runs")

    def _tell(self, how_far: str) -> None:
        now = time.monotonic()
        if now - self.said < self.EVERY_S:
            return
        so_far = "" if math.isinf(self.said) else f"; {show_duration(round(now - self.begun))} so far"
        self.said = now
        self.say(f"trying {self.what}{self.at}: {how_far}{so_far}")


def _verdict(collapsed: int, runs: int) -> Verdict:
    """What so many runs of one value say alone (95 %)."""
    low, high = theory.clopper_pearson(collapsed, runs)
    return "fails" if low > 0.5 else "holds" if high < 0.5 else "unclear"


def _at_most(one: cliff.Tried, batch: int, confident: float) -> float:
    """The upper end of the interval of the chance to fail at a value. After the first look it is the exact one of so
    many runs; more runs are added as their results want it, so then it is one that holds at every look. Each has half
    of the error, so the interval holds whichever look it is.
    """
    if one.runs <= batch:
        return theory.clopper_pearson(one.failed, one.runs, confident).high
    return confidence.chance(one.failed, one.runs, (1.0 - confident) / 2.0).high


def _is_whole(text: str) -> bool:
    return bool(re.fullmatch(r"\s*-?[0-9]{1,18}\s*", text))


def _not_a_number(experiment: Experiment, key: str) -> str:
    """What is wrong with a key of which the file has no number, "" if it takes one all the same."""
    first: ScenarioError | None = None
    for value in (1, "1s", "50%", "1/s"):
        try:
            experiment.drawn(None, ((key, value),))
        except ScenarioError as error:
            first = first or error
        else:
            return ""
    own = value_at(experiment.raw, key)
    wanted = "want a key that holds a duration, a rate, a share or a number"
    return str(first) if own is None else f"{experiment.file}: {key} is {shown(own)}, which is no number; {wanted}"


def _never_lost(experiment: Experiment, key: str, ends: str) -> str:
    """What to ask where runs lose no lease with any value of a key from one end to another."""
    scenario = experiment.first.scenario
    text = f"{experiment.file}: no run loses a lease with {key} from {ends}, so none collapses"
    if scenario.policy.lease.name not in LOSES_AT_ONCE:
        text += f" (policy.lease is {scenario.policy.lease.name}: a late renewal need not cost the lease)"
        if scenario.overdue_after_s is not None:
            within = f"--within {min(WITHIN_S, scenario.horizon / 2) / 60:.4g}m"
            return f"{text}; want {within}: up to which value all have renewed so soon after the dependency"
    return f"{text}; want another key, or --low and --high where leases run out, such as with a longer outage"


def _no_two_differ(
    experiment: Experiment,
    key: str,
    times_s: Mapping[float, Sequence[float]],
    failed: int,
    *,
    within_s: float | None,
    of_renewals: bool,
    told_at: Callable[[float], str],
) -> str:
    """What is true where no two values have verdicts that differ, and what to ask instead: a time that some of these
    values keep and others do not, where their runs (`times_s`, when each is well again, by the value) differ in it.
    """
    runs, ends = sum(map(len, times_s.values())), " to ".join(told_at(pick(times_s)) for pick in (min, max))
    if 0 < failed < runs:
        how = "collapse" if within_s is None else "may be late" if of_renewals else "are late"
        how = f"{failed} of {show_count(runs)} runs {how}"
    elif within_s is None:
        how = f"{'every' if failed else 'no'} run of {show_count(runs)} collapses"
    else:
        back = "has surely all renewed" if of_renewals else "is back"
        how = f"{'no' if failed else 'every'} run of {show_count(runs)} {back} within {show_duration(within_s)}"
    text = f"{experiment.file}: with {key} from {ends} {how}"
    known = {value: sorted(one for one in each if not math.isnan(one)) for value, each in times_s.items()}
    middles_s = {value: each[len(each) // 2] for value, each in known.items() if each}
    soon_s, late_s = (pick(middles_s.values(), default=math.inf) for pick in (min, max))
    wider = "want another key, or --low and --high beyond these"
    if math.isinf(soon_s) and of_renewals:
        return f"{text}: at no value do counts of renewals tell a latest time of most of them; {wider}"
    if math.isinf(soon_s):
        return f"{text}, and at no value are most back before the run ends; {wider}"
    end_s = min(late_s, experiment.first.scenario.horizon)
    if not end_s > APART * soon_s:
        return f"{text}, and at each value most are back after about {show_duration(soon_s)}; {wider}"
    soon, late = (next(value for value, its_s in middles_s.items() if its_s == one) for one in (soon_s, late_s))
    never = "not before the run ends" if math.isinf(late_s) else f"only after {show_duration(late_s)}"
    between_s = math.sqrt(soon_s * end_s) if soon_s > 0 else end_s / 2
    text += f". But they differ in when they are back: after {show_duration(soon_s)} at {told_at(soon)}, {never} at "
    text += f"{told_at(late)}; want a time between these, such as --within {float(f'{between_s:.2g}'):g}s, or "
    return f"{text}{wider.removeprefix('want ')}"


APART = 1.5  # times as long: by less, times to recovery are called alike here


def _ready(experiment: Experiment, key: str, own: object) -> str:
    """The value of the file, and a command that looks for ends by itself, as the end of an error; "" without one."""
    if (found := quantity(own)) is None or not found[1] > 0.0:
        return ""
    sets = (word for one in experiment.overrides for word in ("--set", one))
    command = shlex.join(["recovery", "threshold", experiment.file, key, *sets])
    return f" ({key} is {shown(own)} in the file; this searches outward from there: {command})"


def _outward(own: float, low: float | None, high: float | None) -> Iterator[float]:
    """The value of the file and the end that is given; then, until the caller has found another verdict, twice and half
    as much each time, on the side that is open.
    """
    yield own
    yield from (end for end in (low, high) if end is not None and end != own)
    for i in range(1, DOUBLINGS + 1):
        if high is None:
            yield max(own, low or own) * 2**i
        if low is None:
            yield min(own, high or own) / 2**i


def _outage_s(experiment: Experiment, key: str, low: float, high: float) -> tuple[float, float] | None:
    """How long the outage is whose begin or end is the key, at both values, s; None for another key."""
    place = re.fullmatch(r"dependency\.outages\.(\d+)\.(from|to)", key)
    if place is None:
        return None
    outage = experiment.first.scenario.dependency.outages[int(place[1])]
    return (low - outage.start, high - outage.start) if place[2] == "to" else (outage.end - low, outage.end - high)


def _apart(found: Mapping[float, Verdict]) -> tuple[float, float] | None:
    """Two values next to each other, but for those that are not clear, whose verdicts differ."""
    clear = [value for value in sorted(found) if found[value] != "unclear"]
    return next(((a, b) for a, b in itertools.pairwise(clear) if found[a] != found[b]), None)


def threshold(
    experiment: Experiment,
    key: str,
    low: str | None,
    high: str | None,
    *,
    confidence: float,
    tolerance: float,
    most: int,
    out: Path,
    place: Backend,
    within_s: float | None = None,
    known_value: Callable[[str, Tried], None] = _silent_value,
    say: Callable[[str], None] = _silent_line,
) -> Threshold:
    """Where recovery turns into collapse over one key of the file as it stands (cliff.cliff), by the verdict of the
    runs: one that still drains at the horizon is on the good side, so the cliff is the system's and not the horizon's.
    Whether it is, some runs that are twice as long say at both ends. All are kept under `out` and not run again. With
    `within_s` a run is on the bad side that is not back (99 %; under a rule that spares leases: all renewed) so soon
    after the dependency's return.

    An end that is None is looked for outward from the file's own value, twice and half as much each time, until two
    verdicts differ. `known_value` hears of each value that is known (what kind of quantity it is, and what was found),
    `say` of what is being tried, every half minute at most. Raises Refusal if an end is no number with a unit, none
    is found, or both ends have one verdict.
    """
    if wrong := not_one_number(experiment.raw, key):
        raise Refusal(f"{experiment.file}: {wrong}")
    own = value_at(experiment.base, key)
    given = [None if text is None else int(text) if _is_whole(text) else text for text in (low, high)]
    is_open = None in given
    numbers = [None if one is None else quantity(one) for one in [*given, *([own] if is_open else [])]]
    kinds = {found[0] for found in numbers if found is not None}
    least, greatest = ((found and found[1]) for found in numbers[:2])
    start = numbers[2][1] if is_open and numbers[2] is not None else math.nan
    if is_open and numbers[2] is None and (wrong := _not_a_number(experiment, key)):
        raise Refusal(wrong)
    if is_open and not start > 0.0:
        said = "is not in the file" if own is None else f"is {shown(own)} in the file"
        raise Refusal(f"{experiment.file}: {key} {said}, from where nothing can be looked for; want --low and --high")
    wants = "want two durations, rates, shares or numbers, the lower first"
    if any(found is None for found, one in zip(numbers, given, strict=False) if one is not None) or len(kinds) != 1:
        raise Refusal(f"{key} from {low} to {high}: {wants}{_ready(experiment, key, own)}")
    if least is not None and greatest is not None and not least < greatest:
        raise Refusal(f"{key} from {low} to {high}: {wants}{_ready(experiment, key, own)}")
    [kind] = kinds
    whole = all(isinstance(one, int) for one in [*given, *([own] if is_open else [])] if one is not None)
    # Where a late renewal costs no lease, 99 % of these are back at once, and runs differ in when all have renewed.
    scenario = experiment.first.scenario
    spares = scenario.has_leases and scenario.policy.lease.name not in LOSES_AT_ONCE
    of_renewals = spares and within_s is not None and scenario.overdue_after_s is not None
    known = KnownRuns(out / experiment.name / "threshold", "ttr_renewed_s" if of_renewals else "ttr99_s")
    each_s = math.nan
    values, tried = 0, 0
    progress = _Watched(say)

    late: dict[float, dict[int, bool]] = {}  # by the value, of each replication whether it is not back, nor collapsed
    collapsed: dict[float, dict[int, bool]] = {}  # likewise, whether it collapsed
    times_s: dict[float, list[float]] = {}  # likewise, when each run is back
    failures = 0  # runs on the bad side, of all values
    kept: list[bool] = []  # of all runs at a value, whether no lease was lost
    said_of: set[tuple[float, int]] = set()  # values that were told, with how many runs

    def told_of(one: cliff.Tried) -> Tried:
        share = _at_most(one, min(BATCH, most), confidence)
        return Tried(**one._asdict(), late=sum(late[one.value].values()), share_at_most=share)

    def note(one: cliff.Tried) -> None:
        nonlocal tried
        tried += 1
        if (one.value, one.runs) not in said_of:
            said_of.add((one.value, one.runs))
            known_value(kind, told_of(one))

    def text_at(value: float) -> str | float:
        return round(value) if whole else text_of(kind, value)

    asked = (("--low", low, least), ("--high", high, greatest))
    for flag, text, end in asked:  # before any run, and not when its turn comes
        if end is not None:
            try:
                experiment.drawn(None, ((key, text_at(end)),))
            except ScenarioError as error:
                raise Refusal(f"{error} (with {flag} {text})") from None

    def told_at(value: float) -> str:
        return show_duration(value) if kind == "duration" else str(text_at(value))

    def none_differ() -> str:
        if within_s is None and all(kept):
            return _never_lost(experiment, key, " to ".join(told_at(pick(times_s)) for pick in (min, max)))
        return _no_two_differ(
            experiment, key, times_s, failures, within_s=within_s, of_renewals=of_renewals, told_at=told_at
        )

    def fails(value: float, replications: range) -> list[bool]:
        nonlocal failures
        text = text_at(value)
        found = ends_of(experiment.drawn(None, ((key, text),)), told_at(value), replications)
        failed = [one.has_collapsed if within_s is None else not one.value <= within_s for one in found]
        failures += sum(failed)
        times_s.setdefault(value, []).extend(one.value for one in found)
        late.setdefault(value, {}).update(
            (r, math.isinf(one.value) and not bad) for r, one, bad in zip(replications, found, failed, strict=True)
        )
        kept.append(all(one.keeps_leases for one in found))
        collapsed.setdefault(value, {}).update(
            (r, one.has_collapsed) for r, one in zip(replications, found, strict=True)
        )
        return failed

    def looked_for() -> tuple[tuple[float, float], dict[float, Verdict]]:
        """Two ends outward from the value of the file, and what was found on the way."""
        found: dict[float, Verdict] = {}
        runs = range(min(BATCH, most))
        for outward in _outward(start, least, greatest):
            value = quantity(text_at(outward)) or (kind, 0.0)
            if value[1] in found or not value[1] > 0.0:
                continue
            try:
                failed = sum(fails(value[1], runs))
            except ScenarioError:
                if outward == start:
                    raise
                continue  # no such value can be: what lies beyond it is not looked at by itself either
            found[value[1]] = _verdict(failed, len(runs))
            note(cliff.Tried(value[1], failed, len(runs), found[value[1]]))
            if (pair := _apart(found)) is not None:
                return pair, found
            if spares and all(kept) and within_s is None and len(found) == LOOKED_AT:
                break
        raise Refusal(none_differ())

    def longer_of(low: float, high: float, runs: int) -> Longer | None:
        """The same runs at both ends of the bracket to a later horizon; None where the file cannot have that."""
        horizon_s, then, before = LONGER * experiment.first.scenario.horizon, [], []
        for value in (low, high):
            text = text_at(value)
            try:
                variant = experiment.drawn(None, ((key, text), ("horizon", f"{horizon_s:.9f}s")))
            except ScenarioError:
                return None
            if variant.scenario.horizon != horizon_s:  # the first variant sets its own
                return None
            then.append(sum(one.has_collapsed for one in ends_of(variant, told_at(value), range(runs))))
            before.append(sum(collapsed[value][r] for r in range(runs)))
        return Longer(
            horizon_s=horizon_s, runs=runs, low_failed=then[0], high_failed=then[1], low_failed_before=before[0],
            high_failed_before=before[1],
        )  # fmt: skip

    def beyond_of(value: float) -> Middle | None:
        """The run that tells what is the limit where most runs fail: the middle one of those there. None where rows of
        them lie no longer in the folder.
        """
        import polars as pl

        variant = experiment.drawn(None, ((key, text_at(value)),))
        met = [resolve(variant, experiment.head.seed, r) for r in range(len(late[value]))]
        keys = {identity.digest_of(one, experiment.head.seed, r): (r, one) for r, one in enumerate(met)}
        table = known.parts.read()
        if table is None or not {"verdict", known.measure} <= set(table.columns):
            return None
        own = table.filter(pl.col("error").is_null() & pl.col("key").is_in(list(keys))).unique("key")
        if not own.height:
            return None
        row, alike = in_the_middle(own, known.measure, "key")
        replication, ran = keys[str(row["key"])]
        found = record_of(row, ran, experiment.first.name, experiment.head.seed, replication)
        return found.model_copy(update={"alike": alike, "runs": own.height})

    def ends_of(variant: Variant, text: str, replications: range) -> list[Found]:
        nonlocal each_s
        seed = experiment.head.seed
        met = {r: resolve(variant, seed, r) for r in replications}
        keys = {identity.digest_of(met[r], seed, r): r for r in replications}
        todo = [Work(k, met[r], seed, r) for k, r in keys.items() if k not in known.found or k in known.again]
        at = f" (value {min(tried + 1, values)} of about {values})" if values else ""
        progress.begin(f"{key} = {text}", replications, most, at)

        def add(rows: Sequence[Done]) -> None:
            known.add(rows)
            progress.done(len(rows))

        if todo:
            begun = time.monotonic()
            each_s = loop.drain(todo, place, add, many=len(todo), each_s=each_s)
            progress.timed(len(todo), time.monotonic() - begun)
        for name in keys:
            if (error := known.found[name].error) is not None:
                raise Refusal(f"{key} = {text}: a run failed: {error}")
        return [known.found[name] for name in keys]

    def foretold_at(at: Sequence[float], runs: int) -> str:
        """How long so many runs of these values take, as the end of a line; "" where that is not long, or where runs
        lie in the folder already.
        """
        if known.found:
            return ""
        variants = [experiment.drawn(None, ((key, text_at(value)),)) for value in at]
        found = ahead.takes([(one, runs / len(at)) for one in variants], experiment.head.seed, place.workers)
        where = " and ".join(map(told_at, at))
        return "" if found is None else f"; if all take as long as those of {where}, {runs} runs take {found}"

    looked: dict[float, Verdict] = {}
    with place:
        if least is None or greatest is None:
            outward = 1 + DOUBLINGS * (least is None) + DOUBLINGS * (greatest is None) + (least != greatest)
            say(
                f"{key} is {shown(own)} in {experiment.file}: looking outward from there, at most {outward} values by "
                f"{min(BATCH, most)} runs each{foretold_at([start], outward * min(BATCH, most))}"
            )
            (least, greatest), looked = looked_for()
        scale: Literal["log", "linear"] = "log" if least > 0 else "linear"
        brackets = _steps(least, greatest, tolerance, scale)
        steps = math.ceil(max(math.log2(min(brackets, greatest - least) if whole else brackets), 0.0))
        values, tried = 2 + steps, 0
        # A value that stays unclear leaves a gap on either side; whole numbers do not halve a gap exactly.
        values_most = 2 + max(steps, 2 * steps - 1) + 2 * whole
        between = f"from {told_at(least)} to {told_at(greatest)}"
        foretold = functools.partial(foretold_at, (least, greatest))
        progress.plan(values, values_most, min(BATCH, most), most, between, foretold)
        try:
            told = cliff.cliff(
                fails, least, greatest, confidence=confidence, tolerance=tolerance, most=most, scale=scale,
                whole=whole, known=note,
            )  # fmt: skip
        except cliff.SameSide:
            raise Refusal(f"{none_differ()}{_ready(experiment, key, own)}") from None
        longer = None
        if within_s is None:
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
        within_s=within_s,
        of_renewals=of_renewals,
        longer=longer,
        outage_s=_outage_s(experiment, key, told.low, told.high),
        beyond=beyond_of(told.high if told.fails == "above" else told.low),
        own=start if looked else None,
        searched=tuple(looked),
    )
