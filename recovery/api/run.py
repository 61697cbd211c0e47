"""What a run gave: numbers as records and Polars frames, pictures, and the words of the command."""

import os
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from recovery.errors import ScenarioError
from recovery.measures import register
from recovery.measures.renewals import RENEWED
from recovery.show import text
from recovery.show.answers.run import answer_of
from recovery.store import folder
from recovery.store.run_record import Row

if TYPE_CHECKING:
    import polars as pl

    from recovery.api.plot import Plot
    from recovery.show.answers.answer import Answer
    from recovery.show.figures import Picture
    from recovery.store.run_record import Failure, RunManifest, Summary
    from recovery.study.keeping import Results


class Run:
    """A run of a scenario: every variant, every replication. It cannot be changed."""

    def __init__(self, results: "Results") -> None:
        """Not to be called: `Scenario.run` and `recovery.read` make runs."""
        self._results = results

    @property
    def manifest(self) -> "RunManifest":
        """What was run, with what: scenario, seed, threads, versions."""
        return self._results.manifest

    @property
    def summary(self) -> "Summary":
        """All results but the curves: a row a run, a group a variant, milestones, bounds (summary.json)."""
        return self._results.summary

    @property
    def series(self) -> "pl.DataFrame":
        """The curves: a row a window of the first replication of each variant, with `variant`, `levers`, `time_s` and
        the columns of series.parquet. Without rows where curves are not kept (more than 40 variants).
        """
        import polars as pl

        return pl.DataFrame() if self._results.series is None else self._results.series

    @property
    def rows(self) -> "pl.DataFrame":
        """A row a run: `variant`, the levers, `seed`, `replication`, `verdict`, `cpu_s` and every measure by its name,
        in the order of the register; inf: never, nan: not measured. `ttr_renewed_s` is inf where counts of renewals
        tell no latest time, too; `renewed_from_s` stands beside it, when all have renewed at the earliest (inf: not
        before the end).
        """
        return self._frame(Row.of)

    @property
    def judged(self) -> "pl.DataFrame":
        """The same, each measure as the run is judged by it: a time to recovery is that of the last return where leases
        were lost once more, and inf where the run collapses after it was well for a while (there the efficiency is 0).
        """
        return self._frame(Row.for_good)

    def _frame(self, of: Callable[[Row, str], float]) -> "pl.DataFrame":
        import polars as pl

        found = self.summary.rows
        has = {name for row in found for name in row.measures}
        names = [name for name in dict.fromkeys(one.name for one in register.TABLE) if name in has]
        return pl.DataFrame(
            [
                {
                    "variant": row.variant,
                    **row.levers,
                    "seed": row.seed,
                    "replication": row.replication,
                    "verdict": row.verdict,
                    "cpu_s": row.cpu_s,
                    **{name: of(row, name) for name in names},
                    **({"renewed_from_s": row.renewed_s[0]} if RENEWED in has else {}),
                }
                for row in found
            ],
            infer_schema_length=None,
        )

    @property
    def answer(self) -> "Answer":
        """What happened, why, the one change that helps most, how sure, and what it rests on. A notebook shows it;
        `str` gives it as text.
        """
        return answer_of(self.manifest, self.summary)

    @property
    def verdict(self) -> str:
        """How the runs of the file as it stands ended, without its variants: "recovered", "recovering" (what waits
        becomes less) or "collapsed"; where they differ, that of most, with how many.
        """
        return text.verdict_of(self.summary.groups[0])

    @property
    def holds(self) -> bool | None:
        """Whether every bound of [expect] holds; None where an interval spans a bound, or something was not measured;
        True where there is no bound.
        """
        told = {bound.holds for bound in self.summary.expect}
        return False if "no" in told else True if told <= {"yes"} else None

    @property
    def is_whole(self) -> bool:
        """Whether every run was done, or failed by itself; False after Ctrl-C."""
        return not self.manifest.interrupted

    @property
    def failures(self) -> "list[Failure]":
        """Runs that failed, each with its error."""
        return list(self.summary.failures)

    @property
    def plots(self) -> list[str]:
        """Names of the pictures that `plot` can draw."""
        return [picture.name for picture in self._pictures()]

    def plot(self, name: str | None = None) -> "Plot":
        """A picture by its name (see `plots`); without one, the first. A notebook shows it; `.figure` is Matplotlib's.

        Raises ScenarioError for a name that no picture has.
        """
        from recovery.api.plot import chosen

        return chosen(self._pictures(), name)

    def _pictures(self) -> "list[Picture]":
        from recovery.show import run_figures, tables

        manifest, summary, series = self.manifest, self.summary, self._results.series
        first = run_figures.figures_for(manifest, tables.distinct(manifest, summary), series)
        return [*first, *run_figures.later_for(manifest, summary, series)]

    def save(self, out: str | os.PathLike[str] = "out") -> Path:
        """Write what `recovery run` writes, without the page, to a folder of the scenario's name below `out`: returns
        that folder. `recovery report` draws its page, `recovery.read` reads it again.

        Raises ScenarioError if the folder holds a sweep, OSError if it cannot be written.
        """
        place = Path(out) / self.manifest.name
        if any((place / "parts").glob("*.parquet")):
            raise ScenarioError(f"{place} holds the runs of a sweep, which would be lost; want another folder")
        folder.save(place, self._results.files())
        return place

    def __str__(self) -> str:
        return text.results(self.manifest, self.summary, [str(self.answer)])

    def __repr__(self) -> str:
        manifest = self.manifest
        return f"<Run {manifest.name}: {manifest.runs_done} of {manifest.runs_wanted} runs>"

    def _repr_html_(self) -> str:
        left = "" if self.is_whole else f"<p>interrupted: {escape(repr(self)[1:-1])}</p>"
        pictures = self._pictures()
        shown = self.plot()._repr_html_() if pictures else ""
        return f"{left}<pre>{escape(str(self))}</pre>{shown}"
