"""Classes of holders and jobs in files: what each class and all are told, and what is refused.

That a file with classes runs as the twin of part two says is held in test_session_files.py. Oracles here: conservation
(exact), the closed form of each measure on the class's own columns, and laws of the model.
"""

import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from test_session_files import BASE, BESIDE, ENDS, JOBS, OF_JOBS, OUTAGE, TIED, TWO, WEIGHTS, acts

from recovery import theory
from recovery.errors import Refusal, ScenarioError
from recovery.measures import register
from recovery.reading import service_table
from recovery.reading.experiment import parse
from recovery.show import report
from recovery.show.text import results
from recovery.simulate import chain, estimate, identity
from recovery.simulate.outcome import Outcome
from recovery.simulate.pipeline import Runner
from recovery.stages import leases
from recovery.store.packed import pack, unpack
from recovery.study import execute, services
from recovery.study.compare import conditions
from recovery.study.resolved import resolved
from recovery.units import show_share

FLOWS_OF_ALL = ("submitted", "succeeded", "timed_out", "established", "arrived", "gave_up", "useful_work_ns", "wasted")


def run(text: str, seed: int = 1) -> Outcome:
    """The first variant of a file."""
    with Runner(2) as runner:
        return next(runner.run([(parse(text).first, seed, 0)]))


@pytest.fixture(scope="module")
def mixed() -> Outcome:
    """Holders and jobs beside each other."""
    return run(BASE + OUTAGE + acts(ENDS) + BESIDE)


def test_classes_add_up_to_all(mixed: Outcome) -> None:
    """Conservation: each flow, level and work of the hosts is that of their classes together."""
    columns = mixed.columns()
    for name in (*FLOWS_OF_ALL, "queue", "leased", "in_service", "asleep", "sessions_ended"):
        assert (columns[name] == columns[f"{name}.holders"] + columns[f"{name}.calls"]).all(), name
    assert columns["arrived.holders"].sum() == columns["leased.calls"].sum() == 0
    traffic = mixed.traffic
    assert (traffic.sojourn == sum(traffic.sojourn_of.values())).all()
    assert traffic.unleased_ns == traffic.unleased_ns_of["holders"][0]


def test_requests_and_work_of_each_class_are_conserved() -> None:
    """Of each class what was submitted is refused, lost, done or still there; work of all classes is busy time."""
    outcome = run(
        BASE
        + OUTAGE
        + acts(ENDS, 'do = "restart", at = "200s", down_for = "5s"')
        + TIED
        + "[classes.calls]\nrate = '2/s'\n"
    )
    columns = outcome.columns()
    gone = ("rejected_throttle", "rejected_admission", "rejected_full", "rejected_down", "dropped", "lost", "cancelled",
            "succeeded", "wasted", "failed", "barred", "unanswered", "late", "purged")  # fmt: skip
    for name in outcome.scenario.classes:
        left = sum(int(columns[f"{one}.{name}"].sum()) for one in gone)
        there = sum(int(columns[f"{one}.{name}"][-1]) for one in ("queue", "in_service", "line", "outside"))
        assert columns[f"submitted.{name}"].sum() == left + there, name
    work = sum(columns[f"{kind}_work_ns"].sum() for kind in ("useful", "wasted", "failed", "overhead"))
    assert work == columns["busy_ns"].sum()


def test_each_class_has_its_own_measures(mixed: Outcome) -> None:
    """They are those of the register, told of the class's own columns."""
    row, columns, times_s = mixed.measure(), mixed.columns(), mixed.times_s
    assert {name for name in row if name.endswith(".calls")} <= {f"{one}.calls" for one in register.of_classes("jobs")}
    assert row["gave_up.calls"] == columns["gave_up.calls"].sum()
    assert row["served_share.calls"] == columns["succeeded.calls"].sum() / columns["arrived.calls"].sum()
    assert row["leased_min_share.holders"] == (columns["leased.holders"] / 60).min()
    back = mixed.scenario.recovers_from_s
    is_back = (times_s >= back) & (columns["leased.holders"] >= 0.99 * 60)
    first = next(i for i in np.flatnonzero(is_back) if is_back[i : i + 7].all())
    wanted = 0.0 if times_s[first] <= back + 10 else times_s[first] - back
    assert row["ttr99_s.holders"] == wanted
    assert {register.unit_of(name) for name in row if name.startswith("ttr99_s.")} == {"s"}


