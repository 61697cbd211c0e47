"""Pictures of stored sweeps: manifest, summary, a row for each run and some curves in, figures out. Never simulates.

Colour is never alone: what it says, a marker, a hatch, a line style or a number says too. Under every picture stands
the command that makes it again.
"""

from __future__ import annotations

import math
import re
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from recovery import units
from recovery.reading.design import short_keys
from recovery.show import figures
from recovery.show.figures import GREY, INK, PALE, Picture
from recovery.store.results import number

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.axes import Axes

Array = np.ndarray[Any, Any]
Policy = Mapping[str, Any]

BEST_MAX = 25  # policies that are drawn one by one, from the best on
TOLD_MAX = 4  # of those behind them, evenly over the ranks
ALL_MAX = BEST_MAX + TOLD_MAX + 9  # up to here all are drawn
PANELS_MAX = 6
LINES_MAX = 14  # thin lines in a panel: more are not told apart, and make the page heavy
POINTS_MAX = 52
INPUTS_MAX = 12
BINS_MAX = 8
CELLS_MIN = 3  # a side of a heat map of fewer values is a table
WRITTEN_MAX = 120  # cells that have their number written in
SMALL_PT = 7.6
BLUE, ORANGE = "#0072B2", "#D55E00"
SET = "#e9eef3"
CHANCE = "chance"
UNKNOWN = dict.fromkeys(("mean", "low", "high"), math.nan)
HARMS = {
    "denied_share": ("launches that were denied", "%", 100.0),
    "unleased_holder_hours": ("hours without a lease, all holders", "1,000 h", 1e-3),
    "wasted_share": ("work for answers nobody waited for", "%", 100.0),
}


class Sweep(NamedTuple):
    """A stored sweep: `runs` has a row for each run, `series` curves of some of them; `command` makes it again."""

    manifest: Mapping[str, Any]
    summary: Mapping[str, Any]
    runs: pl.DataFrame
    series: pl.DataFrame | None
    command: str

    @property
    def ranked(self) -> list[Policy]:
        """The policies that have a time, best first; `told` is what sets each apart from the baseline."""
        return [p for p in told(self.summary) if math.isfinite(number(p["restricted"]["mean"]))]

    @property
    def baseline(self) -> Policy | None:
        """The policy that the others are compared with."""
        return next((p for p in self.ranked if p["is_baseline"]), None)

    @property
    def unit(self) -> str:
        """Unit in which times are drawn."""
        limit = number(self.summary["limit_s"])
        return "s" if limit <= 1200 else "min" if limit <= 6 * 3600 else "h"

    def scaled(self, seconds: Any) -> float:
        """A time in `unit`, as summary.json has it."""
        return number(seconds) / {"s": 1.0, "min": 60.0, "h": 3600.0}[self.unit]

    def limited_s(self, runs: pl.DataFrame) -> Array:
        """The measure of each run in seconds, restricted to the limit; nan for a run that failed."""
        return np.minimum(_floats(runs, self.summary["measure"]), number(self.summary["limit_s"]))


def told(summary: Mapping[str, Any]) -> list[Policy]:
    """The policies, best first, each with `told`: what sets it apart from the baseline, if there is one."""
    policies = summary["policies"]
    short = short_keys(one["key"] for one in summary["design"]["levers"])
    base = next((_parts_of(one, short) for one in policies if one["is_baseline"]), [])
    names = [
        ", ".join(part for part in _parts_of(one, short) if part not in base) or "as the file stands"
        for one in policies
    ]
    many = Counter(names)  # what is shown alike is told apart by its id
    return [
        {**one, "told": name if many[name] == 1 else f"{name} [{one['id']}]"}
        for one, name in zip(policies, names, strict=True)
    ]


def _parts_of(policy: Policy, short: Mapping[str, str]) -> list[str]:
    """A policy's variant, and each of its levers with its value, in the order of the file."""
    levers = policy["levers"]
    return [policy["variant"], *(f"{name}={levers[key]}" for key, name in short.items() if key in levers)]


def what(summary: Mapping[str, Any]) -> str:
    """What the sweep's measure is the time until, in words."""
    found = re.fullmatch(r"ttr(\d+)_s", summary["measure"])
    if found is None:
        normal = summary["measure"].removesuffix("_normal_s")
        return "all stages normal" if normal == "all" else f"{normal} normal"
    return f"{found[1]} % {'leased' if summary['traffic'] == 'leases' else 'of the backlog cleared'} for good"


def figures_for(sweep: Sweep) -> list[Picture]:
    """All pictures that the sweep has the data for."""
    with figures.style():
        return [_signed(picture, sweep.command) for picture in _figures(sweep)]


def _figures(sweep: Sweep) -> Iterator[Picture]:
    if not sweep.ranked:
        return
    yield _ranked(sweep)
    if sweep.series is not None and len(sweep.series):
        yield from _curves(sweep, sweep.series)
    yield from _heat(sweep)
    yield from _pareto(sweep)
    yield from _tornado(sweep)
    yield from _regret(sweep)


def _signed(picture: Picture, command: str) -> Picture:
    """The picture with the command that makes it again in small print under it."""
    lines = textwrap.fill(f"Made again with: {command}", 112, subsequent_indent="  ", break_on_hyphens=False)
    height = picture.figure.get_figheight() + 0.13 * (lines.count("\n") + 1)
    picture.figure.set_figheight(height)
    picture.figure.supxlabel(lines, x=0.012, ha="left", fontsize=6.8, color=GREY, linespacing=1.2)
    return picture


# --- ranked policies --------------------------------------------------------------------------------------------------


def _drawn(ranked: Sequence[Policy]) -> list[Policy | int]:
    """The policies to draw, best first, and between them how many are not drawn."""
    if len(ranked) <= ALL_MAX:
        return list(ranked)
    kept = set(range(BEST_MAX)) | {i for i, policy in enumerate(ranked) if policy["is_baseline"]}
    kept |= {round(i) for i in np.linspace(BEST_MAX, len(ranked) - 1, TOLD_MAX + 1)[1:]}
    out: list[Policy | int] = []
    last = -1
    for i in sorted(kept):
        if i > last + 1:
            out.append(i - last - 1)
        out.append(ranked[i])
        last = i
    return out


