"""The command `recovery`: arguments to calls, no logic. Nothing heavy is imported before it is needed."""

import io
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

import recovery

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from recovery.model.scenario import Experiment

WELL, OURS, USAGE, FAILED, UNSURE, THRESHOLD, INTERRUPTED = 0, 1, 2, 3, 4, 99, 130
FAILURES_MAX = 5  # failed runs that are told; the rest stands in summary.json
ODDITIES_MAX = 5  # a sweep may repeat them with other numbers
TRACEBACK = "RECOVERY_TRACEBACK"  # environment variable: 1 shows tracebacks above errors
SYSTEMS = ("leases", "jobs", "kubernetes", "nomad", "us-east-1")

_set = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change a key of the file, with dots: host.workers=8.",
)
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs instead of text for people.")
_threads = click.option(
    "--threads", type=click.IntRange(1, 1024), help="Threads; default: the cores that this process may use."
)


def _fail(message: object, status: int = USAGE) -> NoReturn:
    if os.environ.get(TRACEBACK) == "1" and sys.exc_info()[0] is not None:
        import traceback

        traceback.print_exc()
    click.echo(str(message), err=True)
    raise SystemExit(status)


def _told(error: BaseException) -> tuple[str, int]:
    """What an error that no command expected is in one line, and its exit status."""
    from recovery.errors import ScenarioError
    from recovery.store.files import Damaged

    if isinstance(error, ScenarioError | Damaged):
        return str(error), USAGE
    if isinstance(error, OSError):
        return _of_disk(error), OURS
    if isinstance(error, MemoryError):
        return "no memory is left; want fewer --threads, or what `recovery check` says of a smaller scenario", OURS
    import traceback

    top = Path(recovery.__file__).resolve().parent.parent
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_ours(Path(frame.filename), top)]
    at = f" at {Path(frames[-1].filename).relative_to(top).as_posix()}:{frames[-1].lineno}" if frames else ""
    text = " ".join(str(error).split())
    return (
        f"this is a bug of recovery, please report it with the command and its files: {type(error).__name__}: "
        f"{text}{at} ({TRACEBACK}=1 shows more)"
    ), OURS


def _is_ours(file: Path, top: Path) -> bool:
    return file.is_relative_to(top / "recovery") or file.is_relative_to(top / "kernels")


def _of_disk(error: OSError, want: str = "") -> str:
    """Which file, and the reason."""
    reason = f"{error.filename or 'output'}: {error.strerror}" if error.strerror else str(error)
    return f"{reason}; {want}" if want else reason


def _load(path: str, overrides: tuple[str, ...], **head: int | None) -> "Experiment":
    from recovery.errors import ScenarioError
    from recovery.model.scenario import load

    try:
        loaded = load(path, (*overrides, *(f"{key}={value}" for key, value in head.items() if value is not None)))
    except ScenarioError as error:
        _fail(error)
    said: set[str] = set()
    for variant in loaded.variants:
        for oddity in variant.scenario.oddities():
            if oddity not in said and len(said) < ODDITIES_MAX:
                click.echo(f"{loaded.file}: note: {oddity} (“{variant.name}”)", err=True)
            said.add(oddity)
    return loaded


def _status_of(expect: "Sequence[Mapping[str, Any]]") -> int:
    holds = {bound["holds"] for bound in expect}
    return THRESHOLD if "no" in holds else UNSURE if holds - {"yes"} else WELL


def _print_json(value: Any) -> None:
    from recovery.store.results import to_json

    click.echo(to_json(value), nl=False)


