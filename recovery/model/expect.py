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
    match = _EXPECT.match(text) if isinstance(text, str) else None
    bound = math.nan
    if match:
        with contextlib.suppress(ValueError):
            bound = _value(known, match[2])
    if not match or not math.isfinite(bound):
        raise ValueError(f"expect.{measure} is {shown(text)}: {wrong(known, text)}")
    return Expectation(measure, match[1], bound, f"{measure} {match[1]} {match[2]}")


def _value(known: register.Measure, much: str) -> float:
    """A value of a measure as text: in s, or as a share, or plain."""
    if known.form == "time":
        return duration_s(much)
    return share(much) if known.form == "share" else float(much)


def wrong(known: register.Measure, text: object) -> str:
    """What is wrong with a text that is no bound on a measure, and what is wanted."""
    plain = '"< 3"' if known.kind == "count" else '"< 2.5"'
    wanted = {"time": '"< 30m"', "share": '"< 5%"', "number": plain}[known.form]
    wanted = f"want a bound such as {wanted}"
    if not isinstance(text, str):
        return f"it is no text in quotes; {wanted}"
    match = _EXPECT.match(text)
    if not match:
        return f"it does not begin with <, <=, > or >=; {wanted}"
    much = match[2]
    with contextlib.suppress(ValueError):
        number = float(much)
        if not math.isfinite(number):
            return f"its bound is not finite; {wanted}"
        if number < 0 and known.form != "number":
            return f"its bound is below 0; {wanted}"
        return f"its {'unit (s, m, h)' if known.form == 'time' else '%'} is missing; {wanted}"
    if known.form == "number":
        return f"its bound is no plain number, without a unit; {wanted}"
    if much.startswith("-"):
        return f"its bound is below 0; {wanted}"
    try:
        _value(known, much)
    except ValueError as error:
        meant = re.search(r" \(did you mean .*\)", str(error))
        if known.form == "share" and much.endswith("%"):
            return f"its bound is not from 0% to 100%; {wanted}"
        what = "duration" if known.form == "time" else "share"
        return f"its bound is no {what}{meant[0] if meant else ''}; {wanted}"
    return wanted


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
