"""The table [expect]: bounds on measures of the first variant."""

import contextlib
import math
import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import BeforeValidator

from recovery.errors import nearest, shown
from recovery.measures import register
from recovery.model.measure_names import choices
from recovery.model.part import Mistakes
from recovery.units import duration_s, share

_EXPECT = re.compile(r"^\s*(<=?|>=?)\s*(.+?)\s*$")


@dataclass(frozen=True)
class Expectation:
    """A bound on a measure of the first variant."""

    measure: str
    sign: str
    bound: float
    text: str


def expectation(measure: str, text: object) -> Expectation:
    """Parse `ttr99_s = "< 30m"`. Raises ValueError that says what is wanted."""
    known, names = register.find(measure), choices(measure, register.expected())
    if known is None or measure not in names:
        raise ValueError(f"expect.{measure} is not a measure{nearest(measure, names)}; want one of {', '.join(names)}")
    kind = known.form
    wanted = {"time": '"< 30m"', "share": '"< 5%"', "number": '"< 2.5"'}[kind]
    match = _EXPECT.match(text) if isinstance(text, str) else None
    bound = math.nan
    if match:
        with contextlib.suppress(ValueError):
            bound = duration_s(match[2]) if kind == "time" else share(match[2]) if kind == "share" else float(match[2])
    if not match or not math.isfinite(bound):
        raise ValueError(f"expect.{measure} is {shown(text)}; want a bound such as {wanted}")
    return Expectation(measure, match[1], bound, f"{measure} {match[1]} {match[2]}")


def _flat(value: dict[str, object]) -> dict[str, object]:
    """Measures of classes by their names: TOML reads `ttr99_s.heartbeat` as a table in a table."""
    found: dict[str, object] = {}
    for measure, said in value.items():
        found |= (
            {f"{measure}.{name}": text for name, text in said.items()} if isinstance(said, dict) else {measure: said}
        )
    return found


def _expectations(value: object) -> object:
    if isinstance(value, dict):
        wrong = []
        value = _flat(value)
        for measure, text in value.items():
            try:
                expectation(measure, text)
            except ValueError as error:
                wrong.append(str(error))
        if wrong:
            raise Mistakes("\n".join(wrong))
    return value


Expectations = Annotated[dict[str, str], BeforeValidator(_expectations)]
