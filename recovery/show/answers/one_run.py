"""What limits one run of many, that is kept to explain how most of them end."""

from recovery.show import stage_times
from recovery.show.answers import mechanism, once_more
from recovery.show.answers.answer import Cause
from recovery.store.record import Share
from recovery.store.run_record import Group, Measured
from recovery.store.scenario_record import Span
from recovery.store.sweep_record import Middle
from recovery.units import show_count

ENDS = {"recovered": "recovers", "recovering": "still drains at the end", "collapsed": "collapses"}


def why(which: str, found: Middle) -> Cause | None:
    """Why the run, of which `which` is the name, ends as it does, and why leases are lost once more in it; None where
    no rule says either.
    """
    limit, again = _limit_of(found), _once_more(found)
    often = f", as {show_count(found.alike)} of {show_count(found.runs)} do" if found.alike < found.runs else ""
    head = f"{which} {ENDS[found.row.verdict]}{often}"
    is_well = found.row.told("ttr99_s") <= found.scenario.window_s
    if again is not None and (limit is None or is_well or once_more.is_all(limit, [found.row])):
        return Cause(text=f"{head}. {again.text}", mechanism=again.kind, number=again.number)
    if limit is None:
        return None
    cause = Cause(text=f"{head}: {limit.text}.", mechanism=limit.kind, number=limit.number)
    if again is None or once_more.HEAD in limit.text or found.row.verdict == "collapsed":  # the limit says it all
        return cause
    return cause.model_copy(update={"text": f"{cause.text} {again.text}"})


def _once_more(found: Middle) -> mechanism.Limit | None:
    """Why leases are lost once more after they were back; None where none are."""
    if not found.row.is_lost_again("ttr99_s"):
        return None
    done = once_more.as_done(group_of(found), [found.row])
    return once_more.why(done, found.row.of("recovers_from_s") + found.row.last("ttr99_s"))


def _limit_of(found: Middle) -> mechanism.Limit | None:
    """What limits the run: the stage that is last, where stages follow the leases, else the leases or jobs."""
    row, group = found.row, group_of(found)
    if "all_normal_s" in row.measures:
        return mechanism.limit_of_stage(group, stage_times.last_of(row, found.scenario.window_s))
    return mechanism.limit_of(group, down_s=found.down_s)


def group_of(found: Middle) -> Group:
    """The run as a variant of one run."""
    row, away = found.row, found.unleased_spans
    return Group(
        variant=row.variant,
        runs=1,
        verdicts={row.verdict: 1},
        collapsed=Share(share=float(row.verdict == "collapsed")),
        measures={name: Measured(mean=value) for name, value in row.measures.items()},
        scenario=found.scenario,
        unleased=Span(from_s=away[0].from_s, to_s=away[-1].to_s) if away else None,
        unleased_spans=away if len(away) > 1 else (),
        lost_again=found.lost_again,
    )
