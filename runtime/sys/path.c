#include "runtime/sys/path.h"

#include <linux/openat2.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "runtime/base/fd.h"

/* openat2 gives up with EAGAIN when something is renamed or mounted while it resolves `..`. */
enum { RESOLVE_ATTEMPTS = 128 };

/* Nomad's allocation directory belongs to root; `alloc` and `logs` in it, and the FIFO, are the task's to
 * rename. */
enum { FIFO_UNTRUSTED_COMPONENTS = 3 };

static const char *relative_to_root(const char *path) {
    path += strspn(path, "/");
    return *path == '\0' ? "." : path;
}

static int open_in_root(int root_fd, const char *path, int flags, mode_t mode, enum path_links links) {
    bool creates = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
    struct open_how how = {
        .flags = (uint64_t)(flags | O_CLOEXEC),
        .mode = creates ? mode : 0,
        .resolve =
            RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | (links == PATH_NO_LINKS ? RESOLVE_NO_SYMLINKS : 0),
    };
    for (int attempt = 0; attempt < RESOLVE_ATTEMPTS; attempt++) {
        long fd = syscall(SYS_openat2, root_fd, relative_to_root(path), &how, sizeof how);
        if (fd >= 0)
            return (int)fd;
        if (errno != EAGAIN && errno != EINTR)
            return -errno;
    }
    return -EAGAIN;
}

static int set_open_error(struct error *error, int code, const char *path, enum path_links links) {
    if (code == ELOOP && links == PATH_NO_LINKS)
        return error_set(error, code, "cannot open %s: it is, or leads through, a symbolic link", path);
    return error_set_errno(error, code, "cannot open %s", path);
}

int path_open(int root_fd, const char *path, int flags, mode_t mode, enum path_links links,
              struct error *error) {
    int fd = open_in_root(root_fd, path, flags, mode, links);
    return fd < 0 ? set_open_error(error, -fd, path, links) : fd;
}

int path_open_host_directory(const char *path, struct error *error) {
    if (*path != '/')
        return error_set(error, EINVAL, "cannot open directory %s: the path must be absolute", path);
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? error_set_errno(error, errno, "cannot open directory %s", path) : fd;
}

/* Opened for reading rather than O_PATH, for fchmod. */
static int make_directory(int parent_fd, const char *name, mode_t mode, uid_t uid, gid_t gid) {
    if (mkdirat(parent_fd, name, 0700) < 0)
        return errno == EEXIST ? openat(parent_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
    int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0 && (fchown(fd, uid, gid) < 0 || fchmod(fd, mode) < 0))
        fd = fd_close(fd);
    return fd;
}

int path_make_directories(int root_fd, const char *path, mode_t mode, uid_t uid, gid_t gid,
                          enum path_links links, struct error *error) {
    int whole = open_in_root(root_fd, path, O_PATH | O_DIRECTORY, 0, links);
    if (whole >= 0)
        return whole;
    if (whole != -ENOENT)
        return set_open_error(error, -whole, path, links);

    _cleanup_free_ char *prefix = strdup(path);
    if (prefix == NULL)
        return error_set_no_memory(error);
    _cleanup_close_ int fd = fcntl(root_fd, F_DUPFD_CLOEXEC, 0);
    char *component = prefix + strspn(prefix, "/");
    while (fd >= 0 && *component != '\0') {
        char *end = component + strcspn(component, "/");
        char separator = *end;
        *end = '\0';
        int next = open_in_root(root_fd, prefix, O_PATH | O_DIRECTORY, 0, links);
        if (next == -ENOENT)
            next = make_directory(fd, component, mode, uid, gid);
        else if (next < 0)
            return set_open_error(error, -next, prefix, links);
        if (next < 0)
            return error_set_errno(error, errno, "cannot make directory %s", prefix);
        fd_close(fd);
        fd = next;
        *end = separator;
        component = end + strspn(end, "/");
    }
    return fd < 0 ? error_set_errno(error, errno, "cannot make directory %s", path) : TAKE_FD(fd);
}

/* Opens the file behind an O_PATH descriptor, so that what was checked is what is opened. */
static int reopen(int path_fd, int flags) {
    char link[32];
    snprintf(link, sizeof link, "/proc/self/fd/%d", path_fd);
    return open(link, flags | O_CLOEXEC | O_NOCTTY);
}

