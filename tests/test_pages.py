"""The page of a run: whole, self-contained, the same each time, and readable on a phone and on paper.

Oracles: the folder's own summary, for every number on the page; an XML parser, for the pictures; a browser, for the
layout; closed forms, for where a sweep tips over.
"""

import json
import math
import re
import shutil
from collections.abc import Sequence
from html import unescape
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from run_records import group_of, summary_of
from scipy.stats import binomtest

from recovery import units
from recovery.reading.experiment import parse
from recovery.show import figures, lever_figures, levers, pages, report, run_figures
from recovery.show import page as shared
from recovery.show.answers.run import answer_of
from recovery.show.run_figures import work
from recovery.simulate import pipeline
from recovery.store.folder import save
from recovery.store.record import number
from recovery.store.scenario_record import Quantity
from recovery.study import keeping
from recovery.study.summary import summarise

LEASES = """
title = "A small fleet <b>&"
question = "What brings it back?"
label = "nothing done"
clock = "2025-10-19T23:48-07:00"
seed = 3
horizon = "60m"
hold = "2m"
[expect]
ttr99_s = "< 30m"
[[notes]]
key = "host.timeout"
kind = "assumed"
why = "nobody knows"
[[observed]]
label = "all leases are there"
at = "40m"
measure = "leased_all_s"
confidence = "official"
source = "a log"
used_for_fit = true
[fleet]
holders = 400
hosts = 2
[host]
workers = 1
establish_time = { dist = "exponential", mean = "2s" }
renew_time = "50ms"
timeout = "60s"
fail_after = "100ms"
[lease]
duration = "5m"
check_every = "2m"
[dependency]
outages = [{ from = "0s", to = "15m" }]
[policy]
client = { name = "fixed", delay = "5s" }
[variants."bounded queue"]
policy.queue = { name = "bounded", limit = 10 }
[variants."last in, first out"]
policy.queue = "lifo"
"""
SWEEP = """
title = "A pushed queue"
question = "Up to which load?"
label = "R = 1"
replications = 6
seed = 5
horizon = "10m"
hold = "1m"
recovers_from = "60s"
coupling.window = "5s"
[jobs]
retries = 1
steps = [{ at = "0s", rate = "5/s" }, { at = "30s", rate = "60/s" }, { at = "60s", rate = "10/s" }]
[host]
establish_time = { dist = "exponential", mean = "50ms" }
timeout = "5s"
[variants."R = 3"]
jobs.retries = 3
[sweep]
levers."jobs.steps.2.rate" = { values = ["2/s", "4/s", "8/s", "12/s"] }
"""
JOBS = SWEEP[: SWEEP.index("[sweep]")]
MANY = "".join(
    f'[variants."limit {limit}"]\npolicy.queue = {{ name = "bounded", limit = {limit} }}\n' for limit in range(20, 25)
)


