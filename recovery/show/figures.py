"""How every picture is drawn: colours, dashes and markers, panels and legends, the axis of time, SVG and PNG.

Every curve has its own colour, line style and marker, so that it is told apart in print without colour. The same
results give the same bytes: ids are hashed with a fixed salt, and no date is written.
"""

from __future__ import annotations

import functools
import io
import json
import math
import re
import textwrap
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np
import numpy.typing as npt

from recovery import units
from recovery.store.run_record import Course, Group, RunManifest

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.container import Container
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D


Array = npt.NDArray[np.float64]
WIDTH_IN = 6.8
TITLE_PT = 10.8
POINTS_MAX = 360  # of a curve: more are not seen, and make the page heavy
INK, GREY, PALE = "#1a1a1a", "#767676", "#c4c4c4"
# Okabe and Ito's colours, which people with any colour vision tell apart; black is the first variant's.
COLOURS = ("#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
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
    "svg.fonttype": "path",
}


class Picture(NamedTuple):
    """A figure under the name of its file, and what the reader should know of it. Its title says what to see."""

    name: str
    figure: Figure
    caption: str

    @property
    def title(self) -> str:
        """The title of the figure on one line."""
        return " ".join(self.figure.get_suptitle().split())


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


class TimeAxis:
    """Time across: wall-clock labels where the start is known, else seconds, minutes or hours; the outages of the first
    run are shaded, or those of the first run of a group.
    """

    def __init__(self, horizon_s: float, clock: str = "", courses: Sequence[Course] = ()) -> None:
        """`clock` is the start in ISO's form; `courses` are what the dependency did, that of the first run first."""
        self.horizon_s = horizon_s
        self.start = datetime.fromisoformat(clock) if clock else None
        self._courses = courses
        self.outages = courses[0] if courses else ()
        unit, self.scale = next(
            (u, s)
            for limit, u, s in ((1200, "s", 1.0), (6 * 3600, "min", 60.0), (math.inf, "h", 3600.0))
            if self.horizon_s <= limit
        )
        self.label = f"time since the start ({unit})"
        if self.start is not None:
            end = self.start + timedelta(seconds=self.horizon_s)
            days = f"{end:%d %b %Y}"
            if end.date() != self.start.date():
                days = f"{self.start:%d}–{days}" if self.start.month == end.month else f"{self.start:%d %b} – {days}"
            zone = f", UTC{str(self.start)[-6:].replace('-', '−')}" if self.start.tzinfo else ""
            self.label = f"time of day (h:min, {days}{zone})"

    @classmethod
    def of(cls, manifest: RunManifest) -> TimeAxis:
        """The axis of a run."""
        return cls(manifest.horizon_s, manifest.head.clock, manifest.outages)

    def outages_of(self, group: Group) -> Course:
        """The outages of the first run of a group of the summary."""
        place = group.outages_index
        return self._courses[place] if place < len(self._courses) else self.outages

    def shading(self, groups: Sequence[Group]) -> str:
        """What a caption says of the shading behind all these groups."""
        if not self.outages:
            return ""
        degraded = ", the lighter the fewer requests fail" if any(one.fails_share < 1 for one in self.outages) else ""
        whose = "" if all(self.outages_of(group) == self.outages for group in groups) else f" in “{groups[0].variant}”"
        return f" Shaded: the dependency is down{whose}{degraded}."

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
        panel.set_xlim(0, self.horizon_s)
        aims = 3 if small else 9
        steps = (
            1,
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
        step = next((s for s in steps if self.horizon_s / s <= aims), self.horizon_s / aims)
        offset = 0.0
        if self.start is not None:
            midnight = self.start.replace(hour=0, minute=0, second=0, microsecond=0)
            offset = (self.start - midnight).total_seconds()
        ticks = [
            k * step - offset for k in range(math.ceil(offset / step), math.floor((offset + self.horizon_s) / step) + 1)
        ]
        labels = [self.show(t) for t in ticks] if self.start is not None else [f"{t / self.scale:g}" for t in ticks]
        panel.set_xticks(ticks, labels)
        if small:
            panel.tick_params(labelsize=8)
        else:
            panel.set_xlabel(self.label)
        outages = self.outages if group is None else self.outages_of(group)
        for i, outage in enumerate(outages if shade else ()):
            end, colour = min(outage.to_s, self.horizon_s), str(1 - DOWN * outage.fails_share)
            panel.axvspan(outage.from_s, end, facecolor=colour, zorder=0, lw=0)
            if named and not small and i == 0:
                panel.annotate(
                    "dependency down", (outage.from_s, 0), (4, 4), xycoords=("data", "axes fraction"),
                    textcoords="offset points", fontsize=8.6, color="#5a5a5a", va="bottom",
                )  # fmt: skip


def parts_of(curve: Curve, points: int = POINTS_MAX) -> tuple[npt.NDArray[np.int64], Array]:
    """Begins of the parts that a curve is thinned to, and their ends in seconds."""
    times = curve.frame["time_s"].to_numpy()
    every = max(1, math.ceil(len(times) / points))
    begins = np.arange(0, len(times), every, dtype=np.int64)
    ends = np.append(begins[1:], len(times)) - 1
    return begins, np.asarray(times[ends], float)


def level_of(curve: Curve, column: str, scale: float = 1.0, points: int = POINTS_MAX) -> tuple[Array, Array]:
    """Times (s) and levels, `scale` times the column, at the ends of the curve's parts."""
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
    """A line in the colour, dashes and marker of variant number `i`."""
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
    )
    return line


