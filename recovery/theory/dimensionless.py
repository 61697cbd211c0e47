"""Dimensionless groups of a lease scenario, and numbers explained: formula, the numbers in it, meaning."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from recovery.theory import given


class Explanation(NamedTuple):
    """How a number comes about: `formula` names its inputs in braces, `meaning` is one sentence."""

    formula: str
    meaning: str


class Explained(NamedTuple):
    """One explained number: its formula in symbols, and the same formula with the numbers put in."""

    name: str
    value: float
    formula: str
    numbers: str
    meaning: str


SYMBOLS: Mapping[str, str] = MappingProxyType(
    {
        "admission_per_s": "a",
        "amplification": "A",
        "check_every_s": "P",
        "holders": "N",
        "establish_per_s": "μ",
        "establish_s": "s",
        "hosts": "M",
        "lease_s": "L",
        "queue_limit": "Q",
        "reject_cost_s": "s_x",
        "renew_s": "s_r",
        "renewal_share": "r3",
        "renewals_per_s": "r",
        "retries": "R",
        "service_per_s": "μ",
        "share": "f",
        "timeout_s": "τ",
        "unleased": "N_unleased",
        "workers": "c",
    }
)
"""The symbol of every input of `EXPLANATIONS`."""

MEANS: Mapping[str, str] = MappingProxyType(
    {
        "a": "requests that admission lets in, in a second",
        "A": "attempts for each that succeeds",
        "P": "seconds between two moments at which a holder looks after its lease",
        "N": "holders",
        "μ": "what all hosts can do in a second",
        "s": "how long a worker needs for a request (seconds)",
        "M": "hosts",
        "L": "how long a lease lasts (seconds)",
        "Q": "requests that wait at a host at most",
        "s_x": "how long a worker needs to refuse a request (seconds)",
        "s_r": "how long a worker needs for a renewal (seconds)",
        "r": "renewals that admission lets in, in a second",
        "R": "times that a job is tried again at most",
        "f": "share of the holders that is to be back",
        "τ": "how long a client waits before it gives up (seconds)",
        "N_unleased": "holders without a lease",
        "c": "workers of a host",
    }
)
"""Each symbol of `SYMBOLS` in words, with its unit; r3 is a number that is explained itself."""


def symbols_in(formula: str) -> list[str]:
    """The symbols of a formula, each once, in their order."""
    return list(dict.fromkeys(re.findall(r"N_unleased|s_r|s_x|r3|[A-Za-zμτ]", formula)))


def legends(formulas: Sequence[str]) -> list[str]:
    """For each formula what those of its symbols mean that no formula before it has: "N: holders; M: hosts"; or ""."""
    known: set[str] = set()
    out = []
    for formula in formulas:
        new = [one for one in symbols_in(formula) if one in MEANS and one not in known]
        known.update(new)
        out.append("; ".join(f"{one}: {MEANS[one]}" for one in new))
    return out


EXPLANATIONS: Mapping[str, Explanation] = MappingProxyType(
    {
        "establish_per_s": Explanation(
            "{workers} * {hosts} / {establish_s}",
            "Leases that the whole fleet of hosts can establish in a second.",
        ),
        "r1": Explanation(
            "{holders} / ({establish_per_s} * {timeout_s})",
            "Backlog in timeouts: above about 1 a queue without a bound that serves in order of arrival works for "
            "clients that have already given up.",
        ),
        "r2": Explanation(
            "{queue_limit} * {hosts} / ({establish_per_s} * {timeout_s})",
            "Queue bound in timeouts: below 1 a bounded queue serves only requests that somebody still waits for.",
        ),
        "r3": Explanation(
            "{holders} * {renew_s} / ({check_every_s} * {workers} * {hosts})",
            "Share of the work that renewals need in the steady state: recovery has what is left of 1.",
        ),
        "r4": Explanation(
            "{holders} / ({establish_per_s} * {lease_s})",
            "Refill against expiry: above 1 the first leases run out before the last are made.",
        ),
        "r5": Explanation(
            "{amplification} * {reject_cost_s} / {establish_s}",
            "Share of the work spent on saying no: near 1 a host does nothing else.",
        ),
        "hidden_capacity_per_s": Explanation(
            "{service_per_s} / (1 + {retries})",
            "Load below which a queue that was pushed over the edge empties again without help: each job is one "
            "attempt and up to R more.",
        ),
        "fluid_bound_s": Explanation(
            "{share} * {unleased} / {establish_per_s}",
            "Time to recovery if no work is wasted and nothing is renewed: nothing can be faster.",
        ),
        "fluid_estimate_s": Explanation(
            "{share} * {unleased} / ({establish_per_s} * (1 - {renewal_share}))",
            "Time to recovery if no work is wasted and all renewals are made.",
        ),
        "admission_estimate_s": Explanation(
            "{share} * {unleased} / ({admission_per_s} - {renewals_per_s})",
            "Time that admission takes to let so many in, if somebody asks at every moment and all renewals that need "
            "its leave are made too: the estimate where it is longer than fluid_estimate_s.",
        ),
    }
)
"""What each number means and how it is made up."""


def _text(value: float | None) -> str:
    if value is None or math.isinf(value):
        return "inf"
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else f"{value:.6g}"


def explain(name: str, value: float, **inputs: float | None) -> Explained:
    """The row of `EXPLANATIONS[name]`, its formula once with symbols and once with `inputs` put in to 6 digits.

    `None` is unlimited and shown as inf. Raises ValueError for a name that has no explanation or an input that is
    missing.
    """
    if name not in EXPLANATIONS:
        raise ValueError(f"name is {name!r}; want one of {', '.join(EXPLANATIONS)}")
    formula, meaning = EXPLANATIONS[name]
    try:
        numbers = formula.format(**{key: _text(number) for key, number in inputs.items()})
    except KeyError as missing:
        raise ValueError(f"explanation of {name} lacks its input {missing}") from None
    return Explained(name, value, formula.format(**SYMBOLS), numbers, meaning)


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """The dimensionless groups of a lease scenario with the inputs they were made of; see `groups`."""

    holders: int
    hosts: int
    workers: int
    establish_s: float
    timeout_s: float
    check_every_s: float
    lease_s: float
    renew_s: float
    queue_limit: float
    amplification: float
    reject_cost_s: float
    establish_per_s: float
    r1: float
    r2: float
    r3: float
    r4: float
    r5: float

    def rows(self) -> list[Explained]:
        """`establish_per_s` and then r1 to r5, each with its formula, the numbers in it, and its meaning."""
        inputs: dict[str, float | None] = {
            "holders": self.holders,
            "hosts": self.hosts,
            "workers": self.workers,
            "establish_s": self.establish_s,
            "timeout_s": self.timeout_s,
            "check_every_s": self.check_every_s,
            "lease_s": self.lease_s,
            "renew_s": self.renew_s,
            "queue_limit": self.queue_limit,
            "amplification": self.amplification,
            "reject_cost_s": self.reject_cost_s,
            "establish_per_s": self.establish_per_s,
        }
        values = {
            "establish_per_s": self.establish_per_s,
            "r1": self.r1,
            "r2": self.r2,
            "r3": self.r3,
            "r4": self.r4,
            "r5": self.r5,
        }
        return [explain(name, value, **inputs) for name, value in values.items()]


def groups(
    *,
    holders: int,
    hosts: int,
    workers: int,
    establish_s: float,
    timeout_s: float,
    check_every_s: float,
    lease_s: float,
    renew_s: float,
    queue_limit: float | None = None,
    amplification: float = 1.0,
    reject_cost_s: float = 0.0,
) -> Groups:
    """The dimensionless groups of a lease scenario (MODEL.md, section 2). With mu = c M / s establishes a second:

    r1 = N / (mu tau)          backlog in timeouts
    r2 = Q M / (mu tau)        queue bound in timeouts; `inf` where the queue is unbounded
    r3 = N s_r / (P c M)       share of the work that renewals need in the steady state
    r4 = N / (mu L)            refill against expiry
    r5 = A s_x / s             share of the work spent on rejections

    `holders` is N and `hosts` is M, of the whole fleet; `workers` is c, a host; `establish_s` s and `renew_s` s_r are
    mean times of service; `timeout_s` is tau, `check_every_s` P, `lease_s` L. `queue_limit` is Q, the places in the
    queue of one host, `None` for unbounded. `amplification` is A, attempts for each establish that the fleet can do;
    `reject_cost_s` is s_x, the work of one rejection.

    Counts are whole numbers from 1. Times are above 0, `timeout_s` and `lease_s` may be inf; `renew_s`, `queue_limit`
    and `reject_cost_s` are from 0, `amplification` is from 1. Raises ValueError otherwise.
    Source: dimensional analysis of the model (Buckingham 1914); the groups are this project's own.
    """
    holders = given.whole("holders", holders, 1)
    hosts = given.whole("hosts", hosts, 1)
    workers = given.whole("workers", workers, 1)
    establish_s = given.positive("establish_s", establish_s)
    timeout_s = given.positive_or_inf("timeout_s", timeout_s)
    check_every_s = given.positive("check_every_s", check_every_s)
    lease_s = given.positive_or_inf("lease_s", lease_s)
    renew_s = given.from_zero("renew_s", renew_s)
    queue_limit = math.inf if queue_limit is None else given.from_zero_or_inf("queue_limit", queue_limit)
    reject_cost_s = given.from_zero("reject_cost_s", reject_cost_s)
    if not 1.0 <= amplification < math.inf:
        raise ValueError(f"amplification is {amplification}; want a finite number from 1")
    establish_per_s = workers * hosts / establish_s
    return Groups(
        holders=holders,
        hosts=hosts,
        workers=workers,
        establish_s=establish_s,
        timeout_s=timeout_s,
        check_every_s=check_every_s,
        lease_s=lease_s,
        renew_s=renew_s,
        queue_limit=queue_limit,
        amplification=float(amplification),
        reject_cost_s=reject_cost_s,
        establish_per_s=establish_per_s,
        r1=holders / (establish_per_s * timeout_s),
        r2=math.inf if math.isinf(queue_limit) else queue_limit * hosts / (establish_per_s * timeout_s),
        r3=holders * renew_s / (check_every_s * workers * hosts),
        r4=holders / (establish_per_s * lease_s),
        r5=amplification * reject_cost_s / establish_s,
    )
