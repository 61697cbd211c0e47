/* The storm on Cimba's event queue, in C: an event for everything that happens, a grant cancels its deadline. */

#include "cimba.h"
#include "storm.h"

/* Higher goes first at equal times. */
enum { stop_last = -1, submission_priority, deadline_priority, finish_priority };

struct client {
    uint64_t deadline;  /* handle of the deadline of the current attempt; 0 while none is out */
    uint32_t attempt;
    double granted_s;
};

struct request {
    struct client *client;
    uintptr_t attempt;
};

static struct params p;
static struct counts c;
static uint64_t rng;
static uint32_t free_workers;
static struct client *clients;

/* The FIFO: a ring that doubles when it is full. */
static struct request *ring;
static size_t ring_size = 1024, ring_head, ring_length;

static void enqueue(struct request request)
{
    if (ring_length == ring_size) {
        ring = realloc(ring, 2 * ring_size * sizeof *ring);
        memcpy(ring + ring_size, ring, ring_head * sizeof *ring);
        ring_size *= 2;
    }
    ring[(ring_head + ring_length++) & (ring_size - 1)] = request;
}

static struct request dequeue(void)
{
    const struct request request = ring[ring_head];
    ring_head = (ring_head + 1) & (ring_size - 1);
    ring_length--;
    return request;
}

static void submit(void *subject, void *object);
static void expire(void *subject, void *object);
static void finish(void *subject, void *object);

static void serve_next(void)
{
    if (free_workers == 0 || ring_length == 0) return;
    const struct request next = dequeue();
    free_workers--;
    cmb_event_schedule(finish, next.client, (void *)next.attempt, cmb_time() + exponential(&rng, p.service_s),
                       finish_priority);
}

static void submit(void *subject, void *object)
{
    (void)object;
    struct client *client = subject;
    c.submissions++;
    client->attempt++;
    client->deadline = cmb_event_schedule(expire, client, NULL, cmb_time() + p.timeout_s, deadline_priority);
    enqueue((struct request){client, client->attempt});
    serve_next();
}

static void expire(void *subject, void *object)
{
    (void)object;
    struct client *client = subject;
    c.timeouts++;
    client->deadline = 0;
    cmb_event_schedule(submit, client, NULL, cmb_time(), submission_priority);
}

static void finish(void *subject, void *object)
{
    struct client *client = subject;
    c.finishes++;
    if (client->deadline != 0 && client->attempt == (uintptr_t)object) {
        c.successes++;
        cmb_event_cancel(client->deadline);
        client->deadline = 0;
        client->granted_s = cmb_time();
        cmb_event_schedule(submit, client, NULL, cmb_time() + until_renewal(&p, &rng), submission_priority);
    }
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
    clients = calloc(p.holders, sizeof *clients);
    ring = malloc(ring_size * sizeof *ring);
    cmb_event_queue_initialize(0.0);
    for (uint32_t i = 0; i < p.holders; i++) {
        clients[i].granted_s = -p.lease_s;
        cmb_event_schedule(submit, &clients[i], NULL, p.phase_s * uniform(&rng), submission_priority);
    }
    cmb_event_schedule(stop, NULL, NULL, p.horizon_s, stop_last);
    cmb_event_queue_execute();
    const double cpu_s = cpu_now_s() - begin_s;

    uint32_t leased = 0;
    for (uint32_t i = 0; i < p.holders; i++) leased += clients[i].granted_s + p.lease_s > p.horizon_s;
    print_result(&c, (double)leased / p.holders, cpu_s);
    cmb_event_queue_terminate();
    free(ring);
    free(clients);
    return 0;
}
