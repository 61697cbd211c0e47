"""The page of policies: rule, parameters, source, and what each does to the reference herd."""

from pathlib import Path

from generate import pictures
from recovery.api import herd
from recovery.model.catalogue import Row, catalogue
from recovery.model.policies import MEANING

HEAD = """# Policies

Every policy that a scenario may choose: its rule, its parameters with their defaults, where it is from, and what it does to one small
herd. `recovery policies` lists the same without pictures.

The **reference herd** is a file of this program, `recovery new --system herd`: 2,000 holders of leases on two hosts that
make 80 leases a second. Their database is away from minute 2 to minute 8. Clients wait 10 s for an answer; all leases together
take 25 s to make, so who is served in order of arrival has given up by then. As the file stands, no lease ever comes back.

Each picture is that file with the one line that stands above it, run when this page was made. The grey curve is the file without that line, the shaded minutes are the outage. The
last two axes, [intake](#propagation-intake) and [health](#health-policy), stand behind a bounded queue of leases, since without
leases there are no launches. A policy that changes nothing here may change much elsewhere: the herd is one example, not a
ranking. How to rank policies for a fleet of your own: [](../../how-to/rank.md).
"""
KEYS = {"operator": "[[operator]] do", "intake": "propagation.intake", "health": "health.policy"}


def page(folder: Path) -> str:
    """The page as Markdown; pictures are written into `folder`, one for light and one for dark pages each."""
    parts, axis = [HEAD], ""
    for policy in catalogue():
        if policy["axis"] != axis:
            axis = policy["axis"]
            key = KEYS.get(axis, f"policy.{axis}")
            parts.append(f"({key.replace('.', '-').replace('[[', '').replace(']]', '').replace(' ', '-')})=")
            parts.append(f"## {key}: {MEANING[axis]}?")
        parts.append(_policy(policy, folder))
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


def _policy(policy: Row, folder: Path) -> str:
    axis, name = policy["axis"], policy["name"]
    shown = herd.shown(policy)
    told = shown.told
    lines = [f"### {name}", "", policy["rule"], ""]
    if policy["parameters"]:
        lines += ["| parameter | default | what it is |", "| --- | --- | --- |"]
        lines += [
            f"| `{one['name']}` | {_default(one['default'])} | {one['description'] or ''} |"
            for one in policy["parameters"]
        ]
        lines.append("")
    lines += [f"*Fails:* {policy['fails']}", ""] if policy["fails"] else []
    if len(policy["places"]) > 1:
        lines += [f"*Stands at:* {', '.join(f'`{place}`' for place in policy['places'])}.", ""]
    lines += [f"*From:* {policy['source']}.", "", "```toml", shown.toml, "```", "", told, ""]
    for (panel, ink), data in pictures.drawn(shown, axis).items():
        file = folder / f"{axis}-{name}-{panel}-{ink}.svg"
        if not file.exists() or file.read_bytes() != data:
            file.write_bytes(data)
        lines += [f"```{{image}} {file.name}", f":alt: {name}: {panel}. {told}", f":class: half only-{ink}", "```", ""]
    return "\n".join(lines)


def _default(text: str) -> str:
    return f"`{text}`" if text != "none" else "none: must be given, or is off"
