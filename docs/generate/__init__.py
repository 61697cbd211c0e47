"""Pages of the site that are made while it is built: from the parser's models, the command's help, the policies and runs.

`write` puts them into a folder that git ignores; nothing here is kept by hand.
"""

from pathlib import Path

from generate import commands, policies, presets, proven, scaling, schema, services


def write(folder: Path) -> None:
    """Write every generated page and picture into `folder`; what is there and still the same stays untouched."""
    folder.mkdir(parents=True, exist_ok=True)
    pages = {
        "scenario.md": schema.page(),
        "services.md": services.page(),
        "commands.md": commands.page(),
        "policies.md": policies.page(folder),
        "proven.md": proven.page(),
        "systems.md": presets.page(),
    }
    for name, text in pages.items():
        file = folder / name
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")
    scaling.write(folder)
