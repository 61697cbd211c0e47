"""The table [sweep]: levers (what we choose) and uncertainties (what is not known), and how they are combined."""

import json
import math
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, model_validator

from recovery.measures import register
from recovery.model.measure_names import field_of
from recovery.model.part import Part, Whole
from recovery.units import PositiveDuration, PositiveShare, quantity

POINTS_MAX = 100_000
Method = Literal["grid", "list", "random", "lhs", "sobol"]
DRAWN = ("random", "lhs", "sobol")
Time = Annotated[str, *field_of(register.recoveries())]


def _digits(number: float) -> str:
    """Six digits without an exponent: what the last bit of a logarithm says must not decide a run."""
    return format(Decimal(f"{number:.6g}"), "f")


def text_of(kind: str, number: float) -> str | float:
    """A quantity of this kind (s, 1/s, a share, a number) as a file has it."""
    if kind == "duration":
        return f"{_digits(number * 1e3)}ms" if number < 1 else f"{_digits(number)}s"
    if kind == "share":
        return f"{_digits(100 * number)}%"
    return f"{_digits(number)}/s" if kind == "rate" else float(_digits(number))


class Span(Part):
    """The values of one key: a list of them, or a range."""

    values: tuple[object, ...] | None = Field(
        None, min_length=1, description="the values that it takes, policies with their parameters too"
    )
    min: object = Field(None, description='or the least value of a range: "5ms", "10/s", "10%", 3')
    max: object = Field(None, description="and the greatest, in the same kind of unit")
    distribution: Literal["uniform", "log-uniform"] = Field("uniform", description="how a range is drawn from")

    @model_validator(mode="after")
    def _one_of(self) -> "Span":
        if self.values is not None:
            if self.min is not None or self.max is not None:
                raise ValueError("want either values, or min and max")
            if len({json.dumps(value, sort_keys=True, default=str) for value in self.values}) < len(self.values):
                raise ValueError("want values that differ")
            return self
        if self.min is None or self.max is None:
            raise ValueError("want values = [...], or min and max")
        low, high = quantity(self.min), quantity(self.max)
        if low is None or high is None or low[0] != high[0]:
            raise ValueError('want min and max of one kind: two durations, rates, shares or numbers ("5ms" and "80ms")')
        if not low[1] < high[1]:
            raise ValueError("want min below max")
        if self.distribution == "log-uniform" and low[1] <= 0:
            raise ValueError('want min above 0 for distribution = "log-uniform"')
        return self

    @property
    def is_range(self) -> bool:
        """Whether it is a range rather than a list."""
        return self.values is None

    def at(self, place: float) -> object:
        """The value at a place in [0, 1), as a file has it."""
        if self.values is not None:
            return self.values[min(int(place * len(self.values)), len(self.values) - 1)]
        (kind, low), (_, high) = quantity(self.min) or ("", 0.0), quantity(self.max) or ("", 0.0)
        is_whole = isinstance(self.min, int) and isinstance(self.max, int)
        if is_whole and self.distribution == "uniform":
            return min(int(low) + int(place * (high - low + 1)), int(high))
        number = low * (high / low) ** place if self.distribution == "log-uniform" else low + place * (high - low)
        if is_whole:
            return round(number)
        return text_of(kind, number)


class Accept(Part):
    """Keep only draws in which the file as it stands meets what was observed."""

    within: PositiveDuration = Field(examples=["10m"], description="how far each [[observed]] milestone may be off")
    tries: Whole = Field(50, ge=1, le=10_000, description="draws made for each one kept, at most")


class Curves(Part):
    """Curves that are kept of the first draws of the first replication."""

    every: PositiveDuration = Field(120.0, description="time between two points")
    draws: Whole = Field(8, ge=0, le=10_000, description="draws whose curves are kept, of each policy")


class Sensitivity(Part):
    """Sobol indices: which uncertain input matters."""

    samples: Whole = Field(
        64, ge=32, le=2**20, description="base sample, a power of two; costs samples · (inputs + 3) runs"
    )
    policies: tuple[str, ...] = Field((), description="names; default: the file as it stands and the best policy")

    @model_validator(mode="after")
    def _power(self) -> "Sensitivity":
        if self.samples & (self.samples - 1):
            raise ValueError("want samples as a power of two")
        return self


