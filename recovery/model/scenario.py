"""Everything that decides a run beside seed and replication: tables that fit together."""

import math
from collections.abc import Iterator, Mapping
from typing import Self

from recovery.model import classes as kinds
from recovery.model import edits, policies
from recovery.model.launches import Launches
from recovery.model.operator import GATES_MAX, Action, Scale, condition, gates_of
from recovery.model.part import Mistakes, Part
from recovery.model.propagation import Propagation
from recovery.model.tables import Tables
from recovery.units import HORIZON_MAX_S, LONGEST_S, show_duration

WINDOWS_MAX = 2_000_000
_OR_LONGER = ", or a longer policy.admission.burst"


class Scenario(Tables):
    """Everything that decides a run beside seed and replication; its tables fit together.

    Where [dns.window] makes the outages, what is written holds none: `stages.outage.resolve` gives the scenario as one
    replication meets it.
    """

    def with_tables(self, tables: Mapping[str, Part]) -> Self:
        """The scenario with other tables of these names, which are checked, in the place of its own; whether all fit
        together is checked here. Raises ValueError.
        """
        return self.model_copy(update=dict(tables)).put_together()

    def put_together(self) -> Self:
        """As its tables have it; raises ValueError where these do not fit together."""
        super().put_together()
        self._check_race()
        self._check_tables()
        return self

    def _check_race(self) -> None:
        """Raises Mistakes where the race does not make the outages, and alone."""
        if self.dns is None:
            return
        if self.dns.window is None:
            raise Mistakes("dns.window is missing; want a table [dns.window]: the outage that follows")
        if self.dependency.outages:
            raise Mistakes("dependency.outages stands beside [dns]; want one of them: [dns.window] makes the outages")
        if wrong := self.dns.window.wrong():
            raise Mistakes(wrong)

    def _check_tables(self) -> None:
        """Raises ValueError where tables do not fit together."""
        if self.jobs is not None and (self.fleet is not None or self.lease is not None):
            beside = "[fleet]" if self.fleet is not None else "[lease]"
            raise ValueError(
                f"[jobs] stands beside {beside}, and a file has one kind of traffic; want [jobs] alone (jobs that come "
                "by themselves), or [fleet] with [lease] (holders that renew). For jobs on the hosts of a fleet "
                'want no [jobs], but a class with a rate: [classes.NAME] with rate = "10/s"'
            )
        if self.jobs is None and (self.fleet is None or self.lease is None):
            missing = [name for name in ("fleet", "lease") if getattr(self, name) is None]
            raise ValueError(
                f"{' and '.join(missing)} missing; want [fleet] with [lease] (lease holders), or [jobs] (open arrivals)"
            )
        wrong = list(kinds.wrong(self.classes, has_fleet=self.fleet is not None)) if self.classes else []
        if wrong:
            raise Mistakes("\n".join(wrong))
        wrong = [
            *self._wrong_times(),
            *self._wrong_traffic(),
            *self._wrong_classes(),
            *self._wrong_actions(),
            *_wrong_stages(self),
            *self._wrong_baseline(),
        ]
        if wrong:
            raise Mistakes("\n".join(wrong))

    @property
    def _end(self) -> str:
        """What nothing may begin after, in words."""
        return f"the horizon, {show_duration(self.horizon)}"

    def _wrong_times(self) -> Iterator[str]:
        """What cannot be within the horizon, and times that may not be zero."""
        if self.horizon > HORIZON_MAX_S:
            yield f"horizon is {show_duration(self.horizon)}; want at most {show_duration(HORIZON_MAX_S)}"
        if self.coupling.window > self.horizon:
            yield f"coupling.window is {show_duration(self.coupling.window)}; want no longer than {self._end}"
        elif self.horizon / self.coupling.window > WINDOWS_MAX:
            least = show_duration(self.horizon / WINDOWS_MAX)
            yield f"coupling.window is {show_duration(self.coupling.window)}; want at least {least} for {self._end}"
        back = self._back_s()
        if (window := self.dns_window) is not None and back >= self.horizon:
            is_sure = window.least_end_s() == window.mean_end_s()
            at = show_duration(back) + ("" if is_sure else " at the earliest")
            yield f"dns.window is over at {at}; want before {self._end}"
        for i, outage in enumerate(self.dependency.outages):
            if outage.end >= self.horizon:
                yield f"dependency.outages.{i}.to is {show_duration(outage.end)}; want before {self._end}"
        since = back if self.recovers_from is None else self.recovers_from
        left = self.horizon - since
        if self.recovers_from is not None and left <= 0:
            yield f"recovers_from is {show_duration(self.recovers_from)}; want before {self._end}"
        elif back < self.horizon and self.hold > left:
            left_over = f"what is left from {show_duration(since)} to {self._end}: {show_duration(left)}"
            yield f"hold is {show_duration(self.hold)}; want no longer than {left_over}"
        for key, time in (("host.establish_time", self.host.establish_time), ("host.timeout", self.host.timeout)):
            if time.mean_s() <= 0:
                yield f"{key} is 0 s; want a duration above 0"

    def _wrong_baseline(self) -> Iterator[str]:
        """What there is too little of before the disturbance, or after it."""
        if (baseline := self.baseline) is None:
            return
        if self.dns_window is not None:
            yield "baseline stands beside [dns.window]; want dependency.outages: the time before must be known"
            return
        if math.isinf(begins := self.disturbed_s()):
            yield "baseline is set, and nothing disturbs; want dependency.outages, or jobs.steps that rise"
        elif not self.dependency.outages and self.recovers_from is None:
            yield "baseline is set, and no outage says when the disturbance is over; want recovers_from"
        elif begins < 2 * baseline.over:
            yield (
                f"baseline.over is {show_duration(baseline.over)}; want at most half of what is before the first "
                f"disturbance, at {show_duration(begins)}"
            )
        if baseline.over < self.coupling.window:
            window = show_duration(self.coupling.window)
            yield f"baseline.over is {show_duration(baseline.over)}; want at least coupling.window, {window}"

    def _wrong_traffic(self) -> Iterator[str]:
        """What does not fit the kind of traffic."""
        fleet, lease, jobs = self.fleet, self.lease, self.jobs
        if fleet is not None and lease is not None:
            if fleet.hosts > fleet.holders:
                yield f"fleet.hosts is {fleet.hosts}; want no more than fleet.holders, {fleet.holders}"
            if fleet.zones > fleet.hosts:
                yield f"fleet.zones is {fleet.zones}; want no more than fleet.hosts, {fleet.hosts}"
            least = min(2 * fleet.zones, fleet.hosts)  # two a zone, or there is no telling how hosts differ
            if fleet.sample_hosts is not None and not least <= fleet.sample_hosts <= fleet.hosts:
                wanted = f"{least} (two a zone) to fleet.hosts, {fleet.hosts}"
                yield f"fleet.sample_hosts is {fleet.sample_hosts}; want {wanted}"
            if not self.classes:
                yield from (f"lease.{wrong}" for wrong in self._wrong_lease("lease."))
        if jobs is not None:
            for i, step in enumerate(jobs.steps):
                if step.at >= self.horizon:
                    yield f"jobs.steps.{i}.at is {show_duration(step.at)}; want before {self._end}"
            if all(step.rate_per_s() == 0 for step in jobs.steps):
                yield "jobs.steps have a rate of 0; want at least one rate above 0"
            if not isinstance(self.policy.lease, policies.LeaseFixed):
                yield f'policy.lease is "{self.policy.lease.name}"; want none: jobs hold no leases'
            if self.host.late == "counts":
                yield 'host.late is "counts"; want none: jobs hold no leases'
            if self.host.crash is not None and self.host.crash.sessions == "end":
                yield 'host.crash.sessions is "end"; want "stay": jobs hold no leases'
            if self.host.renew_time is not None:
                renew = show_duration(self.host.renew_time.mean_s())
                yield f"host.renew_time is {renew}; want none: jobs hold no leases"

        counts_none = not isinstance(self.policy.admission, (policies.Open, *policies.WITH_RATE))
        if self.host.hint is not None and self.host.hint.says == "tokens" and counts_none:
            law = self.policy.admission.name
            yield f'host.hint.says is "tokens", and policy.admission "{law}" counts none; want "time" or "queue"'

    def _wrong_lease(self, table: str = "") -> Iterator[str]:
        """A lease that does not last from check to check."""
        if (lease := self.lease) is None:
            return
        grace = self.policy.lease.grace if isinstance(self.policy.lease, policies.Grace) else 0.0
        if lease.duration.mean_s() + grace <= lease.check_every:
            mean, every = show_duration(lease.duration.mean_s()), show_duration(lease.check_every)
            yield f"duration is {mean} on average; want longer than {table}check_every, {every}"

    def _wrong_classes(self) -> Iterator[str]:
        """What classes alone fit together, and the rest of the scenario does not."""
        for key, table in (("bar", self.host.bar), ("conflict", self.host.conflict)):
            for name in table.classes if table is not None else ():
                if name not in self.classes:
                    yield f"host.{key}.classes names {name}, which is no class; want a table [classes.{name}]"
        for name, one in self.classes.items():
            seen = self.seen_by(name)
            for key in ("establish_time", "timeout"):
                if getattr(seen.host, key).mean_s() <= 0:
                    yield f"classes.{name}.{key} is 0 s; want a duration above 0"
            yield from (f"classes.{name}: {wrong}" for wrong in seen._wrong_lease())
            if seen.host.timeout_growth == 1 and (one.timeout_cap is not None or one.timeout_keeps):
                yield f"classes.{name}.timeout_cap or timeout_keeps is set; want timeout_growth above 1 with it"
            if one.own_steps is not None:
                if one.own_steps[-1].at >= self.horizon:
                    yield f"classes.{name}.steps end after the horizon; want all before {show_duration(self.horizon)}"
                if all(step.rate_per_s() == 0 for step in one.own_steps):
                    yield f"classes.{name} has a rate of 0; want at least one rate above 0"
            burst = self.admission_burst
            if one.cost > burst:
                saves = "" if isinstance(self.policy.admission, policies.LeakyBucket) else _OR_LONGER
                yield (
                    f"classes.{name}.cost is {one.cost:g}, and admission never has more than {burst:g} tokens at a "
                    f"host; want a smaller cost{saves}"
                )
            place = self.places[name]
            if self.fleet is not None and not place.is_jobs and place.share is not None:
                own = self.fleet.holders * place.share
                if own < 1:
                    yield f"classes.{name}.share leaves it {own:.2g} holders in all; want at least one"

    def _wrong_actions(self) -> Iterator[str]:
        """What no operator can do here."""
        zones = self.zones
        if (gates := len(gates_of(self.operator, list(self.classes)))) > GATES_MAX:
            yield f"operator has throttles and pauses for {gates} sets of classes or laws; want at most {GATES_MAX}"
        for i, action in enumerate(self.operator):
            if action.at is not None and action.at >= self.horizon:
                yield f"operator.{i}.at is {show_duration(action.at)}; want before {self._end}"
            if action.zone is not None and not self.has_leases:
                yield f"operator.{i}.zone is {action.zone}; want none: jobs have no zones"
            elif action.zone is not None and action.zone >= zones:
                yield f"operator.{i}.zone is {action.zone}; want 0 to {zones - 1}, or a larger fleet.zones"
            yield from (f"operator.{i}.{wrong}" for wrong in self._wrong_names(action))
            yield from (f"operator.{i}.{wrong}" for wrong in edits.wrong(self, action))
            if isinstance(action, Scale) and action.hosts is not None:
                if self.jobs is None:
                    yield f"operator.{i}.hosts is {action.hosts}; want workers: leases stay with their hosts"
                elif action.hosts > 0 and self.jobs.spare_hosts == 0:
                    yield f"operator.{i}.hosts is {action.hosts}; want jobs.spare_hosts, which may be added"
                elif action.zone is not None:
                    yield f"operator.{i}.zone is {action.zone}; want none with hosts"
            if not self.has_leases and action.ends_sessions:
                yield f"operator.{i} ends sessions; want none of that: jobs hold no leases"
            if not self.has_leases and action.when is not None and condition(action.when).what == "leased":
                yield f'operator.{i}.when is "{action.when}"; want one on queue or oldest: jobs hold no leases'

    def _wrong_names(self, action: Action) -> Iterator[str]:
        """Classes that an action names, and that are not there."""
        known = f"one of {', '.join(self.classes)}" if self.classes else "a table [classes.NAME]"
        named = getattr(action, "classes", ())
        for name in named:
            if name not in self.classes:
                yield f"classes names {name}, which is no class; want {known}"
            elif action.ends_sessions and self.places[name].is_jobs:
                yield f"classes names {name}, which are jobs; want none of these: jobs hold no leases"
        asked = condition(action.when) if action.when is not None else None
        if asked is not None and asked.of_class:
            if asked.of_class not in self.classes:
                yield f'when is "{action.when}", of {asked.of_class}, which is no class; want {known}'
            elif asked.what == "leased" and self.places[asked.of_class].is_jobs:
                yield f'when is "{action.when}"; want one on queue or oldest: jobs hold no leases'


