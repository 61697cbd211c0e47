"""What a user may write, and what is said of everything else.

Oracles: the arithmetic of units; closed forms of means; and for mistakes the rule of the house: one line each, with
file, key, value and what is wanted.
"""

import heapq
import json
import math
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from own_experiments import own_policies  # noqa: F401

from recovery import units
from recovery.errors import ScenarioError
from recovery.model import policies
from recovery.model.catalogue import Row, catalogue
from recovery.model.distributions import Distribution
from recovery.model.expect import expectation
from recovery.model.oddities import oddities
from recovery.model.operator import condition
from recovery.reading.experiment import Experiment, load, parse
from recovery.reading.numbers import read_measured
from recovery.reading.race import is_race
from recovery.reading.schema import json_schema
from recovery.show.answers.scenario import answer_of as answer_before
from recovery.simulate import identity
from recovery.store.json_text import to_json
from recovery.study.resolved import resolved

TOP = Path(__file__).resolve().parent.parent
DATA = TOP / "recovery" / "data"
LEASES = """
horizon = "30m"
hold = "2m"
fleet = { holders = 100, hosts = 2, zones = 2 }
host = { establish_time = "10ms", timeout = "10s", fail_after = "1s" }
lease = { duration = "2m", check_every = "30s" }
dependency.outages = [{ from = "2m", to = "7m" }]
"""
JOBS = """
horizon = "30m"
hold = "2m"
jobs = { steps = [{ at = "0s", rate = "10/s" }] }
host = { establish_time = "10ms", timeout = "10s" }
"""
FILES = [*(TOP / "experiments").glob("*.toml"), *(DATA / "presets").glob("*.toml")]
VALIDATOR = jsonschema.Draft202012Validator(json_schema())
EXPERIMENTS = sorted(file for file in FILES if not is_race(file))


def mistakes(text: str, *overrides: str, folder: Path = Path()) -> list[str]:
    """What is said of a wrong text, a line each."""
    with pytest.raises(ScenarioError) as caught:
        parse(text, file="s.toml", folder=folder, overrides=overrides)
    return str(caught.value).splitlines()


def with_(*overrides: str, text: str = LEASES, folder: Path = Path()) -> Experiment:
    return parse(text, file="s.toml", folder=folder, overrides=overrides)


# Units


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("250ms", 0.25),
        ("90s", 90),
        ("1h30m", 5400),
        ("1 h 30 min", 5400),
        ("1.5h", 5400),
        (".5s", 0.5),
        ("2d", 172800),
        ("5us", 5e-06),
        ("5µs", 5e-06),
        ("5μs", 5e-06),
        ("7ns", 7e-09),
        (0, 0.0),
    ],
)
def test_durations(text: object, seconds: float) -> None:
    assert units.duration_s(text) == pytest.approx(seconds, rel=1e-12)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5",
        "s",
        "-5s",
        "1e3s",
        "5 sec",
        "1M",
        "1,5h",
        "P1D",
        "5s x",
        "36501d",
        True,
        None,
        [],
        math.inf,
        math.nan,
        -3,
    ],
)
def test_no_durations(text: object) -> None:
    with pytest.raises(ValueError, match="want a duration"):
        units.duration_s(text)


def test_a_number_alone_is_refused_with_the_likely_readings() -> None:
    with pytest.raises(ValueError, match=r'"30s" \(seconds\) or "30ms" \(milliseconds\)'):
        units.duration_s(30)
    with pytest.raises(ValueError, match=r'"30/s" \(a second\) or "30/min" \(a minute\)'):
        units.rate_per_s(30)


@pytest.mark.parametrize(
    ("text", "rate"), [("200/s", 200), ("120/min", 2), ("3600 / h", 1), ("2/ms", 2000), ("1e3/s", 1000)]
)
def test_rates(text: str, rate: float) -> None:
    assert units.rate_per_s(text) == pytest.approx(rate, rel=1e-12)


@pytest.mark.parametrize("text", ["", "200", "200 per second", "-1/s", "nan/s", "1e300/s", "5%", math.nan, None])
def test_no_rates(text: object) -> None:
    with pytest.raises(ValueError, match="want a rate"):
        units.rate_per_s(text)


@pytest.mark.parametrize(("text", "share"), [("10%", 0.1), ("0 %", 0), ("100%", 1), (0.25, 0.25), (1, 1)])
def test_shares(text: object, share: float) -> None:
    assert units.share(text) == pytest.approx(share)


@pytest.mark.parametrize("text", ["10", "101%", "-1%", "nan%", 1.5, math.nan, True, None])
def test_no_shares(text: object) -> None:
    with pytest.raises(ValueError, match="want a share"):
        units.share(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (math.inf, "never"),
        (math.nan, "–"),
        (0, "0 s"),
        (0.25, "250 ms"),
        (90, "90 s"),
        (4440, "74 min"),
        (9420, "2 h 37 min"),
        (-60, "−60 s"),
        (3e-06, "3 µs"),
    ],
)
def test_durations_for_people(seconds: float, text: str) -> None:
    assert units.show_duration(seconds) == text


def test_durations_beside_each_other_have_one_unit_and_tell_apart_what_differs() -> None:
    for seconds, told in (
        ((180, 187), ["3.0 min", "3.1 min"]),
        ((184, 186.5), ["3.07 min", "3.11 min"]),  # both 3.1 min alone
        ((111, 228), ["111 s", "228 s"]),
        ((0.5, 12), ["500 ms", "12 s"]),
        ((1.5, 12), ["1.5 s", "12.0 s"]),
        ((49.5, 100, 150), ["50 s", "100 s", "150 s"]),
        ((180, 180, 240), ["3 min", "3 min", "4 min"]),
        ((60, 7200), ["60 s", "2 h 00 min"]),
        ((0, 60), ["0 s", "60 s"]),
        ((30, math.inf), ["30 s", "never"]),
    ):
        assert units.show_beside(*seconds) == told


# Distributions


@pytest.mark.parametrize(
    ("value", "mean", "cv"),
    [
        ('"20ms"', 0.02, 0),
        ('{ dist = "constant", mean = "20ms" }', 0.02, 0),
        ('{ dist = "uniform", min = "0s", max = "2s" }', 1, 1 / math.sqrt(3)),
        ('{ dist = "exponential", mean = "2s" }', 2, 1),
        ('{ dist = "lognormal", mean = "2s", cv = 1.5 }', 2, 1.5),
        ('{ dist = "weibull", mean = "2s", shape = 1 }', 2, 1),
        ('{ dist = "pareto", mean = "2s", tail = 3 }', 2, 1 / math.sqrt(3)),
        ('{ dist = "pareto", mean = "2s", tail = 2 }', 2, math.inf),
    ],
)
def test_distributions_have_the_mean_and_variation_that_they_name(value: str, mean: float, cv: float) -> None:
    time = with_(f"host.establish_time={value}").first.scenario.host.establish_time
    assert (time.mean_s(), time.cv_value()) == (pytest.approx(mean), pytest.approx(cv))
    parts = (np.arange(20_000) + 0.5) / 20_000  # the mean over all quantiles is the mean
    assert np.mean([time.quantile_s(part) for part in parts.tolist()]) == pytest.approx(mean, rel=0.01)


