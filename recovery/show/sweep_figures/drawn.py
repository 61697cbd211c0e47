"""What every picture of a sweep is drawn from: its records and runs, policies under short names, legends."""

from __future__ import annotations

import math
import re
import textwrap
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypedDict

import numpy as np

from recovery import units
from recovery.measures.register import LEASES, class_of, without_class
from recovery.show import figures
from recovery.store.record import Share
from recovery.store.sweep_record import Policy, Summary, SweepManifest

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

Array = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

SMALL_PT = 7.6
BLUE, ORANGE = "#0072B2", "#D55E00"


class Look(TypedDict, total=False):
    """How a line or mark looks, in matplotlib's words."""

    color: str
    ls: str | tuple[int, tuple[int, int]]
    lw: float
    marker: str
    mfc: str
    mec: str
    mew: float
    ms: float
    capsize: float
    zorder: float


class Told(Policy):
    """A policy with what sets it apart from the baseline, whole and in its parts."""

    told: str
    parts: tuple[str, ...]


class Sweep(NamedTuple):
    """A stored sweep: `runs` has a row for each run, `series` curves of some of them; `command` makes it again."""

    manifest: SweepManifest
    summary: Summary
    runs: pl.DataFrame
    series: pl.DataFrame | None
    command: str

    @property
    def ranked(self) -> list[Told]:
        """The policies that have a time, best first."""
        return [policy for policy in told(self.summary) if math.isfinite(policy.restricted.mean)]

    @property
    def baseline(self) -> Told | None:
        """The policy that the others are compared with."""
        return next((policy for policy in self.ranked if policy.is_baseline), None)

    @property
    def unit(self) -> str:
        """Unit in which times are drawn."""
        limit_s = self.summary.limit_s
        return "s" if limit_s <= 1200 else "min" if limit_s <= 6 * 3600 else "h"

    def scaled(self, seconds: float) -> float:
        """A time in `unit`."""
        return seconds / {"s": 1.0, "min": 60.0, "h": 3600.0}[self.unit]

    def limited_s(self, runs: pl.DataFrame) -> Array:
        """The measure of each run in seconds, restricted to the limit; nan for a run that failed."""
        return np.minimum(floats(runs, self.summary.measure), self.summary.limit_s)


def told(summary: Summary) -> list[Told]:
    """The policies, best first, in plain words: what sets each apart from the file, if its values are among those of
    the levers, else all that it is.
    """
    parts = [
        tuple(set_apart(one, summary)) or ("as the file stands" if one.words else one.name,) for one in summary.policies
    ]
    many = Counter(parts)  # what is shown alike is told apart by its id
    parts = [
        own if many[own] == 1 else (*own[:-1], f"{own[-1]} [{one.id}]")
        for own, one in zip(parts, summary.policies, strict=True)
    ]
    return [
        Told.model_construct(**dict(one), told="; ".join(own), parts=own)
        for one, own in zip(summary.policies, parts, strict=True)
    ]


def set_apart(policy: Policy, summary: Summary) -> list[str]:
    """The words of a policy that set it apart from the file, if the file is among the policies; else all of them."""
    base = summary.baseline.words if summary.baseline is not None and summary.baseline_is_file else ()
    return [part for part in policy.words if part not in base]


def what(summary: Summary) -> str:
    """What the sweep's measure is the time until, in words."""
    found, whose = re.fullmatch(r"ttr(\d+)_s", without_class(summary.measure)), class_of(summary.measure)
    if found is None:
        normal = summary.measure.removesuffix("_normal_s")
        return "all stages normal" if normal == "all" else f"{normal} normal"
    if whose:
        return f"{found[1]} % of class {whose} back for good"
    return f"{found[1]} % {'leased' if summary.traffic == LEASES else 'of the backlog cleared'} for good"


def share_of(found: Share) -> float:
    """A share, 0 where it is not known."""
    return 0.0 if math.isnan(found.share) else found.share


def trap_of(ranked: Sequence[Told]) -> Told | None:
    """The policy with the least mean regret among those of which some runs are not back."""
    lost = [one for one in ranked if share_of(one.not_recovered) > 0 and math.isfinite(one.regret.mean)]
    return min(lost, key=lambda one: one.regret.mean) if lost else None


def floats(runs: pl.DataFrame, key: str) -> Array:
    """A column of numbers; nan where there is none."""
    import polars as pl

    return np.asarray(runs[key].cast(pl.Float64).fill_null(math.nan).to_numpy(), float)


