"""What `recovery fit` says in words: the values, how good they are, and what else would do."""

import math
import re
from collections.abc import Sequence

import numpy as np

from recovery.store.fit_record import Family, Fit, FitMilestone, FitSeries, Jump, ServiceTimes, Tied, Value
from recovery.units import show_count, show_duration, show_share

STEEP = 0.1  # of what the data span: by so much a curve moves in one window where windows hide what it does
CV_MOST = 20.0  # that a lognormal of a scenario may have
ALIKE = 0.9  # cosine from which on two keys change the simulation alike
PARTED_MOST = 2  # stretches of a curve that are told, in which it is worst
MOST_OF_IT = 0.5  # of the squared error that is left: a key that could take away so much is told
MUCH = 2.0  # times what chance makes, from which on a fit is not said to explain the data without more
_MISSING = {
    "always": "in the simulation it does not occur with these values: what it ends never was",
    "never": "in the simulation it never comes with these values",
}


def show_value(value: float, unit: str) -> str:
    """A value of a series, for people."""
    if unit == "share":
        return show_share(value)
    return show_duration(value) if unit == "s" else f"{value:.3g}" + (" a second" if unit == "1/s" else "")


def told(fit: Fit) -> str:
    """The values, how far each milestone is off, and settings that do as well, for people; the rest says the answer."""
    width = max(len(value.key) for value in fit.values)
    lines = list(fit.said)
    for value in fit.values:
        said = interval(value) if value.is_determined else f"not determined: {open_to(value)}"
        if not fit.misfit.explains:  # an interval would hold only if the file were right
            said = "the closest tried, no interval: it does not explain the data"
        said += ", at the end of its range: the best may lie beyond" if value.is_at_end else ""
        lines.append(f"{value.key:<{width}}  {shown(value.text)}  ({said})")
    lines += [_met(one) for one in fit.picture.milestones]
    if fit.combinations:
        lines += ["", "These settings do as well as each other:", *(f"  {', '.join(one)}" for one in fit.combinations)]
    return "\n".join(lines)


def interval(value: Value) -> str:
    """The interval of a key that is determined."""
    return "no other fits" if value.low == value.high else f"{shown(value.low)} to {shown(value.high)}"


def shown(text: str) -> str:
    """A value as a scenario has it, for people: a time in the unit that suits it."""
    time = re.fullmatch(r"([0-9.]+)(m?s)", text)
    return show_duration(float(time[1]) / (1000 if time[2] == "ms" else 1)) if time else text


def shown_of(setting: str) -> str:
    """A key and its value, for people."""
    key, _, text = setting.partition(" ")
    return f"{key} {shown(text)}"


def _met(one: FitMilestone) -> str:
    """How a milestone is met: when it was, and when it is in the simulation."""
    taken = f"taken as ± {show_duration(one.sigma_s)}, one standard deviation"
    seen = f"{one.label}: {show_duration(one.observed_s)} observed ({taken})"
    if one.missing:
        return f"{seen}; {_MISSING[one.missing]}"
    chance = f", ± {show_duration(one.chance_s)} with other random numbers" if one.chance_s > 0 else ""
    return f"{seen}, {show_duration(one.simulated_s)} simulated{chance}"


def _chance(p: float) -> str:
    """How often chance alone makes so much."""
    return "less than once in 10,000 times" if p < 1e-4 else f"in {show_share(p)} of all cases"


def goodness(fit: Fit) -> list[str]:
    """How good the fit is, in sentences; what is wrong stands first."""
    misfit, unit = fit.misfit, fit.picture.series.unit if fit.picture.series else ""
    if fit.labels:
        if not math.isnan(misfit.p):
            often = f"chance alone is as far off {_chance(misfit.p)}"
            if misfit.explains:
                return [
                    f"the scenario explains the data: the milestones are met as closely as they are known ({often})"
                ]
            wrong = f"no value tried explains the data ({_tried(fit)}): they miss the milestones ({often})"
            return [wrong, *(_jump(one) for one in fit.jumps)]
        keys, stones = len(fit.values), len(fit.labels)
        those = f"{keys} key{'s' * (keys > 1)} can meet {stones} milestone{'s' * (stones > 1)}"
        met = f"{those} even where the file is wrong, so this is no test of it: another milestone, or a curve, would be"
        return [*(_jump(one) for one in fit.jumps), met]
    off = f"it is {show_value(misfit.rms, unit)} off (root mean square, {show_share(misfit.share)} of the data's "
    off += "standard deviation)"
    text = f"{off}, where chance alone makes {show_value(misfit.noise, unit)}"
    row = f"{misfit.run_longest} of {misfit.points} points in a row are off to the same side"
    much = misfit.rms / misfit.noise if misfit.noise > 0 else math.inf
    if fit.picture.series is not None and math.isfinite(much) and much >= MUCH:
        text += f"; that is {much:.2g} times what chance makes, and it is worst at {_worst(fit.picture.series)}"
    if not misfit.is_systematic and much < MUCH:
        series = fit.picture.series
        if coarse(fit) and series is not None:  # what happens within a window is not tried
            window = show_duration(series.grid_s[1] - series.grid_s[0])
            far = f"the curves are farthest apart at {_worst(series)}: look at the picture"
            return [f"as far as windows of {window} can tell, the scenario explains the data: {text}; {far}"]
        return [f"the scenario explains the data: {text}"]
    if not misfit.is_systematic:
        weak = (
            f"chance alone is as far off {_chance(misfit.p)}, so this is no proof of a fault, but look at the picture"
        )
        return [f"the scenario comes close to the data, but further off than chance mostly is: {text} ({weak})"]
    if misfit.explains:
        small = "more than chance, but little beside the data; the intervals are wider for it"
        rest = f"{text}: {small}" if much > 1 else f"{row}, which is {small}; {off}"
        return [f"the scenario comes close to the data but for a rest: {rest}"]
    # What is off to one side for long is no chance, even where it is no farther off than chance is all in all.
    much_off = text if much > 1 else off
    lines = [f"no value tried explains the data ({_tried(fit)}): {row}, and {much_off}", *parting(fit)]
    if math.isfinite(fit.shift_s):
        way = "later" if fit.shift_s > 0 else "earlier"
        by = f"{show_duration(abs(fit.shift_s))} {way}"
        lines.append(f"the simulation would fit far better if it came {by}, so the times may be shifted (--origin)")
    return lines


