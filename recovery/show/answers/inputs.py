"""What an answer rests on: inputs that are assumed, fitted or drawn, in words."""

import shlex
from collections.abc import Sequence

from recovery.store.note_record import Note

NAMED_MAX = 4  # inputs that are named; of more their number is told


def named(keys: Sequence[str], how: str) -> str:
    """So many inputs are such: "2 inputs are assumed: a, b"."""
    more = f" and {len(keys) - NAMED_MAX} more" if len(keys) > NAMED_MAX else ""
    are = "input is" if len(keys) == 1 else "inputs are"
    return f"{len(keys)} {are} {how}: {', '.join(keys[:NAMED_MAX])}{more}"


def command_of(file: str, options: str) -> str:
    """The command that runs a file with these options; the options alone where a scenario is no file."""
    return f"recovery run {shlex.quote(file)} {options}" if file.endswith(".toml") else options


def trying(file: str, overrides: Sequence[str]) -> str:
    """The command that runs a file with these changes."""
    return command_of(file, " ".join(f"--set {shlex.quote(one)}" for one in overrides))


def assumed(notes: Sequence[Note]) -> list[str]:
    """A sentence for the inputs that are assumed, and one for those that are fitted."""
    kinds = {kind: [note.key for note in notes if note.kind == kind] for kind in ("assumed", "fitted")}
    return [f"{named(keys, kind)}." for kind, keys in kinds.items() if keys]
