#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "runtime/base/fd.h"
#include "runtime/container/environment.h"
#include "runtime/container/internal.h"
#include "runtime/container/spawn_child.h"
#include "runtime/sys/rlimit.h"

/* --- before the fork --- */

/* Pipes are made by the supervisor, but /dev/stdout must be the user's to open. */
static int give_to_user(const struct container *container, const struct container_user *user, int fd) {
    struct stat status;
    if (fd < 0 || fstat(fd, &status) < 0 || !(S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode)))
        return 0;
    uid_t uid = container_host_id(container, user->uid);
    gid_t gid = container_host_id(container, user->gid);
    return fchown(fd, uid, gid) < 0 ? -errno : 0;
}

static int give_stdio(const struct container *container, const struct container_process *process,
                      const struct container_user *user, struct error *error) {
    int r = give_to_user(container, user, process->terminal);
    for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(process->stdio); i++) {
        struct stat status;
        bool is_pipe =
            process->stdio[i] >= 0 && fstat(process->stdio[i], &status) == 0 && S_ISFIFO(status.st_mode);
        if (is_pipe)
            r = give_to_user(container, user, process->stdio[i]);
    }
    return r < 0 ? error_set_errno(error, -r, "cannot give its output to the user") : 0;
}

static int make_arguments(const struct container_process *process, char ***ret, struct error *error) {
    size_t count = 0;
    while (process->args != NULL && process->args[count] != NULL)
        count++;
    char **arguments = calloc(count + 2, sizeof *arguments);
    if (arguments == NULL)
        return error_set_no_memory(error);
    arguments[0] = (char *)process->path;
    for (size_t i = 0; i < count; i++)
        arguments[i + 1] = (char *)process->args[i];
    *ret = arguments;
    return 0;
}

/* For good: this process makes no other children than the container's from now on. */
static int enter_pid_namespace(struct container *container, struct error *error) {
    if (container->entered_pid_namespace)
        return 0;
    if (setns(container->init_pidfd, CLONE_NEWPID) < 0)
        return error_set_errno(error, errno, "cannot enter the container");
    container->entered_pid_namespace = true;
    return 0;
}

/* --- the fork --- */

/* The child's report: nothing when it executed the program, else four bytes of code and a text. */
static int receive_report(int report_fd, struct error *error) {
    _cleanup_buffer_ struct buffer report = BUFFER_INIT;
    int r = fd_read_all(report_fd, 64 * 1024, &report, "report of a new process", error);
    if (r < 0 || report.size == 0)
        return r;
    int32_t code = 0;
    if (report.size < sizeof code)
        return error_set(error, EPROTO, "the report of a new process was cut off");
    memcpy(&code, report.data, sizeof code);
    return error_set(error, code, "%s", report.data + sizeof code);
}

static void reap(int pidfd) {
    while (waitid(P_PIDFD, (id_t)pidfd, NULL, WEXITED) < 0 && errno == EINTR)
        continue;
    fd_close(pidfd);
}

static int fork_child(const struct spawn_child *child, struct container_child *ret, struct error *error) {
    int report[2];
    if (pipe2(report, O_CLOEXEC) < 0)
        return error_set_errno(error, errno, "cannot make a pipe");
    int pidfd = -1;
    pid_t pid = process_clone(0, child->container->cgroup_fd, &pidfd);
    if (pid == 0) {
        fd_close(report[0]);
        spawn_child_run(child, report[1]);
    }
    fd_close(report[1]);
    _cleanup_close_ int report_fd = report[0];
    if (pid == -ENOMEM) /* what the kernel says of a pid namespace whose first process ended */
        return error_set(error, ESRCH, "the container has ended");
    if (pid == -EAGAIN)
        return error_set(error, EAGAIN, "no more processes: max_pids (or the host's limit) is reached");
    if (pid < 0)
        return error_set_errno(error, -pid, "cannot create a process");
    int r = receive_report(report_fd, error);
    if (r < 0) {
        reap(pidfd);
        return r;
    }
    *ret = (struct container_child){.pid = pid, .pidfd = pidfd};
    return 0;
}

int container_spawn(struct container *container, const struct container_process *process,
                    struct container_child *ret, struct error *error) {
    _cleanup_(container_user_release) struct container_user user = {0};
    _cleanup_(environment_release) char **env = NULL;
    _cleanup_free_ char **arguments = NULL;
    const char *name = process->user != NULL && *process->user != '\0' ? process->user : "root";
    int r = container_user_resolve(container->root_fd, name, &user, error);
    if (r >= 0)
        r = environment_complete(process->env, name, &user, &env, error);
    if (r >= 0)
        r = make_arguments(process, &arguments, error);
    if (r >= 0)
        r = give_stdio(container, process, &user, error);
    if (r >= 0)
        r = enter_pid_namespace(container, error);
    if (r < 0)
        return r;
    const struct spawn_child child = {
        .container = container, .process = process, .user = &user, .env = env, .arguments = arguments};
    return fork_child(&child, ret, error);
}
