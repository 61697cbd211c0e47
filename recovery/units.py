"""Durations, rates and shares as users write them, and back. A leaf: all else says what it wants in these words."""

import functools
import math
import re
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, time
from typing import Annotated, Literal

from pydantic import BeforeValidator, Strict, WithJsonSchema

_NS = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,  # the micro sign
    "μs": 10**3,  # the Greek letter, which looks the same
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "min": 60 * 10**9,
    "h": 3600 * 10**9,
    "d": 86400 * 10**9,
}
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?|\.[0-9]+)\s*(ns|us|µs|μs|ms|min|s|m|h|d)")
_DURATION = r"^\s*(([0-9]+(\.[0-9]+)?|\.[0-9]+)\s*(ns|us|µs|μs|ms|min|s|m|h|d)\s*)+$"
_RATE = r"^\s*([0-9]+(\.[0-9]+)?([eE][0-9]+)?)\s*/\s*(ms|s|m|min|h|d)\s*$"
_SHARE = r"^\s*([0-9]+(\.[0-9]+)?|\.[0-9]+)\s*%\s*$"
_TO_100 = r"^\s*(0*(100(\.0+)?|[0-9]{1,2}(\.[0-9]+)?)|\.[0-9]+)\s*%\s*$"  # of shares from 0 to 1
_ABOVE_0 = "^(?=.*[1-9])"  # before another pattern: some digit is not 0
LONGEST_S = 36_500 * 86_400.0
HORIZON_MAX_S = 3_650 * 86_400.0
FAR_NS = 1 << 60  # 36 years, as in the kernels' draws: beyond every horizon, and a few such times add up within 64 bits
MOST_PER_S = 1e9
SHARE_LEAST = 1e-6  # a smaller one is not shown in digits


def _is_finite(number: float) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:  # a whole number beyond every float
        return False


def duration_s(value: object) -> float:
    """Seconds of a duration such as "250ms", "90s", "1h30m". Raises ValueError that says what is wanted."""
    if isinstance(value, str):
        return _seconds(value)
    if isinstance(value, bool):
        raise ValueError('want a duration such as "90s", "5m" or "1h30m"')
    if isinstance(value, int | float):
        if value == 0:
            return 0.0
        if _is_finite(value) and value > 0:
            raise ValueError(f'want a duration with its unit, "{value}s" (seconds) or "{value}ms" (milliseconds)')
    raise ValueError('want a duration such as "250ms", "90s", "5m" or "1h30m"')


@functools.lru_cache(maxsize=4096)  # the runs of a sweep say the same times again and again
def _seconds(text: str) -> float:
    """The same of a text."""
    if not re.match(_DURATION, text):
        if meant := _meant(text):
            raise ValueError(f'want a duration such as "90s" or "1h30m"{meant}')
        counted = ": times count from the scenario's start, not by a clock" if clock_time(text) else ""
        raise ValueError(f'want a duration such as "250ms", "90s", "5m" or "1h30m"{counted}')
    seconds = sum(float(number) * _NS[unit] for number, unit in _PART.findall(text)) / 1e9
    if seconds > LONGEST_S:
        raise ValueError('want a duration up to "36500d"')
    return seconds


_UNITS = {
    "sec": "s",
    "hr": "h",
    "hour": "h",
    "day": "d",
    "millisecond": "ms",
    "msec": "ms",
    "second": "s",
    "minute": "min",
}


def _meant(value: str) -> str:
    """What somebody meant by a text that is no duration: a time before 0, a unit of another name; "" if that is not
    known.
    """
    text = value.strip()
    if text.startswith("-") and re.match(_DURATION, text[1:]):
        return ", from 0 on"
    names = re.sub(r"[A-Za-z]+", lambda word: _UNITS.get(word[0].lower().removesuffix("s"), word[0].lower()), text)
    return f' (did you mean "{re.sub(" ", "", names)}"?)' if re.match(_DURATION, names) else ""


def clock_time(value: object) -> time | datetime | None:
    """The moment of a clock that a text says, such as "14:58" or "2026-03-01 14:58"; None if it says none."""
    text = value.strip() if isinstance(value, str) else ""
    if not re.search(r"\d:\d\d", text):
        return None
    for read in (time.fromisoformat, datetime.fromisoformat):
        with suppress(ValueError):
            return read(f"0{text}" if text[1] == ":" else text)
    return None


def rate_per_s(value: object) -> float:
    """Rate in 1/s of "200/s", "12000/min" or "300/h". Raises ValueError that says what is wanted."""
    if isinstance(value, str) and (match := re.match(_RATE, value)):
        number = float(match[1]) / (_NS[match[4]] / 1e9)
        if number > MOST_PER_S:
            raise ValueError('want a rate up to "1e9/s"')
        return number
    if isinstance(value, int | float) and not isinstance(value, bool) and _is_finite(value) and value >= 0:
        raise ValueError(f'want a rate with its unit, "{value}/s" (a second) or "{value}/min" (a minute)')
    raise ValueError('want a rate such as "200/s", "12000/min" or "300/h"')


