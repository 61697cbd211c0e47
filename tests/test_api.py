"""The Python API: its page and its notebook, run as they stand; and what it promises about time, errors and Ctrl-C.

Oracles: the command, which must write and say the same; contracts (nothing is written, drawn or imported); the types
that a checker sees.
"""

import ast
import html
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import recovery
from recovery.api.scenario import _literal
from recovery.cli import main as cli
from recovery.simulate import pipeline

TOP = Path(__file__).resolve().parent.parent
PAGE = (TOP / "docs" / "python.md").read_text(encoding="utf-8")
NOTEBOOK = TOP / "docs" / "example.ipynb"


def blocks(language: str) -> list[str]:
    """The fenced texts of the page in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, which is the current one, with the scenario of the page."""
    [text] = blocks("toml")
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "mine.toml"


def test_the_examples_of_the_page_run(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, object] = {}
    for number, code in enumerate(blocks("python")):
        exec(compile(code, f"docs/python.md, example {number + 1}", "exec"), names)
    run, sweep = names["run"], names["sweep"]
    assert isinstance(run, recovery.Run)
    assert isinstance(sweep, recovery.Sweep)
    assert capsys.readouterr().out.splitlines()[-1] == "mine.toml: host.workers is 0; want a whole number from 1"
    assert {ended for name, ended in run.rows.select("variant", "verdict").rows() if name == "as written"} == {
        run.verdict
    }
    assert (run.rows.height, run.is_whole, run.holds) == (2 * 3, True, run.summary.expect[0].holds == "yes")
    assert (mine.parent / "leased.pdf").read_bytes().startswith(b"%PDF")
    assert sweep.rank().height == 2 * 2
    assert sorted(path.name for path in mine.parent.iterdir()) == ["leased.pdf", "mine.toml", "out", "sweeps"]


def test_the_command_writes_and_says_what_a_run_holds(mine: Path) -> None:
    """Two ways to one run: all but the time it took, and when, is the same."""
    done = CliRunner().invoke(cli.main, ["run", str(mine), "--replications", "2", "--no-report"])
    wrote = recovery.read("out/mine")
    run = recovery.load(mine).run(replications=2, progress=False)
    assert isinstance(wrote, recovery.Run)
    assert run.rows.drop("cpu_s").equals(wrote.rows.drop("cpu_s"), null_equal=True)
    assert run.series.equals(wrote.series)
    assert str(run) == done.stdout.rstrip("\n")
    words = ("recovery", "run", str(mine), "--replications", "2", "--no-report")
    assert (wrote.manifest.argv, run.manifest.argv) == (words, ()), "a page would name another program's command line"
    before = {path.name for path in (mine.parent / "out" / "mine").iterdir()}
    again = recovery.load(mine).run(replications=2, progress=False).save("other")
    assert {path.name for path in again.iterdir()} == before


