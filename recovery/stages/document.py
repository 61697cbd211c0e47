"""The page of columns and measures: `python -m recovery.stages.document > docs/reference/measures.md`."""

from collections.abc import Mapping, Sequence

from recovery.measures import register, tables
from recovery.measures.register import ALL, COLUMNS_VERSION, JOBS, LEASES, Measure, unit_of
from recovery.stages import known, traffic
from recovery.stages.sessions import traffic as sessions
from recovery.stages.stage import Column

HEAD = f"""# Columns and measures

A name ends in its unit: `_s`, `_ns`, `_share` (0 to 1), `_hours`, `_minutes`, `_per_s`; a count or a ratio has none.

These are the columns of version {COLUMNS_VERSION} (`versions.columns` in manifest.json). The version rises when a name
is removed or gets another meaning, but not when a name is added.

This page is made by `make docs` from the register of measures (`recovery/measures/register.py`) and from the columns of
the stages (`recovery/stages/`). To add one see [adding.md](../adding.md). `MODEL.md` says how each measure is computed.

You cannot compute all measures from `series.parquet`. It has only the first replication of each variant, and many
measures need what it leaves out: histograms, single hosts, and the hosts that a sample does not simulate. Repeat the
run instead.
"""


OF_CLASSES = """A scenario with classes also has these columns for each class, with the class behind a dot:
`leased.heartbeat`. Left out are those that belong to a host as a whole. Each class also has `leased_share` or
`backlog`."""
JUDGED = """A name has one meaning in all rows: `ttr99_s` is the first return in `rows` and in `groups[].measures` of
`summary.json`, in `runs.parquet`, `runs.csv`, and `run.rows` and `sweep.rows` of Python. A run is judged by another
value in three cases. Where leases were lost once more, or only after they had been counted as held, a time to recovery
is judged by `ttr99_last_s` or `ttr99_again_s`. Where a run collapses after it was well for a while, it is judged as
never back, and its `efficiency` as 0. These values are in `groups[].judged` of `summary.json` and in `run.judged` and
`sweep.judged` of Python. By them `[expect]` is judged, `sweep` ranks and `compare` compares, under the name of the
measure; tables tell the first return and mark it with a star."""
EACH_CLASS = """If the last column says *each class*, a scenario with classes has the measure once more for each of
them, with the class behind a dot: `ttr99_s.heartbeat`."""


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def _head(columns: Mapping[str, str]) -> str:
    return _table(("column", "what it is"), [(f"`{name}`", meaning) for name, meaning in columns.items()])


def _columns(columns: Sequence[Column]) -> str:
    rows = [
        (
            f"`{one.name}`" + (" and the zone's number: `_0` …" if one.by_zone else ""),
            unit_of(one.name),
            one.kind,
            one.meaning,
        )
        for one in columns
    ]
    return _table(("column", "unit", "kind", "what it is"), rows)


def _asked(one: Measure) -> str:
    """Where a measure may be asked for."""
    places = {
        "`[expect]`": one.is_expected,
        "`[[observed]]`": one.is_observed,
        "`sweep.measure`": one.is_recovery,
        "harm": one.is_harm,
        "each class": one.of_class,
    }
    return ", ".join(place for place, is_asked in places.items() if is_asked)


def _measures(stage: str) -> str:
    rows = [
        (f"`{one.name}`", one.unit, one.kind, one.title, one.meaning, _asked(one))
        for one in register.TABLE
        if one.stage == stage
    ]
    return _table(("measure", "unit", "kind", "title", "what it is", "asked for in"), rows)


def page() -> str:
    """The page as text."""
    of_all = {*traffic.COLUMNS, *sessions.COLUMNS}
    own = {kind.name: [one for one in kind.columns if one not in of_all] for kind in known.TRAFFIC}
    parts = [
        HEAD,
        "## Which run a row is of",
        "`series.parquet` of a run has a row for each window of the first replication of each variant:",
        _head(tables.SERIES),
        "Rows of `summary.json` of a run:",
        _head(tables.ROWS),
        "`runs.parquet` of a sweep (with `--csv` also `runs.csv`) has a row a run, and a column for each varied key:",
        _head(tables.RUNS),
        "`series.parquet` of a sweep has curves of `leased_share` or `backlog`:",
        _head(tables.CURVES),
        "## Columns of the series",
        "A *flow* is what happened in a window, a *level* what there was at its end, a *peak* the largest within it.",
        "### Hosts, of leases and of jobs",
        _columns(traffic.COLUMNS),
    ]
    for name, columns in own.items():
        parts += [f"### Of {name} alone", _columns(columns)]
    parts += [
        "### With rules of sessions, operators or the server under load",
        "Only if the scenario uses a rule of MODEL.md, section 13.",
        _columns(sessions.COLUMNS),
        OF_CLASSES,
    ]
    for stage in known.LATER:
        parts += [f"### Stage {stage.name}, with a table `[{stage.name}]`", _columns(stage.columns)]
    parts += [
        "## Measures",
        "A *time* is a duration, a *milestone* a moment from the start (0: always, inf: never, empty: not measured).",
        JUDGED,
        EACH_CLASS,
        "### Of leases and of jobs",
        _measures(ALL),
        "### Of leases",
        _measures(LEASES),
        "### Of jobs",
        _measures(JOBS),
    ]
    for stage in known.LATER:
        parts += [f"### Of the stage {stage.name}", _measures(stage.name)]
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


if __name__ == "__main__":
    print(page(), end="")
