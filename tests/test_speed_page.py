"""The pictures of the page of speed are made from its tables, and hold their numbers.

Oracle: the page's own text; made-up tables, reckoned by hand.
"""

import re
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

TOP = Path(__file__).resolve().parent.parent
sys.path.append(str(TOP / "docs"))
PAGE = TOP / "docs" / "explanation" / "speed.md"

MADE_UP = """
| what is simulated | program | ns an event | times ours |
| --- | --- | --- | --- |
| the storm: few | recovery | 5.5 | 1 |
| | other `C` | 1,100 | 200 |
| a queue of eight workers | recovery | 60.0 | 1 |
| | another | 30.0 | 0.50 |

| host | lanes | events | times |
| --- | --- | --- | --- |
| 1,000 holders | 9.1 | 61.0 | 6.7 |
| 10,000 | 7.1 | 62.0 | 8.7 |
| 100,000 | 8.1 | 63.0 | 7.8 |
| 1,000, checks with jitter | 19.1 | 71.0 | 3.7 |
| 10,000, checks with jitter | 17.1 | 72.0 | 4.2 |
| 100,000, checks with jitter | 18.1 | 73.0 | 4.0 |
| 1,000, collapsed | 12.1 | 51.0 | 4.2 |
| 10,000, collapsed | 13.1 | 52.0 | 4.0 |
| 100,000, collapsed | 14.1 | 53.0 | 3.8 |
| 10,000, collapsed, cancel | 33.0 | 58.0 | 1.8 |

| holders | time in s | ns a holder | times the least | memory at most |
| --- | --- | --- | --- | --- |
| 1,000 | 0.002 | 2,000 | 1.00 | 300 MiB, of which 295 before |
| 10,000 | 0.021 | 2,100 | 1.05 | 180 MiB |

| work | cores | times as quick as on one |
| --- | --- | --- |
| some runs, of a kind | 2 | 1.91 |
"""


def texts(file: Path) -> set[str]:
    """All that is written in a picture."""
    return {"".join(node.itertext()).strip() for node in ET.parse(file).iter() if node.tag.endswith("}text")}


def test_every_picture_that_the_page_shows_is_made_for_light_and_dark(tmp_path: Path) -> None:
    from generate import scaling

    made = {file.name for file in scaling.write(tmp_path)}
    text = PAGE.read_text(encoding="utf-8")
    shown = dict(re.findall(r"reference/generated/(speed-\S+)\n:alt: .+\n:class: half (only-\w+)\n", text))
    assert set(shown) == made
    assert all(name.endswith(f"-{ink.removeprefix('only-')}.svg") for name, ink in shown.items())
    assert len(made) == 12
    for name in {name.rpartition("-")[0] for name in made}:
        light, dark = (tmp_path / f"{name}-{ink}.svg" for ink in ("light", "dark"))
        assert texts(light) == texts(dark)
        assert light.read_bytes() != dark.read_bytes()


def test_pictures_hold_the_numbers_of_the_tables(tmp_path: Path) -> None:
    from generate import scaling

    scaling.write(tmp_path, MADE_UP)
    said = {name: texts(tmp_path / f"speed-{name}-light.svg") for name in scaling.pictures(MADE_UP)}
    assert {"recovery", "5.5 ns", "other C", "1,100 ns, 200 times"} <= said["storm"]
    assert "The storm: others take 200 to 200 times ours" in said["storm"]
    assert {"recovery", "60.0 ns", "another", "30.0 ns, 0.50 times"} <= said["queue"]
    assert {"2,000 ns", "2,100 ns", "holders of the fleet", "ns a holder"} <= said["time"]
    assert {"300 MiB", "180 MiB", "memory at most, MiB"} <= said["memory"]
    assert "some runs: 1.91" in said["cores"]
    assert {"1,000", "10,000", "100,000", "holders at a host", "ns an event", "collapsed"} <= said["holders"]
    assert "Lanes: 7.1 to 19.1 ns an event, at any size" in said["holders"]


def test_lines_go_through_the_points_of_the_table() -> None:
    from generate import scaling

    lines = {line.label: line.points for line in scaling.holders(MADE_UP)}
    assert lines == {
        "constant checks": {1e3: 9.1, 1e4: 7.1, 1e5: 8.1},
        "checks with jitter": {1e3: 19.1, 1e4: 17.1, 1e5: 18.1},
        "collapsed": {1e3: 12.1, 1e4: 13.1, 1e5: 14.1},
        "event engine, constant checks": {1e3: 61.0, 1e4: 62.0, 1e5: 63.0},
    }


@pytest.mark.parametrize(
    ("was", "becomes", "told"),
    [
        ("| host | lanes |", "| host | on lanes |", "0 tables with the columns host, lanes, events, times; want one"),
        ("| 100,000, collapsed | 14.1 | 53.0 | 3.8 |\n", "", "2 hosts “, collapsed”; want three"),
        ("| recovery | 60.0 |", "| ours | 60.0 |", "no row of recovery for “a queue of eight”"),
        ("| 180 MiB |", "| not taken |", "“not taken” begins with no number"),
    ],
)
def test_a_table_that_has_gone_is_told(tmp_path: Path, was: str, becomes: str, told: str) -> None:
    from generate import scaling

    assert was in MADE_UP
    with pytest.raises(ValueError, match=re.escape(told)):
        scaling.write(tmp_path, MADE_UP.replace(was, becomes))


def test_the_same_table_twice_is_told(tmp_path: Path) -> None:
    from generate import scaling

    with pytest.raises(ValueError, match="2 tables"):
        scaling.write(tmp_path, MADE_UP + MADE_UP)
