/* The per-task process: creates the container, runs the action tree, serves control connections, writes the
 * exit record. It is forked by the spawner and outlives plugin and agent. */
#ifndef DIEGO_SUPERVISOR_SUPERVISOR_H
#define DIEGO_SUPERVISOR_SUPERVISOR_H

#include "proto/supervisor.pb-c.h"
#include "runtime/container/container.h"

/* Runs a task to its end; `control_fd` (owned) is the first control connection. Returns the exit status for
 * _exit: 0 when the task started and its exit record was written, 1 when it could not start. */
int supervisor_run(struct container_host *host, Diego__Supervisor__TaskSpec *spec, int control_fd);

#endif
