"""What a key that is missing would look like in a file: a line such as `timeout = "60s"`, and what it means."""

from typing import get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from recovery.reading.toml_edit import key_of, literal


def line_of(name: str, field: FieldInfo) -> str:
    """The key as a file may have it; "" for a table, whose own keys are what is wanted."""
    return f"{key_of((name,))} = {literal(field.examples[0])}" if field.examples else ""


def meaning_of(field: FieldInfo) -> str:
    """What the key means, and the words that it may have where these are all that it takes."""
    meaning = field.description or ""
    choices = [choice for choice in get_args(field.annotation) if isinstance(choice, str)]
    if all(choice in meaning for choice in choices):
        return meaning
    return f"{meaning}; one of {', '.join(choices)}"


def least_of(model: type[BaseModel]) -> dict[str, object]:
    """The keys that a table must have, each with a value that it may have; tables that it must have are left out."""
    return {field.alias or name: field.examples[0] for name, field in model.model_fields.items() if field.examples}


def missing(key: str, name: str, field: FieldInfo | None) -> str:
    """What is said of a `key` with dots that must be there; its last part is `name`."""
    if field is None:
        return f"{key} is missing; want a value"
    parent = key.removesuffix(name).removesuffix(".")
    if line := line_of(name, field):
        where = f" in [{parent}]" if parent else " at the top of the file"
        is_entry = any(part.isdigit() for part in parent.split("."))
        return f"{key} is missing; want, for instance, {line}{'' if is_entry else where}: {meaning_of(field)}"
    annotation = field.annotation
    least = least_of(annotation) if isinstance(annotation, type) and issubclass(annotation, BaseModel) else {}
    keys = ", ".join(f"{key_of((one,))} = {literal(value)}" for one, value in least.items())
    wanted = field.description or f"a table [{key}]"
    return f"{key} is missing; want {wanted}{f'; it has at least, for instance, {keys}' if keys else ''}"
