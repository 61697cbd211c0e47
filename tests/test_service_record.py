"""Records of services and of the race: what is written is what is read, and what is no such record is refused.

Oracles: the round trip through JSON; the tables themselves, written by hand.
"""

import json
import math
from typing import Any

import pytest

from recovery.store.race_record import Race, RaceSummary
from recovery.store.service_record import Services

ONE = {"mean": 1.0, "low": 0.5, "high": 1.5}
NEVER = {"mean": "inf", "low": None, "high": None}
SERVICES: dict[str, Any] = {
    "title": "Who", "file": "who.toml", "clock": "", "variant": "as written", "runs": 1, "window_s": 60.0,
    "horizon_s": 3600.0,
    "nodes": [
        {"name": "a", "label": "A", "layer": 0, "stage": None, "is_given": True, "is_simulated": False},
        {"name": "b", "label": "b", "layer": 1, "stage": "leases", "is_given": False, "is_simulated": True},
    ],
    "edges": [{"source": "a", "target": "b", "kind": "hard"}],
    "services": [
        {
            "name": "a", "impaired": [[0.0, "inf"]], "depth": [[0.0, "inf", 0.5]], "minutes_lost": ONE, "starts_s": ONE,
            "well_s": NEVER, "deepest_share": ONE, "backlog_peak_h": None, "lost_work_h": None,
            "backlog_peak_units": None, "missing_peak_share": ONE,
            "waits": [{"from_s": 0.0, "to_s": "inf", "waits_for": "A", "chain": ["a"]}],
        }
    ],
    "minutes_lost": ONE,
    "waits": [{"waits_for": "A", "minutes": 1.0, "share": 1.0}],
    "critical": [{"from_s": 0.0, "to_s": "inf", "waits_for": "A", "share": 1.0, "services": 1}],
    "blast": [
        {
            "node": "a",
            "services": [
                {
                    "service": "b", "minutes_lost": ONE, "starts_s": ONE, "well_s": NEVER, "path": ["a", "b"],
                    "paths": [{"path": ["a", "b"], "minutes": 1.0}],
                }
            ],
        }
    ],
    "cuts": [{"source": "a", "target": "b", "kind": "hard", "saved_min": ONE, "services": {"b": 1.0}}],
    "observed": [
        {
            "label": "it", "service": "a", "what": "start", "confidence": "official", "source": "made up",
            "used_for_fit": False, "follows_manual": False, "observed_s": 0.0, "simulated_s": None, "low_s": None,
            "high_s": None, "is_always": False, "difference_min": None, "within_min": 10.0, "is_within": None,
            "is_given": True, "is_predicted": False,
        }
    ],
    "notes": [{"key": "services.a.impaired", "kind": "assumed", "why": "so", "value": [{"from": "0s", "to": "1h"}]}],
    "variants": [
        {
            "variant": "as written", "levers": {"host.workers": 4}, "runs": 1, "minutes_lost": ONE,
            "services": {"a": {"minutes_lost": ONE, "well_s": {**ONE, "never": 1, "runs": 20}}},
        }
    ],
}  # fmt: skip
ROW: dict[str, Any] = {
    "variant": "as it was", "levers": {"dns.keep": 2}, "guardrails": [], "per_year": ONE, "method": "splitting",
    "years": 0.5, "cycles": 10, "empty": 3, "levels": [1, 2],
    "latency": {"mean_s": None, "p50_s": 1.0, "p99_s": 2.0, "p999_s": "inf"},
}  # fmt: skip
SEARCH: dict[str, Any] = {
    "enactors": 3, "endpoints": 2, "plans": 3, "keep": 1, "guardrails": ["refuse-empty"], "states": 9, "steps": 8,
    "story": ["A does this.", "B does that."], "is_possible": True,
}  # fmt: skip
RACE: dict[str, Any] = {
    "rows": [ROW], "possible": [SEARCH], "years": 0.5,
    "window": {"steps": [[0.0, 5.0, 0.5]], "negative_ttl_s": 900.0},
    "inputs": {"keep": 2, "delays": {"plan": "60s"}}, "guardrails": {"refuse-empty": "never writes one"},
}  # fmt: skip
KINDS = [(Services, SERVICES), (Race, RACE), (RaceSummary, {"format": 2, "rows": [ROW], "possible": [SEARCH]})]


@pytest.mark.parametrize(("kind", "table"), KINDS, ids=lambda one: getattr(one, "__name__", ""))
def test_a_record_is_written_as_it_was_read(kind: type[Services], table: dict[str, Any]) -> None:
    assert json.loads(kind.read(json.dumps(table)).to_json()) == table


@pytest.mark.parametrize(("kind", "table"), KINDS, ids=lambda one: getattr(one, "__name__", ""))
def test_a_key_that_is_missing_or_unknown_is_named(kind: type[Services], table: dict[str, Any]) -> None:
    last = list(table)[-2]
    with pytest.raises(ValueError, match=rf"^{last}: Field required"):
        kind.read(json.dumps({key: value for key, value in table.items() if key != last}))
    with pytest.raises(ValueError, match=r"^world: Extra inputs are not permitted"):
        kind.read(json.dumps({**table, "world": 1}))


def test_what_never_ends_is_infinite_and_labels_are_found() -> None:
    services = Services.model_validate(SERVICES)
    assert services.services[0].impaired[0][1] == math.inf
    assert math.isnan(services.observed[0].simulated_s)
    assert (services.label_of("a"), services.label_of("b")) == ("A", "b")
    with pytest.raises(KeyError):
        services.label_of("c")
