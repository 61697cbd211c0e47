"""Pictures of how times grow, for the page of speed. Their numbers are those of that page's tables, and stand nowhere else."""

import io
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from generate.inks import INKS, inked

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SPEED = Path(__file__).resolve().parents[1] / "explanation" / "speed.md"
SIZE = 4.0, 3.2  # in inches: letters are as large as the text's where two pictures stand side by side, and on a phone
FRONT, SOFT, _, BLUE, ORANGE, GREEN = INKS["light"]
OURS = "recovery"
HEADS = {
    "hosts": ("host", "lanes", "events", "times"),
    "programs": ("what is simulated", "program", "ns an event", "times ours"),
    "fleets": ("holders", "time in s", "ns a holder", "times the least", "memory at most"),
    "cores": ("work", "cores", "times as quick as on one"),
}
"""The tables that pictures are made of, by their columns."""

Row = Mapping[str, str]


class Line(NamedTuple):
    """A line of a picture: its label, and its points, x to y."""

    label: str
    points: dict[float, float]


class Bar(NamedTuple):
    """A bar of a picture: what it is of, how long it is, and how many times ours, as the table has it."""

    label: str
    length: float
    times: str


def rows(text: str, name: str) -> list[dict[str, str]]:
    """The rows of a table of the page. Raises ValueError where there is not just one with its columns."""
    head = HEADS[name]
    wanted = f"| {' | '.join(head)} |\n|{' --- |' * len(head)}\n"
    found = text.split(wanted)[1:]
    if len(found) != 1:
        raise ValueError(f"{SPEED.name} has {len(found)} tables with the columns {', '.join(head)}; want one")
    lines = re.match(r"(?:\|.*\n)*", found[0])
    assert lines is not None
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[0].splitlines()]
    return [dict(zip(head, one, strict=True)) for one in cells]


def number(cell: str) -> float:
    """The number that a cell begins with. Raises ValueError where there is none."""
    found = re.match(r"[\d,]*\.?\d+", cell)
    if found is None:
        raise ValueError(f"{SPEED.name}: “{cell}” begins with no number; want one for a picture")
    return float(found[0].replace(",", ""))


def holders(text: str) -> list[Line]:
    """Time of an event in ns by the holders at a host: on lanes for each kind of host, and on events."""
    kinds = {", checks with jitter": "checks with jitter", "": "constant checks", ", collapsed": "collapsed"}
    hosts = rows(text, "hosts")
    found = [Line(label, _points(hosts, "lanes", kind)) for kind, label in kinds.items()]
    return [Line("event engine, constant checks", _points(hosts, "events", "")), *found]


def _points(hosts: Sequence[Row], column: str, kind: str) -> dict[float, float]:
    """The points of one kind of host. Raises ValueError where there are fewer than three."""
    of_kind = re.compile(rf"[\d,]+(?: holders)?{kind}")
    points = {number(row["host"]): number(row[column]) for row in hosts if of_kind.fullmatch(row["host"])}
    if len(points) < 3:
        raise ValueError(f"{SPEED.name} has {len(points)} hosts “{kind or 'holders'}”; want three to draw a line")
    return points


def programs(text: str, what: str) -> list[Bar]:
    """Time of an event in ns of each program that simulates what begins so. Raises ValueError where ours is not there."""
    found, simulated = [], ""
    for row in rows(text, "programs"):
        simulated = row["what is simulated"] or simulated
        if simulated.startswith(what):
            found.append(Bar(row["program"].replace("`", ""), number(row["ns an event"]), row["times ours"]))
    if OURS not in [bar.label for bar in found]:
        raise ValueError(f"{SPEED.name} has no row of {OURS} for “{what}”; want one for its picture")
    return found


def fleets(text: str, column: str) -> dict[float, float]:
    """A column of the table of fleets by their holders."""
    return {number(row["holders"]): number(row[column]) for row in rows(text, "fleets")}