@pytest.mark.parametrize("rule", ["", '[classes.a]\nshare = "50%"\n[classes.b]\nshare = "50%"\n'])
@pytest.mark.parametrize("cancels", [False, True])
def test_the_time_at_a_host_is_of_wasted_requests_too_or_is_not_measured(rule: str, cancels: bool) -> None:
    """Law: an answer that comes after its client left came later than the timeout, 5 s. Where over 1 % of all finished
    are such, 99 % take longer than that, whatever rules the file has. Where a request leaves with its client, none is.
    """
    text = (
        'horizon = "20m"\nhold = "1m"\nfleet = { holders = 300, hosts = 1 }\n'
        f'host = {{ establish_time = "400ms", timeout = "5s", cancel_on_timeout = {str(cancels).lower()} }}\n'
        'lease = { duration = "5m", check_every = "200s" }\ndependency.outages = [{ from = "2m", to = "8m" }]\n'
        'policy.client = { name = "fixed", delay = "1s" }\n'
    )
    outcome = run(text + rule)
    done, wasted = outcome.traffic.totals("succeeded", "wasted")
    took_s = outcome.measure()["sojourn_p99_s"]
    if cancels:
        assert wasted == 0
        assert took_s < 5.4 * 1.016  # one that is served as its time ends takes its service more
        return
    assert wasted > 0.02 * (done + wasted)
    assert math.isnan(took_s) if rule else took_s > 5


def test_all_holders_are_the_leases_of_all_classes() -> None:
    """A node with a heartbeat and a report has two leases."""
    outcome = run(BASE + acts(ENDS) + TIED)
    assert outcome.holders == 180
    assert [int(outcome.traffic.holders_of[name].sum()) for name in ("beat", "report", "block")] == [60, 60, 60]
    assert outcome.columns()["leased"][0] == 180
    assert outcome.measure()["sessions_ended"] == 180


def test_a_table_with_classes_is_kept_and_found_whole(mixed: Outcome) -> None:
    found = unpack(pack(mixed.traffic), type(mixed.traffic))
    assert list(found.sojourn_of) == ["holders", "calls"]
    again = Outcome(mixed.variant, 1, 0, mixed.times_s, found)
    assert again.measure() == pytest.approx(mixed.measure(), nan_ok=True)


def test_a_bound_on_a_class_is_judged() -> None:
    experiment = parse(BASE + acts(ENDS) + BESIDE + '[expect]\nttr99_s.holders = "< 5m"\nserved_share.calls = "> 1%"\n')
    assert [bound.text for bound in experiment.expectations] == ["ttr99_s.holders < 5m", "served_share.calls > 1%"]


def test_a_comparison_may_fail_by_a_class() -> None:
    """Of a class as of all: a change, a level, a word; and what each class has not is refused."""
    for text, kind in (
        ("ttr99_s.beat > +10%", "change"),
        ("denied_share.a-b > 5%", "level"),
        ("ttr99_s.x = never", "word"),
    ):
        found = conditions.condition(text)
        assert (found.kind, found.measure) == (kind, text.split()[0])
    with pytest.raises(Refusal, match=r"efficiency\.beat is not a measure"):
        conditions.condition("efficiency.beat < 1")


def test_conditions_see_all_classes_together() -> None:
    """Hosts that take turns, window by window, give each class what they give when each runs alone."""
    text = BASE + acts(ENDS) + TWO
    waits = BASE + acts(ENDS, 'do = "pause", when = "queue > 100000", lasts = "9s"') + TWO
    one, other = run(text), run(waits)
    assert all((one.series[name] == other.series[name]).all() for name in one.series)
    assert "leased.beat" in one.series


def test_a_sample_of_hosts_stands_for_each_class() -> None:
    """Of hosts that are alike, leases of each class add up to all that the class has."""
    text = BASE.replace("fleet.holders = 60", "fleet.holders = 600").replace("fleet.hosts = 3", "fleet.hosts = 30")
    outcome = run(text + "fleet.sample_hosts = 6\n" + acts(ENDS) + TIED)
    columns = outcome.columns()
    assert outcome.holders == 1800
    assert columns["leased"][0] == 1800
    assert columns["leased.report"][0] == 600
    assert outcome.traffic.doubt is not None
    assert (columns["leased_share"] <= 1).all()


