"""The general engine: part two of the model, for one host, compiled (see `loop`)."""
