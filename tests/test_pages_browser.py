"""Pages in a browser: what a reader clicks, sees at three widths, in the dark and on paper.

Oracles: the folder's own summary and series, for what the page's script says; the boxes and colours that the browser
draws.
"""

import csv
import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from browser import Page, browser
from click.testing import CliRunner
from test_pages import LEASES, MANY, run
from test_pages_sweep import draws_of, fabricate, policies_of

from recovery.cli.main import main
from recovery.show import forms, pages, redacted
from recovery.show.figures import COLOURS, GREY, INK
from recovery.store.record import number

SCRIPT_MAX = 40_000  # bytes
WIDTHS = (390, 800, 1440)
PRINTED_MAX = 8  # pages of a sweep
KINDS = ["run", "sweep", "race", "redacted", "compare"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A run of eight variants, and a sweep of fourteen policies, each with its page; and folders of the other kinds of
    page: the run redacted and beside itself, and the published race.
    """
    top = tmp_path_factory.mktemp("pages")
    found = {"run": run(LEASES + MANY, top / "run"), "sweep": fabricate(top / "sweep", policies_of(14), draws_of(32))}
    found["race"] = shutil.copytree(Path(__file__).parent.parent / "results" / "dns-race", top / "race")
    for folder in found.values():
        pages.write(folder)
    found["redacted"] = top / "redacted"
    found["redacted"].mkdir()
    shutil.copy(redacted.write(found["run"]), found["redacted"] / "report.html")
    shutil.copytree(found["run"], top / "again")
    asked = ["compare", str(found["run"]), str(top / "again"), "--out", str(top / "compared")]
    assert CliRunner().invoke(main, asked).exit_code == 0
    [page] = (top / "compared").rglob("report.html")
    return found | {"compare": page.parent}


@pytest.fixture(scope="module")
def screen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser(tmp_path_factory.mktemp("profile")) as page:
        yield page


def show(screen: Page, folder: Path, width: int = 1280, *, is_dark: bool = False, is_open: bool = False) -> None:
    screen.errors.clear()
    screen.open(folder / "report.html", width, is_dark=is_dark)
    if is_open:
        screen.ask("document.querySelectorAll('details').forEach(one => { one.open = true })")


def summary(folder: Path) -> Any:
    return json.loads((folder / "summary.json").read_text(encoding="utf-8"))


def rows(screen: Page, table: str) -> list[str]:
    """The first cells of a table's rows, as they stand."""
    first = "one => one.firstChild.textContent.trim()"
    found = screen.ask(f"[...document.querySelectorAll('#{table} tbody th')].map({first})")
    return [" ".join(str(text).split()) for text in found]


def column(screen: Page, table: str, measure: str) -> int:
    """The place of a column, from 1 on."""
    heads = f"[...document.querySelectorAll('#{table} thead th')].map(one => one.dataset.m || '')"
    return int(screen.ask(heads).index(measure)) + 1


# --- the script -------------------------------------------------------------------------------------------------------


def test_the_script_is_small_and_asks_for_nothing(folders: dict[str, Path]) -> None:
    source = resources.files("recovery.show").joinpath("templates", "page.js").read_bytes()
    assert len(source) < SCRIPT_MAX
    text = (folders["run"] / "report.html").read_text(encoding="utf-8")
    [script] = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    assert script.strip() == source.decode().strip()
    assert not re.search(r"\b(fetch|XMLHttpRequest|WebSocket|import|eval|localStorage|cookie)\b", script)


def test_a_click_sorts_and_a_third_one_gives_back_the_order_of_the_file(screen: Page, folders: dict[str, Path]) -> None:
    folder = folders["run"]
    show(screen, folder)
    groups = summary(folder)["groups"]
    times = {group["variant"]: number(group["measures"]["ttr99_s"]["mean"]) for group in groups}
    head = f"#measures thead th:nth-child({column(screen, 'measures', 'ttr99_s')}) button"
    assert rows(screen, "measures") == list(times)
    screen.click(head)
    assert [times[name] for name in rows(screen, "measures")] == sorted(times.values())
    screen.click(head)
    assert [times[name] for name in rows(screen, "measures")] == sorted(times.values(), reverse=True)
    assert screen.ask("document.querySelector('#measures [aria-sort]').getAttribute('aria-sort')") == "descending"
    screen.click(head)
    assert rows(screen, "measures") == list(times)
    assert not screen.errors


def test_sorting_takes_in_the_rows_that_are_folded(screen: Page, folders: dict[str, Path]) -> None:
    show(screen, folders["sweep"])
    found = summary(folders["sweep"])["policies"]
    shown = rows(screen, "policies")
    assert len(shown) == 10 < len(found)
    head = f"#policies thead th:nth-child({column(screen, 'policies', 'time_mean_s')}) button"
    screen.click(head)
    screen.click(head)
    ranks = [int(name.split()[0]) for name in rows(screen, "policies")]
    times = {policy["rank"]: policy["restricted"]["mean"] for policy in found}
    assert [times[rank] for rank in ranks] == sorted(times.values(), reverse=True)[:10]


def test_a_filter_keeps_the_rows_that_have_its_words(screen: Page, folders: dict[str, Path]) -> None:
    show(screen, folders["run"])
    screen.write(".tools input", "LIMIT 21")
    assert rows(screen, "measures") == ["limit 21"]
    assert screen.ask("document.querySelector('.tools [role=status]').textContent") == "1 of 8 rows"
    show(screen, folders["sweep"])
    last = max(summary(folders["sweep"])["policies"], key=lambda policy: policy["rank"])
    screen.write(".tools input", last["variant"])
    assert str(last["rank"]) in {name.split()[0] for name in rows(screen, "policies")}


def downloaded(screen: Page, table: str, place: Path) -> list[dict[str, str]]:
    """The rows of a table's file, once it is there."""
    screen.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(place))
    screen.click(f"#{table}-title ~ .tools button")
    file = place / f"{table}.csv"
    until = time.monotonic() + 20
    while not file.is_file() and time.monotonic() < until:
        time.sleep(0.05)
    with file.open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


