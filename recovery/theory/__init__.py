"""Closed forms that simulated results are held against: queues, bounds on recovery, dimensionless groups, intervals.

Leaves: they import nothing else of this project, and no array library when they are imported. Times are seconds
(`_s`), rates are per second (`_per_s`), shares lie between 0 and 1 (`_share`), a number without a suffix is a count.
"Never" and "without bound" are `math.inf`. Impossible input is refused with `ValueError`; an overloaded queue is not
impossible, it has `busy_share` 1 and infinite waits.
"""

from recovery.theory.bounds import (
    admission_estimate_s,
    closed_loop_s,
    fleet_fluid_bound_s,
    fluid_bound_s,
    hidden_capacity_per_s,
    mixed_fluid_bound_s,
)
from recovery.theory.dimensionless import (
    EXPLANATIONS,
    MEANS,
    SYMBOLS,
    Explained,
    Explanation,
    Groups,
    explain,
    groups,
    legends,
    symbols_in,
)
from recovery.theory.intervals import CHANCE_P, Interval, clopper_pearson, fisher_p, mcnemar_p
from recovery.theory.queues import (
    NEGLIGIBLE,
    STATES_MAX,
    Queue,
    erlang_a,
    erlang_b,
    erlang_c,
    mg1,
    mginf,
    mm1,
    mm1_retrial,
    mm1k,
    mmc,
    mmck,
    mminf,
)

__all__ = [
    "CHANCE_P", "EXPLANATIONS", "MEANS", "NEGLIGIBLE", "STATES_MAX", "SYMBOLS", "Explained", "Explanation", "Groups",
    "Interval", "Queue", "admission_estimate_s", "clopper_pearson", "closed_loop_s", "erlang_a", "erlang_b", "erlang_c",
    "explain", "fisher_p", "fleet_fluid_bound_s", "fluid_bound_s", "groups", "hidden_capacity_per_s", "legends",
    "mcnemar_p", "mg1", "mginf", "mixed_fluid_bound_s", "mm1", "mm1_retrial", "mm1k", "mmc", "mmck", "mminf",
    "symbols_in",
]  # fmt: skip
