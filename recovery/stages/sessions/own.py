"""One's own policies: a file that the command line names becomes a controller and its rule, or is told what is wrong.

Its code runs here, and nowhere before. What a scenario says can name a rule that is loaded, never a file.
"""

import ast
import hashlib
import inspect
import re
import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import FunctionType, ModuleType

from recovery_kernels.by_address import Helper
from recovery_kernels.controllers import FACTS, HOOKS

from recovery.errors import Refusal, nearest, visible
from recovery.model.policies import AXES, name_of, own
from recovery.model.policies.own import File, OwnRule
from recovery.reading.own import read
from recovery.stages.sessions import controllers, modules

HOOKS_OF = {
    "admission": ("ask",),
    "queue": ("ask", "rank", "newest", "head"),
    "client": ("wait",),
    "guard": ("ask",),
    "lease": ("renew", "expire", "restart"),
}
"""The functions of each axis, beside `begin` and `told`; one of them must be there."""
ROWS_MAX = 100_000  # numbers that a controller may remember
_MATH = frozenset({"floor", "ceil", "sqrt", "fabs", "trunc", "isnan", "isinf", "isfinite", "inf", "nan", "pi", "e"})
_ROWS = ("params", "memory", "facts")


def load(paths: Iterable[str | Path]) -> list[type[OwnRule]]:
    """Read these files, compile what they say, and let scenarios of this process name their rules.

    Raises Refusal that names the file, what is wrong with it, and what is wanted.
    """
    found: list[type[OwnRule]] = []
    for path in map(Path, paths):
        rule = rule_at(path)
        for other in found:
            if other.file.name == rule.file.name:
                raise Refusal(
                    f"{path}: is called {rule.file.name}, and so is {other.file.file}; want another name, "
                    f'or a constant NAME = "…"'
                )
        compiled(rule.file)
        found.append(rule)
    for rule in found:
        own.add(rule)
    return found


def rule_at(path: Path) -> type[OwnRule]:
    """The rule of a file, which is not compiled yet and which no scenario can name yet. Raises Refusal."""
    file = _file(path, read(path))
    try:
        rule = own.rule_of(file)
        rule.model_validate({"name": file.name, **dict(file.params)})
    except ValueError as error:
        raise Refusal(f"{path}: {str(error).splitlines()[0]}") from None
    return rule


def compiled(file: File) -> None:
    """Compile all functions of a file, or load them. Raises Refusal that names the function and the line."""
    for hook in HOOKS:
        try:
            controllers.address_of(file.controller, hook)
        except Exception as error:  # whatever Numba may raise
            raise Refusal(f"{file.file}: {hook}, {_of_numba(str(error) or repr(error), file, hook)}") from None


def _file(path: Path, text: str) -> File:
    """What a file says, with all that can be seen to be wrong. Raises Refusal."""
    digest = hashlib.sha256(f"{path.stem}\0{text}".encode()).hexdigest()[:16]
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError) as error:
        line = f"line {error.lineno}: " if isinstance(error, SyntaxError) else ""
        raise Refusal(f"{path}: {line}is no Python: {getattr(error, 'msg', error)}") from None
    _first(path, _imports(tree))
    draft = File(str(path), path.stem.replace("_", "-"), "", (), "", "", text, digest)
    try:
        module = modules.of_file(draft)
    except Exception as error:  # whatever the user's own code raises
        at = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if digest in frame.filename]
        line = f"line {at[-1]}: " if at else ""
        raise Refusal(f"{path}: {line}{type(error).__name__}: {visible(str(error))}; want a file that runs") from None
    said = vars(module)
    name, axis = said.get("NAME", draft.name), said.get("AXIS")
    if not isinstance(name, str) or not re.fullmatch(r"[a-z][a-z0-9-]{0,39}", name):
        raise Refusal(
            f'{path}: its name is {name!r}; want NAME = "…" of small letters, digits and -, a letter first; '
            "without NAME the file's own name counts"
        )
    if name in {name_of(rule) for rules in AXES.values() for rule in rules}:
        raise Refusal(f'{path}: is called {name}, as a rule of ours; want another name, or a constant NAME = "…"')
    if axis not in HOOKS_OF:
        near = nearest(axis, HOOKS_OF) if isinstance(axis, str) else ""
        wrong = "is missing" if axis is None else f"is {axis!r}{near}"
        raise Refusal(f"{path}: AXIS {wrong}; want one of {', '.join(HOOKS_OF)}")
    rule, source = " ".join((module.__doc__ or "").split()), said.get("SOURCE", "a user's own")
    if not rule:
        raise Refusal(f'{path}: begins without a docstring; want its rule in words: """At most so many at once."""')
    if not isinstance(source, str):
        raise Refusal(f"{path}: SOURCE is {source!r}; want a text")
    _first(path, _numbers(said))
    _first(path, _functions(axis, module, tree))
    params, memory = said["PARAMS"], said["MEMORY"]
    _first(path, _names(tree, list(params), dict(memory)))
    numbers = tuple((key, float(value)) for key, value in params.items())
    return File(str(path), name, axis, numbers, rule, source, text, digest)