def test_text_and_page_tell_each_class_in_each_variant_that_has_it(tmp_path: Path) -> None:
    """Oracle: the rows of the run, and which variant has which class."""
    text = BASE.replace('"8m"', '"5m"') + acts(ENDS) + "[variants.mixed]\n"
    text += "".join(f"classes.{name}\n" for name in ("beat.share = '50%'", "rest = {}", "calls.rate = '2/s'"))
    told = execute.run(replace(parse(text), name="mine"), out=tmp_path, threads=1, quiet=True)
    [row] = [row for row in told.summary.rows if row.variant == "mixed"]
    lines = [line.split() for line in results(told.manifest, told.summary, []).splitlines()]
    own = {line[1]: line for line in lines if line and line[0] == "mixed" and line[1] in ("beat", "rest", "calls")}
    assert list(own) == ["beat", "rest", "calls"]
    assert show_share(row.measures["served_share.calls"]).split()[0] in own["calls"]
    page = report.write(tmp_path / "mine").read_text(encoding="utf-8")
    assert page.count('id="figure-classes-leases"') == page.count('id="figure-classes-jobs"') == 1
    for table, names in (("classes-leases", ["beat", "rest"]), ("classes-jobs", ["calls"])):
        inside = page.partition(f'<table id="{table}"')[2].partition("</table>")[0]
        assert re.findall(r'<th scope="row">mixed<small[^>]*>\w+</small></th><td>(\w+)</td>', inside) == names
        assert f'data-v="{row.measures["excess_hours." + names[0]]:.5g}"' in inside


@pytest.mark.parametrize("shares", [[1.0], [0.5, 0.5], [0.1, 0.2, 0.7], [0.05, 0.95], [1 / 3, 1 / 3, 1 / 3]])
@pytest.mark.parametrize("holders", [1, 5, 7, 1000])
def test_no_holder_is_lost_when_a_host_is_cut_in_classes(shares: list[float], holders: int) -> None:
    """On each host the classes add up to its holders; over many hosts each has its share but for a few."""
    rows = leases.members(np.full(200, holders), np.arange(200), tuple(shares))
    assert (rows.sum(axis=1) == holders).all()
    assert (rows >= 0).all()
    assert np.abs(rows - holders * np.array(shares)).max() < 1
    assert np.abs(rows.sum(axis=0) - 200 * holders * np.array(shares)).max() < 4


def test_the_mix_is_that_of_all_leases_or_jobs() -> None:
    """Means by hand: of 60 holders each has three leases of 30, 600 and 400 ms; jobs come at 3/4, 1/4, 3/4 and 1/s."""
    tied = parse(BASE + TIED).first.scenario
    assert tied.establish_mean_s == pytest.approx((0.03 + 0.6 + 0.4) / 3)
    assert tied.leases == 180
    assert tied.renewals_per_s == pytest.approx(60 / 40 + 60 / 40 + 60 / 60)
    jobs = parse(JOBS + OF_JOBS).first.scenario
    came = 3 * 120 + 12 * 30 + 2 * 90
    weights = np.array([0.75 * came, 0.25 * came, 0.75 * came, 240])
    assert jobs.establish_mean_s == pytest.approx(weights @ [0.4, 0.4, 0.1, 0.4] / weights.sum())
    assert sum(step.rate_per_s() for step in jobs.steps[:1]) == pytest.approx(3 * 1.75 + 1)


def test_the_bound_serves_the_quickest_first() -> None:
    """By hand: 100 leases of 1 s and 50 of 4 s on two workers; with one class it is that of the fleet."""
    assert theory.mixed_fluid_bound_s(100 / 150, [[50, 100]], [4, 1], [2]) == pytest.approx(50)
    assert theory.mixed_fluid_bound_s(125 / 150, [[50, 100]], [4, 1], [2]) == pytest.approx(50 + 25 * 4 / 2)
    assert theory.mixed_fluid_bound_s(1, [[50, 100]], [4, 1], [2]) == pytest.approx(150)
    unleased, workers = [60.0, 50.0, 0.0, 200.0], [1.0, 2.0, 1.0, 4.0]
    for share in (0.01, 0.5, 0.9, 1.0):
        wanted = theory.fleet_fluid_bound_s(share, unleased, [many / 0.5 for many in workers])
        found = theory.mixed_fluid_bound_s(share, [[one] for one in unleased], [0.5], workers)
        assert found == pytest.approx(wanted)


@pytest.mark.parametrize("text", [TWO, TIED, BESIDE, WEIGHTS])
def test_no_class_is_back_sooner_than_the_bound(text: str) -> None:
    row = run(BASE + OUTAGE + text).measure()
    assert row["fluid_bound_s"] <= row["ttr99_s"] + 10  # a window


