"""Policies by axis: what a scenario may choose, and `recovery policies` shows.

Each class is one policy; its docstring is its rule, its fields are its parameters. What the rule does to a request is
decided in `recovery_kernels.policies` and `recovery_kernels.limits`.
"""

from recovery.model.policies.admission import (
    AdmissionPolicy,
    Open,
    QueueSize,
    QueueSizeRamp,
    QueueSizeSwitch,
    TokenBucket,
)
from recovery.model.policies.client import ClientPolicy, Exponential, Fixed, FullJitter, Immediate
from recovery.model.policies.health import HEALTH
from recovery.model.policies.intake import INTAKES
from recovery.model.policies.lease import CreditOnArrival, Freeze, Grace, LeaseFixed, LeasePolicy
from recovery.model.policies.policy import FleetRate, Policy, RateOfFleet, name_of
from recovery.model.policies.queue import Bounded, DropExpired, Fifo, Lifo, QueuePolicy

AXES: dict[str, tuple[type[Policy], ...]] = {
    "client": (Immediate, Fixed, Exponential, FullJitter),
    "admission": (Open, TokenBucket, QueueSize, QueueSizeSwitch, QueueSizeRamp),
    "queue": (Fifo, Lifo, Bounded, DropExpired),
    "lease": (LeaseFixed, Grace, CreditOnArrival, Freeze),
}
"""The policies of a host; those of later stages are in HEALTH and INTAKES."""

MEANING = {
    "client": "when does an attempt that failed come back",
    "admission": "is a request let in",
    "queue": "who is next, who is dropped",
    "lease": "what does late mean",
    "operator": "what do people do",
    "intake": "is a job let into a queue of network propagation",
    "health": "what happens to targets that fail their checks",
}

__all__ = [
    "AXES", "HEALTH", "INTAKES", "MEANING", "AdmissionPolicy", "Bounded", "ClientPolicy", "CreditOnArrival",
    "DropExpired", "Exponential", "Fifo", "Fixed", "FleetRate", "Freeze", "FullJitter", "Grace", "Immediate",
    "LeaseFixed", "LeasePolicy", "Lifo", "Open", "Policy", "QueuePolicy", "QueueSize", "QueueSizeRamp",
    "QueueSizeSwitch", "RateOfFleet", "TokenBucket", "name_of",
]  # fmt: skip