def test_rows_download_as_csv_with_their_numbers(screen: Page, folders: dict[str, Path], tmp_path: Path) -> None:
    show(screen, folders["sweep"])
    found = downloaded(screen, "policies", tmp_path)
    policies = sorted(summary(folders["sweep"])["policies"], key=lambda policy: policy["rank"])
    assert len(found) == len(policies) == 14
    for row, policy in zip(found, policies, strict=True):
        wanted = policy["restricted"]
        ends = [float(row[f"time_mean_s{end}"]) for end in ("", "_low", "_high")]
        assert ends == pytest.approx([wanted["mean"], wanted["low"], wanted["high"]], rel=1e-4)
        assert float(row["not_back_share"]) == pytest.approx(policy["not_recovered"]["share"], rel=1e-4)


def test_the_csv_has_the_rows_that_the_filter_keeps(screen: Page, folders: dict[str, Path], tmp_path: Path) -> None:
    show(screen, folders["sweep"])
    names = [policy["variant"] for policy in summary(folders["sweep"])["policies"]]
    screen.write("#policies-title ~ .tools input", names[3])
    found = downloaded(screen, "policies", tmp_path)
    assert 0 < len(found) < len(names)
    assert all(names[3] in " ".join(row.values()) for row in found)


def test_what_is_not_measured_is_sorted_last_either_way(screen: Page, folders: dict[str, Path]) -> None:
    show(screen, folders["run"])
    at = column(screen, "measures", "ttr99_s")
    cells = f"[...document.querySelectorAll('#measures tbody tr td:nth-child({at})')]"
    screen.ask(f"{cells}.slice(1, 3).forEach(one => {{ one.dataset.v = 'nan'; one.textContent = '–'; }})")
    for _ in range(2):
        screen.click(f"#measures thead th:nth-child({at}) button")
        said = screen.ask(f"{cells}.map(one => one.textContent.trim())")
        assert said[-2:] == ["–", "–"] != said[:2]


