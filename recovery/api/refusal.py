"""Errors of what was asked, in the words of the command."""

from collections.abc import Iterator
from contextlib import contextmanager

from recovery.errors import ScenarioError


@contextmanager
def refused() -> Iterator[None]:
    """Each refusal (ValueError, FileExistsError) of the block as a ScenarioError."""
    try:
        yield
    except ScenarioError:
        raise
    except (ValueError, FileExistsError) as error:
        raise ScenarioError(str(error)) from error
