"""What people and the dependency do to one host, as the engine of sessions takes it: controls in order of time."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from recovery_kernels.sessions import layout

from recovery.model.edited import shares_numbers
from recovery.model.operator import Action, EndSessions, HoldClients, Purge, Restart, Scale, SetKey, gates_of
from recovery.model.scenario import Scenario
from recovery.stages import leases, queueing
from recovery.stages.sessions.in_force import InForce
from recovery.stages.sessions.live import Edit, edits_of, is_of_renewals
from recovery.stages.sessions.numbers import Numbers
from recovery.stages.traffic import Started
from recovery.statistics.arrays import Floats, Whole
from recovery.units import ns


@dataclass
class Controls:
    """Controls of one host: rows int64[n, CONTROL_COLUMNS] with one fraction each, in order; the edits and the holds
    that they name by number.
    """

    rows: list[tuple[tuple[int, ...], float]] = field(default_factory=list)
    edits: list[Edit] = field(default_factory=list)
    holds: list["_Hold"] = field(default_factory=list)
    renewals: list["_Renewal"] = field(default_factory=list)
    in_force: InForce = field(default_factory=InForce)
    keys: frozenset[str] = frozenset()  # all that operators set

    def arrays(self) -> tuple[Whole, Floats]:
        """Rows and fractions, as the engine takes them."""
        whole = np.array([row for row, _ in self.rows], np.int64).reshape(-1, layout.CONTROL_COLUMNS)
        reals = np.zeros((len(self.rows), 2), np.float64)
        reals[:, 0] = [share for _, share in self.rows]
        return whole, reals


@dataclass(frozen=True)
class _Turn:
    """When a control comes, and its order among those of one time: kind, place of its action."""

    at_ns: int
    kind: int
    place: int


class _Hold(NamedTuple):
    """Clients of these classes are held and let in in so many waves; in which of these this host's first client is
    (NONE: in the first one, as jobs and all clients of one wave are).
    """

    classes: int
    waves: int
    first: int = layout.NONE


class _Renewal(NamedTuple):
    """An edit of the time to renew of a class: when it begins and ends, its number, and whether somebody said this time
    itself; else it follows that to establish.
    """

    begin: _Turn
    end_ns: float
    edit: int
    is_said: bool


_Said = tuple[_Turn, int, tuple[int, ...], float]  # when, what, arguments, a fraction


def controls_of(numbers: Numbers, host: int, started: Started) -> Controls:
    """All controls of one host. `started` are the actions that a condition has set off."""
    scenario = numbers.scenario
    found = Controls(keys=frozenset(one.key for one in scenario.operator if isinstance(one, SetKey)))
    zones = scenario.zones
    said: list[_Said] = [
        (_Turn(at, layout.DEPENDENCY, 0), layout.DO_DEPENDENCY, (), share)
        for at, _, _, share, _ in queueing.dependency_controls(scenario)
    ]
    planned = [queueing.Begun(i, action.at) for i, action in enumerate(scenario.operator) if action.at is not None]
    for place, start_s in [*planned, *started]:  # in this order edits and holds have numbers that stay
        action = scenario.operator[place]
        if action.zone in (None, host % zones):
            said += _of_action(numbers, found, action, place, start_s, host, zones)
    for at_ns, place, before, now in sharing(scenario, [*planned, *started]):
        comes, share = int(host in now and host not in before), scenario.hosts / len(now) if host in now else 0.0
        said.append((_Turn(at_ns, layout.OPERATOR, place), layout.DO_SHARE, (comes,), share))
    for number, places in enumerate(gates_of(scenario.operator, list(scenario.classes))):
        own = [one for one in [*planned, *started] if one.place in places]
        for at_ns, gate in queueing.gates(scenario, own, host, zones):
            which = layout.NONE
            if gate is not None:
                which = numbers.tables.limiter(
                    queueing.LIMITS[gate.law], gate.rate_per_s / 1e9, gate.burst,
                    gate.limit if math.isfinite(gate.limit) else 1.0, gate.low,
                    is_establish_only=gate.spares_renewals, classes=numbers.bits(gate.classes),
                    line=gate.line, wait_ns=gate.wait_ns if gate.line else layout.FAR,
                )  # fmt: skip
            turn = _Turn(at_ns, layout.OPERATOR, len(scenario.operator))
            said.append((turn, layout.DO_THROTTLE, (which, number), 0.0))
    said += _said_again(found)
    for at_ns, place, edit in found.in_force.settled(numbers, found.edits):
        said.append((_Turn(at_ns, layout.OPERATOR, place), layout.DO_SET, (edit,), 0.0))
    said.sort(key=lambda one: (one[0].at_ns, one[0].kind, one[0].place))  # stable: the order above decides ties
    for turn, what, arguments, share in said:
        four = (*arguments, 0, 0, 0, 0)[:4]
        found.rows.append(((turn.at_ns, turn.kind, what, *four, 0), share))
    return found


def sharing(
    scenario: Scenario, begun: Sequence[queueing.Begun]
) -> Iterator[tuple[int, int, frozenset[int], frozenset[int]]]:
    """Which hosts share the jobs: from when on (ns), by which action (its place), those before and those then. One is
    always left.
    """
    turns: list[tuple[int, int, int, int]] = []  # when, place, which of `begun`, how many more (0: back again)
    for order, (place, start_s) in enumerate(begun):
        action = scenario.operator[place]
        if not isinstance(action, Scale) or action.hosts is None:
            continue
        if action.lasts is None or action.lasts > action.warm_up:
            turns.append((ns(start_s + action.warm_up), place, order, action.hosts))
            if action.lasts is not None:
                turns.append((ns(start_s + action.lasts), place, order, 0))
    if not turns:  # each host asks, and a set of all hosts for each of them takes long
        return
    now, moved = frozenset(range(scenario.hosts)), dict[int, tuple[frozenset[int], bool]]()
    for at_ns, place, order, more in sorted(turns):
        before = now
        if more > 0:
            moved[order] = frozenset(sorted(set(range(scenario.all_hosts)) - now)[:more]), True
        elif more < 0:
            moved[order] = frozenset(sorted(now)[max(1, len(now) + more) :]), False
        which, came = moved[order]
        comes = came == (more != 0)  # what goes away for a while comes back
        now = now | which if comes else now - which or before
        yield at_ns, place, before, now


def _of_action(
    numbers: Numbers, found: Controls, action: Action, place: int, start_s: float, host: int, zones: int
) -> Iterator[_Said]:
    """What an action that begins at `start_s` does to a host; throttles and pauses are one gate, elsewhere."""
    scenario, tables = numbers.scenario, numbers.tables

    def turn(at_s: float) -> _Turn:
        return _Turn(ns(at_s), layout.OPERATOR, place)

    if isinstance(action, Restart):
        down = ns(action.down_for)
        arguments = (down, int(action.told), int(action.sessions == "end"), tables.notice(action.notice))
        for control in queueing.restart_controls(scenario, action, start_s, host, zones):
            yield _Turn(control[0], layout.OPERATOR, place), layout.DO_RESTART, arguments, 0.0
    elif isinstance(action, EndSessions):
        whose, notice = numbers.bits(action.classes), tables.notice(action.notice)
        if action.share == 1:
            yield turn(start_s), layout.DO_END_SESSIONS, (whose, notice), 1.0
            return
        among = leases.Among(scenario, host, action.zone)
        for number in _holders(numbers, whose):
            told = (1 << number, notice, among.part(number, action.share))
            yield turn(start_s), layout.DO_END_SESSIONS, told, 0.0
    elif isinstance(action, SetKey) and shares_numbers(action.key, found.keys):
        if queueing.is_among(scenario, action.share, action.zone, host, zones):
            found.in_force.begins(numbers, found.edits, action, ns(start_s), place)
    elif isinstance(action, SetKey):
        if queueing.is_among(scenario, action.share, action.zone, host, zones):
            for edit in edits_of(numbers, action):
                found.edits.append(edit)
                number, begin = len(found.edits) - 1, turn(start_s)
                if is_of_renewals(edit):
                    end_ns = math.inf if action.lasts is None else begin.at_ns + ns(action.lasts)
                    found.renewals.append(_Renewal(begin, end_ns, number, action.key.endswith("renew_time")))
                yield from _set(scenario, action, begin, number)
    elif isinstance(action, Scale) and action.workers is not None:
        if action.lasts is None or action.lasts > action.warm_up:
            yield turn(start_s + action.warm_up), layout.DO_SCALE, (action.workers,), 0.0
            if action.lasts is not None:
                yield turn(start_s + action.lasts), layout.DO_SCALE, (-action.workers,), 0.0
    elif isinstance(action, HoldClients):
        for one in _held(numbers, action, host):
            found.holds.append(one)
            hold = len(found.holds) - 1
            yield turn(start_s), layout.DO_HOLD, (hold,), 0.0
            for wave in range(action.waves):
                yield turn(start_s + action.lasts + wave * action.every), layout.DO_LET_IN, (hold,), 0.0
    elif isinstance(action, Purge):
        whose = numbers.bits(action.classes) if action.classes else layout.NONE
        yield turn(start_s), layout.DO_PURGE, (whose, int(action.told)), 0.0


def _holders(numbers: Numbers, classes: int) -> list[int]:
    """Which of these classes (bits) are holders, by number."""
    kinds = enumerate(numbers.kinds)
    return [number for number, kind in kinds if kind.seen.lease is not None and (classes >> number) & 1]


def _held(numbers: Numbers, action: HoldClients, host: int) -> Iterator[_Hold]:
    """Whom an action holds: in several waves each class of holders in turn over all hosts, jobs in turn on each."""
    classes = numbers.bits(action.classes)
    holders = _holders(numbers, classes) if action.waves > 1 else []
    rest = classes & ~sum(1 << number for number in holders)
    if rest & ((1 << len(numbers.kinds)) - 1):
        yield _Hold(rest, action.waves)
    if holders:
        among = leases.Among(numbers.scenario, host, action.zone)
        for number in holders:
            yield _Hold(1 << number, action.waves, among.before(number) % action.waves)


def _said_again(found: Controls) -> Iterator[_Said]:
    """A time to renew that somebody set, and that is in force, is begun again where one begins that follows the time to
    establish: what is said is stronger than what follows.
    """
    said = sorted((one for one in found.renewals if one.is_said), key=lambda one: (one.begin.at_ns, one.begin.place))
    for late in found.renewals:
        for one in said:
            is_on = (one.begin.at_ns, one.begin.place) < (late.begin.at_ns, late.begin.place) < (one.end_ns, -1)
            if not late.is_said and is_on and found.edits[one.edit].number == found.edits[late.edit].number:
                yield late.begin, layout.DO_SET, (one.edit,), 0.0


def _set(scenario: Scenario, action: SetKey, turn: _Turn, edit: int) -> Sequence[_Said]:
    """An edit begins, ends, and in between goes on in steps at the ends of windows."""
    begin, over, window = turn.at_ns, ns(action.over), ns(scenario.coupling.window)
    said: list[_Said] = [(turn, layout.DO_SET, (edit,), 0.0)]
    if action.lasts is not None:
        end = _Turn(begin + ns(action.lasts), turn.kind, turn.place)
        said.append((end, layout.DO_UNSET, (edit,), 0.0))
    edge = begin
    while edge < begin + over:
        edge = (edge // window + 1) * window
        said.append((_Turn(edge, turn.kind, turn.place), layout.DO_STEP, (edit, edge - begin), 0.0))
    return said
