"""What an answer rests on: inputs that are assumed, fitted or drawn, in words."""

import shlex
from collections.abc import Sequence
from pathlib import PurePath

from recovery.store.note_record import Note

WHOLE_MAX = 6  # inputs that are all named
INCIDENTS = ("recovery", "data", "incidents")  # the folders of those that are shipped, which run by their name
NAMED_MAX = 4  # of more: so many, and the number of the others


def named(keys: Sequence[str], how: str) -> str:
    """So many inputs are such: "2 inputs are assumed: a, b"."""
    first, are = keys, "input is" if len(keys) == 1 else "inputs are"
    more = ""
    if len(keys) > WHOLE_MAX:
        first, more = keys[:NAMED_MAX], f" and {len(keys) - NAMED_MAX} more"
    return f"{len(keys)} {are} {how}: {', '.join(first)}{more}"


def trying(
    file: str, given: Sequence[str], overrides: Sequence[str], *, replications: int = 0, policies: Sequence[str] = ()
) -> str:
    """The command that runs a file with these changes ("key=value"), beside those that it was given already, and so
    often (0: as often as before), with these files of the user's own `policies`; the options alone where a scenario is
    no file. A given change is left out where a new one sets its key, or what it is a part of.
    """
    keys = [_key(one) for one in overrides] + (["replications"] if replications else [])
    kept = [one for one in given if not any(f"{_key(one)}.".startswith(f"{key}.") for key in keys)]
    options = [f"--policies {shlex.quote(one)}" for one in policies]
    options += [f"--set {shlex.quote(one)}" for one in (*kept, *overrides)]
    options += [f"--replications {replications}"] if replications else []
    path = shlex.quote(f"./{file}" if file.startswith("-") else file)  # or it would be read as an option
    *above, folder, name = ("", "", *PurePath(file).parts)
    if tuple(above[-3:]) == INCIDENTS and name == f"{folder}.toml":
        path = f"--incident {folder}"
    return " ".join([*(["recovery run", path] if file.endswith(".toml") else []), *options])


def _key(override: str) -> str:
    return override.partition("=")[0].strip()


def assumed(notes: Sequence[Note]) -> list[str]:
    """A sentence for the inputs that are assumed, one for those that are fitted, and one for documented defaults."""
    kinds = {kind: [note.key for note in notes if note.kind == kind] for kind in ("assumed", "fitted", "default")}
    words = {"default": "a documented default" if len(kinds["default"]) == 1 else "documented defaults"}
    return [f"{named(keys, words.get(kind, kind))}." for kind, keys in kinds.items() if keys]


def of_defaults(notes: Sequence[Note], overrides: Sequence[str]) -> list[str]:
    """A sentence for each key of a change that the file has as a documented default, with why: it may be no setting."""
    keys = [_key(one) for one in overrides]
    return [
        f"The file has {note.key} as a documented default ({note.why}), which may be no setting."
        for note in notes
        if note.kind == "default" and any(f"{key}.".startswith(f"{note.key}.") for key in keys)
    ]
