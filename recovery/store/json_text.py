"""Values as JSON can say them: stable text, with inf (never) as "inf" and nan (not measured) as null."""

import json
import math
from collections.abc import Mapping

import numpy as np
from pydantic import BaseModel, JsonValue


def plain(value: object) -> JsonValue:
    """The same in what JSON can say: as it comes back from its file."""
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json", by_alias=True)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        if math.isinf(value):
            return "inf" if value > 0 else "-inf"
        return None if math.isnan(value) else value
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def to_json(value: object) -> str:
    """Stable text: sorted keys, no nan."""
    return json.dumps(plain(value), indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def plain_table(table: Mapping[str, object]) -> dict[str, JsonValue]:
    """A table in what JSON can say."""
    return {key: plain(value) for key, value in table.items()}
