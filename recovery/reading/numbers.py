"""Files of numbers that a scenario names: measured times, one a line, and rates over time."""

import csv
import math
import re
from pathlib import Path

import numpy as np

from recovery.errors import Refusal
from recovery.reading import inputs
from recovery.statistics.arrays import Floats
from recovery.units import LONGEST_S, duration_s


class Folder:
    """Files of numbers beside a scenario: what its validation reads them with (`model.part.Files`)."""

    def __init__(self, path: Path) -> None:
        """Names of files are relative to `path`."""
        self.path = path

    def times_s(self, name: str) -> Floats:
        """As `read_measured`."""
        return read_measured(self.path / name)

    def rates(self, name: str) -> tuple[tuple[float, float], ...]:
        """As `read_rates`."""
        return read_rates(self.path / name)


def read_measured(path: Path) -> Floats:
    """Measured times in seconds, float64[n] in rising order, from a text file, one a line; # starts a comment, the
    first line may be a heading.

    Raises Refusal that names the line by its number: what stands there is not for the screen, since a scenario from
    elsewhere may name any file.
    """
    if (numbers := _read_numbers(path)) is not None:
        return numbers
    values = []
    try:
        lines = inputs.regular(path).read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise Refusal(f"{path} is not UTF-8 text; want a text file of times, one a line") from None
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        why = inputs.reason(error)
        raise Refusal(f"{path} cannot be read ({why}); want a text file of times, one a line") from None
    for number, line in enumerate(lines, 1):
        text = line.split("#")[0].strip().rstrip(",")
        if not text:
            continue
        if "," in text or ";" in text:
            raise Refusal(f"{path.name}, line {number} has more than one column; want one: a time a line")
        try:
            value = float(text)
        except ValueError:
            try:
                value = duration_s(text)
            except ValueError:
                is_heading = number == 1 and not any(letter.isdigit() for letter in text)
                if is_heading and re.search(
                    r"(^|[^a-z])(ns|us|µs|ms|min|minutes|h|hours|millis\w*|micros\w*)\W*$", text.lower()
                ):
                    raise Refusal(
                        f"{path.name}, line 1 is a heading with a unit; want times in seconds, or each with its own, "
                        '"120ms"'
                    ) from None
                if is_heading:
                    continue
                raise Refusal(
                    f'{path.name}, line {number} is no time; want one in seconds or with its unit, such as "20ms"'
                ) from None
        if not 0 <= value <= LONGEST_S:
            raise Refusal(f"{path.name}, line {number} is no such time; want one from 0 to 36500 days")
        values.append(value)
    if not values:
        raise Refusal(f"{path.name} holds no times; want one a line, in seconds or with a unit")
    return np.sort(np.array(values, np.float64))


MANY_BYTES = 1 << 20  # a file from here on is read as numbers at once


def _read_numbers(path: Path) -> Floats | None:
    """The same of a large file of nothing but seconds, a hundred times as fast; None for any other file, whose lines
    must be looked at one by one.
    """
    try:
        if not path.is_file() or path.stat().st_size < MANY_BYTES:
            return None
    except (OSError, ValueError):
        return None
    import polars as pl

    try:
        table = pl.read_csv(path, has_header=False, schema={"time_s": pl.Float64}, comment_prefix="#")
    except (OSError, pl.exceptions.PolarsError):
        return None
    values = table["time_s"].drop_nulls().sort().to_numpy()
    if not len(values) or not (values[0] >= 0 and values[-1] <= LONGEST_S):
        return None
    return np.array(values, np.float64)


def read_rates(path: Path) -> tuple[tuple[float, float], ...]:
    """Rates from a CSV file: from when on (s), how many a second; a heading is allowed, times rise. Raises Refusal
    that names the line by its number, without what stands there.
    """
    rows: list[tuple[float, float]] = []
    try:
        lines = list(csv.reader(inputs.regular(path).read_text(encoding="utf-8-sig").splitlines()))
    except UnicodeDecodeError:
        raise Refusal(f"{path} is not UTF-8 text; want a CSV file: seconds, rate a second") from None
    except (OSError, ValueError, csv.Error) as error:  # ValueError: a name that no file can have
        why = inputs.reason(error)
        raise Refusal(f"{path} cannot be read ({why}); want a CSV file: seconds, rate a second") from None
    for number, line in enumerate(lines, 1):
        if not line or line[0].lstrip().startswith("#"):
            continue
        try:
            at, rate = (float(cell) for cell in line)
        except ValueError:
            if number == 1 and not any(letter.isdigit() for letter in "".join(line)):
                continue
            raise Refusal(f"{path.name}, line {number} is no two numbers; want seconds, rate") from None
        if not (math.isfinite(at) and at >= 0 and math.isfinite(rate) and 0 <= rate <= 1e9):
            raise Refusal(
                f"{path.name}, line {number} is out of range; want seconds from 0 on, and a rate from 0 to 1e9"
            )
        if rows and at <= rows[-1][0]:
            raise Refusal(f"{path.name}, line {number} is no later than the one before; want rising times")
        rows.append((at, rate))
    if not rows:
        raise Refusal(f"{path.name} holds no rates; want lines of seconds, rate")
    return tuple(rows)
