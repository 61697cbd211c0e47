"""Streams of draws that only the general engine uses; those of `draws` below 25 belong to others.

A class k draws from stream s + 64 k where the first draws from s: so a scenario of one class has the draws of
`recovery_kernels.requests`.
"""

NOTICE_STREAM, FIRST_DELAY_STREAM = 32, 33  # of the attempt that follows
BAR_STREAM, BAR_TIME_STREAM = 34, 35
RESEND_STREAM = 36  # of a stream for each attempt: (client, how many of it were sent again)
HINT_STREAM = 37
EXPIRE_STREAM = 38  # (client, how many of its leases ran out before)
STALE_STREAM, STALE_DEPENDENCY_STREAM = 39, 40  # (0, how many such services of this class have started here)
PROBE_STREAM = 41  # (0, how many probes were sent)
RESUME_STREAM = 42  # (0, how many full outages were over before)
CONTROLLER_STREAM = 43  # of a stream for each controller, question and event
CLIENT_STREAM = 44  # (client, 0): the draw that a client keeps, for controllers
GAP_STREAM = 45  # from the read of a row to its write
GATE_STREAM = 46  # of a stream for each throttle whose law is a ramp
STREAMS = 64  # of a class
