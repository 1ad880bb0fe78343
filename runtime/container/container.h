/* Containers: namespaces, mounts and limits around processes; no images, no actions, no protocol.
 *
 * A container is its pid 1, a small init that does nothing but reap. Processes are started beside it, as
 * children of the caller (the supervisor), straight into the container's cgroup and namespaces. When pid 1
 * dies the kernel kills them all; pid 1 dies with the process that created it.
 *
 * The caller is single-threaded. */
#ifndef DIEGO_CONTAINER_CONTAINER_H
#define DIEGO_CONTAINER_CONTAINER_H

#include <sys/types.h>

#include "proto/supervisor.pb-c.h"
#include "runtime/base/buffer.h"
#include "runtime/base/error.h"
#include "runtime/sys/process.h"

/* What every container of this host shares; made once by the spawner, inherited by supervisors through fork:
 * the host's mount namespace, a private one with a handful of mounts from which containers are cloned, the id
 * mapping, the compiled seccomp filter and the device program. */
struct container_host;

int container_host_create(const Diego__Supervisor__Prepare *config, struct container_host **ret,
                          struct error *error);
void container_host_destroy(struct container_host *host); /* accepts NULL */

struct container;

/* What one part of a start cost. */
struct container_timing {
    const char *name; /* "rootfs", "namespaces", "mounts" */
    int64_t duration_ns;
};

/* Creates pid 1 with everything that `spec` says; no process of the task runs yet. `lower_dir` is the
 * unpacked rootfs on the host. On failure nothing is left. Limits that this host cannot enforce are named in
 * `missing` (see cgroup_apply_limits). What still runs in the scope cgroup from an earlier attempt is killed
 * first. */
int container_create(struct container_host *host, const Diego__Supervisor__TaskSpec *spec,
                     const char *lower_dir, struct container **ret, struct buffer *missing,
                     struct error *error);

/* One process to start in a container. */
struct container_process {
    const char *path;        /* looked up in PATH of env when it has no slash */
    const char *const *args; /* argv[1...], NULL-terminated */
    char *const *env; /* "NAME=value", NULL-terminated; PATH, USER and HOME are filled in where missing */
    const char *user; /* NULL or "": root */
    const char *dir;  /* NULL or "": the user's home; made (0755, the user's) when missing */
    uint64_t nofile;  /* RLIMIT_NOFILE soft = hard; 0: the spec's default */
    int stdio[3]; /* stdin, stdout, stderr; -1: /dev/null. Borrowed. Given to the user (fchown) when pipes */
    int terminal; /* slave of a pty of this container for all three and as controlling terminal; -1: none */
};

struct container_child {
    pid_t pid;
    int pidfd; /* readable when it ended; reap with process_reap */
};

/* Starts a process and returns after its exec: a missing program, an unknown user, a directory that cannot be
 * entered are errors here, and nothing is left of it then. */
int container_spawn(struct container *container, const struct container_process *process,
                    struct container_child *ret, struct error *error);

/* Opens a pty of the container's devpts. */
int container_open_terminal(struct container *container, int *ret_master, int *ret_slave,
                            struct error *error);

/* SIGKILL to pid 1 and so to everything in the container, and to everything in its cgroup. Does not wait. */
void container_kill(struct container *container);

/* Readable when pid 1 ended; by then all of the container's processes have. Borrowed. */
int container_init_pidfd(const struct container *container);
pid_t container_init_pid(const struct container *container);

/* The scope cgroup, or -1 without one. Borrowed. */
int container_cgroup_fd(const struct container *container);
/* The container's root directory, O_PATH. Borrowed. */
int container_root_fd(const struct container *container);

size_t container_timings(const struct container *container, const struct container_timing **ret);

/* Kills what is left, reaps every child of this process, detaches the device program, frees. Files stay.
 * Accepts NULL. */
void container_destroy(struct container *container);

#endif
