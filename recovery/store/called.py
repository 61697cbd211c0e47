"""The command line that results are made by, if a command makes them: a page names it, to be given again."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

_words: ContextVar[tuple[str, ...]] = ContextVar("words", default=())


@contextmanager
def called_with(words: Sequence[str]) -> Iterator[None]:
    """What is made inside is made by `recovery` with these words."""
    token = _words.set(("recovery", *words))
    try:
        yield
    finally:
        _words.reset(token)


def command_line() -> tuple[str, ...]:
    """The words of the command, with its name; empty where a program or a notebook asks by itself."""
    return _words.get()
