"""A user's own policy as text: one Python file, named on the command line. A leaf: of ours it knows errors alone."""

from importlib import resources
from pathlib import Path

from recovery.errors import Refusal
from recovery.reading.inputs import reason, regular

BYTES_MAX = 200_000


def read(path: Path) -> str:
    """The text of a file. Raises Refusal that says what is wanted."""
    wanted = "want a Python file with one policy; recovery new --policy AXIS writes one"
    if path.suffix != ".py":
        raise Refusal(f"{path}: does not end in .py; {wanted}")
    try:
        with regular(path).open("rb") as file:
            data = file.read(BYTES_MAX + 1)
    except (OSError, ValueError) as error:
        raise Refusal(f"{path}: cannot be read: {reason(error)}; {wanted}") from None
    if len(data) > BYTES_MAX:
        raise Refusal(f"{path}: is larger than {BYTES_MAX // 1000} kB; {wanted}")
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        raise Refusal(f"{path}: is not UTF-8 text (byte {error.start}); {wanted}") from None


def template(axis: str) -> str:
    """A policy of one's own on an axis, to start from."""
    return resources.files("recovery").joinpath("data", "policies", f"{axis}.txt").read_text(encoding="utf-8")