def cores(text: str) -> list[Bar]:
    """How many times as quick each work is on two cores as on one."""
    found = [(row["work"], row["times as quick as on one"]) for row in rows(text, "cores") if row["cores"] == "2"]
    return [Bar(work.partition(", ")[0], number(times), times) for work, times in found]


def pictures(text: str) -> dict[str, Callable[["Axes"], None]]:
    """What draws each picture, by name, from the text of the page."""
    return {
        "holders": lambda axes: _holders(axes, holders(text)),
        "storm": lambda axes: _programs(axes, programs(text, "the storm"), "The storm"),
        "queue": lambda axes: _programs(axes, programs(text, "a queue of eight"), "A queue of eight"),
        "time": lambda axes: _time(axes, fleets(text, "ns a holder")),
        "memory": lambda axes: _memory(axes, fleets(text, "memory at most")),
        "cores": lambda axes: _cores(axes, cores(text)),
    }


def write(folder: Path, text: str | None = None) -> list[Path]:
    """The pictures of the page of speed in a folder, each for light and for dark pages; one that is the same stays."""
    found = []
    for name, draw in pictures(SPEED.read_text(encoding="utf-8") if text is None else text).items():
        for ink, data in inked(_svg(draw)).items():
            file = folder / f"speed-{name}-{ink}.svg"
            if not file.exists() or file.read_bytes() != data:
                file.write_bytes(data)
            found.append(file)
    return found


def _svg(draw: Callable[["Axes"], None]) -> str:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    style = {
        "svg.fonttype": "none", "svg.hashsalt": "speed", "font.size": 10, "text.color": FRONT, "axes.edgecolor": SOFT,
        "xtick.color": FRONT, "ytick.color": FRONT, "axes.labelcolor": FRONT, "axes.titlesize": 9.5,
        "axes.titleweight": "bold", "axes.titlelocation": "left",
    }  # fmt: skip
    with mpl.rc_context(style):
        figure = Figure(figsize=SIZE, layout="constrained")
        axes = figure.subplots()
        axes.spines[["top", "right"]].set_visible(False)
        draw(axes)
        text = io.BytesIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    return text.getvalue().decode()


def _holders(axes: "Axes", lines: Sequence[Line]) -> None:
    styles = zip(lines, (SOFT, ORANGE, BLUE, GREEN), "sDo^", ("--", "-", "-", "-"), strict=True)
    for line, colour, marker, dash in styles:
        at, times = list(line.points), list(line.points.values())
        axes.plot(at, times, color=colour, marker=marker, ls=dash, lw=2)
        place = min(range(len(at)), key=lambda i: times[i]) if line.label == "constant checks" else len(at) - 1
        above = line.label != "constant checks"
        axes.annotate(
            line.label, (at[place], times[place]), (0, 7 if above else -15), textcoords="offset points",
            color=FRONT if colour == SOFT else colour, ha="right" if place else "left",
        )  # fmt: skip
    _by_size(axes, [at for line in lines for at in line.points])
    quick = [time for line in lines[1:] for time in line.points.values()]
    slow = lines[0].points.values()
    axes.set_title(f"Lanes: {_span(quick)} ns an event, at any size")
    low, high = 0.6 * min(quick), 1.6 * max(slow)
    axes.set(xlabel="holders at a host", ylabel="ns an event", yscale="log", ylim=(low, high))
    ticks = [tick for tick in (1, 2, 5, 10, 20, 50, 100, 200) if low < tick < high]
    axes.set_yticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()


