"""What the commands of sweeps say: tables for people, from folders of finished sweeps."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from recovery.reading.experiment import rebuilt
from recovery.show.text import table
from recovery.statistics import cliff, clusters
from recovery.store import files
from recovery.store import results as store
from recovery.store.results import number
from recovery.study import sweep
from recovery.study.runs.chunks import Work, simulate
from recovery.units import show_count, show_duration, show_share

_SHOW: dict[str, Callable[[float], str]] = {
    "duration": show_duration,
    "share": show_share,
    "rate": lambda v: f"{v:.4g}/s",
    "number": lambda v: f"{v:.6g}",
}


def planned(plan: sweep.Plan, workers: int) -> str:
    """What a sweep will take."""
    lines = [f"{plan.policies} policies × {plan.draws} draws a replication: {show_count(plan.least)} runs at least"]
    if plan.most > plan.least:
        lines[0] += f", {show_count(plan.most)} at most (policies that are precise or beaten stop earlier)"
    times = [show_duration(runs * plan.cpu_s / workers) for runs in (plan.least, plan.most)]
    span = times[0] if plan.most == plan.least else f"{times[0]} to {times[1]}"
    lines.append(f"{show_duration(plan.cpu_s)} a run ({plan.timed} were timed): {span} on {workers} cores")
    lines.append(f"about {show_count(plan.most * 250 / 1e6)} MB of results at most")
    return "\n".join(lines)


def read(folder: Path) -> dict[str, Any]:
    """The summary of a finished sweep. Raises ValueError if there is none, files.Damaged if a file of it is no longer
    whole: a summary whose runs are lost can no longer be checked.
    """
    path = folder / "summary.json"
    summary = files.read_json(path) if path.exists() else {}
    if summary.get("kind") != "sweep":
        raise ValueError(f"{folder} holds no finished sweep; want the folder that `recovery sweep` wrote")
    store.runs_of_sweep(folder)
    return summary


def _span(told: Mapping[str, Any], show: Any = show_duration) -> str:
    mean, low, high = (number(told[end]) for end in ("mean", "low", "high"))
    return show(mean) if math.isnan(low) or math.isnan(high) else f"{show(mean)} ({show(max(low, 0))}–{show(high)})"


def _state(policy: Mapping[str, Any]) -> str:
    """How a policy ended, and how many of its runs failed."""
    if not policy["failed"]:
        return str(policy["status"])
    if not policy["runs"]:
        return f"failed ({policy['failed']} runs)"
    return f"{policy['status']} ({policy['failed']} failed)"


def ranked(summary: Mapping[str, Any], most: int) -> str:
    """The ranking as a table."""
    rows = [["", "policy", "mean, never = horizon", "if it recovers", "±", "never", "at most", "worst regret", "runs"]]
    rows[0].append("state")
    rows += [
        [
            f"{one['rank']}{' *' if one['not_told_apart'] else ''}",
            f"{one['name']} [{one['id']}]" + (" (as it stands)" if one["is_baseline"] else ""),
            _span(one["restricted"]),
            show_duration(number(one["given_recovery"]["mean"])),
            _half_width(one),
            show_share(number(one["not_recovered"]["share"])),
            show_share(number(one["not_recovered"]["high"])),
            show_duration(number(one["regret"]["max"])),
            str(one["runs"]),
            _state(one),
        ]
        for one in summary["policies"][:most]
    ]
    left = len(summary["policies"]) - most
    text = table(rows, left=2) + "\n* not told apart from the best"
    return text + (f"\n… and {left} more: recovery rank" if left > 0 else "")


def _half_width(policy: Mapping[str, Any]) -> str:
    """How well the time of those that recover is known, relative to it."""
    share = number(policy["half_width_share"])
    return show_share(share) if math.isfinite(share) else "–"


def _named(summary: Mapping[str, Any], word: str) -> Mapping[str, Any]:
    found = [one for one in summary["policies"] if word in (one["name"], one["id"], str(one["rank"]))]
    found = found or [one for one in summary["policies"] if one["variant"] == word]
    if len(found) != 1:
        names = ", ".join(one["name"] for one in (found or summary["policies"])[:5])
        raise ValueError(f"{word} names {len(found)} policies; want one by name, id or rank, for instance {names}")
    return dict(found[0])


def compared(folder: Path, words: Sequence[str]) -> list[dict[str, Any]]:
    """Paired differences of each policy from the first. Raises ValueError for unknown names."""
    import polars as pl

    summary = read(folder)
    if len(words) < 2:
        raise ValueError("want two policies or more, the first is what the others are compared with")
    runs = store.runs_of_sweep(folder).filter((pl.col("role") == "draw") & pl.col("error").is_null())
    measure, limit_s = summary["measure"], float(summary["limit_s"])
    first, *others = [_named(summary, word) for word in words]
    base = runs.filter(pl.col("policy_id") == first["id"]).select("replication", "draw", pl.col(measure).alias("base"))
    out = []
    for other in others:
        own = runs.filter(pl.col("policy_id") == other["id"]).select("replication", "draw", "run_replication", measure)
        both = own.join(base, on=["replication", "draw"]).sort("replication", "draw")
        if not both.height:
            raise ValueError(f"{other['name']} and {first['name']} have no draw in common")
        mine = clusters.restricted(both.get_column(measure).to_numpy(), limit_s)
        theirs = clusters.restricted(both.get_column("base").to_numpy(), limit_s)
        told = sweep.mean_of(
            mine - theirs,
            both.get_column("run_replication" if summary["unit"] == "run" else "replication").to_numpy(),
            is_sequential=summary["precision"] is not None,
        )
        out.append(
            {
                "policy": other["name"],
                "policy_id": other["id"],
                "than": first["name"],
                "than_id": first["id"],
                "measure": measure,
                "difference_s": told._asdict(),
                "draws": both.height,
                "sooner_share": float(np.mean(mine < theirs)),
                "later_share": float(np.mean(mine > theirs)),
                "verdict": "sooner" if told.high < 0 else "later" if told.low > 0 else "not told apart",
            }
        )
    return out


def differences(rows: Sequence[Mapping[str, Any]]) -> str:
    """`compared` in words."""
    lines = []
    for row in rows:
        told = row["difference_s"]
        by = show_duration(abs(told["mean"]))
        ends = f"{show_duration(told['low'])} to {show_duration(told['high'])}"
        word = {"sooner": f"{by} sooner than", "later": f"{by} later than"}.get(row["verdict"], "not told apart from")
        lines.append(
            f"{row['policy']}: {word} {row['than']} (difference {ends}, 95 %; "
            f"sooner in {show_share(row['sooner_share'])}, "
            f"later in {show_share(row['later_share'])} of {row['draws']} draws)"
        )
    return "\n".join(lines)


def replayed(folder: Path, key: str) -> dict[str, Any]:
    """Run a row of a sweep again. Raises ValueError if it is not there, or the code or the inputs have changed."""
    manifest, row = sweep.find(folder, key)
    experiment = rebuilt(
        json.loads(manifest["inputs_in_order"]), manifest["file"], manifest["name"], Path(manifest["file"]).parent
    )
    variant = sweep.variant_of(experiment, row)
    [done] = simulate([Work(row["key"], variant, row["seed"], row["run_replication"])])
    fresh = {name: store._as_float(value) for name, value in done.row.items() if name != "cpu_s"}
    changed = sorted(name for name, value in fresh.items() if not _same(value, row.get(name)))
    return {"key": row["key"], "policy": row["policy"], "same": not changed, "changed": changed, "row": fresh}


def _same(a: Any, b: Any) -> bool:
    return a == b or (isinstance(a, float) and math.isnan(a) and (b is None or math.isnan(b)))


def told_replay(told: Mapping[str, Any]) -> str:
    """`replayed` in words."""
    rows = [["measure", "value"], *([name, str(value)] for name, value in told["row"].items())]
    state = "the same row" if told["same"] else f"another row: {', '.join(told['changed'])} differ"
    return f"{table(rows)}\n\n{told['policy']}: {state}"


def told_value(key: str, kind: str, one: cliff.Tried) -> str:
    """What was found at one value of a threshold's key, in a line."""
    share = show_share(one.failed / one.runs)
    says = {"fails": "collapses", "holds": "recovers", "unclear": "not clear"}[one.verdict]
    return f"{key} = {_SHOW[kind](one.value)}: {share} of {one.runs} runs collapse, {says}"


def told_threshold(found: Mapping[str, Any]) -> str:
    """`sweep.threshold` in words."""
    show = _SHOW[found["kind"]]
    text = (
        f"{found['key']}: recovery turns into collapse between {show(found['low'])} and {show(found['high'])}; "
        f"it fails {found['fails']} that ({show_share(found['confidence'])} confidence, if the chance is monotone)"
    )
    return text + (f"\n{found['note']}" if found["note"] else "")


def write_csv(folder: Path) -> Path:
    """runs.csv beside runs.parquet."""
    files.write_text(folder / "runs.csv", store.runs_of_sweep(folder).write_csv())
    return folder / "runs.csv"
