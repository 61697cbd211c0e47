"""What a result advises: which variant helps most, and what that rests on. Pure rules.

Judged is the last stage that the scenario has: all stages where any follows the leases, else 99 % of the leases (or of
the backlog). A rule by which no lease can run out makes nobody answer sooner: where as many wait as before, it is no
help of its own.

What a variant was stands in its resolved scenario, what it did in its measures: nothing else is read.
"""

import math
from collections.abc import Sequence

from recovery.measures import register
from recovery.show import renewed, standings
from recovery.show.standings import Standing
from recovery.statistics import selection
from recovery.store.run_record import Group, Summary
from recovery.store.scenario_record import Scenario
from recovery.units import show_count, show_duration

ALL_LEASED = 0.99  # of the holders: whoever never has less is never without its leases
AS_MANY = 0.9  # of the longest queue of another variant: as many wait


# --- what an advice rests on ------------------------------------------------------------------------------------------


def assumptions(group: Group) -> list[str]:
    """What a variant's recovery rests on that reality often breaks, a sentence each."""
    hosts, policies = group.scenario.hosts, group.scenario.policies
    out = late_costs(group.scenario)
    if hosts.cancels:
        out.append(
            "It rests on requests that leave when they time out: a client that hangs up frees its worker at once. "
            "Behind a proxy it frees the proxy's place only and the work goes on, and what recovers here can collapse."
        )
        if hosts.service == "exponential":
            out.append(
                "It rests on exponential service times, of which a cancelled request loses nothing that counts; with "
                "constant ones the work that was begun is lost, and recovery takes longer."
            )
    is_bounded = math.isfinite(hosts.queue_limit) and not hosts.is_mute  # the file has it that a full one is silent
    if is_bounded or policies.admission.name != "open":
        what = "a bounded queue that says" if is_bounded else "hosts that say"
        out.append(
            f"It rests on {what} no at once: a listen queue that is full is silent, and its clients "
            f"wait for their timeout of {show_duration(hosts.timeout_s)}."
        )
    if policies.queue.name == "drop-expired":
        out.append(
            "It rests on hosts that know when a client gives up: the deadline must travel with the request, through "
            "every proxy."
        )
    keys = {rule.key for rule in group.scenario.rules}
    out += [text for key, text in _RESTS_ON.items() if key in keys]
    if any(action.do == "hold-clients" for action in group.scenario.actions):
        out.append(
            "It rests on somebody who can hold clients back outside, while their deadlines run on: a network, or a "
            "load balancer that lets them in by parts."
        )
    if policies.client.name == "immediate":
        out.append(
            f"It rests on clients that try again at once, after {show_duration(hosts.client_wait_s)}: set what "
            "yours do, policy.client."
        )
    return out


def late_costs(scenario: Scenario) -> list[str]:
    """What a renewal costs whose client gave up, where that is another time than a renewal takes."""
    if not (words := scenario.hosts.late_words):
        return []
    text = f"A renewal whose client gave up and that still waits is served as one that makes a lease: it takes {words}."
    return [f"{text} Where both are the same request, make the two times the same."]


_RESTS_ON = {
    "lease.first_delay": "It rests on clients that wait at random before their first attempt: those that do not do "
    "so yet must be updated first.",
    "host.bar": "It rests on clients that obey when they are barred: one that asks again at once is not spread.",
    "host.hint": "It rests on clients that obey when they are told how long to wait: many read no Retry-After.",
    "host.late": "It rests on a server that keeps the lease of a client that has given up: the client's next attempt "
    "must count as a renewal.",
}
"""What variants with rules of part two rest on, by the key that asks for the rule."""


# --- which variant helps most -----------------------------------------------------------------------------------------


def measure_of(summary: Summary) -> str:
    """The measure that variants are judged by."""
    return register.deciding(summary.groups[0].measures, summary.judged_class)


def whose(summary: Summary) -> str:
    """Of which class times are that variants are judged by, in words: " of “heartbeat”"; "" where of all."""
    name = register.class_of(measure_of(summary))
    return f" of “{name}”" if name else ""


def is_of_jobs(summary: Summary, measure: str) -> bool:
    """Whether a time to recovery is of jobs, whose backlog is cleared, and not of leases, which are back."""
    scenario = summary.groups[0].scenario
    whose = {one.name: one.is_jobs for one in scenario.classes}
    return whose.get(register.class_of(measure), not scenario.has_leases)


def is_back(summary: Summary) -> str:
    """What is so when a variant is back, by the time that variants are judged by: "99 % of “old” are back"."""
    if is_of_jobs(summary, measure_of(summary)):
        return f"99 % of the backlog{whose(summary)} is cleared"
    return f"99 %{whose(summary)} are back"


def not_back(is_jobs: bool, whose: str, found: Standing) -> str:
    """That 99 % of a class, or of all, are not back, and how often: "99 % of “old” are never back"."""
    what, done = (f"99 % of the backlog{whose} is", "cleared") if is_jobs else (f"99 %{whose} are", "back")
    return f"{what} {found.words.replace('never', f'never {done}', 1).replace('not', f'not {done}', 1)}"


def standing(summary: Summary, group: Group) -> Standing:
    """How the runs of a variant end, in the last stage that there is; where leases are lost once more, when they are
    back for the last time.
    """
    return standings.of_last(summary, group, measure_of(summary))


def first_standing(summary: Summary, group: Group) -> Standing:
    """The same at their first return, which ends what the limit of a recovery holds up."""
    return standings.of(summary, group, measure_of(summary))


