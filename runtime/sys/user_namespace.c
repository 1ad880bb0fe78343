#include "runtime/sys/user_namespace.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/base/fd.h"
#include "runtime/sys/path.h"
#include "runtime/sys/process.h"

static int open_process_directory(pid_t pid, struct error *error) {
    char path[32];
    snprintf(path, sizeof path, "/proc/%d", pid);
    return path_open_host_directory(path, error);
}

static int write_map(int process_fd, const char *name, const char *map, struct error *error) {
    _cleanup_close_ int fd = path_open(process_fd, name, O_WRONLY, 0, PATH_NO_LINKS, error);
    if (fd < 0)
        return fd;
    int r = fd_write_all(fd, map, strlen(map));
    return r < 0 ? error_set_errno(error, -r, "cannot write \"%s\" to %s", map, name) : 0;
}

int user_namespace_map(pid_t pid, uint32_t first_id, uint32_t count, struct error *error) {
    _cleanup_close_ int process_fd = open_process_directory(pid, error);
    if (process_fd < 0)
        return process_fd;
    char map[48];
    snprintf(map, sizeof map, "0 %" PRIu32 " %" PRIu32, first_id, count);
    int r = write_map(process_fd, "uid_map", map, error);
    return r < 0 ? r : write_map(process_fd, "gid_map", map, error);
}

/* A magic link, which the path module refuses; this process is our own and has executed nothing. */
static int open_namespace(pid_t pid, int *ret_fd, struct error *error) {
    _cleanup_close_ int process_fd = open_process_directory(pid, error);
    if (process_fd < 0)
        return process_fd;
    int fd = openat(process_fd, "ns/user", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set_errno(error, errno, "cannot open a new user namespace");
    *ret_fd = fd;
    return 0;
}

/* The kernel refuses user namespaces to a process whose root is not that of its mount namespace, as in a
 * chroot; entering the namespace it is in already makes it so. */
static void leave_chroot(void) {
    _cleanup_close_ int own = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
    if (own >= 0)
        setns(own, CLONE_NEWNS); /* what fails here fails below, with a better reason */
}

/* Holds a new namespace until it is killed. */
_Noreturn static void hold_namespace(int report_fd) {
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    leave_chroot();
    int32_t code = unshare(CLONE_NEWUSER) < 0 ? errno : 0;
    fd_write_all(report_fd, &code, sizeof code);
    for (;;)
        pause();
}

static int wait_for_namespace(int report_fd, struct error *error) {
    int32_t code = 0;
    if (read(report_fd, &code, sizeof code) != sizeof code)
        code = ECHILD;
    return code != 0 ? error_set_errno(error, code, "cannot create a user namespace") : 0;
}

int user_namespace_create(uint32_t first_id, uint32_t count, int *ret_fd, struct error *error) {
    int report[2];
    if (pipe2(report, O_CLOEXEC) < 0)
        return error_set_errno(error, errno, "cannot make a pipe");
    _cleanup_close_ int pidfd = -1, fd = -1, report_fd = report[0];
    pid_t pid = process_clone(0, -1, &pidfd);
    if (pid == 0)
        hold_namespace(report[1]);
    fd_close(report[1]);
    if (pid < 0)
        return error_set_errno(error, -pid, "cannot create a user namespace");
    int r = wait_for_namespace(report_fd, error);
    if (r >= 0)
        r = user_namespace_map(pid, first_id, count, error);
    if (r >= 0)
        r = open_namespace(pid, &fd, error);
    process_signal(pidfd, SIGKILL);
    while (waitid(P_PIDFD, (id_t)pidfd, NULL, WEXITED) < 0 && errno == EINTR)
        continue;
    if (r >= 0)
        *ret_fd = TAKE_FD(fd);
    return r;
}
