"""Policies of one's own: a Python file that the command line names.

Oracles: the same rule among ours, whose runs have the same rows; the file itself, uncompiled; runs on other executors;
the compiled loop's files, which an edit leaves as they are; and for mistakes the lines that a user should read.
"""

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from distributed import LocalCluster

import recovery
from recovery.cli import main as cli
from recovery.errors import ScenarioError
from recovery.model.policies import own as rules
from recovery.reading.experiment import parse
from recovery.simulate import identity
from recovery.stages.sessions import controllers, own

TOP = Path(__file__).resolve().parent.parent
LIMIT = '''"""At most so many requests at a host at once. Any other is refused."""

AXIS = "admission"
PARAMS = {"limit": 8.0}
MEMORY = {"unused": 1}


def begin(params, memory, facts):
    """Nothing to remember."""
    memory.unused = 0.0


def ask(params, memory, facts):
    """Whether there is room."""
    return 1.0 if facts.waiting + facts.in_service < params.limit else 0.0
'''
HERD = """
horizon = "10m"
hold = "30s"
replications = 2
fleet = { holders = 400, hosts = 2 }
host = { workers = 2, establish_time = "40ms", timeout = "2s" }
lease = { duration = "60s", check_every = "30s" }
dependency.outages = [{ from = "1m", to = "3m" }]
policy.client = { name = "full-jitter", base = "1s", cap = "10s" }
"""
MINE = 'policy.admission = { name = "my-limit", limit = 5 }\n'
OURS = 'policy.admission = { name = "fixed-concurrency", limit = 5 }\n'


@pytest.fixture(autouse=True)
def nothing_is_known() -> Iterator[None]:
    rules.forget()
    yield
    rules.forget()


def call(*arguments: object) -> Result:
    return CliRunner().invoke(cli.main, [str(argument) for argument in arguments])


def written(folder: Path, text: str = LIMIT, name: str = "my_limit.py") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def rows(run: recovery.Run) -> list[dict[str, float]]:
    return [row.measures for row in run.summary.rows]


def test_a_rule_of_ones_own_gives_the_rows_of_the_same_rule_of_ours(tmp_path: Path) -> None:
    """Oracle: `fixed-concurrency`, whose file is another and whose rule is the same."""
    mine = recovery.parse(HERD + MINE, policies=[written(tmp_path)]).run(progress=False)
    ours = recovery.parse(HERD + OURS).run(progress=False)
    assert rows(mine) == rows(ours)
    none = recovery.parse(HERD).run(progress=False)
    assert rows(mine) != rows(none)


def test_a_scenario_alone_loads_no_code(tmp_path: Path) -> None:
    written(tmp_path)
    scenario = written(tmp_path, HERD + MINE, "mine.toml")
    for command in ("check", "explain", "run", "sweep"):
        result = call(command, scenario)
        assert result.exit_code == 2
        assert 'policy.admission.name is "my-limit"' in result.stderr
        assert result.stderr.strip().endswith("; own policies are named with --policies FILE")
    for name in ("my_limit.py", "./my_limit.py", str(tmp_path / "my_limit.py")):
        with pytest.raises(ScenarioError, match="want one of open"):
            parse(HERD + f'policy.admission = "{name}"\n', folder=tmp_path)


def test_every_command_that_reads_a_scenario_takes_policies() -> None:
    """Oracle: whoever takes --set or a scenario to compare, warm up or replay."""
    takes = {name for name, one in cli.main.commands.items() if any(p.name == "policies" for p in one.params)}
    sets = {name for name, one in cli.main.commands.items() if any(p.name == "overrides" for p in one.params)}
    assert sets | {"compare", "warmup", "replay", "policies", "schema"} == takes