/* Opens a file of one type only; anything else is not opened at all, since opening may have effects already.
 */
static int open_of_type(int root_fd, const char *path, int flags, mode_t type, const char *type_name,
                        struct error *error) {
    _cleanup_close_ int found = path_open(root_fd, path, O_PATH | O_NOFOLLOW, 0, PATH_NO_LINKS, error);
    if (found < 0)
        return found;
    struct stat status;
    if (fstat(found, &status) < 0)
        return error_set_errno(error, errno, "cannot look at %s", path);
    if (S_ISLNK(status.st_mode))
        return set_open_error(error, ELOOP, path, PATH_NO_LINKS);
    if ((status.st_mode & S_IFMT) != type)
        return error_set(error, EINVAL, "cannot open %s: it is not a %s", path, type_name);
    int fd = reopen(found, flags);
    return fd < 0 ? error_set_errno(error, errno, "cannot open %s", path) : fd;
}

int path_read_file(int root_fd, const char *path, size_t limit, struct buffer *contents,
                   struct error *error) {
    _cleanup_close_ int fd = open_of_type(root_fd, path, O_RDONLY, S_IFREG, "regular file", error);
    return fd < 0 ? fd : fd_read_all(fd, limit, contents, path, error);
}

/* Writes the new file and gives it its final name; 0 or a negative errno. */
static int write_and_rename(int dir_fd, const char *temporary, const char *name, const void *bytes,
                            size_t size, mode_t mode, bool sync) {
    _cleanup_close_ int fd =
        openat(dir_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    int failed = fd_write_all(fd, bytes, size);
    if (failed < 0)
        return failed;
    if (fchmod(fd, mode) < 0 || (sync && fsync(fd) < 0) || renameat(dir_fd, temporary, dir_fd, name) < 0)
        return -errno;
    return 0;
}

static int sync_directory(int dir_fd) {
    _cleanup_close_ int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

int path_write_file(int dir_fd, const char *name, const void *bytes, size_t size, mode_t mode, bool sync,
                    struct error *error) {
    _cleanup_free_ char *temporary = NULL;
    if (asprintf(&temporary, ".%s.%d.tmp", name, gettid()) < 0) {
        temporary = NULL;
        return error_set_no_memory(error);
    }
    unlinkat(dir_fd, temporary, 0); /* of a writer that crashed and had our thread id */
    int failed = write_and_rename(dir_fd, temporary, name, bytes, size, mode, sync);
    if (failed < 0)
        unlinkat(dir_fd, temporary, 0);
    else if (sync)
        failed = sync_directory(dir_fd);
    return failed < 0 ? error_set_errno(error, -failed, "cannot write %s", name) : 0;
}

/* Where the last `count` components of an absolute path begin. */
static const char *last_components(const char *path, int count) {
    const char *start = path + strlen(path);
    for (int found = 0; start > path && found < count; found++) {
        while (start > path && start[-1] == '/')
            start--;
        while (start > path && start[-1] != '/')
            start--;
    }
    return start;
}

int path_open_log_fifo(const char *path, int flags, struct error *error) {
    if (strcmp(path, "/dev/null") == 0) {
        int null = open(path, flags | O_CLOEXEC);
        return null < 0 ? error_set_errno(error, errno, "cannot open %s", path) : null;
    }
    if (*path != '/')
        return error_set(error, EINVAL, "cannot open log %s: the path must be absolute", path);
    const char *untrusted = last_components(path, FIFO_UNTRUSTED_COMPONENTS);
    size_t length = (size_t)(untrusted - path);
    _cleanup_free_ char *trusted = length > 0 ? strndup(path, length) : strdup("/");
    if (trusted == NULL)
        return error_set_no_memory(error);
    _cleanup_close_ int dir_fd = path_open_host_directory(trusted, error);
    int fd = dir_fd;
    if (dir_fd >= 0)
        fd = open_of_type(dir_fd, untrusted, flags, S_IFIFO, "FIFO", error);
    if (fd < 0)
        error_wrap(error, "cannot open log %s", path);
    return fd;
}
