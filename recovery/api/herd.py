"""What each policy does to the reference herd: runs of `recovery/data/presets/herd.toml` with one key changed."""

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

from recovery.api.scenario import parse
from recovery.model.catalogue import Row
from recovery.units import show_duration

if TYPE_CHECKING:
    import polars as pl

    from recovery.api.run import Run
    from recovery.api.scenario import Scenario, Value

# Parameters that show the rule on a herd of this size; other policies are shown with their defaults.
SHOWN: dict[tuple[str, str], dict[str, "Value"]] = {
    ("client", "exponential"): {"base": "1s", "cap": "5s"},
    ("admission", "fixed-concurrency"): {"limit": "5s"},
    ("admission", "percentage-ramp"): {"start": "2m", "every": "2m"},
    **{("guard", name): {"group": "host"} for name in ("retry-budget", "concurrency-budget", "grpc-throttle")},
    ("guard", "aws-standard"): {"group": "host"},
    ("guard", "circuit-breaker"): {"group": "host"},
    ("guard", "sre-throttle"): {"group": "host"},
    ("queue", "bounded"): {"limit": "5s"},
    ("queue", "adaptive-lifo"): {"window": "10s", "short": "1s"},
    ("queue", "codel"): {"target": "500ms", "interval": "10s"},
    ("queue", "codel-folly"): {"target": "500ms", "interval": "10s"},
    ("queue", "pie"): {"target": "2s", "update": "500ms", "burst": "10s"},
    ("queue", "fair-queue"): {"wait": "5s"},
    ("intake", "token-bucket"): {"rate": "8/s"},
    ("intake", "queue-size"): {"rate": "12/s", "limit": 100},
    ("intake", "queue-size-switch"): {"limit": 100, "low": 50},
    ("intake", "queue-size-ramp"): {"limit": 100, "low": 50},
    ("health", "fail-open"): {"healthy": 80},
    ("health", "panic"): {"below": "80%"},
    ("operator", "restart"): {"at": "15m", "waves": 2, "every": "30s", "down_for": "20s"},
    ("operator", "throttle"): {"at": "15m", "rate": "90%"},
    ("operator", "pause"): {"at": "15m", "lasts": "2m"},
    ("operator", "end-sessions"): {"at": "15m"},
    ("operator", "set"): {"at": "15m", "key": "host.timeout", "value": "1m"},
    ("operator", "scale"): {"at": "15m", "workers": 1},
    ("operator", "hold-clients"): {"at": "15m", "lasts": "30s", "waves": 4, "every": "30s"},
    ("operator", "purge"): {"at": "15m"},
}
KEYS = {"intake": "propagation.intake", "health": "health.policy", "operator": "operator"}
AFTER_LEASES = ("intake", "health")  # shown behind a bounded queue of leases, or no launch would reach them


@dataclass(frozen=True)
class Shown:
    """A policy on the herd: what the file says of it, the file's other lines that differ, and both runs."""

    key: str
    value: "Value"
    run: "Run"
    base: "Run"

    @property
    def toml(self) -> str:
        """The change as a file has it."""
        return f"{self.key} = {_toml(self.value)}"

    def row(self, *, is_base: bool = False) -> Mapping[str, float]:
        """The measures of its run, as it is judged by them, or of the herd without it."""
        run = self.base if is_base else self.run
        found: Mapping[str, float] = run.judged.row(0, named=True)
        return found

    @property
    def targets(self) -> int:
        """Targets of the herd's load balancer."""
        found: int = tomllib.loads(_text())["health"]["targets"]
        return found

    @property
    def outage_min(self) -> tuple[float, float]:
        """When the herd's database is away, minutes from the start."""
        [[away]] = self.base.manifest.outages
        return away.from_s / 60, away.to_s / 60

    @property
    def told(self) -> str:
        """What the run says, in a sentence or two; numbers are the run's own measures."""
        row, base = self.row(), self.row(is_base=True)
        if self.key == KEYS["intake"]:
            return (
                f"Network state is {_normal(row['latency_normal_s'])} and at most {row['jobs_waiting_peak']:,.0f} jobs "
                f"wait (without a limit: {_normal(base['latency_normal_s'])}, {base['jobs_waiting_peak']:,.0f})."
            )
        if self.key == KEYS["health"]:
            return (
                f"At the worst moment {row['usable_min_share']:.0%} of the targets are usable, and capacity is "
                f"{_normal(row['capacity_normal_s'])}; {row['capacity_lost_hours'] * 60:.0f} minutes of the whole "
                f"capacity are lost (as it stands: {base['usable_min_share']:.0%}, "
                f"{_normal(base['capacity_normal_s'])}, {base['capacity_lost_hours'] * 60:.0f} minutes)."
            )
        if row["unleased_holder_hours"] == 0:
            return "No holder is ever without a lease."
        waits = f"at most {row['queue_peak']:,.0f} requests wait"
        if row["ttr99_s"] != float("inf"):
            return f"99 % have a lease again {show_duration(row['ttr99_s'])} after the database is back; {waits}."
        state = {"collapsed": "No lease comes back for good", "recovering": "It still recovers as the run ends"}
        return f"{state[str(row['verdict'])]}; {waits}."

    def series(self, *, is_base: bool = False) -> "pl.DataFrame":
        """The curves of its run, or of the herd without it."""
        return (self.base if is_base else self.run).series


def _text() -> str:
    return resources.files("recovery").joinpath("data", "presets", "herd.toml").read_text(encoding="utf-8")


@functools.cache
def _herd(is_after: bool) -> "Scenario":
    """The herd as it stands, without its variant; or that variant, on which what comes after the leases is shown."""
    alone, variant = _text().split("\n[variants.", 1)
    herd = parse(alone, name="herd")
    if is_after:
        herd = herd.with_({"policy.queue": tomllib.loads(variant.split("]\n", 1)[1])["policy"]["queue"]})
    return herd


@functools.cache
def _base(is_after: bool) -> "Run":
    return _herd(is_after).run(progress=False)


def shown(policy: Row) -> Shown:
    """A policy of the catalogue, run on the herd."""
    axis, name = policy["axis"], policy["name"]
    key = KEYS.get(axis, f"policy.{axis}")
    parameters = SHOWN.get((axis, name), {})
    value: Value = {"name": name, **parameters} if parameters else name
    if axis == "operator":
        value = [{"do": name, **parameters}]
    is_after = axis in AFTER_LEASES
    return Shown(key, value, _herd(is_after).with_({key: value}).run(progress=False), _base(is_after))


def _normal(seconds: float) -> str:
    if seconds == float("inf"):
        return "never normal again"
    return "always normal" if seconds <= 5 else f"normal again after {show_duration(seconds)}"


def _toml(value: "Value") -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return f'"{value}"' if isinstance(value, str) else str(value)
