"""Admission: is a request let in."""

from typing import NamedTuple

from recovery_kernels import limits
from recovery_kernels.jit import inline


class Admission(NamedTuple):
    """A limit (`limits.Limit`) by the tokens or the waiting requests of a host.

    With `establish_only` a client whose lease still runs passes without being asked for.
    """

    kind: int
    rate_per_ns: float
    burst: float
    limit: float
    establish_only: int
    low: float = 0.0


@inline
def asks(policy, is_leased):  # type: ignore[no-untyped-def]
    """Whether a request has to ask for admission at all."""
    return policy.kind != limits.OPEN and not (is_leased and policy.establish_only != 0)
