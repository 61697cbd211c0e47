"""Tables of a sweep: a row for each run that it wanted, and curves of the first draws."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import JsonValue

from recovery.study.sweep.policies import shown
from recovery.study.sweep.sweeping import Sweeping
from recovery.units import quantity

if TYPE_CHECKING:
    import polars as pl

_ORDER = {"draw": 0, "tried": 1, "sensitivity": 2}


def numbers_or_texts(values: Sequence[JsonValue]) -> list[float] | list[str]:
    """Values of one key as numbers in base units (s, 1/s, share) if all are, else as text."""
    found = [quantity(value) for value in values]
    kinds = {one[0] for one in found if one is not None}
    if None not in found and len(kinds) == 1:
        return [one[1] for one in found if one is not None]
    return [str(value) for value in values]


def runs_table(work: Sweeping) -> "pl.DataFrame":
    """runs.parquet: a row for each run that the sweep wanted, in order of role, policy, replication and draw."""
    import polars as pl

    jobs = sorted(work.jobs, key=lambda one: (_ORDER[one[0].role], *one[0][1:4]))
    lever_keys = list(dict.fromkeys(key for policy in work.policies for key in policy.levers))
    input_keys = list(work.sweep.uncertainties)
    columns: dict[str, Sequence[object]] = {"key": [key for _, key in jobs], "role": [job.role for job, _ in jobs]}
    columns["policy_id"] = [work.policies[job.policy].id for job, _ in jobs]
    columns["policy"] = [work.policies[job.policy].name for job, _ in jobs]
    columns["variant"] = [work.policies[job.policy].variant for job, _ in jobs]
    for key in lever_keys:
        values = numbers_or_texts([policy.levers.get(key, "") for policy in work.policies])
        columns[key] = [values[job.policy] for job, _ in jobs]
    for key in input_keys:
        columns[key] = numbers_or_texts([shown(dict(job.inputs)[key]) for job, _ in jobs])
    columns["replication"] = [job.replication for job, _ in jobs]
    columns["draw"] = [job.draw for job, _ in jobs]
    columns["run_replication"] = [job.run_replication for job, _ in jobs]
    columns["seed"] = [work.seed for _ in jobs]
    left = pl.DataFrame(columns, infer_schema_length=None)
    parts = work.runs.known.parts.read()
    assert parts is not None  # some run was done
    parts = parts.sort(pl.col("error").is_not_null(), maintain_order=True)  # what failed and then did not, did not
    found = parts.unique("key", keep="first", maintain_order=True).drop("cpu_s", strict=False)
    first = ["error", "verdict"]
    rest = [name for name in found.columns if name not in ("key", *first, *columns)]
    keep = ["key", *[name for name in first if name in found.columns], *sorted(rest)]
    found = found.select(keep).with_columns(pl.col("error").cast(pl.String))  # also where nothing failed
    return left.join(found, on="key", how="left", maintain_order="left")


def curves_table(work: Sweeping, table: "pl.DataFrame") -> "pl.DataFrame | None":
    """series.parquet: curves of the first draws of each policy, in order."""
    import polars as pl

    curves = work.runs.known.curves.read()
    if curves is None or work.sweep.curves is None:
        return None
    runs = table.filter(
        (pl.col("role") == "draw") & (pl.col("replication") == 0) & (pl.col("draw") < work.sweep.curves.draws)
    ).select("key", "policy_id", "policy", "replication", "draw")
    name = "leased_share" if work.experiment.first.scenario.has_leases else "backlog"
    points = curves.unique(["key", "time_s"], keep="first").sort("key", "time_s")
    joined = runs.join(points, on="key", how="inner", maintain_order="left_right").drop("key")
    return joined.rename({"value": name})
