"""Every interleaving of a small DNS race in plain Python, and for SPIN: twins of `recovery_kernels.interleavings`.

A state: the newest plan, the plans that exist, each record's plan, each Enactor's (phase, plan, endpoint).
"""

from collections.abc import Iterator
from typing import Any

State = tuple[int, frozenset[int], tuple[int, ...], tuple[tuple[str, int, int], ...]]
IDLE = ("idle", 0, 0)


def following(state: State, plans: int, keep: int, guardrails: set[str]) -> Iterator[State]:
    """All states after one step."""
    newest, there, active, enactors = state
    if newest < plans:
        yield newest + 1, there | {newest + 1}, active, enactors
    for e, (phase, plan, endpoint) in enumerate(enactors):
        mine = [i for i in range(len(active)) if "one-writer" not in guardrails or i % len(enactors) == e]
        left = [i for i in mine if i > endpoint]

        def so(row: tuple[str, int, int], e: int = e, **new: Any) -> State:
            rows = (*enactors[:e], row, *enactors[e + 1 :])
            return newest, new.get("there", there), new.get("active", active), rows

        if phase == "idle":
            if mine and all(newest > active[i] for i in mine):
                yield so(("wants", newest, mine[0]))
        elif phase == "wants":
            if not any(other[0] == "writes" and other[2] == endpoint for other in enactors):
                yield so(("writes", plan, endpoint))
        elif phase == "writes":
            after = ("wants", plan, left[0]) if left else ("cleans", plan, 0)
            is_old = "compare-and-set" in guardrails and active[endpoint] >= plan
            if active[endpoint] not in there:
                yield so(IDLE)
            elif is_old:
                yield so(after)
            elif "refuse-empty" in guardrails and plan not in there:
                yield so(IDLE)
            else:
                yield so(after, active=(*active[:endpoint], plan, *active[endpoint + 1 :]))
        else:
            spared = set(active) if "keep-active" in guardrails else set()
            yield so(IDLE, there=frozenset(g for g in there if g > plan - keep or g in spared))


def explore(enactors: int, endpoints: int, plans: int, keep: int, guardrails: set[str]) -> tuple[int | None, int]:
    """Length of a shortest way to an empty record (None: there is none), and the number of states seen till then."""
    start: State = (0, frozenset({0}), (0,) * endpoints, (IDLE,) * enactors)
    seen, layer, length = {start}, [start], 0
    while layer:
        length += 1
        follows = []
        for state in layer:
            for after in following(state, plans, keep, guardrails):
                if after in seen:
                    continue
                seen.add(after)
                if not set(after[2]) <= after[1]:
                    return length, len(seen)
                follows.append(after)
        layer = follows
    return None, len(seen)


def promela(enactors: int, endpoints: int, plans: int, keep: int, guardrails: set[str]) -> str:
    """The race for SPIN; an assertion fails where a record becomes empty. Written for itself, with one process an
    Enactor and a process for the Planner; each step is indivisible.
    """
    one = "one-writer" in guardrails
    return f"""
#define N {enactors}
#define E {endpoints}
byte newest = 0;
bool gone[{plans + 1}];
byte holds[E];
bool locked[E];
byte i;

inline intact() {{
  i = 0;
  do :: i < E -> assert(!gone[holds[i]]); i++ :: else -> break od;
  i = 0
}}

proctype Enactor(byte me) {{
  byte plan; byte at; bool newer; bool used; byte old;
  do
  :: d_step {{ newest > holds[{"me % E" if one else "0"}] && {"me < E" if one else "true"};
       newer = true; i = {"me" if one else "0"};
       do :: i < E -> if :: holds[i] >= newest -> newer = false :: else fi; i = i + {"N" if one else "1"}
          :: else -> break od;
       i = 0;
       if :: newer -> plan = newest; at = {"me" if one else "0"} :: else -> skip fi }};
     if
     :: !newer
     :: newer ->
walk:  atomic {{ !locked[at] -> locked[at] = true }};
       d_step {{ locked[at] = false;
         if :: gone[holds[at]] -> at = 255
            :: else ->
               if
               {":: holds[at] >= plan -> at = at + STEP" if "compare-and-set" in guardrails else ":: false -> skip"}
               :: else ->
                  if
                  {":: gone[plan] -> at = 255" if "refuse-empty" in guardrails else ":: false -> skip"}
                  :: else -> holds[at] = plan; intact(); at = at + STEP
                  fi
               fi
         fi }};
       if
       :: at < E -> goto walk
       :: at >= E && at < 100 ->
          d_step {{ old = 0;
            do :: old + {keep} <= plan ->
                  used = false; i = 0;
                  do :: i < E -> if :: holds[i] == old -> used = true :: else fi; i++ :: else -> break od;
                  i = 0;
                  if :: {"used -> skip" if "keep-active" in guardrails else "false -> skip"}
                     :: else -> gone[old] = true fi;
                  old++
               :: else -> break od;
            intact(); used = false; old = 0; plan = 0; at = 0 }}
       :: else -> d_step {{ plan = 0; at = 0 }}
       fi
     fi
  od
}}

active proctype Planner() {{
  do :: d_step {{ newest < {plans} -> newest++ }} od
}}

init {{ atomic {{ byte k = 0; do :: k < N -> run Enactor(k); k++ :: else -> break od }} }}
""".replace("STEP", "N" if one else "1")
