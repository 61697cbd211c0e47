"""Pictures of the reference herd under a policy, as SVG: its curve, and the herd's without it in grey."""

import io
from typing import TYPE_CHECKING

from generate.inks import INKS, inked
from recovery.api.herd import AFTER_LEASES, Shown

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

PANELS = {
    "hosts": (("leased", "holders with a lease"), ("queue", "requests that wait")),
    "intake": (("jobs_waiting", "jobs that wait"), ("latency_s", "latency of launches, s")),
    "health": (("usable", "targets that are usable"), ("out", "targets that are out")),
}


def panels(axis: str) -> tuple[str, ...]:
    """What the pictures of an axis show, a word each."""
    return tuple(name for name, _ in PANELS[axis if axis in AFTER_LEASES else "hosts"])


def drawn(shown: Shown, axis: str) -> dict[tuple[str, str], bytes]:
    """The pictures as SVG by (panel, ink), the same bytes each time."""
    found = {}
    for name, label in PANELS[axis if axis in AFTER_LEASES else "hosts"]:
        for ink, data in inked(_panel(shown, name, label)).items():
            found[name, ink] = data
    return found


def _panel(shown: Shown, name: str, label: str) -> str:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    front, soft, shade, blue, *_ = INKS["light"]
    style = {
        "svg.fonttype": "none", "svg.hashsalt": "herd", "font.size": 10, "text.color": front, "axes.edgecolor": soft,
        "xtick.color": front, "ytick.color": front, "axes.labelcolor": front,
    }  # fmt: skip
    with mpl.rc_context(style):
        figure = Figure(figsize=(4.0, 2.4), layout="constrained")
        place = figure.subplots()
        place.axvspan(*shown.outage_min, color=shade, lw=0)
        for is_base, colour, width in ((True, soft, 1.3), (False, blue, 2.2)):
            series = shown.series(is_base=is_base)
            place.plot(series["time_s"] / 60, _values(series, name, shown.targets), color=colour, lw=width)
        place.set_title(label, loc="left", fontsize=10)
        place.set(xlabel="minutes", xlim=(0, 40))
        if name in ("leased", "usable", "out"):
            place.set_ylim(-0.03, 1.03)
            place.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
        else:
            place.set_yscale("symlog", linthresh=1)
            place.set_ylim(bottom=0)
            place.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        place.spines[["top", "right"]].set_visible(False)
        text = io.BytesIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    return text.getvalue().decode()


def _values(series: "pl.DataFrame", name: str, targets: int) -> "np.ndarray | pl.Series":
    """A column, or what is reckoned from some."""
    import numpy as np

    if name == "latency_s":
        done = series["launches_reachable"].to_numpy()
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(done > 0, series["latency_sum_ns"].to_numpy() / done / 1e9, np.nan)
    if name in ("usable", "out"):
        return series[f"targets_{name}"] / targets
    return series["leased_share" if name == "leased" else name]
