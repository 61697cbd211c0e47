"""The workflow, the Dockerfile and the how-tos for CI and clusters do what they say: their steps are run.

Oracles: the exit statuses, the files that the steps promise, and that a sweep in parts ends with the bytes of a whole.
"""

import os
import re
import stat
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

from recovery.cli import main as cli

TOP = Path(__file__).resolve().parent.parent
CI, HOW_TO = TOP / "docs" / "ci", TOP / "docs" / "how-to"
STORM = """
horizon = "10m"
hold = "1m"
fleet = { holders = 60, hosts = 2 }
host = { establish_time = "SERVICE", timeout = "5s", fail_after = "100ms" }
lease = { duration = "2m", check_every = "30s" }
dependency.outages = [{ from = "2m", to = "5m" }]
policy.queue = "lifo"
policy.client = { name = "exponential", base = "1s", cap = "10s" }
[expect]
ttr99_s = "< 4m"
"""
SWEPT = STORM.replace("SERVICE", "20ms") + (
    '[sweep]\nmethod = "random"\nsamples = 4\n[sweep.levers]\n"policy.queue" = { values = ["lifo", "fifo"] }\n'
    '[sweep.uncertainties]\n"host.timeout" = { min = "4s", max = "6s" }\n'
)


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A folder for PATH with `recovery`, as an installation has it."""
    place = tmp_path / "bin"
    place.mkdir()
    program(place / "recovery", f'exec "{sys.executable}" -m recovery "$@"')
    program(place / "dask", f'exec "{sys.executable}" -m distributed.cli.dask_"$1" "${{@:2}}"')
    return place


def program(path: Path, body: str) -> None:
    path.write_text(f"#!/usr/bin/env bash\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def bash(script: str, place: Path, tools: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a script as GitHub and Slurm do: it ends with the first command that fails."""
    environment = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "PYTHONPATH": str(TOP), **more}
    return subprocess.run(
        ["bash", "-eo", "pipefail", "-c", script],
        cwd=place,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def git(*words: str, place: Path) -> None:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *who, *words], cwd=place, check=True, capture_output=True)


def workflow() -> tuple[dict[str, str], list[dict[str, Any]]]:
    """Environment and steps of the workflow; what GitHub would refuse is told."""
    text = yaml.safe_load((CI / "workflow.yml").read_text())
    assert text[True] == "pull_request"  # YAML 1.1 reads `on` as true, as GitHub does not
    assert text["permissions"] == {"contents": "read"}
    [job] = text["jobs"].values()
    for step in job["steps"]:
        assert ("run" in step) != ("uses" in step)
        assert "${{" not in step.get("run", "")  # an expression in a script is a way in: it goes through env
    return text["env"], job["steps"]


@pytest.mark.parametrize(
    ("service", "ends"), [pytest.param("21ms", [0, 0], marks=pytest.mark.slow), ("900ms", [0, 99])]
)
def test_the_steps_of_the_workflow_gate_a_pull_request(
    tmp_path: Path, tools: Path, service: str, ends: list[int]
) -> None:
    """A checkout of a branch that changes a service time, and an origin that has the base."""
    origin, checkout = tmp_path / "origin", tmp_path / "checkout"
    origin.mkdir()
    git("init", place=origin)
    (origin / "storm.toml").write_text(STORM.replace("SERVICE", "20ms"))
    git("add", ".", place=origin)
    git("commit", "-m", "base", place=origin)
    git("clone", str(origin), str(checkout), place=tmp_path)
    (checkout / "storm.toml").write_text(STORM.replace("SERVICE", service))
    environment, steps = workflow()
    environment |= {"GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")}
    program(tools / "python", 'echo "$@" > installed')
    found = []
    for step in [step for step in steps if "run" in step]:
        own = {key: value.replace("${{ github.base_ref }}", "main") for key, value in step.get("env", {}).items()}
        done = bash(step["run"], checkout, tools, **environment, **own)
        if "recovery " in step["run"]:
            found.append(done.returncode)
            assert done.returncode in (0, 99), done.stderr
        else:
            assert done.returncode == 0, (step["name"], done.stderr)
    assert (checkout / "installed").read_text() == f"-m pip install {environment['RECOVERY']}\n"
    assert found == ends
    summary = (tmp_path / "summary.md").read_text()
    assert re.findall("^## (.*)$", summary, re.MULTILINE) == [
        "Recovery",  # a scenario without a title
        "storm compared with storm-before",
    ]
    assert {path.name for path in (checkout / "out").glob("*.xml")} == {"expect.xml", "compare.xml"}
    assert len(list((checkout / "out").glob("**/report.html"))) == 2


