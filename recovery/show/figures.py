"""How every picture is drawn: colours, dashes and markers, panels and legends, the axis of time.

Every curve has its own colour, line style and marker, so that it is told apart in print without colour.
"""

from __future__ import annotations

import functools
import json
import math
import sys
import textwrap
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np
import numpy.typing as npt

from recovery import units
from recovery.show.spans import Level, Stretch
from recovery.store.run_record import Group, RunManifest
from recovery.store.scenario_record import Course, Outage

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.container import Container
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D


Array = npt.NDArray[np.float64]
WIDE_IN, NARROW_IN = 6.8, 3.6  # of a picture on a desk, and on a phone or in a column of a printed page
POINTS_MAX = 360  # of a curve: more are not seen, and make the page heavy
STANDS_OUT = 0.05  # of all that a curve spans: a level between two points that is told as well
INK, GREY, PALE = "#1a1a1a", "#767676", "#a3a3a3"
# Okabe and Ito's colours, which people with any colour vision tell apart, the lighter ones darkened until they stand
# out from white at 3 to 1; black is the first variant's.
COLOURS = ("#000000", "#0072B2", "#D55E00", "#007A59", "#B4568F", "#A87000", "#2F86BA")
DASHES: tuple[str | tuple[int, tuple[float, ...]], ...] = (
    "-",
    (0, (6, 2)),
    (0, (1.5, 1.5)),
    (0, (6, 2, 1.5, 2)),
    (0, (3, 1.5)),
    (0, (8, 2, 1.5, 2, 1.5, 2)),
    (0, (10, 3)),
)
MARKERS = ("", "o", "s", "^", "D", "v", "X")
_STYLE: dict[str, object] = {
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "axes.titlesize": 9.5,
    "axes.labelsize": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.grid": True,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "hatch.linewidth": 0.5,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "path.simplify": True,
    "svg.hashsalt": "recovery",
    "text.parse_math": False,  # names are drawn as they stand, whatever they hold
    "svg.fonttype": "none",
}


class Picture(NamedTuple):
    """A figure under the name of its file, and what the reader should know of it. Its title says what to see."""

    name: str
    figure: Figure
    caption: str

    @property
    def title(self) -> str:
        """The title of the figure on one line."""
        return " ".join(str(self.figure.get_label()).split())


class Curve(NamedTuple):
    """A variant's series under the name that the legend has for it."""

    label: str
    frame: pl.DataFrame


def series_of(series: pl.DataFrame, group: Group) -> pl.DataFrame:
    """The windows of a group's variant."""

    import polars as pl

    levers = json.dumps(dict(group.levers), sort_keys=True, default=str)
    return series.filter((pl.col("variant") == group.variant) & (pl.col("levers") == levers))


DOWN = 0.086  # how much darker than white it is behind an outage in which all requests fail
NAME_MAX = 60  # letters of a name that something follows
SECONDS_MAX = 240.0  # an axis that is longer is in minutes, as texts are
LOW_INCHES = 1.5  # a panel that is lower has no room for words that stand upright


