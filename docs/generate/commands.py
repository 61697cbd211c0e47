"""The page of commands, from the command's own help."""

import click

from recovery.cli.main import main

HEAD = """# Commands

Each command with its own help, as `recovery COMMAND --help` prints it. How to have the shell complete them stands in
[](../../how-to/shell.md), what the exit statuses mean [below](#exit-statuses).
"""
WIDTH = 100  # columns of the help texts


def page() -> str:
    """The page as Markdown: the whole command, then each subcommand in the order of the alphabet."""
    parts = [HEAD, _block(main, "recovery")]
    for name, command in sorted(main.commands.items()):
        parts += [f"## recovery {name}", _block(command, f"recovery {name}")]
    return "\n".join(part.rstrip("\n") + "\n" for part in [*parts, _statuses()])


def _block(command: click.Command, name: str) -> str:
    context = click.Context(command, info_name=name, terminal_width=WIDTH, max_content_width=WIDTH)
    return f"```text\n{command.get_help(context)}\n```"


def _statuses() -> str:
    from recovery.cli.status import Status

    rows = "\n".join(f"| {status.value} | {status.meaning} |" for status in Status)
    return f"""## Exit statuses

| status | meaning |
| --- | --- |
{rows}

Where several apply, the largest is told. An error is one line; `RECOVERY_TRACEBACK=1` shows where it comes from.
"""
