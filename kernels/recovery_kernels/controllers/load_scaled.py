"""Load-scaled leases: while more than a limit of requests wait at the host, it grants long leases.

Source: Burrows, The Chubby lock service (OSDI 2006), section 2.8: the master grants 12 s, and up to 60 s or so under
heavy load, so that fewer renewals come. The paper names no law and no measure of load; here it is a step, by the
requests that wait as the lease is granted: more than `limit`, plus what the workers do in `limit_s` (one of the two is
0). The lease's own length is the scenario's. Who has it renews as often as before: fewer renewals come only where the
holders' interval is longer, too.
"""

AXIS = "lease"
PARAMS = ("loaded_s", "limit", "limit_s")
MEMORY: dict[str, int] = {}


def begin(params, memory, facts):  # type: ignore[no-untyped-def]
    """There is nothing to remember."""


def renew(params, memory, facts):  # type: ignore[no-untyped-def]
    """The long lease under load, else its own length."""
    return params.loaded_s if facts.waiting > params.limit + params.limit_s * facts.capacity_per_s else 0.0