class _Group(click.Group):
    """Suggests the nearest command for one that is misspelt, and ends every error in a line and a status."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        for word in args:
            try:
                word.encode()
            except UnicodeEncodeError:
                shown = os.fsencode(word).decode("utf-8", "backslashreplace")
                _fail(f"{shown}: is not UTF-8; want names, folders and values in UTF-8")
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError, SystemExit):
            raise
        except KeyboardInterrupt:
            _fail("interrupted", INTERRUPTED)
        except BaseException as error:  # a panic of Polars is no Exception
            _fail(*_told(error))

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            import difflib

            close = difflib.get_close_matches(args[0], self.list_commands(ctx), 1)
            hint = f" Did you mean {close[0]}?" if close else f" Want one of {', '.join(self.list_commands(ctx))}."
            raise click.UsageError(f"No such command {args[0]!r}.{hint}", ctx) from error


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="recovery", message="%(prog)s %(version)s")
def main() -> None:
    """After an outage, a million servers want their lease at once: how long until the control plane works again, and
    which throttling policy makes that shortest?

    Start with `recovery new > mine.toml`, then `recovery explain mine.toml` and `recovery run mine.toml`.

    Exit status: 0 well, 1 our fault, 2 usage or scenario, 3 some runs failed, 4 inconclusive, 99 an [expect] failed,
    130 interrupted (Ctrl-C or SIGTERM).
    """


@main.command()
@click.argument("experiments", nargs=-1, required=True, type=click.Path())
@_set
@click.option("--seed", type=click.IntRange(0), help="Seed of every draw.")
@click.option("--replications", type=click.IntRange(1), help="Runs with other draws of the same variant.")
@_threads
@_json
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("out"),
    show_default=True,
    help="Folder of results.",
)
@click.option("--no-report", is_flag=True, help="Write the numbers only.")
def run(
    experiments: tuple[str, ...],
    overrides: tuple[str, ...],
    seed: int | None,
    replications: int | None,
    threads: int | None,
    as_json: bool,
    out: Path,
    no_report: bool,
) -> None:
    """Run experiments: print the table of results and write numbers, curves and the report."""
    from recovery.study import race

    alone = [path for path in experiments if race.is_race(path)]
    if alone and as_json and len(experiments) > 1:
        _fail(f"{alone[0]} has the DNS race alone; want it by itself with --json")
    for path in alone:
        _race(path, overrides, seed, threads, as_json, out, no_report)
    experiments = tuple(path for path in experiments if path not in alone)
    if not experiments:
        return
    loaded = [_load(path, overrides, seed=seed, replications=replications) for path in experiments]
    names = [experiment.name for experiment in loaded]
    if len(set(names)) < len(names):
        _fail(
            f"two experiments have the same file name, and so the same folder under {out}; "
            "want one at a time, each with its own --out"
        )
    from recovery.show import report as pages
    from recovery.show import text
    from recovery.store import results as store
    from recovery.study import execute

    for experiment in loaded:
        if experiment.head.sweep is not None and experiment.head.sweep.uncertainties:
            _fail(f"{experiment.file}: sweep.uncertainties is set; want recovery sweep {experiment.file}")
    worst = WELL
    results = []
    for experiment in loaded:
        try:
            finished = execute.run(experiment, out=out, threads=threads or execute.cores(), quiet=as_json)
        except KeyboardInterrupt:
            _fail("interrupted before the first run was done: nothing is kept", INTERRUPTED)
        except ValueError as error:
            _fail(error)
        except OSError as error:
            _fail(_of_disk(error, "want a folder that can be written (--out)"))
        if not as_json:
            verdict = pages.verdict(*(store.as_read(part) for part in (finished.manifest, finished.summary)))
            click.echo(text.results(experiment, finished.summary, verdict))
            if "services" in finished.summary:
                from recovery.show import services_text

                click.echo("\n" + services_text.told(finished.summary["services"]))
        if finished.trouble:
            click.echo(finished.trouble, err=True)
            worst = max(worst, OURS)
        page = None
        if finished.folder is not None and not no_report:
            try:
                page = pages.write(finished.folder)
            except OSError as error:
                click.echo(
                    _of_disk(error, f"the numbers are in {finished.folder}, recovery report draws them"), err=True
                )
                worst = max(worst, OURS)
        if page and not as_json:
            click.echo(f"\nreport: {page}")
        for failure in finished.failures[:FAILURES_MAX]:
            where = ", ".join([failure["variant"], *(f"{key}={value}" for key, value in failure["levers"].items())])
            click.echo(f"failed: {where}, replication {failure['replication']}: {failure['error']}", err=True)
        if len(finished.failures) > FAILURES_MAX:
            click.echo(f"… and {len(finished.failures) - FAILURES_MAX} more", err=True)
        folder = str(finished.folder) if finished.folder else None
        results.append({"folder": folder, "report": str(page) if page else None, "summary": finished.summary})
        if not finished.is_whole:
            where = f"kept in {folder}" if folder else "done"
            click.echo(f"interrupted: {finished.done} of {finished.wanted} runs are {where}", err=True)
            worst = INTERRUPTED
            break
        worst = max(worst, FAILED if finished.failures else WELL, _status_of(finished.summary["expect"]))
    if as_json:
        _print_json({"format": 1, "runs": results})
    sys.exit(worst)


def _race(
    path: str,
    overrides: tuple[str, ...],
    seed: int | None,
    threads: int | None,
    as_json: bool,
    out: Path | None,
    no_report: bool,
) -> None:
    from recovery.errors import ScenarioError
    from recovery.show import race_page
    from recovery.study import execute, race

    try:
        loaded = race.load_any(path, (*overrides, *([f"seed={seed}"] if seed is not None else [])))
        if not race.has_race(loaded):
            _fail(f"{path}: dns is missing; want a table [dns]: Planner, Enactors, records")
        count = threads or execute.cores()
        folder, summary, trouble = (
            (None, race.answer(loaded, count), "") if out is None else race.run(loaded, out=out, threads=count)
        )
    except ScenarioError as error:
        _fail(error)
    except ValueError as error:
        _fail(f"{path}: {error}")
    except OSError as error:
        _fail(_of_disk(error, "want a folder that can be written (--out)"))
    if not as_json:
        click.echo(race.told(loaded, summary))
    page = None
    if folder is not None and not no_report and race.is_race(path):
        try:
            page = race_page.write(folder)
        except OSError as error:
            trouble = _of_disk(error, f"the numbers are in {folder}")
    if as_json:
        _print_json({"format": 1, "folder": folder, "report": page, "summary": summary})
    elif page:
        click.echo(f"\nreport: {page}")
    if trouble:
        _fail(trouble, OURS)


@main.command()
@click.argument("experiment", type=click.Path())
@_set
@click.option("--seed", type=click.IntRange(0), help="Seed of every draw.")
@_threads
@_json
def dns(experiment: str, overrides: tuple[str, ...], seed: int | None, threads: int | None, as_json: bool) -> None:
    """Answer for the DNS race of a file with [dns]: how often a record is left empty, whether that is possible at all
    with each guardrail, and what each costs. `recovery run` writes the report of a file with the race alone.
    """
    _race(experiment, overrides, seed, threads, as_json, None, True)


@main.command()
@click.argument("node")
@click.argument("file", required=False, type=click.Path())
@click.option("--services", "table", type=click.Path(), help="Table of services, instead of the one that FILE names.")
@click.option(
    "--for", "lasts", metavar="DURATION", help="As if NODE were wholly down for so long from the start on: 2h."
)
@click.option("--cut", "cut", multiple=True, metavar="A->B", help="Without this edge: B lives without A.")
@_set
@click.option("--replications", type=click.IntRange(1), help="Runs with other draws of the same variant.")
@_threads
@_json
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Folder for the picture and the numbers.")
def blast(
    node: str,
    file: str | None,
    table: str | None,
    lasts: str | None,
    cut: tuple[str, ...],
    overrides: tuple[str, ...],
    replications: int | None,
    threads: int | None,
    as_json: bool,
    out: Path | None,
) -> None:
    """Say who is down if NODE alone is impaired: by which path, how long, and what each cut edge would save.

    FILE is an experiment that names a table of services (its first variant is run), or such a table, which needs no
    run.
    """
    from recovery.errors import ScenarioError
    from recovery.read import service_table
    from recovery.show import services_text
    from recovery.study import execute, services
    from recovery.units import duration_s

    if file is None and table is None:
        _fail("want FILE, an experiment with services or a table of services, or --services TABLE")
    if file is not None and table is None and service_table.is_table(file):
        file, table = None, file
    try:
        for_s = duration_s(lasts) if lasts is not None else 0.0
    except ValueError as error:
        _fail(f"--for {lasts}: {error}")
    try:
        if file is None:
            if overrides or replications:
                _fail("a table of services alone is not run; want no --set and no --replications, or an experiment")
            known = service_table.load(str(table))
            known.named(node)
            edges = [known.edge(one) for one in cut]
            outs = [services.alone(known)]
        else:
            loaded = _load(file, overrides, replications=replications)
            found = service_table.load(table) if table is not None else services.table_of(loaded)
            if found is None:
                _fail(f'{file}: services is missing; want services = "FILE" in it, or --services FILE')
            known = found
            known.named(node)
            edges = [known.edge(one) for one in cut]
            service_table.check_grid(known, [loaded.first.scenario])
            runs = execute.first_variant(loaded, threads or execute.cores(), quiet=as_json)
            outs = [services.after(outcome, known) for outcome in runs]
        answer = services.blast_answer(outs, node, for_s, edges)
    except ScenarioError as error:
        _fail(error)
    except KeyboardInterrupt:
        _fail("interrupted", INTERRUPTED)
    if as_json:
        _print_json({"format": 1, **answer})
    else:
        click.echo(services_text.told_blast(answer))
    if out is not None:
        from recovery.show import report_services

        try:
            report_services.write_blast(out, answer)
        except OSError as error:
            _fail(_of_disk(error, "want a folder that can be written (--out)"))
        if not as_json:
            click.echo(f"\npicture: {out / 'figures'}")


_out = click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("out"),
    show_default=True,
    help="Folder of results.",
)
_backend = click.option(
    "--backend",
    type=click.Choice(["threads", "processes", "dask"]),
    default="threads",
    show_default=True,
    help="Where runs run; with processes and dask a run that kills its worker is found and set aside.",
)
_address = click.option(
    "--address",
    metavar="ADDRESS",
    help="Of the Dask scheduler, for --backend dask: tcp://HOST:8786, or tls://HOST:8786. Whoever reaches that port "
    "runs code on all its workers: have it in a network of your own, or use certificates.",
)


def _certificates(command: Any) -> Any:
    """Options for the certificates of a scheduler; without them Dask's own configuration says which."""
    for name, what in (
        ("tls-key", "The client's key, if it is not in that file."),
        ("tls-cert", "The client's certificate (PEM)."),
        ("tls-ca-file", "Certificate of the authority that signed the scheduler's and ours (PEM)."),
    ):
        command = click.option(f"--{name}", metavar="FILE", help=what)(command)
    return command