def run(text: str, out: Path) -> Path:
    """Folder with the results of an experiment."""
    experiment = parse(text)
    tasks = [
        (variant, experiment.head.seed, k)
        for variant in experiment.variants
        for k in range(experiment.head.replications)
    ]
    with pipeline.Runner(2) as runner:
        outcomes = list(runner.run(tasks))
    save(out, keeping.results(experiment, outcomes, summarise(experiment, outcomes)).files())
    return out


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders of a small lease experiment, one with many variants, a sweep and plain jobs, each with its page."""
    top = tmp_path_factory.mktemp("runs")
    texts = {"leases": LEASES, "many": LEASES + MANY, "sweep": SWEEP, "jobs": JOBS}
    found = {name: run(text, top / name) for name, text in texts.items()}
    for folder in found.values():
        assert report.write(folder) == folder / "report.html"
    return found


def page(folder: Path) -> str:
    return (folder / "report.html").read_text(encoding="utf-8")


def summary(folder: Path) -> Any:
    return json.loads((folder / "summary.json").read_text(encoding="utf-8"))


def words(text: str) -> str:
    """What a reader reads: no tags, no pictures, no script, single blanks."""
    return " ".join(
        unescape(re.sub(r"<[^>]+>", " ", re.sub(r"<(svg|style|script).*?</\1>", " ", text, flags=re.DOTALL))).split()
    )


KINDS = ("leases", "many", "sweep", "jobs")


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_needs_nothing_beside_itself(folders: dict[str, Path], kind: str) -> None:
    text = page(folders[kind])
    bare = re.sub(r'xmlns(:\w+)?="[^"]*"', "", text)
    assert not re.findall(r"https?:|\bsrc=|@import|<script\s|<link|<iframe|<object|import\(|fetch\(", bare)
    assert bare.count("<script>") == 1
    assert set(re.findall(r"url\((.)", bare)) <= {"#"}
    assert all(target.startswith("#") for target in re.findall(r'href="([^"]*)"', bare))


@pytest.mark.parametrize("kind", KINDS)
def test_every_id_is_there_once_and_every_reference_finds_its_own(folders: dict[str, Path], kind: str) -> None:
    text = page(folders[kind])
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    wanted = re.findall(r'href="#([^"]+)"|url\(#([^)"]+)\)|aria-labelledby="([^"]+)"', text)
    assert {name for names in wanted for name in names if name} <= set(ids)


def test_a_page_is_the_same_each_time(folders: dict[str, Path], tmp_path: Path) -> None:
    for kind in ("leases", "sweep"):
        again = tmp_path / kind
        again.mkdir()
        for name in ("manifest.json", "summary.json", "series.parquet"):
            shutil.copy(folders[kind] / name, again)
        report.write(again)
        files = sorted(file.relative_to(again) for file in again.rglob("*") if file.is_file())
        assert len(files) > 6
        assert [f for f in files if (again / f).read_bytes() != (folders[kind] / f).read_bytes()] == []


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_are_well_formed_and_say_what_to_see(folders: dict[str, Path], kind: str) -> None:
    files = sorted((folders[kind] / "figures").glob("*.svg"))
    assert files
    for file in files:
        root = ET.fromstring(file.read_text(encoding="utf-8"))
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
    text = page(folders[kind])
    assert len(re.findall("<figure ", text)) == len(files) == text.count("<figcaption>")
    assert all(len(label) > 40 for label in re.findall(r'role="img" aria-label="([^"]*)"', text))


def test_pictures_of_each_kind(folders: dict[str, Path]) -> None:
    names = {kind: {file.stem for file in (folder / "figures").glob("*.svg")} for kind, folder in folders.items()}
    shared = {"waiting", "work", "attempts", "time-to-recovery"}
    assert names["leases"] == {"leased"} | shared
    assert names["many"] == {"leased", "leased-each"} | shared
    assert names["jobs"] == {"backlog", "goodput"} | shared
    assert names["sweep"] >= {"collapse", "sweep-curves"}


def test_curves_of_a_sweep_whose_outages_differ_have_each_its_own_return(tmp_path: Path) -> None:
    text = SWEEP.partition("recovers_from")[0].replace("replications = 6", "replications = 1") + (
        "coupling.window = '5s'\njobs.steps = [{ at = '0s', rate = '5/s' }]\n"
        "host = { establish_time = '50ms', timeout = '5s' }\n"
        "dependency.outages = [{ from = '30s', to = '60s' }]\n"
        "sweep.levers.'dependency.outages.0.to' = { values = ['60s', '2m'] }\n"
    )
    manifest, whole, series = report.read(run(text, tmp_path))
    lever = levers.lever_of(whole)
    assert lever is not None
    with figures.style():
        picture = lever_figures._sweep_curves(manifest, whole, series, lever, "backlog")
    panel = picture.figure.axes[0]
    upright = [line.get_xdata() for line in panel.lines if len(set(np.asarray(line.get_xdata()).tolist())) == 1]
    assert sorted(float(np.asarray(x)[0]) for x in upright) == [60.0, 120.0]
    assert not panel.patches  # no shading, which would be of one of them only


def test_the_page_tells_the_values_of_levers_that_were_drawn(tmp_path: Path) -> None:
    text = SWEEP.partition("recovers_from")[0].replace("replications = 6", "replications = 1") + (
        "coupling.window = '5s'\njobs.steps = [{ at = '0s', rate = '5/s' }]\n"
        "host = { establish_time = '50ms', timeout = '5s' }\n"
        "dependency.outages = [{ from = '30s', to = '60s' }]\n"
        "sweep.levers.'host.timeout' = { min = '5s', max = '9s' }\nsweep.levers_method = 'lhs'\n"
        "sweep.levers_samples = 2\n"
    )
    folder = run(text, tmp_path)
    report.write(folder)
    told = words(page(folder))
    values = [group["levers"]["host.timeout"] for group in summary(folder)["groups"]]
    assert len(set(values)) == 2
    assert all(shared.text_of(value) in told for value in values)


def test_what_the_workers_do_adds_up_to_their_time(folders: dict[str, Path]) -> None:
    """Oracle: conservation. A worker is busy, idle or down at every moment, and what it does ends in some window."""
    manifest, found, series = report.read(folders["leases"])
    assert series is not None
    for group in found.groups:
        curve = figures.Curve(group.variant, figures.series_of(series, group))
        times, shares = work._shares_of_work(curve, 30)  # parts of the horizon in which every kind of work ends
        assert times[-1] == manifest.horizon_s
        assert sum(shares.values()) == pytest.approx(np.ones_like(times), abs=1e-9)


def test_every_number_of_the_summary_is_on_the_page(folders: dict[str, Path]) -> None:
    for kind in ("leases", "many"):
        seen = words(page(folders[kind]))
        for group in summary(folders[kind])["groups"]:
            assert group["variant"] in seen
            means = {name: number(found["mean"]) for name, found in group["measures"].items()}
            shown = [units.show_duration(means[f"ttr{depth}_s"]) for depth in (50, 90, 99, 100)]
            shown += [units.show_share(means["wasted_share"]), units.show_share(means["efficiency"])]
            names = ("amplification", "queue_peak", "unleased_holder_hours")
            shown += ["∞" if math.isinf(means[name]) else units.show_count(means[name]) for name in names]
            assert [number for number in shown if number not in seen] == []
    seen = words(page(folders["sweep"]))
    for group in summary(folders["sweep"])["groups"]:
        share, low, high = (units.show_share(group["collapsed"][end]) for end in ("share", "low", "high"))
        assert f"{share} {low} to {high}" in seen


def test_the_page_says_in_this_order_what_a_reader_asks(folders: dict[str, Path]) -> None:
    text = page(folders["leases"])
    seen = words(text)
    parts = ("What brings it back?", "Answer", "Expectations", "Leases:", "Variants", "Observed and simulated",
             "More pictures", "Where the numbers come from", "Fitted or assumed", "What was run")  # fmt: skip
    places = [text.index(part, text.index("<main") if i else 0) for i, part in enumerate(parts)]
    assert places == sorted(places)
    for said in (
        "nobody knows",
        "†1",
        "used for the fit",
        "official",
        "a log",
        "00:28",
        "ttr99_s < 30m",
        "policy.client.delay",
    ):
        assert said in seen
    assert "A small fleet <b>&" in seen  # as it was written, not as a tag
    assert json.loads((folders["leases"] / "manifest.json").read_text())["digest"] in seen


def test_a_page_speaks_of_what_its_holders_are_called(tmp_path: Path) -> None:
    """Oracle: the page itself. No word of ours says holder; the file's own key does, in the list of inputs."""
    text = LEASES.replace("[fleet]", '[fleet]\ncalled = "droplets"').partition("[variants.")[0]
    seen = words(report.write(run(text, tmp_path)).read_text(encoding="utf-8"))
    assert "some of the 400 droplets are without a lease" in seen
    assert "fleet.holders" in seen, "a key is a key, whatever holders are called"
    assert "time until half of the droplets have a lease" in seen
    assert "hours without a lease" in seen
    assert "holder" not in seen.lower().replace("fleet.holders", "")


