"""The summary of a sweep: every policy ranked, the choice, the design, what failed, bounds, and the answers."""

import math
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import JsonValue

from recovery.keys import short_keys
from recovery.measures import register, words
from recovery.measures.for_good import for_good
from recovery.model.sweep import Span
from recovery.stages import known
from recovery.statistics import pareto
from recovery.store import sweep_record as record
from recovery.store.manifest_record import FORMAT
from recovery.study.judge import Ended, judged
from recovery.study.resolved import own_files
from recovery.study.runs import loop
from recovery.study.summary import notes_of
from recovery.study.sweep.answers import answers, choice
from recovery.study.sweep.boxes import boxes_of, unit_of
from recovery.study.sweep.choices import choices_of, name_of
from recovery.study.sweep.estimates import CONFIDENCE
from recovery.study.sweep.middle import middle_of
from recovery.study.sweep.policies import in_words, shown
from recovery.study.sweep.size import (
    first_round,
    replications_that_choose,
    replications_that_tell,
    units_that_choose,
    units_that_tell,
)
from recovery.study.sweep.sweeping import Sweeping
from recovery.study.sweep.table import numbers_or_texts
from recovery.study.sweep.told import best_in_each, policy_of
from recovery.units import quantity

if TYPE_CHECKING:
    import polars as pl


def summary_of(
    work: Sweeping, table: "pl.DataFrame", sensitivity: tuple[record.Sensitivity, ...], folder: Path
) -> record.Summary:
    """The summary of a sweep that is done; `table` has its runs, `folder` is where it is kept."""
    import polars as pl

    experiment, sweep = work.experiment, work.sweep
    fleet = experiment.first.scenario.fleet
    draws = table.filter(pl.col("role") == "draw")
    failed = table.filter(pl.col("error").is_not_null())
    rows = _rows_of_first(work, draws) if experiment.expectations else []
    looks = sweep.precision is not None
    policies = "".join(f" --policies {shlex.quote(file)}" for file in own_files(experiment.variants))
    expected = [judged(experiment, rows, i, at_every_look=looks) for i in range(len(experiment.expectations))]
    design = _design(work)
    found = record.Summary(
        format=FORMAT,
        traffic=known.traffic_of(experiment.first.scenario).name,
        called=("holders", "holder") if fleet is None else fleet.words,
        measure=sweep.measure,
        limit_s=work.looks.limit_s,
        window_s=experiment.first.scenario.coupling.window if register.starts_at_return(sweep.measure) else math.nan,
        precision=sweep.precision,
        never_max=sweep.never_max,
        indifference_s=sweep.indifference,
        unit="run" if sweep.runs_are_units else "replication",
        confidence=CONFIDENCE,
        selection=_selection(work),
        design=design,
        runs=record.Runs(
            done=table.height - failed.height,
            failed=failed.height,
            set_aside=failed.filter(pl.col("error") == loop.KILLED).height,
        ),
        policies=_policies(work, draws),
        baseline_is_file=work.is_of_file,
        replications_that_tell=replications_that_tell(experiment),
        replications_that_choose=replications_that_choose(experiment),
        units_that_tell=units_that_tell(experiment),
        units_that_choose=units_that_choose(experiment),
        sensitivity=sensitivity,
        failures=tuple(
            record.Failure(
                key=row["key"],
                policy_id=row["policy_id"],
                policy=row["policy"],
                replication=row["replication"],
                draw=row["draw"],
                error=row["error"],
                command=f"recovery replay {row['key']} --from {folder}{policies}",
            )
            for row in failed.unique("key", keep="first", maintain_order=True).iter_rows(named=True)
        ),
        notes=notes_of(experiment),
        expect=tuple(expected),
        answers=(),
        middle=middle_of(work, draws),
        choices=tuple(choices_of(work.looks, work.policies, first_round(experiment), _words(design))),
    )
    said = answers(found) + [words.expected(one.text, one.holds, one.value, one.why, one.levers) for one in expected]
    return found.model_copy(update={"answers": tuple(said)})


def _words(design: record.Design) -> dict[str, str]:
    """Each value of each lever in words."""
    return {name_of(one.key, value): one.words_of(value) for one in design.levers for value in one.values}


