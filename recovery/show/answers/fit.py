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
    return f"Run the file with values that fit. Of {', '.join(loose)} other values fit as well."


def answer_of(fit: Fit, file: str, given: Sequence[str] = ()) -> Answer:
    """The answer of a fit of a file, with what was set beside it ("key=value")."""
    good = [f"{line[:1].upper()}{line[1:]}." for line in fit_text.goodness(fit)]
    values = [
        f"{value.key} {fit_text.shown(value.text)} ({fit_text.interval(value)})"
        for value in fit.values
        if value.is_determined
    ]
    open_ones = [value.key for value in fit.values if not value.is_determined]
    if not fit.misfit.explains:
        happened, *good = good  # what is wrong comes first: a value that explains nothing is no find
        closest = ", ".join(f"{value.key} {fit_text.shown(value.text)}" for value in fit.values)
        happened += f" The closest it comes is with {closest}."
    elif values:
        happened = f"Found: {', '.join(values)}."
        happened += f" Not determined: {', '.join(open_ones)}." if open_ones else ""
    else:
        happened = "No value is determined by these observations."
    open_lines = fit_text.determines(fit) if fit.misfit.explains else []
    undetermined = [f"{line[:1].upper()}{line[1:]}." for line in open_lines]
    if fit.overrides:
        change = Change(
            text=_use(fit), name="the fitted values", is_simulated=False,
            command=trying(file, given, fit.overrides),
        )  # fmt: skip
    elif not fit.misfit.explains:
        what = "Often somebody did something that the file does not tell: write it down as [[operator]]"
        more = "Or search another key, or the same more closely: a shorter --range, or more --samples"
        change = Change(text=f"No value to use. {what}. {more}.")
    else:
        exactly = " Where a time is known better than the file says, set within in its [[observed]]."
        change = Change(text=f"No value to use, as nothing is determined.{exactly if fit.labels else ''}")
    sure = f"{fit.runs} simulations; intervals are 95 %, within the ranges that were given. "
    sure += "An interval is what lies round the best value; far from it only the values that were tried are known."
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
