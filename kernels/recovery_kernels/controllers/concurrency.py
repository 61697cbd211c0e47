"""A fixed number of requests at once: one that finds as many waiting and in service is refused.

Source: Envoy's circuit breaker `max_requests` (circuit_breaker.proto), Netflix concurrency-limits' FixedLimit
(78a74b9). A request is let in while fewer than `limit` wait or are in service.
"""

AXIS = "admission"
PARAMS = ("limit",)
MEMORY: dict[str, int] = {}


def begin(params, memory, facts):  # type: ignore[no-untyped-def]
    """There is nothing to remember."""


def ask(params, memory, facts):  # type: ignore[no-untyped-def]
    """Whether there are fewer than the limit."""
    return 1.0 if facts.waiting + facts.in_service < params.limit else 0.0
