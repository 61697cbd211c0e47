"""Who is down if one service alone is impaired."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from recovery.cli import options, say
from recovery.errors import Refusal

if TYPE_CHECKING:
    from recovery.simulate.reuse import Known


@click.command()
@click.argument("node")
@click.argument("file", required=False, type=click.Path())
@click.option("--services", "table", type=click.Path(), help="Use this table of services, not the one that FILE names.")
@click.option(
    "--for", "lasts", metavar="DURATION", help="Assume that NODE is wholly down for this long, from the start: 2h."
)
@click.option("--cut", "cut", multiple=True, metavar="A->B", help="Remove this edge: B no longer needs A.")
@options.set_
@options.policies
@options.replications
@options.threads
@options.json
@options.reuse
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the picture and the numbers; default: only print.",
)
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
    reuse: bool,
    out: Path | None,
) -> None:
    """Show which services are down when NODE alone is impaired: by which path, for how long, and what each cut saves.

    FILE is either an experiment that names a table of services, or such a table itself. Of an experiment the first
    variant is run; a table needs no run. What an earlier `recovery run` left in out/ is used again.
    """
    from recovery.reading import service_table
    from recovery.show import report_services, services_text
    from recovery.show.answers.services import answer_of
    from recovery.store import files
    from recovery.study import execute, machine, services
    from recovery.units import duration_s

    if file is None and table is None:
        raise Refusal("want FILE, an experiment with services or a table of services, or --services TABLE")
    if file is not None and table is None and service_table.is_table(file):
        file, table = None, file
    try:
        for_s = duration_s(lasts) if lasts is not None else 0.0
    except ValueError as error:
        raise Refusal(f"--for {lasts}: {error}") from None
    if out is not None:
        files.try_out(out)
    if file is None:
        if overrides or replications:
            raise Refusal("a table of services alone is not run; want no --set and no --replications, or an experiment")
        known = service_table.load(str(table))
        known.named(node)
        edges = [known.edge(one) for one in cut]
        outs = [services.alone(known)]
    else:
        loaded = options.load(file, overrides, replications=replications)
        found = service_table.load(table) if table is not None else services.table_of(loaded)
        if found is None:
            raise Refusal(f'{file}: services is missing; want services = "FILE" in it, or --services FILE')
        known = found
        known.named(node)
        edges = [known.edge(one) for one in cut]
        service_table.check_behind(known, [loaded.first.scenario])
        stages = _known(loaded.name, out) if reuse else None
        runs = execute.first_variant(loaded, threads or machine.cores(), quiet=as_json, known=stages)
        outs = [services.after(outcome, known) for outcome in runs]
    answer = services.blast_answer(outs, node, for_s, edges)
    if as_json:
        say.print_json({"answer": answer_of(answer).model_dump(mode="json"), **answer.model_dump(mode="json")})
    else:
        click.echo(f"{answer.title}\n{answer_of(answer)}\n\n{services_text.told_blast(answer)}".rstrip())
    if out is not None:
        report_services.write_blast(out, answer)
        if not as_json:
            click.echo(f"\npicture: {out / 'figures'}")


def _known(name: str, out: Path | None) -> "Known | None":
    """What the folder of an experiment's run knows of its stages, where it was run; else the folder `out`, if there is
    one.
    """
    from recovery.simulate.reuse import Known
    from recovery.store.shelf import Shelf, known_in

    of_run = known_in(Path("out") / name)
    place = of_run if of_run.is_dir() else None if out is None else known_in(out)
    return None if place is None else Known(Shelf(place))
