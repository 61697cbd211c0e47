"""Rules by axis: what a scenario may choose, and `recovery policies` shows. A choice on all axes is a policy.

Each class is one rule; its docstring says it in a sentence, its fields are its parameters. What it does to a request is
decided in `recovery_kernels.policies` and `recovery_kernels.limits`.
"""

from typing import Annotated, get_args

from pydantic import BeforeValidator, Discriminator

from recovery.model.policies.adaptive import (
    AdaptiveRule,
    Aimd,
    EnvoyAdaptiveConcurrency,
    FixedConcurrency,
    Gradient2,
    Vegas,
)
from recovery.model.policies.admission import (
    BucketRule,
    LeakyBucket,
    Open,
    QueueSize,
    QueueSizeRamp,
    QueueSizeSwitch,
    TokenBucket,
)
from recovery.model.policies.client import (
    AwsBackoff,
    ClientRule,
    DecorrelatedJitter,
    EqualJitter,
    Exponential,
    Fixed,
    FullJitter,
    Growing,
    Immediate,
    ProportionalJitter,
)
from recovery.model.policies.discipline import AdaptiveLifo, CoDel, CoDelFolly, EarliestDeadline, FairQueue, Pie
from recovery.model.policies.guard import AwsStandard, GuardRule, NoGuard
from recovery.model.policies.health import HEALTH
from recovery.model.policies.intake import INTAKES, IntakeRule, of_launches, of_shards
from recovery.model.policies.lease import CreditOnArrival, Freeze, Grace, LeaseFixed
from recovery.model.policies.own import OrOwn, own_rules
from recovery.model.policies.queue import Bounded, DropExpired, Fifo, Lifo
from recovery.model.policies.rule import FleetRate, RateOfFleet, Rule, by_name, counted, name_of
from recovery.model.policies.shedding import Blue, EnvoyAdmissionControl, PercentageRamp, Pid, SheddingRule
from recovery.model.policies.tenure import ExpiryCap, FailoverExtension, Learning, LoadScaled, SelfPreservation

AdmissionRule = BucketRule | AdaptiveRule | SheddingRule
Limiting = TokenBucket | LeakyBucket | QueueSize | QueueSizeSwitch | QueueSizeRamp
"""Rules of admission that only ask, so that operators may throttle with one of them as well."""
QueueRule = Fifo | Lifo | Bounded | DropExpired | AdaptiveLifo | CoDel | CoDelFolly | Pie | EarliestDeadline | FairQueue
LeaseRule = (
    LeaseFixed
    | Grace
    | CreditOnArrival
    | Freeze
    | LoadScaled
    | FailoverExtension
    | SelfPreservation
    | ExpiryCap
    | Learning
)

AXES: dict[str, tuple[type[Rule], ...]] = {
    "client": get_args(ClientRule),
    "guard": get_args(GuardRule),
    "admission": (
        *(Open, TokenBucket, LeakyBucket, QueueSize, QueueSizeSwitch, QueueSizeRamp),
        *(FixedConcurrency, Aimd, Vegas, Gradient2, EnvoyAdaptiveConcurrency),
        *(EnvoyAdmissionControl, Blue, Pid, PercentageRamp),
    ),
    "queue": get_args(QueueRule),
    "lease": get_args(LeaseRule),
}
"""The rules of a host."""


def rules_of(axis: str) -> tuple[type[Rule], ...]:
    """The rules that a scenario may name on an axis: ours, and a user's own that the command line named."""
    return (*AXES[axis], *own_rules(axis))


AnyClient = Annotated[ClientRule, Discriminator("name"), OrOwn("client")]
AnyGuard = Annotated[GuardRule, Discriminator("name"), OrOwn("guard")]
AnyAdmission = Annotated[AdmissionRule, Discriminator("name"), OrOwn("admission")]
AnyQueue = Annotated[QueueRule, Discriminator("name"), OrOwn("queue")]
AnyLease = Annotated[LeaseRule, Discriminator("name"), OrOwn("lease")]
"""What may stand at the place of each axis."""

OF_HOSTS_AND_STAGES = (
    *(LeakyBucket, FixedConcurrency, Aimd, Vegas, Gradient2, EnvoyAdaptiveConcurrency),
    *(EnvoyAdmissionControl, Blue, Pid, PercentageRamp),
)
"""Rules of admission that propagation takes as its intake, as hosts do; a limit is of a shard, a rate of the stage."""
_SharedRule = LeakyBucket | AdaptiveRule | SheddingRule
AnyIntake = Annotated[
    Annotated[IntakeRule | _SharedRule, Discriminator("name"), OrOwn("admission")], BeforeValidator(by_name)
]
_OF_LAUNCHES = (*INTAKES, FixedConcurrency, EnvoyAdmissionControl, Blue, PercentageRamp)
_NOT_OF_LAUNCHES = {
    name_of(rule): f'want another rule than {name_of(rule)}: {why}; or want it as propagation.intake'
    for why, rules in (
        ("an attempt to launch takes no time, and this rule goes by the time that one takes",
         (Aimd, Vegas, Gradient2, EnvoyAdaptiveConcurrency)),
        ("launches have no workers that take them, and this rule goes by how many are taken", (Pid,)),
        ("customers are answered at once, and this rule lets them wait in a line", (LeakyBucket,)),
    )
    for rule in rules
}  # fmt: skip


