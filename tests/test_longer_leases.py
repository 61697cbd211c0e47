"""Longer leases are an answer with a cost, and every command says so: none is lost, and the dead are missed later.

Oracle: by hand. The dependency is away for 10 min. Leases of 6 min, which are renewed every 2 min, run out in it, and
those of 20 min do not. A lease that nobody renews is held for 14 min longer then.
"""

from pathlib import Path

import pytest
from click.testing import CliRunner

import recovery
from recovery.cli import main as cli
from recovery.show import advice
from recovery.show.answers import costs

SHORT = """
horizon = "40m"
hold = "1m"
fleet = { holders = 300, hosts = 1 }
host = { workers = 2, establish_time = "200ms", renew_time = "5ms", timeout = "30s", fail_after = "100ms" }
lease = { duration = "6m", check_every = "2m" }
dependency.outages = [{ from = "5m", to = "15m" }]
policy.client = { name = "fixed", delay = "5s" }
policy.queue = { name = "bounded", limit = "10s" }
"""
LONG = '[variants.long]\nlease.duration = "20m"\n'
LATER = "a holder that dies is missed up to 14 min later (its lease runs 20 min instead of 6 min)"


def called(*arguments: object) -> str:
    result = CliRunner().invoke(cli.main, [str(one) for one in arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_run_and_explain(tmp_path: Path) -> None:
    (tmp_path / "both.toml").write_text(SHORT + LONG, encoding="utf-8")
    run = recovery.load(tmp_path / "both.toml").run(progress=False)
    first, long = run.summary.groups
    assert long.unleased is None
    assert first.unleased is not None
    assert not advice.declares_only(first, long)
    assert run.answer.change.name == "long"
    assert f"What is not measured: {LATER}." in run.answer.change.text
    assert "no answer" not in run.answer.change.text
    assert LATER[1:] in called("explain", tmp_path / "both.toml")


def test_compare(tmp_path: Path) -> None:
    for name, text in (("short", SHORT), ("long", SHORT.replace('"6m"', '"20m"'))):
        (tmp_path / f"{name}.toml").write_text(text, encoding="utf-8")
        called("run", tmp_path / f"{name}.toml", "--out", tmp_path, "--no-report", "--replications", "3")
    said = called("compare", tmp_path / "short", tmp_path / "long", "--no-report")
    assert f"Take “long”. What is not measured: {LATER}." in said
    assert "missed" not in called("compare", tmp_path / "long", tmp_path / "short", "--no-report")


def test_a_sweep_and_its_policies(tmp_path: Path) -> None:
    sweep = '[sweep]\nmethod = "random"\nsamples = 3\nlevers."lease.duration" = { values = ["6m", "20m"] }\n'
    sweep += 'uncertainties."host.renew_time" = { min = "5ms", max = "6ms" }\n'
    (tmp_path / "swept.toml").write_text(SHORT + sweep, encoding="utf-8")
    found = recovery.sweep(tmp_path / "swept.toml", out=tmp_path, progress=False)
    assert f"What is not measured: {LATER}." in found.answer.change.text
    assert f"What is not measured: {LATER}." in called("compare", tmp_path / "swept", "2", "1")


@pytest.mark.parametrize(("was_s", "now_s"), [(360.0, 360.0), (float("nan"), 360.0)])
def test_who_is_missed_as_soon_has_no_such_cost(was_s: float, now_s: float) -> None:
    assert costs.held_otherwise(was_s, now_s) == ""


def test_shorter_leases_run_out_sooner() -> None:
    sooner = "in any outage leases run out up to 14 min sooner (they run 6 min instead of 20 min)"
    assert costs.held_otherwise(1200.0, 360.0) == sooner
