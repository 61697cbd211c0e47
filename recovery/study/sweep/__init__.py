"""Sweeps: every policy in every draw until each is known well enough, and what may be asked of a sweep afterwards."""

from recovery.study.sweep.differences import compared
from recovery.study.sweep.policies import policies_of, wanted
from recovery.study.sweep.replay import replayed
from recovery.study.sweep.size import draws_of_one, foretold, key_of_most, most_of, plan, units_that_tell
from recovery.study.sweep.thresholds import threshold
from recovery.study.sweep.whole import digest_of, run, run_shard, shard_of

__all__ = [
    "compared", "digest_of", "draws_of_one", "foretold", "key_of_most", "most_of", "plan", "policies_of", "replayed",
    "run", "run_shard", "shard_of", "threshold", "units_that_tell", "wanted",
]  # fmt: skip
