/* The config block of a job's task together with its `definition`, decoded and checked by itself: nothing
 * here knows the plugin's configuration or what Nomad granted (task_spec.h). */
#ifndef DIEGO_CONFIG_TASK_CONFIG_H
#define DIEGO_CONFIG_TASK_CONFIG_H

#include "proto/supervisor.pb-c.h"
#include "runtime/base/error.h"

struct task_isolation {
    size_t n_cap_add;
    char **cap_add;
    size_t n_cap_drop;
    char **cap_drop;
    bool no_new_privileges;
    bool readonly_rootfs;
    char *seccomp;        /* "default" or "unconfined" */
    char *user_namespace; /* "auto" or "host" */
    char *hostname;       /* NULL: from the task's id */
    size_t n_extra_hosts;
    char **extra_hosts; /* "name:address" */
    size_t n_sysctl;
    Diego__Supervisor__Variable **sysctl;
    int64_t shm_size_mb; /* 0: the runtime's default */
    size_t n_ulimit;
    Diego__Supervisor__Variable **ulimit; /* "nofile" → "soft[:hard]" */
};

struct task_mount {
    char *type;   /* "bind" or "tmpfs" */
    char *source; /* NULL for tmpfs */
    char *target;
    bool readonly;
    int64_t size_mb;   /* 0: not given */
    char *propagation; /* "private", "host-to-task" or "bidirectional"; NULL: not given */
};

struct task_device {
    char *host_path;
    char *container_path; /* NULL: as host_path */
    char *permissions;    /* subset of "rwm" */
};

struct task_memory {
    int64_t high_mb; /* 0: none */
    int64_t swap_mb;
    bool oom_group;
};

/* All owned. A string is NULL when neither the block nor the definition set it and it has no default. */
struct task_config {
    char *lifecycle; /* "task" or "lrp", decided */
    char *rootfs;    /* has a URL scheme */
    char *command;
    size_t n_args;
    char **args;
    char *user; /* of the short form only */
    char *dir;
    Diego__Supervisor__Action *action; /* NULL when `command` is set */
    size_t n_env;
    Diego__Supervisor__Variable **env; /* checked, in order, later wins */
    bool privileged;
    int64_t memory_mb;  /* 0: what Nomad granted */
    int64_t cpu_weight; /* Diego's weight; 0: the plugin's default */
    int64_t max_pids;   /* 0: the plugin's default */
    char *log_source;
    char *log_format; /* "lines" or "raw" */
    struct task_isolation isolation;
    size_t n_mount;
    struct task_mount *mount;
    size_t n_device;
    struct task_device *device;
    struct task_memory memory;

    /* Fields of the definition that only a scheduler uses, carried as they are: name → text, or JSON text. */
    size_t n_labels;
    Diego__Supervisor__Variable **labels;
};

/* Decodes msgpack as Nomad encodes it. -EINVAL names the path of the fault ("action.run.pth: unknown field")
 * or has Diego's words for a definition that Diego itself refuses ("Invalid field: rootfs, Invalid field:
 * user"). */
int task_config_decode(const void *msgpack, size_t size, struct task_config **ret, struct error *error);

void task_config_destroy(struct task_config *config); /* accepts NULL */

#endif