def test_curves_tell_their_values_under_the_pointer(screen: Page, folders: dict[str, Path]) -> None:
    """Oracle: the series, at the time that the page says."""
    show(screen, folders["run"])
    middle = screen.middle("#figure-leased svg.wide")
    place = screen.ask(
        "(() => { const svg = document.querySelector('#figure-leased svg.wide'), b = svg.getBoundingClientRect(); "
        "const k = b.width / svg.viewBox.baseVal.width, [l, t, r, u] = JSON.parse(svg.dataset.panels)[0].box; "
        "return [b.x + k * (l + 0.4 * (r - l)), b.y + k * (t + u) / 2]; })()"
    )
    assert middle
    screen.point(*place)
    told = screen.ask("[...document.querySelectorAll('#figure-leased .told div')].map(one => one.textContent)")
    assert re.match(r"00:\d\d · holders with a lease \(%\)", told[0])
    series = pl.read_parquet(folders["run"] / "series.parquet").filter(variant="nothing done")
    at_s = 0.4 * float(series["time_s"].max())  # type: ignore[arg-type]
    near = series.filter((pl.col("time_s") - at_s).abs() < 60)["leased_share"] * 100
    [said] = [float(line.split()[0]) for line in told[1:] if "nothing done" in line]
    assert near.min() - 1 <= said <= near.max() + 1  # type: ignore[operator]
    screen.point(2, 2)
    assert screen.ask("document.querySelector('#figure-leased .told').hidden")
    screen.ask("document.querySelector('#figure-leased .drawn').focus()")
    screen.call("Input.dispatchKeyEvent", type="keyDown", key="ArrowRight", code="ArrowRight")
    shown = "[...document.querySelectorAll('#figure-leased .told')].filter(one => !one.hidden).length"
    assert screen.ask(shown) == 1, "the form that is not seen has a box of values, too"
    assert not screen.errors


def test_an_entry_of_a_legend_switches_its_curve_off_and_on(screen: Page, folders: dict[str, Path]) -> None:
    show(screen, folders["run"])
    entry = "#figure-leased svg.wide [data-key='0'][role=button]"
    seen = "getComputedStyle(document.querySelector(\"#figure-leased svg.wide [data-curve='0']\")).display"
    assert screen.ask(seen) != "none"
    screen.click(entry)
    assert screen.ask(seen) == "none"
    assert screen.ask(f'document.querySelector("{entry}").getAttribute("aria-pressed")') == "false"
    screen.ask(f'document.querySelector("{entry}").focus()')
    screen.call("Input.dispatchKeyEvent", type="keyDown", key="Enter", code="Enter")
    assert screen.ask(seen) != "none"


def test_a_link_opens_what_it_points_into(screen: Page, folders: dict[str, Path]) -> None:
    show(screen, folders["run"])
    assert not screen.ask("document.querySelector('#notes-fold').open")
    screen.click("a[href='#notes']")
    assert screen.ask("document.querySelector('#notes-fold').open")
    assert not screen.ask("document.querySelector('#run-fold').open")


