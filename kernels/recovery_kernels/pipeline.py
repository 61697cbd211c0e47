"""How a kernel is compiled: with Numba's steps, less what kernels of this house have no need of.

Numba compiles each function on its own before it compiles those that call it: a loop of sixty small functions is made
into machine code sixty times over, most of it for calls from Python that never come. Here a function that is called by
another becomes LLVM's intermediate form alone, once for each signature, and is optimised where it is used; only what
Python calls becomes machine code, and lies in the cache (`Kernel`, `Inner`).
"""

import contextlib
import functools
import gc
import importlib.util
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numba
from numba.core import sigutils
from numba.core.ccallback import CFunc
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler, Flags
from numba.core.compiler_lock import global_compiler_lock
from numba.core.compiler_machinery import register_pass
from numba.core.registry import CPUDispatcher
from numba.core.typed_passes import NativeLowering

from recovery_kernels.lowering import KernelLower
from recovery_kernels.views import View

_unliteral: Any = numba.types.unliteral

# Steps for what no kernel holds: closures, comprehensions, `with`, `raise` with values, `literally`, generators, array
# expressions, functions that Numba itself inlines. A kernel that did would not compile.
_UNNEEDED = {
    "WithLifting",
    "InlineClosureLikes",
    "RewriteSemanticConstants",
    "DeadBranchPrune",
    "RewriteDynamicRaises",
    "MakeFunctionToJitFunction",
    "InlineInlinables",
    "FindLiterallyCalls",
    "LiteralUnroll",
    "LiteralPropagationSubPipelinePass",
    "InlineOverloads",
    "NopythonRewrites",
    "NoPythonSupportedFeatureValidation",
    "DumpParforDiagnostics",
}


class KernelFlags(Flags):
    """Numba's flags, compared by what was set. Numba's own comparison asks for every option by its name; at each
    operator of a kernel, that is a sixth of the time that the kernels take to compile.
    """

    __slots__ = ()

    def __hash__(self) -> int:
        return hash(frozenset(self._values))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, KernelFlags) and bool(self._values == other._values)


def dispatchers(
    function: Callable[..., Any], options: dict[str, Any], forceinline: bool, keep: Callable[[], Any]
) -> Any:
    """The function as Python calls it, a `Kernel` that knows itself as others call it; `keep` makes its cache."""
    compiled: Any = Kernel(function, targetoptions=options, pipeline_class=_KernelCompiler)
    compiled._compiler._customize_flags = KernelFlags
    compiled.keep, compiled.forceinline = keep, forceinline
    return compiled


def called_from_c(function: Callable[..., Any], signature: Any, options: dict[str, Any]) -> Any:
    """A function that compiled code calls by address, of this signature; `compile()` makes or loads it."""
    flags = {name: value for name, value in options.items() if name != "no_cfunc_wrapper"}
    return CFunc(function, (signature.args, signature.return_type), {}, flags, pipeline_class=_KernelCompiler)


class Kernel(CPUDispatcher):
    """A function as Python calls it; other kernels that call it take `inner` instead.

    A whole number that is written out in a call (`Literal`) is an int64 as any other, or each would be a signature of
    its own.

    What it needs to be called from Python or from other kernels is made when that first happens: of two hundred
    kernels, most processes call a handful, which are compiled already.
    """

    keep: Callable[[], Any] | None
    forceinline: bool

    @functools.cached_property
    def inner(self) -> Any:
        """The function as other kernels call it."""
        options = self.targetoptions | {"forceinline": self.forceinline, "no_cpython_wrapper": True}
        inner: Any = _Inner(self.py_func, targetoptions=options, pipeline_class=_InnerCompiler)
        inner._compiler._customize_flags = KernelFlags
        return inner

    def compile(self, sig: Any) -> Any:
        """As Numba's own: loads machine code of this signature from the cache, or makes it."""
        with global_compiler_lock, _typed_once(self.typingctx), _without_search_for_garbage():
            if self.keep is not None:
                self._cache, self.keep = self.keep(), None
            return super().compile(sig)

    def _compile_for_args(self, *args: Any, **kws: Any) -> Any:
        """As Numba's own; a helper of a controller that is tried out on `View`s is plain Python, as that is."""
        if any(isinstance(arg, View) for arg in args):
            return self.py_func
        return super()._compile_for_args(*args, **kws)  # type: ignore[misc]

    def get_call_template(self, args: Any, kws: Any) -> Any:
        """What another kernel calls: `inner`."""
        return self.inner.get_call_template([_unliteral(kind) for kind in args], kws)

    def get_overload(self, sig: Any) -> Any:
        """By which name another kernel calls it."""
        return self.inner.get_overload(sig)


class _Inner(CPUDispatcher):
    """A function as other kernels call it: a part of theirs, without an address that Python could call."""

    _compiler: Any
    overloads: Any

    def compile(self, sig: Any) -> Any:
        """As Numba's own, without its timers, which each step of each function would notify, and without a cache."""
        args, return_type = sigutils.normalize_signature(sig)  # type: ignore[no-untyped-call]
        found = self.overloads.get(tuple(args))
        if found is None:
            with self._compiling_counter:
                found = self._compiler.compile(args, return_type)
            self.overloads[tuple(args)] = found
        return found.entry_point


