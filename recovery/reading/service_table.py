"""The text of a table of services becomes its model: every mistake is told with file, key, value and what is wanted."""

import itertools
from collections.abc import Generator, Iterable, Iterator, Mapping
from pathlib import Path

from recovery.errors import ScenarioError, nearest
from recovery.model.scenario import Scenario
from recovery.model.services import CELLS_MAX, STAGES, WINDOWS_MAX, Body, ServiceTable, has_stage, some
from recovery.reading import door
from recovery.reading.mistakes import check_table
from recovery.units import duration_s, show_duration

OF_JOBS = " (its jobs are no stage: a run tells when their backlog is cleared)"
MISTAKES_MAX = 50  # in the graph, that are told one by one


def load(path: str | Path) -> ServiceTable:
    """Read and check a table of services. Raises ScenarioError with every mistake, a line each."""
    path = Path(path)
    return parse(door.read(path), str(path))


def check_behind(table: ServiceTable, scenarios: Iterable[Scenario]) -> None:
    """Raise ScenarioError if the table cannot be followed behind one of these scenarios: a stage is missing there, a
    time lies after the end, or the windows are too many.
    """
    for scenario in scenarios:
        longest, window = table.body.behind_s(scenario.horizon), scenario.coupling.window
        mistakes = [f"{table.file}: {line}" for line in (*_missing(table, scenario), *_after(table, longest))]
        if mistakes:
            raise ScenarioError("\n".join(mistakes[:MISTAKES_MAX]))
        most = min(WINDOWS_MAX, CELLS_MAX / len(table.services))
        if longest / window > most:
            raise ScenarioError(
                f"{table.file}: coupling.window of the experiment is {show_duration(window)}; "
                f"want at least {show_duration(longest / most)} to follow services for {show_duration(longest)}"
            )


def _missing(table: ServiceTable, scenario: Scenario) -> Iterator[str]:
    """Stages that services have their trouble from, and the experiment has not. A dependency that is never away is no
    mistake: a variant may say so.
    """
    for name, service in table.services.items():
        stage = service.stage
        if stage in (None, "dependency") or service.impaired or has_stage(scenario, stage, service.of_class):
            continue
        whose = "" if service.of_class is None else f" of {service.of_class}"
        known = [f'"{one}"' for one in STAGES if has_stage(scenario, one)]
        own = f"a stage that it has ({', '.join(known)}), or " if known else ""
        text = f'services.{name}.stage is "{stage}"; the experiment has no {stage}{whose}; want {own}'
        yield f"{text}services.{name}.impaired, when it was impaired{'' if scenario.jobs is None else OF_JOBS}"


def _after(table: ServiceTable, end_s: float) -> Iterator[str]:
    """Times that lie at the end of what is followed, or after it."""
    end = f"the horizon, {show_duration(end_s)}"
    for name, service in table.services.items():
        for i, need in enumerate(service.needs):
            for key, at in (("at", need.at), ("until", need.until)):
                if at is not None and at >= end_s:
                    yield f"services.{name}.needs.{i}.{key} is {show_duration(at)}; want before {end}"
        for i, span in enumerate(service.impaired):
            if span.start >= end_s:
                yield f"services.{name}.impaired.{i}.from is {show_duration(span.start)}; want before {end}"


def parse(text: str, file: str = "services") -> ServiceTable:
    """Check the text of a table of services. Raises ScenarioError with every mistake, a line each."""
    raw = door.table(text, file)
    table = ServiceTable(check_table(Body, raw, file), raw, file)
    mistakes = [f"{file}: {line}" for line in itertools.islice(_wrong(table), MISTAKES_MAX)]
    if mistakes:
        raise ScenarioError("\n".join(mistakes))
    return table


def is_table(path: str | Path) -> bool:
    """Whether a file is a table of services: it has tables [services.NAME]."""
    return isinstance(door.peek(path).get("services"), dict)


def _wrong(table: ServiceTable) -> Iterator[str]:
    """What of the graph cannot be: unknown names, edges to oneself, twice the same edge, circles."""
    services = table.services
    before = yield from _wrong_names(table)
    if before:
        return
    if len(table.layer) < len(services):
        yield f"services go round in a circle: {' -> '.join(_circle(table))}; want no service to need itself in the end"
    yield from _after(table, table.body.alone_s)
    for i, note in enumerate(table.body.notes):
        if _at(table.raw, note.key) is None:
            yield f'notes.{i}.key is "{note.key}"; want a key that the file sets, such as services.NAME.needs.0.ratio'
    for i, row in enumerate(table.body.observed):
        if row.key and not _is_time(_at(table.raw, row.key)):
            yield f'observed.{i}.key is "{row.key}"; want a time that the file sets, such as services.NAME.needs.0.at'


def _wrong_names(table: ServiceTable) -> Generator[str, None, int]:
    """Yields mistakes in names, returns how many edges have one."""
    services, count = table.services, 0

    def known(key: str, name: str) -> Iterator[str]:
        if name not in services:
            yield f'{key} is "{name}"{nearest(name, services)}; want one of {some(services)}'

    for name, service in services.items():
        seen: set[str] = set()
        for i, need in enumerate(service.needs):
            for key, source in zip(("on", "launches"), need.sources, strict=False):
                place = f"services.{name}.needs.{i}.{key}"
                told = list(known(place, source))
                if source == name:
                    told = [f'{place} is "{source}"; want another service than itself']
                elif source in seen:
                    told = [f'{place} is "{source}" once more; want one edge from each service']
                seen.add(source)
                count += len(told)
                yield from told
    for i, row in enumerate(table.body.observed):
        yield from known(f"observed.{i}.service", row.service)
        for name in row.besides:
            yield from known(f"observed.{i}.besides", name)
    return count


def _circle(table: ServiceTable) -> list[str]:
    """A circle, spelt out from a service back to itself, in the direction of the arrows."""
    inside = {name for name in table.services if name not in table.layer}
    needs = {
        name: next(source for need in table.services[name].needs for source in need.sources if source in inside)
        for name in inside
    }
    walk = [min(inside)]
    while walk[-1] not in walk[:-1]:
        walk.append(needs[walk[-1]])
    circle = walk[walk.index(walk[-1]) :][::-1]
    least = circle.index(min(circle))
    return [*circle[least:-1], *circle[: least + 1]] if least else circle


def _at(raw: object, key: str) -> object:
    """What the file has under a key with dots; whole numbers lead into lists. None if there is nothing."""
    for part in key.split("."):
        if isinstance(raw, Mapping):
            raw = raw.get(part)
        elif isinstance(raw, list) and part.isascii() and part.isdigit() and int(part) < len(raw):
            raw = raw[int(part)]
        else:
            return None
    return raw


def _is_time(value: object) -> bool:
    try:
        duration_s(value)
    except ValueError:
        return False
    return True


def value_at(table: ServiceTable, key: str) -> object:
    """What the file has under the key of a note."""
    return _at(table.raw, key)