def test_measured_times(tmp_path: Path) -> None:
    (tmp_path / "times.csv").write_text("time\n20ms # slow\n\n0.01,\n", encoding="utf-8")
    time = with_(
        'host.establish_time={dist="empirical",file="times.csv"}', folder=tmp_path
    ).first.scenario.host.establish_time
    assert time.values_s.tolist() == [0.01, 0.02]
    assert (time.mean_s(), time.least_s(), time.cv_value()) == (pytest.approx(0.015), 0.01, pytest.approx(1 / 3))


def test_a_byte_order_mark_does_not_eat_the_first_time(tmp_path: Path) -> None:
    (tmp_path / "times.csv").write_bytes(b"\xef\xbb\xbf0.01\n0.02\n")
    assert read_measured(tmp_path / "times.csv").tolist() == [0.01, 0.02]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "holds no times; want one a line"),
        (b"duration_ms\n120\n", "line 1 is a heading with a unit; want times in seconds, or each with its own"),
        (b"0.12,0.25\n", "line 1 has more than one column; want one"),
        (b"time\n", "holds no times; want one a line"),
        (b"t\n1\nfoo\n", "line 3 is no time; want one"),
        (b"1O\n2\n", "line 1 is no time; want one"),
        (b"-1\n", "line 1 is no such time; want one from 0"),
        (b"1\nnan\n", "line 2 is no such time; want one from 0"),
        (b"1\ninf\n", "line 2 is no such time; want one from 0"),
        (bytes(range(256)), "is not UTF-8 text; want a text file"),
        (None, "cannot be read (No such file or directory); want a text file"),
    ],
)
def test_broken_files_of_measured_times(tmp_path: Path, content: bytes | None, said: str) -> None:
    if content is not None:
        (tmp_path / "times.csv").write_bytes(content)
    [line] = mistakes(LEASES, 'host.timeout={dist="empirical",file="times.csv"}', folder=tmp_path)
    assert line.startswith("s.toml: host.timeout: ")
    assert said in line


# Policies


def test_a_policy_may_be_its_name_alone() -> None:
    assert with_("policy.queue=lifo").first.scenario.policy.queue == policies.Lifo()


@pytest.mark.parametrize(("axis", "policy"), [(axis, p) for axis, members in policies.AXES.items() for p in members])
def test_every_policy_can_be_chosen_and_has_a_rule_and_a_source(axis: str, policy: type[policies.Rule]) -> None:
    name = policies.name_of(policy)
    assert isinstance(getattr(with_(f"policy.{axis}={name}").first.scenario.policy, axis), policy)
    [row] = [row for row in catalogue() if (row["axis"], row["name"]) == (axis, name)]
    assert row["rule"]
    assert row["source"]
    assert row["fails"][:1].isupper()
    assert row["fails"].endswith(".")
    assert all(parameter["description"] and parameter["default"] for parameter in row["parameters"])


@pytest.mark.parametrize(
    "row", [row for row in catalogue() if row["axis"] in policies.AXES], ids=lambda row: row["name"]
)
def test_a_default_that_is_shown_is_one_that_a_file_may_say(row: Row) -> None:
    """Oracle: the parser, which must make the same policy of all defaults as they are shown as of the name alone."""
    at = f"policy.{row['axis']}"
    shown = {parameter["name"]: parameter["default"] for parameter in row["parameters"]}
    values = [f"{at}.{name}={text}" for name, text in shown.items()]
    said, alone = with_(f"{at}={row['name']}", *values), with_(f"{at}={row['name']}")
    assert said.first.scenario.policy == alone.first.scenario.policy


def test_what_a_file_must_say_is_shown_as_required() -> None:
    required = [
        (row["name"], p["name"]) for row in catalogue() for p in row["parameters"] if p["default"] == "required"
    ]
    assert required == [
        ("token-bucket", "rate"), ("queue-size", "rate"), ("pause", "lasts"), ("set", "key"),
        ("set", "value"), ("hold-clients", "lasts"),
    ]  # fmt: skip


def test_a_parameter_can_be_set_on_a_policy_that_the_file_names_alone() -> None:
    text = LEASES + 'policy.queue = "bounded"\npolicy.client = "exponential"\n[variants.a]\npolicy.client.cap = "9s"\n'
    experiment = with_("policy.queue.limit=7", text=text)
    assert experiment.first.scenario.policy.queue == policies.Bounded(limit=7)
    assert [variant.scenario.policy.client.cap for variant in experiment.variants] == [7.0, 9.0]  # type: ignore[union-attr]


def test_a_variant_that_names_a_policy_replaces_it_whole() -> None:
    text = LEASES + 'policy.queue = { name = "bounded", limit = 5 }\n[variants.a]\npolicy.queue.name = "lifo"\n'
    assert with_(text=text).variants[1].scenario.policy.queue == policies.Lifo()


def test_a_rate_of_the_fleet_is_split_over_its_hosts() -> None:
    bucket = with_('policy.admission={name="token-bucket",rate="200/s"}').first.scenario.policy.admission
    assert isinstance(bucket, policies.TokenBucket)
    assert bucket.rate.of_host(establish_per_s=100.0, hosts=4) == 50
    assert policies.FleetRate(of_capacity_share=0.9).of_host(100.0, 4) == pytest.approx(90)


# Overrides, variants, sweeps


def test_the_number_behind_the_last_of_a_list_adds_one() -> None:
    scenario = with_(
        *("operator.0.do=restart", "operator.0.at=9m", "dependency.outages.1.from=10m", "dependency.outages.1.to=11m")
    ).first.scenario
    assert [(deed.do, deed.at) for deed in scenario.operator] == [("restart", 540.0)]
    assert [(one.start, one.end) for one in scenario.dependency.outages][1:] == [(600.0, 660.0)]


def test_overrides() -> None:
    text = LEASES + "[variants.'no action']\nhost.workers = 2\n"
    experiment = with_(
        "dependency.outages.0.to=9m", "title=[draft] a = b", "variants.'no action'.host.workers=3",
        "host.workers=5 # five", "host.slowdown.a=1", "host.slowdown.queue=10", text=text,
    )  # fmt: skip
    assert experiment.first.scenario.dependency.outages[0].end == 540
    assert experiment.head.title == "[draft] a = b"
    assert [variant.scenario.host.workers for variant in experiment.variants] == [5, 3]


