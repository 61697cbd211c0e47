"""The answer as a type: its parts as text, HTML and JSON, and where it is shown.

Oracle: what each rendering must hold, escaped where it must be; and that every place shows the same answer.
"""

import json
import math
import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner
from run_records import FLEET, group_of, scenario_of
from situations import BROKEN, IMPATIENT, JOBS

import recovery
from recovery.cli import main as cli
from recovery.reading.experiment import parse
from recovery.show.answers import compare, race, remedy, threshold
from recovery.show.answers.answer import TITLES, Answer, AnswerPart, Cause, Change, html, parts, text
from recovery.show.answers.mechanism import Limit
from recovery.show.answers.run import answer_of as answer_of_run
from recovery.store.folder import run_of
from recovery.store.manifest_record import FORMAT
from recovery.store.race_record import Latency, RaceRow, RaceSummary, Search
from recovery.store.record import Estimate
from recovery.store.sweep_record import Difference, Threshold, Tried
from recovery.units import duration_s, show_duration

WHOLE = Answer(
    happened=AnswerPart(text="All of the 10 <nodes> are without a lease."),
    why=Cause(text="The queue is 3 timeouts long.", mechanism="timeout", number=3.0),
    change=Change(text="A short queue.", name="a & b", is_simulated=False, command="recovery run a --set 'x=<1>'"),
    sure=AnswerPart(text="One run."),
    rests_on=AnswerPart(),
)


