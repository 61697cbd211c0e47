"""A job summary in Markdown, as GitHub, GitLab and Gitea show it: the answer first, then checks, then a small table."""

import re
from collections.abc import Sequence

from recovery.errors import visible
from recovery.measures.words import show_measure
from recovery.show import compare_text, outages, race_text, renewed, standings, sweep_text
from recovery.show.answers import answer as answers
from recovery.show.answers.answer import Answer
from recovery.show.sweep_figures.drawn import set_apart, told
from recovery.show.text import LOST, lost, lost_again, refused_columns, share_of, show_saved, verdict_of
from recovery.show.words import span_of, speaking_of, times_from
from recovery.store.compare_record import Comparison
from recovery.store.race_record import RaceSummary
from recovery.store.run_record import Bound, RunManifest, Summary
from recovery.store.sweep_record import Summary as SweepSummary
from recovery.units import show_milestone, show_share

ROWS_MAX = 15
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&@!])")
_SIGNS = {"yes": "✅", "no": "❌", "unsure": "⚠️", "not measured": "⚠️"}
_SAYS = {"yes": "holds", "no": "does not hold", "unsure": "not decided: the interval spans it", "not measured": ""}
_FAIL_SIGNS = {"yes": "❌", "no": "✅", "unsure": "⚠️", "not measured": "⚠️"}


def plain(text: str) -> str:
    """A text that Markdown shows as it stands, on one line, whatever it holds."""
    return _SPECIAL.sub(r"\\\1", visible(" ".join(text.split())))


def code(text: str) -> str:
    """A text in backticks."""
    inner = " ".join(text.split())
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", inner)), default=0))
    space = " " if "`" in inner else ""
    return f"{fence}{space}{inner}{space}{fence}"


def table(rows: Sequence[Sequence[str]]) -> str:
    """A table; the first row is its head, the first column to the left and all others to the right."""
    lines = ["| " + " | ".join(plain(cell) for cell in row) + " |" for row in rows]
    lines.insert(1, "| --- |" + " ---: |" * (len(rows[0]) - 1))
    return "\n".join(lines)


def of_run(manifest: RunManifest, summary: Summary, answer: Answer) -> str:
    """The summary of a run."""
    runs = f"{len(summary.rows)} runs, seed {manifest.seed}"
    failed = f", {len(summary.failures)} failed" if summary.failures else ""
    return _joined(
        manifest.title,
        _answer(answer),
        _bounds(summary.expect),
        _variants(summary),
        table(each) if (each := outages.rows(manifest, summary)) else "",
        f"{runs}{failed}, recovery {manifest.versions.get('recovery', '')}, {code(manifest.file)}",
    )


def of_sweep(title: str, summary: SweepSummary, answer: Answer) -> str:
    """The summary of a sweep."""
    rows = [["policy", "mean (not back counts as the limit)", "not back", "runs", ""]]
    first = told(summary)[:ROWS_MAX]
    names = [
        f"{one.told}{sweep_text.in_brackets(sweep_text.names_of(set_apart(one, summary), summary))}" for one in first
    ]
    is_wide = any(len(name) > sweep_text.WIDE for name in names)
    for one, name in zip(first, names, strict=True):
        sign = "chosen" if one.is_chosen else "may still be the best" if one.not_told_apart else ""
        if one.has_run and one.is_lost_too_often(summary.never_max):
            sign = sweep_text.TOO_OFTEN
        never = show_share(one.not_recovered.share)
        rows.append(
            [
                str(one.rank) if is_wide else name,
                span_of(one.restricted, times_from(summary.window_s)),
                never,
                str(one.runs),
                sign,
            ]
        )
    left = len(summary.policies) - ROWS_MAX
    failed = f", {summary.runs.failed} failed" if summary.runs.failed else ""
    more = f"; {left} more policies are in the report" if left > 0 else ""
    footer = f"{summary.runs.done} runs{failed}{more}"
    below = "\n".join(f"- {one.rank}: {plain(name)}" for one, name in zip(first, names, strict=True)) if is_wide else ""
    marks = plain(sweep_text.of_marks(summary))
    return _joined(title, _answer(answer), _bounds(summary.expect), table(rows), below, marks, footer)