def lines_in(rows: int) -> float:
    """Inches that lines of small text take."""
    return 0.18 * rows + 0.04


def legend_below(
    below: Axes, handles: Sequence[Artist | Container], names: Sequence[str], others: bool, columns: int = 1
) -> None:
    """A legend in a row of its own, under the panels."""
    from matplotlib.lines import Line2D

    handles, names = list(handles), [textwrap.shorten(name, 96, placeholder=" …") for name in names]
    if others:
        handles.append(Line2D([], [], color=PALE, lw=1.2))
        names.append("all other variants")
    below.legend(
        handles,
        names,
        loc="upper left",
        ncols=columns,
        borderaxespad=0,
        handlelength=3.2,
        labelspacing=0.28,
        fontsize=8.8,
        borderpad=0,
    )


def blank(height_in: float) -> Figure:
    """An empty figure, as wide as all of them."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH_IN, height_in), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.05, h_pad=0.05, hspace=0.03, wspace=0.03)  # type: ignore[union-attr, call-arg]
    return figure


def stack(heights_in: Sequence[float]) -> tuple[Figure, list[Axes]]:
    """Panels above each other; the last is a blank row for legends."""
    figure = blank(sum(heights_in) + 0.5)
    axes = list(figure.subplots(len(heights_in), 1, height_ratios=list(heights_in), squeeze=False)[:, 0])
    axes[-1].axis("off")
    return figure, axes


def _wrapped(text: str, width_pt: float, size_pt: float) -> list[str]:
    """Lines of bold text that are no wider than `width_pt`."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    bold = FontProperties(family="DejaVu Sans", weight="bold", size=size_pt)

    def inked_pt(line: str) -> float:
        # The outermost points of a letter lie on its outline, so the box of the points is that of the ink; matplotlib
        # looks for the outermost point of each curve, which takes half the time of a page.
        path = TextPath((0, 0), line, prop=bold)
        return float(np.ptp(path.vertices[path.codes != TextPath.CLOSEPOLY, 0]))

    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and inked_pt(longer) > width_pt:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def entitle(figure: Figure, text: str) -> None:
    """What to see, above everything, as many lines as it needs."""
    lines = _wrapped(text, 72 * WIDTH_IN - 28, TITLE_PT)
    if len(lines) > 1:
        figure.set_figheight(figure.get_figheight() + 0.19 * (len(lines) - 1))
    figure.suptitle("\n".join(lines), x=0.012, ha="left", fontsize=TITLE_PT, fontweight="bold", linespacing=1.2)


@contextmanager
def style() -> Iterator[None]:
    """Our look, and a fixed salt for ids; figures are made and written under it, without a word from matplotlib on the
    user's screen (a character that the font has not is drawn as a box).
    """
    import matplotlib as mpl

    with mpl.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=UserWarning)
        dict.update(cast("dict[str, object]", mpl.rcParams), _look())
        yield


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


def _saved(picture: Picture, form: str, dpi: float | None, metadata: dict[str, None]) -> bytes:
    from recovery.show import tick_labels

    buffer = io.BytesIO()
    with style():
        tick_labels.plain(picture.figure)
        picture.figure.savefig(buffer, format=form, dpi="figure" if dpi is None else dpi, metadata=metadata)
    return buffer.getvalue()


def svg(picture: Picture) -> str:
    """SVG of a picture: the same text each time, every id begins with the picture's name, nothing outside is named."""
    text = _saved(picture, "svg", None, {"Date": None}).decode("utf-8")
    text = re.sub(r"<\?xml.*?\?>|<!DOCTYPE.*?>|<metadata>.*?</metadata>|<!--.*?-->", "", text, flags=re.DOTALL).strip()
    # A hundredth of a point is not seen, nor a tenth in a long path or between letters; a page has tens of thousands.
    text = re.sub(
        r' d="[^"]+"',
        lambda match: re.sub(r"(\.\d\d)\d+" if len(match[0]) < 400 else r"(\.\d)\d+", r"\1", match[0]),
        text,
    )
    text = re.sub(r'( [xy]="-?\d+\.\d\d)\d+', r"\1", text)
    text = re.sub(r'(<use [^>]*)transform="translate\((\d+(?:\.\d)?)\d* 0\)"', r'\1x="\2"', text)  # the same, shorter
    text = re.sub(r' d="M[^"QCz]+"', lambda match: match[0].replace(" \nL ", " "), text)  # after M, pairs are lines
    text = re.sub(r"\n\s+", "\n", text).replace("xlink:href", "href")
    used = {
        name: f"{picture.name}-{i}"
        for i, name in enumerate(dict.fromkeys(re.findall(r'(?:href="#|url\(#)([^")]+)', text)))
    }
    text = re.sub(r' id="([^"]+)"', lambda match: f' id="{used[match[1]]}"' if match[1] in used else "", text)
    return re.sub(r'(href="#|url\(#)([^")]+)', lambda match: match[1] + used[match[2]], text) + "\n"


def png(picture: Picture) -> bytes:
    """PNG of a picture at 144 dots an inch, without the name of the program."""
    return _saved(picture, "png", 144, {"Software": None})