def test_the_first_stop_of_a_keyboard_skips_to_the_answer(screen: Page, folders: dict[str, Path]) -> None:
    show(screen, folders["run"])
    for kind in ("keyDown", "keyUp"):
        screen.call("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
    assert screen.ask("document.activeElement.className") == "skip"
    assert screen.ask("document.activeElement.getBoundingClientRect().x") >= 0
    assert screen.ask("document.querySelector(document.activeElement.hash).contains(document.querySelector('.answer'))")


# --- what it looks like -----------------------------------------------------------------------------------------------

OVERLAPS = """
(() => {
  const found = [];
  for (const svg of document.querySelectorAll('figure svg')) {
    const frame = svg.getBoundingClientRect();
    if (!frame.width) continue;
    const texts = [...svg.querySelectorAll('text')].filter(one => one.textContent.trim());
    const boxes = texts.map(one => [one.textContent.trim(), one.getBoundingClientRect()]);
    const name = svg.closest('figure').id;
    for (const [text, b] of boxes) {
      if (b.left < frame.left - 2 || b.right > frame.right + 2 || b.top < frame.top - 2 || b.bottom > frame.bottom + 2)
        found.push(`${name}: "${text}" leaves its picture`);
    }
    boxes.forEach(([text, a], i) => boxes.slice(i + 1).forEach(([other, b]) => {
      const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const along = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      const most = Math.min(a.height, b.height) / 3;
      if (Math.min(across, along) > most && Math.min(text.length, other.length) > 2)
        found.push(`${name}: "${text}" on "${other}"`);
    }));
  }
  return found;
})()
"""

CONTRAST = """
(() => {
  const parse = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const linear = (v) => (v / 255 <= .03928 ? v / 255 / 12.92 : ((v / 255 + .055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => .2126 * linear(r) + .7152 * linear(g) + .0722 * linear(b);
  const behind = (one) => {
    for (; one; one = one.parentElement) {
      const found = parse(getComputedStyle(one).backgroundColor);
      if (found.length === 3 || found[3] > .5) return found;
    }
    return parse(getComputedStyle(document.body).backgroundColor);
  };
  const found = new Set();
  for (const one of document.querySelectorAll('body *')) {
    const own = [...one.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
    const box = one.getBoundingClientRect();
    if (!own || !box.width || box.right < 0 || ['SCRIPT', 'STYLE'].includes(one.tagName)) continue;
    const inside = one.closest('svg'), style = getComputedStyle(one);
    if (inside && one.style.fill && !one.style.fill.includes('var(')) continue;  // on a colour of a map
    const [a, b] = [light(parse(inside ? style.fill : style.color)), light(behind(one))];
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    const said = `${one.tagName} ${style.fill} ${style.color}: "${one.textContent.slice(0, 30)}" ${ratio.toFixed(2)}`;
    if (ratio < 4.5) found.add(said);
  }
  return [...found];
})()
"""


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_page_fits_its_screen_and_no_text_lies_on_another(
    screen: Page, folders: dict[str, Path], kind: str, width: int
) -> None:
    show(screen, folders[kind], width, is_open=True)
    assert screen.ask("document.documentElement.scrollWidth") <= width
    assert screen.ask("document.compatMode") == "CSS1Compat"
    forms_shown = "[...document.querySelectorAll('figure')].map(one => [...one.querySelectorAll('svg')]"
    forms_shown += ".filter(svg => svg.getBoundingClientRect().width).map(svg => svg.getAttribute('class')).join())"
    assert set(screen.ask(forms_shown)) == {"narrow" if width < 544 else "wide"}
    least = (
        "Math.min(...[...document.querySelectorAll('figure svg text')].filter(one => one.getBoundingClientRect().width)"
    )
    least += ".map(one => [one.getScreenCTM(), parseFloat(getComputedStyle(one).fontSize)])"
    least += ".map(([place, size]) => size * Math.hypot(place.a, place.b)))"
    assert screen.ask(least) > 9  # px
    assert screen.ask(OVERLAPS) == []
    assert not screen.errors


@pytest.mark.parametrize("is_dark", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_all_text_stands_out_from_what_is_behind_it(
    screen: Page, folders: dict[str, Path], kind: str, is_dark: bool
) -> None:
    """Oracle: the ratio of WCAG 2.2, 4.5 for text."""
    show(screen, folders[kind], is_dark=is_dark, is_open=True)
    assert screen.ask(CONTRAST) == []


GLARE = """
(() => {
  const linear = (v) => (v / 255 <= .03928 ? v / 255 / 12.92 : ((v / 255 + .055) / 1.055) ** 2.4);
  const found = [];
  for (const one of document.querySelectorAll('figure svg path, figure svg rect')) {
    const style = getComputedStyle(one), box = one.getBoundingClientRect();
    const frame = one.ownerSVGElement.getBoundingClientRect();
    const share = box.width * box.height / (frame.width * frame.height);
    const parts = (style.fill.match(/[\\d.]+/g) || []).map(Number);
    if (!(share > .02) || one.closest('defs') || style.fill === 'none' || parts.length < 3) continue;
    if ((parts[3] ?? 1) * style.fillOpacity * style.opacity < .3) continue;
    const light = .2126 * linear(parts[0]) + .7152 * linear(parts[1]) + .0722 * linear(parts[2]);
    if (light > .6) found.push(`${one.closest('figure').id}: ${style.fill} over ${share.toFixed(2)} of the picture`);
  }
  return found;
})()
"""


@pytest.mark.parametrize("kind", KINDS)
def test_no_large_bright_patch_is_on_a_dark_page(screen: Page, folders: dict[str, Path], kind: str) -> None:
    """Light curves on a light patch are not seen: shadings, too, have a colour of the dark page."""
    show(screen, folders[kind], is_dark=True, is_open=True)
    assert screen.ask(GLARE) == []


@pytest.mark.parametrize("kind", KINDS)
def test_no_caption_names_a_colour_that_a_dark_page_turns_around(folders: dict[str, Path], kind: str) -> None:
    """What is black on a light page is white on a dark one."""
    text = (folders[kind] / "report.html").read_text(encoding="utf-8")
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", text, re.DOTALL)
    assert captions
    assert [one for one in captions if re.search(r"\b(black|white|darker|lighter)\b", one, re.IGNORECASE)] == []


@pytest.mark.parametrize("kind", KINDS)
def test_regions_of_a_page_have_names_of_their_own(screen: Page, folders: dict[str, Path], kind: str) -> None:
    """Who hears a page jumps from region to region by their names."""
    show(screen, folders[kind])
    names = screen.ask(
        "[...document.querySelectorAll('section, [role=region]')].map(one => one.getAttribute('aria-label') || "
        "document.getElementById(one.getAttribute('aria-labelledby')).textContent.trim())"
    )
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("kind", KINDS)
def test_no_third_of_an_answer_is_empty(screen: Page, folders: dict[str, Path], kind: str) -> None:
    show(screen, folders[kind], 1440)
    found = screen.ask(
        "(() => { const box = document.querySelector('.answer dl').getBoundingClientRect(), rows = {}; "
        "for (const one of document.querySelectorAll('.answer dl > div')) { const b = one.getBoundingClientRect(); "
        "rows[Math.round(b.top)] = Math.max(rows[Math.round(b.top)] || 0, (b.right - box.left) / box.width); } "
        "return Object.values(rows); })()"
    )
    assert min(found) > 0.95


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_curves_stand_out_from_light_and_from_dark_paper() -> None:
    """Oracle: the ratio of WCAG 2.2, 3 for what is drawn."""
    for colour in (*COLOURS, GREY, INK):
        dark = forms.PALETTE[colour.lower()][1]
        for drawn, paper in ((colour, "#ffffff"), (dark, forms.PALETTE["#ffffff"][1])):
            high, low = sorted((luminance(drawn), luminance(paper)), reverse=True)
            assert (high + 0.05) / (low + 0.05) > 3, (drawn, paper)


def test_nothing_is_left_empty_at_the_right(screen: Page, folders: dict[str, Path]) -> None:
    for kind in ("run", "sweep"):
        show(screen, folders[kind], 1440)
        found = screen.ask(
            "(() => { const box = document.querySelector('main').getBoundingClientRect(), "
            "own = [...document.querySelectorAll('.hero > *')].map(one => one.getBoundingClientRect().right); "
            "return (Math.max(...own) - box.left) / box.width; })()"
        )
        assert found > 0.85


@pytest.mark.parametrize("kind", KINDS)
def test_all_of_a_page_is_on_paper_in_few_pages(screen: Page, folders: dict[str, Path], kind: str) -> None:
    show(screen, folders[kind])
    assert 1 <= len(re.findall(rb"/Type\s*/Page\b", screen.pdf())) <= PRINTED_MAX
    screen.call("Emulation.setEmulatedMedia", media="print")
    folded = (
        "[...document.querySelectorAll('.fold .inside, .rest table')].map(one => one.getBoundingClientRect().height)"
    )
    assert all(screen.ask(folded))
    shown = "[...document.querySelectorAll('figure')].map(one => [...one.querySelectorAll('svg')]"
    shown += ".filter(svg => svg.getBoundingClientRect().height > 20).length)"
    assert set(screen.ask(shown)) == {1}, "a picture is missing on paper, or there twice"
    tools = "[...document.querySelectorAll('.tools')].map(one => one.getBoundingClientRect().height)"
    assert not any(screen.ask(tools))
    screen.call("Emulation.setEmulatedMedia", media="")


@pytest.mark.parametrize("width", WIDTHS)
def test_a_ranking_needs_no_scrolling_and_has_all_columns_at_a_click(
    screen: Page, folders: dict[str, Path], width: int
) -> None:
    show(screen, folders["sweep"], width, is_open=True)
    is_whole = "[...document.querySelectorAll('.brief')].every(one => one.offsetWidth <= one.parentElement.clientWidth)"
    heads = (
        "[...document.querySelectorAll('#policies thead th')].filter(one => one.offsetWidth).map(one => one.dataset.m)"
    )
    assert screen.ask(is_whole)
    assert {"time_mean_s", "not_back_share"} <= set(screen.ask(heads))
    assert "fluid_bound_s" not in screen.ask(heads)
    screen.click(".all-columns input")
    assert len(screen.ask(heads)) == screen.ask("document.querySelectorAll('#policies thead th').length")
    screen.click(".all-columns input")


def test_the_points_of_a_sweep_need_no_scrolling_and_have_all_columns_at_a_click(screen: Page, tmp_path: Path) -> None:
    """As wide as a table of jobs gets: each number with its interval, runs that are never back, a long key."""
    text = """
seed = 1
replications = 4
horizon = "20m"
hold = "1m"
recovers_from = "70s"
jobs.retries = 1
jobs.steps = [{ at = "0s", rate = "2/s" }, { at = "1m", rate = "60/s" }, { at = "70s", rate = "5/s" }]
host = { establish_time = { dist = "exponential", mean = "100ms" }, timeout = "5s" }
[sweep]
method = "grid"
[sweep.levers]
"jobs.steps.2.rate" = { values = ["3/s", "4.7/s", "5/s", "8/s"] }
"""
    folder = run(text, tmp_path / "points")
    pages.write(folder)
    show(screen, folder, 1440, is_open=True)
    heads = "[...document.querySelectorAll('#measures thead th')].filter(one => one.offsetWidth).length"
    assert screen.ask("document.querySelectorAll('#measures thead th').length") >= 15
    few = screen.ask(heads)
    assert screen.ask("(one => one.offsetWidth <= one.parentElement.clientWidth)(document.querySelector('#measures'))")
    screen.click(".all-columns input")
    assert screen.ask(heads) == few + 2


def test_a_sweep_of_many_policies_is_on_few_pages_and_says_what_is_not(screen: Page, tmp_path: Path) -> None:
    """On paper the first thirty policies in their order, and how many more there are; on a screen all."""
    long = "let in 75 % of what the hosts can do, less the longer the queue, nothing at two minutes of work"
    policies = [one | {"variant": f"{one['variant']}; {long}"} for one in policies_of(300)]
    folder = fabricate(tmp_path / "many", policies, draws_of(4), with_series=False)
    pages.write(folder)
    show(screen, folder, is_open=True)
    seen = "[...document.querySelectorAll('#policies tbody tr, [data-of=policies] tbody tr')]"
    heights = f"{seen}.map(one => one.getBoundingClientRect().height > 0)"
    assert screen.ask(heights) == [True] * len(policies)
    assert len(re.findall(rb"/Type\s*/Page\b", screen.pdf())) <= PRINTED_MAX
    screen.call("Emulation.setEmulatedMedia", media="print")
    assert screen.ask(heights) == [True] * 30 + [False] * (len(policies) - 30)
    told = screen.ask("[...document.querySelectorAll('.paper')].map(one => one.textContent)")
    assert f"{len(policies) - 30} more rows are not on paper" in told[0]
    screen.call("Emulation.setEmulatedMedia", media="")


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The source of axe-core, fetched; skips where npm or the package cannot be had."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("no npm here, which fetches axe-core")
    place = tmp_path_factory.mktemp("axe")
    command = [npm, "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "axe-core@4.14.1"]
    try:
        subprocess.run(command, cwd=place, check=True, capture_output=True, timeout=120)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        pytest.skip(f"npm cannot fetch axe-core: {error}")
    return (place / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("is_dark", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_axe_finds_nothing_wrong(screen: Page, folders: dict[str, Path], axe: str, kind: str, is_dark: bool) -> None:
    """Oracle: the rules of axe-core."""
    show(screen, folders[kind], is_dark=is_dark, is_open=True)
    screen.ask(f"{axe};0")
    found = "axe.run(document).then(all => all.violations.map(one => `${one.id}: ${one.nodes[0].html}`))"
    assert screen.ask(found) == []
