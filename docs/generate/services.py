"""The page of all keys of a table of services, made from the models that read it."""

from generate.schema import rows, tables
from recovery.model.services import KEYS, Body

HEAD = """# Keys of a table of services

A table of services says what each service needs and how it suffers. It is a TOML file of its own, which a scenario names as its
`services`, and which `recovery blast` takes. Times are durations from the start of the experiment, shares are written `"10%"` or `0.1`.
"""
_KINDS = """## Which keys a need takes

A need has `on` and `kind`, and these, by its kind; what is **bold** must be there. Of *manual* want either `at` or `after`.

| kind | keys |
| --- | --- |
"""


def page() -> str:
    """The page as Markdown: a section a table, and which kind of need takes which keys."""
    whole = Body.model_json_schema(by_alias=True)
    definitions = whole["$defs"]
    parts = [HEAD, "## The file itself", rows(whole, definitions)]
    for path, schema, text in tables("", whole, definitions):
        parts += [f"## {path}", text, rows(schema, definitions)]
    kinds = [
        f"| `{kind}` | {', '.join(f'**`{key[:-1]}`**' if key.endswith('!') else f'`{key}`' for key in keys)} |"
        for kind, keys in KEYS.items()
    ]
    return "\n".join([*(part.rstrip("\n") + "\n" for part in parts), _KINDS + "\n".join(kinds) + "\n"])