def _tls(**files: str | None) -> dict[str, str]:
    return {name.replace("_", "-"): file for name, file in files.items() if file is not None}


@main.command()
@click.argument("experiment", type=click.Path())
@_set
@click.option("--seed", type=click.IntRange(0), help="Seed of every draw.")
@click.option("--replications", type=click.IntRange(1), help="Replications at least, each with variants of its own.")
@_threads
@_backend
@_address
@_certificates
@_out
@click.option(
    "--resume",
    is_flag=True,
    help="Go on with the sweep in the folder: only what is new, changed or failed is run, "
    "but nothing again that killed its worker.",
)
@click.option("--shard", metavar="I/N", help="Run only part I of N, on machines that know nothing of each other.")
@click.option("--dry-run", is_flag=True, help="Say how many runs, how long and how large, from a few that are timed.")
@click.option("--csv", is_flag=True, help="Write runs.csv beside runs.parquet.")
@click.option("--no-report", is_flag=True, help="Write the numbers only.")
@_json
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
    no_report: bool,
    as_json: bool,
) -> None:
    """Run every policy in every variant until each is known well enough; a killed sweep goes on with --resume."""
    loaded = _load(experiment, overrides, seed=seed, replications=replications)
    from recovery.show import report as pages
    from recovery.show import sweep_text
    from recovery.study import execute
    from recovery.study import runs as executors
    from recovery.study import sweep as sweeps

    tls = _tls(tls_ca_file=tls_ca_file, tls_cert=tls_cert, tls_key=tls_key)
    try:
        place = executors.backend(backend, threads or execute.cores(), address, tls)
        if dry_run:
            execute.say_that_it_compiles(as_json)
            planned = sweeps.plan(loaded)
            if as_json:
                _print_json({"format": 1, **vars(planned)})
            else:
                click.echo(sweep_text.planned(planned, place.workers))
            return
        sweeps.wanted(loaded)
        if backend != "dask":
            execute.refuse_if_too_large(loaded, place.workers)
        execute.say_that_it_compiles(as_json)
        with execute.counted(quiet=as_json) as tell:
            if shard is not None:
                part = sweeps.shard_of(shard)
                runs = sweeps.run_shard(loaded, out=out, place=place, shard=part, tell=tell)
                if as_json:
                    _print_json({"format": 1, "folder": str(out / loaded.name), "shard": list(part), "runs": runs})
                else:
                    click.echo(f"{runs} runs of part {shard} are in {out / loaded.name}; after all parts: --resume")
                return
            folder, summary = sweeps.run(loaded, out=out, place=place, resume=resume, tell=tell)
    except (ValueError, FileExistsError) as error:
        _fail(error)
    except ConnectionError as error:
        _fail(f"{error}; what was done is kept in {out / loaded.name}, go on with --resume", OURS)
    except OSError as error:
        _fail(_of_disk(error, "what was done is kept, go on with --resume"), OURS)
    except KeyboardInterrupt:
        _fail(f"interrupted: what was done is kept in {out / loaded.name}, go on with --resume", INTERRUPTED)
    page, status = None, WELL
    try:
        if csv:
            sweep_text.write_csv(folder)
        page = None if no_report else pages.write(folder)
    except OSError as error:
        click.echo(_of_disk(error, f"the numbers are in {folder}, recovery report draws them"), err=True)
        status = OURS
    if as_json:
        _print_json({"format": 1, "folder": str(folder), "report": str(page) if page else None, "summary": summary})
    else:
        click.echo(sweep_text.ranked(summary, most=30))
        click.echo("\n" + "\n".join(summary["answers"]))
        if page:
            click.echo(f"\nreport: {page}")
    for failure in summary["failures"][:5]:
        click.echo(f"failed: {failure['policy']}: {failure['error']} ({failure['command']})", err=True)
    sys.exit(max(status, FAILED if summary["failures"] else WELL, _status_of(summary["expect"])))


