"""How far a fit is, in lines, and about how many simulations it takes."""

import time
from collections.abc import Callable

from recovery.units import show_duration

TYPICAL = {1: (40, 120), 2: (150, 400)}  # simulations of fits of so many keys that start with `SAMPLES`: as counted
SAMPLES = 16


class Watched:
    """Says how far a fit is: a first line once it has taken some seconds, then one every half minute at most. How long
    it takes is told by other fits of as many keys, since what is tried hangs on what is found.
    """

    FIRST_S, EVERY_S = 5.0, 30.0

    def __init__(self, say: Callable[[str], None], keys: int, samples: int) -> None:
        self.say, self.keys, self.samples = say, keys, samples
        self.begun, self.said, self.what = time.monotonic(), -1.0, ""

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
        keys = "1 key" if self.keys == 1 else f"{self.keys} keys"
        low, high = (many + max(self.samples - SAMPLES, 0) for many in TYPICAL[min(self.keys, max(TYPICAL))])
        if self.keys > max(TYPICAL):
            return f"a fit of {keys} takes over {high} as a rule: so over {show_duration(round(high * each_s))} in all"
        times = f"{show_duration(round(low * each_s))} to {show_duration(round(high * each_s))}"
        return f"a fit of {keys} takes {low} to {high} as a rule: so {times} in all"
