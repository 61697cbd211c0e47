"""The table [host]: one host, its workers, its costs, its clients' patience."""

import math
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, TypeAdapter, WithJsonSchema, model_validator

from recovery.model.bar import Bar
from recovery.model.conflict import Conflict
from recovery.model.crash import Crash, Probe
from recovery.model.distributions import Time
from recovery.model.hint import Hint
from recovery.model.part import Flag, Part, Whole, Why, optional
from recovery.model.slowdown import Slowdown
from recovery.units import Duration, Number, PositiveDuration, duration_s

UNTIL_BACK = "until-back"
Cancel = Literal["none", "queue", "worker"]


def _fail_after(value: object) -> object:
    """A time, or the word."""
    if value == UNTIL_BACK:
        return value
    try:
        return duration_s(value)
    except ValueError as error:
        raise ValueError(f'{error}, or "{UNTIL_BACK}": a request hangs until the dependency is back') from None


FailAfter = Annotated[
    float | Literal["until-back"],
    BeforeValidator(_fail_after),
    WithJsonSchema({"anyOf": [TypeAdapter(Duration).json_schema(), {"const": UNTIL_BACK}]}),
    Why(
        "requests that were begun in the outage hold their workers until it is over, and hold up all behind them",
        lambda value: value == UNTIL_BACK,
    ),
]


class Host(Part):
    """One host: its workers, its costs, its clients' patience."""

    workers: Whole = Field(1, ge=1, le=10**6, description="requests that a host works on at one time")
    establish_time: Time = Field(examples=["200ms"], description="time to make a lease (or to serve a job)")
    renew_time: Time | None = Field(
        None,
        description="time to renew a lease that is still valid; default: establish_time. Exception: where a rule of "
        'sessions and classes is in use (for instance fail_after = "until-back"), a renewal that still waits after its '
        "client gave up takes establish_time",
    )
    timeout: Time = Field(
        examples=["60s"], description="after this a client gives its attempt up; drawn for each attempt"
    )
    cancel_on_timeout: Flag = Field(
        False, description="a request that timed out leaves the queue or its worker at once"
    )
    fail_after: FailAfter = Field(
        0.0,
        description='time that a request takes to fail while the dependency is down, or "until-back": it hangs, and '
        "its own time begins when the dependency is back",
    )
    reject_cost: Duration = Field(0.0, description="work of saying no, charged to the next service")
    drop_cost: Duration = Field(0.0, description="work of dropping a request, charged likewise")
    drop_notifies: Flag = Field(True, description="whether a client whose request is dropped learns it at once")
    round_trip: PositiveDuration = Field(
        0.001, description="after a refusal or failure the next attempt comes no sooner than this"
    )
    slowdown: Slowdown | None = Field(None, description="service slows down with the queue")
    cancel: Cancel | None = optional(
        None,
        description="what is free again when a client gives up: nothing, its place in the queue, or also its worker; "
        "none is the same as cancel_on_timeout = false, worker as true",
        why="a client that gives up frees its place in the queue, and a worker that has begun works on for nobody",
    )
    full: Literal["refuse", "silent"] = optional(
        "refuse",
        description="whether a full queue refuses, or says nothing, so that clients learn it at their deadline",
        why="a full queue says nothing, so each client waits for its whole timeout before it tries again",
    )
    resend: Time | None = optional(
        None,
        description='with full = "silent": the same attempt asks again by itself after this time, then longer ones',
        why="an attempt that nobody heard asks again by itself, as TCP does at a full listen backlog",
    )
    resend_growth: Number = Field(
        2.0, ge=1, le=100, exclude_if=lambda value: value == 2.0, description="each such gap is so many times the last"
    )
    late: Literal["wasted", "counts"] = optional(
        "wasted",
        description="whether a success after the deadline still makes the lease at the server",
        why="work that ends too late for its client still makes a lease at the server, so it is not all in vain",
    )
    start_time: Duration = optional(
        0.0,
        description="time after a restart or crash in which a host accepts requests and serves none yet",
        why="while a host starts, requests queue up before it serves the first one",
    )
    crash: Crash | None = Field(
        None, exclude_if=lambda value: value is None, description="a table [host.crash]: when a host dies of its load"
    )
    probe: Probe | None = Field(
        None, exclude_if=lambda value: value is None, description="a table [host.probe]: a health check of each host"
    )

    hint: Hint | None = Field(
        None,
        exclude_if=lambda value: value is None,
        description="a table [host.hint]: a refusal says when to come back",
    )
    timeout_growth: Annotated[Number, Field(ge=1, le=100)] = optional(
        1.0,
        description="each timeout that passes makes the client's next one so many times as long",
        why="clients become more patient with each timeout, so more of a long queue still wait when served",
    )
    timeout_cap: PositiveDuration | None = optional(
        None, description="a timeout grows no longer than this", why="the growth of timeouts ends at a cap"
    )
    timeout_keeps: Flag = optional(
        False,
        description="whether a timeout stays as long as it has grown after a success; default: it starts anew",
        why="what clients learned of the host's slowness outlasts a success",
    )
    bar: Bar | None = Field(
        None, exclude_if=lambda value: value is None, description="a table [host.bar]: a share of attempts is barred"
    )
    conflict: Conflict | None = Field(
        None,
        exclude_if=lambda value: value is None,
        description="a table [host.conflict]: a write fails if another was made to its row since the read",
    )

    @model_validator(mode="before")
    @classmethod
    def _cancels(cls, data: object) -> object:
        """Two of the three words are another key's values."""
        if isinstance(data, dict) and data.get("cancel") in ("none", "worker"):
            wanted, told = data["cancel"] == "worker", data.get("cancel_on_timeout")
            if told not in (None, wanted):
                raise ValueError(f'want cancel = "{data["cancel"]}" without cancel_on_timeout, or the same of both')
            data = {key: value for key, value in data.items() if key != "cancel"} | {"cancel_on_timeout": wanted}
        return data

    @model_validator(mode="after")
    def _fits(self) -> "Host":
        if self.cancel == "queue" and self.cancel_on_timeout:
            raise ValueError('want cancel = "queue" without cancel_on_timeout = true, which frees the worker too')
        if self.timeout_growth == 1 and (self.timeout_cap is not None or self.timeout_keeps):
            raise ValueError("want timeout_cap and timeout_keeps only with timeout_growth above 1")
        if self.resend is not None and self.full == "refuse":
            raise ValueError('want resend only with full = "silent": who is refused comes back as policy.client says')
        if self.resend is not None and self.resend.mean_s() <= 0:
            raise ValueError("want resend above 0")
        if self.crash is not None and self.crash.probe_latency is not None and self.probe is None:
            raise ValueError("want a table [host.probe] with crash.probe_latency: what is measured")
        return self

    @property
    def fails_after_s(self) -> float:
        """Time that a request takes to fail while the dependency is down, s; inf where it hangs."""
        return math.inf if isinstance(self.fail_after, str) else self.fail_after

    @property
    def hangs(self) -> bool:
        """Whether requests hang while the dependency is down."""
        return isinstance(self.fail_after, str)

    @property
    def cancel_words(self) -> str:
        """What becomes of a request whose client gave up, in plain words."""
        if self.cancel == "queue":
            return "requests that time out leave the queue, and workers that have begun work on"
        return f"requests that time out {'leave' if self.cancel_on_timeout else 'stay in'} the queue"
