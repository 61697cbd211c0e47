"""Let in whom a worker can take while half of the time that the client waits is left."""

# A policy of one's own (docs/how-to/own-policy.md). It names no time in seconds, so it is the same on a herd whose
# clients wait 10 s and on a fleet whose clients wait 5 min. It has to know how long a client waits, by a deadline that
# comes with the request, and how fast the host is.

AXIS = "admission"
PARAMS = {"part_share": 0.5}
MEMORY = {}


def begin(params, memory, facts):
    """Nothing is remembered."""


def ask(params, memory, facts):
    """Say 1.0 to let the request in: what waits is done before that part of its time is over."""
    return 1.0 if facts.waiting < params.part_share * facts.left_s * facts.capacity_per_s else 0.0


def told(params, memory, facts):
    """Nothing that becomes of requests matters."""
