"""What hardly ever happens is said to the compiler, so that it keeps the rest in registers and in one piece."""

from typing import Any, cast

from llvmlite import ir
from numba import config
from numba.core import types
from numba.extending import intrinsic

_settings: Any = config  # filled from NUMBA_* variables; has no types


def rarely(condition: bool) -> bool:
    """The condition, which is hardly ever true."""
    return condition


@intrinsic
def _compiled_rarely(context: Any, condition: Any) -> Any:
    def expect(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        bit = ir.IntType(1)
        told = builder.module.declare_intrinsic("llvm.expect", [bit], ir.FunctionType(bit, [bit, bit]))
        return builder.call(told, [values[0], ir.Constant(bit, 0)])

    return types.boolean(types.boolean), expect


if not _settings.DISABLE_JIT:
    rarely = cast(Any, _compiled_rarely)