class TimeAxis:
    """Time across: wall-clock labels where the start is known, else seconds, minutes or hours; the outages of the first
    run are shaded, or those of the first run of a group.
    """

    def __init__(
        self, end_s: float, clock: str = "", courses: Sequence[Course] = (), *, horizon_s: float | None = None
    ) -> None:
        """The axis ends at `end_s`, the run at `horizon_s` if that is later. `clock` is the start in ISO's form;
        `courses` are what the dependency did, that of the first run first.
        """
        self.from_s, self.end_s = 0.0, end_s
        self.horizon_s = end_s if horizon_s is None else horizon_s
        self.start = datetime.fromisoformat(clock) if clock else None
        self._courses = courses
        self.outages = courses[0] if courses else ()
        unit, self.scale = next(
            (u, s)
            for limit, u, s in ((SECONDS_MAX, "s", 1.0), (6 * 3600, "min", 60.0), (math.inf, "h", 3600.0))
            if self.end_s <= limit
        )
        self.label = f"time since the start ({unit})"
        if self.start is not None:
            end = self.start + timedelta(seconds=self.end_s)
            days = f"{end:%d %b %Y}"
            if end.date() != self.start.date():
                days = f"{self.start:%d}–{days}" if self.start.month == end.month else f"{self.start:%d %b} – {days}"
            zone = f", UTC{str(self.start)[-6:].replace('-', '−')}" if self.start.tzinfo else ""
            self.label = f"time of day (h:min, {days}{zone})"

    @classmethod
    def of(cls, manifest: RunManifest, end_s: float | None = None) -> TimeAxis:
        """The axis of a run, all of it or to `end_s`."""
        end_s = manifest.horizon_s if end_s is None else end_s
        return cls(end_s, manifest.head.clock, manifest.outages, horizon_s=manifest.horizon_s)

    def close_up(self, since_s: float, stretch: Stretch, since: str) -> TimeAxis:
        """The axis of a stretch alone, in seconds since `since_s`, whose name is `since`."""
        outages = tuple(
            Outage(
                from_s=max(one.from_s - since_s, stretch.from_s),
                to_s=one.to_s - since_s,
                fails_share=one.fails_share,
            )
            for one in self.outages
            if stretch.from_s < one.to_s - since_s and one.from_s - since_s < stretch.to_s
        )
        found = TimeAxis(stretch.to_s, "", [outages])
        found.from_s = stretch.from_s
        found.label = found.label.replace("the start", since)
        return found

    def outages_of(self, group: Group) -> Course:
        """The outages of the first run of a group of the summary."""
        place = group.outages_index
        return self._courses[place] if place < len(self._courses) else self.outages

    def shading(self, groups: Sequence[Group]) -> str:
        """What a caption says of the shading behind all these groups."""
        if not self.outages:
            return ""
        degraded = ", the fainter the fewer requests fail" if any(one.fails_share < 1 for one in self.outages) else ""
        whose = "" if all(self.outages_of(group) == self.outages for group in groups) else f" in “{groups[0].variant}”"
        return f" Shaded: the dependency is down{whose}{degraded}."

    @property
    def rest(self) -> str:
        """What a caption says of the time after the end of the axis."""
        if self.end_s >= self.horizon_s:
            return ""
        return (
            f" Between the end of the axis and that of the run ({self.show(self.horizon_s)}) hardly anything changes."
        )

    def show(self, at_s: float) -> str:
        """A time as the axis labels it."""
        if self.start is not None:
            return f"{self.start + timedelta(seconds=at_s):%H:%M}"
        return units.show_duration(at_s)

    def dress(
        self,
        panel: Axes,
        small: bool = False,
        shade: bool = True,
        named: bool = True,
        group: Group | None = None,
    ) -> None:
        """Limits, ticks, label and outages of a panel; of one `group`, if the panel is of it alone."""
        panel.set_xlim(self.from_s, self.end_s)
        panel.xaxis.set_gid(f"time:{self.start:%Y-%m-%dT%H:%M}" if self.start is not None else "time:")
        aims = (2 if small else 4) if is_narrow() else 3 if small else 9
        steps = (
            1,
            2,
            5,
            10,
            20,
            30,
            60,
            120,
            300,
            600,
            1200,
            1800,
            3600,
            7200,
            10800,
            21600,
            43200,
            86400,
            172800,
            604800,
        )
        length_s = self.end_s - self.from_s
        step = next((s for s in steps if length_s / s <= aims), length_s / aims)
        offset = 0.0
        if self.start is not None:
            midnight = self.start.replace(hour=0, minute=0, second=0, microsecond=0)
            offset = (self.start - midnight).total_seconds()
        first, last = math.ceil((offset + self.from_s) / step), math.floor((offset + self.end_s) / step)
        ticks = [k * step - offset for k in range(first, last + 1)]
        labels = (
            [self.show(t) for t in ticks]
            if self.start is not None
            else [f"{t / self.scale:g}".replace("-", "−") for t in ticks]
        )
        panel.set_xticks(ticks, labels)
        if small:
            panel.tick_params(labelsize=8)
        else:
            panel.set_xlabel(textwrap.fill(self.label, 40) if is_narrow() else self.label)
        outages = self.outages if group is None else self.outages_of(group)
        for i, outage in enumerate(outages if shade else ()):
            end, depth = min(outage.to_s, self.end_s), DOWN * outage.fails_share
            panel.axvspan(outage.from_s, end, facecolor="#000000", alpha=depth, zorder=0, lw=0)
            if named and not small and i == 0:
                self.name_outage(panel)

    def name_outage(self, panel: Axes) -> None:
        """What the shading is, in a panel that has it: upright along its edge, as curves lie above and below.
        Where that finds no room, in a low panel or among the curves of a narrow one, the caption alone says it.
        """
        if not self.outages or is_narrow() or panel.bbox.height / panel.figure.dpi < LOW_INCHES:
            return
        panel.annotate(
            "dependency down", (self.outages[0].from_s, 0.5), (3, 0), xycoords=("data", "axes fraction"),
            textcoords="offset points", fontsize=8.6, color="#5a5a5a", va="center", rotation=90,
        )  # fmt: skip


