"""What a change costs: the harms that are clearly more under it, in words."""

import math
from collections.abc import Callable, Iterator

from recovery.measures import register
from recovery.measures.register import TrafficName
from recovery.units import show_count, show_duration, show_number, show_share

SHARE_GROWS = 0.01  # a harm that is a share is told from so much more on
LITTLE = 0.001  # and where nothing else is told from so much on, if there was none of it
GROWS = 0.05  # another harm from so much more on, relative
SERVED = "served_share"  # of jobs: it is less that is a harm
ATTEMPTS = "amplification"  # attempts for each success: whoever receives them pays
ATTEMPTS_GROW = 1.2  # these are told from so many times as many on
QUEUE = "queue_peak"  # requests that wait at one time: memory, and clients that wait
TIME = "sojourn_p99_s"  # of a request at a host: whoever gets in waits so long for the answer
WAITS_GROW = 1.2  # the time until an instance can be reached is told from so many times as long on
LONGER = 1.5  # these are told from so many times as much on,
QUEUE_MORE, TIME_MORE_S = 10, 1.0  # and so much more
NOTHING = "It costs nothing that is measured."


def costs(traffic: TrafficName, was: Callable[[str], float], now: Callable[[str], float]) -> str:
    """A sentence: the harms of leases or jobs that grow, attempts, the longest queue, the time to an answer and what
    later stages do to those who launch, with both means, or that none does. `was` and `now` give a mean by its name,
    nan where it is not known.
    """
    names = [name for name in (*register.harms(traffic), SERVED) if not math.isnan(was(name) + now(name))]
    if not names:
        return "What it costs is not known."
    names = [_as_told(name, was, now) for name in names]
    out = [text for name in names if (text := cost(name, was(name), now(name), traffic))]
    was_made, made = was(ATTEMPTS), now(ATTEMPTS)
    if math.isfinite(was_made) and math.isfinite(made) and made > ATTEMPTS_GROW * was_made:
        out.append(f"{show_number(made)} attempts for each success, instead of {show_number(was_made)}")
    waited, waits = was(QUEUE), now(QUEUE)
    if waits > LONGER * waited and waits - waited >= QUEUE_MORE:
        out.append(f"up to {show_count(waits)} requests wait at one time, instead of {show_count(waited)}")
    took_s, takes_s = was(TIME), now(TIME)
    is_comparable = math.isfinite(was("ttr99_s"))  # hosts that served hardly anybody did so at once
    if is_comparable and takes_s > LONGER * took_s and takes_s - took_s >= TIME_MORE_S:
        out.append(f"99 % of the requests take up to {show_duration(takes_s)}, instead of {show_duration(took_s)}")
    out += _of_launches(was, now)
    if not out and (new := [name for name in names if _is_new(name, was, now)]):
        is_little = register.DENIED not in new  # of the whole run little may be much while leases come back
        said = "; ".join(_said(name, was(name), now(name), traffic) for name in new)
        return f"It costs little: {said}." if is_little else f"It costs: {said}."
    return f"It costs: {'; '.join(out)}." if out else NOTHING


def _as_told(name: str, was: Callable[[str], float], now: Callable[[str], float]) -> str:
    """The measure by which a harm is told. Refusals are told over the time in which leases or jobs come back, as
    attempts and work in vain are, since healthy time after it makes their share of the whole run small; over the whole
    run only where that grows more, nothing has to come back, or no more is known.
    """
    if name != register.DENIED or not (was("ttr99_s") > 0 and now("ttr99_s") > 0):
        return name
    of_return, of_run = (now(one) - was(one) for one in (register.DENIED_OF_RETURN, name))
    return register.DENIED_OF_RETURN if of_return >= of_run else name


def _of_launches(was: Callable[[str], float], now: Callable[[str], float]) -> Iterator[str]:
    """What later stages do to those who launch that is clearly more now."""
    given_up = [
        one("launches_gave_up") / one("launches_asked") if one("launches_asked") > 0 else 0.0 for one in (was, now)
    ]
    refused = [one("jobs_refused_share") for one in (was, now)]
    for words, (had, has) in (("launches are given up", given_up), ("attempts at propagation are refused", refused)):
        if has - had >= SHARE_GROWS:
            yield f"{show_share(has)} of the {words}, instead of {show_share(had)}"
    if not math.isfinite(was("ttr99_s")):  # hardly anybody launched, so nobody waited long
        return
    for measure, words in _REACHED.items():
        took_s, takes_s = was(measure), now(measure)
        if takes_s > WAITS_GROW * took_s and takes_s - took_s >= TIME_MORE_S:
            yield f"{words} {show_duration(takes_s)} after its launch, instead of {show_duration(took_s)}"


_REACHED = {
    "reach_p99_s": "99 % of the instances can be reached only",
    "reach_max_s": "the last of the instances can be reached only",
}


