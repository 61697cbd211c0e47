"""Sweeps: run one, or part of one, find a threshold, rank what ran, run one run again."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from recovery.cli import options, reports, say
from recovery.cli.drawing import drawn_page
from recovery.cli.guard import ending, hint
from recovery.cli.status import Status
from recovery.errors import Refusal

if TYPE_CHECKING:
    from recovery.show.answers.answer import Answer
    from recovery.store.sweep_record import Summary


@click.command()
@click.argument("experiment", type=click.Path())
@options.set_
@options.policies
@options.seed
@click.option(
    "--replications", type=click.IntRange(1), help="Least number of replications, each with random numbers of its own."
)
@options.place
@options.out
@click.option(
    "--resume",
    is_flag=True,
    help="Continue the sweep in the folder: run only what is new, changed or failed. "
    "A run that killed its worker is left out.",
)
@click.option("--shard", metavar="I/N", help="Run only part I of N, so that several machines can share the sweep.")
@click.option(
    "--dry-run",
    is_flag=True,
    help="Time a few runs, then print how many runs there will be, how long they take and how much they write.",
)
@click.option("--csv", is_flag=True, help="Write runs.csv, too, not only runs.parquet.")
@options.reuse
@options.no_report
@reports.options
@options.json
def sweep(
    experiment: str,
    overrides: tuple[str, ...],
    seed: int | None,
    replications: int | None,
    threads: int | None,
    backend: str,
    address: str | None,
    tls_ca_file: str | None,
    tls_cert: str | None,
    tls_key: str | None,
    out: Path,
    resume: bool,
    shard: str | None,
    dry_run: bool,
    csv: bool,
    reuse: bool,
    no_report: bool,
    markdown: Path | None,
    junit: Path | None,
    as_json: bool,
) -> Status:
    """Run every policy with every draw of the unknown values, until each policy is known well enough.

    If a sweep was interrupted, --resume continues it.
    """
    loaded = options.load(experiment, overrides, seed=seed, replications=replications)
    from recovery.show import sweep_text
    from recovery.show.answers.sweep import answer_of
    from recovery.study import machine, progress, warm
    from recovery.study import runs as executors
    from recovery.study import sweep as sweeps

    tls = options.tls(tls_ca_file=tls_ca_file, tls_cert=tls_cert, tls_key=tls_key)
    folder = out / loaded.name
    with (
        hint("what was done is kept, go on with --resume", OSError),
        hint(f"what was done is kept in {folder}, go on with --resume", KeyboardInterrupt),
    ):
        place = executors.backend(backend, threads or machine.cores(), address, tls)
        if dry_run:
            warm.for_runs(loaded.variants, as_json)
            planned = sweeps.plan(loaded)
            if as_json:
                say.print_json(planned.model_dump())
            else:
                click.echo(sweep_text.planned(planned, place.workers))
            return Status.WELL
        sweeps.wanted(loaded)
        size = sweep_text.Size(sweeps.most_of(loaded), sweeps.key_of_most(loaded), sweeps.draws_of_one(loaded))
        if few := sweep_text.too_few(len(loaded.variants), size, sweeps.units_that_tell(loaded)):
            say.talk(few)
        if backend != "dask":
            machine.refuse_if_too_large(loaded, place.workers)
        warm.for_runs(loaded.variants, as_json)
        part = None if shard is None else sweeps.shard_of(shard)
        if not (as_json or resume) and (long := sweeps.foretold(loaded, place.workers, part[1] if part else 1)):
            say.talk(long)
        with progress.counted(quiet=as_json) as tell:
            if part is not None:
                runs = sweeps.run_shard(loaded, out=out, place=place, shard=part, tell=tell, reuse=reuse)
                if as_json:
                    say.print_json({"folder": str(folder), "shard": list(part), "runs": runs})
                else:
                    click.echo(f"{runs} runs of part {shard} are in {folder}; after all parts: --resume")
                return Status.WELL
            folder, summary = sweeps.run(
                loaded, out=out, place=place, resume=resume, tell=tell, say=say.talk, reuse=reuse
            )
    status, page = Status.WELL, None
    if csv:
        try:
            sweep_text.write_csv(folder)
        except OSError as error:
            say.talk(ending(error).message)
            status = Status.OURS
    if not no_report:
        page, drawn = drawn_page(folder, reuse)
        status = max(status, drawn)
    else:
        say.of_older_page(folder)
    answer = answer_of(summary)
    if as_json:
        told = {"answer": answer.model_dump(mode="json"), "summary": summary.model_dump()}
        say.print_json({"folder": str(folder), "report": str(page) if page else None, **told})
    else:
        click.echo(f"{answer}\n")
        click.echo(sweep_text.ranked(summary, most=30))
        click.echo("".join(f"\n{one}" for one in summary.answers))
        if page:
            click.echo(f"\nreport: {page}")
    names = {one.id: one.in_words for one in summary.policies}
    failed = [f"failed: “{names[one.policy_id]}”: {one.error} ({one.command})" for one in summary.failures]
    for line in failed[:5]:
        say.talk(line)
    status = max(status, _told(loaded.head.title or loaded.name, summary, answer, failed, markdown, junit))
    bounds = say.status_of(bound.holds for bound in summary.expect)
    return max(status, Status.FAILED if summary.failures else Status.WELL, bounds)


def _told(
    title: str, summary: "Summary", answer: "Answer", failed: Sequence[str], markdown: Path | None, junit: Path | None
) -> Status:
    """What a CI wants of a sweep."""
    from recovery.show import junit as cases
    from recovery.show import markdown as words

    wanted = reports.Reports(markdown, junit)
    wanted.add(words.of_sweep(title, summary, answer), cases.of_bounds(title, summary.expect, failed))
    return wanted.write()


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--most",
    type=click.IntRange(1),
    default=1000,
    show_default=True,
    help="Print at most this many policies, best first.",
)
@options.json
def rank(folder: Path, most: int, as_json: bool) -> None:
    """Rank the policies of a finished sweep: time with its interval, chance that it never recovers, regret, harm."""
    from recovery.show import sweep_text
    from recovery.show.answers.sweep import answer_of
    from recovery.store import sweep_record

    summary = sweep_record.read(folder)
    answer = answer_of(summary)
    if as_json:
        policies = [policy.model_dump() for policy in summary.policies[:most]]
        told = {"answer": answer.model_dump(mode="json"), "selection": summary.selection.model_dump()}
        that_tell = {"replications_that_tell": summary.replications_that_tell}
        say.print_json({**told, **that_tell, "policies": policies})
    else:
        click.echo(f"{answer}\n")
        click.echo(sweep_text.ranked(summary, most))


@click.command()
@click.argument("key")
@click.option(
    "--from",
    "folder",
    type=click.Path(path_type=Path),
    required=True,
    help="Folder of the sweep that contains the run.",
)
@options.policies
@options.json
def replay(key: str, folder: Path, as_json: bool) -> Status:
    """Repeat one run of a sweep exactly, and say whether its results are the same."""
    from recovery.show import sweep_text
    from recovery.study import sweep as sweeps

    told = sweeps.replayed(folder, key)
    if as_json:
        say.print_json(told.model_dump())
    else:
        click.echo(sweep_text.told_replay(told))
    return Status.WELL if told.same else Status.OURS


@click.command()
@click.argument("experiment", type=click.Path())
@click.argument("key")
@click.option("--low", help='One end of the search, written as in the file: "1m"; default: searched for.')
@click.option("--high", help="The other end; the verdict there must be the opposite. Default: searched for.")
@click.option(
    "--confidence",
    type=click.FloatRange(0.5, 0.9999),
    default=0.95,
    show_default=True,
    help="How sure each verdict must be.",
)
@click.option(
    "--tolerance",
    type=click.FloatRange(1e-6),
    default=0.05,
    show_default=True,
    help="Stop when high / low − 1 is this small.",
)
@click.option(
    "--runs", type=click.IntRange(10), default=400, show_default=True, help="Largest number of runs for one value."
)
@click.option(
    "--within",
    metavar="TIME",
    help="Find the value up to which 99 % are back (or, under a rule that spares leases, all have renewed) so soon "
    'after the dependency, such as "10m". '
    "Without it: the value up to which runs do not collapse.",
)
@options.set_
@options.policies
@options.place
@options.out
@options.json
def threshold(
    experiment: str,
    key: str,
    low: str | None,
    high: str | None,
    confidence: float,
    tolerance: float,
    runs: int,
    within: str | None,
    overrides: tuple[str, ...],
    threads: int | None,
    backend: str,
    address: str | None,
    tls_ca_file: str | None,
    tls_cert: str | None,
    tls_key: str | None,
    out: Path,
    as_json: bool,
) -> None:
    """Find the value of KEY at which the scenario turns from recovery to collapse.

    The search is a bisection between --low and --high. If one of them is missing, the search first goes outward from
    the value in the file, to twice and half as much each time.

    At each value replications are added until the chance of the verdict `collapsed` is surely above or below one half.
    A run that still drains at the end of the simulated time does not count as collapsed: ask for a time with --within.
    Each value is printed as soon as it is known. Progress goes to standard error.
    """
    loaded = options.load(experiment, overrides)
    within_s = None
    if within is not None:
        from recovery.units import quantity, show_duration

        found_time = quantity(within)
        most_s = loaded.first.scenario.horizon
        if found_time is None or found_time[0] != "duration" or not 0 < found_time[1] < most_s:
            raise Refusal(f"--within is {within}; want a time shorter than the run ({show_duration(most_s)}): 10m")
        within_s = found_time[1]
    from recovery.show import sweep_text
    from recovery.show.answers.threshold import answer_of
    from recovery.study import machine, warm
    from recovery.study import runs as executors
    from recovery.study import sweep as sweeps

    tls = options.tls(tls_ca_file=tls_ca_file, tls_cert=tls_cert, tls_key=tls_key)
    warm.for_runs(loaded.variants, as_json)
    with hint("what was done is kept, the same command goes on", OSError, KeyboardInterrupt):
        found = sweeps.threshold(
            loaded,
            key,
            low,
            high,
            confidence=confidence,
            tolerance=tolerance,
            most=runs,
            out=out,
            place=executors.backend(backend, threads or machine.cores(), address, tls),
            within_s=within_s,
            known_value=lambda kind, one: (
                None if as_json else click.echo(sweep_text.told_value(key, kind, one, within_s))
            ),
            say=say.talk,
        )
    if as_json:
        say.print_json({"answer": answer_of(found).model_dump(mode="json"), **found.model_dump()})
    else:
        click.echo(f"\n{answer_of(found)}")
