"""Time against harm: the front of policies that nothing beats."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence

from recovery import units
from recovery.measures import register
from recovery.show import figures
from recovery.show.figures import GREY, INK, Picture
from recovery.show.sweep_figures.drawn import BLUE, ORANGE, Look, Sweep, Told, apart, legend, short, what
from recovery.show.sweep_text import none_apart_in
from recovery.show.words import Called, speaking_of

NEAR = 0.12  # of a panel: closer labels would lie on each other


def front(points: Sequence[tuple[float, float]]) -> list[int]:
    """Indices of the points that no other is as good as in both numbers and better in one, by the first number."""
    order = sorted(range(len(points)), key=lambda i: points[i])
    out: list[int] = []
    for i in order:
        if not out or points[i][1] < points[out[-1]][1]:
            out.append(i)
    return out


def _look(policy: Told) -> str:
    return "baseline" if policy.is_baseline else "unbeaten" if policy.on_front else "beaten"


def _axis(harm: str, traffic: register.TrafficName, called: Called) -> tuple[str, str, float]:
    """What a harm is called on its axis, the unit that is drawn, and by what its values are multiplied for that."""
    found = register.find(harm, traffic)
    words = harm if found is None else speaking_of(called, found.axis or found.title)
    return (words, "%", 100.0) if register.unit_of(harm) == "share" else (words, "1,000 h", 1e-3)


def pareto(sweep: Sweep) -> Iterator[Picture]:
    """Mean time against each harm; nothing where there are too few policies, or they all do the same harm."""
    from matplotlib.lines import Line2D

    ranked = sweep.ranked
    harms = []
    for name in register.harms(sweep.summary.traffic):
        words, unit, scale = _axis(name, sweep.summary.traffic, sweep.summary.called)
        points = [
            (sweep.scaled(p.restricted.mean), scale * p.harm[name].mean, p)
            for p in ranked
            if name in p.harm and math.isfinite(p.harm[name].mean)
        ]
        if len({point[1] for point in points}) > 1:
            harms.append((words, unit, points))
    if not harms or len(ranked) < 3:
        return
    told: list[Told] = []

    def sign(policy: Told) -> str:
        if all(policy is not other for other in told):
            told.append(policy)
        return str(policy.rank)

    most = sweep.summary.never_max
    fronts = []
    for _, _, points in harms:  # who surely is not back too often is on no front, unless there is nobody else
        fit = [i for i, (_, _, policy) in enumerate(points) if not policy.is_lost_too_often(most)] or range(len(points))
        fronts.append([fit[i] for i in front([points[i][:2] for i in fit])])
    named = [
        [*dict.fromkeys([line[0], line[-1], *(i for i, p in enumerate(points) if p[2].is_baseline)])]
        for (_, _, points), line in zip(harms, fronts, strict=True)
    ]
    rows = len({id(points[i][2]) for (_, _, points), own in zip(harms, named, strict=True) for i in own})
    columns = figures.columns_of(len(harms))
    lines = math.ceil(len(harms) / columns)
    figure = figures.blank(3.2 * lines + 0.16 * rows + 0.5)
    grid = figure.add_gridspec(lines + 1, columns, height_ratios=[*[2.9] * lines, 0.16 * rows + 0.3])
    for k, ((words, unit, points), line, own) in enumerate(zip(harms, fronts, named, strict=True)):
        panel = figure.add_subplot(grid[k // columns, k % columns])
        looks: dict[str, Look] = {
            "beaten": {"marker": "o", "mfc": "white", "mec": GREY, "ms": 3.4, "mew": 0.7, "zorder": 3},
            "unbeaten": {"marker": "o", "color": BLUE, "ms": 4.6, "zorder": 5},
            "baseline": {"marker": "s", "color": INK, "ms": 6, "zorder": 6},
        }
        for name, look in looks.items():
            own_points = apart([(t, h) for t, h, policy in points if _look(policy) == name])
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
        across, least = (math.log if panel.get_xscale() == "log" else float), min(times)
        wide = (across(max(times)) - across(least)) or 1.0
        spots: list[list[int]] = []  # points near each other share a label
        for i in own:
            at, high = across(points[i][0]) / wide, points[i][1] / span
            for near in spots:
                if abs(across(points[near[0]][0]) / wide - at) < NEAR and abs(points[near[0]][1] / span - high) < NEAR:
                    near.append(i)
                    break
            else:
                spots.append([i])
        for near in spots:
            up = points[near[0]][1] < min(harm) + 0.8 * span
            text = ", ".join(sign(points[i][2]) for i in near)
            panel.annotate(text, points[near[-1]][:2], (5, 4 if up else -10), textcoords="offset points",
                           fontsize=8.4, fontweight="bold", zorder=7)  # fmt: skip
        panel.set_ylabel(textwrap.fill(f"{words} ({unit})", 32), fontsize=8.2)
        panel.set_xlabel(f"mean time ({sweep.unit})", fontsize=8.4)
        panel.yaxis.set_major_formatter(lambda value, _: f"{value:,g}")
        panel.tick_params(labelsize=7.8)
    below = figure.add_subplot(grid[-1, :])
    below.axis("off")
    by_chance = none_apart_in(sweep.summary)
    so_far = " in these draws" if by_chance else ""
    seen = {_look(policy) for policy in ranked}
    keys = [
        (Line2D([], [], color=ORANGE, lw=1.4), "front of this pair", any(len(line) > 1 for line in fronts)),
        (Line2D([], [], color=BLUE, marker="o", ls="", ms=4.6), f"unbeaten over time and all harms{so_far}",
         "unbeaten" in seen),
        (Line2D([], [], mfc="white", mec=GREY, marker="o", ls="", ms=3.8), f"beaten{so_far}", "beaten" in seen),
        (Line2D([], [], color=INK, marker="s", ls="", ms=5.5), "baseline", "baseline" in seen),
    ]  # fmt: skip
    keys = [key for key in keys if key[2]]  # what is drawn
    legend(below, [key[0] for key in keys], [key[1] for key in keys], 4, told)
    unbeaten = sum(bool(policy.on_front) for policy in ranked)
    gentle = harms[0][2][fronts[0][-1]][2]
    text = f"Soon against harm: {unbeaten} of {len(ranked)} policies {'is' if unbeaten == 1 else 'are'} unbeaten"
    if by_chance:
        text = f"Soon against harm: {by_chance}"
    if gentle is not ranked[0]:
        text += f"; least harm ({harms[0][0]}): number {gentle.rank}, “{short(gentle)}”"
    figures.entitle(figure, text)
    chance = f" {by_chance}: which are beaten may be chance." if by_chance else ""
    yield Picture("pareto", figure,
                  f"Mean time until {what(sweep.summary)} (logarithmic where it spans much) against mean harm; lower "
                  "and further left is better. Numbers are ranks. What surely is not back in more than "
                  f"{units.show_share(most)} of the runs is left out of the fronts.{chance}")  # fmt: skip