def _first(path: Path, mistakes: Iterator[str]) -> None:
    """Raises Refusal with the first mistake."""
    for mistake in mistakes:
        raise Refusal(f"{path}: {mistake}")


def _imports(tree: ast.Module) -> Iterator[str]:
    """Imports of what other machines do not have, or do not compute alike."""
    wanted = "want math and recovery_kernels alone: the file must be whole by itself, and the same on every machine"
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [one.name if one.asname is None else f"{one.name} as {one.asname}" for one in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = ["." * node.level + (node.module or "")]
            if names == ["math"]:
                yield from (_of_math(node.lineno, one.name) for one in node.names if one.name not in _MATH)
        for name in names:
            if name not in ("math", "__future__") and name.split(".")[0] != "recovery_kernels":
                yield f"line {getattr(node, 'lineno', 0)} imports {name}; {wanted}"


def _of_math(line: int, name: str) -> str:
    exact = f"{name if name != 'pow' else 'power'} of recovery_kernels.draws"
    instead = exact if name in ("exp", "log", "pow") else f"one of {', '.join(sorted(_MATH))}"
    return f"line {line} uses math.{name}, which differs from machine to machine; want {instead}"


def _numbers(said: dict[str, object]) -> Iterator[str]:
    """Parameters and memory that are no numbers."""
    params, memory = said.get("PARAMS"), said.get("MEMORY")
    if not isinstance(params, dict):
        wrong = "missing" if params is None else repr(params)
        yield f'PARAMS is {wrong}; want a table of defaults: {{"target_s": 5.0}}'
        return
    for name, value in params.items():
        if not isinstance(name, str) or not _is_number(value):
            yield f'PARAMS has {name!r}: {value!r}; want names with numbers: {{"target_s": 5.0}}'
    if not isinstance(memory, dict):
        wrong = "missing" if memory is None else repr(memory)
        yield f'MEMORY is {wrong}; want names, and how many numbers each has: {{"count": 1}}'
        return
    for name, size in memory.items():
        if not isinstance(name, str) or not name.isidentifier() or not isinstance(size, int) or isinstance(size, bool):
            yield f'MEMORY has {name!r}: {size!r}; want names with how many numbers each has: {{"count": 1}}'
        elif size < 1:
            yield f"MEMORY has {name} = {size}; want a whole number from 1"
    if sum(memory.values()) > ROWS_MAX:
        yield f"MEMORY has {sum(memory.values())} numbers in all; want at most {ROWS_MAX}"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _functions(axis: str, module: ModuleType, tree: ast.Module) -> Iterator[str]:
    """Functions that are missing, that this axis does not have, or that take other arguments."""
    mine = HOOKS_OF[axis]
    lines = {node.name: node.lineno for node in tree.body if isinstance(node, ast.FunctionDef)}
    for hook in HOOKS:
        function = getattr(module, hook, None)
        if function is None:
            continue
        if hook not in (*mine, "begin", "told"):
            yield f"{hook} is no function of AXIS {axis!r}; want {_any_of(mine)}, begin and told"
        elif not isinstance(function, FunctionType):
            yield f"{hook} is {type(function).__name__}; want a plain function: def {hook}(params, memory, facts):"
        elif function.__code__.co_argcount != 3 or len(inspect.signature(function).parameters) != 3:
            takes = inspect.signature(function)
            yield f"{hook}, line {lines.get(hook, 0)}, takes {takes}; want (params, memory, facts)"
    if not hasattr(module, "begin"):
        yield "begin is missing; want def begin(params, memory, facts): which sets the memory"
    if not any(hasattr(module, hook) for hook in mine):
        yield f"has no function of AXIS {axis!r}; want {_any_of(mine)}"
    for name, line in lines.items():
        if name not in HOOKS and not isinstance(getattr(module, name, None), Helper):
            close = nearest(name, (*mine, "begin", "told"))
            yield (
                f"{name}, line {line}, is no function that is asked{close}; want @helper above it "
                "(from recovery_kernels.by_address import helper) if others call it"
            )


def _any_of(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


_NOT: dict[type[ast.AST], str] = {
    ast.Raise: "raise", ast.Try: "try", ast.Assert: "assert", ast.With: "with", ast.Global: "global",
    ast.List: "a list", ast.ListComp: "a list", ast.Dict: "a table", ast.DictComp: "a table", ast.Set: "a set",
    ast.SetComp: "a set", ast.GeneratorExp: "a generator", ast.Yield: "yield", ast.Lambda: "lambda",
    ast.JoinedStr: "a text",
}  # fmt: skip
"""What compiled functions cannot hold, or what would wait there for Python."""


def _names(tree: ast.Module, params: list[str], memory: dict[str, int]) -> Iterator[str]:
    """Names that are not there, writing where only reading is allowed, and arithmetic that differs by machine."""
    known: dict[str, Iterable[str]] = {"params": params, "memory": list(memory), "facts": FACTS}
    for function in tree.body:
        if not isinstance(function, ast.FunctionDef):
            continue
        args = [one.arg for one in function.args.args]
        rows = dict(zip(args, _ROWS, strict=False)) if function.name in HOOKS else {a: a for a in args if a in _ROWS}
        for node in ast.walk(function):
            where = f"{function.name}, line {getattr(node, 'lineno', function.lineno)}"
            if isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Pow):
                yield f"{where}, uses **; want x * x, or power of recovery_kernels.draws"
            word = (
                "a function in it"
                if isinstance(node, ast.FunctionDef) and node is not function
                else _NOT.get(type(node))
            )
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
                word = "print"
            if word is not None:
                yield f"{where}, has {word}; want numbers alone: no texts, lists, tables, exceptions or functions in it"
            if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name):
                continue
            row, name = rows.get(node.value.id), node.attr
            if node.value.id == "math" and name not in _MATH:
                yield _of_math(node.lineno, name)
            if row is None:
                continue
            if name not in known[row]:
                one_of = ", ".join(known[row]) or "nothing: there is none"
                yield f"{where}, has {row}.{name}, which is not there{nearest(name, known[row])}; want one of {one_of}"
            elif not isinstance(node.ctx, ast.Load):
                if row != "memory":
                    yield f"{where}, writes {row}.{name}; want it to write its memory alone"
                elif memory[name] > 1:
                    yield f"{where}, writes memory.{name}, a row of {memory[name]} numbers; want memory.{name}[i]"


