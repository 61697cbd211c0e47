"""What `recovery fit` says in words: the values, how good they are, and what else would do."""

import math

from recovery.store.fit_record import Family, Fit, ServiceTimes
from recovery.units import show_count, show_duration, show_share

CV_MOST = 20.0  # that a lognormal of a scenario may have
ALIKE = 0.9  # cosine from which on two keys change the simulation alike
_MISSING = {
    "always": "does not occur in the simulation with these values: what it ends never was",
    "never": "never comes in the simulation with these values",
}


def show_value(value: float, unit: str) -> str:
    """A value of a series, for people."""
    if unit == "share":
        return show_share(value)
    return show_duration(value) if unit == "s" else f"{value:.3g}" + (" a second" if unit == "1/s" else "")


def told(fit: Fit) -> str:
    """The values, and how far each milestone is off, for people; the rest says the answer."""
    width = max(len(value.key) for value in fit.values)
    lines = list(fit.said)
    for value in fit.values:
        said = f"{value.low} to {value.high}" + ("" if value.is_determined else ", not determined")
        said += ", at the end of its range" if value.is_at_end else ""
        lines.append(f"{value.key:<{width}}  {value.text}  ({said})")
    for label, residual, missing in zip(fit.labels, fit.residuals, fit.missing, strict=True):
        lines.append(f"{label}: " + (_MISSING[missing] if missing else f"{residual:+.2f} standard deviations off"))
    return "\n".join(lines)


def goodness(fit: Fit) -> list[str]:
    """How good the fit is, in sentences."""
    misfit, unit = fit.misfit, fit.picture.series.unit if fit.picture.series else ""
    if fit.labels:
        if math.isnan(misfit.p):
            return ["no milestone is left to test the fit: there are as many keys as milestones"]
        sum_text = f"chi-square {misfit.rms**2 * misfit.points:.3g} of {misfit.points} milestones, p = {misfit.p:.2g}"
        if misfit.explains:
            return [f"the milestones are met within what is known of them ({sum_text})"]
        return [f"the scenario does not explain the data ({sum_text}): intervals are widened by the misfit"]
    text = f"off by {show_value(misfit.rms, unit)} (root mean square; {show_share(misfit.share)} of the data's spread)"
    text += f", where chance makes {show_value(misfit.noise, unit)}; the longest row of points that are off "
    text += f"to the same side has {misfit.run_longest} of {misfit.points}"
    if not misfit.is_systematic:
        return [f"the scenario explains the data: {text} (p = {misfit.p:.2g})"]
    if misfit.explains:
        return [f"the scenario explains the data but for a small systematic rest: {text}; intervals are widened by it"]
    lines = [f"the scenario does not explain the data: {text}; intervals are widened by the misfit"]
    if math.isfinite(fit.shift_s):
        way = "later" if fit.shift_s > 0 else "earlier"
        lines.append(f"{show_duration(abs(fit.shift_s))} {way} it would: are the times shifted (--origin)?")
    return lines


def others(fit: Fit) -> list[str]:
    """What holds only because other keys stood still."""
    varied = ", ".join(value.key for value in fit.values)
    lines = [f"only {varied} was varied" if len(fit.values) == 1 else f"only {varied} were varied"]
    alike = [other for other in fit.others if other.cosine >= ALIKE]
    if alike:
        shown = ", ".join(f"{other.key} ({other.cosine:.2f})" for other in alike)
        lines[0] += f"; {shown} would change the simulation alike (cosine): these data do not say which of them it is"
    better = [other for other in fit.others if other.takes_away_share >= 0.5]
    if better and fit.misfit.is_systematic:
        best = max(better, key=lambda other: other.takes_away_share)
        lines.append(
            f"varied too, {best.key} could take away about {show_share(best.takes_away_share)} of the squared misfit"
        )
    return lines


MISFIT_MOST = 0.05  # share of the times on the wrong side of a bound from which on a family is called a poor fit
RARE_SHARE = 0.01  # of the mean: by so much less it is told that the file lacks the rarest times


def distribution(one: Family) -> str:
    """A fitted distribution as a scenario has it."""
    mean = f"{1000 * one.mean_s:.4g}ms" if one.mean_s < 1 else f"{one.mean_s:.4g}s"
    shape = f", cv = {one.cv:.3g}" if one.dist == "lognormal" else ""
    return f'{{ dist = "{one.dist}", mean = "{mean}"{shape} }}'


def service_times(found: ServiceTimes, file: str) -> str:
    """What a histogram says of service times, with lines to put into a scenario; `file` holds the measured times, ""
    if none was written.
    """
    lines = [*found.said, f"{show_count(found.times)} times, {show_duration(found.mean_s)} on average"]
    if found.beyond_share > 0:
        much = f"{show_share(found.beyond_share)} of them are longer than the last bound"
        lines.append(f"{much}, {show_duration(found.last_bound_s)}: how long is not known, taken as that")
    for one in found.families:
        poor = ": a poor fit" if one.misfit_share > MISFIT_MOST or one.cv > CV_MOST else ""
        off = f"at no bound are more than {show_share(one.misfit_share)} of the times on the wrong side{poor}"
        lines.append(f"establish_time = {distribution(one)}   # {off}")
    if file:
        rare = abs(found.file_mean_s - found.mean_s) > RARE_SHARE * found.mean_s
        lacks = f"; {show_duration(found.file_mean_s)} on average, as the rarest are not in it" if rare else ""
        lines.append(f'establish_time = {{ dist = "empirical", file = "{file}" }}   # as measured{lacks}')
    elif all(one.misfit_share > MISFIT_MOST or one.cv > CV_MOST for one in found.families):
        lines.append("neither fits well: want --out times.csv, and the times as they were measured")
    return "\n".join(lines)
