"""The sides of a comparison: folders of finished runs or sweeps, each as the runs of its variants."""

from collections.abc import Hashable, Mapping, Sequence
from math import inf, nan
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from recovery.errors import Refusal
from recovery.measures import late, register
from recovery.measures.for_good import of_rows
from recovery.measures.register import TrafficName, class_of
from recovery.measures.renewals import RENEWED
from recovery.statistics.arrays import Flags, Floats
from recovery.store import folder, sweep_record
from recovery.store.compare_record import CALLED
from recovery.store.parts import runs_of_sweep
from recovery.store.run_record import Group, Row
from recovery.store.scenario_record import Course, Scenario
from recovery.units import show_count, show_duration

_NO_MEASURES = {"replication", "draw", "run_replication", "seed", "outages_index", "r1", "r2", "r3", "r4"}
_NOTHING = np.zeros(0)
_OF_CLASS = "verdict."


class Runs(NamedTuple):
    """The runs of a variant, or of a policy of a sweep: the same run at the same place of each part.

    Two runs of the same `draws` have their draws in common. `units` are what is independent of each other: a run, or
    the replication of a sweep. `of_class` are verdicts of classes by their names, `group` the record of all its runs
    (None of a sweep), `held_s` how long a lease is held that nobody renews (nan: not known), `horizon_s` how long runs
    are, `hold_s` for how long what is back must stay so, `renewed_from_s` when all have renewed at the earliest
    (float64[runs]; empty where that is not known).
    """

    draws: list[Hashable]
    units: list[int]
    verdicts: list[str]
    measures: dict[str, Floats]
    of_class: Mapping[str, list[str]] = MappingProxyType({})
    group: Group | None = None
    held_s: float = nan
    horizon_s: float = inf
    hold_s: float = 0.0
    renewed_from_s: Floats = _NOTHING

    def verdicts_of(self, measure: str) -> list[str]:
        """How each run ended, for whom a measure is of: a class, or all."""
        return self.of_class.get(class_of(measure), self.verdicts)

    def of(self, measure: str) -> Floats:
        """A measure of each run, float64[runs]; empty if there is none of this name."""
        if measure == "collapsed_share":  # of one run: whether it did
            return np.array([verdict == "collapsed" for verdict in self.verdicts], float)
        return self.measures.get(measure, _NOTHING)

    def at_least(self, measure: str) -> tuple[Floats, Flags]:
        """A measure of each run at the least, float64[runs], where counts tell a time within bounds alone or a run is
        too short to come to it; and which are too short.
        """
        is_bounded = measure == RENEWED and len(self.renewed_from_s)
        values = (self.renewed_from_s if is_bounded else self.of(measure)).copy()
        is_late = np.zeros(len(values), bool)
        for i in np.flatnonzero(np.isinf(values)):
            row = {"verdict": self.verdicts_of(measure)[i], **{name: own[i] for name, own in self.measures.items()}}
            is_late[i] = late.is_late(measure, values[i], row)
            values[i] = late.at_least_s(measure, row, self.horizon_s, self.hold_s) if is_late[i] else values[i]
        return values, is_late

    def at(self, places: Sequence[int]) -> "Runs":
        """The runs at these places, in this order."""
        return Runs(
            [self.draws[i] for i in places],
            [self.units[i] for i in places],
            [self.verdicts[i] for i in places],
            {name: values[list(places)] for name, values in self.measures.items()},
            {name: [verdicts[i] for i in places] for name, verdicts in self.of_class.items()},
            self.group,
            self.held_s,
            self.horizon_s,
            self.hold_s,
            self.renewed_from_s[list(places)] if len(self.renewed_from_s) else _NOTHING,
        )


class Side(NamedTuple):
    """A folder under the name that sets it apart. `decides` is the measure of a sweep ("" of a run); `is_sequential`
    where runs went on until they were precise, so that an interval must hold at every look.
    """

    name: str
    place: Path
    kind: str
    traffic: TrafficName
    horizon_s: float
    decides: str
    is_sequential: bool
    variants: dict[str, Runs]  # the file as it stands first
    faces: Mapping[str, str] = MappingProxyType({})  # of a run: what it has to cope with, each thing by its name
    called: tuple[str, ...] = CALLED  # as in its scenario
    window_s: float = nan  # the grid of its times
    judged_class: str = ""  # that the file of a run is about

    @property
    def head(self) -> str:
        """The file as it stands."""
        return next(iter(self.variants))


def sides(folders: Sequence[Path]) -> list[Side]:
    """Finished runs, or finished sweeps. Raises Refusal for a folder that holds none, or one whose measures meant
    something else, for jobs beside leases, for runs beside sweeps, and for fewer than two.
    """
    if len(folders) < 2:
        raise Refusal("want two folders or more, the first is what the others are compared with")
    sweeps = [place for place in folders if folder.kind_of(place) == "sweep"]
    others = [place for place in folders if place not in sweeps]
    if sweeps and others:
        raise Refusal(
            f"{sweeps[0]} is the folder of a sweep, and {others[0]} is not; want folders of runs alone, folders of "
            "sweeps alone, or one sweep and the names of its policies"
        )
    found: list[Side] = []
    for place in folders:
        side = side_of(place)
        if found and side.traffic != found[0].traffic:
            raise Refusal(
                f"{place} has {side.traffic} and {folders[0]} has {found[0].traffic}; "
                "want runs of one kind: their measures mean something else"
            )
        if found and side.decides != found[0].decides:
            raise Refusal(
                f"{place} is decided by {side.decides} and {folders[0]} by {found[0].decides}; "
                "want sweeps of the same sweep.measure"
            )
        found.append(side)
    names = [side.name for side in found]
    if len(set(names)) < len(names):
        found = [side._replace(name=name) for side, name in zip(found, _set_apart(folders), strict=True)]
    return found


