"""Conditions of `--fail-if`: what a change must not do, as text, and whether it surely did.

A bound with a sign of its own is on the change from the old to the new, in per cent of the old or in the measure's
unit; one without is on the new value alone, as in [expect]. `= never` and `= always` ask whether a run ends so.
"""

import contextlib
import math
import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from recovery.errors import Refusal, nearest, shown
from recovery.measures import late, register
from recovery.measures.words import show_measure
from recovery.model.expect import Expectation, expectation
from recovery.store import compare_record as records
from recovery.store import record
from recovery.study import judge
from recovery.study.compare.differences import Both, Pair, both, bounds_of
from recovery.study.compare.intervals import Told
from recovery.units import duration_s, percent, show_duration

_FORM = re.compile(r"^\s*(?P<measure>\w+(?:\.[\w-]+)?)\s*(?P<sign><=|>=|<|>|!=|=)\s*(?P<bound>.+?)\s*$")
_WANTED = 'want a condition such as "ttr99_s > +10%", "ttr99_s > +2m", "ttr99_s > 30m" or "ttr99_s = never"'
_WORDS = {"never": math.inf, "always": 0.0}

Holds = Literal["yes", "no", "unsure", "not measured"]


class Condition(NamedTuple):
    """What must not be. Of a change: mean of the new beyond `factor` times that of the old plus `bound`."""

    text: str
    measure: str
    sign: str
    kind: Literal["change", "level", "word"]
    factor: float
    bound: float


def condition(text: str) -> Condition:
    """Parse `ttr99_s > +10%`. Raises Refusal that says what is wanted."""
    match = _FORM.match(text)
    if not match:
        has_sign = any(sign in text for sign in "<>=")
        raise Refusal(f"--fail-if is {text!r}{'' if has_sign else ': it has no <, <=, > or >='}; {_WANTED}")
    name, sign, bound = match["measure"], match["sign"], match["bound"].replace("\u2212", "-")
    known = register.find(name)
    if known is None or not (known.is_expected or known.is_milestone):
        names = tuple(dict.fromkeys((*register.expected(), *register.milestones())))
        raise Refusal(
            f"--fail-if is {text!r}: {name} is not a measure{nearest(name, names)}; want one of {', '.join(names)}"
        )
    said = " ".join((name, sign, bound))
    if (bound in _WORDS) != (sign in ("=", "!=")) or (bound == "always" and not known.is_milestone):
        also = " (always: of milestones)" if bound == "always" else ""
        raise Refusal(f"--fail-if is {text!r}; want = or != before never or always{also}, and <, <=, > or >= else")
    if bound in _WORDS:
        if known.form != "time":
            raise Refusal(f"--fail-if is {text!r}: {name} is no time; want a bound such as > +10%")
        return Condition(said, name, sign, "word", 1.0, _WORDS[bound])
    if bound[0] in "+-":
        factor, plus = _change(bound, known.form, text)
        return Condition(said, name, sign, "change", factor, plus)
    if known.form == "time" and bound.endswith("%"):
        raise Refusal(f"--fail-if is {text!r}: a time in per cent; want a change, as in {name} {sign} +{bound}")
    if not known.is_expected:
        raise Refusal(f"--fail-if is {text!r}: only a change of {name} may be bounded; want {name} {sign} +2m")
    try:
        expected = expectation(name, f"{sign} {bound}")
    except ValueError as error:
        why = str(error).removeprefix(f"expect.{name} is {shown(f'{sign} {bound}')}: ")
        raise Refusal(f"--fail-if is {text!r}: {why}") from None
    return Condition(expected.text, name, sign, "level", 0.0, expected.bound)


