"""Functions that a compiled loop calls by address: so the loop is compiled once, whichever of them a scenario names.

Such a function gets three rows of numbers and gives one: parameters, memory (which it may write), and facts. It reads
them by name (`memory.limit`), which the compiler turns into places (`_Numbers`). It is compiled on its own, in a
fraction of a second. With NUMBA_DISABLE_JIT=1 its address is a number in a list, and it gets `controllers.View`s.

A whole kernel may be called so, too (`run`), by one that would otherwise hold a second copy of all its machine code.
"""

import hashlib
import inspect
import operator
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

from llvmlite import ir
from numba import config, typeof, types
from numba.core import cgutils
from numba.core.imputils import lower_setattr_generic
from numba.core.typing import templates
from numba.core.typing.templates import AbstractTemplate, AttributeTemplate
from numba.extending import (
    infer_getattr,
    intrinsic,
    lower_builtin,
    lower_getattr_generic,
    models,
    register_model,
    typeof_impl,
)

from recovery_kernels.controllers import FACTS, View
from recovery_kernels.jit import compiled_address, inline

_settings: Any = config  # filled from NUMBA_* variables; has no types
_utilities: Any = cgutils
_templates: Any = templates
_type_of_value: Any = typeof
_REAL = ir.DoubleType()
_ROW = ir.PointerType(_REAL)
_OF_FACTS = dict.fromkeys(FACTS, 1)

Sizes = Mapping[str, int]
Function = Callable[[Any, Any, Any], Any]


def address(function: Function, params: Sizes, memory: Sizes, answers: bool) -> int:
    """Where a function of (params, memory, facts) lies in this process, compiled or loaded from the cache.

    `params`, `memory`: how many numbers each name has. `answers`: whether it gives a number, or nothing. Raises
    numba.core.errors.NumbaError if it cannot be compiled.
    """
    if _settings.DISABLE_JIT:
        _functions.append((function, params, memory))
        return len(_functions)
    rows = (_Numbers(tuple(params.items())), _Numbers(tuple(memory.items())), _Numbers(tuple(_OF_FACTS.items())))
    return compiled_address(
        function, source_of(function), _templates.signature(types.float64 if answers else types.void, *rows)
    )


def source_of(function: Function) -> str:
    """A digest of the file of a function, and of those of the helpers that it calls, wherever they lie."""
    files, waiting = set[str](), [function]
    while waiting:
        one = waiting.pop()
        file = str(inspect.getsourcefile(one))
        if file not in files:
            files.add(file)
            found = (value for value in vars(inspect.getmodule(one)).values() if isinstance(value, Helper))
            waiting += [helper.plain for helper in found]
    digest = hashlib.sha256()
    for file in sorted(files, key=lambda file: Path(file).name):
        digest.update(hashlib.sha256(Path(file).read_bytes()).digest())
    return digest.hexdigest()


def address_of(kernel: Any, *arguments: object) -> int:
    """Where the machine code of a kernel for such arguments lies in this process, compiled or loaded from the cache."""
    if _settings.DISABLE_JIT:
        _kernels.append(kernel)
        return len(_kernels)
    kinds = tuple(_type_of_value(argument) for argument in arguments)
    kernel.compile(kinds)
    found = kernel.overloads[kinds]
    return int(found.library.get_pointer_to_function(found.fndesc.llvm_func_name))


class Helper:
    """A function that controllers call: from plain Python as it is, from compiled code compiled."""

    def __init__(self, function: Callable[..., Any]) -> None:
        """`function` as it stands in the file."""
        self.plain = function
        self.compiled = inline(function)
        self.__doc__ = function.__doc__

    def __call__(self, *arguments: Any) -> Any:
        """As plain Python."""
        return self.plain(*arguments)


def helper(function: Callable[..., Any]) -> Helper:
    """Mark a function of a controller's file that the functions of the file call."""
    return Helper(function)


@typeof_impl.register(Helper)
def _type_of(value: Helper, _context: Any) -> Any:
    return typeof_impl(value.compiled, _context)


def ask(address, params, params_at, memory, memory_at, facts):  # type: ignore[no-untyped-def]
    """What the function at an address answers.

    float64[…] each: parameters and memory lie in them from int64 `params_at` and `memory_at` on.
    """
    return float(_call(address, params[params_at:], memory[memory_at:], facts))


def tell(address, params, params_at, memory, memory_at, facts):  # type: ignore[no-untyped-def]
    """As `ask`, for a function that answers nothing."""
    _call(address, params[params_at:], memory[memory_at:], facts)


def run(address, arguments, until):  # type: ignore[no-untyped-def]
    """What the kernel at an address says (int64): `arguments`, a tuple, are what it takes before int64 `until`."""
    return _kernels[int(address) - 1](*arguments, until)


_kernels: list[Any] = []  # those whose addresses are numbers, from 1 on
_functions: list[tuple[Function, Sizes, Sizes]] = []  # those whose addresses are numbers, from 1 on


def _call(address: Any, params: Any, memory: Any, facts: Any) -> Any:
    function, of_params, of_memory = _functions[int(address) - 1]
    return function(View(of_params, params), View(of_memory, memory), View(_OF_FACTS, facts))


