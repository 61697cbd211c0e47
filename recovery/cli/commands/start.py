"""What one starts from: a scenario, the list of policies, the schema for an editor."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from recovery.cli import options, say
from recovery.cli.status import Status
from recovery.errors import Refusal

if TYPE_CHECKING:
    from recovery.model.catalogue import Row
    from recovery.reading.preset import Question

SYSTEMS = (
    "leases", "jobs", "kubernetes", "nomad", "consul", "etcd", "zookeeper", "kafka", "hdfs", "eureka", "vault",
    "websocket", "mqtt", "sip", "mobile-core", "us-east-1", "aba", "herd",
)  # fmt: skip
"""As reading.preset has them."""
SCHEMA_FILE = "recovery.schema.json"
SCHEMA_LINE = f"#:schema ./{SCHEMA_FILE}\n"
"""What tells an editor by which schema it completes and checks a file."""
SCHEMA_HINT = (
    f"# To have an editor complete and check this file: recovery schema --out {SCHEMA_FILE},\n"
    f"# then write #:schema ./{SCHEMA_FILE} here, as the first line.\n"
)


class _New(click.Command):
    """Its help ends with the options that fit the system that was named before, or those of each system."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write which options fit which system."""
        from recovery.reading import preset

        named = ctx.params.get("system")
        if named is None:
            rows = [(one, _fitting(preset.questions(one))) for one in SYSTEMS]
            with formatter.section(
                "Options that fit each system (what each one means: recovery new --system NAME --help)"
            ):
                formatter.write_dl(rows)
            return
        asked = [(f"--{one.option}", f"{one.asks}?") for one in preset.questions(named)]
        with formatter.section(f"Options that fit {named}"):
            formatter.write_dl(asked or [("none", "it is an example, printed as it is")])


def _fitting(asked: "list[Question]") -> str:
    return ", ".join(f"--{question.option}" for question in asked) or "none: it is an example, printed as it is"


@click.command(cls=_New)
@click.option(
    "--system",
    type=click.Choice(SYSTEMS),
    default="leases",
    show_default=True,
    is_eager=True,  # its help is that of the system, if that is named first
    help="The kind of system, or the example, to start from.",
)
@click.option(
    "--policy",
    type=click.Choice(["admission", "queue", "client", "guard", "lease"]),
    help="Print a policy to edit instead of a scenario: a Python file for this axis that runs as it is.",
)
@click.option("--nodes", metavar="N", help="Nodes, clients or holders of leases.")
@click.option("--servers", metavar="N", help="API servers, or managers of leases.")
@click.option("--workers", metavar="N", help="Requests that one server works on at once.")
@click.option("--rate", metavar="RATE", help="Requests a second on a normal day (jobs).")
@click.option("--peak", metavar="RATE", help="Requests a second at the peak (jobs).")
@click.option(
    "--make",
    metavar="TIME",
    help="Mean time to make one lease, or to serve one request; `recovery service-times` finds it from a histogram.",
)
@click.option("--renew", metavar="TIME", help="Mean time to renew a lease that is still valid.")
@click.option("--expire", metavar="TIME", help="Mean time to handle a lease that ran out (vault).")
@click.option("--timeout", metavar="TIME", help="Time after which a client gives up a request.")
@click.option("--requests", metavar="fail|hang", help="What requests do while that dependency is down.")
@click.option("--outage", metavar="TIME", help="How long the dependency of the servers is down.")
@click.option(
    "--ask/--no-ask",
    default=None,
    help="Ask for each value that is not given as an option; default: ask if this is a terminal.",
)
@options.out_file
def new(system: str, policy: str | None, ask: bool | None, out: Path | None, **given: str | None) -> None:
    """Print a scenario with comments to start from; with --policy, print a policy.

    On a terminal it asks for what only you know. Enter keeps the value in brackets; the scenario then marks that value
    as assumed.
    """
    if out is not None and out.exists():
        raise Refusal(f"{out} is there already; want a new file")
    if policy is not None:
        _new_policy(policy, out)
        return
    text = _scenario(system, {name: word for name, word in given.items() if word is not None}, ask)
    if out is None:
        click.echo(_for_editors(Path()) + text, nl=False)
        return
    from recovery.store.files import write_text

    write_text(out, _for_editors(out.parent) + text)
    say.talk(f"{out} is written; next: recovery explain {out}")


def _new_policy(axis: str, out: Path | None) -> None:
    """Print or write a policy of one's own to start from."""
    from recovery.reading.own import template

    if out is None:
        click.echo(template(axis), nl=False)
        return
    from recovery.store.files import write_text

    write_text(out, template(axis))
    say.talk(f"{out} is written; next: recovery policies --test {out}")


def _for_editors(place: Path) -> str:
    """The first line of a file in a folder: the schema that lies there, or how to get it."""
    return SCHEMA_LINE if (place / SCHEMA_FILE).is_file() else SCHEMA_HINT


