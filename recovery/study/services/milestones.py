"""What was observed of services beside what was simulated of them."""

import math
from collections.abc import Sequence

import numpy as np

from recovery.model.services import Observed
from recovery.reading.service_table import value_at
from recovery.store.run_record import in_zone
from recovery.store.service_record import ServiceMilestone
from recovery.study.services.means import interval
from recovery.study.services.outcome import ServicesOutcome
from recovery.units import duration_s

WITHIN_MIN = {"official": 10.0, "measured": 10.0, "reported": 20.0, "recalled": 20.0}
BETTER = {"progress": 0.9, "half": 0.5}  # of the deepest
_OF_DEPTH = {"start", "end", "first end", "second start", *BETTER}  # what is read off a service's own depth


def milestone_s(out: ServicesOutcome, row: Observed) -> float:
    """When the simulation has what was observed, s; inf if never, nan if it cannot say, 0 for the end of what never
    was.
    """
    if row.what == "nothing":
        return math.nan
    if row.what == "action":
        times = [act.at_s for act in out.actions if in_zone(act.do, act.zone).startswith(row.action)]
        return min(times, key=lambda at: abs(at - row.at)) if times else math.nan
    if row.what == "input":
        return duration_s(value_at(out.table, row.key))
    if row.what == "failover":
        return out.failover_s
    if row.what == "last end":
        spans = (out.impaired(name) for name in out.table.services if name not in row.besides)
        return max((found[-1][1] for found in spans if found), default=0.0)
    found = out.impaired(row.service)
    if row.what in BETTER:
        depth = out.states[row.service].depth
        deepest = int(np.argmax(depth))
        better = np.flatnonzero(depth[deepest:] <= BETTER[row.what] * depth[deepest])
        if depth[deepest] == 0:
            return 0.0
        return float((deepest + better[0]) * out.window_s) if len(better) else math.inf
    if not found and row.what.endswith("end"):
        return 0.0
    number, end = {"start": (0, 0), "end": (-1, 1), "first end": (0, 1), "second start": (1, 0)}[row.what]
    return found[number][end] if len(found) > max(number, 0) else math.inf


def observed(outs: Sequence[ServicesOutcome]) -> list[ServiceMilestone]:
    """Each observed row beside the simulation (mean over replications with its interval), with what counts as near."""
    rows = []
    for row in outs[0].table.body.observed:
        told = interval([milestone_s(out, row) for out in outs])
        is_always = told.mean == 0 and (row.what.endswith("end") or row.what in BETTER)
        difference = math.nan if is_always else (told.mean - row.at) / 60
        is_known = not math.isnan(told.mean)
        within = WITHIN_MIN[row.confidence]
        is_given = row.what in ("action", "input") or (row.what in _OF_DEPTH and row.service in outs[0].given)
        rows.append(
            ServiceMilestone(
                label=row.label,
                service=row.service,
                what=row.what,
                confidence=row.confidence,
                source=row.source,
                used_for_fit=row.used_for_fit,
                follows_manual=row.follows_manual,
                observed_s=row.at,
                simulated_s=told.mean,
                low_s=told.low,
                high_s=told.high,
                is_always=is_always,
                difference_min=difference,
                within_min=within,
                is_within=abs(difference) <= within if is_known else None,
                is_given=is_given,
                is_predicted=not (row.used_for_fit or row.follows_manual or is_given) and is_known,
            )
        )
    return rows
