"""Errors that people see: a scenario that cannot be run, in lines that a terminal can show."""

import re

LINE_MAX = 2_000  # characters of a message's line

# C0 and C1, separators of lines and paragraphs, and what turns the direction of writing for all that follows.
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class ScenarioError(ValueError):
    """A scenario that cannot be run as it is written: a line a mistake, with file, key, value and what is wanted."""

    def __init__(self, message: str) -> None:
        super().__init__("\n".join(visible(_cut(line)) for line in str(message).split("\n")))


def _cut(line: str) -> str:
    return line if len(line) <= LINE_MAX else f"{line[: LINE_MAX // 2]}…{line[-LINE_MAX // 3 :]}"


def visible(text: str) -> str:
    """The text with control characters as TOML escapes them, so that they do nothing to a terminal or a table."""
    return CONTROL.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
