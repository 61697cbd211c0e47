"""Sweeps on a Dask cluster. Oracles: the same sweep on threads, and the run that is known to kill its worker."""

import builtins
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from distributed import LocalCluster
from test_sweep import BASE, SWEEP, TOP, _dies_of_seven, _drained, _works, bytes_of, call, swept, written

from recovery.simulate import identity
from recovery.store.parts import Parts
from recovery.study import runs
from recovery.study.runs import dask, loop
from recovery.study.runs.chunks import Done, Work

DASK = "--backend", "dask", "--address"


@pytest.fixture(scope="module")
def two() -> Iterator[Any]:
    """A cluster of two workers, each a process of its own."""
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, worker_dashboard_address=None
    ) as made:
        yield made


@pytest.mark.slow
def test_a_sweep_that_loses_a_worker_gives_the_bytes_of_threads(
    two: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = written(tmp_path, BASE + SWEEP)
    calm = swept(file, tmp_path / "calm")
    add, killed = Parts.add, []

    def add_and_kill(self: Parts, rows: Sequence[dict[str, Any]]) -> None:
        add(self, rows)
        if self.folder.name == "parts" and not killed:
            killed.append(two.workers[0].pid)
            os.kill(killed[0], signal.SIGKILL)

    monkeypatch.setattr(Parts, "add", add_and_kill)
    folder = swept(file, tmp_path / "out", *DASK, two.scheduler_address)
    assert killed
    assert bytes_of(folder) == bytes_of(calm)


def _dies_of_seven_later(works: Sequence[Work]) -> list[Done]:
    """A nanny starts a worker again that dies, unless it dies before the nanny has heard that it is up."""
    time.sleep(2.0 if any(work.key == "run-7" for work in works) else 0.0)
    return _dies_of_seven(works)


@pytest.mark.slow
def test_what_kills_worker_after_worker_is_set_aside(two: Any) -> None:
    two.wait_for_workers(2)  # another test may just have killed one
    place = runs.backend("dask", 1, two.scheduler_address)
    assert place.workers == 2
    found = _drained(_works(10), _dies_of_seven_later, 1.0, place)
    assert found == {f"run-{i}": loop.KILLED if i == 7 else None for i in range(10)}


def _waits(works: Sequence[Work]) -> list[Done]:
    time.sleep(30)
    return []


def test_a_lost_scheduler_is_a_clear_error(tmp_path: Path) -> None:
    code = """
import time
from distributed import LocalCluster
if __name__ == "__main__":
    cluster = LocalCluster(n_workers=1, processes=False, dashboard_address=None, protocol="tcp")
    print(cluster.scheduler_address, flush=True)
    time.sleep(60)
"""
    (tmp_path / "scheduler.py").write_text(code, encoding="utf-8")
    paths = os.pathsep.join((str(TOP), str(TOP / "tests")))
    with subprocess.Popen(
        [sys.executable, str(tmp_path / "scheduler.py")],
        env={**os.environ, "PYTHONPATH": paths}, stdout=subprocess.PIPE, text=True,
    ) as scheduler:  # fmt: skip
        try:
            assert scheduler.stdout is not None
            place = runs.backend("dask", 1, scheduler.stdout.readline().strip())
            threading.Timer(1.0, scheduler.kill).start()
            with pytest.raises(ConnectionError, match="lost the scheduler"):
                _drained(_works(4), _waits, 1.0, place)
        finally:
            scheduler.kill()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An authority, and a certificate that it signed, which scheduler, worker and client share."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl")
    room = tmp_path_factory.mktemp("tls")

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=room, check=True, capture_output=True)

    new = "req", "-nodes", "-newkey", "rsa:2048"
    openssl(*new, "-x509", "-days", "2", "-subj", "/CN=authority", "-keyout", "ca.key", "-out", "ca.pem")
    openssl(*new, "-subj", "/CN=localhost", "-keyout", "own.key", "-out", "own.csr")
    signed = "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2"
    openssl("x509", "-req", "-in", "own.csr", *signed, "-out", "own.pem")
    return {"tls-ca-file": f"{room}/ca.pem", "tls-cert": f"{room}/own.pem", "tls-key": f"{room}/own.key"}


