"""Situations of which the right answer is known: a small scenario each, the mechanism that limits it with its number,
what helps most, and why that is right. Numbers are worked out by hand from the inputs; none is taken from a run.
"""

from typing import NamedTuple

# 2,000 holders, one host with 2 workers of 100 ms: μ = 20 leases a second, N/μ = 100 s for all. Away 10 to 30 min.
LEASES = """
horizon = "100m"
hold = "2m"
coupling.window = "2s"
fleet = { holders = 2000, hosts = 1 }
host = { workers = 2, establish_time = "100ms", renew_time = "1ms", timeout = "30m" }
lease = { duration = "10m", check_every = "3m" }
dependency.outages = [{ from = "10m", to = "30m" }]
policy.client = { name = "full-jitter", base = "1s", cap = "5s" }
"""
BUCKET = 'policy.admission = { name = "token-bucket", rate = "5/s" }\n'
OUTAGE = 'dependency.outages = [{ from = "10m", to = "30m" }]\n'
JITTER = '"full-jitter", base = "1s", cap = "5s"'
IMPATIENT = LEASES.replace('timeout = "30m"', 'timeout = "20s"')  # N/μ is five timeouts
FAST = LEASES.replace("workers = 2", "workers = 60")  # μ = 600 a second, N/μ = 3.3 s
EXPONENTIAL = '{ dist = "exponential", mean = "100ms" }'
HERD = LEASES.replace('check_every = "3m"', 'check_every = "10s"')
HERD = HERD.replace(JITTER, '"exponential", base = "1s", cap = "5m"')
# 400 holders that ask again within a second; saying no takes a fifth of a service.
REFUSING = """
horizon = "12m"
hold = "1m"
coupling.window = "2s"
fleet = { holders = 400, hosts = 1 }
host = { workers = 2, establish_time = "100ms", renew_time = "1ms", reject_cost = "20ms", timeout = "30s" }
lease = { duration = "40s", check_every = "20s" }
dependency.outages = [{ from = "1m", to = "3m" }]
policy.client = { name = "full-jitter", base = "1s", cap = "1s" }
policy.queue = { name = "bounded", limit = 20 }
"""
# 5 workers of 100 ms: μ = 50 jobs a second; a minute's outage.
JOBS = """
horizon = "15m"
hold = "1m"
coupling.window = "2s"
host = { workers = 5, establish_time = "100ms", timeout = "2s" }
jobs = { retries = 3, arrivals = "even", steps = [{ at = "0s", rate = "30/s" }] }
dependency.outages = [{ from = "2m", to = "3m" }]
policy.client = { name = "fixed", delay = "1s" }
"""
# One worker of 10 ms: μ = 100 jobs a second; 6,000 jobs in ten seconds, then 30 a second.
PUSHED = """
horizon = "15m"
hold = "1m"
recovers_from = "70s"
coupling.window = "5s"
jobs = { retries = 3, steps = [
  { at = "0s", rate = "20/s" }, { at = "1m", rate = "600/s" }, { at = "70s", rate = "30/s" } ] }
host = { establish_time = { dist = "exponential", mean = "10ms" }, timeout = "5s" }
"""
# 5,000 jobs within a second, then none, behind a bucket of 25 a second: the last is let in after 200 s.
BURST = """
horizon = "10m"
hold = "10s"
recovers_from = "1m"
coupling.window = "1s"
host = { workers = 100, establish_time = "10ms", timeout = "5s" }
jobs = { retries = "unlimited", arrivals = "even", steps = [
  { at = "0s", rate = "0/s" }, { at = "1m", rate = "5000/s" }, { at = "61s", rate = "0/s" } ] }
policy.admission = { name = "token-bucket", rate = "25/s" }
policy.client = { name = "full-jitter", base = "2s", cap = "2s" }
"""
# 10 launches a second. Leases outlast the outage, so launches wait for nothing but what is set below.
LAUNCHES = LEASES.replace('duration = "10m"', 'duration = "60m"').replace('window = "2s"', 'window = "10s"')
LAUNCHES += 'launches = { demand = "10/s", client = { name = "fixed", delay = "30s" }'
# The same fleet, without an outage: at 2 min all sessions end at one moment, and every client sees it at once.
BROKEN = LEASES.replace(OUTAGE, 'operator = [{ do = "end-sessions", at = "2m" }]\n')
BROKEN = BROKEN.replace('"10m"', '"30m"').replace('check_every = "3m"', 'check_every = "10m"')
STEADY = BROKEN.replace(JITTER, '"fixed", delay = "60s"')
IN_STEP = BROKEN.replace(JITTER, '"exponential", base = "1s", cap = "1m"').replace("workers = 2", "workers = 60")
SHORT = '\npolicy.queue = { name = "bounded", limit = 200 }\n'


