"""The page of proofs: what each policy was held against, and the test that does it."""

from recovery.model.catalogue import Row, catalogue

_TWIN = "the plain twin, event by event (`test_twin.py`)"
_SESSIONS = "the plain twin, event by event (`test_sessions_kernel.py`)"
_ADMISSION = "`test_controllers_admission.py`, `test_controllers_admission_twins.py`"
ORACLES: dict[tuple[str, str], str] = {
    ("client", "immediate"): f"{_TWIN}; M/M/1 with retrials (`test_kernel_theory.py`)",
    ("client", "fixed"): f"{_TWIN}; geometric number of tries (`test_kernel_theory.py`)",
    ("client", "exponential"): _TWIN,
    ("client", "full-jitter"): _TWIN,
    ("client", "equal-jitter"): f"{_SESSIONS}; the laws of its waits (`test_sessions_laws.py`)",
    ("client", "proportional-jitter"): f"{_SESSIONS}; the laws of its waits (`test_sessions_laws.py`)",
    ("client", "decorrelated-jitter"): f"{_SESSIONS}; the laws of its waits (`test_sessions_laws.py`)",
    ("client", "aws-legacy"): "full jitter of the same bounds, and five attempts by hand (`test_controllers_client.py`)",
    ("client", "aws-standard"): "botocore's own class (`test_controllers_client.py`)",
    ("guard", "none"): _TWIN,
    ("guard", "attempts"): "by hand (`test_controllers_client.py`, `test_guards_run.py`)",
    ("guard", "retry-budget"): "Finagle's rule by hand, and written a second time (`test_controllers_client.py`)",
    ("guard", "concurrency-budget"): "Envoy's rule by hand, and written a second time (`test_controllers_client.py`)",
    ("guard", "grpc-throttle"): "gRPC's rule by hand, and written a second time (`test_controllers_client.py`)",
    ("guard", "aws-standard"): "botocore's own classes under a fake clock (`test_controllers_client.py`)",
    ("guard", "aws-adaptive"): "botocore's own classes under a fake clock (`test_controllers_client.py`)",
    ("guard", "circuit-breaker"): "resilience4j's rule by hand, and written a second time (`test_controllers_client.py`)",
    ("guard", "sre-throttle"): "the book's formula by hand, and written a second time (`test_controllers_client.py`)",
    ("guard", "sre-budget"): "the book's rule by hand, and written a second time (`test_controllers_client.py`)",
    ("guard", "initial-stagger"): "by hand (`test_controllers_client.py`)",
    ("admission", "open"): f"{_TWIN}; M/M/c, M/G/1 (`test_kernel_theory.py`)",
    ("admission", "token-bucket"): f"{_TWIN}; the bucket in Python (`test_limits.py`)",
    ("admission", "leaky-bucket"): "M/D/1 with a bounded wait (`test_admission_theory.py`)",
    ("admission", "queue-size"): f"{_TWIN}; the bucket in Python (`test_limits.py`)",
    ("admission", "queue-size-switch"): f"{_TWIN}; by hand (`test_limits.py`)",
    ("admission", "queue-size-ramp"): f"{_TWIN}; by hand (`test_limits.py`)",
    ("admission", "fixed-concurrency"): f"by hand ({_ADMISSION}); M/M/c/K (`test_admission_theory.py`)",
    ("admission", "aimd"): f"the original's numbers (`test_controllers_originals.py`), by hand, a second time ({_ADMISSION})",
    ("admission", "vegas"): f"the original's numbers (`test_controllers_originals.py`), by hand, a second time ({_ADMISSION})",
    ("admission", "gradient2"): f"the original's numbers (`test_controllers_originals.py`), by hand, a second time ({_ADMISSION})",
    ("admission", "envoy-adaptive-concurrency"): f"Envoy's rule by hand, and written a second time ({_ADMISSION})",
    ("admission", "envoy-admission-control"): f"by hand, a second time ({_ADMISSION}); its fixed point (`test_admission_theory.py`)",
    ("admission", "blue"): f"the original's numbers (`test_controllers_originals.py`), by hand, a second time ({_ADMISSION})",
    ("admission", "pid"): f"the rule by hand, and written a second time ({_ADMISSION})",
    ("admission", "percentage-ramp"): f"by hand, a second time ({_ADMISSION}); the binomial law (`test_admission_theory.py`)",
    ("queue", "fifo"): f"{_TWIN}; M/M/c, M/G/1 (`test_kernel_theory.py`)",
    ("queue", "lifo"): f"{_TWIN}; Ciw, customer by customer (`test_ciw.py`)",
    ("queue", "bounded"): f"{_TWIN}; M/M/1/K (`test_kernel_theory.py`); Ciw's baulking (`test_ciw.py`)",
    ("queue", "drop-expired"): f"{_TWIN}; Ciw's reneging (`test_ciw.py`)",
    ("queue", "adaptive-lifo"): "the article's rule by hand, and written a second time (`test_controllers_queue.py`); Ciw (`test_ciw.py`)",
    ("queue", "codel"): "RFC 8289's times of drops and its pseudo-code (`test_controllers_queue.py`); mahimahi's program of it (`test_controllers_queue_originals.py`)",
    ("queue", "codel-folly"): "folly's rule by hand, and written a second time (`test_controllers_queue.py`); folly's own program (`test_controllers_queue_originals.py`)",
    ("queue", "pie"): "RFC 8033's pseudo-code (`test_controllers_queue.py`); it holds its target (`test_controllers_files.py`)",
    ("queue", "earliest-deadline"): "a sorted list (`test_controllers_queue.py`); Ciw (`test_ciw.py`)",
    ("queue", "fair-queue"): "start-time fair queueing written a second time, Kubernetes' dealer (`test_controllers_queue.py`)",
    ("lease", "fixed"): f"{_TWIN}; the machine repairman (`test_kernel_theory.py`)",
    ("lease", "grace"): _TWIN,
    ("lease", "credit-on-arrival"): _TWIN,
    ("lease", "freeze"): _TWIN,
    ("lease", "load-scaled"): "by hand (`test_controllers_lease.py`, `test_controllers_files.py`)",
    ("lease", "failover-extension"): "etcd's Promote written a second time (`test_controllers_lease.py`); by hand (`test_controllers_files.py`)",
    ("lease", "self-preservation"): "Eureka's rule by hand, and written a second time (`test_controllers_lease.py`); nobody is lost while nobody renews (`test_controllers_files.py`)",
    ("lease", "expiry-cap"): "a queue with a limited rate (`test_controllers_lease.py`); by hand (`test_controllers_files.py`)",
    ("lease", "learning"): "by hand (`test_controllers_lease.py`, `test_controllers_files.py`)",
}  # fmt: skip
"""By axis and name: what each was held against, with the files in tests/ that do it."""

HEAD = """# What each policy was held against

A rule is worth what was done to prove it. Three kinds of proof stand here. *By hand* is the published rule, worked out step by step, in numbers that a test repeats. *A second time* is
a second program, plain and slow, written from the published rule alone; both say the same in any sequence of events. The third is the original program itself, or a formula.

The policies that remember are *controllers* (see `MODEL.md`). Each of them also runs in random scenarios with all other rules, once compiled and once as its file stands, with one log of
events (`test_sessions_kernel.py`).
"""


def page() -> str:
    """The page as Markdown."""
    lines, axis = [HEAD], ""
    for row in catalogue():
        if (row["axis"], row["name"]) not in ORACLES:
            continue
        if row["axis"] != axis:
            axis = row["axis"]
            lines += ["", f"## {axis}", "", "| policy | held against | from | defaults |", "| --- | --- | --- | --- |"]
        lines.append(_line(row))
    return "\n".join(lines) + "\n"


def _line(row: Row) -> str:
    defaults = ", ".join(f"{one['name']} {one['default']}" for one in row["parameters"])
    cells = (f"`{row['name']}`", ORACLES[row["axis"], row["name"]], row["source"], defaults or "none")
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
