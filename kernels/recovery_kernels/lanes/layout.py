"""What a host of the lane engine remembers: where each number lies, and what follows from its rules."""

from typing import NamedTuple

from recovery_kernels.arrays import Real, Short, Whole
from recovery_kernels.events import CLIENT_BITS
from recovery_kernels.requests import GATE, PARTS, TOO_MANY_JOBS, WHOLE

# Whole-number memory beside that of `requests`: up to which entry of the queue deadlines were counted, from when on
# something may come of services that are not carried out, the first free chunk of the wheel; how many services began
# ahead of the clock, and how many of them it has passed as far as is known; of the leases that ended and began last, in
# which window they run out: when that begins, and its number; how many services of stale work have begun; what of
# Host.over may lie ahead of the clock: its first and its end, counted on for ever.
COUNTED, HEARD, VACANT, STARTS, SEEN = range(WHOLE, WHOLE + 5)
OLD, NEW = WHOLE + 5, WHOLE + 7
STALE, OVER_FIRST, OVER_END = range(WHOLE + 9, WHOLE + 12)
# Of a class, beside LEASED, SLEEPERS, UNLEASED_NS, UNLEASED_CARRY, STALE, HEAD and COUNTED: how many of its requests
# wait, the most who did in this window, the largest age in it, and the age of the first whose client is still there;
# STARTS and SEEN. Each class has a memory of its own: the first that of the host, the others theirs behind it.
OWN_WAITING, OWN_PEAK, OWN_OLDEST, OWN_AGE, OWN_STARTS, OWN_SEEN = range(WHOLE + 12, WHOLE + 18)
MEMORY = WHOLE + 18

# Rules of a class (Host.laws), fractions by their bits: laws of services, back-off, lease, checks, keys, timeout
# (ns), priority (0: taken first).
ESTABLISH_AT, RENEW_AT, CLIENT_AT, LEASE_AT, CHECK_EVERY_AT, CHECK_JITTER_AT, KEYS_AT = 0, 5, 10, 22, 31, 32, 33
TIMEOUT_AT, PRIORITY_AT = 43, 44
LAW = 45

# Controls beside those of `requests`, and what `advance` says when one of them is due: its caller carries it out
# (`ended`), and counts it.
END_SESSIONS, TELL_LOST = range(GATE + 1, GATE + 3)
CONTROL_DUE = TOO_MANY_JOBS + 1

# A row of a lane, of the queue and of the wheel: when it is due (queue: when it was submitted); client, and above it
# the tries since its last success; the end of its lease; number of its last attempt, and in bit 0 whether its deadline
# is off.
TIME, WHO, EXPIRES, NUMBER = range(4)
ROW = 4
STACKED = ROW  # a request of the stack is such a row and, behind it, the number of its row in the queue
TALL = ROW + 1
TRY = 1 << CLIENT_BITS
CLIENT = TRY - 1

# Lanes. DEADLINES is the queue itself: its rows are in the order of deadlines, too.
# CHECKS begins with all first submissions, where checks have no jitter.
DEADLINES, ANSWERS, CHECKS, NEAR = range(4)
LANES = 4

# What is known of a lane (Host.lanes), each of all lanes side by side: when its head is due, and below that its number
# (so the least tells both); its head and its end, counted on for ever; where its ring lies, and its size less one; what
# is added to the time of a row, and to its tries; when the last of its rows is due.
DUE, FIRST, END, OFFSET, MASK, LATER, MORE, LAST = range(0, 64, 8)
LANE_BITS = 3
DRAWN = 64  # up to which row of the lane from which most submissions come draws were made ahead (`quiet`)
DUE_FIRST = 65  # where there are classes: whose deadline is due first
# Each class has a queue of its own, which is the lane of its deadlines: so much is known of each, behind what is known
# of all other lanes. There DEADLINES tells of the queue whose head is due first.
LANE_NUMBERS = 66
AHEAD = 64

MOST_WORKERS = 256
MOST_WORKERS_NEWEST_FIRST = 32  # all are looked at, whenever one takes a request

