// The storm by rings alone: where every delay is constant, what is put in later is due later.

#include "lanes.h"

namespace {

struct Renewal {
    double at_s;
    uint32_t client;
};

class Renewals {
public:
    double next_s() const { return ring.empty() ? never_s : ring.front().at_s; }
    uint32_t take()
    {
        const uint32_t client = ring.front().client;
        ring.pop();
        return client;
    }
    void put(double at_s, uint32_t client) { ring.push({at_s, client}); }

private:
    Ring<Renewal> ring;
};

}  // namespace

int main(int argc, char **argv)
{
    const params p = read_params(argc, argv);
    if (p.jitter != 0.0 || p.phase_s > p.renew_after_s) {
        fprintf(stderr, "rings want no jitter, and phase_s of at most renew_after_s\n");
        return 2;
    }
    const double begin_s = cpu_now_s();
    uint64_t rng = p.seed;
    std::vector<double> phases(p.holders);
    for (double &phase_s : phases) phase_s = p.phase_s * uniform(&rng);
    std::sort(phases.begin(), phases.end());
    Renewals renewals;
    for (uint32_t i = 0; i < p.holders; i++) renewals.put(phases[i], i);
    run(p, renewals, rng, begin_s);
}
