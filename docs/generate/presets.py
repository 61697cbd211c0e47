"""The page of the systems that `recovery new` knows: timers and sources, made from the presets themselves."""

import re

from recovery.model.scenario import Scenario
from recovery.reading import preset
from recovery.reading.experiment import parse
from recovery.units import show_duration

HEAD = """# Systems to start from

`recovery new --system NAME > mine.toml` prints one of these scenarios. The timers are those that each system documents, with the source beside them. Nobody documents what
**your** servers can do: on a terminal you are asked for it, a line each, or you give it as an option. What you do not answer is marked as *assumed* in the file and on the page.

```console
$ recovery new --system mqtt --nodes 80_000 --make 3ms > mine.toml
$ recovery run mine.toml
```

A *lease* below is whatever runs out by itself: a session, a registration, a token. A client's *timeout* is how long it waits for an answer before it gives up.

"""
_SHOWN = tuple(name for name in preset.SYSTEMS if name not in ("us-east-1", "aba", "herd"))


def page() -> str:
    """The page as Markdown: a table of timers, then a section a system with its source and what it asks for."""
    head = ("`--system`", "what happens", "lease", "checked every", "timeout", "a client tries again")
    rows = [f"| {' | '.join(head)} |", "| --- " * len(head) + "|"]
    parts = []
    for name in _SHOWN:
        text = preset.text_of(name)
        experiment = parse(text)
        rows.append(_row(name, experiment.head.title, experiment.first.scenario))
        parts.append(_section(name, text, [note.key for note in experiment.head.notes if note.kind == "assumed"]))
    return HEAD + "\n".join(rows) + "\n\n" + "\n".join(parts)


def _row(name: str, title: str, scenario: Scenario) -> str:
    lease = scenario.lease
    times = ("–", "–") if lease is None else (_long(lease.duration.mean_s()), _long(lease.check_every))
    words = scenario.policy.client.words.removeprefix("try again ")
    return (
        f"| `{name}` | {title} | {times[0]} | {times[1]} | {show_duration(scenario.host.timeout.mean_s())} | {words} |"
    )


def _long(seconds: float) -> str:
    """A duration; one that outlasts every run is none."""
    return show_duration(seconds) if seconds < 30 * 24 * 3600 else "does not run out"


def _section(name: str, text: str, assumed: list[str]) -> str:
    source = re.search(r"(?m)^# Source: (.*)$", text)
    head = " ".join(
        line[2:] for line in text.split("\ntitle = ", maxsplit=1)[0].splitlines() if not line.startswith("# Source: ")
    )
    asked = [f"`--{one.option}`: {one.asks[0].lower()}{one.asks[1:]}" for one in preset.questions(name)]
    lines = [f"## {name}", "", head, "", f"*Asked for:* {'; '.join(asked)}.", ""]
    if source:
        lines += [f"*Source:* {source[1]}.", ""]
    if assumed:
        lines += [f"*Assumed where you do not say it:* {', '.join(f'`{key}`' for key in assumed)}.", ""]
    return "\n".join(lines)
