/* The only module that opens paths below a directory that a task can change: its rootfs, its allocation
 * directory, /proc/PID. Everything goes from a descriptor with openat2, so that neither `..` nor a symbolic
 * or magic link leads outside. Descriptors returned are close-on-exec and the caller's. */
#ifndef DIEGO_SYS_PATH_H
#define DIEGO_SYS_PATH_H

#include <fcntl.h>
#include <stdbool.h>
#include <sys/types.h>

#include "runtime/base/buffer.h"
#include "runtime/base/error.h"

enum path_links {
    PATH_FOLLOW_IN_ROOT, /* links are resolved as if root_fd were / */
    PATH_NO_LINKS,       /* any symbolic link on the way is -ELOOP */
};

/* Opens `path` (leading / ignored) below root_fd with open(2) flags. Errors name the path. */
int path_open(int root_fd, const char *path, int flags, mode_t mode, enum path_links links,
              struct error *error);

/* Opens a directory of the host by its absolute path, O_PATH; the host's own links are followed. */
int path_open_host_directory(const char *path, struct error *error);

/* Opens the directory `path` below root_fd (O_PATH), making what is missing with `mode`, owned by uid and gid
 * (-1: leave). An existing part that is not a directory is -ENOTDIR; links follow `links`. */
int path_make_directories(int root_fd, const char *path, mode_t mode, uid_t uid, gid_t gid,
                          enum path_links links, struct error *error);

/* Reads a small regular file below root_fd; links on the way are refused, a FIFO or device is -EINVAL. */
int path_read_file(int root_fd, const char *path, size_t limit, struct buffer *contents, struct error *error);

/* Writes a file of ours whole: temporary file beside it, optional fsync, rename. `dir_fd` must be trusted. */
int path_write_file(int dir_fd, const char *name, const void *bytes, size_t size, mode_t mode, bool sync,
                    struct error *error);

/* Opens a FIFO of the allocation directory, ALLOC_DIR/alloc/logs/NAME, with open(2) flags: no link in or
 * after `alloc` followed, checked to be a FIFO (or /dev/null, when path says so). O_WRONLY | O_NONBLOCK is
 * -ENXIO while nobody reads; O_RDWR | O_NONBLOCK never waits for anybody. `path` is absolute. */
int path_open_log_fifo(const char *path, int flags, struct error *error);

/* Removes dir_fd/name (one component) and all below it, never entering a mount or following a link. Missing
 * is success; a mount in the tree is -EBUSY. */
int path_remove_tree(int dir_fd, const char *name, struct error *error);

#endif
