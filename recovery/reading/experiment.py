"""The text of an experiment becomes its variants: read, overridden, checked, once.

`load` reads a file and returns an `Experiment`; every mistake is collected and told with file, key, value and what is
wanted.
"""

import copy
import functools
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast, get_args

from pydantic import BaseModel

from recovery.errors import Refusal, ScenarioError, nearest, shown
from recovery.model.expect import Expectation, expectation
from recovery.model.head import Head
from recovery.model.part import Part, keys_of, keys_of_tables
from recovery.model.policies.rule import by_name
from recovery.model.scenario import Scenario
from recovery.model.sweep import Sweep
from recovery.model.variant import Variant
from recovery.reading import asked, door, service_table
from recovery.reading.design import Point, lever_points
from recovery.reading.door import quoted
from recovery.reading.keys import copied, leaves, merge, not_one_number, old_names, override, path_of, put
from recovery.reading.mistakes import checked, made, with_dots


@dataclass(frozen=True)
class Experiment:
    """A checked experiment: what it says, the file's own table, and every variant that it compares."""

    head: Head
    variants: tuple[Variant, ...]
    raw: dict[str, Any]
    folder: Path
    name: str
    file: str
    base: dict[str, Any]
    changes: dict[str, dict[str, Any]]
    model: type[BaseModel] = Scenario
    overrides: tuple[str, ...] = ()  # what was set beside the file, "key=value", in order
    _of_draw: dict[str, tuple[str, Part]] = field(default_factory=dict, init=False, repr=False, compare=False)
    """Tables that were checked last, by their keys, each behind its text: the policies of one draw share them."""

    def drawn(self, number: int | None, inputs: tuple[tuple[str, Any], ...]) -> Variant:
        """Variant `number` (None: the file as it stands) where the variant itself has chosen `inputs` (key, value);
        what its variant and levers set is stronger, but of the file as it stands `inputs` are. Raises ScenarioError.
        """
        variant = self.first if number is None else self.variants[number]
        if not inputs:
            return variant  # checked when the file was read
        if number is None:
            chosen = dict(inputs)
            variant = replace(variant, levers=tuple(one for one in variant.levers if one[0] not in chosen))
        last = inputs if number is None else ()  # a lever may set the table of which one of them is a key
        scenario = self._of_tables(variant, inputs, last)
        if scenario is None:  # what is said of a mistake quotes the file's own tables
            mistakes: list[str] = []
            table = self._table(variant, inputs, last)
            scenario = checked(self.model, table, self.file, "", self.folder, mistakes)
            if scenario is None:
                raise ScenarioError("\n".join(dict.fromkeys(mistakes)))
        return Variant(variant.name, scenario, variant.levers)

    def _of_tables(
        self, variant: Variant, inputs: tuple[tuple[str, Any], ...], last: tuple[tuple[str, Any], ...]
    ) -> Scenario | None:
        """The scenario of a variant that has chosen `inputs`, and after its levers `last`: of the tables that these
        change, and of its own others, as they were checked when the file was read. None where there is a mistake.
        """
        own = variant.scenario
        try:
            touched = {path_of(key)[0] for key, _ in inputs}
        except Refusal:
            return None  # told where the key is set
        values = vars(own)
        names = {written: name for name, written, _ in keys_of_tables(type(own)) if isinstance(values[name], Part)}
        may_be_kept = self.model is Scenario and (own.lease is None or not own.lease.is_of_members)
        try:
            if not may_be_kept or not touched <= names.keys():
                # The lease has to be made anew, or more than such tables.
                kept = {key: values[name] for key, name in names.items() if key not in touched | {"lease"}}
                rest = self._table(variant, inputs, last, kept)
                return cast(Scenario, made(self.model, rest | kept, self.folder))
            untouched = {key.written for key in keys_of(type(own))} - touched
            found: dict[str, Part] = {}
            for key, value in self._table(variant, inputs, last, untouched).items():
                if not isinstance(value, dict):
                    return None
                text = repr(value)
                last_text, part = self._of_draw.get(key, ("", None))
                if part is None or last_text != text:
                    part = made(type(values[names[key]]), value, self.folder)
                self._of_draw[key] = text, part
                found[names[key]] = part
            return own.with_tables(found)
        except ValueError:
            return None

    def _table(
        self,
        variant: Variant,
        inputs: tuple[tuple[str, Any], ...],
        last: tuple[tuple[str, Any], ...],
        without: Container[str] = (),
    ) -> dict[str, Any]:
        """What a variant says that has chosen `inputs`, and after its levers `last`, `without` these keys of the file.
        Raises ScenarioError.
        """
        table = copied({key: value for key, value in self.base.items() if key not in without})
        change = {key: value for key, value in self.changes[variant.name].items() if key not in without}
        key = ""
        try:
            for key, value in inputs:
                put(table, path_of(key), value)
            table = merge(table, copied(change))
            for key, value in (*variant.levers, *last):
                if path_of(key)[0] not in without:
                    put(table, path_of(key), copied(value))
        except Refusal as error:
            raise ScenarioError(f"{self.file}: {key}: {error}") from None
        return table

    @functools.cached_property
    def first(self) -> Variant:
        """The file as it stands: of its points that which has its own values, or, where none has, a variant that no
        lever changes. Where it cannot stand without its levers, the first point.
        """
        if self.standing is not None:
            return self.variants[self.standing]
        return self.variants[0] if self._own is None else Variant(self.variants[0].name, self._own)

    @functools.cached_property
    def _own(self) -> Any:
        """The scenario of the file without its levers; None where that cannot be."""
        return checked(self.model, copied(self.base), self.file, "", self.folder, [])

    @functools.cached_property
    def standing(self) -> int | None:
        """Number of the variant that is the file as it stands: at its levers it has the values that the file itself
        says. None where the file's own values are not among those of the levers.
        """
        name = self.variants[0].name
        if not self.variants[0].levers:
            return 0
        return next((i for i, one in enumerate(self.variants) if (one.name, one.scenario) == (name, self._own)), None)

    @property
    def expectations(self) -> list[Expectation]:
        """Bounds on the first variant's measures."""
        return [expectation(measure, text) for measure, text in self.head.expect.items()]


