"""The command `recovery`, with all its commands. Nothing heavy is imported before it is needed."""

import gc
import io
import pkgutil
import signal
import sys
from importlib import import_module

import click

from recovery.cli import commands
from recovery.cli.guard import Guarded
from recovery.cli.status import Status

STATUSES = "; ".join(f"{status.value} {status.meaning}" for status in Status)

GARBAGE_AFTER = 50_000  # new objects; with Python's 700 the imports alone are searched for garbage a hundred times


@click.group(
    cls=Guarded,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    help=f"""After an outage, a million servers ask for their lease at once. How long until the control plane works
    again? Which throttling policy makes that time shortest?

    Start with `recovery new > mine.toml`, then `recovery explain mine.toml` and `recovery run mine.toml`.

    Shell completion: `eval "$(recovery completion bash)"` (or zsh, fish).

    Exit status: {STATUSES}. With --json, errors are printed as JSON on stdout, too:
    {{"format": 1, "error": {{"status": 2, "message": "…", "file": "…", "key": "…"}}}}.
    """,
)
@click.version_option(package_name="recovery", message="%(prog)s %(version)s")
def main() -> None:
    """All commands."""


for _family in pkgutil.iter_modules(commands.__path__):
    for _command in vars(import_module(f"{commands.__name__}.{_family.name}")).values():
        if isinstance(_command, click.Command):
            main.add_command(_command)


def entry() -> None:
    """Where the installed command starts."""
    gc.set_threshold(GARBAGE_AFTER)
    for name in ("SIGTERM", "SIGHUP"):  # SIGHUP unless it is ignored (nohup): they end as Ctrl-C does
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal of another encoding than UTF-8
    main.main(complete_var="_RECOVERY_COMPLETE")  # as `recovery completion` says, also of python -m recovery


if __name__ == "__main__":
    entry()
