/* A queue of many workers on Cimba's event queue, in C. */

#include "cimba.h"
#include "mm8.h"

/* Higher goes first at equal times. */
enum { stop_last = -1, arrival_priority, finish_priority };

static struct params p;
static struct counts c;
static uint64_t rng;
static uint32_t free_workers;

/* When those arrived who wait, first in, first out: a ring that doubles when it is full. */
static double *ring;
static size_t ring_size = 1024, ring_head, ring_length;

static void enqueue(double arrived_s)
{
    if (ring_length == ring_size) {
        ring = realloc(ring, 2 * ring_size * sizeof *ring);
        memcpy(ring + ring_size, ring, ring_head * sizeof *ring);
        ring_size *= 2;
    }
    ring[(ring_head + ring_length++) & (ring_size - 1)] = arrived_s;
}

static void finish(void *subject, void *object);

static void serve_next(void)
{
    if (free_workers == 0 || ring_length == 0) return;
    c.begun++;
    c.waited_s += cmb_time() - ring[ring_head];
    ring_head = (ring_head + 1) & (ring_size - 1);
    ring_length--;
    free_workers--;
    cmb_event_schedule(finish, NULL, NULL, cmb_time() + exponential(&rng, p.service_s), finish_priority);
}

static void arrive(void *subject, void *object)
{
    c.arrivals++;
    enqueue(cmb_time());
    cmb_event_schedule(arrive, subject, object, cmb_time() + exponential(&rng, 1.0 / p.arrivals_per_s),
                       arrival_priority);
    serve_next();
}

static void finish(void *subject, void *object)
{
    (void)subject;
    (void)object;
    c.finishes++;
    free_workers++;
    serve_next();
}

static void stop(void *subject, void *object)
{
    (void)subject;
    (void)object;
    cmb_event_queue_clear();
}

int main(int argc, char **argv)
{
    check_cimba();
    p = read_params(argc, argv);
    const double begin_s = cpu_now_s();
    rng = p.seed;
    free_workers = p.workers;
    ring = malloc(ring_size * sizeof *ring);
    cmb_event_queue_initialize(0.0);
    cmb_event_schedule(arrive, NULL, NULL, exponential(&rng, 1.0 / p.arrivals_per_s), arrival_priority);
    cmb_event_schedule(stop, NULL, NULL, p.horizon_s, stop_last);
    cmb_event_queue_execute();
    const double cpu_s = cpu_now_s() - begin_s;
    print_result(&c, cpu_s);
    cmb_event_queue_terminate();
    free(ring);
    return 0;
}
