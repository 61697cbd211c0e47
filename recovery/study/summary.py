"""What the runs of an experiment are kept as: a row each, a group a variant, milestones, bounds, explanations."""

import math
import re
from collections.abc import Mapping, Sequence

import numpy as np
from pydantic import JsonValue

from recovery import theory
from recovery.measures import each_outage, register
from recovery.measures.moments import moment_s
from recovery.model import policies
from recovery.model.scenario import Scenario
from recovery.model.variant import Variant
from recovery.reading.experiment import Experiment
from recovery.reading.keys import merge
from recovery.reading.toml_edit import settings
from recovery.simulate import identity
from recovery.simulate.explain import explanation
from recovery.simulate.outcome import Outcome
from recovery.stages import renewing
from recovery.stages.outage import Away, resolve
from recovery.statistics.arrays import Flags, Floats
from recovery.statistics.means import mean_interval
from recovery.store import run_record as record
from recovery.store.json_text import plain
from recovery.store.manifest_record import FORMAT
from recovery.store.note_record import Note
from recovery.store.record import Share
from recovery.store.scenario_record import Course, Outage, Quantity, Span
from recovery.study import held
from recovery.study.judge import Ended, judged
from recovery.study.resolved import lasting, resolved
from recovery.units import quantity

# Symbols of the formulas, and the inputs behind them.
_BEHIND = {
    "N": ("fleet.holders",),
    "M": ("fleet.hosts",),
    "c": ("host.workers",),
    "s": ("host.establish_time",),
    "s_r": ("host.renew_time",),
    "s_x": ("host.reject_cost",),
    "τ": ("host.timeout",),
    "P": ("lease.check_every",),
    "L": ("lease.duration",),
    "Q": ("policy.queue",),
    "R": ("jobs.retries",),
    "a": ("policy.admission",),
    "r": ("fleet.holders", "lease.check_every"),
    "N_unleased": ("fleet.holders",),
    "r3": ("host.renew_time", "fleet.holders", "lease.check_every", "host.workers", "fleet.hosts"),
    "μ": ("host.workers", "fleet.hosts", "host.establish_time"),
}


def courses_of(outcomes: Sequence[Outcome]) -> tuple[list[Course], list[int]]:
    """What the dependency did in these runs, each course once, that of the first run first; and which course was whose.

    Runs of one experiment share few courses: where none is drawn, as many as variants change them.
    """
    numbers: dict[tuple[Away, ...], int] = {}
    whose = [numbers.setdefault(tuple(outcome.outages), len(numbers)) for outcome in outcomes]
    return [course_of(course) for course in numbers], whose


def course_of(outages: Sequence[Away]) -> Course:
    """What the dependency did, as a record."""
    return tuple(Outage(**one._asdict()) for one in outages)


def summarise(
    experiment: Experiment, outcomes: Sequence[Outcome], failures: Sequence[record.Failure] = ()
) -> record.Summary:
    """summary.json of these runs."""
    whose = courses_of(outcomes)[1]
    rows = [row_of(outcome, course) for outcome, course in zip(outcomes, whose, strict=True)]
    points = [
        Ended(
            row.variant, row.levers, row.replication, row.verdict, row.judged, row.words, outcome.scenario.horizon,
            outcome.scenario.hold, row.renewed_s[0], _overdue_at_most(outcome),
        )
        for row, outcome in zip(rows, outcomes, strict=True)
    ]  # fmt: skip
    groups = []
    for variant in experiment.variants:
        own = [
            (outcome, row)
            for outcome, row in zip(outcomes, rows, strict=True)
            if (outcome.variant.name, outcome.variant.levers) == (variant.name, variant.levers)
        ]
        if own:
            found = _group(variant, *zip(*own, strict=True))
            is_file = variant == experiment.first if variant.levers else None
            groups.append(found.model_copy(update={"is_file": is_file, "sets": _sets(experiment, variant)}))
    return record.Summary(
        format=FORMAT,
        rows=tuple(rows),
        groups=tuple(groups),
        milestones=_milestones(experiment, rows),
        expect=tuple(judged(experiment, points, i) for i in range(len(experiment.expectations))),
        notes=notes_of(experiment),
        explain=tuple(map(explained, explanation(experiment.first.scenario))),
        recovers_from_s=resolve(experiment.first, experiment.head.seed, 0).scenario.recovers_from_s,
        failures=tuple(failures),
        judged_class=_judged_class(experiment),
    )