def _of_launches(value: object) -> object:
    """What may stand at launches' admission, where an attempt is answered at once."""
    value = by_name(value)
    name = value.get("name") if isinstance(value, dict) else None
    if isinstance(name, str) and name in _NOT_OF_LAUNCHES:
        raise ValueError(_NOT_OF_LAUNCHES[name])
    return value


_LaunchRule = IntakeRule | FixedConcurrency | EnvoyAdmissionControl | Blue | PercentageRamp
AnyLaunch = Annotated[Annotated[_LaunchRule, Discriminator("name"), OrOwn("admission")], BeforeValidator(_of_launches)]
AnyThrottle = Annotated[Annotated[Limiting, Discriminator("name")], BeforeValidator(by_name)]
AnyOrder = Annotated[AnyQueue, BeforeValidator(by_name)]
"""What may stand at propagation's intake, at launches' admission, in operators' throttles, at propagation's queue."""


WITH_RATE = (TokenBucket, LeakyBucket, QueueSize)
"""Rules of admission whose bucket fills at a rate that operators may change."""
WITH_LIMIT = (QueueSize, QueueSizeSwitch, QueueSizeRamp)
"""Rules of admission with a limit of the queue that operators may change."""

_OF_STAGE = (Immediate, Fixed, Exponential, FullJitter)
OF_STAGES: dict[tuple[str, str], tuple[type[Rule], ...]] = {
    ("launches", "client"): _OF_STAGE,
    ("launches", "admission"): _OF_LAUNCHES,
    ("propagation", "client"): _OF_STAGE,
    ("propagation", "intake"): (*INTAKES, *OF_HOSTS_AND_STAGES),
    ("propagation", "queue"): AXES["queue"],
    ("health", "policy"): HEALTH,
}
"""The rules of a later stage, by the stage and the key at which one of them stands."""
OWN_OF_STAGES = {
    ("launches", "admission"): "admission",
    ("propagation", "intake"): "admission",
    ("propagation", "queue"): "queue",
}
"""The axis of which a user's own rule may stand there, too."""


def rules_of_stage(stage: str, key: str) -> tuple[type[Rule], ...]:
    """The rules that may stand at a key of a later stage: ours, and a user's own that the command line named."""
    axis = OWN_OF_STAGES.get((stage, key))
    return (*OF_STAGES[stage, key], *(own_rules(axis) if axis is not None else ()))


def places_of(rule: type[Rule]) -> tuple[str, ...]:
    """The keys of a file at which a rule may stand."""
    place = () if rule.axis in ("intake", "health") else (f"policy.{rule.axis}",)
    stages = (f"{stage}.{key}" for stage, key in OF_STAGES if rule in rules_of_stage(stage, key))
    return (*place, *stages, *(("operator.rule",) if rule in get_args(Limiting) else ()))


MEANING = {
    "client": "when does an attempt that failed come back",
    "guard": "may a client send at all",
    "admission": "is a request let in",
    "queue": "who is next, who is dropped",
    "lease": "what does late mean",
    "operator": "what do people do",
    "intake": "is a job let into a queue of propagation, or a launch in",
    "health": "what happens to targets that fail their checks",
}

__all__ = [
    "AXES",
    "HEALTH",
    "INTAKES",
    "MEANING",
    "OF_HOSTS_AND_STAGES",
    "OF_STAGES",
    "OWN_OF_STAGES",
    "WITH_LIMIT",
    "WITH_RATE",
    "AdaptiveLifo",
    "AdmissionRule",
    "Aimd",
    "AnyAdmission",
    "AnyClient",
    "AnyGuard",
    "AnyIntake",
    "AnyLaunch",
    "AnyLease",
    "AnyOrder",
    "AnyQueue",
    "AnyThrottle",
    "AwsBackoff",
    "AwsStandard",
    "Blue",
    "Bounded",
    "ClientRule",
    "CoDel",
    "CoDelFolly",
    "CreditOnArrival",
    "DecorrelatedJitter",
    "DropExpired",
    "EarliestDeadline",
    "EnvoyAdaptiveConcurrency",
    "EnvoyAdmissionControl",
    "EqualJitter",
    "ExpiryCap",
    "Exponential",
    "FailoverExtension",
    "FairQueue",
    "Fifo",
    "Fixed",
    "FixedConcurrency",
    "FleetRate",
    "Freeze",
    "FullJitter",
    "Grace",
    "Gradient2",
    "Growing",
    "GuardRule",
    "Immediate",
    "LeakyBucket",
    "Learning",
    "LeaseFixed",
    "LeaseRule",
    "Lifo",
    "LoadScaled",
    "NoGuard",
    "Open",
    "PercentageRamp",
    "Pid",
    "Pie",
    "ProportionalJitter",
    "QueueRule",
    "QueueSize",
    "QueueSizeRamp",
    "QueueSizeSwitch",
    "RateOfFleet",
    "Rule",
    "SelfPreservation",
    "TokenBucket",
    "Vegas",
    "counted",
    "name_of",
    "of_launches",
    "of_shards",
    "places_of",
    "rules_of",
    "rules_of_stage",
]  # fmt: skip
