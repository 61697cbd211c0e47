"""Clients, their leases and their requests, and when a client comes back (sections 1, 2, 12 and 17)."""

from dataclasses import dataclass, field

from twin.sessions import chance
from twin.sessions.chance import Chance, whole_ns
from twin.sessions.events import Timer
from twin.sessions.scenario import Retry


@dataclass(eq=False)
class Request:
    """One attempt, or the host's own work (`nature`: client, expiry, probe).

    `place`: outside (a silent host did not hear it), line (it waits for a token), queue, worker, gone.
    """

    number: int  # its class
    who: int  # its client
    attempt: int
    submitted: int
    deadline: int
    nature: str = "client"
    place: str = "outside"
    reached: int = 0  # when the host heard it
    order: int = 0  # of its entering the queue
    sent: int = 0  # times that it was sent again
    door: int = 0  # in whose line it waits
    started: int = 0
    paid: int = 0  # debt that its worker works off before it
    fails: bool = False
    begun: int = 0  # when its service's own time began
    fate: float = 1.0  # it fails, or hangs, while the dependency fails a larger share
    mark: int = 0  # from the controller of the queue
    stale: int | None = None  # how many services of stale work had started before it, if it is one
    timer: Timer | None = None  # its finish


@dataclass
class LeaseClock:
    """Until when a lease runs; or what is left of it while its clock stands."""

    expires: int = 0
    left: int | None = None
    unleased_ns: int = 0  # without a lease, up to the last grant

    def runs(self, now: int) -> bool:
        """Whether it runs, or stands."""
        return self.left is not None or self.expires > now

    def end(self, now: int) -> None:
        """It is over now, if it was not before."""
        self.expires = min(self.expires, now) if self.left is None else now
        self.left = None


@dataclass(eq=False)
class Client:
    """A holder or a job. `state`: asleep (its timer is its next submission), unaware (its session ended, its timer is
    the notice), bound (it waits for the other class's success), kept (held by an operator), asks (its timer is the
    deadline of `request`).
    """

    number: int  # its class
    who: int
    state: str = "asleep"
    timer: Timer | None = None
    resend_timer: Timer | None = None
    expiry_timer: Timer | None = None
    request: Request | None = None
    attempt: int = -1
    tries: int = 0  # failures in a row
    grown: int = 0  # deadlines that made its timeout longer
    pause_ns: float | None = None  # the last pause of decorrelated jitter
    arrived: int = 0
    expiries: int = 0
    sent_at: int = 0  # its last attempt
    holds: int = 0  # times that its guard held the attempt back that is to come
    last_event: int = 0  # what became of the attempt before it, of one request
    is_over: bool = False  # its session was ended, and the timer of its lease rings for that
    server: LeaseClock = field(default_factory=LeaseClock)  # as the server sees it
    holder: LeaseClock = field(default_factory=LeaseClock)  # as the holder sees it

    def forget_tries(self) -> None:
        """Its next attempt is one of a new request."""
        self.tries = self.holds = self.last_event = 0
        self.pause_ns = None

    def disarm(self) -> None:
        """No timer of its request."""
        for timer in (self.timer, self.resend_timer):
            if timer is not None:
                timer.cancel()
        self.timer = self.resend_timer = None


def pause_ns(rule: Retry, client: Client, rolls: Chance, hint_ns: float | None, own_ns: float | None = None) -> int:
    """How long a client waits after its `client.tries`-th failure in a row; `own_ns`: as its controller says."""
    address = (client.number, client.who, client.attempt)
    e = rule.base_ns
    for _ in range(client.tries - 1):
        before, e = e, min(e * rule.factor, rule.cap_ns)
        if e == before:  # for good; a client may have tried a hundred thousand times
            break
    e = min(e, rule.cap_ns)
    pause = own_ns or 0.0
    if rule.kind == "fixed":
        pause = rolls.time(rule.delay, chance.RETRY, *address)
    elif rule.kind == "exponential":
        pause = e
    elif rule.kind == "full-jitter":
        pause = e * rolls.uniform(chance.RETRY, *address)
    elif rule.kind == "equal-jitter":
        pause = e / 2.0 + e / 2.0 * rolls.uniform(chance.RETRY, *address)
    elif rule.kind == "proportional-jitter":
        pause = e * (1.0 + rule.jitter * (2.0 * rolls.uniform(chance.RETRY, *address) - 1.0))
    elif rule.kind == "decorrelated-jitter":
        last = rule.base_ns if client.pause_ns is None else client.pause_ns
        most = max(rule.factor * last, rule.base_ns)
        pause = min(rule.cap_ns, rule.base_ns + (most - rule.base_ns) * rolls.uniform(chance.RETRY, *address))
        client.pause_ns = pause
    if hint_ns is not None and rule.hint != "ignore":
        u = 2.0 * rolls.uniform(chance.HINT, *address) - 1.0 if rule.hint_jitter > 0.0 else 0.0
        asked = hint_ns * (1.0 + rule.hint_jitter * u)
        pause = asked if rule.hint == "obey" else max(pause, asked)
    return whole_ns(pause)


def grown_ns(timeout_ns: float, growth: float, times: int, cap_ns: float) -> float:
    """A timeout after so many deadlines that passed; the cap is one on growing."""
    if growth == 1.0:
        return timeout_ns
    for _ in range(times):
        before, timeout_ns = timeout_ns, max(timeout_ns, min(timeout_ns * growth, cap_ns))
        if timeout_ns == before:
            break
    return timeout_ns


# Intervals scaled by the number of members (section 17) are numbers before a run begins: the members of a class do not
# change. These are the two laws of the field.


def paced_ns(least_ns: int, members: int, rate_per_ns: float) -> int:
    """An interval at which so many members together come no more often than a rate (Nomad: 10 s and 50 a second)."""
    return max(least_ns, whole_ns(members / rate_per_ns))


def log_scale(members: int, threshold: int = 128) -> int:
    """A factor on intervals: 1 up to the threshold, then one more for each doubling (Consul's anti-entropy)."""
    return (-(-members // threshold) - 1).bit_length() + 1
