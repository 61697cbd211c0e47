/* What the compiled peers share: the parameters, the counts, the random numbers, the clock and the one line of output. */
#ifndef STORM_H
#define STORM_H

#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct params {
    uint32_t droplets, workers;
    double service_s, timeout_s, renew_after_s, lease_s, horizon_s, phase_s;
    uint64_t seed;
};

struct counts {
    uint64_t submissions, finishes, successes, timeouts;
};

static struct params read_params(int argc, char **argv)
{
    if (argc != 10) {
        fprintf(stderr, "want the nine numbers of StormParams\n");
        exit(2);
    }
    struct params p;
    p.droplets = (uint32_t)strtoul(argv[1], NULL, 10);
    p.workers = (uint32_t)strtoul(argv[2], NULL, 10);
    p.service_s = strtod(argv[3], NULL);
    p.timeout_s = strtod(argv[4], NULL);
    p.renew_after_s = strtod(argv[5], NULL);
    p.lease_s = strtod(argv[6], NULL);
    p.horizon_s = strtod(argv[7], NULL);
    p.phase_s = strtod(argv[8], NULL);
    p.seed = strtoull(argv[9], NULL, 10);
    return p;
}

static void print_result(const struct counts *c, double leased_share, double cpu_s)
{
    printf("%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %.9f %.9f\n", c->submissions, c->finishes, c->successes,
           c->timeouts, leased_share, cpu_s);
}

/* splitmix64 (Steele, Lea, Flood 2014): a counter and a mix. */
static uint64_t next_u64(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* Uniform over [0, 1). */
static double uniform(uint64_t *state)
{
    return (double)(next_u64(state) >> 11) * 0x1.0p-53;
}

static double exponential(uint64_t *state, double mean)
{
    return -mean * log(1.0 - uniform(state));
}

static double cpu_now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

#endif