def test_a_sweep_takes_every_combination_for_every_variant() -> None:
    levers = (
        '"host.workers" = { values = [1, 2] }\n"policy.queue" = { values = ["fifo", { name = "bounded", limit = 5 }] }'
    )
    variants = with_(text=f"{LEASES}[sweep.levers]\n{levers}\n[variants.a]\nhost.timeout = '9s'\n").variants
    assert [(variant.name, variant.scenario.host.workers) for variant in variants[:4]] == [
        ("as written", w) for w in (1, 1, 2, 2)
    ]
    assert len(variants) == 8
    assert variants[5].scenario.policy.queue == policies.Bounded(limit=5)


def test_what_a_variant_sets_no_lever_sets_anew_everywhere() -> None:
    """Its rows would bear its name, and be those of the file as it stands."""
    levers = '[sweep.levers]\n"policy.queue" = { values = ["fifo", "lifo"] }\n'
    whole = f"{LEASES}{levers}[variants.a]\npolicy.queue = {{ name = 'bounded', limit = 5 }}\n"
    part = f"{LEASES}{levers}[variants.a]\npolicy.queue.name = 'bounded'\npolicy.queue.limit = 5\n"
    for text in (whole, part):
        with pytest.raises(
            ScenarioError, match=r'variants\.a sets policy\.queue, which sweep\.levers\."policy\.queue" sets'
        ):
            with_(text=text)
    points = "[sweep]\nlevers_method = 'list'\ninclude = [{ 'host.workers' = 2 }, { 'host.timeout' = '9s' }]\n"
    variants = with_(text=f"{LEASES}{points}[variants.a]\nhost.workers = 9\n").variants
    assert [one.scenario.host.workers for one in variants if one.name == "a"] == [9, 2, 9]  # of its own elsewhere


def test_the_tables_of_a_variant_are_its_own() -> None:
    experiment = with_(text=LEASES + '[sweep.levers]\n"dependency.outages.0.to" = { values = ["9m", "10m"] }\n')
    assert [variant.scenario.recovers_from_s for variant in experiment.variants] == [540, 600]


def test_conditions() -> None:
    below = condition("leased < 60%")
    assert (below.holds({"leased": 0.5}), below.holds({"leased": 0.7})) == (True, False)
    above = condition(" oldest>5m ")
    assert (above.what, above.above, above.bound) == ("oldest", True, 300)


def test_expectations() -> None:
    bound = expectation("ttr99_s", "<= 30m")
    assert (bound.sign, bound.bound, bound.text) == ("<=", 1800, "ttr99_s <= 30m")
    assert expectation("collapsed_share", "< 5%").bound == 0.05


# Mistakes: an override of a scenario of leases, and what the one line must say

