"""The DNS race in an experiment that goes on after it: what the summary keeps of it, and its section of the report.

`part` computes (in `recovery run`), `section` shows what a folder holds. Both go through `race` and `race_page`.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recovery import units
from recovery.model.dns import GUARDRAILS
from recovery.show import figures, report
from recovery.show.figures import COLOURS, INK, Picture, TimeAxis
from recovery.stages.outage import outages_s, resolve
from recovery.store.results import number
from recovery.study import race

if TYPE_CHECKING:
    from recovery.reading.experiment import Experiment

# Some seconds of work. Where brute force sees too little within a year, splitting takes over (`race.HowOften`).
YEARS, TRIALS, REPEATS = 0.5, 300, 8


def part(experiment: Experiment, threads: int) -> dict[str, Any] | None:
    """The part "race" of summary.json for the first variant; None if it has no [dns].

    `rows`: how often a record is left empty, as it was and with each guardrail; `possible`: the search of all
    interleavings; `window`: the outage that followed, in steps [from, to, share of requests that fail].
    """
    dns = experiment.first.scenario.dns
    if dns is None:
        return None
    much = race.HowOften.model_validate({"years": YEARS, "trials": TRIALS, "repeats": REPEATS})
    choices = {"as it happened": dns.guardrails} | {name: (name,) for name in GUARDRAILS if name not in dns.guardrails}
    variants = [
        race.Variant(dns=dns.model_copy(update={"guardrails": names}), how_often=much) for names in choices.values()
    ]
    asked: Any = dataclasses.replace(
        experiment,
        variants=tuple(
            dataclasses.replace(experiment.first, name=name, scenario=variant, levers=())  # type: ignore[arg-type]
            for name, variant in zip(choices, variants, strict=True)
        ),
    )
    found = race.answer(asked, threads)
    window = dns.window
    return {
        "rows": found["rows"],
        "possible": found["possible"],
        "years": YEARS,
        "window": None
        if window is None
        else {
            "steps": [list(step) for step in outages_s(resolve(experiment.first, experiment.head.seed, 0).scenario)],
            "negative_ttl_s": window.negative_ttl,
        },
    }


def section(manifest: Mapping[str, Any], summary: Mapping[str, Any], folder: Path) -> str:
    """HTML of the section, with its picture (also written into the folder's figures/); empty without a race."""
    found = summary.get("race")
    if not found:
        return ""
    with figures.style():
        pictures = [_window(manifest, summary)] if found["window"] else []
    return html(manifest, summary, report.draw(folder, pictures))


def html(manifest: Mapping[str, Any], summary: Mapping[str, Any], drawn: Sequence[tuple[Picture, str]]) -> str:
    """The section as text; `drawn` is its picture with its SVG."""
    found = summary["race"]
    searches = {tuple(search["guardrails"]): search for search in found["possible"]}
    return report.filled(
        "dns.html.j2",
        drawn,
        small=found["possible"][0],
        story=found["possible"][0]["story"],
        rows=[_row(row, searches) for row in found["rows"]],
        sentence=_sentence(found["rows"][0]),
        stories=[search for search in found["possible"][1:] if search["is_possible"]],
        marks=report.marks_of("dns", report.notes_of(summary)),
        inputs=report.text_of({key: value for key, value in manifest["inputs"]["dns"].items() if key != "window"}),
    )


def _sentence(row: Mapping[str, Any]) -> str:
    """How often, in words."""
    rate = row["per_year"]
    mean, low, high = (race.show_rate(number(rate[key])) for key in ("mean", "low", "high"))
    return (
        f"With the delays that are assumed here a record is left empty {mean} times a year ({low} to {high}; 95 %, "
        f"{row['method']})."
    )


def _row(row: Mapping[str, Any], searches: Mapping[tuple[str, ...], Mapping[str, Any]]) -> dict[str, str]:
    """A choice of guardrails: what it does, whether the race is still possible, and how often."""
    names = tuple(row["guardrails"])
    search, rate = searches.get(names), row["per_year"]
    mean, low, high = (number(rate[key]) for key in ("mean", "low", "high"))
    if search is None:
        verdict, look = "not searched", ""
    elif search["is_possible"]:
        verdict, look = f"possible, in {len(search['story'])} steps", "never"
    else:
        verdict, look = f"impossible: none of {search['states']:,} states", "good"
    return {
        "name": " + ".join(names) or "none, as it was",
        "does": "; ".join(GUARDRAILS[name] for name in names if name in GUARDRAILS),
        "verdict": verdict,
        "look": look,
        "rate": race.show_rate(mean) if mean > 0 else f"none seen, below {race.show_rate(high)}",
        "interval": f"{race.show_rate(low)} to {race.show_rate(high)}" if mean > 0 else "",
        "method": row["method"],
        "latency": units.show_duration(number(row["latency"]["p99_s"])),
    }  # fmt: skip


def stones(summary: Mapping[str, Any]) -> list[tuple[float, str]]:
    """Observed times of what the dependency is given as in the table of services: (s, label), in order of time."""
    services = summary.get("services") or {"nodes": [], "observed": []}
    roots = {row["name"] for row in services["nodes"] if row["is_given"] and row["layer"] == 0}
    return sorted((number(row["observed_s"]), row["label"]) for row in services["observed"] if row["service"] in roots)


def _window(manifest: Mapping[str, Any], summary: Mapping[str, Any]) -> Picture:
    """Share of the requests to the dependency that fail, over its window, with what was observed."""
    steps = [[number(value) for value in step] for step in summary["race"]["window"]["steps"]]
    seen = stones(summary)
    end = max([steps[-1][1], *(at for at, _ in seen)]) if steps else 60.0
    axis = TimeAxis({"horizon_s": 1.08 * end, "head": manifest["head"], "inputs": {}})
    figure, (panel, below) = figures.stack([2.5, figures.lines_in(max(len(seen), 1))])
    times, shares = [0.0], [0.0]
    for begin, to, share in steps:
        if begin > times[-1]:
            times, shares = [*times, times[-1], begin], [*shares, 0.0, 0.0]
        times, shares = [*times, begin, to], [*shares, 100 * share, 100 * share]
    panel.plot([*times, times[-1], axis.horizon_s], [*shares, 0.0, 0.0], color=COLOURS[1], lw=1.8)
    panel.fill_between(times, shares, color=COLOURS[1], alpha=0.12, lw=0)
    for i, (at, _) in enumerate(seen, 1):
        panel.axvline(at, color=INK, lw=0.8, ls=(0, (3, 2)))
        panel.annotate(str(i), (at, 107), ha="center", va="bottom", fontsize=8.6, annotation_clip=False)
    axis.dress(panel)
    panel.set_ylim(0, 106)
    panel.set_ylabel("requests that\nfail (%)")
    lines = [f"{i}  {axis.show(at)}  observed: {label}" for i, (at, label) in enumerate(seen, 1)]
    below.text(0, 1, "\n".join(lines), transform=below.transAxes, va="top", ha="left", fontsize=8.4, linespacing=1.35)
    away = math.fsum((b - a) * share for a, b, share in steps)
    figures.entitle(figure, f"The record is empty: requests fail for {units.show_duration(away)} in all")
    return Picture(
        "dns", figure,
        "Share of the requests of the leases to the dependency that fail: no address from the empty record on, all of "
        "them once good answers have run out; after the repair only those whose resolver still holds the answer that "
        f"there is no address, for {units.show_duration(summary['race']['window']['negative_ttl_s'])} at most. The "
        "times of detection and repair are inputs, the two lifetimes of answers are assumed.",
    )  # fmt: skip


__all__ = ["html", "part", "section", "stones"]
