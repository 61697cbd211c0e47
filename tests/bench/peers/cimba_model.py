# mypy: allow-untyped-decorators
"""The model of cimba_processes.py; needs the package to be imported. Cimba reads the annotations at run time."""

import cimba as cb
from cimba import random

GRANTED = 1
TIMED_OUT = 2


class Host(cb.Model):
    holders: cb.Param[int] = 0
    workers: cb.Param[int] = 0
    service_s: cb.Param[float] = 0.0
    timeout_s: cb.Param[float] = 0.0
    renew_after_s: cb.Param[float] = 0.0
    lease_s: cb.Param[float] = 0.0
    horizon_s: cb.Param[float] = 0.0
    phase_s: cb.Param[float] = 0.0

    queue: cb.Store["Holder"]
    granted_s: cb.Array[float]
    submissions: cb.Output[int]
    finishes: cb.Output[int]
    successes: cb.Output[int]
    timeouts: cb.Output[int]
    leased_share: cb.Output[float]

    @cb.process
    def open(self) -> None:
        for index in range(self.holders):
            cb.spawn(Holder, host=self, index=index)
        for _ in range(self.workers):
            cb.spawn(Worker, host=self)

    @cb.on_end
    def measure(self) -> None:
        leased = 0
        for granted_s in self.granted_s:
            if granted_s + self.lease_s > self.horizon_s:
                leased += 1
        self.leased_share = leased / self.holders


class Holder(cb.Model):
    host: cb.Ref[Host]
    index: int
    submitted: int = 0
    taken: int = 0
    waiting: bool = False
    process: int = 0

    @cb.process
    def live(self) -> None:
        me = cb.this_process()
        self.process = me.pointer
        cb.hold(random.uniform(0.0, self.host.phase_s))
        while True:
            self.host.submissions += 1
            self.submitted += 1
            self.waiting = True
            self.host.queue.put(self)
            me.timer_set(self.host.timeout_s, TIMED_OUT)
            signal = cb.suspend()
            if signal == TIMED_OUT:
                self.waiting = False
                self.host.timeouts += 1
            else:
                me.timers_clear()
                self.host.granted_s[self.index] = cb.now()
                cb.hold(self.host.renew_after_s)


class Worker(cb.Model):
    host: cb.Ref[Host]

    @cb.process
    def work(self) -> None:
        while True:
            holder = self.host.queue.get()
            holder.taken += 1
            attempt = holder.taken  # first in, first out: a holder's requests come in the order of their attempts
            cb.hold(random.exponential(self.host.service_s))
            self.host.finishes += 1
            if holder.waiting and holder.submitted == attempt:
                self.host.successes += 1
                holder.waiting = False
                cb.Process(holder.process).resume(GRANTED)
