"""A token bucket behind a drop by chance, which grows while the bucket is found empty, and falls while it is full.

Source: Apache ZooKeeper, BlueThrottle.java (53a78e3), read in Java; after Feng and others, BLUE, 1999. The clock has
whole ms, cut. An attempt that comes more than `fill_every_s` after the last filling fills in
⌊passed · fill / fill_every⌋ whole tokens, up to `tokens`; what is cut off is lost. Then, if more than `freeze_s` has
passed since it was last looked at, the chance p is: + `increase`, up to 1, if there is no token; − `decrease`, down to
0, if at most ⌊tokens · ratio + 1/2⌋ tokens are missing. The attempt is refused if u < p; else if there are fewer tokens
than it costs; else it takes them. `freeze_s` below 0: there is no drop by chance.
The cost is that of the attempt's class: ZooKeeper's weights, 3 for a new global session, 2 for one that is renewed and
1 for a local one, are costs of classes. u is `facts.u`. An attempt that is refused later on, by the queue, has had its
tokens.
"""

import math

from recovery_kernels.samples import in_ns

AXIS = "admission"
PARAMS = ("tokens", "fill", "fill_every_s", "freeze_s", "increase", "decrease", "ratio")
MEMORY = {"tokens": 1, "filled_ms": 1, "chance": 1, "frozen_ms": 1}


def begin(params, memory, facts):  # type: ignore[no-untyped-def]
    """The bucket is full, nothing is dropped."""
    now_ms = math.floor(in_ns(facts.now_s) / 1e6)
    memory.tokens = params.tokens
    memory.filled_ms = now_ms
    memory.chance = 0.0
    memory.frozen_ms = now_ms


def ask(params, memory, facts):  # type: ignore[no-untyped-def]
    """Whether the attempt is spared, and finds its tokens, which it takes."""
    now_ms = math.floor(in_ns(facts.now_s) / 1e6)
    fill_every_ms = math.floor(params.fill_every_s * 1e3 + 0.5)
    passed_ms = now_ms - memory.filled_ms
    if passed_ms > fill_every_ms:
        memory.tokens = min(memory.tokens + math.floor(passed_ms * params.fill / fill_every_ms), params.tokens)
        memory.filled_ms = now_ms
    if params.freeze_s >= 0.0:
        if now_ms - memory.frozen_ms > math.floor(params.freeze_s * 1e3 + 0.5):
            missing = params.tokens - memory.tokens
            if memory.tokens == 0.0 and memory.chance < 1.0:
                memory.chance = min(memory.chance + params.increase, 1.0)
            elif missing <= math.floor(params.tokens * params.ratio + 0.5) and memory.chance > 0.0:
                memory.chance = max(memory.chance - params.decrease, 0.0)
            memory.frozen_ms = now_ms
        if facts.u < memory.chance:
            return 0.0
    if memory.tokens < facts.cost:
        return 0.0
    memory.tokens -= facts.cost
    return 1.0
