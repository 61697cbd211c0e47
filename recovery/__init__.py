"""How long until a large control plane works again, and which throttling policy makes that shortest.

>>> import recovery
>>> scenario = recovery.load("mine.toml").with_(**{"host.timeout": "5m"})
>>> run = scenario.run(replications=20)

docs/python.md tells all of it. Nothing is imported before it is asked for.
"""

from typing import TYPE_CHECKING

from recovery.version import VERSION as __version__

if TYPE_CHECKING:
    from recovery.api.kept import read
    from recovery.api.plot import Plot
    from recovery.api.run import Run
    from recovery.api.scenario import Scenario, load, parse
    from recovery.api.sweep import Sweep, sweep
    from recovery.errors import ScenarioError

__all__ = ["Plot", "Run", "Scenario", "ScenarioError", "Sweep", "__version__", "load", "parse", "read", "sweep"]
_HOMES = {
    "Plot": "recovery.api.plot",
    "Run": "recovery.api.run",
    "Scenario": "recovery.api.scenario",
    "ScenarioError": "recovery.errors",
    "Sweep": "recovery.api.sweep",
    "load": "recovery.api.scenario",
    "parse": "recovery.api.scenario",
    "read": "recovery.api.kept",
    "sweep": "recovery.api.sweep",
}

if not TYPE_CHECKING:  # a type checker knows the names above, and that there are no others

    def __getattr__(name: str) -> object:
        """A public name, imported when it is first asked for."""
        if name not in _HOMES:
            raise AttributeError(f"module 'recovery' has no attribute {name!r}")
        from importlib import import_module

        globals()[name] = getattr(import_module(_HOMES[name]), name)
        return globals()[name]

    def __dir__() -> list[str]:
        return sorted(__all__)
