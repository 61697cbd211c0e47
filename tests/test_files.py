"""Files, disks and processes that fail: nothing that was done is lost, and each ends in a line that names the file.

Oracles: the contract of the command line (exit statuses, one line, no traceback), bytes that were written before, and
what the operating system is told to refuse (a limit on the size of files, a file where a folder should be, a disk of
256 KB).
"""

import errno
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner, Result

from recovery.cli import main as cli
from recovery.cli.guard import TRACEBACK
from recovery.simulate import pipeline
from recovery.store import files
from recovery.store.folder import run_of
from recovery.study import execute

TOP = Path(__file__).resolve().parent.parent
INPUTS = TOP / "tests" / "faults" / "inputs"
LOUD = r"Traceback|Warning:|\.py:\d+|panicked"
TINY = """
horizon = "10m"
hold = "1m"
fleet = { holders = 50, hosts = 2 }
host = { establish_time = "10ms", timeout = "5s", fail_after = "100ms" }
lease = { duration = "2m", check_every = "30s" }
dependency.outages = [{ from = "2m", to = "5m" }]
[variants.lifo]
policy.queue = "lifo"
"""
FEW = r"1 replication cannot tell any two of 4 policies apart, .*\n"  # what a sweep says before it runs
SWEEP = TINY + '[sweep.levers]\n"host.timeout" = { values = ["5s", "6s"] }\n'


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    (tmp_path / "tiny.toml").write_text(TINY, encoding="utf-8")
    return tmp_path / "tiny.toml"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders of a finished run, `run`, and a finished sweep, `sweep`."""
    room = tmp_path_factory.mktemp("finished")
    for name, text in (("run", TINY), ("sweep", SWEEP)):
        (room / f"{name}.toml").write_text(text, encoding="utf-8")
        result = call(name, room / f"{name}.toml", "--out", room, "--no-report")
        assert result.exit_code == 0, result.stderr
    return room


def call(*arguments: object) -> Result:
    """A command in this process, which must end without a traceback."""
    result = CliRunner().invoke(cli.main, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
    assert not re.search(LOUD, result.stderr), result.stderr
    return result


def program(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "recovery", *map(str, arguments)]


def surroundings(**settings: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(TOP), "PYTHONIOENCODING": "utf-8", **settings}


def outside(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own, which must end without a traceback."""
    done = subprocess.run(
        program(*arguments),
        env=surroundings(),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        **options,
    )
    assert not re.search(LOUD, done.stderr), done.stderr
    return done


# --- writing ----------------------------------------------------------------------------------------------------------


