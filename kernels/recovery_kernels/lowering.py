"""How a kernel's statements become LLVM's intermediate form: Numba's own way, shorter where a kernel spends most of it.

An element of an array is read or written at one address; Numba makes a record of the array on the stack first, at each
place, which LLVM has to remove again. An operator is looked up once for its types, and not at each place. The code that
comes out of LLVM is the same.
"""

from typing import Any

import numba
from numba.core import cgutils, ir
from numba.core.lowering import Lower

_types: Any = numba.types
_utilities: Any = cgutils


class KernelLower(Lower):
    """Lowers one function."""

    context: Any
    builder: Any
    fndesc: Any

    def lower_inst(self, inst: Any) -> None:
        """As Numba's own, which writes out each statement as text, should somebody want to see it."""
        if isinstance(inst, ir.Assign):
            name = inst.target.name
            self.storevar(self.lower_assign(self.typeof(name), inst), name)
        elif isinstance(inst, ir.Del):
            self.delvar(inst.value)
        elif isinstance(inst, ir.StaticSetItem) and self._is_plain(inst.target.name):
            self.lower_setitem(inst.target, inst.index_var, inst.value, self.fndesc.calltypes[inst])
        else:
            super().lower_inst(inst)  # type: ignore[no-untyped-call]

    def lower_expr(self, resty: Any, expr: Any) -> Any:
        """A place in an array that is known beforehand is one like any other: Numba first looks whether it is not."""
        if expr.op == "static_getitem" and self._is_plain(expr.value.name):
            return self.lower_getitem(resty, expr, expr.value, expr.index_var, self.fndesc.calltypes[expr])
        return super().lower_expr(resty, expr)  # type: ignore[no-untyped-call]

    def lower_binop(self, resty: Any, expr: Any, op: Any) -> Any:
        """An operator whose types were asked for before is not asked for again."""
        if not (expr.static_lhs is ir.UNDEFINED and expr.static_rhs is ir.UNDEFINED):
            return super().lower_binop(resty, expr, op)  # type: ignore[no-untyped-call]
        typing = self.context.typing_context
        operator = typing.resolve_value_type(op)
        wanted = self.fndesc.calltypes[expr]
        values = [self._cast(side.name, kind) for side, kind in zip((expr.lhs, expr.rhs), wanted.args, strict=True)]
        code = self.context.get_function(operator, typing.resolve_function_type(operator, wanted.args, {}))
        return self.context.cast(self.builder, code(self.builder, values), wanted.return_type, resty)

    def lower_getitem(self, resty: Any, expr: Any, value: Any, index: Any, signature: Any) -> Any:
        """An element of an array is read from its address."""
        address = self._address(value.name, index.name)
        if address is None:
            return super().lower_getitem(resty, expr, value, index, signature)  # type: ignore[no-untyped-call]
        array = self.typeof(value.name)
        item = self.context.unpack_value(self.builder, array.dtype, address)
        return self.context.cast(self.builder, item, array.dtype, resty)

    def lower_setitem(self, target_var: Any, index_var: Any, value_var: Any, signature: Any) -> Any:
        """An element of an array is written to its address."""
        address = self._address(target_var.name, index_var.name)
        if address is None:
            return super().lower_setitem(target_var, index_var, value_var, signature)  # type: ignore[no-untyped-call]
        array = self.typeof(target_var.name)
        self.context.pack_value(self.builder, array.dtype, self._cast(value_var.name, array.dtype), address)
        return None

    def _cast(self, name: str, kind: Any) -> Any:
        """The value of a variable as one of this type."""
        value = self.loadvar(name)
        return self.context.cast(self.builder, value, self.typeof(name), kind)

    def _is_plain(self, name: str) -> bool:
        """Whether the variable is an array whose elements `_address` finds."""
        array = self.typeof(name)
        return (
            isinstance(array, _types.Array)
            and array.layout == "C"
            and array.aligned
            and isinstance(array.dtype, _types.Integer | _types.Float)
        )

    def _address(self, name: str, index: str) -> Any:
        """Where an element of a plain array lies; None where it is none, or not one element."""
        kind = self.typeof(index)
        kinds = tuple(kind) if isinstance(kind, _types.BaseTuple) else (kind,)
        if not self._is_plain(name) or not all(isinstance(one, _types.Integer) for one in kinds):
            return None
        array = self.typeof(name)
        if len(kinds) != array.ndim:
            return None
        builder, parts = self.builder, self.context.data_model_manager[array]
        value, place = self.loadvar(name), self.loadvar(index)
        shape = parts.get_field_position("shape")
        at = None
        for axis, one in enumerate(kinds):
            number = place if one is kind else builder.extract_value(place, axis)
            number = self.context.cast(builder, number, one, _types.intp if one.signed else _types.uintp)
            size = builder.extract_value(value, [shape, axis])
            if one.signed:  # from the end
                is_below = builder.icmp_signed("<", number, number.type(0))
                number = builder.select(is_below, builder.add(number, size), number)
            if self.context.enable_boundscheck:
                _utilities.do_boundscheck(self.context, builder, number, size, axis)
            at = number if at is None else builder.add(builder.mul(at, size), number)
        return builder.gep(builder.extract_value(value, parts.get_field_position("data")), [at])
