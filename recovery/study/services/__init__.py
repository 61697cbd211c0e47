"""Who else was down: impairment propagated through a table of services, after a run or alone (MODEL.md, section 12)."""

from recovery.study.services.blasts import blast, blast_answer, blast_rows, cut, cuts, pressed, tried
from recovery.study.services.event import after, alone, table_of
from recovery.study.services.milestones import milestone_s, observed
from recovery.study.services.outcome import PATH_MAX, ServicesOutcome, State, label_of, labels, spans
from recovery.study.services.own import stretches
from recovery.study.services.tables import part, series_table, steps, summary
from recovery.study.services.waiting import chains, critical, waited, waits

__all__ = [
    "PATH_MAX", "ServicesOutcome", "State", "after", "alone", "blast", "blast_answer", "blast_rows", "chains",
    "critical", "cut", "cuts", "label_of", "labels", "milestone_s", "observed", "part", "pressed", "series_table",
    "spans", "steps", "stretches", "summary", "table_of", "tried", "waited", "waits",
]  # fmt: skip