def test_files_are_written_together_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is full at the second file leaves both as they were, and nothing half done beside them."""
    old = {tmp_path / "a": b"old a", tmp_path / "b": b"old b"}
    files.write_together(old)
    sync, asked = os.fsync, []

    def full(number: int) -> None:
        asked.append(number)
        if len(asked) == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(number)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(files.WriteError, match=f"^{tmp_path / 'b'}: No space left") as caught:
        files.write_together({tmp_path / "a": b"new", tmp_path / "b": b"new"})
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(tmp_path / "b"))
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == old


def test_an_interrupted_write_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files.write_text(tmp_path / "x.json", "old")

    def interrupted(number: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        files.write_text(tmp_path / "x.json", "new")
    assert {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()} == {"x.json": "old"}


def test_a_table_comes_back_and_its_folder_is_made(tmp_path: Path) -> None:
    table = pl.DataFrame({"a": [1.5, float("inf")], "b": ["x", "é"]})
    files.write_whole(tmp_path / "deep" / "er" / "t.parquet", files.parquet(table))
    assert files.read_parquet(tmp_path / "deep" / "er" / "t.parquet").equals(table)


@pytest.mark.parametrize("size", [0, 3, 100, -1])
def test_a_damaged_file_is_named_with_what_to_do(tmp_path: Path, size: int) -> None:
    files.write_whole(tmp_path / "t.parquet", files.parquet(pl.DataFrame({"a": list(range(1000))})))
    files.write_text(tmp_path / "t.json", json.dumps({"a": list(range(1000))}))
    for path, read in ((tmp_path / "t.parquet", files.read_parquet), (tmp_path / "t.json", files.read_json)):
        os.truncate(path, size % path.stat().st_size)
        with pytest.raises(files.Damaged, match=f"^{path}: is damaged .*; want it run again") as caught:
            read(path)
        assert "\n" not in str(caught.value)
        path.unlink()
        path.mkdir()
        with pytest.raises(files.Damaged, match=f"^{path}: cannot be read"):
            read(path)


def limited(size: int) -> Callable[[], None]:
    """What a child does before it starts: no file may grow beyond `size` bytes."""
    import resource

    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


posix = pytest.mark.skipif(sys.platform == "win32", reason="limits and signals of POSIX")


@posix
def test_a_limit_on_the_size_of_files(finished: Path, tiny: Path, tmp_path: Path) -> None:
    """`run` says which file and prints its table all the same; the parts of a sweep fit, its tables do not, and
    `--resume` without the limit runs nothing twice.
    """
    done = outside("run", tiny, "--out", tmp_path / "out", "--no-report", preexec_fn=limited(2048))
    assert (done.returncode, "as written" in done.stdout) == (1, True)
    assert re.search(r"^\S*series\.parquet: File too large; nor in \S+ \(File too large\)", done.stderr)
    assert list((tmp_path / "out" / "tiny").iterdir()) == []
    part, table = (
        max(path.stat().st_size for path in (finished / "sweep").glob(name)) for name in ("parts/*", "runs.*")
    )
    assert part < table
    command = "sweep", finished / "sweep.toml", "--out", tmp_path / "out", "--no-report", "--threads", "1"
    done = outside(*command, preexec_fn=limited((part + table) // 2))
    folder = tmp_path / "out" / "sweep"
    assert done.returncode == 1
    words = "File too large; what was done is kept, go on with --resume"
    assert re.fullmatch(rf"{FEW}{folder}/runs\.parquet: {words}\n", done.stderr)
    kept = {path: path.stat().st_mtime_ns for path in (folder / "parts").glob("*.parquet")}
    assert kept
    assert not (folder / "manifest.json").exists()
    assert outside(*command, "--resume").returncode == 0
    assert {path: path.stat().st_mtime_ns for path in (folder / "parts").glob("*.parquet")} == kept


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk of 256 KB."""
    (tmp_path / "small").mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(tmp_path / "small")]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("file systems cannot be mounted here")
    yield tmp_path / "small"
    subprocess.run(["umount", str(tmp_path / "small")], check=True)