def levels_of(curves: Sequence[Curve], column: str) -> list[Level]:
    """A column of each of these curves, all windows of it."""
    return [Level(*(np.asarray(curve.frame[one].to_numpy(), float) for one in ("time_s", column))) for curve in curves]


def cut(curves: Sequence[Curve], to_s: float, from_s: float = 0.0) -> list[Curve]:
    """The windows of these curves that end in a stretch of time."""
    return [Curve(label, frame.filter(frame["time_s"].is_between(from_s, to_s))) for label, frame in curves]


def parts_of(curve: Curve, points: int = POINTS_MAX) -> tuple[npt.NDArray[np.int64], Array]:
    """Begins of the parts that a curve is thinned to, and their ends in seconds."""
    times = curve.frame["time_s"].to_numpy()
    every = max(1, math.ceil(len(times) / points))
    begins = np.arange(0, len(times), every, dtype=np.int64)
    ends = np.append(begins[1:], len(times)) - 1
    return begins, np.asarray(times[ends], float)


def level_of(curve: Curve, column: str, scale: float = 1.0, points: int = POINTS_MAX) -> tuple[Array, Array]:
    """Times (s) and levels, `scale` times the column, at the ends of the curve's parts; and the least or the largest
    level of a part where it stands out from both ends, so that no short worst moment is lost.
    """
    values = curve.frame[column].to_numpy().astype(float)
    begins, _ = parts_of(curve, points)
    ends = np.append(begins[1:], len(values)) - 1
    if len(values) == 0:
        return np.zeros(0), np.zeros(0)
    before, after = values[np.maximum(begins - 1, 0)], values[ends]
    far = STANDS_OUT * (np.nanmax(values) - np.nanmin(values)) if np.isfinite(values).any() else math.inf
    low = np.minimum.reduceat(values, begins) < np.minimum(before, after) - far
    high = np.maximum.reduceat(values, begins) > np.maximum(before, after) + far
    least = [begins[i] + int(np.argmin(values[begins[i] : ends[i] + 1])) for i in np.flatnonzero(low)]
    most = [begins[i] + int(np.argmax(values[begins[i] : ends[i] + 1])) for i in np.flatnonzero(high)]
    shown = np.unique(np.array([*ends, *least, *most], np.int64))
    return np.asarray(curve.frame["time_s"].to_numpy()[shown], float), np.asarray(values[shown] * scale, float)


