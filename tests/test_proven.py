"""The page of proofs names every policy that a host may choose, and only tests that there are."""

import re
import sys
from pathlib import Path

from recovery.model.policies import AXES, name_of

TESTS = Path(__file__).resolve().parent
sys.path.append(str(TESTS.parent / "docs"))


def test_every_policy_was_held_against_something() -> None:
    from generate import proven

    every = {(axis, name_of(rule)) for axis, rules in AXES.items() for rule in rules}
    assert set(proven.ORACLES) == every
    rows = [line for line in proven.page().splitlines() if line.startswith("| `")]
    assert len(rows) == len(every)


def test_the_tests_are_there() -> None:
    from generate import proven

    for told in proven.ORACLES.values():
        files = re.findall(r"`(test_\w+\.py)`", told)
        assert files
        for file in files:
            assert (TESTS / file).is_file(), file
