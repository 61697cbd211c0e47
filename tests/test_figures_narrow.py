"""Pictures of fits and of whom one service takes down are written narrow too, and can be read on a phone.

Oracles: the records, for every name and number; the picture's own frame, which each text must lie within.
"""

import math
import re
from itertools import pairwise
from pathlib import Path

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from recovery.show import figures, figures_fit, figures_services, page, report_race, tick_labels
from recovery.show.figures import Picture
from recovery.store.fit_record import Fit, FitMilestone, FitPicture, FitSeries, Misfit, Value
from recovery.store.race_record import Window
from recovery.store.scenario_record import Outage
from recovery.store.service_record import Graph, Node

LABELS = ("all leases are there, as the status page said", "no net progress until hosts are restarted")


def fit(series: bool) -> Fit:
    grid = tuple(60.0 * i for i in range(120))
    curve = tuple(min(1.0, at / 5400) for at in grid)
    found = FitSeries(
        column="leased_share", unit="share", times_s=grid[::10], values=curve[::10], grid_s=grid,
        low=tuple(0.9 * one for one in curve), mean=curve, high=tuple(min(1.0, 1.1 * one) for one in curve),
    )  # fmt: skip
    rows = [
        FitMilestone(
            label=label, measure="leased_all_s", observed_s=2000.0 * (i + 1), sigma_s=120.0,
            simulated_s=(2100.0, math.inf)[i], chance_s=30.0, missing=("", "never")[i],
        )
        for i, label in enumerate(LABELS)
    ]  # fmt: skip
    return Fit(
        values=(Value(key="host.establish_time.mean", text="1.2s", low="1s", high="1.4s", is_determined=True,
                      is_at_end=False),),
        residuals=(0.8, 3.0), labels=LABELS, missing=("", "never"), jumps=(), not_told_apart=(), combinations=(),
        tells_apart=(),
        misfit=Misfit(rms=0.01, noise=0.02, share=0.01, points=12, run_longest=2, p=0.5, is_systematic=False,
                      explains=True),
        others=(), shift_s=math.nan, runs=8, overrides=(), said=(),
        picture=FitPicture(
            horizon_s=7200.0, clock="2025-10-19T23:48-07:00",
            outages=(Outage(from_s=300.0, to_s=1500.0, fails_share=1.0),),
            milestones=tuple(rows), series=found if series else None,
        ),
    )  # fmt: skip


NAMES = {
    "a": "the database that all need",
    "b": "launches of instances",
    "c": "network state",
    "d": "well all the time",
}
LOST = {"a": 120.0, "b": 150.0, "c": 4.0, "d": 0.0}


def blast() -> Picture:
    nodes = [
        Node(name=name, label=label, layer=i, is_given=i == 0, is_simulated=False)
        for i, (name, label) in enumerate(NAMES.items())
    ]
    graph = Graph(
        title="", file="", clock="", variant="", runs=1, window_s=60.0, horizon_s=7200.0, nodes=tuple(nodes), edges=()
    )
    return figures_services.blast_picture(graph, "a", LOST)


def narrow(kind: str) -> Picture:
    with figures.narrow():
        if kind == "race":
            with figures.style():
                return report_race.window_picture(RECORD, SEEN, "2025-10-19T23:48-07:00")
        if kind == "blast":
            return blast()
        found = fit(series=kind != "milestones")
        unexplained = found.misfit.model_copy(update={"explains": False})
        return figures_fit.overlay(found.model_copy(update={"misfit": unexplained} if kind == "unexplained" else {}))


RECORD = Window(steps=((0.0, 300.0, 0.4), (300.0, 9000.0, 1.0), (9000.0, 9900.0, 0.3)), negative_ttl_s=900.0)
SEEN = [
    (600.0, "the first alarm rings"),
    (2280.0, "the record is found to be empty (the log of that night says 38 min)"),
    (9420.0, "all records are there again, as the status page said in the morning"),
]


@pytest.mark.parametrize("kind", ["series", "unexplained", "milestones", "blast", "race"])
def test_a_narrow_picture_is_as_wide_as_a_phone_and_holds_its_texts(kind: str) -> None:
    figure = narrow(kind).figure
    assert figure.get_figwidth() == figures.NARROW_IN
    with figures.style():
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        texts = [text for panel in figure.axes for text in [*panel.texts, *panel.get_yticklabels(), panel.yaxis.label]]
        legends = [panel.get_legend() for panel in figure.axes]
        texts += [text for legend in legends if legend is not None for text in legend.get_texts()]
        shown = [text for text in texts if text.get_text() and text.get_visible()]
        assert len(shown) > 4
        for text in shown:
            box = text.get_window_extent(canvas.get_renderer())
            assert box.x0 >= 0, text.get_text()
            assert box.x1 <= figure.bbox.x1, text.get_text()


