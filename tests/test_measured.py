"""Measured series are read as they stand, or refused with the reason: nothing is guessed in silence.

Oracle: the same curve in every format gives the same numbers; each mistake names its file and what is wanted.
"""

import json
from pathlib import Path

import polars as pl
import pytest

from recovery.reading import measured

TIMES = (0.0, 60.0, 120.0, 180.0)
SHARES = (1.0, 0.5, 0.25, 0.75)
START = 1760943180  # 2025-10-20T06:53:00Z


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def csv(head: str, times: tuple[object, ...], values: tuple[object, ...]) -> str:
    return "\n".join([head, *(f"{t},{v}" for t, v in zip(times, values, strict=True))]) + "\n"


@pytest.fixture
def files(tmp_path: Path) -> list[tuple[Path, dict[str, object]]]:
    unix = tuple(START + t for t in TIMES)
    iso = tuple(f"2025-10-20 06:{53 + i}:00" for i in range(4))
    pl.DataFrame({"time_s": TIMES, "leased_share": SHARES}).write_parquet(tmp_path / "p.parquet")
    matrix = [
        {
            "metric": {"__name__": "leases", "zone": "a"},
            "values": [[t, str(v)] for t, v in zip(unix, SHARES, strict=True)],
        },
        {"metric": {"__name__": "leases", "zone": "b"}, "values": [[unix[0], "0.1"]]},
    ]
    answer = json.dumps({"status": "success", "data": {"resultType": "matrix", "result": matrix}})
    zulu = {"origin": "2025-10-20T06:53:00Z"}
    west = {"origin": "2025-10-19T23:53:00-07:00"}
    counts = tuple(4000 * share for share in SHARES)
    percents = tuple(100 * share for share in SHARES)
    return [
        (written(tmp_path, "plain.csv", csv("time_s,leased_share", TIMES, SHARES)), {}),
        (written(tmp_path, "order.csv", csv("time_s,leased_share", TIMES[::-1], SHARES[::-1])), {}),
        (tmp_path / "p.parquet", {}),
        (written(tmp_path, "counts.csv", csv("time_s,leased_share", TIMES, counts)), {"of": 4000.0}),
        (written(tmp_path, "percent.csv", csv("time_s,leased_share", TIMES, percents)), {"in_percent": True}),
        (written(tmp_path, "iso.csv", csv('"Time","holders"', iso, SHARES)), zulu),
        (written(tmp_path, "sep.csv", "sep=,\n" + csv('"Time","holders"', iso, SHARES)), zulu),
        (written(tmp_path, "semi.csv", csv('"Time","holders"', iso, SHARES).replace(",", ";")), zulu),
        (written(tmp_path, "tab.csv", "sep=\t\n" + csv("Time,holders", iso, SHARES).replace(",", "\t")), zulu),
        (written(tmp_path, "clock.csv", csv('"Time","holders"', iso, SHARES)), {"clock": "2025-10-20T06:53:00"}),
        (written(tmp_path, "west.csv", csv("Time,a", tuple(f"{t}Z" for t in iso), SHARES)), west),
        (written(tmp_path, "ms.csv", csv("Time,a", tuple(f"{1000 * t:.0f}" for t in unix), SHARES)), zulu),
        (written(tmp_path, "unix.csv", csv("time_s,leased_share", unix, SHARES)), {"origin": str(START)}),
        (written(tmp_path, "q.json", answer), {**zulu, "field": 'leases{zone="a"}'}),
    ]  # fmt: skip


def test_every_format_gives_the_same_numbers(files: list[tuple[Path, dict[str, object]]]) -> None:
    for path, arguments in files:
        found = measured.read(path, "leased_share", horizon_s=3600.0, **arguments)  # type: ignore[arg-type]
        assert found.times_s == pytest.approx(TIMES), path
        assert found.values == pytest.approx(SHARES), path


