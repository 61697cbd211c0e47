"""Numbers that operators change: for each key the edits that are in force, the last begun on top (section 14)."""

from dataclasses import dataclass, fields

from twin.sessions.books import HOST
from twin.sessions.scenario import CLASS_KEYS, HOST_KEYS, Class, Dist, Host

ADMISSION = ("rate_per_ns", "burst", "limit", "line", "wait_ns")
BAR = {"share": "share", "time": "time", "only": "is_establish_only", "classes": "classes"}


@dataclass(eq=False)
class Hand:
    """An edit that is in force: a value, or what it makes of the value below it."""

    value: object


class Settings:
    """The live keys of one host and of its classes. Keys of a class are asked for with its number."""

    def __init__(self, host: Host, classes: tuple[Class, ...], resume_after: Dist) -> None:
        """As the scenario has them."""
        self.hands: dict[tuple[int, str], list[Hand]] = {}
        for part in fields(host):
            if part.name in HOST_KEYS:
                self.hands[HOST, part.name] = [Hand(getattr(host, part.name))]
        for name in ADMISSION:
            self.hands[HOST, f"admission_{name}"] = [Hand(getattr(host.admission, name))]
        self.hands[HOST, "admission_rule"] = [Hand(host.admission)]
        for name, own in BAR.items():
            self.hands[HOST, f"bar_{name}"] = [Hand(getattr(host.bar, own))]
        self.hands[HOST, "resume_after"] = [Hand(resume_after)]
        for number, one in enumerate(classes):
            for key in CLASS_KEYS:
                self.hands[number, key] = [Hand(getattr(one, key))]

    def get(self, key: str, number: int = HOST):  # type: ignore[no-untyped-def]
        """The value in force."""
        found = None
        for hand in self.hands[number, key]:
            found = hand.value(found) if callable(hand.value) else hand.value
        return found

    def begin(self, key: str, number: int, value: object) -> Hand:
        """An edit begins."""
        hand = Hand(value)
        self.hands[number, key].append(hand)
        return hand

    def end(self, key: str, number: int, hand: Hand) -> None:
        """An edit is over."""
        self.hands[number, key].remove(hand)