def _is_new(name: str, was: Callable[[str], float], now: Callable[[str], float]) -> bool:
    """Whether a table shows a harm, a share, of which there was none."""
    return name != SERVED and register.unit_of(name) == "share" and was(name) == 0 and now(name) >= LITTLE


HOURS = "unleased_holder_hours"
MATERIAL = 0.1  # more of what is suffered, relative: from so much more on it may outweigh what is saved
SERVED_LESS = 0.05  # of the jobs: so much fewer answers may


def outweighs(was: Callable[[str], float], now: Callable[[str], float], saved_share: float) -> bool:
    """Whether what is suffered grows materially, and by more than the time that a change saves, as a share of it: hours
    without a lease, or jobs without an answer. Refusals and work in vain are what that is reached with, not what
    anybody suffers. `was` and `now` as of `costs`.
    """
    more = now(HOURS) / was(HOURS) - 1 if was(HOURS) > 0 else 0.0
    fewer = was(SERVED) - now(SERVED)
    return (more > MATERIAL and more > saved_share) or (fewer > SERVED_LESS and fewer > saved_share)


def cost(name: str, was: float, now: float, traffic: TrafficName | None = None) -> str:
    """A harm in words, with both means, if it is clearly more now; "" if it is not, or is no harm."""
    known = _known(name, traffic)
    if known is None or not (known.is_harm or name == SERVED) or not math.isfinite(was) or not math.isfinite(now):
        return ""
    if name == SERVED:
        told = f"only {show_share(now)} of the jobs get an answer, instead of {show_share(was)}"
        return told if was - now >= SHARE_GROWS else ""
    is_share = known.form == "share"
    if not (now - was >= SHARE_GROWS if is_share else now > was * (1 + GROWS)):
        return ""
    return _said(name, was, now, traffic)


def _said(name: str, was: float, now: float, traffic: TrafficName | None) -> str:
    """A harm in words, with both means."""
    known = _known(name, traffic)
    assert known is not None
    show = show_share if known.form == "share" else show_count
    words = _SAID.get(register.without_class(name), f"{{}} ({known.axis})")
    meanwhile = "the backlog is cleared" if traffic == "jobs" else "leases come back"
    return f"{words.format(show(now), meanwhile=meanwhile)}, instead of {show(was)}"


def _known(name: str, traffic: TrafficName | None) -> register.Measure | None:
    """A harm in the register, which has what is refused once."""
    return register.find(register.DENIED if name == register.DENIED_OF_RETURN else name, traffic)


_SAID = {
    register.DENIED: "{} of the attempts of the whole run are refused",
    register.DENIED_OF_RETURN: "{} of the attempts are refused while {meanwhile}",
    "wasted_share": "{} of the work is for answers that nobody waits for",
    "unleased_holder_hours": "{} hours without a lease, of all holders together",
}
"""Harms in words, with the place of the number."""


KEEPS = (
    "grace",
    "credit-on-arrival",
    "freeze",
    "load-scaled",
    "failover-extension",
    "self-preservation",
    "expiry-cap",
    "learning",
)
"""Rules of leases by which one that has ended, or would, may run on."""


def held_otherwise(was_s: float, now_s: float) -> str:
    """What it costs that leases which nobody renews are held for `now_s` instead of `was_s` (s): a holder that dies is
    missed later, or leases run out sooner in any outage, by how much; "" where neither is so, or that is not known.
    """
    by, runs = show_duration(abs(now_s - was_s)), f"{show_duration(now_s)} instead of {show_duration(was_s)}"
    if now_s > was_s:
        return f"a holder that dies is missed up to {by} later (its lease runs {runs})"
    return f"in any outage leases run out up to {by} sooner (they run {runs})" if now_s < was_s else ""


def not_measured(
    was: Callable[[str], str], now: Callable[[str], str], held_s: tuple[float, float] = (math.nan, math.nan)
) -> str:
    """Sentences on what no harm measures; "" where there is nothing such. By another rule of leases, or with longer
    ones, the dead may keep theirs longer, and shorter ones run out sooner; a limit that is taken away was there for
    something. `was` and `now` give the name of the rule on an axis, "" where that is not known, `held_s` how long
    leases are held before and now (s).
    """
    out, rule = [], now("lease")
    if rule != was("lease") and rule in KEEPS:
        out.append(f"by “{rule}” a holder that is really dead keeps its lease longer, so it is missed later.")
    elif otherwise := held_otherwise(*held_s):
        out.append(f"{otherwise}.")
    if now("admission") == "open" and was("admission") not in ("", "open"):
        gone = "the limit of admission is gone, and what it protected (memory, or what lies behind the hosts) is "
        out.append(f"{gone}without it.")
    return " ".join(f"What is not measured: {text}" for text in out)
