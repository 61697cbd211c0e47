"""Compile the kernels at a time of one's own choice: in the build of an image, before a demonstration."""

import click

from recovery.cli import options, say


@click.command()
@click.option("--for", "file", metavar="FILE", type=click.Path(), help="Compile only what this experiment needs.")
@options.policies
@options.json
def warmup(file: str | None, as_json: bool) -> None:
    """Compile the simulation code now, so that later commands need not wait for it; what is compiled is kept."""
    import time

    from recovery.reading.race import load_any
    from recovery.simulate import needed
    from recovery.study import warm
    from recovery.units import show_duration

    begun = time.monotonic()
    parts = list(needed.PARTS) if file is None else warm.parts_of(load_any(file).variants)
    took_s = warm.all_of(parts, lambda text: None if as_json else say.talk(text))
    if as_json:
        say.print_json({"parts": [part.name for part in parts], "compiled_s": took_s})
    elif took_s:
        click.echo(f"all is compiled, in {show_duration(time.monotonic() - begun)}")
    else:
        click.echo("all was compiled before")
