/* One task's cgroup v2 directory: limits, kill, freeze, memory events. The directory itself belongs to Nomad;
 * nothing here creates or removes it (tests and the command line do that themselves). */
#ifndef DIEGO_SYS_CGROUP_H
#define DIEGO_SYS_CGROUP_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/supervisor.pb-c.h"
#include "runtime/base/buffer.h"
#include "runtime/base/error.h"

/* Opens a cgroup directory. -ENOTSUP when the path is not on cgroup2, -ENOENT when there is none. */
int cgroup_open(const char *path, struct error *error);

/* One file of a cgroup, "memory.max". -ENOENT, with an error set, when there is none (its controller is
 * missing). */
int cgroup_write_file(int cgroup_fd, const char *name, const char *value, struct error *error);
int cgroup_read_file(int cgroup_fd, const char *name, struct buffer *contents, struct error *error);

/* Writes every limit of `limits`. A limit whose controller is missing is an error when required_controllers
 * names it; otherwise the controller's name ("memory", "cpu", ...) is added to `missing`, comma separated.
 * cgroup_fd -1 is a task without a cgroup: everything is missing. */
int cgroup_apply_limits(int cgroup_fd, const Diego__Supervisor__Cgroup *limits, struct buffer *missing,
                        struct error *error);

/* SIGKILL to every process in it and below, at once (cgroup.kill). They are gone when it is no longer
 * populated. */
int cgroup_kill(int cgroup_fd, struct error *error);

/* Whether any process is left in it or below (cgroup.events). */
int cgroup_is_populated(int cgroup_fd, bool *ret, struct error *error);

/* Removes cgroups that the task made below this one, however deep. -EBUSY when a process is left in one. */
int cgroup_remove_children(int cgroup_fd, struct error *error);

/* Number of OOM kills in this very cgroup (memory.events.local), 0 without the memory controller. */
int cgroup_oom_kills(int cgroup_fd, uint64_t *ret, struct error *error);

/* memory.peak in bytes, 0 where the kernel has none. */
uint64_t cgroup_memory_peak(int cgroup_fd);

/* Controllers of a mounted hierarchy ("cpuset cpu io memory pids"); *ret is the caller's. -ENOTSUP when the
 * path is not on cgroup2. */
int cgroup_controllers(const char *path, char **ret, struct error *error);

#endif
