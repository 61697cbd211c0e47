"""Records of results: what is written is what is read. Oracle: the round trip, and JSON's own rules."""

import json
import math

import pytest

from recovery.store.record import Estimate, Record, Share


class Told(Record):
    name: str
    spans: dict[str, Estimate]


@pytest.mark.parametrize("value", [0.0, 1.5, -3.0, math.inf, -math.inf, math.nan])
def test_every_number_comes_back(value: float) -> None:
    text = Estimate(mean=value, low=0.0, high=1.0).to_json()
    again = Estimate.read(text)
    assert again.mean == value or (math.isnan(again.mean) and math.isnan(value))
    assert json.loads(text)["low"] == 0.0
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def test_a_record_within_a_record() -> None:
    told = Told(name="a", spans={"ttr99_s": Estimate(mean=1.0), "ttr50_s": Estimate(mean=math.inf)})
    assert Told.read(told.to_json()).spans["ttr50_s"].mean == math.inf
    assert list(json.loads(told.to_json())) == sorted(json.loads(told.to_json()))


@pytest.mark.parametrize("text", ['{"share": "5"}x', '{"share": true}', '{"shares": 1}', "[]", '{"share": "many"}'])
def test_what_is_no_such_record_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  (json and pydantic say it in their own words)
        Share.read(text)


def test_a_record_does_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Share(share=0.5).share = 1.0  # type: ignore[misc]
