/* What the compiled storms share: the parameters, the counts and the one line of output. */
#ifndef STORM_H
#define STORM_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "random.h"

struct params {
    uint32_t holders, workers;
    double service_s, timeout_s, renew_after_s, lease_s, horizon_s, phase_s;
    uint64_t seed;
    double jitter; /* a renewal comes after renew_after_s times 1 - jitter to 1 + jitter, at random */
};

struct counts {
    uint64_t submissions, finishes, successes, timeouts;
};

static struct params read_params(int argc, char **argv)
{
    if (argc != 11) {
        fprintf(stderr, "want the ten numbers of StormParams\n");
        exit(2);
    }
    struct params p;
    p.holders = (uint32_t)strtoul(argv[1], NULL, 10);
    p.workers = (uint32_t)strtoul(argv[2], NULL, 10);
    p.service_s = strtod(argv[3], NULL);
    p.timeout_s = strtod(argv[4], NULL);
    p.renew_after_s = strtod(argv[5], NULL);
    p.lease_s = strtod(argv[6], NULL);
    p.horizon_s = strtod(argv[7], NULL);
    p.phase_s = strtod(argv[8], NULL);
    p.seed = strtoull(argv[9], NULL, 10);
    p.jitter = strtod(argv[10], NULL);
    return p;
}

static void print_result(const struct counts *c, double leased_share, double cpu_s)
{
    printf("%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %.9f %.9f\n", c->submissions, c->finishes, c->successes,
           c->timeouts, leased_share, cpu_s);
}

/* How long after a grant its holder comes back. */
static double until_renewal(const struct params *p, uint64_t *state)
{
    if (p->jitter == 0.0) return p->renew_after_s;
    return p->renew_after_s * (1.0 + p->jitter * (2.0 * uniform(state) - 1.0));
}

#endif
