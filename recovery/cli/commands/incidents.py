"""Public incidents that are shipped as scenarios: which there are, and what was observed."""

import click

from recovery.cli import options, say


@click.command()
@options.json
def incidents(as_json: bool) -> None:
    """List the public incidents that can be run with `recovery run --incident NAME`.

    Each is a scenario in the words of its report. It says what was observed and what is assumed.
    """
    from recovery.reading import incident
    from recovery.reading.experiment import load

    found = [(one, load(one.file)) for one in incident.incidents()]
    if as_json:
        told = [
            {"name": one.name, "title": loaded.head.title, "file": str(one.file),
             "observed": [row._asdict() for row in one.observations]}
            for one, loaded in found
        ]  # fmt: skip
        say.print_json({"incidents": told})
        return
    for one, loaded in found:
        lines = [f"    {row.what}: {row.observed} ({row.source})" for row in one.observations]
        click.echo("\n".join([f"{one.name}: {loaded.head.title}", *lines, ""]))
    click.echo("Run one: recovery run --incident NAME; its file is a start for your own (--json tells where it lies).")
