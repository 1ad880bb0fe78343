#include "runtime/sys/host_features.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#include "runtime/base/fd.h"
#include "runtime/sys/capability.h"
#include "runtime/sys/cgroup.h"
#include "runtime/sys/device_program.h"
#include "runtime/sys/mount.h"
#include "runtime/sys/path.h"
#include "runtime/sys/user_namespace.h"

/* A range of ids like any other: nothing is owned by them while a probe runs. */
enum { PROBE_FIRST_ID = 1879048192, PROBE_ID_COUNT = 65536 };

/* --- answers: whether the feature is there, and why (not) --- */

static bool _printf_(3, 4) answer(char **ret_detail, bool present, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(ret_detail, format, arguments) < 0)
        *ret_detail = NULL;
    va_end(arguments);
    return present;
}

static bool answer_errno(char **ret_detail, const char *call, int code) {
    char reason[128];
    return answer(ret_detail, false, "%s: %s", call, strerror_r(code, reason, sizeof reason));
}

static bool answer_result(char **ret_detail, int r, const struct error *error) {
    if (r >= 0)
        return answer(ret_detail, true, "yes");
    *ret_detail = error_format(error);
    return false;
}

/* --- probes --- */

enum { KERNEL_MAJOR = 6, KERNEL_MINOR = 1 };

static bool probe_kernel(char **ret_detail) {
    struct utsname name;
    uname(&name);
    char *end;
    unsigned long major = strtoul(name.release, &end, 10);
    unsigned long minor = *end == '.' ? strtoul(end + 1, NULL, 10) : 0;
    bool recent = major > KERNEL_MAJOR || (major == KERNEL_MAJOR && minor >= KERNEL_MINOR);
    return answer(ret_detail, recent, "%s", name.release);
}

/* CAP_SYS_RESOURCE is of use (ulimits above the agent's own) but not needed. */
static const unsigned NEEDED_CAPABILITIES[] = {
    CAP_CHOWN,  CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_KILL,      CAP_MKNOD,
    CAP_SETGID, CAP_SETPCAP,      CAP_SETUID, CAP_SYS_ADMIN, CAP_SYS_CHROOT,
};

static bool probe_privileges(char **ret_detail) {
    uint64_t permitted;
    int r = capability_get_permitted(&permitted);
    if (r < 0)
        return answer_errno(ret_detail, "capget", -r);
    if (geteuid() != 0)
        return answer(ret_detail, false, "running as uid %u", geteuid());
    for (size_t i = 0; i < ARRAY_SIZE(NEEDED_CAPABILITIES); i++)
        if ((permitted & CAPABILITY_BIT(NEEDED_CAPABILITIES[i])) == 0)
            return answer(ret_detail, false, "root without %s", capability_name(NEEDED_CAPABILITIES[i]));
    return answer(ret_detail, true, "root");
}

static bool probe_cgroup_v2(char **ret_detail) {
    _cleanup_error_ struct error error = ERROR_INIT;
    _cleanup_free_ char *controllers = NULL;
    if (cgroup_controllers("/sys/fs/cgroup", &controllers, &error) < 0)
        return answer_result(ret_detail, -1, &error);
    return answer(ret_detail, true, "%s", controllers);
}

static bool probe_pressure(char **ret_detail) {
    bool present = access("/proc/pressure/memory", R_OK) == 0;
    return answer(ret_detail, present, present ? "yes" : "/proc/pressure is missing");
}

static bool probe_device_program(char **ret_detail) {
    _cleanup_error_ struct error error = ERROR_INIT;
    _cleanup_close_ int fd = -1;
    return answer_result(ret_detail, device_program_load(NULL, 0, &fd, &error), &error);
}

static bool probe_user_namespaces(char **ret_detail) {
    _cleanup_error_ struct error error = ERROR_INIT;
    _cleanup_close_ int fd = -1;
    return answer_result(ret_detail, user_namespace_create(PROBE_FIRST_ID, PROBE_ID_COUNT, &fd, &error),
                         &error);
}

static bool probe_overlayfs(char **ret_detail) {
    _cleanup_close_ int fd = fsopen("overlay", FSOPEN_CLOEXEC);
    return fd >= 0 ? answer(ret_detail, true, "yes") : answer_errno(ret_detail, "fsopen", errno);
}

/* On the file system that state_dir is on by default. */
static bool probe_idmapped_mounts(char **ret_detail) {
    _cleanup_error_ struct error error = ERROR_INIT;
    _cleanup_close_ int user_namespace = -1;
    int r = user_namespace_create(PROBE_FIRST_ID, PROBE_ID_COUNT, &user_namespace, &error);
    _cleanup_close_ int directory = r < 0 ? -1 : path_open_host_directory("/var/lib", &error);
    _cleanup_close_ int clone = directory < 0 ? -1 : mount_clone(directory, false, &error);
    if (clone < 0)
        return answer_result(ret_detail, -1, &error);
    r = mount_set_idmap(clone, user_namespace);
    return r < 0 ? answer_errno(ret_detail, "/var/lib: mount_setattr", -r) : answer(ret_detail, true, "yes");
}

static bool probe_seccomp(char **ret_detail) {
    uint32_t action = SECCOMP_RET_ERRNO;
    bool present = syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
    return present ? answer(ret_detail, true, "yes") : answer_errno(ret_detail, "seccomp", errno);
}

static const struct {
    const char *name;
    const char *remedy;
    bool required;
    bool (*probe)(char **ret_detail);
} PROBES[] = {
    {"kernel", "boot Linux 6.1 or later, as Debian 12 has", true, probe_kernel},
    {"privileges", "run the Nomad agent as root, without CapabilityBoundingSet= in its service", true,
     probe_privileges},
    {"user_namespaces", "raise the sysctl user.max_user_namespaces, and boot a kernel with CONFIG_USER_NS",
     true, probe_user_namespaces},
    {"overlayfs", "load the overlay module: modprobe overlay", true, probe_overlayfs},
    {"idmapped_mounts", "keep state_dir and root file systems on ext4, xfs or btrfs", true,
     probe_idmapped_mounts},
    {"seccomp", "boot a kernel with CONFIG_SECCOMP_FILTER", true, probe_seccomp},
    {"cgroup_v2", "boot with systemd.unified_cgroup_hierarchy=1; without it limits are not enforced", false,
     probe_cgroup_v2},
    {"device_program",
     "boot a kernel with CONFIG_CGROUP_BPF; without it only user namespaces keep tasks from devices", false,
     probe_device_program},
    {"pressure", "boot with psi=1; without it no pressure is reported", false, probe_pressure},
};

int host_features_probe(struct host_feature **ret, size_t *ret_count, struct error *error) {
    struct host_feature *features = calloc(ARRAY_SIZE(PROBES), sizeof *features);
    if (features == NULL)
        return error_set_no_memory(error);
    for (size_t i = 0; i < ARRAY_SIZE(PROBES); i++) {
        features[i] = (struct host_feature){
            .name = PROBES[i].name,
            .remedy = PROBES[i].remedy,
            .required = PROBES[i].required,
        };
        features[i].present = PROBES[i].probe(&features[i].detail);
        if (features[i].detail == NULL) {
            host_features_free(features, i);
            return error_set_no_memory(error);
        }
    }
    *ret = features;
    *ret_count = ARRAY_SIZE(PROBES);
    return 0;
}

void host_features_free(struct host_feature *features, size_t count) {
    for (size_t i = 0; features != NULL && i < count; i++)
        free(features[i].detail);
    free(features);
}
