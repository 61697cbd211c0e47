"""Two things side by side: runs, sweeps, scenarios, or the policies of one sweep."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from recovery.cli import options, reports, say
from recovery.cli.guard import ending, hint
from recovery.cli.status import Status
from recovery.errors import Refusal, nearest

if TYPE_CHECKING:
    from recovery.reading.experiment import Experiment
    from recovery.store.compare_record import Comparison
    from recovery.study.compare import Side


@click.command()
@click.argument("old", metavar="OLD", type=click.Path(path_type=Path))
@click.argument("new", nargs=-1, required=True, metavar="NEW…")
@click.option(
    "--fail-if",
    "conditions",
    multiple=True,
    metavar="CONDITION",
    help='End with status 99 if this surely holds for NEW, or 4 if that is uncertain. Against OLD: "ttr99_s > +10%" or '
    '"ttr99_s > +2m". For NEW alone: "ttr99_s > 30m". If any run of NEW never recovers: "ttr99_s = never".',
)
@click.option(
    "--variant",
    default="",
    help="Compare only this variant. Default: all; each --fail-if is then judged on the first variant, and the output "
    "names the others for which it holds.",
)
@options.policies
@options.seed
@options.replications
@options.threads
@options.out
@options.no_report
@reports.options
@options.json
def compare(
    old: Path,
    new: tuple[str, ...],
    conditions: tuple[str, ...],
    variant: str,
    seed: int | None,
    replications: int | None,
    threads: int | None,
    out: Path,
    no_report: bool,
    markdown: Path | None,
    junit: Path | None,
    as_json: bool,
) -> Status:
    """Compare runs, sweeps or scenarios: each NEW with OLD.

    OLD and NEW are folders of runs, folders of sweeps, or scenarios. Scenarios are run first, with the same seeds.

    Or compare policies of one sweep: OLD is its folder, and NEW are two or more policies, by name, id or rank.

    Variants are compared with those of the same name. Each measure has its difference and an interval; where the random
    numbers are the same, runs are compared in pairs. The page is written to the folder of --out.
    """
    from recovery.study import compare as sides

    wanted = [sides.condition(text) for text in conditions]
    if not any(_is_thing(word) for word in new):
        if wanted or variant or markdown or junit:
            raise Refusal(
                "--fail-if, --variant, --markdown and --junit are for two folders or files; want these, not policies"
            )
        return _policies(old, new, as_json)
    things = [old, *map(Path, new)]
    for word in map(str, things):
        if not _is_thing(word):
            raise Refusal(f"{word} is neither a folder of results nor a scenario; want folders or files alone")
    places = [thing.resolve() for thing in things]
    if twice := next((thing for i, thing in enumerate(things) if places[i] in places[:i]), None):
        raise Refusal(f"{twice} is named twice, and is no different from itself; want two that differ")
    place = out / f"{things[-1].absolute().stem}-beside-{old.absolute().stem}"
    folders, status = _run(things, variant, place, seed, replications, threads, as_json)
    found = sides.sides(folders)
    told = sides.compared(found, wanted, variant)
    page = None
    if not no_report:
        page, drawn = _page(place, found, told)
        status = max(status, drawn)
    from recovery.show.answers.compare import answer_of

    answer = answer_of(told)
    if as_json:
        table = {"answer": answer.model_dump(mode="json"), **told.model_dump()}
        say.print_json({**table, "report": str(page) if page else None})
    else:
        from recovery.show import compare_text

        click.echo(f"{answer}\n\n{compare_text.told(told)}")
        if page:
            click.echo(f"\nreport: {page}")
    from recovery.show import junit as cases
    from recovery.show import markdown as words
    from recovery.store import folder

    files = reports.Reports(markdown, junit)
    took_s = sum(map(folder.wall_s, folders))
    files.add(words.of_comparison(told), cases.of_comparison(told, took_s))
    return max(status, _status_of(told), files.write())


def _is_thing(word: str) -> bool:
    """Whether it is meant as a folder or a file, not as the name of a policy."""
    return Path(word).exists() or word.endswith(".toml") or "/" in word


def _status_of(told: "Comparison") -> Status:
    holds = {one.holds for one in told.conditions}
    return Status.THRESHOLD if "yes" in holds else Status.UNSURE if holds - {"no"} else Status.WELL


def _policies(folder: Path, policies: Sequence[str], as_json: bool) -> Status:
    """Policies of one sweep beside the first."""
    from recovery.show import sweep_text
    from recovery.show.answers.compare import answer_of_policies
    from recovery.study import sweep as sweeps

    rows = sweeps.compared(folder, policies)
    answer = answer_of_policies(rows)
    if as_json:
        say.print_json({"answer": answer.model_dump(mode="json"), "differences": [row.model_dump() for row in rows]})
    else:
        click.echo(f"{answer}\n\n{sweep_text.differences(rows)}")
    return Status.WELL


def _run(
    things: Sequence[Path],
    variant: str | None,
    place: Path,
    seed: int | None,
    replications: int | None,
    threads: int | None,
    quiet: bool,
) -> tuple[list[Path], Status]:
    """The folders of all, scenarios run first: with the seed of the first, and as many replications as any has."""
    from recovery.store import folder
    from recovery.study import execute, machine

    loaded = {thing: _load(thing) for thing in things if not thing.is_dir()}
    if not loaded:
        if seed is not None or replications is not None:
            raise Refusal("--seed and --replications are for scenarios; want a file, or neither")
        return list(things), Status.WELL
    names = list(dict.fromkeys(own.name for one in loaded.values() for own in one.variants))
    if variant and variant not in names and all(thing in loaded for thing in things):
        raise Refusal(f"--variant is {variant!r}{nearest(variant, names)}; want one of {', '.join(map(repr, names))}")
    heads = [
        (one.head.seed, one.head.replications) if (one := loaded.get(thing)) is not None else _head_of(thing)
        for thing in things
    ]
    with_seed = heads[0][0] if seed is None else seed
    many = max(number for _, number in heads) if replications is None else replications
    status, found = Status.WELL, []
    count = threads or machine.cores()
    wanted = {thing: options.load(str(thing), (), seed=with_seed, replications=many) for thing in loaded}
    places = [place / ("old" if i == 0 else "new" if i == 1 else f"new-{i}") for i in range(len(things))]
    if not quiet:  # of all before the first runs: it may be the last that is long
        for thing, own in zip(things, places, strict=True):
            if thing in wanted:
                execute.foretell(wanted[thing], out=own, threads=count)
    for thing, own in zip(things, places, strict=True):
        if thing not in wanted:
            found.append(thing)
            continue
        with hint("nothing is compared", KeyboardInterrupt):
            finished = execute.run(wanted[thing], out=own, threads=count, quiet=quiet, is_foretold=True)
        if not finished.is_whole:
            raise KeyboardInterrupt(f"{finished.done} of {finished.wanted} runs of {thing} are done")
        if finished.folder is None or finished.trouble:
            raise OSError(finished.trouble)
        for failure in finished.failures:
            say.talk(f"failed: {failure.variant}, replication {failure.replication}: {failure.error}")
            status = Status.FAILED
        found.append(finished.folder)
    if many == 1 and not any(folder.kind_of(one) == "sweep" for one in found):
        say.talk("one run of each, so that nothing tells chance from change; want --replications 5 or more")
    return found, status


def _load(path: Path) -> "Experiment":
    """A scenario that may run. Raises ScenarioError, Refusal."""
    from recovery.reading import experiment
    from recovery.reading.race import is_race

    if is_race(str(path)):
        raise Refusal(f"{path} has the DNS race alone; want scenarios of a fleet or jobs")
    loaded = experiment.load(path)
    if loaded.head.sweep is not None and loaded.head.sweep.uncertainties:
        raise Refusal(f"{path}: sweep.uncertainties is set; want recovery sweep {path} first, and its folder here")
    return loaded


def _head_of(place: Path) -> tuple[int, int]:
    """Seed and replications of a folder of a run. Raises Refusal for one of a sweep, or without a finished run."""
    from recovery.store import folder

    if folder.kind_of(place) == "sweep":
        raise Refusal(f"{place} is the folder of a sweep, and another is a scenario; want folders of sweeps alone")
    if not folder.kind_of(place):
        raise Refusal(f"{place} holds no finished run; want {folder.wanted_in(place)}")
    manifest = folder.run_of(place).manifest
    return manifest.seed, manifest.replications


def _page(place: Path, sides: "Sequence[Side]", told: "Comparison") -> tuple[Path | None, Status]:
    """The page of a comparison. Where the disk does not take it that is said."""
    from recovery.show import compare_page

    try:
        return compare_page.write(place, [side.place for side in sides], told), Status.WELL
    except OSError as error:
        say.talk(ending(error).message)
        return None, Status.OURS