def _sets(experiment: Experiment, variant: Variant) -> tuple[record.Setting, ...]:
    """What a variant sets, the smallest parts of the file that differ."""
    change = experiment.changes.get(variant.name, {})
    found = settings(experiment.base, merge(experiment.base, change)) if change else ()
    return tuple(
        record.Setting(key=key, value=new, was=old, counts=_counts(variant.scenario, key)) for key, old, new in found
    )


def _counts(scenario: Scenario, key: str) -> str:
    """What a bare whole number that a key sets counts, where it might be taken for seconds; "" of all others."""
    table, _, name = key.removeprefix("policy.").partition(".")
    rule = getattr(scenario.policy, table, None) if key.startswith("policy.") else None
    if not isinstance(rule, policies.Rule):
        return ""
    known = policies.counted(rule)
    if name:
        return "requests a host" if name in known else ""
    return ", ".join(f"{one}: {many} requests a host" for one, many in known.items())


def _judged_class(experiment: Experiment) -> str:
    """The class that the file is about: all its bounds on times to recovery are, or without them its question names
    it alone, in the singular or the plural; "" where it is about no class or several.
    """
    times = [one.measure for one in experiment.expectations if register.without_class(one.measure) in register.DEPTHS]
    asked = {*re.findall(r"[\w-]+", experiment.head.question.lower())}
    named = {register.class_of(one) for one in times} or {
        name for name in experiment.first.scenario.places if not asked.isdisjoint({name.lower(), f"{name.lower()}s"})
    }
    return named.pop() if len(named) == 1 else ""


def row_of(outcome: Outcome, course: int = 0) -> record.Row:
    """One run as it is kept; `course` is the number of what its dependency did."""
    variant = outcome.variant
    table = outcome.measure()
    verdict = str(table.pop("verdict"))
    return record.Row(
        variant=variant.name,
        levers=dict(variant.levers),
        seed=outcome.seed,
        replication=outcome.replication,
        digest=identity.digest_of(variant, outcome.seed, outcome.replication),
        actions=actions_of(outcome),
        cpu_s=round(outcome.cpu_s, 3),
        outages_index=course,
        verdict=verdict,
        measures={name: float(value) for name, value in table.items() if not isinstance(value, str)},
        words={name: value for name, value in table.items() if isinstance(value, str)},
        renewed_from_s=_renewed_from_s(outcome),
    )


def actions_of(outcome: Outcome) -> tuple[record.Action, ...]:
    """What operators did in a run, as a record."""
    return tuple(record.Action(**act._asdict()) for act in outcome.actions)


def explained(row: theory.Explained) -> record.Explained:
    """An explained number with the keys of the inputs behind it."""
    keys = dict.fromkeys(key for symbol in theory.symbols_in(row.formula) for key in _BEHIND.get(symbol, ()))
    return record.Explained(**row._asdict(), keys=tuple(keys))


def notes_of(experiment: Experiment) -> tuple[Note, ...]:
    """Notes on inputs, with the values that the file has."""
    return tuple(
        Note(key=note.key, kind=note.kind, why=note.why, value=_raw_value(experiment.raw, note.key))
        for note in experiment.head.notes
    )


def _raw_value(raw: object, key: str) -> JsonValue:
    for part in key.split("."):
        if not isinstance(raw, Mapping):
            raise KeyError(key)
        raw = raw[part]
    return plain(raw)