CONDITION = 'want a condition such as "leased < 60%"'
LIMIT = "want a whole number of requests a host"
NAMES = "want name as one of fifo, lifo, bounded, drop-expired"
HUGE = "9" * 400  # beyond every float
WRONG = [
    ("fleet.holder=5", "fleet.holder is not a key (did you mean holders?); want one of holders, hosts"),
    ("fleet.holders=0", "fleet.holders is 0; want a whole number from 1"),
    ("fleet.holders=1.5", "fleet.holders is 1.5; want a whole number"),
    ("fleet.holders=1e6", "fleet.holders is 1000000.0; want a whole number"),
    ("fleet.holders=abc", 'fleet.holders is "abc"; want a whole number'),
    ("fleet.holders=true", "fleet.holders is true; want a whole number"),
    ("fleet.holders=", 'fleet.holders is ""; want a whole number'),
    ("fleet.holders=99999999999999999999", "want a whole number up to 1000000000"),
    ("fleet.holders=inf", "fleet.holders is Infinity; want a whole number"),
    ("fleet=5", "fleet is 5; want a table with holders, hosts"),
    ("fleet=[{holders=5}]", "fleet is [{"),
    ("fleet={holders=5}", "fleet.hosts is missing; want, for instance, hosts = 3 in [fleet]: managers"),
    ("fleet.hosts=101", "fleet.hosts is 101; want no more than fleet.holders, 100"),
    ("fleet.zones=3", "fleet.zones is 3; want no more than fleet.hosts, 2"),
    ("fleet.skew=nan", "fleet.skew is NaN; want a finite number"),
    ("fleet.skew=true", "fleet.skew is true; want a number"),
    ("horizon=30", 'horizon is 30; want a duration with its unit, "30s" (seconds)'),
    ("horizon=0s", 'horizon is "0s"; want a duration above 0'),
    ("horizon=-5m", 'horizon is "-5m"; want a duration'),
    ("horizon=99999999999999d", 'want a duration up to "36500d"'),
    ("horizon=5m", "dependency.outages.0.to is 7 min; want before the horizon, 5 min"),
    ("horizon=8m", "hold is 2 min; want no longer than what is left from 7 min to the horizon, 8 min: 60 s"),
    ("horizn=5m", "horizn is not a key (did you mean horizon?)"),
    ("Horizon=5m", "Horizon is not a key (did you mean horizon?)"),
    ("hold=1d", "hold is 24 h 00 min; want no longer than"),
    ("recovers_from=1h", "recovers_from is 60 min; want before the horizon, 30 min"),
    ("coupling.window=1h", "coupling.window is 60 min; want no longer than the horizon, 30 min"),
    ("coupling.window=1us", "coupling.window is 1 µs; want at least 900 µs"),
    ("coupling.windows=5s", "coupling.windows is not a key (did you mean window?)"),
    ("host.workers=0", "host.workers is 0; want a whole number from 1"),
    ("host.wrokers=3", "host.wrokers is not a key (did you mean workers?)"),
    ("host.establish=1ms", "host.establish is not a key (did you mean establish_time?)"),
    ("host.establish_time=0s", "host.establish_time is 0 s; want a duration above 0"),
    ("host.timeout=0s", "host.timeout is 0 s; want a duration above 0"),
    ("host.timeout=5", "host.timeout is 5; want a duration with its unit"),
    ("host.cancel_on_timeout=1", "host.cancel_on_timeout is 1; want true or false"),
    ("host.cancel_on_timeout=yes", 'host.cancel_on_timeout is "yes"; want true or false'),
    ("host.slowdown=2", "host.slowdown is 2; want a table with a, b, queue"),
    ("host.slowdown={a=1,queue=inf}", "host.slowdown.queue is Infinity; want a finite number"),
    ("host.establish_time.mean=5ms", 'host.establish_time is "10ms"; want a table there to set its mean'),
    ('host.timeout={dist="normal",mean="5ms"}', 'host.timeout.dist is "normal" (did you mean lognormal?)'),
    ('host.timeout={dist=[],mean="5ms"}', "host.timeout.dist is []; want one of constant"),
    ('host.timeout={mean="5ms"}', 'host.timeout.dist is missing; want, for instance, dist = "lognormal"'),
    ('host.timeout={dist="lognormal",mean="5ms"}', 'want cv for dist = "lognormal"'),
    ('host.timeout={dist="exponential",mean="5ms",cv=1}', 'want mean only for dist = "exponential", without cv'),
    ('host.timeout={dist="exponential",mean="5ms",men=1}', "host.timeout.men is not a key (did you mean mean?)"),
    ('host.timeout={dist="uniform",min="5ms",max="1ms"}', "want min below max"),
    ('host.timeout={dist="lognormal",mean="5ms",cv=0}', "host.timeout.cv is 0; want a number above 0"),
    ('host.timeout={dist="lognormal",mean="5ms",cv="1"}', 'host.timeout.cv is "1"; want a number'),
    ('host.timeout={dist="empirical",file=5}', "host.timeout.file is 5; want a text in quotes"),
    ("host.timeout=[]", "host.timeout is []; want a duration"),
    ("lease.duration=10s", "lease.duration is 10 s on average; want longer than lease.check_every, 30 s"),
    ("lease.check_every=0s", "want a duration above 0"),
    ("lease.check_jitter=10", 'want a share from "0%" to "100%"'),
    ('dependency.outages={from="1m",to="2m"}', "want a list of such tables: [[dependency.outages]]"),
    ('dependency.outages=[{from="2m"}]', 'dependency.outages.0.to is missing; want, for instance, to = "40m"'),
    ('dependency.outages=[{from="2m",to="1m"}]', 'want "to" later than "from"'),
    ('dependency.outages=[{from="2m",to="50m"}]', "dependency.outages.0.to is 50 min; want before the horizon"),
    ('dependency.outages=[{from="5m",to="6m"},{from="1m",to="2m"}]', "outages.1.from is 60 s; want outages in order"),
    ("dependency.outages.2.to=9m", "dependency.outages is a list of 1; want 0, or 1 to add one instead of '2'"),
    ("operator.1.at=9m", "operator is a list of 0; want 0 to add one instead of '1'"),
    ('host."a.b"=3', 'host."a.b" is one key, with a dot in its name; want tables in tables: a.b = 3 without quotes'),
    ('"host.workers"=3', '"host.workers" is one key, with a dot in its name; want tables in tables: host.workers = 3'),
    ("dependency.outages.0.form=1m", "dependency.outages.0.form is not a key (did you mean from?)"),
    ("dependency.outages=[5]", "dependency.outages.0 is 5; want a table with from, to, fails"),
    ("policy.queue=lif", 'policy.queue.name is "lif" (did you mean lifo?); want one of fifo, lifo'),
    ("policy.queue=drop_expired", "(did you mean drop-expired?)"),
    ("policy.queue=5", "policy.queue is 5; want one of fifo, lifo, bounded, drop-expired"),
    ("policy.queue={}", f"policy.queue has no name; {NAMES}"),
    ('policy.queue={nam="lifo"}', f"policy.queue has no name; {NAMES}"),
    ("policy.queue.limit=5", f"policy.queue has no name; {NAMES}"),
    ('policy.queue={name="bounded",limit=-1}', f"policy.queue.limit is -1; {LIMIT}"),
    ('policy.queue={name="bounded",limit="100"}', f'policy.queue.limit is "100"; {LIMIT}'),
    ('policy.queue={name="bounded",limit=99999999999999999999}', LIMIT),
    ('policy.queue={name="bounded",limt=1}', 'policy.queue.limt is not a key of "bounded" (did you mean limit?)'),
    ('policy.queue={name="lifo",limit=1}', 'is not a key of "lifo"; want a rule with limit (bounded, fair-queue)'),
    ('policy.queue={name="fifo",limit="30s"}', 'for instance queue = { name = "bounded", limit = "30s" }'),
    ('policy.client={name="exponential",delay="1s"}', "want one of base, cap, factor, or a rule with delay (fixed)"),
    ("policy.queue={name=bounded,limit=30s}", """--set 'policy.queue={name="bounded",limit="30s"}'"""),
    ("policy.queue={", """is no table of TOML; want quotes round each text in it, and others round the whole"""),
    ("policy.client.delay=dist=uniform", "is a part of a table that the shell took apart"),
    ("policy.queues=fifo", "policy.queues is not a key (did you mean queue?)"),
    ("policy=fifo", 'policy is "fifo"; want a table with client, guard, admission, queue, lease'),
    ('policy.client={name="exponential",base="10s",cap="1s"}', "want cap no shorter than base"),
    ('policy.client={name="exponential",factor=0.5}', "policy.client.factor is 0.5; want a number from 1"),
    ('policy.client={name="fixed",delay={dist="uniform",min="1s"}}', "policy.client.delay is {"),
    ('policy.admission={name="token-bucket",rate="0/s"}', 'policy.admission.rate is "0/s"; want a rate above 0'),
    ('policy.admission={name="token-bucket",rate="x%"}', 'policy.admission.rate is "x%"; want a rate such as "200/s"'),
    ('policy.admission={name="token-bucket",rate="nan%"}', "want a rate"),
    ('policy.admission={name="token-bucket",rate=100}', '"100/s" (a second)'),
    ('policy.admission={name="token-bucket",rate={per_s=-5}}', "want a rate"),
    ('policy.admission={name="queue-size",limit=0}', "want a whole number of requests a host from 1"),
    ('policy.lease={name="freeze",from_failures=0}', 'policy.lease.from_failures is 0; want a share above "0%"'),
    ('policy.lease={name="grace",grace=10}', "s.toml: policy.lease.grace is 10; want a duration with its unit"),
    ('operator={do="restart",at="10m"}', "want a list of such tables: [[operator]]"),
    ('operator="restart"', 'operator is "restart"; want a list'),
    ("operator=[5]", "operator.0 is 5; want a table with at, when"),
    ('operator=[{do="restart"}]', "want either at or when"),
    ('operator=[{do="restart",at="10m",when="leased < 5%"}]', "want either at or when"),
    ('operator=[{do="restart",at="10m",for="1m"}]', "want for only with when"),
    ('operator=[{do="reboot",at="10m"}]', 'operator.0.do is "reboot"; want one of restart, throttle, pause'),
    ('operator=[{at="10m"}]', "operator.0 has no do; want do as one of restart, throttle, pause"),
    ('operator=[{do="restart",at="50m"}]', "operator.0.at is 50 min; want before the horizon, 30 min"),
    ('operator=[{do="restart",at="10m",zone=2}]', "operator.0.zone is 2; want 0 to 1, or a larger fleet.zones"),
    ('operator=[{do="restart",at="10m",wave=2}]', "operator.0.wave is not a key (did you mean waves?)"),
    ('operator=[{do="throttle",at="10m"}]', 'want rate, such as "200/s" or "90%", or a rule of admission'),
    ('operator=[{do="throttle",at="10m",rate="9%",release=[{after="1m",rate="Off"}]}]', 'release.0.rate is "Off"'),
    ('operator=[{do="pause",at="10m"}]', 'operator.0.lasts is missing; want, for instance, lasts = "5m": how long'),
    ('operator=[{do="restart",when="leased<60"}]', f'operator.0.when is "leased<60"; {CONDITION}'),
    ('operator=[{do="restart",when="lease < 60%"}]', CONDITION),
    ('operator=[{do="restart",when="queue > nan"}]', CONDITION),
    ('operator=[{do="restart",when="oldest > 5"}]', CONDITION),
    ('operator=[{do="restart",when="leased > 100%"}]', "want a condition that can come true"),
    ("title=5", "title is 5; want a text in quotes"),
    ('label=""', 'label is ""; want a text that is not empty'),
    ("clock=noon", 'clock is "noon"; want date and time such as'),
    ("seed=-1", "seed is -1; want a whole number from 0"),
    ("replication=5", "replication is not a key (did you mean replications?)"),
    ('expect.ttr99="< 30m"', "expect.ttr99 is not a measure (did you mean ttr99_s?); want one of ttr50_s"),
    ("expect.ttr99_s=30", 'expect.ttr99_s is 30: it is no text in quotes; want a bound such as "< 30m"'),
    ('expect.ttr99_s="< 30"', 'is "< 30": its unit (s, m, h) is missing; want a bound such as "< 30m"'),
    ('expect.ttr99_s="3m"', 'is "3m": it does not begin with <, <=, > or >=; want a bound such as "< 30m"'),
    ('expect.ttr99_s="< -3m"', 'is "< -3m": its bound is below 0; want a bound such as "< 30m"'),
    ('expect.ttr99_s="< 3 minutes"', 'its bound is no duration (did you mean "3min"?); want a bound such as "< 30m"'),
    ('expect.efficiency="> nan"', 'is "> nan": its bound is not finite; want a bound such as "< 2.5"'),
    ('expect.efficiency="< 5%"', "its bound is no plain number, without a unit; want"),
    ('expect.relapses="< x"', 'want a bound such as "< 3"'),
    ('expect.wasted_share="< 5"', 'its % is missing; want a bound such as "< 5%"'),
    ('expect.wasted_share="< 500%"', 'its bound is not from 0% to 100%; want a bound such as "< 5%"'),
    ("expect.ttr_renewed_s='< 3m'", 'want fleet.overdue_after, longer than lease.check_every, such as "45s", or'),
    ("expect=[]", "expect is []; want a table"),
    ("sweep={}", "sweep is {}; want [sweep.levers], [sweep.uncertainties] or both, with at least one key"),
    ('sweep.levers={"host.workers"={}}', "sweep.levers.host.workers is {}; want values = [...], or min and max"),
    (
        'sweep.levers={"host.timeout"={min="1m",max="2m"}}',
        'sweep.levers_method is missing; want "random", "lhs" or "sobol" for the range levers."host.timeout"',
    ),
    (
        'sweep={method="lhs",uncertainties={"host.timeout"={min="1m",max="10%"}}}',
        "want min and max of one kind: two durations, rates, shares or numbers",
    ),
    ('sweep={method="lhs",uncertainties={"host.timeout"={min="2m",max="1m"}}}', "want min below max"),
    (
        'sweep={method="lhs",uncertainties={"host.timeout"={min="0s",max="2m",distribution="log-uniform"}}}',
        'want min above 0 for distribution = "log-uniform"',
    ),
    (
        'sweep={method="lhs",uncertainties={"host.timeot"={min="1s",max="2m"}}}',
        "host.timeot is not a key (did you mean timeout?)",
    ),
    (
        'sweep={method="lhs",uncertainties={"host.workers"={min=0,max=3}}}',
        "host.workers is 0; want a whole number from 1 (in sweep.uncertainties",
    ),
    (
        'sweep={levers={"host.workers"={values=[1,2]}},exclude=[{"host.worker"=1}]}',
        "want exclude.0 with keys of levers (host.workers)",
    ),
    ('sweep.levers={"host.workers"=[1,2]}', "sweep.levers.host.workers is [1, 2]; want a table: { values = [1, 2] }"),
    ('sweep.levers={"host.workers"={values=[1,1]}}', "want values that differ"),
    (
        'sweep={levers={"host.workers"={values=[1]}},exclude=[{"host.workers"=1}]}',
        "sweep.exclude leaves no point of the levers; want at least one",
    ),
    (
        'sweep={levers={"host.timeout"={values=["1m"]}},uncertainties={"host.timeout"={values=["2m"]}}}',
        "want host.timeout in levers or in uncertainties, not in both",
    ),
    (
        'sweep={levers={"host.workers"={values=[1]}},sensitivity={samples=32}}',
        "want [sweep.uncertainties] for sensitivity",
    ),
    (f'sweep={{method="lhs",uncertainties={{"fleet.skew"={{min=0,max={HUGE}}}}}}}', "want min and max of one kind"),
    (f"horizon={HUGE}", "want a duration such as"),
    (f"lease.check_jitter={HUGE}", 'want a share from "0%" to "100%"'),
    (
        'health={targets=2,time="1ms",policy={name="flap-damping",base="10m"}}',
        "want cap no shorter than base",
    ),
    ('sweep.levers={"host.wrokers"={values=[1]}}', "host.wrokers is not a key (did you mean workers?)"),
    ('sweep.levers={"nonsense.x"={values=[1]}}', "nonsense is not a key"),
    ('sweep.levers={"seed"={values=[1,2]}}', "seed is not a key"),
    ('sweep.levers={"host.workers"={values=[1,0]}}', "host.workers is 0; want a whole number from 1 (in sweep.levers)"),
    ('sweep.levers={".."={values=[1]}}', "want a key with dots"),
    ('sweep={method="lhs",uncertainties={".."={min=1,max=2}}}', "want a key with dots"),
    ('sweep.levers={"dependency.outages.5.to"={values=["9m"]}}', "outages is a list of 1; want 0, or 1 to add one"),
    (
        'sweep={method="soblo",levers={"host.workers"={values=[1]}}}',
        'sweep.method is "soblo" (did you mean sobol?); want one of grid, list, random, lhs, sobol',
    ),
    ('notes=[{key="foo",kind="fitted",why="x"}]', 'notes.0.key is "foo"; want a key that the file sets'),
    ('observed=[{label="a",at="5m",measure="x",source="s"}]', 'observed.0.measure is "x"; want one of ttr50_s'),
    ("sweep.replications=3", "sweep.replications is not a key: replications stands at the top of the file, before its"),
    ("variants=5", "variants is 5; want tables, one a variant"),
    ("variants.a=5", "variants.a is 5; want a table of what it changes: [variants.a]"),
    ("variants.a.foo=5", "variants.a.foo is not a key"),
    ("variants.a.seed=5", "variants.a.seed is not a key"),
    ("variants.a.host.wrokers=5", "variants.a.host.wrokers is not a key (did you mean workers?)"),
    ("variants.a.policy.queue.limit=5", f"variants.a.policy.queue has no name; {NAMES}"),
    ("variants.a.horizon=5m", "dependency.outages.0.to is 7 min; want before the horizon, 5 min (in variants.a)"),
    ('variants.a.jobs.steps=[{at="0s",rate="5/s"}]', "[jobs] stands beside [fleet], and a file has one kind"),
    ("variants.'as written'.host.workers=2", "label is 'as written'; want another name"),
    ("fleet.holders", "want key=value, for instance host.workers=8"),
    ("=5", "want key=value"),
    ("a..b=5", "want a key with dots"),
    ("variants.no action.hold=5m", "quote a part with spaces or dots"),
    ("fleet.holders.x=5", "fleet.holders is 100; want a table there to set its x"),
    ("fleet.holders=5\nx=6", "fleet.holders holds a line break; want a text without control characters"),
]  # fmt: skip
WRONG_OF_JOBS = [
    (f'jobs.steps=[{{at="0s",rate={HUGE}}}]', 'want a rate such as "200/s"'),
    ("jobs.retries=-1", 'jobs.retries is -1; want a whole number from 0 to 1000000000, or "unlimited"'),
    ("jobs.retries=99999999999999999999", "want a whole number from 0 to 1000000000"),
    ("jobs.steps=[]", "jobs.steps is []; want at least one entry"),
    ("jobs.steps.0.rate=0/s", "jobs.steps have a rate of 0; want at least one rate above 0"),
    ("jobs.steps.0.rate=1e300/s", 'want a rate up to "1e9/s"'),
    ("jobs.steps.0.interval=1s", "want either rate or interval"),
    ("jobs.steps.0.at=5s", 'want steps in rising order of at, the first at "0s"'),
    ('jobs.steps=[{at="0s",rate=10}]', 'jobs.steps.0.rate is 10; want a rate with its unit, "10/s"'),
    ('jobs.steps=[{at="0s",rate="1/s"},{at="50m",rate="5/s"}]', "jobs.steps.1.at is 50 min; want before the horizon"),
    ("jobs.arrivals=possion", 'jobs.arrivals is "possion" (did you mean poisson?)'),
    ("policy.lease=freeze", 'policy.lease is "freeze"; want none: jobs hold no leases'),
    ("host.renew_time=5ms", "host.renew_time is 5 ms; want none: jobs hold no leases"),
    ('operator=[{do="restart",when="leased < 50%"}]', "want one on queue or oldest: jobs hold no leases"),
    ('operator=[{do="restart",at="5m",zone=0}]', "operator.0.zone is 0; want none: jobs have no zones"),
    ('expect.relapses="< 5"', "expect.relapses is a measure of leases; want one of jobs"),
    (
        'observed=[{label="a",at="5m",measure="leased_all_s",source="s"}]',
        "observed are milestones of leases; want none",
    ),
]