def _wrong_stages(scenario: Scenario) -> Iterator[str]:
    """What of the stages after the leases does not fit the rest of a scenario."""
    launches, propagation = scenario.launches, scenario.propagation
    if launches is not None and launches.leased is not None:
        place = scenario.places.get(launches.leased)
        if place is None or place.is_jobs:
            named = [name for name, one in scenario.places.items() if not one.is_jobs]
            wanted = f"one of {', '.join(named)}" if named else "a table [classes.NAME] of holders"
            yield f"launches.leased is {launches.leased}, which is no class of holders; want {wanted}"
    if launches is not None and not scenario.has_leases:
        yield "launches stands without [fleet]; want [fleet] and [lease]: launches need leased holders"
    if propagation is not None and launches is None:
        yield "propagation stands without [launches]; want a table [launches]: its jobs are launches and changes"
    health = scenario.health
    if health is not None and propagation is None:
        yield "health stands without [propagation]; want tables [launches] and [propagation]: they bring targets"
    if health is not None and scenario.has_leases and health.targets < scenario.zones:
        yield f"health.targets is {health.targets}; want at least one a zone, {scenario.zones}"
    if launches is not None:
        for i, step in enumerate(launches.throttle):
            if step.at >= scenario.horizon:
                yield f"launches.throttle.{i}.at is {show_duration(step.at)}; want before {scenario._end}"
        if max(rate for _, rate in launches.demand.levels) <= 0:
            yield "launches.demand is 0 all the time; want a rate above 0"
        if propagation is None:
            yield from _looks_at_nothing(launches)
    if propagation is not None:
        for i, reduction in enumerate(propagation.reductions):
            if reduction.at >= scenario.horizon:
                yield f"propagation.reductions.{i}.at is {show_duration(reduction.at)}; want before {scenario._end}"
        if launches is not None and _is_endless(propagation, launches, scenario.horizon):
            yield (
                f"propagation.slowdown makes a job last more than {show_duration(LONGEST_S)} behind all others; "
                "want a smaller a or b, or a larger queue"
            )
    if health is not None:
        for i, switch in enumerate(health.failover):
            if switch.at >= scenario.horizon:
                yield f"health.failover.{i}.at is {show_duration(switch.at)}; want before {scenario._end}"
            if switch.zone is not None and switch.zone >= scenario.zones:
                wanted = f"0 to {scenario.zones - 1}, or a larger fleet.zones"
                yield f"health.failover.{i}.zone is {switch.zone}; want {wanted}"


def _looks_at_nothing(launches: Launches) -> Iterator[str]:
    """What admission of launches says of propagation, which is not there."""
    door = launches.admission
    shares = [key for key in ("rate", "from_rate") if getattr(getattr(door, key, None), "of_capacity_share", None)]
    for key in shares:
        yield (
            f"launches.admission.{key} is a share of what propagation can do; want a table [propagation], or a rate "
            'such as "20/s"'
        )
    if not shares and door.lower(1.0, 1.0).limit is not None:
        yield f"launches.admission {door.name} looks at what waits in propagation; want a table [propagation]"


def _is_endless(propagation: Propagation, launches: Launches, horizon_s: float) -> bool:
    """Whether a job could last longer than a time may be, if all jobs of the run waited at once."""
    slowdown = propagation.slowdown
    a_second = sum(2 * max(rate for _, rate in came.levels) for came in (launches.demand, launches.changes))
    if slowdown is None or slowdown.a == 0 or a_second == 0:
        return False
    longer = math.log(slowdown.a) + slowdown.b * math.log(a_second * horizon_s / slowdown.queue)
    return math.log(propagation.time.mean_s()) + longer > math.log(LONGEST_S)
