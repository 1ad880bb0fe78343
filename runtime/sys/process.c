#include "runtime/sys/process.h"

#include <linux/sched.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "runtime/base/buffer.h"
#include "runtime/base/fd.h"
#include "runtime/base/text.h"
#include "runtime/sys/path.h"

enum { STAT_LIMIT = 4096, STAT_START_TIME_FIELD = 22 };

pid_t process_clone(uint64_t namespace_flags, int cgroup_fd, int *ret_pidfd) {
    int pidfd = -1;
    struct clone_args arguments = {
        .flags = namespace_flags | CLONE_PIDFD | (cgroup_fd >= 0 ? CLONE_INTO_CGROUP : 0),
        .pidfd = (uint64_t)(uintptr_t)&pidfd,
        .exit_signal = SIGCHLD,
        .cgroup = cgroup_fd >= 0 ? (uint64_t)cgroup_fd : 0,
    };
    long pid = syscall(SYS_clone3, &arguments, sizeof arguments);
    if (pid < 0)
        return -errno;
    *ret_pidfd = pidfd;
    return (pid_t)pid;
}

int process_signal(int pidfd, int number) {
    return pidfd_send_signal(pidfd, number, NULL, 0) < 0 && errno != ESRCH ? -errno : 0;
}

int process_reap(int pidfd, struct process_exit *ret, struct error *error) {
    siginfo_t info = {0};
    if (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG) < 0)
        return error_set_errno(error, errno, "cannot reap a child");
    if (info.si_pid == 0)
        return 0;
    bool killed = info.si_code != CLD_EXITED;
    *ret = (struct process_exit){
        .exit_code = killed ? 128 + info.si_status : info.si_status,
        .signal = killed ? info.si_status : 0,
    };
    return 1;
}

static int read_boot_id(char boot_id[static 40], struct error *error) {
    _cleanup_close_ int dir_fd = path_open_host_directory("/proc/sys/kernel/random", error);
    if (dir_fd < 0)
        return dir_fd;
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    int failed = path_read_file(dir_fd, "boot_id", 39, &text, error);
    if (failed < 0)
        return failed;
    snprintf(boot_id, 40, "%.*s", (int)strcspn(text.data, "\n"), text.data);
    return 0;
}

/* The second field is the program's name in parentheses, which may itself hold spaces and parentheses. */
static int parse_start_time(const char *stat, uint64_t *ret) {
    const char *field = strrchr(stat, ')');
    for (int number = 2; field != NULL && number < STAT_START_TIME_FIELD; number++) {
        field = strchr(field, ' ');
        if (field != NULL)
            field++;
    }
    if (field == NULL)
        return -EBADMSG;
    char digits[24];
    snprintf(digits, sizeof digits, "%.*s", (int)strcspn(field, " \n"), field);
    return text_parse_uint64(digits, UINT64_MAX, ret);
}

static int read_start_time(pid_t pid, uint64_t *ret, struct error *error) {
    char directory[32];
    snprintf(directory, sizeof directory, "/proc/%d", pid);
    _cleanup_close_ int dir_fd = path_open_host_directory(directory, error);
    if (dir_fd < 0)
        return dir_fd;
    _cleanup_buffer_ struct buffer stat = BUFFER_INIT;
    int failed = path_read_file(dir_fd, "stat", STAT_LIMIT, &stat, error);
    if (failed < 0)
        return failed;
    failed = parse_start_time(stat.data, ret);
    return failed < 0 ? error_set_errno(error, -failed, "cannot understand %s/stat", directory) : 0;
}

static int set_gone_error(struct error *error, pid_t pid) {
    return error_set(error, ESRCH, "process %d is gone", pid);
}

int process_identify(pid_t pid, struct process_identity *ret, struct error *error) {
    struct process_identity identity = {.pid = pid};
    int failed = read_start_time(pid, &identity.start_time, error);
    if (failed == -ENOENT || failed == -ESRCH)
        return set_gone_error(error, pid);
    if (failed == 0)
        failed = read_boot_id(identity.boot_id, error);
    if (failed == 0)
        *ret = identity;
    else
        error_wrap(error, "cannot identify process %d", pid);
    return failed;
}

int process_open(const struct process_identity *identity, struct error *error) {
    if (identity->pid <= 0)
        return error_set(error, EINVAL, "%d is not a process id", identity->pid);
    _cleanup_close_ int pidfd = pidfd_open(identity->pid, 0);
    if (pidfd < 0 && errno == ESRCH)
        return set_gone_error(error, identity->pid);
    if (pidfd < 0)
        return error_set_errno(error, errno, "cannot open process %d", identity->pid);
    struct process_identity found;
    int failed = process_identify(identity->pid, &found, error);
    if (failed < 0)
        return failed;
    /* Still there after /proc was read: so what /proc told is about the process that pidfd holds. */
    bool unchanged = pidfd_send_signal(pidfd, 0, NULL, 0) == 0 || errno != ESRCH;
    if (!unchanged || found.start_time != identity->start_time ||
        strcmp(found.boot_id, identity->boot_id) != 0)
        return set_gone_error(error, identity->pid);
    return TAKE_FD(pidfd);
}