def test_the_axis_of_a_fit_says_what_was_measured_in_words() -> None:
    labels = [axes.get_ylabel() for axes in figures_fit.overlay(fit(series=True)).figure.axes]
    assert labels[0] == "holders with a lease (%)"
    assert not any("_" in label for label in labels)


def test_a_legend_of_long_names_stays_in_a_narrow_picture() -> None:
    with figures.style(), figures.narrow():
        figure, (panel, below) = figures.stack([2.0, figures.lines_in(1)])
        panel.set_ylabel("holders with a lease (%)")
        [line] = panel.plot([0, 100], [0, 100])
        figures.legend_below(below, [line], ["expired work dropped: back after 24.2 min of a longer day"], others=False)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        for text in below.get_legend().get_texts():  # type: ignore[union-attr]
            assert text.get_window_extent(canvas.get_renderer()).x1 <= figure.bbox.x1


@pytest.mark.parametrize("scale", ["log", "linear"])
def test_labels_of_an_axis_that_would_lie_on_each_other_are_thinned(scale: str) -> None:
    """Oracle: the boxes of what is left; of a logarithmic axis the powers of ten stay."""
    with figures.style(), figures.narrow():
        figure, (panel, _) = figures.stack([2.0, 0.3])
        panel.set_xscale(scale)
        powers = [digit * 10.0**power for power in range(-4, 4) for digit in (1, 2, 5)]
        ticks = powers if scale == "log" else [100.0 * i for i in range(50)]
        panel.set_xlim(1e-4, 5e3)
        panel.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        figure.set_dpi(72)
        FigureCanvasAgg(figure).draw()
        tick_labels.part(figure)
        shown = [label for label in panel.get_xticklabels() if label.get_visible()]
        boxes = sorted((label.get_window_extent().x0, label.get_window_extent().x1) for label in shown)
        assert len(boxes) > 1
        assert all(left[1] < right[0] for left, right in pairwise(boxes))
        if scale == "log":
            assert {math.log10(float(label.get_text())) % 1 for label in shown} == {0}


def test_bars_have_whom_a_node_takes_down_and_nobody_else() -> None:
    panel = narrow("blast").figure.axes[0]
    names = [" ".join(text.get_text().split()) for text in panel.get_yticklabels()]
    assert names == [NAMES[name] for name in ("a", "b", "c")]
    assert [bar.get_width() * 60 for bar in panel.patches] == pytest.approx([LOST[name] for name in ("a", "b", "c")])  # type: ignore[attr-defined]


def test_both_forms_are_written(tmp_path: Path) -> None:
    written = figures_fit.write(tmp_path, fit(series=False))
    assert [file.name for file in written] == ["fit.svg", "fit-narrow.svg"]
    wide, slim = (int(re.search(r'viewBox="0 0 (\d+)', file.read_text("utf-8"))[1]) for file in written)  # type: ignore[index]
    assert (wide, slim) == (int(72 * figures.WIDE_IN), int(72 * figures.NARROW_IN))
    assert not list(tmp_path.rglob("*.png"))
    with page.with_png(True):
        figures_fit.write(tmp_path, fit(series=False))
    assert (tmp_path / "figures" / "fit.png").is_file()


@pytest.mark.parametrize(
    ("height_in", "is_narrow", "until_s", "is_named"),
    [(3.0, False, 1800, True), (1.25, False, 1800, False), (3.0, True, 9600, False)],
)
def test_words_on_the_shading_stand_where_they_have_room(
    height_in: float, is_narrow: bool, until_s: float, is_named: bool
) -> None:
    axis = figures.TimeAxis(14400.0, "", [(Outage(from_s=0.0, to_s=until_s, fails_share=1.0),)])
    with figures.style(), figures.narrow() if is_narrow else figures.wide():
        _, (panel, _) = figures.stack([height_in, 0.1])
        axis.dress(panel)
        for text in panel.texts:
            text.figure.canvas.draw()  # type: ignore[union-attr]
            box = text.get_window_extent()
            left, right = (panel.transData.transform((at, 0))[0] for at in (0.0, until_s))
            assert left <= box.x0 <= box.x1 <= right
            assert panel.bbox.y0 <= box.y0 <= box.y1 <= panel.bbox.y1
    assert [text.get_text() for text in panel.texts] == ["dependency down"] * is_named
    assert axis.shading([]) == " Shaded: the dependency is down."
