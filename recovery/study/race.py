"""The DNS race, answered for: how often a record is left empty, whether that is possible at all, and at what cost."""

import json
import platform
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import JsonValue

from recovery.errors import Refusal
from recovery.model.dns import GUARDRAILS, Dns
from recovery.model.race import HowOften, Possible, RaceAlone
from recovery.model.variant import Variant
from recovery.reading.experiment import Experiment
from recovery.simulate import identity
from recovery.stages import dns as stage
from recovery.stages.outage import outages_of, resolve
from recovery.store import files
from recovery.store.called import command_line
from recovery.store.folder import keep
from recovery.store.manifest_record import FORMAT
from recovery.store.race_record import (
    Latency,
    Race,
    RaceHead,
    RaceManifest,
    RaceRow,
    RaceSummary,
    Search,
    Window,
)
from recovery.store.record import Estimate
from recovery.store.versions import versions
from recovery.study.summary import notes_of


@dataclass(frozen=True)
class _Asked:
    """A race under its name, and how much of it is simulated."""

    name: str
    levers: tuple[tuple[str, JsonValue], ...]
    dns: Dns
    much: HowOften


def answer(experiment: Experiment, threads: int) -> RaceSummary:
    """How often, over all variants and swept values, and whether at all: a search for each choice of guardrails.

    Raises Refusal if a variant has no [dns].
    """
    first: object = experiment.first.scenario
    small = first.possible if isinstance(first, RaceAlone) else Possible.model_validate({})
    asked = [_asked(variant) for variant in experiment.variants]
    return RaceSummary(
        format=FORMAT,
        rows=tuple(_row(one, experiment.head.seed, threads) for one in asked),
        possible=_searches(small),
    )


# Some seconds of work. Where brute force sees too little within a year, splitting takes over (`HowOften`).
YEARS, TRIALS, REPEATS = 0.5, 300, 8


def part(experiment: Experiment, threads: int) -> Race | None:
    """The race of an experiment that goes on after it, for its first variant; None if it has no [dns]. How often a
    record is left empty is told as it was, and with each guardrail.
    """
    scenario = experiment.first.scenario
    if scenario.dns is None:
        return None
    dns, window = scenario.dns, scenario.dns.window
    much = HowOften.model_validate({"years": YEARS, "trials": TRIALS, "repeats": REPEATS})
    choices = {"as it happened": dns.guardrails} | {name: (name,) for name in GUARDRAILS if name not in dns.guardrails}
    asked = [_Asked(name, (), dns.model_copy(update={"guardrails": own}), much) for name, own in choices.items()]
    return Race(
        rows=tuple(_row(one, experiment.head.seed, threads) for one in asked),
        possible=_searches(Possible.model_validate({})),
        years=YEARS,
        window=None
        if window is None
        else Window(
            steps=tuple(outages_of(resolve(experiment.first, experiment.head.seed, 0).scenario)),
            negative_ttl_s=window.negative_ttl,
        ),
        inputs={key: value for key, value in experiment.raw["dns"].items() if key != "window"},
        guardrails=dict(GUARDRAILS.items()),
    )


def _asked(variant: Variant) -> _Asked:
    found: object = variant.scenario
    if isinstance(found, RaceAlone):
        return _Asked(variant.name, variant.levers, found.dns, found.how_often)
    if variant.scenario.dns is None:
        raise Refusal(f"{variant.name}: dns is missing; want a table [dns]: Planner, Enactors, records")
    return _Asked(variant.name, variant.levers, variant.scenario.dns, HowOften.model_validate({}))


def _searches(small: Possible) -> tuple[Search, ...]:
    """Every interleaving of the small race, with each choice of guardrails."""
    found = (
        stage.explore(small.enactors, small.endpoints, small.plans, small.keep, guardrails)
        for guardrails in small.guardrails
    )
    return tuple(Search(**asdict(search), is_possible=search.is_possible) for search in found)


def _row(asked: _Asked, seed: int, threads: int) -> RaceRow:
    """The rate by brute force, or by splitting where that sees too little; latency by brute force."""
    pieces = 8  # the same for any number of threads
    dns, much = asked.dns, asked.much
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
    return RaceRow(
        variant=asked.name,
        levers=dict(asked.levers),
        guardrails=dns.guardrails,
        per_year=Estimate(mean=rate.per_year, low=rate.low, high=rate.high),
        method=rate.method,
        years=brute.years,
        cycles=brute.cycles,
        empty=brute.empty,
        levels=rate.levels,
        latency=Latency(
            mean_s=brute.latency_mean_s,
            p50_s=brute.latency_p50_s,
            p99_s=brute.latency_p99_s,
            p999_s=brute.latency_p999_s,
        ),
    )


def digest_of(experiment: Experiment) -> str:
    """Name (16 hex digits) of all that decides the answer: the file with its seed, and the meaning of the race."""
    return identity.digest_of_run([str(identity.RACE), json.dumps(experiment.raw, sort_keys=True, default=str)])


def run(experiment: Experiment, *, out: Path, threads: int) -> tuple[Path | None, RaceSummary, str]:
    """Answer, and write manifest and summary; returns the folder, the summary, and what was wrong with the folder
    (`keep`). Raises files.WriteError if it cannot be written, before anything runs.
    """
    folder = out / experiment.name
    files.try_out(folder)
    summary = answer(experiment, threads)
    head = experiment.head
    manifest = RaceManifest(
        format=FORMAT,
        kind="race",
        name=experiment.name,
        file=experiment.file,
        head=RaceHead(
            title=head.title,
            question=head.question,
            answer=head.answer,
            label=head.label,
            seed=head.seed,
            clock=head.clock,
            replications=head.replications,
            expect=head.expect,
            services=head.services,
            notes=notes_of(experiment),
        ),
        inputs=experiment.raw,
        digest=digest_of(experiment),
        versions=versions(),
        machine=platform.machine(),
        argv=command_line(),
        written=datetime.now(UTC).isoformat(timespec="seconds"),
        runs_done=len(summary.rows),
        runs_wanted=len(summary.rows),
    )
    place, trouble = keep(
        folder, {"summary.json": summary.to_json().encode(), "manifest.json": manifest.to_json().encode()}
    )
    return place, summary, trouble