def _tried(fit: Fit) -> str:
    """In how many simulations no value was found."""
    return f"{fit.runs} simulation{'s' * (fit.runs != 1)}"


def coarse(fit: Fit) -> str:
    """What the windows of the simulation hide: where the curve does much within one of them; else ""."""
    series = fit.picture.series
    if series is None or len(series.grid_s) < 2:
        return ""
    window_s = series.grid_s[1] - series.grid_s[0]
    much = float(np.abs(np.diff(series.mean)).max())
    if much <= STEEP * float(np.ptp(series.values)):
        return ""
    finer = "1s" if window_s > 2 else f"{1000 * window_s / 5:.3g}ms"
    return (
        f"within one window of {show_duration(window_s)} the simulated curve moves by up to "
        f"{show_value(much, series.unit)}, and counts as a straight line; where your curve is as exact, shorter "
        f"windows make chance and intervals smaller (--set coupling.window={finer})"
    )


def cliff(fit: Fit) -> list[str]:
    """Where it is chance which way a run goes, in a sentence."""
    one = fit.cliff
    if one is None:
        return []
    values = _listed([shown_of(text) for text in one.values])
    line = f"It stands near a cliff: with {values}, {one.alike} of {one.runs} runs that differ in nothing but their "
    line += "random numbers go as your curve does, and the others another way (off by up to "
    line += (
        f"{show_share(one.farthest_share)} of the data's standard deviation): another such incident may go otherwise"
    )
    return [line]


def _worst(series: FitSeries) -> str:
    """When the simulated curve is farthest from the measured one."""
    off = np.abs(np.interp(series.times_s, series.grid_s, series.mean) - np.array(series.values))
    return show_duration(series.times_s[int(np.argmax(off))])


def parting(fit: Fit) -> list[str]:
    """From when to when the data and the simulation part most, in a sentence; of milestones none."""
    series = fit.picture.series
    if series is None:
        return []
    times = np.array(series.times_s)
    off = np.array(series.values) - np.interp(times, series.grid_s, series.mean)
    ends = np.flatnonzero(np.diff(np.sign(off))) + 1
    stretches = [part for part in np.split(np.arange(len(off)), ends) if len(part) > 1]
    worst = sorted(stretches, key=lambda part: -float(np.abs(off[part]).sum()))[:PARTED_MOST]
    most = float(np.abs(off[worst[0]]).sum()) if worst else 0.0
    told = [
        f"{'above' if off[part[0]] > 0 else 'below'} the simulation from {show_duration(times[part[0]])} to "
        f"{show_duration(times[part[-1]])} (by {show_value(float(np.abs(off[part]).mean()), series.unit)} on average)"
        for part in sorted(worst, key=lambda part: int(part[0]))
        if float(np.abs(off[part]).sum()) >= most / 4 > 0
    ]
    if not told:
        return []
    better = [other.key for other in fit.others if other.takes_away_share >= MOST_OF_IT]
    key = f"another key of it is wrong ({' or '.join(better)} would do)" if better else "a key of it is wrong"
    why = f"either something happened about then that the file does not tell, or {key}"
    return [f"the data lie {' and '.join(told)}: {why}"]


def _jump(one: Jump) -> str:
    """Why a milestone is not met though a key was free for it."""

    def comes(at_s: float) -> str:
        return f"at {show_duration(at_s)}" if math.isfinite(at_s) else "not before the horizon"

    sides = f"with {one.below} it comes {comes(one.below_s)}, with {one.above} {comes(one.above_s)}"
    return f"no value meets {one.label}: {sides}, and no value tried between them is closer"