def _group(variant: Variant, outcomes: Sequence[Outcome], rows: Sequence[record.Row]) -> record.Group:
    """Mean and interval of every measure over the replications of one variant; collapse as a probability with its
    interval.
    """
    collapsed = sum(row.verdict == "collapsed" for row in rows)
    low, high = theory.clopper_pearson(collapsed, len(rows))
    verdicts = [row.verdict for row in rows]
    away, renewed = unleased(outcomes, variant.scenario.hold), _renewals(outcomes, variant.scenario)
    worst = held.worst_of(outcomes)
    return record.Group(
        variant=variant.name,
        levers=dict(variant.levers),
        lever_values={
            key: Quantity(kind=found[0], value=found[1])
            for key, value in variant.levers
            if (found := quantity(value)) is not None
        },
        runs=len(rows),
        outages_index=rows[0].outages_index,
        verdicts={verdict: verdicts.count(verdict) for verdict in sorted(set(verdicts))},
        collapsed=Share(share=collapsed / len(rows), low=low, high=high),
        measures={name: _measured(name, [row.of(name) for row in rows]) for name in rows[0].measures},
        judged={
            name: _measured(name, [row.for_good(name) for row in rows])
            for name in rows[0].measures
            if any(row.is_judged_apart(name) for row in rows)
        },
        scenario=resolved(variant.scenario, outcomes[0].traffic.fired.tolist()),
        unleased=Span(from_s=away[0].from_s, to_s=away[-1].to_s) if away else None,
        unleased_spans=away if len(away) > 1 else (),
        worst=worst,
        renewals=renewed,
        spared=None if away else _spared(outcomes, variant.scenario),
        outages=_each_outage(outcomes, variant.scenario, renewed),
        lost_again=lost_again(outcomes, variant.scenario),
        denied_of_return=_measured(
            register.DENIED_OF_RETURN,
            [
                outcome.traffic.denied_of_return(outcome.scenario, outcome.times_s, row.of("ttr99_s"))
                for outcome, row in zip(outcomes, rows, strict=True)
            ],
        ),
    )


def _measured(name: str, values: Sequence[float]) -> record.Measured:
    least, most = register.limits_of(name)
    mean, low, high = mean_interval(values, least=least, most=most)
    return record.Measured(mean=mean, low=low, high=high, not_measured=sum(math.isnan(value) for value in values))


def unleased(outcomes: Sequence[Outcome], hold_s: float) -> tuple[record.Unleased, ...]:
    """From when to when holders are without a lease in some run of one variant, in order of time: each from the end of
    the first window in which one is, to the end from which on none is (inf: not before the horizon). All that are
    closer than `hold` are one. Jobs have no holders.
    """
    shares, times_s = [outcome.leased_share() for outcome in outcomes if outcome.holders], outcomes[0].times_s
    if not shares:
        return ()
    most = [held.within(outcome).most / outcome.holders for outcome in outcomes]
    below, lost = (np.logical_or.reduce([one < 1 - 1e-12 for one in found]) for found in (shares, most))
    out = []
    for span in _spans(below, times_s, hold_s, lost):
        first, last = np.searchsorted(times_s, (span.from_s, span.to_s)).tolist()
        least = math.fsum(float(one[first : last + 1].min()) for one in most) / len(most)
        out.append(record.Unleased(from_s=span.from_s, to_s=span.to_s, least_share=least))
    return tuple(out)


def _spans(below: Flags, times_s: Floats, hold_s: float, within: Flags | None = None) -> tuple[Span, ...]:
    """The times in which `below` (bool[windows]) holds at the ends of windows, and windows `within` which alone it
    does; all that are closer than `hold_s` are one.
    """
    ends_s = np.append(times_s, math.inf)
    steps = np.diff(below, prepend=False, append=False)
    found = [(float(ends_s[first]), float(ends_s[last])) for first, last in np.flatnonzero(steps).reshape(-1, 2)]
    if within is not None:
        alone = within & ~below & ~np.concatenate([[False], below[:-1]])
        found = sorted([*found, *((end_s, end_s) for end_s in times_s[alone].tolist())])
    spans: list[Span] = []
    for begin_s, end_s in found:
        if spans and begin_s - spans[-1].to_s < hold_s:
            begin_s = spans.pop().from_s
        spans.append(Span(from_s=begin_s, to_s=end_s))
    return tuple(spans)


