"""What one starts from: a scenario, the list of policies, the schema for an editor."""

from importlib import resources
from pathlib import Path

import click

from recovery.cli import options, say
from recovery.cli.guard import Refused

SYSTEMS = ("leases", "jobs", "kubernetes", "nomad", "us-east-1", "aba")
SCHEMA_LINE = (
    "#:schema ./recovery.schema.json\n# (for editors; written by: recovery schema --out recovery.schema.json)\n"
)


@click.command()
@click.option("--system", type=click.Choice(SYSTEMS), default="leases", show_default=True, help="What to start from.")
@options.out_file
def new(system: str, out: Path | None) -> None:
    """Print a commented scenario to start from."""
    preset = resources.files("recovery").joinpath("data", "presets", f"{system}.toml").read_text(encoding="utf-8")
    if out is None:
        click.echo(SCHEMA_LINE + preset, nl=False)
        return
    if out.exists():
        raise Refused(f"{out} is there already; want a new file")
    from recovery.store.files import write_text

    write_text(out, SCHEMA_LINE + preset)
    say.talk(f"{out} is written; next: recovery explain {out}")


@click.command()
@click.argument("name", required=False)
@options.json
def policies(name: str | None, as_json: bool) -> None:
    """List every policy: rule, parameters with defaults, source. With NAME only that one, or that axis."""
    from recovery.model.catalogue import catalogue
    from recovery.model.policies import MEANING
    from recovery.show import text

    known = catalogue()
    rows = [row for row in known if name in (None, row["name"], row["axis"])]
    if not rows:
        import difflib

        names = [row[key] for key in ("name", "axis") for row in known]
        close = difflib.get_close_matches(str(name), names, 1)
        near = f" (did you mean {close[0]}?)" if close else ""
        raise Refused(f"{name} is no policy and no axis{near}; want one of {', '.join(dict.fromkeys(names))}")
    if as_json:
        say.print_json({"policies": rows})
    else:
        rules = [
            text.Rule(
                row["axis"],
                MEANING[row["axis"]],
                row["name"],
                row["rule"],
                row["source"],
                tuple(
                    text.Parameter(one["name"], one["default"], one["description"] or "") for one in row["parameters"]
                ),
            )
            for row in rows
        ]
        click.echo(text.catalogued(rules))


@click.command()
@options.out_file
def schema(out: Path | None) -> None:
    """Print the JSON Schema of an experiment, for editors that complete and check (`#:schema` in the first line)."""
    from recovery.reading.schema import json_schema
    from recovery.store.files import write_text
    from recovery.store.json_text import to_json

    content = to_json(json_schema())
    if out is None:
        click.echo(content, nl=False)
    else:
        write_text(out, content)
