"""Maps of time over two keys: phase diagram and heat map."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from recovery import units
from recovery.keys import short_keys
from recovery.show import figures, levers
from recovery.show.figures import INK, Picture
from recovery.show.sweep_figures.drawn import ORANGE, Array, Sweep, floats, legend, what, wrapped
from recovery.store.scenario_record import Quantity
from recovery.store.sweep_record import Lever, Uncertainty

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.axes import Axes

BINS_MAX = 8
HATCH = "#fffffeb0"  # white on a dark page too, since cells keep their colours there (forms.PALETTE)
CELLS_MIN = 3  # a side of a heat map of fewer values is a table
RATIOS = ("r1", "r2")  # whose axes are logarithmic


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


def maps(sweep: Sweep) -> Iterator[Picture]:
    """Time over two keys: over r1 and r2 where they make a grid, over two levers that are numbers, or over the two
    uncertainties that matter most.
    """
    import polars as pl

    runs = sweep.runs.filter(pl.col("error").is_null()) if "error" in sweep.runs.columns else sweep.runs
    levers = [key for one in sweep.summary.design.levers if (key := one.key) in runs.columns]
    numeric = [key for key in levers if _lever(sweep, runs, key) is not None]
    others = ["variant", *(key for key in levers if key not in numeric)]
    for part in _parts(sweep, runs, others):
        r1, r2 = (_by_value(key, part, key, None) if key in part.columns else None for key in RATIOS)
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

    own = [part for part in parts if base is not None and (part["policy_id"] == base.id).any()]
    wide = [part for part in parts if len(part) * 2 >= max(len(p) for p in parts)]
    best = min(wide, key=mean_s)
    return [*own, *([best] if all(best is not part for part in own) else [])]


def _lever(sweep: Sweep, runs: pl.DataFrame, key: str) -> levers.Lever | None:
    """How the values of a key are drawn, if they are numbers: with the unit of the design, or as the file has them."""
    keys: tuple[Lever | Uncertainty, ...] = (*sweep.summary.design.levers, *sweep.summary.design.uncertainties)
    for one in keys:
        if one.key == key and runs[key].dtype.is_numeric():
            unit = one.unit if isinstance(one, Uncertainty) else None
            of: dict[str | None, units.Unit] = {"s": "duration", "1/s": "rate", "share": "share"}
            kind = of.get(unit, "number")
            written = [units.quantity(value) for value in one.values or ()]
            kind = written[0][0] if written and written[0] is not None else kind
            if kind != "duration":
                scale = 100.0 if kind == "share" else 1.0
                return levers.Lever(key, kind, {"rate": "/s", "share": "%"}.get(kind, ""), scale)
            seconds = runs[key].drop_nulls().unique().sort()
            return levers.lever_over(key, [Quantity(kind="duration", value=value) for value in seconds])
    values = runs[key].drop_nulls().unique(maintain_order=True).to_list()
    return levers.lever_over(key, [_quantity(value) for value in values])


def _quantity(value: object) -> Quantity | None:
    found = units.quantity(value)
    return None if found is None else Quantity(kind=found[0], value=found[1])


def _numbers(runs: pl.DataFrame, key: str, lever: levers.Lever | None) -> Array:
    """A column as an axis shows it; nan for what is no number."""
    if lever is None and not runs[key].dtype.is_numeric():
        return np.full(len(runs), math.nan)
    if lever is None or runs[key].dtype.is_numeric():
        return floats(runs, key) * (lever.scale if lever else 1.0)
    known = {raw: lever.value(_quantity(raw)) for raw in runs[key].unique().to_list() if raw is not None}
    return np.asarray([known.get(raw, math.nan) for raw in runs[key].to_list()])


def _by_value(name: str, runs: pl.DataFrame, key: str, lever: levers.Lever | None) -> Side | None:
    """A cell for each value of a column of numbers, or of text."""
    if not runs[key].dtype.is_numeric() and lever is None:
        texts = [str(value) for value in runs[key].drop_nulls().unique(maintain_order=True).to_list()]
        place = {text: i for i, text in enumerate(texts)}
        cell = np.asarray([place.get(str(raw), -1) for raw in runs[key].to_list()])
        ticks = [(i + 0.5, wrapped(text, 18, 1)) for i, text in enumerate(texts)]
        return Side(name, np.arange(len(texts) + 1.0), cell, ticks) if texts else None
    found = _numbers(runs, key, lever)
    rounded = np.asarray([float(f"{value:.6g}") for value in found])
    if lever is None:
        rounded = _gathered(rounded)
    values = np.unique(rounded[np.isfinite(rounded)])
    if len(values) < 2:
        return None
    is_log = values[0] > 0 if key in RATIOS else _is_log(values)
    at = np.log(values) if is_log else values
    inner = (at[1:] + at[:-1]) / 2
    edges = np.concatenate([[2 * at[0] - inner[0]], inner, [2 * at[-1] - inner[-1]]])
    cell = np.where(np.isfinite(rounded), np.searchsorted(values, rounded), -1)
    edges = np.exp(edges) if is_log else edges
    if key in RATIOS and is_log:
        nice = [times * 10.0**power for power in range(-4, 5) for times in (1, 2, 5)]
        at_values = [tick for tick in nice if edges[0] <= tick <= edges[-1]]
    else:
        at_values = values[:: math.ceil(len(values) / figures.letters(9, 6))].tolist()
    return Side(_with_unit(name, lever), edges, cell, [(tick, f"{tick:.3g}") for tick in at_values], is_log)


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


def _by_range(name: str, runs: pl.DataFrame, key: str, lever: levers.Lever | None, is_log: bool, bins: int) -> Side:
    """Bins over the range that was drawn."""
    found = _numbers(runs, key, lever)
    good = found[np.isfinite(found)]
    low, high = float(good.min()), float(good.max())
    is_log = is_log and low > 0
    edges = np.geomspace(low, high, bins + 1) if is_log else np.linspace(low, high, bins + 1)
    cell = np.where(np.isfinite(found), np.clip(np.searchsorted(edges, found, side="right") - 1, 0, bins - 1), -1)
    return Side(_with_unit(name, lever), edges, cell, [(float(edge), f"{edge:.3g}") for edge in edges], is_log)


def _with_unit(name: str, lever: levers.Lever | None) -> str:
    if lever is None:
        return {"r1": "r1: backlog (timeouts)", "r2": "r2: queue limit (timeouts)"}.get(name, f"{name} (1)")
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

    drawn = {one.key: one for one in sweep.summary.design.uncertainties if one.key in runs.columns}
    if len(drawn) < 2 or _bins(runs) < CELLS_MIN:
        return None
    base = sweep.baseline or sweep.ranked[0]
    weight = dict.fromkeys(drawn, 0.0)
    found = [one for one in sweep.summary.sensitivity if one.inputs and one.policy == base.id]
    if found:
        weight |= {i.key: i.ST.mean for i in found[0].inputs if i.key in drawn}
    else:
        own = runs.filter(runs["policy_id"] == base.id)
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
    lever = _lever(sweep, part, key) if key not in RATIOS else None
    one = next((u for u in sweep.summary.design.uncertainties if u.key == key), None)
    if one is not None and one.is_range:
        return _by_range(key, part, key, lever, one.distribution == "log-uniform", _bins(part))
    return _by_value(key, part, key, lever)


def _heat_map(sweep: Sweep, runs: pl.DataFrame, by: Sequence[str], keys: tuple[str, str], name: str) -> Picture:
    from matplotlib import colormaps
    from matplotlib.colors import LogNorm, Normalize, to_hex
    from matplotlib.patches import Patch
    from matplotlib.ticker import LogLocator

    drawn = []
    for part in _parts(sweep, runs, by):
        x, y = (_side(sweep, part, key) for key in keys)
        if x is not None and y is not None:
            drawn.append((part, x, y, *_cells(sweep, part, x, y)))
    columns = figures.columns_of(len(drawn))
    lines = math.ceil(len(drawn) / columns)
    figure = figures.blank(0.8 + 3.6 * lines)
    grid = figure.add_gridspec(lines + 1, columns, height_ratios=[*[3.6] * lines, 0.42])
    panels: list[Axes] = []
    every = np.concatenate([times[np.isfinite(times)] for _, _, _, times, _ in drawn])
    low, high = float(every.min()), float(every.max())
    high = high if high > low else low + 1
    shades = colormaps["cividis_r"].resampled(32)
    is_wide = low > 0 and high > 10 * low  # so that short times are told apart, too
    norm = LogNorm(low, high) if is_wide else Normalize(low, high)
    texts, is_corner = [], False
    for i, (part, x, y, times, collapsed) in enumerate(drawn):
        panel = figure.add_subplot(grid[i // columns, i % columns])
        panels.append(panel)
        panel.grid(visible=False)
        panel.pcolormesh(
            x.edges, y.edges, np.ma.masked_invalid(times), cmap=shades, norm=norm, edgecolors="#ffffff", linewidth=0.4
        )
        _hatch(panel, x, y, collapsed)
        crossed = [_crossed(key, side) for key, side in zip(keys, (x, y), strict=True)]
        _write_in(panel, x, y, times, collapsed, lambda value: shades(norm(value)), columns, crossed)
        for axis, side in ((panel.xaxis, x), (panel.yaxis, y)):
            if side.is_log:
                (panel.set_xscale if axis is panel.xaxis else panel.set_yscale)("log")
            axis.set_ticks([at for at, _ in side.ticks], [text for _, text in side.ticks])
            axis.set_ticks([], minor=True)
        panel.tick_params(labelsize=7.8)
        panel.set_xlim(x.edges[0], x.edges[-1])
        panel.set_ylim(y.edges[0], y.edges[-1])
        for key, line, side in ((keys[0], panel.axvline, x), (keys[1], panel.axhline, y)):
            if _crossed(key, side) is not None:
                line(1, color=ORANGE, lw=1.4, ls=(0, (3, 1.5)), zorder=3)
        panel.set_xlabel(x.label, fontsize=8.6)
        if i % columns == 0 or y.label != drawn[0][2].label:
            panel.set_ylabel(y.label, fontsize=8.6)
        label = _part_name(part, by)
        is_corner = name == "phase" and _is_above(x, y, collapsed)
        fell, all_of = int((collapsed >= 0.5).sum()), int(np.isfinite(times).sum())
        texts.append((label, fell, all_of))
        if len(drawn) > 1:
            panel.set_title(
                wrapped(label, figures.letters(92 // len(drawn), 44), 2), loc="left", fontsize=8.2, linespacing=1.15
            )
    bar = figure.colorbar(panels[0].collections[0], ax=panels, fraction=0.05, pad=0.02, aspect=28)
    bar.set_label(textwrap.fill(f"mean time until {what(sweep.summary)} ({sweep.unit})", 40), fontsize=8.4)
    bar.ax.tick_params(labelsize=8)
    if is_wide:
        bar.ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        bar.ax.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        bar.ax.yaxis.set_minor_formatter(lambda _value, _: "")
    bar.outline.set_visible(False)
    if bar.solids is not None:
        bar.solids.set_rasterized(False)
    below = figure.add_subplot(grid[-1, :])
    below.axis("off")
    hatched = Patch(facecolor=to_hex(shades(1.0)), edgecolor=HATCH, hatch="////", lw=0)  # as they are drawn
    legend(below, [hatched], ["at least half of the runs collapse"], 1)
    said = "; ".join(
        f"“{wrapped(label, 60, 1)}” {f'in {fell} of {of}' if fell else 'in none'}" for label, fell, of in texts
    )
    ending = " collapse"
    head = f"Phase diagram over {keys[0]} and {keys[1]}" if name == "phase" else "Collapse"
    if len(texts) == 1:
        _, fell, all_of = texts[0]
        said = f"{fell} of {all_of} cells"
        ending = " collapse, all with both above 1" if is_corner else " collapse"
    else:
        head += ", of the cells drawn"
    figures.entitle(figure, f"{head}: {said}{ending if name == 'phase' else ''}")
    caption = (
        f"Mean time over {keys[0]} and {keys[1]}, in the cells as a number where there is room"
        f" ({sweep.unit}; a run that is not back counts as the horizon). Empty: nothing was drawn there."
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


def _crossed(key: str, side: Side) -> int | None:
    """The cell of an axis in which the line of a ratio at 1 lies; None where there is none."""
    if key not in RATIOS or not side.edges[0] < 1 < side.edges[-1]:
        return None
    return int(np.searchsorted(side.edges, 1.0, side="right")) - 1


def _is_above(x: Side, y: Side, collapsed: Array) -> bool:
    """Whether cells collapse, and only where both ratios are above 1 throughout."""
    fell = np.argwhere(collapsed >= 0.5)
    return len(fell) > 0 and all(x.edges[i] >= 1 and y.edges[j] >= 1 for j, i in fell)


def _hatch(panel: Axes, x: Side, y: Side, collapsed: Array) -> None:
    """Hatch over the cells that collapse, and a line around them."""
    from matplotlib.patches import Rectangle

    inside = np.pad(collapsed >= 0.5, 1)
    for j, i in np.argwhere(inside[1:-1, 1:-1]):
        left, right, low, high = x.edges[i], x.edges[i + 1], y.edges[j], y.edges[j + 1]
        panel.add_patch(
            Rectangle((left, low), right - left, high - low, fill=False, hatch="////", edgecolor=HATCH, lw=0)
        )
        for outside, ends in (
            (not inside[j + 1, i], ((left, left), (low, high))),
            (not inside[j + 1, i + 2], ((right, right), (low, high))),
            (not inside[j, i + 1], ((left, right), (low, low))),
            (not inside[j + 2, i + 1], ((left, right), (high, high))),
        ):
            if outside:
                panel.plot(*ends, color=INK, lw=1.6, solid_capstyle="projecting", zorder=4)


def _write_in(
    panel: Axes,
    x: Side,
    y: Side,
    times: Array,
    collapsed: Array,
    colour_of: Callable[[float], tuple[float, float, float, float]],
    panels: int,
    crossed: Sequence[int | None],
) -> None:
    """The time of each cell as a number, where all cells have room for one; on the cell's colour where a line of
    `crossed`, the column and the row that have one, would run through it.
    """
    from matplotlib.colors import to_hex

    places = [np.log(side.edges) if side.is_log else side.edges for side in (x, y)]
    across, along = (float(np.diff(at).min() / np.ptp(at)) for at in places)
    room_pt = 72 * (2.4 if figures.is_narrow() else 5.2 / panels)
    if across * room_pt < 15 or along * 250 < 9:
        return
    middles = [(at[1:] + at[:-1]) / 2 for at in places]
    middles = [np.exp(at) if side.is_log else at for at, side in zip(middles, (x, y), strict=True)]
    for j, i in np.argwhere(np.isfinite(times) & (collapsed < 0.5)):
        value = float(times[j, i])
        red, green, blue, *_ = colour_of(value)
        # On a dark page too: the cells keep their colours there, and so must what stands in them.
        colour = "white" if 0.3 * red + 0.6 * green + 0.1 * blue < 0.5 else "#111111"
        text = f"{value:.0f}" if value >= 10 else f"{value:.2g}"
        under = {"facecolor": to_hex(colour_of(value)), "edgecolor": "none", "pad": 0.8}
        is_crossed = i == crossed[0] or j == crossed[1]
        panel.text(
            middles[0][i], middles[1][j], text, ha="center", va="center", fontsize=7.6, color=colour, zorder=5,
            bbox=under if is_crossed else None,
        )  # fmt: skip


def _part_name(part: pl.DataFrame, by: Sequence[str]) -> str:
    """What the runs of a part have in common."""
    if list(by) == ["policy_id"]:
        return str(part["policy"][0])
    short = short_keys(key for key in by if key != "variant")
    return ", ".join(str(part[key][0]) if key == "variant" else f"{short[key]}={part[key][0]}" for key in by)
