"""Retries stop while failures outweigh successes: a failure takes a token, a success gives a part of one.

Source: gRPC proposal A6, "Throttling Retry Attempts" (retryThrottling), and grpc-java's Throttle. Tokens are at first
as many as there can be; each failed attempt, a first one too, takes 1, each success gives `ratio`. A retry goes out
only above half of the tokens. Tokens are counted in thousandths, as implementations do.

Decided here: a retry looks at the tokens when its back-off is over; there it does so when the attempt before it fails.
"""

import math

from recovery_kernels.controllers import SENT, SUCCEEDED

AXIS = "guard"
PARAMS = ("tokens", "ratio", "otherwise_s")
MEMORY = {"left": 1}  # tokens, in thousandths
PARTS = 1000.0


def begin(params, memory, facts):  # type: ignore[no-untyped-def]
    """All tokens are there."""
    memory.left = math.floor(PARTS * params.tokens + 0.5)


def ask(params, memory, facts):  # type: ignore[no-untyped-def]
    """A retry is given up at half of the tokens and below."""
    half = math.floor(math.floor(PARTS * params.tokens + 0.5) / 2.0)
    if facts.tries == 0.0 or memory.left > half:
        return 0.0
    return -params.otherwise_s


def told(params, memory, facts):  # type: ignore[no-untyped-def]
    """A success gives, a failure takes."""
    if facts.event == SUCCEEDED:
        most = math.floor(PARTS * params.tokens + 0.5)
        memory.left = min(memory.left + math.floor(PARTS * params.ratio + 0.5), most)
    elif facts.event != SENT:
        memory.left = max(memory.left - PARTS, 0.0)