@main.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--most", type=click.IntRange(1), default=1000, show_default=True, help="So many policies, best first.")
@_json
def rank(folder: Path, most: int, as_json: bool) -> None:
    """Rank the policies of a finished sweep: time, interval, chance of never, regret, harm."""
    from recovery.show import sweep_text

    try:
        summary = sweep_text.read(folder)
    except ValueError as error:
        _fail(error)
    if as_json:
        _print_json({"format": 1, "selection": summary["selection"], "policies": summary["policies"][:most]})
    else:
        click.echo(sweep_text.ranked(summary, most))
        click.echo(f"\n{summary['selection']['words']}")


@main.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("policies", nargs=-1, required=True, metavar="POLICIES… | FOLDERS…")
@_json
def compare(folder: Path, policies: tuple[str, ...], as_json: bool) -> None:
    """Compare policies of a finished sweep, by name, id or rank, with the first; or folders of finished runs with the
    first, variant by variant. Differences have intervals, paired where draws are the same.
    """
    from recovery.show import sweep_text
    from recovery.study import compare as runs

    is_sweep = runs.kind_of(folder) == "sweep" or not any(Path(word).is_dir() for word in policies)
    try:
        if is_sweep and any(runs.kind_of(Path(word)) for word in policies):
            _fail(f"{folder} is the folder of a sweep; want the names of its policies, or folders of runs alone")
        rows = sweep_text.compared(folder, policies) if is_sweep else runs.compared([folder, *map(Path, policies)])
    except ValueError as error:
        _fail(error)
    if as_json:
        _print_json({"format": 1, "differences": rows})
    else:
        click.echo(sweep_text.differences(rows) if is_sweep else runs.told(rows))


