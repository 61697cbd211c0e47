"""Errors of what was asked, in the words of the command."""

from collections.abc import Iterator
from contextlib import contextmanager

from recovery.errors import Refusal, ScenarioError


@contextmanager
def refused() -> Iterator[None]:
    """Each refusal of the block as a ScenarioError."""
    try:
        yield
    except ScenarioError:
        raise
    except Refusal as error:
        raise ScenarioError(str(error)) from error
