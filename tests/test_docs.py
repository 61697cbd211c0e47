"""The pages that people read: each link leads to a file of the clone, or says that its page is only in the site; each
page of the site is in its tree.

Oracle: the files themselves, and the rule by which headings become anchors (GitHub's, which MyST follows).
"""

import re
import runpy
from pathlib import Path

import pytest
from PIL import Image
from pygments.styles import get_style_by_name

from recovery.version import VERSION

TOP = Path(__file__).resolve().parent.parent
DOCS = TOP / "docs"
SCREENSHOTS = runpy.run_path(str(DOCS / "screenshots.py"))
MADE = DOCS / "reference" / "generated"  # while the site is built
SITE = sorted(page for page in DOCS.rglob("*.md") if MADE not in page.parents and "_build" not in page.parts)
PAGES = [*(TOP / name for name in ("README.md", "CONTRIBUTING.md", "MODEL.md", "CHANGELOG.md")), *SITE]
MADE_PAGES = {"scenario.md", "services.md", "commands.md", "policies.md", "proven.md", "systems.md"}


def name_of(page: Path) -> str:
    return str(page.relative_to(TOP))


def prose(page: Path) -> str:
    """A page without its fenced blocks, in which nothing is a link; a directive's text stays."""
    return re.sub(r"^```(?!\{)[^\n]*\n.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    text = prose(page)
    for included in re.findall(r"^```\{include\} (\S+)", text, re.MULTILINE):
        text += prose(page.parent / included)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}
    return slugs | {re.sub(r"^[\d-]+", "", slug) for slug in slugs}


def links(page: Path) -> list[str]:
    text = prose(page)
    found = re.findall(r"\]\(([^)\s]*)\)", re.sub(r"`[^`\n]*`", "", text))
    return [*found, *re.findall(r"\{download\}`[^`]*<([^>]+)>`", text)]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_each_link_leads_somewhere(page: Path) -> None:
    broken = []
    for link in links(page):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if target.parent == MADE:
            line = next(line for line in page.read_text(encoding="utf-8").splitlines() if link in line)
            if target.name not in MADE_PAGES or "in the site" not in line.partition(link)[2]:
                broken.append(link)
        elif not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


def test_links_of_a_page_that_another_includes_are_those_of_the_site() -> None:
    """Its links into docs/ are told from its own folder, so the directive must say so."""
    for page in SITE:
        for name, options in re.findall(r"^```\{include\} (\S+)\n((?::.*\n)*)```$", prose(page), re.MULTILINE):
            if any(link.startswith("docs/") for link in links(page.parent / name)):
                assert ":relative-docs: docs\n" in options, page


def test_each_page_is_in_the_tree_of_the_site() -> None:
    """Sphinx says so too, when the site is built."""
    reached, left = set(), [DOCS / "index.md"]
    while left:
        page = left.pop()
        reached.add(page)
        if page.parent == MADE:
            continue
        for tree in re.findall(
            r"^```\{toctree\}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
        ):
            for entry in re.findall(r"^(?!:)(\S+)$", tree, re.MULTILINE):
                found = sorted(page.parent.glob(f"{entry}.md")) if "*" in entry else [page.parent / f"{entry}.md"]
                left += [one.resolve() for one in found if one.resolve() not in reached]
    assert set(SITE) - reached == set()
    assert {page for page in reached if page.parent != MADE} == set(SITE)
    assert {page.name for page in reached if page.parent == MADE} == MADE_PAGES


def test_who_cites_cites_this_version() -> None:
    citation = (TOP / "CITATION.cff").read_text(encoding="utf-8")
    fields = dict(re.findall(r"^([\w-]+): (\S.*)$", citation, re.MULTILINE))
    assert (fields["version"], fields["license"], fields["cff-version"]) == (VERSION, "Apache-2.0", "1.2.0")
    assert {"message", "title"} <= set(fields)
    assert re.search(r"^authors:\n  - name: \S", citation, re.MULTILINE)


def test_pictures_of_the_page_are_as_wide_as_said_and_not_heavy() -> None:
    files = {name: DOCS / "static" / f"page-{name}.webp" for name in SCREENSHOTS["SIZES"]}
    assert sorted(files.values()) == sorted((DOCS / "static").glob("*.webp"))
    assert sum(file.stat().st_size for file in files.values()) < 600_000
    told = (DOCS / "reference" / "results.md").read_text(encoding="utf-8")
    for name, size in SCREENSHOTS["SIZES"].items():
        with Image.open(files[name]) as image:
            assert image.size == size
        assert f"static/page-{name}.webp" in told


def test_pictures_of_the_page_are_of_the_run_that_the_readme_shows() -> None:
    assert f"recovery {' '.join(SCREENSHOTS['NEW'])} > mine.toml" in (TOP / "README.md").read_text(encoding="utf-8")


UNWRITTEN = ("Token.Comment.Special", "Token.Text.Whitespace", "Token.Error")


def luminance(colour: str) -> float:
    digits = colour.lstrip("#")
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("key", ["pygments_style", "pygments_dark_style"])
def test_code_on_the_site_stands_out_from_what_is_behind_it(key: str) -> None:
    """Oracle: the ratio of WCAG 2.2, 4.5 for text; of all that our blocks hold (neither blanks nor errors)."""
    [name] = re.findall(rf'^{key} = "(.*)"$', (DOCS / "conf.py").read_text(encoding="utf-8"), re.MULTILINE)
    style = get_style_by_name(name)
    behind = luminance(style.background_color)
    faint = {}
    for token, look in style:
        if look["color"] and str(token) not in UNWRITTEN:
            light, dark = sorted((luminance(look["color"]), behind), reverse=True)
            if (light + 0.05) / (dark + 0.05) < 4.5:
                faint[str(token)] = look["color"]
    assert faint == {}
