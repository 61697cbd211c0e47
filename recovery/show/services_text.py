"""What `recovery blast` and `recovery run` print of services: plain text, the same on every machine."""

import math
from collections.abc import Sequence

from recovery.show import report_services
from recovery.show.report_services import axis_of, show_minutes, show_spans, show_time
from recovery.show.text import table
from recovery.store.service_record import BlastAnswer, Cut, Graph, Services

CUTS_SHOWN = 10
PATH_SHOWN = 12


def told(part: Services) -> str:
    """What a run says of the services behind it: verdict, each service, critical path, cut edges, observed."""
    parts = ["Who else was down\n" + "\n".join(report_services.verdict(part)), services_table(part)]
    parts += [critical_table(part), cuts_table(part, part.cuts)]
    if part.observed:
        parts.append(observed_table(part) + "\n" + report_services.counts(part.observed))
    return "\n\n".join(one for one in parts if one)


def services_table(part: Services) -> str:
    """A line a service: when impaired, minutes lost, what it was waiting for last."""
    axis = axis_of(part)
    rows = [["service", "impaired", "waited last for", "minutes lost"]]
    found = report_services.shown(part)
    for row in found:
        last = row.waits[-1].waits_for if row.waits else "–"
        minutes = show_minutes(row.minutes_lost)
        rows.append([part.label_of(row.name), show_spans(row, axis), last, minutes])
    more = len(part.services) - len(found)
    return table(rows, left=3) + (f"\nand {more} more that lost less, or nothing" if more else "")


def critical_table(part: Services) -> str:
    """A line for each stretch of the critical path."""
    axis = axis_of(part)
    rows = [["from", "to", "everybody waited for", "share of minutes lost", "services"]]
    rows += [list(report_services.stretch_row(row, axis)) for row in part.critical]
    return f"{table(rows, left=3)}\n{report_services.TO_AND_FRO}" if len(rows) > 1 else ""


def cuts_table(graph: Graph, cuts: Sequence[Cut]) -> str:
    """A line for each edge whose cut saves most."""
    found = report_services.cut_rows(graph, cuts)[:CUTS_SHOWN]
    rows = [["without", "kind", "helps most", "minutes saved"]]
    rows += [[row.key, row.kind, row.helped, row.saved] for row in found]
    return table(rows, left=3) if found else ""


def observed_table(part: Services) -> str:
    """Observed and simulated times of the services."""
    axis = axis_of(part)
    rows = [["observed of services", "is", "confidence", "observed", "simulated", "difference"]]
    for row in part.observed:
        shown = report_services.show_difference(row)
        shown += " min" if math.isfinite(row.difference_min) else ""
        simulated = "–" if row.is_within is None else report_services.show_simulated(row, axis)
        name = f"{part.label_of(row.service)}: {row.label}"
        observed = show_time(row.observed_s, axis)
        rows.append([name, report_services.role(row), row.confidence, observed, simulated, shown])
    return table(rows, left=3)


def told_blast(answer: BlastAnswer) -> str:
    """What `recovery blast NODE` says after its answer: each service, by which path, and what each cut would save."""
    axis, rows = axis_of(answer), answer.services
    if not rows:
        return ""
    lines = [["service", "path", "first", "well", "minutes lost"]]
    for row in rows[: report_services.SERVICES_SHOWN]:
        well = report_services.standing(row.well_s, answer).whole(lambda at_s: show_time(at_s, axis))
        times = [show_time(row.starts_s.mean, axis), well]
        lines.append([answer.label_of(row.service), path_of(row.path), *times, show_minutes(row.minutes_lost)])
    parts = [table(lines, left=2)]
    if len(rows) > report_services.SERVICES_SHOWN:
        parts[-1] += f"\nand {len(rows) - report_services.SERVICES_SHOWN} more that lost less"
    parts += report_services.assumed(answer)
    if cuts := cuts_table(answer, answer.cuts):
        more = answer.edges_pressing - answer.edges_tried
        parts.append(cuts + (f"\nand {more} more edges that were not tried: the table is large" if more else ""))
    return "\n\n".join(parts)


def path_of(path: Sequence[str]) -> str:
    """A path in words; of a long one its ends."""
    if len(path) > PATH_SHOWN:
        half = PATH_SHOWN // 2
        path = [*path[:half], "…", *path[-half:]]
    return " -> ".join(path)
