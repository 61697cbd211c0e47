"""The page of a sweep: whole, self-contained, the same each time, readable on a phone, and true to the folder.

The sweeps here are made up from a few plain formulas, not simulated: what is tested is what the page makes of them.
Oracles: the folder's own summary, for every number on the page; an XML parser and a browser, for pictures and layout.
"""

import itertools
import math
import re
import shutil
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import polars as pl
import pytest
from scipy.stats import qmc
from test_pages import page, summary, words

from recovery import theory, units
from recovery.show import pages, report_sweep, sweep_figures
from recovery.show.sweep_figures import harm
from recovery.show.sweep_figures.drawn import Sweep, Told, labels, told
from recovery.show.sweep_figures.harm import front
from recovery.show.sweep_figures.sensitivity import sensitivity
from recovery.store import sweep_record
from recovery.store.json_text import to_json
from recovery.store.manifest_record import FORMAT
from recovery.store.record import Estimate
from recovery.store.sweep_record import Design, Index, Lever, Policy, Summary, SweepManifest

LIMIT_S = 19380.0
QUEUES = ("fifo", "drop-expired", "lifo", "bounded(limit=2m)", "bounded(limit=10m)", "codel-folly")
CLIENTS = (
    "fixed(delay=30s)",
    "full-jitter(base=1m, cap=2h)",
    "exponential(base=30s, cap=30m)",
    "retry-budget(share=10%)",
)
LEASES = ("keep", "freeze")
VARIANTS = (
    "as it happened",
    "no action",
    "throttle without restarts",
    "restarts only",
    "token-bucket",
    "aimd",
    "vegas",
)
LEVERS = ("policy.queue", "policy.client", "policy.lease")
HARMS = {"leases": ("denied_share", "unleased_holder_hours", "wasted_share"), "jobs": ("denied_share", "wasted_share")}
UNCERTAINTIES = (
    {"key": "host.timeout", "min": 180.0, "max": 600.0, "distribution": "log-uniform", "unit": "s"},
    {"key": "host.establish_time.mean", "min": 2.0, "max": 4.0, "distribution": "uniform", "unit": "s"},
    {"key": "policy.client.delay", "min": 10.0, "max": 120.0, "distribution": "log-uniform", "unit": "s"},
    {"key": "host.reject_cost", "values": [0.001, 0.01, 0.1], "unit": "s"},
    {"key": "lease.duration.dist", "values": ["uniform", "constant"]},
)
HEAD = {
    "title": "Which policy brings the leases back soonest <b>&",
    "question": "Over everything that we do not know: which policy is never far from the best?",
    "answer": "A bounded queue.",
    "label": "as it happened",
    "clock": "2025-10-19T23:48-07:00",
    "seed": 20251019,
    "replications": 1,
    "expect": {},
}


def interval(values: Sequence[float]) -> dict[str, float]:
    """Mean with a normal 95 % interval; all nan without values."""
    found = np.asarray(values, float)
    found = found[np.isfinite(found)]
    if not len(found):
        return {"mean": math.nan, "low": math.nan, "high": math.nan}
    half = 1.96 * float(found.std()) / math.sqrt(len(found))
    return {"mean": float(found.mean()), "low": float(found.mean()) - half, "high": float(found.mean()) + half}


def share(some: int, of: int) -> dict[str, float]:
    """A share with Clopper and Pearson's interval."""
    low, high = theory.clopper_pearson(some, of)
    return {"share": some / of, "low": low, "high": high}


def draws_of(n: int) -> list[dict[str, Any]]:
    """Points of a Sobol sequence over UNCERTAINTIES."""
    draws = []
    for point in qmc.Sobol(len(UNCERTAINTIES), seed=1).random(n):
        draw: dict[str, Any] = {}
        for place, one in zip(point, UNCERTAINTIES, strict=True):
            if "values" in one:
                draw[one["key"]] = one["values"][int(place * len(one["values"]))]  # type: ignore[index,arg-type,call-overload]
            elif one["distribution"] == "log-uniform":
                draw[one["key"]] = one["min"] * (one["max"] / one["min"]) ** place  # type: ignore[operator]
            else:
                draw[one["key"]] = one["min"] + place * (one["max"] - one["min"])  # type: ignore[operator]
        draws.append(draw)
    return draws