@main.command()
@click.argument("key")
@click.option(
    "--from", "folder", type=click.Path(path_type=Path), required=True, help="Folder of the sweep that has the run."
)
@_json
def replay(key: str, folder: Path, as_json: bool) -> None:
    """Run one run of a sweep again, exactly, and say whether it gives the same row."""
    from recovery.show import sweep_text

    try:
        told = sweep_text.replayed(folder, key)
    except ValueError as error:
        _fail(error)
    if as_json:
        _print_json({"format": 1, **told})
    else:
        click.echo(sweep_text.told_replay(told))
    sys.exit(WELL if told["same"] else OURS)


@main.command()
@click.argument("experiment", type=click.Path())
@click.argument("key")
@click.option("--low", required=True, help='One end, as the file would have it: "1m".')
@click.option("--high", required=True, help="The other end, where the verdict is another.")
@click.option("--confidence", type=click.FloatRange(0.5, 0.9999), default=0.95, show_default=True)
@click.option(
    "--tolerance", type=click.FloatRange(1e-6), default=0.05, show_default=True, help="high / low − 1 wanted."
)
@click.option("--runs", type=click.IntRange(10), default=400, show_default=True, help="Runs at most for one value.")
@_set
@_threads
@_backend
@_address
@_certificates
@_out
@_json
def threshold(
    experiment: str,
    key: str,
    low: str,
    high: str,
    confidence: float,
    tolerance: float,
    runs: int,
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
    """Find the value of KEY at which the file as it stands turns from recovery to collapse, by bisection.

    At each value replications are added until the chance of the verdict `collapsed` is surely on one side of one half.
    A run that is not back at the horizon but still drains counts as one that recovers. Each value is told as soon as it
    is known; what is being tried, and how long that may take, goes to the standard error.
    """
    loaded = _load(experiment, overrides)
    from recovery.show import sweep_text
    from recovery.study import execute
    from recovery.study import runs as executors
    from recovery.study import sweep as sweeps

    tls = _tls(tls_ca_file=tls_ca_file, tls_cert=tls_cert, tls_key=tls_key)
    execute.say_that_it_compiles(as_json)
    try:
        found = sweeps.threshold(
            loaded,
            key,
            low,
            high,
            confidence=confidence,
            tolerance=tolerance,
            most=runs,
            out=out,
            place=executors.backend(backend, threads or execute.cores(), address, tls),
            known_value=lambda kind, one: None if as_json else click.echo(sweep_text.told_value(key, kind, one)),
            say=lambda line: click.echo(line, err=True),
        )
    except ValueError as error:
        _fail(error)
    except ConnectionError as error:
        _fail(f"{error}; what was done is kept, the same command goes on", OURS)
    except OSError as error:
        _fail(_of_disk(error, "what was done is kept, the same command goes on"), OURS)
    except KeyboardInterrupt:
        _fail("interrupted: what was done is kept, the same command goes on", INTERRUPTED)
    if as_json:
        _print_json({"format": 1, **found})
    else:
        click.echo("\n" + sweep_text.told_threshold(found))


@main.command()
@click.argument("experiment", type=click.Path())
@_set
@_threads
@_json
def check(experiment: str, overrides: tuple[str, ...], threads: int | None, as_json: bool) -> None:
    """Check a scenario without running it: mistakes, memory, expected time."""
    from recovery.show import text
    from recovery.simulate import pilot
    from recovery.simulate.estimate import estimate
    from recovery.study import execute

    loaded = _load(experiment, overrides)
    count = threads or execute.cores()
    rows = [(variant, estimate(variant.scenario, count)) for variant in loaded.variants]
    try:
        execute.refuse_if_too_large(loaded, count)
    except ValueError as error:
        _fail(error)
    is_ready = pilot.is_ready(loaded.first.scenario)
    if is_ready:
        found = pilot.tried(loaded.variants, loaded.head.seed, replications=loaded.head.replications)
        rows = [(w, pilot.into(e, tried)) for (w, e), tried in zip(rows, found, strict=True)]
    if as_json:
        _print_json(
            {
                "format": 1,
                "runs": len(rows) * loaded.head.replications,
                "compiles": not is_ready,
                "variants": [
                    {
                        "variant": w.name,
                        "levers": dict(w.levers),
                        "memory_bytes": e.memory_bytes,
                        "events": e.events,
                        "cpu_s": e.cpu_s,
                        "cpu_low_s": e.low_s,
                        "cpu_high_s": e.high_s,
                    }
                    for w, e in rows
                ],
            }
        )
    else:
        click.echo(text.checked(loaded, rows, count, is_ready=is_ready))


@main.command()
@click.argument("experiment", type=click.Path())
@_set
@_json
def explain(experiment: str, overrides: tuple[str, ...], as_json: bool) -> None:
    """Explain a scenario without running it: r1 … r5, hidden capacity, fluid bound, each with its formula and its
    numbers.
    """
    from recovery.show import text
    from recovery.store import results as store

    loaded = _load(experiment, overrides)
    rows = store.explanation(loaded.first.scenario, with_hidden_capacity=True)
    if as_json:
        _print_json({"format": 1, "rows": [row._asdict() if hasattr(row, "_asdict") else vars(row) for row in rows]})
    else:
        click.echo(text.explained(loaded, rows))


@main.command()
@click.argument("experiment", type=click.Path(path_type=Path))
@click.option("--range", "ranges", multiple=True, metavar="KEY=LOW..HIGH", help="An unknown key: host.timeout=1m..10m.")
@click.option(
    "--series",
    type=click.Path(path_type=Path),
    help="Measured series: CSV or Parquet with time_s, Grafana's CSV, Prometheus' JSON.",
)
@click.option("--column", default="leased_share", show_default=True, help="Column of results that the series is of.")
@click.option("--field", default="", help="The file's own name of it; default: the same, or its only column.")
@click.option("--origin", default="", help="When the scenario starts (ISO or Unix time), for times of a clock.")
@click.option("--of", type=float, help="Total, where the series has counts and the column is a share.")
@click.option("--percent", is_flag=True, help="The series is in percent.")
@click.option("--samples", type=click.IntRange(1, 10_000), default=16, show_default=True, help="Trials to start from.")
@_set
@_threads
@_json
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("out"),
    show_default=True,
    help="Folder of results.",
)
def fit(
    experiment: Path,
    ranges: tuple[str, ...],
    series: Path | None,
    column: str,
    field: str,
    origin: str,
    of: float | None,
    percent: bool,
    samples: int,
    overrides: tuple[str, ...],
    threads: int | None,
    as_json: bool,
    out: Path,
) -> None:
    """Fit unknown keys to the [[observed]] milestones of a scenario, or to a measured series: values, how good the fit
    is, a picture, and the scenario with the values set.
    """
    loaded = _load(str(experiment), overrides)
    from recovery.errors import ScenarioError
    from recovery.show import figures_fit
    from recovery.store import files
    from recovery.study import execute
    from recovery.study import fit as fits

    folder = out / loaded.name / "fit"
    on_screen = sys.stderr.isatty()
    try:
        wanted = [fits.range_of(text) for text in ranges]
        if series is None:
            observations = fits.milestones_of(loaded)
        else:
            observations = fits.series_of(series, column, loaded, field=field, origin=origin, of=of, in_percent=percent)
        files.try_out(folder)
        found = fits.fit(
            experiment,
            wanted,
            observations,
            overrides=overrides,
            samples=samples,
            threads=threads or execute.cores(),
            progress=lambda number: click.echo(f"\rsimulation {number} …", err=True, nl=False) if on_screen else None,
        )
    except (ScenarioError, ValueError) as error:
        _fail(error)
    except OSError as error:
        _fail(_of_disk(error, "want a folder that can be written (--out)"))
    if on_screen:
        click.echo("\r\033[K", err=True, nl=False)
    written: list[Path] = []
    status = WELL
    try:
        written, refused = figures_fit.write(folder, experiment, overrides, found, observations)
    except OSError as error:  # what was found is told all the same
        refused, status = _of_disk(error), OURS
    if as_json:
        _print_json({"format": 1, **found.plain(), "files": [str(file) for file in written]})
    else:
        click.echo(fits.told(found, observations))
        click.echo("\n".join(str(file) for file in written))
    if refused:
        click.echo(refused, err=True)
    sys.exit(status)