@pytest.mark.parametrize(("override", "said"), WRONG)
def test_a_mistake_is_told_in_one_line(override: str, said: str) -> None:
    [line] = mistakes(LEASES, override)
    assert said in line
    assert line.startswith(("s.toml: ", "--set "))


@pytest.mark.parametrize(("override", "said"), WRONG_OF_JOBS)
def test_a_mistake_of_jobs_is_told_in_one_line(override: str, said: str) -> None:
    [line] = mistakes(JOBS, override)
    assert line.startswith("s.toml: ")
    assert said in line


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ["is empty; want a scenario, such as recovery new prints"]),
        (
            "seed = 1\n",
            [
                'horizon is missing; want, for instance, horizon = "4h" at the top of the file: how long is simulated',
                'its workers and costs; it has at least, for instance, establish_time = "200ms", timeout = "60s"',
            ],
        ),
        (
            'seed = 1\nhorizon = "5m"\n[host]\nworkers = 2\n"workers" = 3',
            ['is no TOML: host."workers" in line 5 is there already, in another form'],
        ),
        ("[host]\nworkers = 2\n\nworkers = 3", ["host.workers stands twice, in line 2 and in line 4; want it once"]),
        ("[host]\nworkers = 2\n[fleet]\n[host]", ["[host] stands twice, in line 1 and in line 4; want it once"]),
        ("[host]\ntimeout = { mean = '1s', mean = '2s' }", ["host.timeout.mean stands twice in line 2"]),
        ("[host]\ntimeout = 60s", ['; want a text in quotes: timeout = "60s"']),
        ("[policy]\nqueue = fifo # first", ['; want a text in quotes: queue = "fifo"']),
        ("[policy]\nqueue = “fifo”", ['want key = value, a text in straight quotes: timeout = "60s"']),
        ("[services.a]\nneeds = []\n", ["is a table of services; want an experiment"]),
        ("x = " + "[" * 2000 + "]" * 2000, ["is no TOML: "]),
        ("seed = " + "9" * 5000, ["is no TOML: "]),
        (LEASES + "[[policy]]\nqueue = 'lifo'\n", ["policy is [{"]),
        (LEASES + "[operator]\ndo = 'restart'\nat = '5m'\n", ["want a list of such tables: [[operator]]"]),
        (
            LEASES.replace("lease =", "leases ="),
            ["leases is not a key (did you mean lease?)", "lease missing; want [fleet] with"],
        ),
        (LEASES + "[variants.'']\n", ["variants has one without a name"]),
        (
            LEASES + "[policy]\nqueue = 'lfo'\nclient = 'fxed'\n[variants.a]\nhost.workers = 0\n",
            ['policy.client.name is "fxed" (did you mean fixed?)', 'policy.queue.name is "lfo" (did you mean lifo?)'],
        ),
        (
            LEASES + "[expect]\nttr9_s = '< 5m'\nefficiency = '5'\n",
            ["expect.ttr9_s is not a measure (did you mean ttr99_s?)", 'expect.efficiency is "5": it does not begin'],
        ),
    ],
)
def test_mistakes_of_a_text_are_all_told(text: str, said: list[str]) -> None:
    lines = mistakes(text)
    assert len(lines) == len(said)
    for line, part in zip(lines, said, strict=True):
        assert line.startswith("s.toml: ")
        assert part in line


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read: No such file or directory"),
        (b'title = "\xe9"', "is not UTF-8 text (byte 9)"),
        (LEASES.encode("utf-16"), "is not UTF-8 text (byte 0)"),
        (b"\x00\x01\x02", "is no TOML"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, content: bytes | None, said: str) -> None:
    if content is not None:
        (tmp_path / "x.toml").write_bytes(content)
    with pytest.raises(ScenarioError) as caught:
        load(tmp_path / "x.toml")
    assert said in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_folder_is_no_scenario(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="cannot be read: Is a directory"):
        load(tmp_path)


