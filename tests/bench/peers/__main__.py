"""Speeds of all peers, and whether they agree."""

from __future__ import annotations

import argparse
from dataclasses import replace

from . import COLLAPSE, HERD, PEERS, SMALL, STORM, available, disagreements

STORMS = {"storm": STORM, "herd": HERD, "collapse": COLLAPSE, "small": SMALL}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m peers", description=__doc__)
    parser.add_argument("storm", choices=STORMS, nargs="?", default="storm")
    parser.add_argument("--horizon-s", type=float, help="shorter than the storm's own")
    parser.add_argument("--seeds", type=int, default=3, help="runs of each peer; from 2, better 10, to compare answers")
    options = parser.parse_args()
    params = STORMS[options.storm]
    if options.horizon_s is not None:
        params = replace(params, horizon_s=options.horizon_s)

    for name, peer in PEERS.items():
        if reason := peer.missing():
            print(f"{name:14} left out: {reason}")
    results = {
        name: [peer.run(replace(params, seed=seed)) for seed in range(1, options.seeds + 1)]
        for name, peer in available().items()
    }
    for name, runs in results.items():
        best = min(runs, key=lambda run: run.ns_per_event)
        print(
            f"{name:14} {best.ns_per_event:9.1f} ns/event   {best.logical_events:9} events  {best.timeouts:8} timeouts"
            f"  {best.wasted:8} wasted  leased {best.leased_share:.4f}   {PEERS[name].what}"
        )
    if options.seeds < 2:
        return
    names = list(results)
    found = [
        f"{name} and {other}: {line}"
        for place, name in enumerate(names)
        for other in names[place + 1 :]
        for line in disagreements(results[name], results[other])
    ]
    print("\n".join(found) if found else "all agree")


if __name__ == "__main__":
    main()
