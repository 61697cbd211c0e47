"""How Sphinx builds the site: `make docs`. Nothing is fetched, neither now nor by a reader's browser."""

import os
import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "kernels"), str(HERE)]

import generate
from sphinx.application import Sphinx

from recovery.version import VERSION

generate.write(HERE / "reference" / "generated")

project = "recovery"
version = release = VERSION
copyright = "its authors, under Apache-2.0"
language = "en"

extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["_build", "**/__pycache__"]
nitpicky = False
myst_heading_anchors = 4
myst_enable_extensions = ["attrs_block", "colon_fence", "deflist"]

# Docstrings name code between single backticks.
default_role = "code"
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_class_signature = "separated"

html_theme = "furo"
html_title = "recovery"
html_copy_source = False
html_show_sphinx = False
html_theme_options = {"footer_icons": [], "navigation_with_keys": True}
html_static_path = ["static"]
html_css_files = ["site.css"]
html_last_updated_fmt = None
pygments_style = "default"
pygments_dark_style = "native"

SHOWN = {
    "MODEL.md": "explanation/in-full.md",
    "CHANGELOG.md": "project/changes.md",
    "CONTRIBUTING.md": "project/contributing.md",
}


def lead_to_what_the_site_shows(_: Sphinx, page: str, source: list[str]) -> None:
    """Links of docs/ to files of the repository's top lead to the pages of the site that show them."""
    for file, shown in SHOWN.items():
        there = os.path.relpath(shown, Path(page).parent)
        source[0] = re.sub(rf"\]\((?:\.\./)+{re.escape(file)}", f"]({there}", source[0])


def setup(app: Sphinx) -> None:
    """What is done to each page before it is read."""
    app.connect("source-read", lead_to_what_the_site_shows)
