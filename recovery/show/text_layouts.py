"""Where the lines of a text lie is worked out once for each text, not once for each picture and each pass over it.

matplotlib asks for it three times a picture and more: while it lays the picture out, and when it draws. It remembers
the width of a line, but for one picture alone, and reads the font's tables at each question.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from matplotlib.backend_bases import RendererBase
from matplotlib.text import Text

_KNOWN: dict[tuple[object, ...], object] = {}
_KNOWN_MAX = 4096  # texts; a long report has a few hundred


@contextmanager
def kept() -> Iterator[None]:
    """In here, where figures have 72 dots an inch, matplotlib lays out no text twice."""
    ask: Callable[[Text, RendererBase], object] | None = getattr(Text, "_get_layout", None)
    if ask is None:  # another matplotlib
        yield
        return

    def known(text: Text, renderer: RendererBase) -> object:
        if text.get_wrap():  # hangs on where in the picture it stands
            return ask(text, renderer)
        key = (
            type(renderer),
            text.get_text(),
            hash(text.get_fontproperties()),  # by which matplotlib itself tells two fonts apart
            text.get_rotation(),
            text.get_rotation_mode(),
            text.get_horizontalalignment(),
            text.get_verticalalignment(),
            text.get_usetex(),
            text.get_parse_math(),
            getattr(text, "_multialignment", None),
            getattr(text, "_linespacing", None),
        )
        if key not in _KNOWN:
            if len(_KNOWN) >= _KNOWN_MAX:
                _KNOWN.clear()
            _KNOWN[key] = ask(text, renderer)
        return _KNOWN[key]

    setattr(Text, "_get_layout", known)  # noqa: B010
    try:
        yield
    finally:
        setattr(Text, "_get_layout", ask)  # noqa: B010
