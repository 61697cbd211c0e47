"""What a host of the general engine is told and what it remembers: numbers of columns, named tuples of arrays.

`Rules` never changes in a run. `Host` is all memory, so that a run may be cut anywhere. Times are whole ns, rates are
per ns. K is the number of classes; where an array has K + 1 rows the last belongs to the host itself (its probe, its
totals). Distributions, retry policies, leases, limiters and crash rules are numbered and lie in tables, so that an
edit of one is an edit of its number.
"""

from typing import NamedTuple

from recovery_kernels import requests
from recovery_kernels.arrays import Bits, Bytes, Real, Short, Whole

# What `advance` may say.
DONE, GROW_REQUESTS, GROW_CLIENTS, GROW_WORKERS, GROW_LOG, GROW_ENDS, GROW_NAMELESS, TOO_MANY_JOBS = range(8)

NONE = -1  # no number, no bound, nobody
GONE = -2  # in place of a client's request: it is over, and the client does not know
FAR = 1 << 60
FROZEN_BASE = requests.FROZEN_BASE  # a lease whose clock stands is this plus what is left of it
RUN, STAND, UNHEARD = requests.RUN, requests.STAND, requests.UNHEARD  # clocks of a class's leases
MAX_CLASSES = 60  # classes are bits of a whole number
MAX_PRIORITIES = 16
STRIDE = 720_720  # what a start costs a row of weight 1: whole parts for weights up to 16

# The order of events at one time; within each class, client, attempt.
(
    DEPENDENCY, OPERATOR, CRASH, SESSION_END, EXPIRY, STORE_FINISH, FINISH, DEADLINE, NOTICE, TICK, SUBMISSION,
) = range(11)  # fmt: skip

# --- clients: a row of int64 each; holders first, class by class, then rows that jobs take and give back --------------
(
    STATE, CLASS, WHO, ATTEMPT, TRIES, GROWN, EXPIRIES, SERVER, HOLDER, REQUEST, ARRIVED, SENT_AT, IS_OVER,
    HOLDS, LAST_EVENT,
) = range(15)  # fmt: skip
CLIENT = 15
# A row of nobody; a job that comes at this moment; asleep until the next submission; its session ended and it does not
# know; waits for another class; kept by an operator; waits for an answer.
FREE, COMING, ASLEEP, UNAWARE, BOUND, KEPT, ASKS = range(7)

# --- timers: three a client -------------------------------------------------------------------------------------------
MAIN, RESEND, LEASE_END = range(3)  # next submission, notice or deadline; sending again; the lease runs out
TIMER_BITS = 2  # a client has room for four, so that its row is told from a timer's number without a division
TIMERS = 1 << TIMER_BITS

# --- requests: a row of int64 each ------------------------------------------------------------------------------------
(
    R_CLASS, R_ROW, R_WHO, R_ATTEMPT, R_NATURE, R_PLACE, R_SUBMITTED, R_REACHED, R_DEADLINE, R_ORDER, R_SENT, R_DOOR,
    R_STARTED, R_PAID, R_FAILS, R_STALE, R_WORKER, R_COUNT, R_NEXT, R_BEFORE, R_MARK, R_BEGUN,
) = range(22)  # fmt: skip
REQUEST_COLUMNS = 22
R_LAST_ORDER = R_BEGUN  # while it waits: the order of the last of its entry; `R_ORDER` is that of the first
OF_CLIENT, OF_EXPIRY, OF_PROBE = range(3)
NOWHERE, OUTSIDE, IN_LINE, IN_QUEUE, AT_WORKER = range(5)

# --- lists of requests: a queue for each class and the host (0 … K), then the lines of gate and admission -------------
FIRST, LAST, LENGTH = range(3)

