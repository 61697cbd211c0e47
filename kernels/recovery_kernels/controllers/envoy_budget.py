"""A budget of retries under way: at most a share of all requests under way, and a few in any case.

Source: Envoy, RetryBudgetImpl (resource_manager_impl.h, 01c2c1f) and RetryStateImpl. A retry goes out while fewer than
max(share · active, least) of them are under way, the share rounded down. `active` counts the attempt that asks: there
it is the one that has just failed, and is under way still.

Decided here: a retry is under way from its sending to its end; there it is so already in its back-off.
"""

import math

from recovery_kernels.controllers import SENT

AXIS = "guard"
PARAMS = ("share", "least", "otherwise_s")
MEMORY = {"active": 1, "retries": 1}


def begin(params, memory, facts):  # type: ignore[no-untyped-def]
    """Nothing is under way."""


def ask(params, memory, facts):  # type: ignore[no-untyped-def]
    """A retry that would be one too many is given up."""
    most = max(math.floor(params.share * (memory.active + 1.0)), params.least)
    if facts.tries == 0.0 or memory.retries < most:
        return 0.0
    return -params.otherwise_s


def told(params, memory, facts):  # type: ignore[no-untyped-def]
    """An attempt is sent, or has come to its end."""
    change = 1.0 if facts.event == SENT else -1.0
    memory.active += change
    if facts.tries > 0.0:
        memory.retries += change