@contextlib.contextmanager
def _without_scipy() -> Iterator[None]:
    """Numba fills itself with all that can be compiled at the first compilation, and loads scipy.linalg only to see
    whether it is there: half a second. What needs it asks again.
    """
    from numba.np import linalg

    ask: Any = getattr(linalg, "ensure_blas", None)
    if ask is None or "numba.np.arraymath" in sys.modules or importlib.util.find_spec("scipy") is None:
        yield
        return
    linalg.ensure_blas = lambda: None
    try:
        from numba.np import arraymath
    finally:
        linalg.ensure_blas = ask
    if hasattr(arraymath, "ensure_blas"):
        arraymath.ensure_blas = ask
    yield


@contextlib.contextmanager
def _without_search_for_garbage() -> Iterator[None]:
    """A compiler makes millions of objects and keeps them until it is done: looking for garbage among them again and
    again takes a tenth of its time.
    """
    if not gc.isenabled():
        yield  # so does an outer kernel
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextlib.contextmanager
def _typed_once(context: Any) -> Iterator[None]:
    """Each question of what a function gives for such arguments is answered once, while a kernel is compiled. Numba
    asks for it at each place, and there again whenever a type of the function becomes known.
    """
    if "resolve_function_type" in vars(context) or not hasattr(context, "resolve_function_type"):
        yield  # an outer kernel has begun this
        return
    ask = context.resolve_function_type
    known: dict[Any, Any] = {}

    def resolve_function_type(func: Any, args: Any, kws: Any) -> Any:
        if kws or not all(isinstance(kind, numba.types.Type) for kind in args):
            return ask(func, args, kws)  # a field or a part by its number, say, which is no type
        key = (func, tuple(args))
        found = known.get(key)
        if found is None:
            found = known[key] = ask(func, args, kws)
        return found

    context.resolve_function_type = resolve_function_type
    try:
        yield
    finally:
        del context.resolve_function_type


class _KernelLibrary(JITCodeLibrary):
    """Code of one function and of all that is called in it, optimised without what Numba does over again."""

    def _optimize_functions(self, ll_module: Any) -> None:
        """As Numba's own, which makes the passes anew for each function, also for those that are only declared."""
        try:
            passes, builder = self._codegen._function_pass_manager()  # type: ignore[no-untyped-call]
        except TypeError:  # an older Numba
            super()._optimize_functions(ll_module)  # type: ignore[no-untyped-call]
            return
        ll_module.data_layout = self._codegen._data_layout
        for function in ll_module.functions:
            if not function.is_declaration and not _is_door(function):
                passes.run(function, builder)

    def _optimize_final_module(self) -> None:
        """As Numba's own, save for the function by which Python comes in: it takes forty arrays apart, once a call."""
        for function in self._final_module.functions:
            if _is_door(function) and not function.is_declaration:
                function.add_function_attribute("noinline")
                function.add_function_attribute("optnone")
        super()._optimize_final_module()  # type: ignore[no-untyped-call]


def _is_door(function: Any) -> bool:
    return str(function.name).startswith("cpython.")


class _InnerLibrary(_KernelLibrary):
    """Intermediate code of one function, as it was made. The kernel that it becomes a part of links it with all that is
    called in it, each once, and optimises it.
    """

    def finalize(self) -> None:
        self._finalized = True

    def with_called(self) -> list[Any]:
        """This and all libraries that it calls, each once."""
        called = [
            library.with_called() if isinstance(library, _InnerLibrary) else [library]
            for library in self._linking_libraries
        ]
        return list(dict.fromkeys([self, *(library for own in called for library in own)]))


@register_pass(mutates_CFG=True, analysis_only=False)  # type: ignore[no-untyped-call]
class _KernelLowering(NativeLowering):
    """Numba's pass from its own form to LLVM's and to machine code, by way of `KernelLower`."""

    _name = "kernel_lowering"

    @property
    def lowering_class(self) -> Any:
        return KernelLower

    def run_pass(self, state: Any) -> bool:
        if state.library is None:
            state.library = _KernelLibrary(state.targetctx.codegen(), state.func_id.func_qualname)
            state.library.enable_object_caching()
        super().run_pass(state)  # type: ignore[no-untyped-call]
        return True


@register_pass(mutates_CFG=True, analysis_only=False)  # type: ignore[no-untyped-call]
class _InnerLowering(_KernelLowering):
    """Numba's pass from its own form to LLVM's, without the step to machine code."""

    _name = "inner_lowering"

    def run_pass(self, state: Any) -> bool:
        state.flags.no_compile = True
        state.library = _InnerLibrary(state.targetctx.codegen(), state.func_id.func_qualname)
        super().run_pass(state)
        state.library.finalize()
        lowered = state["cr"]
        entry = lowered.fndesc.mangled_name  # stands for the address, by which callers ask for the function
        state.targetctx.insert_user_function(entry, lowered.fndesc, state.library.with_called())
        state["cr"] = lowered._replace(cfunc=entry)
        return True


class _KernelCompiler(Compiler):
    """Numba's compiler without the steps that no kernel needs."""

    lowering: Any = _KernelLowering

    def __init__(self, *args: Any) -> None:
        with _without_scipy():
            super().__init__(*args)  # type: ignore[no-untyped-call]

    def define_pipelines(self) -> Any:
        [passes] = super().define_pipelines()  # type: ignore[no-untyped-call]
        passes.passes = [
            (self.lowering if step is NativeLowering else step, what)
            for step, what in passes.passes
            if step.__name__ not in _UNNEEDED
        ]
        # Which variable lives where is found out by each step that asks for it, and not again after each step.
        passes._ENFORCING = False
        return [passes]


class _InnerCompiler(_KernelCompiler):
    """The same, up to LLVM's form."""

    lowering = _InnerLowering
