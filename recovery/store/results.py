"""Names of this room under their old address, until the last of those who use it has moved."""

from recovery.store.folder import keep, save
from recovery.store.json_text import to_json
from recovery.store.manifest_record import FORMAT
from recovery.store.parts import Parts, as_float, runs_of_sweep
from recovery.store.record import number
from recovery.store.versions import versions

_as_float = as_float

__all__ = ["FORMAT", "Parts", "keep", "number", "runs_of_sweep", "save", "to_json", "versions"]
