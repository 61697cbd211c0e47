"""What people are told of a mistake: errors whose lines a terminal can show, a value in brief, the nearest name."""

import json
import re
from collections.abc import Iterable

LINE_MAX = 2_000  # characters of a message's line
BEGIN_MIN = 3  # letters by which a name is known
NEAR_MAX = 500  # names among which the nearest is looked for

# C0 and C1, separators of lines and paragraphs, and what turns the direction of writing for all that follows.
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class Refusal(ValueError):
    """What a user asked and cannot have; its words name file, key, value and what is wanted. Whatever else is raised,
    a plain ValueError too, is a bug.
    """


class ScenarioError(Refusal):
    """A scenario that cannot be run as it is written: a line a mistake, with file, key, value and what is wanted."""

    def __init__(self, message: str) -> None:
        super().__init__("\n".join(visible(_cut(line)) for line in str(message).split("\n")))


def _cut(line: str) -> str:
    return line if len(line) <= LINE_MAX else f"{line[: LINE_MAX // 2]}…{line[-LINE_MAX // 3 :]}"


def visible(text: str) -> str:
    """The text with control characters as TOML escapes them, so that they do nothing to a terminal or a table."""
    return CONTROL.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def shown(value: object) -> str:
    """A value as JSON has it, or the beginning of a long one."""
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "…"


def nearest(word: str, words: Iterable[str]) -> str:
    """A suggestion of the name that was meant, or nothing."""
    import difflib

    names = list(words)[:NEAR_MAX]
    counted = re.fullmatch(r"([a-z])([0-9]{1,2})([a-z])", word.lower())  # k8s is a k, 8 letters and an s
    close = (
        [n for n in names if counted and (n[0], str(len(n) - 2), n[-1]) == counted.groups()][:1]
        or difflib.get_close_matches(word.lower(), names, 1, 0.6)
        or [n for n in names if len(word) >= BEGIN_MIN and n.startswith(word.lower())][:1]
        or [n for n in names if word and (word in n.split("_") or n in word.split("_"))][:1]
    )
    return f" (did you mean {close[0]}?)" if close else ""
