"""Keys that were not varied: which of them are tied to those that were, by theory; and which would change the
simulation in the same way, or take the misfit away.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from recovery.errors import ScenarioError
from recovery.model.distributions import Distribution
from recovery.model.scenario import Scenario
from recovery.store.fit_record import Other, Tied
from recovery.study.fit.columns import Floats
from recovery.study.fit.search import Tried
from recovery.units import quantity, show_count, show_duration

NUDGE = 0.2  # by how much keys that were not varied are changed, to see whether they do the same
# Keys that shape a recovery: what each does to the simulation is compared with what the fitted keys do.
MAIN_KEYS = (
    "host.establish_time", "host.renew_time", "host.timeout", "host.workers", "lease.duration", "lease.check_every",
    "policy.client.delay", "policy.client.base", "policy.client.cap", "fleet.holders", "propagation.time",
    "propagation.workers", "jobs.retries",
)  # fmt: skip
# Work that waits takes (above) / (below) to be worked off, whatever each is alone: no curve of it tells them apart.
TIES = (
    (("fleet.holders", "host.establish_time"), ("host.workers", "fleet.hosts")),
    (("fleet.holders", "host.renew_time"), ("host.workers", "fleet.hosts")),
    (("propagation.time",), ("propagation.workers", "propagation.shards")),
)  # fmt: skip


def tied_of(scenario: Scenario, varied: Sequence[str]) -> tuple[Tied, ...]:
    """For the keys that were varied: those of the scenario that each is tied to, as both enter only through the rate at
    which workers work off what waits.
    """
    out: list[Tied] = []
    told: set[str] = set()
    for above, below in TIES:
        keys = [*above, *below]
        own = [key for key in keys if any(f"{one}.".startswith(f"{key}.") for one in varied)]
        values = {key: _number_of(scenario, key) for key in keys}
        others = [key for key in keys if key not in own]
        if not own or not others or not all(values.values()) or any(set(own) <= set(one.keys) for one in out):
            continue
        settings = tuple(f"{key} {values[key]}" for key in others if key not in told)
        told.update(others)
        out.append(Tied(keys=tuple(own), others=tuple(others), settings=settings, above=above, below=below))
    return tuple(out)


def _number_of(scenario: Scenario, key: str) -> str:
    """What a scenario has for a key, of a distribution its mean, for people; "" if nothing."""
    value: object = scenario
    for part in key.split("."):
        value = getattr(value, part, None)
    if isinstance(value, Distribution):
        return show_duration(value.mean_s())
    return show_count(value) if isinstance(value, int) else ""


def others_of(tried: Tried, best: list[float], at: Floats, sensitivity: Floats) -> tuple[Other, ...]:
    """Keys that were not varied and that change the simulation: how alike, and what they could take away.

    One run each, a fifth above, against the same run without it: many of these keys make hosts run anew. A key that the
    file does not set, or that then is refused, is left out.
    """
    candidates, observations = tried.candidates, tried.observations
    varied = {r.key for r in candidates.ranges}
    raw = candidates.experiment(best).raw
    basis, _ = np.linalg.qr(sensitivity)
    changes, asked = [], [(candidates.experiment(best), (0,))]
    for key in MAIN_KEYS:
        change = _nudged(raw, key)
        if change is None or any(f"{change[0]}.".startswith(f"{k}.") or f"{k}.".startswith(f"{key}.") for k in varied):
            continue
        try:
            asked.append((candidates.experiment(best, (f"{change[0]}={change[1]}",)), (0,)))
        except ScenarioError:
            continue
        changes.append(change)
    unmoved, *each = (observations.residuals(outcomes, tried.horizon_s) for outcomes in candidates.each(asked))
    out = []
    for (key, _, part), moved in zip(changes, each, strict=True):
        own = (moved - unmoved) / part
        length = float(np.linalg.norm(own))
        if length * NUDGE < 0.2 * math.sqrt(len(at)):  # within a fifth of a standard deviation: it moves nothing
            continue
        cosine = float(np.linalg.norm(basis.T @ own)) / length
        both, _ = np.linalg.qr(np.column_stack([sensitivity, own]))
        left = float(((at - basis @ (basis.T @ at)) ** 2).sum())
        taken = float(((both.T @ at) ** 2).sum() - ((basis.T @ at) ** 2).sum()) / max(left, 1e-12)
        share = min(max(taken, 0.0), 1.0) if cosine < 0.999 else 0.0
        out.append(Other(key=key, cosine=min(cosine, 1.0), takes_away_share=share))
    return tuple(sorted(out, key=lambda other: -other.cosine))


def _nudged(raw: Mapping[str, object], key: str) -> tuple[str, str, float] | None:
    """A key of the file (of a distribution: its mean), its value made larger, and by what part; None if it has none."""
    place: object = raw
    for part in key.split("."):
        place = place.get(part) if isinstance(place, Mapping) else None
    if isinstance(place, Mapping) and "mean" in place:
        key, place = f"{key}.mean", place["mean"]
    found = quantity(place)
    if found is None or found[1] == 0:
        return None
    kind, value = found
    if isinstance(place, int):
        more = max(round(value * (1 + NUDGE)), int(value) + 1)
        return key, str(more), more / value - 1
    unit = {"duration": "s", "rate": "/s"}.get(kind)
    if unit is None:
        return None
    return key, np.format_float_positional(value * (1 + NUDGE), 9, fractional=False, trim="-") + unit, NUDGE