def _ranked(sweep: Sweep) -> Picture:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    rows = _drawn(sweep.ranked)
    labels = [f"· · ·  {row} more  · · ·" if isinstance(row, int) else _label(row, 46, lines=2) for row in rows]
    tall = any("\n" in label for label in labels)
    figure = figures.blank(1.35 + (0.275 if tall else 0.2) * len(rows))
    grid = figure.add_gridspec(2, 2, height_ratios=[len(rows), 1.6], width_ratios=[3, 1])
    times, lost = figure.add_subplot(grid[0, 0]), figure.add_subplot(grid[0, 1])
    below = figure.add_subplot(grid[1, :])
    below.axis("off")
    most = 0.0
    for y, row in enumerate(rows):
        if isinstance(row, int):
            continue
        colour = INK if row["is_baseline"] else BLUE
        if row["not_told_apart"]:
            for panel in (times, lost):
                panel.axhspan(y - 0.5, y + 0.5, color=SET, lw=0, zorder=0)
        style = {
            "color": colour,
            "marker": "s" if row["is_baseline"] else "o",
            "mfc": colour if row["status"] in ("precise", "done") else "white",
            "ms": 4.8,
            "lw": 1.3,
            "capsize": 2.2,
        }
        most = max(most, *(v for v in _bar(times, row["restricted"], "mean", y, sweep.scaled, style)))
        _bar(lost, row["not_recovered"], "share", y, lambda share: 100 * number(share), style)
        bound = sweep.scaled(row["fluid_bound_s"]["mean"])
        if bound > 0:
            times.plot([bound, bound], [y - 0.36, y + 0.36], color=ORANGE, lw=2)
    for panel in (times, lost):
        panel.set_ylim(len(rows) - 0.4, -0.6)
        panel.set_yticks(range(len(rows)) if panel is times else [])
        panel.tick_params(axis="y", left=False, labelsize=SMALL_PT)
        panel.tick_params(axis="x", labelsize=8.4)
    times.set_yticklabels(labels)
    for row, tick in zip(rows, times.get_yticklabels(), strict=True):
        if isinstance(row, int):
            tick.set_color(GREY)
        elif row["is_baseline"]:
            tick.set_fontweight("bold")
    times.set_xlim(0, most * 1.03)
    lost.set_xlim(-4, 104)
    lost.set_xticks([0, 50, 100])
    times.set_xlabel(textwrap.fill(f"mean time until {what(sweep.summary)} ({sweep.unit})", 34), fontsize=8.4)
    lost.set_xlabel("runs not\nback (%)", fontsize=8.4)
    handles: list[Any] = [
        Line2D([], [], color=BLUE, marker="o", ls="", ms=4.8),
        Line2D([], [], color=BLUE, marker="o", mfc="white", ls="", ms=4.8),
        Line2D([], [], color=INK, marker="s", ls="", ms=4.8),
        Line2D([], [], color=ORANGE, marker="|", mew=2, ms=9, ls=""),
    ]
    is_done = any(policy["status"] == "done" for policy in sweep.ranked)
    names = ["as many runs as asked for" if is_done else "precise", "not precise, or beaten", "baseline", "fluid bound"]
    handles.append(Patch(facecolor=SET, edgecolor=GREY, lw=0.4))
    _legend(below, handles, [*names, "not told apart from the best"], 3)
    first, base = sweep.ranked[0], sweep.baseline
    apart = sum(bool(policy["not_told_apart"]) for policy in sweep.ranked)
    text = f"Soonest of {len(sweep.ranked)} policies: “{_short(first)}”, {_with_interval(first)}"
    text += f", not told apart from {apart - 1} of them" if apart > 1 else ""
    if base is not None and not first["is_baseline"]:
        text += f"; baseline “{_short(base)}”: {units.show_duration(number(base['restricted']['mean']))}"
    figures.entitle(figure, text)
    limit = units.show_duration(number(sweep.summary["limit_s"]))
    caption = (
        f"Mean over draws and replications with its {units.show_share(sweep.summary['confidence'])} interval, best "
        f"first; a run that is not back counts as {limit}, the horizon. Right: how many those are. Orange mark: the "
        "fluid bound, the time if no work were wasted; nothing can be faster."
    )
    left = sum(row for row in rows if isinstance(row, int))
    if left:
        caption += f" {left} policies are not drawn; the table has all."
    return Picture("ranked", figure, caption)


def _bar(panel: Axes, found: Mapping[str, Any], at: str, y: float, scaled: Any, style: dict[str, Any]) -> list[float]:
    """A dot with its interval; returns the finite ends."""
    middle, low, high = scaled(found[at]), scaled(found["low"]), scaled(found["high"])
    if not math.isfinite(middle):
        return [0.0]
    low, high = (end if math.isfinite(end) else middle for end in (low, high))
    panel.errorbar([middle], [y], xerr=[[max(middle - low, 0)], [max(high - middle, 0)]], **style)
    return [middle, high]


# --- curves -----------------------------------------------------------------------------------------------------------


def _told(sweep: Sweep) -> list[Policy]:
    """Few policies that tell the story: the best, the baseline, the one that collapses most, one that looks good on
    average and does not come back everywhere, then the next best.
    """
    ranked = sweep.ranked
    picked = [ranked[0], *([sweep.baseline] if sweep.baseline else []), *ranked[1:2]]
    picked.append(max(ranked, key=lambda p: _share(p["collapsed"])))
    picked += [trap] if (trap := _trap(ranked)) else []
    return list({policy["id"]: policy for policy in [*picked, *ranked[2:]]}.values())


def _share(found: Mapping[str, Any]) -> float:
    share = number(found["share"])
    return 0.0 if math.isnan(share) else share


def _trap(ranked: Sequence[Policy]) -> Policy | None:
    """The policy with the least mean regret among those of which some runs are not back."""
    lost = [p for p in ranked if _share(p["not_recovered"]) > 0 and math.isfinite(number(p["regret"]["mean"]))]
    return min(lost, key=lambda p: number(p["regret"]["mean"])) if lost else None