def _spared(outcomes: Sequence[Outcome], scenario: Scenario) -> record.Spared | None:
    """How leases, of which none was lost, came through the outages; None without one, and where a rule, operators or
    classes of holders decide that, or a sample of the hosts does not count all that failed.
    """
    runs_on = isinstance(scenario.policy.lease, policies.LeaseFixed | policies.Grace)
    lasts = lasting(scenario) if runs_on and not scenario.operator else None
    is_sample = scenario.fleet is not None and scenario.fleet.sample_hosts is not None
    if lasts is None or is_sample or math.isinf(lasts.attempt_s) or not any(outcome.outages for outcome in outcomes):
        return None
    failed = [int(one.series["failed"].sum()) + int(one.series["timed_out"].sum()) for one in outcomes]
    return record.Spared(lasts=lasts, failed=math.fsum(failed) / len(failed))


def _renewals(outcomes: Sequence[Outcome], scenario: Scenario) -> record.Renewals | None:
    """How holders renew, where being late costs no lease yet; None where it does, and where the counts do not tell."""
    after_s = scenario.overdue_after_s
    if after_s is None:
        return None
    late = _overdue(outcomes, scenario, after_s)
    all_s = [renewing.all_renewed_s(one.scenario, one.series["succeeded"]) for one in outcomes]
    return record.Renewals(
        overdue=_spans(
            np.logical_or.reduce([one > 0 for one in late]), outcomes[0].times_s, min(scenario.hold, after_s)
        ),
        overdue_runs=sum(bool((one > 0).any()) for one in late),
        overdue_most=math.fsum(float(one.max()) for one in late) / len(late),
        overdue_at_most=math.fsum(map(_overdue_at_most, outcomes)) / len(outcomes),
        after_s=after_s,
        all_s=math.fsum(one[0] for one in all_s) / len(all_s),
        all_latest_s=math.fsum(one[1] for one in all_s) / len(all_s),
    )


def _renewed_from_s(outcome: Outcome) -> float:
    """When all have renewed in a run at the earliest, s; nan where counts tell it to a window, so that they have at the
    latest, or tell nothing.
    """
    if outcome.scenario.overdue_after_s is None:
        return math.nan
    early_s, late_s = renewing.all_renewed_s(outcome.scenario, outcome.series["succeeded"])
    return math.nan if late_s - early_s < outcome.scenario.coupling.window else early_s


def _overdue_at_most(outcome: Outcome) -> float:
    """How many are overdue in a run at most; nan where counts tell nothing."""
    after_s = outcome.scenario.overdue_after_s
    if after_s is None:
        return math.nan
    return renewing.overdue_at_most(outcome.scenario, outcome.series["succeeded"], after_s)


def _overdue(outcomes: Sequence[Outcome], scenario: Scenario, after_s: float) -> list[Floats]:
    """Of each run, who is overdue at the ends of windows."""
    return [renewing.overdue(scenario, one.series["succeeded"], after_s) for one in outcomes]


def tells_lost_again(scenario: Scenario) -> bool:
    """Whether leases that are lost again can be counted: not where the clock does not start as sessions end, where
    hosts crash (which ends sessions too), nor of a sample of the hosts.
    """
    is_whole = scenario.fleet is not None and scenario.fleet.sample_hosts is None
    return is_whole and scenario.is_counted_from_end and scenario.host.crash is None


