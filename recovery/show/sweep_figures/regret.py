"""Regret: how far behind the best of the same draw, on average and at worst."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator

import numpy as np

from recovery import units
from recovery.show import figures
from recovery.show.figures import INK, PALE, Picture
from recovery.show.sweep_figures.drawn import BLUE, ORANGE, Sweep, Told, apart, legend, share_of, short, trap_of


def regret(sweep: Sweep) -> Iterator[Picture]:
    """Mean against largest regret; nothing where nobody is behind, or there are too few policies."""
    points = [
        (x, y, p)
        for p in sweep.ranked
        if math.isfinite(x := sweep.scaled(p.regret.mean)) and math.isfinite(y := sweep.scaled(p.regret.max))
    ]
    if len(points) < 3 or not any(y > 0 for _, y, _ in points):
        return
    from matplotlib.lines import Line2D
    from matplotlib.ticker import LogLocator

    safe = min(points, key=lambda point: (point[1], point[0]))
    trap = trap_of([p for _, _, p in points])
    named = [safe[2], *([trap] if trap else []), min(points, key=lambda point: point[0])[2]]
    named += [sweep.baseline] if sweep.baseline else []
    unique = {policy.id: policy for policy in named}
    figure, (panel, below) = figures.stack([3.3, 0.16 * len(unique) + 0.3])
    least = min((x for x, _, _ in points if x > 0), default=1.0)
    linear = max(10 ** math.floor(math.log10(least)), sweep.scaled(6.0))
    for is_lost in (True, False):
        own = apart([(x, y) for x, y, p in points if not p.is_baseline and (share_of(p.not_recovered) > 0) == is_lost])
        look = {"marker": "X", "ms": 5.5, "mfc": "white", "mec": ORANGE} if is_lost else {"marker": "o", "color": BLUE}
        panel.plot([x for x, _ in own], [y for _, y in own], ls="", mew=0.8, zorder=4, **({"ms": 5} | look))
    panel.plot(*([one] for one in next((pt[:2] for pt in points if pt[2].is_baseline), (math.nan, math.nan))),
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
    panel.fill_between(below_line, -linear, below_line, color="#f4f4f4", lw=0, zorder=0)
    for _, _, policy in (point for point in points if point[2].id in unique):
        at = sweep.scaled(policy.regret.mean), sweep.scaled(policy.regret.max)
        panel.annotate(
            str(policy.rank), at, (-5, 5), textcoords="offset points", ha="right", fontsize=8.8, fontweight="bold",
            zorder=7, bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.6},
        )  # fmt: skip
    across = f"mean regret over the draws ({sweep.unit} later than the best there)"
    panel.set_xlabel(textwrap.fill(across, figures.letters(84, 38)))
    panel.set_ylabel(f"largest regret in a draw ({sweep.unit})")
    handles = [
        Line2D([], [], color=BLUE, marker="o", ls="", ms=5),
        Line2D([], [], mfc="white", mec=ORANGE, marker="X", ls="", ms=5.5),
        Line2D([], [], color=INK, marker="s", ls="", ms=6),
    ]
    legend(below, handles, ["back in every run", "not back in some runs", "baseline"], 3, list(unique.values()))
    show, far = units.show_duration, safe[2].regret
    others = [trap] if trap is not None and trap is not safe[2] else []
    text = f"Least far from the best: “{short(safe[2], *others)}”, at most {show(far.max)} behind in {far.draws} draws"
    for one in others:
        text += f"; “{short(one, safe[2])}” is {show(one.regret.mean)} behind on average, in one draw "
        text += show(one.regret.max)
    figures.entitle(figure, text)
    yield Picture("regret", figure,
                  "Regret: how much later a policy is than the best policy in the same draw. Lower is safer; far above "
                  "the diagonal are those that look good on average and fail somewhere. "
                  f"{_bound(safe[2])} Logarithmic; numbers are ranks.")  # fmt: skip


def _bound(policy: Told) -> str:
    """What so many draws say of a policy's regret."""
    found = policy.regret
    far, most = units.show_duration(found.far_s), units.show_share(found.far_share.high)
    return f"Rank {policy.rank}: {found.far} of {found.draws} draws beyond {far}, a chance of at most {most}."