def test_what_a_clock_has_before_and_after_is_left_out_and_told(tmp_path: Path) -> None:
    path = written(tmp_path, "c.csv", csv("Time,a", tuple(START + 60 * i for i in range(-2, 9)), tuple(range(11))))
    found = measured.read(path, "queue", horizon_s=300.0, origin=str(START), is_share=False)
    assert found.times_s == (0, 60, 120, 180, 240, 300)
    assert found.values == (2, 3, 4, 5, 6, 7)
    assert "5 rows before the scenario's start or after its horizon, left out" in found.said


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("time_s,leased_share\n0,1\n60,x\n120,0\n", "row 3: leased_share is no number"),
        ("time_s,leased_share\n0,1\n60,inf\n120,0\n", "row 3: leased_share is infinite"),
        ("time_s,leased_share\n0,1\n60,-0.1\n120,0\n", "row 3: leased_share is -0.1; want shares from 0 to 1"),
        ("time_s,leased_share\n0,1\n,0.5\n120,0\n", "row 3: its time is no number"),
        ("time_s,leased_share\n0,1\n60,0.5\n4000,0\n", "row 4: time_s is 4000, beyond the horizon of 3600 s"),
        ("time_s,leased_share\n0,1\n60,\n120,nan\n", "1 rows with a time and a value; want at least 3"),
        ("time_s,leased_share\n0,1\n60,1\n120,1\n180,\n", r"all its 3 rows \(1 of 4 rows are gaps"),
        ("time_s,a,b\n0,1,1\n60,1,2\n120,1,3\n", "want --field to be one of 'a', 'b'"),
        ('time_s,"up{i=\\"a\\"}","up{i=\\"b\\"}"\n0,1,1\n60,1,2\n120,1,3\n', r"query sum\(\.\.\.\)"),
        ("seconds,leased_share\n0,1\n60,0\n120,1\n", "has no column 'time_s'"),
        (
            "Time,leased_share\n2025-10-20 06:53:00,1\n",
            'times of a clock; want --origin, .* starts \\("2025-10-20 06:53:00" if',
        ),
    ],
)
def test_mistakes_name_the_row_and_what_is_wanted(tmp_path: Path, text: str, wanted: str) -> None:
    path = written(tmp_path, "s.csv", text)
    with pytest.raises(ValueError, match=wanted):
        measured.read(path, "leased_share", horizon_s=3600.0)


@pytest.mark.parametrize("text", ["[1", "{}", '{"data": {"resultType": "vector", "result": []}}', '{"data": 3}'])
def test_json_that_is_no_matrix_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ValueError, match="want the answer of Prometheus' query_range"):
        measured.read(written(tmp_path, "s.json", text), "leased_share", horizon_s=3600.0)


def test_a_panic_of_the_reader_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Polars panics at some damaged files, which is no error of its own kind, nor an Exception."""

    def panics(*_: object) -> None:
        raise pl.exceptions.PanicException("range end index 7265 out of range")

    monkeypatch.setattr(pl, "read_parquet", panics)
    path = written(tmp_path, "p.parquet", "")
    with pytest.raises(ValueError, match=r"p\.parquet cannot be read \(range end .*want a CSV or Parquet file"):
        measured.read(path, "leased_share", horizon_s=600)


def test_zones_are_not_guessed(tmp_path: Path) -> None:
    path = written(
        tmp_path, "s.csv", "Time,a\n2025-10-20T06:53:00Z,1\n2025-10-20T06:54:00Z,0\n2025-10-20T06:55:00Z,1\n"
    )
    with pytest.raises(ValueError, match="has no zone, but"):
        measured.read(path, "leased_share", horizon_s=3600.0, origin="2025-10-20T06:53:00")
    with pytest.raises(ValueError, match="the scenario's clock, 2025-10-20 06:53:00, has no zone"):
        measured.read(path, "leased_share", horizon_s=3600.0, clock="2025-10-20 06:53:00")  # nobody gave an origin
    with pytest.raises(ValueError, match="all rows lie outside the scenario"):
        measured.read(path, "leased_share", horizon_s=3600.0, origin="2025-10-21T06:53:00Z")
    with pytest.raises(ValueError, match="origin is noon; want a moment"):
        measured.read(path, "leased_share", horizon_s=3600.0, origin="noon")
