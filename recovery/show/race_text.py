"""What `recovery dns` and the page of a race say of it in words: how often, whether at all, and each story."""

from recovery.show.text import table
from recovery.store.race_record import RaceRow, RaceSummary, Search
from recovery.units import show_count, show_duration


def show_rate(per_year: float) -> str:
    """A rate a year for people."""
    return "0" if per_year == 0 else show_count(per_year) if per_year >= 1e-3 else f"{per_year:.2g}"


def often_rows(rows: tuple[RaceRow, ...]) -> list[list[str]]:
    """A line a variant: levers, rate with its interval and method, latency of plans; the first is the head."""
    keys = list(rows[0].levers)
    times = ["mean", "50 %", "99 %", "99.9 %"]
    out = [["variant", *keys, "empty a year", "95 % interval", "method", *(f"latency, {name}" for name in times)]]
    for row in rows:
        rate, late = row.per_year, row.latency
        interval = f"{show_rate(rate.low)} to {show_rate(rate.high)}"
        latency = [show_duration(at_s) for at_s in (late.mean_s, late.p50_s, late.p99_s, late.p999_s)]
        levers = [str(row.levers[key]) for key in keys]
        out.append([titled(row), *levers, show_rate(rate.mean), interval, row.method, *latency])
    return out


def titled(row: RaceRow) -> str:
    """A variant, and its guardrails where its name says others: "both of these (keep-active + refuse-empty)"."""
    own = " + ".join(row.guardrails)
    return row.variant if own.replace("-", " ") in ("", row.variant.replace("-", " ")) else f"{row.variant} ({own})"


def name_of(search: Search) -> str:
    """A choice of guardrails."""
    return " + ".join(search.guardrails) or "no guardrail"


def verdicts(searches: tuple[Search, ...]) -> list[str]:
    """Of each choice of guardrails, whether a record can become empty."""
    return [
        f"{name_of(one)}: possible, in {len(one.story)} steps"
        if one.is_possible
        else f"{name_of(one)}: impossible ({one.states:,} states, all there are)"
        for one in searches
    ]


def told(title: str, summary: RaceSummary) -> str:
    """What the command prints: how often, whether at all, and each story that breaks."""
    first = summary.possible[0]
    size = f"{first.enactors} Enactors, {first.endpoints} endpoints, {first.plans} plans, keep {first.keep}"
    parts = [title, table(often_rows(summary.rows)), f"Is it possible at all? Every interleaving of {size}:"]
    parts[-1] += "\n" + "\n".join(f"  {line}" for line in verdicts(summary.possible))
    for search in summary.possible:
        if search.is_possible:
            steps = "\n".join(f"  {i:2d}. {step}" for i, step in enumerate(search.story, 1))
            parts.append(f"Shortest way to an empty record with {name_of(search)}:\n{steps}")
    return "\n\n".join(parts)