def _change(bound: str, form: str, text: str) -> tuple[float, float]:
    """(factor, plus) of "+10%", "-2m", "+5pp"."""
    minus, much = (-1.0 if bound[0] == "-" else 1.0), bound[1:].strip()
    with contextlib.suppress(ValueError):
        if much.endswith("pp"):
            if form == "share":
                return 1.0, minus * float(much[:-2]) / 100
        elif much.endswith("%"):
            return 1.0 + minus * percent(much), 0.0
        elif form == "time":
            return 1.0, minus * duration_s(much)
        elif form == "number":
            return 1.0, minus * float(much)
    wanted = {"time": "+10% or +2m", "share": "+10% (of the old) or +5pp (points)", "number": "+10% or +0.5"}[form]
    raise Refusal(f"--fail-if is {text!r}; want a change such as {wanted}")


class _Found(NamedTuple):
    """Whether a condition holds, by what, and what there is to say of it."""

    holds: Holds
    value: Told
    change_share: float = math.nan
    why: str = ""


_NOT_MEASURED = Told(math.nan, math.nan, math.nan)


def judged(one: Condition, pair: Pair, others: Sequence[Pair] = ()) -> records.Condition:
    """Whether a condition holds for a pair: "yes" and "no" only where the interval (95 %) says so; where each side has
    one run it is these runs that are judged, as [expect] does. What is on the new value alone is judged by all runs of
    the new side, whatever the old one has. Of the `others` those are named of which it holds as well.
    """
    found = _found(one, pair)
    return records.Condition(
        text=one.text,
        run=pair.run,
        than=pair.than,
        variant=pair.variant,
        than_variant=pair.than_variant,
        measure=one.measure,
        is_change=one.kind == "change",
        holds=found.holds,
        value=record.Estimate(mean=found.value.mean, low=found.value.low, high=found.value.high),
        change_share=found.change_share,
        why=found.why,
        holds_elsewhere=tuple(other.variant for other in others if _found(one, other).holds == "yes"),
    )


def _found(one: Condition, pair: Pair) -> _Found:
    return _of_change(one, pair) if one.kind == "change" else _of_new(one, pair)


def _of_new(one: Condition, pair: Pair) -> _Found:
    """A condition on the new value alone: in how many runs a time is never or always, or a bound as of [expect]."""
    runs = pair.all_mine
    values = runs.of(one.measure)
    known = values[~np.isnan(values)]
    if not len(known):
        return _Found(
            "not measured", _NOT_MEASURED, why=f"no {'run' if len(values) else 'measure'} of {pair.run} has it"
        )
    if one.kind == "word":
        is_so = known == one.bound if one.sign == "=" else known != one.bound
        hits, share = int(is_so.sum()), float(is_so.mean())
        return _Found("yes" if hits else "no", Told(share, share, share), why=f"in {hits} of {len(known)} runs")
    this, from_s = (one.measure, values), runs.renewed_from_s
    told = None if runs.group is None else runs.group.renewals
    at_most = math.nan if told is None else told.overdue_at_most
    ended = [
        judge.Ended(
            pair.variant, {}, unit, verdict, {name: float(own[i]) for name, own in (*runs.measures.items(), this)}, {},
            runs.horizon_s, runs.hold_s, float(from_s[i]) if len(from_s) else math.nan, at_most,
        )
        for i, (unit, verdict) in enumerate(zip(runs.units, runs.verdicts_of(one.measure), strict=True))
    ]  # fmt: skip
    bound = Expectation(one.measure, one.sign, one.bound, one.text)
    found = judge.of_one_point(bound, ended, at_every_look=pair.is_mine_sequential)
    return _Found(found.holds, _NOT_MEASURED if found.why else Told(found.value, math.nan, math.nan), why=found.why)


