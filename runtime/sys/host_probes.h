/* The probes behind host_features.h, one function each. */
#ifndef DIEGO_SYS_HOST_PROBES_H
#define DIEGO_SYS_HOST_PROBES_H

#include <stdbool.h>

#include "runtime/base/error.h"

/* Made once and used by several probes. */
struct host_probe_context {
    int user_namespace_fd;        /* -1 when there are none */
    struct error user_namespace_error; /* then why */
};

/* Sets *ret_detail (the caller's; NULL when memory was short) and tells whether the feature is there. */
typedef bool host_probe_fn(const struct host_probe_context *context, char **ret_detail);

host_probe_fn host_probe_kernel;
host_probe_fn host_probe_privileges;
host_probe_fn host_probe_cgroup_v2;
host_probe_fn host_probe_clone_into_cgroup;
host_probe_fn host_probe_cgroup_kill;
host_probe_fn host_probe_memory_peak;
host_probe_fn host_probe_pressure;
host_probe_fn host_probe_device_program;
host_probe_fn host_probe_user_namespaces;
host_probe_fn host_probe_overlayfs;
host_probe_fn host_probe_mount_api;
host_probe_fn host_probe_idmapped_mounts;
host_probe_fn host_probe_idmapped_tmpfs;
host_probe_fn host_probe_openat2;
host_probe_fn host_probe_pidfd;
host_probe_fn host_probe_seccomp;
host_probe_fn host_probe_criu;

#endif
