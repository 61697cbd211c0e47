"""Controllers of queues on the same waits as the programs that they come from.

The numbers were given by C++ programs. folly::Codel of facebook/folly (ff98381) was asked through
`overloaded_explicit_now` with the times made here; a bit says whether it kept the request, the highest is the first.
CODELPacketQueue of ravinet/mahimahi (ae477d4) is CoDel as the RFC's drafts have it, written by others. On the days made
here, in ns with packets of the largest size, a digit says how many left its queue at each step: one that is sent, and
those that are dropped.
"""

from collections.abc import Iterator

import pytest
from controllers import driven
from recovery_kernels.controllers import codel, codel_folly

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


OF_MAHIMAHI = {  # (seed, target, interval), ms: of 320 steps
    (1, 5, 100): (
        "1111111111111111111111111111111111112111111111111111111111111111111112111111111111111111111111121111"
        "1111111111111111121111111111100010100010110111001110100111011111111111111111111111111111111111121111"
        "1111111111121111111111111121111111111111121111111111111111211111111111121111111111111121111111111211"
        "11111111111000111110"
    ),
    (5, 20, 60): (
        "1111111111111111111111111111111111111111111111111111111111211111111111111111211111111111112111111111"
        "1112111111111211111111211111121111111121111121111110000000111111111111111111111111111111111111111111"
        "2111112111111211111121111211112111112111121111121111211112111121111121121112111121112111212111112111"
        "11111101100011010111"
    ),
    (3, 3, 17): (
        "1111111121111112111111211121112112121222121222122212121222221222122121223122313122221000101111000000"
        "1000110011110110001010011111101100101001100111111101010100100111111111221333322221233111111212221222"
        "1222231111121222222212111111111112122121221211010111111010101011100100011110100100101101000110110101"
        "01110010100010101101"
    ),
}  # fmt: skip


def day(seed: int) -> Iterator[tuple[int, int]]:
    """When a worker is free, ms, and how many come just before: eighty steps with too many, eighty with few."""
    x = seed

    def draw(many: int) -> int:
        nonlocal x
        x = (x * 6364136223846793005 + 1442695040888963407) % 2**64
        return (x >> 33) % many

    now = 0
    for step in range(320):
        now += 1 + draw(5)
        yield now, draw(2 if step // 80 % 2 else 4)


@pytest.mark.parametrize(("seed", "target", "interval"), OF_MAHIMAHI)
def test_codel_drops_as_many_at_the_same_moments(seed: int, target: int, interval: int) -> None:
    """Times in units of 1/1024 s; at each step the worker takes requests until one is served."""
    driver = driven(codel, {"target_s": target / 1024, "interval_s": interval / 1024})
    queue: list[int] = []
    gone = ""
    for now, come in day(seed):
        queue += [now] * come
        many, is_served = 0, False
        while queue and not is_served:
            waited, many = now - queue.pop(0), many + 1
            is_served = driver.head(now_s=now / 1024, waited_s=waited / 1024, waiting=len(queue)) == 1.0
        gone += str(many)
    assert gone == OF_MAHIMAHI[seed, target, interval]
