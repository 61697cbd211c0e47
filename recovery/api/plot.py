"""A picture that a notebook shows."""

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from recovery.errors import ScenarioError, nearest
from recovery.show import forms

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from recovery.show.figures import Picture


class Plot:
    """A picture with its name, its title, which says what to see, and its caption. `figure` is Matplotlib's."""

    def __init__(self, picture: "Picture") -> None:
        """Not to be called: `plot` of a Run or a Sweep makes plots."""
        self._picture = picture

    @property
    def name(self) -> str:
        """What the picture is called."""
        return self._picture.name

    @property
    def title(self) -> str:
        """The title on one line."""
        return self._picture.title

    @property
    def caption(self) -> str:
        """How to read it."""
        return self._picture.caption

    @property
    def figure(self) -> "Figure":
        """The figure, to be changed or saved in other forms."""
        return self._picture.figure

    def svg(self) -> str:
        """The picture as SVG, the same text each time."""
        return forms.svg(self._picture)

    def png(self) -> bytes:
        """The picture as PNG."""
        return forms.png(self._picture)

    def __repr__(self) -> str:
        return f"<Plot {self.name}: {self.title}>"

    def _repr_html_(self) -> str:
        above, below = escape(self.title), escape(self.caption)
        return f"<figure><strong>{above}</strong>{self.svg()}<figcaption>{below}</figcaption></figure>"

    def _repr_png_(self) -> bytes:
        return self.png()


def chosen(pictures: "Sequence[Picture]", name: str | None) -> Plot:
    """The picture of this name, or the first. Raises ScenarioError."""
    names = [picture.name for picture in pictures]
    if not names:
        raise ScenarioError("there is nothing to draw: curves are not kept of so many variants")
    if name is not None and name not in names:
        raise ScenarioError(f"no picture is called {name!r}{nearest(name, names)}; want one of {', '.join(names)}")
    return Plot(pictures[0 if name is None else names.index(name)])