_HEAD = frozenset(field.alias or name for name, field in Head.model_fields.items())


def name_of(path: Path) -> str:
    """The name of an experiment, of which its results have a folder. Raises ScenarioError where a file has none."""
    if path.stem in ("", ".", ".."):
        raise ScenarioError(f"{path.as_posix()!r}: results take their name from it; want a name such as mine.toml")
    return path.stem


def load(path: str | Path, overrides: tuple[str, ...] = (), model: type[BaseModel] | None = None) -> Experiment:
    """Read and check an experiment; `overrides` are texts "key=value" with dots in the key; `model` is what a variant
    is made of, if it is no Scenario. Raises ScenarioError.
    """
    path = Path(path)
    text = door.read(path)
    name = name_of(path)
    experiment = parse(text, file=str(path), folder=path.parent, name=name, overrides=overrides, model=model)
    return _with_services(experiment, is_checked=model is None)


def changed(experiment: Experiment, overrides: Iterable[str]) -> Experiment:
    """The experiment with keys set, as `load` has it; nothing is read again but what it names. Raises ScenarioError."""
    raw = copy.deepcopy(experiment.raw)
    given = tuple(overrides)
    _set(raw, given, experiment.overrides)
    found = rebuilt(raw, experiment.file, experiment.name, experiment.folder)
    found = replace(found, overrides=(*experiment.overrides, *given))
    return _with_services(found, is_checked=True)


