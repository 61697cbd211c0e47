"""The policies of one's own that our experiments name, known while a test runs that loads these."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from recovery.model.policies import own as rules
from recovery.stages.sessions import own

OWN = sorted((Path(__file__).resolve().parent.parent / "experiments" / "own").glob("*.py"))


@pytest.fixture
def own_policies() -> Iterator[None]:
    """Scenarios may name them in this test, and in no other."""
    own.load(OWN)
    yield
    rules.forget()
