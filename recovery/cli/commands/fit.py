"""Fit what is not known to what was observed."""

from pathlib import Path

import click

from recovery.cli import options, say
from recovery.cli.guard import ending, hint
from recovery.cli.status import Status
from recovery.errors import Refusal


@click.command()
@click.argument("experiment", type=click.Path(path_type=Path))
@click.option(
    "--range",
    "ranges",
    multiple=True,
    metavar="KEY=LOW..HIGH",
    help="A key to fit, with the range to search: host.timeout=1m..10m.",
)
@click.option(
    "--series",
    type=click.Path(path_type=Path),
    help="File with a measured series: CSV or Parquet with a column time_s, CSV from Grafana, or JSON from Prometheus.",
)
@click.option(
    "--column", default="leased_share", show_default=True, help="Column of the results to compare the series with."
)
@click.option(
    "--field",
    default="",
    help="Name of that column in the file of --series; default: the same name, or the only column.",
)
@click.option(
    "--origin", default="", help="Clock time at which the scenario starts (ISO or Unix), if the series has clock times."
)
@click.option("--of", type=float, help="Total to divide by, if the series has counts and the column is a share.")
@click.option("--percent", is_flag=True, help="The values of the series are percentages.")
@click.option("--without", is_flag=True, help="The series counts those without, such as holders that have no lease.")
@click.option(
    "--over",
    metavar="TIME",
    help="Each value of a flow is the mean of so long before its time: 1m of rate(x[1m]). Default: their distance.",
)
@click.option(
    "--samples",
    type=click.IntRange(1, 10_000),
    default=16,
    show_default=True,
    help="Number of trials with which the search starts.",
)
@options.set_
@options.policies
@options.threads
@options.json
@options.out
@options.no_report
def fit(
    experiment: Path,
    ranges: tuple[str, ...],
    series: Path | None,
    column: str,
    field: str,
    origin: str,
    of: float | None,
    percent: bool,
    without: bool,
    over: str | None,
    samples: int,
    overrides: tuple[str, ...],
    threads: int | None,
    as_json: bool,
    out: Path,
    no_report: bool,
) -> Status:
    """Fit unknown keys of a scenario to its [[observed]] milestones, or to a measured series.

    Prints the values and how good the fit is. Writes a picture (not with --no-report), and the scenario with these
    values.

    Progress, and about how long a longer fit takes, go to standard error. A fit that is interrupted keeps nothing.
    """
    loaded = options.load(str(experiment), overrides)
    from recovery.show import figures_fit, fit_text
    from recovery.show.answers.fit import answer_of
    from recovery.store import files
    from recovery.study import fit as fits
    from recovery.study import machine
    from recovery.units import duration_s

    try:
        over_s = None if over is None else duration_s(over)
    except ValueError as error:
        raise Refusal(f"--over {over}: {error}") from None
    folder = out / loaded.name / "fit"
    wanted = [fits.range_of(text) for text in ranges]
    if series is None:
        observations = fits.milestones_of(loaded)
    else:
        observations = fits.series_of(
            series, column, loaded, field=field, origin=origin, of=of, in_percent=percent, of_those_without=without,
            over_s=over_s,
        )  # fmt: skip
    is_new = [one for one in (folder, *folder.parents) if not one.exists()]
    files.try_out(folder)
    with hint("nothing is kept, the same command begins anew", KeyboardInterrupt), files.unless_empty(is_new):
        found = fits.fit(
            experiment,
            wanted,
            observations,
            overrides=overrides,
            samples=samples,
            threads=threads or machine.cores(),
            say=say.talk,
        )
    written: list[Path] = []
    status = Status.WELL
    try:
        written = [] if no_report else figures_fit.write(folder, found)
        file, refused = fits.write_scenario(folder, experiment, overrides, found)
        written = [*([file] if file else []), *written]
    except OSError as error:  # what was found is told all the same
        refused, status = ending(error).message, Status.OURS
    answer = answer_of(found, str(experiment), loaded.overrides)
    if as_json:
        table = {"answer": answer.model_dump(mode="json"), **found.model_dump(mode="json", exclude={"picture"})}
        say.print_json({**table, "files": [str(file) for file in written]})
    else:
        click.echo(f"{answer}\n\n{fit_text.told(found)}")
        click.echo("\n".join(str(file) for file in written))
    if refused:
        say.talk(refused)
    return status
