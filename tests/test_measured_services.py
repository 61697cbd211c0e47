"""Real services of leases, measured while what they depend on was away, beside what their scenarios predict.

Oracle: `measured/observed.csv`, what 500 clients of gunicorn, HAProxy and PgBouncer saw: seconds until a
share of them had a lease for 20 s. All inputs were measured beforehand, none is fitted. A cell is *right* where the
verdict is that of at least 95 % of the replications, and the measured median of `ttr99_s` lies in the 95 % range of the
predictions, widened by 15 % or by 3 s. The page docs/gallery/real-services.md says the same, number by number.
"""

import csv
import math
import re
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from recovery.reading.experiment import load
from recovery.simulate.pipeline import Runner

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs" / "gallery" / "real-services.md"
FILES = ("gunicorn", "haproxy", "pgbouncer")
QUICK = {
    "gunicorn": ("g-tau20", "g-kill-u"),
    "haproxy": ("h-tau5-cancel-check",),
    "pgbouncer": ("p-qw4", "p-kill-tau5"),
}


def observed() -> dict[str, list[float]]:
    """The measured `ttr99_s` of each cell, of every time that it was measured."""
    found = defaultdict(list)
    with (HERE / "measured" / "observed.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found[row["cell"]].append(float(row["ttr99_s"]))
    return found


def predicted(file: str, replications: int, cells: tuple[str, ...] = ()) -> dict[str, list[float]]:
    """`ttr99_s` of each replication of each variant."""
    experiment = load(HERE / "measured" / f"{file}.toml")
    variants = [variant for variant in experiment.variants if not cells or variant.name in cells]
    found: dict[str, list[float]] = {variant.name: [] for variant in variants}
    with Runner(2) as runner:
        for one in runner.run([(variant, 1, number) for variant in variants for number in range(replications)]):
            found[one.variant.name].append(float(one.measure()["ttr99_s"]))
    return found


def span(times: list[float]) -> tuple[float, float, float]:
    """The 95 % range of predictions, and their median between its ends."""
    low, middle, high = np.quantile(times, (0.025, 0.5, 0.975), method="nearest")
    return float(low), float(middle), float(high)


def judged(seen: list[float], times: list[float]) -> str:
    """Whether a cell is right."""
    never = sum(math.isinf(one) for one in times) / len(times)
    middle = float(np.median(seen))
    if max(never, 1 - never) < 0.95:
        return f"a chance: never in {100 * never:.0f} %"
    if math.isinf(middle) or never >= 0.95:
        return "right" if math.isinf(middle) and never >= 0.95 else "wrong"
    low, _, high = span([one for one in times if not math.isinf(one)])
    return "right" if min(low * 0.85, low - 3) <= middle <= max(high * 1.15, high + 3) else "wrong"


def told(time_s: float) -> str:
    """A time as the page has it."""
    return "never" if math.isinf(time_s) else f"{time_s:g}"


def told_span(times: list[float]) -> str:
    """A prediction as the page has it."""
    low, middle, high = span(times)
    return told(middle) if low == high else f"{told(middle)} ({told(low)} to {told(high)})"


@pytest.mark.parametrize("file", FILES)
def test_some_cells_are_right_in_a_few_replications(file: str) -> None:
    seen = observed()
    for cell, times in predicted(file, 8, QUICK[file]).items():
        assert judged(seen[cell], times) == "right", (cell, times)


def test_a_rule_that_can_fail() -> None:
    """What is never beside what comes back, a time beyond the range, and what is as likely as not."""
    assert judged([math.inf], [12.0] * 20) == "wrong"
    assert judged([12.0], [math.inf] * 20) == "wrong"
    assert judged([30.0], [11.0, 12.0, 13.0]) == "wrong"
    assert judged([15.0], [11.0, 12.0, 13.0]) == "right"
    assert judged([12.0], [12.0, math.inf]) == "a chance: never in 50 %"


@pytest.mark.slow
@pytest.mark.parametrize("file", FILES)
def test_every_cell_is_as_the_page_says(file: str) -> None:
    """Measured and predicted times, and whether the two agree; a cell that does not names its mechanism there."""
    seen = observed()
    rows = {row[0]: row[1:] for line in PAGE.read_text(encoding="utf-8").splitlines() if (row := cells_of(line))}
    for cell, times in predicted(file, 100).items():
        what = judged(seen[cell], times)
        assert rows[cell][1:3] == [", ".join(map(told, seen[cell])), told_span(times)], (cell, told_span(times))
        assert rows[cell][3].startswith(what), (cell, what)
        assert what == "right" or len(rows[cell][3]) > len(what) + 20, "want its mechanism"


def cells_of(line: str) -> list[str]:
    """The cells of a row of a table that begins with a name in backticks."""
    return [cell.strip().strip("`") for cell in line.strip("| ").split("|")] if re.match(r"\| `[ghp]-", line) else []
