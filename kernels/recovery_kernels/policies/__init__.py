"""What a policy may decide: a file an axis, pure functions over its parameters.

A policy is a number and a named tuple of scalars, so that every combination runs in the one compiled kernel, whose loop
knows none of them by name. Rates are per nanosecond, times are nanoseconds. What each rule is called, its defaults and
its source stand in `recovery.model.policies`.
"""

from recovery_kernels.policies.admission import Admission, asks
from recovery_kernels.policies.client import (
    EQUAL_JITTER,
    EXPONENTIAL,
    FIXED,
    FULL_JITTER,
    IMMEDIATE,
    PROPORTIONAL_JITTER,
    Client,
    backoffs,
    gives_up,
    retry_delay_ns,
)
from recovery_kernels.policies.lease import (
    CREDIT_ON_ARRIVAL,
    FREEZE,
    FREEZE_UNTIL_HEARD,
    GRACE,
    LEASE_FIXED,
    REARM,
    RESUME,
    Lease,
    begins_anew,
    credit_ns,
    stands_still,
    waits_to_hear,
)
from recovery_kernels.policies.queue import BOUNDED, DROP_EXPIRED, FIFO, LIFO, Queue, drops, is_full, newest_first

__all__ = [
    "BOUNDED", "CREDIT_ON_ARRIVAL", "DROP_EXPIRED", "EQUAL_JITTER", "EXPONENTIAL", "FIFO", "FIXED", "FREEZE",
    "FREEZE_UNTIL_HEARD", "FULL_JITTER", "GRACE", "IMMEDIATE", "LEASE_FIXED", "LIFO", "PROPORTIONAL_JITTER", "REARM",
    "RESUME", "Admission", "Client", "Lease", "Queue", "asks", "backoffs", "begins_anew", "credit_ns", "drops",
    "gives_up", "is_full", "newest_first", "retry_delay_ns", "stands_still", "waits_to_hear",
]  # fmt: skip
