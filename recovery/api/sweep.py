"""A sweep: every policy over everything that is not known, ranked and compared."""

import os
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from recovery.api import notebook
from recovery.api.refusal import refused
from recovery.api.scenario import Scenario, Value, load
from recovery.measures.for_good import is_judged, of_rows
from recovery.show import sweep_text
from recovery.show.answers.sweep import answer_of
from recovery.store import sweep_record
from recovery.store.parts import runs_of_sweep
from recovery.study import machine, runs, warm
from recovery.study import sweep as sweeps

if TYPE_CHECKING:
    import polars as pl

    from recovery.api.plot import Plot
    from recovery.show.answers.answer import Answer
    from recovery.show.figures import Picture
    from recovery.store.sweep_record import Summary


class Sweep:
    """A finished sweep, in its folder."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        """Of the folder that `recovery sweep` or `recovery.sweep` wrote. Raises ScenarioError if it holds none."""
        self.folder = Path(folder)
        with refused():
            self._summary = sweep_record.read(self.folder)

    @property
    def summary(self) -> "Summary":
        """All results but the runs: policies in the order of their ranks, the selection, the design (summary.json)."""
        return self._summary

    @property
    def rows(self) -> "pl.DataFrame":
        """A row a run (runs.parquet): its key, policy, draw, inputs and every measure; inf: never. `error` is null
        where the run was done.
        """
        with refused():
            return runs_of_sweep(self.folder)

    @property
    def judged(self) -> "pl.DataFrame":
        """The same, each measure as the run is judged by it: a time to recovery is that of the last return where leases
        were lost once more, and inf where the run collapses after it was well for a while (there the efficiency is 0).
        """
        import polars as pl

        rows = self.rows
        own = {name: pl.lit(pl.Series(of_rows(rows, name))) for name in rows.columns if is_judged(name)}
        return rows.with_columns(
            pl.when(pl.col(name).is_null()).then(None).otherwise(values).alias(name) for name, values in own.items()
        )

    @property
    def answer(self) -> "Answer":
        """What happened as the file stands, which lever decides, the policy that helps most, how sure, and what it
        rests on. A notebook shows it; `str` gives it as text.
        """
        return answer_of(self.summary)

    @property
    def answers(self) -> list[str]:
        """What the sweep says beside its answer, a sentence each: what failed, what is not known well, traps."""
        return list(self.summary.answers)

    @property
    def chosen(self) -> str | None:
        """Name of the policy that is chosen: surely best, or the first of those that no run tells apart; None if the
        sweep does not tell.
        """
        return next((one.name for one in self.summary.policies if one.is_chosen), None)

    def rank(self, most: int | None = None) -> "pl.DataFrame":
        """A row a policy, best first: `rank`, `policy`, `id`, its levers, `status`, `not_told_apart`, `is_chosen`,
        `runs`; `mean_s` with `low_s` and `high_s` (95 %; never counts as `summary.limit_s`), `if_recovered_s`,
        `never_share` with `never_high_share`, `worst_regret_s`.
        """
        import polars as pl

        return pl.DataFrame(
            [
                {
                    "rank": one.rank,
                    "policy": one.name,
                    "id": one.id,
                    **one.levers,
                    "status": one.status,
                    "not_told_apart": one.not_told_apart,
                    "is_chosen": one.is_chosen,
                    "runs": one.runs,
                    "mean_s": one.restricted.mean,
                    "low_s": one.restricted.low,
                    "high_s": one.restricted.high,
                    "if_recovered_s": one.given_recovery.mean,
                    "never_share": one.not_recovered.share,
                    "never_high_share": one.not_recovered.high,
                    "worst_regret_s": one.regret.max,
                }
                for one in self.summary.policies[:most]
            ],
            infer_schema_length=None,
        )

    def compare(self, first: str, *others: str) -> "pl.DataFrame":
        """Paired differences of policies (name, id or rank) from the first, over the draws that both have: a row each,
        with `policy`, `than`, `difference_s` and its interval `low_s`, `high_s`, `sooner_share`, `later_share`,
        `draws` and `verdict`. Raises ScenarioError for a name that is none.
        """
        import polars as pl

        with refused():
            rows = sweeps.compared(self.folder, (first, *others))
        return pl.DataFrame(
            [
                {
                    "policy": row.policy,
                    "than": row.than,
                    "difference_s": row.difference_s.mean,
                    "low_s": row.difference_s.low,
                    "high_s": row.difference_s.high,
                    "sooner_share": row.sooner_share,
                    "later_share": row.later_share,
                    "draws": row.draws,
                    "verdict": row.verdict,
                }
                for row in rows
            ]
        )

    @property
    def plots(self) -> list[str]:
        """Names of the pictures that `plot` can draw."""
        return [picture.name for picture in self._pictures()]

    def plot(self, name: str | None = None) -> "Plot":
        """A picture by its name (see `plots`); without one, the first. Raises ScenarioError."""
        from recovery.api.plot import chosen

        return chosen(self._pictures(), name)

    def _pictures(self) -> "list[Picture]":
        from recovery.show import report_sweep

        with refused():
            return report_sweep.pictures(self.folder)

    def __str__(self) -> str:
        return "\n".join([str(self.answer), "", sweep_text.ranked(self.summary, most=30), "", *self.answers])

    def __repr__(self) -> str:
        return f"<Sweep {self.folder.name}: {len(self.summary.policies)} policies, {self.summary.runs.done} runs>"

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>{self.plot()._repr_html_()}"


def sweep(
    scenario: Scenario | str | os.PathLike[str],
    *,
    out: str | os.PathLike[str] = "out",
    resume: bool = True,
    replications: int | None = None,
    seed: int | None = None,
    threads: int | None = None,
    backend: str = "threads",
    address: str | None = None,
    progress: bool = True,
    reuse: bool = True,
) -> Sweep:
    """Run every policy of a scenario or a file until each is known well enough, in a folder of its name below `out`, as
    `recovery sweep` does. With `resume` runs that are there and still the same are not run again; with `reuse` runs
    that have the same leases, or the same of any other stage, run it once, and the numbers are the same without.
    `backend` is "threads", "processes" or "dask", which has an `address`.

    Ctrl-C (KeyboardInterrupt) keeps what was done: the same call goes on. Raises ScenarioError, ConnectionError if a
    scheduler is lost, OSError if the folder cannot be written.
    """
    loaded = scenario if isinstance(scenario, Scenario) else load(scenario)
    head = {"replications": replications, "seed": seed}
    given: dict[str, Value] = {key: value for key, value in head.items() if value is not None}
    experiment = (loaded.with_(given) if given else loaded)._experiment
    with refused():
        place = runs.backend(backend, threads or machine.cores(), address)
        sweeps.wanted(experiment)
        if backend != "dask":
            machine.refuse_if_too_large(experiment, place.workers)
        warm.for_runs(experiment.variants, quiet=not progress)
        with notebook.counted(is_wanted=progress) as tell:
            folder, _ = sweeps.run(experiment, out=Path(out), place=place, resume=resume, tell=tell, reuse=reuse)
    return Sweep(folder)
