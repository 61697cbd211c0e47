"""How much of the time nobody asks for a launch: a measure, as docs/adding.md adds one."""

import numpy as np

from recovery.measures.register import Measure
from recovery.model.scenario import Scenario
from recovery.stages import launches
from recovery.stages.stage import Row

MEASURE = Measure(
    name="launches_quiet_share",
    kind="share",
    stage="launches",
    title="quiet",
    meaning="share of the windows in which nobody asks for a launch",
    is_expected=True,
    is_shown=True,
)


def quiet_share(asked: np.ndarray) -> float:
    """Share of the windows in which nothing is asked for; `asked` int64[windows]."""
    return float((asked == 0).mean())


class LaunchTable(launches.LaunchTable):
    """What came of launches and changes."""

    def measures(self, scenario: Scenario, times_s: np.ndarray) -> Row:
        """When launches fail and work again, what became of them, and how often there are none."""
        row = super().measures(scenario, times_s)
        row["launches_quiet_share"] = quiet_share(self.columns["launches_asked"])
        return row