@main.command()
@click.option("--system", type=click.Choice(SYSTEMS), default="leases", show_default=True, help="What to start from.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="File to write; default: print it.")
def new(system: str, out: Path | None) -> None:
    """Print a commented scenario to start from."""
    from importlib import resources

    preset = (
        "#:schema ./recovery.schema.json\n# (for editors; written by: recovery schema --out recovery.schema.json)\n"
    )
    preset += resources.files("recovery").joinpath("data", "presets", f"{system}.toml").read_text(encoding="utf-8")
    if out is None:
        click.echo(preset, nl=False)
        return
    if out.exists():
        _fail(f"{out} is there already; want a new file")
    from recovery.store.files import write_text

    write_text(out, preset)
    click.echo(f"{out} is written; next: recovery explain {out}", err=True)


@main.command()
@click.argument("folder", type=click.Path(path_type=Path))
def report(folder: Path) -> None:
    """Draw the report of a folder of results once more."""
    from recovery.show import report as page

    try:
        click.echo(page.write(folder))
    except ValueError as error:
        _fail(error)


@main.command()
@click.argument("name", required=False)
@_json
def policies(name: str | None, as_json: bool) -> None:
    """List every policy: rule, parameters with defaults, source. With NAME only that one, or that axis."""
    from recovery.model import sections
    from recovery.model.policies import catalogue
    from recovery.model.scenario import operator_catalogue
    from recovery.show import text

    known = [*catalogue(), *sections.catalogue(), *operator_catalogue()]
    rows = [row for row in known if name in (None, row["name"], row["axis"])]
    if not rows:
        import difflib

        names = [row[key] for key in ("name", "axis") for row in known]
        close = difflib.get_close_matches(str(name), names, 1)
        near = f" (did you mean {close[0]}?)" if close else ""
        _fail(f"{name} is no policy and no axis{near}; want one of {', '.join(dict.fromkeys(names))}")
    if as_json:
        _print_json({"format": 1, "policies": rows})
    else:
        click.echo(text.catalogued(rows))


@main.command()
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="File to write; default: print it.")
def schema(out: Path | None) -> None:
    """Print the JSON Schema of an experiment, for editors that complete and check (`#:schema` in the first line)."""
    from recovery.read.schema import json_schema
    from recovery.store.files import write_text
    from recovery.store.results import to_json

    content = to_json(json_schema())
    if out is None:
        click.echo(content, nl=False)
    else:
        write_text(out, content)


