"""The twin of the dependents: MODEL.md, section 12, stepped window by window in plain Python."""

import math

from recovery.model.services import Need, ServiceTable


class ServicesTwin:
    """A table of services by itself, all services of one window after the other."""

    def __init__(self, table: ServiceTable) -> None:
        """Windows are the table's; times are whole windows."""
        self.table = table
        self.window = table.body.window
        self.windows = math.ceil(table.body.alone_s / self.window)

    def run(self, only: str = "", cut: tuple[str, str] = ("", "")) -> dict[str, list[float]]:
        """Depth of each service in each window: of the event; if `only` had been impaired; without the edge `cut`."""
        event = self._steps(None, {}, ("", ""))
        causes = {
            name: [need.on for need in service.needs if need.kind == "cause"]
            for name, service in self.table.services.items()
        }
        since = {  # the first window in which something that it had its own trouble from was impaired
            name: min((self._first(event[on]) for on in sources), default=math.inf) for name, sources in causes.items()
        }
        if only:
            return self._steps(dict.fromkeys(causes, 0.0), {only: event[only]}, cut)
        return self._steps(since, {}, cut)

    def _first(self, depth: list[float]) -> float:
        return next((k for k, value in enumerate(depth) if value > 0), math.inf)

    def _steps(
        self, free_before: dict[str, float] | None, forced: dict[str, list[float]], cut: tuple[str, str]
    ) -> dict[str, list[float]]:
        """`free_before`: the window before which a service's own trouble needs no cause; None: it never needs one."""
        services = self.table.services
        depth: dict[str, list[float]] = {name: [] for name in services}
        memory: dict[tuple[str, int], list[float]] = {
            (name, i): [0.0] for name, service in services.items() for i in range(len(service.needs))
        }
        done: set[str] = set()
        order: list[str] = []
        while len(order) < len(services):
            for name, service in services.items():
                if name not in done and all(s in done for need in service.needs for s in need.sources):
                    order.append(name)
                    done.add(name)
        for k in range(self.windows):
            for name in order:
                if name in forced:
                    depth[name].append(forced[name][k])
                    continue
                worst = self._own(name, k, depth, free_before, cut)
                for i, need in enumerate(services[name].needs):
                    if need.kind != "cause" and (need.on, name) != cut:
                        launches = need.launches if (need.launches, name) != cut else None
                        denied = depth[launches][k] if launches else 0.0
                        suffers = need.share * self._suffers(need, depth[need.on], memory[name, i], denied, k)
                        worst = max(worst, suffers)
                depth[name].append(worst if worst > 1e-9 else 0.0)
        return depth

    def _own(
        self,
        name: str,
        k: int,
        depth: dict[str, list[float]],
        free_before: dict[str, float] | None,
        cut: tuple[str, str],
    ) -> float:
        service = self.table.services[name]
        sources = [need.on for need in service.needs if need.kind == "cause" and (need.on, name) != cut]
        needs_cause = free_before is not None and k >= free_before[name]
        if needs_cause and not any(value > 0 for source in sources for value in depth[source][: k + 1]):
            return 0.0
        begin, end, found = k * self.window, (k + 1) * self.window, 0.0
        for span in service.impaired:
            found += span.depth * max(0.0, min(end, span.end) - max(begin, span.start)) / self.window
        return found

    def _suffers(self, need: Need, on: list[float], memory: list[float], denied: float, k: int) -> float:
        def felt(first: int) -> list[float]:
            return [value if value > need.tolerates else 0.0 for value in on[max(first, 0) : k + 1]]

        [x] = felt(k)
        level = memory[0]
        if need.kind == "hard":
            after, lag = round(need.after / self.window), round(need.lag / self.window)
            # What is felt in a window is the least of the time that it lives without; that stays for the lag.
            found = [0.0] * max(after + lag - k, 0) + felt(k - after - lag)  # before the start everybody is well
            return max(min(found[j : j + after + 1]) for j in range(lag + 1))
        if need.kind == "manual":
            if need.at is not None:
                memory[0] = max(level, x)
                return memory[0] if k < round(need.at / self.window) else x
            return max(felt(k - round(need.after / self.window)))
        if need.kind == "backlog":
            assert need.ratio is not None
            arrive, can = self.window, need.ratio * (1 - x) * self.window
            short = max(arrive - can, 0.0)
            if short > 0 and need.until is not None and k >= round(need.until / self.window):
                return float(level > 1e-6)  # nothing is added, and nothing can be spared for what waits
            memory[0] = level + need.kept * short if short > 0 else max(level + arrive - can, 0.0)
            return max(float(max(level, memory[0]) > 1e-6), (1 - need.kept) * short / arrive)
        assert need.loses_in is not None
        assert need.regains_in is not None
        if x > 0:
            memory[0] = min(level + x * self.window / need.loses_in, need.most)
        else:
            memory[0] = max(level - (1 - denied) * self.window / need.regains_in, 0.0)
        return max(memory[0] - need.spare, 0.0) / (1 - need.spare)
