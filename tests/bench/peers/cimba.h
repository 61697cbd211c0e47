/* The functions of Cimba 3 that are used here: its Python package brings the engine without headers. */
#ifndef CIMBA_H
#define CIMBA_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef void event_function(void *subject, void *object);
const char *cimba_version(void);
double cmb_time(void);
void cmb_event_queue_initialize(double start_time);
void cmb_event_queue_terminate(void);
void cmb_event_queue_clear(void);
void cmb_event_queue_execute(void);
uint64_t cmb_event_schedule(event_function *action, void *subject, void *object, double time, int64_t priority);
bool cmb_event_cancel(uint64_t handle);

static void check_cimba(void)
{
    if (strncmp(cimba_version(), "3.", 2) != 0) {
        fprintf(stderr, "Cimba is %s; the declarations here are those of version 3\n", cimba_version());
        exit(2);
    }
}

#endif