def _with_services(experiment: Experiment, *, is_checked: bool) -> Experiment:
    """The experiment, if the table of services that it names can be read, and `is_checked` fits its windows."""
    if experiment.head.services:
        table = service_table.load(experiment.folder / experiment.head.services)
        if is_checked:
            service_table.check_behind(table, (variant.scenario for variant in experiment.variants))
    return experiment


def _set(raw: dict[str, Any], overrides: Sequence[str], before: Sequence[str] = ()) -> None:
    for place, text in enumerate(overrides):
        override(raw, text, (*before, *overrides[:place]))
        door.check(raw, f"--set {door.brief(text)}")


def parse(
    text: str,
    *,
    file: str = "scenario",
    folder: Path = Path(),
    name: str = "scenario",
    overrides: tuple[str, ...] = (),
    model: type[BaseModel] | None = None,
) -> Experiment:
    """Check the text of an experiment. Raises ScenarioError with every mistake, a line each."""
    raw = door.table(text, file)
    if isinstance(services := raw.get("services"), dict) and services:
        raise ScenarioError(
            f"{file}: is a table of services; want an experiment, which may name it as its services, "
            f"or recovery blast NODE {file}"
        )
    if not raw and not overrides:
        raise ScenarioError(f"{file}: is empty; want a scenario, such as recovery new prints")
    _set(raw, overrides)
    return replace(rebuilt(raw, file=file, folder=folder, name=name, model=model), overrides=overrides)


def rebuilt(
    raw: dict[str, Any], file: str, name: str, folder: Path = Path(), model: type[BaseModel] | None = None
) -> Experiment:
    """Check the table of an experiment, as a manifest keeps it. Raises ScenarioError, a line a mistake."""
    if old := list(old_names(raw)):
        raise ScenarioError("\n".join(f"{file}: {line}" for line in old))
    model = model or Scenario
    mistakes: list[str] = []
    head = checked(Head, {key: value for key, value in raw.items() if key in _HEAD}, file, "", folder, mistakes)
    base = {key: value for key, value in raw.items() if key not in _HEAD and key != "variants"}
    if isinstance(base.get("policy"), dict):
        base["policy"] = {axis: by_name(choice) for axis, choice in base["policy"].items()}
    known = {*_HEAD, *model.model_fields, "variants"}
    for key in [key for key in base if key not in model.model_fields]:
        dotted = next((to for to in _dotted(key) if _is_key(model, to)), "")
        close = f" (did you mean {dotted}?)" if dotted else nearest(key, known)
        unknown = f"{key} is not a key{close}; want one of {', '.join(sorted(known))}"
        mistakes.append(f"{file}: {with_dots('', key, base[key]) if '.' in key else unknown}")
        del base[key]
    label = head.label if head else "as written"
    changes = _changes(label, raw.get("variants", {}), file, mistakes)
    variants = _variants(model, base, changes, head, file, folder, mistakes)
    if not variants and not mistakes:
        mistakes.append(f"{file}: sweep.exclude leaves no point of the levers; want at least one")
    if head is not None and not mistakes and issubclass(model, Scenario):
        mistakes += asked.wrong(head, variants, raw, file)
    if mistakes or head is None:
        raise ScenarioError("\n".join(dict.fromkeys(mistakes)))
    experiment = Experiment(head, tuple(variants), raw, folder, name, file, base, dict(changes), model)
    if (
        head.sweep is not None
        and issubclass(model, Scenario)
        and (wrong := list(_wrong_uncertainties(experiment, head.sweep)))
    ):
        raise ScenarioError("\n".join(dict.fromkeys(wrong)))
    return experiment


def _dotted(key: str) -> Iterator[str]:
    """A key with each of its underscores a dot, as Python's names of arguments cannot have one."""
    return (f"{key[:i]}.{key[i + 1 :]}" for i, sign in enumerate(key) if sign == "_")


