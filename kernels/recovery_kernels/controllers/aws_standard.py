"""The retries of AWS SDKs in standard mode: few attempts a request, and a quota that retries use up.

Source: botocore 1.44.8, retries/standard.py (MaxAttemptsChecker, RetryQuotaChecker) and retries/quota.py. A retry takes
what it costs by why the attempt before it came to nothing: a refusal is throttling there. If there is less than that,
there is no retry. A success gives back what its request took last, or 1 if it was never retried.

Decided here: a retry takes its cost when its back-off is over; there it does so before the back-off begins.
"""

from recovery_kernels.controllers import REFUSED, SUCCEEDED, TIMED_OUT
from recovery_kernels.jit import inline

AXIS = "guard"
PARAMS = ("attempts", "quota", "cost", "timeout_cost", "refusal_cost", "otherwise_s")
MEMORY = {"left": 1}


@inline
def _cost(params, facts):  # type: ignore[no-untyped-def]
    """What a retry after this attempt takes."""
    if facts.last == REFUSED:
        return params.refusal_cost
    return params.timeout_cost if facts.last == TIMED_OUT else params.cost


def begin(params, memory, facts):  # type: ignore[no-untyped-def]
    """The quota is whole."""
    memory.left = params.quota


def ask(params, memory, facts):  # type: ignore[no-untyped-def]
    """A retry takes from the quota, or is given up."""
    if facts.tries == 0.0:
        return 0.0
    if facts.tries >= params.attempts or _cost(params, facts) > memory.left:
        return -params.otherwise_s
    memory.left -= _cost(params, facts)
    return 0.0


def told(params, memory, facts):  # type: ignore[no-untyped-def]
    """A success gives back."""
    if facts.event == SUCCEEDED:
        back = 1.0 if facts.tries == 0.0 else _cost(params, facts)
        memory.left = min(memory.left + back, params.quota)
