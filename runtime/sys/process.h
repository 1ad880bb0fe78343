/* Processes: clone3 into a cgroup, pidfds, who a pid is. */
#ifndef DIEGO_SYS_PROCESS_H
#define DIEGO_SYS_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "runtime/base/error.h"

/* fork with namespace flags (CLONE_NEW*), straight into a cgroup when cgroup_fd >= 0; *ret_pidfd is the
 * child's (close-on-exec). Returns the pid, 0 in the child, or a negative errno. */
pid_t process_clone(uint64_t namespace_flags, int cgroup_fd, int *ret_pidfd);

/* Sends a signal; a process that is gone is success. */
int process_signal(int pidfd, int number);

struct process_exit {
    int exit_code; /* 128 + signal when killed */
    int signal;    /* 0 unless killed */
};

/* Reaps a child whose pidfd is readable: 1 and *ret when it ended, 0 when it still runs. */
int process_reap(int pidfd, struct process_exit *ret, struct error *error);

/* What tells one process from a later one with the same pid. */
struct process_identity {
    pid_t pid;
    uint64_t start_time; /* /proc/PID/stat field 22 */
    char boot_id[40];
};

int process_identify(pid_t pid, struct process_identity *ret, struct error *error);

/* A pidfd of the very same process, or -ESRCH when it is gone (or another has its pid, or the machine
 * booted). */
int process_open(const struct process_identity *identity, struct error *error);

/* SIGHUP, sighup, HUP or 1 to its number, SIGNULL or 0 to 0; -EINVAL when unknown. */
int process_signal_number(const char *name);
const char *process_signal_name(int number); /* "SIGTERM"; NULL when unknown */

#endif
