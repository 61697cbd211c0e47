"""The engine of part two of the model: from a scenario to its numbers, one host's run, and its two stages."""