@main.command()
@_json
def doctor(as_json: bool) -> None:
    """Look at the machine: versions, cores and memory, cache, and whether a small run has the right bits."""
    from recovery.cli import doctor as doc

    findings = doc.examine()
    if as_json:
        _print_json({"format": 1, "findings": [vars(finding) for finding in findings]})
    else:
        for finding in findings:
            click.echo(f"{'ok ' if finding.ok else 'BAD'}  {finding.what}: {finding.found}")
    sys.exit(WELL if all(finding.ok for finding in findings) else OURS)


def entry() -> None:
    """Where the installed command starts: Ctrl-C and a reader that went away are no errors of ours."""
    _hear_signals()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal of another encoding than UTF-8
    stdout = sys.stdout
    try:
        status: Any = main.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        status = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        status = INTERRUPTED
    except BrokenPipeError:
        status = WELL
    except SystemExit as error:
        status = error.code if sys.stdout is stdout else WELL  # click puts another there when the pipe breaks
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        if not isinstance(error, BrokenPipeError):
            click.echo(_of_disk(error), err=True)
            status = status or OURS
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more when it ends
    sys.exit(status)


def _hear_signals() -> None:
    """SIGTERM, and SIGHUP unless it is ignored (nohup), end as Ctrl-C does: what is done is kept."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)


if __name__ == "__main__":
    entry()
