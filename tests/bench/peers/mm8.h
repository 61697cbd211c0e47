/* What the compiled programs of a queue share: the parameters, the counts and the one line of output. */
#ifndef MM8_H
#define MM8_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "random.h"

struct params {
    double arrivals_per_s;
    uint32_t workers;
    double service_s, horizon_s;
    uint64_t seed;
};

struct counts {
    uint64_t arrivals, begun, finishes;
    double waited_s; /* of all that were begun, in all */
};

static struct params read_params(int argc, char **argv)
{
    if (argc != 6) {
        fprintf(stderr, "want the five numbers of QueueParams\n");
        exit(2);
    }
    struct params p;
    p.arrivals_per_s = strtod(argv[1], NULL);
    p.workers = (uint32_t)strtoul(argv[2], NULL, 10);
    p.service_s = strtod(argv[3], NULL);
    p.horizon_s = strtod(argv[4], NULL);
    p.seed = strtoull(argv[5], NULL, 10);
    return p;
}

static void print_result(const struct counts *c, double cpu_s)
{
    printf("%" PRIu64 " %" PRIu64 " %.12g %.9f\n", c->arrivals, c->finishes, c->waited_s / (double)c->begun, cpu_s);
}

#endif