_NUMBER = "it does not say a number on every way; want return with one number at each end"
_PLAIN = (
    (r"NameError: (name '\w+' is not defined)", "{0}"),
    (
        r"Untyped global name '(\w+)'",
        "{0} is nothing that it may use; want numbers, or a function with @helper",
    ),
    (r"none.*float64|float64.*none|none\)", _NUMBER),
    (r"No conversion from (.+?) to float64", "it says {0}; want one number"),
    (r"Cannot unify (.+?) and (.+?) for '([\w]+)", "{2} is of two kinds, {0} and {1}; want floats alone"),
)


def _of_numba(text: str, file: File, hook: str) -> str:
    """A page of Numba's in a line: where in the user's file, and what is wrong."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", text)
    lines = re.findall(rf"{file.digest}.{Path(file.file).stem}\.py(?:\", line | \()(\d+)", text)
    line = lines[0] if lines else getattr(modules.of_file(file), hook).__code__.co_firstlineno
    why = next((one for one in map(str.strip, text.splitlines()) if one and not one.startswith("Failed in")), "")
    why = re.sub(" Raised from .*| defined at .*", "", why)
    told = f"{visible(why)[:200]}; want floats, comparisons, for i in range(n)"
    for pattern, words in _PLAIN:
        if match := re.search(pattern, text):
            told = words.format(*match.groups())
            break
    if told == _NUMBER and hook in controllers.SILENT:
        told = "it says a number, which nobody asked for; want return alone"
    return f"line {line}, cannot be compiled: {told}"