@pytest.mark.parametrize("content", [b"\xef\xbb\xbf" + LEASES.encode(), LEASES.replace("\n", "\r\n").encode()])
def test_files_of_other_systems_can_be_read(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.toml").write_bytes(content)
    assert load(tmp_path / "x.toml").name == "x"


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("recovers_from=3m", "recovers_from is 3 min, before the last outage is over at 7 min"),
        ('host={establish_time="10ms",timeout="5ms"}', "host.timeout is 5 ms, shorter than host.establish_time, 10 ms"),
        ("host.fail_after=1m", "host.fail_after is 60 s, longer than host.timeout, 10 s"),
        ("host.renew_time=5s", "renewals alone want 833 % of the workers: some fail without an outage, too"),
        ('policy.admission={name="token-bucket",rate="3/s"}', "lets in 3 of the 3.33 renewals a second"),
        ('policy.admission={name="token-bucket",rate="3/s",only="establish"}', ""),
        ('policy.admission={name="token-bucket",rate="4/s"}', ""),
        ('operator=[{do="throttle",at="7m",rate="3/s"}]', "operator.0 is never lifted: from 7 min on it lets in 3 of"),
        ('operator=[{do="throttle",at="7m",rate="3/s",release=[{after="1m",rate="off"}]}]', ""),
        ("fleet.overdue_after=30s", "somebody is overdue all the time"),
        ("fleet.overdue_after=31s", ""),
        ("lease.check_every=110s", ""),
        ('lease={duration="115s",check_every="110s",check_jitter="10%"}', "the shortest lease.duration is 115 s"),
        ('operator=[{do="restart",at="20m",waves=11,every="1m"}]', "operator.0: its last wave comes at 30 min"),
    ],
)
def test_what_is_hardly_meant_is_noted(override: str, said: str) -> None:
    notes = [note for note in oddities(with_(override).first.scenario) if "attempts" not in note]
    assert ([said in note for note in notes] == [True]) if said else notes == []