def _policies(work: Sweeping, draws: "pl.DataFrame") -> tuple[record.Policy, ...]:
    """All policies by their ranks."""
    ranked, best = work.looks.ranked(), best_in_each(work.looks)
    traffic = known.traffic_of(work.experiment.first.scenario).name
    by_id = {name[0]: frame for name, frame in draws.group_by("policy_id", maintain_order=True)}
    told = [
        policy_of(work.looks, policy, work.baseline, rank, by_id.get(policy.id, draws.head(0)), traffic, best)
        for rank, policy in enumerate(ranked, 1)
    ]
    boxes = boxes_of(work, ranked)
    ran = [one for one in told if one.has_run]
    fit = [one for one in ran if not one.is_lost_too_often(work.sweep.never_max)]  # who is not cannot be unbeaten
    points = [[one.restricted.mean, *(harm.mean for harm in one.harm.values())] for one in fit]
    front = dict(zip((one.id for one in fit), pareto.pareto(points).tolist(), strict=True)) if fit else {}
    return tuple(
        one.model_copy(update={"on_front": front.get(one.id, False), "fails_where": boxes.get(policy.number, ())})
        for policy, one in zip(ranked, told, strict=True)
    )


def _selection(work: Sweeping) -> record.Selection:
    """Which policies are not told apart from the best, and whether one is chosen."""
    selected = work.looks.last
    left = set(selected.not_told_apart) - set(selected.too_often)
    names = [f"“{'; '.join(policy.words)}”" for policy in work.policies]
    return record.Selection(
        not_told_apart=tuple(one.id for one in work.looks.ranked() if one.number in left),
        chosen=None if selected.chosen is None else work.policies[selected.chosen].id,
        why_not=selected.why_not,
        words=choice(names, selected, work.sweep.indifference),
        replications_to_choose=work.looks.replications_to_choose(),
        never_at_most=None if selected.leader is None else selected.never[selected.leader].high,
    )


def _rows_of_first(work: Sweeping, draws: "pl.DataFrame") -> list[Ended]:
    """Runs of the file as it stands, at every point of the levers."""
    import polars as pl

    own = {policy.id: policy for policy in work.policies if policy.variant == work.policies[0].variant}
    scenarios = {one.id: work.experiment.variants[one.number].scenario for one in own.values()}
    rows = draws.filter(pl.col("error").is_null() & pl.col("policy_id").is_in(list(own)))
    unit = "run_replication" if work.sweep.runs_are_units else "replication"
    return [
        Ended(
            row["variant"],
            own[row["policy_id"]].levers,
            row[unit],
            row["verdict"],
            {
                name: math.nan if value is None else for_good(name, float(value), row)
                for name, value in row.items()
                if value is None or isinstance(value, int | float)
            },
            {name: value for name, value in row.items() if isinstance(value, str)},
            scenarios[row["policy_id"]].horizon,
            scenarios[row["policy_id"]].hold,
        )
        for row in rows.iter_rows(named=True)
    ]


def _design(work: Sweeping) -> record.Design:
    sweep = work.sweep
    levers: dict[str, list[JsonValue]] = {}
    told: dict[str, list[str]] = {}
    short = short_keys(key for policy in work.policies for key in policy.levers)
    for policy in work.policies:
        variant = work.experiment.variants[policy.number]
        for key, value in policy.levers.items():
            if value not in levers.setdefault(key, []):
                levers[key].append(value)
                told.setdefault(key, []).append(in_words(key, value, variant.scenario, short[key]))
    accept = None
    if sweep.accept is not None:
        accept = record.Accept(within_s=sweep.accept.within, tried=work.tried, kept=len(work.looks.draws))
    return record.Design(
        method=sweep.method,
        samples=sum(1 for replication, _ in work.looks.draws if replication == 0),
        replications=work.experiment.head.replications,
        replications_max=sweep.replications_max,
        levers=tuple(
            record.Lever(key=key, values=tuple(values), words=tuple(told[key])) for key, values in levers.items()
        ),
        uncertainties=tuple(_uncertainty(key, span) for key, span in sweep.uncertainties.items()),
        accept=accept,
    )


def _uncertainty(key: str, span: Span) -> record.Uncertainty:
    if not span.is_range:
        values = numbers_or_texts([shown(value) for value in span.values or ()])
        return record.Uncertainty(key=key, unit=unit_of(span), values=tuple(values))
    low, high = quantity(span.min) or ("", 0.0), quantity(span.max) or ("", 0.0)
    return record.Uncertainty(key=key, unit=unit_of(span), min=low[1], max=high[1], distribution=span.distribution)
