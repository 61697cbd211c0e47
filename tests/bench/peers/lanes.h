// What ring_storm.cpp and wheel_storm.cpp share: no heap, since what is due next comes from queues that are in order.

#ifndef LANES_H
#define LANES_H

#include <algorithm>
#include <limits>
#include <vector>

#include "storm.h"

constexpr double never_s = std::numeric_limits<double>::infinity();

// First in, first out; doubles when it is full.
template <typename Entry>
class Ring {
public:
    bool empty() const { return head == tail; }
    const Entry &front() const { return entries[head & mask]; }
    void pop() { head++; }
    void push(const Entry &entry)
    {
        if (tail - head > mask) grow();
        entries[tail++ & mask] = entry;
    }

private:
    void grow()
    {
        std::vector<Entry> larger(2 * entries.size());
        for (size_t i = head; i < tail; i++) larger[i - head] = entries[i & mask];
        tail -= head;
        head = 0;
        entries.swap(larger);
        mask = entries.size() - 1;
    }

    std::vector<Entry> entries = std::vector<Entry>(1024);
    size_t mask = 1023, head = 0, tail = 0;
};

struct Deadline {
    double at_s;
    uint32_t client;
    uint32_t attempt;
};

struct Request {
    uint32_t client;
    uint32_t attempt;
};

struct Finish {
    double at_s;
    Request request;
};

// Of a client: whether its attempt of this number waits, and until when it has a lease.
struct Client {
    uint32_t attempt = 0;
    bool waiting = false;
    double granted_s = 0.0;
};

// Runs the storm. `Renewals` knows who submits next because its lease is due: `next_s()`, `take()` a client, and
// `put(at_s, client)`.
template <typename Renewals>
void run(const params &p, Renewals &renewals, uint64_t rng, double begin_s)
{
    counts c{};
    std::vector<Client> clients(p.holders);
    for (Client &client : clients) client.granted_s = -p.lease_s;
    std::vector<Finish> workers(p.workers, Finish{never_s, {0, 0}});
    Ring<Deadline> deadlines;
    Ring<Request> queue;
    uint32_t busy = 0;

    const auto serve = [&](double now_s, size_t worker, const Request &request) {
        workers[worker] = {now_s + exponential(&rng, p.service_s), request};
    };
    const auto submit = [&](double now_s, uint32_t number) {
        c.submissions++;
        Client &client = clients[number];
        client.attempt++;
        client.waiting = true;
        deadlines.push({now_s + p.timeout_s, number, client.attempt});
        const Request request{number, client.attempt};
        if (busy == p.workers) {
            queue.push(request);
            return;
        }
        size_t idle = 0;
        while (workers[idle].at_s != never_s) idle++;
        busy++;
        serve(now_s, idle, request);
    };
    while (true) {
        // Deadlines of attempts that were answered come to nothing.
        while (!deadlines.empty()) {
            const Deadline &first = deadlines.front();
            if (clients[first.client].waiting && clients[first.client].attempt == first.attempt) break;
            deadlines.pop();
        }
        size_t worker = 0;
        for (size_t i = 1; i < workers.size(); i++) worker = workers[i].at_s < workers[worker].at_s ? i : worker;
        const double finish_s = workers[worker].at_s;
        const double deadline_s = deadlines.empty() ? never_s : deadlines.front().at_s;
        const double renewal_s = renewals.next_s();
        if (std::min({finish_s, deadline_s, renewal_s}) > p.horizon_s) break;

        if (finish_s <= deadline_s && finish_s <= renewal_s) {
            c.finishes++;
            const Request done = workers[worker].request;
            Client &client = clients[done.client];
            if (client.waiting && client.attempt == done.attempt) {
                c.successes++;
                client.waiting = false;
                client.granted_s = finish_s;
                renewals.put(finish_s + until_renewal(&p, &rng), done.client);
            }
            if (queue.empty()) {
                workers[worker].at_s = never_s;
                busy--;
            } else {
                const Request next = queue.front();
                queue.pop();
                serve(finish_s, worker, next);
            }
        } else if (deadline_s <= renewal_s) {
            c.timeouts++;
            const uint32_t client = deadlines.front().client;
            deadlines.pop();
            submit(deadline_s, client);
        } else {
            submit(renewal_s, renewals.take());
        }
    }
    const double cpu_s = cpu_now_s() - begin_s;

    uint32_t leased = 0;
    for (const Client &client : clients) leased += client.granted_s + p.lease_s > p.horizon_s;
    print_result(&c, static_cast<double>(leased) / p.holders, cpu_s);
}

#endif