def _set_apart(folders: Sequence[Path]) -> list[str]:
    """As little of the end of each path as sets them apart."""
    parts = [folder.absolute().parts for folder in folders]
    for length in range(1, max(map(len, parts))):
        names = ["/".join(one[-length:]) for one in parts]
        if len(set(names)) == len(names):
            return names
    return [str(folder) for folder in folders]


def side_of(place: Path) -> Side:
    """A folder of a finished run or sweep. Raises Refusal if it holds neither, files.Damaged."""
    kind = folder.kind_of(place)
    if kind == "race":
        raise Refusal(f"{place} holds the DNS race alone; want folders that recovery run wrote of a fleet or jobs")
    if not kind:
        raise Refusal(f"{place} holds no finished run; want {folder.wanted_in(place)}")
    return _sweep(place) if kind == "sweep" else _run(place)


def _run(place: Path) -> Side:
    manifest, summary = folder.run_of(place)
    rows: dict[str, list[Row]] = {}
    for row in summary.rows:
        rows.setdefault(_variant(row), []).append(row)
    groups = {_variant(group): group for group in summary.groups}
    variants = {
        name: Runs(
            [(row.seed, row.replication) for row in own],
            list(range(len(own))),
            [row.verdict for row in own],
            {measure: np.array([row.for_good(measure) for row in own]) for measure in own[0].measures},
            {class_of(word): [row.words[word] for row in own] for word in own[0].words if word.startswith(_OF_CLASS)},
            groups.get(name),
            _held_s(groups.get(name)),
            manifest.horizon_s,
            groups[name].scenario.hold_s if name in groups else 0.0,
            np.array([row.renewed_s[0] for row in own]),
        )
        for name, own in rows.items()
    }
    if not variants:
        raise Refusal(f"{place} holds no row of a run; want a run that is whole, as recovery run writes it")
    scenario = summary.groups[0].scenario
    faces = _faces(scenario, None if "dns" in manifest.inputs else manifest.outages)
    return Side(
        manifest.name, place, "run", manifest.kind, manifest.horizon_s, "", False, variants, faces, scenario.called,
        manifest.window_s, summary.judged_class,
    )  # fmt: skip


def _held_s(group: Group | None) -> float:
    return nan if group is None or group.scenario.fleet is None else group.scenario.fleet.held_s


def _faces(scenario: Scenario, outages: Sequence[Course] | None) -> dict[str, str]:
    """What nobody who compares policies changes: who asks, and how long what they depend on is away. A race in DNS
    draws that anew, and its guards change it: then it is None.
    """
    faces = {}
    if scenario.fleet is not None:
        faces["leases"] = show_count(scenario.fleet.asks)
    if scenario.jobs is not None:
        faces["jobs a second"] = ", ".join(show_count(step.rate_per_s) for step in scenario.jobs.steps)
    if outages is not None:
        spans = (f"{show_duration(one.from_s)} to {show_duration(one.to_s)}" for one in (outages[0] if outages else ()))
        faces["the dependency is away"] = ", ".join(spans) or "never"
    return faces


def _variant(row: Row | Group) -> str:
    levers = ", ".join(f"{key} = {value}" for key, value in row.levers.items())
    return f"{row.variant}, {levers}" if levers else row.variant


def _sweep(place: Path) -> Side:
    """A policy is a variant. Runs are of the same draw where seed, number and every drawn input are the same."""
    import polars as pl

    summary, manifest = sweep_record.read(place), sweep_record.manifest_of(place)
    unit = "run_replication" if summary.unit == "run" else "replication"
    inputs = [one.key for one in summary.design.uncertainties]
    rows = runs_of_sweep(place).filter((pl.col("role") == "draw") & pl.col("error").is_null())
    names = [
        name for name, kind in rows.schema.items()
        if kind == pl.Float64 and name not in _NO_MEASURES and name not in inputs
        and ("." not in name or register.find(name) is not None)
    ]  # fmt: skip
    variants: dict[str, Runs] = {}
    policies = sorted(summary.policies, key=lambda one: not one.is_baseline)
    for policy in policies:
        own = rows.filter(pl.col("policy_id") == policy.id)
        if own.height:
            draws = own.select("seed", "replication", "draw", "run_replication", *inputs).rows()
            variants[policy.name] = Runs(
                list(draws),
                own[unit].cast(pl.Int64).to_list(),
                own["verdict"].to_list(),
                {name: of_rows(own, name) for name in names},
                {class_of(name): own[name].to_list() for name in own.columns if name.startswith(_OF_CLASS)},
                held_s=policy.held_s,
                horizon_s=manifest.horizon_s,
                hold_s=0.0 if summary.middle is None else summary.middle.scenario.hold_s,
            )
    if not variants:
        raise Refusal(f"{place} holds no run of a sweep that was done; want recovery sweep --resume")
    is_sequential = summary.precision is not None
    return Side(
        manifest.name, place, "sweep", summary.traffic, manifest.horizon_s, summary.measure, is_sequential, variants,
        called=summary.called, window_s=manifest.window_s,
    )  # fmt: skip
