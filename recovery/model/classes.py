"""The tables [classes.NAME]: several kinds of clients and jobs that share one host's workers and queue."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, ClassVar, Literal, NamedTuple

from pydantic import BeforeValidator, Field

from recovery.model import policies
from recovery.model.distributions import Time
from recovery.model.jobs import Step
from recovery.model.order import not_rising
from recovery.model.part import ClassName, Flag, Part, Whole, optional
from recovery.model.policies.client import Retries
from recovery.model.policies.rule import Limit, by_name
from recovery.units import Number, PositiveDuration, PositiveShare, Rate, Share, show_share

CLASSES_MAX = 20
ROUNDING = 1e-9  # shares that are written in decimals add up to 1 but for so much
_Client = Annotated[policies.AnyClient, BeforeValidator(by_name)]
_Guard = Annotated[policies.AnyGuard, BeforeValidator(by_name)]
_Lease = Annotated[policies.AnyLease, BeforeValidator(by_name)]

OF_HOST = ("establish_time", "renew_time", "timeout", "timeout_growth", "timeout_cap", "timeout_keeps")
OF_LEASE = ("duration", "check_every", "check_jitter", "expire_time", "first_delay")
OF_POLICY = ("client", "guard", "lease")
_OF_HOLDERS = ("renew_time", *OF_LEASE, "lease")
_OF_JOBS = ("arrivals", "retries")


class Class(Part):
    """One kind of clients or jobs; what it does not say is as in [host], [lease], [jobs] and [policy]."""

    matters: ClassVar[str] = (
        "its requests wait for the same workers as those of the other classes, so each changes how long the others wait"
    )
    share: PositiveShare | None = Field(
        None, description="which part of [fleet] or [jobs] it is; default: what the other classes leave"
    )
    rate: Rate | None = Field(None, description='jobs of its own beside these: "30/s" in all')
    steps: tuple[Step, ...] | None = Field(None, min_length=1, description="the same over time, as jobs.steps")
    arrivals: Literal["poisson", "even"] | None = Field(None, description="as jobs.arrivals; default: that, or poisson")
    retries: Retries | None = Field(None, description="as jobs.retries; default: that, or unlimited")
    of: ClassName | None = optional(
        None,
        description="another class: its clients have one of these each, and their sessions end together",
        why="whoever loses one session loses the other too, so both kinds come back in one herd",
    )
    after: ClassName | None = optional(
        None,
        description="the same, and who has no lease asks only when that class's client has one",
        why="these come only behind the success of the other class, so they are back no sooner than that",
    )
    establish_time: Time | None = Field(None, description="as host.establish_time, which is the default")
    renew_time: Time | None = Field(None, description="as host.renew_time, which is the default")
    timeout: Time | None = Field(None, description="as host.timeout, which is the default")
    timeout_growth: Annotated[Number, Field(ge=1, le=100)] | None = Field(
        None, description="as host.timeout_growth, which is the default"
    )
    timeout_cap: PositiveDuration | None = Field(None, description="as host.timeout_cap, which is the default")
    timeout_keeps: Flag | None = Field(None, description="as host.timeout_keeps, which is the default")
    duration: Time | None = Field(None, description="as lease.duration, which is the default")
    check_every: PositiveDuration | None = Field(None, description="as lease.check_every, which is the default")
    check_jitter: Share | None = Field(None, description="as lease.check_jitter, which is the default")
    expire_time: Time | None = Field(None, description="as lease.expire_time, which is the default")
    first_delay: Time | None = Field(None, description="as lease.first_delay, which is the default")
    client: _Client | None = Field(None, description="as policy.client, which is the default")
    guard: _Guard | None = Field(None, description="as policy.guard, which is the default")
    lease: _Lease | None = Field(None, description="as policy.lease, which is the default")
    cost: Annotated[Number, Field(ge=0, le=1e6)] = optional(
        1.0,
        description="tokens that an attempt takes from admission and throttles",
        why="an attempt takes more or fewer tokens than others, so a limit lets in fewer or more of them",
    )
    priority: Annotated[Whole, Field(ge=0, le=15)] = optional(
        0,
        description="0 is served first; a service that has begun is not interrupted",
        why="it waits behind all classes with a smaller number, so it gets only what these leave of the workers",
    )
    weight: Annotated[Whole, Field(ge=1, le=1000)] | None = optional(
        None,
        description="share of the services among classes of its priority; default: one row for all",
        why="it has a queue of its own and its share of the services, however long the other queues are",
    )
    limit: Limit | None = optional(
        None,
        description="how many of its requests may wait at a host, apart from all others",
        why="its own bound refuses it early, and it takes no place from the others",
    )

    def given(self, keys: Iterable[str]) -> dict[str, object]:
        """What it says of these keys."""
        return {key: value for key in keys if (value := getattr(self, key)) is not None}

    @property
    def ties(self) -> tuple[str, ...]:
        """Classes whose clients it has."""
        return tuple(name for name in (self.of, self.after) if name is not None)

    @property
    def own_steps(self) -> tuple[Step, ...] | None:
        """Its own arrivals; None where it has none."""
        if self.rate is not None:
            return (Step.model_construct(at=0.0, rate=self.rate, interval=None),)
        return self.steps


Classes = Mapping[str, Class]


class Place(NamedTuple):
    """What a class is among all: whether it is jobs, the class whose clients it has in the end (itself, for most), and
    which part of [fleet] or [jobs] that is (None: it has arrivals of its own).
    """

    is_jobs: bool
    root: str
    share: float | None


def places_of(classes: Classes, *, has_fleet: bool) -> dict[str, Place]:
    """The place of each class, of classes that fit together."""
    told = [one.share for one in classes.values() if _is_part(one)]
    left = 1 - math.fsum(share for share in told if share is not None)
    found: dict[str, Place] = {}
    for name, one in classes.items():
        if one.ties:
            found[name] = found[one.ties[0]]
        elif one.own_steps is not None:
            found[name] = Place(True, name, None)
        else:
            found[name] = Place(not has_fleet, name, left if one.share is None else one.share)
    return found


def _is_part(one: Class) -> bool:
    return not one.ties and one.own_steps is None


def added(courses: Iterable[tuple[Step, ...]]) -> tuple[Step, ...]:
    """Arrivals that come together, step by step."""
    many = [sorted(steps, key=lambda step: step.at) for steps in courses]
    times = sorted({step.at for steps in many for step in steps})
    rates = [[[s.rate_per_s() for s in steps if s.at <= at][-1] for steps in many] for at in times]
    return tuple(
        Step.model_construct(at=at, rate=math.fsum(rate), interval=None)
        for at, rate in zip(times, rates, strict=True)
    )  # fmt: skip


def scaled(steps: tuple[Step, ...], by: float) -> tuple[Step, ...]:
    """So many times these arrivals."""
    return tuple(Step.model_construct(at=step.at, rate=step.rate_per_s() * by, interval=None) for step in steps)


def wrong(classes: Classes, *, has_fleet: bool) -> Iterator[str]:
    """What does not fit together, a line each."""
    if len(classes) > CLASSES_MAX:
        yield f"classes are {len(classes)}; want at most {CLASSES_MAX}"
    whole = "fleet" if has_fleet else "jobs"
    broken = False
    for number, (name, one) in enumerate(classes.items()):
        mistakes = [*_wrong_ties(classes, list(classes)[:number], one), *_wrong_source(one)]
        broken |= bool(mistakes)
        yield from (f"classes.{name}: {mistake}" for mistake in mistakes)
    if broken:
        return
    parts = {name: one.share for name, one in classes.items() if _is_part(one)}
    silent = [name for name, share in parts.items() if share is None]
    told = math.fsum(share for share in parts.values() if share is not None)
    if not parts:
        yield f"classes have none that is a part of [{whole}]; want at least one without rate, steps, of and after"
    elif len(silent) > 1:
        yield f"classes.{silent[0]}.share is missing, and so is that of {silent[1]}; want it of all but one"
    elif silent and told >= 1 - ROUNDING:
        yield f"classes.{silent[0]}.share is missing, and the others leave nothing; want smaller ones"
    elif not silent and abs(told - 1) > ROUNDING:
        yield f"classes have shares of {show_share(told)} of [{whole}] in all; want 100%, or one class without a share"
    for name, place in places_of(classes, has_fleet=has_fleet).items():
        keys = _OF_HOLDERS if place.is_jobs else _OF_JOBS
        why = "jobs hold no leases" if place.is_jobs else "lease holders never give up"
        for key in classes[name].given(keys):
            yield f"classes.{name}.{key} is set; want none: {why}"


def _wrong_ties(classes: Classes, before: list[str], one: Class) -> Iterator[str]:
    for key, tie in (("of", one.of), ("after", one.after)):
        if tie is not None and tie not in before:
            yield f"want {key} as a class that stands before it{': ' + ', '.join(before) if before else ''}"
            return
    if one.of is not None and one.after is not None and _root(classes, one.of) != _root(classes, one.after):
        yield f"want of and after of the same clients; {one.of} and {one.after} are different ones"


def _root(classes: Classes, name: str) -> str:
    ties = classes[name].ties
    return _root(classes, ties[0]) if ties else name


def _wrong_source(one: Class) -> Iterator[str]:
    """What says twice how many there are."""
    keys = [key for key in ("share", "rate", "steps") if getattr(one, key) is not None]
    if one.ties and keys:
        yield f"want {keys[0]} without of and after: there are as many as of {one.ties[0]}"
    elif len(keys) > 1:
        yield f"want one of {', '.join(keys)}"
    if one.steps and (wrong := not_rising("steps", [step.at for step in one.steps], from_0=True)):
        yield wrong


def mean(values: Sequence[float], weights: Sequence[float]) -> float:
    """The weighted mean."""
    return math.fsum(value * weight for value, weight in zip(values, weights, strict=True)) / math.fsum(weights)


def jobs_until(steps: tuple[Step, ...], horizon_s: float) -> float:
    """How many jobs come until the horizon."""
    ends = [*(step.at for step in steps[1:]), horizon_s]
    return math.fsum(step.rate_per_s() * max(end - step.at, 0.0) for step, end in zip(steps, ends, strict=True))