def ends_of(curve: Curve, column: str, scale: float = 1.0, points: int = POINTS_MAX) -> tuple[Array, Array]:
    """Times (s) and levels, `scale` times the column, at the ends of the curve's parts: the same for each column."""
    begins, times = parts_of(curve, points)
    values = curve.frame[column].to_numpy()
    ends = np.append(begins[1:], len(values)).astype(int) - 1
    return times, np.asarray(values[ends] * scale, float)


def flow_of(curve: Curve, column: str, points: int = POINTS_MAX) -> tuple[Array, Array]:
    """Times and rate a second."""
    begins, times = parts_of(curve, points)
    values = curve.frame[column].to_numpy().astype(float)
    all_times = curve.frame["time_s"].to_numpy()
    window = float(all_times[0])
    widths = np.diff(np.append(0.0, times)) if len(times) else np.asarray([window])
    return times, np.add.reduceat(values, begins.astype(int)) / widths


def draw_line(panel: Axes, i: int, times: Array, values: Array) -> Line2D:
    """A line in the colour, dashes and marker of variant number `i`, under which the page's script finds it."""
    every = max(1, len(times) // 9)
    start = min((i * every) // 7, max(len(times) - 1, 0))
    (line,) = panel.plot(
        times,
        values,
        lw=2.3 if i == 0 else 1.6,
        ms=4.5,
        markevery=(start, every),
        zorder=4 if i == 0 else 3,
        color=COLOURS[i % len(COLOURS)],
        ls=DASHES[i % len(DASHES)],
        marker=MARKERS[i % len(MARKERS)],
        gid=f"curve:{i}",
    )
    return line


def draw_grey(panel: Axes, times: Array, values: Array) -> None:
    """A thin grey line behind the others."""
    panel.plot(times, values, color=PALE, lw=0.9, gid="curve:rest")


def lines_in(rows: int) -> float:
    """Inches that lines of small text take."""
    return 0.18 * rows + 0.04


def legend_below(
    below: Axes,
    handles: Sequence[Artist | Container],
    names: Sequence[str],
    others: bool,
    columns: int = 1,
    ends: Sequence[str] = (),
) -> None:
    """A legend in a row of its own, under the panels, which grows by the lines that names need more than one. Long
    names are cut; `ends`, if given one for each name, follow them whole.
    """
    from matplotlib.lines import Line2D

    handles, columns = list(handles), 1 if is_narrow() else columns
    room = 36 if is_narrow() else 84 // columns
    short = [textwrap.shorten(name, NAME_MAX if ends else 96, placeholder=" …") for name in names]
    whole = map("".join, zip(short, ends or [""] * len(short), strict=True))
    told = [textwrap.fill(units.unbroken(name), room) for name in whole]
    if others:
        handles.append(Line2D([], [], color=PALE, lw=1.2, gid="curve:rest"))
        told.append("all other variants")
    drawn = below.legend(
        handles,
        told,
        loc="upper left",
        ncols=columns,
        borderaxespad=0,
        handlelength=3.2,
        labelspacing=0.28,
        fontsize=8.8,
        borderpad=0,
    )
    for handle, line, text in zip(handles, drawn.legend_handles, drawn.get_texts(), strict=True):
        own = handle[0] if isinstance(handle, tuple) else handle
        gid = str(own.get_gid() or "")
        if gid.startswith("curve:") and line is not None:
            line.set_gid(gid.replace("curve:", "key:"))
            text.set_gid(gid.replace("curve:", "key:"))
    rows = max(sum(name.count("\n") + 1 for name in told[i::columns]) for i in range(columns)) if told else 0
    grow(below, lines_in(rows) - lines_in(math.ceil(len(told) / columns)))


def grow(row: Axes, by_in: float) -> None:
    """Make a row of a figure higher, and the figure with it."""
    spec = row.get_subplotspec()
    if spec is None or not by_in > 0:
        return
    grid = spec.get_gridspec()
    ratios = np.array(grid.get_height_ratios(), float)
    ratios[spec.rowspan.start] += by_in * ratios.sum() / row.figure.get_figheight()  # type: ignore[union-attr]
    grid.set_height_ratios(ratios)
    figure = row.figure
    figure.set_figheight(figure.get_figheight() + by_in)  # type: ignore[union-attr]


_WIDTH_IN: ContextVar[float] = ContextVar("width_in", default=WIDE_IN)


@contextmanager
def narrow() -> Iterator[None]:
    """In here, pictures are drawn for a phone, or for a column of a printed page."""
    before = _WIDTH_IN.set(NARROW_IN)
    try:
        yield
    finally:
        _WIDTH_IN.reset(before)


@contextmanager
def wide() -> Iterator[None]:
    """In here, pictures are drawn wide, whatever is asked for."""
    before = _WIDTH_IN.set(WIDE_IN)
    try:
        yield
    finally:
        _WIDTH_IN.reset(before)


def is_narrow() -> bool:
    """Whether pictures are drawn narrow."""
    return _WIDTH_IN.get() < WIDE_IN


def columns_of(wide: int, narrow_to: int = 1) -> int:
    """How many panels or entries stand side by side: `wide` of them, in a narrow picture at most `narrow_to`."""
    return min(wide, narrow_to) if is_narrow() else wide


def letters(wide: int, narrow_to: int) -> int:
    """How many letters a line has."""
    return narrow_to if is_narrow() else wide


def blank(height_in: float) -> Figure:
    """An empty figure, as wide as all of them."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH_IN.get(), height_in), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.05, h_pad=0.05, hspace=0.03, wspace=0.03)  # type: ignore[union-attr, call-arg]
    return figure


def stack(heights_in: Sequence[float]) -> tuple[Figure, list[Axes]]:
    """Panels above each other; the last is a blank row for legends."""
    figure = blank(sum(heights_in) + 0.3)
    axes = list(figure.subplots(len(heights_in), 1, height_ratios=list(heights_in), squeeze=False)[:, 0])
    axes[-1].axis("off")
    return figure, axes


def entitle(figure: Figure, text: str) -> None:
    """What to see. A page says it above the picture in its own letters; in a PNG it is drawn."""
    figure.set_label(text)


@contextmanager
def style() -> Iterator[None]:
    """Our look, and a fixed salt for ids; figures are made and written under it, without a word from matplotlib on the
    user's screen (a character that the font has not is drawn as a box).
    """
    _load()
    import matplotlib as mpl

    with mpl.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=UserWarning)
        dict.update(cast("dict[str, object]", mpl.rcParams), _look())
        yield


_WITH_HELP: ContextVar[bool] = ContextVar("with_help", default=True)


@contextmanager
def without_help() -> Iterator[None]:
    """In here, matplotlib is loaded without the lists of properties in its help: that is a quarter of the time that it
    takes. For a process in which nobody asks for that help; a notebook is none.
    """
    before = _WITH_HELP.set(False)
    try:
        yield
    finally:
        _WITH_HELP.reset(before)


def _load() -> None:
    """Load what draws, where it is not there yet."""
    if "matplotlib.figure" in sys.modules or _WITH_HELP.get():
        return
    from matplotlib import artist

    tell = artist.kwdoc
    artist.kwdoc = lambda artist: ""  # noqa: ARG005
    try:
        import matplotlib.figure  # noqa: F401
    finally:
        artist.kwdoc = tell


@functools.cache
def _look() -> dict[str, object]:
    """All settings of matplotlib, as it keeps them once it has looked at each. Not the backend: who reads that from
    matplotlib has it import pyplot and choose one.
    """
    import matplotlib as mpl

    with mpl.rc_context():
        mpl.rcdefaults()  # whatever the user's matplotlibrc says
        for key, value in _STYLE.items():
            mpl.rcParams[key] = value  # type: ignore[index]
        kept = cast("dict[str, object]", mpl.rcParams)
        return {key: dict.__getitem__(kept, key) for key in kept if key != "backend"}