def declares_only(first: Group, group: Group) -> bool:
    """Whether a variant's leases never run out because its rule of leases is another: that is declared and no answer,
    so its time to recovery says nothing. Where the rule is the same, holders were really answered in time; leases that
    last longer by it give them that time, at a cost (`costs.held_otherwise`).
    """
    rules = [_rule_of_leases(one.scenario) for one in (first, group)]
    never_away = group.leased_least >= ALL_LEASED > first.leased_least
    return never_away and rules[0] != rules[1]


def _rule_of_leases(scenario: Scenario) -> tuple[str, float]:
    return scenario.policies.lease.name, scenario.fleet.grace_s if scenario.fleet else 0.0


def best_of(summary: Summary, measure: str = "") -> Group | None:
    """Of the variants beside the first the one that is never well least often, and of these the one that is normal
    first, in the last stage or by another `measure`; None if none ever is.
    """
    first, *others = summary.groups
    measure = measure or measure_of(summary)
    is_of_leases = register.without_class(measure) == "ttr99_s"
    known = [
        group
        for group in others
        if standings.of_last(summary, group, measure).is_known and not (is_of_leases and declares_only(first, group))
    ]
    ranks = {id(group): (*standings.of_last(summary, group, measure).rank, renewed.after_s(group)) for group in known}
    return min(known, key=lambda group: ranks[id(group)]) if known else None


def is_better(now: Standing, was: Standing, window_s: float) -> bool:
    """Whether fewer runs are never well, or as many and those that are are sooner; times are known to a window."""
    if now.never_share != was.never_share:
        return now.never_share < was.never_share
    return now.is_known and was.mean_s - now.mean_s > window_s


def saved(summary: Summary, best: Group) -> standings.Saved:
    """By how much a variant is sooner than the first, in the last stage and by its last return."""
    own, was = (summary.rows_of(group) for group in (best, summary.groups[0]))
    return standings.saved(was, own, measure_of(summary), is_last=True)


def may_be_chance(summary: Summary, best: Group) -> bool:
    """Whether chance may make it that a variant is well in more of its runs than the first, or in fewer. Runs of the
    same seed and replication have their random numbers in common.
    """
    measure = measure_of(summary)
    now, was = (
        {(row.seed, row.replication): math.isinf(row.for_good(measure)) for row in summary.rows_of(group)}
        for group in (best, summary.groups[0])
    )
    if both := sorted(now.keys() & was.keys()):
        return selection.may_be_chance([now[one] for one in both], [was[one] for one in both], are_paired=True)
    return selection.may_be_chance([*now.values()], [*was.values()], are_paired=False)


def is_judged_by_leases(groups: Sequence[Group]) -> bool:
    """Whether 99 % of the leases (or of the backlog) decide, so that a rule of leases alone may make a variant well."""
    return "all_normal_s" not in groups[0].measures


def declared_only(groups: Sequence[Group]) -> list[str]:
    """A sentence for each variant that only declares that no lease runs out: what still waits there. Where clearly
    fewer do, since nobody has to make a lease anew, what that is bought with.
    """
    out = []
    for group in groups[1:]:
        if is_judged_by_leases(groups) and declares_only(groups[0], group):
            now, was = (show_count(one.mean("queue_peak")) for one in (group, groups[0]))
            text = f"“{group.variant}” lets no lease run out"
            if groups[0].mean("queue_peak") == 0:
                text += "; nobody waits either way, and a holder that dies is missed later."
            elif group.mean("queue_peak") < AS_MANY * groups[0].mean("queue_peak"):
                most = "no request waits" if group.mean("queue_peak") == 0 else f"up to {now} requests wait"
                text += f", so that nobody has to make one anew ({most}; up to {was} in “{groups[0].variant}”). "
                text += "But a holder that dies is missed later."
            else:
                text += f", which is no answer: up to {now} requests wait ({was} in “{groups[0].variant}”)"
                text += ", so nobody is answered sooner."
            out.append(text)
    return out


def fewest_wait(groups: Sequence[Group]) -> Group | None:
    """Where no variant can be sooner than the first: the one that lets fewest wait, if clearly fewer do."""
    least = min(groups, key=lambda group: group.mean("queue_peak"))
    now, was = least.mean("queue_peak"), groups[0].mean("queue_peak")
    is_told = is_judged_by_leases(groups) and declares_only(groups[0], least)  # by `declared_only`
    return None if least is groups[0] or is_told or not now < AS_MANY * was else least


def leases_alone(summary: Summary) -> str:
    """Where later stages follow: the variant whose leases are back first, if all stages together are later there."""
    first, *others = summary.groups
    known = {group.variant: standings.of(summary, group, "ttr99_s") for group in others}
    back = [group for group in others if known[group.variant].is_known]
    if is_judged_by_leases(summary.groups) or not back:
        return ""
    soonest = min(back, key=lambda group: known[group.variant].rank)
    own, now, was = known[soonest.variant], standing(summary, soonest), standing(summary, first)
    if not (own.rank < standings.of(summary, first, "ttr99_s").rank and now.rank > was.rank):
        return ""
    text = f"Leases alone are back soonest under “{soonest.variant}” ({own.whole()}), which makes the whole worse: "
    if now.never_share > was.never_share:
        many = f" in {now.never} of {now.runs} runs" if now.never < now.runs else ""
        return f"{text}what follows the leases is then not normal before the horizon{many}."
    return f"{text}all stages are normal {show_duration(now.mean_s - was.mean_s)} later."
