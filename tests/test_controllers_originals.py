"""Controllers of admission on the same samples as the programs that they come from.

The numbers were given by the originals in Java: AIMDLimit, VegasLimit, Gradient2Limit and WindowedLimit of Netflix
concurrency-limits (78a74b9) and BlueThrottle of Apache ZooKeeper (53a78e3), run on the samples made here, with their
random draws set to those named.
"""

from collections.abc import Iterator
from types import ModuleType

import pytest
from controllers import driven
from recovery_kernels.controllers import DROPPED, SUCCEEDED, aimd, blue, gradient2, vegas

AIMD = {"initial": 20.0, "least": 10.0, "most": 200.0, "backoff": 0.9, "timeout_s": 0.2, "window_s": 0.0}
VEGAS = {"initial": 20.0, "most": 1000.0, "smoothing": 1.0, "probe": 1.0, "window_s": 0.0}
GRADIENT2 = {
    "initial": 20.0, "least": 10.0, "most": 200.0, "smoothing": 0.2, "headroom": 4.0, "long": 600.0, "tolerance": 1.5,
    "window_s": 0.0,
}  # fmt: skip
OF_AIMD = [
    21, 22, 23, 24, 25, 26, 27, 27, 28, 29, 30, 31, 32, 33, 33, 34, 30, 31, 32, 33, 29, 26, 23, 20, 18, 16,
    14, 12, 10, 10, 10, 10, 11, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 23, 24,
    25, 26, 27, 28, 29, 30, 31, 32
]  # fmt: skip
OF_VEGAS = [
    20, 19, 18, 17, 16, 15, 14, 13, 12, 12, 12, 12, 18, 17, 17, 16, 15, 15, 14, 13, 13, 13, 13, 14, 15, 21,
    21, 27, 33, 33, 33, 39, 39, 39, 38, 38, 37, 37, 37, 36, 35, 34, 33, 32, 32, 32, 32, 31, 31, 30, 30, 29,
    29, 28, 27, 27, 26, 25, 24, 23
]  # fmt: skip
OF_GRADIENT2 = [
    20, 20, 21, 21, 22, 23, 24, 25, 25, 25, 26, 27, 28, 27, 28, 29, 30, 31, 31, 31, 29, 27, 25, 23, 21, 20,
    19, 18, 17, 16, 15, 14, 15, 16, 17, 17, 18, 19, 20, 21, 21, 21, 22, 23, 24, 24, 25, 25, 26, 26, 27, 27,
    28, 28, 29, 30, 31, 31, 31, 32
]  # fmt: skip
OF_WINDOWS = [20, 20, 20, 21, 22, 22, 23, 24, 25, 26, 26, 27, 28, 29, 30, 30, 30]  # every twelfth
OF_BLUE = (
    "11111111111111000011000011000011001010000011000100000100001101101011011010110110"
    "11010000100001101001001011000010000010000101101101011011010010110100101101001010"
    "00100000001010010000110100101101001011010010010110100101101001000010000010100100"
)


def samples(many: int) -> Iterator[tuple[int, int, int, bool]]:
    """When each request ends and how long it took, ms; how many there were; whether it was dropped. A slow stretch."""
    now = 0
    for i in range(many):
        now += (29 * i * i + 7 * i) % 41 + 60
        yield now, (37 * i * i + 11 * i) % 97 + 5 + 300 * (20 <= i < 32), (13 * i) % 30 + 12, i % 17 == 16


@pytest.mark.parametrize(
    ("module", "params", "every", "wanted"),
    [
        (aimd, AIMD, 1, OF_AIMD),
        (vegas, VEGAS, 1, OF_VEGAS),
        (gradient2, GRADIENT2, 1, OF_GRADIENT2),
        (gradient2, GRADIENT2 | {"window_s": 1.0}, 12, OF_WINDOWS),
    ],
)
def test_limits_are_those_of_netflix(
    module: ModuleType, params: dict[str, float], every: int, wanted: list[int]
) -> None:
    """The limit in force after each sample; Vegas' jitter is 0.75 each time."""
    driver, found = driven(module, params, u=0.5), []
    for now_ms, took_ms, inflight, is_drop in samples(60 if every == 1 else 200):
        event = DROPPED if is_drop else SUCCEEDED
        driver.told(event, now_s=now_ms / 1e3, sojourn_s=took_ms / 1e3, in_service=inflight - 1)
        found.append(int(driver.memory.limit))
    assert found[::every] == wanted


def test_who_is_let_in_is_who_zookeeper_lets_in() -> None:
    """20 tokens, 3 in 50 ms; the chance changes after 100 ms, by 0.1 and 0.02, and falls with a quarter missing."""
    params = {"tokens": 20, "fill": 3, "fill_every_s": 0.05, "freeze_s": 0.1, "increase": 0.1, "decrease": 0.02}
    driver, now_ms, found = driven(blue, params | {"ratio": 0.25}), 0, ""
    for i in range(240):
        now_ms += (7 * i * i + 3 * i) % 23 + 400 * (i % 60 == 59)
        found += str(int(driver.ask(now_s=now_ms / 1e3, cost=i % 3 + 1, u=(i * 37) % 100 / 100)))
    assert found == OF_BLUE
    assert driver.memory.chance == pytest.approx(0.47999999999999987, rel=1e-15)
