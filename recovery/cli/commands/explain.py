"""What can be said of a scenario without running it."""

import click

from recovery.cli import options, say


@click.command()
@options.experiment
@options.set_
@options.policies
@options.threads
@options.json
def check(experiment: str, overrides: tuple[str, ...], threads: int | None, as_json: bool) -> None:
    """Check a scenario without running it: find mistakes, and say how much memory and time a run will take."""
    from recovery.show import text
    from recovery.show.answers.scenario import answer_of
    from recovery.simulate import pilot, pipeline, reuse
    from recovery.simulate.estimate import estimate
    from recovery.study import machine, warm
    from recovery.study.resolved import lasting, others_resolved, own_files, resolved, written_outages
    from recovery.study.summary import notes_of

    loaded = options.load(experiment, overrides)
    count = threads or machine.cores()
    rows = [(variant, estimate(variant.scenario, count)) for variant in loaded.variants]
    machine.refuse_if_too_large(loaded, count)
    is_ready = pilot.is_ready(loaded.first.scenario)
    shared = reuse.shared([(variant, loaded.head.seed, 0) for variant in loaded.variants])
    if is_ready:
        found = pilot.tried(loaded.variants, loaded.head.seed, replications=loaded.head.replications, shared=shared)
        rows = [(variant, pilot.into(needs, tried)) for (variant, needs), tried in zip(rows, found, strict=True)]
    rows = [
        (variant, one.with_known(known.hosts, known.later_anew))
        for (variant, one), known in zip(rows, shared, strict=True)
    ]
    told = [
        text.Need(
            variant.name,
            one.memory_bytes,
            one.events,
            one.cpu_s,
            one.low_s,
            one.high_s,
            pipeline.simulated_hosts(variant.scenario),
            one.shares_hosts,
        )
        for variant, one in rows
    ]
    compile_s = 0.0 if is_ready else warm.compile_s(warm.parts_of(loaded.variants))
    took, sure = text.took(loaded.file, loaded.head.replications, told, count, compile_s=compile_s)
    first, variants = loaded.first, others_resolved(loaded.variants)
    answer = answer_of(
        loaded.file, first.name, resolved(first.scenario), notes_of(loaded), given=loaded.overrides, took=took,
        policies=own_files(loaded.variants), outages=written_outages(first.scenario),
        lasts=lasting(first.scenario), variants=variants,
        sure=sure,
    )  # fmt: skip
    if not as_json:
        click.echo(f"{answer}\n\n{text.checked(told)}")
        return
    say.print_json(
        {
            "answer": answer.model_dump(mode="json"),
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
                    "shares_hosts": needs.shares_hosts,
                }
                for variant, needs in rows
            ],
        }
    )


@click.command()
@options.experiment
@options.set_
@options.policies
@options.json
def explain(experiment: str, overrides: tuple[str, ...], as_json: bool) -> None:
    """Explain a scenario without running it, by formulas with their numbers. Each symbol is explained where it first
    stands.

    For leases: the ratios r1 … r5, and the fluid bound, the shortest time that any policy could reach. For jobs: the
    hidden capacity. Of each variant of the file: whether it may collapse, and of what, or how long it takes at least.
    """
    from recovery import theory
    from recovery.show import text
    from recovery.show.answers import foretold
    from recovery.show.answers.scenario import answer_of
    from recovery.simulate.explain import explanation
    from recovery.stages.engines import engine_of
    from recovery.study.resolved import lasting, others_resolved, own_files, resolved, rules_of_stages, written_outages
    from recovery.study.summary import explained, notes_of

    loaded = options.load(experiment, overrides)
    rows = [explained(row) for row in explanation(loaded.first.scenario)]
    first, notes = loaded.first, notes_of(loaded)
    scenario, variants = resolved(first.scenario), others_resolved(loaded.variants)
    files, engine = own_files(loaded.variants), engine_of(first.scenario)
    answer = answer_of(
        loaded.file, first.name, scenario, notes, given=loaded.overrides, policies=files,
        outages=written_outages(first.scenario),
        lasts=lasting(first.scenario), variants=variants,
    )  # fmt: skip
    if as_json:
        rules = [rule.model_dump(mode="json") for rule in scenario.rules]
        edits = [text.edit(action) for action in scenario.actions if action.sets]
        used = {symbol for row in rows for symbol in theory.symbols_in(row.formula)}
        symbols = {symbol: words for symbol, words in theory.MEANS.items() if symbol in used}
        told = {"answer": answer.model_dump(mode="json"), "rows": rows, "symbols": symbols, "rules": rules}
        told["variants"] = [foretold.plain(*one) for one in variants]
        say.print_json({**told, "operators_set": edits, "engine": engine})
    else:
        lines = foretold.lines(scenario, variants)
        title = f"{loaded.head.title} ({first.name})\n\n{answer}"
        click.echo(text.explained(title, rows, notes, scenario, engine, rules_of_stages(first.scenario), lines))
