"""A scenario in memory: read, changed by keys, explained, run."""

import functools
import os
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from recovery import theory
from recovery.api import notebook
from recovery.api.refusal import refused
from recovery.api.run import Run
from recovery.errors import ScenarioError
from recovery.reading import experiment, toml_edit
from recovery.reading.keys import left_out
from recovery.show import text
from recovery.show.answers import foretold
from recovery.show.answers.scenario import answer_of
from recovery.simulate.explain import explanation
from recovery.simulate.reuse import Known
from recovery.stages.engines import engine_of
from recovery.study import execute, machine, warm
from recovery.study.resolved import lasting, others_resolved, own_files, resolved, rules_of_stages, written_outages
from recovery.study.summary import explained, notes_of

if TYPE_CHECKING:
    import polars as pl

    from recovery.reading.experiment import Experiment
    from recovery.show.answers.answer import Answer
    from recovery.store.run_record import Explained

Value = str | int | float | bool | list["Value"] | dict[str, "Value"]
"""What a key of a file may be set to: durations, rates and shares are texts, as in a file: "5m", "200/s", "10%". A
number or an array of NumPy is taken as Python's."""


class Scenario:
    """A scenario that was checked, with its variants and all else that its file says. It cannot be changed: `with_`
    gives another.
    """

    def __init__(self, checked: "Experiment", known: Known | None = None) -> None:
        """Not to be called: `load` and `parse` make scenarios."""
        self._experiment = checked
        self._known = known or Known()  # what its runs gave, and those of scenarios that `with_` makes of it

    @property
    def name(self) -> str:
        """Name of the file without its ending; results lie in a folder of this name."""
        return self._experiment.name

    @property
    def title(self) -> str:
        """What the file calls itself."""
        return self._experiment.head.title or self.name

    @property
    def variants(self) -> list[str]:
        """Names of its variants, in order; a variant that is swept stands there once."""
        return list(dict.fromkeys(variant.name for variant in self._experiment.variants))

    def with_(self, changes: Mapping[str, Value] | None = None, /, **more: Value) -> "Scenario":
        """The scenario with keys set, as `--set` does: `with_(**{"host.timeout": "5m"})`, or a mapping of the same.
        A key whose first part is the same in all variants is set in all of them. A table takes the place of the whole
        table: name the key in it, "host.timeout", to keep the rest. A whole part such as `host` is refused where the
        file has more keys there.

        Raises ScenarioError.
        """
        given = {**(changes or {}), **more}
        for key, value in given.items():
            if wrong := left_out(self._experiment.raw, key, value):
                raise ScenarioError(f"{key}: {wrong}")
        overrides = [f"{key}={_literal(key, value)}" for key, value in given.items()]
        return Scenario(experiment.changed(self._experiment, overrides), self._known)

    def run(
        self,
        *,
        replications: int | None = None,
        seed: int | None = None,
        threads: int | None = None,
        progress: bool = True,
        reuse: bool = True,
    ) -> Run:
        """Run every variant in threads of this process; nothing is written. `progress` shows how far it is, in a
        notebook or on a terminal. With `reuse` a stage that this scenario, or one that was made of it by `with_`, has
        run already does not run again; the numbers are the same without.

        After Ctrl-C (in a notebook: interrupt the kernel) the Run holds what was done by then, and its `is_whole` is
        False. Raises ScenarioError, also for a scenario that needs more memory than there is; KeyboardInterrupt if no
        run was done; and what the first run raised if all failed.
        """
        head = {"replications": replications, "seed": seed}
        given: dict[str, Value] = {key: value for key, value in head.items() if value is not None}
        checked = (self.with_(given) if given else self)._experiment
        if checked.head.sweep is not None and checked.head.sweep.uncertainties:
            raise ScenarioError(f"{checked.file}: sweep.uncertainties is set; want recovery.sweep({checked.file!r})")
        count = threads if threads is not None else machine.cores()
        if count < 1:
            raise ScenarioError(f"threads is {threads}; want a whole number from 1")
        warm.for_runs(checked.variants, quiet=not progress)
        show = functools.partial(notebook.progress, is_wanted=progress)
        known = self._known if reuse else None
        return Run(execute.simulate(checked, threads=count, show=show, known=known))

    def explain(self) -> "pl.DataFrame":
        """r1 … r5, hidden capacity and the fluid bound of the first variant, without a run: a row each, with columns
        name, value, formula, numbers, meaning, and symbols: what those of the formula are that no row before it has.
        """
        import polars as pl

        rows = self._explained()
        legends = theory.legends([row.formula for row in rows])
        return pl.DataFrame(
            [
                {"name": row.name, "value": row.value, "formula": row.formula, "numbers": row.numbers,
                 "meaning": row.meaning, "symbols": symbols}
                for row, symbols in zip(rows, legends, strict=True)
            ]
        )  # fmt: skip

    @property
    def answer(self) -> "Answer":
        """What theory says of the first variant before anything runs: what will limit it, and what to try."""
        checked, first = self._experiment, self._experiment.first
        scenario, notes = resolved(first.scenario), notes_of(checked)
        files = own_files(checked.variants)
        return answer_of(
            checked.file, first.name, scenario, notes, given=checked.overrides, policies=files,
            outages=written_outages(first.scenario),
            lasts=lasting(first.scenario), variants=others_resolved(checked.variants),
        )  # fmt: skip

    def _explained(self) -> "list[Explained]":
        rows = explanation(self._experiment.first.scenario)
        return [explained(row) for row in rows]

    def __repr__(self) -> str:
        return f"<Scenario {self.name}: {', '.join(self.variants)}>"

    def _repr_html_(self) -> str:
        experiment = self._experiment
        title = f"{self.title} ({experiment.first.name})\n\n{self.answer}"
        scenario = experiment.first.scenario
        known, of_stages, engine = resolved(scenario), rules_of_stages(scenario), engine_of(scenario)
        others = foretold.lines(known, others_resolved(experiment.variants))
        told = text.explained(title, self._explained(), notes_of(experiment), known, engine, of_stages, others)
        return f"<pre>{escape(told)}</pre>"


