"""A series that was measured, from the files that monitoring writes: times from the scenario's start, and values in
the unit of the results. A leaf.

Read are a CSV or Parquet file with `time_s` (seconds from the scenario's start), Grafana's export ("Time" and a column
a series: ISO or Unix times) and the answer of Prometheus' `query_range` (JSON). Nothing is guessed in silence: a clock
needs an origin, counts need their total, percent must be said; what was left out or taken for something is told.
"""

import json
import math
import re
import shlex
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path

import numpy as np

from recovery.errors import Refusal
from recovery.reading import inputs
from recovery.statistics.arrays import Floats, Whole

EPOCH_LEAST = 1e8  # numbers from here on are Unix seconds (1973 and later), no time of a scenario
EPOCH_MS_LEAST = 1e11  # and from here on milliseconds (as seconds: the year 5138)
ROWS_LEAST = 3
HEAD_BYTES = 10_000  # of a file, in which its first lines lie
TIME_NAMES = ("time", "timestamp", "datetime", "date")
GAPS = ("", "nan", "null", "none", "na", "n/a", "undefined")


@dataclass(frozen=True)
class Series:
    """Times (s from the scenario's start, rising), values (share from 0 to 1, or as they stand), and what must be said
    of how they were read.
    """

    times_s: tuple[float, ...]
    values: tuple[float, ...]
    said: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Raw:
    """A file as it stands: one column of times, the others by name, with the number of the first row in the file."""

    times: list[object]
    is_clock: bool
    columns: dict[str, list[object]]
    first_row: int


def read(
    path: Path,
    column: str,
    *,
    horizon_s: float,
    field: str = "",
    origin: str = "",
    clock: str = "",
    of: float | None = None,
    in_percent: bool = False,
    of_those_without: bool = False,
    is_share: bool = True,
) -> Series:
    """The series of a file that stands for `column` of the results.

    `field` is the file's own name of it; without one it is `column`, or the only one that there is. `origin` is the
    moment at which the scenario starts (ISO or Unix time), else `clock`, the scenario's. `of` is the total of which the
    values are counts; `of_those_without` says that a share, or count, is of the others, so that what it leaves of the
    whole is meant. Refusal that names the file, the row and what is wanted.
    """
    raw = _prometheus(path) if path.suffix == ".json" else _table(path)
    said: list[str] = []
    name = _chosen(path, raw, column, field, said)
    if name not in (column, field) and is_share and not of_those_without and _OTHERS.search(name):
        raise Refusal(
            f"{path}: its only column is {name!r}, which by its name is of those without; want --without if it is, or "
            f"--field {shlex.quote(name)} to take it as {column}"
        )
    values = _numbers(path, raw, name)
    times, is_clock = _times(path, raw, origin or clock, bool(origin), said)
    known = np.isfinite(values)
    if gaps := int((~known).sum()):
        said.append(f"{gaps} of {len(values)} rows are gaps, left out")
    rows = np.arange(raw.first_row, raw.first_row + len(values))[known]
    times, values = times[known], values[known]
    if is_clock:
        inside = (times >= 0) & (times <= horizon_s)
        if times.size and not inside.any():
            raise Refusal(
                f"{path}: all rows lie outside the scenario ({_span(times)} from its start, the horizon is "
                f"{horizon_s:g} s); want another --origin"
            )
        if outside := int((~inside).sum()):
            said.append(f"{outside} rows before the scenario's start or after its horizon, left out")
        rows, times, values = rows[inside], times[inside], values[inside]
    else:
        _check_times(path, times, rows, horizon_s)
    if len(times) < ROWS_LEAST:
        raise Refusal(f"{path}: {len(times)} rows with a time and a value; want at least {ROWS_LEAST}")
    order = np.argsort(times, kind="stable")
    times, values, rows = times[order], values[order], rows[order]
    if of_those_without and not is_share:
        raise Refusal("--without is for shares; want it not for a column that is none")
    values = _in_unit(path, values, rows, name, of, in_percent, is_share)
    values = 1 - values if of_those_without else values
    if np.ptp(values) == 0:
        also = f" ({'; '.join(said)})" if said else ""
        raise Refusal(
            f"{path}: {name} is {values[0]:g} in all its {len(values)} rows{also}; "
            "want a series that changes: a constant tells nothing"
        )
    return Series(tuple(times.tolist()), tuple(values.tolist()), tuple(said))


def _span(times: Floats) -> str:
    return f"{times.min():g} to {times.max():g} s"


# --- files ------------------------------------------------------------------------------------------------------------


