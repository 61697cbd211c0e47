"""Values for inputs that nobody knows, from what was observed: milestones of a scenario, or a measured series."""

from recovery.study.fit.candidates import Candidates
from recovery.study.fit.columns import columns_of, sampled
from recovery.study.fit.fitted import scenario_text, write_scenario
from recovery.study.fit.observations import Observations, milestones_of, series_of
from recovery.study.fit.ranges import Range, range_of
from recovery.study.fit.result import NOISE_RUNS, fit

__all__ = [
    "NOISE_RUNS", "Candidates", "Observations", "Range", "columns_of", "fit", "milestones_of", "range_of", "sampled",
    "scenario_text", "series_of", "write_scenario",
]  # fmt: skip