def test_a_class_cut_in_two_equal_ones_is_the_same_law() -> None:
    """Two classes that say nothing share one queue: the mean area without leases over 40 runs is that of one class.

    Tolerance: four standard errors of the difference of two means.
    """
    texts = BASE + acts(ENDS), BASE + acts(ENDS) + '[classes.a]\nshare = "50%"\n[classes.b]\n'
    hours = [[run(text, seed).measure()["unleased_holder_hours"] for seed in range(40)] for text in texts]
    one, two = (np.array(own, float) for own in hours)
    error = math.hypot(one.std(ddof=1), two.std(ddof=1)) / math.sqrt(40)
    assert abs(one.mean() - two.mean()) < 4 * error
    assert one.mean() > 0


def test_one_class_that_says_nothing_changes_no_bit() -> None:
    """The model's own law: it is the scenario without classes, whatever it is called."""
    plain, named = run(BASE + acts(ENDS)), run(BASE + acts(ENDS) + "[classes.all]\n")
    assert all((named.series[name] == column).all() for name, column in plain.series.items())
    assert all((named.series[f"{name}.all"] == plain.series[name]).all() for name in ("leased", "queue", "submitted"))


def test_an_edit_of_a_class_that_changes_nothing_changes_no_bit() -> None:
    """The model's own law: a key of a class set to what it is, a hold of a class of no length."""
    edits = (
        'do = "set", at = "100s", key = "classes.beat.check_every", value = "20s", lasts = "1m"',
        'do = "set", at = "2m", key = "classes.other.timeout", value = "5s"',
        'do = "set", at = "2m", key = "classes.beat.priority", value = 0',
        'do = "hold-clients", at = "121s", lasts = "0s", classes = ["beat"]',
    )
    plain, edited = run(BASE + acts(ENDS) + TWO), run(BASE + acts(ENDS, *edits) + TWO)
    assert all((plain.series[name] == edited.series[name]).all() for name in plain.series)


def test_a_run_without_classes_keeps_its_key() -> None:
    plain, other = parse(BASE + acts(ENDS)).first, parse(BASE + acts(ENDS) + TWO).first
    assert "classes" not in plain.scenario.model_dump(mode="json")
    assert identity.digest_of(plain, 1, 0) != identity.digest_of(other, 1, 0)


def test_explain_says_what_each_class_changes() -> None:
    told = {rule.key: rule.why for rule in parse(BASE + TIED).first.scenario.rules}
    assert set(told) == {
        *(f"classes.{name}" for name in ("beat", "report", "block")), "classes.report.after", "classes.block.of",
        "classes.report.priority", "classes.block.priority",
    }  # fmt: skip
    assert "wait for the same workers" in told["classes.beat"]
    assert "what these leave of the workers" in told["classes.block.priority"]


def test_all_leases_ask_where_a_holder_has_several() -> None:
    """60 holders with three leases each; and 60 with one each, in two classes."""
    tied, two = (resolved(parse(BASE + text).first.scenario).fleet for text in (TIED, TWO))
    assert tied is not None
    assert two is not None
    assert (tied.holders, tied.asks, two.holders, two.asks) == (60, 180, 60, 60)


def test_an_estimate_counts_every_class() -> None:
    one, two = (estimate.estimate(parse(BASE + acts(ENDS) + text).first.scenario, 1) for text in ("", TIED))
    assert two.memory_bytes > one.memory_bytes
    assert two.events > 2 * one.events