def _scenario(system: str, given: dict[str, str], ask: bool | None) -> str:
    """The text of a system with what was given and answered. Raises Refusal, ScenarioError."""
    from recovery.reading import preset

    asked = preset.questions(system)
    options_of = [question.option for question in asked]
    for name in given:
        if name not in options_of:
            others = [one for one in SYSTEMS if name in {question.option for question in preset.questions(one)}]
            wanted = f"{', '.join(f'--{one}' for one in options_of) or 'no such option'}, or a system that has it"
            raise Refusal(f"--{name} is nothing that {system} has; want {wanted} ({', '.join(others)})")
    answers: dict[str, int | str] = {}
    text = preset.text_of(system)
    is_asking = bool(asked) and (sys.stdin.isatty() and sys.stderr.isatty() if ask is None else ask)
    for question in asked:
        if question.option in given:
            try:
                answers[question.option] = preset.value(question, given[question.option])
            except ValueError as error:
                raise Refusal(f"--{question.option} is {given[question.option]}; {error}") from None
        elif is_asking and (answer := _asked(question, preset.default(text, question))) is not None:
            answers[question.option] = answer
    if not answers and not is_asking:
        return text
    from recovery.reading.experiment import parse

    text = preset.answered(system, answers)
    parse(text, file=f"--system {system}")  # what does not fit together is told at once
    return text


def _asked(question: "Question", default: str) -> int | str | None:
    """What the user answers, None for what stands there; asked again until it can be read."""
    from recovery.reading import preset

    while True:
        answer = click.prompt(f"{question.asks}? [{default}]", default="", show_default=False, err=True)
        if not answer.strip():
            return None
        try:
            return preset.value(question, answer)
        except ValueError as error:
            say.talk(f"  {error}")


@click.command()
@click.argument("name", required=False)
@options.policies
@click.option(
    "--test",
    "file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Test your own policy. It must give the same result compiled and uncompiled, on any number of threads, and "
    "after an interruption anywhere; it must lose no request. The exit status is 1 if a test fails.",
)
@options.json
def policies(name: str | None, file: Path | None, as_json: bool) -> Status | None:
    """List all policies: rule, parameters with defaults, known ways to fail, source.

    NAME is a policy, an axis (admission) or a key (propagation.queue); only the policies that fit it are listed. If
    NAME is a policy, its effect on the reference herd is simulated and told.
    """
    if file is not None:
        return _tested(file, as_json)
    from recovery.model.catalogue import catalogue
    from recovery.model.policies import MEANING
    from recovery.show import text

    known = catalogue()
    rows = [row for row in known if name in (None, row["name"], row["axis"], *row["places"])]
    if not rows:
        raise Refusal(_no_policy(str(name), known))
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
                row["fails"],
                tuple(
                    text.Parameter(one["name"], one["default"], one["description"] or "") for one in row["parameters"]
                ),
                row["places"],
            )
            for row in rows
        ]
        if name is None:
            axes = ", ".join(dict.fromkeys(row["axis"] for row in known))
            click.echo(
                "All policies. For one of them, with what it does to a reference herd: recovery policies NAME, for "
                f"instance recovery policies {rows[0]['name']}. For those of one axis: recovery policies AXIS "
                f"({axes}).\n"
            )
        click.echo(text.catalogued(rules))
        places = {place for row in rows if row["axis"] == name for place in row["places"]}
        if others := [row["name"] for row in known if row not in rows and places.intersection(row["places"])]:
            click.echo(f"\n  At one of these keys may stand, too: {', '.join(others)}.")
        if len(rows) == 1 and rows[0]["name"] == name:
            _on_the_herd(rows[0])
    return None


CALLED = {"retry": "client", "retries": "client", "backoff": "client", "back-off": "client", "jitter": "client",
          "limit": "admission", "throttling": "admission", "breaker": "circuit-breaker"}  # fmt: skip
"""What people look for, and where it is."""


def _no_policy(name: str, known: "list[Row]") -> str:
    """What is wrong with a name that no policy has, and what is wanted."""
    import difflib

    from recovery.model.host import Host

    axes, names = (list(dict.fromkeys(row[key] for row in known)) for key in ("axis", "name"))
    if (field := Host.model_fields.get(name)) is not None:
        return f"{name} is no policy but a key of the host, host.{name}: {field.description}"
    close = [CALLED[name]] if name in CALLED else difflib.get_close_matches(name, [*axes, *names], 1)
    near = f" (did you mean {close[0]}?)" if close else ""
    wanted = "a policy, or one of " + ", ".join(axes)
    return f"{name} is no policy and no axis{near}; want {wanted}; without NAME all are listed"


def _on_the_herd(row: "Row") -> None:
    """Say what a policy does to the reference herd."""
    from recovery.api import herd

    shown = herd.shown(row)
    click.echo(f"\n      on the reference herd (recovery new --system herd), with {shown.toml}:")
    click.echo(f"      {shown.told}")


def _tested(file: Path, as_json: bool) -> Status:
    """Test a policy of the user's own, and say of each test what held, or what is wrong."""
    from recovery.study.own import checks

    found = []
    for check in checks(file):
        found.append(check)
        if not as_json:
            click.echo(f"wrong  {check.what}:\n       {check.wrong}" if check.wrong else f"well   {check.what}")
    failed = sum(bool(check.wrong) for check in found)
    if as_json:
        say.print_json({"file": str(file), "tests": [{"what": one.what, "wrong": one.wrong} for one in found]})
    else:
        click.echo(f"\n{file}: {f'{failed} of {len(found)} tests fail' if failed else f'all {len(found)} tests pass'}")
    return Status.OURS if failed else Status.WELL


@click.command()
@options.policies
@options.out_file
def schema(out: Path | None) -> None:
    """Print the JSON Schema of experiment files. An editor uses it to complete and check a file whose first line has
    `#:schema FILE`.
    """
    from recovery.reading.schema import json_schema
    from recovery.store.files import write_text
    from recovery.store.json_text import to_json

    content = to_json(json_schema())
    if out is None:
        click.echo(content, nl=False)
    else:
        write_text(out, content)
