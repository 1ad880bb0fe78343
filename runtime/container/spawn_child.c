#include "runtime/container/spawn_child.h"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "runtime/base/fd.h"
#include "runtime/container/environment.h"
#include "runtime/container/internal.h"
#include "runtime/sys/capability.h"
#include "runtime/sys/path.h"
#include "runtime/sys/rlimit.h"

/* --- limits: before the user namespace, where nothing could be raised any more --- */

static int set_limits(const struct spawn_child *child, struct error *error) {
    const Diego__Supervisor__TaskSpec *spec = child->container->spec;
    uint64_t nofile = child->process->nofile > 0 ? child->process->nofile : spec->default_nofile;
    int r = 0;
    for (size_t i = 0; r >= 0 && i < spec->security->n_rlimits; i++) {
        const Diego__Supervisor__Rlimit *limit = spec->security->rlimits[i];
        r = rlimit_apply(0, limit->name, limit->soft, limit->hard, error);
    }
    return r >= 0 && nofile > 0 ? rlimit_apply(0, "nofile", nofile, nofile, error) : r;
}

/* --- the container --- */

static int enter_container(const struct container *container, struct error *error) {
    int flags = CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
    bool maps_ids = container_has_user_namespace(container);
    if (setns(container->init_pidfd, flags | (maps_ids ? CLONE_NEWUSER : 0)) < 0)
        return error_set_errno(error, errno, "cannot enter the container");
    /* Still the host's root, to whom nothing in here belongs. */
    if (maps_ids && (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0))
        return error_set_errno(error, errno, "cannot become root of the container");
    return 0;
}

static int set_stdio(const struct spawn_child *child, struct error *error) {
    const struct container_process *process = child->process;
    if (process->terminal >= 0 && ioctl(process->terminal, TIOCSCTTY, 0) < 0)
        return error_set_errno(error, errno, "cannot make the terminal the controlling one");
    /* First out of the way of 0 to 2, then onto them. */
    int fds[3];
    for (int i = 0; i < 3; i++) {
        int fd = process->terminal >= 0 ? process->terminal : process->stdio[i];
        fds[i] = fcntl(fd >= 0 ? fd : child->container->null_fd, F_DUPFD_CLOEXEC, 3);
        if (fds[i] < 0)
            return error_set_errno(error, errno, "cannot set up its standard streams");
    }
    for (int i = 0; i < 3; i++)
        if (dup2(fds[i], i) < 0)
            return error_set_errno(error, errno, "cannot set up its standard streams");
    return 0;
}

/* --- the directory: as root of the container, since the user may not be able to make it --- */

/* The user's home where no directory is asked for; "/" when the rootfs does not have it. */
static const char *choose_directory(const struct spawn_child *child) {
    const char *asked = child->process->dir;
    if (asked != NULL && *asked != '\0')
        return asked;
    struct stat status;
    return stat(child->user->home, &status) == 0 && S_ISDIR(status.st_mode) ? child->user->home : "/";
}

static int make_directory(const struct spawn_child *child, const char *directory, struct error *error) {
    if (*directory != '/')
        return error_set(error, EINVAL, "dir must be an absolute path, got \"%s\"", directory);
    _cleanup_close_ int fd =
        path_make_directories(child->container->root_fd, directory, 0755, child->user->uid, child->user->gid,
                              PATH_FOLLOW_IN_ROOT, error);
    return fd < 0 ? error_wrap(error, "cannot use dir %s", directory) : 0;
}

/* --- the user: see capability.h for the order --- */

static int restrict_system_calls(const struct spawn_child *child, struct error *error) {
    const struct container *container = child->container;
    const Diego__Supervisor__Security *security = container->spec->security;
    if (!security->seccomp || security->privileged)
        return 0;
    int r =
        seccomp_filter_install(container->seccomp != NULL ? container->seccomp : container->host->seccomp);
    return r < 0 ? error_set_errno(error, -r, "cannot install the seccomp filter") : 0;
}

static int change_ids(const struct container_user *user, struct error *error) {
    if (setgroups(user->group_count, user->groups) < 0 || setresgid(user->gid, user->gid, user->gid) < 0 ||
        setresuid(user->uid, user->uid, user->uid) < 0)
        return error_set_errno(error, errno, "cannot become uid %u, gid %u (the container has ids below %u)",
                               user->uid, user->gid, 65536U);
    return 0;
}

static int forbid_new_privileges(const struct spawn_child *child, struct error *error) {
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return error_set_errno(error, errno, "cannot set no_new_privs");
    return restrict_system_calls(child, error);
}

