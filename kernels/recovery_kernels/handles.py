"""Named tuples that a kernel hands to the functions that it calls: by reference, so that a call passes one address.

Numba hands a named tuple on by its values, and an array is seven numbers or more. A tuple of forty arrays is some 400
numbers, copied at each call that is not inlined; and code for each of them has to be made and compiled at each call.
"""

from typing import Any, TypeVar, cast

from llvmlite import ir
from numba import config
from numba.core import cgutils, types
from numba.core.typing.templates import AttributeTemplate
from numba.extending import infer_getattr, intrinsic, lower_getattr_generic, models, register_model

_Record = TypeVar("_Record")
_settings: Any = config  # filled from NUMBA_* variables; has no types
_utilities: Any = cgutils


def refer(record: _Record) -> _Record:
    """The record, read from where the calling kernel keeps it; it must not outlive that kernel's call.

    Fields are read as before (`host.clients`), and cannot be set: as in the tuple itself.
    """
    return record


def refer_alone(record: _Record) -> _Record:
    """As `refer`, for a kernel that reads the record by this alone. LLVM then knows that its fields never change, and
    reads them once where it would read them again after each write to an array. Beside the record itself it would read
    them twice.
    """
    return record


class _Reference(types.Type):
    """The address of a named tuple on the stack of the kernel that called `refer`; `is_alone`: `refer_alone`."""

    def __init__(self, record: Any, is_alone: bool) -> None:
        self.record, self.is_alone = record, is_alone
        super().__init__(name=f"{'lone ' if is_alone else ''}reference({record})")


@register_model(_Reference)
class _Address(models.PrimitiveModel):
    def __init__(self, dmm: Any, fe_type: Any) -> None:
        super().__init__(dmm, fe_type, ir.PointerType(dmm.lookup(fe_type.record).get_value_type()))  # type: ignore[no-untyped-call]


@infer_getattr
class _Fields(AttributeTemplate):
    key = _Reference

    def generic_resolve(self, reference: Any, field: str) -> Any:  # type: ignore[override]
        record = reference.record
        return record.types[record.fields.index(field)] if field in record.fields else None


@lower_getattr_generic(_Reference)  # type: ignore[no-untyped-call]
def _field(context: Any, builder: Any, reference: Any, address: Any, field: str) -> Any:
    place = _utilities.gep_inbounds(builder, address, 0, reference.record.fields.index(field))
    return _load(builder, place) if reference.is_alone else builder.load(place)


def _load(builder: Any, address: Any) -> Any:
    """A value that never changes, number by number: of one that is loaded as a whole, LLVM forgets that."""
    kind = address.type.pointee
    if not isinstance(kind, ir.Aggregate):
        number = builder.load(address)
        number.set_metadata("invariant.load", builder.module.add_metadata([]))
        return number
    value = ir.Constant(kind, ir.Undefined)
    for part in range(len(kind)):
        value = builder.insert_value(value, _load(builder, _utilities.gep_inbounds(builder, address, 0, part)), part)
    return value


@intrinsic
def _compiled_refer(context: Any, record: Any) -> Any:
    def put_down(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return _utilities.alloca_once_value(builder, values[0])

    return _Reference(record, False)(record), put_down


@intrinsic
def _compiled_refer_alone(context: Any, record: Any) -> Any:
    def put_down(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        address = _utilities.alloca_once_value(builder, values[0])
        # Code that does nothing, which LLVM cannot look through: else it might take what never changes for what stood
        # here before the record did.
        same = ir.FunctionType(address.type, [address.type])
        return builder.asm(same, "", "=r,0,~{memory}", [address], True)

    return _Reference(record, True)(record), put_down


if not _settings.DISABLE_JIT:
    refer = cast(Any, _compiled_refer)
    refer_alone = cast(Any, _compiled_refer_alone)
