"""How a file names a measure: `ttr99_s`, or `ttr99_s.heartbeat` of one class. Each place has its own list of names."""

from collections.abc import Callable, Sequence

from pydantic import AfterValidator, WithJsonSchema
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticKnownError

from recovery.measures import register

CLASS_NAME_MAX = 40  # letters


def choices(name: str, names: Sequence[str]) -> tuple[str, ...]:
    """The measures of `names` that one may have meant who wrote `name`: of the same class, where it names one."""
    whose = register.class_of(name)
    if whose and len(whose) <= CLASS_NAME_MAX:
        return tuple(f"{one}.{whose}" for one in names if one in register.of_classes())
    return tuple(names)


def schema_of(names: Sequence[str]) -> JsonSchemaValue:
    """JSON schema of one of these measures, of all or of a class."""
    of_class = "|".join(one for one in names if one in register.of_classes())
    return {"anyOf": [{"enum": list(names)}, {"pattern": rf"^({of_class})\..+$"}]}


def _one_of(names: Sequence[str]) -> Callable[[str], str]:
    def check(name: str) -> str:
        if name not in (wanted := choices(name, names)):
            raise PydanticKnownError("literal_error", {"expected": ", ".join(map(repr, wanted))})
        return name

    return check


def field_of(names: Sequence[str]) -> tuple[AfterValidator, WithJsonSchema]:
    """What makes a text one of these measures, and how the schema says so."""
    return AfterValidator(_one_of(names)), WithJsonSchema({"type": "string", **schema_of(names)})
