"""Cold starts, notices and classes on one host, step by step: a second opinion beside `twin.sessions`.

The same words of the model, another program, which shares no code with the twin. Time is a whole number of steps and
goes through all of them. At each step whatever is due is done, one thing at a time, and after each the list of kinds
is looked at from its top:

    1 the dependency, 2 session ends, 3 leases that run out, 4 finishes, 5 deadlines, 6 notices, 7 submissions

and within a kind the lower class, client, attempt. After each thing idle workers help themselves. Clients are columns
of numbers (None: no such time); there is no agenda, no timer and no object for a request. Everything that is drawn is
asked of the caller.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

AT_ONCE, AT_CHECK, DRAWN = "at once", "at its check", "drawn"
OWN_WORK = "expiry"


@dataclass(frozen=True)
class Kind:
    """A class. Holders have `first` (their first submissions); jobs have `comes` (when each arrives), or neither where
    they are tied. `with_` and `after` are the numbers of other classes.
    """

    first: tuple[int, ...] = ()
    lease_ends: tuple[int, ...] = ()
    cold: bool = False
    comes: tuple[int, ...] = ()
    patience: int = 10
    pause: int = 0
    tries: int | None = None  # of a job, in all
    interval: int = 10
    lease: int = 20
    laps: bool = False  # whether an expiry is work
    urgency: int = 0
    part: int | None = None
    room: int | None = None
    with_: int | None = None
    after: int | None = None


@dataclass(frozen=True)
class Plan:
    """One host. `away`: when its dependency is down. `breaks`: (when, classes, share, how they notice)."""

    steps: int
    workers: int
    kinds: tuple[Kind, ...]
    draw: Callable[[str, int, int, int], int]  # service, renewal, lapse, notice, delay; class, client, number
    room: int | None = None
    gap: int = 1  # least time from an answer to the next attempt
    fails_in: int = 0
    away: tuple[tuple[int, int], ...] = ()
    breaks: tuple[tuple[int, tuple[int, ...], float, str], ...] = ()


def is_hit(client: int, share: float, clients: int) -> bool:
    """Whether a break hits a client: as many as the nearest whole number to the share, evenly over their numbers."""
    many = int(share * clients + 0.5)
    return (client + 1) * many // clients > client * many // clients


def run(plan: Plan) -> list[tuple[int, str, int, int, int]]:
    """All that happens: step, what, class, client, attempt."""
    kinds, said = plan.kinds, []
    names = range(len(kinds))
    wake: list[dict[int, int | None]] = [{} for _ in names]  # next submission
    news: list[dict[int, int | None]] = [{} for _ in names]  # next notice
    give: list[dict[int, int | None]] = [{} for _ in names]  # deadline of the attempt that is out
    ends: list[dict[int, int]] = [{} for _ in names]  # end of the lease
    lapses: list[dict[int, int | None]] = [{} for _ in names]  # when its expiry will be work
    count: list[dict[int, int]] = [{} for _ in names]  # attempts up to now
    tries: list[dict[int, int]] = [{} for _ in names]
    waits: list[set[int]] = [set() for _ in names]  # for the other class
    lapsed: list[dict[int, int]] = [{} for _ in names]
    pile: list[tuple[int, int, int, str]] = []  # class, client, attempt, own work or a client's: in order of entering
    bench: list[tuple[int, int, int, int, str, bool]] = []  # done at, class, client, attempt, whose, fails
    spent: dict[tuple[int, int], Fraction] = {}  # urgency, class or -1
    clock: dict[int, Fraction] = {}
    jobs = [k for k in names if not kinds[k].first]
    broke: set[tuple[int, int, int, int]] = set()
    to_come = [
        (when, k, i) for k in jobs if kinds[k].with_ is None and kinds[k].after is None
        for i, when in enumerate(kinds[k].comes)
    ]  # fmt: skip
    down = False

    def family(k: int) -> int:
        up = kinds[k].after if kinds[k].after is not None else kinds[k].with_
        return k if up is None else family(up)

    def tell(what: str, k: int, i: int, attempt: int) -> None:
        said.append((now, what, k, i, attempt))

    def has(k: int, i: int) -> bool:
        return ends[k].get(i, 0) > now

    def row(k: int) -> tuple[int, int]:
        return kinds[k].urgency, -1 if kinds[k].part is None else k

    def enter(k: int, i: int, attempt: int, whose: str) -> None:
        if all(row(one[0]) != row(k) for one in pile):
            spent[row(k)] = max(spent.get(row(k), Fraction(0)), clock.get(kinds[k].urgency, Fraction(0)))
        pile.append((k, i, attempt, whose))

    def is_out(k: int, i: int, attempt: int) -> bool:
        return give[k].get(i) is not None and count[k][i] == attempt

    def help_yourselves() -> None:
        while pile and len(bench) < plan.workers:
            most = min(kinds[one[0]].urgency for one in pile)
            rows = sorted({row(one[0]) for one in pile if kinds[one[0]].urgency == most})
            best = min(rows, key=lambda one: (spent.get(one, Fraction(0)), one[1]))
            place = next(n for n, one in enumerate(pile) if row(one[0]) == best)
            k, i, attempt, whose = pile.pop(place)
            clock[most] = spent.get(best, Fraction(0))
            spent[best] = clock[most] + Fraction(1, kinds[k].part or 1)
            if whose == OWN_WORK:
                tell("start-expiry", k, i, attempt)
                bench.append((now + plan.draw("lapse", k, i, attempt), k, i, attempt, whose, False))
            else:
                tell("start", k, i, attempt)
                what = "renewal" if kinds[k].first and has(k, i) else "service"
                time = plan.fails_in if down else plan.draw(what, k, i, attempt)
                bench.append((now + time, k, i, attempt, whose, down))

    def again(k: int, i: int, is_told: bool) -> None:
        tries[k][i] += 1
        most = kinds[k].tries
        give[k][i] = None
        if most is not None and tries[k][i] >= most:
            tell("give-up", k, i, count[k][i])
            for column in (wake, news, give):
                del column[k][i]
        else:
            wake[k][i] = now + (max(kinds[k].pause, plan.gap) if is_told else kinds[k].pause)

    def arrive(k: int, i: int) -> None:
        count[k][i], tries[k][i] = -1, 0
        wake[k][i] = news[k][i] = give[k][i] = None
        tell("arrive", k, i, 0)
        to_come.extend((now, other, i) for other in jobs if kinds[other].with_ == k and kinds[other].after is None)
        submit(k, i)

    def submit(k: int, i: int) -> None:
        wake[k][i] = None
        other = kinds[k].after
        if other is not None and kinds[k].first and not has(other, i):
            waits[k].add(i)
            tell("bound", k, i, count[k][i] + 1)
            return
        count[k][i] += 1
        tell("submit", k, i, count[k][i])
        if kinds[k].room is not None:
            is_crowded = sum(one[0] == k for one in pile) >= kinds[k].room
        else:
            common = sum(kinds[one[0]].room is None for one in pile)
            is_crowded = plan.room is not None and common >= plan.room
        if is_crowded and len(bench) >= plan.workers:
            tell("reject", k, i, count[k][i])
            again(k, i, True)
        else:
            give[k][i] = now + max(kinds[k].patience, 1)
            enter(k, i, count[k][i], "client")

    def lease(k: int, i: int) -> None:
        ends[k][i] = lapses[k][i] = now + kinds[k].lease
        if not kinds[k].laps or kinds[k].lease == 0:
            lapses[k][i] = None

    def well(k: int, i: int) -> None:
        give[k][i] = None
        tries[k][i] = 0
        if not kinds[k].first:
            for column in (wake, news, give):
                del column[k][i]
            to_come.extend((now, other, i) for other in jobs if kinds[other].after == k)
            return
        lease(k, i)
        wake[k][i] = now + kinds[k].interval
        for other in names:
            if kinds[other].after == k and i in waits[other]:
                waits[other].remove(i)
                news[other][i] = now

    def broken(k: int, i: int, how: str) -> None:
        lost = [other for other in names if family(other) == family(k) and has(other, i)]
        for other in lost:
            tell("end", other, i, count[other][i])
            ends[other][i] = now
            lapses[other][i] = now if kinds[other].laps else None
        for other in lost:
            due = wake[other][i]
            if due is None:
                continue
            wake[other][i] = None
            first = kinds[other].after
            if first is not None and not has(first, i):
                waits[other].add(i)
                tell("bound", other, i, count[other][i] + 1)
            elif how == DRAWN:
                news[other][i] = now + plan.draw("notice", other, i, count[other][i] + 1)
            else:
                news[other][i] = now if how == AT_ONCE else due

    def one_thing() -> bool:
        """Do the first thing that is due, if any."""
        nonlocal down
        is_down = any(begin <= now < end for begin, end in plan.away)
        if is_down != down:
            down = is_down
            return True
        todo = [
            (k, i, place) for place, (when, which, share, _) in enumerate(plan.breaks) if when == now
            for k in which if kinds[k].first
            for i in count[k] if is_hit(i, share, len(kinds[k].first)) and (now, k, i, place) not in broke
        ]  # fmt: skip
        if todo:
            k, i, place = min(todo)
            broke.add((now, k, i, place))
            broken(k, i, plan.breaks[place][3])
            return True
        for k in names:
            for i in sorted(count[k]):
                if lapses[k].get(i) is not None and lapses[k][i] == now:
                    lapses[k][i] = None
                    number = lapsed[k].get(i, 0)
                    lapsed[k][i] = number + 1
                    tell("expiry", k, i, number)
                    enter(k, i, number, OWN_WORK)
                    return True
        done = sorted(one for one in bench if one[0] == now)
        if done:
            bench.remove(done[0])
            _, k, i, attempt, whose, fails = done[0]
            if whose == OWN_WORK:
                tell("expired", k, i, attempt)
            elif fails:
                tell("fail", k, i, attempt)
                if i in give[k] and is_out(k, i, attempt):
                    again(k, i, True)
            elif i in give[k] and is_out(k, i, attempt):
                tell("success", k, i, attempt)
                well(k, i)
            else:
                tell("waste", k, i, attempt)
            return True
        for k in names:
            for i in sorted(give[k]):
                if give[k][i] == now:
                    tell("deadline", k, i, count[k][i])
                    again(k, i, False)
                    return True
        for k in names:
            for i in sorted(news[k]):
                if news[k][i] == now:
                    news[k][i] = None
                    tries[k][i] = 0
                    tell("notice", k, i, count[k][i] + 1)
                    wake[k][i] = now + plan.draw("delay", k, i, count[k][i] + 1)
                    return True
        due = [(k, i) for k in names for i in sorted(wake[k]) if wake[k][i] == now]
        due += [(k, i) for when, k, i in to_come if when == now]
        if not due:
            return False
        k, i = min(due)
        if (now, k, i) in to_come:
            to_come.remove((now, k, i))
            arrive(k, i)
        else:
            submit(k, i)
        return True

    now = 0
    for k, kind in enumerate(kinds):
        for i, first in enumerate(kind.first):
            count[k][i], tries[k][i], give[k][i] = -1, 0, None
            wake[k][i], news[k][i] = (None, first) if kind.cold else (first, None)
            ends[k][i] = 0 if kind.cold else kind.lease_ends[i]
            lapses[k][i] = ends[k][i] if kind.laps and ends[k][i] > 0 else None
    for now in range(plan.steps):  # noqa: B007  # the functions above read it
        while one_thing():
            help_yourselves()
    return said
