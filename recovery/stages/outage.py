"""The outage of one replication: as it is written, or as [dns.window] draws it."""

from dataclasses import replace

from recovery.model.scenario import Scenario, drawn
from recovery.model.variant import Variant


def outages_s(scenario: Scenario) -> list[tuple[float, float, float]]:
    """What the dependency does: (from s, to s, share of requests that fail), in order of time."""
    return [(outage.start, outage.end, outage.fails) for outage in scenario.dependency.outages]


def resolve(variant: Variant, seed: int, replication: int) -> Variant:
    """The variant as one replication meets it: with the outages that its [dns.window] draws for it. Without one, as it
    is.

    Raises nothing: an outage that is drawn longer than the horizon is not over when the run ends.
    """
    dns = variant.scenario.dns
    if dns is None or dns.window is None:
        return variant
    own = drawn(dns.window, seed, replication)
    return replace(variant, scenario=variant.scenario.model_copy(update={"dependency": own}))
