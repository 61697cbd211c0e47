"""Sessions, classes, operators who change anything, the server under load: the plain twin of part two of the model.

Slow on purpose, and written from the model alone (MODEL.md, section 13, has the rules as they are implemented here).
`scenario` is what it is told, `fleet.Fleet` runs it, `books` is what it says. One subject a file: `events` (order at
equal times, timers), `chance` (addresses of draws), `clients` (leases, requests, pauses), `arrivals`, `limits` (doors
and lines), `queue` (priority, weight), `host` with its parts (`entrance`, `labour`, `leases`, `failures`, `accounts`),
`operators`, `settings` (live keys).

Where nothing of part two is used it does what `twin.requests` does, with the same draws, line by line of the log.

Left room for: several servers (a client's host is fixed in two places only, `Fleet.hosts` and `TwinHost.clients`), a
store behind workers (its finishes have their place in the order of events), processor sharing (`Labour.work` alone
knows when a service ends).

Where the model is silent or has two readings, it is decided that

*Order and draws*
 1. Within one kind and time: the lower host, then the class (in the order of the file), then client, then attempt.
    Among operators' edits: the host, then the place in the playbook, then the step. A host that begins to serve, after
    a downtime or its start, does so after the edits of that moment. Ticks: the probe, the throttle's line, the
    admission's. Of finishes with one number the client's comes before the host's own work. A hold-off that would end
    as the dependency changes is ended by that change.
 2. Class k draws from streams of its own, `stream + 64 k`, so a scenario of one class has today's draws, and a class
    that is put behind the others changes no draw of theirs.
 3. Notice and first delay are drawn at the number of the attempt that follows; a gap before an attempt is sent again at
    (client, how often it was sent) in a stream of that attempt; work of an expiry at (client, how many before).

*Sessions*
 4. Only who has a lease (as the server or as its holder sees it) has a session that can end. Who has none goes on as
    its policy says; so a second end changes nothing.
 5. A sleeper does nothing until its notice, even if its next check would have come before. `at-check` is a notice at
    the time of that check. The first delay follows every notice, and is drawn then.
 6. Both views of a lease end with the session: nobody is served by a broken one. They differ by late successes only.
 7. A cold start is a session end at t = 0: in step with the notice at once, else at the client's phase; first delays
    follow.
 8. A submission that an operator keeps, and one that waits for another class, is not asleep: a session's end leaves it.
 9. A share is one of all clients of a class on the hosts that are meant, rounded once (halves up), to M of N: clients
    are numbered through, host by host, and g is meant where floor(g · M / N) steps up. A host of n has m of them: its
    client i where floor(i · m / n) steps up.

*Classes*
10. `after`: a submission that falls due while the partner's holder knows of no lease waits; the partner's success is
    then a notice (tries 0, first delay). A sleeper whose session ended waits at once. Of jobs: `of` is a job that
    arrives with the other, `after` one that arrives at its success, with the same number.
11. Priority 0 is served first, and nobody is interrupted. Classes of one priority without weights are one row, in the
    discipline's order; weighted ones are served by strides, one service one step, an empty row saving up nothing.
12. A queue's common limit counts the classes that have no limit of their own, work of expiries and the probe.
13. Tokens are taken all or none. A class's cost holds at the operator's throttle, too. Only a burst of the admission
    policy below a cost is refused at the door; a throttle like that lets none of them pass. There may be several gates
    in front of the admission, for some classes each; a request has to pass all that are for it.
14. Work of an expiry asks no dependency, waits at the host even while it is down, is in its class's row, and is lost
    and purged like all that waits. Whether an expiry is work is asked when it comes. A session's end is an expiry.

*Operators*
15. Of edits of one key that one in force is that was begun last and is not over. A ramp begins at what is in force,
    and changes at window edges; whole numbers stay whole. An edit that changes no value changes no bit.
16. Workers that are added or taken by `scale` add up, beside what `set` says. Whoever works when workers are removed
    goes when it is done.
17. Hosts can be added and taken for jobs only: they share the arrivals evenly, and a host that is out works off what
    it has. Holders need a pool for that (section 16).
18. Held clients go in turn: client g of all that are meant, numbered through host by host, in wave g mod W; jobs by
    their number on their host. What was kept is submitted at the moment its wave is let in, by the lower client.
    Attempts that are sent again are not held.
19. A purge empties the queue and the lines in which requests wait for tokens, and no worker; the debt stays.
20. After a condition has fired it is not looked at for `again_after`, and must then hold `held` anew.

*The server under load*
21. `cancel = "queue"` frees a place in a queue or a line; a worker works on.
22. A silent full queue costs nothing and takes no token. An attempt that is sent again passes the whole door anew, but
    is not barred again; a host that is down refuses it. Its time in the system counts from its first submission; its
    age in the queue, and credit on arrival, from when the host heard it. At its deadline it is not sent again.
23. Slowdown in service counts the others in service, as the one by the queue counts those that wait beside it.
24. Until-back: a request hangs as long as its draw is below the share that fails; so one that a degraded dependency
    would fail hangs too, and an outage that ends in part lets a part begin. Kind and slowdown are decided when its time
    begins. What hung is work of whatever becomes of it.
25. The hold-off follows a full outage, is drawn for each, and hides any better share until then; worse ones are seen at
    once. Clocks of leases stand by what the host sees.
26. `late = "counts"`: work that makes a lease late is useful. A job has no late success: its answer has to be heard.
27. Stale work counted (`is_stale_counted`): only where a late success is nothing. It is counted by class; it has no age
    in the queue and no time in the system. Without it draws are today's, at the address of the abandoned attempt.
28. The probe is never refused or dropped, asks no dependency, and is out once at a time; its latency is its age while
    it is out, else what the last one took. Its work is overhead.
29. A host looks whether it dies after a submission and after free workers have taken; the requests that it holds are
    those in lines, queue and service.
30. In `start_time` workers' time counts as down, and a queue is full where as many wait as may.

*Clients and limits*
31. Pauses: see `scenario.Retry`. A cap of a timeout is one on its growing.
32. Members of a class do not change, so intervals scaled by them are numbers before a run (`clients.paced_ns`,
    `clients.log_scale`).
33. Hints are given by throttle, admission and bound, never by a host that is down.
34. Waiting for a token: who would wait longer than `wait` at the rate of that moment is refused; who waits gets its
    token at the first whole nanosecond at which the bucket holds it. Its throttle's token is taken as it goes into the
    admission's line. If the queue is full then, it is refused (or silent) there and its token stays. A throttle that is
    taken away lets all in its line go on. A line needs a bucket of a given rate: no law of the queue's size.
35. A barred attempt has a number and a draw of its own, costs the host nothing, is no failure to the client's policy,
    and comes back after its barring time, no sooner than a round trip. It is barred before it sees whether the host is
    down.
"""