class _Numbers(types.Type):
    """A row of numbers whose places have names; a place has one number or several."""

    def __init__(self, sizes: tuple[tuple[str, int], ...]) -> None:
        self.sizes = sizes
        super().__init__(name=f"numbers({sizes})")

    def place(self, name: str) -> tuple[int, int] | None:
        """From where on the numbers of a name lie, and how many they are."""
        at = 0
        for known, size in self.sizes:
            if known == name:
                return at, size
            at += size
        return None


class _Row(types.Type):
    """So many numbers; those beyond do not exist: they are read as nan, and writing them does nothing."""

    def __init__(self, size: int) -> None:
        self.size = size
        super().__init__(name=f"row({size})")


@register_model(_Numbers)
@register_model(_Row)
class _Pointer(models.PrimitiveModel):
    def __init__(self, dmm: Any, fe_type: Any) -> None:
        super().__init__(dmm, fe_type, _ROW)  # type: ignore[no-untyped-call]


@infer_getattr
class _Names(AttributeTemplate):
    key = _Numbers

    def generic_resolve(self, numbers: Any, name: str) -> Any:  # type: ignore[override]
        place = numbers.place(name)
        if place is None:
            return None
        return types.float64 if place[1] == 1 else _Row(place[1])


def _at(builder: Any, numbers: Any, row: Any, name: str) -> Any:
    return builder.gep(row, [_utilities.intp_t(numbers.place(name)[0])], inbounds=True)


@lower_getattr_generic(_Numbers)  # type: ignore[no-untyped-call]
def _read(context: Any, builder: Any, numbers: Any, row: Any, name: str) -> Any:
    where = _at(builder, numbers, row, name)
    return builder.load(where) if numbers.place(name)[1] == 1 else where


@lower_setattr_generic(_Numbers)  # type: ignore[no-untyped-call]
def _write(context: Any, builder: Any, sig: Any, args: Any, name: str) -> None:
    number = context.cast(builder, args[1], sig.args[1], types.float64)
    builder.store(number, _at(builder, sig.args[0], args[0], name))


@_templates.infer_global(operator.getitem)
class _Item(AbstractTemplate):
    def generic(self, args: Any, kws: Any) -> Any:  # noqa: ARG002
        row, index = args
        if isinstance(row, _Row) and isinstance(index, types.Integer):
            return _templates.signature(types.float64, row, types.intp)
        return None


@_templates.infer_global(operator.setitem)
class _SetItem(AbstractTemplate):
    def generic(self, args: Any, kws: Any) -> Any:  # noqa: ARG002
        row, index, _ = args
        if isinstance(row, _Row) and isinstance(index, types.Integer):
            return _templates.signature(types.none, row, types.intp, types.float64)
        return None


def _is_there(builder: Any, row: Any, index: Any) -> Any:
    return builder.icmp_unsigned("<", index, _utilities.intp_t(row.size))


@lower_builtin(operator.getitem, _Row, types.Integer)  # type: ignore[no-untyped-call]
def _get_item(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    found = _utilities.alloca_once_value(builder, ir.Constant(_REAL, float("nan")))
    with builder.if_then(_is_there(builder, sig.args[0], args[1])):
        builder.store(builder.load(builder.gep(args[0], [args[1]])), found)
    return builder.load(found)


@lower_builtin(operator.setitem, _Row, types.Integer, types.Float)  # type: ignore[no-untyped-call]
def _set_item(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    with builder.if_then(_is_there(builder, sig.args[0], args[1])):
        builder.store(args[2], builder.gep(args[0], [args[1]]))
    return context.get_dummy_value()


def _by_address(answers: bool) -> Any:
    given = types.float64 if answers else types.void

    @intrinsic
    def call(context, address, params, params_at, memory, memory_at, facts):  # type: ignore[no-untyped-def]
        def code(context: Any, builder: Any, sig: Any, values: Any) -> Any:
            _, rows, params_at, memories, memory_at, facts = values
            row = context.make_array(sig.args[1])(context, builder, rows).data
            memory = context.make_array(sig.args[3])(context, builder, memories).data
            fact = context.make_array(sig.args[5])(context, builder, facts).data
            kind = ir.FunctionType(_REAL if answers else ir.IntType(8).as_pointer(), [_ROW, _ROW, _ROW])
            function = builder.inttoptr(values[0], kind.as_pointer())
            said = builder.call(function, [builder.gep(row, [params_at]), builder.gep(memory, [memory_at]), fact])
            return said if answers else context.get_dummy_value()

        wanted = (types.int64, params, types.int64, memory, types.int64, facts)
        return given(*wanted), code

    return call


@intrinsic
def _run_by_address(context, address, arguments, until):  # type: ignore[no-untyped-def]
    """Its frame is Numba's own of a function: the answer by reference, then each argument."""

    def code(context: Any, builder: Any, sig: Any, values: Any) -> Any:
        kinds = (*sig.args[1], sig.args[2])
        passed = (*_utilities.unpack_tuple(builder, values[1]), values[2])
        convention = context.call_conv
        function = builder.inttoptr(values[0], convention.get_function_type(types.int64, kinds).as_pointer())
        status, said = convention.call_function(builder, function, types.int64, kinds, passed)
        with _utilities.if_unlikely(builder, status.is_error):
            convention.return_status_propagate(builder, status)
        return said

    return types.int64(types.int64, arguments, types.int64), code


if not _settings.DISABLE_JIT:
    run = cast(Any, _run_by_address)
    ask = cast(Any, _by_address(answers=True))
    tell = cast(Any, _by_address(answers=False))