# --- whole-number memory of the host ----------------------------------------------------------------------------------
(
    NOW, EDGE, BIN, CURSOR, NEAR_SIZE, CONTROL, LOG, FREE_REQUESTS, FREE_ROWS, WAITING, BUSY, DEBT_NS, DOWN_UNTIL,
    SERVES_FROM, WAKE_AT, MORE_WORKERS, HOLD_OFF_AT, OUTAGES_OVER, CRASH_DUE, ENDS, ENTERED, PROBE, PROBES,
    PROBE_LATENCY, PROBE_AT, GATE, GATE_TICK, ADMISSION_TICK, GATE_AT, ADMISSION_AT, GATE_CLOSED, ADMISSION_CLOSED,
    BUSY_NS, IDLE_NS, DOWN_NS, QUEUE_PEAK, OLDEST_PEAK, BEGUN, NEXT_ARRIVAL, NEXT_CLASS, HANGING, HOLDS_ON,
    EVENTS, AFTERWARDS, OPEN_PEAK, HEAP_SIZE, NAMELESS_FROM, HAS_LIMITERS, FREED,
) = range(49)  # fmt: skip
WHOLE = 49
# Throttles of the operators beside the first: so many numbers each, behind those of the host.
MORE_GATE, MORE_GATE_AT, MORE_GATE_CLOSED = range(3)
MORE_WHOLE = 3
MORE_REAL = 4
# --- fractional memory of the host ------------------------------------------------------------------------------------
(
    GATE_TOKENS, GATE_RATE, GATE_BURST, GATE_SHARE, ADMISSION_TOKENS, ADMISSION_RATE, ADMISSION_BURST, ADMISSION_SHARE,
    SEEN_SHARE, HOLD_OFF_SHARE, ARRIVAL_SHARE,
) = range(11)  # fmt: skip
REAL = 11

# --- whole-number memory of a class, row K: the host itself -----------------------------------------------------------
(
    N_WAITING, N_SERVING, N_LINE, N_OUTSIDE, N_IDLE, N_KEPT, N_BOUND, N_UNAWARE, N_OPEN, N_HOLDER, N_SERVER, FROZEN,
    STALE_STARTED, JOBS, PEAK_QUEUE, PEAK_OLDEST, PEAK_OPEN, COMES_AT, HOLDER_NS, HOLDER_CARRY, SERVER_NS, SERVER_CARRY,
    LATENCY_MAX, JOBS_DONE, LINE_GATE, LINE_ADMISSION,
) = range(26)  # fmt: skip
CLASS_WHOLE = 26
CARRY_NS = 1 << 62
# --- fractional memory of a class of jobs -----------------------------------------------------------------------------
SUM_AT, SUM_LEFT, COMES, GIVEN, SHARE = range(5)
CLASS_REAL = 5

# --- live keys of the host: whole numbers, then fractions -------------------------------------------------------------
(
    WORKERS, LIMIT, CANCEL, FULL, RESEND_GAP, FAIL_AFTER_NS, START_TIME_NS, LATE, REJECT_COST_NS, DROP_COST_NS,
    DROP_NOTIFIES, ROUND_TRIP_NS, DISCIPLINE, DROP_EXPIRED, MAX_AGE_NS, MARGIN_NS, ADMISSION_LINE, BAR_TIME, CRASH_RULE,
    HINT, HINT_NS, ADMISSION, BAR_ONLY, BAR_CLASSES, PROBE_TIME, PROBE_EVERY_NS, RESUME_AFTER,
) = range(27)  # fmt: skip
HOST_WHOLE_KEYS = 27
(
    RESEND_GROWTH, SLOWDOWN_A, SLOWDOWN_B, SLOWDOWN_N, A_RATE, A_BURST, A_LIMIT, A_WAIT_NS, BAR_SHARE,
) = range(9)  # fmt: skip
HOST_REAL_KEYS = 9
CANCEL_NONE, CANCEL_QUEUE, CANCEL_WORKER = range(3)
REFUSES, SILENT = range(2)
FIFO, LIFO = range(2)
WASTED_LATE, COUNTS_LATE = range(2)
NO_HINT, FIXED_HINT, TOKEN_HINT, QUEUE_HINT = range(4)
UNTIL_BACK = -1  # in place of FAIL_AFTER_NS
# --- live keys of a class ---------------------------------------------------------------------------------------------
(
    ESTABLISH, RENEW, EXPIRE, TIMEOUT, FIRST_DELAY, RETRY, LEASE, CHECK_EVERY_NS, PRIORITY, WEIGHT, OWN_LIMIT,
) = range(11)  # fmt: skip
CLASS_WHOLE_KEYS = 11
TIMEOUT_GROWTH, TIMEOUT_CAP_NS, COST, CHECK_JITTER, RATE = range(5)
CLASS_REAL_KEYS = 5

