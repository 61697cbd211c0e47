"""Asking for memory before it is read, so that a kernel need not stand still until it comes."""

from typing import Any, cast

import numpy as np
from llvmlite import ir
from numba import config
from numba.core import types
from numba.extending import intrinsic

from recovery_kernels.arrays import Short, Whole

_settings: Any = config  # filled from NUMBA_* variables; has no types
_TO_READ, _NEAR, _DATA = 0, 3, 1  # what it is for, which cache it shall come to, and that it is no code


def fetch(array: Whole | Short, place: int | np.int64) -> None:
    """Let the cache line of array[place] come; array has one dimension. Changes nothing, wherever the place lies."""


@intrinsic
def _compiled_fetch(context: Any, array: Any, place: Any) -> Any:
    def ask(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, values[0]).data
        number, byte = ir.IntType(32), ir.IntType(8).as_pointer()
        address = builder.bitcast(builder.gep(data, [values[1]]), byte)
        known = builder.module.globals.get("llvm.prefetch.p0")
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        prefetch = known or ir.Function(builder.module, kind, "llvm.prefetch.p0")
        builder.call(prefetch, [address, *(ir.Constant(number, one) for one in (_TO_READ, _NEAR, _DATA))])
        return context.get_dummy_value()

    return types.void(array, place), ask


if not _settings.DISABLE_JIT:
    fetch = cast(Any, _compiled_fetch)
