"""Rules of the house that a machine can check: what lies in the tree, who imports whom, what a function must say.

Oracle: the rule itself, read from the files as git lists them; new files that git does not ignore count too.
"""

import ast
import functools
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parent.parent
MADE = {"docs/_build/html", ".venv"}  # what make makes
# Written in parts, or this file would break its own rule.
HOMES = re.compile(r"(?<![\w.~-])/(?:" + "|".join(("root", "home", "work", "Users")) + r")/")


@functools.cache
def files() -> tuple[Path, ...]:
    """Files of the tree, relative to its top: tracked, and new ones that are not ignored."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=TOP,
            capture_output=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"git does not list the files here: {error}")
    names = (Path(name) for name in listed.stdout.decode().split("\0") if name)
    return tuple(sorted(name for name in names if (TOP / name).is_file()))


def text(file: Path) -> str:
    """Text of a file; nothing for a picture or other bytes."""
    data = (TOP / file).read_bytes()
    return "" if b"\0" in data else data.decode(errors="replace")


def modules(*packages: str) -> list[Path]:
    return [file for file in files() if file.suffix == ".py" and file.parts[0] in packages]


def imported(file: Path) -> Iterator[str]:
    """Dotted names that a module imports, wherever in the file; relative ones made absolute."""
    for node in ast.walk(ast.parse(text(file))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = file.parts[: len(file.parts) - node.level] if node.level else ()
            yield from (".".join([*parents, *filter(None, [node.module]), alias.name]) for alias in node.names)


def undocumented(body: list[ast.stmt], within: str = "") -> Iterator[str]:
    """Public functions without a docstring: of a module, and the methods of its public classes."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            if isinstance(node, ast.ClassDef):
                yield from undocumented(node.body, f"{within}{node.name}.")
            elif not ast.get_docstring(node):
                yield within + node.name


def test_the_lock_names_no_host_and_pins_with_hashes() -> None:
    lock = (TOP / "requirements.lock").read_text(encoding="utf-8")
    assert not re.findall(r"^.*(?:://|--(?:extra-)?index-url|--find-links|\bfile:).*$", lock, re.MULTILINE)
    entries = re.split(r"\n(?=\S)", lock.strip())
    assert entries
    assert [entry for entry in entries if not re.match(r"[a-z0-9-]+==\S+.*\n    --hash=sha256:", entry)] == []


def test_locks_that_would_name_a_host_are_not_there() -> None:
    assert [file for file in files() if file.name in ("uv.lock", "pylock.toml")] == []


def test_no_file_holds_a_path_of_somebodys_machine() -> None:
    found = [
        f"{file}:{number}: {line.strip()[:100]}"
        for file in files()
        for number, line in enumerate(text(file).splitlines(), 1)
        if HOMES.search(line)
    ]
    assert found == []


def test_kernels_import_numbers_only() -> None:
    found = {
        (str(file), name) for file in modules("kernels") for name in imported(file) if name.split(".")[0] == "recovery"
    }
    assert modules("kernels")
    assert found == set()


def test_leaves_import_nothing_of_ours() -> None:
    ours, names = ("recovery", "recovery_kernels"), ("units.py", "errors.py", "keys.py")
    leaves = [file for file in modules("recovery") if file.parent.name == "recovery" and file.name in names]
    theory = [file for file in modules("recovery") if file.parent.name == "theory"]
    assert len(leaves) == len(names)
    assert len(theory) > 3
    found = {(str(file), name) for file in leaves for name in imported(file) if name.split(".")[0] in ours}
    found |= {
        (str(file), name)
        for file in theory
        for name in imported(file)
        if name.split(".")[0] in ours and not name.startswith("recovery.theory.")
    }
    assert found == set()


def test_kernels_are_compiled_by_the_one_decorator_without_forbidden_flags() -> None:
    for file in modules("kernels"):
        for node in ast.walk(ast.parse(text(file))):
            if isinstance(node, ast.keyword) and node.arg in ("fastmath", "parallel"):
                assert isinstance(node.value, ast.Constant), (file, node.arg)
                assert node.value.value is False, (file, node.arg)
            if isinstance(node, ast.Attribute) and node.attr in ("njit", "jit", "guvectorize", "vectorize", "jitclass"):
                assert file.name == "jit.py", f"{file} compiles past the cache guard"


def test_every_module_says_its_one_subject() -> None:
    files = [file for top in ("recovery", "kernels") for file in modules(top)]
    assert [str(file) for file in files if not ast.get_docstring(ast.parse(text(file)))] == []


def test_public_functions_say_what_they_promise() -> None:
    found = [
        f"{file}: {name}"
        for file in modules("kernels", "recovery")
        for name in undocumented(ast.parse(text(file)).body)
    ]
    assert found == []


def test_what_contributing_names_is_there() -> None:
    """Each path that the page names, from the top or from a package, and each dotted name of a module of ours."""
    named = re.findall(r"`([\w./-]+)`", text(Path("CONTRIBUTING.md")))
    paths = {name for name in named if "/" in name or name.endswith((".py", ".md", ".toml"))} - MADE
    roots = [TOP, TOP / "recovery", TOP / "kernels", TOP / "kernels" / "recovery_kernels", TOP / "tests"]
    assert len(paths) > 20
    gone = {name for name in paths if not any((root / name).exists() for root in roots)}
    dotted = {name for name in named if re.fullmatch(r"(?:recovery|reading|study|store|simulate)(?:\.\w+)+", name)}
    assert len(dotted) > 2
    for name in dotted:
        parts = name.removeprefix("recovery.").split(".")
        places = [(TOP / "recovery").joinpath(*parts[:n]).with_suffix(".py") for n in (len(parts), len(parts) - 1)]
        if not any(place.exists() for place in places if place.parent != TOP):
            gone.add(name)
    assert gone == set()
