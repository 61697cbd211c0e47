/* Random numbers and the clock, which all compiled peers share. */
#ifndef RANDOM_H
#define RANDOM_H

#include <math.h>
#include <stdint.h>
#include <time.h>

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