def test_a_full_disk(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `run` did is kept in another place; a sweep goes on when there is room."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "elsewhere"))
    (small / "filler").write_bytes(bytes(250_000))
    inputs = INPUTS / "kubernetes-advice.toml"
    result = call("run", inputs, "--out", small, "--no-report", "--threads", 1, "--set", "fleet.holders=500")
    assert result.exit_code == 1
    said = re.search(r"^(\S+): No space left on device; the results are in (\S+)$", result.stderr, re.MULTILINE)
    assert said, result.stderr
    assert Path(said[1]).parent == small / "kubernetes-advice"
    assert Path(said[2]).is_relative_to(tmp_path / "elsewhere")
    assert call("report", said[2]).exit_code == 0
    (tmp_path / "many.toml").write_text(SWEEP, encoding="utf-8")
    command = "sweep", tmp_path / "many.toml", "--out", small, "--no-report", "--threads", 1
    result = call(*command)
    assert result.exit_code == 1
    words = "No space left on device; what was done is kept, go on with --resume"
    assert re.search(rf"^\S+: {words}$", result.stderr, re.MULTILINE)
    (small / "filler").unlink()
    assert call(*command, "--resume").exit_code == 0


@posix
def test_output_that_cannot_be_written_is_an_error() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(program("policies"), env=surroundings(), stdout=full, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (1, b"output: No space left on device\n")


def test_output_in_another_encoding_is_shown_as_far_as_it_can_be(tiny: Path) -> None:
    environment = surroundings(PYTHONIOENCODING="latin-1")
    tiny.write_text('title = "“x”"\n' + TINY, encoding="utf-8")
    done = subprocess.run(program("explain", tiny), env=environment, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert rb"\u201cx\u201d" in done.stdout


# --- reading ----------------------------------------------------------------------------------------------------------

READERS = [
    ("report", "run", "manifest.json"),
    ("report", "run", "summary.json"),
    ("report", "run", "series.parquet"),
    *(
        (command, "sweep", file)
        for command in ("report", "rank", "compare")
        for file in ("summary.json", "runs.parquet")
    ),
    ("report", "sweep", "manifest.json"),
    ("replay", "sweep", "runs.parquet"),
    ("replay", "sweep", "manifest.json"),
    ("resume", "sweep", "parts"),
    ("compare runs", "run", "manifest.json"),
    ("compare runs", "run", "summary.json"),
]


@pytest.mark.parametrize(("command", "kind", "name"), READERS, ids=["-".join(one) for one in READERS])
def test_every_command_names_the_file_that_is_damaged(
    finished: Path, tmp_path: Path, command: str, kind: str, name: str
) -> None:
    shutil.copytree(finished / kind, tmp_path / kind)
    folder = tmp_path / kind
    key = pl.read_parquet(folder / "runs.parquet")["key"][0] if kind == "sweep" else ""
    path = next((folder / "parts").iterdir()) if name == "parts" else folder / name
    os.truncate(path, path.stat().st_size // 2)
    arguments: dict[str, tuple[object, ...]] = {
        "compare": ("compare", folder, "1", "2"),
        "compare runs": ("compare", finished / "run", folder),
        "replay": ("replay", key, "--from", folder),
        "resume": ("sweep", finished / "sweep.toml", "--out", tmp_path, "--resume", "--no-report"),
    }
    result = call(*arguments.get(command, (command, folder)))
    assert (result.exit_code, result.stdout) == (2, "")
    few = FEW if command == "resume" else ""
    assert re.fullmatch(rf"{few}{path}: is damaged \(.+\); want .+\n", result.stderr), result.stderr


def test_a_sweep_with_damaged_tables_is_made_whole_by_resume(finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished / "sweep", tmp_path / "sweep")
    wanted = (tmp_path / "sweep" / "runs.parquet").read_bytes()
    os.truncate(tmp_path / "sweep" / "runs.parquet", 1000)
    result = call("sweep", finished / "sweep.toml", "--out", tmp_path, "--resume", "--no-report")
    assert result.exit_code == 0, result.stderr
    assert (tmp_path / "sweep" / "runs.parquet").read_bytes() == wanted


# --- names ------------------------------------------------------------------------------------------------------------


@posix
@pytest.mark.parametrize(
    "arguments",
    [
        *(
            (command, "caf\udce9.toml")
            for command in ("run", "sweep", "check", "explain", "fit", "dns", "report", "rank")
        ),
        ("blast", "a", "caf\udce9.toml"),
        ("compare", "caf\udce9", "1", "2"),
        ("replay", "a", "--from", "caf\udce9"),
        ("threshold", "caf\udce9.toml", "a", "--low", "1", "--high", "2"),
        ("new", "--out", "caf\udce9.toml"),
        ("schema", "--out", "caf\udce9.json"),
        ("run", "{tiny}", "--out", "out/caf\udce9"),
        ("run", "{tiny}", "--set", "title=caf\udce9"),
    ],
    ids=lambda arguments: "-".join(arguments).encode("ascii", "replace").decode(),
)
def test_names_that_are_not_utf8_are_refused(tiny: Path, arguments: tuple[str, ...]) -> None:
    result = call(*(word.format(tiny=tiny) for word in arguments))
    assert (result.exit_code, result.stdout) == (2, "")
    assert re.fullmatch(r"\S*caf\\xe9\S*: is not UTF-8; want names, folders and values in UTF-8\n", result.stderr)


@posix
def test_a_working_folder_that_is_not_utf8_is_no_hindrance(tiny: Path, tmp_path: Path) -> None:
    place = os.fsencode(tmp_path) + b"/caf\xe9"
    try:
        os.mkdir(place)  # noqa: PTH102  # bytes
    except OSError:
        pytest.skip("this file system has UTF-8 names only")
    shutil.copy(tiny, os.fsdecode(place))
    done = outside("run", "tiny.toml", cwd=place)
    assert (done.returncode, done.stderr) == (0, "")
    assert os.path.exists(place + b"/out/tiny/report.html")  # noqa: PTH110  # bytes


@pytest.mark.parametrize("name", ["...toml", "..toml", "a\nb.toml"])
def test_a_file_without_a_proper_name_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for text in (TINY, 'dns = { planner = "1m" }\n'):
        Path(name).write_text(text, encoding="utf-8")
        for command in (("run", name), ("sweep", name), ("check", name), ("run", "--out", "out", name)):
            result = call(*command)
            assert result.exit_code == 2
            assert "want a name" in result.stderr
        assert [path.name for path in tmp_path.iterdir()] == [name]


# --- runs -------------------------------------------------------------------------------------------------------------


def test_a_folder_that_goes_away_costs_nothing(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file in the folder's place stands for a disk that turned read-only: not even root can write there."""
    out, elsewhere, measure = tmp_path / "out", tmp_path / "elsewhere", pipeline.Outcome.measure
    elsewhere.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(elsewhere))

    def measure_and_lose(outcome: pipeline.Outcome) -> dict[str, Any]:
        shutil.rmtree(out, ignore_errors=True)
        out.touch()
        return measure(outcome)

    with monkeypatch.context() as patched:
        patched.setattr(pipeline.Outcome, "measure", measure_and_lose)
        result = call("run", tiny, "--out", out, "--threads", 1)
    assert result.exit_code == 1
    said = re.search(rf"^{out}\S*: .+; the results are in (\S+)$", result.stderr, re.MULTILINE)
    assert said, result.stderr
    folder = Path(said[1])
    assert folder.is_relative_to(elsewhere)
    assert f"report: {folder / 'report.html'}" in result.stdout
    assert call("run", tiny, "--out", tmp_path / "calm", "--threads", 1, "--no-report").exit_code == 0
    name = "series.parquet"
    assert (folder / name).read_bytes() == (tmp_path / "calm" / "tiny" / name).read_bytes()


def test_a_folder_that_was_removed_is_made_again(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measure = pipeline.Outcome.measure

    def measure_and_remove(outcome: pipeline.Outcome) -> dict[str, Any]:
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
        return measure(outcome)

    monkeypatch.setattr(pipeline.Outcome, "measure", measure_and_remove)
    assert call("run", tiny, "--out", tmp_path / "out", "--no-report").exit_code == 0
    assert (tmp_path / "out" / "tiny" / "manifest.json").is_file()


def test_a_folder_that_cannot_be_written_is_told_before_anything_runs(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline.Runner, "each", None)
    (tmp_path / "file").touch()
    out = tmp_path / "file" / "out"
    result = call("run", tiny, "--out", out)
    assert (result.exit_code, result.stdout) == (2, "")
    assert re.fullmatch(rf"{out}/tiny: Not a directory; want a folder that .*\n", result.stderr)


@pytest.mark.parametrize("where", ["host", "together", "follow"])
def test_a_run_that_fails_costs_no_other(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """Replication 1 of the first variant fails; the other three rows are those of a run in which nothing fails."""
    own = pipeline.Runner._hosts, pipeline.Runner._run_together, execute.chain.follow

    def breaks(variant: str, replication: int) -> None:
        if (variant, replication) == ("as written", 1):
            raise RuntimeError("the reason")

    def host(self: Any, total: Any, *rest: Any) -> Any:
        breaks(total.variant.name, total.replication)
        return own[0](self, total, *rest)

    def together(self: Any, variant: Any, seed: int, replication: int) -> Any:
        breaks(variant.name, replication)
        return own[1](self, variant, seed, replication)

    def follow(outcome: pipeline.Outcome, **more: Any) -> pipeline.Outcome:
        breaks(outcome.variant.name, outcome.replication)
        return own[2](outcome, **more)

    if where == "together":
        tiny.write_text(TINY + '[[operator]]\ndo = "restart"\nwhen = "queue > 1000"\n', encoding="utf-8")
    command = "run", tiny, "--replications", 2, "--threads", 2
    calm = call(*command, "--out", tmp_path / "calm", "--no-report")
    assert calm.exit_code == 0, calm.stderr
    with monkeypatch.context() as patched:
        if where == "follow":
            patched.setattr(execute.chain, "follow", follow)
        else:
            patched.setattr(pipeline.Runner, "_hosts", host)
            patched.setattr(pipeline.Runner, "_run_together", together)
        result = call(*command, "--out", tmp_path / "out")
    assert result.exit_code == 3
    assert result.stderr == "failed: as written, replication 1: RuntimeError: the reason\n"
    manifest, summary = run_of(tmp_path / "out" / "tiny")
    wanted = json.loads((tmp_path / "calm" / "tiny" / "summary.json").read_text(encoding="utf-8"))["rows"]
    kept = [row for row in wanted if (row["variant"], row["replication"]) != ("as written", 1)]
    found = json.loads(summary.to_json())["rows"]
    assert [row | {"cpu_s": 0} for row in found] == [row | {"cpu_s": 0} for row in kept]
    assert (manifest.runs_done, manifest.runs_wanted, manifest.interrupted) == (3, 4, False)
    assert [one.replication for one in summary.failures] == [1]


def test_where_the_first_variant_fails_the_others_are_told(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = pipeline.Runner._hosts

    def host(self: Any, total: Any, *rest: Any) -> Any:
        if total.variant.scenario.policy.queue.name == "fifo":
            raise MemoryError
        return own(self, total, *rest)

    monkeypatch.setattr(pipeline.Runner, "_hosts", host)
    command = "run", tiny, "--out", tmp_path / "out"
    result = call(*command)
    assert result.exit_code == 3
    assert "failed: as written, replication 0: MemoryError" in result.stderr
    assert "lifo" in result.stdout
    assert call(*command, "--set", "expect.ttr99_s='< 9m'").exit_code == 99
    result = call(*command, "--set", "variants={}")
    assert (result.exit_code, "no memory is left" in result.stderr) == (1, True)


SIGNALLED = """
import os, signal, sys
from recovery.cli import main as cli
from recovery.simulate import pipeline
each, number = pipeline.Runner.each, getattr(signal, sys.argv.pop(1))
# Tests in the background or under nohup ignore these, and so does the command then.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
def counted(self, tasks):
    for done, found in enumerate(each(self, tasks)):
        if done == 20:
            os.kill(os.getpid(), number)
        yield found
pipeline.Runner.each = counted
cli.entry()
"""


@posix
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_that_ends_keeps_what_is_done(tiny: Path, tmp_path: Path, name: str) -> None:
    """The signal comes after 20 of 400 runs, with the ends of the next ones at hand."""
    command = [sys.executable, "-c", SIGNALLED, name, "run", tiny, "--replications", "200", "--out", tmp_path / "out"]
    done = subprocess.run(command, env=surroundings(), capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 130, done.stderr
    folder = tmp_path / "out" / "tiny"
    kept = len(json.loads((folder / "summary.json").read_text(encoding="utf-8"))["rows"])
    assert 0 < kept < 400
    assert done.stderr == f"interrupted: {kept} of 400 runs are kept in {folder}\n"
    assert f"report: {folder / 'report.html'}" in done.stdout
    assert json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["interrupted"] is True


DRIVER = """
import os, time
from recovery.study import runs
if __name__ == "__main__":
    pool = runs.backend("processes", 2).executor()
    pids = {pool.submit(os.getpid).result() for _ in range(8)}
    pool.submit(time.sleep, 600)
    print(*pids, flush=True)
    time.sleep(600)
"""


@posix
def test_children_end_with_their_driver(tmp_path: Path) -> None:
    """One that works and one that waits: both end when their driver is killed without a word."""
    import psutil

    (tmp_path / "driver.py").write_text(DRIVER, encoding="utf-8")
    command = [sys.executable, str(tmp_path / "driver.py")]
    with subprocess.Popen(command, env=surroundings(), stdout=subprocess.PIPE, text=True) as driver:
        assert driver.stdout is not None
        assert driver.stdout.readline()
        children = psutil.Process(driver.pid).children(recursive=True)
        assert children
        driver.kill()
    _, alive = psutil.wait_procs(children, timeout=60)
    for child in alive:
        child.kill()
    assert not alive


# --- errors that nobody expected --------------------------------------------------------------------------------------


def test_a_bug_ends_in_one_line_that_says_where(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: Any) -> Any:
        raise KeyError("what\nnobody thought of")

    monkeypatch.setattr(execute.keeping, "results", broken)
    command = ["run", str(tiny), "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(cli.main, command)
    assert (result.exit_code, result.stdout) == (1, "")
    words = r"this is a bug of recovery, please report .*: KeyError: 'what\\nnobody thought of'"
    assert re.fullmatch(words + r" at recovery/study/execute\.py:\d+ .*\n", result.stderr)
    monkeypatch.setenv(TRACEBACK, "1")
    assert "Traceback (most recent call last)" in CliRunner().invoke(cli.main, command).stderr
