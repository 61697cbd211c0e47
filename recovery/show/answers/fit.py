"""The answer of a fit, from its record: the values, whether they explain the data, how to use them, how sure."""

from collections.abc import Sequence

from recovery.show import fit_text
from recovery.show.answers.answer import Answer, AnswerPart, Cause, Change
from recovery.show.answers.inputs import trying
from recovery.store.fit_record import Fit


def answer_of(fit: Fit, file: str, given: Sequence[str] = ()) -> Answer:
    """The answer of a fit of a file, with what was set beside it ("key=value")."""
    values = [f"{value.key} {value.text} ({value.low} to {value.high})" for value in fit.values if value.is_determined]
    open_ones = [value.key for value in fit.values if not value.is_determined]
    happened = f"Found: {', '.join(values)}." if values else "No value is determined by these observations."
    if values and open_ones:
        happened += f" Not determined: {', '.join(open_ones)}."
    good = ". ".join(f"{line[:1].upper()}{line[1:]}" for line in fit_text.goodness(fit))
    if fit.overrides:
        change = Change(
            text="Run the file with the values.", name="the fitted values", is_simulated=False,
            command=trying(file, given, fit.overrides),
        )  # fmt: skip
    else:
        why = "nothing is determined" if fit.misfit.explains else "the data are not explained"
        change = Change(text=f"No value to use, as {why}.")
    alike = [
        f"{keys[0]} is not determined by these observations"
        if len(keys) == 1
        else f"{', '.join(keys)} cannot be told apart by these observations"
        for keys in fit.not_told_apart
    ]
    sure = [f"{fit.runs} simulations; intervals are 95 %, within the ranges that were given", *alike]
    return Answer(
        happened=AnswerPart(text=happened),
        why=Cause(
            text=f"{good}.", mechanism="explained" if fit.misfit.explains else "unexplained", number=fit.misfit.p
        ),
        change=change,
        sure=AnswerPart(text="; ".join(sure) + "."),
        rests_on=AnswerPart(text=". ".join(f"{one[:1].upper()}{one[1:]}" for one in fit_text.others(fit)) + "."),
    )
