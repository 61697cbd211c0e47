"""From a resolved scenario to its outcome: the chain of stages, what it will take, and by what a run is known."""
