// The storm with a timing wheel for renewals at random: a slot is put in order when its time comes.

#include "lanes.h"

namespace {

struct Renewal {
    double at_s;
    uint32_t client;

    bool operator<(const Renewal &other) const { return at_s < other.at_s; }
};

class Wheel {
public:
    // `ahead_s`: no renewal is put in further ahead than that. `fullness`: renewals of a slot.
    Wheel(double ahead_s, uint32_t holders, double fullness)
        : slots(static_cast<size_t>(holders / fullness) + 2), width_s(ahead_s / static_cast<double>(slots.size() - 2))
    {
    }

    double next_s()
    {
        if (place == current.size()) turn();
        return place == current.size() ? never_s : current[place].at_s;
    }
    uint32_t take()
    {
        held--;
        return current[place++].client;
    }
    void put(double at_s, uint32_t client)
    {
        held++;
        const uint64_t slot = slot_of(at_s);
        if (slot <= turned) {
            const Renewal renewal{at_s, client};
            current.insert(std::upper_bound(current.begin() + static_cast<long>(place), current.end(), renewal), renewal);
        } else {
            slots[slot % slots.size()].push_back({at_s, client});
        }
    }

private:
    uint64_t slot_of(double at_s) const { return static_cast<uint64_t>(at_s / width_s) + 1; }
    void turn()
    {
        if (held == 0) return;
        current.clear();
        place = 0;
        while (current.empty()) {
            turned++;
            current.swap(slots[turned % slots.size()]);
        }
        std::sort(current.begin(), current.end());
    }

    std::vector<std::vector<Renewal>> slots;
    std::vector<Renewal> current;
    double width_s;
    size_t place = 0, held = 0;
    uint64_t turned = 0;
};

}  // namespace

int main(int argc, char **argv)
{
    const params p = read_params(argc, argv);
    const double begin_s = cpu_now_s();
    uint64_t rng = p.seed;
    Wheel renewals(std::max(p.renew_after_s * (1.0 + p.jitter), p.phase_s), p.holders, 8.0);
    for (uint32_t i = 0; i < p.holders; i++) renewals.put(p.phase_s * uniform(&rng), i);
    run(p, renewals, rng, begin_s);
}
