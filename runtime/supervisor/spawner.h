/* The spawner: a small single-threaded process, forked before gRPC starts, that forks a supervisor per task.
 *
 * It has its standard descriptors on /dev/null, does nothing until prepared, and ends when the plugin does;
 * supervisors go on. */
#ifndef DIEGO_SUPERVISOR_SPAWNER_H
#define DIEGO_SUPERVISOR_SPAWNER_H

#include <sys/types.h>

#include "proto/supervisor.pb-c.h"
#include "runtime/base/error.h"

struct spawner {
    pid_t pid;
    int fd; /* readable at end of file when the spawner died */
};

/* Forks it. The caller has no threads yet. */
int spawner_start(struct spawner *ret, struct error *error);

/* One-way messages; thread-safe. */
int spawner_prepare(const struct spawner *spawner, const Diego__Supervisor__Prepare *config,
                    struct error *error);
int spawner_remove(const struct spawner *spawner, char *const *paths, size_t count, struct error *error);

/* Starts a supervisor for a task. *ret_control is this side's end of its first control connection
 * (non-blocking), on which Started or StartFailed arrives. */
int spawner_spawn(const struct spawner *spawner, const Diego__Supervisor__TaskSpec *spec, int *ret_control,
                  struct error *error);

/* Closes the connection and reaps the spawner. */
void spawner_stop(struct spawner *spawner);

#endif