def policies_of(n: int) -> list[dict[str, Any]]:
    """`n` policies over all levers, the baseline first."""
    combined = list(itertools.islice(itertools.product(VARIANTS, CLIENTS, LEASES, QUEUES), 0, None))
    step = max(1, len(combined) // n)
    picked = [combined[i * step % len(combined)] for i in range(n)]
    out = []
    for variant, client, lease, queue in picked:
        levers = dict(zip(LEVERS, (queue, client, lease), strict=True))
        name = ", ".join([variant, *(f"{key.rsplit('.', 1)[-1]}={value}" for key, value in levers.items())])
        out.append({"id": f"{len(out):08x}", "variant": variant, "levers": levers, "name": name})
    return out


def outcome(policy: dict[str, Any], draw: dict[str, Any], traffic: str, noise: float) -> dict[str, Any]:
    """One run: back after the bound and some wasted work, or never where a queue is longer than its limit allows."""
    bound_s = 2800.0 * draw["host.establish_time.mean"] / 2.8
    r1 = bound_s / draw["host.timeout"]
    levers = policy["levers"]
    waits = {"fifo": 1.0, "drop-expired": 0.35, "lifo": 0.12, "codel-folly": 0.2, "bounded(limit=2m)": 0.1}.get(
        levers.get("policy.queue", "fifo"), 0.55
    )
    calm = 0.8 if levers.get("policy.lease") == "freeze" else 1.0
    calm *= 1 - 0.1 * CLIENTS.index(levers.get("policy.client", CLIENTS[0]))
    if "policy.queue.limit" in levers:
        calm *= 0.2 * units.duration_s(levers["policy.queue.limit"]) / 60
    helped = policy["variant"] in ("as it happened", "throttle without restarts", "token-bucket")
    load = r1 * waits * calm * (1 + 0.1 * noise)
    collapsed = load > (11.0 if helped else 6.0)
    ttr = math.inf if collapsed else bound_s * (1 + 0.3 * load) + (5400 if helped else 0.0) * waits + 60 * noise
    hours = 4e4 * min(ttr, LIMIT_S) / 3600
    return {
        "verdict": "collapsed" if collapsed else "recovered",
        "ttr50_s": ttr * 0.5,
        "ttr99_s": ttr,
        "fluid_bound_s": bound_s,
        "wasted_share": load / (1 + load),
        "denied_share": (0.6 if helped else 0.02) * (1 - waits) + 0.01 * load,
        "queue_peak": 1e6 * load,
        "r1": r1,
        "r2": 120 / draw["host.timeout"],
    } | ({"unleased_holder_hours": hours} if traffic == "leases" else {})


def curve(run: dict[str, Any], traffic: str) -> tuple[Any, Any]:
    """Times and leased share (or backlog) of a run."""
    times = np.arange(60.0, 28800.0 + 1, 240.0)
    ttr = min(run["ttr99_s"], 1e6)
    level = np.where(times < 9420, 1 - times / 9420, 1 - np.exp(-4.6 * np.maximum(times - 9420, 0) / ttr))
    return times, level if traffic == "leases" else 1e5 * (1 - level)


def summarised(
    runs: pl.DataFrame, policies: list[dict[str, Any]], design: dict[str, Any], traffic: str, failed: int
) -> dict[str, Any]:
    """summary.json of the runs."""
    ttr = runs["ttr99_s"].to_numpy().reshape(len(policies), -1)
    ttr = np.minimum(np.where(np.isnan(ttr), LIMIT_S, ttr), LIMIT_S)
    regret = ttr - ttr.min(axis=0)
    rows = []
    for i, policy in enumerate(policies):
        own = runs.filter(pl.col("policy_id") == policy["id"])
        times = ttr[i]
        lost = int((own["verdict"] != "recovered").sum())
        fell = int((own["verdict"] == "collapsed").sum())
        rows.append(
            {
                "id": policy["id"],
                "name": policy["name"],
                "variant": policy["variant"],
                "levers": policy["levers"],
                "is_baseline": i == 0,
                "status": "precise" if fell == 0 else "cap" if fell < len(own) / 2 else "beaten",
                "replications": 4,
                "runs": len(own),
                "failed": failed if i == 1 else 0,
                "failed_because": "ValueError: too many events <at once>" if failed and i == 1 else None,
                "from_best": interval((times - ttr[ttr.mean(axis=1).argmin()]).tolist()),
                "units": len(times),
                "restricted": interval(times),
                "given_recovery": interval(own["ttr99_s"].to_list()),
                "not_recovered": share(lost, len(own)),
                "collapsed": share(fell, len(own)),
                "fluid_bound_s": interval(own["fluid_bound_s"].to_list()),
                "difference": interval((times - ttr[0]).tolist()) if i else None,
                "worst_s": float(times.max()),
                "not_told_apart": bool(times.mean() <= ttr.mean(axis=1).min() * 1.1),
                "is_chosen": False,
                "half_width_share": 0.04 + i / 1000,
                "regret": {
                    "mean": regret[i].mean(),
                    "p90": np.quantile(regret[i], 0.9),
                    "max": regret[i].max(),
                    "draws": len(times),
                    "far_s": 600.0,
                    "far": int((regret[i] > 600).sum()),
                    "far_share": share(int((regret[i] > 600).sum()), len(times)),
                },
                "harm": {name: interval(own[name].to_list()) for name in HARMS[traffic]},
                "on_front": False,
                "fails_where": [{"words": "host.timeout below 4 min", "coverage": 0.8, "density": 0.9, "support": 0.2}]
                if 0 < fell < len(own)
                else [],
            }
        )
    rows.sort(key=lambda row: row["restricted"]["mean"])
    for rank, row in enumerate(rows, 1):
        row["rank"] = rank
        mine = [row["restricted"]["mean"], *(row["harm"][name]["mean"] for name in HARMS[traffic])]
        row["on_front"] = not any(
            all(theirs <= my for theirs, my in zip(other, mine, strict=True)) and other != mine
            for one in rows
            for other in [[one["restricted"]["mean"], *(one["harm"][name]["mean"] for name in HARMS[traffic])]]
        )
    inputs = [
        {
            "key": one["key"],
            "S1": {"mean": 0.5 / (k + 1), "low": 0.4 / (k + 1), "high": 0.6 / (k + 1)},
            "ST": {"mean": 0.7 / (k + 1), "low": 0.5 / (k + 1), "high": 0.9 / (k + 1)},
        }
        for k, one in enumerate(UNCERTAINTIES)
    ]
    chance = {"mean": 0.12, "low": 0.05, "high": 0.19}
    return {
        "format": FORMAT,
        "kind": "sweep",
        "measure": "ttr99_s",
        "limit_s": LIMIT_S,
        "precision": 0.05,
        "never_max": 0.05,
        "indifference_s": 60.0,
        "unit": "replication",
        "selection": {
            "not_told_apart": [row["id"] for row in rows if row["not_told_apart"]],
            "chosen": None,
            "why_not": "nobody asked",
            "words": "Not chosen.",
        },
        "expect": [],
        "confidence": 0.95,
        "traffic": traffic,
        "design": design,
        "runs": {"done": len(runs), "failed": failed, "set_aside": min(failed, 1)},
        "policies": rows,
        "sensitivity": [
            {"policy": rows[0]["id"], "name": rows[0]["name"], "measure": "ttr99_s", "runs": 448, "replications": 8,
             "inputs": inputs, "chance": chance, "why_not": None},
            {"policy": "00000000", "name": policies[0]["name"], "measure": "ttr99_s", "runs": 448, "replications": 8,
             "inputs": inputs[::-1], "chance": chance, "why_not": None},
            {"policy": rows[-1]["id"], "name": rows[-1]["name"], "measure": "ttr99_s", "runs": 448, "replications": 8,
             "inputs": [], "chance": None, "why_not": "all runs take the same time"},
        ],
        "failures": [
            {"key": f"{k:016x}", "policy_id": policies[1]["id"], "policy": policies[1]["name"], "replication": k,
             "draw": 3, "error": "ValueError: too many events <at once>",
             "command": f"recovery replay {k:016x} --from out/x"}
            for k in range(failed)
        ],
        "notes": [{"key": "host.timeout", "kind": "assumed", "why": "nobody knows", "value": "5m"}],
        "answers": [f"“{rows[0]['name']}” is soonest: {units.show_duration(rows[0]['restricted']['mean'])}."],
    }  # fmt: skip


def fabricate(
    folder: Path,
    policies: list[dict[str, Any]],
    draws: list[dict[str, Any]],
    traffic: str = "leases",
    replications: int = 1,
    failed: int = 0,
    with_series: bool = True,
) -> Path:
    """A folder with a made-up sweep in the form in which sweeps are stored."""
    rng = np.random.default_rng(1)
    rows, curves = [], []
    for i, policy in enumerate(policies):
        for (k, draw), replication in itertools.product(enumerate(draws), range(replications)):
            run = outcome(policy, draw, traffic, float(rng.normal()))
            if i == 1 and replication == 0 and k < failed:
                run = dict.fromkeys(run)
            error = "ValueError: too many events" if run["verdict"] is None else None
            head = {"key": f"{len(rows):016x}", "role": "draw", "policy_id": policy["id"]}
            head |= {"policy": policy["name"], "variant": policy["variant"]}
            place = {"replication": replication, "draw": k, "run_replication": k, "seed": 1, "error": error}
            rows.append(head | policy["levers"] | draw | place | run)
            if with_series and i in (0, 1, 2, 3, 5, 8) and error is None:
                times, level = curve(run, traffic)
                name = "leased_share" if traffic == "leases" else "backlog"
                curves.append(
                    pl.DataFrame({"time_s": times, name: level}).with_columns(
                        policy_id=pl.lit(policy["id"]),
                        policy=pl.lit(policy["name"]),
                        replication=pl.lit(replication),
                        draw=pl.lit(k),
                    )
                )
    runs = pl.DataFrame(rows, infer_schema_length=None)
    design = {
        "method": "sobol",
        "samples": len(draws),
        "replications": 3,
        "replications_max": 12,
        "levers": [
            {"key": key, "values": list(dict.fromkeys(policy["levers"][key] for policy in policies))}
            for key in policies[0]["levers"]
        ],
        "uncertainties": [dict(one) for one in UNCERTAINTIES if one["key"] in draws[0]],
        "accept": {"within_s": 600, "tried": 210, "kept": len(draws)},
    }
    found = summarised(runs, policies, design, traffic, failed)
    manifest = {
        "format": FORMAT, "kind": "sweep", "name": "throttling", "file": "experiments/throttling.toml",
        "head": HEAD, "inputs": {"dependency": {"outages": [{"from": "0s", "to": "157m"}]}, "host": {"timeout": "5m"}},
        "digest": "0123456789abcdef", "engine": "events", "versions": {"recovery": "0.1.0"}, "machine": "x86_64",
        "argv": ["recovery", "sweep", "experiments/throttling.toml", "--out", "out"], "seed": 20251019, "threads": 2,
        "inputs_in_order": "{}", "traffic": traffic, "replications": 3, "backend": "threads", "runs_done": len(runs),
        "runs_wanted": len(runs), "outages": [[{"from_s": 0.0, "to_s": 9420.0, "fails_share": 1.0}]],
        "written": "2025-11-01T00:00:00+00:00", "wall_s": 4000.0, "cpu_s": 7900.0, "window_s": 10.0,
        "horizon_s": 28800.0,
    }  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    runs.write_parquet(folder / "runs.parquet")
    if curves:
        pl.concat(curves).write_parquet(folder / "series.parquet")
    (folder / "summary.json").write_text(Summary.model_validate(found).to_json(), encoding="utf-8")
    (folder / "manifest.json").write_text(SweepManifest.model_validate(manifest).to_json(), encoding="utf-8")
    return folder


GRID = {"policy.queue.limit": ("1m", "2m", "4m", "8m"), "policy.admission.rate": ("50/s", "100/s", "200/s")}
NAMES = {"ranked", "curves", "pareto", "sensitivity", "regret"}


def grid() -> list[dict[str, Any]]:
    """Policies over two levers that are numbers; their queues are first in, first out."""
    out = []
    for limit, rate in itertools.product(*GRID.values()):
        levers = dict(zip(GRID, (limit, rate), strict=True))
        name = f"no action, limit={limit}, rate={rate}, $5 & <i>co"
        out.append({"id": f"{len(out):08x}", "variant": "no action", "levers": levers, "name": name})
    return out


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders of sweeps, each with its page: of leases, of jobs, and over two numbers, whose holders are droplets."""
    top = tmp_path_factory.mktemp("sweeps")
    drawn = draws_of(32)
    found = {
        "leases": fabricate(top / "leases", policies_of(14), drawn, failed=3),
        "jobs": fabricate(top / "jobs", policies_of(12), drawn[:8], "jobs"),
        "grid": fabricate(top / "grid", grid(), drawn[:8], with_series=False),
    }
    named = sweep_record.read(found["grid"]).model_copy(update={"called": ("droplets", "droplet")})
    (found["grid"] / "summary.json").write_text(named.to_json(), encoding="utf-8")
    for folder in found.values():
        assert pages.write(folder) == folder / "report.html"
    return found


def pictures(folder: Path) -> list[Any]:
    """The figures of a folder, as objects."""
    path = folder / "series.parquet"
    series = pl.read_parquet(path) if path.exists() else None
    manifest, found = sweep_record.manifest_of(folder), sweep_record.read(folder)
    runs = pl.read_parquet(folder / "runs.parquet")
    return sweep_figures.figures_for(Sweep(manifest, found, runs, series, "recovery sweep x.toml"))


def test_an_input_that_decides_nearly_all_decides_a_hundred_percent(folders: dict[str, Path]) -> None:
    """Two digits of 99.8 %."""
    folder = folders["leases"]
    found = sweep_record.read(folder)
    first = found.sensitivity[0]
    inputs = tuple(one.model_copy(update={"ST": one.ST.model_copy(update={"mean": 0.998})}) for one in first.inputs)
    sure = found.model_copy(update={"sensitivity": (first.model_copy(update={"inputs": inputs}),)})
    runs = pl.read_parquet(folder / "runs.parquet")
    [seen] = sensitivity(Sweep(sweep_record.manifest_of(folder), sure, runs, None, "recovery sweep x.toml"))
    assert "(100 %, " in seen.figure.get_label()  # and its interval


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        ([(0.89, 0.83), (0.0, 0.02)], "key0 alone has 89 % and with its interactions 83 %, which is less"),
        ([(0.7, 0.75), (0.4, 0.45)], "the shares of the inputs alone add up to more than all"),
        ([(0.55, 0.68), (0.07, 0.34)], ""),
    ],
)
def test_indices_that_cannot_both_be_true_are_told_as_chance(shares: list[tuple[float, float]], said: str) -> None:
    """Oracle: a total index has the first one within it, and first indices add up to at most 1."""
    inputs = [
        Index(
            key=f"key{k}", **{name: Estimate(mean=m, low=m, high=m) for name, m in zip(("S1", "ST"), pair, strict=True)}
        )
        for k, pair in enumerate(shares)
    ]
    found = report_sweep._torn(inputs)
    assert said in found if said else found == ""


def test_a_page_of_a_sweep_speaks_of_what_its_holders_are_called(folders: dict[str, Path]) -> None:
    """Oracle: the page. A harm and its meaning have the word; the file's own keys keep theirs."""
    seen = words((folders["grid"] / "report.html").read_text(encoding="utf-8"))
    assert "hours without a lease" in seen
    assert "hours without a lease, over all droplets" in seen
    assert "holder" not in seen.replace("fleet.holders", "")


def test_a_sweep_has_every_picture_that_its_data_allow(folders: dict[str, Path]) -> None:
    names = {kind: {file.stem for file in (folder / "figures").glob("*.svg")} for kind, folder in folders.items()}
    assert names["leases"] == NAMES | {"heat"}
    assert names["jobs"] == NAMES  # eight draws are too few for a map
    assert names["grid"] == (NAMES | {"heat"}) - {"curves"}
    for folder in folders.values():
        for file in (folder / "figures").glob("*.svg"):
            ET.fromstring(file.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def drawn(folders: dict[str, Path]) -> dict[str, list[Any]]:
    """The figures of two folders."""
    return {kind: pictures(folders[kind]) for kind in ("leases", "grid")}


def test_every_axis_says_its_unit_and_every_picture_how_it_is_made(drawn: dict[str, list[Any]]) -> None:
    for own in drawn.values():
        for picture in own:
            assert "recovery sweep x.toml" in picture.figure._supxlabel.get_text()
            assert len(picture.caption) > 60
            panels = [panel for panel in picture.figure.axes if panel.axison]
            labels = [panel.get_xlabel() for panel in panels] + [panel.get_ylabel() for panel in panels]
            said = [label for label in labels if label]
            assert said
            assert [label for label in said if not re.search(r"\(.+\)", label, re.DOTALL)] == []
            if picture.name in ("pareto", "regret"):
                assert all(panel.get_xlabel() and panel.get_ylabel() for panel in panels)


def texts_of(figure: Any) -> list[Any]:
    """All text that a figure shows, without ticks outside their axis."""
    out = [figure._supxlabel]
    for panel in figure.axes:
        out += panel.texts
        out += panel.get_legend().get_texts() if panel.get_legend() else []
        if panel.axison:
            out += [panel.title, panel._left_title, panel.xaxis.label, panel.yaxis.label]
            for axis in (panel.xaxis, panel.yaxis):
                low, high = sorted(axis.get_view_interval())
                ticks = zip(axis.get_majorticklocs(), axis.get_majorticklabels(), strict=True)
                out += [label for at, label in ticks if low <= at <= high]
                ticks = zip(axis.get_minorticklocs(), axis.get_minorticklabels(), strict=True)
                out += [label for at, label in ticks if low <= at <= high]
    return [text for text in out if text.get_text().strip()]


def test_text_lies_inside_its_picture_and_not_on_other_text(drawn: dict[str, list[Any]]) -> None:
    """Oracle: the renderer's own boxes. Numbers of marks may come near others, words may not."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    for own in drawn.values():
        for picture in own:
            canvas = FigureCanvasAgg(picture.figure)
            canvas.draw()
            found = texts_of(picture.figure)
            boxes = [t.get_window_extent() for t in found]
            width, height = canvas.get_width_height()
            for text, box in zip(found, boxes, strict=True):
                assert box.x0 > -2, (picture.name, text.get_text())
                assert box.x1 < width + 2, (picture.name, text.get_text())
                assert box.y0 > -2, (picture.name, text.get_text())
                assert box.y1 < height + 2, (picture.name, text.get_text())
            for (a, one), (b, other) in itertools.combinations(zip(found, boxes, strict=True), 2):
                across = min(one.x1, other.x1) - max(one.x0, other.x0)
                along = min(one.y1, other.y1) - max(one.y0, other.y0)
                is_number = max(len(a.get_text()), len(b.get_text())) < 4
                assert min(across, along) < 3 or is_number, (picture.name, a.get_text(), b.get_text())


@pytest.mark.parametrize("kind", ["leases", "jobs", "grid"])
def test_a_page_needs_nothing_beside_itself(folders: dict[str, Path], kind: str) -> None:
    text = page(folders[kind])
    bare = re.sub(r'xmlns(:\w+)?="[^"]*"', "", text)
    assert not re.findall(r"https?:|\bsrc=|@import|<script\s|<link|<iframe|<object|import\(|fetch\(", bare)
    assert bare.count("<script>") == 1
    assert all(target.startswith("#") for target in re.findall(r'href="([^"]*)"', bare))
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    wanted = re.findall(r'href="#([^"]+)"|url\(#([^)"]+)\)|aria-labelledby="([^"]+)"', text)
    assert {name for names in wanted for name in names if name} <= set(ids)


def test_the_page_tells_what_the_summary_holds(folders: dict[str, Path]) -> None:
    for folder in folders.values():
        seen = words(page(folder))
        found = sweep_record.read(folder)
        assert all(sentence in seen for sentence in found.answers)
        for policy in told(found):
            assert f"{policy.rank} {policy.told}" in seen
            whole = policy.restricted
            mean, low, high = (units.show_duration(end) for end in (whole.mean, whole.low, whole.high))
            assert (f"{mean} {low} to {high}" if low != high else mean) in seen
            assert units.show_share(policy.not_recovered.share) in seen
            assert f"{units.show_duration(policy.regret.max)} {policy.regret.draws} draws" in seen
            assert units.show_share(policy.half_width_share) in seen
            assert units.show_share(policy.not_recovered.high) in seen
            assert all(box.words in seen for box in policy.fails_where)
        assert "Chance: 12 % (5 % to 19 %)" in seen
        left = [policy for policy in found.policies if policy.not_told_apart]
        assert left
        assert seen.partition("Best first.")[2].count("may be best") == len(left) + 1  # and what it means
        for key in [one.key for one in found.design.levers] + [one.key for one in found.design.uncertainties]:
            assert key in seen
        assert all(one.command in seen and one.error in seen for one in found.failures)
        for said in ("3 min to 10 min", "log-uniform", "of 210 draws", "all runs take the same time", "nobody knows"):
            assert said.lower() in seen.lower()
        assert HEAD["title"] in seen  # as it was written, not as a tag
        assert "recovery sweep experiments/throttling.toml" in seen


def test_the_same_folder_gives_the_same_bytes(folders: dict[str, Path], tmp_path: Path) -> None:
    for name in ("manifest.json", "summary.json", "runs.parquet"):
        shutil.copy(folders["grid"] / name, tmp_path)
    pages.write(tmp_path)
    files = sorted(file.relative_to(tmp_path) for file in tmp_path.rglob("*") if file.is_file())
    assert len(files) > 8
    assert [f for f in files if (tmp_path / f).read_bytes() != (folders["grid"] / f).read_bytes()] == []


def test_a_sweep_without_its_runs_is_refused_by_name(folders: dict[str, Path], tmp_path: Path) -> None:
    for name in ("manifest.json", "summary.json"):
        shutil.copy(folders["leases"] / name, tmp_path)
    with pytest.raises(ValueError, match=r"runs\.parquet; want the folder of a finished sweep"):
        pages.write(tmp_path)


def test_a_sweep_of_which_little_is_known_has_a_page_too(tmp_path: Path) -> None:
    """One policy failed in every run, no baseline, no indices, no precision wanted, no series."""
    folder = fabricate(tmp_path, policies_of(4), draws_of(32), with_series=False)
    found = summary(folder)
    unknown = {"mean": None, "low": None, "high": None}
    failed = found["policies"][-1]
    failed |= dict.fromkeys(("restricted", "given_recovery", "fluid_bound_s"), unknown)
    failed |= {name: {"share": None, "low": None, "high": None} for name in ("not_recovered", "collapsed")}
    failed |= {"status": "failed", "worst_s": None, "not_told_apart": False, "half_width_share": None}
    failed["regret"] |= {"mean": None, "p90": None, "max": None, "draws": 0, "far": 0}
    failed |= {"difference": None, "harm": dict.fromkeys(failed["harm"], unknown), "on_front": False}
    for policy in found["policies"]:
        policy["is_baseline"] = False
    found |= {"sensitivity": [], "notes": [], "precision": None}
    found["design"]["accept"] = None
    (folder / "summary.json").write_text(to_json(found), encoding="utf-8")
    seen = words(pages.write(folder).read_text(encoding="utf-8"))
    assert failed["name"] in seen
    assert "Baseline" not in seen
    assert {file.stem for file in (folder / "figures").glob("*.svg")} == {"ranked", "heat", "pareto", "regret"}


def test_the_picture_of_harms_says_where_draws_tell_no_policies_apart(
    folders: dict[str, Path], drawn: dict[str, list[Any]]
) -> None:
    """Its legend has what is drawn: a front only where it has a second point."""
    folder = folders["leases"]
    whole = next(p for p in drawn["leases"] if p.name == "pareto")
    assert "apart" not in whole.caption
    sweep = report_sweep.sweep_of(folder)
    few = sweep._replace(summary=sweep.summary.model_copy(update={"units_that_tell": 10**6}))
    [picture] = harm.pareto(few)
    assert "cannot tell any two of" in picture.caption
    for one, beaten in ((whole, "beaten"), (picture, "beaten in these draws")):
        fronts = [line for panel in one.figure.axes for line in panel.lines if line.get_linewidth() == 1.4]
        [legend] = [panel.get_legend() for panel in one.figure.axes if panel.get_legend()]
        names = [text.get_text() for text in legend.get_texts()]
        assert beaten in names
        assert ("front of this pair" in names) == any(len(line.get_xdata()) > 1 for line in fronts)


def test_no_warning_of_a_library_reaches_the_terminal(tmp_path: Path) -> None:
    """Oracle: Python's own warnings, made errors. Nothing has an r1, one policy never recovers, one failed."""
    folder = fabricate(tmp_path, policies_of(5), draws_of(8), failed=8)
    runs = pl.read_parquet(folder / "runs.parquet").with_columns(r1=pl.lit(math.nan), r2=pl.lit(None, pl.Float64))
    lost = pl.col("policy_id") == "00000002"
    runs = runs.with_columns(ttr99_s=pl.when(lost).then(math.inf).otherwise("ttr99_s"))
    runs.write_parquet(folder / "runs.parquet")
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        assert pages.write(folder).is_file()


@pytest.mark.slow
def test_a_page_of_three_hundred_policies_is_below_a_megabyte(tmp_path: Path) -> None:
    folder = fabricate(tmp_path, policies_of(300), draws_of(16))
    size = pages.write(folder).stat().st_size
    assert size < 1_000_000
    seen = words(page(folder))
    assert all(policy.told in seen for policy in told(sweep_record.read(folder)))


def _told(policies: Sequence[Policy], keys: Sequence[str]) -> list[str]:
    """What sets policies apart; nothing else of a sweep matters for that."""
    design = Design.model_construct(levers=tuple(Lever(key=key, values=()) for key in keys))
    return [one.told for one in told(Summary.model_construct(policies=tuple(policies), design=design))]


def test_a_policy_is_told_by_what_sets_it_apart() -> None:
    client, oldest, newest = "try again after 30 s", "oldest first", "newest first"
    made = [("as written", oldest, client), ("other", newest, client), ("other", newest, "launches: " + client)]
    policies = [
        Policy.model_construct(id=str(i), name=f"name {i}", words=words, is_baseline=i == 0)
        for i, words in enumerate(made)
    ]
    assert _told(policies, []) == [
        "as the file stands",
        "other; newest first",
        "other; newest first; launches: try again after 30 s",
    ]
    # Where the baseline is not the file but the first of a list, what sets them apart from it says little.
    design = Design.model_construct(levers=())
    summary = Summary.model_construct(policies=tuple(policies), design=design, baseline_is_file=False)
    assert [one.told for one in told(summary)] == ["; ".join(words) for words in made]
    without = [policy.model_copy(update={"is_baseline": False}) for policy in policies[:2]]
    assert _told(without, []) == ["; ".join(words) for words in made[:2]]
    nameless = [policy.model_copy(update={"words": ()}) for policy in policies[:2]]
    assert _told(nameless, []) == ["name 0", "name 1"]


def test_the_front_is_what_nobody_beats() -> None:
    """Oracle: every pair of points compared."""
    rng = np.random.default_rng(3)
    for _ in range(20):
        points = [(float(x), float(y)) for x, y in rng.random((40, 2)).round(1)]
        unbeaten = {p for p in points if not any(q != p and q[0] <= p[0] and q[1] <= p[1] for q in points)}
        found = front(points)
        assert {points[i] for i in found} == unbeaten
        assert [points[i] for i in found] == sorted(points[i] for i in found)


def test_cells_of_the_map_hold_the_means_of_their_runs(folders: dict[str, Path], drawn: dict[str, list[Any]]) -> None:
    """Oracle: the runs of each pair of values, averaged one pair after the other."""
    picture = next(p for p in drawn["grid"] if p.name == "heat")
    runs = pl.read_parquet(folders["grid"] / "runs.parquet")
    found = np.asarray(picture.figure.axes[0].collections[0].get_array()).ravel()
    wanted = [np.minimum(own["ttr99_s"].to_numpy(), LIMIT_S).mean() / 60 for own in runs.partition_by(*GRID)]
    assert np.sort(found) == pytest.approx(np.sort(wanted))


def test_r1_and_r2_over_a_grid_make_the_phase_diagram(tmp_path: Path) -> None:
    policies, drawn = grid(), draws_of(2)
    folder = fabricate(tmp_path, policies, drawn, with_series=False)
    runs = pl.read_parquet(folder / "runs.parquet")
    limits = pl.col("policy.queue.limit").str.strip_suffix("m").cast(pl.Float64)
    rates = pl.col("policy.admission.rate").str.strip_suffix("/s").cast(pl.Float64)
    runs = runs.with_columns(r1=rates / 50 - 0.5, r2=limits / 3)
    runs.with_columns(
        verdict=pl.when((pl.col("r1") > 1) & (pl.col("r2") > 1))
        .then(pl.lit("collapsed"))
        .otherwise(pl.lit("recovered"))
    ).write_parquet(folder / "runs.parquet")
    picture = next(p for p in pictures(folder) if p.name == "phase")
    assert "4 of 12 cells" in picture.title  # two rates of three and two limits of four are above one
    panel = picture.figure.axes[0]
    assert panel.get_xlabel().startswith("r1")
    assert panel.get_yscale() == "log"


RULES = (  # one of each stands in a name
    ("try again after 30 s, doubled up to 150 s", "try again after 15 min"),
    ("retry 20 % of the requests and 10 a second, as counted over 10 s; all at a host share this", "send all"),
    ("let in while less than 150 s of work is there", "let in 110 % of what the host can do", "let everything in"),
    ("newest first once a queue has stood for 5 min", "newest first once a queue has stood for 9 min", "oldest first"),
)


@pytest.mark.parametrize(("width", "lines"), [(46, 2), (24, 3), (30, 3), (300, 1)])
def test_labels_of_one_picture_stay_apart_however_short(width: int, lines: int) -> None:
    """Oracle: names that differ, of which many begin alike for more than a label has room for."""
    policies = [Told.model_construct(rank=7, parts=parts) for parts in itertools.product(*RULES)]
    drawn = labels(policies, width, lines)
    assert len(set(drawn)) == len(policies)
    assert all(len(line) <= width for label in drawn for line in label.split("\n"))
    assert all(label.count("\n") < lines for label in drawn)
    assert ("…" not in drawn[0]) == (width == 300)  # what has room is whole
    alike = [one for one in policies if one.parts[:2] == policies[0].parts[:2]]
    assert all(label.startswith("7  …; ") for label in labels(alike, 46, 2))  # what all have makes room first
