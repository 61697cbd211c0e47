"""How long until a large control plane works again, and which throttling policy makes that shortest."""

from recovery.version import VERSION as __version__

__all__ = ["__version__"]
