"""The tables [[operator]]: what people do, when or on which condition of the fleet."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    JsonValue,
    PrivateAttr,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic.config import JsonDict
from pydantic_core import ErrorDetails

from recovery.errors import nearest, shown
from recovery.model import policies
from recovery.model.live import LIVE, OF_CLASS, live_of, wanted_of
from recovery.model.notice import Notice
from recovery.model.order import not_rising
from recovery.model.part import ClassName, Flag, Part, Whole, optional, or_off
from recovery.model.policies.rule import LimitFrom1
from recovery.units import Duration, PositiveDuration, PositiveShare, Share, duration_s, share

_CONDITION = re.compile(r"^\s*(leased|queue|oldest)(?:\.([A-Za-z][A-Za-z0-9_-]*))?\s*(<|>)\s*(\S.*?)\s*$")


@dataclass(frozen=True)
class Condition:
    """`what` (leased: share, queue: requests in all hosts, oldest: age in seconds), of all or of a class, is below or
    above a bound.
    """

    what: Literal["leased", "queue", "oldest"]
    above: bool
    bound: float
    of_class: str = ""

    @property
    def level(self) -> str:
        """The name of the level that it looks at."""
        return f"{self.what}.{self.of_class}" if self.of_class else self.what

    def holds(self, levels: Mapping[str, float]) -> bool:
        """Whether it is true of these levels of the fleet."""
        level = levels[self.level]
        return level > self.bound if self.above else level < self.bound


def condition(text: object) -> Condition:
    """Parse "leased < 60%", "queue > 10000", "oldest > 5m" or, of a class, "leased.NAME < 60%". Raises ValueError that
    says what is wanted.
    """
    wanted = 'want a condition such as "leased < 60%", "queue > 10000" or "oldest > 5m"'
    match = _CONDITION.match(text) if isinstance(text, str) else None
    if not match:
        raise ValueError(wanted)
    what: Literal["leased", "queue", "oldest"] = match[1]  # type: ignore[assignment]  # the pattern takes no other
    of_class, sign, bound = match.groups()[1:]
    try:
        number = share(bound) if what == "leased" else duration_s(bound) if what == "oldest" else float(bound)
    except ValueError:
        raise ValueError(wanted) from None
    if not math.isfinite(number) or number < 0:
        raise ValueError(wanted)
    if (what == "leased" and sign == ">" and number >= 1) or (sign == "<" and number == 0):
        raise ValueError("want a condition that can come true")
    return Condition(what, sign == ">", number, of_class or "")


def _a_condition(value: str) -> str:
    condition(value)
    return value


class _Action(Part):
    at: Duration | None = Field(None, description="when, from the start of the experiment")
    when: Annotated[str, AfterValidator(_a_condition)] | None = Field(
        None,
        description='or on a condition of the whole fleet: "leased < 60%", "queue > 10000", "oldest > 5m"; '
        'of a class: "leased.NAME < 60%"',
    )
    held: Duration = Field(0.0, alias="for", description="how long the condition must hold before they act")
    again_after: PositiveDuration | None = optional(
        None,
        description="so long after it the condition is looked at again, and must hold anew; default: once in a run",
        why="what operators do on a condition is done again and again, so it may become a loop",
    )
    zone: Whole | None = Field(None, ge=0, description="only hosts of this zone (from 0)")

    @property
    def ends_sessions(self) -> bool:
        """Whether it ends sessions of clients."""
        return False

    @model_validator(mode="after")
    def _one_trigger(self) -> Self:
        if (self.at is None) == (self.when is None):
            raise ValueError("want either at or when")
        if self.at is not None and self.held:
            raise ValueError("want for only with when")
        if self.at is not None and self.again_after is not None:
            raise ValueError("want again_after only with when")
        return self


class _OnClients(_Action):
    """What actions on clients or their requests have in common."""

    classes: tuple[ClassName, ...] = optional(
        (),
        description="only clients of these classes; default: of all",
        why="people act on some classes of clients, and leave the others as they are",
    )


class _SessionEnd(_Action):
    """What actions that may end sessions have in common."""

    notice: Notice = optional(
        "at-once",
        description="how a client whose session ended learns it: at-once, at-check (at its next check), or a time",
        why="clients learn late that their session ended, so they are spread out, and without one for longer",
    )


class Restart(_SessionEnd):
    """Restart hosts in waves: what they had queued is lost without a word, leases stay unless sessions end."""

    do: Literal["restart"] = "restart"
    share: Share = Field(1.0, description="share of the hosts that is restarted in all")
    waves: Whole = Field(1, ge=1, le=10**5, description="in how many waves")
    every: Duration = Field(0.0, description="time from one wave to the next")
    down_for: Duration = Field(30.0, description="time that a host refuses everything")
    sessions: Literal["stay", "end"] = optional(
        "stay",
        description="whether the sessions, and with them the leases, on a restarted host stay or end",
        why="a restart ends the sessions on its host, so all its clients come back for a new one",
    )
    told: Flag = optional(
        False,
        description="whether clients whose requests a restart loses see a failure at once, not only their deadline",
        why="clients see at once that the host lost their request, so they come back sooner",
    )

    @property
    def ends_sessions(self) -> bool:
        """Whether it ends sessions of clients."""
        return self.sessions == "end"

    @model_validator(mode="after")
    def _has_ends(self) -> "Restart":
        if self.sessions == "stay" and self.notice != "at-once":
            raise ValueError('want notice only with sessions = "end": sessions that stay are not told of')
        return self


class EndSessions(_SessionEnd, _OnClients):
    """End the sessions of a share of the clients: they have no lease from then on, and come back when they learn it."""

    matters: ClassVar[str] = "sessions end at one moment, so their clients come back in one herd"
    do: Literal["end-sessions"] = "end-sessions"
    share: PositiveShare = Field(
        1.0,
        description="share of the clients that lose their session: the nearest whole number of each class",
    )

    @property
    def ends_sessions(self) -> bool:
        """Whether it ends sessions of clients."""
        return True


class Release(Part):
    """So long after its start, the throttle goes to this rate."""

    after: Duration = Field(examples=["5m"], description="time from the start of the throttle")
    rate: Annotated[policies.RateOfFleet | None, BeforeValidator(or_off)] = Field(
        examples=["80%"], description='the new rate, or "off"'
    )


def _not_off(value: object) -> object:
    if value == "off":
        raise ValueError(
            'want a rate such as "200/s"; a throttle is let go of by its release: '
            'release = [{ after = "5m", rate = "off" }]'
        )
    return value


class Throttle(_OnClients):
    """A limit in front of everything, let go of step by step: a token bucket, or another rule of admission."""

    do: Literal["throttle"] = "throttle"
    rate: Annotated[policies.RateOfFleet | None, BeforeValidator(_not_off)] = Field(
        None, description='of the whole fleet: "200/s", or "90%" of what it can establish; wanted without rule'
    )
    burst: Duration = Field(
        1.0, description="how much of its rate it may save up (at least one request; none at a rate of 0)"
    )
    only: Literal["all", "establish"] = Field("all", description='"establish": renewals of leases that still run pass')
    release: tuple[Release, ...] = Field(
        (),
        description='how the limit is lifted, in order of time: [{ after = "5m", rate = "80%" }, { after = "10m", '
        'rate = "off" }]',
    )
    limit: LimitFrom1 | None = optional(
        None,
        description="queue length at which a host lets nothing in, as requests on that host or as the time to work "
        'them off: "60s". Its bucket fills at rate · (1 − queue/limit). Default: the queue does not matter',
        why="the operators' throttle looks at the queue of each host, so it lets more in where that is short",
    )
    rule: policies.AnyThrottle | None = optional(
        None,
        description='instead of rate, burst, only and limit: "leaky-bucket", or { name = "queue-size-switch", limit = '
        '"60s", low = "30s" }; `recovery policies operator.rule` lists them',
        why="the operators' throttle has a rule of admission of its own, in front of that of the hosts",
    )

    @property
    def law(self) -> policies.Limiting:
        """The rule of admission that it is, before any release. (Its rate may be 0, unlike that of a host's rule.)"""
        if self.rule is not None:
            return self.rule
        numbers = {"rate": self.rate, "burst": self.burst, "only": self.only}
        if self.limit is None:
            return policies.TokenBucket().model_copy(update=numbers)
        return policies.QueueSize().model_copy(update={**numbers, "limit": self.limit})

    @property
    def has_bucket(self) -> bool:
        """Whether an attempt needs a token: not with a switch or a ramp."""
        return isinstance(self.law, policies.WITH_RATE)

    @property
    def spares_renewals(self) -> bool:
        """Whether renewals of leases that still run pass it."""
        return self.law.only == "establish"

    @property
    def lets_wait(self) -> bool:
        """Whether requests wait for its tokens, in a line at each host."""
        return isinstance(self.rule, policies.TokenBucket | policies.LeakyBucket) and self.rule.wait is not None

    @property
    def laws(self) -> tuple[tuple[float, policies.Limiting | None], ...]:
        """What it is from when on, s after its start; None: it is off."""
        then = [
            (step.after, None if step.rate is None else self.law.model_copy(update={"rate": step.rate}))
            for step in self.release
        ]
        return ((0.0, self.law), *then)

    @model_validator(mode="after")
    def _rising(self) -> "Throttle":
        if wrong := not_rising("release", [step.after for step in self.release], "after"):
            raise ValueError(wrong)
        return self

    @model_validator(mode="after")
    def _is_one_rule(self) -> "Throttle":
        if self.rule is None:
            if self.rate is None:
                raise ValueError('want rate, such as "200/s" or "90%", or a rule of admission')
            return self
        if said := [key for key in ("rate", "burst", "only", "limit") if key in self.model_fields_set]:
            raise ValueError(f"want either rule or {' and '.join(said)}: a rule has keys of its own")
        if not self.has_bucket and any(step.rate is not None for step in self.release):
            raise ValueError(f'want rate = "off" in release: rule "{self.rule.name}" has no rate')
        return self


class Pause(_OnClients):
    """Let nothing in for a while."""

    do: Literal["pause"] = "pause"
    lasts: PositiveDuration = Field(examples=["5m"], description="how long")
    only: Literal["all", "establish"] = Field(
        "all", description="whether it holds up renewals of leases that still run, too"
    )

    @property
    def spares_renewals(self) -> bool:
        """Whether renewals of leases that still run pass it."""
        return self.only == "establish"


GATES_MAX = 60  # a host remembers as bits whose tokens a request has yet to take


def gates_of(actions: Sequence["Action"], classes: Sequence[str]) -> list[list[int]]:
    """The throttles and pauses of a scenario (their places), gate by gate: those for the same of its `classes` are one,
    but for switches and for ramps, which have no bucket and are one each.
    """
    found: dict[tuple[frozenset[str], str], list[int]] = {}
    for place, action in enumerate(actions):
        if isinstance(action, Throttle | Pause):
            law = action.law.name if isinstance(action, Throttle) and not action.has_bucket else ""
            found.setdefault((frozenset(action.classes or classes), law), []).append(place)
    return list(found.values())


def _any_value(value: object) -> JsonValue:
    """A value as a file may have it; whoever knows the key parses it."""
    return _JSON.validate_python(value)


_JSON: TypeAdapter[JsonValue] = TypeAdapter(JsonValue)
_KEY_SCHEMA: JsonDict = {
    "anyOf": [
        {"type": "string", "enum": [*sorted(LIVE)]},
        {"type": "string", "pattern": rf"^classes\.[A-Za-z][A-Za-z0-9_-]*\.({'|'.join(sorted(OF_CLASS))})$"},
    ]
}


def _words_of(error: ErrorDetails) -> str:
    """What is wrong with a value, and what is wanted."""
    context = error.get("ctx", {})
    if error["type"] == "union_tag_invalid":
        choices = [choice.strip("' ") for choice in str(context["expected_tags"]).split(",")]
        return f"no rule has that name{nearest(str(context['tag']), choices)}; want one of {', '.join(choices)}"
    if (wanted := _WANTED.get(error["type"])) is not None:
        return f"want {wanted}"
    return str(context.get("error", error["msg"]))


_WANTED = {
    "int_type": "a whole number, without quotes",
    "int_from_float": "a whole number",
    "float_type": "a number, without quotes",
    "bool_type": "true or false, without quotes",
    "string_type": "a text in quotes",
    "model_type": "the name of a rule in quotes, or its table",
    "model_attributes_type": "the name of a rule in quotes, or its table",
    "dict_type": "a table",
    "list_type": "a list",
}
"""What is wanted, by pydantic's name of the mistake."""


class SetKey(_Action):
    """Give a key another value: at once or as a ramp, for good or for a while. In force is what was begun last."""

    matters: ClassVar[str] = "people change the system while it recovers, for good or for a while"
    do: Literal["set"] = "set"
    key: Annotated[str, WithJsonSchema(_KEY_SCHEMA)] = Field(
        examples=["host.workers"],
        description="the key of the file, for instance host.workers; those that may be set in a run are listed; "
        "of a class such as classes.NAME.timeout",
    )
    value: Annotated[JsonValue, BeforeValidator(_any_value), WithJsonSchema({})] = Field(
        examples=[16], description="its value, written as in the file"
    )
    over: Duration = Field(0.0, description="it goes there in steps at the ends of windows, over this time (numbers)")
    lasts: PositiveDuration | None = Field(None, description="for so long; default: for good")
    share: PositiveShare = Field(1.0, description="share of the hosts where it is set, spread evenly")

    _parsed: object = PrivateAttr(None)

    @property
    def parsed(self) -> object:
        """The value as the key has it: a number (times in s), a distribution, a policy or a rate of the fleet."""
        return self._parsed

    @model_validator(mode="after")
    def _is_live(self) -> "SetKey":
        live = live_of(self.key)
        if live is None and (wanted := wanted_of(self.key)):
            raise ValueError(f"{self.key} cannot be set in a run; want {wanted}")
        if live is None:
            of_class = f"classes.NAME. and one of {', '.join(sorted(OF_CLASS))}"
            known = f"{', '.join(sorted(LIVE))}, or {of_class}"
            raise ValueError(
                f"key is {shown(self.key)}{nearest(self.key, LIVE)}; want one that may be set in a run: {known}"
            )
        try:
            self._parsed = live.read(self.value)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            problem = _words_of(first)
            raise ValueError(f"value of {self.key} is {shown(self.value)}; {problem}") from None
        if self.over and not live.is_number:
            raise ValueError(f"want over only with keys that are one number or time; {self.key} is none")
        return self


class Scale(_Action):
    """Add workers to each host after a warm-up, or take some away; those who work then leave when they are done. Or add
    hosts that stand by to those that share the jobs, or take some of these away.
    """

    matters: ClassVar[str] = "people add or take workers or hosts, and new ones need time to warm up"
    do: Literal["scale"] = "scale"
    workers: Annotated[Whole, Field(ge=-(10**6), le=10**6)] | None = Field(
        None, description="so many more workers a host; below 0: fewer"
    )
    hosts: Annotated[Whole, Field(ge=-(10**5), le=10**5)] | None = optional(
        None,
        description="or how many hosts to add for jobs, from jobs.spare_hosts, lowest number first; a number below 0 "
        "takes hosts away, highest number first",
        why="hosts that come in take new jobs alone; what waits at the others stays there",
    )
    warm_up: Duration = Field(0.0, description="until workers that were added work, or hosts accept jobs")
    lasts: PositiveDuration | None = Field(None, description="for so long; default: for good")

    @model_validator(mode="after")
    def _does(self) -> "Scale":
        if (self.workers is None) == (self.hosts is None):
            raise ValueError("want either workers or hosts")
        more = self.workers or self.hosts or 0
        if more == 0:
            raise ValueError(f"want {'hosts' if self.workers is None else 'workers'} above or below 0")
        if more < 0 and self.warm_up:
            raise ValueError("want warm_up only where workers or hosts are added")
        return self


class HoldClients(_OnClients):
    """Keep clients from asking, one submission each; then let them in again in waves, by their number."""

    matters: ClassVar[str] = "clients are held back outside and come in waves, while their deadlines and leases run on"
    do: Literal["hold-clients"] = "hold-clients"
    lasts: Duration = Field(examples=["5m"], description="until the first wave is let in")
    waves: Whole = Field(1, ge=1, le=10**5, description="in how many waves they are let in")
    every: Duration = Field(0.0, description="time from one wave to the next")


class Purge(_OnClients):
    """Throw away all that waits; who is in service stays."""

    matters: ClassVar[str] = "what waits is thrown away, so workers begin with those who ask anew"
    do: Literal["purge"] = "purge"
    told: Flag = Field(False, description="whether their clients see a failure at once, not only their deadline")


Action = Annotated[Restart | Throttle | Pause | EndSessions | SetKey | Scale | HoldClients | Purge, Discriminator("do")]
ACTIONS = (Restart, Throttle, Pause, EndSessions, SetKey, Scale, HoldClients, Purge)
SOURCES = {
    Restart: "selective restarts of DWFM hosts, 20 October 2025, 04:14 PDT (aws.amazon.com/message/101925)",
    Throttle: "DWFM's incoming work throttled, 20 October 2025 (aws.amazon.com/message/101925); released in steps as "
    "in staged re-enabling (aws.amazon.com/message/11201)",
    SetKey: "as in kubectl patch, a feature flag, or a new configuration while the incident goes on",
    Scale: "as when machines are added in an incident (autoscaling, or by hand)",
    HoldClients: "as when a network is cut off and its users are let in region by region",
    Purge: "as when a queue of messages is purged because nobody waits for them any more",
    EndSessions: "as when a load balancer or a proxy in front is replaced, and all its connections break",
    Pause: "requests to the metadata service paused, 20 September 2015 (aws.amazon.com/message/5467D2)",
}
