"""What rules come to: the numbers of each axis, in times, rates and counts, before an engine makes its own of them.

Each rule's `lower()` gives one of these, so no engine and no estimate asks which rule it has.
"""

from typing import NamedTuple

from recovery.model.distributions import Distribution


class Controller(NamedTuple):
    """A policy that remembers and hears: a file of `recovery_kernels.controllers`, or a user's, by its name; and its
    parameters in the order in which the file names them.
    """

    name: str
    params: tuple[float, ...] = ()


class Waits(NamedTuple):
    """How long a client waits after a failure: no time, a `delay`, or what grows from `base_s` by `factor` up to
    `cap_s`, drawn as `kind` says. `longest_share` is the mean of the longest wait, as a share of `cap_s`.
    """

    kind: str
    delay: Distribution | None = None
    base_s: float = 0.0
    factor: float = 2.0
    cap_s: float | None = None
    jitter: float = 0.0
    longest_share: float = 1.0
    controller: Controller | None = None

    @property
    def longest_s(self) -> float:
        """The bound of a wait; the mean of one that is the same every time."""
        if self.delay is not None:
            return self.delay.mean_s()
        return 0.0 if self.cap_s is None else self.cap_s


class LetsIn(NamedTuple):
    """What is let in, at one host or shard: a bucket that fills with `per_s` (None: no bucket) and holds what comes in
    `burst_s`; a law of the queue's size from `low` to `limit` requests (None: no law). Renewals of leases that still
    run may be spared. In a bucket's line `line` (None: any number of) requests wait up to `wait_s` (None: nobody
    waits).
    """

    law: str
    per_s: float | None = None
    burst_s: float = 0.0
    limit: int | None = None
    low: int = 0
    is_establish_only: bool = False
    wait_s: float | None = None
    line: int | None = None
    controller: Controller | None = None

    @property
    def tokens(self) -> float:
        """What a bucket holds at most: one token at least, and none where nothing is let in; 0 without a bucket."""
        return max(1.0, self.per_s * self.burst_s) if self.per_s else 0.0


class Order(NamedTuple):
    """Who is next, and who is dropped: of requests that wait, `limit` at most (None: no bound); what is expired is
    dropped by the worker that takes it, or what is older than `max_age_s` (0: none), or will expire within `margin_s`.
    """

    kind: str
    is_newest_first: bool = False
    limit: int | None = None
    drops_expired: bool = False
    max_age_s: float = 0.0
    margin_s: float = 0.0
    controller: Controller | None = None


class Runs(NamedTuple):
    """How a lease runs: so much longer than it says, from a request's arrival or its finish, and what its clock does
    from which share of failures on.
    """

    kind: str
    grace_s: float = 0.0
    rearms: bool = False
    from_failures: float = 1.0
    controller: Controller | None = None


class Guards(NamedTuple):
    """What a client asks before it sends: a controller that each of `group` clients of a host in a row share (None:
    all of a class at a host).
    """

    kind: str
    controller: Controller | None = None
    group: int | None = 1


class Removes(NamedTuple):
    """When targets that fail their checks are taken out: a number of targets, a share of them, and spans."""

    kind: str
    limit: int = 1
    share: float = 0.0
    span_s: float = 0.0
    cap_s: float = 0.0
    forget_s: float = 0.0
