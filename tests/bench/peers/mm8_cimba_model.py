# mypy: allow-untyped-decorators
"""The model of mm8_cimba_python.py; needs the package to be imported. Cimba reads the annotations at run time."""

import cimba as cb
from cimba import random


class Queue(cb.Model):
    arrivals_per_s: cb.Param[float] = 0.0
    workers: cb.Param[int] = 0
    service_s: cb.Param[float] = 0.0

    waiting: cb.Container
    arrivals: cb.Output[int]
    finishes: cb.Output[int]
    queue: cb.Output[float]

    @cb.process
    def source(self) -> None:
        for _ in range(self.workers):
            cb.spawn(Worker, of=self)
        while True:
            cb.hold(random.exponential(1.0 / self.arrivals_per_s))
            self.arrivals += 1
            self.waiting.put(1)

    @cb.on_end
    def measure(self) -> None:
        self.queue = self.waiting.mean_level()


class Worker(cb.Model):
    of: cb.Ref[Queue]

    @cb.process
    def work(self) -> None:
        while True:
            self.of.waiting.get(1)
            cb.hold(random.exponential(self.of.service_s))
            self.of.finishes += 1
