"""A picture in its forms: SVG for a file, SVG for a page (colours that follow its light or dark), PNG with its title.

The same results give the same bytes: ids are hashed with a fixed salt, and no date is written. Text stays text. Curves
tell the page's script what they are: `data-panel` and `data-curve` stand where a panel and a curve are drawn,
`data-key` at their entries of the legend, and `data-panels` of the whole says what a place in a panel means.
"""

from __future__ import annotations

import io
import json
import re
import textwrap
from html import escape
from typing import TYPE_CHECKING

from recovery.show import figures
from recovery.show.figures import Picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

TITLE_PT = 10.8
FONTS = "'DejaVu Sans', Verdana, sans-serif"  # the two are as wide as each other

# Colours that every picture is drawn with, and what stands for each on a dark page. Of all others (maps of colours, and
# what is written on them) a dark page shows the same.
PALETTE = {
    "#ffffff": ("paper", "#161616"),
    "#1a1a1a": ("ink", "#ececec"),
    "#000000": ("black", "#d2d2d2"),
    "#767676": ("grey", "#9a9a9a"),
    "#a3a3a3": ("pale", "#6e6e6e"),
    "#e4e4e4": ("grid", "#333333"),
    "#f4f4f4": ("band", "#222222"),
    "#efefef": ("calm", "#2b2b2b"),
    "#e9eef3": ("alike", "#24313c"),
    "#0072b2": ("blue", "#4fb0ea"),
    "#d55e00": ("orange", "#ff8b3d"),
    "#007a59": ("green", "#35c79b"),
    "#b4568f": ("pink", "#e39ac6"),
    "#a87000": ("amber", "#e8b23a"),
    "#2f86ba": ("sky", "#8ccbf0"),
    "#a04500": ("rust", "#ffab73"),
    "#8a5f00": ("brown", "#e3b450"),
    "#5a5a5a": ("dim", "#b4b4b4"),
}


def _drawn(figure: Figure) -> str:
    """A figure as SVG. It is laid out once and then drawn once: matplotlib alone would draw it twice, the first time
    only to lay it out.
    """
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    from recovery.show import text_layouts, tick_labels

    buffer = io.StringIO()
    with figures.style(), text_layouts.kept():
        tick_labels.plain(figure)
        canvas, engine = FigureCanvasSVG(figure), figure.get_layout_engine()
        figure.set_dpi(72)  # points, as the backend has them
        if engine is not None:
            engine.execute(figure)
        tick_labels.part(figure)
        figure.set_layout_engine("none")
        canvas.print_svg(buffer, metadata={"Date": None})  # type: ignore[no-untyped-call]
        figure.set_layout_engine(engine)
    return buffer.getvalue()


def svg(picture: Picture) -> str:
    """SVG of a picture: the same text each time, every id begins with the picture's name, nothing outside is named."""
    panels = _marked(picture.figure)
    text = _drawn(picture.figure)
    text = re.sub(r"<\?xml.*?\?>|<!DOCTYPE.*?>|<metadata>.*?</metadata>|<!--.*?-->", "", text, flags=re.DOTALL).strip()
    # A hundredth of a point is not seen, nor a tenth in a long path; a page has tens of thousands.
    text = re.sub(
        r' d="[^"]+"',
        lambda match: re.sub(r"(\.\d\d)\d+" if len(match[0]) < 400 else r"(\.\d)\d+", r"\1", match[0]),
        text,
    )
    text = re.sub(r'( [xy]="-?\d+\.\d\d)\d+', r"\1", text)
    text = re.sub(r"(translate|rotate)\([^)]*\)", lambda match: re.sub(r"(\.\d\d)\d+", r"\1", match[0]), text)
    text = re.sub(r' transform="rotate\(-?0 [^"]*"', "", text)
    text = re.sub(r' d="M[^"QCz]+"', lambda match: match[0].replace(" \nL ", " "), text)  # after M, pairs are lines
    text = re.sub(r"\n\s+", "\n", text).replace(' \n"', '"')
    text = text.replace("xlink:href", "href").replace("'DejaVu Sans'", FONTS)
    text = re.sub(r' id="(curve|key|panel|time):([^"]*)"', r' data-\1="\2"', text)
    used = {
        name: f"{picture.name}-{i}"
        for i, name in enumerate(dict.fromkeys(re.findall(r'(?:href="#|url\(#)([^")]+)', text)))
    }
    text = re.sub(r' id="([^"]+)"', lambda match: f' id="{used[match[1]]}"' if match[1] in used else "", text)
    text = re.sub(r'(href="#|url\(#)([^")]+)', lambda match: match[1] + used[match[2]], text)
    if panels:
        told = json.dumps([_meaning(panel) for panel in panels], ensure_ascii=False, separators=(",", ":"))
        text = text.replace("<svg", f'<svg data-panels="{escape(told)}"', 1)
    return text + "\n"


