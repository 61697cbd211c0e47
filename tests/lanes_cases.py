"""How hosts and runs on the lane engine are compared with another engine's: cut anywhere, of any sizes."""

from collections.abc import Callable
from typing import TypeVar

import numpy as np
import pytest
from hypothesis import strategies as st
from kernel_cases import G, grid
from recovery_kernels import requests
from recovery_kernels.lanes import layout
from recovery_kernels.requests import Inputs

from recovery.model.variant import Variant
from recovery.simulate import pipeline
from recovery.stages import engines
from recovery.stages.lanes import LaneRun

Run = TypeVar("Run", bound=LaneRun)


def shrink(run: Run) -> Run:
    """The least arrays that the engine may be given, so that they have to grow or be used again."""
    of, queues = run.host.lanes, run.queues()
    end = int(of[layout.OFFSET + queues[0]])
    for queue in queues:
        of[layout.MASK + queue], of[layout.OFFSET + queue] = 1, end
        end += 2 * layout.ROW
    if run.params.traffic == requests.JOBS:
        of[[layout.MASK + layout.ANSWERS, layout.MASK + layout.NEAR]] = 0
    run.host = run.host._replace(
        rows=run.host.rows[:end].copy(), begun=run.host.begun[:1].copy(), stack=run.host.stack[: layout.TALL].copy()
    )
    return run


def in_pieces(data: st.DataObject, new: Callable[[int], Run], until_ns: int, inputs_by: Callable[[int], Inputs]) -> Run:
    """A host that was taken to `until_ns`, for any sizes, and wherever the run is cut; and whether or not what people
    do is known before it is done. `new` makes it, with a wheel that turns in about so many ns; `inputs_by` is what is
    known by a time.
    """
    span = data.draw(st.sampled_from([1, 128, G, 60 * G, 2000 * G, 10**9, 10**15]), label="span_ns")
    stops = data.draw(st.lists(st.one_of(grid(0, 120), st.integers(0, 120 * G)), max_size=6), label="stops")
    run = new(span)
    if data.draw(st.booleans(), label="small"):
        run = shrink(run)
    elif data.draw(st.booleans(), label="few ahead of the clock"):
        run.host = run.host._replace(begun=run.host.begun[: data.draw(st.sampled_from([4, 64, 128]))].copy())
    is_known = data.draw(st.booleans(), label="controls are known")
    for stop in [*sorted(stop for stop in stops if stop < until_ns), until_ns]:
        if not is_known:
            run.inputs = inputs_by(stop)
        run.advance(stop)
    return run


def on_either_engine(variant: Variant, monkeypatch: pytest.MonkeyPatch) -> pipeline.Outcome:
    """What a run gives on lanes with two threads. It has the same bits on the other engine with one."""
    assert engines.engine_of(variant.scenario) == engines.LANES
    with pipeline.Runner(2) as two:
        [ours] = two.run([(variant, 1, 0)])
    with pipeline.Runner(1) as runner:
        monkeypatch.setattr(engines, "runs_on_lanes", lambda *_: False)
        assert engines.engine_of(variant.scenario) != engines.LANES
        [theirs] = runner.run([(variant, 1, 0)])
    assert ours.actions == theirs.actions
    one, other = vars(ours.traffic), vars(theirs.traffic)
    assert one.keys() == other.keys()
    for name, wanted in other.items():
        found = one[name]
        if not isinstance(wanted, dict):
            found, wanted = {"": found}, {"": wanted}
        assert found.keys() == wanted.keys(), name
        for key, column in wanted.items():
            assert np.array_equal(found[key], column), f"{name} {key}"
    return ours
