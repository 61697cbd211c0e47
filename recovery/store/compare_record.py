"""Records of a comparison: finished runs beside each other, measure by measure."""

from recovery.store.record import Estimate, Number, Record


class Difference(Record):
    """A measure of one variant beside the same of another: means, their difference, and what that says.

    `never_share` is of runs in which a time never came; None of what is no time. A never counts as the horizon, of
    times to recovery as what is left of it from the dependency's return.
    """

    run: str
    than: str
    variant: str
    than_variant: str
    horizon_s: Number
    measure: str
    mean: Number
    than_mean: Number
    difference: Estimate
    is_paired: bool
    runs: int
    than_runs: int
    verdict: str
    never_share: float | None = None
    than_never_share: float | None = None