def apart(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The points without those whose mark would cover another's: within a hundredth of it along both axes."""
    if not points:
        return []
    at = np.asarray(points)
    place = [np.log(values) if values.min() > 0 else values for values in at.T]
    cells = [np.round(100 * (one - one.min()) / max(float(np.ptp(one)), 1e-12)) for one in place]
    return list(dict(zip(zip(*cells, strict=True), points, strict=True)).values())


CUT = "…"
MOST_WORDS, LEAST_WORDS = 8, 2  # of a part of a name that is cut
NO_BREAK = "\u00a0"
LEGEND_LETTERS = 106  # of a legend across a wide picture
SIGN_LETTERS = 7  # what the sign of an entry and the gap after it take


def _letters(names: Sequence[str], columns: int) -> int:
    """How many letters wide a legend of so many columns is."""
    parts = np.array_split(np.asarray([len(name) for name in names]), columns)
    return sum(int(part.max(initial=0)) + SIGN_LETTERS for part in parts)


def legend(
    below: Axes, handles: Sequence[Artist], names: Sequence[str], columns: int, told: Sequence[Told] = ()
) -> None:
    """A legend in the blank row `below`, from the left edge of the figure on, and under it the policies `told`. The row
    grows by what a narrow picture needs.
    """
    from matplotlib.figure import Figure
    from matplotlib.transforms import blended_transform_factory

    assert isinstance(below.figure, Figure)
    across = blended_transform_factory(below.figure.transFigure, below.transAxes)
    beside = figures.columns_of(columns)
    while beside > 1 and _letters(names, beside) > LEGEND_LETTERS:
        beside -= 1
    names = [textwrap.fill(name, figures.letters(90, 44)) for name in names]
    legend = below.legend(
        handles, names, loc="upper left", bbox_to_anchor=(0.012, 1.0), bbox_transform=across, ncols=beside,
        borderaxespad=0, borderpad=0, fontsize=8.4, handlelength=1.8, columnspacing=1.6, labelspacing=0.3,
    )  # fmt: skip
    legend.set_in_layout(False)
    listed = labels(sorted(told, key=lambda policy: policy.rank), figures.letters(106, 50), 2)
    text = below.text(
        0.016, 0, "\n".join(listed), va="bottom", ha="left", fontsize=8, transform=across, linespacing=1.35
    )
    text.set_in_layout(False)
    more = math.ceil(len(names) / beside) - math.ceil(len(names) / columns)
    figures.grow(below, 0.18 * more + 0.155 * (sum(one.count("\n") + 1 for one in listed) - len(listed)))


def wrapped(text: str, width: int, lines: int) -> str:
    """Text in at most so many lines of at most so many letters."""
    found = textwrap.wrap(text, width, break_on_hyphens=False, max_lines=lines, placeholder=" …")
    return "\n".join(found)


def labels(policies: Sequence[Told], width: int, lines: int = 1) -> list[str]:
    """Ranks of policies of one picture and what sets each apart from the baseline."""
    return _shortened([f"{one.rank}  " for one in policies], [one.parts for one in policies], width, lines)


def short(policy: Told, *others: Told) -> str:
    """What sets a policy apart from the baseline, in a line, and from others that stand beside it."""
    return _shortened([""] * (1 + len(others)), [one.parts for one in (policy, *others)], 52, 1)[0]


def _shortened(heads: Sequence[str], names: Sequence[Sequence[str]], width: int, lines: int) -> list[str]:
    """Names of several parts after their heads, each in at most so many lines of at most so many letters, so that they
    stay apart.

    Where one is too long, what all of them have becomes "…"; then parts of it are told in fewer and fewer words, each
    with the word from which on it differs from all others. Of a name that is too long even so, what most others have is
    cut.
    """
    many = Counter(part for own in names for part in own)

    def fits(text: str) -> bool:
        return len(textwrap.wrap(text, width, break_on_hyphens=False)) <= lines

    def told(i: int, parts: Sequence[str], most: int | None = None) -> str:
        found = [part if part == CUT or most is None else _begun(part, many, most) for part in parts]
        return heads[i] + "; ".join(one for k, one in enumerate(found) if one != CUT or found[k - 1 : k] != [CUT])

    texts = [told(i, own) for i, own in enumerate(names)]
    if len(names) > 1 and not all(map(fits, texts)):
        shared = {part for part, times in many.items() if times == len(names)}
        if all(not shared.issuperset(own) for own in names):
            names = [[CUT if part in shared else part for part in own] for own in names]
        for i, own in enumerate(names):
            shorter = (told(i, own, most) for most in (None, *range(MOST_WORDS, LEAST_WORDS - 1, -1)))
            rare_first = told(i, sorted(own, key=lambda part: many.get(part, len(names))), LEAST_WORDS)
            texts[i] = next(filter(fits, shorter), rare_first)
    return [wrapped(text, width, lines) for text in texts]


def _begun(part: str, known: Iterable[str], most: int) -> str:
    """A part of a name in about so many words, with the one from which on it differs from all others that are known."""
    words, others = units.unbroken(part).split(" "), [units.unbroken(one) for one in known if one != part]
    ends = (end for end in range(1, len(words)) if not any(one.startswith(" ".join(words[:end])) for one in others))
    differs = next(ends, len(words))  # of so many words the last differs
    if most >= len(words):
        return part
    if differs <= most:
        text = f"{' '.join(words[:most]).rstrip(',:;')} {CUT}"
    else:
        text = f"{' '.join(words[: max(most - 2, 1)])} {CUT} {words[differs - 1].rstrip(',:;')}"
        text += f" {CUT}" if differs < len(words) else ""
    return text.replace(NO_BREAK, " ")