# What workers do (Host.workers): each of these numbers side by side, first of all workers, then of the requests of a
# batch, which lie from BATCH on while they are taken. RECORD is whose numbers are those of a worker's last request: its
# own, but for one of a batch. FORESEEN grants, too, at DONE_AT, and is counted already; but its next check has not been
# put down, and the end of its lease is that of the new one. With jitter its client waits PAUSE_NS for that check.
BATCH = MOST_WORKERS
_SIDE_BY_SIDE = MOST_WORKERS + AHEAD
STARTED_AT, SUBMITTED_AT, PAID_NS, OUTCOME, WHO_IS, EXPIRES_AT, WHICH, DONE_AT, RECORD, PAUSE_NS = range(
    0, 10 * _SIDE_BY_SIDE, _SIDE_BY_SIDE
)
# Of the requests of a batch alone, from 0 on: the service (ns) if it is a renewal, and how much longer it is if it is a
# first request; whose numbers are those of what its worker had done before, and that worker as in Host.free then; its
# class. Which requests of a batch are of one class.
AS_RENEWAL, LONGER, BEFORE, FREED, OF_CLASS, CHOSEN = range(10 * _SIDE_BY_SIDE, 10 * _SIDE_BY_SIDE + 6 * AHEAD, AHEAD)
WORKERS = CHOSEN + AHEAD
IDLE, FORESEEN, GRANTS, WASTES, TELLS, FAILS_UNHEARD = range(6)

COUNTED_AT_MOST = 96  # clients of a slot that are put in order by counting
MAX_SHIFT = 62 - CLIENT_BITS  # of the wheel: a time within a slot lies beside a client
CHUNK = 16  # rows of the wheel that lie together; a slot knows where its newest chunk ends, a chunk the one before it
FETCHED = 3  # chunks of a slot that come to the cache beforehand, one each time that the wheel is turned
LINE = 8  # numbers of a cache line
GROUP = 8  # workers that are compared at once
TIME_BITS = 57  # of a horizon; a finish lies beside the number of its worker, a timer beside that of its lane
FAR = 1 << 58  # delays are cut off here, beyond every horizon
NEVER = 1 << 59  # later than all
# Stale work of which only the number is known has no time in the system. It was submitted so long ago that its time
# goes into parts of the histogram above those of all others, which nobody reads.
LONG_AGO = -NEVER
HISTOGRAM_OF_STALE = 64 * PARTS


class Rules(NamedTuple):
    """What follows from a host's parameters: constant delays in ns, or -1 where they are not; the least times from a
    success and from a failure to what the client does next; whether services begin when they are submitted; whether of
    stale work only the number counts, and whether what is in service slows it down instead of what waits (MODEL.md,
    section 13); bits of a worker's number; windows in a ns.
    """

    timeout_ns: int
    retry_ns: int
    answer_ns: int
    check_ns: int
    lease_ns: int
    least_check_ns: int
    least_answer_ns: int
    is_eager: int
    counts_stale: int
    slowed_by_busy: int
    worker_bits: int
    windows_per_ns: float


class Host(NamedTuple):
    """All that a host remembers.

    rows int64[n · ROW]: one row, then the rings of all lanes, the queue last; lanes int64[LANE_NUMBERS]. stack
    int64[power of two · TALL] and leases int64[holders], where the newest is taken first: who waits, and the end of
    each client's lease, as far as finishes are carried out. pool int64[chunks · CHUNK · ROW], following int32[chunks],
    slots int32[power of two]: the wheel; sorting int64[holders] and places int32[holders], for putting one of its slots
    in order. free int64[groups · GROUP]: when each worker is free, plus 1, above its number; least int64[groups] of
    them. workers int64[WORKERS]. begun int64[power of two]: starts that lie ahead of the clock. over int64[power of
    two]: where there are jobs, since when the worker of each of these was free, times two, and one more if a job was
    over then. uniforms and values float64[AHEAD]: scratch. The rest is as in `requests`.

    Of a host with K classes firsts int64[K] are the numbers of their first clients, laws int64[K · LAW] their rules,
    and begun_of int64[K · power of two] starts of each; elsewhere they are empty. There whole is int64[K · MEMORY],
    lanes int64[(K + 1) · LANE_NUMBERS] and rows has a queue of each,
    expiring int64[K · (windows + 1)], histogram int64[K · HISTOGRAM_OF_STALE], class by class, and series
    int64[windows + 1, (K + 1) · SERIES], what is of the host alone behind them.
    """

    rows: Whole
    lanes: Whole
    stack: Whole
    leases: Whole
    pool: Whole
    following: Short
    slots: Short
    sorting: Whole
    places: Short
    free: Whole
    least: Whole
    workers: Whole
    begun: Whole
    over: Whole
    uniforms: Real
    values: Real
    whole: Whole
    real: Real
    expiring: Whole
    series: Whole
    histogram: Whole
    latency: Whole
    firsts: Whole
    laws: Whole
    begun_of: Whole