def lost_again(outcomes: Sequence[Outcome], scenario: Scenario) -> float | None:
    """How often a lease ran out after the window in which operators ended the sessions, mean of the runs: what was made
    and is no more, without what operators ended since. None where it cannot be told.
    """
    if not tells_lost_again(scenario):
        return None
    # where late answers count, hosts have leases that their clients do not know of: these are not lost
    view = "leased_server" if scenario.host.late == "counts" else "leased"
    lost = []
    for outcome in outcomes:
        first = int(np.searchsorted(outcome.times_s, outcome.scenario.recovers_from_s, side="right"))
        made, ended = (int(outcome.series[name][first + 1 :].sum()) for name in ("established", "sessions_ended"))
        leased = outcome.series[view][first:]
        lost.append(made - ended - (int(leased[-1]) - int(leased[0])) if len(leased) else 0)
    return math.fsum(lost) / len(lost)


REFUSED = ("rejected_throttle", "rejected_admission", "rejected_full", "rejected_down")  # columns


def _each_outage(
    outcomes: Sequence[Outcome], scenario: Scenario, renewed: record.Renewals | None
) -> tuple[record.AfterOutage, ...]:
    """What each outage cost, where there are several; none of jobs, nor where each run has its own outages. Those that
    are closer than `hold` are one, save where all may be told to have renewed between them.
    """
    courses = {tuple(outcome.outages) for outcome in outcomes}
    if not scenario.has_leases or len(courses) > 1:
        return ()
    hold_s = scenario.hold if renewed is None else min(scenario.hold, renewed.after_s)
    late = [] if renewed is None else _overdue(outcomes, scenario, renewed.after_s)
    apart = each_outage.apart([(one.from_s, one.to_s) for one in outcomes[0].outages], hold_s)
    if len(apart) < 2:
        return ()
    found = []
    for outcome in outcomes:
        refused = np.sum([outcome.series[name] for name in REFUSED], axis=0)
        share = outcome.leased_share()
        found.append(each_outage.after_each(apart, outcome.times_s, share, refused, scenario.hold))
    asks, runs = round(scenario.leases), len(outcomes)
    is_whole = scenario.fleet is None or scenario.fleet.sample_hosts is None  # a sample tells no time of the last
    out = []
    next_s = [*(begin_s for begin_s, _ in apart[1:]), math.inf]
    for (from_s, to_s), end_s, own in zip(apart, next_s, zip(*found, strict=True), strict=True):
        its = slice(*np.searchsorted(outcomes[0].times_s, (from_s, end_s), side="right").tolist())
        back = [[after.back_s[depth] for after in own if math.isfinite(after.back_s[depth])] for depth in (0, 1)]
        means_s = [math.fsum(some) / len(some) if some else math.inf for some in back]
        out.append(
            record.AfterOutage(
                from_s=from_s,
                to_s=to_s,
                overdue_most=math.fsum(float(one[its].max(initial=0.0)) for one in late) / runs if late else math.nan,
                unleased_most=math.fsum((1 - after.least_share) * asks for after in own) / runs,
                ttr99_s=means_s[0],
                never99=runs - len(back[0]),
                ttr100_s=means_s[1] if is_whole else math.nan,
                never100=runs - len(back[1]) if is_whole else 0,
                refused=math.fsum(after.refused for after in own) / runs,
            )
        )
    return tuple(out)


def _milestones(experiment: Experiment, rows: Sequence[record.Row]) -> tuple[record.Milestone, ...]:
    """Observed milestones beside those of the first variant (mean over its replications)."""
    first = experiment.first
    levers = record.Failure(variant="", levers=dict(first.levers), seed=0, replication=0, error="").levers
    own = [row for row in rows if (row.variant, row.levers) == (first.name, levers)]
    out = []
    for observed in experiment.head.observed:
        simulated = mean_interval([moment_s(observed.measure, row.measures) for row in own])[0] if own else math.nan
        out.append(
            record.Milestone(
                label=observed.label,
                observed_s=observed.at,
                simulated_s=simulated,
                difference_min=(simulated - observed.at) / 60 if simulated else math.nan,  # 0 is always, no time
                confidence=observed.confidence,
                source=observed.source,
                used_for_fit=observed.used_for_fit,
                measure=observed.measure,
                within_s=observed.within,
            )
        )
    return tuple(out)
