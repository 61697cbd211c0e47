"""What `recovery check` says of a run's time, against what runs take: for all presets, incidents, experiments and
inputs of faults.

    python tests/bench/predictions.py [--most 10] [--variants 5] [--kept FILE] [NAME ...]

One line for each variant that is not within a factor of two, or whose range does not hold the truth; then how many
there were. Runs that `check` says take longer than --most seconds are left out, and told. With --kept, what runs took
is kept in a file and not measured again. Times are processor seconds of one thread, the median of three runs where
they are short.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LEAST_S = 0.005  # below this the clock and the machine are most of it
SHORT_S = 2.0  # runs that are made three times


@dataclass(frozen=True)
class Told:
    name: str
    cpu_s: float
    low_s: float
    high_s: float
    is_whole: bool
    is_near_cliff: bool
    taken_s: float

    @property
    def ratio(self) -> float:
        return self.cpu_s / self.taken_s

    @property
    def is_held(self) -> bool:
        return self.low_s <= self.taken_s <= self.high_s

    def within(self, factor: float) -> bool:
        return 1 / factor <= self.ratio <= factor


def files(names: list[str]) -> list[Path]:
    data = ROOT / "recovery" / "data"
    found = [*sorted((data / "presets").glob("*.toml")), *sorted((data / "incidents").glob("*/*.toml"))]
    found += [*sorted((ROOT / "tests/faults/inputs").glob("*.toml")), *sorted((ROOT / "experiments").glob("*.toml"))]
    return [path for path in found if not names or any(name in str(path) for name in names)]


def all_told(names: list[str], most_s: float, variants: int, kept: dict[str, float]) -> Iterator[Told | str]:
    """Each variant that can be run; a sentence for each file or variant that is left out."""
    from recovery.errors import ScenarioError
    from recovery.reading.experiment import load
    from recovery.simulate import chain, pilot, pilot_hosts, pipeline

    for path in files(names):
        try:
            loaded = load(path)
            chosen = loaded.variants[:variants]
            told = pilot.tried(loaded.variants, loaded.head.seed)[:variants]
        except (ScenarioError, ValueError) as error:
            yield f"{path.name}: refused: {str(error).splitlines()[0]}"
            continue
        for number, (variant, found) in enumerate(zip(chosen, told, strict=True)):
            name = f"{path.parent.name}/{path.name} {number} {variant.name}"
            if found.cpu_s > most_s and name not in kept:
                yield f"{name}: left out: it takes about {found.cpu_s:.0f} s"
                continue
            times: list[float] = []
            while name not in kept and (not times or (len(times) < 3 and times[0] < SHORT_S)):
                with pipeline.Runner(1) as runner:
                    times.append(chain.follow(next(runner.run([(variant, loaded.head.seed, 0)]))).cpu_s)
            if name not in kept:
                kept[name] = statistics.median(times)
            if kept[name] >= LEAST_S:
                is_near = pilot_hosts.is_near_cliff(variant.scenario)
                yield Told(name, found.cpu_s, found.low_s, found.high_s, found.is_whole, is_near, kept[name])


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--most", type=float, default=10.0, metavar="S")
    parser.add_argument("--variants", type=int, default=5)
    parser.add_argument("--kept", type=Path)
    parser.add_argument("names", nargs="*")
    asked = parser.parse_args()
    kept = json.loads(asked.kept.read_text()) if asked.kept is not None and asked.kept.exists() else {}
    found = []
    for one in all_told(asked.names, asked.most, asked.variants, kept):
        if isinstance(one, str):
            print(one)
            continue
        found.append(one)
        if asked.kept is not None:
            asked.kept.write_text(json.dumps(kept, indent=1))
        if not one.within(2) or not one.is_held:
            beside = "" if one.is_held else ", range missed"
            beside += ", near a cliff" if one.is_near_cliff else ""
            told = f"{one.cpu_s:.3g} s ({one.low_s:.3g} to {one.high_s:.3g})"
            print(f"{one.name}: told {told}, took {one.taken_s:.3g} s: {one.ratio:.2f}{beside}", flush=True)
    held = sum(one.is_held for one in found)
    two, four = (sum(one.within(factor) for one in found) for factor in (2, 4))
    print(f"{len(found)} variants: {two} within a factor of 2, {four} of 4; the range holds {held}")
    right = all(one.within(4) or (one.is_near_cliff and one.is_held) for one in found)
    return 0 if right and two >= 0.9 * len(found) else 1


if __name__ == "__main__":
    sys.exit(main())
