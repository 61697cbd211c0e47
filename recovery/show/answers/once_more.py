"""Why leases are lost once more after they were back, and what they then wait for."""

import math
from collections.abc import Sequence

from recovery.show.answers import gates, herd, mechanism
from recovery.store.run_record import Group, Measured, Row
from recovery.store.scenario_record import Planned, Span
from recovery.units import show_duration

HEAD = "Leases are lost once more"


def as_done(group: Group, rows: Sequence[Row]) -> Group:
    """The variant with the times of what operators did on a condition, as its first run has them: a throttle's steps,
    which are told since the condition, then are of the experiment. What nobody did is left out.
    """
    done: dict[str, list[float]] = {}
    for action in rows[0].actions:
        done.setdefault(action.do, []).append(action.at_s)
    for planned in group.scenario.actions:
        if planned.at_s in done.get(planned.do, []):
            done[planned.do].remove(planned.at_s)
    out = []
    for planned in group.scenario.actions:
        if not math.isnan(planned.at_s):
            out.append(planned)
        elif left := done.get(planned.do):
            at_s = left.pop(0)
            steps = tuple(step.model_copy(update={"at_s": step.at_s + at_s}) for step in planned.lets_in)
            out.append(planned.model_copy(update={"at_s": at_s, "lets_in": steps}))
    scenario = group.scenario.model_copy(update={"actions": tuple(out)})
    return group.model_copy(update={"scenario": scenario})


def is_all(limit: mechanism.Limit | None, rows: Sequence[Row]) -> bool:
    """Whether runs that collapse do so only because leases are lost once more: all of them were back before, and what
    limits them does not do so all the time.
    """
    collapsed = [row for row in rows if row.verdict == "collapsed"]
    is_always = limit is not None and limit.kind in mechanism.ALL_THE_TIME
    return bool(collapsed) and not is_always and all(row.is_lost_again("ttr99_s") for row in collapsed)


def why(done: Group, back_s: float) -> mechanism.Limit | None:
    """What takes leases from a variant, as it was done, for the last time after they were back, and what limits their
    return, at `back_s` after the start (inf: not in the run): a whole sentence. None where no lease is lost after the
    clock's start.
    """
    loss = _last_loss(done)
    if loss is None:
        return None
    begin_s = done.began_s(loss)
    deed = _deed(done, begin_s)
    found = _in_step(done, begin_s) if deed is None else None
    found = found or mechanism.limit_of(_since(done, loss, begin_s, back_s), ttr_s=back_s - begin_s)
    if found is not None and found.text.startswith(HEAD):
        return found._replace(text=f"{found.text}.")
    text = f"{HEAD} from {show_duration(begin_s)} after the start on"
    if deed is not None:
        text = f"{HEAD} after what operators do {show_duration(deed.at_s)} after the start ({deed.sets or deed.do})"
    if found is None:
        return mechanism.Limit("operator" if deed is not None else "", f"{text}.", math.nan)
    return found._replace(text=f"{text}: {found.text}.")


def _in_step(done: Group, begin_s: float) -> mechanism.Limit | None:
    """Renewals in step, by which leases are lost that were made close together: those come as close together a check
    later, and the hosts need longer for them than a timeout. None where the loss comes sooner than a check.
    """
    scenario, fleet = done.scenario, done.scenario.fleet
    if fleet is None or not herd.renewals_wait_s(scenario) > scenario.hosts.timeout_s:
        return None
    if not begin_s > done.mean("recovers_from_s") + fleet.check_every_s * (1 - fleet.check_jitter):
        return None
    later, renews = show_duration(fleet.check_every_s), show_duration(fleet.renews_s)
    times = fleet.renews_s / scenario.hosts.timeout_s
    without = "" if fleet.check_jitter else ", without jitter (lease.check_jitter)"
    text = f"leases that were made close together are renewed close together, {later} later{without}; all renewals are "
    text += f"{renews} of work, which is {times:.3g} times the {show_duration(scenario.hosts.timeout_s)} after which a "
    text += "client gives up"
    return mechanism.Limit("renewals", text, times)


def deed_of(done: Group) -> Planned | None:
    """What operators do that takes the leases for the last time after they were back; None where they do not."""
    loss = _last_loss(done)
    return None if loss is None else _deed(done, done.began_s(loss))


def _last_loss(done: Group) -> Span | None:
    """The last time after the clock's start in which fewer than 99 % have a lease."""
    spans: list[tuple[Span, float]] = [(one, one.least_share) for one in done.unleased_spans]
    if not spans and done.unleased is not None:
        spans = [(done.unleased, done.leased_least)]
    from_s = done.mean("recovers_from_s")
    later = [one for one, least in spans if one.from_s > from_s and not least >= gates.MOST]
    return later[-1] if later else None


def _deed(done: Group, begin_s: float) -> Planned | None:
    """What operators did last before a loss and after the clock's start, within the time that a lease runs."""
    fleet = done.scenario.fleet
    from_s = max(done.mean("recovers_from_s"), begin_s - (fleet.lease_s if fleet is not None else 0.0))
    known = [one for one in done.scenario.actions if from_s < one.at_s <= begin_s]
    return max(known, key=lambda one: one.at_s, default=None)


def _since(done: Group, loss: Span, begin_s: float, back_s: float) -> Group:
    """The variant as if its clock started with that loss. What was measured of the first return is not known of it."""
    fleet, hosts = done.scenario.fleet, done.scenario.hosts
    if hosts.capacity_course:
        best_per_s = max(hosts.per_s_at(begin_s), hosts.per_s_at(back_s))
        hosts = hosts.model_copy(update={"best_per_s": best_per_s})
    hosts = hosts.model_copy(update={"done_per_s": 0.0})  # which is of the first return
    least = next((one.least_share for one in done.unleased_spans if one == loss), done.leased_least)
    work = max(gates.MOST - least, 0.0) * fleet.asks if fleet is not None else math.nan
    own = {"recovers_from_s": begin_s, "fluid_bound_s": work / hosts.fastest_per_s}
    own |= dict.fromkeys(("wasted_share", "amplification"), math.nan)
    ended = any(one.at_s == begin_s and math.isfinite(one.comes_within_s) for one in done.scenario.actions)
    if fleet is not None:  # how far apart they come is known of the dependency's return alone
        fleet = fleet.model_copy(update={"apart_s": math.inf})
    scenario = done.scenario.model_copy(update={"is_counted_from_end": ended, "hosts": hosts, "fleet": fleet})
    measures = done.measures | {name: Measured(mean=value) for name, value in own.items()}
    return done.model_copy(update={"scenario": scenario, "measures": measures})
