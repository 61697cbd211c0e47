"""A stage runs once: what is known is not run again, and nobody can tell from the numbers.

Oracles: the same runs without reuse (every byte of tables and series, save what a run cost); the number of hosts and
windows that were run, counted; for what a key must hold, the outcomes themselves: where two differ, their keys do.
"""

import dataclasses
import functools
import hashlib
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import added_stage
import numpy as np
import pytest
from fingerprints import LATER
from pydantic import BaseModel
from recovery_kernels import feedback as loop_kernel

from recovery.measures import leased_curve, register
from recovery.model.scenario import Scenario
from recovery.model.variant import Variant
from recovery.reading.experiment import Experiment, parse
from recovery.simulate import chain, identity, pipeline
from recovery.simulate.outcome import Outcome
from recovery.simulate.reuse import MEMORY_BYTES, Known
from recovery.simulate.sums import Sum
from recovery.stages import feedback, health, known, launches, propagating
from recovery.stages.stage import Before, StageRun
from recovery.store import packed
from recovery.store.packed import Unpackable, pack, unpack
from recovery.store.shelf import Shelf, known_in
from recovery.study import execute, runs
from recovery.study import sweep as sweeps
from recovery.study.runs import chunks
from recovery.study.runs.executor import Backend
from recovery.study.sweep.runs import Runs, silent

