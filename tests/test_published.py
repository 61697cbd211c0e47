"""What is published is what the program says now, and says what the experiments promise."""

import json
import math
import re
from pathlib import Path
from typing import Any

import pytest
from own_experiments import OWN, own_policies  # noqa: F401

from recovery import theory
from recovery.errors import Refusal
from recovery.reading import service_table
from recovery.reading.experiment import load, parse
from recovery.reading.race import is_race
from recovery.show import publish, report, stage_times, text
from recovery.show.answers.run import answer_of
from recovery.show.standings import Saved
from recovery.simulate import identity
from recovery.store.folder import run_of
from recovery.store.record import number
from recovery.study import execute, machine, sweep
from recovery.study.sweep.estimates import units_that_show
from recovery.units import rate_per_s

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs" / "gallery").glob("*.md"))]
RESULTS = ROOT / "results"
pytestmark = pytest.mark.usefixtures("own_policies")
EXPERIMENTS = sorted(path for path in (ROOT / "experiments").glob("*.toml") if not is_race(path))


def published(name: str, file: str = "summary.json") -> dict[str, Any]:
    """A published file of an experiment."""
    found: dict[str, Any] = json.loads((RESULTS / name / file).read_text(encoding="utf-8"))
    return found


MAY_BE_BEST = "may still be the best"


def every_page() -> str:
    """README and the gallery, one after the other."""
    return "".join(file.read_text(encoding="utf-8") for file in PAGES)


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_what_is_published_was_made_by_this_code_from_this_experiment(path: Path) -> None:
    experiment = load(path)
    head = experiment.head
    then = published(path.stem, "manifest.json")
    if then["kind"] == "sweep":
        now = sweep.digest_of(experiment)
    else:
        runs = [(variant, replication) for variant in experiment.variants for replication in range(head.replications)]
        now = identity.digest_of_run(
            [identity.digest_of(variant, head.seed, replication) for variant, replication in runs]
        )
    assert then["digest"] == now, "make results, and look at what changed"


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_the_published_page_quotes_the_experiment_as_it_stands(path: Path) -> None:
    assert published(path.stem, "manifest.json")["inputs"] == load(path).raw


def test_the_author_names_every_rule_behind_which_a_herd_stays_away_without_a_guard() -> None:
    """Of experiments/policies.toml, by the table of all policies."""
    found: dict[tuple[str, str], int] = {}
    for one in published("policies")["policies"]:
        rule = {axis: text.partition("(")[0] for axis, text in one["levers"].items()}
        lost = round(one["not_recovered"]["share"] * one["runs"])
        if rule["policy.guard"] == "none" and lost > 0:
            where = rule["policy.admission"], rule["policy.queue"]
            found[where] = max(found.get(where, 0), lost)
            if "lifo" in rule["policy.queue"]:
                assert one["levers"]["policy.client"] == "fixed(delay=30s)"
    assert {where for where, lost in found.items() if where[1] == "fifo"} == {
        ("open", "fifo"), ("token-bucket", "fifo"), ("pid", "fifo")
    }  # fmt: skip
    assert {where: lost for where, lost in found.items() if where[1] != "fifo"} == {("queue-size", "adaptive-lifo"): 1}