def test_a_cluster_behind_certificates(
    certificates: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the certificates the work is done; without them, or with those of nobody, the scheduler does not answer."""
    from distributed import Security

    ca, cert, key = certificates.values()
    ends = {
        f"tls_{who}_{what}": file
        for who in ("client", "scheduler", "worker")
        for what, file in (("cert", cert), ("key", key))
    }
    security = Security(tls_ca_file=ca, require_encryption=True, **ends)
    with LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, protocol="tls", security=security, dashboard_address=None
    ) as made:
        address = made.scheduler_address
        assert address.startswith("tls://")
        place = runs.backend("dask", 1, address, certificates)
        assert _drained(_works(3), _dies_of_none, 1.0, place) == {f"run-{i}": None for i in range(3)}
        monkeypatch.setattr(dask, "CONNECT_S", 1.0)
        with pytest.raises(ValueError, match=r"no scheduler answers"):
            runs.backend("dask", 1, address)
        (tmp_path / "no.pem").write_text("nothing", encoding="utf-8")
        with pytest.raises(ValueError, match=r"no scheduler answers"):
            runs.backend("dask", 1, address, certificates | {"tls-ca-file": str(tmp_path / "no.pem")})


def _dies_of_none(works: Sequence[Work]) -> list[Done]:
    return [Done({"key": work.key, "error": None, "cpu_s": 0.0}, None) for work in works]


def test_certificates_that_cannot_be(tmp_path: Path) -> None:
    file = written(tmp_path, BASE + SWEEP)
    for options, words in {
        (*DASK, "tcp://127.0.0.1:9", "--tls-cert", file): ("has no encryption", "tls://"),
        (*DASK, "tls://127.0.0.1:9", "--tls-cert", file): ("--tls-ca-file is missing",),
        (*DASK, "tls://127.0.0.1:9", "--tls-ca-file", "no.pem", "--tls-cert", file): ("no.pem is no file", "PEM"),
        ("--tls-cert", file): ("--backend is threads",),
    }.items():
        result = call("sweep", file, "--out", tmp_path / "out", *options)
        assert result.exit_code == 2
        assert all(word in result.stderr for word in words), result.stderr


def test_a_cluster_without_workers_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Its only worker goes, and later one comes: the work waits in between, and stderr says so, again and again."""
    for name, seconds in (("LOOK_S", 0.05), ("ALONE_S", 0.2), ("AGAIN_S", 0.2)):
        monkeypatch.setattr(dask, name, seconds)
    with LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None) as made:
        place = runs.backend("dask", 1, made.scheduler_address)
        with place:
            place.executor()
            made.scale(0)
            told, deadline = "", time.monotonic() + 60
            while told.count("no worker is left") < 2 and time.monotonic() < deadline:
                time.sleep(0.1)
                told += capsys.readouterr().err
            threading.Timer(0.5, made.scale, (1,)).start()
            assert _drained(_works(2), _dies_of_none, 1.0, place) == {f"run-{i}": None for i in range(2)}
            while "there again" not in told and time.monotonic() < deadline:
                time.sleep(0.1)
                told += capsys.readouterr().err
    lines = [line for line in told.splitlines() if made.scheduler_address in line]
    assert (
        lines[0]
        == lines[1]
        == f"{made.scheduler_address}: no worker is left; waiting for one: " + (f"dask worker {made.scheduler_address}")
    )
    assert lines[-1] == f"{made.scheduler_address}: 1 workers are there again"


def test_a_worker_that_starts_beside_the_sweep_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in the how-to, whose three commands begin in one moment."""
    with LocalCluster(n_workers=0, threads_per_worker=1, processes=False, dashboard_address=None) as made:
        threading.Timer(1.0, made.scale, (1,)).start()
        assert runs.backend("dask", 1, made.scheduler_address).workers == 1
        made.scale(0)
        monkeypatch.setattr(dask, "CONNECT_S", 0.3)
        deadline = time.monotonic() + 60
        while made.scheduler.workers and time.monotonic() < deadline:
            time.sleep(0.1)
        with pytest.raises(ValueError, match=r"has no workers; want `dask worker"):
            runs.backend("dask", 1, made.scheduler_address)


def test_workers_with_other_code_are_refused(two: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    place = runs.backend("dask", 1, two.scheduler_address)
    monkeypatch.setattr(identity, "CODE", "other")  # here; workers have what they loaded
    with pytest.raises(ValueError, match="other code"):
        runs.backend("dask", 1, two.scheduler_address)
    with pytest.raises(ValueError, match="other code"):  # nor from a worker that came later
        _drained(_works(1), _dies_of_seven, 1.0, place)


def test_addresses_that_cannot_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask, "CONNECT_S", 0.3)
    file = written(tmp_path, BASE + SWEEP)
    for options, words in {
        ("--backend", "dask"): ("--address is missing", "tcp://"),
        (*DASK, "tcp://127.0.0.1:9"): ("--address tcp://127.0.0.1:9", "no scheduler answers", "want"),
        (*DASK, "nonsense"): ("--address nonsense", "want"),
        ("--address", "tcp://127.0.0.1:9"): ("--backend is threads",),
    }.items():
        result = call("sweep", file, "--out", tmp_path / "out", *options)
        assert result.exit_code == 2
        assert all(word in result.stderr for word in words), result.stderr
    assert not (tmp_path / "out").exists()


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.split(".", maxsplit=1)[0] == "distributed":
            raise ModuleNotFoundError(f"No module named {name!r}")
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ValueError, match=r"pip install 'recovery\[dask\]'"):
        runs.backend("dask", 1, "tcp://127.0.0.1:9")


def test_nothing_of_dask_is_imported_unless_it_is_used() -> None:
    text = "import sys, recovery.cli.main, recovery.study.sweep, recovery.study.runs as d; d.backend('threads', 1)\n"
    text += "sys.exit(any(name.split('.')[0] in ('dask', 'distributed') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", text], cwd=TOP, check=False).returncode == 0
