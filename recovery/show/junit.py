"""JUnit's XML, which every CI reads: a test case for each bound of [expect] and each condition of --fail-if.

A bound that surely does not hold is a *failure*; one of which nobody can tell, and a run that was not done, is an
*error*. Source: the schema of Jenkins's xUnit plugin (junit-10.xsd), which GitLab and others follow.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple
from xml.etree import ElementTree as ET

from recovery.measures import words
from recovery.show import compare_text
from recovery.store.compare_record import Comparison
from recovery.store.run_record import Bound

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # what XML 1.0 cannot say


class Case(NamedTuple):
    """A test case: how it ended, and the line that says why."""

    name: str
    ended: Literal["passed", "failure", "error"]
    said: str = ""
    lines: tuple[str, ...] = ()


class Suite(NamedTuple):
    """The cases of an experiment or a comparison, and how long its runs took (s)."""

    name: str
    cases: tuple[Case, ...]
    took_s: float = 0.0


def of_bounds(name: str, bounds: Iterable[Bound], failures: Sequence[str], took_s: float = 0.0) -> Suite:
    """The suite of an experiment: its bounds, and whether all its runs were done."""
    ended: dict[str, Literal["passed", "failure", "error"]] = {"yes": "passed", "no": "failure"}
    cases = [
        Case(
            one.text,
            ended.get(one.holds, "error"),
            words.expected(one.text, one.holds, one.value, one.why, one.levers),
        )
        for one in bounds
    ]
    missing = f"{len(failures)} runs were not done" if len(failures) != 1 else "1 run was not done"
    whole = Case("all runs are done", "error" if failures else "passed", missing if failures else "", tuple(failures))
    return Suite(name, (*cases, whole), took_s)


def of_comparison(found: Comparison, took_s: float = 0.0) -> Suite:
    """The suite of a comparison: its conditions, and how long the runs of all sides took."""
    ended: dict[str, Literal["passed", "failure", "error"]] = {"yes": "failure", "no": "passed"}
    cases = [
        Case(
            f"{one.run}: not {one.text}" if len(found.names) > 2 else f"not {one.text}",
            ended.get(one.holds, "error"),
            f"{one.text} {compare_text.whole(one)}",
        )
        for one in found.conditions
    ]
    return Suite(f"{' and '.join(found.names[1:])} compared with {found.names[0]}", tuple(cases), took_s)


def xml(suites: Sequence[Suite]) -> str:
    """The file, in UTF-8's characters: the same text for the same results."""
    root = ET.Element("testsuites", _counts([case for suite in suites for case in suite.cases]))
    for suite in suites:
        node = ET.SubElement(
            root,
            "testsuite",
            {"name": _said(suite.name), **_counts(suite.cases), "skipped": "0", "time": f"{suite.took_s:.3f}"},
        )
        for case in suite.cases:
            own = ET.SubElement(
                node, "testcase", {"classname": _said(f"recovery.{suite.name}"), "name": _said(case.name), "time": "0"}
            )
            if case.ended != "passed":
                kind = "threshold" if case.ended == "failure" else "inconclusive"
                why = ET.SubElement(own, case.ended, {"message": _said(case.said), "type": kind})
                why.text = _said("\n".join([case.said, *case.lines]))
    ET.indent(root, " ")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _counts(cases: Sequence[Case]) -> dict[str, str]:
    return {
        "tests": str(len(cases)),
        "failures": str(sum(case.ended == "failure" for case in cases)),
        "errors": str(sum(case.ended == "error" for case in cases)),
    }


def _said(text: str) -> str:
    """A text without the characters that XML cannot hold, which a name in a file may have."""
    return _NOT_XML.sub("\ufffd", text)