LOOP = 'health.terminate_after = "2m"\n'
VARIANTS = """
[variants."fewer propagate"]
propagation.workers = 1
[variants."slower to trust"]
health.rise = 2
[variants."more workers"]
host.workers = 2
[variants."other words"]
propagation.normal_latency = "1s"
"""
KERNELS = {"launches": launches, "propagation": propagating, "health": health}


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How many hosts were run, and how many windows of each later stage."""
    count: Counter[str] = Counter()
    outcome = Sum.outcome

    def counted_hosts(total: Sum, *args: Any) -> Outcome:
        count["hosts"] += len(total.simulated)
        return outcome(total, *args)

    def counted(name: str, advance: object, *args: object) -> object:
        state = args[3]
        before = int(state.whole[0])  # type: ignore[attr-defined]
        try:
            return advance(*args)  # type: ignore[operator]
        finally:
            count[name] += int(state.whole[0]) - before  # type: ignore[attr-defined]

    def counted_loop(*args: object) -> object:
        whole = {name: one.state.whole for name, one in zip(KERNELS, args, strict=False)}  # type: ignore[attr-defined]
        before = {name: int(one[0]) for name, one in whole.items()}
        try:
            return loop_kernel.advance(*args)  # type: ignore[arg-type]
        finally:
            count.update({name: int(one[0]) - before[name] for name, one in whole.items()})

    monkeypatch.setattr(Sum, "outcome", counted_hosts)
    monkeypatch.setattr(feedback, "kernel", _Module(loop_kernel, advance=counted_loop))
    for name, module in KERNELS.items():
        kernel = _Module(module.kernel, advance=functools.partial(counted, name, module.kernel.advance))
        assert module.kernel.WINDOW == 0
        monkeypatch.setattr(module, "kernel", kernel)
    return count


class _Module:
    """A module with some names replaced."""

    def __init__(self, module: object, **names: object) -> None:
        self.module, self.names = module, names

    def __getattr__(self, name: str) -> object:
        return self.names.get(name) or getattr(self.module, name)


def experiment(loop: bool = False, replications: int = 2) -> Experiment:
    return parse(f"replications = {replications}\n" + LATER + (LOOP if loop else "") + VARIANTS)


def numbers(text: str) -> object:
    """A record without what the run cost and when it was."""
    table = json.loads(text)
    for row in table.get("rows", []):
        del row["cpu_s"]
    return table


def files_of(folder: Path) -> dict[str, object]:
    """Every byte of tables and series."""
    return {
        "summary": numbers((folder / "summary.json").read_text(encoding="utf-8")),
        "series": (folder / "series.parquet").read_bytes(),
    }


@pytest.mark.parametrize("loop", [False, True])
@pytest.mark.parametrize("threads", [1, 3])
def test_a_run_with_reuse_gives_the_bytes_of_one_without(tmp_path: Path, loop: bool, threads: int) -> None:
    loaded = experiment(loop)
    for name, again in (("anew", False), ("once", True), ("once", True)):
        execute.run(loaded, out=tmp_path / name, threads=threads, quiet=True, reuse=again)
    anew, once = files_of(tmp_path / "anew" / loaded.name), files_of(tmp_path / "once" / loaded.name)
    assert anew == once
    assert not known_in(tmp_path / "anew" / loaded.name).exists()


@pytest.mark.parametrize("loop", [False, True])
def test_each_stage_runs_once(ran: Counter[str], loop: bool) -> None:
    loaded = experiment(loop)
    windows, hosts = loaded.first.scenario.windows, 2 * loaded.first.scenario.hosts
    execute.simulate(loaded, threads=1)
    assert ran == {"hosts": 5 * hosts, "launches": 10 * windows, "propagation": 10 * windows, "health": 10 * windows}
    ran.clear()
    execute.simulate(loaded, threads=1, known=Known())
    # Two kinds of hosts; two herds of launches; of propagation those and fewer workers; of health those and slower
    # trust. In a loop all three are one.
    kinds = (4, 4, 4) if loop else (2, 3, 4)
    assert ran["hosts"] == 2 * hosts
    assert tuple(ran[name] // (2 * windows) for name in KERNELS) == kinds


class Told(NamedTuple):
    """A run: what it changes, and of each of its stages the key and what it gave."""

    change: str
    stages: dict[str, tuple[str | None, str]]


def told(change: str, scenario: Scenario, replication: int = 0) -> Told:
    variant = Variant("", scenario)
    with pipeline.Runner(1) as runner:
        outcome = chain.follow(next(runner.run([(variant, 1, replication)])))
    found: dict[str, tuple[str | None, str]] = {
        "hosts": (identity.digest_of_traffic(variant, 1, replication), given(outcome.traffic))
    }
    later = known.later_of(scenario)
    if later:
        traffic = outcome.traffic
        before = Before(outcome.scenario, 1, replication, traffic.leased_by_zone, traffic.holders_by_zone)
        keys = chain._Chain(later, before, chain.STRETCH).keys()
        found |= {stage.name: (key, given(outcome.later[stage.name])) for stage, key in zip(later, keys, strict=True)}
    return Told(change, found)


def given(table: object) -> str:
    digest = hashlib.sha256()
    for name, leaf in packed._leaves(table, ""):
        digest.update(name.encode() + leaf.tobytes())
    return digest.hexdigest()


def blind(runs_told: list[Told]) -> list[str]:
    """Stages and changes whose outcome is another though the key is not."""
    first: dict[tuple[str, str], tuple[str, str]] = {}
    wrong = []
    for one in runs_told:
        for stage, (key, outcome) in one.stages.items():
            assert key is not None
            change, other = first.setdefault((stage, key), (one.change, outcome))
            if other != outcome:
                wrong.append(f"{stage}: {change} | {one.change}")
    return wrong


FULL = (
    'baseline={ within = "10%", over = "1m" }',
    'recovers_from="8m"',
    "fleet.skew=0.5",
    'host.fail_after="2s"',
    'host.round_trip="1s"',
    'host.reject_cost="20ms"',
    'host.drop_cost="20ms"',
    "host.slowdown={ a = 0.5, b = 1.5, queue = 10 }",
    'policy.admission={ name = "queue-size", rate = "95%", limit = 20, burst = "3s" }',
    'policy.queue={ name = "drop-expired", max_age = "15s", margin = "1s" }',
    'policy.lease={ name = "grace", grace = "20s" }',
    "launches.looks=3",
    'launches.pinned="40%"',
    "launches.retries=5",
    'launches.throttle=[{ at = "9m", rate = "2/s" }, { at = "15m", rate = "4/s" }]',
    'launches.burst="4s"',
    "propagation.slowdown={ a = 0.5, b = 0.5, queue = 50 }",
    'propagation.fails="5%"',
    "propagation.retries=4",
    'propagation.client={ name = "fixed", delay = "20s" }',
    'propagation.intake={ name = "queue-size", rate = "4/s", limit = 40 }',
    "propagation.shards=2",
    'propagation.reductions=[{ at = "10m", lasts = "5m", share = "50%" }]',
    'health.policy={ name = "velocity", share = "10%", within = "2m" }',
    'health.failover_below="80%"',
    'health.failover_back="90%"',
    'health.failover=[{ at = "12m", do = "off" }, { at = "20m", do = "on" }]',
    'health.change_time="100ms"',
    (
        'operator=[{ do = "restart", at = "11m", waves = 2, every = "30s", down_for = "20s", share = "50%" }, '
        '{ do = "throttle", when = "leased < 60%", for = "20s", rate = "70%", only = "establish" }]'
    ),
)
NO_CHANGE = {"called", "called_one", "holds", "holds_one"}  # words


def changed(model: BaseModel, at: str = "") -> Iterator[tuple[str, BaseModel]]:
    """The model with one number of it, or of a part of it, changed; each in turn."""
    for name in type(model).model_fields:
        value, path = getattr(model, name), f"{at}{name}"
        if name in NO_CHANGE:
            continue
        if isinstance(value, BaseModel):
            for where, part in changed(value, f"{path}."):
                yield where, model.model_copy(update={name: part})
        elif isinstance(value, tuple) and value and isinstance(value[0], BaseModel):
            for i, item in enumerate(value):
                for where, part in changed(item, f"{path}.{i}."):
                    yield where, model.model_copy(update={name: (*value[:i], part, *value[i + 1 :])})
        elif isinstance(value, bool):
            yield path, model.model_copy(update={name: not value})
        elif isinstance(value, int):
            yield path, model.model_copy(update={name: value + 1})
        elif isinstance(value, float):
            yield path, model.model_copy(update={name: 1.5 * value if value else 0.5})


def full_changes() -> list[tuple[str, Scenario]]:
    scenario = parse(LATER, overrides=FULL).first.scenario
    return [("", scenario), *((where, one) for where, one in changed(scenario) if isinstance(one, Scenario))]


@pytest.fixture(scope="module")
def full() -> list[Told]:
    """A run of all rules at once, and one for each number of it, changed."""
    return [told(where, scenario) for where, scenario in full_changes()]


def test_where_a_stage_gives_something_else_its_key_differs(full: list[Told]) -> None:
    assert blind(full) == []
    base = full[0].stages
    for name, least in (("hosts", 40), ("launches", 50), ("propagation", 60), ("health", 65)):
        assert sum(one.stages[name][1] != base[name][1] for one in full) >= least  # so many numbers matter to it


def test_what_does_not_enter_a_stage_changes_no_key(full: list[Told]) -> None:
    base, after = full[0].stages, {"hosts": 0, "launches": 1, "propagation": 2, "health": 3}
    for one in full:
        table = one.change.partition(".")[0]
        kept = [name for name in base if one.stages[name][0] == base[name][0]]
        if table in after:
            assert kept[: after[table]] == list(base)[: after[table]]
        if one.change in ("hold", "baseline.within", "propagation.normal_latency", "health.normal_share"):
            assert kept == list(base)


def test_a_key_that_misses_what_enters_is_found_out(full: list[Told], monkeypatch: pytest.MonkeyPatch) -> None:
    """Oracle: keys that are made blind on purpose."""
    table = identity._table
    monkeypatch.setattr(
        identity, "_table", lambda scenario: {k: v for k, v in table(scenario).items() if k not in ("host", "fleet")}
    )
    monkeypatch.setattr(identity, "_lowered_hosts", lambda scenario: [])
    seen = [
        Told(where, {"hosts": (identity.digest_of_traffic(Variant("", scenario), 1, 0), one.stages["hosts"][1])})
        for (where, scenario), one in zip(full_changes(), full, strict=True)
    ]
    assert {"hosts:  | host.workers", "hosts:  | fleet.holders"} <= set(blind(seen))
    held = identity._held
    monkeypatch.setattr(identity, "_held", lambda one, names: None if isinstance(one, float) else held(one, names))
    short = [told(where, scenario) for where, scenario in full_changes() if where in ("", "launches.pinned")]
    assert any(one.startswith("launches:") for one in blind(short))


def test_two_replications_share_nothing() -> None:
    scenario = parse(LATER).first.scenario
    one, two = (told("", scenario, replication).stages for replication in (0, 1))
    assert all(one[name][0] != two[name][0] for name in one)


@pytest.mark.parametrize("loop", [False, True])
def test_a_later_run_of_the_folder_runs_nothing(tmp_path: Path, ran: Counter[str], loop: bool) -> None:
    loaded = experiment(loop)
    always = functools.partial(Known, worth_s=0.0)
    shelf = Shelf(tmp_path / "known")
    first = execute.simulate(loaded, threads=2, known=always(shelf))
    ran.clear()
    again = execute.simulate(loaded, threads=2, known=always(shelf))
    assert not ran
    assert numbers(again.summary.to_json()) == numbers(first.summary.to_json())
    assert again.files()["series.parquet"] == first.files()["series.parquet"]
    changed_ = parse("replications = 2\n" + LATER + VARIANTS + '[variants."new"]\nhealth.fall = 4\n')
    execute.simulate(changed_, threads=2, known=always(shelf))
    assert ran["hosts"] == 0  # leases are known; their herd is run again, since only its table was kept
    assert ran["health"] > 0


def test_a_run_of_a_condition_is_known_with_what_operators_did(tmp_path: Path, ran: Counter[str]) -> None:
    act = '[[operator]]\ndo = "restart"\nwhen = "leased < 50%"\nfor = "20s"\nshare = "50%"\n'
    loaded = parse(LATER + act)
    once = [execute.simulate(loaded, threads=1, known=Known(Shelf(tmp_path), worth_s=0.0)) for _ in range(2)]
    actions = [one.summary.rows[0].actions for one in once]
    assert [action.do for action in actions[0]] == ["restart"]
    assert actions[0] == actions[1]
    assert ran["hosts"] == loaded.first.scenario.hosts


SPOILT = {
    "cut": lambda data: data[: len(data) // 2],
    "empty": lambda _: b"",
    "changed": lambda data: data[:-1] + bytes([data[-1] ^ 1]),
    "another": lambda _: pack(Pair(1, np.arange(3))),
    "foreign": lambda _: b"PK\x03\x04 something else",
}


@dataclasses.dataclass
class Maybe:
    """What a table of a stage may hold, too."""

    flag: bool
    column: np.ndarray | None


@dataclasses.dataclass
class Pair:
    """Something that is no table."""

    one: int
    two: np.ndarray


@pytest.mark.parametrize("how", SPOILT)
def test_what_is_damaged_or_foreign_is_made_anew(tmp_path: Path, ran: Counter[str], how: str) -> None:
    loaded = experiment(replications=1)
    first = execute.simulate(loaded, threads=1, known=Known(Shelf(tmp_path), worth_s=0.0))
    everything = dict(ran)
    for path in tmp_path.iterdir():
        path.write_bytes(SPOILT[how](path.read_bytes()))
    ran.clear()
    again = execute.simulate(loaded, threads=1, known=Known(Shelf(tmp_path), worth_s=0.0))
    assert ran == everything
    assert again.files()["series.parquet"] == first.files()["series.parquet"]
    ran.clear()
    execute.simulate(loaded, threads=1, known=Known(Shelf(tmp_path), worth_s=0.0))
    assert not ran  # and is whole from then on


def test_what_other_code_made_is_not_taken(tmp_path: Path, ran: Counter[str], monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = experiment(replications=1)
    execute.simulate(loaded, threads=1, known=Known(Shelf(tmp_path), worth_s=0.0))
    monkeypatch.setattr(identity, "SERIES_CODE", "edited")
    ran.clear()
    execute.simulate(loaded, threads=1, known=Known(Shelf(tmp_path), worth_s=0.0))
    assert ran["hosts"] == 2 * loaded.first.scenario.hosts


def test_another_measure_is_made_of_the_series_that_are_known(
    tmp_path: Path, ran: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = experiment(replications=1)
    first = execute.simulate(loaded, threads=1, known=Known(Shelf(tmp_path), worth_s=0.0))
    monkeypatch.setattr(leased_curve, "relapses", lambda *_: 77)
    ran.clear()
    again = execute.simulate(loaded, threads=1, known=Known(Shelf(tmp_path), worth_s=0.0))
    assert not ran
    assert again.files()["series.parquet"] == first.files()["series.parquet"]
    assert {row.measures["relapses"] for row in again.summary.rows} == {77}
    assert identity.SERIES_CODE != identity.CODE


def test_series_hang_on_no_package_that_tells() -> None:
    """What simulates imports none of them but the measures, which tables call only where they are asked for a row."""
    ask = "import sys, recovery.simulate.pipeline; print(*(m for m in sys.modules if m.startswith('recovery.')))"
    loaded = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True).stdout.split()
    assert {name.split(".")[1] for name in loaded} & identity._TELLS == {"measures"}


def test_only_what_was_dear_is_written(tmp_path: Path) -> None:
    execute.simulate(experiment(replications=1), threads=1, known=Known(Shelf(tmp_path), worth_s=1e9))
    assert not any(tmp_path.iterdir())


def test_a_shelf_is_bounded_and_keeps_what_was_asked_for(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, bytes_max=100)
    for age, key in enumerate(("a", "b", "c")):
        shelf.write(key, bytes(30))
        os.utime(tmp_path / f"{key}.known", (age, age))
    assert shelf.read("a") == bytes(30)  # asked for last
    shelf.write("d", bytes(30))
    assert [shelf.read(key) is not None for key in "abcd"] == [True, False, True, True]
    shelf.write("large", bytes(101))
    assert shelf.read("large") is None
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 100


def test_a_shelf_that_cannot_be_written_or_read_costs_time_alone(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    loaded = experiment(replications=1)
    found = execute.simulate(loaded, threads=1, known=Known(Shelf(tmp_path / "file"), worth_s=0.0))
    assert found.series.equals(execute.simulate(loaded, threads=1).series)


def test_memory_is_bounded_and_what_is_gone_is_made_anew() -> None:
    loaded = experiment()
    want = execute.simulate(loaded, threads=1)
    for room in (0, 100_000, 1_000_000):
        held = Known(memory_bytes=room)
        found = execute.simulate(loaded, threads=2, known=held)
        assert held._bytes == sum(size for _, size in held._held.values()) <= room
        assert found.series.equals(want.series)


def test_a_stage_that_needs_more_memory_than_there_is_goes_on_beside_the_others() -> None:
    """Oracle: the same chain, never kept."""
    with pipeline.Runner(1) as runner:
        hosts = next(runner.run([(parse(LATER).first, 1, 0)]))
    want = chain.follow(hosts).columns()
    for room in (300_000, 400_000, 600_000):
        found = chain.follow(hosts, 7, Known(memory_bytes=room)).columns()
        assert all(np.array_equal(found[name], want[name]) for name in want)


def test_what_is_packed_comes_back_whole(tmp_path: Path) -> None:
    loaded = parse(LATER, overrides=("fleet.hosts=12", "fleet.sample_hosts=4"))
    with pipeline.Runner(1) as runner:
        outcome = chain.follow(next(runner.run([(loaded.first, 1, 0)])))
    outcome.traffic.unleased_ns = 10**20  # more than an array holds
    assert outcome.traffic.doubt is not None
    for table in (outcome.traffic, *outcome.later.values()):
        back = unpack(pack(table), type(table))
        assert given(back) == given(table)
        assert type(back) is type(table)
    for pair in (Maybe(True, None), Maybe(False, np.arange(3))):
        back = unpack(pack(pair), Maybe)
        assert (back.flag, back.column is None) == (pair.flag, pair.column is None)
    with pytest.raises(Unpackable, match=r"two is a str"):
        pack(Pair(1, "text"))  # type: ignore[arg-type]


# --- a stage that is added --------------------------------------------------------------------------------------------


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known, "LATER", (*known.LATER, added_stage.STAGE))
    monkeypatch.setattr(register, "TABLE", (*register.TABLE, *added_stage.MEASURES))


def with_calls() -> Experiment:
    variants = "".join(f'[variants."{share}"]\ncalls.share = "{share}"\n' for share in ("20%", "40%", "60%"))
    return parse(LATER + variants, overrides=("launches.retries=1", 'calls.share="20%"'), model=added_stage.WithCalls)


@pytest.mark.usefixtures("calls")
def test_a_stage_that_is_added_is_reused_and_the_others_with_it(
    tmp_path: Path, ran: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    advance, windows = added_stage.CallRun.advance, with_calls().first.scenario.windows

    def counted(self: added_stage.CallRun, until: int) -> None:
        ran["calls"] += until - self.done
        advance(self, until)

    monkeypatch.setattr(added_stage.CallRun, "advance", counted)
    want = execute.simulate(with_calls(), threads=1)
    ran.clear()
    found = execute.simulate(with_calls(), threads=1, known=Known(Shelf(tmp_path), worth_s=0.0))
    assert found.series.equals(want.series)
    assert {name: ran[name] // windows for name in (*KERNELS, "calls")} == {
        "launches": 1, "propagation": 1, "health": 1, "calls": 3,
    }  # fmt: skip
    ran.clear()
    again = execute.simulate(with_calls(), threads=1, known=Known(Shelf(tmp_path), worth_s=0.0))
    assert not ran
    assert again.series.equals(want.series)


@pytest.mark.usefixtures("calls")
def test_a_stage_that_holds_what_nobody_can_tell_apart_runs_each_time(
    tmp_path: Path, ran: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    start, started = added_stage._Calls.start, []

    def hidden(self: object, before: Before) -> StageRun:
        part = start(self, before)  # type: ignore[arg-type]
        part.scenario = before.scenario  # type: ignore[attr-defined]
        started.append(part)
        return part

    monkeypatch.setattr(added_stage._Calls, "start", hidden)
    want = execute.simulate(with_calls(), threads=1)
    for _ in range(2):
        ran.clear()
        started.clear()
        found = execute.simulate(with_calls(), threads=1, known=Known(Shelf(tmp_path), worth_s=0.0))
        assert found.series.equals(want.series)
        assert ran["hosts"] <= found.summary.groups[0].scenario.hosts.hosts
        assert sum(part.done > 0 for part in started) == 4


# --- sweeps -----------------------------------------------------------------------------------------------------------

SWEEP = """
[sweep.levers]
"health.rise" = { values = [1, 2, 3] }
"propagation.workers" = { values = [1, 2] }
"""


def test_levers_of_later_stages_cost_later_stages_alone(tmp_path: Path, ran: Counter[str]) -> None:
    loaded = parse(LATER + SWEEP)
    tables = []
    for again in (False, True):
        ran.clear()
        place = runs.backend("threads", 1)
        folder, summary = sweeps.run(loaded, out=tmp_path / str(again), place=place, resume=False, reuse=again)
        tables.append((folder / "runs.parquet").read_bytes())
        done, hosts, windows = summary.runs.done, loaded.first.scenario.hosts, loaded.first.scenario.windows
        each = done // 6
        if again:
            assert (ran["hosts"], ran["launches"]) == (each * hosts, each * windows)
            assert (ran["propagation"], ran["health"]) == (2 * each * windows, done * windows)
        else:
            assert (ran["hosts"], ran["launches"]) == (done * hosts, done * windows)
    assert tables[0] == tables[1]
    assert not chunks._known  # its memory is given back


def test_a_sweep_finds_on_disk_what_an_earlier_one_knew(
    tmp_path: Path, ran: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded, place = parse(LATER + SWEEP), runs.backend("threads", 1)
    monkeypatch.setattr(chunks, "Known", functools.partial(Known, worth_s=0.0))
    folder, _ = sweeps.run(loaded, out=tmp_path, place=place, resume=False)
    first = (folder / "runs.parquet").read_bytes()
    for part in (folder / "parts").iterdir():
        part.unlink()
    ran.clear()
    sweeps.run(loaded, out=tmp_path, place=place, resume=True)
    assert (folder / "runs.parquet").read_bytes() == first
    assert not ran
    for part in (folder / "parts").iterdir():
        part.unlink()
    sweeps.run(loaded, out=tmp_path, place=place, resume=True, reuse=False)
    assert (folder / "runs.parquet").read_bytes() == first
    assert ran["hosts"] > 0


@pytest.mark.parametrize("workers", [1, 3, 8])
@pytest.mark.parametrize("name", ["threads", "processes", "dask"])
def test_workers_share_the_memory_of_one(tmp_path: Path, name: str, workers: int) -> None:
    place = Backend(name, workers, lambda: pytest.fail("no worker is wanted"))
    shared = Runs(parse(LATER + SWEEP), tmp_path, place, silent, reuse=True)._simulate.keywords["sharing"]
    processes = 1 if name == "threads" else workers
    assert 0.99 * MEMORY_BYTES < processes * shared.memory_bytes <= MEMORY_BYTES
    assert (shared.folder is None) == (name == "dask")
    assert Runs(parse(LATER + SWEEP), tmp_path, place, silent, reuse=False)._simulate.keywords["sharing"] is None


# --- one variant alone ------------------------------------------------------------------------------------------------


def test_the_first_variant_is_found_where_a_run_left_it(tmp_path: Path, ran: Counter[str]) -> None:
    loaded = experiment()

    def known() -> Known:
        return Known(Shelf(tmp_path), worth_s=0.0)

    anew = execute.first_variant(loaded, 1, quiet=True)
    hosts = ran["hosts"]
    assert hosts > 0
    execute.simulate(loaded, threads=1, known=known())
    ran.clear()
    again = execute.first_variant(loaded, 1, quiet=True, known=known())
    assert not ran
    assert [one.measure() for one in again] == [one.measure() for one in anew]
    for one, other in zip(again, anew, strict=True):
        assert one.columns().keys() == other.columns().keys()
        assert all(np.array_equal(one.columns()[name], other.columns()[name]) for name in one.columns())
