"""What a file with one's own policy may say wrongly. Oracle: the line that its author should read, written by hand."""

from pathlib import Path

import pytest

from recovery.errors import Refusal
from recovery.model.policies import own as rules
from recovery.reading.experiment import parse
from recovery.reading.schema import json_schema
from recovery.stages.sessions import own

BEGIN = "def begin(params, memory, facts):\n    memory.limit = params.most\n"
ASK = "def ask(params, memory, facts):\n"
HEAD = '"""At most so many at once."""\nAXIS = "admission"\nPARAMS = {"most": 8.0}\nMEMORY = {"limit": 1, "row": 3}\n'
GOOD = HEAD + BEGIN + ASK + "    return facts.waiting < memory.limit\n"  # line 8


def said(tmp_path: Path, text: str, name: str = "my_limit.py") -> str:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(Refusal) as error:
        own.load([tmp_path / name])
    assert "\n" not in str(error.value)
    return str(error.value).removeprefix(f"{tmp_path}/{name}: ")


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ('"admission"', '"admision"', "AXIS is 'admision' (did you mean admission?); want one of admission, queue, "),
        ('AXIS = "admission"', "", "AXIS is missing; want one of admission, queue, client, guard, lease"),
        ('"""At most so many at once."""', "", "begins without a docstring; want its rule in words"),
        ("def begin", "def start", "begin is missing; want def begin(params, memory, facts):"),
        (ASK, "def wait(params, memory, facts):\n", "wait is no function of AXIS 'admission'; want ask, begin"),
        (ASK, "def told(params, memory, facts):\n", "has no function of AXIS 'admission'; want ask"),
        (ASK, "def ask(params, memory):\n", "ask, line 7, takes (params, memory); want (params, memory, facts)"),
        (ASK, "def asks(params, memory, facts):\n", "has no function of AXIS 'admission'; want ask"),
        ("8.0", '"8"', "PARAMS has 'most': '8'; want names with numbers"),
        ("8.0", "True", "PARAMS has 'most': True; want names with numbers"),
        ("8.0", "float('inf')", "PARAMS has most = inf; want a number up to 1e+15"),
        ('{"most": 8.0}', '("most",)', "PARAMS is ('most',); want a table of defaults"),
        ('"limit": 1', '"limit": 1.5', "MEMORY has 'limit': 1.5; want names with how many numbers each has"),
        ('"limit": 1', '"limit": 0', "MEMORY has limit = 0; want a whole number from 1"),
        ("most", "name", "PARAMS holds 'name', which means something else in a scenario; want another name"),
        ("memory.limit\n", "memory.limt\n", "ask, line 8, has memory.limt, which is not there (did you mean limit?)"),
        ("facts.waiting", "facts.queue", "ask, line 8, has facts.queue, which is not there"),
        ("memory.limit =", "params.most =", "begin, line 6, writes params.most; want it to write its memory alone"),
        ("memory.limit =", "memory.row =", "begin, line 6, writes memory.row, a row of 3 numbers; want memory.row[i]"),
        ("AXIS", "import random\nAXIS", "line 2 imports random; want math and recovery_kernels alone"),
        ("facts.waiting", "facts.waiting ** 2.0", "ask, line 8, uses **; want x * x, or power of"),
        ("AXIS", "import math\nfrom math import exp\nAXIS", "line 3 uses math.exp, which differs from"),
        ("AXIS", "X = 1 / 0\nAXIS", "line 2: ZeroDivisionError: division by zero; want a file that runs"),
        ("def ask(", "def ask((", "line 7: is no Python: "),
        ("AXIS", 'NAME = "fifo"\nAXIS', "is called fifo, as a rule of ours; want another name"),
        ("AXIS", 'NAME = "My Limit"\nAXIS', "its name is 'My Limit'; want NAME"),
        ("return facts.waiting < memory.limit", "return [1.0]", "ask, line 8, has a list; want numbers alone"),
        ("return facts.waiting < memory.limit", "return 'yes'", "ask, line 8, cannot be compiled: it says "),
        ("return facts", "raise ValueError\n    return facts", "ask, line 8, has raise; want numbers alone"),
        ("return facts", "print(facts.u)\n    return facts", "ask, line 8, has print; want numbers alone"),
        ("return facts", "assert facts.u\n    return facts", "ask, line 8, has assert; want numbers alone"),
        ("return facts", "if facts.u > 0.5:\n        return facts",
         "ask, line 8, cannot be compiled: it does not say a number on every way; want return with one number at each"),
        ("facts.waiting", "nobody", "ask, line 7, cannot be compiled: name 'nobody' is not defined"),
        ("memory.limit\n", "less()\ndef less():\n    return 1.0\n",
         "less, line 9, is no function that is asked; want @helper above it"),
        ("params.most\n", "params.most\n    return 1.0\n",
         "begin, line 7, cannot be compiled: it says a number, which nobody asked for"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_in_a_line(old: str, new: str, wanted: str, tmp_path: Path) -> None:
    assert old in GOOD
    assert said(tmp_path, GOOD.replace(old, new)).startswith(wanted)


def test_files_that_are_none(tmp_path: Path) -> None:
    assert said(tmp_path, GOOD, "my_limit.txt").startswith("does not end in .py; want a Python file")
    with pytest.raises(Refusal, match=r"nowhere.py: cannot be read: No such file"):
        own.load([tmp_path / "nowhere.py"])
    (tmp_path / "folder.py").mkdir()
    with pytest.raises(Refusal, match="a folder, a device or a pipe"):
        own.load([tmp_path / "folder.py"])
    (tmp_path / "bytes.py").write_bytes(b"\xff")
    with pytest.raises(Refusal, match="is not UTF-8 text"):
        own.load([tmp_path / "bytes.py"])


def test_two_files_of_one_name(tmp_path: Path) -> None:
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_text(GOOD.replace("AXIS", 'NAME = "mine"\nAXIS'), encoding="utf-8")
    with pytest.raises(Refusal, match=r"b.py: is called mine, and so is .*a.py; want another name"):
        own.load([tmp_path / "a.py", tmp_path / "b.py"])
    assert not rules.own_rules("admission")  # nothing of a wrong command line is known


UNITS = HEAD.replace('{"most": 8.0}', '{"wait_s": 5.0, "fill_per_s": 10.0, "part_share": 0.5, "most": 8.0}')
SCENARIO = (
    'horizon = "10m"\nhost = { establish_time = "10ms", timeout = "1s" }\n'
    'jobs.steps = [{ at = "0s", rate = "5/s" }]\npolicy.admission = { name = "my-limit", '
)


def test_parameters_are_written_with_their_units(tmp_path: Path) -> None:
    (tmp_path / "my_limit.py").write_text(GOOD.replace(HEAD, UNITS), encoding="utf-8")
    own.load([tmp_path / "my_limit.py"])
    try:
        text = 'wait_s = "2m", fill_per_s = "30/min", part_share = "5%", most = 3 }'
        written = parse(SCENARIO + text).first.scenario.policy.admission
        assert written.lower(1.0, 1).controller.params == (120.0, 0.5, 0.05, 3.0)
        numbers = parse(SCENARIO + "wait_s = 120, fill_per_s = 0.5, part_share = 0.05, most = 3 }").first.scenario
        assert numbers.policy.admission == written
        assert "wait_s 2 min, fill_per_s 0.5/s, part_share 5 %, most 3" in written.words
        for wrong, wanted in (
            ('wait_s = "5"', 'policy.admission.wait_s is "5"; want a duration'),
            ('most = "3s"', 'policy.admission.most is "3s"; want a number'),
            ("least = 3", 'policy.admission.least is not a key of "my-limit"; want one of wait_s'),
        ):
            with pytest.raises(Refusal) as error:
                parse(SCENARIO + wrong + "}")
            assert wanted in str(error.value)
        known = json_schema()["$defs"]
        assert set(known["OwnMyLimit"]["properties"]) == {"name", "wait_s", "fill_per_s", "part_share", "most", "only"}
        assert {"$ref": "#/$defs/OwnMyLimit"} in known["Choice"]["properties"]["admission"]["anyOf"][1]["oneOf"]
    finally:
        rules.forget()
    assert "OwnMyLimit" not in json_schema()["$defs"]
