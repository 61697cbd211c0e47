"""Options that several commands have, and the file that they read."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import click

from recovery.cli import say
from recovery.errors import Refusal

if TYPE_CHECKING:
    from recovery.reading.experiment import Experiment

ODDITIES_MAX = 5  # a sweep may repeat them with other numbers
P = ParamSpec("P")
R = TypeVar("R")

set_ = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change a key of the file; write dots between its parts: host.workers=8.",
)
json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
seed = click.option("--seed", type=click.IntRange(0), help="Seed of all random numbers.")
replications = click.option(
    "--replications", type=click.IntRange(1), help="How often each variant is run, each time with other random numbers."
)
threads = click.option(
    "--threads", type=click.IntRange(1, 1024), help="Number of threads; default: the cores that this process may use."
)
out = click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("out"),
    show_default=True,
    help="Folder for the results.",
)
reuse = click.option(
    "--no-reuse",
    "reuse",
    is_flag=True,
    flag_value=False,
    default=True,
    help="Run everything again, also what is known from earlier runs. The numbers are the same.",
)
no_report = click.option("--no-report", is_flag=True, help="Write the numbers, but no report.")
out_file = click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="File to write; default: print to the terminal."
)


def _named(ctx: click.Context, _param: click.Parameter, files: tuple[Path, ...]) -> None:
    """Let scenarios of this command name the rules of these files, before the command begins."""
    if files and not ctx.resilient_parsing:
        from recovery.stages.sessions import own

        own.load(files)


policies = click.option(
    "--policies",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    expose_value=False,
    callback=_named,
    help="A Python file with your own policy, which the scenario can then name. Its code is run. "
    "`recovery new --policy admission` prints one to start from.",
)


def experiment(command: Callable[P, R]) -> Callable[P, R]:
    """A file, or a public incident in its place; the command gets the file."""

    @functools.wraps(command)
    def of_file(*args: P.args, **kwargs: P.kwargs) -> R:
        from recovery.reading.incident import find

        file, name = kwargs["experiment"], kwargs.pop("incident")
        if (file is None) == (name is None):
            told = "Missing argument 'EXPERIMENT'" if file is None else "A file and an incident"
            raise click.UsageError(f"{told}; want a file, or --incident NAME.")
        if name is not None:
            kwargs["experiment"] = str(find(str(name)).file)
        return command(*args, **kwargs)

    told = click.option(
        "--incident", metavar="NAME", help="A public incident in place of a file; `recovery incidents` lists them."
    )
    return click.argument("experiment", required=False, type=click.Path())(told(of_file))


def place(command: Callable[P, R]) -> Callable[P, R]:
    """Options that say where runs run. Without files of certificates Dask's own configuration says which."""
    for option in reversed(
        (
            threads,
            click.option(
                "--backend",
                type=click.Choice(["threads", "processes", "dask"]),
                default="threads",
                show_default=True,
                help="What carries out the runs. With processes or dask, a run that kills its worker is set aside, "
                "and the other runs go on.",
            ),
            click.option(
                "--address",
                metavar="ADDRESS",
                help="Address of the Dask scheduler, for --backend dask: tcp://HOST:8786 or tls://HOST:8786. Whoever "
                "can reach that port can run code on all workers: keep it in a private network, or use certificates.",
            ),
            click.option(
                "--tls-ca-file",
                metavar="FILE",
                help="Certificate of the authority that signed the certificates of the scheduler and the client (PEM).",
            ),
            click.option("--tls-cert", metavar="FILE", help="The client's certificate (PEM)."),
            click.option(
                "--tls-key",
                metavar="FILE",
                help="The client's key (PEM), if the file of --tls-cert does not contain it.",
            ),
        )
    ):
        command = option(command)
    return command


def tls(**files: str | None) -> dict[str, str]:
    """The files of certificates that were named, by the names of their options."""
    return {name.replace("_", "-"): file for name, file in files.items() if file is not None}


def load(path: str, overrides: tuple[str, ...], **head: int | None) -> "Experiment":
    """The experiment in a file, changed by --set and by options of its head; what is odd about it is said. Raises
    ScenarioError.
    """
    from recovery.model.oddities import oddities
    from recovery.reading import experiment
    from recovery.reading.race import is_race

    if is_race(path):
        experiment.name_of(Path(path))
        raise Refusal(f"{path} has the DNS race alone; want a scenario of a fleet or jobs here, or recovery run {path}")
    given = (f"{key}={value}" for key, value in head.items() if value is not None)
    loaded = experiment.load(path, (*overrides, *given))
    said: set[str] = set()
    for variant in loaded.variants:
        for oddity in oddities(variant.scenario):
            if oddity not in said and len(said) < ODDITIES_MAX:
                say.talk(f"{loaded.file}: note: {oddity} (“{variant.name}”)")
            said.add(oddity)
    return loaded
