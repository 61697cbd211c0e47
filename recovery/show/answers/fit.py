"""The answer of a fit, from its record: the values, whether they explain the data, how to use them, how sure."""

from collections.abc import Sequence

from recovery.show import fit_text
from recovery.show.answers.answer import Answer, AnswerPart, Cause, Change
from recovery.show.answers.inputs import trying
from recovery.store.fit_record import Fit


def _use(fit: Fit) -> str:
    """What the command that stands beside it runs: with values that are not determined it is a trial."""
    offered = {one.partition("=")[0] for one in fit.overrides}
    loose = [value.key for value in fit.values if value.key in offered and not value.is_determined]
    if not loose:
        return "Run the file with the values."
    return f"Try the file with a setting that fits, but do not take {' or '.join(loose)} as known: others fit as well."


def _wider(fit: Fit) -> str:
    """What to search next where a range ends before the values that fit do, or at the closest value; else ""."""
    ends = [(f"below {low}", value.key) if value.is_open_below else (f"above {high}", value.key)
            for value in fit.values
            for low, high in [(fit_text.shown(value.low), fit_text.shown(value.high))]
            if value.is_open_below != value.is_open_above and not value.elsewhere
            and (fit.misfit.explains or value.is_at_end)]  # fmt: skip
    if not ends:
        return ""
    return f" Search on: {', '.join(f'{key} {side}' for side, key in ends)} (--range)."


def answer_of(fit: Fit, file: str, given: Sequence[str] = ()) -> Answer:
    """The answer of a fit of a file, with what was set beside it ("key=value")."""
    good = [f"{line[:1].upper()}{line[1:]}." for line in fit_text.goodness(fit)]
    if not fit.misfit.explains:
        happened, *good = good  # what is wrong comes first: a value that explains nothing is no find
        closest = ", ".join(f"{value.key} {fit_text.shown(value.text)}" for value in fit.values)
        happened += f" The closest it comes is with {closest}."
    else:
        happened = fit_text.known(fit)
    open_lines = fit_text.determines(fit) if fit.misfit.explains else []
    undetermined = [f"{line[:1].upper()}{line[1:]}." for line in open_lines]
    if fit.overrides:
        change = Change(
            text=_use(fit) + _wider(fit), name="the fitted values", is_simulated=False,
            command=trying(file, given, fit.overrides),
        )  # fmt: skip
    elif not fit.misfit.explains:
        clock = "Check first that its times begin when the scenario does (--origin)" if fit.picture.series else ""
        what = "Often somebody did something that the file does not tell: write it down as [[operator]]"
        more = "Or search another key, or the same more closely: a shorter --range, or more --samples"
        told = [one for one in (clock, what, more) if one]
        change = Change(text=f"No value to use.{_wider(fit)} {'. '.join(told)}.")
    else:
        exactly = " Where a time is known better than the file says, set within in its [[observed]]."
        change = Change(text=f"No value to use, as none is determined.{exactly if fit.labels else ''}{_wider(fit)}")
    sure = f"{fit.runs} simulations, with values in the ranges that were given."
    if fit.misfit.explains:
        sure += " Intervals are 95 %, if the file is right in all else. "
        sure += "An interval is what lies round the best value; far from it only the values that were tried are known."
    sure += "".join(f" {line}." for line in fit_text.cliff(fit))
    coarse = fit_text.coarse(fit)
    sure += f" {coarse[:1].upper()}{coarse[1:]}." if coarse else ""
    return Answer(
        happened=AnswerPart(text=happened),
        why=Cause(
            text=" ".join([*good, *undetermined]),
            mechanism="explained" if fit.misfit.explains else "unexplained",
            number=fit.misfit.p,
        ),
        change=change,
        sure=AnswerPart(text=sure),
        rests_on=AnswerPart(text=". ".join(f"{one[:1].upper()}{one[1:]}" for one in fit_text.others(fit)) + "."),
    )
