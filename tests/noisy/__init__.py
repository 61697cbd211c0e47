"""Controllers that say something else at each question: what they may look at and what they remember decides."""

import math

from recovery_kernels.by_address import helper

PARAMS = ("a", "b")
MEMORY = {"sum": 1, "asked": 1, "row": 3}


@helper
def stir(params, memory, facts):  # type: ignore[no-untyped-def]
    """Something between 0 and 1 that hangs on all facts and all that was asked before."""
    x = params.a * facts.now_s + facts.event * 0.31 + facts.number * 1.7 + facts.client * 0.77 + facts.attempt * 0.13
    x += facts.tries * 0.41 + facts.cost * 0.59 + facts.is_leased * 0.23 + facts.waiting * 0.37 + facts.u * params.b
    x += facts.in_service * 0.19 + facts.workers * 0.83 + facts.capacity_per_s * 1e-3 + facts.members * 0.07
    x += (
        facts.sojourn_s * 3.1
        + facts.waited_s * 2.3
        + facts.mark * 0.11
        + facts.hint_s * 0.29
        + facts.u_client
        + facts.holds * 0.17
    )
    x += facts.holds * 0.17 + facts.last * 0.21
    x += min(facts.timeout_s, 1e3) * 1.9 + min(facts.left_s, 1e3) * 1.3 + memory.sum * 0.71
    x = x - math.floor(x)
    memory.asked += 1.0
    at = int(memory.asked) % 3
    memory.sum = 0.5 * memory.sum + x + memory.row[at]
    memory.row[at] = 0.5 * x
    return x
