"""Which choice of a lever is surely worse than another, whatever stands beside it.

Single policies need many draws to be told apart, since each is compared with each. A choice is compared over all the
policies that differ in it alone, in the same draws: chance and what stands beside it then cancel in the mean. Only the
draws of the first round count, which are run whatever comes, so Student's interval may be told of how much later; its
error is divided by the number of pairs, since which choice is best is seen in the same draws. *Surely* worse is what
the test of the ranking says (`statistics.selection`), so that a choice is not sure where its only policy is not.
"""

import json
from collections.abc import Mapping, Sequence

from recovery.statistics import clusters, selection
from recovery.statistics.arrays import Floats
from recovery.store.sweep_record import Choice
from recovery.study.sweep.estimates import ALPHA, told
from recovery.study.sweep.looks import Looks, Place
from recovery.study.sweep.policies import Policy


def choices_of(looks: Looks, policies: Sequence[Policy], replications: int, words: Mapping[str, str]) -> list[Choice]:
    """Each choice of each lever beside the best of the same lever, over all that both stand beside, in the draws of the
    first `replications`; nothing where a lever has one. `words` of each lever's value, by `name_of`.
    """
    places = [place for place in sorted(looks.draws) if place[0] < replications]
    found: list[tuple[str, str, str, int, Floats]] = []
    pairs = 0
    for key in dict.fromkeys(key for policy in policies for key in policy.levers):
        means, many = _means(looks, policies, places, key)
        if len(means) < 2:
            continue
        pairs += len(means) * (len(means) - 1) // 2
        best = min(means, key=lambda value: float(means[value].mean()))
        found += [(key, value, best, many, means[value] - means[best]) for value in means if value != best]
    if not places or not found:
        return []
    units, limit_s = looks.units(places), looks.limit_s
    out = [
        Choice(
            key=key, words=words[name_of(key, value)], than=words[name_of(key, best)], policies=many,
            draws=len(places),
            behind=told(clusters.mean(behind, units, 1 - ALPHA / pairs, -limit_s, limit_s)),
            is_surely_worse=selection.lower_end(behind, units, limit_s, ALPHA / pairs) > looks.sweep.indifference,
        )
        for key, value, best, many, behind in found
    ]  # fmt: skip
    return sorted(out, key=lambda one: -one.behind.mean)


def name_of(key: str, value: object) -> str:
    """A lever's value, as a key of a table."""
    return f"{key} = {json.dumps(value, sort_keys=True, default=str)}"


def _means(
    looks: Looks, policies: Sequence[Policy], places: Sequence[Place], key: str
) -> tuple[dict[str, Floats], int]:
    """Of each value of a lever its mean restricted time in each draw, over all that every value stands beside, and how
    much that is. A value that stands beside less than half as much as another (a point of its own) is left out.
    """
    beside: dict[str, dict[str, Policy]] = {}
    for policy in policies:
        if key in policy.levers and all(place in looks.times[policy.number] for place in places):
            rest = json.dumps([policy.variant, {k: v for k, v in policy.levers.items() if k != key}], sort_keys=True)
            beside.setdefault(json.dumps(policy.levers[key], sort_keys=True), {})[rest] = policy
    if not beside:
        return {}, 0
    fair = max(map(len, beside.values())) / 2
    kept = {value: own for value, own in beside.items() if len(own) >= fair}
    common = [rest for rest in next(iter(kept.values())) if all(rest in own for own in kept.values())]
    out = {}
    for value, own in kept.items() if common else ():
        times = [[looks.times[own[rest].number][place] for place in places] for rest in common]
        out[json.loads(value)] = clusters.restricted(times, looks.limit_s).mean(axis=0)
    return out, len(common)
