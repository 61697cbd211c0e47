"""A dataclass of arrays and numbers as bytes that tell whether they are whole."""

import dataclasses
import hashlib
import io
import types
import typing
import zlib
from collections.abc import Iterator
from typing import TypeVar

import numpy as np

from recovery.statistics.arrays import Flags, Numbers

T = TypeVar("T")
Leaf = Numbers | Flags | np.ndarray[tuple[int, ...], np.dtype[np.str_]]
DIGEST = hashlib.sha256().digest_size
FAST = 1  # zlib's level: columns are mostly small whole numbers, which any level makes short


class Unpackable(TypeError):
    """A dataclass holds something that is no number, array, dict of arrays, or dataclass of such."""


def pack(value: object) -> bytes:
    """A dataclass whose fields are numbers, arrays, dicts of arrays by name, dataclasses of such, or None. Raises
    Unpackable for another one.
    """
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **dict(_leaves(value, "")))
    short = zlib.compress(buffer.getvalue(), FAST)
    return hashlib.sha256(short).digest() + short


def unpack(data: bytes, kind: type[T]) -> T:
    """The dataclass of this class that was packed. Raises ValueError if it is damaged, or something else."""
    digest, short = data[:DIGEST], data[DIGEST:]
    if hashlib.sha256(short).digest() != digest:
        raise ValueError("damaged; want it made again")
    try:
        with np.load(io.BytesIO(zlib.decompress(short)), allow_pickle=False) as found:
            leaves = {name: found[name] for name in found.files}
        built = _built(kind, leaves, "")
        if (strange := leaves.keys() ^ dict(_leaves(built, "")).keys()) != set():
            raise KeyError(min(strange))
        return built
    except (KeyError, TypeError, ValueError, OSError, zlib.error) as error:
        raise ValueError(f"no {kind.__name__} ({error}); want it made again") from error


def _leaves(value: object, at: str) -> Iterator[tuple[str, Leaf]]:
    """What is to be kept of a dataclass, by field and, within, by the field's own name."""
    for field in dataclasses.fields(value):  # type: ignore[arg-type]
        one, name = getattr(value, field.name), f"{at}{field.name}"
        if isinstance(one, dict) and all(isinstance(item, np.ndarray) for item in one.values()):
            yield from ((f"{name}:{key}", item) for key, item in one.items())
        elif dataclasses.is_dataclass(one):
            yield from _leaves(one, f"{name}.")
        elif isinstance(one, int):
            yield name, np.array(str(one))  # it may be larger than any that an array holds
        elif isinstance(one, float) or (isinstance(one, np.ndarray) and not one.dtype.hasobject):
            yield name, np.asarray(one)
        elif one is not None:
            raise Unpackable(f"{name} is a {type(one).__name__}")


def _built(kind: type[T], leaves: dict[str, Leaf], at: str) -> T:
    hints = typing.get_type_hints(kind)
    values: dict[str, object] = {}
    for field in dataclasses.fields(kind):  # type: ignore[arg-type]
        name, wanted = f"{at}{field.name}", hints[field.name]
        inner = [
            one for one in (wanted, *typing.get_args(wanted)) if isinstance(one, type) and dataclasses.is_dataclass(one)
        ]
        own = [key for key in leaves if key.startswith(f"{name}.")]
        if typing.get_origin(wanted) is dict:
            values[field.name] = {key.partition(":")[2]: leaves[key] for key in leaves if key.startswith(f"{name}:")}
        elif inner and (own or not isinstance(wanted, types.UnionType)):
            values[field.name] = _built(inner[0], leaves, f"{name}.")
        elif inner or (
            name not in leaves and isinstance(wanted, types.UnionType) and type(None) in typing.get_args(wanted)
        ):
            values[field.name] = None
        elif wanted is bool:
            values[field.name] = leaves[name].item() == str(True)
        else:
            values[field.name] = leaves[name] if wanted not in (int, float) else wanted(leaves[name].item())
    return kind(**values)