class Sweep(Part):
    """Every policy (variant × point of the levers) in every draw (point of the uncertainties)."""

    method: Method = Field(
        "grid", description="how uncertainties are combined: grid and list of values; random, lhs, sobol draw anew"
    )
    samples: Whole = Field(16, ge=1, le=POINTS_MAX, description="draws in each replication (random, lhs, sobol)")
    seed: Whole | None = Field(None, ge=0, le=2**63 - 1, description="seed of the draws; default: the experiment's")
    measure: Time = Field(
        "ttr99_s",
        description="the time by which policies are compared: to recovery, counted from the dependency's return, or to "
        "normal, counted from the start; for one class add its name: ttr99_s.heartbeat",
    )
    precision: PositiveShare | None = Field(
        None,
        description="how exactly to know the mean time of the runs that recover: half its interval, as a share of the "
        'mean: "5%"; default: the sweep makes exactly `replications`',
    )
    never_max: PositiveShare = Field(0.05, lt=1, description="chance of never that is small enough")
    indifference: PositiveDuration = Field(60.0, description="a policy later by less than this is as good")
    replications_max: Whole = Field(30, ge=1, le=10**6, description="replications after which a policy stops anyway")
    levers_method: Method | None = Field(
        None, description="how levers are combined; default: grid, or method where one of them is a range"
    )
    levers_samples: Whole = Field(64, ge=1, le=POINTS_MAX, description="points drawn of levers (random, lhs, sobol)")
    levers: dict[str, Span] = Field(
        default_factory=dict, description='keys with dots, for instance "jobs.retries" = { values = [1, 2, 3] }'
    )
    uncertainties: dict[str, Span] = Field(
        default_factory=dict, description='keys with dots, for instance "host.timeout" = { min = "1m", max = "9m" }'
    )
    include: tuple[dict[str, object], ...] = Field((), description="more points of levers, each a table of key = value")
    exclude: tuple[dict[str, object], ...] = Field((), description="points of levers that are left out")
    accept: Accept | None = Field(None, description="keep only draws that meet what was observed")
    curves: Curves | None = Field(None, description="keep curves")
    sensitivity: Sensitivity | None = Field(None, description="Sobol indices")

    @model_validator(mode="after")
    def _fits(self) -> "Sweep":
        if not self.levers and not self.uncertainties and not self.include:
            raise ValueError("want [sweep.levers], [sweep.uncertainties] or both, with at least one key")
        for name, spans, method in (
            ("levers", self.levers, self.combines_levers), ("uncertainties", self.uncertainties, self.method),
        ):  # fmt: skip
            key = "method" if name == "uncertainties" else "levers_method"
            ranged = [one for one, span in spans.items() if span.is_range]
            if ranged and method not in DRAWN:
                state = f'is "{method}"' if key in self.model_fields_set else "is missing"
                raise ValueError(f'{key} {state}; want "random", "lhs" or "sobol" for the range {name}."{ranged[0]}"')
            sizes = {len(span.values or ()) for span in spans.values()}
            if method == "list" and len(sizes) > 1:
                raise ValueError(f'want as many values for each of {name} with {key} = "list"')
            if method == "grid" and math.prod(len(span.values or ()) for span in spans.values()) > POINTS_MAX:
                points = math.prod(len(span.values or ()) for span in spans.values())
                raise ValueError(f"want at most {POINTS_MAX} combinations instead of {points}")
        known = set(self.levers)
        for i, table in enumerate(self.exclude):
            strange = sorted(set(table) - known)
            if strange or not table:
                raise ValueError(f"want exclude.{i} with keys of levers ({', '.join(sorted(known))})")
        if self.precision is not None and self.method not in DRAWN and self.uncertainties and self.accept:
            raise ValueError("want accept only with draws that are made anew (method random, lhs or sobol)")
        if both := [key for key in self.levers if key in self.uncertainties]:
            raise ValueError(f"want {both[0]} in levers or in uncertainties, not in both: the lever would decide alone")
        if self.sensitivity is not None and not self.uncertainties:
            raise ValueError("want [sweep.uncertainties] for sensitivity: the inputs that may matter")
        return self

    @property
    def combines_levers(self) -> Method:
        """How levers are combined."""
        if self.levers_method is not None:
            return self.levers_method
        return self.method if any(span.is_range for span in self.levers.values()) else "grid"

    @property
    def draws_anew(self) -> bool:
        """Whether each replication has draws of its own."""
        return bool(self.uncertainties) and self.method in DRAWN

    @property
    def runs_are_units(self) -> bool:
        """Whether the runs of a policy are independent of each other; else only its replications are."""
        return not self.uncertainties or self.method == "random"