def load(path: str | os.PathLike[str], policies: Iterable[str | os.PathLike[str]] = ()) -> Scenario:
    """Read and check the scenario in a file. `policies` are Python files with policies of one's own, whose code is run;
    from then on scenarios of this process may name them, of an edited file as it was read last.

    Raises ScenarioError with every mistake, a line each.
    """
    _named(policies)
    return Scenario(experiment.load(Path(path)))


def parse(text: str, name: str = "scenario", policies: Iterable[str | os.PathLike[str]] = ()) -> Scenario:
    """Check a scenario that is given as TOML; files that it names are looked for in the current folder. `policies` as
    in `load`. Raises ScenarioError with every mistake, a line each.
    """
    _named(policies)
    return Scenario(experiment.parse(text, name=name))


def _named(files: Iterable[str | os.PathLike[str]]) -> None:
    """Let scenarios name the policies of these files."""
    if paths := [Path(file) for file in files]:
        from recovery.stages.sessions import own

        with refused():
            own.load(paths)


def _literal(key: str, value: Value) -> str:
    """The value as a file would have it. Raises ScenarioError for what no file can have."""

    def plain(one: object) -> object:
        if isinstance(one, dict):
            return {name: plain(part) for name, part in one.items()}
        if isinstance(one, list | tuple):
            return [plain(part) for part in one]
        one = one.tolist() if hasattr(one, "tolist") else one  # of NumPy: Python's number, or a list
        if isinstance(one, list):
            return plain(one)
        if not isinstance(one, str | int | float):
            raise ScenarioError(f"{key} is {one!r}; want a text, a number, a truth value, a list or a table")
        return one

    return toml_edit.literal(plain(value))
