"""From folders of results to what is published: report, summary and leading picture of each, and the tables of pages.

python -m recovery.show.publish out results README.md docs/gallery/*.md
python -m recovery.show.publish --brief out/patterns results/patterns
"""

import re
import sys
from pathlib import Path

from recovery.errors import Refusal
from recovery.show import page as shared
from recovery.show import pages as drawn
from recovery.show import stage_times, text
from recovery.show.answers.answer import parts
from recovery.show.answers.sweep import answer_of
from recovery.store import files, folder, sweep_record
from recovery.store.json_text import to_json

_TABLE = re.compile(r"(<!-- table: experiments/(?P<name>[\w.-]+)\.toml -->\n).*?<!-- end -->", re.DOTALL)


def publish(out: Path, results: Path, *pages: Path, is_brief: bool = False) -> None:
    """Copy report.html, summary.json and the first figure of each folder in `out`; put the tables into the `pages`.
    In brief: no report, and the one picture that says most.

    Raises Refusal for a folder whose run was interrupted.
    """
    for place in sorted(path.parent for path in out.glob("*/manifest.json")):
        manifest = files.read_json(place / "manifest.json")
        if manifest["runs_done"] != manifest["runs_wanted"]:
            raise Refusal(f"{place}: {manifest['runs_done']} of {manifest['runs_wanted']} runs are done; want all")
        with shared.with_png(True):
            drawn.write(place)
        if is_brief:
            found = [place / "figures" / f"{name}.png" for name in BRIEF]
            chosen = [path for path in found if path.is_file()][:1]
        else:
            chosen = [path for path in (place / "figures").glob("*.png") if path.name in LEADING]
            chosen.append(place / "report.html")
        kept = {path.name: path.read_bytes() for path in (place / "manifest.json", *chosen)}
        summary = files.read_json(place / "summary.json")
        rows = summary.get("rows")
        if isinstance(rows, list) and len(rows) > ROWS_MAX:
            summary["rows"] = []  # too many to read; the groups have what they say
        kept["summary.json"] = to_json(summary).encode()
        files.write_together({results / place.name / name: data for name, data in kept.items()})
    for page in pages:
        files.write_text(page, with_tables(page.read_text(encoding="utf-8"), results))


ROWS_MAX = 100
LEADING = {
    "leased.png", "collapse.png", "day.png", "stages.png", "services-timeline.png", "services-graph.png", "ranked.png",
    "regret.png", "heat.png", "phase.png",
}  # fmt: skip
BRIEF = ("health", "goodput", "leased")


def with_tables(page: str, results: Path) -> str:
    """The page with the table of each experiment that it names as the program prints it; of a sweep what it says."""

    def filled(match: re.Match[str]) -> str:
        place = results / match["name"]
        if folder.kind_of(place) == "sweep":
            told = folder.record_of(place, "summary.json", sweep_record.Summary)
            said = [f"**{part.title}:** {part.text}" for part in parts(answer_of(told))] + list(told.answers)
            return f"{match[1]}{chr(10).join(f'- {one}' for one in said)}\n<!-- end -->"
        _, summary = folder.run_of(place)
        stages = stage_times.variants(summary)
        variants = text.stages_table(stages) if stages else text.variants_table(summary)
        return f"{match[1]}```\n{variants}\n\n{text.milestones_table(summary)}\n```\n<!-- end -->"

    return _TABLE.sub(filled, page)


if __name__ == "__main__":
    is_brief = sys.argv[1:2] == ["--brief"]
    publish(*(Path(argument) for argument in sys.argv[1 + is_brief :]), is_brief=is_brief)
