#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "runtime/base/fd.h"
#include "runtime/container/internal.h"
#include "runtime/sys/capability.h"
#include "runtime/sys/message.h"
#include "runtime/sys/mount.h"
#include "runtime/sys/path.h"

/* --- the report: four bytes of code, then a text; with code 0 the root directory's descriptor --- */

static int send_report(int parent_fd, const struct error *error, int root_fd) {
    _cleanup_buffer_ struct buffer report = BUFFER_INIT;
    int32_t code = error->code;
    buffer_append(&report, &code, sizeof code);
    if (code != 0) {
        _cleanup_free_ char *text = error_format(error);
        buffer_append_string(&report, text != NULL ? text : "out of memory");
    }
    if (report.failed)
        return -ENOMEM;
    return message_send(parent_fd, report.data, report.size, &root_fd, code == 0 ? 1 : 0, NULL);
}

int container_init_receive_report(int init_fd, int *ret_root_fd, struct error *error) {
    _cleanup_buffer_ struct buffer report = BUFFER_INIT;
    int fds[MESSAGE_MAX_FDS];
    size_t count = 0;
    int got = message_receive(init_fd, &report, fds, &count, error);
    if (got < 0)
        return got;
    int32_t code = 0;
    if (got == 0 || report.size < sizeof code)
        return error_set(
            error, ECHILD,
            "the container's first process was killed while it was being set up (out of memory?)");
    memcpy(&code, report.data, sizeof code);
    if (code != 0)
        return error_set(error, code, "%s", report.data + sizeof code);
    if (count != 1)
        return error_set(error, EPROTO, "the container's first process sent %zu descriptors, not 1", count);
    *ret_root_fd = fds[0];
    return 0;
}

/* --- setting up, from within --- */

static int become_container_root(const struct plan *plan, struct error *error) {
    if (container_has_user_namespace(plan->container) &&
        (setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0))
        return error_set_errno(error, errno, "cannot become root of the container");
    /* Only here, since clone3 would have taken the parent's cgroup as the namespace's root. */
    if (unshare(CLONE_NEWCGROUP) < 0)
        return error_set_errno(error, errno, "cannot make a cgroup namespace");
    const char *hostname = plan->container->spec->namespaces->hostname;
    if (sethostname(hostname, strlen(hostname)) < 0)
        return error_set_errno(error, errno, "cannot set the host name to \"%s\"", hostname);
    return 0;
}

static int attach_root(const struct plan *plan, struct error *error) {
    if (move_mount(plan->root_mount, "", AT_FDCWD, NURSERY_ROOT, MOVE_MOUNT_F_EMPTY_PATH) < 0)
        return error_set_errno(error, errno, "cannot attach the container's root");
    return path_open_host_directory(NURSERY_ROOT, error);
}

static int change_root(const struct plan *plan, int root_fd, struct error *error) {
    if (plan->container->spec->rootfs->readonly) {
        int r = mount_set_attributes(root_fd, MOUNT_ATTR_RDONLY, false);
        if (r < 0)
            return error_set_errno(error, -r, "cannot make the rootfs read-only");
    }
    if (fchdir(root_fd) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 ||
        chdir("/") < 0)
        return error_set_errno(error, errno, "cannot change into the container's root");
    return 0;
}

static int set_up(const struct plan *plan, int *ret_root_fd, struct error *error) {
    int r = become_container_root(plan, error);
    _cleanup_close_ int root = r < 0 ? -1 : attach_root(plan, error);
    if (r < 0 || root < 0)
        return r < 0 ? r : root;
    umask(0);
    r = container_mount_all(plan, root, error);
    umask(022);
    if (r >= 0)
        r = change_root(plan, root, error);
    if (r >= 0)
        *ret_root_fd = TAKE_FD(root);
    return r;
}

/* Orphans are reaped by the kernel, since SIGCHLD is ignored. */
_Noreturn static void park(void) {
    capability_limit_bounding(0);
    capability_set_effective(0);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    prctl(PR_SET_NAME, "diego-init");
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_IGN);
    close_range(0, ~0U, 0);
    for (;;)
        pause();
}

static void die_with_parent(void) {
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
}

_Noreturn void container_init_run(const struct plan *plan, int parent_fd) {
    die_with_parent();
    setsid();
    char begin;
    if (read(parent_fd, &begin, sizeof begin) != sizeof begin)
        _exit(1); /* the parent is gone, or gave up */
    _cleanup_error_ struct error error = ERROR_INIT;
    int root_fd = -1;
    int r = set_up(plan, &root_fd, &error);
    die_with_parent(); /* a change of ids has cleared it; the send fails when it came too late */
    if (send_report(parent_fd, &error, root_fd) < 0 || r < 0)
        _exit(1);
    park();
}