class _Texts(HTMLParser):
    """The texts of each tag."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self._tag = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._tag = tag

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.found.append((self._tag, unescape(data).strip()))


def test_parts_stand_in_order_and_empty_ones_are_left_out() -> None:
    assert [part.name for part in parts(WHOLE)] == list(TITLES)[:-1]
    assert text(WHOLE).splitlines() == [
        "What happened: All of the 10 <nodes> are without a lease.",
        "Why: The queue is 3 timeouts long.",
        "What helps: A short queue.",
        "    recovery run a --set 'x=<1>'",
        "How sure: One run.",
    ]


def test_html_says_the_same_and_is_escaped() -> None:
    reader = _Texts()
    reader.feed(html(WHOLE))
    said = [one for tag, one in reader.found if tag in ("dd", "code")]
    assert said == [*(part.text for part in parts(WHOLE)[:3]), WHOLE.change.command, WHOLE.sure.text]
    assert "<nodes>" not in html(WHOLE)


def test_json_is_read_again() -> None:
    table = json.loads(WHOLE.to_json())
    assert list(table) == sorted(TITLES)
    assert table["change"]["saved_s"] is None
    assert Answer.read(WHOLE.to_json()).why == WHOLE.why


def test_theory_alone_names_the_timeout_and_what_to_try(tmp_path: Path) -> None:
    """2,000 leases at 20 a second take 100 s, five timeouts of 20 s: nothing needs to run to say so."""
    file = tmp_path / "storm.toml"
    file.write_text(IMPATIENT, encoding="utf-8")
    told = json.loads(CliRunner().invoke(cli.main, ["explain", str(file), "--json"]).stdout)["answer"]
    assert told["why"]["mechanism"] == "timeout"
    assert told["why"]["number"] == pytest.approx(5)
    assert "all 2,000 holders take 100 s" in told["happened"]["text"]
    assert not told["change"]["is_simulated"]
    said = CliRunner().invoke(cli.main, ["explain", str(file)]).stdout
    assert said.splitlines()[2].startswith("What happened: Nothing was run")


def test_a_service_longer_than_the_timeout_asks_for_a_longer_timeout_alone(tmp_path: Path) -> None:
    """Nobody is answered in time whatever the queue; of exponential services exp(-3/4) last longer than 3/4 of their
    mean. What is advised leaves a service's time for the wait and one for the service.
    """
    file = tmp_path / "late.toml"
    file.write_text(IMPATIENT, encoding="utf-8")

    def told(establish: str) -> dict[str, dict[str, str | float]]:
        set_ = ["--set", f"host.establish_time={establish}", "--set", "host.timeout=30s"]
        said = CliRunner().invoke(cli.main, ["explain", str(file), *set_, "--json"]).stdout
        answer: dict[str, dict[str, str | float]] = json.loads(said)["answer"]
        return answer

    never, often = told("40s"), told('{ dist = "exponential", mean = "40s" }')
    assert (never["why"]["mechanism"], never["why"]["number"]) == ("service", 1)
    assert str(never["why"]["text"]).startswith("No lease is ever made in time: making one takes 40 s")
    assert str(never["change"]["text"]).startswith("Try a timeout of 80 s instead of 30 s, and a queue of at most 40 s")
    assert often["why"]["number"] == pytest.approx(math.exp(-0.75), abs=1e-3)


OUTLASTS = """
horizon = "15m"
hold = "1m"
fleet = { holders = 400, hosts = 1 }
host = { workers = 8, establish_time = "10ms", timeout = "30s", fail_after = "1s" }
lease = { duration = "LEASE", check_every = "30s" }
dependency.outages = [{ from = "5m", to = "10m" }]
policy.client = { name = "fixed", delay = "10s" }
"""


@pytest.mark.parametrize(
    ("lease", "told"),
    [("8m", ": a margin of at least 110 s, if"), ("6m", "so at worst a lease could run out; in this run none did.")],
)
def test_a_run_says_why_nobody_lost_a_lease_and_with_which_margin(lease: str, told: str) -> None:
    """Oracle: the lease less 30 s from check to check, against 300 s of outage, 10 s of waiting and 30 s of an attempt.
    Each attempt that fails takes 1 s or more (8 workers, so that some wait or time out), and 10 s pass before the next.
    """
    summary = recovery.parse(OUTLASTS.replace("LEASE", lease)).run(progress=False, threads=1)
    why = summary.answer.why
    assert why.mechanism == "nothing"
    assert told in why.text
    [failed] = re.findall(r"([\d,]+) attempts to renew failed", why.text)
    assert 400 * (300 - 30) / (30 + 10) <= int(failed.replace(",", "")) <= 400 * (300 / 11 + 1)


def test_why_nobody_lost_a_lease_is_told_by_the_outage_of_that_variant_alone() -> None:
    """Oracle: 5 min of outage, 10 s of waiting and 30 s of an attempt; another variant is away for 8 min."""
    longer = '[variants.longer]\ndependency.outages = [{ from = "5m", to = "13m" }]\n'
    summary = recovery.parse(OUTLASTS.replace("LEASE", "8m") + longer).run(progress=False, threads=1)
    assert "The longest outage (5 min)" in summary.answer.why.text
    assert f"take {show_duration(300 + 10 + 30)} together" in summary.answer.why.text


def test_where_leases_are_lost_nothing_tells_why_they_are_not() -> None:
    why = recovery.parse(OUTLASTS.replace("LEASE", "4m")).run(progress=False, threads=1).answer.why
    assert "margin" not in why.text
    assert "first fails" not in why.text


@pytest.mark.parametrize(
    ("lease", "told", "kind"),
    [
        ("60m", "No lease runs out because of the outage: a lease runs for 60 min", "nothing"),
        ("24m", "No lease runs out while the dependency is away", "nothing"),  # 24 - 3 - 1/3 min: 40 s are left
        ("23m", "Nothing was run", "timeout"),  # 20 min of outage, 3 min from check to check, 20 s of an attempt
    ],
)
def test_leases_that_last_through_the_outage_are_told_first(tmp_path: Path, lease: str, told: str, kind: str) -> None:
    file = tmp_path / "storm.toml"
    file.write_text(IMPATIENT, encoding="utf-8")
    said = CliRunner().invoke(cli.main, ["explain", str(file), "--set", f"lease.duration={lease}", "--json"]).stdout
    answer = json.loads(said)["answer"]
    assert answer["happened"]["text"].startswith(told)
    assert answer["why"]["mechanism"] == kind
    assert ("queue" in answer["change"]["text"]) == (kind == "timeout")


def test_theory_alone_tells_the_end_of_sessions_and_a_cap_on_expiries(tmp_path: Path) -> None:
    """Sessions that end need no lease to run out. By a cap of one a second 2,000 leases run out in 2,000 s at least."""
    herd, capped = tmp_path / "herd.toml", tmp_path / "capped.toml"
    herd.write_text(BROKEN.replace('timeout = "30m"', 'timeout = "20s"'), encoding="utf-8")
    capped.write_text(IMPATIENT + 'policy.lease = { name = "expiry-cap", rate = "1/s" }\n', encoding="utf-8")
    said = [
        json.loads(CliRunner().invoke(cli.main, ["explain", str(file), "--json"]).stdout)["answer"]["why"]["text"]
        for file in (herd, capped)
    ]
    assert said[0].startswith("All 2,000 come back in one instant when their sessions end. They bring 100 s of work")
    assert said[1].startswith("If all leases run out (which takes 33.3 min at least")


@pytest.mark.parametrize(("fails", "safe"), [("above", "well below 60 s"), ("below", "well above 2 min")])
def test_a_threshold_says_on_which_side_to_stay(fails: str, safe: str) -> None:
    tried = tuple(Tried(value=value, failed=0, runs=20, verdict="holds", share_at_most=0.17) for value in (60.0, 120.0))
    found = Threshold.model_validate(
        {"experiment": "x", "key": "host.timeout", "kind": "duration", "low": 60.0, "high": 120.0, "fails": fails,
         "confidence": 0.95, "note": "", "tried": tried}
    )  # fmt: skip
    answer = threshold.answer_of(found)
    good, bad = ("60 s", "2 min") if fails == "above" else ("2 min", "60 s")
    assert f"At host.timeout = {good} most runs recover, at {bad} most collapse" in answer.happened.text
    assert answer.change.text == (
        f"Stay {safe}: none of 20 runs collapses there. Of more such runs at most 17 % may (95 %)."
    )
    assert "40 runs at 2 values" in answer.sure.text
    assert "What longer runs would say is not known." in answer.sure.text


@pytest.mark.parametrize(("key", "safe"), [
    ("host.timeout", "Stay at 14 s or above: none of 20 runs comes late there, the tried value nearest the threshold"),
    ("dependency.outages.0.from", "Count on outages of at most 60 s: none of 20 runs comes late there"),
])  # fmt: skip
def test_a_threshold_names_the_value_up_to_which_no_run_fails(key: str, safe: str) -> None:
    """A value at which none failed counts only if none failed at any that lies farther from the threshold."""
    at = {10.0: (18, 20), 11.0: (29, 100), 12.0: (0, 20), 13.0: (1, 40), 14.0: (0, 20), 20.0: (0, 20)}
    tried = [{"value": value, "failed": failed, "runs": runs, "verdict": "holds" if value > 10 else "fails",
              "share_at_most": 0.17} for value, (failed, runs) in at.items()]  # fmt: skip
    outage_s = (64.0, 63.0) if key.startswith("dependency") else None
    found = Threshold.model_validate(
        {"experiment": "x", "key": key, "kind": "duration", "low": 10.0, "high": 11.0, "fails": "below",
         "confidence": 0.95, "note": "", "tried": tried, "within_s": 300.0, "outage_s": outage_s}
    )  # fmt: skip
    said = threshold.answer_of(found).change.text
    assert said.startswith(safe)
    assert "Of more such runs at most 17 % may (95 %). At 11 s 29 of 100 do" in said
    few = found.model_copy(update={"tried": tuple(one for one in found.tried if one.value < 14), "outage_s": None})
    assert "Stay well above 13 s: 1 of 40 runs come late there. Of more" in threshold.answer_of(few).change.text


@pytest.mark.parametrize(("before", "failed", "said"), [
    ((0, 10), (0, 10), "the same: of the first 10 runs of a value, continued to 2 h 00 min, 0 at 60 s and 10 at"),
    ((0, 4), (0, 4), "0 at 60 s and 4 at 2 min collapse, as before."),  # chance: of all runs there 70 % do
    ((0, 4), (1, 3), "2 h 00 min, 1 instead of 0 at 60 s and 3 instead of 4 at 2 min collapse."),
    ((0, 10), (9, 10), "continued to 2 h 00 min, 9 instead of 0 at 60 s collapse. Look for it again"),
    ((0, 10), (0, 4), "continued to 2 h 00 min, 4 instead of 10 at 2 min collapse. Look for it again"),
])  # fmt: skip
def test_a_threshold_says_whether_longer_runs_agree(
    before: tuple[int, int], failed: tuple[int, int], said: str
) -> None:
    """Half of the runs collapse at a threshold: it hangs on the horizon where the same runs, gone on, have the half
    elsewhere.
    """
    tried = [{"value": 60.0, "failed": 0, "runs": 20, "verdict": "holds", "late": 5},
             {"value": 120.0, "failed": 70, "runs": 100, "verdict": "fails"}]  # fmt: skip
    found = Threshold.model_validate(
        {"experiment": "x", "key": "host.timeout", "kind": "duration", "low": 60.0, "high": 120.0, "fails": "above",
         "confidence": 0.95, "note": "", "tried": tried, "horizon_s": 3600.0,
         "longer": {"horizon_s": 7200.0, "runs": 10, "low_failed": failed[0], "high_failed": failed[1],
                    "low_failed_before": before[0], "high_failed_before": before[1]}}
    )  # fmt: skip
    answer = threshold.answer_of(found)
    assert said in answer.sure.text
    assert "At host.timeout = 60 s most runs do not collapse, at 2 min most collapse (runs of 60 min)" in (
        answer.happened.text
    )
    assert "For a value at which runs are back in time, ask with --within 10m" in answer.change.text
    assert "At 60 s 25 % of the runs are not back within 60 min" in answer.happened.text


def test_a_threshold_of_the_end_of_an_outage_says_how_long_it_is() -> None:
    found = Threshold.model_validate(
        {"experiment": "x", "key": "dependency.outages.0.to", "kind": "duration", "low": 900.0, "high": 960.0,
         "fails": "above", "confidence": 0.95, "note": "", "tried": (), "horizon_s": 3600.0, "outage_s": (300.0, 360.0)}
    )  # fmt: skip
    answer = threshold.answer_of(found)
    assert "The outage lasts 5 min in the former and 6 min in the latter." in answer.happened.text
    assert "Count on outages well shorter than 5 min" in answer.change.text


def test_policies_beside_each_other_are_told_in_words() -> None:
    row = Difference(
        policy="a, queue=lifo", policy_id="1", words="newest first", than="a, queue=fifo", than_id="0",
        than_words="oldest first", measure="ttr99_s", draws=40, sooner_share=0.9, later_share=0.1,
        difference_s=Estimate(mean=-60.0, low=-90.0, high=-30.0), verdict="sooner", traffic="leases",
    )  # fmt: skip
    answer = compare.answer_of_policies([row])
    assert answer.change.text.startswith("Take “newest first”")
    assert answer.change.saved_s == 60
    assert "60 s sooner than “oldest first”" in answer.happened.text
    assert "=" not in answer.happened.text


def race_row(variant: str, guardrails: tuple[str, ...], per_year: float, p99_s: float, mean_s: float = 1.0) -> RaceRow:
    late = Latency(mean_s=mean_s, p50_s=mean_s, p99_s=p99_s, p999_s=p99_s)
    return RaceRow(
        variant=variant, levers={}, guardrails=guardrails, per_year=Estimate(mean=per_year, low=0.0, high=per_year),
        method="brute force", years=1.0, cycles=1000, empty=0, levels=(), latency=late,
    )  # fmt: skip


def search(guardrails: tuple[str, ...], story: tuple[str, ...]) -> Search:
    return Search(
        enactors=2, endpoints=2, plans=3, keep=1, guardrails=guardrails, states=10, steps=20, story=story,
        is_possible=bool(story),
    )  # fmt: skip


def test_of_guardrails_the_one_helps_that_makes_it_impossible() -> None:
    """One that is rarer in what was simulated, and yet possible, does not."""
    rows = (
        race_row("as it was", (), 20.0, 30.0), race_row("rare", ("a",), 0.0, 30.0), race_row("sure", ("b",), 0.0, 40.0)
    )  # fmt: skip
    searches = (search((), ("one", "two")), search(("a",), ("one",)), search(("b",), ()))
    answer = race.answer_of(RaceSummary(format=FORMAT, rows=rows, possible=searches))
    assert (answer.why.mechanism, answer.why.number) == ("race", 2)
    assert answer.change.name == "sure"
    assert answer.change.text.startswith("“sure (b)”: it is impossible then.")
    assert "after 40 s instead of 30 s" in answer.change.text
    assert "20 times a year" in answer.happened.text


def test_plans_that_are_late_on_average_alone_are_a_cost() -> None:
    """A check at every write; the slowest plans are those that wait for other reasons."""
    rows = (race_row("as it was", (), 20.0, 30.0), race_row("a check", ("a-check",), 0.0, 30.0, 1.5))
    searches = (search((), ("one", "two")), search(("a-check",), ()))
    answer = race.answer_of(RaceSummary(format=FORMAT, rows=rows, possible=searches))
    late = "a plan is everywhere after 1.5 s instead of 1 s on average"
    assert answer.change.text == f"“a check”: it is impossible then. It costs: {late}."
    alike = (rows[0], race_row("a check", ("a-check",), 0.0, 30.0))
    answer = race.answer_of(RaceSummary(format=FORMAT, rows=alike, possible=searches))
    assert answer.change.text.endswith("It costs no delay.")


def test_a_guardrail_is_compared_where_all_else_is_alike() -> None:
    """Half as often at another point of the sweep is no merit of the guardrail; what overlaps may be chance."""
    first, other = race_row("as it was", (), 20.0, 30.0), race_row("a", ("a",), 10.0, 30.0)
    far = other.model_copy(update={"levers": {"dns.keep": 40}})
    searches = (search((), ("one",)), search(("a",), ("one",)))
    answer = race.answer_of(RaceSummary(format=FORMAT, rows=(first, far), possible=searches))
    assert answer.change.text == ""
    answer = race.answer_of(RaceSummary(format=FORMAT, rows=(first, other), possible=searches))
    assert "a difference that chance can make" in answer.change.text  # both intervals begin at 0
    sure = first.model_copy(update={"per_year": Estimate(mean=20.0, low=15.0, high=25.0)})
    answer = race.answer_of(RaceSummary(format=FORMAT, rows=(sure, other), possible=searches))
    assert "chance" not in answer.change.text
    assert race.answer_of(RaceSummary(format=FORMAT, rows=(far,), possible=searches)).happened.text.startswith(
        "“a, dns.keep 40” leaves"
    )


def test_what_is_impossible_already_needs_no_guardrail() -> None:
    rows = (race_row("b", ("b",), 0.0, 30.0), race_row("a", ("a",), 0.0, 20.0))
    searches = (search((), ("one",)), search(("b",), ()), search(("a",), ("one",)))
    change = race.answer_of(RaceSummary(format=FORMAT, rows=rows, possible=searches)).change
    assert (change.name, change.text[:16]) == ("", "Nothing needs to")


def blast(tmp_path: Path, node: str, services: str) -> dict[str, dict[str, str]]:
    file = tmp_path / "services.toml"
    file.write_text('horizon = "2h"\n' + services, encoding="utf-8")
    result = CliRunner().invoke(cli.main, ["blast", node, str(file), "--json"])
    assert result.exit_code == 0, result.output
    return dict(json.loads(result.stdout)["answer"])


def test_of_ways_alike_none_is_named_alone(tmp_path: Path) -> None:
    """b and c both need a: each loses its hour, and either cut saves as much."""
    down = '[services.a]\nimpaired = [{ from = "0s", to = "1h" }]\n'
    needs = 'needs = [{ on = "a", kind = "hard" }]\n'
    told = blast(tmp_path, "a", f"{down}[services.b]\n{needs}[services.c]\n{needs}")
    assert told["why"]["mechanism"] == ""
    assert "50 % of that, is lost by each of the ways that begin with a → b, a → c" in told["why"]["text"]
    assert "1 other edge saves as much" in told["change"]["text"]


def test_of_a_service_that_was_always_well_nothing_is_said(tmp_path: Path) -> None:
    down = '[services.a]\nimpaired = [{ from = "0s", to = "1h" }]\n'
    told = blast(tmp_path, "c", f'{down}[services.c]\n[services.d]\nneeds = [{{ on = "c", kind = "hard" }}]\n')
    assert told["happened"]["text"] == "c was never impaired by itself, so that nothing is taken down."
    assert "--for" in told["change"]["text"]


def test_a_blast_names_the_way_and_the_cut(tmp_path: Path) -> None:
    """a is down for an hour; b needs it, c needs b: both lose that hour, and without the first edge neither does."""
    file = tmp_path / "services.toml"
    file.write_text(
        'horizon = "2h"\n[services.a]\nimpaired = [{ from = "0s", to = "1h" }]\n'
        '[services.b]\nneeds = [{ on = "a", kind = "hard" }]\n[services.c]\nneeds = [{ on = "b", kind = "hard" }]\n',
        encoding="utf-8",
    )
    result = CliRunner().invoke(cli.main, ["blast", "a", str(file), "--json"])
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)["answer"]
    assert told["why"]["mechanism"] == "b"
    assert told["why"]["number"] == pytest.approx(1)
    assert told["change"]["name"] == "a->b"
    assert told["change"]["saved_s"] == pytest.approx(7200)
    assert "takes down 2 of 2 others" in told["happened"]["text"]


def test_of_swept_loads_the_variant_stands_most_that_tries_least() -> None:
    """Oracle: the hidden capacity μ / (1 + R), greatest with the fewest retries."""
    answer = answer_of_run(*run_of(Path(__file__).resolve().parent.parent / "results" / "hidden-capacity"))
    assert answer.change.name == "R = 1"
    assert "well below" in answer.change.text
    assert answer.why.mechanism == "retries"


@pytest.mark.parametrize("timeout_s", [2e-4, 0.5, 20.0, 3e4, 2e7])
@pytest.mark.parametrize("kind", ["timeout", "backoff", "expiry", "herd", "horizon", "capacity", "restart"])
def test_what_is_to_be_tried_can_be_set(timeout_s: float, kind: str) -> None:
    """Oracle: the parser takes the override, in whatever size its time is."""
    given = 'policy.client = { name = "full-jitter", cap = "9h" }\noperator = [{ do = "restart", at = "1m" }]\n'
    text = FLEET.replace("lease =", f"{given}lease =")
    known = scenario_of(text)
    hosts = known.hosts.model_copy(update={"timeout_s": timeout_s, "capacity_per_s": 1e4 / timeout_s})
    group = group_of("a", fluid_bound_s=timeout_s, scenario=known.model_copy(update={"hosts": hosts}))
    found = remedy.of(group, Limit(kind, "", 9 * 3600 if kind == "backoff" else timeout_s))
    assert (found is None) == (kind == "backoff" and timeout_s > 4.5 * 3600)  # hardly shorter than 9 h
    if found is not None:
        key, _, value = found.overrides[0].partition("=")
        if key in ("horizon", "lease.duration"):  # which must fit to others, too
            assert duration_s(value) > 0
        else:
            assert parse(text, overrides=found.overrides).variants


SAMPLED = """
horizon = "30m"
hold = "1m"
fleet = { holders = 4000, hosts = 40, sample_hosts = 3 }
host = { establish_time = "200ms", timeout = "30s" }
lease = { duration = "2m", check_every = "30s" }
dependency.outages = [{ from = "5m", to = "10m" }]
policy.client = { name = "fixed", delay = "10s" }
"""


def test_a_sample_of_the_hosts_is_told_as_one() -> None:
    """100 holders a host at 5 a second: every host is back within a minute, and three of forty give an interval."""
    answer = recovery.parse(SAMPLED).run(progress=False, threads=1).answer
    assert "do not come back" not in answer.happened.text
    assert re.search(r"99 % have one again|does not tell when 99 %", answer.happened.text)
    assert "From a sample of the hosts" in answer.sure.text


def test_without_an_outage_nothing_is_said_of_its_end() -> None:
    quiet = SAMPLED.replace("dependency.outages", "# ").replace(", sample_hosts = 3", "")
    answer = recovery.parse(quiet).run(progress=False, threads=1).answer
    assert answer.happened.text == "No holder is ever without a lease."
    jobs = recovery.parse(JOBS.partition("dependency")[0]).run(progress=False, threads=1).answer
    assert "dependency" not in str(jobs)
    assert "after the start." in jobs.happened.text or "from the start on" in jobs.happened.text


def test_where_the_first_variant_failed_another_is_named() -> None:
    """Oracle: the answer must not speak of a variant that did not run as if it had."""
    run = recovery.parse(IMPATIENT + "[variants.patient]\nhost.timeout = '30m'\n").run(progress=False, threads=1)
    rest = run.summary.model_copy(update={"groups": run.summary.groups[1:], "rows": run.summary.rows[1:]})
    said = answer_of_run(run.manifest, rest).happened.text
    assert said.startswith("“as written” has no run, so this is “patient”.")
    assert "has no run" not in run.answer.happened.text
