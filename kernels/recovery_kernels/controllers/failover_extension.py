"""Extension at failover: when a host restarts, every lease that runs goes on for the same long time, spread or not.

Source: HashiCorp Nomad, heartbeat.go (0ef5636): a new leader sets each timer to failover_heartbeat_ttl, 300 s, and so
makes one longer that was to end before, and one shorter that was to end later. Spread: etcd, lessor.go, Promote
(023e340), where all have the same length: of so many leases that a second's revocations (spread / 0.75, 1000) cannot do
them, the first `spread_per_s` end together, and number n of the others n / spread_per_s seconds after that. Below
that number none are spread. They are numbered as the host comes to them; their number is that of the host's holders.
"""

AXIS = "lease"
PARAMS = ("extension_s", "spread_per_s")
MEMORY = {"number": 1}


def begin(params, memory, facts):  # type: ignore[no-untyped-def]
    """No lease was looked at."""
    memory.number = 0.0


def restart(params, memory, facts):  # type: ignore[no-untyped-def]
    """The extension, and what spreads it."""
    memory.number = memory.number + 1.0
    is_spread = params.spread_per_s > 0.0 and 0.75 * facts.members >= params.spread_per_s
    if is_spread and memory.number > params.spread_per_s:
        return params.extension_s + memory.number / params.spread_per_s
    return params.extension_s
