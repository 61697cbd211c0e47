"""The back-off of AWS SDKs in standard and adaptive mode: full jitter, from a longer base after throttling.

Source: botocore 1.44.8, retries/standard.py (ExponentialBackoff): U(0, 1) · min(base · 2^i, cap), i from 0 on. A
refusal is throttling there; what a refusal says of when to come back is the host's hint, and no part of this.
"""

from recovery_kernels.controllers import REFUSED

AXIS = "client"
PARAMS = ("base_s", "refused_base_s", "cap_s")
MEMORY: dict[str, int] = {}


def begin(params, memory, facts):  # type: ignore[no-untyped-def]
    """Nothing."""


def wait(params, memory, facts):  # type: ignore[no-untyped-def]
    """A part of a bound that doubles up to the cap."""
    most_s = params.refused_base_s if facts.last == REFUSED else params.base_s
    for _ in range(int(facts.tries) - 1):
        if most_s >= params.cap_s:
            break
        most_s *= 2.0
    return facts.u * min(most_s, params.cap_s)
