"""Prints, as JSON, which kernels Python itself calls: in the small run of each part, and in small runs of scenarios.

For tests/test_warm.py, in a process of its own: kernels are not compiled here, and each call is looked at.
"""

import functools
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["NUMBA_DISABLE_JIT"] = "1"
import numpy as np
from recovery_kernels import jit

_INSIDE = str(Path(jit.__file__).parent)
called: set[str] = set()


def looked_at(function: Callable[..., Any], forceinline: bool = False) -> Callable[..., Any]:
    """The function, which notes its name when a file outside the kernels calls it."""
    name = f"{function.__module__.rpartition('.')[2]}.{function.__name__}"

    @functools.wraps(function)
    def looking(*args: object, **kwargs: object) -> object:
        if not sys._getframe(1).f_code.co_filename.startswith(_INSIDE):
            called.add(name)
        return function(*args, **kwargs)

    return looking


jit._compile = looked_at  # type: ignore[assignment]

from recovery.model.race import RaceAlone  # noqa: E402
from recovery.reading.experiment import parse  # noqa: E402
from recovery.simulate import chain, needed, pipeline  # noqa: E402
from recovery.study import race, warm  # noqa: E402

np.seterr(all="ignore")  # kernels wrap whole numbers on purpose


def of_part(part: needed.KernelPart) -> list[str]:
    """What the small run of a part calls."""
    called.clear()
    warm.compile_part(part)
    return sorted(called)


def of_text(text: str) -> dict[str, Any]:
    """What a run of a scenario calls, beside the parts that it is said to need."""
    is_race = "how_often" in text
    experiment = parse(text, model=RaceAlone if is_race else None)
    called.clear()
    if is_race:
        race.answer(experiment, 1)
    else:
        with pipeline.Runner(1) as runner:
            for outcome in runner.run([(experiment.first, 1, 0)]):
                chain.follow(outcome)
    return {"parts": [part.name for part in warm.parts_of(experiment.variants)], "called": sorted(called)}


json.dump(
    {
        "parts": {part.name: of_part(part) for part in needed.PARTS},
        "scenarios": [of_text(text) for text in json.load(sys.stdin)],
    },
    sys.stdout,
)