def test_the_scenario_in_the_tutorial_does_what_is_said_of_it(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
    found = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    assert len(found) == 2  # the scenario, and what is to hold
    summary = execute.run(parse("".join(found)), out=tmp_path, threads=2, quiet=True).summary
    verdicts = {group.variant: list(group.verdicts) for group in summary.groups}
    assert verdicts == {"as written": ["collapsed"], "bounded queue": ["recovered"]}
    assert [bound.holds for bound in summary.expect] == ["no"]  # status 99


def test_the_numbers_of_the_retry_storm_in_the_gallery_are_the_reports() -> None:
    page = every_page()
    said = str(answer_of(*run_of(RESULTS / "paxos-retry-storm")))
    halves_ms = re.findall(r"below ([\d.]+) ms \(between ([\d.]+) ms and ([\d.]+) ms", said)
    assert len(halves_ms) == 2
    for at, low, high in halves_ms:
        assert f"{at} ms ({low} to {high})" in page


def test_the_tables_of_the_pages_are_what_the_program_prints() -> None:
    for file in PAGES:
        assert publish.with_tables(file.read_text(encoding="utf-8"), RESULTS) == file.read_text(encoding="utf-8"), file
    page = every_page()
    marks = re.findall(r"<!-- table: experiments/(.*)\.toml -->", page)
    assert {"us-east-1-2025-10", "us-east-1-2025-10-leases", "throttling-2025-10"} <= set(marks)
    summary = run_of(RESULTS / "us-east-1-2025-10-leases").summary
    assert text.variants_table(summary) in page
    assert text.milestones_table(summary) in page


def test_a_page_is_not_drawn_from_what_is_published_without_its_runs() -> None:
    with pytest.raises(Refusal, match="published one, without its runs; want the folder that was run"):
        report.write(RESULTS / "paxos-retry-storm")


def test_the_whole_day_meets_what_was_observed() -> None:
    """Official times within 10 minutes, others within 20; of services, those that are predicted or fitted."""
    found = published("us-east-1-2025-10")
    assert len(found["milestones"]) == 10
    for stone in [*found["milestones"], *found["services"]["observed"]]:
        if not stone.get("is_given") and not stone.get("follows_manual") and stone["difference_min"] is not None:
            assert abs(number(stone["difference_min"])) <= (10 if stone["confidence"] == "official" else 20), stone
    kinds = [row["is_predicted"] or row["used_for_fit"] for row in found["services"]["observed"]]
    counted = [row for row, is_counted in zip(found["services"]["observed"], kinds, strict=True) if is_counted]
    page = every_page()
    free = [row for row in counted if not row["is_given"] and not row["follows_manual"]]
    assert all(row["is_within"] for row in free)
    assert f"Of {len(kinds)} observed times of services {len(free)} are predicted or fitted" in page
    fitted = sum(row["used_for_fit"] for row in free)
    stages = {node["name"] for node in found["services"]["nodes"] if node["stage"] is not None}
    follow = sum(row["is_predicted"] and row["service"] not in stages for row in free)
    assert f"({fitted} fitted; of the other {len(free) - fitted}, {follow} are starts" in page


def test_fewer_inputs_are_fitted_than_milestones_explained() -> None:
    experiment = load(ROOT / "experiments" / "us-east-1-2025-10.toml")
    fitted, assumed = (sum(note.kind == kind for note in experiment.head.notes) for kind in ("fitted", "assumed"))
    assert fitted < len(experiment.head.observed)
    used = sum(one.used_for_fit for one in experiment.head.observed)
    told = every_page() + (ROOT / "docs" / "explanation" / "validation.md").read_text(encoding="utf-8")
    assert f"{fitted} of its inputs were fitted, to {used} of these times, and {assumed} more are assumed" in told
    assert told.count(f"{fitted} inputs are fitted, to {used} of these, and {assumed} more are assumed") == 2


def test_the_published_services_are_those_of_the_table() -> None:
    table = service_table.load(ROOT / "experiments" / "services" / "us-east-1-2025-10.toml")
    found = published("us-east-1-2025-10")["services"]
    assert {node["name"] for node in found["nodes"]} == set(table.services)
    assert [row["label"] for row in found["observed"]] == [row.label for row in table.body.observed]
    assert [row["observed_s"] for row in found["observed"]] == [row.at for row in table.body.observed]


def test_the_lines_of_the_pages_on_the_whole_day_are_the_reports() -> None:
    page = every_page()
    found = published("us-east-1-2025-10")
    variants = {
        variant.name: variant for variant in stage_times.variants(run_of(RESULTS / "us-east-1-2025-10").summary)
    }

    def minutes(found: Saved) -> str:
        return f"{found.mean_s / 60:.0f} minutes sooner ({found.low_s / 60:.0f} to {found.high_s / 60:.0f})"

    everything = stage_times.ALL
    assert minutes(variants["limit by the queue size in propagation"].saved[everything]) in page
    assert minutes(variants["best of each"].saved[everything]) in page
    assert minutes(variants["bounded lease queue"].saved["leases"]) in page
    for name in ("velocity control", "no automatic failover"):
        assert variants[name].saved[everything].mean_s == 0
    for name in ("bounded lease queue", "no second launch throttle"):
        assert variants[name].normal[everything].is_never
    assert variants["all announced changes"].saved[everything].mean_s == pytest.approx(
        variants["limit by the queue size in propagation"].saved[everything].mean_s, abs=120
    )
    for name in ("all announced changes", "best of each"):
        behind_s = variants[name].normal["health"].mean_s - variants[name].normal["leases"].mean_s
        assert f"{math.floor(behind_s / 60 + 0.5)} minutes behind the leases" in page
    lost = {group["variant"]: group["measures"]["capacity_lost_hours"] for group in found["groups"]}
    for name in ("as it happened", "velocity control", "no automatic failover"):
        hours = {end: number(lost[name][end]) for end in ("mean", "low", "high")}
        assert f"{hours['mean']:.1f}" in page
        assert f"({hours['low']:.1f} to {hours['high']:.1f})" in page


AXES = ("client", "guard", "admission", "queue", "lease")
Names = tuple[str, ...]


def by_names(name: str) -> dict[Names, dict[str, Any]]:
    """The policies of a published sweep by the names of their rules, axis by axis."""
    found = {}
    for policy in published(name)["policies"]:
        found[tuple(str(policy["levers"][f"policy.{axis}"]).partition("(")[0] for axis in AXES)] = policy
    return found


def test_the_sentences_on_the_herd_hold_in_what_is_published() -> None:
    """What is enough, who stays away, and what a shared breaker undoes."""
    policies = by_names("policies")
    assert len(policies) == 543
    never = {names: policy["not_recovered"]["share"] for names, policy in policies.items()}
    refuses = ("token-bucket", "queue-size", "gradient2")
    undone = [names for names in never if names[1] == "circuit-breaker" and names[2] in refuses]
    assert len(undone) == 90
    assert all(never[names] == 1.0 and policies[names]["runs"] == 20 for names in undone)
    assert all(policies[names]["status"] == "collapses" for names in undone)  # surely worse than the best
    away = [names for names in never if names[1] == "none" and never[names] > 0.0]
    hardly = [names for names in away if names[2:4] == ("queue-size", "adaptive-lifo")]
    assert [never[names] for names in hardly] == [1 / 20] * 2
    assert {names[3] for names in away if names not in hardly} == {"fifo"}
    assert {names[2] for names in away if names not in hardly} == {"open", "token-bucket", "pid"}
    [as_it_stands] = [names for names, policy in policies.items() if policy["is_baseline"]]
    assert never[as_it_stands] == 1.0
    told = len(published("policies")["selection"]["not_told_apart"])
    assert re.search(rf"{told} of 543 policies {MAY_BE_BEST}", every_page())
    assert f"{told} of 543 on the herd may be" in every_page()


def good_and_lost() -> tuple[list[Names], list[Names]]:
    """Policies that came back in each draw on the herd, and those of them that came back in none in October."""
    herd, october = by_names("policies"), by_names("policies-october")
    assert herd.keys() == october.keys()
    good = [names for names, policy in herd.items() if policy["not_recovered"]["share"] == 0.0]
    return good, [names for names in good if october[names]["not_recovered"]["share"] == 1.0]


@pytest.mark.slow
def test_the_table_of_what_looks_good_and_collapses_elsewhere_is_the_sweeps() -> None:
    page = (ROOT / "docs" / "gallery" / "policies.md").read_text(encoding="utf-8")
    good, lost = good_and_lost()
    traps = {"admission": "queue-size", "client": "fixed", "guard": "circuit-breaker"}
    others = [names for names in good if all(names[AXES.index(axis)] != rule for axis, rule in traps.items())]
    for axis, rule in traps.items():
        own = [names for names in good if names[AXES.index(axis)] == rule]
        assert f"(`policy.{axis}` = `{rule}`) | {len(own)} | {len(set(own) & set(lost))} |" in page
    assert f"| none of these three | {len(others)} | {len(set(others) & set(lost))} |" in page
    assert len(set(others) & set(lost)) < 0.05 * len(others)
    rank = by_names("policies-october")["exponential", "none", "in-time", "fifo", "fixed"]["rank"]
    assert f"it is number {rank} of 543 in October" in " ".join(page.split())
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert f"{len(good)} of 543 brought the small herd back in each draw" in readme
    assert f"{len(lost)} of these lost October's leases in every draw" in readme
    assert "Three choices explain all but four of these." in readme
    assert len(set(others) & set(lost)) == 4
    both = [names for names in good if by_names("policies-october")[names]["not_recovered"]["share"] == 0.0]
    assert f"{len(both)} combinations: a queue or an admission" in " ".join(page.split())
    assert f"is number {rank} of 543 in October" in readme
    assert f"and number {by_names('policies')['exponential', 'none', 'in-time', 'fifo', 'fixed']['rank']} on" in page


def test_what_all_hosts_say_is_what_two_said() -> None:
    """Policies that ran on all hosts end as they did on two, and are back no more than 5 min sooner or later."""
    october = by_names("policies-october")
    experiment, groups = load(ROOT / "experiments" / "policies-october-full.toml"), {}
    for group in published("policies-october-full")["groups"]:
        groups[group["variant"]] = group
    assert len(groups) == len(experiment.variants) >= 6
    for variant in experiment.variants:
        names = tuple(getattr(variant.scenario.policy, axis).name for axis in AXES)
        screened, whole = october[names], groups[variant.name]
        is_back = whole["verdicts"] == {"recovered": 1}
        assert screened["not_recovered"]["share"] == (0.0 if is_back else 1.0), variant.name
        if is_back:
            mean_s = number(screened["restricted"]["mean"])
            assert number(whole["measures"]["ttr99_s"]["mean"]) == pytest.approx(mean_s, abs=300), variant.name


def test_the_lines_of_the_pages_on_throttling_are_the_reports() -> None:
    page = every_page()
    found = published("throttling-2025-10")
    policies = found["policies"]
    assert len(policies) == 240
    assert all(f"- {answer}\n" in page for answer in found["answers"])
    near = [one for one in policies if not one["regret"]["far"] and one["status"] != "beaten"]
    assert near
    assert {one["levers"]["policy.client"] for one in near} == {"fixed(delay=30s)"}
    assert "no action" in {one["variant"] for one in near}
    wanted = units_that_show(0.10, is_run=True)  # the experiment's never_max
    assert all(one["regret"]["draws"] >= wanted for one in near)
    slow = [
        one for one in policies if one["not_recovered"]["low"] > 0 and "exponential" in one["levers"]["policy.client"]
    ]
    assert slow
    assert {one["status"] for one in policies} <= {"precise", "beaten", "collapses", "cap"}
    same = len(found["selection"]["not_told_apart"])
    assert found["selection"]["chosen"] is None
    assert re.search(rf"No policy is chosen: {same} of 240 policies {MAY_BE_BEST}", page)
    lost = [one for one in policies if one["status"] == "collapses"]
    bare = [one for one in lost if one["levers"]["policy.client"].startswith("exponential")]
    assert f"{len(lost)} policies, {len(bare)} of them with exponential back-off without jitter" in page


def test_lease_milestones_come_within_five_minutes_of_the_observed() -> None:
    stones = published("us-east-1-2025-10-leases")["milestones"]
    assert len(stones) == 3
    assert all(abs(stone["difference_min"]) <= 5 for stone in stones)


def test_five_policies_could_have_been_in_place_and_were_faster() -> None:
    groups = {group["variant"]: group for group in published("us-east-1-2025-10-leases")["groups"]}
    as_it_happened = number(groups["as it happened"]["measures"]["ttr99_s"]["mean"])
    faster = [n for n, g in groups.items() if number(g["measures"]["ttr99_s"]["mean"]) < as_it_happened - 600]
    assert len(faster) >= 5
    for never in ("no action", "restarts without a throttle"):
        assert math.isinf(number(groups[never]["measures"]["ttr99_s"]["mean"]))


def halves(name: str, lever: str, variant: str) -> tuple[float, float]:
    """The lever's values between which the share of collapsed runs crosses one half, as numbers of their own unit."""
    unit = "ms" if "interval" in lever else "/s"
    points = sorted(
        (float(group["levers"][lever].removesuffix(unit)), group["collapsed"]["share"])
        for group in published(name)["groups"]
        if group["variant"] == variant
    )
    above = [share >= 0.5 for _, share in points]
    place = next(i for i in range(len(above) - 1) if above[i] != above[i + 1])
    return points[place][0], points[place + 1][0]


def test_the_measured_flip_lies_between_even_and_random_arrivals() -> None:
    # Up at 29 ms, collapsed for good at 28 ms: MSF-Model, arXiv 2309.16181, and its published measurements.
    lever = "jobs.steps.1.interval"
    assert halves("paxos-retry-storm", lever, "evenly spaced")[1] <= 28
    assert halves("paxos-retry-storm", lever, "Poisson")[1] >= 29


@pytest.mark.parametrize("retries", [1, 2, 3])
def test_a_pushed_queue_comes_back_below_the_hidden_capacity_only(retries: int) -> None:
    experiment = load(ROOT / "experiments" / "hidden-capacity.toml")
    predicted = theory.hidden_capacity_per_s(experiment.first.scenario.establish_per_s, retries)
    below, above = halves("hidden-capacity", "jobs.steps.2.rate", f"R = {retries}")
    # The chance of collapse is one half within one step of the sweep from the law's μ / (1 + R).
    assert below <= predicted <= above or math.isclose(predicted, above, rel_tol=0.02)
    assert rate_per_s(f"{above}/s") > below


@pytest.mark.slow
def test_a_published_experiment_comes_out_again(tmp_path: Path) -> None:
    experiment = load(ROOT / "experiments" / "us-east-1-2025-10-leases.toml")
    again = execute.run(experiment, out=tmp_path, threads=machine.cores(), quiet=True).summary
    then = run_of(RESULTS / "us-east-1-2025-10-leases").summary
    rows = ([row.model_copy(update={"cpu_s": 0.0}) for row in found.rows] for found in (again, then))
    now, was = (
        summary.model_copy(update={"rows": tuple(own)}).to_json()
        for summary, own in zip((again, then), rows, strict=True)
    )
    assert now == was


def test_the_readme_says_the_numbers_of_the_gallery() -> None:
    """What README says of October stands word for word on its page, which is held against the results."""
    page = " ".join((ROOT / "docs" / "gallery" / "october-2025.md").read_text(encoding="utf-8").split())
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    said = re.findall(r"\d+ minutes sooner \(\d+ to \d+\)|after \d+ h \d+ min, \d+ minutes sooner", readme)
    assert len(said) >= 3
    assert [one for one in said if one not in page] == []


def test_the_page_of_october_shows_the_capacity_that_its_prose_tells() -> None:
    groups = {one["variant"]: one["measures"] for one in published("us-east-1-2025-10")["groups"]}
    page = (ROOT / "docs" / "gallery" / "october-2025.md").read_text(encoding="utf-8")
    rows = re.findall(r"(?m)^\| ([^|]+) \| ([\d.]+) \(([\d.]+) to ([\d.]+)\) \| ([\d.]+) % \|$", page)
    assert len(rows) == 6
    for variant, *shown, least in rows:
        lost = groups[variant]["capacity_lost_hours"]
        assert [float(f"{lost[end]:.3g}") for end in ("mean", "low", "high")] == [float(one) for one in shown]
        assert float(f"{100 * groups[variant]['usable_min_share']['mean']:.3g}") == float(least)
