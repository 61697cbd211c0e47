"""Where policies fail: boxes of draws in which a policy's runs do not recover, in words (PRIM)."""

from collections.abc import Sequence

import numpy as np

from recovery.model.sweep import Span
from recovery.statistics import prim
from recovery.statistics.arrays import Flags
from recovery.store.sweep_record import Box
from recovery.study.sweep.policies import Policy, shown
from recovery.study.sweep.sweeping import Sweeping
from recovery.study.sweep.table import numbers_or_texts
from recovery.units import quantity, show_duration, show_share

PRIM_POLICIES = 30  # boxes are looked for in so many policies that fail somewhere
PRIM_RUNS = 32


def unit_of(span: Span) -> str | None:
    """Unit in which a key's values are kept; None if they have none."""
    found = quantity(span.min if span.is_range else (span.values or ("",))[0])
    return {"duration": "s", "rate": "1/s", "share": "share"}.get(found[0]) if found else None


def boxes_of(work: Sweeping, ranked: Sequence[Policy]) -> dict[int, tuple[Box, ...]]:
    """Boxes of the best policies among those that fail in some draws and not in others, by the policy's number."""
    out: dict[int, tuple[Box, ...]] = {}
    for policy in ranked:
        times = np.array([value for _, value in sorted(work.looks.times[policy.number].items())])
        fails = ~np.isfinite(times)
        if len(out) < PRIM_POLICIES and len(times) >= PRIM_RUNS and 0 < fails.sum() < len(times):
            out[policy.number] = _boxes(work, policy, fails)
    return out


def _boxes(work: Sweeping, policy: Policy, fails: Flags) -> tuple[Box, ...]:
    keys = list(work.sweep.uncertainties)
    columns: list[Sequence[float]] = []
    texts: list[list[str]] = []  # of each key, its values as text, if they are; a code is a place there
    places = sorted(work.looks.times[policy.number])
    for key in keys:
        values = numbers_or_texts([shown(dict(work.looks.draws[place].inputs)[key]) for place in places])
        numbers = [value for value in values if not isinstance(value, str)]
        texts.append(sorted({value for value in values if isinstance(value, str)}))
        columns.append(numbers or [texts[-1].index(str(value)) for value in values])
    kinds = ["category" if names else "number" for names in texts]
    found = prim.prim(np.array(columns, float).T, fails, keys, kinds=kinds)
    units = {key: unit_of(work.sweep.uncertainties[key]) for key in keys}

    def show(name: str, value: float) -> str:
        if names := texts[keys.index(name)]:
            return names[int(value)]
        unit = units[name]
        if unit == "s":
            return show_duration(value)
        return show_share(value) if unit == "share" else f"{value:.3g}/s" if unit == "1/s" else f"{value:.4g}"

    return tuple(
        Box(words=prim.words(box, show), coverage=box.coverage, density=box.density, support=box.support)
        for box in found
    )
