"""What policies of admission that remember have in common."""

from typing import ClassVar, Literal

from pydantic import Field

from recovery.model.policies.lowered import Controller, LetsIn
from recovery.model.policies.rule import Rule


class Controlled(Rule):
    """What all of them have in common: a controller, and whom it spares."""

    axis: ClassVar[str] = "admission"
    matters: ClassVar[str] = "hosts refuse by what they have seen, so what they let in changes as the incident goes on"
    name: str
    only: Literal["all", "establish"] = Field(
        "all", description="whether renewals of leases that still run may be refused too"
    )
    _file: ClassVar[str]

    @property
    def words(self) -> str:
        """In plain words."""
        return f"{self._rule}, renewals always" if self.only == "establish" else self._rule

    @property
    def _rule(self) -> str:
        raise NotImplementedError

    def lower(self, establish_per_s: float, hosts: float) -> LetsIn:
        """In numbers of one of `hosts` hosts, each of which can establish `establish_per_s`."""
        controller = Controller(self._file, self._params(establish_per_s, hosts))
        return LetsIn(self.name, is_establish_only=self.only == "establish", controller=controller)

    def _params(self, establish_per_s: float, hosts: float) -> tuple[float, ...]:
        """What its controller takes, in its order."""
        raise NotImplementedError
