/* A cgroup v2 directory of a test's own on the real hierarchy: at /sys/fs/cgroup, or in unified/ below it
 * where version 1 has the controllers. */
#ifndef DIEGO_TEST_CGROUP_FIXTURE_H
#define DIEGO_TEST_CGROUP_FIXTURE_H

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "runtime/base/fd.h"
#include "runtime/sys/cgroup.h"

enum { CGROUP_FIXTURE_CONTROLLERS = 4 };
static const char *const cgroup_fixture_controllers[CGROUP_FIXTURE_CONTROLLERS] = {"memory", "cpu", "cpuset",
                                                                                   "pids"};

struct cgroup_fixture {
    char path[PATH_MAX];
    int fd;
    bool enabled[CGROUP_FIXTURE_CONTROLLERS]; /* turned on for the root's children by this fixture */
};

static inline const char *cgroup_fixture_root(void) {
    return access("/sys/fs/cgroup/unified/cgroup.procs", F_OK) == 0 ? "/sys/fs/cgroup/unified"
                                                                    : "/sys/fs/cgroup";
}

/* Turns a controller of the root's children on ('+') or off ('-'); tells whether that changed anything. */
static inline bool cgroup_fixture_switch(char sign, const char *controller) {
    char text[32];
    snprintf(text, sizeof text, "%c%s", sign, controller);
    _cleanup_close_ int root = cgroup_open(cgroup_fixture_root(), NULL);
    _cleanup_buffer_ struct buffer before = BUFFER_INIT, after = BUFFER_INIT;
    return cgroup_read_file(root, "cgroup.subtree_control", &before, NULL) == 0 &&
           cgroup_write_file(root, "cgroup.subtree_control", text, NULL) == 0 &&
           cgroup_read_file(root, "cgroup.subtree_control", &after, NULL) == 0 && before.size != after.size;
}

static inline int cgroup_fixture_create(struct cgroup_fixture *fixture) {
    for (size_t i = 0; i < CGROUP_FIXTURE_CONTROLLERS; i++)
        fixture->enabled[i] = cgroup_fixture_switch('+', cgroup_fixture_controllers[i]);
    snprintf(fixture->path, sizeof fixture->path, "%s/diego-test-%d", cgroup_fixture_root(), getpid());
    if (mkdir(fixture->path, 0755) < 0)
        return -errno;
    fixture->fd = cgroup_open(fixture->path, NULL);
    return fixture->fd < 0 ? fixture->fd : 0;
}

/* Whether this host has version 2's controllers, so that limits can be tested on the kernel itself. */
static inline bool cgroup_fixture_has_controllers(const struct cgroup_fixture *fixture) {
    return faccessat(fixture->fd, "memory.max", F_OK, 0) == 0;
}

/* Kills what is in it, removes it, and leaves the root's controllers as they were. */
static inline int cgroup_fixture_destroy(struct cgroup_fixture *fixture) {
    cgroup_kill(fixture->fd, NULL);
    for (bool populated = true; populated;)
        if (cgroup_is_populated(fixture->fd, &populated, NULL) < 0)
            return -EIO;
    int r = cgroup_remove_children(fixture->fd, NULL);
    fixture->fd = fd_close(fixture->fd);
    if (rmdir(fixture->path) < 0)
        r = -errno;
    for (size_t i = 0; i < CGROUP_FIXTURE_CONTROLLERS; i++)
        if (fixture->enabled[i])
            cgroup_fixture_switch('-', cgroup_fixture_controllers[i]);
    return r;
}

/* Moves the calling process into the cgroup. */
static inline int cgroup_fixture_enter(int cgroup_fd) {
    return cgroup_write_file(cgroup_fd, "cgroup.procs", "0", NULL);
}

/* A child in the cgroup that waits to be killed; it is there when this returns. */
static inline pid_t cgroup_fixture_start_sleeper(int cgroup_fd) {
    int ready[2];
    if (pipe2(ready, O_CLOEXEC) < 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        if (cgroup_fixture_enter(cgroup_fd) < 0 || write(ready[1], "", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    fd_close(ready[1]);
    char byte;
    ssize_t received = read(ready[0], &byte, 1);
    fd_close(ready[0]);
    return received == 1 ? pid : -1;
}

/* The signal that ended a child; 0 when none did. */
static inline int cgroup_fixture_reap(pid_t pid) {
    int status;
    if (waitpid(pid, &status, 0) != pid)
        return -1;
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

#endif
