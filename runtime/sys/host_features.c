#include "runtime/sys/host_features.h"

#include <string.h>

#include "runtime/base/fd.h"
#include "runtime/sys/host_probes.h"
#include "runtime/sys/user_namespace.h"

static const struct {
    const char *name;
    const char *remedy;
    bool required;
    host_probe_fn *probe;
} probes[] = {
    {"kernel", "boot Linux 6.1 or later, as Debian 12 has", true, host_probe_kernel},
    {"privileges", "run the Nomad agent as root, without CapabilityBoundingSet= in its service", true,
     host_probe_privileges},
    {"cgroup_v2",
     "boot with systemd.unified_cgroup_hierarchy=1 and enable the cpuset, cpu, io, memory and pids controllers; "
     "without them limits are not enforced",
     false, host_probe_cgroup_v2},
    {"clone_into_cgroup", "boot Linux 5.7 or later, and do not filter clone3", true, host_probe_clone_into_cgroup},
    {"cgroup_kill", "boot Linux 5.14 or later; until then processes are killed one by one", false,
     host_probe_cgroup_kill},
    {"memory_peak", "boot Linux 5.19 or later with the memory controller in cgroup v2; until then no peak is reported",
     false, host_probe_memory_peak},
    {"pressure", "boot with psi=1; until then no pressure is reported", false, host_probe_pressure},
    {"device_program",
     "boot a kernel with CONFIG_CGROUP_BPF, and let the agent use bpf(2); without it device access is not limited "
     "by cgroup",
     false, host_probe_device_program},
    {"user_namespaces", "raise the sysctl user.max_user_namespaces, and boot a kernel with CONFIG_USER_NS", true,
     host_probe_user_namespaces},
    {"overlayfs", "load the overlay module: modprobe overlay", true, host_probe_overlayfs},
    {"mount_api", "boot Linux 5.12 or later, and do not filter its mount system calls", true, host_probe_mount_api},
    {"idmapped_mounts", "keep /var/lib on ext4, xfs or btrfs, and boot Linux 5.12 or later", true,
     host_probe_idmapped_mounts},
    {"idmapped_tmpfs", "boot Linux 6.3 or later; until then state_dir must not be on tmpfs", false,
     host_probe_idmapped_tmpfs},
    {"openat2", "boot Linux 5.6 or later, and do not filter openat2", true, host_probe_openat2},
    {"pidfd", "boot Linux 5.4 or later, and do not filter pidfd_open", true, host_probe_pidfd},
    {"seccomp", "boot a kernel with CONFIG_SECCOMP_FILTER", true, host_probe_seccomp},
    {"criu", "install criu 3.17.1 or later; without it there are no snapshots", false, host_probe_criu},
};

int host_features_probe(struct host_feature **ret, size_t *ret_count, struct error *error) {
    struct host_feature *features = calloc(ARRAY_SIZE(probes), sizeof *features);
    if (features == NULL)
        return error_set_no_memory(error);
    struct host_probe_context context = {.user_namespace_fd = -1, .user_namespace_error = ERROR_INIT};
    user_namespace_create(HOST_PROBE_FIRST_ID, HOST_PROBE_ID_COUNT, &context.user_namespace_fd,
                          &context.user_namespace_error);
    bool complete = true;
    for (size_t i = 0; i < ARRAY_SIZE(probes); i++) {
        features[i] = (struct host_feature){
            .name = probes[i].name,
            .remedy = probes[i].remedy,
            .required = probes[i].required,
        };
        features[i].present = probes[i].probe(&context, &features[i].detail);
        complete &= features[i].detail != NULL;
    }
    fd_close(context.user_namespace_fd);
    error_clear(&context.user_namespace_error);
    if (!complete) {
        host_features_free(features, ARRAY_SIZE(probes));
        return error_set_no_memory(error);
    }
    *ret = features;
    *ret_count = ARRAY_SIZE(probes);
    return 0;
}

void host_features_free(struct host_feature *features, size_t count) {
    for (size_t i = 0; features != NULL && i < count; i++)
        free(features[i].detail);
    free(features);
}

const struct host_feature *host_features_find(const struct host_feature *features, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(features[i].name, name) == 0)
            return &features[i];
    return NULL;
}
