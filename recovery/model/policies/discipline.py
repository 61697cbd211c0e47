"""Policies of the queue that remember: who is next and who is dropped, by what was seen of the queue."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, Strict, model_validator

from recovery.model.part import Flag
from recovery.model.policies.lowered import Controller, Order
from recovery.model.policies.rule import LONGEST_QUEUE, Rule
from recovery.units import Number, PositiveDuration, tell_duration

QUEUES_MOST = 128  # that the controller's memory holds; the most that Kubernetes has by default
_HAND_BITS = 48  # of the 52 bits of a flow's draw; Kubernetes, too, leaves four so that all hands are as likely


class _Discipline(Rule):
    """What all of them have in common: a controller."""

    axis: ClassVar[str] = "queue"
    matters: ClassVar[str] = "hosts choose who is next, or who is dropped, by what they have seen of their queue"
    name: str
    _file: ClassVar[str]

    def lower(self, establish_per_s: float) -> Order:
        """In numbers of a host that can establish `establish_per_s`."""
        return Order(self.name, controller=Controller(self._file, self._params))

    @property
    def _params(self) -> tuple[float, ...]:
        """What its controller takes, in its order."""
        raise NotImplementedError


class AdaptiveLifo(_Discipline):
    """First come first served until the queue has stood for `window`, then last come first served.

    A request that came while it stood and has waited longer than `short` is dropped, another one after `window`.
    """

    source: ClassVar[str] = (
        "Maurer, Fail at Scale (ACM Queue, 2015): adaptive LIFO and controlled delay, 100 ms and 5 ms; "
        "the rule in code: PayPal Hera, lib/adaptivequemgr.go (04b1a98), where the long time is 200 ms"
    )
    fails: ClassVar[str] = (
        "Who comes early in a long overload waits to its end, or is dropped; where service takes longer than the two "
        "times, it drops nearly all that wait."
    )
    name: Literal["adaptive-lifo"] = "adaptive-lifo"
    _file: ClassVar[str] = "adaptive_lifo"
    window: PositiveDuration = Field(
        0.1, description="the queue stands when it was last empty so long ago; until then a request may wait as long"
    )
    short: PositiveDuration = Field(0.005, description="how long a request may wait that came while the queue stood")
    drops: Flag = Field(
        True, description="whether requests that waited too long are dropped; else only the order turns"
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.short > self.window:
            raise ValueError("want short no longer than window")
        return self

    @property
    def words(self) -> str:
        """In plain words."""
        window, short = tell_duration(self.window), tell_duration(self.short)
        order = f"newest first once a queue has stood for {window}"
        late = f"drop who came then after {short}, others after {window}"
        return f"{order}; {late if self.drops else 'nobody is dropped'}"

    @property
    def _params(self) -> tuple[float, ...]:
        return self.window, self.short, float(self.drops)


class _Delay(_Discipline):
    """What both kinds of CoDel have: a wait that is too long, and for how long it must have been."""

    target: PositiveDuration = Field(
        0.005, description="a wait that is too long when it is the shortest for an interval"
    )
    interval: PositiveDuration = Field(0.1, description="how long waits must be too long before a request is dropped")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.target >= self.interval:
            raise ValueError("want target below interval, such as a twentieth of it")
        return self

    @property
    def _params(self) -> tuple[float, ...]:
        return self.target, self.interval


class CoDel(_Delay):
    """When all requests waited `target` or longer for `interval`, one is dropped; the next ever sooner (1/√n).

    It ends with the first request that waited less, or that left at most one other waiting.
    """

    source: ClassVar[str] = "RFC 8289 (Controlled Delay Active Queue Management), section 5: 5 ms, 100 ms"
    fails: ClassVar[str] = (
        "It drops slowly at first, for senders that slow down when they are dropped; a herd that comes back all the "
        "same fills the queue much faster than it drops."
    )
    name: Literal["codel"] = "codel"
    _file: ClassVar[str] = "codel"

    @property
    def words(self) -> str:
        """In plain words."""
        target, interval = tell_duration(self.target), tell_duration(self.interval)
        return f"drop one request when all waited {target} or longer for {interval}, then ever more of them"


class CoDelFolly(_Delay):
    """While the shortest wait of the last `interval` was above `target`, who waited over twice `target` is dropped."""

    source: ClassVar[str] = "facebook/folly, folly/executors/Codel.cpp (1ad98e2): 5 ms, 100 ms"
    fails: ClassVar[str] = (
        "It drops everyone over twice the target at once, so where one service takes about that long, most requests "
        "are dropped and come back."
    )
    name: Literal["codel-folly"] = "codel-folly"
    _file: ClassVar[str] = "codel_folly"

    @property
    def words(self) -> str:
        """In plain words."""
        target, interval = tell_duration(self.target), tell_duration(self.interval)
        late = tell_duration(2 * self.target)
        return f"while the shortest wait in {interval} is over {target}, drop requests that waited over {late}"


class Pie(_Discipline):
    """A request is refused as it comes, with a chance that grows while the wait is above `target` or rises."""

    source: ClassVar[str] = "RFC 8033 (Proportional Integral Controller Enhanced), section 4: 15 ms, 150 ms, 1/8, 1 1/4"
    fails: ClassVar[str] = (
        "Its steps are tuned for waits of milliseconds: with waits of seconds the chance jumps between none and all."
    )
    name: Literal["pie"] = "pie"
    _file: ClassVar[str] = "pie"
    target: PositiveDuration = Field(0.015, description="the wait that it aims at")
    update: PositiveDuration = Field(0.015, description="time from one change of the chance to the next")
    burst: PositiveDuration = Field(0.15, description="for how long nobody is refused after the queue was short")
    alpha: Number = Field(0.125, gt=0, le=1000, description="growth of the chance for each second above the target")
    beta: Number = Field(
        1.25, ge=0, le=1000, description="growth of the chance for each second that the wait has grown"
    )

    @property
    def words(self) -> str:
        """In plain words."""
        target, update, burst = (tell_duration(time) for time in (self.target, self.update, self.burst))
        gains = f"{self.alpha:.15g} and {self.beta:.15g} a second"
        return (
            f"refuse some at the door so that waits come to {target}, in steps of {gains} every {update} after {burst}"
        )

    @property
    def _params(self) -> tuple[float, ...]:
        return self.target, self.update, self.burst, self.alpha, self.beta


class EarliestDeadline(_Discipline):
    """The request whose client gives up soonest is served first; of equal ones the first that came."""

    source: ClassVar[str] = "Jackson (1955), Liu and Layland (JACM, 1973); real-time schedulers, Linux SCHED_DEADLINE"
    fails: ClassVar[str] = (
        "Under overload it serves those who are about to give up, so that many are served in vain and the lateness "
        "spreads; it needs something that drops who is too late."
    )
    name: Literal["earliest-deadline"] = "earliest-deadline"
    _file: ClassVar[str] = "earliest_deadline"

    @property
    def words(self) -> str:
        """In plain words."""
        return "the one whose client gives up soonest first"

    @property
    def _params(self) -> tuple[float, ...]:
        return ()


class FairQueue(_Discipline):
    """Each flow has a hand of the queues; its request goes into the one with the fewest waiting; queues take turns."""

    source: ClassVar[str] = (
        "Kubernetes API priority and fairness, queueset.go (0039f24) and the level node-high of its bootstrap "
        "configuration (64 queues, hand 6, 50 each; wait: a quarter of the request timeout of 60 s)"
    )
    fails: ClassVar[str] = (
        "With many more flows than queues nobody is isolated, and a herd fills all queues; then only what the clients "
        "do decides."
    )
    name: Literal["fair-queue"] = "fair-queue"
    _file: ClassVar[str] = "fair_queue"
    queues: Annotated[int, Strict()] = Field(64, ge=1, le=QUEUES_MOST, description="queues of a host")
    hand: Annotated[int, Strict()] = Field(6, ge=1, description="queues of which a flow has its choice")
    limit: Annotated[int, Strict()] = Field(
        50, ge=1, le=LONGEST_QUEUE, description="requests that may wait in one queue while no worker is free"
    )
    wait: PositiveDuration = Field(
        15.0, description="a request that waited longer is dropped by the worker that takes it"
    )
    flow: Literal["client", "class"] = Field(
        "client", description="whose requests share a hand: one client's, a class's"
    )

    @model_validator(mode="after")
    def _deals(self) -> Self:
        if self.hand > self.queues:
            raise ValueError("want hand no larger than queues")
        if self.queues**self.hand > 1 << _HAND_BITS:
            raise ValueError(f"want fewer queues or a smaller hand: queues to the power of hand at most 2^{_HAND_BITS}")
        return self

    @property
    def words(self) -> str:
        """In plain words."""
        whose = "client" if self.flow == "client" else "class"
        many = f"take turns among {self.queues} queues of at most {self.limit}"
        return f"{many}, {self.hand} for each {whose}; drop requests that waited over {tell_duration(self.wait)}"

    @property
    def _params(self) -> tuple[float, ...]:
        by_class = float(self.flow == "class")
        return float(self.queues), float(self.hand), float(self.limit), self.wait, by_class