WRONG = [
    ("[classes.a]\nshare = '30%'\n", "classes have shares of 30 % of [fleet] in all; want 100%"),
    ("[classes.a]\n[classes.b]\n", "classes.a.share is missing, and so is that of b"),
    ("[classes.a]\nshare = '100%'\n[classes.b]\n", "classes.b.share is missing, and the others leave nothing"),
    ("[classes.a]\nafter = 'b'\n[classes.b]\n", "classes.a: want after as a class that stands before it"),
    ("[classes.a]\n[classes.b]\nof = 'a'\nshare = '1%'\n", "want share without of and after"),
    ("[classes.a]\nrate = '1/s'\n", "classes have none that is a part of [fleet]"),
    ("[classes.a]\n[classes.b]\nrate = '1/s'\nduration = '9s'\n", "classes.b.duration is set; want none: jobs hold no"),
    ("[classes.a]\nretries = 3\n", "classes.a.retries is set; want none: lease holders never give up"),
    ("[classes.a]\ncheck_every = '10m'\n", "classes.a: duration is 100 s on average; want longer than check_every"),
    ("[classes.a]\npriority = 16\n", "classes.a.priority is 16; want a whole number up to 15"),
    ("[classes.a]\nweight = 0\n", "classes.a.weight is 0; want a whole number from 1"),
    ("[classes.a]\ncolour = 1\n", "classes.a.colour is not a key; want one of share, rate"),
    ("[classes.'a b']\n", "want a name of letters, digits, - and _, a letter first"),
    ("[classes.a]\nclient = 'never'\n", "classes.a.client.name is \"never\"; want one of immediate, fixed"),
    ("[classes.a]\ntimeout = '0s'\n", "classes.a.timeout is 0 s; want a duration above 0"),
    ("[classes.a]\n[classes.b]\nsteps = [{ at = '9m', rate = '1/s' }]\n", "want steps in rising order of at"),
    (
        "[policy.admission]\nname = 'token-bucket'\nrate = '3/s'\n[classes.a]\ncost = 4\n",
        "classes.a.cost is 4, and admission never has more than 1 tokens at a host",
    ),
    ("[classes.a]\n[expect]\nttr99_s.b = '< 1m'\n", "expect.ttr99_s.b is of a class b, which is none; want one of a"),
    ("[classes.a]\n[expect]\nserved_share.a = '> 1%'\n", "expect.served_share.a is no measure of leases, which a is"),
    ("[expect]\nttr99_s.b = '< 1m'\n", "want a table [classes.NAME]"),
    ("[expect]\nserved_share = '> 1%'\n", "expect.served_share is a measure of jobs; want one of leases"),
    ("[classes.a]\n[expect]\nefficiency.a = '> 1'\n", "expect.efficiency.a is not a measure"),
]  # fmt: skip


LAUNCHES = 'launches.demand = "2/s"\nlaunches.retries = 0\n'
SPLIT = "[classes.old]\nshare = '50%'\n[classes.new]\n"


def test_launches_may_look_at_one_class() -> None:
    """Sessions of the old ones end: launches on the new ones all find a holder, those on all or on old ones do not."""
    text = BASE + LAUNCHES + acts(f'{ENDS}, classes = ["old"], notice = "1m"') + SPLIT
    variants = "".join(f'[variants.{name}]\nlaunches.leased = "{name}"\n' for name in ("old", "new"))
    denied = []
    with Runner(2) as runner:
        for variant in parse(text + variants).variants:
            outcome = chain.follow(next(runner.run([(variant, 1, 0)])))
            denied.append(outcome.columns()["launches_insufficient"].sum())
    every, old, new = denied
    assert new == 0
    assert old > every > 0
    assert (sum(outcome.traffic.leased_of["old"]) == outcome.columns()["leased.old"]).all()


def test_a_service_may_hang_on_the_leases_of_one_class() -> None:
    """Sessions of the old ones end, so what hangs on them is impaired from the next window on, and what hangs on the
    new ones never; where there is no such class, the table's own times hold.
    """
    hanging = "".join(
        f'[services.{name}]\nstage = "leases"\nof_class = "{name}"\nimpaired = [{{ from = "1m", to = "2m" }}]\n'
        for name in ("old", "new", "other")
    )
    table = service_table.parse('horizon = "8m"\nwindow = "10s"\n' + hanging)
    outcome = run(BASE + acts(f'{ENDS}, classes = ["old"], notice = "90s"') + SPLIT)
    own = services.after(outcome, table).own
    assert own["old"][13:20].all()
    assert not own["old"][:13].any()
    assert not own["new"].any()
    assert own["other"].sum() == 6
    with pytest.raises(ScenarioError, match='want of_class only with stage = "leases"'):
        service_table.parse('horizon = "8m"\nwindow = "10s"\n[services.a]\nof_class = "old"\n')


