"""So many attempts a request, and no more.

Source: botocore 1.44.8, data/_retry.json (legacy mode: max_attempts 5). It remembers nothing.
"""

AXIS = "guard"
PARAMS = ("attempts", "otherwise_s")
MEMORY: dict[str, int] = {}


def begin(params, memory, facts):  # type: ignore[no-untyped-def]
    """Nothing."""


def ask(params, memory, facts):  # type: ignore[no-untyped-def]
    """A request that has had its attempts is given up."""
    return -params.otherwise_s if facts.tries >= params.attempts else 0.0