def _table(path: Path) -> _Raw:
    """A CSV (of Grafana, with its time of day) or Parquet file."""
    import polars as pl

    first_row = 2
    try:
        inputs.regular(path)
        if path.suffix == ".parquet":
            table, first_row = pl.read_parquet(path), 1
        else:
            head = path.read_bytes()[:HEAD_BYTES].splitlines()
            skipped = 1 if head and head[0].startswith(b"sep=") else 0  # a line for a spreadsheet
            heading = head[skipped] if len(head) > skipped else b""
            separator = next((one for one in (",", ";", "\t") if one.encode() in heading), ",")
            table = pl.read_csv(path, infer_schema=False, skip_rows=skipped, separator=separator)
            first_row += skipped
    except (OSError, ValueError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        why = inputs.reason(error)
        raise Refusal(f"{path} cannot be read ({why}); want a CSV or Parquet file, or Prometheus' JSON") from None
    names = table.columns
    time = next((n for n in names if n == "time_s"), None) or next((n for n in names if n.lower() in TIME_NAMES), None)
    if time is None:
        raise Refusal(
            f"{path} has no column 'time_s', and no \"Time\" of a clock; it has {_listed(names)}; "
            "want seconds from the scenario's start as time_s, or Grafana's export"
        )
    columns = {n: table[n].to_list() for n in names if n != time}
    return _Raw(table[time].to_list(), time != "time_s", columns, first_row)


def _prometheus(path: Path) -> _Raw:
    """The answer of Prometheus' query_range: a column a series, under its labels."""
    wanted = 'want the answer of Prometheus\' query_range: {"data": {"resultType": "matrix", "result": [...]}}'
    try:
        answer = json.loads(inputs.regular(path).read_text(encoding="utf-8"))
        result = answer["data"]["result"]
        if answer["data"]["resultType"] != "matrix" or not isinstance(result, list):
            raise KeyError("resultType")
        series = {_labels(one["metric"]): {float(t): v for t, v in one["values"]} for one in result}
    except (OSError, ValueError, RecursionError) as error:
        raise Refusal(f"{path} cannot be read ({inputs.reason(error)}); {wanted}") from None
    except (KeyError, TypeError, AttributeError):
        raise Refusal(f"{path} is no matrix of series; {wanted}") from None
    times = sorted({t for one in series.values() for t in one})
    return _Raw(list(times), True, {name: [one.get(t) for t in times] for name, one in series.items()}, 1)


def _labels(metric: dict[str, str]) -> str:
    labels = ", ".join(f'{key}="{value}"' for key, value in sorted(metric.items()) if key != "__name__")
    return metric.get("__name__", "") + (f"{{{labels}}}" if labels else "") or "{}"


def _listed(names: Sequence[str], most: int = 8) -> str:
    shown = ", ".join(repr(name) for name in names[:most])
    return (shown or "nothing") + (f" and {len(names) - most} more" if len(names) > most else "")


_OTHERS = re.compile(
    r"(?i)(?<![a-z])(without|missing|lost|unleased|expired|overdue|down|unavailable|failed|errors?)(?![a-z])"
)
"""Names of columns that count the others, not those that have what is asked for."""


def _chosen(path: Path, raw: _Raw, column: str, field: str, said: list[str]) -> str:
    names = list(raw.columns)
    if not names:
        raise Refusal(f"{path} has no series; want at least one: does the query of it find anything?")
    if field:
        if field not in names:
            raise Refusal(f"{path} has no column {field!r}; want --field to be one of {_listed(names)}")
        return field
    if column in names:
        return column
    if len(names) != 1:
        # One label set each is one series of Prometheus: as a rule each instance counts its own part.
        parts = "; each may be of one instance alone: for the whole fleet, query sum(...)"
        raise Refusal(
            f"{path} has no column {column!r}; want --field to be one of {_listed(names)}"
            f"{parts if any('{' in name for name in names) else ''}"
        )
    said.append(f"{names[0]!r}, its only column, is taken as {column}")
    return names[0]


def _numbers(path: Path, raw: _Raw, name: str) -> Floats:
    """float64[rows], nan for a gap."""
    out = np.full(len(raw.times), math.nan)
    for i, cell in enumerate(raw.columns[name]):
        text = "" if cell is None else str(cell).strip()
        if text.lower() in GAPS:
            continue
        try:
            out[i] = float(text)
        except ValueError:
            hint = "; want Grafana's export without formatted values" if text[:1].isdigit() else ""
            raise Refusal(
                f"{path}, row {raw.first_row + i}: {name} is no number; want numbers, or nothing for a gap{hint}"
            ) from None
        if math.isinf(out[i]):
            raise Refusal(f"{path}, row {raw.first_row + i}: {name} is infinite; want a number, or nothing")
    return out


# --- times ------------------------------------------------------------------------------------------------------------


def _times(path: Path, raw: _Raw, origin: str, is_given: bool, said: list[str]) -> tuple[Floats, bool]:
    """float64[rows], s from the scenario's start; and whether a clock says so, which may run before and after it."""
    moments = [_moment(path, cell, raw.first_row + i) for i, cell in enumerate(raw.times)]
    numbers = np.array([m for m in moments if isinstance(m, float)])
    looks_unix = numbers.size > 0 and bool((numbers >= EPOCH_LEAST).mean() > 0.5)
    if not raw.is_clock and numbers.size == len(moments) and not (looks_unix and is_given):
        if looks_unix:
            raise Refusal(
                f"{path}: time_s is {numbers[0]:.10g} in its first row, which looks like a Unix time; want seconds "
                "from the scenario's start, or --origin, the moment at which it starts "
                f'("{numbers[0]:.10g}" if that is the first row)'
            )
        return numbers, False
    if not origin:
        first = _as_written(raw.times[0])
        raise Refusal(
            f'{path} has times of a clock; want --origin, the moment at which the scenario starts ("{first}" '
            "if that is the first row), or the scenario's own clock"
        )
    start, where = moment_of(origin), "the origin" if is_given else "the scenario's clock"
    out = []
    zoneless = any(isinstance(m, datetime) and m.tzinfo is None for m in moments)
    zone: tzinfo | None = start.tzinfo if isinstance(start, datetime) else UTC
    if zoneless and zone is not None:
        said.append(f"times without a zone are taken in that of {where} ({datetime.now(zone).tzname()})")
    for moment in moments:
        if isinstance(moment, datetime) and moment.tzinfo is None and zone is None:
            out.append((moment - start.replace(tzinfo=None)).total_seconds())  # type: ignore[union-attr]
            continue
        if isinstance(start, datetime) and start.tzinfo is None:
            raise Refusal(f'{where}, {origin}, has no zone, but {path} has; want "…Z" or "…-07:00"')
        at = moment.replace(tzinfo=moment.tzinfo or zone).timestamp() if isinstance(moment, datetime) else _unix(moment)
        out.append(at - (start.timestamp() if isinstance(start, datetime) else start))
    said.append(f"the scenario starts at {origin}" + ("" if is_given else " (its clock)"))
    return np.array(out), True


def _as_written(cell: object) -> str:
    """A moment as --origin takes it."""
    return cell.isoformat() if isinstance(cell, datetime) else str(cell).strip()


def moment_of(text: str) -> datetime | float:
    """A moment in ISO's form, or Unix seconds from seconds or milliseconds. Refusal says what is wanted."""
    found = _number_or_date(text)
    if isinstance(found, datetime):
        return found
    if found is None or not EPOCH_LEAST <= found < math.inf:
        raise Refusal(f'origin is {text}; want a moment such as "2025-10-20T06:48:00Z", or Unix seconds')
    return _unix(found)


def _unix(number: float) -> float:
    return number / 1000 if number >= EPOCH_MS_LEAST else number


def _moment(path: Path, cell: object, row: int) -> datetime | float:
    if isinstance(cell, datetime):
        return cell
    text = "" if cell is None else str(cell).strip()
    found = _number_or_date(text)
    if found is None:
        raise Refusal(
            f"{path}, row {row}: its time is no number and no date; want seconds, or a date such as "
            '"2025-10-20 02:25:00"'
        )
    if isinstance(found, float) and not math.isfinite(found):
        raise Refusal(f"{path}, row {row}: its time is {text}; want a finite number of seconds")
    return found


def _number_or_date(text: str) -> datetime | float | None:
    """What a text says of a moment; None if it is neither a number nor a date in ISO's form."""
    for read in (float, datetime.fromisoformat):
        with suppress(ValueError):
            return read(text)
    return None


def _check_times(path: Path, times: Floats, rows: Whole, horizon_s: float) -> None:
    early, late = times < 0, times > horizon_s
    for wrong, what, wanted in (
        (early, "before 0", "seconds from the scenario's start"),
        (late, f"beyond the horizon of {horizon_s:g} s", "times within the scenario, or a longer horizon"),
    ):
        if wrong.any():
            i = int(np.argmax(wrong))
            raise Refusal(
                f"{path}, row {rows[i]}: time_s is {times[i]:g}, {what} ({int(wrong.sum())} of {len(times)} rows); "
                f"want {wanted}"
            )


# --- units ------------------------------------------------------------------------------------------------------------


def _in_unit(
    path: Path, values: Floats, rows: Whole, name: str, of: float | None, in_percent: bool, is_share: bool
) -> Floats:
    """Values in the unit of the results; a share from 0 to 1 is checked to be one."""
    if not is_share:
        if of is not None or in_percent:
            raise Refusal("--of and --percent are for shares; want neither for a column that is none")
        if (values < 0).any():
            i = int(np.argmax(values < 0))
            raise Refusal(f"{path}, row {rows[i]}: {name} is {values[i]:g}; want numbers from 0")
        return values
    if of is not None and in_percent:
        raise Refusal("--of and --percent are both set; want one of them")
    shares = values / (of or 1.0) / (100.0 if in_percent else 1.0)
    wrong = (shares < 0) | (shares > 1 + 1e-9)
    if wrong.any():
        i = int(np.argmax(np.abs(shares - 0.5)))
        most = float(values.max())
        if of is not None:
            wanted = f"counts from 0 to {of:g} (--of)"
        elif in_percent:
            wanted = "percent from 0 to 100"
        else:
            wanted = "shares from 0 to 1; percent? --percent; counts? --of TOTAL" if most > 1 else "shares from 0 to 1"
            if most > 100:
                wanted = "shares from 0 to 1; counts? --of TOTAL"
        raise Refusal(f"{path}, row {rows[i]}: {name} is {values[i]:g}; want {wanted}")
    return np.clip(shares, 0.0, 1.0)