def _curves(sweep: Sweep, series: pl.DataFrame) -> Iterator[Picture]:
    import polars as pl
    from matplotlib.lines import Line2D

    level = "leased_share" if "leased_share" in series.columns else "backlog"
    ids = set(series["policy_id"].unique())
    told = [policy for policy in _told(sweep) if policy["id"] in ids][:PANELS_MAX]
    if level not in series.columns or not told:
        return
    told.sort(key=lambda policy: int(policy["rank"]))
    columns = {1: 1, 2: 2, 4: 2}.get(len(told), 3)
    rows = math.ceil(len(told) / columns)
    figure = figures.blank(1.0 + 1.95 * rows)
    grid = figure.add_gridspec(rows + 1, columns, height_ratios=[*[1.95] * rows, 0.22])
    panels = [figure.add_subplot(grid[i // columns, i % columns]) for i in range(len(told))]
    axis = figures.TimeAxis(sweep.manifest)
    scale = 100.0 if level == "leased_share" else 1.0
    verdicts = {
        (policy, replication, draw): verdict
        for policy, replication, draw, verdict in sweep.runs.select(
            "policy_id", "replication", "draw", "verdict"
        ).rows()
    }
    for i, (panel, policy) in enumerate(zip(panels, told, strict=True)):
        own = series.filter(pl.col("policy_id") == policy["id"])
        keys = own.select("replication", "draw").unique().sort("replication", "draw").rows()
        for replication, draw in keys[:: max(1, math.ceil(len(keys) / LINES_MAX))]:
            one = own.filter((pl.col("replication") == replication) & (pl.col("draw") == draw)).sort("time_s")
            lost = verdicts.get((policy["id"], replication, draw)) != "recovered"
            look: dict[str, Any] = (
                {"color": ORANGE, "ls": (0, (4, 2)), "zorder": 6} if lost else {"color": BLUE, "zorder": 2}
            )
            panel.plot(*_thinned(one["time_s"].to_numpy(), scale * one[level].to_numpy()), lw=0.7, alpha=0.65, **look)
        middle = own.group_by("time_s").agg(pl.col(level).median()).sort("time_s")
        panel.plot(
            *_thinned(middle["time_s"].to_numpy(), scale * middle[level].to_numpy()), color=INK, lw=2.1, zorder=5
        )
        axis.dress(panel, small=True)
        if level == "leased_share":
            panel.set_ylim(-4, 106)
            panel.set_yticks([0, 50, 100])
        else:
            panel.set_yscale("symlog", linthresh=10)
            panel.set_ylim(bottom=0)
        panel.tick_params(labelsize=8)
        wide = {1: 84, 2: 46, 3: 31}[columns]
        text = _label(policy, wide, lines=3 if columns == 3 else 2)
        panel.set_title(f"{text}\n{_back(policy)}", loc="left", fontsize=SMALL_PT, linespacing=1.15)
        if i % columns == 0:
            panel.set_ylabel(
                "holders with a lease (%)" if level == "leased_share" else "jobs that wait (number)", fontsize=8.4
            )
        if i + columns >= len(told) and (columns != 3 or i % columns == 1 or len(told) % columns == 1):
            panel.set_xlabel(textwrap.fill(axis.label, 44) if columns > 1 else axis.label, fontsize=8.4)
    below = figure.add_subplot(grid[-1, :])
    below.axis("off")
    handles = [
        Line2D([], [], color=INK, lw=2.1),
        Line2D([], [], color=BLUE, lw=0.9),
        Line2D([], [], color=ORANGE, lw=0.9, ls=(0, (4, 2))),
    ]
    _legend(below, handles, ["median", "a run that is back", "a run that is not"], 3)
    first = told[0]
    text = f"“{_short(first)}” {_is(_back(first))}"
    worst = max(told, key=lambda policy: _share(policy["not_recovered"]))
    if worst is not first and _share(worst["not_recovered"]) > 0:
        text += f"; “{_short(worst)}” {_is(_back(worst))}"
    figures.entitle(figure, ("Leases: " if level == "leased_share" else "Backlog: ") + text)
    noun = "Share of holders that hold a lease" if level == "leased_share" else "Jobs that wait (logarithmic above 10)"
    caption = (
        f"{noun}; each thin line is one draw, at most {LINES_MAX} of them a panel. The median is over all of them."
    )
    yield Picture("curves", figure, caption + axis.shading([]))


def _thinned(times: Array, values: Array) -> tuple[Array, Array]:
    every = max(1, math.ceil(len(times) / POINTS_MAX))
    kept = np.unique(np.append(np.arange(0, len(times), every), len(times) - 1))
    return times[kept], values[kept]


def _back(policy: Policy) -> str:
    lost = _share(policy["not_recovered"])
    if lost == 0:
        return "back in every run"
    return f"not back in {'any run' if lost == 1 else units.show_share(lost) + ' of the runs'}"


def _is(text: str) -> str:
    return f"is {text}"


# --- heat map ---------------------------------------------------------------------------------------------------------


class Side(NamedTuple):
    """One axis of a heat map: its name, the edges of its cells as drawn, the cell of each run (-1: none), its ticks."""

    label: str
    edges: Array
    cell: Array
    ticks: list[tuple[float, str]]
    is_log: bool = False

    @property
    def cells(self) -> int:
        """Number of cells."""
        return len(self.edges) - 1


def _heat(sweep: Sweep) -> Iterator[Picture]:
    """Time over two keys: over r1 and r2 where they make a grid, over two levers that are numbers, or over the two
    uncertainties that matter most.
    """
    import polars as pl

    runs = sweep.runs.filter(pl.col("error").is_null()) if "error" in sweep.runs.columns else sweep.runs
    levers = [key for one in sweep.summary["design"]["levers"] if (key := one["key"]) in runs.columns]
    numeric = [key for key in levers if _lever(sweep, runs, key) is not None]
    others = ["variant", *(key for key in levers if key not in numeric)]
    for part in _parts(sweep, runs, others):
        r1, r2 = (_by_value(key, part, key, None) if key in part.columns else None for key in ("r1", "r2"))
        if r1 and r2 and _is_grid(r1, r2):
            yield _heat_map(sweep, runs, others, ("r1", "r2"), "phase")
            return
    if len(numeric) >= 2:
        numeric.sort(key=lambda key: -runs[key].n_unique())
        x, y = numeric[:2]
        yield _heat_map(sweep, runs, [key for key in ["variant", *levers] if key not in (x, y)], (x, y), "heat")
        return
    pair = _important(sweep, runs)
    if pair is not None:
        yield _heat_map(sweep, runs, ["policy_id"], pair, "heat")


def _parts(sweep: Sweep, runs: pl.DataFrame, by: Sequence[str]) -> list[pl.DataFrame]:
    """Runs that are alike in the columns `by`, at most two parts: the baseline's, and that with the least mean time."""
    parts = runs.partition_by(list(by), maintain_order=True)
    base = sweep.baseline

    def mean_s(part: pl.DataFrame) -> float:
        times = sweep.limited_s(part)
        return float(times[np.isfinite(times)].mean()) if np.isfinite(times).any() else math.inf

    own = [part for part in parts if base is not None and (part["policy_id"] == base["id"]).any()]
    wide = [part for part in parts if len(part) * 2 >= max(len(p) for p in parts)]
    best = min(wide, key=mean_s)
    return [*own, *([best] if all(best is not part for part in own) else [])]


def _lever(sweep: Sweep, runs: pl.DataFrame, key: str) -> figures.Lever | None:
    """How the values of a key are drawn, if they are numbers: with the unit of the design, or as the file has them."""
    for one in [*sweep.summary["design"]["levers"], *sweep.summary["design"]["uncertainties"]]:
        if one["key"] == key and runs[key].dtype.is_numeric():
            kind = {"s": "duration", "1/s": "rate", "share": "share"}.get(one.get("unit") or "", "number")
            written = [units.quantity(value) for value in one.get("values", ())]
            kind = written[0][0] if written and written[0] is not None else kind
            if kind != "duration":
                scale = 100.0 if kind == "share" else 1.0
                return figures.Lever(key, kind, {"rate": "/s", "share": "%"}.get(kind, ""), scale)
            texts: list[Any] = [f"{value:.9f}s" for value in runs[key].drop_nulls().unique().sort()]
            return figures.lever_of({"groups": [{"levers": {key: text}} for text in texts]})
    values = runs[key].drop_nulls().unique(maintain_order=True).to_list()
    return figures.lever_of({"groups": [{"levers": {key: value}} for value in values]}) if values else None


def _numbers(runs: pl.DataFrame, key: str, lever: figures.Lever | None) -> Array:
    """A column as an axis shows it; nan for what is no number."""
    if lever is None and not runs[key].dtype.is_numeric():
        return np.full(len(runs), math.nan)
    if lever is None or runs[key].dtype.is_numeric():
        return _floats(runs, key) * (lever.scale if lever else 1.0)
    known = {raw: lever.value(raw) for raw in runs[key].unique().to_list() if raw is not None}
    return np.asarray([known.get(raw, math.nan) for raw in runs[key].to_list()])


def _by_value(name: str, runs: pl.DataFrame, key: str, lever: figures.Lever | None) -> Side | None:
    """A cell for each value of a column of numbers, or of text."""
    if not runs[key].dtype.is_numeric() and lever is None:
        texts = [str(value) for value in runs[key].drop_nulls().unique(maintain_order=True).to_list()]
        place = {text: i for i, text in enumerate(texts)}
        cell = np.asarray([place.get(str(raw), -1) for raw in runs[key].to_list()])
        ticks = [(i + 0.5, _wrapped(text, 18, 1)) for i, text in enumerate(texts)]
        return Side(name, np.arange(len(texts) + 1.0), cell, ticks) if texts else None
    found = _numbers(runs, key, lever)
    rounded = np.asarray([float(f"{value:.6g}") for value in found])
    if lever is None:
        rounded = _gathered(rounded)
    values = np.unique(rounded[np.isfinite(rounded)])
    if len(values) < 2:
        return None
    is_log = _is_log(values)
    at = np.log(values) if is_log else values
    inner = (at[1:] + at[:-1]) / 2
    edges = np.concatenate([[2 * at[0] - inner[0]], inner, [2 * at[-1] - inner[-1]]])
    cell = np.where(np.isfinite(rounded), np.searchsorted(values, rounded), -1)
    every = math.ceil(len(values) / 9)
    return Side(_with_unit(name, lever), np.exp(edges) if is_log else edges, cell,
                [(float(value), f"{value:.3g}") for value in values[::every]], is_log)  # fmt: skip


def _gathered(found: Array) -> Array:
    """Numbers that come out of others (r1, r2) as cells: those within 2 % of the least of a group are its median."""
    values = np.unique(found[np.isfinite(found)])
    if not len(values):
        return found
    starts = [0]
    for i, value in enumerate(values):
        if value > values[starts[-1]] * 1.02:
            starts.append(i)
    middles = np.asarray([np.median(group) for group in np.split(values, starts[1:])])
    place = np.searchsorted(values[starts], found, side="right") - 1
    return np.where(np.isfinite(found), middles[np.maximum(place, 0)], math.nan)


def _is_log(values: Array) -> bool:
    """Whether values are spaced more evenly on a logarithmic axis."""
    if len(values) < 3 or values[0] <= 0 or values[-1] / values[0] < 3:
        return False
    steps, ratios = np.diff(values), np.diff(np.log(values))
    return bool(ratios.std() / ratios.mean() < steps.std() / steps.mean())


def _by_range(name: str, runs: pl.DataFrame, key: str, lever: figures.Lever | None, is_log: bool, bins: int) -> Side:
    """Bins over the range that was drawn."""
    found = _numbers(runs, key, lever)
    good = found[np.isfinite(found)]
    low, high = float(good.min()), float(good.max())
    is_log = is_log and low > 0
    edges = np.geomspace(low, high, bins + 1) if is_log else np.linspace(low, high, bins + 1)
    cell = np.where(np.isfinite(found), np.clip(np.searchsorted(edges, found, side="right") - 1, 0, bins - 1), -1)
    return Side(_with_unit(name, lever), edges, cell, [(float(edge), f"{edge:.3g}") for edge in edges], is_log)


def _with_unit(name: str, lever: figures.Lever | None) -> str:
    if lever is None:
        return {"r1": "r1: backlog in timeouts (1)", "r2": "r2: queue limit in timeouts (1)"}.get(name, f"{name} (1)")
    return f"{name} ({lever.unit.replace('/s', '1/s') or '1'})"


def _is_grid(x: Side, y: Side) -> bool:
    """Whether two columns take each pair of their values, with at least `CELLS_MIN` of each."""
    pairs = len(set(zip(x.cell.tolist(), y.cell.tolist(), strict=True)))
    return min(x.cells, y.cells) >= CELLS_MIN and pairs >= 0.9 * x.cells * y.cells


def _important(sweep: Sweep, runs: pl.DataFrame) -> tuple[str, str] | None:
    """The two uncertainties with the largest total index, or, where there is none, with the strongest rank correlation
    with the measure; None if there are too few draws for a map.
    """
    from scipy import stats

    drawn = {one["key"]: one for one in sweep.summary["design"]["uncertainties"] if one["key"] in runs.columns}
    if len(drawn) < 2 or _bins(runs) < CELLS_MIN:
        return None
    base = sweep.baseline or sweep.ranked[0]
    weight = dict.fromkeys(drawn, 0.0)
    found = [one for one in sweep.summary["sensitivity"] if one["inputs"] and one["policy"] == base["id"]]
    if found:
        weight |= {i["key"]: number(i["ST"]["mean"]) for i in found[0]["inputs"] if i["key"] in drawn}
    else:
        own = runs.filter(runs["policy_id"] == base["id"])
        times = sweep.limited_s(own)
        for key in drawn:
            values = _numbers(own, key, _lever(sweep, own, key))
            good = np.isfinite(times) & np.isfinite(values)
            if good.sum() > 2 and np.ptp(times[good]) > 0 and np.ptp(values[good]) > 0:
                weight[key] = abs(float(stats.spearmanr(values[good], times[good]).statistic))
    x, y = sorted(weight, key=lambda key: -weight[key])[:2]
    return x, y


def _bins(runs: pl.DataFrame) -> int:
    """Bins a side, so that a cell has two draws on average."""
    return min(int(math.sqrt(runs["draw"].n_unique() / 2)), BINS_MAX)


def _side(sweep: Sweep, part: pl.DataFrame, key: str) -> Side | None:
    lever = _lever(sweep, part, key) if key not in ("r1", "r2") else None
    one = next((u for u in sweep.summary["design"]["uncertainties"] if u["key"] == key), None)
    if one is not None and "values" not in one:
        return _by_range(key, part, key, lever, "log" in str(one.get("distribution", "")), _bins(part))
    return _by_value(key, part, key, lever)


def _heat_map(sweep: Sweep, runs: pl.DataFrame, by: Sequence[str], keys: tuple[str, str], name: str) -> Picture:
    from matplotlib import colormaps
    from matplotlib.patches import Patch

    drawn = []
    for part in _parts(sweep, runs, by):
        x, y = (_side(sweep, part, key) for key in keys)
        if x is not None and y is not None:
            drawn.append((part, x, y, *_cells(sweep, part, x, y)))
    figure = figures.blank(4.6)
    grid = figure.add_gridspec(2, len(drawn), height_ratios=[3.6, 0.42])
    panels: list[Axes] = []
    every = np.concatenate([times[np.isfinite(times)] for _, _, _, times, _ in drawn])
    low, high = float(every.min()), float(every.max())
    high = high if high > low else low + 1
    shades = colormaps["cividis_r"].resampled(32)
    texts = []
    for i, (part, x, y, times, collapsed) in enumerate(drawn):
        panel = figure.add_subplot(grid[0, i])
        panels.append(panel)
        panel.grid(visible=False)
        panel.pcolormesh(x.edges, y.edges, np.ma.masked_invalid(times), cmap=shades, vmin=low, vmax=high)
        _hatch(panel, x, y, collapsed)
        _write_in(panel, x, y, times, collapsed, (low + high) / 2, len(drawn))
        for axis, side in ((panel.xaxis, x), (panel.yaxis, y)):
            if side.is_log:
                (panel.set_xscale if axis is panel.xaxis else panel.set_yscale)("log")
            axis.set_ticks([at for at, _ in side.ticks], [text for _, text in side.ticks])
            axis.set_ticks([], minor=True)
        panel.tick_params(labelsize=7.8)
        panel.set_xlim(x.edges[0], x.edges[-1])
        panel.set_ylim(y.edges[0], y.edges[-1])
        for key, line, side in ((keys[0], panel.axvline, x), (keys[1], panel.axhline, y)):
            if key in ("r1", "r2") and side.edges[0] < 1 < side.edges[-1]:
                line(1, color=ORANGE, lw=1.6, ls=(0, (3, 1.5)))
        panel.set_xlabel(x.label, fontsize=8.6)
        if i == 0 or y.label != drawn[0][2].label:
            panel.set_ylabel(y.label, fontsize=8.6)
        label = _part_name(part, by)
        fell, all_of = int((collapsed >= 0.5).sum()), int(np.isfinite(times).sum())
        texts.append((label, fell, all_of))
        panel.set_title(_wrapped(label, 92 // len(drawn), 2), loc="left", fontsize=8.2, linespacing=1.15)
    bar = figure.colorbar(panels[0].collections[0], ax=panels, fraction=0.05, pad=0.02, aspect=28)
    bar.set_label(textwrap.fill(f"mean time until {what(sweep.summary)} ({sweep.unit})", 40), fontsize=8.4)
    bar.ax.tick_params(labelsize=8)
    bar.outline.set_visible(False)
    if bar.solids is not None:
        bar.solids.set_rasterized(False)
    below = figure.add_subplot(grid[1, :])
    below.axis("off")
    hatched = Patch(facecolor="#d9d9d9", edgecolor=INK, hatch="////", lw=1.2)
    _legend(below, [hatched], ["at least half of the runs collapse"], 1)
    said = "; ".join(
        f"“{_wrapped(label, 60, 1)}” {f'in {fell} of {of}' if fell else 'in none'}" for label, fell, of in texts
    )
    head = f"Phase diagram over {keys[0]} and {keys[1]}" if name == "phase" else "Collapse"
    if len(texts) == 1:
        _, fell, all_of = texts[0]
        said = f"{fell} of {all_of} cells"
    else:
        head += ", of the cells drawn"
    figures.entitle(figure, f"{head}: {said}{' collapse' if name == 'phase' else ''}")
    caption = (
        f"Mean time over {keys[0]} and {keys[1]}, in the cells as a number where there is room"
        f" ({sweep.unit}; a run that is not back counts as the horizon). White: nothing was drawn there."
    )
    if name == "phase":
        caption += " Dashed lines: r1 = 1 and r2 = 1."
    return Picture(name, figure, caption)


def _cells(sweep: Sweep, part: pl.DataFrame, x: Side, y: Side) -> tuple[Array, Array]:
    """Mean time and share of collapsed runs of each cell, [y, x]; nan where there is no run."""
    times = np.asarray([sweep.scaled(value) for value in sweep.limited_s(part)])
    fell = (part["verdict"] == "collapsed").fill_null(False).to_numpy().astype(float)
    good = np.isfinite(times) & (x.cell >= 0) & (y.cell >= 0)
    place = y.cell[good].astype(int) * x.cells + x.cell[good].astype(int)
    runs = np.bincount(place, minlength=x.cells * y.cells).astype(float)
    runs[runs == 0] = np.nan
    shape = (y.cells, x.cells)
    sums = (np.bincount(place, weights=values[good], minlength=x.cells * y.cells) for values in (times, fell))
    mean, share = ((one / runs).reshape(shape) for one in sums)
    return mean, np.nan_to_num(share)


def _hatch(panel: Axes, x: Side, y: Side, collapsed: Array) -> None:
    """Hatch over the cells that collapse, and a line around them."""
    from matplotlib.patches import Rectangle

    inside = np.pad(collapsed >= 0.5, 1)
    for j, i in np.argwhere(inside[1:-1, 1:-1]):
        left, right, low, high = x.edges[i], x.edges[i + 1], y.edges[j], y.edges[j + 1]
        panel.add_patch(
            Rectangle((left, low), right - left, high - low, fill=False, hatch="////", edgecolor="#ffffffb0", lw=0)
        )
        for outside, ends in (
            (not inside[j + 1, i], ((left, left), (low, high))),
            (not inside[j + 1, i + 2], ((right, right), (low, high))),
            (not inside[j, i + 1], ((left, right), (low, low))),
            (not inside[j + 2, i + 1], ((left, right), (high, high))),
        ):
            if outside:
                panel.plot(*ends, color=INK, lw=1.6, solid_capstyle="projecting", zorder=4)


def _write_in(panel: Axes, x: Side, y: Side, times: Array, collapsed: Array, dark: float, panels: int) -> None:
    if x.cells * y.cells > WRITTEN_MAX or max(x.cells, y.cells) * panels > 22:
        return
    for j, i in np.argwhere(np.isfinite(times) & (collapsed < 0.5)):
        at = [
            math.sqrt(side.edges[k] * side.edges[k + 1]) if side.is_log else (side.edges[k] + side.edges[k + 1]) / 2
            for side, k in ((x, i), (y, j))
        ]
        value = times[j, i]
        text = f"{value:.0f}" if value >= 10 else f"{value:.2g}"
        colour = "white" if value > dark else "black"
        panel.text(at[0], at[1], text, ha="center", va="center", fontsize=7.4, color=colour)


def _part_name(part: pl.DataFrame, by: Sequence[str]) -> str:
    """What the runs of a part have in common."""
    if list(by) == ["policy_id"]:
        return str(part["policy"][0])
    short = short_keys(key for key in by if key != "variant")
    return ", ".join(str(part[key][0]) if key == "variant" else f"{short[key]}={part[key][0]}" for key in by)


# --- Pareto front -----------------------------------------------------------------------------------------------------


def front(points: Sequence[tuple[float, float]]) -> list[int]:
    """Indices of the points that no other is as good as in both numbers and better in one, by the first number."""
    order = sorted(range(len(points)), key=lambda i: points[i])
    out: list[int] = []
    for i in order:
        if not out or points[i][1] < points[out[-1]][1]:
            out.append(i)
    return out


def _apart(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The points without those whose mark would cover another's: within a hundredth of it along both axes."""
    if not points:
        return []
    at = np.asarray(points)
    place = [np.log(values) if values.min() > 0 else values for values in at.T]
    cells = [np.round(100 * (one - one.min()) / max(float(np.ptp(one)), 1e-12)) for one in place]
    return list(dict(zip(zip(*cells, strict=True), points, strict=True)).values())


def _look(policy: Policy) -> str:
    return "baseline" if policy["is_baseline"] else "unbeaten" if policy["on_front"] else "beaten"


def _pareto(sweep: Sweep) -> Iterator[Picture]:
    from matplotlib.lines import Line2D

    ranked = sweep.ranked
    harms = []
    for name, (words, unit, scale) in HARMS.items():
        points = [
            (sweep.scaled(p["restricted"]["mean"]), scale * number(p["harm"][name]["mean"]), p)
            for p in ranked
            if name in p["harm"] and math.isfinite(number(p["harm"][name]["mean"]))
        ]
        if len({point[1] for point in points}) > 1:
            harms.append((words, unit, points))
    if not harms or len(ranked) < 3:
        return
    told: list[Policy] = []

    def sign(policy: Policy) -> str:
        if all(policy is not other for other in told):
            told.append(policy)
        return str(policy["rank"])

    fronts = [front([(t, h) for t, h, _ in points]) for _, _, points in harms]
    named = [
        [*dict.fromkeys([line[0], line[-1], *(i for i, p in enumerate(points) if p[2]["is_baseline"])])]
        for (_, _, points), line in zip(harms, fronts, strict=True)
    ]
    rows = len({id(points[i][2]) for (_, _, points), own in zip(harms, named, strict=True) for i in own})
    figure = figures.blank(3.5 + 0.16 * rows + 0.3)
    grid = figure.add_gridspec(2, len(harms), height_ratios=[2.9, 0.16 * rows + 0.3])
    for k, ((words, unit, points), line, own) in enumerate(zip(harms, fronts, named, strict=True)):
        panel = figure.add_subplot(grid[0, k])
        looks: dict[str, dict[str, Any]] = {
            "beaten": {"marker": "o", "mfc": "white", "mec": GREY, "ms": 3.4, "mew": 0.7, "zorder": 3},
            "unbeaten": {"marker": "o", "color": BLUE, "ms": 4.6, "zorder": 5},
            "baseline": {"marker": "s", "color": INK, "ms": 6, "zorder": 6},
        }
        for name, look in looks.items():
            own_points = _apart([(t, h) for t, h, policy in points if _look(policy) == name])
            panel.plot([t for t, _ in own_points], [h for _, h in own_points], ls="", **look)
        panel.plot([points[i][0] for i in line], [points[i][1] for i in line], color=ORANGE, lw=1.4, zorder=2)
        times = [t for t, _, _ in points]
        if max(times) > 4 * min(times) > 0:
            panel.set_xscale("log")
            from matplotlib.ticker import LogLocator

            panel.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
            panel.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
            panel.xaxis.set_minor_formatter(lambda _value, _: "")
        harm = [h for _, h, _ in points]
        span = max(harm) - min(harm)
        panel.set_ylim(min(harm) - 0.1 * span, max(harm) + 0.1 * span)
        panel.margins(x=0.1)
        spots: dict[tuple[int, int], list[int]] = {}  # points near each other share a label
        for i in own:
            spot = round(9 * math.log(points[i][0] / min(times))) if min(times) > 0 else 0
            spots.setdefault((spot, round(12 * (points[i][1] - min(harm)) / span)), []).append(i)
        for near in spots.values():
            up = points[near[0]][1] < min(harm) + 0.8 * span
            text = ", ".join(sign(points[i][2]) for i in near)
            panel.annotate(text, points[near[-1]][:2], (5, 4 if up else -10), textcoords="offset points",
                           fontsize=8.4, fontweight="bold", zorder=7)  # fmt: skip
        panel.set_ylabel(textwrap.fill(f"{words} ({unit})", 32), fontsize=8.2)
        panel.set_xlabel(f"mean time ({sweep.unit})", fontsize=8.4)
        panel.tick_params(labelsize=7.8)
    below = figure.add_subplot(grid[1, :])
    below.axis("off")
    handles = [
        Line2D([], [], color=ORANGE, lw=1.4),
        Line2D([], [], color=BLUE, marker="o", ls="", ms=4.6),
        Line2D([], [], mfc="white", mec=GREY, marker="o", ls="", ms=3.8),
        Line2D([], [], color=INK, marker="s", ls="", ms=5.5),
    ]
    names = ["front of this pair", "unbeaten over time and all harms", "beaten", "baseline"]
    _legend(below, handles, names, 4, told)
    unbeaten = sum(bool(policy["on_front"]) for policy in ranked)
    gentle = harms[0][2][fronts[0][-1]][2]
    text = f"Soon against harm: {unbeaten} of {len(ranked)} policies are unbeaten"
    if gentle is not ranked[0]:
        noun = harms[0][0].removesuffix(" that were denied").replace("launches", "denied launches")
        text += f"; fewest {noun}: “{_short(gentle)}”" if "launches" in noun else f"; least harm: “{_short(gentle)}”"
    figures.entitle(figure, text)
    yield Picture("pareto", figure,
                  f"Mean time until {what(sweep.summary)} (logarithmic where it spans much) against mean harm; lower "
                  "and further left is better. Numbers are ranks.")  # fmt: skip


# --- sensitivity ------------------------------------------------------------------------------------------------------


def _tornado(sweep: Sweep) -> Iterator[Picture]:
    from matplotlib.patches import Patch

    usable = [one for one in sweep.summary["sensitivity"] if one["inputs"]]
    base = sweep.baseline
    chosen = [one for one in usable if base is not None and one["policy"] == base["id"]][:1]
    chosen += [one for one in usable if all(one is not other for other in chosen)][: 2 - len(chosen)]
    if not chosen:
        return

    def total(one: Mapping[str, Any]) -> float:
        found = number(one["ST"]["mean"])
        return 0.0 if math.isnan(found) else found

    inputs = {key: max(total(i) for one in chosen for i in one["inputs"] if i["key"] == key)
              for key in dict.fromkeys(i["key"] for one in chosen for i in one["inputs"])}  # fmt: skip
    keys = sorted(inputs, key=lambda key: -inputs[key])[:INPUTS_MAX]
    left = len(inputs) - len(keys)
    keys.append(CHANCE)
    figure = figures.blank(1.55 + 0.36 * len(keys))
    grid = figure.add_gridspec(2, len(chosen), height_ratios=[len(keys), 0.9])
    colours = {"S1": (BLUE, ""), "ST": ("#E69F00", "////")}
    for k, one in enumerate(chosen):
        panel = figure.add_subplot(grid[0, k])
        own = {i["key"]: i for i in one["inputs"]} | {CHANCE: {"S1": one["chance"], "ST": UNKNOWN}}
        for y, key in enumerate(keys):
            if key not in own:
                panel.text(2, y, "not drawn", fontsize=7.8, va="center", color=GREY)
                continue
            for index, offset in (("S1", -0.19), ("ST", 0.19)):
                colour, hatch = colours[index]
                found = {end: 100 * number(own[key][index][end]) for end in ("mean", "low", "high")}
                if not math.isfinite(found["mean"]):
                    continue
                panel.barh(y + offset, found["mean"], height=0.36, facecolor=colour, hatch=hatch or None,
                           edgecolor="#00000080", lw=0.4)  # fmt: skip
                if math.isfinite(found["low"]) and math.isfinite(found["high"]):
                    around = [[max(found["mean"] - found["low"], 0)], [max(found["high"] - found["mean"], 0)]]
                    panel.errorbar([found["mean"]], [y + offset], xerr=around, color=INK, lw=1, capsize=1.8)
        panel.set_ylim(len(keys) - 0.4, -0.6)
        panel.set_yticks(range(len(keys)), [_wrapped(key, 26, 2) for key in keys] if k == 0 else [""] * len(keys))
        panel.tick_params(labelsize=8)
        low, high = panel.get_xlim()
        panel.set_xlim(max(min(low, 0), -40), min(max(high, 100), 160))
        panel.axvline(0, color=GREY, lw=0.8)
        panel.grid(axis="y", visible=False)
        panel.set_xlabel("share of the variance (%)", fontsize=8.6)
        label = _wrapped(one["name"], 76 if len(chosen) == 1 else 40, 2)
        panel.set_title(f"{label}\n{units.show_count(one['runs'])} runs", loc="left", fontsize=8, linespacing=1.15)
    below = figure.add_subplot(grid[1, :])
    below.axis("off")
    bars = [Patch(facecolor=c, hatch=h or None, edgecolor="#00000080", lw=0.4) for c, h in colours.values()]
    _legend(below, bars, ["alone (S1)", "with all its interactions (ST)"], 2)
    said = []
    for one in chosen:
        top = max(one["inputs"], key=total)
        said.append(f"{top['key']} ({total(top) * 100:.2g} %) under “{_wrapped(one['name'], 56, 1)}”")
    figures.entitle(figure, f"What decides most: {'; '.join(said)}")
    yield Picture("sensitivity", figure,
                  f"Sobol indices of {chosen[0]['measure']} with their intervals: the share of its variance that an "
                  "unknown input explains alone, and with all its interactions; chance is by how much runs with "
                  "the same inputs differ."
                  + (f" {left} inputs that matter less are not drawn." if left else ""))  # fmt: skip


# --- regret -----------------------------------------------------------------------------------------------------------


def _regret(sweep: Sweep) -> Iterator[Picture]:
    points = [
        (x, y, p)
        for p in sweep.ranked
        if math.isfinite(x := sweep.scaled(p["regret"]["mean"]))
        and math.isfinite(y := sweep.scaled(p["regret"]["max"]))
    ]
    if len(points) < 3 or not any(y > 0 for _, y, _ in points):
        return
    from matplotlib.lines import Line2D
    from matplotlib.ticker import LogLocator

    safe = min(points, key=lambda point: (point[1], point[0]))
    trap = _trap([p for _, _, p in points])
    named = [safe[2], *([trap] if trap else []), min(points, key=lambda point: point[0])[2]]
    named += [sweep.baseline] if sweep.baseline else []
    unique = {policy["id"]: policy for policy in named}
    figure, (panel, below) = figures.stack([3.3, 0.16 * len(unique) + 0.3])
    least = min((x for x, _, _ in points if x > 0), default=1.0)
    linear = max(10 ** math.floor(math.log10(least)), sweep.scaled(6.0))
    for is_lost in (True, False):
        own = _apart(
            [(x, y) for x, y, p in points if not p["is_baseline"] and (_share(p["not_recovered"]) > 0) == is_lost]
        )
        look = {"marker": "X", "ms": 5.5, "mfc": "white", "mec": ORANGE} if is_lost else {"marker": "o", "color": BLUE}
        panel.plot([x for x, _ in own], [y for _, y in own], ls="", mew=0.8, zorder=4, **({"ms": 5} | look))
    panel.plot(*([one] for one in next((pt[:2] for pt in points if pt[2]["is_baseline"]), (math.nan, math.nan))),
               marker="s", color=INK, ms=6.5, ls="", zorder=6)  # fmt: skip
    top = max(y for _, y, _ in points)
    if min(x for x, _, _ in points) > 0:
        panel.set_xscale("log")
        panel.set_yscale("log")
        panel.set_xlim(least / 1.8, max(x for x, _, _ in points) * 1.8)
        panel.set_ylim(least / 1.8, top * 2.2)
    else:
        panel.set_xscale("symlog", linthresh=linear)
        panel.set_yscale("symlog", linthresh=linear)
        panel.set_xlim(-0.3 * linear, max(x for x, _, _ in points) * 1.8)
        panel.set_ylim(-0.3 * linear, top * 2.2)
    for axis in (panel.xaxis, panel.yaxis):
        if axis.get_scale() == "log":
            axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.set_major_formatter(lambda value, _: f"{value:,g}")
        axis.set_minor_formatter(lambda _value, _: "")
    diagonal = np.append(0.0, np.geomspace(linear / 10, top * 4, 60))
    panel.plot(diagonal, diagonal, color=PALE, lw=1, zorder=1)
    below_line = [at for at in diagonal if at < panel.get_xlim()[1]]
    panel.fill_between(below_line, -linear, below_line, color="#f3f3f3", lw=0, zorder=0)
    for _, _, policy in (point for point in points if point[2]["id"] in unique):
        at = sweep.scaled(policy["regret"]["mean"]), sweep.scaled(policy["regret"]["max"])
        panel.annotate(
            str(policy["rank"]), at, (-5, 5), textcoords="offset points", ha="right", fontsize=8.8, fontweight="bold",
            zorder=7, bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.6},
        )  # fmt: skip
    panel.set_xlabel(f"mean regret over the draws ({sweep.unit} later than the best there)")
    panel.set_ylabel(f"largest regret in a draw ({sweep.unit})")
    handles = [
        Line2D([], [], color=BLUE, marker="o", ls="", ms=5),
        Line2D([], [], mfc="white", mec=ORANGE, marker="X", ls="", ms=5.5),
        Line2D([], [], color=INK, marker="s", ls="", ms=6),
    ]
    _legend(below, handles, ["back in every run", "not back in some runs", "baseline"], 3, list(unique.values()))
    text = f"Least far from the best: “{_short(safe[2])}”, at most {_time(safe[2]['regret']['max'])} behind in "
    text += f"{safe[2]['regret']['draws']} draws"
    if trap is not None and trap is not safe[2]:
        text += (
            f"; “{_short(trap)}” is {_time(trap['regret']['mean'])} behind on average, "
            f"in one draw {_time(trap['regret']['max'])}"
        )
    figures.entitle(figure, text)
    yield Picture("regret", figure,
                  "Regret: how much later a policy is than the best policy in the same draw. Lower is safer; far above "
                  "the diagonal are those that look good on average and fail somewhere. "
                  f"{_bound(safe[2])} Logarithmic; numbers are ranks.")  # fmt: skip


def _bound(policy: Policy) -> str:
    """What so many draws say of a policy's regret."""
    found = policy["regret"]
    far, most = units.show_duration(number(found["far_s"])), units.show_share(number(found["far_share"]["high"]))
    return f"Rank {policy['rank']}: {found['far']} of {found['draws']} draws beyond {far}, a chance of at most {most}."


def _time(seconds: Any) -> str:
    return units.show_duration(number(seconds))


# --- words ------------------------------------------------------------------------------------------------------------


def _floats(runs: pl.DataFrame, key: str) -> Array:
    import polars as pl

    return np.asarray(runs[key].cast(pl.Float64).fill_null(math.nan).to_numpy(), float)


def _legend(
    below: Axes, handles: Sequence[Any], names: Sequence[str], columns: int, told: Sequence[Policy] = ()
) -> None:
    """A legend in the blank row `below`, from the left edge of the figure on, and under it the policies `told`."""
    from matplotlib.figure import Figure
    from matplotlib.transforms import blended_transform_factory

    assert isinstance(below.figure, Figure)
    across = blended_transform_factory(below.figure.transFigure, below.transAxes)
    legend = below.legend(
        handles, names, loc="upper left", bbox_to_anchor=(0.012, 1.0), bbox_transform=across, ncols=columns,
        borderaxespad=0, borderpad=0, fontsize=8.4, handlelength=1.8, columnspacing=1.6, labelspacing=0.3,
    )  # fmt: skip
    legend.set_in_layout(False)
    listed = sorted(told, key=lambda policy: int(policy["rank"]))
    text = below.text(
        0.016, 0, "\n".join(_label(policy, 106) for policy in listed), va="bottom", ha="left", fontsize=8,
        transform=across, linespacing=1.35,
    )  # fmt: skip
    text.set_in_layout(False)


def _wrapped(text: str, width: int, lines: int) -> str:
    """Text in at most so many lines of at most so many letters."""
    found = textwrap.wrap(text, width, break_on_hyphens=False, max_lines=lines, placeholder=" …")
    return "\n".join(found)


def _label(policy: Policy, width: int, lines: int = 1) -> str:
    """Rank of a policy and what sets it apart from the baseline."""
    return _wrapped(f"{policy['rank']}  {policy['told']}", width, lines)


def _short(policy: Policy) -> str:
    return _wrapped(str(policy["told"]), 52, 1)


def _with_interval(policy: Policy) -> str:
    mean, low, high = (number(policy["restricted"][end]) for end in ("mean", "low", "high"))
    text = units.show_duration(mean)
    if math.isfinite(low) and math.isfinite(high) and high > low:
        text += f" ({units.show_duration(low)} to {units.show_duration(high)})"
    return text