CALLS = "[classes.a]\n[classes.calls]\nrate = '1/s'\n"
WRONG += [
    (
        LAUNCHES + "launches.leased = 'b'\n[classes.a]\n",
        "launches.leased is b, which is no class of holders; want one of a",
    ),
    (acts(f'{ENDS}, classes = ["b"]'), "operator.0.classes names b, which is no class; want a table [classes.NAME]"),
    (acts(f'{ENDS}, classes = ["calls"]') + CALLS, "operator.0.classes names calls, which are jobs"),
    (
        acts('do = "set", at = "1m", key = "classes.b.timeout", value = "9s"') + CALLS,
        "operator.0.key is classes.b.timeout; want one of a, calls as the class",
    ),
    (
        acts('do = "set", at = "1m", key = "classes.calls.check_every", value = "9s"') + CALLS,
        "operator.0.key is classes.calls.check_every; want another one: jobs hold no leases",
    ),
    (
        acts('do = "set", at = "1m", key = "classes.a.rate", value = "9/s"') + CALLS,
        "want another one: only jobs that come by themselves have a rate",
    ),
    (acts('do = "set", at = "1m", key = "classes.a.colour", value = 1') + CALLS, "or classes.NAME. and one of check_e"),
    (acts('do = "set", at = "1m", key = "classes.a.priority", value = 16') + CALLS, "want a whole number from 0 to 15"),
    (
        acts('do = "purge", when = "queue.b > 9"') + CALLS,
        'when is "queue.b > 9", of b, which is no class; want one of a',
    ),
    (acts('do = "purge", when = "leased.calls < 9%"') + CALLS, "want one on queue or oldest: jobs hold no leases"),
    ('host.bar = { share = "1%", time = "1s", classes = ["b"] }\n', "host.bar.classes names b, which is no class"),
]


@pytest.mark.parametrize(("text", "wanted"), WRONG)
def test_classes_that_make_no_sense_are_refused(text: str, wanted: str) -> None:
    """File, key, what is wanted."""
    with pytest.raises(ScenarioError) as refused:
        parse(BASE + text, file="mine.toml")
    assert "mine.toml: " in str(refused.value)
    assert wanted in str(refused.value), refused.value


def test_classes_of_jobs_alone_hold_no_leases() -> None:
    with pytest.raises(ScenarioError, match=r"classes\.a\.renew_time is set; want none: jobs hold no leases"):
        parse(JOBS + "[classes.a]\nrenew_time = '1s'\n")


@pytest.mark.parametrize(
    ("scaled", "members", "wanted"),
    [
        ('rate = "50/s"', 500, 1.0),
        ('rate = "50/s"', 5000, 10.0),
        ("above = 128", 128, 1.0),
        ("above = 128", 129, 2.0),
        ("above = 128", 1024, 4.0),
        ("above = 10", 20, 2.0),  # a logarithm misses these by its last bit
        ("above = 10", 21, 3.0),
        ("above = 25", 800, 6.0),
    ],
)
def test_a_lease_is_as_long_as_its_members_ask(scaled: str, members: int, wanted: float) -> None:
    """By hand: Nomad's TTL of 10 s and 50 heartbeats a second; Consul's factor 1 + log2(N / 128), rounded up."""
    text = BASE.replace("fleet.holders = 60", f"fleet.holders = {members}").replace('"40s"', '"10s"')
    lease = parse(text + f"lease.scaled = {{ {scaled} }}\n").first.scenario.lease
    assert lease is not None
    assert (lease.check_every, lease.duration.mean_s()) == (10.0 * wanted, 100.0 * wanted)
    plain = parse(text.replace('"10s"', f'"{10 * wanted}s"', 1).replace('"100s"', f'"{100 * wanted}s"')).first
    assert identity.digest_of(plain, 1, 0) == identity.digest_of(
        parse(text + f"lease.scaled = {{ {scaled} }}\n").first, 1, 0
    )


def test_a_lease_of_what_is_left_counts_whole_doublings() -> None:
    """By hand: what 70 % leave of 1,280 is 384 = 3 · 2^7, although 1 − 0.7 is above 0.3 by its last bit."""
    text = BASE.replace("fleet.holders = 60", "fleet.holders = 1_280") + "lease.scaled.above = 3\n"
    lease = parse(text + '[classes.a]\nshare = "70%"\n[classes.b]\n').first.scenario.seen_by("b").lease
    assert lease is not None
    assert lease.check_every == 40.0 * 8


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("lease.scaled = {}\n", "want either rate or above"),
        ('lease.scaled = { rate = "1/s", above = 3 }\n', "want either rate or above"),
        ('lease.scaled.rate = "0/s"\n', "want a rate above 0"),
    ],
)
def test_a_scale_that_makes_no_sense_is_refused(text: str, wanted: str) -> None:
    with pytest.raises(ScenarioError) as refused:
        parse(BASE + text, file="mine.toml")
    assert wanted in str(refused.value)
