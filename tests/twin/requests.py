"""Queue and workers of one host in plain Python: the twin of `recovery_kernels.requests` (MODEL.md, sections 1 and 2).

Slow on purpose: every step looks at everything that could come next and takes the least of it; waiting times, busy
workers and leases are counted from the things themselves. Draws come from the kernels' `draws`, which has its own
tests, so that twin and kernel see the same numbers. Token buckets, delays and the arrival clock are the same arithmetic
in both.

Beyond MODEL.md it is decided that
- a retry after an answer (rejection, notified drop, failure) comes no sooner than `round_trip_ns`; after a deadline it
  may;
- a holder's next check counts from its success; a success ends its row of tries;
- a request has to pass the operator's gate, then the admission policy, then the bound, and takes tokens only if it
  passes all three;
- where the gate or the admission policy is for establishes only, a client whose lease runs passes it without a token;
- the bucket of the queue-size law fills, between two requests that it decides on, at the rate set at the first of them;
- a queue is full only while all workers are busy;
- rejections and drops are paid for before the service that they are charged to begins;
- a restarted host has a full bucket at the end of its down time and owes no cost; refusals while it is down cost
  nothing;
- a frozen lease does not run: it has what was left of it when the clock goes on, or a whole lease (`thaw`);
- where clocks stand until a holder is heard of, the first success since the dependency's return lets them go on, before
  it makes its own lease; if the dependency fails again before that, they stand as if it had not been back.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from recovery_kernels import draws, limits, policies, requests
from recovery_kernels.requests import Inputs, Keys, Params

CONTROL, FINISH, DEADLINE, SUBMISSION = range(4)  # the order of events at one time
NEVER = math.inf
FAR_NS = 2**60  # a longer time is as good as this one


def whole_ns(time: float) -> int:
    """A time in whole nanoseconds."""
    return int(min(time, float(FAR_NS)) + 0.5)


@dataclass(eq=False)
class Request:
    """One attempt; `place` says where it is: with the host in the queue or at a worker, or gone."""

    client: int
    attempt: int
    submitted: int
    deadline: int
    place: str = "queue"
    started: int = 0
    finish: int = 0
    paid: int = 0  # rejections and drops that its worker did before it
    fails: bool = False


@dataclass(eq=False)
class Client:
    """A holder or a job. It sleeps until `wake`, or waits for the answer to `request`."""

    number: int
    wake: float = NEVER
    expires: int = 0
    left: int | None = None  # of a lease whose clock stands
    arrived: int = 0
    attempt: int = -1
    tries: int = 0
    request: Request | None = None

    def is_leased(self, now: int) -> bool:
        """Whether its lease runs, or stands."""
        return self.left is not None or self.expires > now


@dataclass
class Bucket:
    """Tokens that drip in at a rate, up to a burst."""

    tokens: float
    rate_per_ns: float
    burst: float
    at: int

    def fill(self, now: int) -> None:
        """Let drip in what is due."""
        self.tokens = min(self.burst, self.tokens + self.rate_per_ns * (now - self.at))
        self.at = now


def arrivals_ns(params: Params, keys: Keys, inputs: Inputs) -> Iterator[float]:
    """Times of the jobs: where the rate, added up over time, reaches the sum of exponential (or equal) steps."""
    rates = [float(rate) for rate in inputs.arrivals_per_ns]
    ends = [*(float(t) for t in inputs.arrivals_ns[1:]), NEVER]
    at, segment, job = 0.0, 0, 0
    while True:
        if params.poisson:
            step = max(-float(draws.log(draws.uniform(keys.arrival, job, 0))), 0.0)
        else:
            step = 1.0 if job else float(draws.uniform(keys.arrival, 0, 0))
        while rates[segment] <= 0.0 or at + step / rates[segment] >= ends[segment]:
            if segment == len(rates) - 1:
                yield NEVER
                return
            step -= (ends[segment] - at) * rates[segment]
            at = ends[segment]
            segment += 1
        at += step / rates[segment]
        yield int(at + 0.5)
        job += 1


def histogram_part(value_ns: int) -> int:
    """Which of the 64 equal parts of its power of two a time falls into; 0 for no time at all."""
    if value_ns < 1:
        return 0
    mantissa, exponent = math.frexp(float(value_ns))
    return (exponent - 1) * 64 + int((2.0 * mantissa - 1.0) * 64)


@dataclass
class Twin:
    """One host. `run` takes it through its life; its log, series and counters are what the kernel has to agree with."""

    params: Params
    keys: Keys
    inputs: Inputs
    windows: int
    now: int = 0
    clients: dict[int, Client] = field(default_factory=dict)
    queue: list[Request] = field(default_factory=list)
    serving: list[Request] = field(default_factory=list)
    log: list[tuple[int, int, int, int]] = field(default_factory=list)
    cost_ns: int = 0
    down_until: int = 0
    dependency_fails: float = 0.0
    is_frozen: bool = False
    is_unheard: bool = False  # clocks stand, though the dependency is back
    gate: Bucket | None = None
    is_gate_for_establishes: bool = False
    gate_spares_leased: bool = False
    controls_done: int = 0
    jobs: int = 0
    jobs_done: int = 0
    latency_max: int = 0
    unleased_ns: int = 0
    busy_ns: int = 0
    idle_ns: int = 0
    down_ns: int = 0
    edges: int = 0
    queue_max: int = 0
    oldest_max_ns: int = 0
    open_max: int = 0
    is_closed: bool = False  # by the switch of the queue's size

    def __post_init__(self) -> None:
        self.series = np.zeros((self.windows + 1, requests.SERIES), np.int64)
        self.histogram = np.zeros(requests.HISTOGRAM, np.int64)
        self.latency = np.zeros(requests.HISTOGRAM, np.int64)
        self.bucket = Bucket(self.params.admission.burst, 0.0, self.params.admission.burst, 0)
        self.arrivals = arrivals_ns(self.params, self.keys, self.inputs)
        self.next_arrival = next(self.arrivals) if self.params.traffic == requests.JOBS else NEVER

    def wake_holders(self, first_ns: Any, expires_ns: Any) -> None:
        """Put the holders in, each with its first submission and its lease."""
        for number, (first, expires) in enumerate(zip(first_ns, expires_ns, strict=True)):
            self.clients[number] = Client(number, wake=int(first), expires=int(expires))

    # --- what comes next

    def moments(self) -> Iterator[tuple[float, int, int, int]]:
        """Everything that could be next: time, kind, then whatever decides among equals, the lower client first."""
        if self.controls_done < len(self.inputs.controls):
            yield int(self.inputs.controls[self.controls_done, 0]), CONTROL, 0, 0
        for request in self.serving:
            yield request.finish, FINISH, request.client, request.attempt
        for client in self.clients.values():
            if client.request is not None:
                yield client.request.deadline, DEADLINE, client.number, 0
            elif client.wake < NEVER:
                yield client.wake, SUBMISSION, client.number, 0
        if self.next_arrival < NEVER:
            yield self.next_arrival, SUBMISSION, self.jobs, 0

    def run(self, until_ns: int) -> None:
        """Every event before `until_ns`, in order."""
        while True:
            time, kind, who, which = min(self.moments(), default=(NEVER, 0, 0, 0))
            if time >= until_ns:
                self.pass_to(until_ns)
                return
            self.pass_to(int(time))
            if kind == CONTROL:
                self.control()
            elif kind == FINISH:
                self.finish(next(r for r in self.serving if (r.client, r.attempt) == (who, which)))
            elif kind == DEADLINE:
                self.deadline(self.clients[who])
            else:
                if who not in self.clients:
                    self.arrive()
                self.submit(self.clients[who])
            self.take()
            self.queue_max = max(self.queue_max, len(self.queue))
            self.open_max = max(self.open_max, self.open())

    def open(self) -> int:
        """Jobs without an answer that did not give up."""
        return len(self.clients) if self.params.traffic == requests.JOBS else 0

    def pass_to(self, time: int) -> None:
        """Nothing happens until `time`, except that windows end; what happens at an edge belongs to the next window."""
        while (edge := (self.edges + 1) * self.params.window_ns) <= time:
            self.wait(edge)
            self.levels(self.series[self.edges], edge)
            self.edges += 1
        self.wait(time)

    def wait(self, time: int) -> None:
        """Count workers' time."""
        busy = len(self.serving) * (time - self.now)
        down = self.params.workers * max(0, min(time, self.down_until) - self.now)
        self.busy_ns += busy
        self.down_ns += down
        self.idle_ns += self.params.workers * (time - self.now) - busy - down
        self.now = time
        self.oldest_max_ns = max([self.oldest_max_ns, *(time - request.submitted for request in self.queue)])

    def levels(self, row: Any, edge: int) -> None:
        """What there is at the end of a window."""
        row[requests.QUEUE] = len(self.queue)
        row[requests.OLDEST_NS] = edge - min((request.submitted for request in self.queue), default=edge)
        row[requests.LEASED_END] = self.leased() if self.params.traffic == requests.HOLDERS else 0
        row[requests.IN_SERVICE] = len(self.serving)
        row[requests.SLEEPING_END] = sum(client.request is None for client in self.clients.values())
        row[requests.BUSY_SUM_NS] = self.busy_ns
        row[requests.IDLE_SUM_NS] = self.idle_ns
        row[requests.DOWN_SUM_NS] = self.down_ns
        row[requests.QUEUE_MAX] = self.queue_max
        row[requests.OLDEST_MAX_NS] = self.oldest_max_ns
        row[requests.OPEN_MAX] = self.open_max
        self.busy_ns = self.idle_ns = self.down_ns = 0
        self.queue_max, self.oldest_max_ns, self.open_max = len(self.queue), 0, self.open()

    def leased(self) -> int:
        """How many leases there are now."""
        return sum(client.is_leased(self.now) for client in self.clients.values())

    def still_unleased_ns(self) -> int:
        """Time without a lease of those that have none now, added up."""
        if self.params.traffic == requests.JOBS:
            return 0
        return sum(
            self.now - max(client.expires, 0) for client in self.clients.values() if not client.is_leased(self.now)
        )

    # --- what happens

    def note(self, kind: int, client: int, attempt: int) -> None:
        """A line of the log."""
        self.log.append((self.now, kind, client, attempt))

    def count(self, column: int, amount: int = 1) -> None:
        """Add to a flow of the window of now."""
        self.series[self.now // self.params.window_ns, column] += amount

    def draw_ns(self, dist: draws.Dist, key: Any, client: int, attempt: int) -> int:
        """A time that is drawn, in whole nanoseconds."""
        return whole_ns(float(draws.draw(dist, self.inputs.table, key, client, attempt)))

    def arrive(self) -> None:
        """A new job."""
        self.clients[self.jobs] = Client(self.jobs, arrived=self.now)
        self.count(requests.ARRIVED)
        self.note(requests.LOG_ARRIVE, self.jobs, 0)
        self.jobs += 1
        self.next_arrival = next(self.arrivals)

    def submit(self, client: Client) -> None:
        """An attempt reaches the host."""
        client.attempt += 1
        client.wake = NEVER
        self.count(requests.SUBMITTED)
        self.note(requests.LOG_SUBMIT, client.number, client.attempt)
        refusal = self.refusal(client)
        if refusal is not None:
            self.count(refusal)
            self.note(requests.LOG_REJECT, client.number, client.attempt)
            if refusal != requests.REJECTED_DOWN:
                self.cost_ns = min(self.cost_ns + self.params.reject_cost_ns, FAR_NS)
            self.retry(client, is_answer=True)
            return
        timeout = self.draw_ns(self.params.timeout, self.keys.timeout, client.number, client.attempt)
        client.request = Request(client.number, client.attempt, self.now, self.now + max(timeout, 1))
        self.queue.append(client.request)

    def refusal(self, client: Client) -> int | None:
        """Who refuses a request that comes now, if anybody; else its tokens are taken."""
        if self.now < self.down_until:
            return requests.REJECTED_DOWN
        taken = []
        is_leased = (
            client.number in self.clients and self.params.traffic == requests.HOLDERS and client.is_leased(self.now)
        )
        if self.gate is not None and not (self.gate_spares_leased and is_leased):
            self.gate.fill(self.now)
            if self.gate.tokens < 1.0:
                return requests.REJECTED_GATE
            taken.append(self.gate)
        admission = self.params.admission
        if admission.kind != limits.OPEN and not (admission.establish_only and is_leased):
            waiting = len(self.queue)
            if admission.kind == limits.SWITCH:
                self.is_closed = waiting >= admission.limit or (self.is_closed and waiting > admission.low)
                if self.is_closed:
                    return requests.REJECTED_ADMISSION
            elif admission.kind == limits.RAMP:
                u = float(draws.uniform(self.keys.admission, client.number, client.attempt))
                if u * (admission.limit - admission.low) < waiting - admission.low:
                    return requests.REJECTED_ADMISSION
            else:
                self.bucket.fill(self.now)
                self.bucket.rate_per_ns = admission.rate_per_ns
                if admission.kind == limits.LINEAR:
                    self.bucket.rate_per_ns *= max(0.0, 1.0 - waiting / admission.limit)
                if self.bucket.tokens < 1.0:
                    return requests.REJECTED_ADMISSION
                taken.append(self.bucket)
        all_busy = len(self.serving) == self.params.workers
        if self.params.queue.kind == policies.BOUNDED and all_busy and len(self.queue) >= self.params.queue.limit:
            return requests.REJECTED_FULL
        for bucket in taken:
            bucket.tokens -= 1.0
        return None

    def take(self) -> None:
        """Free workers take requests, or drop them."""
        while self.queue and len(self.serving) < self.params.workers:
            request = self.queue.pop(-1 if self.params.queue.kind == policies.LIFO else 0)
            client = self.clients.get(request.client)
            is_awaited = client is not None and client.request is request
            if self.params.queue.kind == policies.DROP_EXPIRED and self.is_expired(request, is_awaited):
                request.place = "gone"
                self.count(requests.DROPPED)
                self.note(requests.LOG_DROP, request.client, request.attempt)
                self.cost_ns = min(self.cost_ns + self.params.drop_cost_ns, FAR_NS)
                if client is not None and is_awaited and self.params.drop_notifies:
                    self.retry(client, is_answer=True)
            else:
                self.start(request, client)

    def is_expired(self, request: Request, is_awaited: bool) -> bool:
        """Whether the queue drops it: nobody waits for it, or not long enough, or it is too old."""
        rule = self.params.queue
        too_old = rule.max_age_ns > 0 and self.now - request.submitted > rule.max_age_ns
        return not is_awaited or self.now + rule.margin_ns > request.deadline or too_old

    def start(self, request: Request, client: Client | None) -> None:
        """A worker begins a request, after the rejections and drops that are still to be paid for."""
        params, keys, address = self.params, self.keys, (request.client, request.attempt)
        if self.dependency_fails >= 1.0:
            request.fails = True
        elif self.dependency_fails > 0.0:
            request.fails = bool(draws.uniform(keys.dependency, *address) < self.dependency_fails)
        if request.fails:
            service = params.fail_after_ns
        else:
            is_renewal = params.traffic == requests.HOLDERS and client is not None and client.is_leased(self.now)
            dist = params.renew if is_renewal else params.establish
            mean = float(draws.draw(dist, self.inputs.table, keys.service, *address))
            if params.slowdown_a > 0.0:
                crowding = float(draws.power(len(self.queue) / params.slowdown_n, params.slowdown_b))
                mean *= min(1.0 + params.slowdown_a * crowding, 1e150)  # 0 times infinity would be no number
            service = whole_ns(mean)
        request.place = "worker"
        request.started = self.now
        request.paid = self.cost_ns
        request.finish = self.now + request.paid + service
        self.cost_ns = 0
        self.serving.append(request)
        self.note(requests.LOG_START, *address)

    def leave_worker(self, request: Request) -> int:
        """A request leaves its worker, done or not. Returns the work that was done for it, ns."""
        self.serving.remove(request)
        request.place = "gone"
        overhead = min(request.paid, self.now - request.started)
        self.count(requests.OVERHEAD_NS, overhead)
        return self.now - request.started - overhead

    def finish(self, request: Request) -> None:
        """A worker is done."""
        work = self.leave_worker(request)
        self.histogram[histogram_part(self.now - request.submitted)] += 1
        client = self.clients.get(request.client)
        is_awaited = client is not None and client.request is request
        if request.fails:
            self.count(requests.FAILED)
            self.count(requests.FAILED_NS, work)
            self.note(requests.LOG_FAIL, request.client, request.attempt)
            if client is not None and is_awaited:
                self.retry(client, is_answer=True)
        elif client is None or not is_awaited:
            self.count(requests.WASTED)
            self.count(requests.WASTED_NS, work)
            self.note(requests.LOG_WASTE, request.client, request.attempt)
        else:
            self.count(requests.SUCCEEDED)
            self.count(requests.USEFUL_NS, work)
            self.note(requests.LOG_SUCCESS, request.client, request.attempt)
            client.request = None
            if self.params.traffic == requests.JOBS:
                self.done(client)
            else:
                self.grant(client, request)

    def done(self, client: Client) -> None:
        """A job is well and leaves."""
        latency = self.now - client.arrived
        self.latency[histogram_part(latency)] += 1
        self.latency_max = max(self.latency_max, latency)
        self.jobs_done += 1
        del self.clients[client.number]

    def grant(self, client: Client, request: Request) -> None:
        """A holder's check went well: a new lease, and a new check some time later."""
        if self.is_unheard:
            self.is_unheard = False
            self.freeze(False)
        if not client.is_leased(self.now):
            self.count(requests.ESTABLISHED)
            self.unleased_ns += self.now - max(client.expires, 0)
        if self.is_frozen:
            client.left = self.whole_lease_ns(client)
        else:
            is_early = self.params.lease.kind == policies.CREDIT_ON_ARRIVAL
            client.expires = (request.submitted if is_early else self.now) + self.whole_lease_ns(client)
        client.tries = 0
        every = float(self.params.check_every_ns)
        if self.params.check_jitter > 0.0:
            u = float(draws.uniform(self.keys.check, client.number, client.attempt))
            every *= 1.0 + self.params.check_jitter * (2.0 * u - 1.0)
        client.wake = self.now + whole_ns(every)

    def whole_lease_ns(self, client: Client) -> int:
        """The length of a client's lease; drawn once, so always the same."""
        lease = self.params.lease
        return min(self.draw_ns(lease.duration, self.keys.lease, client.number, 0) + lease.grace_ns, FAR_NS)

    def deadline(self, client: Client) -> None:
        """A client gives an attempt up."""
        request = client.request
        assert request is not None
        self.count(requests.TIMED_OUT)
        self.note(requests.LOG_DEADLINE, client.number, client.attempt)
        if self.params.cancel and request.place != "gone":
            self.count(requests.CANCELLED)
            self.note(requests.LOG_CANCEL, client.number, client.attempt)
            if request.place == "queue":
                self.queue.remove(request)
            else:
                self.count(requests.WASTED_NS, self.leave_worker(request))
        self.retry(client, is_answer=False)

    def retry(self, client: Client, *, is_answer: bool) -> None:
        """An attempt came to nothing: when is the next?"""
        policy = self.params.client
        client.request = None
        client.tries += 1
        if 0 <= policy.retries < client.tries:
            self.count(requests.GAVE_UP)
            self.note(requests.LOG_GIVE_UP, client.number, client.attempt)
            del self.clients[client.number]
            return
        delay = 0
        if policy.kind == policies.FIXED:
            delay = self.draw_ns(policy.delay, self.keys.retry, client.number, client.attempt)
        elif policy.kind != policies.IMMEDIATE:
            grown = policy.base_ns
            for _ in range(client.tries - 1):
                grown = min(grown * policy.factor, policy.cap_ns)
            grown = min(grown, policy.cap_ns)
            if policy.kind == policies.FULL_JITTER:
                grown *= float(draws.uniform(self.keys.retry, client.number, client.attempt))
            elif policy.kind == policies.EQUAL_JITTER:
                u = float(draws.uniform(self.keys.retry, client.number, client.attempt))
                grown = grown / 2 + grown / 2 * u
            elif policy.kind == policies.PROPORTIONAL_JITTER:
                u = float(draws.uniform(self.keys.retry, client.number, client.attempt))
                grown *= 1 + policy.jitter * (2 * u - 1)
            delay = whole_ns(grown)
        client.wake = self.now + (max(delay, policy.round_trip_ns) if is_answer else delay)

    def control(self) -> None:
        """The dependency changes, the host restarts, or the operator turns the gate."""
        _, what, argument = (int(number) for number in self.inputs.controls[self.controls_done])
        first, second = (float(number) for number in self.inputs.control_args[self.controls_done])
        self.controls_done += 1
        self.note(requests.LOG_CONTROL, what, argument)
        if what == requests.DEPENDENCY:
            self.dependency_fails = first
            lease = self.params.lease
            if lease.kind in (policies.FREEZE, policies.FREEZE_UNTIL_HEARD):
                fails = first >= lease.freeze_share
                self.is_unheard = lease.kind == policies.FREEZE_UNTIL_HEARD and self.is_frozen and not fails
                self.freeze(fails or self.is_unheard)
        elif what == requests.RESTART:
            self.restart(argument)
        elif first < 0.0:
            self.gate = None
            self.gate_spares_leased = False
        elif self.gate is None:
            self.gate = Bucket(second, first, second, self.now)
            self.gate_spares_leased = argument != 0
        else:
            self.gate.fill(self.now)
            self.gate = Bucket(min(self.gate.tokens, second), first, second, self.now)
            self.gate_spares_leased = argument != 0

    def turn_gate(self, rate_per_ns: float, burst: float, is_for_establishes: bool) -> None:
        """The operator opens the gate (a rate below 0), sets it up with a full bucket, or changes it as it stands."""
        tokens = burst
        if self.gate is not None:
            self.gate.fill(self.now)
            tokens = min(self.gate.tokens, burst)
        self.gate = Bucket(tokens, rate_per_ns, burst, self.now) if rate_per_ns >= 0.0 else None
        self.is_gate_for_establishes = is_for_establishes

    def freeze(self, is_frozen: bool) -> None:
        """Stop the clocks of all leases, or let them go on."""
        for client in self.clients.values():
            if is_frozen and not self.is_frozen and client.is_leased(self.now):
                client.left = client.expires - self.now
            elif not is_frozen and client.left is not None:
                rearms = self.params.lease.thaw == policies.REARM
                client.expires = self.now + (self.whole_lease_ns(client) if rearms else client.left)
                client.left = None
        self.is_frozen = is_frozen

    def restart(self, down_ns: int) -> None:
        """All that the host holds is lost without a word, and for a time it takes nothing."""
        self.count(requests.LOST, len(self.queue) + len(self.serving))
        for request in self.queue:
            request.place = "gone"
        for request in list(self.serving):
            self.count(requests.WASTED_NS, self.leave_worker(request))
        self.queue.clear()
        self.cost_ns = 0
        self.down_until = max(self.down_until, self.now + down_ns)
        self.bucket = Bucket(self.bucket.burst, self.bucket.rate_per_ns, self.bucket.burst, self.down_until)
        self.is_closed = False
