"""A client without a lease waits at random before its first attempt.

Source: Apache Hadoop HDFS, dfs.blockreport.initialDelay: a data node that registers sends its first block report after
U(0, delay). It remembers nothing: who has no lease, has not failed and was not held back yet waits.

Decided here: it holds at the start, after a session's end and after a lease that ran out; retries do not wait again.
"""

AXIS = "guard"
PARAMS = ("delay_s",)
MEMORY: dict[str, int] = {}


def begin(params, memory, facts):  # type: ignore[no-untyped-def]
    """Nothing."""


def ask(params, memory, facts):  # type: ignore[no-untyped-def]
    """The first attempt of who has no lease."""
    is_first = facts.is_leased == 0.0 and facts.tries == 0.0 and facts.holds == 0.0
    return params.delay_s * facts.u if is_first else 0.0
