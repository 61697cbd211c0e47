"""How far a fit is, in lines, and about how many simulations it takes."""

import time
from collections.abc import Callable

from recovery.model.variant import Variant
from recovery.study import ahead
from recovery.units import show_duration

TYPICAL = {1: (40, 120), 2: (150, 400)}  # simulations of fits of so many keys that start with `SAMPLES`: as counted
SAMPLES = 16
SLOW_S = 2.0  # a simulation that takes longer is worth a smaller fleet


class Watched:
    """Says how far a fit is: a first line once it has taken some seconds, then one every half minute at most. How long
    it takes is told by other fits of as many keys, since what is tried hangs on what is found.
    """

    FIRST_S, EVERY_S = 5.0, 30.0

    def __init__(self, say: Callable[[str], None], keys: int, samples: int) -> None:
        self.say, self.keys, self.samples = say, keys, samples
        self.begun, self.said, self.what = time.monotonic(), -1.0, ""

    def foretell(self, simulation: Variant, replications: int, seed: int, threads: int) -> None:
        """Say how long the whole fit takes by small runs, where that is long, and what takes less."""
        low, high = self._simulations
        found = ahead.takes([(simulation, low * replications)], seed, threads)
        if found is None:
            return
        scenario = simulation.scenario
        line = f"a fit of {self._keys} takes {low} to {high} simulations as a rule; {low} take {found}, by small runs"
        if scenario.fleet is not None and found.about_s / low > SLOW_S:
            line += (
                ". A smaller fleet with as many holders to a worker (fleet.holders, host.workers and all rates divided "
                "alike) gives nearly the same curve sooner"
            )
        self.say(line)

    def begin(self, what: str) -> None:
        """What is done from here on."""
        self.what = what

    def done(self, simulations: int) -> None:
        """So many simulations are done."""
        now = time.monotonic()
        took_s = now - self.begun
        if (now - self.said < self.EVERY_S) if self.said >= 0 else took_s < self.FIRST_S:
            return
        line = (
            f"{self.what}: {simulations} simulation{'' if simulations == 1 else 's'} in {show_duration(round(took_s))}"
        )
        self.say(line if self.said >= 0 else f"{line}; {self._whole(took_s / simulations)}")
        self.said = now

    def _whole(self, each_s: float) -> str:
        low, high = self._simulations
        if self.keys > max(TYPICAL):
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
        low, high = (many + max(self.samples - SAMPLES, 0) for many in TYPICAL[min(self.keys, max(TYPICAL))])
        return low, high
