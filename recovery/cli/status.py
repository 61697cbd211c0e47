"""Exit statuses of the command, each with its meaning."""

from enum import IntEnum


class Status(IntEnum):
    """What a command ends with. Where several apply, the largest is told."""

    meaning: str

    def __new__(cls, value: int, meaning: str) -> "Status":
        """A status is its number; `meaning` is what the help says of it."""
        status = int.__new__(cls, value)
        status._value_ = value
        status.meaning = meaning
        return status

    WELL = 0, "well"
    OURS = 1, "our fault (a bug, the disk, the memory), or a policy fails its test"
    USAGE = 2, "usage or scenario is wrong"
    FAILED = 3, "some runs failed"
    UNSURE = 4, "inconclusive: a bound lies within the interval of what was measured"
    THRESHOLD = 99, "an [expect] bound is surely broken, or a --fail-if condition surely holds"
    INTERRUPTED = 130, "interrupted (Ctrl-C, SIGTERM, SIGHUP): what was done is kept, but not of fit"
