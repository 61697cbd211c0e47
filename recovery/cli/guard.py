"""The one guard of the command line: whatever a command raises becomes a line, a status and, with --json, JSON.

A command raises what it meets. It may say what is left of its work, and how to go on, with `hint`.
"""

import os
import re
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import click

from recovery.cli.status import Status
from recovery.errors import Refusal, nearest
from recovery.store.called import called_with

TRACEBACK = "RECOVERY_TRACEBACK"  # environment variable: 1 shows tracebacks above errors
_TOP = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Ending:
    """How an error is told: its words, the exit status, and the file and the key that it is about, if it names them."""

    message: str
    status: Status
    file: str | None = None
    key: str | None = None


@contextmanager
def hint(text: str, *kinds: type[BaseException]) -> Iterator[None]:
    """Say `text` behind each error of these kinds that passes: what is kept, how to go on."""
    try:
        yield
    except kinds as error:
        error.add_note(text)
        raise


def ending(error: BaseException) -> Ending:
    """How an error is told."""
    from recovery.store.files import Unwritable

    text, notes = str(error), list(getattr(error, "__notes__", ()))
    if isinstance(error, click.ClickException):
        return Ending(error.format_message(), Status.USAGE)
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return Ending(": ".join(["interrupted", *notes]), Status.INTERRUPTED)
    if isinstance(error, Unwritable):
        return Ending(f"{text}; want a folder that can be written (--out)", Status.USAGE, str(error.filename))
    if isinstance(error, OSError):
        reason = f"{error.filename or 'output'}: {error.strerror}" if error.strerror else text
        return Ending("; ".join([reason, *notes]), Status.OURS, error.filename and str(error.filename))
    if isinstance(error, MemoryError):
        return Ending(
            "no memory is left; want fewer --threads, or what `recovery check` says of a smaller scenario", Status.OURS
        )
    if isinstance(error, Refusal):
        return Ending("; ".join([text, *notes]), Status.USAGE, *_place(text))
    return Ending(_bug(error), Status.OURS)


def _bug(error: BaseException) -> str:
    """A line that says what to report."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if _is_ours(Path(frame.filename), "recovery", "kernels", "recovery_kernels")]
    at = f" at {Path(ours[-1].filename).relative_to(_TOP).as_posix()}:{ours[-1].lineno}" if ours else ""
    return (
        "this is a bug of recovery, please report it with the command and its files: "
        f"{type(error).__name__}: {' '.join(str(error).split())}{at} ({TRACEBACK}=1 shows more)"
    )


def _is_ours(file: Path, *packages: str) -> bool:
    return any(file.is_relative_to(_TOP / package) for package in packages)


def _place(message: str) -> tuple[str | None, str | None]:
    """The file and the key that a line of ours names first: `storm.toml: host.workers is 0; want …`."""
    found = re.match(r"(?P<file>[^:\n]+): (?:(?P<key>[\w.\"-]+) (?:is|holds|has|lies)\b)?", message)
    if found is None or found["file"].startswith("--"):
        return None, None
    return found["file"], None if found["key"] in ("it", "its") else found["key"]


def tell(error: BaseException, *, as_json: bool) -> Status:
    """Say how a command ended: a line on stderr, or JSON on stdout and a line only for who sits before a terminal."""
    if os.environ.get(TRACEBACK) == "1":
        traceback.print_exception(error)
    told = ending(error)
    if as_json:
        from recovery.cli.say import print_json

        about = {"status": int(told.status), "message": told.message, "file": told.file, "key": told.key}
        print_json({"error": about})
        if not sys.stderr.isatty():
            return told.status
    if isinstance(error, click.ClickException):
        error.show()
    else:
        click.echo(told.message, err=True)
    return told.status


class Guarded(click.Group):
    """The group of all commands. A command returns its Status, None for `well`, or raises; a reader that went away
    (`recovery … | head`) is no error.
    """

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,  # noqa: ARG002 (there is no other mode)
        **extra: object,
    ) -> NoReturn:
        """Run a command and end this process with its status."""
        words = list(sys.argv[1:] if args is None else args)
        as_json = _wants_json(words)
        try:
            with called_with(words):
                status = super().main(words, prog_name, complete_var, standalone_mode=False, **extra)
        except (click.ClickException, click.Abort) as error:  # of what stands before the command
            status = tell(error, as_json=as_json)
        sys.exit(_flushed(status or Status.WELL))

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click says. Raises Refusal for what is not UTF-8."""
        for word in args:
            try:
                word.encode()
            except UnicodeEncodeError:
                shown = os.fsencode(word).decode("utf-8", "backslashreplace")
                wrong = Refusal(f"{shown}: is not UTF-8; want names, folders and values in UTF-8")
                raise click.exceptions.Exit(tell(wrong, as_json=_wants_json(args))) from None
        ctx.meta["as_json"] = _wants_json(args)
        ctx.meta["sets"] = any(word == "--set" or word.startswith("--set=") for word in args)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        """Run the command that is named; each error that it raises ends here."""
        try:
            return super().invoke(ctx)
        except click.exceptions.Exit:
            raise
        except BrokenPipeError:
            return Status.WELL
        except BaseException as error:  # a panic of Polars is no Exception
            if ctx.meta["sets"] and isinstance(error, click.UsageError) and "unexpected extra" in error.message:
                from recovery.reading.keys import QUOTED

                error = click.UsageError(f"{error.message}. A table that is set stands in quotes: {QUOTED}", error.ctx)
            return tell(_with_nearest(error), as_json=bool(ctx.meta["as_json"]))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click says, with the nearest command for one that is misspelt."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            import difflib

            close = difflib.get_close_matches(args[0], self.list_commands(ctx), 1)
            near = f" Did you mean {close[0]}?" if close else f" Want one of {', '.join(self.list_commands(ctx))}."
            raise click.UsageError(f"No such command {args[0]!r}.{near}", ctx) from error


def _with_nearest(error: BaseException) -> BaseException:
    """The error; of a word that an option has not, with the nearest that it has."""
    kind = error.param.type if isinstance(error, click.BadParameter) and error.param is not None else None
    if not (isinstance(error, click.BadParameter) and isinstance(kind, click.Choice)):
        return error
    said = re.match(r"'(.*?)' is not one of", error.message)
    near = nearest(said[1], map(str, kind.choices)) if said else ""
    return click.BadParameter(f"{error.message.rstrip('.')}{near}.", error.ctx, error.param) if near else error


def _wants_json(words: Sequence[str]) -> bool:
    """Whether JSON is asked for, known even where the arguments cannot be parsed."""
    options = words[: words.index("--")] if "--" in words else words
    return "--json" in options


def _flushed(status: int) -> int:
    """The status, once all is written: a full disk is told even if it fills with the last line."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        if not isinstance(error, BrokenPipeError):
            status = status or tell(error, as_json=False)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more when it ends
    return status