def test_the_answer_names_the_best_variant_and_what_it_saves(folders: dict[str, Path]) -> None:
    groups = summary(folders["leases"])["groups"]
    best = min(groups[1:], key=lambda group: number(group["measures"]["ttr99_s"]["mean"]))
    said = answer_of(*report.read(folders["leases"])[:2]).change.text
    assert f"“{best['variant']}”" in said
    assert units.show_duration(number(best["measures"]["ttr99_s"]["mean"])) in said


def test_paths_of_a_machine_do_not_reach_the_page() -> None:
    top = "/" + "home"
    argv = ["recovery", "run", f"{top}/me/experiments/storm.toml", f"--out={top}/me/out/x", "host.workers=8"]
    assert shared.command(argv) == "recovery run experiments/storm.toml --out=out/x host.workers=8"


def test_a_folder_without_a_run_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"manifest\.json; want the folder of a finished run") as error:
        pages.write(tmp_path)
    assert str(tmp_path) in str(error.value)
    for text in ("{", "[]", '{"format": 0}'):
        (tmp_path / "manifest.json").write_text(text)
        with pytest.raises(ValueError, match=r"manifest\.json.*; ?want|manifest\.json has format"):
            pages.write(tmp_path)


@pytest.mark.parametrize("falls", [False, True])
def test_the_crossing_of_a_straight_line(falls: bool) -> None:
    at = [1.0, 2.0, 4.0, 8.0, 16.0]
    shares = [0.05 * x for x in at]
    if falls:
        shares = [1 - share for share in shares]
    assert levers.crossing(at, shares, [1.0] * 5) == pytest.approx(10.0)
    assert math.isnan(levers.crossing(at, [0.1] * 5, [1.0] * 5))


