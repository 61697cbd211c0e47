"""Policies of clients: whether an attempt may be sent at all, whatever the back-off says of when."""

from typing import ClassVar, Literal

from recovery.model.policies.lowered import Guards
from recovery.model.policies.rule import Rule


class NoGuard(Rule):
    """Every attempt is sent when its time has come."""

    axis: ClassVar[str] = "guard"
    source: ClassVar[str] = "the absence of a policy"
    name: Literal["none"] = "none"

    @property
    def words(self) -> str:
        """In plain words."""
        return "send every attempt"

    def lower(self) -> Guards:
        """In numbers."""
        return Guards(self.name)


GuardRule = NoGuard
