"""A growing share of the clients is let in, step by step; one that was let in stays in.

Source: the staged re-enabling that operators describe: AWS on Kinesis, November 2020 ("a few hundred servers per
hour"), Slack, February 2022 (client boots let in in small steps). Before `start_s` everybody is let in. From then on a
client is let in whose own draw `facts.u_client` is below the share from_share + step · n, after n whole spans of
`every_s`: so the same clients are in until the share reaches 1 and all are. A step is taken at its moment itself.
"""

import math

from recovery_kernels.samples import in_ns

AXIS = "admission"
PARAMS = ("start_s", "from_share", "step", "every_s")
MEMORY: dict[str, int] = {}


def begin(params, memory, facts):  # type: ignore[no-untyped-def]
    """There is nothing to remember."""


def ask(params, memory, facts):  # type: ignore[no-untyped-def]
    """Whether this client belongs to the share of now."""
    passed_ns = in_ns(facts.now_s) - in_ns(params.start_s)
    if passed_ns < 0.0:
        return 1.0
    share = params.from_share + params.step * math.floor(passed_ns / in_ns(params.every_s))
    return 1.0 if facts.u_client < share else 0.0