@pytest.mark.parametrize(("timeout_s", "lease_s", "said"), [
    (10.0, 60, "each waits about 2.5 s all the time"), (2.4, 60, "some fail without an outage, too"),
    (3.5, 12, "leases run out without an outage"),
])  # fmt: skip
def test_more_renewals_than_workers_fail_only_beyond_the_timeout(timeout_s: float, lease_s: float, said: str) -> None:
    """Oracle: who checks again ten seconds after its answer, at one worker that does twelve a second, step by step."""
    holders, serves_s, every_s = 150, 1 / 12, 10.0
    checks, free_s, waits = sorted(every_s * i / holders for i in range(holders)), 0.0, [0.0]
    while checks[0] < 200:
        asks_s = heapq.heappop(checks)
        free_s = max(free_s, asks_s) + serves_s
        waits.append(free_s - asks_s)
        heapq.heappush(checks, free_s + every_s)
    assert (max(waits) >= timeout_s) == ("some fail" in said)
    assert (max(waits) + every_s >= lease_s) == ("run out" in said)
    overrides = ["fleet={holders=150,hosts=1}", f"host.timeout={timeout_s}s", f"host.establish_time={serves_s}s"]
    overrides += ["lease.check_every=10s", f"lease.duration={lease_s}s"]
    scenario = with_(*overrides).first.scenario
    assert any("renewals alone want 125 % of the workers" in note and said in note for note in oddities(scenario))
    told = answer_before("a.toml", "a", resolved(scenario), ())  # the same rule
    is_well = max(waits) < timeout_s and max(waits) + every_s < lease_s
    assert (told.why.mechanism == "renewals") == (not is_well)
    assert ("is renewed every 12.5 s" in told.happened.text) == is_well


@pytest.mark.parametrize(
    ("client", "fails_s", "attempts"),
    [('"immediate"', 0.0, 180_000), ('"immediate"', 0.059, 3_000), ('{name="fixed",delay="1s"}', 0.0, 0)],
)
def test_clients_that_fail_and_try_again_at_once_are_noted(client: str, fails_s: float, attempts: int) -> None:
    """Oracle: three minutes of outage over what one failure takes, 1 ms of round trip and the failure itself."""
    overrides = [f"host.fail_after={fails_s}s", "host.workers=100000", f"policy.client={client}"]
    overrides += ['dependency.outages=[{from="2m",to="5m"}]', "recovers_from=5m"]
    notes = [note for note in oddities(with_(*overrides).first.scenario) if "attempts" in note]
    assert len(notes) == (attempts > 0)
    assert all(f"up to {attempts:,} attempts" in note for note in notes)


def test_jobs_that_are_too_many_from_the_start_are_noted() -> None:
    notes = list(oddities(with_("jobs.steps.0.rate=200/s", text=JOBS).first.scenario))
    assert notes == ["jobs.steps.0 is 200/s, above the capacity of 100/s before anything happened"]


# Schema


def table_of(file: Path) -> dict[str, Any]:
    return tomllib.loads(file.read_text(encoding="utf-8"))


def test_the_schema_that_is_shipped_is_fresh() -> None:
    """Made by `recovery schema --out recovery/data/experiment.schema.json`."""
    assert (DATA / "experiment.schema.json").read_text(encoding="utf-8") == to_json(json_schema())


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize("file", EXPERIMENTS, ids=lambda file: file.name)
@pytest.mark.usefixtures("own_policies")
def test_experiments_and_presets_pass_parser_and_schema_without_a_note(file: Path) -> None:
    experiment = load(file)
    notes = [note for variant in experiment.variants for note in oddities(variant.scenario)]
    assert [
        one for one in notes if "policy.admission lets in 393 of the 4,167" not in one
    ] == []  # October's page tells it
    jsonschema.Draft202012Validator(json_schema()).validate(table_of(file))  # with the policies that are known here


@pytest.mark.parametrize(
    "path",
    [("horizn",), ("host", "wrokers"), ("policy", "queues"), ("policy", "client", "dealy"), ("operator", 0, "att")],
)
def test_a_misspelt_key_fails_the_schema(path: tuple[Any, ...]) -> None:
    table = table_of(TOP / "experiments" / "us-east-1-2025-10-leases.toml")
    place: Any = table
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = "5m"
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(table)


