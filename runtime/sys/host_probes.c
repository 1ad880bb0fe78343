#include "runtime/sys/host_probes.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "runtime/base/fd.h"
#include "runtime/sys/capability.h"
#include "runtime/sys/cgroup.h"
#include "runtime/sys/device_program.h"

/* ---- answers ---- */

static bool _printf_(3, 4) answer(char **ret_detail, bool present, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(ret_detail, format, arguments) < 0)
        *ret_detail = NULL;
    va_end(arguments);
    return present;
}

static bool answer_yes(char **ret_detail) {
    return answer(ret_detail, true, "yes");
}

static bool answer_errno(char **ret_detail, const char *call, int code) {
    char reason[128];
    return answer(ret_detail, false, "%s: %s", call, strerror_r(code, reason, sizeof reason));
}

static bool answer_error(char **ret_detail, const struct error *error) {
    *ret_detail = error_format(error);
    return false;
}

/* ---- the kernel and our rights ---- */

enum { KERNEL_MAJOR = 6, KERNEL_MINOR = 1 };

bool host_probe_kernel(const struct host_probe_context *context, char **ret_detail) {
    (void)context;
    struct utsname name;
    uname(&name);
    char *end;
    unsigned long major = strtoul(name.release, &end, 10);
    unsigned long minor = *end == '.' ? strtoul(end + 1, NULL, 10) : 0;
    bool recent = major > KERNEL_MAJOR || (major == KERNEL_MAJOR && minor >= KERNEL_MINOR);
    return answer(ret_detail, recent, "%s", name.release);
}

/* CAP_SYS_RESOURCE is of use (ulimits above the agent's own) but not needed. */
static const unsigned needed_capabilities[] = {
    CAP_CHOWN,  CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_KILL,      CAP_MKNOD,
    CAP_SETGID, CAP_SETPCAP,      CAP_SETUID, CAP_SYS_ADMIN, CAP_SYS_CHROOT,
};

bool host_probe_privileges(const struct host_probe_context *context, char **ret_detail) {
    (void)context;
    uint64_t permitted;
    int r = capability_get_permitted(&permitted);
    if (r < 0)
        return answer_errno(ret_detail, "capget", -r);
    if (geteuid() != 0)
        return answer(ret_detail, false, "running as uid %d", (int)geteuid());
    for (size_t i = 0; i < ARRAY_SIZE(needed_capabilities); i++)
        if ((permitted & CAPABILITY_BIT(needed_capabilities[i])) == 0)
            return answer(ret_detail, false, "root without %s", capability_name(needed_capabilities[i]));
    return answer(ret_detail, true, "root");
}