# --- tables of rules: columns -----------------------------------------------------------------------------------------
D_KIND, D_FIRST, D_SIZE = range(3)  # dists: whole; a and b beside it
(
    IMMEDIATE, FIXED, EXPONENTIAL, FULL_JITTER, EQUAL_JITTER, PROPORTIONAL_JITTER, DECORRELATED_JITTER,
    WAIT_OF_CONTROLLER,
) = range(8)  # fmt: skip
T_KIND, T_DELAY, T_RETRIES, T_HINT = range(4)  # retries: whole
T_BASE, T_FACTOR, T_CAP, T_JITTER, T_HINT_JITTER = range(5)
IGNORE, OBEY, AT_LEAST = range(3)
LEASE_FIXED, LEASE_CREDIT, LEASE_FREEZE, LEASE_FREEZE_UNTIL_HEARD = range(4)
L_KIND, L_DURATION, L_GRACE_NS, L_REARMS = range(4)  # leases: whole; freeze_share beside it
OPEN, TOKEN_BUCKET, LINEAR, SWITCH, RAMP, CONTROLLER = range(6)
M_KIND, M_LINE, M_ESTABLISH_ONLY, M_CLASSES = range(4)  # limiters: whole; of a controller M_LINE says which
M_RATE, M_BURST, M_LIMIT, M_WAIT_NS, M_LOW = range(5)
(
    X_QUEUE, X_MEMORY, X_BYTES, X_LATENCY_NS, X_DOWN_NS, X_ENDS, X_NOTICE, X_TOLD,
) = range(8)  # crash rules # fmt: skip
AT_ONCE, AT_CHECK = -1, -2  # in place of a notice's distribution
(
    K_JOBS, K_BASE, K_MEMBERS, K_OF, K_AFTER, K_ROOT, K_POISSON, K_SEGMENTS, K_KEEPS, K_EXPIRES, K_GUARD, K_WAIT,
    K_TENURE,
) = range(13)  # constants of a class; the last three are controllers # fmt: skip
CLASS_RULES = 13

# --- controls: time, kind, what, and up to five arguments -------------------------------------------------------------
C_TIME, C_KIND, C_WHAT, C_A, C_B, C_C, C_D, C_SHOWN = range(8)
CONTROL_COLUMNS = 8
(
    DO_DEPENDENCY, DO_RESTART, DO_END_SESSIONS, DO_THROTTLE, DO_SET, DO_STEP, DO_UNSET, DO_SCALE, DO_SHARE, DO_HOLD,
    DO_LET_IN, DO_PURGE, DO_NOTHING,
) = range(13)  # fmt: skip
# --- edits that may be in force ---------------------------------------------------------------------------------------
H_CLASS, H_KEY, H_IS_REAL, H_ON, H_BEFORE, H_VALUE, H_TO, H_OVER = range(8)
HAND = 8
HR_BEFORE, HR_VALUE, HR_TO = range(3)
# --- holds ------------------------------------------------------------------------------------------------------------
O_CLASSES, O_WAVES, O_LET_IN, O_ON, O_FIRST = range(5)  # the wave of a host's first client of these classes
HOLD = 5
# --- session ends that are due now ------------------------------------------------------------------------------------
E_CLASSES, E_NOTICE, E_COUNT = range(3)  # of each of these classes so many clients; NONE: all
END = 3

# --- the series: the columns of `requests`, then those of part two. Flows of the window, levels at its end, maxima ----
(
    ENDED, KEPT_FLOW, EXPIRIES_FLOW, EXPIRED, BARRED, UNANSWERED, LATE_FLOW, PURGED, RESENT, CRASHES, OWN_LOST,
    OWN_PURGED, LINE_END, OUTSIDE_END, LEASED_SERVER, KEPT_END, BOUND_END, UNAWARE_END, OPEN_END,
) = range(requests.SERIES, requests.SERIES + 19)  # fmt: skip
SERIES = requests.SERIES + 19

# --- kinds of a line in the log ---------------------------------------------------------------------------------------
WORDS = (
    "submit", "reject", "drop", "start", "success", "waste", "fail", "deadline", "cancel", "arrive", "give-up", "bar",
    "wait", "silence", "resend", "start-expiry", "start-probe", "resume", "late", "probed", "expired", "expiry", "end",
    "notice", "bound", "keep", "lost", "purged", "crash", "probe", "dependency", "restart", "endsessions", "throttle",
    "set", "scale", "hostsin", "hold", "purge", "go-on", "conflict",
)  # fmt: skip
(
    LOG_SUBMIT, LOG_REJECT, LOG_DROP, LOG_START, LOG_SUCCESS, LOG_WASTE, LOG_FAIL, LOG_DEADLINE, LOG_CANCEL, LOG_ARRIVE,
    LOG_GIVE_UP, LOG_BAR, LOG_WAIT, LOG_SILENCE, LOG_RESEND, LOG_START_EXPIRY, LOG_START_PROBE, LOG_RESUME, LOG_LATE,
    LOG_PROBED, LOG_EXPIRED, LOG_EXPIRY, LOG_END, LOG_NOTICE, LOG_BOUND, LOG_KEEP, LOG_LOST, LOG_PURGED, LOG_CRASH,
    LOG_PROBE, LOG_DEPENDENCY, LOG_RESTART, LOG_END_SESSIONS, LOG_THROTTLE, LOG_SET, LOG_SCALE, LOG_HOSTS_IN, LOG_HOLD,
    LOG_PURGE, LOG_GO_ON, LOG_CONFLICT,
) = range(41)  # fmt: skip


