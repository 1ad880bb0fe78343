/* Descriptors: ownership and whole reads and writes. Every descriptor of ours is close-on-exec. */
#ifndef DIEGO_BASE_FD_H
#define DIEGO_BASE_FD_H

#include <stddef.h>
#include <sys/types.h>

#include "runtime/base/buffer.h"
#include "runtime/base/error.h"
#include "runtime/base/macros.h"

/* Closes fd when it is >= 0, keeps errno, returns -1 so that `fd = fd_close(fd)` forgets it. */
int fd_close(int fd);

static inline void cleanup_close_fd(const int *fd) {
    fd_close(*fd);
}

#define _cleanup_close_ _cleanup_(cleanup_close_fd)

/* Writes all bytes to a blocking descriptor, over EINTR and short writes. -errno on failure. */
int fd_write_all(int fd, const void *bytes, size_t size);

/* Appends what is left of the file to the buffer; more than `limit` bytes is -EFBIG. `what` names it in
 * errors. */
int fd_read_all(int fd, size_t limit, struct buffer *buffer, const char *what, struct error *error);

/* Sets or clears O_NONBLOCK. -errno on failure. */
int fd_set_nonblocking(int fd, bool nonblocking);

#endif
