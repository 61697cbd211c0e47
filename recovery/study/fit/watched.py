"""How far a fit is, in lines, and about how many simulations it takes."""

import time
from collections.abc import Callable, Sequence

from recovery.reading.experiment import Experiment
from recovery.study import ahead
from recovery.units import show_duration

# Simulations of fits of so many keys that start with `SAMPLES`, as counted: of milestones; and of a curve, where each
# value that may fit is judged by runs of its own.
TYPICAL = {1: (40, 120), 2: (150, 400)}
TYPICAL_OF_CURVES = {1: (90, 450), 2: (400, 1500)}
SAMPLES = 16
FARTHER = 1.5  # times as long as in the middle of the ranges: from here on the ends are told, too
SLOW_S = 2.0  # a simulation that takes longer is worth a smaller fleet


class Watched:
    """Says how far a fit is: a first line once it has taken some seconds, then one every half minute at most. How long
    it takes is told by other fits of as many keys, since what is tried hangs on what is found.
    """

    FIRST_S, EVERY_S = 5.0, 30.0

    def __init__(self, say: Callable[[str], None], keys: int, samples: int, *, is_curve: bool = False) -> None:
        self.say, self.keys, self.samples = say, keys, samples
        self.typical = TYPICAL_OF_CURVES if is_curve else TYPICAL
        self.begun, self.said, self.what = time.monotonic(), -1.0, ""
        self.first = (0, -1.0)  # simulations when some were done first, and when: the first loads what all need
        self.is_whole_told = False

    def foretell(self, experiment: Callable[[Sequence[float]], Experiment], threads: int) -> None:
        """Say how long the whole fit takes by small runs, where that is long, and what takes less. `experiment` has the
        values at places of their ranges: those in the middle, and of each key the end that alone costs most.
        """
        (low, high), middle = self._simulations, [0.5] * self.keys
        head = experiment(middle).head

        def takes(places: Sequence[float]) -> ahead.Takes | None:
            return ahead.takes([(experiment(places).first, low * head.replications)], head.seed, threads)

        def ends_take(key: int) -> tuple[float, float]:
            alone = ([*middle[:key], end, *middle[key + 1 :]] for end in (0.0, 1.0))
            low_s, high_s = (0.0 if (one := takes(places)) is None else one.about_s for places in alone)
            return low_s, high_s

        dearest = [float(high_s >= low_s) for low_s, high_s in map(ends_take, range(self.keys))]
        found, most = takes(middle), takes(dearest)
        if most is None or (found is not None and found.about_s > most.about_s):
            most = found
        if most is None:
            return
        line = f"a fit of {self._keys} takes {low} to {high} simulations as a rule; by small runs {low} take "
        if found is None or most.about_s > FARTHER * found.about_s:
            few = f"less than {show_duration(ahead.LONG_S)}" if found is None else str(found)
            line += f"{few} in the middle of the ranges, and up to {most} at their ends"
        else:
            line += f"{most}"
        if experiment(middle).first.scenario.fleet is not None and most.about_s / low > SLOW_S:
            line += (
                ". A smaller fleet with as many holders to a worker (fleet.holders, host.workers, all rates and limits "
                "in requests divided alike) gives nearly the same curve sooner"
            )
        self.say(line)

    def begin(self, what: str) -> None:
        """What is done from here on."""
        self.what = what

    def done(self, simulations: int) -> None:
        """So many simulations are done."""
        now = time.monotonic()
        took_s = now - self.begun
        if self.first[0] == 0:
            self.first = (simulations, now)
        if (now - self.said < self.EVERY_S) if self.said >= 0 else took_s < self.FIRST_S:
            return
        line = (
            f"{self.what}: {simulations} simulation{'' if simulations == 1 else 's'} in {show_duration(round(took_s))}"
        )
        if not self.is_whole_told and simulations > self.first[0]:
            line += f"; {self._whole((now - self.first[1]) / (simulations - self.first[0]))}"
            self.is_whole_told = True
        self.say(line)
        self.said = now

    def _whole(self, each_s: float) -> str:
        low, high = self._simulations
        if self.keys > max(self.typical):
            line = f"a fit of {self._keys} takes over {high} as a rule"
            return f"{line}: so over {show_duration(round(high * each_s))} in all"
        times = f"{show_duration(round(low * each_s))} to {show_duration(round(high * each_s))}"
        return f"a fit of {self._keys} takes {low} to {high} as a rule: so {times} in all"

    @property
    def _keys(self) -> str:
        return "1 key" if self.keys == 1 else f"{self.keys} keys"

    @property
    def _simulations(self) -> tuple[int, int]:
        """How many such a fit takes as a rule, from and to."""
        low, high = (many + max(self.samples - SAMPLES, 0) for many in self.typical[min(self.keys, max(self.typical))])
        return low, high