def determines(fit: Fit) -> list[str]:
    """Why the data do not determine some keys, and what would, in sentences."""
    lines = []
    for value in fit.values:
        if value.key in fit.tells_nothing_of:
            low, high = shown(value.low), shown(value.high)
            lines.append(
                f"these data tell nothing of {value.key}: with the other values as they are, each value of its range, "
                f"{low} to {high}, does as well. Leave it out of --range, or add data that depend on it"
            )
    for keys in fit.not_told_apart:
        if len(keys) == 1:
            continue  # how far it is open says all
        names = f"{', '.join(keys[:-1])} and {keys[-1]}"
        lines.append(f"these data do not tell {names} apart: a change of one makes up for a change of the other")
        if fit.tells_apart:
            curves = ", ".join(fit.tells_apart)
            lines.append(f"a measured curve of {curves} would tell the settings below apart (--series, --column)")
        else:
            lines.append("measure one of them, and set it (--set KEY=VALUE): then the other can be found")
    waves = [value.key for value in fit.values if _comes_in_waves(value)]
    if any(key.startswith("policy.client.") for key in waves):
        lines.append(
            "clients that wait equally long come back in waves, and other delays bring a wave at the same moment: take "
            "the delay from the clients' code or settings"
        )
    elif waves:
        lines.append(
            f"values of {_listed(waves)} that fit lie apart, with others between them that do not, as where clients "
            "without jitter keep step with some values: take the one that was really set"
        )
    return lines


def known(fit: Fit) -> str:
    """What is known of each key and what is not, in sentences."""
    found = [f"{one.key} {shown(one.text)} ({interval(one)})" for one in fit.values if one.is_determined]
    nothing = fit.tells_nothing_of
    left_open = [
        f"{one.key} ({open_to(one)})" for one in fit.values if not one.is_determined and one.key not in nothing
    ]
    given = [one for tied in fit.tied for one in tied.settings]
    where = f", with {_listed(given)} as in the file" if given else ""
    lines = [f"Found: {', '.join(found)}{where}." if found else "No value is known for certain."]
    if left_open:
        beside = f", if the other key{'s' * (len(fit.values) > 2)} may change with it" if len(fit.values) > 1 else ""
        lines.append(f"Not determined: {', '.join(left_open)}{beside}.")
    if nothing:
        lines.append(f"Not told by these data: {', '.join(nothing)}.")
    return " ".join(lines)


def _listed(names: Sequence[str]) -> str:
    """Names in a row: "a, b and c"."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def _comes_in_waves(value: Value) -> bool:
    """Whether it is a time between attempts of which others, that were not tried, may do as well."""
    return not value.is_determined and (value.key == "policy.client.delay" or bool(value.elsewhere))


def open_to(value: Value) -> str:
    """Which values of a key fit, where it is not determined."""
    is_all = value.is_open_below and value.is_open_above
    return _open_to(value) + (", perhaps others too" if _comes_in_waves(value) and not is_all else "")


def _open_to(value: Value) -> str:
    low, high = shown(value.low), shown(value.high)
    if value.elsewhere:
        own, *parts = [_part(a, b) for a, b in ((value.low, value.high), *value.elsewhere)]
        return f"{own} fits; far from there {' and '.join(parts)} also fit{'s' * (len(parts) == 1)}"
    if value.is_open_below and value.is_open_above:
        return f"all values from {low} to {high}, its whole range, fit"
    if value.is_open_above:
        return f"{low} or more; up to {high}, where its range ends, values fit"
    if value.is_open_below:
        return f"{high} or less; down to {low}, where its range ends, values fit"
    return f"{_part(value.low, value.high)} fits"


def _part(low: str, high: str) -> str:
    """A part of a range."""
    return shown(low) if low == high else f"{shown(low)} to {shown(high)}"


def others(fit: Fit) -> list[str]:
    """What holds only because other keys stood still."""
    varied = ", ".join(value.key for value in fit.values)
    lines = [f"only {varied} was varied" if len(fit.values) == 1 else f"only {varied} were varied"]
    lines += [_tied(one) for one in fit.tied]
    told = {key for one in fit.tied for key in one.others}
    alike = [other for other in fit.others if other.cosine >= ALIKE and other.key not in told]
    if alike:
        shown = ", ".join(other.key for other in alike)
        lines[0] += f"; a change of {shown} would do nearly the same, so where the file has a wrong value there, the "
        lines[0] += "value found is wrong too" if len(fit.values) == 1 else "values found are wrong too"
    better = [other for other in fit.others if other.takes_away_share >= MOST_OF_IT]
    if better and fit.misfit.is_systematic:
        best = max(better, key=lambda other: other.takes_away_share)
        much = show_share(best.takes_away_share)
        lines.append(f"varied too (--range), {best.key} could take away about {much} of the squared error that is left")
    return lines


def _tied(one: Tied) -> str:
    """What is known of keys that enter as one ratio."""

    def product(keys: Sequence[str]) -> str:
        return keys[0] if len(keys) == 1 else f"({' × '.join(keys)})"

    ratio = f"{' × '.join(one.above)} / {product(one.below)}"
    return (
        f"work that waits is worked off at a rate that is one ratio, and no more than that is determined: {ratio}. "
        f"Where the file is wrong about {' or '.join(one.others)} by some factor, {_listed(one.keys)} is wrong by the "
        "same factor, and the fit is nearly as good"
    )


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
