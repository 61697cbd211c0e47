"""Lease: what does late mean."""

from typing import NamedTuple

from recovery_kernels.draws import Dist
from recovery_kernels.jit import inline

# Two freeze while the dependency fails; of them the second also until a holder is heard of after its return.
LEASE_FIXED, GRACE, CREDIT_ON_ARRIVAL, FREEZE, FREEZE_UNTIL_HEARD = range(5)
# What a frozen lease has left when the clock goes on: what it had, or a whole lease.
RESUME, REARM = range(2)


class Lease(NamedTuple):
    """Rule, duration (drawn once a client), grace added to it, what thawing does, and from which share of failures it
    freezes.
    """

    kind: int
    duration: Dist
    grace_ns: int
    thaw: int
    freeze_share: float


@inline
def credit_ns(policy, submitted, now):  # type: ignore[no-untyped-def]
    """From when on a success at `now` makes the lease run."""
    return submitted if policy.kind == CREDIT_ON_ARRIVAL else now


@inline
def stands_still(policy, fails_share):  # type: ignore[no-untyped-def]
    """Whether the clock of all leases stands while the dependency fails with this share."""
    return (policy.kind == FREEZE or policy.kind == FREEZE_UNTIL_HEARD) and fails_share >= policy.freeze_share


@inline
def waits_to_hear(policy):  # type: ignore[no-untyped-def]
    """Whether the clock that stood goes on only when a holder has renewed or made its lease."""
    return policy.kind == FREEZE_UNTIL_HEARD


@inline
def begins_anew(policy):  # type: ignore[no-untyped-def]
    """Whether a whole lease runs when the clock goes on, and not what was left of it."""
    return policy.thaw == REARM
