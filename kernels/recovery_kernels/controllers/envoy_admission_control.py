"""Refuses with a chance that grows as the share of successes among the answers of the last half minute falls.

Source: Envoy, admission_control.cc, thread_local_controller.cc (169cac7) and admission_control.proto v3. Of the n
answers of the window, s of them successes: p = ((n − s / threshold) / (n + 1))^(1 / aggression), held between 0 and
`most`; a request is refused if ⌊10,000 u⌋ < 10,000 p. Nothing is refused while ⌊n / span⌋ is below `least_per_s`, span
the window or, if it is longer, the whole seconds since the oldest part began.

The window is a row of parts. A part begins when an answer is counted or a request is judged and the last part is a
second old or more; one that is `window_s` old or more is forgotten then. Refused requests count nowhere.

SUCCEEDED and WASTED are successes: the server does not know that the client has gone. FAILED and DROPPED are failures.
CANCELLED and LOST count nowhere, as Envoy counts no stream that is reset. Decided here: u is `facts.u`; the power is
the simulator's own, which may differ from others in the last bits.
"""

import math

from recovery_kernels.controllers import DROPPED, FAILED, SUCCEEDED, WASTED
from recovery_kernels.draws import power
from recovery_kernels.jit import inline
from recovery_kernels.samples import in_ns

AXIS = "admission"
PARAMS = ("window_s", "threshold", "aggression", "most", "least_per_s")
MEMORY = {
    "requests": 1,
    "successes": 1,
    "first": 1,  # place of the oldest part
    "parts": 1,  # how many there are
    "began_ns": 121,
    "part_requests": 121,
    "part_successes": 121,
}
_PLACES = 121  # parts are a second apart, so a window of two minutes has 120 at most
_PART_NS = 1e9


@inline
def _pass_time(params, memory, now_ns):  # type: ignore[no-untyped-def]
    """Forget parts that are too old; begin another if the last one is full."""
    window_ns = in_ns(params.window_s)
    while memory.parts > 0.0 and now_ns - memory.began_ns[int(memory.first)] >= window_ns:
        memory.requests -= memory.part_requests[int(memory.first)]
        memory.successes -= memory.part_successes[int(memory.first)]
        memory.first = (memory.first + 1.0) % _PLACES
        memory.parts -= 1.0
    last = int(memory.first + memory.parts - 1.0) % _PLACES
    if memory.parts == 0.0 or now_ns - memory.began_ns[last] >= _PART_NS:
        i = int(memory.first + memory.parts) % _PLACES
        memory.began_ns[i] = now_ns
        memory.part_requests[i] = 0.0
        memory.part_successes[i] = 0.0
        memory.parts += 1.0


def begin(params, memory, facts):  # type: ignore[no-untyped-def]
    """Nothing was heard."""
    memory.requests = 0.0
    memory.successes = 0.0
    memory.first = 0.0
    memory.parts = 0.0


def ask(params, memory, facts):  # type: ignore[no-untyped-def]
    """Whether the draw spares the request."""
    now_ns = in_ns(facts.now_s)
    per_s = 0.0
    if memory.requests > 0.0:
        age_s = math.floor((now_ns - memory.began_ns[int(memory.first)]) / 1e9)
        per_s = float(math.floor(memory.requests / max(params.window_s, age_s)))
    if per_s < params.least_per_s:
        return 1.0
    _pass_time(params, memory, now_ns)
    chance = (memory.requests - memory.successes / params.threshold) / (memory.requests + 1.0)
    chance = min(power(max(chance, 0.0), 1.0 / params.aggression), params.most)
    return 0.0 if math.floor(10000.0 * facts.u) < 10000.0 * chance else 1.0


def told(params, memory, facts):  # type: ignore[no-untyped-def]
    """An answer counts."""
    if facts.event != SUCCEEDED and facts.event != WASTED and facts.event != FAILED and facts.event != DROPPED:
        return
    _pass_time(params, memory, in_ns(facts.now_s))
    i = int(memory.first + memory.parts - 1.0) % _PLACES
    memory.part_requests[i] = memory.part_requests[i] + 1.0
    memory.requests += 1.0
    if facts.event == SUCCEEDED or facts.event == WASTED:
        memory.part_successes[i] = memory.part_successes[i] + 1.0
        memory.successes += 1.0
