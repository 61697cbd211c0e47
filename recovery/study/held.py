"""How many leases are held between the ends of windows, as far as counts and operators' actions tell it."""

import math
from collections.abc import Iterator, Sequence

import numpy as np

from recovery.measures import leased_curve
from recovery.measures.leased_curve import Within
from recovery.model.operator import Restart
from recovery.simulate.outcome import Outcome
from recovery.statistics.arrays import Whole
from recovery.store import run_record as record


def worst_of(outcomes: Sequence[Outcome]) -> dict[str, record.Worst]:
    """What share of all leases ("") and of those of each class is held at the worst moment of the runs of a variant;
    empty of jobs.
    """
    if not outcomes[0].holders:
        return {}
    leases = {"": outcomes[0].holders}
    leases |= {name: int(held.sum()) for name, held in outcomes[0].traffic.holders_of.items()}
    out = {}
    for name, many in leases.items():
        found = [within(outcome, name) for outcome in outcomes]
        most = math.fsum(float(one.most.min()) for one in found) / len(found)
        least = math.nan if not _tells(outcomes[0]) else min(float(one.least.min()) for one in found) / many
        out[name] = record.Worst(most_share=most / many, least_share=least)
    return out


def within(outcome: Outcome, name: str = "") -> Within:
    """Leases of all, or of a class, that are held at the worst moment of each window of a run."""
    scenario, traffic, of_class = outcome.scenario, outcome.traffic, f".{name}" if name else ""
    leased, leases = outcome.series[f"leased{of_class}"], outcome.holders
    if name:
        leases = int(traffic.holders_of[name].sum())
    at_first = 0 if scenario.fleet is not None and scenario.fleet.start == "unleased" else leases
    if not _tells(outcome):
        most = np.minimum(np.concatenate([[at_first], leased[:-1]]), leased)
        return Within(most, np.zeros_like(most))
    made = outcome.series[f"established{of_class}"]
    return leased_curve.within(leased, made, _ended_at_once(outcome, of_class), leases, at_first)


def _tells(outcome: Outcome) -> bool:
    """Whether counts tell who was without a lease in a window: not those of a sample of the hosts, which are rounded,
    nor where hosts count leases of which their clients do not know.
    """
    return outcome.traffic.doubt is None and outcome.scenario.host.late != "counts"


def _ended_at_once(outcome: Outcome, of_class: str) -> Whole:
    """int64[windows], sessions that ended together at one moment of the window, at least; 0 where hosts that crash end
    some, of which nobody knows when.
    """
    ended = outcome.series.get(f"sessions_ended{of_class}")
    if ended is None or outcome.scenario.host.crash is not None:
        return np.zeros(len(outcome.times_s), np.int64)
    at = np.searchsorted(outcome.times_s, [*_ends_s(outcome)], side="right")
    moments = np.bincount(at[at < len(ended)], minlength=len(ended))
    return np.where(moments > 0, -(-ended // np.maximum(moments, 1)), 0)


def _ends_s(outcome: Outcome) -> Iterator[float]:
    """When operators end sessions in a run, s: of a restart at each of its waves."""
    planned = outcome.scenario.operator
    done = [(action, action.at) for action in planned if action.at is not None]
    done += [(planned[int(number)], at_s) for number, at_s in outcome.traffic.fired.tolist()]
    for action, at_s in done:
        if action.ends_sessions:
            waves, every_s = (action.waves, action.every) if isinstance(action, Restart) else (1, 0.0)
            yield from (at_s + wave * every_s for wave in range(waves))