class Situation(NamedTuple):
    """A scenario; its mechanism, the number within bounds, the variant or remedy that helps most, and the reason.

    `cures`: where what helps is no variant, whether the change recovers (or is at least twice as fast) when it is run.
    """

    name: str
    text: str
    mechanism: str
    low: float
    high: float
    helps: str
    reason: str
    cures: bool = False
    replications: int = 1


ROLLING = """
horizon = "12m"
hold = "1m"
coupling.window = "1s"
fleet = { holders = 200, hosts = 4 }
host = { workers = 1, establish_time = "20ms", renew_time = "1ms", timeout = "10s" }
lease = { duration = "90s", check_every = "60s" }
operator = [{ do = "restart", at = "2m", down_for = "10s", sessions = "end", told = true, waves = 4, every = "1m" }]
"""

SITUATIONS = [
    Situation(
        "timeout against queue", IMPATIENT, "timeout", 5, 5, "a short queue",
        "N/μ = 100 s is five timeouts of 20 s; in order of arrival everybody is served too late. A queue of "
        "10 s of work serves within the timeout.", cures=True,
    ),
    Situation(
        "cap of the back-off", FAST.replace('cap = "5s"', 'cap = "5m"'), "backoff", 300, 300, "shorter waits",
        "The hosts need 3.3 s for all, but whoever failed last sleeps for up to 5 min.", cures=True,
    ),
    Situation(
        "cap of the back-off that keeps a queue short",
        LEASES.replace('cap = "5s"', 'cap = "400s"').replace('timeout = "30m"', 'timeout = "150s"'),
        "backoff", 400, 400, "shorter waits and a short queue",
        "All at once are 100 s of work, near to the timeout of 150 s: a queue of 75 s lets them come within 100 s.",
        cures=True,
    ),
    Situation(
        "renewals above capacity", IMPATIENT.replace('renew_time = "1ms"', 'renew_time = "200ms"'), "renewals",
        2000 * 0.2 / 180 / 2, 2000 * 0.2 / 180 / 2, "more workers and a short queue",
        "2,000 renewals of 200 ms in 3 min are 400 s of work for 2 workers of 180 s each: 111 %. With twice as "
        "many all leases are still 50 s of work, more than a timeout of 20 s, so the queue must be short as well.",
        cures=True,
    ),
    Situation(
        "renewals above capacity that only wait", LEASES.replace('renew_time = "1ms", ', "").replace("3m", "80s"),
        "capacity", 99, 100, "more workers",
        "2,000 renewals of 100 ms in 80 s are 125 % of 2 workers, but a holder asks again only after its answer, so it "
        "waits 20 s and renews every 100 s, of leases of 10 min. All of 2,000 are 100 s of work, which is all of the "
        "time after the return: twice the workers save half of it.",
    ),
    Situation(
        "jobs above capacity", JOBS.replace("30/s", "60/s"), "arrivals", 1.2, 1.2, "more workers and a short queue",
        "60 jobs a second come, 50 are done. Of nine workers' 90 a long queue would keep itself from 22.5 on.",
        cures=True,
    ),
    Situation(
        "a limit too low", FAST + """
policy.admission = { name = "token-bucket", rate = "20/s", only = "establish" }
[variants."a higher limit"]
policy.admission.rate = "200/s"
[variants."more workers"]
host.workers = 120
""", "admission", 98, 101, "a higher limit",
        "20 a second let 2,000 in within 100 s (99 % in 99 s), whatever hosts of 600 a second could do.",
    ),
    Situation(
        "a limit below the renewals", FAST + BUCKET, "gated",
        5 * 180 / 2000, 5 * 180 / 2000, "renewals pass",
        "Of 2,000 renewals in 180 s, 11.1 a second, 5 are let in: 45 %. The hosts have room for 600 a second, so the "
        "limit need not hold renewals up: for new leases alone 5 a second let 2,000 in within 400 s.",
        cures=True,
    ),
    Situation(
        "a throttle below the renewals", FAST.replace('horizon = "100m"', 'horizon = "50m"') + """
operator = [{ do = "throttle", at = "30m", rate = "10/s", release = [{ after = "19m", rate = "off" }] }]
""", "gated", 10 * 180 / 2000, 10 * 180 / 2000, "renewals pass",
        "Of 11.1 renewals a second 10 are let in, 90 %, until it is let go of. With only = establish 99 % are in "
        "after 198 s.", cures=True,
    ),
    Situation(
        "a bucket drains the burst", BURST, "admission", 195, 202, "a higher limit",
        "5,000 jobs at 25 a second take 200 s.", cures=True,
    ),
    Situation(
        "the run ends before the queue", BURST.replace('horizon = "10m"', 'horizon = "160s"'), "horizon", 250, 270,
        "a longer run", "100 s after the burst half of the 5,000 are through; at 25 a second the rest is "
        "gone at 260 s.",
        cures=True,
    ),
    Situation(
        "newest first helps, dropping the expired does not", IMPATIENT + """
[variants."newest first"]
policy.queue = "lifo"
[variants."expired dropped"]
policy.queue = "drop-expired"
""", "timeout", 5, 5, "newest first",
        "Whoever asked last still waits. Of those whose time has not run out the oldest has least of it "
        "left: about a gap "
        "between arrivals, which is less than the 100 ms that a service takes, so it is too late again.",
    ),
    Situation(
        "cancelling helps", IMPATIENT.replace('"100ms"', EXPONENTIAL) + """
[variants.cancel]
host.cancel_on_timeout = true
[variants."longer waits"]
policy.client = { name = "full-jitter", base = "1s", cap = "10s" }
""", "timeout", 5, 5, "cancel",
        "Exponential service has no memory: of a request that leaves nothing that counts is lost, so all "
        "work is useful.",
    ),
    Situation(
        "constant service loses what is cancelled",
        IMPATIENT.replace('"100ms"', '"4s", cancel_on_timeout = true').replace("workers = 2", "workers = 80") + """
[variants."exponential service"]
host.establish_time = { dist = "exponential", mean = "4s" }
""", "capacity", 99, 100, "exponential service",
        "All leave as they time out, so the work counts: 99 % of 2,000 at 20 a second are 99 s. Of a "
        "constant service that "
        "is cut off the work begun is lost, an exponential one has no memory: what is left would have taken "
        "as long anew.",
    ),
    Situation(
        "a short queue beats dropping the expired", IMPATIENT + """
[variants."expired dropped"]
policy.queue = "drop-expired"
[variants."short queue"]
policy.queue = { name = "bounded", limit = "10s" }
""", "timeout", 5, 5, "short queue",
        "With 10 s of work before them all are served within 20 s; those who are nearly expired are not.",
    ),
    Situation(
        "no outage at all", LEASES.replace(OUTAGE, ""), "nothing", 0, 0, "",
        "Nothing fails, and renewals take 0.6 % of the hosts.",
    ),
    Situation(
        "leases outlast the outage", LEASES.replace('duration = "10m"', 'duration = "40m"'), "nothing", 0, 0, "",
        "A lease was renewed at most 3 min before the outage of 20 min, and runs for 40.",
    ),
    Situation(
        "a restart loses the queue", LEASES + """
operator = [{ do = "restart", at = "31m", down_for = "10s" }]
[variants."no restart"]
operator = []
""", "restart", 60 + 1800, 60 + 1800, "no restart",
        "After 60 s 1,200 of 2,000 are served; the other 800 were queued, and learn by their timeout of 30 min.",
    ),
    Situation(
        "a restart on a condition", LEASES + """
operator = [{ do = "restart", when = "oldest > 40s", down_for = "10s" }]
""", "restart", 40 + 1800, 44 + 1800, "no step by hand",
        "Who comes at the return and waits has waited for 40 s then, which is seen within two windows of 2 s; "
        "whoever was queued learns by the timeout of 30 min.", cures=True,
    ),
    Situation(
        "a rolling restart", ROLLING, "schedule", 190, 190, "",
        "99 of 100 clients need the last of four waves, which begins after three times 60 s and takes 10 s; the 50 "
        "clients of a host are then 1 s of work.",
    ),
    Situation(
        "a pause outlasts the outage", LEASES + """
operator = [{ do = "pause", at = "29m", lasts = "10m", only = "establish" }]
""", "operator", 540, 540, "no step by hand",
        "Nobody is let in until 39 min, 540 s after the return; the hosts need 99 s, a twentieth of a timeout.",
        cures=True,
    ),
    Situation(
        "operators hold the fleet back", FAST + """
[[operator]]
do = "throttle"
at = "30m"
rate = "2/s"
only = "establish"
release = [{ after = "20m", rate = "off" }]
[variants."no throttle"]
operator = []
""", "operator", 1000 * 0.97, 1000, "no throttle",
        "2 a second let 2,000 in within 1,000 s; the hosts alone need 3.3 s.",
    ),
    Situation(
        "the throttle of launches", LAUNCHES + """, throttle = [
  { at = "10m", rate = "1/s" }, { at = "50m", rate = "off" } ] }
[variants."no throttle"]
launches.throttle = []
[variants."more workers"]
host.workers = 4
""", "launches", 0.9, 0.96, "no throttle",
        "Of 10 launches a second 1 is let in for 2,400 s, and those denied come again every 30 s: 9 × 2400² / 2 / 30 = "
        "864,000 attempts are denied beside some 60,000 others.",
    ),
    Situation(
        "no holder to launch on", LAUNCHES.replace('duration = "60m"', 'duration = "10m"') + "}\n",
        "holders", 0.5, 0.65, "",
        "From 20 to 30 min no holder has a lease: 10 launches a second wait and come again every 30 s, so 10 × "
        "600² / 2 / 30 = 60,000 attempts find none (and some before and after), beside 60,000 that do.",
    ),
    Situation(
        "network propagation lags behind", LAUNCHES + """}
propagation = { workers = 9, time = "1s", normal_latency = "30s" }
[variants."more workers in propagation"]
propagation.workers = 20
[variants."more workers on hosts"]
host.workers = 4
""", "propagation", (10 - 9) * 6000 * 0.9, (10 - 9) * 6000 * 1.1, "more workers in propagation",
        "10 launches a second come and 9 are done: after 6,000 s 6,000 wait.",
    ),
    Situation(
        "a herd without jitter", HERD + """
policy.queue = { name = "bounded", limit = 20 }
[variants."at random"]
policy.client = { name = "full-jitter", base = "1s", cap = "5m" }
[variants."more workers"]
host.workers = 3
""", "herd", 8 * 300, 8 * 300, "at random",
        "All began to fail within 10 s and wait equally long, so all come within 10 s every 5 min: each time "
        "the hosts take "
        "200 and the 22 places, of 1,980, which makes 9 rounds. At random they come evenly.",
    ),
    Situation(
        "retries keep a long queue long", PUSHED + """
[variants."one try"]
jobs.retries = 0
[variants."two tries"]
jobs.retries = 1
""", "retries", 25, 25, "one try",
        "With four tries each, 30 jobs a second are 120 attempts for 100 that can be served: it empties only "
        "below 100/4. "
        "With one try it empties by 70 a second, with two by 40.",
    ),
    Situation(
        "cost of saying no", REFUSING, "refusals", 0.9, 1, "longer waits",
        "400 ask every 0.5 s, and a no takes 20 ms of two workers: 800 a second are 16 s of work a "
        "second.", cures=True,
    ),
    Situation(
        "a limit that costs more than it saves", """
horizon = "12m"
hold = "1m"
coupling.window = "2s"
fleet = { holders = 2000, hosts = 1 }
host = { workers = 8, establish_time = "20ms", renew_time = "1ms", timeout = "10s", reject_cost = "4ms" }
lease = { duration = "90s", check_every = "60s" }
policy.client = { name = "fixed", delay = "100ms" }
policy.admission = { name = "token-bucket", rate = "10/s", only = "establish" }
operator = [{ do = "restart", at = "2m", down_for = "5s", sessions = "end", told = true }]
""", "refusals", 0.8, 1, "longer waits",
        "2,000 ask ten times a second, and a no takes 4 ms: 80 s of work a second for 8 workers, so that the ten that "
        "are let in time out behind it. With waits of up to 20 s a no takes a tenth of the work, and 2,000 at 10 a "
        "second take 200 s.", cures=True,
    ),
    Situation(
        "hosts die of the herd", """
horizon = "12m"
hold = "1m"
coupling.window = "2s"
fleet = { holders = 400, hosts = 1 }
lease = { duration = "5m", check_every = "60s" }
policy.client = { name = "fixed", delay = "1s" }
operator = [{ do = "end-sessions", at = "1m" }]
[host]
workers = 4
establish_time = "50ms"
renew_time = "1ms"
timeout = "30s"
crash = { queue = 100, down_for = "10s", sessions = "end" }
""", "crash", 2, 66, "a short queue",
        "400 come at once, 80 a second are served, and the host dies of 100 that wait: so it does again and again, at "
        "most every 10 s. A queue of 50, half of that, is never so long, and serves 400 within 5 s.", cures=True,
    ),
    Situation(
        "a probe kills the host", """
horizon = "12m"
hold = "1m"
coupling.window = "2s"
fleet = { holders = 2000, hosts = 1 }
lease = { duration = "5m", check_every = "60s" }
policy.client = { name = "fixed", delay = "1s" }
operator = [{ do = "end-sessions", at = "1m" }]
[host]
workers = 4
establish_time = "50ms"
renew_time = "1ms"
timeout = "60s"
probe = { time = "1ms", every = "5s" }
crash = { probe_latency = "10s", down_for = "10s", sessions = "end", told = true }
""", "crash", 2, 40, "a short queue",
        "2,000 are 25 s of work, and the probe behind them waits for more than 10 s. In a queue of 5 s it does not.",
        cures=True,
    ),
    Situation(
        "a limit that clients meet in step",
        IN_STEP + 'policy.admission = { name = "token-bucket", rate = "100/s", only = "establish" }\n', "bursts",
        63 + 13 * 60, 63 + 13 * 60, "waits at random",
        "Each time the bucket holds 100 tokens, of which 1,980 leases need 20 rounds; between these are 19 waits: 1, "
        "2, 4, 8, 16, 32 s and 13 of a minute. An even 100 a second would let them in within 19.8 s.", cures=True,
    ),
    Situation(
        "a throttle that clients meet in step", IN_STEP.replace('horizon = "100m"', 'horizon = "10m"').replace(
            "operator = [", 'operator = [{ do = "throttle", at = "1m", rate = "100/s", only = "establish" }, '
        ), "bursts", 63 + 13 * 60, 63 + 13 * 60, "waits at random",
        "The same by hand; after eight of the fourteen minutes the run ends, and a longer one would be no help.",
        cures=True,
    ),
    Situation(
        "a throttle that clients meet in step until it is let go of",
        IN_STEP.replace('horizon = "100m"', 'horizon = "10m"').replace(
            "operator = [", 'operator = [{ do = "throttle", at = "1m", rate = "100/s", only = "establish", '
            'release = [{ after = "5m", rate = "off" }] }, '
        ), "bursts", 240, 240, "waits at random",
        "The same, but four minutes after the sessions ended nothing is limited any more, after 9 of 20 rounds.",
    ),
    Situation(
        "a limit of concurrency that clients meet in step",
        IN_STEP + 'policy.admission = { name = "fixed-concurrency", limit = 100 }\n', "herd",
        63 + 13 * 60, 63 + 13 * 60, "a first delay",
        "100 wait or are served at one time, and these are done before the next wave: 20 rounds for 1,980, as at a "
        "bucket of 100 tokens. Spread over 2,000/600/0.9 = 3.7 s, or twice that, few are refused.", cures=True,
    ),
    Situation(
        "a limit of a class that clients meet in step", IN_STEP + 'classes.servers = { share = "100%", limit = 100 }\n',
        "herd", 63 + 6 * 60, 63 + 6 * 60, "a first delay",
        "100 wait and 60 are served: 160 at a time are 13 rounds for 1,980: waits of 1 to 32 s, six of a minute.",
        cures=True,
    ),
    Situation(
        "a full queue that clients meet in step until the run ends",
        STEADY.replace('horizon = "100m"', 'horizon = "8m"') + SHORT, "herd", 9 * 60, 9 * 60, "a first delay",
        "202 at a time and a minute apart are ten rounds for 1,980, the last after nine minutes; the run ends before.",
        cures=True,
    ),
    Situation(
        "a limit of concurrency below the workers",
        FAST + 'policy.admission = { name = "fixed-concurrency", limit = 2 }\n', "concurrency", 99, 100,
        "a higher limit",
        "2 are served at one time, of 100 ms each: 20 a second, whatever 60 workers could do: 99 s for 1,980.",
        cures=True,
    ),
    Situation(
        "all sessions end in one instant", STEADY + SHORT, "herd", 9 * 60, 9 * 60, "a first delay",
        "2,000 come at 0 s, and 200 places and 2 workers take 202; in 60 s these are served (10 s of work), so the "
        "next 202 find room at 60 s. 99 % are 1,980, 9.8 times 202: ten rounds, the last after nine waits. Spread over "
        "2,000/20/0.9 = 111 s they come at 18 a second, and 20 are done.", cures=True,
    ),
    Situation(
        "all sessions end and waits double",
        STEADY.replace('"fixed", delay = "60s"', '"exponential", base = "1s", cap = "5m"') + SHORT,
        "herd", 1411, 1411, "a first delay",
        "202 at 0 s; then as many as were served meanwhile: 20, 40, 80 and 160 at 1, 3, 7 and 15 s, and 202 each at "
        "31, 63, 127, 255, 511, 811 and 1,111 s, 1,916 in all. The last 64 of 1,980 come at 1,411 s.", cures=True,
    ),
    Situation(
        "all sessions end and a full queue says nothing",
        STEADY.replace("60s", "1s").replace('timeout = "30m"', 'timeout = "60s", full = "silent"') + SHORT,
        "herd", 9 * 61, 9 * 61, "a first delay",
        "As above, but those who find no place learn it by their timeout of 60 s, and come again 1 s later.",
        cures=True,
    ),
    Situation(
        "all sessions end and whoever gives up leaves the queue",
        STEADY.replace('timeout = "30m"', 'timeout = "40s", cancel_on_timeout = true'),
        "herd", 2 * 100, 2 * 100, "a first delay",
        "20 a second for 40 s are 800 of 1,980; the rest give up and come again 60 s later: 800, 800 and 380, the last "
        "at 2 · (40 + 60) s.", cures=True,
    ),
    Situation(
        "a herd that times out", BROKEN.replace('timeout = "30m"', 'timeout = "20s"'), "timeout", 5, 5, "a first delay",
        "2,000 in one instant are 100 s of work, five timeouts of 20 s, however clients wait between their later "
        "attempts. At 18 a second nobody waits.", cures=True,
    ),
    Situation(
        "a full queue that says nothing after an outage",
        LEASES.replace(JITTER, '"fixed", delay = "1s"').replace('timeout = "30m"', 'timeout = "60s", full = "silent"')
        + SHORT,
        "silence", 8 * 61, 8 * 61, "asking again sooner",
        "All come within 1 s of the return; 202 places and 20 that are served meanwhile take 222 of 1,980, and the "
        "rest wait in vain for 60 s, and 1 s more: 8.9 times, nine rounds. If they ask again every 5 s, half of the 10 "
        "s for which the queue is work, it is never empty, and all takes 100 s.", cures=True,
    ),
    Situation(
        "admission that rises slowly", FAST + """
policy.admission = { name = "token-bucket", rate = "1/s", only = "establish" }
operator = [{ do = "set", at = "30m", key = "policy.admission.rate", value = "10/s", over = "20m" }]
""", "ramp", 598, 612, "a higher limit at once",
        "After t seconds t + (9/1200) t²/2 are let in: 99 % of 2,000 after (√(1 + 0.015 · 1980) - 1)/0.0075 = 605 s. "
        "At 540 a second they are back within seconds.", cures=True,
    ),
    Situation(
        "a throttle let go of in steps", FAST + """
[[operator]]
do = "throttle"
at = "29m"
rate = "1/s"
only = "establish"
release = [ { after = "2m", rate = "2/s" }, { after = "3m", rate = "3/s" }, { after = "4m", rate = "4/s" },
  { after = "5m", rate = "5/s" }, { after = "6m", rate = "6/s" }, { after = "7m", rate = "7/s" },
  { after = "8m", rate = "8/s" } ]
""", "operator", 455, 458, "no step by hand",
        "One a second more each minute: 60 · (1 + 2 + … + 7) = 1,680 after 420 s, and the other 300 of 1,980 at 8 a "
        "second take 37.5 s.", cures=True,
    ),
    Situation(
        "a cap on expiries, and impatient clients",
        IMPATIENT + 'policy.lease = { name = "expiry-cap", rate = "1/s" }\n',
        "timeout", 1.9, 1.99, "a short queue",
        "The first leases end 7 to 10 min after the outage began, the last renewal being up to 3 min old, and one a "
        "second runs out, so 780 at most are out at the return: with 1,220 renewals of a hundredth of the work 39.6 s, "
        "1.98 timeouts, and not the 5 of all 2,000, which would be out only after 2,000 s.", cures=True,
    ),
]  # fmt: skip
