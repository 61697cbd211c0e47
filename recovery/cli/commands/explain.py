"""What can be said of a scenario without running it."""

import click

from recovery.cli import options, say


@click.command()
@click.argument("experiment", type=click.Path())
@options.set_
@options.threads
@options.json
def check(experiment: str, overrides: tuple[str, ...], threads: int | None, as_json: bool) -> None:
    """Check a scenario without running it: mistakes, memory, expected time."""
    from recovery.show import text
    from recovery.simulate import pilot
    from recovery.simulate.estimate import estimate
    from recovery.study import execute

    loaded = options.load(experiment, overrides)
    count = threads or execute.cores()
    rows = [(variant, estimate(variant.scenario, count)) for variant in loaded.variants]
    execute.refuse_if_too_large(loaded, count)
    is_ready = pilot.is_ready(loaded.first.scenario)
    if is_ready:
        found = pilot.tried(loaded.variants, loaded.head.seed, replications=loaded.head.replications)
        rows = [(variant, pilot.into(needs, tried)) for (variant, needs), tried in zip(rows, found, strict=True)]
    if not as_json:
        told = [
            text.Need(variant.name, one.memory_bytes, one.events, one.cpu_s, one.low_s, one.high_s)
            for variant, one in rows
        ]
        click.echo(text.checked(loaded.file, loaded.head.replications, told, count, is_ready=is_ready))
        return
    say.print_json(
        {
            "runs": len(rows) * loaded.head.replications,
            "compiles": not is_ready,
            "variants": [
                {
                    "variant": variant.name,
                    "levers": dict(variant.levers),
                    "memory_bytes": needs.memory_bytes,
                    "events": needs.events,
                    "cpu_s": needs.cpu_s,
                    "cpu_low_s": needs.low_s,
                    "cpu_high_s": needs.high_s,
                }
                for variant, needs in rows
            ],
        }
    )


@click.command()
@click.argument("experiment", type=click.Path())
@options.set_
@options.json
def explain(experiment: str, overrides: tuple[str, ...], as_json: bool) -> None:
    """Explain a scenario without running it: r1 … r5, hidden capacity, fluid bound, each with its formula and its
    numbers.
    """
    from recovery.show import text
    from recovery.simulate.explain import explanation
    from recovery.study.summary import explained, notes_of

    loaded = options.load(experiment, overrides)
    rows = [explained(row) for row in explanation(loaded.first.scenario, with_hidden_capacity=True)]
    if as_json:
        say.print_json({"rows": rows})
    else:
        click.echo(text.explained(loaded.head.title, loaded.first.name, rows, notes_of(loaded)))