@pytest.mark.parametrize("falls", [False, True])
def test_an_edge_lies_between_the_nearest_points_that_tell(falls: bool) -> None:
    """20 runs at each of five points, of which 0, 0, 9, 20 and 20 collapse: nothing is known between 10 and 20 and 40.
    Oracle: by hand; only intervals that leave out a half tell.
    """
    many = (0, 0, 9, 20, 20)
    groups = []
    for x, n in zip((5, 10, 20, 40, 80), many[::-1] if falls else many, strict=True):
        group = group_of("a", {"collapsed": n, "recovered": 20 - n}, {"host.workers": x})
        low, high = binomtest(n, 20).proportion_ci()
        share = group.collapsed.model_copy(update={"low": low, "high": high})
        groups.append(
            group.model_copy(
                update={"collapsed": share, "lever_values": {"host.workers": Quantity(kind="number", value=x)}}
            )
        )
    lever = levers.lever_of(summary := summary_of((), groups))
    assert lever is not None
    found = levers.crossings(summary, lever)["a"]
    assert (found.low, found.high) == (10, 40)
    assert 20 <= found.at <= 40 if not falls else 10 <= found.at <= 20
    never = levers.crossings(summary_of((), groups[3:] if falls else groups[:2]), lever)["a"]
    assert math.isnan(never.at)


def test_pooling_gives_the_nearest_rising_sequence() -> None:
    """Oracle: no step towards any other rising sequence comes nearer (a convex problem has one minimum)."""
    rng = np.random.default_rng(1)
    for _ in range(50):
        values, weights = rng.random(8), rng.random(8) + 0.1
        found = np.asarray(levers.monotone(values.tolist(), weights.tolist()))
        assert (np.diff(found) >= 0).all()
        for _ in range(50):
            other = np.sort(rng.random(8))
            assert (weights * (found - values) * (other - found)).sum() >= -1e-12


def test_levers_are_numbers_with_their_unit() -> None:
    def of(values: Sequence[Any]) -> levers.Lever | None:
        found = [units.quantity(value) for value in values]
        return levers.lever_over("a.b", [None if one is None else Quantity(kind=one[0], value=one[1]) for one in found])

    assert of(["25ms", "0.5s"]) == levers.Lever("a.b", "duration", "ms", 1e3)
    assert of(["20/s", "60/min"]) == levers.Lever("a.b", "rate", "/s", 1.0)
    assert of(["5%", "10%"]) == levers.Lever("a.b", "share", "%", 100.0)
    assert of([1, 2, 3]) == levers.Lever("a.b", "number", "", 1.0)
    assert of(["fifo", "lifo"]) is None
    assert of([1, "unlimited"]) is None


def test_hidden_capacity_is_marked_for_each_variant(folders: dict[str, Path]) -> None:
    found = report.read(folders["sweep"])[1]
    lever = levers.lever_of(found)
    assert lever is not None
    predicted = {group.variant: levers.hidden_capacity(group.scenario, lever) for group in found.groups}
    assert predicted == {"R = 1": pytest.approx(20 / 2), "R = 3": pytest.approx(20 / 4)}


def test_a_fact_about_the_lever_is_drawn(folders: dict[str, Path]) -> None:
    manifest, found, series = report.read(folders["sweep"])
    plain = run_figures.figures_for(manifest, found, series)[0]
    marked = run_figures.figures_for(manifest, found, series, [lever_figures.Mark(6.0, "seen in the laboratory")])[0]
    assert len(marked.figure.axes[0].lines) == len(plain.figure.axes[0].lines) + 1


def test_a_variant_with_levers_is_told_apart_by_as_much_of_each_key_as_it_takes() -> None:
    values = {"host.establish_time.mean": "500ms", "host.renew_time.mean": "20ms", "host.workers": 2}
    assert (
        levers.label_of("as written", values)
        == "as written, establish_time.mean 500ms, renew_time.mean 20ms, workers 2"
    )
