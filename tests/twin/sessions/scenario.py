"""What the twin of part two is told: one flat description of hosts, classes and what happens to them.

Times are whole nanoseconds from the start, rates are per nanosecond and of one host. Nothing here has a unit to parse,
a share of the fleet or a zone: whoever lowers a real scenario turns those into numbers of hosts, clients and requests.
`check` says what makes no sense.
"""

from dataclasses import dataclass, field
from fractions import Fraction
from types import ModuleType
from typing import Literal

FAR_NS = 2**60  # a longer time is as good as this one; also "never" for a check or a lease
CLASS_KEYS = frozenset(
    {
        "establish", "renew", "expire", "timeout", "timeout_growth", "timeout_cap_ns", "cost", "priority", "weight",
        "limit", "retry", "lease", "check_every_ns", "check_jitter", "first_delay", "rate_per_ns",
    }
)  # fmt: skip
HOST_KEYS = frozenset(
    {
        "workers", "limit", "cancel", "full", "resend", "resend_growth", "fail_after_ns", "start_time_ns", "late",
        "reject_cost_ns", "drop_cost_ns", "drop_notifies", "round_trip_ns", "slowdown_a", "slowdown_b", "slowdown_n",
        "discipline", "drop_expired", "max_age_ns", "margin_ns", "admission_rate_per_ns", "admission_burst",
        "admission_limit", "admission_line", "admission_wait_ns", "admission_rule", "bar_share", "bar_time", "bar_only",
        "bar_classes", "crash", "hint", "hint_ns", "probe", "probe_every_ns", "resume_after",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Dist:
    """A distribution of times (ns), by the names and parameters of `recovery_kernels.draws.Dist`: constant a; uniform
    from a to b; exponential with mean a; lognormal with location a and scale b of the logarithm; weibull with scale a
    and shape b; pareto from a with tail exponent b; empirical: one of `values`.
    """

    kind: Literal["constant", "uniform", "exponential", "lognormal", "weibull", "pareto", "empirical"] = "constant"
    a: float = 0.0
    b: float = 0.0
    values: tuple[float, ...] = ()


def constant(time_ns: float) -> Dist:
    """Always the same."""
    return Dist("constant", float(time_ns))


def exponential(mean_ns: float) -> Dist:
    """Exponential with this mean."""
    return Dist("exponential", float(mean_ns))


@dataclass(frozen=True)
class Controlled:
    """A controller by its file, with its parameters; `group` clients in a row share a memory (0: all of a class)."""

    module: ModuleType
    params: tuple[float, ...]
    group: int = 0


@dataclass(frozen=True)
class Retry:
    """A client's policy: `n` failures in a row ask for this pause (sections 3 and 17).

    immediate: 0. fixed: a draw of `delay`. Of e = min(cap, base · factor^(n-1)): exponential: e; full-jitter: U(0, e);
    equal-jitter: e/2 + U(0, e/2); proportional-jitter: e · (1 + jitter · U(-1, 1)). decorrelated-jitter:
    min(cap, U(base, factor · last pause)), the last pause being `base` at first.

    `hint`: what a rejection's hint h does to the pause: ignore; obey (it is h · (1 + hint_jitter · U(-1, 1)) instead);
    at-least (it is no shorter than that).
    """

    kind: Literal[
        "immediate", "fixed", "exponential", "full-jitter", "equal-jitter", "proportional-jitter",
        "decorrelated-jitter", "controller",
    ] = "immediate"  # fmt: skip
    delay: Dist = Dist()
    base_ns: float = 0.0
    factor: float = 2.0
    cap_ns: float = float(FAR_NS)
    jitter: float = 0.0
    retries: int = -1  # attempts after the first; below 0: without end
    hint: Literal["ignore", "obey", "at-least"] = "ignore"
    hint_jitter: float = 0.0
    controller: Controlled | None = None


@dataclass(frozen=True)
class Lease:
    """fixed, credit-on-arrival, freeze (while the dependency fails at least `freeze_share`, until its return or until a
    client of the class is then heard of by that host; then `resume` what was left, or `rearm`). The duration is drawn
    once a client; a grace is added to it under any rule.
    """

    kind: Literal["fixed", "credit-on-arrival", "freeze"] = "fixed"
    duration: Dist = Dist("constant", float(FAR_NS))
    grace_ns: int = 0
    thaw: Literal["resume", "rearm"] = "resume"
    freeze_share: float = 1.0
    controller: Controlled | None = None
    until: Literal["return", "heard"] = "return"


@dataclass(frozen=True)
class Class:
    """Clients or jobs of one kind (section 13). Their order in the scenario decides ties.

    Holders have `first_ns` and `expires_ns`, a tuple a host (times of the first submission, and until when the first
    lease runs: 0 or less is no lease). Jobs have `arrivals`: (from, rate) steps of one host, the first from 0.
    A class without either is tied: `of` names the class that its clients belong to, one to one; `after` the one
    whose success each waits for (which ties, too). Tied holders have `first_ns` of their own.
    """

    name: str
    first_ns: tuple[tuple[int, ...], ...] = ()
    expires_ns: tuple[tuple[int, ...], ...] = ()
    starts_unleased: bool = False  # section 12: a cold start is a session end at t = 0, noticed at `first_ns`
    arrivals: tuple[tuple[int, float], ...] = ()
    is_poisson: bool = True
    rate_per_ns: float | None = None  # live: instead of `arrivals`
    establish: Dist = Dist()
    renew: Dist = Dist()
    expire: Dist | None = None  # work of an expiry
    timeout: Dist = Dist("constant", float(FAR_NS))
    timeout_growth: float = 1.0  # section 17: times this for each deadline that passed
    timeout_cap_ns: float = float(FAR_NS)
    timeout_keeps: bool = False  # whether a success leaves it grown
    retry: Retry = Retry()
    lease: Lease = Lease()
    check_every_ns: int = FAR_NS
    check_jitter: float = 0.0
    first_delay: Dist = Dist()
    cost: float = 1.0  # tokens of an attempt
    priority: int = 0  # 0 is served first
    weight: int | None = None  # share among the weighted classes of one priority
    limit: int | None = None  # of waiting requests of this class alone
    of: str | None = None
    after: str | None = None
    guard: Controlled | None = None

    @property
    def is_jobs(self) -> bool:
        """Whether it is open arrivals."""
        return not self.first_ns


@dataclass(frozen=True)
class Limiter:
    """Admission or the operator's throttle (sections 3 and 18): open, token-bucket, queue-size (a bucket that fills
    at rate · (1 − queue/limit)), queue-size-switch (closed from `limit` on, open again from `low` down), or
    queue-size-ramp (refuses with a probability that rises from 0 at `low` to 1 at `limit`). With `line` above 0 a
    request may wait for its token: at most `line` of them, and only if it would get it within `wait_ns`. `classes`
    (numbers): whom it holds up; None: all.
    """

    kind: Literal["open", "token-bucket", "queue-size", "queue-size-switch", "queue-size-ramp", "controller"] = "open"
    rate_per_ns: float = 0.0
    burst: float = 1.0
    limit: float = 1.0
    is_establish_only: bool = False
    line: int = 0
    wait_ns: float = float(FAR_NS)
    classes: tuple[int, ...] | None = None
    low: float = 0.0
    controller: Controlled | None = None


@dataclass(frozen=True)
class Bar:
    """Access barring (section 18): each attempt is barred with probability `share`, for a draw of `time`."""

    share: float = 0.0
    time: Dist = Dist()
    is_establish_only: bool = False
    classes: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Conflict:
    """Optimistic writes: client i writes row i mod `rows`; 0: nobody looks. `gap`: from its read to its write; None:
    its whole service. `classes` (numbers): who writes; None: all.
    """

    rows: int = 0
    gap: Dist | None = None
    classes: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Crash:
    """When the host dies of its load (section 15): more than `queue` requests wait, `bytes_a_request` times those that
    it holds is above `memory_bytes`, or the probe takes longer than `probe_latency_ns`. None: no such bound.
    """

    queue: int | None = None
    memory_bytes: int | None = None
    bytes_a_request: int = 0
    probe_latency_ns: int | None = None
    down_ns: int = 0
    ends_sessions: bool = False
    notice: "Notice" = "at-once"
    is_told: bool = False


Notice = Literal["at-once", "at-check"] | Dist


@dataclass(frozen=True)
class Host:
    """One host: what all have in common (sections 1, 14, 15)."""

    workers: int = 1
    discipline: Literal["fifo", "lifo"] = "fifo"
    limit: int | None = None  # of waiting requests of all classes without a limit of their own; None: unbounded
    drop_expired: bool = False
    max_age_ns: int = 0  # of drop_expired; 0: none
    margin_ns: int = 0
    cancel: Literal["none", "queue", "worker"] = "none"
    full: Literal["refuse", "silent"] = "refuse"
    resend: Dist | None = None  # first gap of a silent request; None: it is not sent again
    resend_growth: float = 2.0
    late: Literal["wasted", "counts"] = "wasted"
    is_stale_counted: bool = False  # section 15: draws of work whose client has gone
    fail_after_ns: int | None = 0  # None: until-back
    start_time_ns: int = 0
    reject_cost_ns: int = 0
    drop_cost_ns: int = 0
    drop_notifies: bool = True
    round_trip_ns: int = 1_000_000
    slowdown_a: float = 0.0
    slowdown_b: float = 1.0
    slowdown_n: float = 1.0
    slowdown_by: Literal["queue", "in-service"] = "queue"
    admission: Limiter = Limiter()
    bar: Bar = Bar()
    conflict: Conflict = Conflict()
    hint: Literal["none", "fixed", "token", "queue"] = "none"  # what a rejection says
    hint_ns: int = 0  # fixed: this; queue: this times those that wait before it, over the workers
    crash: Crash = Crash()
    probe: Dist | None = None  # its service time
    probe_every_ns: int = 0
    probe_priority: int = 0
    controller: Controlled | None = None  # of the queue
    worker_per_s: float = 0.0  # what a worker can establish


# --- what operators do (section 14) ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Restart:
    """All that a host holds is lost, and it is down for a time."""

    down_ns: int = 0
    ends_sessions: bool = False
    notice: Notice = "at-once"
    is_told: bool = False


@dataclass(frozen=True)
class EndSessions:
    """A share of the clients of all its hosts loses its sessions: of each class the nearest whole number, halves up."""

    share: float = 1.0
    notice: Notice = "at-once"


@dataclass(frozen=True)
class Throttle:
    """A gate of the operators gets these numbers; None takes it away. Only the first has a line."""

    limiter: Limiter | None = None
    gate: int = 0


@dataclass(frozen=True)
class Set:
    """A live key gets a value: at once or evenly over `over_ns` in steps at window edges, for `lasts_ns` or for good.

    In force is what was begun last and is not over. Of a host's key `classes` says nothing; of a class's key it says
    which classes.
    """

    key: str
    value: object
    over_ns: int = 0
    lasts_ns: int | None = None


@dataclass(frozen=True)
class Scale:
    """So many workers more (after a warm-up) or fewer."""

    workers: int
    warm_up_ns: int = 0
    lasts_ns: int | None = None


@dataclass(frozen=True)
class HostsIn:
    """These hosts begin (after a warm-up) or cease to share the arrivals of all classes of jobs."""

    hosts: tuple[int, ...]
    is_in: bool
    warm_up_ns: int = 0


@dataclass(frozen=True)
class Hold:
    """Submissions that fall due are kept, one a client, for `lasts_ns`; then the clients are let in again in `waves`,
    `every_ns` apart, by their number.
    """

    lasts_ns: int
    waves: int = 1
    every_ns: int = 0


@dataclass(frozen=True)
class Purge:
    """What waits is thrown away."""

    is_told: bool = False


Edit = Restart | EndSessions | Throttle | Set | Scale | HostsIn | Hold | Purge


@dataclass(frozen=True)
class Condition:
    """A level of the whole fleet at a window's end is above (or below) a bound, at every end for `held_ns`."""

    what: Literal["leased", "leased-server", "queue", "oldest"]  # share, share, requests, ns
    bound: float
    is_above: bool
    held_ns: int = 0
    again_after_ns: int | None = None  # None: only once
    classes: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Step:
    """So long after its action begins: what is done, to which hosts (places in `Scenario.hosts`; None: all), and to
    which classes.
    """

    edit: Edit
    after_ns: int = 0
    hosts: tuple[int, ...] | None = None
    classes: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Action:
    """A row of the playbook. It begins at a time or on a condition."""

    steps: tuple[Step, ...]
    at_ns: int | None = None
    when: Condition | None = None


@dataclass(frozen=True)
class Scenario:
    """Everything that decides a run. `hosts` are the numbers that their draws have; `spare` of them (by place) begin
    outside the sharing of arrivals. `dependency`: (from, share that fails) in order of time.
    """

    until_ns: int
    window_ns: int
    classes: tuple[Class, ...]
    host: Host = Host()
    hosts: tuple[int, ...] = (0,)
    spare: tuple[int, ...] = ()
    dependency: tuple[tuple[int, float], ...] = ()
    resume_after: Dist = Dist()
    playbook: tuple[Action, ...] = ()
    seed: int = 1
    replication: int = 0
    names: tuple[str, ...] = field(init=False, default=())

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        object.__setattr__(self, "names", tuple(one.name for one in self.classes))
        wrong = check(self)
        if wrong:
            raise ValueError("; ".join(wrong))

    def root(self, number: int) -> int:
        """The class at the end of a chain of ties."""
        one = self.classes[number]
        tie = one.after or one.of
        return number if tie is None else self.root(self.names.index(tie))

    def counted(self, number: int, place: int, hosts: tuple[int, ...] | None) -> tuple[int, int, int]:
        """Of the clients of a class on these hosts (places; None: all): how many are on a host, on those before it, and
        on all.
        """
        sizes = self.classes[number].first_ns
        places = range(len(self.hosts)) if hosts is None else sorted(hosts)
        return len(sizes[place]), sum(len(sizes[p]) for p in places if p < place), sum(len(sizes[p]) for p in places)

    def meant(self, number: int, place: int, hosts: tuple[int, ...] | None, share: float) -> int:
        """How many clients of a class on a host a share of all those on these hosts means. Clients are numbered
        through, host by host, and M of N are spread evenly: number g where floor(g M / N) steps up.
        """
        own, before, every = self.counted(number, place, hosts)
        many = int(Fraction(str(share)) * every + Fraction(1, 2))
        return sum((g + 1) * many // every > g * many // every for g in range(before, before + own))

    def gates(self) -> int:
        """How many gates operators have."""
        edits = [step.edit for action in self.playbook for step in action.steps]
        return 1 + max((edit.gate for edit in edits if isinstance(edit, Throttle)), default=0)

    def tied(self, number: int) -> list[int]:
        """All classes whose sessions end together with this one's, in order."""
        return [k for k in range(len(self.classes)) if self.root(k) == self.root(number)]


def check(scenario: Scenario) -> list[str]:
    """What makes no sense, a line each."""
    wrong = []
    names, host = scenario.names, scenario.host
    if len(set(names)) < len(names):
        wrong.append("two classes have one name; want names that differ")
    for place, one in enumerate(scenario.classes):
        where = f"classes.{one.name}"
        ties = [tie for tie in (one.of, one.after) if tie is not None]
        wrong += [f"{where}: {tie} is no class before it; want one" for tie in ties if tie not in names[:place]]
        partners = [scenario.classes[names.index(tie)] for tie in ties if tie in names[:place]]
        for partner in partners:
            if partner.is_jobs != one.is_jobs:
                wrong.append(f"{where}: tied to {partner.name}; want holders tied to holders, jobs to jobs")
            elif not one.is_jobs and [*map(len, partner.first_ns)] != [*map(len, one.first_ns)]:
                wrong.append(f"{where}: tied to {partner.name}; want as many clients on each host")
        if len(ties) == 2 and not wrong and scenario.root(names.index(ties[0])) != scenario.root(names.index(ties[1])):
            wrong.append(f"{where}: of and after belong to different clients; want one tie")
        if one.is_jobs and not ties and (not one.arrivals or one.arrivals[0][0] != 0):
            wrong.append(f"{where}: want first_ns of holders, arrivals from 0 on, or a tie")
        if one.is_jobs and ties and one.arrivals:
            wrong.append(f"{where}: arrivals beside a tie; want one of them")
        if not one.is_jobs and [*map(len, one.first_ns)] != [*map(len, one.expires_ns)]:
            wrong.append(f"{where}: want an expires_ns for each first_ns")
        if not one.is_jobs and len(one.first_ns) != len(scenario.hosts):
            wrong.append(f"{where}: want first_ns of each host")
        if not one.is_jobs and one.retry.retries >= 0:
            wrong.append(f"{where}: retries {one.retry.retries}; holders never give up")
        if one.is_jobs and one.expire is not None:
            wrong.append(f"{where}: expire of jobs; want it only of holders")
        if host.admission.kind != "open" and host.admission.burst < one.cost:
            wrong.append(f"{where}: cost {one.cost} above the burst {host.admission.burst}; it would never get in")
        if one.weight is not None and one.weight < 1:
            wrong.append(f"{where}: weight {one.weight}; want a whole number from 1")
    if host.admission.kind.startswith("queue-size") and host.admission.line:
        wrong.append("host.admission: a queue-size law that lets wait; want a token bucket")
    if host.conflict.rows and host.is_stale_counted:
        wrong.append("host.conflict: beside stale work that is counted; want each abandoned request by its name")
    if host.probe is not None and host.probe_every_ns < 1:
        wrong.append("host.probe_every_ns: want a time above 0")
    for action in scenario.playbook:
        if (action.at_ns is None) == (action.when is None):
            wrong.append("playbook: want either at_ns or when")
        for step in action.steps:
            wrong += _wrong_step(step)
            if isinstance(step.edit, Set) and step.edit.key == "rate_per_ns" and step.edit.over_ns:
                aimed = [scenario.classes[number] for number in step.classes or ()]
                wrong += [
                    f"playbook: a ramp of the rate of {one.name}; want rate_per_ns"
                    for one in aimed
                    if one.rate_per_ns is None
                ]
    return wrong


def _wrong_step(step: Step) -> list[str]:
    edit = step.edit
    if isinstance(edit, Set):
        if edit.key not in CLASS_KEYS | HOST_KEYS:
            return [f"playbook: {edit.key} is not live"]
        if step.classes is not None and edit.key not in CLASS_KEYS:
            return [f"playbook: {edit.key} is a host's; want no classes"]
        if step.classes is None and edit.key not in HOST_KEYS:
            return [f"playbook: {edit.key} is a class's; want classes"]
        if edit.over_ns and not isinstance(edit.value, int | float):
            return [f"playbook: a ramp of {edit.key}; want a number"]
    if isinstance(edit, Throttle) and edit.gate and edit.limiter is not None and edit.limiter.line:
        return ["playbook: a line of a gate beside the first; want none"]
    if isinstance(edit, Hold) and edit.waves < 1:
        return ["playbook: waves of a hold; want one at least"]
    return []
