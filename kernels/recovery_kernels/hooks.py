"""How a loop calls the functions of controllers: where facts and a controller's numbers lie, asking, telling.

A controller is a row of numbers: where its parameters and its memory lie, for how many clients of a class one memory
is, and the addresses of its functions; 0 where it has no such function.
"""

import numpy as np

from recovery_kernels.by_address import ask, tell
from recovery_kernels.controllers import FACTS, HOOKS
from recovery_kernels.events import place
from recovery_kernels.jit import inline

NOBODY = -1  # in place of a controller's number: there is none

# Columns of a controller's row: where parameters and memory lie, how big a memory is, how many there are, for how many
# clients one is (0: for all), whose it is, whether it is the host's; then the addresses of its functions.
P_PARAMS, P_MEMORY, P_SIZE, P_GROUPS, P_GROUP, P_CLASS, P_OF_HOST, P_HOOKS = range(8)
CONTROLLER_COLUMNS = P_HOOKS + len(HOOKS)

BEGIN, ASK, RANK, NEWEST, HEAD, WAIT, RENEW, EXPIRE, RESTART, TOLD = range(len(HOOKS))
(
    F_NOW, F_EVENT, F_NUMBER, F_CLIENT, F_ATTEMPT, F_TRIES, F_COST, F_IS_LEASED, F_WAITING, F_IN_SERVICE, F_WORKERS,
    F_CAPACITY, F_MEMBERS, F_SOJOURN, F_WAITED, F_TIMEOUT, F_LEFT, F_MARK, F_HINT, F_U, F_U_CLIENT, F_HOLDS, F_LAST,
) = range(len(FACTS))  # fmt: skip


@inline
def has(controllers, c, hook):  # type: ignore[no-untyped-def]
    """Whether there is such a controller, and it has this function."""
    return c != NOBODY and controllers[place(c), P_HOOKS + hook] != 0


@inline
def question(c, hook, event):  # type: ignore[no-untyped-def]
    """The number of a question, or of news, of a controller: each has a stream of draws of its own."""
    return (c << 10) + (hook << 5) + event


@inline
def answer(controllers, params, c, hook, memory, memory_at, facts):  # type: ignore[no-untyped-def]
    """What a controller's function says, whose memory lies in float64[…] from int64 `memory_at` on."""
    own = place(c)
    return ask(controllers[own, P_HOOKS + hook], params, controllers[own, P_PARAMS], memory, memory_at, facts)


@inline
def hear(controllers, params, c, hook, memory, memory_at, facts):  # type: ignore[no-untyped-def]
    """A controller's function, which says nothing."""
    own = place(c)
    tell(controllers[own, P_HOOKS + hook], params, controllers[own, P_PARAMS], memory, memory_at, facts)


@inline
def mark_of(said):  # type: ignore[no-untyped-def]
    """The mark that a queue's controller gives with an answer from 1 on."""
    return np.int64(said) - 1 if 1.0 <= said < 9.0e15 else np.int64(0)
