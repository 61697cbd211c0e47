"""Controllers of queues on the same waits as the programs that they come from.

The numbers were given by the original in C++, folly::Codel of facebook/folly (ff98381), asked through
`overloaded_explicit_now` with the times made here; a bit says whether it kept the request, the highest is the first.
"""

from collections.abc import Iterator

import pytest
from controllers import driven
from recovery_kernels.controllers import codel_folly

OF_FOLLY = {
    # (seed, interval, target), ms: of 300 requests
    (1, 100, 5): 0xF7948BFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF,
    (7, 40, 10): 0xF38FFCFFFFFFFCCFFFFFFFFFFFFFFFFFFFFBFFFFF9DAFFFFFFFFFFFFFFFFFFFFFEAFB99FFE6,
}


def waits(seed: int, target: int, many: int) -> Iterator[tuple[int, int]]:
    """When a request is taken and how long it waited, ms: sixty that wait too long, sixty that do not, and so on."""
    x, now = seed, 0
    for number in range(many):
        x = (x * 6364136223846793005 + 1442695040888963407) % 2**64
        now += (x >> 33) % 9
        x = (x * 6364136223846793005 + 1442695040888963407) % 2**64
        base = (x >> 33) % 30
        yield now, base % 9 if number // 60 % 2 else target + base % 20


@pytest.mark.parametrize(("seed", "interval", "target"), OF_FOLLY)
def test_folly_keeps_the_same_requests(seed: int, interval: int, target: int) -> None:
    """Times in units of 1/1024 s, which are exact."""
    driver = driven(codel_folly, {"target_s": target / 1024, "interval_s": interval / 1024})
    kept = 0
    for now, waited in waits(seed, target, 300):
        kept = 2 * kept + int(driver.head(now_s=now / 1024, waited_s=waited / 1024))
    assert kept == OF_FOLLY[seed, interval, target]