def test_manifest_and_page_name_the_file_and_its_digest(tmp_path: Path) -> None:
    scenario = written(tmp_path, HERD + MINE, "mine.toml")
    result = call("run", scenario, "--policies", written(tmp_path), "--out", tmp_path, "--replications", 1)
    assert result.exit_code == 0, result.output
    [said] = json.loads((tmp_path / "mine" / "manifest.json").read_text())["own_policies"]
    assert (said["name"], said["axis"]) == ("my-limit", "admission")
    assert said["file"] == str(tmp_path / "my_limit.py")
    assert f"recovery run {scenario} --policies {said['file']} --replications 20" in result.output
    page = (tmp_path / "mine" / "report.html").read_text()
    assert f"my-limit (admission), the user&#39;s own: {said['file']}, digest {said['digest']}" in page


def key(text: str, *files: Path) -> str:
    own.load(files)
    return identity.digest_of(parse(text).first, 1, 0)


def test_an_edit_is_another_run(tmp_path: Path) -> None:
    """The key of a run is of the file's text; where the scenario does not name it, nothing changes."""
    plain = key(HERD)
    first = key(HERD + MINE, written(tmp_path))
    assert first == key(HERD + MINE, written(tmp_path))
    edited = key(HERD + MINE, written(tmp_path, LIMIT.replace("< params.limit", "<= params.limit")))
    other = key(HERD + MINE.replace("5", "6"), written(tmp_path))
    assert len({plain, first, edited, other}) == 4
    assert key(HERD, written(tmp_path)) == plain


def test_resume_and_reuse_see_an_edit(tmp_path: Path) -> None:
    text = HERD + MINE + '[sweep]\nlevers = { "policy.admission.limit" = { values = [3, 6] } }\n'
    scenario, file = written(tmp_path, text, "mine.toml"), written(tmp_path)
    swept = "sweep", scenario, "--policies", file, "--out", tmp_path, "--no-report", "--threads", 1
    assert call(*swept).exit_code == 0
    before = recovery.read(tmp_path / "mine").rows
    again = call(*swept, "--resume")
    assert "4 of the 4 runs that were there are still the same" in again.stderr
    written(tmp_path, LIMIT.replace("< params.limit", "< 0.0"))
    edited = call(*swept, "--resume")
    assert "0 of the 4 runs that were there are still the same" in edited.stderr
    after = recovery.read(tmp_path / "mine").rows
    assert set(before["key"]).isdisjoint(after["key"])
    assert set(before["verdict"]) == {"recovered"}
    assert set(after["verdict"]) == {"collapsed"}  # it lets nobody in


def test_it_travels_by_content(tmp_path: Path) -> None:
    """Oracle: the process that never saw the file. A rule arrives where its file is not, and runs there."""
    own.load([written(tmp_path)])
    variant = parse(HERD + MINE).first
    (tmp_path / "variant").write_bytes(pickle.dumps(variant))
    (tmp_path / "my_limit.py").unlink()
    code = (
        "import pickle, sys; from recovery.simulate import identity; "
        "print(identity.digest_of(pickle.load(open(sys.argv[1], 'rb')), 1, 0))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "variant")], cwd=TOP, check=True, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": f"{TOP}{os.pathsep}{TOP / 'kernels'}"},
    )  # fmt: skip
    assert found.stdout.strip() == identity.digest_of(variant, 1, 0)


SWEPT = HERD + '[sweep]\nlevers = { "policy.admission" = { values = ["open", "my-limit"] } }\n'


def sweeper(tmp_path: Path) -> Callable[..., bytes]:
    """What sweeps on some executor, and gives the bytes of its rows."""
    scenario, file = written(tmp_path, SWEPT, "mine.toml"), written(tmp_path)

    def swept(out: str, *where: object) -> bytes:
        common = "--policies", file, "--no-report", "--threads", 1, "--out", tmp_path / out
        result = call("sweep", scenario, *common, *where)
        assert result.exit_code == 0, result.output
        return (tmp_path / out / "mine" / "runs.parquet").read_bytes()

    return swept


def test_processes_get_it_by_content(tmp_path: Path) -> None:
    """Oracle: the same sweep on threads."""
    swept = sweeper(tmp_path)
    assert swept("processes", "--backend", "processes") == swept("threads")


