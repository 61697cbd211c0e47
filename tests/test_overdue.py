"""What is said and judged of fleets that lose no lease but whose holders are late, where counts of renewals tell only
the earliest time by which all have renewed.

Oracle: by hand. 200 holders renew every 10 s (± 4 %), 20 a second. Two workers that take 95 ms serve 21 a second, so
190 in the 9 whole seconds within which nobody renews twice: counts never tell that all 200 surely have. 200 successes
take 9.5 s at the least.
"""

from pathlib import Path

import pytest
from click.testing import CliRunner

from recovery.cli import main as cli

LATE = """
horizon = "10m"
hold = "1m"
coupling.window = "1s"
fleet = { holders = 200, hosts = 2, overdue = "NotReady", overdue_after = "50s" }
host = { establish_time = "95ms", timeout = "10s", fail_after = "until-back" }
lease = { duration = "30m", check_every = "10s", check_jitter = "4%" }
dependency.outages = [{ from = "2m", to = "4m" }]
policy = { client = { name = "fixed", delay = "1s" }, queue = { name = "bounded", limit = "1s" } }
"""


def called(*words: str | Path) -> tuple[int, str]:
    found = CliRunner().invoke(cli.main, list(map(str, words)))
    return found.exit_code, found.output


@pytest.mark.parametrize(("bound", "status"), [("< 60s", 4), ("< 9s", 99)])
def test_a_gate_is_not_decided_by_what_counts_leave_open(tmp_path: Path, bound: str, status: int) -> None:
    file = tmp_path / "late.toml"
    file.write_text(f'{LATE}expect.ttr_renewed_s = "{bound}"\n', encoding="utf-8")
    found, said = called("run", file, "--out", tmp_path, "--no-report", "--replications", "2")
    assert found == status
    assert "not within the run" not in said
    assert "longer horizon" not in said
    assert ("counts of renewals do not tell more" in said) == (status == 4)


def test_a_comparison_does_not_ask_for_a_longer_run_where_counts_leave_it_open(tmp_path: Path) -> None:
    for name, delay in (("old", "1s"), ("new", "2s")):
        file = tmp_path / f"{name}.toml"
        file.write_text(LATE.replace('delay = "1s"', f'delay = "{delay}"'), encoding="utf-8")
        assert called("run", file, "--out", tmp_path, "--no-report", "--replications", "2")[0] == 0
    status, said = called("compare", tmp_path / "old", tmp_path / "new", "--fail-if", "ttr_renewed_s > +10%")
    assert status == 4
    assert "counts of renewals tell these times within bounds alone (≥ " in said
    assert "longer horizon" not in said
    assert "not within" not in said
