"""Pictures that are known are not drawn again, and nobody can tell from the page.

Oracles: the same folder's page without a shelf (every byte); the number of figures that were drawn, counted.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from recovery.reading.experiment import parse
from recovery.show import drawn, forms, pages
from recovery.store import code
from recovery.store.folder import save
from recovery.store.shelf import Shelf, known_in
from recovery.study import execute

SMALL = """
horizon = "20m"
[fleet]
holders = 60
hosts = 1
[host]
workers = 1
establish_time = "2s"
renew_time = "50ms"
timeout = "20s"
[lease]
duration = "5m"
check_every = "2m"
[dependency]
outages = [{ from = "2m", to = "6m" }]
[variants."lifo"]
policy.queue = "lifo"
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of results without a page."""
    folder = tmp_path_factory.mktemp("drawn") / "small"
    save(folder, execute.simulate(parse(SMALL), threads=1).files())
    return folder


@pytest.fixture
def folder(results: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(results, tmp_path / "small"))


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the pictures that were drawn, in their order."""
    seen: list[str] = []
    svg = forms.svg

    def counted(picture: forms.Picture) -> str:
        seen.append(picture.name)
        return svg(picture)

    monkeypatch.setattr(forms, "svg", counted)
    return seen


def write(folder: Path) -> dict[str, bytes]:
    """The page and its pictures, by name, of a folder that knows what it drew."""
    page = pages.write(folder, known=Shelf(known_in(folder)))
    return {file.name: file.read_bytes() for file in (page, *(folder / "figures").iterdir())}


def change(file: Path, to: Callable[[dict[str, object]], object]) -> None:
    table = json.loads(file.read_text(encoding="utf-8"))
    to(table)
    file.write_text(json.dumps(table), encoding="utf-8")


def test_a_page_of_known_pictures_is_that_of_drawn_ones(folder: Path, figures: list[str]) -> None:
    pages.write(folder)
    anew = {file.name: file.read_bytes() for file in (folder / "report.html", *(folder / "figures").iterdir())}
    assert not known_in(folder).exists()
    count = len(figures)
    assert write(folder) == anew
    shutil.rmtree(folder / "figures")
    assert (len(figures), count) == (2 * count, 10)
    assert write(folder) == anew
    assert len(figures) == 2 * count


@pytest.mark.parametrize(
    ("name", "key", "value", "again"),
    [
        ("manifest.json", "wall_s", 99.0, False),
        ("manifest.json", "written", "2020-01-01T00:00:00+00:00", False),
        ("manifest.json", "horizon_s", 600.0, True),
        ("summary.json", "recovers_from_s", 200.0, True),
        ("report.html", "", "", False),
        ("series.parquet", "", "", True),
    ],
)
def test_what_pictures_show_is_part_of_their_key(folder: Path, name: str, key: str, value: object, again: bool) -> None:
    before = drawn._key(folder, ())
    if key:
        change(folder / name, lambda table: table.update({key: value}))
    else:
        (folder / name).write_text("other")
    assert (drawn._key(folder, ()) != before) == again


def test_pictures_of_other_code_have_another_key(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = drawn._key(folder, ())
    monkeypatch.setattr(code, "digest", lambda *_: "other")
    assert drawn._key(folder, ()) != before


def test_damaged_pictures_are_drawn_again(folder: Path, figures: list[str]) -> None:
    anew = write(folder)
    before = len(figures)
    for file in known_in(folder).iterdir():
        file.write_bytes(file.read_bytes()[:-40])
    assert write(folder) == anew
    assert len(figures) == 2 * before


def test_facts_about_a_lever_are_part_of_the_key(folder: Path) -> None:
    keys = {drawn._key(folder, told) for told in ((), (1.0,), (2.0,))}
    assert len(keys) == 3


def test_code_is_told_apart_by_what_its_files_hold(tmp_path: Path) -> None:
    found = []
    for number, (name, text) in enumerate([("a.py", "1"), ("a.py", "2"), ("b.py", "1"), ("inner/a.py", "1")]):
        place = tmp_path / str(number) / "package"
        (place / name).parent.mkdir(parents=True)
        (place / name).write_text(text)
        found.append(code.digest(place))
    assert len(set(found)) == 4
    assert code.digest(tmp_path / "3" / "package", without={"inner"}) not in found


def test_a_page_of_known_pictures_needs_no_matplotlib() -> None:
    asked = "import recovery.show.report, recovery.show.report_sweep, sys; print('matplotlib' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert told.stdout == "False\n"
