"""Options that several commands have, and the file that they read."""

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
    help="Change a key of the file, with dots: host.workers=8.",
)
json = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs instead of text for people.")
seed = click.option("--seed", type=click.IntRange(0), help="Seed of every draw.")
replications = click.option(
    "--replications", type=click.IntRange(1), help="Runs of the same variant, each with other random numbers."
)
threads = click.option(
    "--threads", type=click.IntRange(1, 1024), help="Threads; default: the cores that this process may use."
)
out = click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("out"),
    show_default=True,
    help="Folder of results.",
)
reuse = click.option(
    "--no-reuse",
    "reuse",
    is_flag=True,
    flag_value=False,
    default=True,
    help="Run every stage of every run, also those whose results are known; the numbers are the same.",
)
no_report = click.option("--no-report", is_flag=True, help="Write the numbers only.")
out_file = click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="File to write; default: print it."
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
    help="A Python file with a policy of one's own (recovery new --policy admission), which a scenario may then name. "
    "Its code is run.",
)


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
                help="Where runs run; with processes and dask a run that kills its worker is found and set aside.",
            ),
            click.option(
                "--address",
                metavar="ADDRESS",
                help="Of the Dask scheduler, for --backend dask: tcp://HOST:8786, or tls://HOST:8786. Whoever reaches "
                "that port runs code on all its workers: have it in a network of your own, or use certificates.",
            ),
            click.option(
                "--tls-ca-file",
                metavar="FILE",
                help="Certificate of the authority that signed the scheduler's and ours (PEM).",
            ),
            click.option("--tls-cert", metavar="FILE", help="The client's certificate (PEM)."),
            click.option("--tls-key", metavar="FILE", help="The client's key, if it is not in that file."),
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
