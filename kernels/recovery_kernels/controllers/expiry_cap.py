"""A cap on expiries: of the leases that have ended only so many run out in a time; the others still run.

Source: Kubernetes, node lifecycle controller with rate_limited_queue.go (0.1/s, one at a time), and etcd, lessor.go
(023e340: 1000/s, in batches of 500). A batch begins when a lease ends and the batch before began batch / rate ago; so
many leases run out in it, the first that ask. The others ask again when the next batch may begin, lowest number first
(both sources: the oldest first). A lease that is renewed meanwhile takes no place. With a batch of 1 this is a token
bucket that holds one token, as at Kubernetes; etcd looks at a fixed rhythm of half a second instead.
"""

AXIS = "lease"
PARAMS = ("per_s", "batch")
MEMORY = {"next_s": 1, "places": 1}

_CLOSE_S = 1e-6  # a moment that was rounded to whole nanoseconds is still that moment


def begin(params, memory, facts):  # type: ignore[no-untyped-def]
    """A batch may begin."""
    memory.next_s = facts.now_s
    memory.places = 0.0


def expire(params, memory, facts):  # type: ignore[no-untyped-def]
    """Runs out if the batch has a place for it, else waits for the next."""
    if facts.now_s >= memory.next_s - _CLOSE_S:
        memory.next_s = facts.now_s + params.batch / params.per_s
        memory.places = params.batch
    if memory.places >= 1.0:
        memory.places = memory.places - 1.0
        return 0.0
    return memory.next_s - facts.now_s
