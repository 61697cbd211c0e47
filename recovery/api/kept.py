"""What a command wrote, read again."""

import os
from pathlib import Path

from recovery.api.refusal import refused
from recovery.api.run import Run
from recovery.api.sweep import Sweep
from recovery.errors import Refusal
from recovery.measures.register import JOBS, LEASES
from recovery.store import folder
from recovery.study.keeping import Results


def read(place: str | os.PathLike[str]) -> Run | Sweep:
    """The results in a folder: a Run that `recovery run` or `Run.save` wrote, or a Sweep of `recovery sweep`.

    Raises ScenarioError if there are none, or of another version, or if a file is no longer whole, or for results/NAME
    of this project where that has left its runs out.
    """
    path = Path(place)
    with refused():
        kind = folder.kind_of(path)
        if kind == "sweep":
            return Sweep(path)
        if kind not in (LEASES, JOBS):
            raise Refusal(f"{path} holds no finished run and no sweep; want {folder.wanted_in(path)}")
        manifest, summary = folder.with_its_runs(path)
        return Run(Results(manifest, summary, folder.series_of(path)))
