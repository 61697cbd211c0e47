"""The scenario with the values that were found: fitted.toml."""

import copy
import os
import re
from pathlib import Path

from recovery.errors import Refusal
from recovery.reading import toml_edit
from recovery.reading.experiment import load
from recovery.store import files
from recovery.store.fit_record import Fit


def write_scenario(folder: Path, path: Path, overrides: tuple[str, ...], fit: Fit) -> tuple[Path | None, str]:
    """Write fitted.toml into a folder, where values are offered; returns the file, and what must be said where it is
    not written ("" if it is). One of an earlier fit stays. Raises files.WriteError, OSError.
    """
    file = folder / "fitted.toml"
    kept = f"{file} is of an earlier fit, which is kept: it does not hold what was found now" if file.exists() else ""
    if not fit.overrides:
        return None, kept
    try:
        text = scenario_text(path, overrides, fit, folder)
    except Refusal as error:
        return None, "; ".join(filter(None, (f"{path}: {error}; {file} is not written", kept)))
    files.write_text(file, text)
    return file, ""


def scenario_text(path: Path, overrides: tuple[str, ...], fit: Fit, folder: Path) -> str:
    """The scenario's text with the fitted values set, each with a note; files that it names are found from `folder`.
    Refusal if a value cannot be set in the text.
    """
    loaded = load(path, (*overrides, *fit.overrides))
    text = path.read_text(encoding="utf-8-sig")
    wanted = copy.deepcopy(loaded.raw)
    _move_files(wanted, path.parent, folder)
    series = fit.picture.series
    what = "the milestones in observed" if series is None else f"a series of {series.column}"
    notes = list(wanted.get("notes", []))
    for value in fit.values:
        if not any(text.startswith(f"{value.key}=") for text in fit.overrides):
            continue
        key = re.split(r"\.\d+(?:\.|$)", value.key)[0]  # a note speaks of a whole list
        why = f"{value.text} comes closest to {what}; {value.low} to {value.high} with 95 %"
        why += "" if value.is_determined else ", so it is not determined, only one that fits"
        if key != value.key:
            why = f"{value.key}: {why}"
        mine = {"key": key, "kind": "fitted", "why": why}
        # A note on the distribution said why its mean was what it was: two notes would mark one input twice.
        place = next((i for i, note in enumerate(notes) if note["key"] in (key, key.removesuffix(".mean"))), len(notes))
        notes = [note for note in notes if note["key"] not in (key, key.removesuffix(".mean"))]
        notes.insert(place, mine)
    if notes:
        wanted["notes"] = notes
    return toml_edit.edited(text, wanted)


def _move_files(part: object, before: Path, after: Path) -> None:
    """Names of files beside the scenario, as they are seen from another folder."""
    if isinstance(part, list):
        for item in part:
            _move_files(item, before, after)
    elif isinstance(part, dict):
        for key, value in part.items():
            if key in ("file", "services") and isinstance(value, str) and value and not Path(value).is_absolute():
                part[key] = Path(os.path.relpath(before / value, after)).as_posix()
            else:
                _move_files(value, before, after)