class Rules(NamedTuple):
    """What never changes in a run.

    classes int64[K, CLASS_RULES]; dists int64[n, 3] and dist_reals float64[n, 2]; retries int64[n, 4] and retry_reals
    float64[n, 5]; leases int64[n, 4] and lease_reals float64[n]; limiters int64[n, 4] and limiter_reals float64[n, 5];
    crashes int64[n, 8]; segment_ns and segment_rates float64[K, S] (from when on jobs come at which rate); table
    float64[m], measured values; keys uint64[K, streams]; controls int64[n, 8] and control_reals float64[n, 2], in
    order; controllers int64[n, CONTROLLER_COLUMNS] and controller_params float64[m].
    """

    classes: Whole
    dists: Whole
    dist_reals: Real
    retries: Whole
    retry_reals: Real
    leases: Whole
    lease_reals: Real
    limiters: Whole
    limiter_reals: Real
    crashes: Whole
    segment_ns: Real
    segment_rates: Real
    table: Real
    keys: Bits
    controls: Whole
    control_reals: Real
    controllers: Whole
    controller_params: Real
    window_ns: int
    shift: int
    by_queue: int  # slowdown by what waits, else by what is in service
    stale_counted: int
    merges: int  # stale work is a count in the queue
    has_lines: int
    probe_priority: int
    has_crash: int
    jobs: int  # how many classes are jobs
    is_plain: int  # one class and nothing of the host's own in the queue
    queue_controller: int
    hears: int  # whether the queue's controller or one of admission is told anything
    worker_per_s: float  # what a worker can establish
    conflict_rows: int  # rows that clients write; 0: nobody looks whether another did
    conflict_classes: int
    conflict_gap: int  # distribution of the time from read to write, or NONE: the whole service


class Host(NamedTuple):
    """All that a host remembers.

    clients int64[rows, CLIENT] and pauses float64[rows]; due int64[4 rows] (NEVER: not armed), after and before
    int32[4 rows], heads int32[slots], near int64[6 rows + 128, 3]; requests int64[n, 22], fates float64[n],
    free_requests int64[n], scratch int64[n]; free_rows int64[rows]; lists int64[K + 2 + gates, 3]; at_worker
    int64[leaves], finish int64[leaves], tree int64[2 leaves], idle int64[leaves]; whole, real (more throttles than
    one lie behind the rest); of_class int64[K + 1, CLASS_WHOLE] and of_class_real float64[K, CLASS_REAL]; set_whole,
    set_real (live keys of the host), class_whole int64[K, …] and class_real; base_… the same as they were at first;
    hands int64[n, HAND] and hand_reals float64[n, 3]; holds int64[n, HOLD]; ends int64[n, END]; passes
    int64[priorities, K + 1] and clocks int64[priorities]; expiring int64[2, K, windows + 1]; series
    int64[windows + 1, K + 1, SERIES]; histogram and latency int64[K, HISTOGRAM]; log int64[lines, 5]; memory float64[n]
    of controllers, facts float64[FACTS] for them; written int64[rows], when each was last written; heap int64[n, 3] and
    heap_ranks float64[n]; nameless int8[n] (a power of two, or 0): for each order from NAMELESS_FROM on, in turn, the
    class of the nameless request that has it, or NONE.
    """

    clients: Whole
    pauses: Real
    due: Whole
    after: Short
    before: Short
    heads: Short
    near: Whole
    requests: Whole
    fates: Real
    free_requests: Whole
    scratch: Whole
    free_rows: Whole
    lists: Whole
    at_worker: Whole
    finish: Whole
    tree: Whole
    idle: Whole
    whole: Whole
    real: Real
    of_class: Whole
    of_class_real: Real
    set_whole: Whole
    set_real: Real
    class_whole: Whole
    class_real: Real
    base_whole: Whole
    base_real: Real
    base_class_whole: Whole
    base_class_real: Real
    hands: Whole
    hand_reals: Real
    holds: Whole
    ends: Whole
    passes: Whole
    clocks: Whole
    expiring: Whole
    series: Whole
    histogram: Whole
    latency: Whole
    log: Whole
    memory: Real
    facts: Real
    written: Whole
    heap: Whole
    heap_ranks: Real
    nameless: Bytes
