#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>

#include "runtime/base/fd.h"
#include "runtime/container/internal.h"
#include "runtime/sys/mount.h"
#include "runtime/sys/path.h"

static int enter_namespace(const char *path, struct error *error) {
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set_errno(error, errno, "cannot open network namespace %s", path);
    if (ioctl(fd, NS_GET_NSTYPE) != CLONE_NEWNET)
        return error_set(error, EINVAL, "%s is not a network namespace", path);
    if (setns(fd, CLONE_NEWNET) < 0)
        return error_set_errno(error, errno, "cannot enter network namespace %s", path);
    return 0;
}

/* The namespace is not the container's own, so its root has no CAP_NET_BIND_SERVICE there; where this cannot
 * be written (a read-only /proc), tasks do without ports below 1024. */
static void open_low_ports(int proc_fd) {
    _cleanup_close_ int fd =
        path_open(proc_fd, "sys/net/ipv4/ip_unprivileged_port_start", O_WRONLY, 0, PATH_NO_LINKS, NULL);
    if (fd >= 0)
        fd_write_all(fd, "0", 1);
}

int plan_enter_network(struct plan *plan, struct error *error) {
    const Diego__Supervisor__TaskSpec *spec = plan->container->spec;
    _cleanup_close_ int proc = path_open_host_directory("/proc", error);
    int r = proc;
    if (r >= 0 && spec->namespaces->network_path[0] != '\0') {
        r = enter_namespace(spec->namespaces->network_path, error);
        if (r >= 0)
            open_low_ports(proc);
    }
    if (r >= 0)
        r = container_write_sysctls(spec, SYSCTL_NETWORK, proc, error);
    if (r < 0)
        return r;
    /* A user namespace may not mount the sysfs of a network namespace that it does not own. */
    uint64_t attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
    plan->sysfs_mount = mount_create(
        "sysfs", NULL, 0, spec->security->privileged ? attributes : attributes | MOUNT_ATTR_RDONLY, error);
    return plan->sysfs_mount < 0 ? plan->sysfs_mount : 0;
}
