"""Templates become text. What Jinja compiles of them is kept in the user's temporary folder: it takes a tenth of a
second, and a page of known pictures not much more.
"""

import re
from contextlib import suppress

import jinja2
import markupsafe
from jinja2.bccache import Bucket


class _Kept(jinja2.FileSystemBytecodeCache):
    """Jinja's own, in a folder that is this user's alone; a full disk costs time and no page."""

    def dump_bytecode(self, bucket: Bucket) -> None:
        with suppress(OSError):
            super().dump_bytecode(bucket)


def _kept() -> _Kept | None:
    try:
        return _Kept()
    except (OSError, RuntimeError):  # no such folder, or none that is safe
        return None


def whole(text: str) -> markupsafe.Markup:
    """A text in which no option of a command is broken over two lines: a browser may break a line after a hyphen."""
    held = markupsafe.Markup('<span class="held">{}</span>')
    parts = re.split(r"(?<!\S)(--?[a-z][\w-]*)", text)
    return markupsafe.Markup("").join(held.format(part) if i % 2 else part for i, part in enumerate(parts))


def filled(name: str, **values: object) -> str:
    """A template of ours with `values`, all of which are escaped that are no Markup."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("recovery.show"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        bytecode_cache=_kept(),
    )
    environment.filters["whole"] = whole
    return environment.get_template(name).render(**values)
