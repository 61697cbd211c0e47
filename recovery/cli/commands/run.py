"""Run experiments, answer for the DNS race in them, and draw the report of what ran."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from recovery.cli import options, reports, say
from recovery.cli.drawing import drawn_page
from recovery.cli.guard import ending, hint
from recovery.cli.status import Status
from recovery.errors import Refusal

if TYPE_CHECKING:
    from recovery.reading.experiment import Experiment

FAILURES_MAX = 5  # failed runs that are told; the rest stands in summary.json


@click.command()
@click.argument("experiments", nargs=-1, type=click.Path())
@click.option(
    "--incident",
    "incidents",
    multiple=True,
    metavar="NAME",
    help="Run a public incident; `recovery incidents` lists them.",
)
@options.set_
@options.policies
@options.seed
@options.replications
@options.threads
@options.json
@options.out
@options.reuse
@options.no_report
@reports.options
def run(
    experiments: tuple[str, ...],
    incidents: tuple[str, ...],
    overrides: tuple[str, ...],
    seed: int | None,
    replications: int | None,
    threads: int | None,
    as_json: bool,
    out: Path,
    reuse: bool,
    no_report: bool,
    markdown: Path | None,
    junit: Path | None,
) -> Status:
    """Run experiments, print the table of results, and write numbers, curves and the report."""
    from recovery.reading.incident import find
    from recovery.reading.race import is_race

    experiments += tuple(str(find(name).file) for name in incidents)
    if not experiments:
        raise click.UsageError("Missing argument 'EXPERIMENTS...'; want a file, or --incident NAME.")
    alone = [path for path in experiments if is_race(path)]
    if alone and as_json and len(experiments) > 1:
        raise Refusal(f"{alone[0]} has the DNS race alone; want it by itself with --json")
    status, wanted = Status.WELL, reports.Reports(markdown, junit)
    for path in alone:
        status = max(status, _race(path, overrides, seed, threads, as_json, out, no_report, wanted))
    loaded = [
        options.load(path, overrides, seed=seed, replications=replications) for path in experiments if path not in alone
    ]
    if not loaded:
        return max(status, wanted.write())
    names = [experiment.name for experiment in loaded]
    if len(set(names)) < len(names):
        raise Refusal(
            f"two experiments have the same file name, and so the same folder under {out}; "
            "want one at a time, each with its own --out"
        )
    for experiment in loaded:
        if experiment.head.sweep is not None and experiment.head.sweep.uncertainties:
            raise Refusal(f"{experiment.file}: sweep.uncertainties is set; want recovery sweep {experiment.file}")
    results: list[dict[str, object]] = []
    for experiment in loaded:
        ended, result = _run(experiment, threads, as_json, out, reuse, no_report, wanted)
        status = max(status, ended)
        results.append(result)
        if ended is Status.INTERRUPTED:
            break
    if as_json:
        say.print_json({"runs": results})
    return max(status, wanted.write())


def _run(
    experiment: "Experiment",
    threads: int | None,
    as_json: bool,
    out: Path,
    reuse: bool,
    no_report: bool,
    wanted: reports.Reports,
) -> tuple[Status, dict[str, object]]:
    """Run one experiment, and say what came of it."""
    from recovery.show import text
    from recovery.show.answers.run import answer_of
    from recovery.store import folder
    from recovery.study import execute, machine

    if lost := folder.replaced_in(out, experiment.name, experiment.file, experiment.overrides):
        say.talk(lost)
    with hint("nothing is kept, no run was done yet", KeyboardInterrupt):
        finished = execute.run(experiment, out=out, threads=threads or machine.cores(), quiet=as_json, reuse=reuse)
    status = max(
        Status.FAILED if finished.failures else Status.WELL,
        say.status_of(bound.holds for bound in finished.summary.expect),
    )
    answer = answer_of(finished.manifest, finished.summary)
    if not as_json:
        click.echo(text.results(finished.manifest, finished.summary, [str(answer)]))
        if finished.summary.services is not None:
            from recovery.show import services_text

            click.echo("\n" + services_text.told(finished.summary.services))
    if finished.trouble:
        say.talk(finished.trouble)
        status = max(status, Status.OURS)
    page = None
    if finished.folder is not None and not no_report:
        page, drawn = drawn_page(finished.folder, reuse)
        status = max(status, drawn)
    elif finished.folder is not None:
        say.of_older_page(finished.folder)
    if page and not as_json:
        click.echo(f"\nreport: {page}")
    failed = []
    for failure in finished.failures:
        where = ", ".join([failure.variant, *(f"{key}={value}" for key, value in failure.levers.items())])
        failed.append(f"failed: {where}, replication {failure.replication}: {failure.error}")
    for line in failed[:FAILURES_MAX]:
        say.talk(line)
    if len(finished.failures) > FAILURES_MAX:
        say.talk(f"… and {len(finished.failures) - FAILURES_MAX} more")
    kept = str(finished.folder) if finished.folder else None
    if not finished.is_whole:
        say.talk(f"interrupted: {finished.done} of {finished.wanted} runs are {f'kept in {kept}' if kept else 'done'}")
        status = Status.INTERRUPTED
        failed.append(f"interrupted: {finished.done} of {finished.wanted} runs are done")
    if wanted.are_wanted:
        from recovery.show import junit, markdown

        wanted.add(
            markdown.of_run(finished.manifest, finished.summary, answer),
            junit.of_bounds(finished.manifest.name, finished.summary.expect, failed, finished.manifest.wall_s),
        )
    told = {"answer": answer.model_dump(mode="json"), "summary": finished.summary}
    return status, {"folder": kept, "report": str(page) if page else None, **told}


def _race(
    path: str,
    overrides: tuple[str, ...],
    seed: int | None,
    threads: int | None,
    as_json: bool,
    out: Path | None,
    no_report: bool,
    wanted: reports.Reports,
) -> Status:
    """Answer for the race of a file; with a folder `out` it is kept there, and drawn if the file has nothing else."""
    from recovery.errors import ScenarioError
    from recovery.reading.race import has_race, is_race, load_any
    from recovery.show import race_text
    from recovery.show.answers.race import answer_of
    from recovery.study import machine, race
    from recovery.study.summary import notes_of

    loaded = load_any(path, (*overrides, *([f"seed={seed}"] if seed is not None else [])))
    if not has_race(loaded):
        raise ScenarioError(f"{path}: dns is missing; want a table [dns]: Planner, Enactors, records")
    count = threads or machine.cores()
    try:
        folder, summary, trouble = (
            (None, race.answer(loaded, count), "") if out is None else race.run(loaded, out=out, threads=count)
        )
    except ScenarioError:
        raise
    except Refusal as error:
        raise ScenarioError(f"{path}: {error}") from error
    answer = answer_of(summary, notes_of(loaded))
    if not as_json:
        click.echo(race_text.told(f"{loaded.head.title}\n\n{answer}", summary))
    page = None
    if folder is not None and not no_report and is_race(path):
        from recovery.show import race_page

        try:
            with hint(f"the numbers are in {folder}", OSError):
                page = race_page.write(folder)
        except OSError as error:
            trouble = ending(error).message
    if as_json:
        told = {"answer": answer.model_dump(mode="json"), "summary": summary.model_dump(mode="json")}
        say.print_json({"folder": folder, "report": page, **told})
    elif page:
        click.echo(f"\nreport: {page}")
    if wanted.are_wanted:
        from recovery.show import markdown

        wanted.add(markdown.of_race(loaded.head.title, summary))
    if trouble:
        say.talk(trouble)
    return Status.OURS if trouble else Status.WELL


@click.command()
@click.argument("experiment", type=click.Path())
@options.set_
@options.policies
@options.seed
@options.threads
@options.json
def dns(experiment: str, overrides: tuple[str, ...], seed: int | None, threads: int | None, as_json: bool) -> Status:
    """Analyze the DNS race of a file with [dns]: how often is a record left empty?

    For each guardrail it says whether that is still possible, and what the guardrail costs. If the file has nothing but
    the race, `recovery run` also writes a report.
    """
    return _race(experiment, overrides, seed, threads, as_json, None, True, reports.Reports(None, None))


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--redact",
    is_flag=True,
    help="Write redacted.html instead, for readers outside the company: only ratios, without names, counts or times.",
)
@click.option("--png", is_flag=True, help="Write the pictures as PNG, too, not only as SVG.")
@options.json
def report(folder: Path, redact: bool, png: bool, as_json: bool) -> None:
    """Write the report of a folder of results again."""
    from recovery.show import figures, pages, redacted
    from recovery.show import page as shared

    with figures.without_help(), shared.with_png(png):
        page = redacted.write(folder) if redact else pages.write(folder)
    if as_json:
        say.print_json({"report": str(page)})
    else:
        click.echo(page)