def of_race(title: str, summary: RaceSummary) -> str:
    """The summary of the DNS race alone."""
    lines = "\n".join(f"- {plain(line)}" for line in race_text.verdicts(summary.possible))
    rows = race_text.often_rows(summary.rows)
    return _joined(title, lines, table(rows[: ROWS_MAX + 1]), "Empty records a year, and how late plans are.")


def of_comparison(found: Comparison) -> str:
    """The summary of a comparison."""
    first, *others = [plain(speaking_of(found.called, line)) for line in compare_text.answers(found)]
    checks = "\n".join(
        f"- {_FAIL_SIGNS[one.holds]} fail if {code(one.text)}: {plain(compare_text.whole(one))}"
        for one in found.conditions
    )
    own = next(iter(compare_text.grouped(found.differences)), [])
    rows = compare_text.lines(own, compare_text.asked(found)) if own else []
    more = "\n".join(f"- {line}" for line in others[:ROWS_MAX])
    if len(others) > ROWS_MAX:
        more += f"\n- and {len(others) - ROWS_MAX} more variants"
    of_first = plain(compare_text.head(own[0])) if others else ""
    title = f"{' and '.join(found.names[1:])} compared with {found.names[0]}"
    never = compare_text.of_never(own, compare_text.asked(found))
    said = (compare_text.of_judged(found), compare_text.of_window(found), never, *compare_text.notes(own))
    horizon = " ".join(plain(speaking_of(found.called, line)) for line in said if line)
    return _joined(title, f"**{first}**", more, checks, of_first, table(rows) if rows else "", horizon)


def _joined(title: str, *parts: str) -> str:
    *body, last = [part for part in parts if part]
    return "\n\n".join([f"## {plain(title)}", *body, last]) + "\n"


def _answer(answer: Answer) -> str:
    return "\n\n".join(
        f"**{one.title}:** {plain(one.text)}" + (f"\n{code(one.code)}" if one.code else "")
        for one in answers.parts(answer)
    )


def _bounds(bounds: Sequence[Bound]) -> str:
    lines = []
    for one in bounds:
        parts = (_SAYS[one.holds], show_measure(one.measure, one.value), one.why)
        said = "; ".join(text for text in parts if text and not (text == "not measured" and one.why))
        if one.holds == "unsure" and one.why:
            said = f"not decided ({one.why})"
        at = "".join(f", {key} = {value}" for key, value in one.levers.items())
        lines.append(f"- {_SIGNS[one.holds]} expected {code(one.text)}: {plain(said + at)}")
    return "\n".join(lines)


def _variants(summary: Summary) -> str:
    """A line a variant; of a sweep over keys a line a point, as far as there is room."""
    first = summary.as_it_stands
    all_normal = "all_normal_s" if "all_normal_s" in first.measures else ""
    is_renewed = renewed.is_told(summary)
    late = [renewed.TITLE] if is_renewed else []
    refused = refused_columns(summary)
    normals = ["all normal"] if all_normal else []
    refused_heads = [one.title for one in refused]
    rows = [["variant", "99 % back", *late, *normals, "saved", "verdict", "wasted work", *refused_heads]]
    marked, below = lost(summary), []
    for group in summary.groups[:ROWS_MAX]:
        star = LOST if (group.variant, "ttr99_s") in marked and not group.levers else ""
        below += [plain(lost_again(summary, group))] if star else []
        levers = "".join(f", {key} = {value}" for key, value in group.levers.items())
        normal = [standings.of(summary, group, all_normal).whole(show_milestone)] if all_normal else []
        by = renewed.saved(summary, group, first, all_normal or "ttr99_s")
        rows.append(
            [
                group.variant + levers,
                standings.time_of(summary, group, "ttr99_s") + star,
                *([renewed.show(group)] if is_renewed else []),
                *normal,
                "" if group is first else show_saved(by),
                verdict_of(group),
                *(share_of(summary, group, measure) for measure in ("wasted_share", *(one.measure for one in refused))),
            ]
        )
    left = len(summary.groups) - ROWS_MAX
    below += [f"{left} more are in the report."] if left > 0 else []
    return "\n\n".join([table(rows), *below])
