"""Sensitivity: what share of the variance each unknown input explains."""

from __future__ import annotations

import math
from collections.abc import Iterator

from recovery import units
from recovery.show import figures
from recovery.show.figures import GREY, INK, Picture
from recovery.show.sweep_figures.drawn import BLUE, Sweep, legend, wrapped
from recovery.store.record import Estimate
from recovery.store.sweep_record import UNKNOWN, Index

INPUTS_MAX = 12
CHANCE = "chance"


def sensitivity(sweep: Sweep) -> Iterator[Picture]:
    """Sobol indices of the baseline and one other policy; nothing without indices."""
    from matplotlib.patches import Patch

    usable = [one for one in sweep.summary.sensitivity if one.inputs]
    base = sweep.baseline
    chosen = [one for one in usable if base is not None and one.policy == base.id][:1]
    chosen += [one for one in usable if all(one is not other for other in chosen)][: 2 - len(chosen)]
    if not chosen:
        return

    def total(one: Index) -> float:
        found = one.ST.mean
        return 0.0 if math.isnan(found) else found

    inputs = {key: max(total(i) for one in chosen for i in one.inputs if i.key == key)
              for key in dict.fromkeys(i.key for one in chosen for i in one.inputs)}  # fmt: skip
    keys = sorted(inputs, key=lambda key: -inputs[key])[:INPUTS_MAX]
    left = len(inputs) - len(keys)
    keys.append(CHANCE)
    columns = figures.columns_of(len(chosen))
    lines = math.ceil(len(chosen) / columns)
    figure = figures.blank(0.5 + (1.0 + 0.36 * len(keys)) * lines)
    grid = figure.add_gridspec(lines + 1, columns, height_ratios=[*[len(keys)] * lines, 0.9])
    looks = ((BLUE, "", -0.19), ("#A87000", "////", 0.19))  # alone, and with all its interactions
    for k, one in enumerate(chosen):
        panel = figure.add_subplot(grid[k // columns, k % columns])
        own: dict[str, tuple[Estimate, Estimate]] = {i.key: (i.S1, i.ST) for i in one.inputs}
        own[CHANCE] = (one.chance or UNKNOWN, UNKNOWN)
        for y, key in enumerate(keys):
            if key not in own:
                panel.text(2, y, "not drawn", fontsize=7.8, va="center", color=GREY)
                continue
            for (colour, hatch, offset), index in zip(looks, own[key], strict=True):
                mean, low, high = 100 * index.mean, 100 * index.low, 100 * index.high
                if not math.isfinite(mean):
                    continue
                panel.barh(y + offset, mean, height=0.36, facecolor=colour, hatch=hatch or None,
                           edgecolor="#00000080", lw=0.4)  # fmt: skip
                if math.isfinite(low) and math.isfinite(high):
                    around = [[max(mean - low, 0)], [max(high - mean, 0)]]
                    panel.errorbar([mean], [y + offset], xerr=around, color=INK, lw=1, capsize=1.8)
        panel.set_ylim(len(keys) - 0.4, -0.6)
        panel.set_yticks(
            range(len(keys)), [wrapped(key, 26, 2) for key in keys] if k % columns == 0 else [""] * len(keys)
        )
        panel.tick_params(labelsize=8)
        low, high = panel.get_xlim()
        panel.set_xlim(max(min(low, 0), -40), min(max(high, 100), 160))
        panel.axvline(0, color=GREY, lw=0.8)
        panel.grid(axis="y", visible=False)
        panel.set_xlabel("share of the variance (%)", fontsize=8.6)
        name = wrapped(one.words or one.name, figures.letters(76 if len(chosen) == 1 else 40, 30), 2)
        panel.set_title(f"{name}\n{units.show_count(one.runs)} runs", loc="left", fontsize=8, linespacing=1.15)
    below = figure.add_subplot(grid[-1, :])
    below.axis("off")
    bars = [Patch(facecolor=c, hatch=h or None, edgecolor="#00000080", lw=0.4) for c, h, _ in looks]
    legend(below, bars, ["alone (S1)", "with all its interactions (ST)"], 2)
    said = []
    for one in chosen:
        top = max(one.inputs, key=total)
        said.append(f"{top.key} ({share_of(top.ST)}) under “{wrapped(one.words or one.name, 56, 1)}”")
    figures.entitle(figure, f"What decides most: {'; '.join(said)}")
    yield Picture("sensitivity", figure,
                  f"Sobol indices of {chosen[0].measure} with their intervals: the share of its variance that an "
                  "unknown input explains alone, and with all its interactions; chance is by how much runs with "
                  "the same inputs differ."
                  + (f" {left} inputs that matter less are not drawn." if left else ""))  # fmt: skip


def share_of(found: Estimate) -> str:
    """A share of the variance with its interval, which no estimate leaves: "61 %, 25 % to 98 %"."""

    def show(share: float) -> str:
        return units.show_share(min(max(share, 0.0), 1.0), 2)

    ends = f", {show(found.low)} to {show(found.high)}" if math.isfinite(found.low + found.high) else ""
    return show(found.mean) + ends
