/* The part of cgroup.h that reaches below the cgroup: kill everything, remove what the task made there. */
#include "runtime/sys/cgroup.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#include "runtime/base/clock.h"
#include "runtime/base/fd.h"
#include "runtime/base/text.h"

static void cleanup_directory(DIR **directory) {
    if (*directory != NULL)
        closedir(*directory);
}

#define _cleanup_directory_ _cleanup_(cleanup_directory)

/* A stream of its own, read from the start; cgroup_fd stays the caller's. */
static DIR *open_stream(int cgroup_fd) {
    _cleanup_close_ int fd = openat(cgroup_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    DIR *directory = fdopendir(fd);
    if (directory != NULL)
        (void)TAKE_FD(fd);
    return directory;
}

/* The next cgroup below; NULL at the end. */
static const char *next_child(DIR *directory) {
    struct dirent *entry;
    while ((entry = readdir(directory)) != NULL)
        if (entry->d_type == DT_DIR && strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            return entry->d_name;
    return NULL;
}

static int open_child(int cgroup_fd, const char *name) {
    int fd = openat(cgroup_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* ---- killing where there is no cgroup.kill (before Linux 5.14) ---- */

enum { MAX_DEPTH = 64, PROCS_LIMIT = 16 * 1024 * 1024, FREEZE_TIMEOUT_MS = 500 };

static int kill_members(int cgroup_fd, struct error *error) {
    _cleanup_close_ int fd = openat(cgroup_fd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set_errno(error, errno, "cannot open cgroup.procs of the cgroup");
    _cleanup_buffer_ struct buffer pids = BUFFER_INIT;
    int r = fd_read_all(fd, PROCS_LIMIT, &pids, "cgroup.procs", error);
    if (r < 0)
        return r;
    char *state = NULL;
    for (char *line = pids.size > 0 ? strtok_r(pids.data, "\n", &state) : NULL; line != NULL;
         line = strtok_r(NULL, "\n", &state)) {
        uint64_t pid;
        /* 0 is a process that this pid namespace does not show */
        if (text_parse_uint64(line, INT_MAX, &pid) == 0 && pid > 0)
            kill((pid_t)pid, SIGKILL);
    }
    return 0;
}

static int kill_tree(int cgroup_fd, unsigned depth, struct error *error) {
    if (depth > MAX_DEPTH)
        return error_set(error, ELOOP, "the task made cgroups more than %d deep", MAX_DEPTH);
    int r = kill_members(cgroup_fd, error);
    if (r < 0)
        return r;
    _cleanup_directory_ DIR *directory = open_stream(cgroup_fd);
    if (directory == NULL)
        return error_set_errno(error, errno, "cannot list the cgroup");
    for (const char *name = next_child(directory); name != NULL; name = next_child(directory)) {
        _cleanup_close_ int child = open_child(cgroup_fd, name);
        if (child == -ENOENT)
            continue;
        if (child < 0)
            return error_set_errno(error, -child, "cannot open cgroup %s", name);
        r = kill_tree(child, depth + 1, error);
        if (r < 0)
            return r;
    }
    return 0;
}

/* A frozen task cannot fork away from the list of its processes. */
static void wait_frozen(int cgroup_fd) {
    _cleanup_close_ int fd = openat(cgroup_fd, "cgroup.events", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    int64_t deadline = clock_monotonic_ns() + FREEZE_TIMEOUT_MS * NS_PER_MS;
    while (clock_monotonic_ns() < deadline) {
        char events[128] = "";
        if (pread(fd, events, sizeof events - 1, 0) < 0 || strstr(events, "frozen 1") != NULL)
            return;
        struct pollfd change = {.fd = fd, .events = POLLPRI};
        poll(&change, 1, FREEZE_TIMEOUT_MS);
    }
}

static int kill_frozen(int cgroup_fd, struct error *error) {
    int r = cgroup_write_file(cgroup_fd, "cgroup.freeze", "1", error);
    if (r < 0)
        return r;
    wait_frozen(cgroup_fd);
    r = kill_tree(cgroup_fd, 0, error);
    int thawed = cgroup_write_file(cgroup_fd, "cgroup.freeze", "0", r < 0 ? NULL : error);
    return r < 0 ? r : thawed;
}

int cgroup_kill(int cgroup_fd, struct error *error) {
    _cleanup_error_ struct error cause = ERROR_INIT;
    int r = cgroup_write_file(cgroup_fd, "cgroup.kill", "1", &cause);
    if (r == -ENOENT)
        return kill_frozen(cgroup_fd, error);
    if (r < 0)
        error_copy(error, &cause);
    return r;
}

/* ---- removing ---- */

/* More directories than any host holds: the end of a walk that a living task keeps busy. */
enum { MAX_STEPS = 1000000 };

/* Removes the empty cgroups right below. Returns 1 with the name of the first that is not empty, else 0;
 * *ret_removed tells whether anything went. */
static int remove_leaves(int cgroup_fd, char resisting[static NAME_MAX + 1], bool *ret_removed,
                         struct error *error) {
    *ret_removed = false;
    _cleanup_directory_ DIR *directory = open_stream(cgroup_fd);
    if (directory == NULL)
        return error_set_errno(error, errno, "cannot list the cgroup");
    for (const char *name = next_child(directory); name != NULL; name = next_child(directory)) {
        if (unlinkat(cgroup_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT) {
            *ret_removed = true;
            continue;
        }
        if (errno != EBUSY && errno != ENOTEMPTY)
            return error_set_errno(error, errno, "cannot remove cgroup %s", name);
        snprintf(resisting, NAME_MAX + 1, "%s", name);
        return 1;
    }
    return 0;
}

/* Goes down to what resists and up again by "..": cgroups cannot be renamed, so that leads where we came
 * from, and the depth that a task chose costs neither stack nor descriptors. */
int cgroup_remove_children(int cgroup_fd, struct error *error) {
    _cleanup_close_ int current = open_child(cgroup_fd, ".");
    if (current < 0)
        return error_set_errno(error, -current, "cannot open the cgroup");
    size_t depth = 0;
    bool descended = false;
    char name[NAME_MAX + 1] = "";
    for (size_t step = 0; step < MAX_STEPS; step++) {
        bool removed;
        int r = remove_leaves(current, name, &removed, error);
        if (r < 0)
            return r;
        if (r == 0 && depth == 0)
            return 0;
        if (r == 0 && descended && !removed)
            return error_set(error, EBUSY, "cgroup %s still has processes", name);
        descended = r > 0;
        const char *target = descended ? name : "..";
        int next = open_child(current, target);
        if (next < 0)
            return error_set_errno(error, -next, "cannot open cgroup %s", target);
        fd_close(current);
        current = next;
        depth = descended ? depth + 1 : depth - 1;
    }
    return error_set(error, EBUSY, "the task's cgroups did not come to an end: does it still run?");
}
