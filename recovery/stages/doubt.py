"""How far the leased share of a fleet may be off of which only a sample of the hosts was simulated."""

from dataclasses import dataclass

import numpy as np

from recovery.statistics.arrays import Floats

MUCH, MOST = 0.25, 0.5  # of what is missing on the fleet, the part that was not simulated
TELL_MIN = 3.0  # where that is most, so many hosts must tell it, or there is no interval
SEEN_MIN = 10.0  # where it is much, so many holders of the hosts that tell it must be missing, if as many as of all
EARLIER = 3.0


@dataclass(frozen=True)
class Doubt:
    """How far the leased share of a sample may be off: float64[windows] standard deviation, with so many degrees of
    freedom (0: nothing tells it).

    Holders without a lease, float64[windows]: of the fleet (`missing`), those of them that were not simulated
    (`behind`), and the sum of squares of the latter over the hosts that tell them. `seen`: the share of the fleet's
    holders that is on these hosts.
    """

    deviation: Floats
    freedom: int
    missing: Floats
    behind: Floats
    squares: Floats
    seen: float

    def is_told_by_few(self, window: int) -> bool:
        """Whether too few hosts or holders tell how many are missing at the end of a window.

        How much of that was not simulated is looked at earlier, too, when three times as much was missing: at the end
        it may seem to be nothing by chance.
        """
        missing, behind = self.missing[window], self.behind[window]
        if self.freedom < 1 or (behind > MOST * missing and behind**2 < TELL_MIN * self.squares[window]):
            return True
        before = int(np.flatnonzero(self.missing[: window + 1] >= EARLIER * missing)[-1:].sum()) or window
        return bool(self.behind[before] > MUCH * self.missing[before] and missing * self.seen < SEEN_MIN)
