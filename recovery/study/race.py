"""Experiments with the DNS race alone: a file with [dns] and no [host]. How often, whether at all, and at what cost.

The file has the head, variants and sweep of any experiment; [how_often] and [possible] say how much is looked at.
"""

import json
import platform
import sys
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, Strict

from recovery.model.dns import GUARDRAILS, Dns, Guardrail
from recovery.reading import door
from recovery.reading.experiment import Experiment, load
from recovery.show.text import table
from recovery.simulate import identity
from recovery.stages import dns as stage
from recovery.store import files
from recovery.store import results as store
from recovery.units import Number, show_count, show_duration

Whole = Annotated[int, Strict()]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class HowOften(_Part):
    """How much is simulated for the rate of empty records."""

    years: Number = Field(2.0, gt=0, le=1e5, description="years of brute force, in all replications together")
    enough: Whole = Field(100, ge=10, le=10**6, description="empty records from which on brute force is believed")
    trials: Whole = Field(1000, ge=10, le=10**6, description="copies in each stage of splitting")
    repeats: Whole = Field(16, ge=2, le=10**4, description="independent repeats of splitting")


class Possible(_Part):
    """The small race of which every interleaving is looked at."""

    enactors: Whole = Field(3, ge=1, le=3, description="Enactors")
    endpoints: Whole = Field(2, ge=1, le=4, description="records")
    plans: Whole = Field(3, ge=1, le=7, description="plans that are published")
    keep: Whole = Field(1, ge=1, le=7, description="plans so many generations older are deleted")
    guardrails: tuple[tuple[Guardrail, ...], ...] = Field(
        ((), *((name,) for name in GUARDRAILS), ("keep-active", "refuse-empty")), description="which to look at"
    )


class Variant(_Part):
    """What a variant of these experiments is made of."""

    dns: Dns = Field(description="a table [dns]: Planner, Enactors, records")
    how_often: HowOften = Field(default_factory=lambda: HowOften.model_validate({}))
    possible: Possible = Field(default_factory=lambda: Possible.model_validate({}))


def is_race(path: str | Path) -> bool:
    """Whether a file has [dns] and no [host]: an experiment with the race alone."""
    raw = door.peek(path)
    return "dns" in raw and "host" not in raw


def load_any(path: str | Path, overrides: tuple[str, ...] = ()) -> Experiment:
    """Read the race of an experiment: of one with the race alone, or of a scenario with [dns]. Raises ScenarioError."""
    return load(path, overrides, Variant if is_race(path) else None)


def has_race(experiment: Experiment) -> bool:
    """Whether every variant has [dns]."""
    return all(getattr(variant.scenario, "dns", None) is not None for variant in experiment.variants)


def answer(experiment: Experiment, threads: int) -> dict[str, Any]:
    """How often, over all variants and swept values (`rows`), and whether at all (`possible`)."""
    rows = []
    for variant in experiment.variants:
        found: Any = variant.scenario
        much = found.how_often if isinstance(found, Variant) else HowOften.model_validate({})
        rows.append(
            {"variant": variant.name, "levers": dict(variant.levers), "guardrails": list(found.dns.guardrails)}
            | _how_often(found.dns, much, experiment.head.seed, threads)
        )
    first: Any = experiment.first.scenario
    small = first.possible if isinstance(first, Variant) else Possible.model_validate({})
    searches = []
    for guardrails in small.guardrails:
        search = stage.explore(small.enactors, small.endpoints, small.plans, small.keep, guardrails)
        searches.append(asdict(search) | {"is_possible": search.is_possible})
    return {"format": store.FORMAT, "rows": rows, "possible": searches}


def _how_often(dns: Dns, much: HowOften, seed: int, threads: int) -> dict[str, Any]:
    """The rate by brute force, or by splitting where that sees too little; latency by brute force."""
    pieces = 8  # the same for any number of threads
    brute = stage.by_brute_force(dns, years=much.years / pieces, seed=seed, replications=pieces, threads=threads)
    rate = brute
    if brute.empty < much.enough:
        split = stage.by_splitting(
            dns,
            years=much.years / much.repeats / 4,
            seed=seed,
            trials=much.trials,
            repeats=much.repeats,
            threads=threads,
        )
        rate = split if split.per_year > 0 else brute
    return {
        "per_year": {"mean": rate.per_year, "low": rate.low, "high": rate.high},
        "method": rate.method,
        "years": brute.years,
        "cycles": brute.cycles,
        "empty": brute.empty,
        "levels": list(rate.levels),
        "latency": {
            "mean_s": brute.latency_mean_s,
            "p50_s": brute.latency_p50_s,
            "p99_s": brute.latency_p99_s,
            "p999_s": brute.latency_p999_s,
        },
    }


