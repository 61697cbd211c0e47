"""Controllers: policies that remember and hear what becomes of requests. Each is a file of this folder, or a user's.

A controller's file has a name for its axis, names for its parameters and its memory, and functions of `params`,
`memory` and `facts`, which read and write numbers by name. The engine calls them by address: whichever a scenario
names, the compiled loop is the same, and what is not in use is not there.

`AXIS`        "admission", "queue", "client", "guard" or "lease".
`PARAMS`      names of parameters, each one number: times in s, rates per s, shares of 1.
`MEMORY`      name: 1 for a number, n for a row of n numbers (`memory.window[i]`). All are 0.0 at first.
`begin`       sets the memory, when a host begins and after each of its restarts.

| axis | function | says |
| --- | --- | --- |
| admission | `ask` | 1.0 lets the request in, 0.0 refuses it; asked after the operators' throttles |
| queue | `ask` | 0.0 refuses; 1.0 + n lets in, and n is the request's `facts.mark`; asked when it enters the queue |
| | `rank` | where it enters: the smallest is served first, and of equal ones the first that came |
| | `newest` | 1.0: the worker takes the newest, 0.0: the oldest |
| | `head` | 1.0 serves what a worker takes, 0.0 drops it |
| guard | `ask` | 0.0 sends the attempt now; x: it is held back, and the next comes x s later; -x: of a new request |
| client | `wait` | seconds until the next attempt after one that came to nothing |
| lease | `renew` | how long the lease is that is granted now, s; 0.0: as the file says |
| | `expire` | 0.0: the lease that is at its end runs out; else it goes on for so many seconds |
| | `restart` | how long a lease still runs that ran as its host restarted, s; below 0: as before |
| all | `told` | hears `facts.event` |

Admission and queue also stand at propagation (`propagation.intake`, `propagation.queue`), where a host is a shard with
a memory of its own and a request is a job's attempt. There `facts.number` is 0 for a launch and 1 for a change,
`client` the job within its kind, `attempt` and `tries` are one, `cost` is 1.0, and who times out is CANCELLED; in
`begin` and `newest` the shard's number stands for the client's. At `launches.admission` a request is an attempt to
launch, which takes no time: `waiting` and `in_service` are those of propagation at the end of the window before, and
what it let in is told at once, SUCCEEDED or FAILED.

A guard that says -30.0 to a client has it give its request up. 30 s later the client asks for a new one, whose `tries`
are 0 and whose back-off begins anew.

Only `begin` must be there, and one more. A function of the file that others call is a `by_address.helper`. Controllers
of clients are asked and told client by client, or group by group (`Guards.group`); all others belong to a host, and
begin anew as it restarts. Arithmetic is + − × ÷, min, max, abs, comparison, `math.floor`, `math.sqrt`,
and `log`, `exp`, `power` of `recovery_kernels.draws`: the same bits on every machine.
"""

from recovery_kernels.views import View as View

FACTS = (
    "now_s",  # since the begin of the experiment
    "event",  # in `told`: one of those below
    "number",  # of the class, 0 without classes
    "client",  # of its class, within the host
    "attempt",  # from 0 on
    "tries",  # attempts of its request in a row that came to nothing; in `told`, without the one that is told of
    "cost",  # tokens that an attempt of this class takes
    "is_leased",  # 1 if the server sees a lease of this client that runs
    "waiting",  # requests that wait for a worker
    "in_service",  # requests that workers work on
    "workers",
    "capacity_per_s",  # what the workers can establish
    "members",  # clients of this class at this host; 0 for jobs. To a lease's: of all classes that have this rule
    "sojourn_s",  # since the request reached the host; to a client, since it sent its last attempt, or came
    "waited_s",  # until a worker took it; so far, where none has
    "timeout_s",  # that the client waits for an answer
    "left_s",  # until the client gives up
    "mark",  # what the queue's `ask` gave the request
    "hint_s",  # when to come back, as the host said; below 0: nothing
    "u",  # a draw between 0 and 1 for this question
    "u_client",  # one that this client keeps
    "holds",  # times that the client's `ask` held this attempt back so far; each time it asks, `u` is another
    "last",  # what became of the attempt before it, one of the events below; NOTHING where the request is new
)
"""What a function may look at: one number each."""

# What becomes of a request. Those at the host hear ADMITTED (it is in the queue), STARTED, DROPPED by the queue, FAILED
# at the dependency, CANCELLED by its client, LOST with its host or purged, and how a service ended: SUCCEEDED, or
# WASTED since nobody waited for it. Clients hear SENT, SUCCEEDED, FAILED, REFUSED by whatever said no at the host,
# DROPPED and LOST where the host says so, and TIMED_OUT. Leases hear RENEWED and RESTARTED.
(
    NOTHING, ADMITTED, STARTED, SUCCEEDED, WASTED, FAILED, DROPPED, CANCELLED, LOST, SENT, REFUSED, TIMED_OUT, RENEWED,
    RESTARTED,
) = range(14)  # fmt: skip

HOOKS = ("begin", "ask", "rank", "newest", "head", "wait", "renew", "expire", "restart", "told")
"""The functions that a controller may have."""
