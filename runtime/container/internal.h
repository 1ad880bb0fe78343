/* What the files of runtime/container share; nobody else includes it. */
#ifndef DIEGO_CONTAINER_INTERNAL_H
#define DIEGO_CONTAINER_INTERNAL_H

#include "runtime/base/clock.h"
#include "runtime/container/container.h"
#include "runtime/sys/seccomp.h"

/* Paths in the nursery, the private mount namespace that containers are cloned from. */
#define NURSERY_STATE "/state"   /* the plugin's state_dir */
#define NURSERY_LAYERS "/layers" /* one clone of every rootfs in use */
#define NURSERY_ROOT "/root"     /* where a container's root is attached, in the container's own namespace */
#define NURSERY_NULL "/null"     /* hides a file */
#define NURSERY_EMPTY "/empty"   /* hides a directory */

struct container_host {
    int host_namespace;    /* the mount namespace that Nomad mounts in */
    int host_root;         /* our root directory in it, since setns would leave a chroot */
    int nursery_namespace; /* the nursery */
    int layers_fd;         /* its NURSERY_LAYERS */
    int user_namespace;    /* the containers' id mapping */
    uint32_t first_id;
    uint32_t id_count;
    char *state_dir;
    struct seccomp_filter *seccomp; /* for the default capabilities */
    int device_program;             /* without devices of its own; -1 where the kernel has no such programs */
};

/* Moves this process between the two mount namespaces. */
int container_host_enter_nursery(const struct container_host *host, struct error *error);
int container_host_leave_nursery(const struct container_host *host, struct error *error);

/* Makes the nursery and leaves this process where it was. */
int nursery_create(const char *state_dir, int *ret_namespace, int *ret_layers_fd, struct error *error);

enum { CONTAINER_TIMINGS = 4 };

struct container {
    const struct container_host *host;
    const Diego__Supervisor__TaskSpec *spec;
    uint64_t capabilities;
    struct seccomp_filter *seccomp; /* of this container alone; NULL: the host's, or none */
    int cgroup_fd;
    int device_program; /* attached to the cgroup; -1: none */
    bool owns_device_program;
    pid_t init_pid; /* 0 before */
    int init_pidfd;
    int root_fd;
    int null_fd;                /* the container's own /dev/null */
    bool entered_pid_namespace; /* children of this process are in the container's */
    struct container_timing timings[CONTAINER_TIMINGS];
    size_t timing_count;
    int64_t last_timing_ns;
};

static inline bool container_has_user_namespace(const struct container *container) {
    return !container->spec->namespaces->host_user;
}

/* The host's id of an id in the container. */
static inline uint32_t container_host_id(const struct container *container, uint32_t id) {
    return container_has_user_namespace(container) ? container->host->first_id + id : id;
}

/* A source of the host as a detached mount, on its way into the container. */
struct plan_mount {
    const Diego__Supervisor__Mount *mount;
    int fd; /* -1: a tmpfs, made inside */
    bool is_directory;
};

/* One of the files that the runtime writes into /etc. */
enum plan_file { PLAN_HOSTS, PLAN_HOSTNAME, PLAN_RESOLV_CONF, PLAN_FILES };

/* All that pid 1 needs, made before it exists by a process that may do more. */
struct plan {
    struct container *container;
    char layer_name[64]; /* below NURSERY_LAYERS */
    int layer_clone;     /* to attach there; -1: it is there already */
    int root_mount;      /* the overlay */
    int dev_mount;
    int sysfs_mount;
    struct plan_mount *mounts;
    size_t mount_count;
    struct buffer files[PLAN_FILES];
};

/* layer.c: the rootfs, kept in the nursery as one clone for all tasks, and the overlay above it. The first
 * runs in the host's namespace, the second in the nursery. */
int plan_open_layer(struct plan *plan, const char *lower_dir, struct error *error);
int plan_make_overlay(struct plan *plan, struct error *error);

/* sources.c: everything the task sees of the host, opened in the host's namespace */
int plan_open_mounts(struct plan *plan, struct error *error);

/* devices.c */
int plan_make_dev(struct plan *plan, struct error *error);
int container_attach_devices(struct container *container, struct buffer *missing, struct error *error);

/* network.c: enters the task's network namespace for good, and makes its sysfs */
int plan_enter_network(struct plan *plan, struct error *error);

/* files.c: after the network was entered */
int plan_write_files(struct plan *plan, struct error *error);

/* init.c: pid 1. `parent_fd` tells it to begin and gets its report. */
_Noreturn void container_init_run(const struct plan *plan, int parent_fd);
/* A message from pid 1: code 0 with the root directory, or what went wrong. */
int container_init_receive_report(int init_fd, int *ret_root_fd, struct error *error);

/* mounts.c: everything below the root, from within */
int container_mount_all(const struct plan *plan, int root_fd, struct error *error);

/* sysctl.c: those of the network namespace are written before pid 1 exists, the others by it. */
enum sysctl_place { SYSCTL_NETWORK, SYSCTL_CONTAINER };
int container_write_sysctls(const Diego__Supervisor__TaskSpec *spec, enum sysctl_place place, int proc_fd,
                            struct error *error);

#endif
