#include "runtime/base/fd.h"

#include <fcntl.h>

int fd_close(int fd) {
    if (fd >= 0) {
        int saved = errno;
        close(fd);
        errno = saved;
    }
    return -1;
}

int fd_write_all(int fd, const void *bytes, size_t size) {
    const char *next = bytes;
    while (size > 0) {
        ssize_t written = write(fd, next, size);
        if (written < 0) {
            if (errno == EINTR)
                continue;
            return -errno;
        }
        next += written;
        size -= (size_t)written;
    }
    return 0;
}

int fd_read_all(int fd, size_t limit, struct buffer *buffer, const char *what, struct error *error) {
    size_t start = buffer->size;
    for (;;) {
        char *room = buffer_reserve(buffer, 4096);
        if (room == NULL)
            return error_set_no_memory(error);
        ssize_t got = read(fd, room, 4096);
        if (got < 0) {
            if (errno == EINTR)
                continue;
            return error_set_errno(error, errno, "cannot read %s", what);
        }
        buffer_commit(buffer, (size_t)got);
        if (got == 0)
            return 0;
        if (buffer->size - start > limit)
            return error_set(error, EFBIG, "%s is larger than %zu bytes", what, limit);
    }
}

int fd_set_nonblocking(int fd, bool nonblocking) {
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0)
        return -errno;
    int wanted = nonblocking ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
    return wanted != flags && fcntl(fd, F_SETFL, wanted) < 0 ? -errno : 0;
}