def test_a_run_writes_draws_and_imports_nothing(mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a run costs beside its kernels is arithmetic: no file is opened, no figure made, no module loaded, once the
    first run was done.
    """
    scenario = recovery.load(mine)
    scenario.run(progress=False)
    opened: list[object] = []

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if is_watched and event == "open" and not str(arguments[0]).startswith(("/sys/", "/proc/")):
            opened.append(arguments[0])

    is_watched = False
    sys.addaudithook(watch)
    monkeypatch.setattr("matplotlib.figure.Figure.__init__", None)
    before, is_watched = set(sys.modules), True
    scenario.run(progress=False)
    is_watched = False
    assert (opened, set(sys.modules) - before) == ([], set())


def test_what_is_read_again_can_be_drawn(mine: Path) -> None:
    run = recovery.load(mine).run(progress=False)
    run.save()
    old = recovery.read(mine.parent / "out" / "mine")
    assert isinstance(old, recovery.Run)
    assert old.plots == run.plots
    assert old.plot().svg() == run.plot().svg()
    assert run.plot()._repr_png_().startswith(b"\x89PNG")
    assert "<svg" in run._repr_html_()
    assert str(run.answer) in html.unescape(run._repr_html_())
    with pytest.raises(recovery.ScenarioError, match=r"no picture is called 'lease'.*want one of"):
        run.plot("lease")


def test_a_sweep_is_that_of_the_command(mine: Path) -> None:
    mine.write_text(
        mine.read_text(encoding="utf-8") + '[sweep.levers]\n"host.timeout" = { values = ["5s", "8s"] }\n',
        encoding="utf-8",
    )
    assert CliRunner().invoke(cli.main, ["sweep", str(mine), "--no-report", "--threads", "1"]).exit_code == 0
    sweep = recovery.sweep(mine, out="other", threads=1, progress=False)
    told = recovery.read("out/mine")
    assert isinstance(told, recovery.Sweep)
    assert sweep.rank().equals(told.rank(), null_equal=True)
    assert "Made again with" not in sweep._repr_html_(), "no command made it"
    rows = json.loads(CliRunner().invoke(cli.main, ["compare", "out/mine", "1", "2", "--json"]).stdout)["differences"]
    twice = CliRunner().invoke(cli.main, ["compare", "out/mine", "1", rows[0]["than"]])
    assert (twice.exit_code, "which is named twice; want policies that differ" in twice.stderr) == (2, True)
    assert sweep.compare("1", "2")["draws"].to_list() == [row["draws"] for row in rows]
    before = sorted((mine.parent / "other" / "mine" / "parts").iterdir())
    recovery.sweep(mine, out="other", threads=1, progress=False)
    assert sorted((mine.parent / "other" / "mine" / "parts").iterdir()) == before  # nothing was run twice
    with pytest.raises(recovery.ScenarioError, match="holds runs of a sweep"):
        recovery.sweep(mine, out="other", resume=False, progress=False)
    with pytest.raises(recovery.ScenarioError, match="nobody names 0 policies"):
        sweep.compare("1", "nobody")
    assert "<svg" in sweep._repr_html_()


def test_numbers_of_numpy_are_numbers(mine: Path) -> None:
    """Oracle: the scenario with Python's own numbers, which says the same of itself."""
    given = {"host.workers": np.int64(3), "host.reject_cost": "0s", "horizon": "10m", "replications": np.int32(2)}
    of_numpy = recovery.load("mine.toml").with_({**given, "variants": {"more": {"host": {"workers": np.int64(4)}}}})  # type: ignore[dict-item]
    plain = {"host.workers": 3, "host.reject_cost": "0s", "horizon": "10m", "replications": 2}
    of_python = recovery.load("mine.toml").with_({**plain, "variants": {"more": {"host": {"workers": 4}}}})  # type: ignore[dict-item]
    assert of_numpy._experiment.raw == of_python._experiment.raw
    assert _literal("", np.float64(0.5)) == "0.5"
    assert _literal("", np.array([1, 2])) == "[1, 2]"
    assert _literal("", np.bool_(True)) == "true"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"host.workers": 0}, "mine.toml: host.workers is 0; want a whole number from 1"),
        ({"host.timeout": 5}, "host.timeout is 5"),
        ({"polcy.queue": "lifo"}, "did you mean policy"),
        ({"host_timeout": "5s"}, "host_timeout is not a key (did you mean host.timeout?)"),
        ({"host.timeout": None}, "host.timeout is None; want a text, a number"),
        ({"": 1}, "--set"),
        ({"host": {"timeout": "5s"}}, "want host.timeout, with a dot"),
        ({"host": {"timeout": "5s"}}, "a table takes the place of the whole table, and the file also has host."),
        ({"fleet": {"holders": 80}}, "and the file also has fleet.hosts; want fleet.holders, with a dot"),
    ],
)
def test_mistakes_are_told_in_the_words_of_the_command(mine: Path, change: dict[str, object], said: str) -> None:
    scenario = recovery.load("mine.toml")
    with pytest.raises(recovery.ScenarioError, match=re.escape(said)):
        scenario.with_(change)  # type: ignore[arg-type]
    assert scenario.run(progress=False).is_whole  # it is as it was


def test_what_cannot_be_read_is_a_scenario_error(mine: Path) -> None:
    for place, said in (("nowhere", "holds no finished run"), ("out", "holds no finished run")):
        with pytest.raises(recovery.ScenarioError, match=said):
            recovery.read(place)
    with pytest.raises(recovery.ScenarioError, match="cannot be read"):
        recovery.load("no.toml")
    with pytest.raises(recovery.ScenarioError, match="threads is 0"):
        recovery.load(mine).run(threads=0)
    recovery.load(mine).run(progress=False).save()
    summary = mine.parent / "out" / "mine" / "summary.json"
    published = json.loads(summary.read_text(encoding="utf-8")) | {"rows": []}
    summary.write_text(json.dumps(published), encoding="utf-8")
    with pytest.raises(recovery.ScenarioError, match="without its runs"):
        recovery.read("out/mine")
    summary.write_text("{", encoding="utf-8")
    with pytest.raises(recovery.ScenarioError, match="is damaged"):
        recovery.read("out/mine")


