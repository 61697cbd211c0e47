"""How long until a large control plane works again, and which throttling policy makes that shortest."""

__version__ = "0.1.0"
