"""Service times that were measured as a histogram, from what Prometheus gives. A leaf.

Read are the exposition format (a scrape of /metrics, with `le` labels), the answer of `query` or `query_range` (JSON;
of a range its increase from the first to the last point), and a CSV file with the columns `le` and `count`. Counts are
cumulative: so many took up to `le` seconds. Buckets of the same `le` (of several pods, say) are added up.
"""

import csv
import io
import itertools
import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recovery.errors import Refusal
from recovery.reading import inputs
from recovery.statistics.arrays import Floats

_SAMPLE = re.compile(r"^(?P<name>[a-zA-Z_:][\w:]*)\{(?P<labels>.*)\}\s+(?P<value>\S+)(\s+\S+)?$")
_LE = re.compile(r'(?:^|,)\s*le="(?P<le>[^"]*)"')
WANTED = (
    "want a histogram of Prometheus: a scrape with NAME_bucket{le=…}, the JSON of a query for it, or CSV with the "
    "columns le and count"
)


@dataclass(frozen=True)
class Histogram:
    """How many took up to each bound: `bounds_s` float64[n] rising, the last inf; `counts` float64[n] cumulative. And
    what must be said of how it was read.
    """

    bounds_s: Floats
    counts: Floats
    said: tuple[str, ...] = ()

    @property
    def total(self) -> float:
        """How many there are."""
        return float(self.counts[-1])


def read(path: Path, name: str = "", unit_s: float = 1.0) -> Histogram:
    """The histogram in a file; `name` is that of the metric, without _bucket, where there are several; `unit_s` is the
    length of the unit of `le`. Raises Refusal that names the file and what is wanted.
    """
    try:
        text = inputs.regular(path).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise Refusal(f"{path} cannot be read ({inputs.reason(error)}); {WANTED}") from None
    said: list[str] = []
    if text.lstrip()[:1] == "{":
        found = _json(path, text, said)
    elif "{" in text:
        found = _exposition(text)
    else:
        found = {"": _csv(path, text)}
    buckets = _chosen(path, found, name, said)
    return _checked(path, buckets, unit_s, said)


def _exposition(text: str) -> dict[str, list[tuple[str, float]]]:
    """Buckets of each metric of a scrape."""
    found: dict[str, list[tuple[str, float]]] = {}
    for line in text.splitlines():
        match = _SAMPLE.match(line.strip())
        if match and match["name"].endswith("_bucket") and (le := _LE.search(match["labels"])):
            found.setdefault(match["name"].removesuffix("_bucket"), []).append((le["le"], _number(match["value"])))
    return found


def _json(path: Path, text: str, said: list[str]) -> dict[str, list[tuple[str, float]]]:
    """Buckets of each metric of an answer of Prometheus."""
    found: dict[str, list[tuple[str, float]]] = {}
    try:
        data = json.loads(text)["data"]
        kind, result = data["resultType"], data["result"]
        if kind not in ("vector", "matrix"):
            raise KeyError(kind)
        for one in result:
            labels = one["metric"]
            count = _increase(path, one["values"]) if kind == "matrix" else _number(one["value"][1])
            name = str(labels.get("__name__", "")).removesuffix("_bucket")
            found.setdefault(name, []).append((str(labels["le"]), count))
    except RecursionError:
        raise Refusal(f"{path} cannot be read; {WANTED}") from None
    except (KeyError, TypeError, AttributeError, IndexError, json.JSONDecodeError):
        raise Refusal(f"{path} is no vector or matrix with labels le; {WANTED}") from None
    if kind == "matrix":
        said.append("of the range its increase is taken, from the first point to the last")
    return found


def _increase(path: Path, values: Sequence[tuple[object, object]]) -> float:
    counts = [_number(value) for _, value in values]
    if any(b < a for a, b in itertools.pairwise(counts)):
        raise Refusal(f"{path}: a bucket's count falls (a restart); want increase(NAME_bucket[1h]) of a query")
    return counts[-1] - counts[0]


def _csv(path: Path, text: str) -> list[tuple[str, float]]:
    rows = list(csv.DictReader(io.StringIO(text)))
    if not rows or not {"le", "count"} <= set(rows[0]):
        raise Refusal(f"{path} has no columns le and count; {WANTED}")
    return [(str(row["le"]), _number(row["count"])) for row in rows]


def _number(value: object) -> float:
    try:
        return float(value) if isinstance(value, str | int | float) else math.nan
    except ValueError:
        return math.nan


def _chosen(
    path: Path, found: dict[str, list[tuple[str, float]]], name: str, said: list[str]
) -> list[tuple[str, float]]:
    names = [one for one in found if one]
    if name:
        if name.removesuffix("_bucket") not in found:
            shown = ", ".join(names[:8]) or "none with a name"
            raise Refusal(f"{path} has no histogram {name!r}; want --field to be one of {shown}")
        return found[name.removesuffix("_bucket")]
    if len(found) != 1:
        wanted = f"want --field to be one of {', '.join(names[:8])}" if found else WANTED
        raise Refusal(f"{path} has {len(found)} histograms; {wanted}")
    [(only, buckets)] = found.items()
    if only:
        said.append(f"{only!r}, its only histogram, is taken")
    return buckets


def _checked(path: Path, buckets: list[tuple[str, float]], unit_s: float, said: list[str]) -> Histogram:
    """Bounds in order with their counts, if they can be those of a histogram."""
    sums: dict[float, float] = {}
    many: dict[float, int] = {}
    for le, count in buckets:
        bound = _number(le)
        if math.isnan(bound) or bound < 0 or not 0 <= count < math.inf:
            raise Refusal(f'{path}: le="{le}" has {count:g}; want bounds from 0, and counts that are numbers from 0')
        sums[bound] = sums.get(bound, 0.0) + count
        many[bound] = many.get(bound, 0) + 1
    bounds = np.array(sorted(sums))
    if math.inf not in sums:
        raise Refusal(f'{path} has no bucket le="+Inf"; want it too, for it says how many there are')
    if len(set(many.values())) > 1:
        raise Refusal(f"{path}: not all of its histograms have the same bounds; want one (--field), or a sum by (le)")
    if (parts := max(many.values())) > 1:
        said.append(f"{parts} histograms of the same bounds are added up")
    counts = np.array([sums[bound] for bound in bounds.tolist()])
    if (np.diff(counts) < 0).any():
        at = bounds[int(np.argmax(np.diff(counts) < 0)) + 1]
        raise Refusal(f'{path}: le="{at:g}" has fewer than the bucket before; want cumulative counts')
    if counts[-1] <= 0 or len(bounds) < 3:
        raise Refusal(f"{path} has {counts[-1]:g} times in {len(bounds)} buckets; want some, in at least 3 buckets")
    return Histogram(bounds * unit_s, counts, tuple(said))