def for_page(text: str, form: str) -> str:
    """The SVG of a page, of a class ("wide" or "narrow"): no size of its own, and for each colour of the palette what
    the page says it is. White text lies on colours that stay as they are, and stays white.
    """
    text = re.sub(r"<svg[^>]*>", lambda match: re.sub(r' (?:width|height)="[^"]*"', "", match[0]), text, count=1)
    wide = re.search(r'viewBox="0 0 (\d+)', text)
    broad = " broad" if form == "narrow" and wide and int(wide[1]) > 72 * figures.NARROW_IN + 1 else ""
    text = text.replace("<svg", f'<svg class="{form}{broad}"', 1)

    def coloured(match: re.Match[str]) -> str:
        found = PALETTE.get(match[0].lower())
        return f"var(--{found[0]})" if found else match[0]

    def styled(match: re.Match[str]) -> str:
        is_text = "font-size" in match[0] or "font:" in match[0]
        kept = match[0].replace("#ffffff", "#fffffe") if is_text else match[0]
        return re.sub(r"#[0-9a-fA-F]{6}\b", coloured, kept).replace(": ", ":").replace("; ", ";")

    return re.sub(r'style="[^"]*"', styled, text)


def variables(is_dark: bool) -> str:
    """The palette as CSS."""
    return " ".join(f"--{name}: {dark if is_dark else light};" for light, (name, dark) in PALETTE.items())


def png(picture: Picture) -> bytes:
    """PNG of a picture at 144 dots an inch under its title, without the name of the program."""
    from recovery.show import tick_labels

    figure = picture.figure
    lines = textwrap.wrap(picture.title, 68)
    was_in = figure.get_figheight()
    figure.set_figheight(was_in + 0.21 * len(lines))
    figure.suptitle("\n".join(lines), x=0.012, ha="left", fontsize=TITLE_PT, fontweight="bold", linespacing=1.2)
    buffer = io.BytesIO()
    with figures.style():
        tick_labels.plain(figure)
        figure.savefig(buffer, format="png", dpi=144, metadata={"Software": None})
    return buffer.getvalue()


# --- what the script of a page is told --------------------------------------------------------------------------------


def _marked(figure: Figure) -> list[Axes]:
    """The panels that hold curves, each under its number."""
    panels = [
        panel for panel in figure.axes if any(str(line.get_gid() or "").startswith("curve:") for line in panel.lines)
    ]
    for i, panel in enumerate(panels):
        panel.set_gid(f"panel:{i}")
    return panels


def _meaning(panel: Axes) -> dict[str, object]:
    """Where a panel lies in the picture (in points, from the upper left), and what its axes mean there."""
    assert panel.figure is not None
    width, height = (72 * float(size) for size in panel.figure.get_size_inches())  # type: ignore[union-attr]
    box = panel.get_position()
    place = [box.x0 * width, (1 - box.y1) * height, box.x1 * width, (1 - box.y0) * height]
    return {"box": [round(at, 1) for at in place], "x": _side(panel.xaxis), "y": _side(panel.yaxis)}


def _side(axis: Axis) -> dict[str, object]:
    """Ends of an axis as it is drawn (through its scale), that scale, and its label."""
    scale = axis.get_transform()
    low, high = (float(end) for end in scale.transform(axis.get_view_interval()))
    told: dict[str, object] = {"ends": [low, high], "label": " ".join(axis.get_label_text().split())}
    if axis.get_scale() != "linear":
        told["scale"] = axis.get_scale()
    if axis.get_scale() == "symlog":
        told["linear"] = float(scale.linthresh)  # type: ignore[attr-defined]
    time = str(axis.get_gid() or "")
    if time.startswith("time:"):
        told["time"] = time.removeprefix("time:")
    return told