def test_the_dockerfile_runs_as_nobody_and_copies_what_is_there() -> None:
    """By the rules of a linter (hadolint's DL3002, DL3006, DL3007, DL3020, DL3042), and against this repository."""
    text = re.sub(r"\\\n", " ", (CI / "Dockerfile").read_text())
    lines = [line.split(None, 1) for line in text.splitlines() if line and not line.startswith("#")]
    words = [word for word, _ in lines]
    assert words[0] == "FROM"
    assert set(words) <= {"FROM", "COPY", "RUN", "ENV", "USER", "WORKDIR", "ENTRYPOINT", "CMD"}
    users = [rest for word, rest in lines if word == "USER"]
    assert users[-1] not in ("root", "0")
    last = len(words) - 1 - words[::-1].index("USER")
    assert words.index("ENTRYPOINT") > last
    assert any(word == "RUN" and rest.startswith("recovery ") for word, rest in lines[last:])  # kernels, as that user
    for word, rest in lines:
        if word == "FROM":
            assert re.match(r"\S+:(?!latest)\S+", rest)
        elif word == "COPY" and not rest.startswith("--from"):
            assert all((TOP / name).exists() for name in rest.split()[:-1]), rest
        elif word == "RUN" and "pip install" in rest:
            assert "--no-cache-dir" in rest


def test_the_dockerfile_calls_what_there_is(tmp_path: Path) -> None:
    """Oracles: the program's own commands; pip's parser of requirements and the lock, for the versions."""
    text = re.sub(r"\\\n", " ", (CI / "Dockerfile").read_text())
    project = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]
    [entry] = re.findall(r'^ENTRYPOINT \["(\w+)"\]$', text, re.MULTILINE)
    assert entry in project["scripts"]
    called = re.findall(r"\brecovery (\w+)", re.sub(r"^#.*|useradd .*", "", text, flags=re.MULTILINE))
    assert {word for word in called if word in cli.main.commands} == {"warmup"}
    copied = re.search(r"^COPY (.*) /src/$", text, re.MULTILINE)
    assert copied is not None
    assert {"pyproject.toml", project["readme"], *project["license-files"]} <= set(copied[1].split())
    # Its own words, on the lock, where the image would have them.
    [words] = re.findall(r"sed '.*?(?=/src/requirements.lock)", text)
    done = bash(f"{words}{TOP / 'requirements.lock'} > constraints.txt", tmp_path, tmp_path)
    assert done.returncode == 0, done.stderr
    kept = [line for line in (tmp_path / "constraints.txt").read_text().splitlines() if line.strip()]
    pinned = [Requirement(line) for line in kept if not line.lstrip().startswith("#")]
    assert len(pinned) == len(re.findall(r"(?m)^[\w.-]+==", (TOP / "requirements.lock").read_text())) > 20
    assert all(str(one.specifier).startswith("==") for one in pinned)


def blocks(page: Path) -> list[str]:
    return re.findall(r"^```bash\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)


SBATCH = """
args=("$@"); file="${args[-1]}"
array=$(sed -n 's/^#SBATCH --array=1-//p' "$file")
export SLURM_CPUS_PER_TASK=$(sed -n 's/^#SBATCH --cpus-per-task=//p' "$file")
echo "$@" >> submitted
if [ -n "$array" ]; then
  export SLURM_ARRAY_TASK_COUNT="$array"
  for i in $(seq "$array"); do SLURM_ARRAY_TASK_ID=$i bash "$file" >&2; done
else bash "$file" >&2; fi
echo 4711
"""


@pytest.mark.slow
def test_the_array_of_the_slurm_how_to_ends_as_one_sweep(tmp_path: Path, tools: Path) -> None:
    """A batch system in one process: sbatch runs what it is given, with the variables that Slurm sets."""
    sweep, gather, submit = blocks(HOW_TO / "slurm.md")
    (tmp_path / "sweep.sbatch").write_text(sweep)
    (tmp_path / "gather.sbatch").write_text(gather)
    (tmp_path / "mine.toml").write_text(SWEPT)
    program(tools / "sbatch", SBATCH)
    program(tools / "srun", 'exec "$@"')
    done = bash(submit, tmp_path, tools)
    assert done.returncode == 0, done.stderr
    parts = "--parsable sweep.sbatch\n--dependency=afterany:4711 gather.sbatch\n"
    assert (tmp_path / "submitted").read_text() == parts
    assert re.findall(r"runs of part (\d/3) are in", done.stderr) == ["1/3", "2/3", "3/3"]
    whole = bash("recovery sweep mine.toml --out whole", tmp_path, tools)
    assert whole.returncode == 0, whole.stderr
    both = [(tmp_path / name / "mine" / "runs.parquet").read_bytes() for name in ("shared", "whole")]
    assert both[0] == both[1]


@pytest.mark.slow
def test_the_commands_of_the_dask_how_to_run_a_sweep(tmp_path: Path, tools: Path) -> None:
    [script] = blocks(HOW_TO / "dask.md")
    (tmp_path / "mine.toml").write_text(SWEPT)
    port = "18786"
    ended = "trap 'kill %1 %2; wait' EXIT"  # whatever fails, nothing goes on that holds the output open
    done = bash(f"set -m\n{ended}\n{script.replace('8786', port)}", tmp_path, tools)
    assert (tmp_path / "out" / "mine" / "summary.json").is_file(), done.stderr
    whole = bash("recovery sweep mine.toml --out whole --no-report", tmp_path, tools)
    assert whole.returncode == 0
    both = [(tmp_path / name / "mine" / "runs.parquet").read_bytes() for name in ("out", "whole")]
    assert both[0] == both[1]
