// A queue of many workers with what the standard library offers: one binary heap of events.

#include <deque>
#include <queue>
#include <utility>
#include <vector>

#include "mm8.h"

int main(int argc, char **argv)
{
    const params p = read_params(argc, argv);
    const double begin_s = cpu_now_s();
    uint64_t rng = p.seed;
    counts c{};
    using Event = std::pair<double, bool>;  // when, and whether it is an arrival
    std::priority_queue<Event, std::vector<Event>, std::greater<>> events;
    std::deque<double> queue;
    uint32_t free_workers = p.workers;

    events.push({exponential(&rng, 1.0 / p.arrivals_per_s), true});
    while (events.top().first <= p.horizon_s) {
        const auto [now_s, arrives] = events.top();
        events.pop();
        if (arrives) {
            c.arrivals++;
            queue.push_back(now_s);
            events.push({now_s + exponential(&rng, 1.0 / p.arrivals_per_s), true});
        } else {
            c.finishes++;
            free_workers++;
        }
        if (free_workers > 0 && !queue.empty()) {
            c.begun++;
            c.waited_s += now_s - queue.front();
            queue.pop_front();
            free_workers--;
            events.push({now_s + exponential(&rng, p.service_s), false});
        }
    }
    print_result(&c, cpu_now_s() - begin_s);
}
