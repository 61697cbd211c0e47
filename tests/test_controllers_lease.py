"""Controllers of leases: how long one is granted, and whether one that has ended runs out.

Oracles: tables worked out by hand from the sources; twins in their style (`twin.controllers.lease`), which are whole
registries, under random lives of the holders (exact, times to a microsecond).
"""

import heapq
import random
from dataclasses import dataclass, field

import pytest
from controllers import Driver, driven
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from recovery_kernels.controllers import (
    RENEWED,
    RESTARTED,
    expiry_cap,
    failover_extension,
    learning,
    load_scaled,
    self_preservation,
)
from twin.controllers import lease as twins

from recovery.model.policies import tenure

NS = 10**9


@dataclass
class Leases:
    """What an engine does with a controller of leases, in the most obvious way; times in whole nanoseconds."""

    driver: Driver
    ends_ns: dict[int, int]
    gone: list[tuple[float, int]] = field(default_factory=list)
    timers: list[tuple[int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.timers = [(end_ns, name) for name, end_ns in self.ends_ns.items()]
        heapq.heapify(self.timers)

    def until(self, now_ns: int) -> None:
        """Each lease that ends up to and with a moment is asked about."""
        while self.timers and self.timers[0][0] <= now_ns:
            at_ns, name = heapq.heappop(self.timers)
            if self.ends_ns.get(name) != at_ns:
                continue  # it was renewed
            more_s = self.driver.expire(now_s=at_ns / 1e9)
            if more_s == 0.0:
                del self.ends_ns[name]
                self.gone.append((at_ns / 1e9, name))
            else:
                self._set(name, at_ns + int(more_s * 1e9 + 0.5))
                assert self.ends_ns[name] > at_ns  # or it would be asked for ever

    def _set(self, name: int, end_ns: int) -> None:
        self.ends_ns[name] = end_ns
        heapq.heappush(self.timers, (end_ns, name))

    def renew(self, name: int, now_ns: int, length_ns: int) -> None:
        """A lease is granted."""
        if hasattr(self.driver.module, "told"):
            self.driver.told(RENEWED, now_s=now_ns / 1e9, is_leased=float(name in self.ends_ns))
        self._set(name, now_ns + length_ns)


# --- load-scaled and extension ----------------------------------------------------------------------------------------


@pytest.mark.nojit
def test_a_master_under_load_grants_long_leases() -> None:
    """A step: with a limit of 10 leases are long from 11 that wait on; with 12 s of work at 2 a second, from 25 on."""
    counted = driven(load_scaled, {"loaded_s": 60, "limit": 10, "limit_s": 0}, capacity_per_s=2.0)
    assert [counted.renew(waiting=n) for n in (0, 10, 11)] == [0, 0, 60]
    timed = driven(load_scaled, {"loaded_s": 60, "limit": 0, "limit_s": 12}, capacity_per_s=2.0)
    assert [timed.renew(waiting=n) for n in (24, 25)] == [0, 60]


@pytest.mark.nojit
def test_a_new_leader_gives_all_the_same_time() -> None:
    """Nomad: 300 s, whatever was left: more for one, less for another."""
    driver = driven(failover_extension, {"extension_s": 300, "spread_per_s": 0})
    assert [driver.restart(left_s=left_s) for left_s in (1.0, 299.0, 900.0)] == [300, 300, 300]


@pytest.mark.nojit
def test_etcd_spreads_what_a_second_of_revocations_cannot_do() -> None:
    """With 750/s the first 750 end together, the 751st 751/750 s later; below 1000 leases none are spread."""
    driver = driven(failover_extension, {"extension_s": 10, "spread_per_s": 750}, members=2000.0)
    ends_s = [driver.restart() for _ in range(2000)]
    assert ends_s[:750] == [10.0] * 750
    assert ends_s[750] == 10 + 751 / 750
    assert ends_s[-1] == 10 + 2000 / 750
    few = driven(failover_extension, {"extension_s": 10, "spread_per_s": 750}, members=999.0)
    assert {few.restart() for _ in range(999)} == {10.0}


@given(st.integers(1, 400), st.integers(1, 60))
@settings(max_examples=60, deadline=None)
def test_the_spread_is_promote(holders, rate) -> None:  # type: ignore[no-untyped-def]
    driver = driven(failover_extension, {"extension_s": 30, "spread_per_s": rate}, members=float(holders))
    ends_s = [driver.restart() for _ in range(holders)]
    assert ends_s == pytest.approx(twins.promote(holders, 30.0, rate), abs=1e-12)
    for second in range(32, int(max(ends_s)) + 1):  # no second has more than etcd aims at
        assert sum(second <= end_s < second + 1 for end_s in ends_s) <= rate + 1


# --- self-preservation ------------------------------------------------------------------------------------------------


def minute_of(driver: Driver, minute: int, renewals: int) -> None:
    """So many renewals within a minute."""
    for n in range(renewals):
        driver.told(RENEWED, now_s=60.0 * minute + 59.0 * (n + 0.5) / max(renewals, 1), is_leased=1)


@pytest.mark.nojit
def test_eureka_by_hand() -> None:
    """100 holders that should renew every 30 s: 200 a minute are expected, int(200 · 0.85) = 170 is the threshold, and
    a pass takes 100 - int(85) = 15 at most. 170 in the minute before 60 s: none. 171 before 120 s: 15. Then 85 are
    left: expected 170, threshold int(144.5) = 144, at most 85 - int(72.25) = 13. Between passes, which come 1 ms after
    their minutes, nobody runs out.
    """
    driver = driven(self_preservation, {"share": 0.85, "check_s": 30, "every_s": 60}, members=100.0)
    minute_of(driver, 0, 170)
    assert driver.expire(now_s=40.0) == pytest.approx(20.001)
    assert [driver.expire(now_s=60.001) for _ in range(20)] == pytest.approx([60.0] * 20)
    minute_of(driver, 1, 171)
    assert [driver.expire(now_s=120.001) for _ in range(20)] == pytest.approx([0.0] * 15 + [60.0] * 5)
    assert driver.expire(now_s=121.0) == pytest.approx(59.001)
    minute_of(driver, 2, 145)
    assert [driver.expire(now_s=180.001) for _ in range(20)] == pytest.approx([0.0] * 13 + [60.0] * 7)
    minute_of(driver, 3, 171)
    assert driver.expire(now_s=300.001) == pytest.approx(60.0)  # the last whole minute had none


@pytest.mark.nojit
def test_one_that_comes_back_counts_again() -> None:
    """Of 10 holders one is gone: 9 · 2 · 0.85 = 15.3, threshold 15. It comes back: 17, and that is no renewal."""
    for back, renewals, is_taken in ((False, 16, True), (True, 16, False), (True, 18, True), (False, 15, False)):
        driver = driven(self_preservation, {"share": 0.85, "check_s": 30, "every_s": 60}, members=10.0)
        minute_of(driver, 0, 18)
        assert driver.expire(now_s=60.001) == 0.0
        if back:
            driver.told(RENEWED, now_s=61.0, is_leased=0)
        minute_of(driver, 1, renewals)
        assert (driver.expire(now_s=120.001) == 0.0) is is_taken


lives = st.tuples(
    st.integers(0, 2**32), st.integers(1, 40), st.sampled_from([0.0, 0.02, 0.1, 0.3]), st.sampled_from([20, 60, 90])
)


@given(lives, st.sampled_from([0.5, 0.85, 0.97]))
@settings(max_examples=40, deadline=None)
def test_self_preservation_is_eureka(life, share) -> None:  # type: ignore[no-untyped-def]
    """Holders renew every 30 s, and now and then one is away for two to eight minutes."""
    seed, holders, away, every = life
    chance = random.Random(seed)
    length_ns = 90 * NS
    events = []
    ends_ns = {}
    for name in range(holders):
        at_ns = chance.randrange(30_000) * 10**6 + 500_000  # half a ms: no renewal comes at a pass
        ends_ns[name] = at_ns + length_ns
        while at_ns < 1200 * NS:
            at_ns += 30 * NS if chance.random() >= away else chance.randrange(120, 480) * NS
            events.append((at_ns, name))
    driver = driven(self_preservation, {"share": share, "check_s": 30, "every_s": every}, members=float(holders))
    registry = twins.Eureka(share, 30.0, float(every), {name: end / 1e9 for name, end in ends_ns.items()})
    leases = Leases(driver, ends_ns)
    for at_ns, name in sorted(events):
        leases.until(at_ns)
        registry.until(at_ns / 1e9)
        leases.renew(name, at_ns, length_ns)
        registry.renew(name, (at_ns + length_ns) / 1e9)
    assert [(round(at_s, 6), name) for at_s, name in leases.gone] == [(round(at, 6), n) for at, n in registry.evicted]
    assert set(leases.ends_ns) == set(registry.leases_s)


# --- cap and learning -------------------------------------------------------------------------------------------------


@pytest.mark.nojit
def test_kubernetes_lets_one_go_every_ten_seconds() -> None:
    """0.1/s, one at a time: of five leases that end at 100 s one is gone at once, the others every 10 s after it."""
    leases = Leases(driven(expiry_cap, {"per_s": 0.1, "batch": 1}), dict.fromkeys(range(5), 100 * NS))
    leases.until(1000 * NS)
    assert leases.gone == [(100.0, 0), (110.0, 1), (120.0, 2), (130.0, 3), (140.0, 4)]


@pytest.mark.nojit
def test_etcd_revokes_in_batches() -> None:
    """1000/s in batches of 500: 1200 leases that end at once are gone in three batches, half a second apart."""
    leases = Leases(driven(expiry_cap, {"per_s": 1000, "batch": 500}), dict.fromkeys(range(1200), 5 * NS))
    leases.until(100 * NS)
    times_s = [at_s for at_s, _ in leases.gone]
    assert [times_s.count(at_s) for at_s in (5.0, 5.5, 6.0)] == [500, 500, 200]


@pytest.mark.nojit
def test_one_that_is_renewed_takes_no_place() -> None:
    """Of four that end at 100 s the second is renewed at 105 s: the third is gone at 110 s, the fourth at 120 s."""
    leases = Leases(driven(expiry_cap, {"per_s": 0.1, "batch": 1}), dict.fromkeys(range(4), 100 * NS))
    leases.until(105 * NS)
    leases.renew(1, 105 * NS, 1000 * NS)
    leases.until(1000 * NS)
    assert leases.gone == [(100.0, 0), (110.0, 2), (120.0, 3)]


@given(st.integers(0, 2**32), st.integers(1, 30), st.integers(1, 50))
@settings(max_examples=60, deadline=None)
def test_the_cap_is_a_rate_limited_queue(seed, holders, spacing) -> None:  # type: ignore[no-untyped-def]
    """Leases end at random moments; one in three is renewed later, whether it still runs or not."""
    chance = random.Random(seed)
    per_s = spacing / 16
    ends_ns = {name: chance.randrange(1, 20_000) * 10**6 + name for name in range(holders)}  # no two at one moment
    renewals = sorted(
        (end_ns + chance.randrange(1, 20_000) * 10**6 + 500_000, name)
        for name, end_ns in ends_ns.items()
        if chance.random() < 1 / 3
    )
    leases, limited = Leases(driven(expiry_cap, {"per_s": per_s, "batch": 1}), dict(ends_ns)), twins.Limited(per_s)
    events = sorted([(at_ns, 0, name) for name, at_ns in ends_ns.items()] + [(at, 1, name) for at, name in renewals])
    for at_ns, is_renewal, name in events:
        leases.until(at_ns)
        if is_renewal:
            limited.remove(name, at_ns / 1e9)
            leases.renew(name, at_ns, 10**6 * NS)
        else:
            limited.add(name, at_ns / 1e9)
    leases.until(10**5 * NS)
    limited.until(1e5)
    assert [name for _, name in leases.gone] == [name for _, name in limited.gone]
    assert [at_s for at_s, _ in leases.gone] == pytest.approx([at_s for at_s, _ in limited.gone], abs=1e-6)


@pytest.mark.nojit
def test_a_server_that_learns_lets_nobody_go() -> None:
    """60 s from a restart at 1000 s: a lease that ends at 1030 s or at 1059.9 s runs until 1060 s; before and after
    that it is as ever. The first begin of a host is no restart.
    """
    driver = driven(learning, {"learning_s": 60})
    assert driver.expire(now_s=10.0) == 0.0
    driver.call("begin", now_s=1000.0)
    driver.told(RESTARTED, now_s=1000.0)
    driver.told(RENEWED, now_s=1010.0)
    leases = Leases(driver, {1: 1030 * NS, 2: 1059_900_000_001, 3: 1061 * NS})
    leases.until(2000 * NS)
    assert leases.gone == [(1060.0, 1), (1060.0, 2), (1061.0, 3)]


@pytest.mark.parametrize("module", [expiry_cap, learning, self_preservation])
@pytest.mark.parametrize("now_ns", [1, 86_400_123_456_789, 31_536_000_123_456_789])
def test_a_wait_is_over_when_it_is(module, now_ns) -> None:  # type: ignore[no-untyped-def]
    """Whole nanoseconds, also after a year: who comes back after its wait is not sent away for no time at all."""
    params = {"per_s": 7.3, "batch": 1, "learning_s": 0.1234567891, "share": 0.85, "check_s": 30, "every_s": 61.7}
    driver = driven(module, {name: params[name] for name in module.PARAMS}, members=10.0)
    if module is learning:
        driver.told(RESTARTED, now_s=now_ns / 1e9)
    leases = Leases(driver, dict.fromkeys(range(20), now_ns + 12_345_678))
    leases.until(now_ns + 400 * NS)  # asserts that time goes on
    assert leases.gone or module is self_preservation


# --- what may be written ----------------------------------------------------------------------------------------------

RULES = (
    (tenure.LoadScaled, load_scaled),
    (tenure.FailoverExtension, failover_extension),
    (tenure.SelfPreservation, self_preservation),
    (tenure.ExpiryCap, expiry_cap),
    (tenure.Learning, learning),
)


@pytest.mark.parametrize(("rule", "module"), RULES)
def test_a_rule_gives_its_controller_what_it_wants(rule, module) -> None:  # type: ignore[no-untyped-def]
    """`lower()` names the file, and as many numbers as it has parameters."""
    controller = rule().lower().controller
    assert controller.name == module.__name__.rpartition(".")[2]
    driven(module, dict(zip(module.PARAMS, controller.params, strict=True)))
    assert module.AXIS == rule.axis == "lease"


def test_defaults_are_those_of_the_sources() -> None:
    """As the paper and the programs name them."""
    assert tenure.LoadScaled().lower().controller.params == (60.0, 0.0, 12.0)
    assert tenure.LoadScaled(limit=7).lower().controller.params == (60.0, 7.0, 0.0)
    assert tenure.FailoverExtension().lower().controller.params == (300.0, 0.0)
    assert tenure.FailoverExtension(spread="750/s").lower().controller.params == (300.0, 750.0)
    assert tenure.SelfPreservation().lower().controller.params == (0.85, 30.0, 60.0)
    assert tenure.ExpiryCap().lower().controller.params == (0.1, 1.0)
    assert tenure.ExpiryCap(rate="1000/s", batch=500).lower().controller.params == (1000.0, 500.0)


@pytest.mark.parametrize(
    ("rule", "given", "wanted"),
    [
        (tenure.LoadScaled, {"limit": 0}, "want a whole number of requests a host from 1"),
        (tenure.FailoverExtension, {"spread": "0/s"}, "want a rate above 0"),
        (tenure.ExpiryCap, {"rate": "0/s"}, "want a rate above 0"),
        (tenure.ExpiryCap, {"batch": 0}, "greater than or equal to 1"),
        (tenure.SelfPreservation, {"share": "100%"}, "want share below"),
        (tenure.Learning, {"learning": 0}, "want a duration above 0"),
    ],
)
def test_nonsense_is_refused_with_what_is_wanted(rule, given, wanted) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValidationError, match=wanted):
        rule.model_validate(given)