@pytest.mark.parametrize(
    "wrong",
    [
        "host.workers = 0",
        "host.timeout = 5",
        'host.timeout = "5 sec"',
        'policy.queue = "lif"',
        'policy.queue = { name = "bounded", limit = "5" }',
        'operator = [{ do = "reboot", at = "1m" }]',
    ],
)
def test_a_wrong_value_fails_the_schema(wrong: str) -> None:
    table = tomllib.loads(LEASES)
    VALIDATOR.validate(table)
    for key, value in tomllib.loads(wrong).items():
        table[key] = {**table.get(key, {}), **value} if isinstance(value, dict) else value
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(table)


def test_the_preset_of_us_east_1_is_the_experiment() -> None:
    preset = (DATA / "presets" / "us-east-1.toml").read_text(encoding="utf-8")
    first, rest = (TOP / "experiments" / "us-east-1-2025-10-leases.toml").read_text(encoding="utf-8").split("\n", 1)
    assert first.startswith("#:schema")
    assert rest == preset


def test_a_constant_is_the_distribution_of_a_bare_duration() -> None:
    assert json.loads(Distribution.constant(0.5).model_dump_json())["mean"] == 0.5


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        ("expect = { ttr100_s = '< 1h' }", "expect.ttr100_s is ttr100_s, which no sample of the hosts tells"),
        (
            "[[observed]]\nlabel = 'x'\nat = '1h'\nmeasure = 'leased_all_s'\nsource = 'y'",
            "want leases_normal_s, or all hosts",
        ),
    ],
)
def test_what_only_the_last_host_tells_is_not_asked_of_a_sample(asked: str, wanted: str) -> None:
    text = (
        "horizon = '2h'\nfleet = { holders = 100, hosts = 10, sample_hosts = 4 }\n"
        "host = { establish_time = '1s', timeout = '1m' }\nlease = { duration = '10m', check_every = '3m' }\n"
    )
    with pytest.raises(ScenarioError, match=wanted):
        parse(text + asked)
    parse(text.replace(", sample_hosts = 4", "") + asked)


def test_a_sweep_measures_what_all_its_variants_tell() -> None:
    base = (
        "horizon = '2h'\nhost = { establish_time = '1s', timeout = '1m' }\n"
        "sweep.levers.'host.workers' = { values = [2, 4] }\n"
    )
    leases = base + (
        "fleet = { holders = 100, hosts = 10 }\nlease = { duration = '10m', check_every = '3m' }\n"
        "variants.few.fleet.sample_hosts = 4\nexpect = { ttr100_s = '< 1h' }\n"
    )
    parse(leases + "sweep.measure = 'ttr99_s'")  # what is expected is of the first variant, which has all hosts
    with pytest.raises(ScenarioError, match=r"sweep\.measure is ttr100_s.*sample_hosts in “few”.*want ttr99_s"):
        parse(leases + "sweep.measure = 'ttr100_s'")
    jobs = base + "jobs.steps = [{ at = '0s', rate = '1/s' }]\n"
    parse(jobs + "sweep.measure = 'ttr99_s'")
    with pytest.raises(ScenarioError, match=r"sweep\.measure is leases_normal_s, of leases; want one of jobs"):
        parse(jobs + "sweep.measure = 'leases_normal_s'")


# Names


OLD_FORM = [
    (
        LEASES.replace("holders", "droplets"),
        (),
        ["s.toml: fleet.droplets is called fleet.holders now; want that key"],
    ),
    (
        'sweep = { levers = { "host.workers" = { values = [1, 2] } }, curves = { worlds = 3 } }\n' + LEASES,
        (),
        ["s.toml: sweep.curves.worlds is called sweep.curves.draws now; want that key"],
    ),
    (
        'expect = { unleased_droplet_hours = "< 5" }\n' + LEASES,
        (),
        ["s.toml: expect.unleased_droplet_hours is called expect.unleased_holder_hours now; want that key"],
    ),
    (
        LEASES + '[variants."fewer of them"]\nfleet.droplets = 5\n',
        (),
        ['s.toml: variants."fewer of them".fleet.droplets is called fleet.holders now; want that key'],
    ),
    (
        LEASES
        + '[[notes]]\nkey = "fleet.droplets"\nkind = "assumed"\nwhy = "x"\n'
        '[sweep]\ninclude = [{ "fleet.droplets" = 7 }]\n'
        '[sweep.levers]\n"fleet.droplets" = { values = [5, 6] }\n[sweep.uncertainties]\n'
        '"fleet.droplets" = { values = [5, 6] }\n',
        (),
        [
            's.toml: sweep.levers."fleet.droplets" is called "fleet.holders" now; want that key',
            's.toml: sweep.uncertainties."fleet.droplets" is called "fleet.holders" now; want that key',
            's.toml: sweep.include.0."fleet.droplets" is called "fleet.holders" now; want that key',
            's.toml: notes.0.key is "fleet.droplets", which is called fleet.holders now; want that key',
        ],
    ),
    (
        LEASES,
        ("fleet.droplets=5",),
        ["--set fleet.droplets=5: fleet.droplets is called fleet.holders now; want that key"],
    ),
    (
        LEASES,
        ("variants.a.fleet={droplets=5}",),
        [
            "--set variants.a.fleet={droplets=5}: variants.a.fleet.droplets is called fleet.holders now; want that key"
        ],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "overrides", "said"), OLD_FORM)
def test_a_file_of_the_old_form_is_refused_with_the_new_words(
    text: str, overrides: tuple[str, ...], said: list[str]
) -> None:
    """All of them at once, and nothing else: what is missing under the new word is not told a second time."""
    assert mistakes(text, *overrides) == said


def test_a_scenario_says_what_its_holders_are_called() -> None:
    def words(*overrides: str) -> tuple[str, ...]:
        fleet = with_(*overrides).first.scenario.fleet
        assert fleet is not None
        return fleet.words[:2] if "called" in "".join(overrides) else fleet.words

    assert words() == ("holders", "holder", "leases", "lease")
    assert words("fleet.holds=registrations") == ("holders", "holder", "registrations", "registration")
    assert words("fleet.holds=leaves", "fleet.holds_one=leaf")[2:] == ("leaves", "leaf")
    assert words("fleet.called=droplets") == ("droplets", "droplet")
    assert words("fleet.called=proxies") == ("proxies", "proxy")
    assert words("fleet.called=people") == ("people", "people")
    assert words("fleet.called='web switches'", "fleet.called_one='web switch'") == ("web switches", "web switch")
    for wrong in ('""', '"<b>"', '"droplets1"', '" droplets"', f'"{"d" * 41}"'):
        [line] = mistakes(LEASES, f"fleet.called={wrong}")
        assert f"fleet.called is {wrong[:41]}" in line
        assert "want a noun of letters alone" in line


def test_what_holders_are_called_changes_no_run() -> None:
    keys = {
        identity.digest_of(with_(*said).first, 1, 0)
        for said in ((), ("fleet.called=droplets",), ("fleet.holds=sessions",))
    }
    assert len(keys) == 1
