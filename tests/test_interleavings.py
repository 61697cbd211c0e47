"""Is the race possible at all: the search of all interleavings, its stories, and the verdict on each guardrail.

Oracles: the same search in plain Python (verdict, length, number of states); SPIN on a model of its own (verdict).
"""

import itertools
import shutil
import subprocess
from pathlib import Path

import pytest
from kernel_cases import OVERFLOW
from twin import interleavings as twin

from recovery.model.dns import GUARDRAILS
from recovery.stages import dns as stage

pytestmark = pytest.mark.filterwarnings(OVERFLOW)
ALL = [set(some) for n in range(3) for some in itertools.combinations(GUARDRAILS, n)]
SIZES = [(1, 2, 2, 1), (2, 1, 2, 1), (2, 1, 4, 2), (2, 2, 3, 1), (2, 3, 2, 1), (3, 1, 3, 1), (3, 2, 2, 1)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("guardrails", ALL, ids=lambda some: "+".join(sorted(some)) or "none")
def test_search_is_the_plain_one(size: tuple[int, int, int, int], guardrails: set[str]) -> None:
    found = stage.explore(*size, sorted(guardrails))
    length, states = twin.explore(*size, guardrails)
    assert (len(found.story) or None) == length
    if length is None:
        assert found.states == states


@pytest.mark.nojit
@pytest.mark.boundscheck
@pytest.mark.parametrize("guardrails", [set(), {"compare-and-set"}, {"keep-active", "refuse-empty"}, {"one-writer"}])
def test_search_is_the_plain_one_in_a_few_cases(guardrails: set[str]) -> None:
    found = stage.explore(2, 2, 3, 1, sorted(guardrails))
    assert (len(found.story) or None) == twin.explore(2, 2, 3, 1, guardrails)[0]


def test_the_shortest_story_is_that_of_the_event() -> None:
    story = stage.explore(2, 1, 2, 1).story
    assert "Enactor A writes plan 1 to endpoint 1, over plan 2, which is newer." in story
    assert story[-1].startswith("Enactor B has finished plan 2 and cleans up: it deletes plans 0 to 1")
    assert "endpoint 1 uses plan 1: it is empty" in story[-1]


@pytest.mark.parametrize(("size", "said"), [((4, 1, 1, 1), "enactors is 4; want 1 to 3"), ((2, 5, 1, 1), "endpoints")])
def test_what_is_too_large_is_refused(size: tuple[int, int, int, int], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        stage.explore(*size)


def spin(folder: Path, model: str) -> bool:
    """Whether SPIN finds a way to break the assertion."""
    (folder / "race.pml").write_text(model, encoding="utf-8")
    for command in (
        ["spin", "-a", "race.pml"],
        ["gcc", "-O1", "-w", "-DSAFETY", "-DNOREDUCE", "-o", "pan", "pan.c"],
    ):
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    said = subprocess.run(["./pan", "-m1000000", "-E"], cwd=folder, check=False, capture_output=True, text=True).stdout
    assert "max search depth too small" not in said
    assert "errors: " in said
    return "assertion violated" in said


@pytest.mark.skipif(not (shutil.which("spin") and shutil.which("gcc")), reason="needs spin and gcc")
@pytest.mark.parametrize("size", [(2, 2, 3, 1), pytest.param((3, 2, 3, 1), marks=pytest.mark.slow)])
@pytest.mark.parametrize("guardrails", ALL, ids=lambda some: "+".join(sorted(some)) or "none")
def test_verdict_is_that_of_spin(tmp_path: Path, size: tuple[int, int, int, int], guardrails: set[str]) -> None:
    found = stage.explore(*size, sorted(guardrails))
    assert found.is_possible == spin(tmp_path, twin.promela(*size, guardrails))