def percent(value: object) -> float:
    """The number in "90%" over a hundred, as large as it may be. Raises ValueError that says what is wanted."""
    if not isinstance(value, str) or not re.match(_SHARE, value):
        raise ValueError('want a share such as "10%"')
    return float(value.strip().rstrip("%")) / 100


def share(value: object) -> float:
    """A share from 0 to 1 of "10%" or 0.1. Raises ValueError that says what is wanted."""
    if isinstance(value, str):
        number = percent(value)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        number = float(value) if _is_finite(value) else math.nan
    else:
        raise ValueError('want a share such as "10%"')
    if not 0 <= number <= 1:
        raise ValueError('want a share from "0%" to "100%"')
    return number


Unit = Literal["number", "duration", "rate", "share"]
"""What a quantity of a file is; durations are in s, rates in 1/s."""


def quantity(value: object) -> tuple[Unit, float] | None:
    """What a value of a file is, and how much; None for what is no quantity."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return ("number", float(value)) if isinstance(value, float) or _is_finite(value) else None
    parsers: dict[Unit, Callable[[object], float]] = {"duration": duration_s, "rate": rate_per_s, "share": share}
    for kind, parse in parsers.items():
        try:
            return kind, float(parse(value))
        except ValueError:
            continue
    return None


def _positive(parse: Callable[[object], float], wanted: str, least: float) -> Callable[[object], float]:
    def checked(value: object) -> float:
        number = parse(value)
        if number < least:
            raise ValueError(f"want {wanted}")
        return number

    return checked


def _schema(pattern: str, example: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": pattern, "examples": [example]})


Number = Annotated[float, Strict()]  # not true, not "1"; a whole number is fine
_DURATION_SCHEMA = WithJsonSchema(
    {"anyOf": [{"type": "string", "pattern": _DURATION, "examples": ["90s"]}, {"type": "number", "const": 0}]}
)
Duration = Annotated[float, BeforeValidator(duration_s), _DURATION_SCHEMA]
PositiveDuration = Annotated[
    float, BeforeValidator(_positive(duration_s, "a duration above 0", 1e-9)), _schema(_ABOVE_0 + _DURATION, "90s")
]
Rate = Annotated[float, BeforeValidator(rate_per_s), _schema(_RATE, "200/s")]
_SHARE_SCHEMA = WithJsonSchema(
    {"anyOf": [{"type": "string", "pattern": _TO_100}, {"type": "number", "minimum": 0, "maximum": 1}]}
)
_POSITIVE_SHARE_SCHEMA = WithJsonSchema(
    {
        "anyOf": [
            {"type": "string", "pattern": _ABOVE_0 + _TO_100},
            {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
        ]
    }
)
Share = Annotated[float, BeforeValidator(share), _SHARE_SCHEMA]
PositiveShare = Annotated[float, BeforeValidator(_positive(share, 'a share above "0%"', 1e-12)), _POSITIVE_SHARE_SCHEMA]


def ns(seconds: float) -> int:
    """Whole nanoseconds of a time in seconds; FAR_NS at most."""
    return round(min(seconds * 1e9, float(FAR_NS)))


def show_duration(seconds: float) -> str:
    """A duration for people, to about three digits: "250 ms", "74 min", "2 h 37 min", "never"."""
    if math.isnan(seconds):
        return "–"
    if math.isinf(seconds):
        return "never"
    if seconds < 0:
        return "−" + show_duration(-seconds)
    if seconds == 0:
        return "0 s"
    for limit, unit, factor in ((1e-6, "ns", 1e9), (1e-3, "µs", 1e6), (1.0, "ms", 1e3)):
        if seconds < limit:
            return f"{seconds * factor:.3g} {unit}"
    if seconds < 120:
        return f"{seconds:.3g} s"
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{seconds / 60:.1f} min".replace(".0 ", " ")
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest:02d} min" if hours < 48 else f"{hours / 24:.1f} d"


_UNITS_S = {"ns": 1e-9, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0}
MOST_UNITS = 1000  # durations that stand beside each other are shown in one unit if they have fewer of it
DIGITS_FROM = 20  # seconds: from so many on they are whole there


def show_beside(*seconds: float) -> list[str]:
    """Durations that stand beside each other in a sentence, in one unit and with as many decimals as tell those apart
    that differ: "3.0 min", "3.1 min". Each as `show_duration` has it where one unit does not suit all.
    """
    alone = [show_duration(one) for one in seconds]
    unit = alone[seconds.index(min(seconds))].split()[-1]
    unit_s = _UNITS_S.get(unit, 0.0)
    if not 0 < min(seconds) <= max(seconds) < MOST_UNITS * unit_s or any(" h " in text for text in alone):
        return alone
    own = [one / unit_s for one in seconds]
    for decimals in range(0 if unit == "s" and min(own) >= DIGITS_FROM else 1, 4):
        told = [f"{one:.{decimals}f}" for one in own]
        if len(set(told)) == len(set(own)):
            break
    if all(float(text) == round(float(text)) for text in told):
        told = [text.partition(".")[0] for text in told]
    return [f"{text} {unit}" for text in told]


def tell_duration(seconds: float) -> str:
    """A duration for people, exactly: in hours or minutes where it is whole ones, else in seconds; "30 s", "2 h"."""
    if seconds >= 7200 and seconds % 3600 == 0:
        return f"{seconds / 3600:.15g} h"
    if seconds >= 120 and seconds % 60 == 0:
        return f"{seconds / 60:.15g} min"
    return f"{seconds:.15g} s" if seconds >= 1 or seconds == 0 else f"{seconds * 1000:.15g} ms"


def tell_share(share: float) -> str:
    """A share for people, exactly, in percent."""
    return f"{100 * share:.15g} %"


def is_time(name: str) -> bool:
    """Whether what is named so, or so and of a class, is in seconds: `ttr99_s`, `ttr99_s.heartbeat`, and not
    `drift_per_s`, which is a rate.
    """
    own = name.partition(".")[0]
    return own.endswith("_s") and not own.endswith("_per_s")


_WITH_UNIT = re.compile(
    r"(?<=\d) (?=(?:ns|µs|ms|s|min|h|d|%|pp|days?|GB|MB|kB)(?![\w-]))"  # 250 ms
    r"|(?<=\d) (?=/ (?:ms|s|min|h|d)\b)|(?<=\d[ \u00a0]/) (?=(?:ms|s|min|h|d)\b)"  # 105 / s
    r"|(?<=\d[ \u00a0]h) (?=\d\d[ \u00a0]min\b)"  # 2 h 05 min
    r"|(?:(?<=[<>≥≤≈])|(?<=&[lg]t;)) (?=[\d.]+[ \u00a0])|(?<=±) (?=\d)"  # < 10 s, ± 5
)


def unbroken(text: str) -> str:
    """The text with blanks that do not break between a number, its unit and its sign. It may be one of HTML."""
    return _WITH_UNIT.sub("\u00a0", text)


def show_milestone(at_s: float, show: Callable[[float], str] = show_duration) -> str:
    """A milestone for people: "always" (0: what is normal never was anything else), "never" (inf), "not measured"
    (nan), or the time.
    """
    if math.isnan(at_s):
        return "not measured"
    return "always" if at_s == 0 else "never" if math.isinf(at_s) else show(at_s)


def show_count(number: float) -> str:
    """A count for people: digits in groups of three."""
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"


def show_number(number: float, digits: int = 3) -> str:
    """A number for people, to so many digits: "0.862", "1,130", "4,200,000"; of two digits 100 is "100"."""
    if not min(10**digits - 0.5, 999.5) <= abs(number) < 1e12:
        return f"{number:.{digits}g}"
    rounded = float(f"{number:.{digits}g}")
    return f"{rounded:,.{max(digits - 1 - math.floor(math.log10(abs(rounded))), 0)}f}"


def digits_apart(one: float, other: float) -> int:
    """To how many digits two numbers are shown so that one sees by how much they differ: three, or as many as it takes;
    three of what differs by rounding alone.
    """
    largest, apart = max(abs(one), abs(other)), abs(one - other)
    if not math.isfinite(largest) or not apart > 1e-12 * largest:
        return 3
    return max(3, math.ceil(math.log10(largest / apart)) + 1)


def are_apart(one: float, other: float) -> bool:
    """Whether two numbers differ by more than rounding."""
    return abs(one - other) > 1e-9 * max(abs(one), abs(other))


def show_seconds(seconds: float, digits: int) -> str:
    """A duration in seconds, to so many digits: what tells two apart that are shown alike else."""
    return f"{show_number(seconds, digits)} s"


def show_ends(low_s: float, high_s: float) -> str:
    """Both ends of an interval of durations, in seconds where only these tell them apart; "" where it has no width."""
    if not are_apart(low_s, high_s):
        return ""
    low, high = show_duration(low_s), show_duration(high_s)
    if low == high:
        low, high = (show_seconds(end, digits_apart(low_s, high_s)) for end in (low_s, high_s))
    return f"{low} to {high}"


def show_between(low_s: float, high_s: float) -> str:
    """A time that is known within bounds: "8 s", also where both print alike, "5 s to 9 s", "≥ 13 s" without an upper
    one.
    """
    if math.isinf(high_s):
        return f"≥ {show_duration(low_s)}"
    return " to ".join(dict.fromkeys((show_duration(low_s), show_duration(high_s))))


def show_share(number: float, digits: int = 3) -> str:
    """A share for people, in percent; one that can be no more than rounding is only told to be so small."""
    if 0 < abs(number) < SHARE_LEAST:
        return f"less than {100 * SHARE_LEAST:.15f}".rstrip("0") + " %"
    return "–" if math.isnan(number) else f"{show_number(100 * number, digits)} %"


def show_bytes(number: float) -> str:
    """A size of memory for people."""
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.3g} {unit}"
        number /= 1000
    return f"{number:.3g} TB"