static int become_user(const struct spawn_child *child, struct error *error) {
    bool no_new_privileges = child->container->spec->security->no_new_privileges;
    uint64_t capabilities = child->container->capabilities;
    int r = capability_limit_bounding(capabilities);
    if (r < 0)
        return error_set_errno(error, -r, "cannot limit the capabilities");
    /* Without no_new_privs the filter needs the capability that a user other than root is about to lose. */
    if (!no_new_privileges)
        r = restrict_system_calls(child, error);
    if (r >= 0)
        r = change_ids(child->user, error);
    if (r >= 0 && no_new_privileges)
        r = forbid_new_privileges(child, error);
    if (r < 0)
        return r;
    r = capability_set_effective(child->user->uid == 0 ? capabilities : 0);
    return r < 0 ? error_set_errno(error, -r, "cannot set the capabilities") : 0;
}

/* --- the program --- */

static int set_exec_error(struct error *error, const char *path, int code) {
    struct stat status;
    switch (code) {
    case ENOENT:
        if (stat(path, &status) == 0)
            return error_set(
                error, code,
                "fork/exec %s: no such file or directory (the program is there; its interpreter or "
                "dynamic linker is not in the rootfs)",
                path);
        return error_set(error, code, "stat %s: no such file or directory", path);
    case EACCES:
        return error_set(error, code, "exec: \"%s\": permission denied", path);
    case ENOEXEC:
        return error_set(error, code,
                         "fork/exec %s: exec format error (not a program of this machine, or a script "
                         "without #!)",
                         path);
    case E2BIG:
        return error_set(error, code,
                         "fork/exec %s: argument list too long (arguments and environment together)", path);
    default:
        return error_set_errno(error, code, "fork/exec %s", path);
    }
}

/* Go's rules: relative entries of PATH are not searched, what cannot be executed is passed over. */
static int execute_from_path(const struct spawn_child *child, struct error *error) {
    const char *name = child->process->path;
    const char *search = environment_get(child->env, "PATH");
    char candidate[PATH_MAX];
    for (const char *entry = search != NULL ? search : ""; *entry != '\0'; entry += *entry == ':') {
        size_t length = strcspn(entry, ":");
        int size = snprintf(candidate, sizeof candidate, "%.*s/%s", (int)length, entry, name);
        bool usable = *entry == '/' && size < (int)sizeof candidate;
        entry += length;
        if (!usable)
            continue;
        execve(candidate, child->arguments, child->env);
        if (errno != ENOENT && errno != EACCES && errno != ENOTDIR)
            return set_exec_error(error, candidate, errno);
        if (errno == ENOENT && access(candidate, X_OK) == 0)
            return set_exec_error(error, candidate, ENOENT);
    }
    return error_set(error, ENOENT, "exec: \"%s\": executable file not found in $PATH", name);
}

static int execute(const struct spawn_child *child, struct error *error) {
    const char *path = child->process->path;
    if (strchr(path, '/') == NULL)
        return execute_from_path(child, error);
    execve(path, child->arguments, child->env);
    return set_exec_error(error, path, errno);
}

static void reset_signals(void) {
    sigset_t none;
    sigemptyset(&none);
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Returns only with an error. */
static int become_process(const struct spawn_child *child, struct error *error) {
    setsid();
    prctl(PR_SET_DUMPABLE, 0, 0, 0,
          0); /* until the exec: nobody in the container can look into this copy of us */
    umask(022);
    reset_signals();
    int r = set_limits(child, error);
    if (r >= 0)
        r = enter_container(child->container, error);
    if (r >= 0)
        r = set_stdio(child, error);
    if (r < 0)
        return r;
    const char *directory = choose_directory(child);
    r = make_directory(child, directory, error);
    if (r >= 0)
        r = become_user(child, error);
    if (r < 0)
        return r;
    if (chdir(directory) < 0)
        return error_set_errno(error, errno, "user %s cannot enter dir %s",
                               environment_get(child->env, "USER"), directory);
    close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
    return execute(child, error);
}

_Noreturn void spawn_child_run(const struct spawn_child *child, int report_fd) {
    _cleanup_error_ struct error error = ERROR_INIT;
    become_process(child, &error);
    int32_t code = error.code;
    _cleanup_free_ char *text = error_format(&error);
    const char *shown = text != NULL ? text : "out of memory";
    if (fd_write_all(report_fd, &code, sizeof code) == 0)
        fd_write_all(report_fd, shown, strlen(shown));
    _exit(127);
}