def _of_change(one: Condition, pair: Pair) -> _Found:
    """Whether new - factor * old is surely beyond the bound: of a ratio this is Fieller's way, which asks no division.
    From a time that always comes to one that never does is beyond every bound; of two that never come nobody can tell.
    Of a time that a run is too short to come to only the least is known.
    """
    if isinstance(found := both(pair, one.measure), str):
        return _Found("not measured", _NOT_MEASURED, why=found)
    told, by = found.difference(), found.ends(one.factor)
    why = next((end.why for end in by if end.why and not pair.has_one_run_each), "")
    ends = {_beyond(one.sign, end - one.bound) for end in (by[0].low, by[1].high)}
    holds: Holds = "unsure" if len(ends) > 1 else "yes" if ends == {True} else "no"
    if found.is_bounded:
        return _Found("unsure" if why else holds, _NOT_MEASURED, why=bounds_of(found))
    mine, theirs = (float(side.mean()) for side in found.restricted())
    change = mine / theirs - 1 if theirs else math.nan
    never, was = np.isinf(found.mine).all(), np.isinf(found.theirs).all()
    too_short, was_too_short = found.late
    longer = _longer(one, pair, found) if too_short.any() or was_too_short.any() else ""
    if never and was:
        words = f"{_never(found, 1)} in {pair.than}, {_never(found, 0)} in {pair.run}"
        return _Found("unsure", _NOT_MEASURED, why=f"{words}: {longer}" if longer else words)
    turned = ""
    if never != was and not (np.isinf(found.mine).any() and np.isinf(found.theirs).any()):
        # a difference would be one from the horizon, which says nothing of the system
        back = show_measure(one.measure, float((found.theirs if never else found.mine).mean()))
        turned = f"{back} → {_never(found, 0)}" if never else f"{_never(found, 1)} → {back}"
        if not (too_short if never else was_too_short).all():
            return _Found("yes" if bool(never) == (one.sign in (">", ">=")) else "no", _NOT_MEASURED, why=turned)
    if why:
        return _Found("unsure", told, change, f"no interval: {why}")
    if holds == "unsure" and any(found.never_alone):
        return _Found("unsure", _NOT_MEASURED, why=_some_never(pair, found))
    if holds == "unsure" and longer:
        return _Found("unsure", _NOT_MEASURED, why=f"{turned or _too_short(pair, found)}: {longer}")
    return _Found(holds, _NOT_MEASURED, why=turned) if turned else _Found(holds, told, change)


def _never(found: Both, i: int) -> str:
    """How the runs of a side (0: new) end none of which comes to a time: a longer run may come to it, or none does."""
    return f"not within {show_duration(found.limit_s)}" if found.late[i].all() else "never"


def _some_never(pair: Pair, found: Both) -> str:
    """In how many runs of each side a time never comes, of which a mean tells nothing."""
    sides = ((pair.than, found.theirs, found.late[1]), (pair.run, found.mine, found.late[0]))
    many = " and ".join(
        f"{int((np.isinf(own) & ~late).sum())} of {len(own)} runs of {name}" for name, own, late in sides
    )
    return f"never in {many}: a mean of such a time hangs on the horizon; want collapsed_share, or = never"


def _too_short(pair: Pair, found: Both) -> str:
    """How many runs of each side are too short to come to a time."""
    sides = ((pair.than, found.late[1]), (pair.run, found.late[0]))
    many = [f"{int(some.sum())} of {len(some)} runs of {name}" for name, some in sides if some.any()]
    return f"not within {show_duration(found.limit_s)} in {' and '.join(many)}"


def _longer(one: Condition, pair: Pair, found: Both) -> str:
    """What horizon would tell more, in words: with a number where the old time, to which the new is held, is known."""
    if found.late[1].any():
        return late.wanted(0.0, pair.horizon_s)
    old_s = float(found.restricted()[1].mean())
    from_s = pair.horizon_s - found.limit_s
    return late.wanted(from_s + one.factor * old_s + one.bound + pair.mine.hold_s, pair.mine.horizon_s)


def _beyond(sign: str, much: float) -> bool:
    much = 0.0 if abs(much) < 1e-12 else much
    return {"<": much < 0, "<=": much <= 0, ">": much > 0, ">=": much >= 0}[sign]
