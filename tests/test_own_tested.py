"""`recovery policies --test`, and the templates of `recovery new --policy`.

Oracles: templates, which must pass every test and run; and files that are wrong in one known way each, which must fail
just the test of that.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import recovery
from recovery.cli import main as cli
from recovery.model.policies import own as rules
from recovery.study import own

AXES = ("admission", "queue", "client", "guard", "lease")
HERD = """
horizon = "4m"
hold = "10s"
fleet = { holders = 60, hosts = 2 }
host = { workers = 1, establish_time = "200ms", timeout = "3s" }
lease = { duration = "40s", check_every = "20s" }
dependency.outages = [{ from = "30s", to = "80s" }]
"""


@pytest.fixture(autouse=True)
def nothing_is_known() -> Iterator[None]:
    rules.forget()
    yield
    rules.forget()


def call(*arguments: object) -> Result:
    return CliRunner().invoke(cli.main, [str(argument) for argument in arguments])


def template(axis: str, folder: Path) -> Path:
    file = folder / f"my_{axis}.py"
    result = call("new", "--policy", axis, "--out", file)
    assert result.exit_code == 0, result.output
    assert call("new", "--policy", axis).stdout == file.read_text(encoding="utf-8")
    return file


@pytest.mark.parametrize("axis", AXES)
def test_a_template_runs_as_it_is(axis: str, tmp_path: Path) -> None:
    file = template(axis, tmp_path)
    waits = "" if axis == "client" else 'policy.client = { name = "full-jitter", base = "1s", cap = "8s" }\n'
    run = recovery.parse(f'{HERD}{waits}policy.{axis} = "my-{axis}"\n', policies=[file]).run(progress=False)
    assert run.verdict == "recovered"
    assert [one.digest for one in run.manifest.own_policies] == [rules.own_rules(axis)[0].file.digest]
    listed = call("policies", f"my-{axis}", "--policies", file)
    assert listed.exit_code == 0
    assert rules.own_rules(axis)[0].file.rule.split(".")[0] in " ".join(listed.stdout.split())


@pytest.mark.slow
@pytest.mark.parametrize("axis", AXES)
def test_a_template_passes_every_test(axis: str, tmp_path: Path) -> None:
    result = call("policies", "--test", template(axis, tmp_path))
    assert result.exit_code == 0, result.output
    assert "wrong" not in result.stdout
    assert result.stdout.endswith(" tests pass\n")


FILE = '''"""One line is wrong."""

AXIS = "admission"
PARAMS = {"most": 8.0}
MEMORY = {"count": 1, "row": 4}


def begin(params, memory, facts):
    """At first."""
    memory.count = 0.0


def ask(params, memory, facts):
    """The wrong line stands here."""
    return 1.0
'''  # line 15


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("return params.most / facts.waiting", "ask, line 15: ZeroDivisionError: "),
        ("return memory.row[int(facts.waiting)]", "ask, line 15: IndexError: "),
        ("return 1e300 * facts.waiting * 1e300", "ask says inf; want a number, at "),
        ("return float(int(facts.now_s * 1e9) * 1000000007 * 1000000007)", "ask says "),
        ("row = params\n    row.most = 0.0\n    return 1.0", "ask writes parameters or facts; "),
    ],
)
def test_a_wrong_answer_is_found_among_the_questions(line: str, wanted: str, tmp_path: Path) -> None:
    """Oracle: what Python and 64 bits do with each line."""
    file = tmp_path / "my_limit.py"
    file.write_text(FILE.replace("return 1.0", line), encoding="utf-8")
    first = next(own.checks(file))
    assert first.wrong.startswith(wanted), first


def test_a_good_answer_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own, "LIVES", 5)
    (tmp_path / "my_limit.py").write_text(FILE, encoding="utf-8")
    found = own.checks(tmp_path / "my_limit.py")
    assert [next(found).wrong for _ in range(4)] == [""] * 4


def test_a_run_that_loses_requests_or_differs_is_told() -> None:
    """Oracle: numbers made by hand."""
    assert own._differs({"queue": [1, 2]}, {"queue": [1, 3]}) == "queue in window 1 is 2, and 3"
    assert own._differs({"queue": [1, 2]}, {"queue": [1, 2]}) == ""


def test_status_1_says_which_test_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own, "_scenarios", lambda rule: {})
    file = tmp_path / "my_limit.py"
    file.write_text(FILE.replace("return 1.0", "return 1e300 * 1e300 * facts.waiting"), encoding="utf-8")
    result = call("policies", "--test", file)
    assert result.exit_code == 1
    assert "wrong  9000 questions at random" in result.stdout
    assert f"{file}: " in result.stdout
    assert result.stdout.endswith("1 of 1 tests fail\n")
