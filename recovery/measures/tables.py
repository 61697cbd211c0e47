"""Columns of tables that say which run a row is of, beside columns of stages and measures, file by file. A leaf."""

SERIES = {
    "variant": "name of the variant",
    "levers": "swept keys with their values, as JSON",
    "time_s": "end of the window, from the start",
}
"""series.parquet of a run: a row for each window of the first replication of each variant; then columns of stages."""

ROWS = {
    "variant": "name of the variant",
    "levers": "swept keys with their values",
    "seed": "seed of every draw",
    "replication": "number of the set of random numbers",
    "digest": "the run's key: it changes when the result may",
    "actions": "what operators did, and when",
    "outages_index": "which of the courses of outages in manifest.json it had",
    "cpu_s": "processor time that it took",
}
"""rows of summary.json of a run; then measures."""

RUNS = {
    "key": "the run's key: it changes when the result may",
    "role": "what it is for: draw; tried (a draw that was not accepted); sensitivity",
    "policy_id": "short name of the policy",
    "policy": "the policy in words",
    "variant": "name of its variant",
    "replication": "number of the replication; each has its own draws",
    "draw": "number of the draw in that replication",
    "run_replication": "number of the set of random numbers",
    "seed": "seed of every draw",
    "error": "what went wrong; empty where nothing did",
    "r1": "work that waits, in timeouts, when all leases are lost (MODEL.md)",
    "r2": "the same for the work that a bounded queue may hold",
    "r3": "share of the hosts' time that renewals need",
    "r4": "time to refill all leases, in lease durations",
}
"""runs.parquet of a sweep, and runs.csv: a row for each run; a column for each key that is varied; then measures."""

CURVES = {
    "policy_id": "short name of the policy",
    "policy": "the policy in words",
    "replication": "number of the replication; each has its own draws",
    "draw": "number of the draw in that replication",
    "time_s": "end of the window, from the start",
}
"""series.parquet of a sweep: curves of the first draws of each policy; then leased_share or backlog."""