def _is_key(model: type[BaseModel], key: str) -> bool:
    """Whether a key with a dot stands in one of the model's tables."""
    table, _, rest = key.partition(".")
    parts = get_args(own.annotation) or (own.annotation,) if (own := model.model_fields.get(table)) else ()
    return any(isinstance(one, type) and issubclass(one, BaseModel) and rest in one.model_fields for one in parts)


def _changes(label: str, said: Any, file: str, mistakes: list[str]) -> list[tuple[str, dict[str, Any]]]:
    """Each variant's name and what it changes, the file as it stands first."""
    changes: list[tuple[str, dict[str, Any]]] = [(label, {})]
    if not isinstance(said, dict):
        mistakes.append(f"{file}: variants is {shown(said)}; want tables, one a variant: [variants.bounded]")
    elif wrong := [name for name, change in said.items() if not isinstance(change, dict)]:
        for name in wrong:
            key = f"variants.{quoted(name)}"
            mistakes.append(f"{file}: {key} is {shown(said[name])}; want a table of what it changes: [{key}]")
    elif "" in said:
        mistakes.append(f'{file}: variants has one without a name; want [variants."a name"]')
    else:
        changes += said.items()
        if label in said:
            mistakes.append(f"{file}: label is {label!r}; want another name than its variants have")
    return changes


def _variants(
    model: type[BaseModel],
    base: dict[str, Any],
    changes: list[tuple[str, dict[str, Any]]],
    head: Head | None,
    file: str,
    folder: Path,
    mistakes: list[str],
) -> list[Variant]:
    """Every variant at every point of the levers, up to the first mistake of each."""
    sweep, seed = (head.sweep, head.seed) if head else (None, 1)
    variants: list[Variant] = []
    for i, (name, change) in enumerate(changes):
        is_own = i > 0
        prefix = f"variants.{quoted(name)}." if is_own else ""
        whole, points = merge(base, change), list(lever_points(sweep, seed))
        mistakes += _set_anew(file, name, change, points) if is_own else ()
        for point in points:
            table, told = copy.deepcopy(whole), len(mistakes)
            for key, value in point:
                try:
                    put(table, path_of(key), value)
                except Refusal as error:
                    mistakes.append(f"{file}: sweep.levers.{quoted(key)}: {error}")
            if len(mistakes) > told:
                break
            swept = tuple(path_of(key) for key, _ in point)
            scenario = checked(model, table, file, prefix, folder, mistakes, change if is_own else None, swept)
            if scenario is None:
                break
            variants.append(Variant(name, scenario, point))
        if mistakes and not is_own:
            break  # a variant of a wrong scenario repeats its mistakes
    return variants


def _set_anew(file: str, name: str, change: dict[str, Any], points: Sequence[Point]) -> Iterator[str]:
    """What a variant sets and every point of the levers then sets anew, so that it would bear its name for nothing."""
    always = set.intersection(*({key for key, _ in point} for point in points)) if points else set()
    for key, parts in sorted((key, path_of(key)) for key in always):
        if any(own[: len(parts)] == parts for own in leaves(change, ())):
            yield (
                f"{file}: variants.{quoted(name)} sets {key}, which sweep.levers.{quoted(key)} sets anew everywhere; "
                "want it among the lever's values, or variants that leave it alone"
            )


def _wrong_uncertainties(experiment: Experiment, sweep: Sweep) -> Iterator[str]:
    """Both ends of every range, and every value of a list, each alone; and ranges of what is no number."""
    for part, spans in (("levers", sweep.levers), ("uncertainties", sweep.uncertainties)):
        for key, span in spans.items():
            if span.is_range and (wrong := not_one_number(experiment.raw, key)):
                yield f"{experiment.file}: {wrong} (in sweep.{part}.{quoted(key)})"
    for key, span in sweep.uncertainties.items():
        for value in span.values or (span.min, span.max):
            try:
                experiment.drawn(0, ((key, value),))
            except ScenarioError as error:
                yield from (f"{line} (in sweep.uncertainties.{quoted(key)})" for line in str(error).splitlines())
                break
