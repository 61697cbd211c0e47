// The storm with what the standard library offers: one binary heap of events, stale deadlines are skipped when they come.

#include <deque>
#include <queue>
#include <tuple>
#include <vector>

#include "storm.h"

namespace {

enum Kind : uint32_t { finish, deadline, submission };  // in this order at equal times

struct Event {
    double time_s;
    Kind kind;
    uint32_t client;
    uint32_t attempt;

    bool operator>(const Event &other) const
    {
        return std::tie(time_s, kind, client) > std::tie(other.time_s, other.kind, other.client);
    }
};

struct Client {
    uint32_t attempt = 0;
    bool waiting = false;
    double granted_s = 0.0;
};

struct Request {
    uint32_t client;
    uint32_t attempt;
};

}  // namespace

int main(int argc, char **argv)
{
    const params p = read_params(argc, argv);
    const double begin_s = cpu_now_s();
    uint64_t rng = p.seed;
    counts c{};
    std::priority_queue<Event, std::vector<Event>, std::greater<>> events;
    std::deque<Request> queue;
    std::vector<Client> clients(p.holders);
    uint32_t free_workers = p.workers;

    for (uint32_t i = 0; i < p.holders; i++) {
        clients[i].granted_s = -p.lease_s;
        events.push({p.phase_s * uniform(&rng), submission, i, 0});
    }
    while (!events.empty() && events.top().time_s <= p.horizon_s) {
        const Event event = events.top();
        events.pop();
        const double now_s = event.time_s;
        Client &client = clients[event.client];
        const bool current = client.waiting && client.attempt == event.attempt;

        switch (event.kind) {
        case finish:
            c.finishes++;
            if (current) {
                c.successes++;
                client.waiting = false;
                client.granted_s = now_s;
                events.push({now_s + until_renewal(&p, &rng), submission, event.client, 0});
            }
            free_workers++;
            break;
        case deadline:
            if (current) {
                c.timeouts++;
                client.waiting = false;
                events.push({now_s, submission, event.client, 0});
            }
            break;
        case submission:
            c.submissions++;
            client.attempt++;
            client.waiting = true;
            events.push({now_s + p.timeout_s, deadline, event.client, client.attempt});
            queue.push_back({event.client, client.attempt});
            break;
        }
        if (free_workers > 0 && !queue.empty()) {
            const Request request = queue.front();
            queue.pop_front();
            free_workers--;
            events.push({now_s + exponential(&rng, p.service_s), finish, request.client, request.attempt});
        }
    }
    const double cpu_s = cpu_now_s() - begin_s;

    uint32_t leased = 0;
    for (const Client &client : clients) leased += client.granted_s + p.lease_s > p.horizon_s;
    print_result(&c, static_cast<double>(leased) / p.holders, cpu_s);
}