def test_ctrl_c_keeps_what_is_done(mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    each = pipeline.Runner.each

    def counted(self: pipeline.Runner, tasks: list[pipeline.Task]) -> Iterator[pipeline.Outcome | Exception]:
        for done, found in enumerate(each(self, tasks)):
            if done == 5:
                signal.raise_signal(signal.SIGINT)
            yield found

    monkeypatch.setattr(pipeline.Runner, "each", counted)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job is started deaf to it
    try:
        run = recovery.load(mine).run(replications=100, threads=1, progress=False)
    finally:
        signal.signal(signal.SIGINT, before)
    assert not run.is_whole
    assert 0 < run.rows.height < 200
    assert "interrupted" in run._repr_html_()


def test_a_small_run_costs_at_most_50_ms_more_than_its_kernels(mine: Path) -> None:
    """Processor time of a run in this process less that of its hosts: one of twenty, as others use the machine."""
    scenario = recovery.load(mine)
    scenario.run(progress=False, threads=1)  # what is imported and compiled once

    def beyond_s(seed: int) -> float:
        begun = time.process_time()
        run = scenario.run(progress=False, threads=1, seed=seed)
        assert run.manifest.cpu_s > 0  # it ran, and was not known
        return time.process_time() - begun - run.manifest.cpu_s

    assert any(beyond_s(seed) < 0.050 for seed in range(2, 22))


def test_the_import_is_light_and_typed(tmp_path: Path) -> None:
    """Nothing is loaded before it is asked for, and a type checker knows what everything is."""
    heavy = "numpy", "numba", "polars", "matplotlib", "pydantic", "click", "rich"
    code = f"import sys, recovery; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=TOP, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert set(recovery.__all__) <= set(dir(recovery))
    assert all(getattr(recovery, name) is not None for name in recovery.__all__)
    with pytest.raises(AttributeError):
        recovery.nothing  # noqa: B018


NOTED = {
    'recovery.load("x")': "recovery.api.scenario.Scenario",
    'recovery.load("x").run()': "recovery.api.run.Run",
    'recovery.load("x").run().series': "polars.dataframe.frame.DataFrame",
    'recovery.load("x").run().summary': "recovery.store.run_record.Summary",
    'recovery.load("x").run().plot().figure': "matplotlib.figure.Figure",
    'recovery.sweep("x").rank()': "polars.dataframe.frame.DataFrame",
    'recovery.read("x")': "recovery.api.run.Run | recovery.api.sweep.Sweep",
}


@pytest.mark.slow
def test_a_type_checker_knows_the_names(tmp_path: Path) -> None:
    user = tmp_path / "user.py"
    user.write_text("import recovery\n" + "".join(f"reveal_type({code})\n" for code in NOTED), encoding="utf-8")
    # In this folder and with its settings, so that what `make check` found out about the package is read anew.
    command = [sys.executable, "-m", "mypy", "--strict", str(user)]
    path = os.pathsep.join((str(TOP), str(TOP / "kernels")))
    done = subprocess.run(
        command, cwd=TOP, env={**os.environ, "MYPYPATH": path}, capture_output=True, text=True, check=False
    )
    told = re.findall(r'user\.py:\d+: note: Revealed type is "(.*)"', done.stdout)
    assert told == list(NOTED.values()), done.stdout
    assert "user.py:" not in re.sub(r".*note: Revealed.*", "", done.stdout)


def test_the_notebook_runs_and_shows_something(mine: Path) -> None:
    """Cell by cell, as a kernel does: the value of a cell's last line is shown by IPython's display protocol."""
    names: dict[str, object] = {}
    shown = 0
    cells = [cell for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
    for number, cell in enumerate(cells):
        assert cell["outputs"] == []  # they would be numbers that nobody makes again
        tree = ast.parse("".join(cell["source"]))
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, f"cell {number + 1}", "exec"), names)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), f"cell {number + 1}", "eval"), names)
            show = getattr(value, "_repr_html_", None)
            shown += show is not None and "<" in show()
    assert shown >= 4


class Display:
    """IPython as far as its display protocol is used here: what is shown, and each time that it is changed."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.display = self
        self.kernel = object()

    def get_ipython(self) -> "Display":
        return self

    def __call__(self, value: object, display_id: bool = False) -> "Display":
        raise AssertionError

    def update(self, value: object) -> None:
        self.said.append(value._repr_html_())  # type: ignore[attr-defined]


def test_a_notebook_sees_how_far_a_run_is(mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import types

    ipython, shown = types.ModuleType("IPython"), Display()
    ipython.get_ipython = lambda: shown  # type: ignore[attr-defined]
    ipython.display = types.SimpleNamespace(display=lambda value, display_id: shown)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    recovery.load(mine).run(replications=2, threads=1)
    hosts = 2 * 2 * 2  # variants, replications, hosts
    assert f'<progress value="{hosts}" max="{hosts}">' in shown.said[-1]
    recovery.load(mine).run(progress=False)
    assert len(shown.said) == len([text for text in shown.said if "progress" in text])


def test_python_m_recovery_is_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "recovery", "--version"], cwd=TOP, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("recovery") or recovery.__version__ in done.stdout
