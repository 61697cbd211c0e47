"""Learning mode: for a time after a host's restart no lease runs out, so that its holders can come back first.

Source: Doorman, go/server/doorman/resource.go (6bec85e): a server that begins grants what its clients say they have,
for one lease's length unless told otherwise. Here the host's first begin, at the begin of the experiment, is none. A
lease that has ended by then runs out at the end of the learning, unless it was renewed.
"""

from recovery_kernels.controllers import RESTARTED

AXIS = "lease"
PARAMS = ("learning_s",)
MEMORY = {"until_s": 1}

_CLOSE_S = 1e-6  # a moment that was rounded to whole nanoseconds is still that moment


def begin(params, memory, facts):  # type: ignore[no-untyped-def]
    """It does not learn."""
    memory.until_s = facts.now_s


def expire(params, memory, facts):  # type: ignore[no-untyped-def]
    """Waits for the end of the learning."""
    left_s = memory.until_s - facts.now_s
    return left_s if left_s > _CLOSE_S else 0.0


def told(params, memory, facts):  # type: ignore[no-untyped-def]
    """Begins to learn."""
    if facts.event == RESTARTED:
        memory.until_s = facts.now_s + params.learning_s