@pytest.mark.slow
def test_workers_of_dask_get_it_by_content(tmp_path: Path) -> None:
    """Oracle: the same sweep on threads. The worker is a process of its own."""
    swept = sweeper(tmp_path)
    with LocalCluster(
        n_workers=1, threads_per_worker=1, processes=True, dashboard_address=None, worker_dashboard_address=None
    ) as cluster:
        assert swept("dask", "--backend", "dask", "--address", cluster.scheduler_address) == swept("threads")


EDIT = """
import sys, time
import recovery
from recovery.stages.sessions import controllers, own
begun = time.process_time()
own.load([sys.argv[1]])
took = time.process_time() - begun
run = recovery.parse(open(sys.argv[2]).read()).run(progress=False, threads=1)
print(took, [row.measures["ttr99_s"] for row in run.summary.rows])
"""


@pytest.mark.slow
def test_an_edit_compiles_no_loop(tmp_path: Path) -> None:
    """Oracle: the files of the cache. After an edit there are new ones of the user's functions alone, and no other is
    touched. Each run is a process of its own.
    """
    from recovery_kernels import jit

    scenario = written(tmp_path, HERD + MINE, "mine.toml")
    environment = {**os.environ, "PYTHONPATH": f"{TOP}{os.pathsep}{TOP / 'kernels'}"}

    def ran(text: str) -> tuple[float, str]:
        file = written(tmp_path, text)
        command = [sys.executable, "-c", EDIT, str(file), str(scenario)]
        took, rest = subprocess.run(
            command, cwd=TOP, env=environment, check=True, capture_output=True, text=True
        ).stdout.split(" ", 1)
        return float(took), rest

    def cached() -> dict[Path, tuple[int, int]]:
        found = (path for path in jit.cache_dir().rglob("*.nb[ic]"))
        return {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in found}

    mark = f"# {os.getpid()} {tmp_path}\n"  # a text that nobody compiled before
    _, first = ran(mark + LIMIT)
    before = cached()
    took_s, second = ran(mark + LIMIT.replace("< params.limit", "< params.limit - 3.0"))
    after = cached()
    assert second != first
    assert {path: after[path] for path in before} == before
    assert {path.name.split(".")[1].split("-")[0] for path in set(after) - set(before)} == {"begin", "ask"}
    assert took_s < 2.0


def test_what_it_remembers_is_memory_that_is_told(tmp_path: Path) -> None:
    """Oracle: by hand, 8 bytes for each number of each of 200 clients of a host, and of both hosts."""
    file = written(tmp_path, GUARD, "my_guard.py")
    own.load([file])

    def bytes_of(more: str) -> float:
        scenario = parse(HERD + f'policy.guard = {{ name = "my-guard"{more} }}\n').first.scenario
        return controllers.bytes_of(scenario, 200.0)

    assert bytes_of("") == 8 * 1000 * 200
    assert bytes_of(", group = 50") == 8 * 1000 * 4
    assert bytes_of(', group = "host"') == 8 * 1000
    with pytest.raises(ScenarioError, match="is not a key"):
        bytes_of(", groups = 5")


GUARD = '''"""Send."""
AXIS = "guard"
PARAMS = {}
MEMORY = {"much": 1000}


def begin(params, memory, facts):
    """Nothing."""


def ask(params, memory, facts):
    """Send each."""
    return 0.0
'''


def test_classes_and_variants_may_name_it(tmp_path: Path) -> None:
    """Oracle: what each class is then said to do. A whole run with it in classes has the rows of the run without, since
    it holds nobody back.
    """
    (file := tmp_path / "my_guard.py").write_text(GUARD, encoding="utf-8")
    classes = '[classes.a]\nshare = "50%"\nguard = "my-guard"\n[classes.b]\n'
    run = recovery.parse(HERD + classes, policies=[file]).run(progress=False)
    assert [one.name for one in run.manifest.own_policies] == ["my-guard"]
    plain = recovery.parse(HERD + classes.replace('guard = "my-guard"\n', "")).run(progress=False)
    assert rows(run) == rows(plain)
    variants = recovery.parse(HERD + '[variants.mine]\npolicy.guard = "my-guard"\n').run(progress=False)
    assert "my-guard" in variants.summary.groups[1].scenario.policies.guard.words
