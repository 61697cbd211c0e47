"""What limits one run of many, that is kept to explain how most of them end."""

from recovery.show import stage_times
from recovery.show.answers import mechanism
from recovery.store.record import Share
from recovery.store.run_record import Group, Measured
from recovery.store.sweep_record import Middle

ENDS = {"recovered": "recovers", "recovering": "still drains at the end", "collapsed": "collapses"}


def limit_of(found: Middle | None) -> mechanism.Limit | None:
    """What limits the run: the stage that is last, where stages follow the leases, else the leases or jobs."""
    if found is None:
        return None
    row, group = found.row, group_of(found)
    if "all_normal_s" in row.measures:
        return mechanism.limit_of_stage(group, stage_times.last_of(row, found.scenario.window_s))
    return mechanism.limit_of(group, down_s=found.down_s)


def group_of(found: Middle) -> Group:
    """The run as a variant of one run."""
    row = found.row
    return Group(
        variant=row.variant,
        runs=1,
        verdicts={row.verdict: 1},
        collapsed=Share(share=float(row.verdict == "collapsed")),
        measures={name: Measured(mean=value) for name, value in row.measures.items()},
        scenario=found.scenario,
        lost_again=found.lost_again,
    )
