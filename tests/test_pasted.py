"""Commands that answers print can be pasted. Oracle: the rules of the shell, then what the command reads."""

import shlex
from pathlib import Path

import pytest

from recovery.cli.commands.run import run
from recovery.show.answers.inputs import trying


@pytest.mark.parametrize(
    "file", ["plain.toml", "-x.toml", "--set.toml", "a b.toml", "it's $HOME; `x`.toml", "/a/-b.toml"]
)
@pytest.mark.parametrize("replications", [0, 20])
def test_a_printed_command_means_what_was_asked(file: str, replications: int) -> None:
    """The same file, changes and replications, whatever their names: one that begins with a dash is no option."""
    changes = ('policy.queue={ name = "bounded", limit = "5s" }', "title=it's -- here")
    words = shlex.split(trying(file, (changes[1],), (changes[0],), replications=replications))
    assert words[:2] == ["recovery", "run"]
    with run.make_context("run", words[2:]) as context:
        assert [Path(one) for one in context.params["experiments"]] == [Path(file)]
        assert set(context.params["overrides"]) == set(changes)
        assert context.params["replications"] == (replications or None)