def _programs(axes: "Axes", bars: Sequence[Bar], what: str) -> None:
    """Names stand above the bars, as they are too long to stand beside them; behind each bar is room for its number."""
    for place, bar in enumerate(bars):
        axes.barh(place, bar.length, height=0.38, color=BLUE if bar.label == OURS else SOFT)
        times = "" if bar.label == OURS else f", {bar.times} times"
        axes.text(1.1, place - 0.42, bar.label, va="center", size=9, color=FRONT)
        axes.text(1.1 * bar.length, place, f"{_told(bar.length)} ns{times}", va="center", size=9, color=FRONT)
    axes.set(
        xscale="log",
        xlim=(1, 200 * max(bar.length for bar in bars)),
        xlabel="ns an event, and how many times ours",
    )
    axes.set_ylim(len(bars) - 0.6, -0.75)
    axes.grid(axis="x", color=SOFT, lw=0.5, alpha=0.5)
    axes.set_axisbelow(True)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    longest = math.ceil(math.log10(max(bar.length for bar in bars)))
    axes.set_xticks([10**power for power in range(longest)], [f"{10**power:,}" for power in range(longest)])
    axes.minorticks_off()
    others = sorted((bar for bar in bars if bar.label != OURS), key=lambda bar: bar.length)
    axes.set_title(f"{what}: others take {others[0].times} to {others[-1].times} times ours")


def _time(axes: "Axes", points: Mapping[float, float]) -> None:
    _curve(axes, points, lambda y: f"{y:,.0f} ns")
    axes.set_title(f"{_span(points.values())} ns a holder, at any size")
    axes.set(xlabel="holders of the fleet", ylabel="ns a holder")


def _memory(axes: "Axes", points: Mapping[float, float]) -> None:
    _curve(axes, points, lambda y: f"{y:,.0f} MiB")
    axes.set_title(f"At most {max(points.values()):,.0f} MiB, at any size")
    axes.set(xlabel="holders of the fleet", ylabel="memory at most, MiB")


def _curve(axes: "Axes", points: Mapping[float, float], told: Callable[[float], str]) -> None:
    at, values = list(points), list(points.values())
    axes.plot(at, values, color=BLUE, marker="o", lw=2)
    for x, y, before in zip(at, values, [0.0, *values], strict=False):
        up = 8 if y >= before else -16  # where the line does not come from
        axes.annotate(told(y), (x, y), (0, up), textcoords="offset points", ha="center", color=FRONT)
    _by_size(axes, at)
    axes.set_ylim(0, 1.25 * max(values))


def _cores(axes: "Axes", bars: Sequence[Bar]) -> None:
    for place, bar in enumerate(bars):
        axes.barh(place, bar.length, height=0.38, color=BLUE)
        axes.text(0.03, place - 0.36, f"{bar.label}: {bar.times}", va="center", color=FRONT, size=9)
    axes.axvline(2, color=FRONT, ls="--", lw=1)
    axes.text(1.97, -0.72, "all that two cores can give", ha="right", va="center", color=FRONT, size=9)
    axes.set(xlim=(0, 2.1), xlabel="times as quick on two cores as on one")
    axes.set_ylim(len(bars) - 0.5, -0.95)
    axes.set_xticks([0, 0.5, 1, 1.5, 2], ["0", "0.5", "1", "1.5", "2"])
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    lengths = [bar.length for bar in bars]
    axes.set_title(f"Two cores do {min(lengths):.2f} to {max(lengths):.2f} times what one does")


def _by_size(axes: "Axes", at: Iterable[float]) -> None:
    """Sizes from one power of ten to the next."""
    sizes = sorted(set(at))
    axes.set_xscale("log")
    axes.set_xlim(sizes[0] / 2.2, sizes[-1] * 2.2)
    axes.set_xticks(sizes, [f"{size:,.0f}" if size < 1e6 else f"{size / 1e6:,.0f} million" for size in sizes])
    axes.minorticks_off()
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.grid(axis="y", color=SOFT, lw=0.5, alpha=0.5)
    axes.set_axisbelow(True)


def _told(value: float) -> str:
    return f"{value:,.1f}" if value < 100 else f"{value:,.0f}"


def _span(values: Iterable[float]) -> str:
    least, most = min(values := list(values)), max(values)
    return " to ".join(f"{one:,.1f}" if least < 10 else f"{one:,.0f}" for one in (least, most))
