"""Edits of keys that share numbers of the engine: what each comes to is told by the file in force then.

When such an edit begins or ends, all numbers of its family of keys become those of the file with the edits that are in
force, in the order in which they began.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from recovery_kernels.sessions import layout

from recovery.model.edited import edited, family_of
from recovery.model.operator import SetKey
from recovery.stages import queueing
from recovery.stages.sessions.live import Edit
from recovery.stages.sessions.numbers import Numbers, admission_of, class_whole_of, kinds_of, real_of, whole_of
from recovery.units import ns

_WHOLE = {
    "queue": (layout.LIMIT, layout.DISCIPLINE, layout.DROP_EXPIRED, layout.MAX_AGE_NS, layout.MARGIN_NS),
    "admission": (layout.ADMISSION_LINE, layout.ADMISSION),
    "bar": (layout.BAR_TIME, layout.BAR_ONLY, layout.BAR_CLASSES),
    "crash": (layout.CRASH_RULE,),
    "retry": (layout.HINT, layout.HINT_NS),
}
_REAL = {
    "admission": (layout.A_RATE, layout.A_BURST, layout.A_LIMIT, layout.A_WAIT_NS),
    "bar": (layout.BAR_SHARE,),
}
_OF_CLASS = {"retry": layout.RETRY, "lease": layout.LEASE}


class _Edit(NamedTuple):
    """A key that is set for a time; the first of its rows among the edits of the host: as many for its begin as for its
    end.
    """

    at_ns: int
    end_ns: int | None
    place: int
    key: str
    value: object
    first: int


@dataclass
class InForce:
    """The edits of one host whose keys share numbers."""

    edits: list[_Edit] = field(default_factory=list)

    def begins(self, numbers: Numbers, rows: list[Edit], action: SetKey, at_ns: int, place: int) -> None:
        """One begins. Its rows have their places now, so that edits that come to be known later lie behind them."""
        end_ns = None if action.lasts is None else at_ns + ns(action.lasts)
        self.edits.append(_Edit(at_ns, end_ns, place, action.key, action.parsed, len(rows)))
        rows += 2 * _numbers(numbers, [(action.key, action.parsed)], family_of(action.key))

    def settled(self, numbers: Numbers, rows: list[Edit]) -> Iterator[tuple[int, int, int]]:
        """Give all rows their values. When each is to be set (ns), by which action (its place), and which it is."""
        turns = [(one.at_ns, one.place, order, False) for order, one in enumerate(self.edits)]
        turns += [(one.end_ns, one.place, k, True) for k, one in enumerate(self.edits) if one.end_ns is not None]
        on: list[_Edit] = []
        for at_ns, place, order, is_end in sorted(turns):
            one = self.edits[order]
            on = [other for other in on if other is not one] if is_end else [*on, one]
            family = family_of(one.key)
            said = [(other.key, other.value) for other in on if family_of(other.key) == family]
            found = _numbers(numbers, said, family)
            first = one.first + len(found) if is_end else one.first
            for number, edit in enumerate(found, first):
                rows[number] = edit
                yield at_ns, place, number


def _numbers(numbers: Numbers, said: list[tuple[str, object]], family: str) -> list[Edit]:
    """All numbers of a family, as the file has them with these edits in it. The rule of admission is that which was
    set as a whole: another rate or limit changes it as it stands.
    """
    scenario, tables = edited(numbers.scenario, said), numbers.tables
    whole_keys, real_keys = _WHOLE.get(family, ()), _REAL.get(family, ())
    found: list[Edit] = []
    if whole_keys or real_keys:
        ruled = edited(numbers.scenario, [one for one in said if one[0] == "policy.admission"])
        limiter = admission_of(scenario, tables, numbers.controllers)
        whole = whole_of(scenario, tables, admission_of(ruled, tables, numbers.controllers))
        real = real_of(scenario, tables, limiter)
        if queueing.lets_in(scenario).per_s == 0:  # as a pause
            real[layout.A_BURST] = 0.0
        found += [Edit(layout.NONE, key, True, float(real[key]), 0) for key in real_keys]
        found += [Edit(layout.NONE, key, False, int(whole[key]), 0) for key in whole_keys]
    if (key := _OF_CLASS.get(family)) is not None:
        for number, kind in enumerate(kinds_of(scenario)):
            if family != "lease" or kind.seen.lease is not None:
                found.append(Edit(number, key, False, class_whole_of(kind, tables)[key], 0))
    return found