def digest_of(experiment: Experiment) -> str:
    """Name (16 hex digits) of all that decides the answer: the file with its seed, and the meaning of the race."""
    return identity.digest_of_run([str(identity.RACE), json.dumps(experiment.raw, sort_keys=True, default=str)])


def run(experiment: Experiment, *, out: Path, threads: int) -> tuple[Path | None, dict[str, Any], str]:
    """Answer, and write manifest and summary; returns the folder, the summary, and what was wrong with the folder
    (`store.keep`). Raises files.WriteError if it cannot be written, before anything runs.
    """
    folder = out / experiment.name
    files.try_out(folder)
    summary = answer(experiment, threads)
    manifest = {
        "format": store.FORMAT,
        "kind": "race",
        "name": experiment.name,
        "file": experiment.file,
        "head": experiment.head.model_dump(mode="json"),
        "inputs": experiment.raw,
        "digest": digest_of(experiment),
        "versions": store.versions(),
        "machine": platform.machine(),
        "argv": ["recovery", *sys.argv[1:]],
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "runs_done": len(summary["rows"]),
        "runs_wanted": len(summary["rows"]),
    }
    tables = {"summary.json": summary, "manifest.json": manifest}
    place, trouble = store.keep(folder, {name: store.to_json(table).encode() for name, table in tables.items()})
    return place, summary, trouble


# --- words ------------------------------------------------------------------------------------------------------------


def show_rate(per_year: float) -> str:
    """A rate a year for people."""
    return "0" if per_year == 0 else show_count(per_year) if per_year >= 1e-3 else f"{per_year:.2g}"


def often_rows(summary: Mapping[str, Any]) -> list[list[str]]:
    """A line a variant: levers, rate with its interval and method, latency of plans; the first is the head."""
    keys = list(summary["rows"][0]["levers"])
    times = ["mean", "50 %", "99 %", "99.9 %"]
    out = [["variant", *keys, "empty a year", "95 % interval", "method", *(f"latency, {name}" for name in times)]]
    for row in summary["rows"]:
        rate = row["per_year"]
        interval = f"{show_rate(store.number(rate['low']))} to {show_rate(store.number(rate['high']))}"
        latency = [show_duration(store.number(row["latency"][f"{key}_s"])) for key in ("mean", "p50", "p99", "p999")]
        levers = [str(row["levers"][key]) for key in keys]
        out.append([row["variant"], *levers, show_rate(store.number(rate["mean"])), interval, row["method"], *latency])
    return out


def verdicts(summary: Mapping[str, Any]) -> list[str]:
    """Of each choice of guardrails, whether a record can become empty."""
    out = []
    for search in summary["possible"]:
        name = " + ".join(search["guardrails"]) or "no guardrail"
        if search["is_possible"]:
            out.append(f"{name}: possible, in {len(search['story'])} steps")
        else:
            out.append(f"{name}: impossible ({search['states']:,} states, all there are)")
    return out


def told(experiment: Experiment, summary: Mapping[str, Any]) -> str:
    """What the command prints: how often, whether at all, and each story that breaks."""
    first = summary["possible"][0]
    size = f"{first['enactors']} Enactors, {first['endpoints']} endpoints, {first['plans']} plans, keep {first['keep']}"
    parts = [experiment.head.title, table(often_rows(summary)), f"Is it possible at all? Every interleaving of {size}:"]
    parts[-1] += "\n" + "\n".join(f"  {line}" for line in verdicts(summary))
    for search in summary["possible"]:
        if search["is_possible"]:
            name = " + ".join(search["guardrails"]) or "no guardrail"
            steps = "\n".join(f"  {i:2d}. {step}" for i, step in enumerate(search["story"], 1))
            parts.append(f"Shortest way to an empty record with {name}:\n{steps}")
    return "\n\n".join(parts)
