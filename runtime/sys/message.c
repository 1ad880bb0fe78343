#include "runtime/sys/message.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "runtime/base/fd.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

enum { SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE, LISTEN_BACKLOG = 64 };

/* Ancillary data of the largest message, aligned. */
union rights {
    struct cmsghdr header;
    char space[CMSG_SPACE(MESSAGE_MAX_FDS * sizeof(int))];
};

int message_socketpair(int ret_fds[2], bool nonblocking, struct error *error) {
    int type = SOCK_SEQPACKET | SOCK_CLOEXEC | (nonblocking ? SOCK_NONBLOCK : 0);
    if (socketpair(AF_UNIX, type, 0, ret_fds) < 0)
        return error_set_errno(error, errno, "cannot create a socket pair");
    return 0;
}

static int create_socket(struct error *error) {
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return fd < 0 ? error_set_errno(error, errno, "cannot create a socket") : fd;
}

/* An address has room for 107 bytes, so the directory stands in it by number. */
static int fill_address(struct sockaddr_un *address, int dir_fd, const char *name, struct error *error) {
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    int size = snprintf(address->sun_path, sizeof address->sun_path, "/proc/self/fd/%d/%s", dir_fd, name);
    if (size < 0 || (size_t)size >= sizeof address->sun_path)
        return error_set(error, ENAMETOOLONG, "socket name %s is too long", name);
    return 0;
}

int message_listen(int dir_fd, const char *name, struct error *error) {
    struct sockaddr_un address;
    int failed = fill_address(&address, dir_fd, name, error);
    if (failed < 0)
        return failed;
    _cleanup_close_ int fd = create_socket(error);
    if (fd < 0)
        return fd;
    struct stat left_over;
    if (fstatat(dir_fd, name, &left_over, AT_SYMLINK_NOFOLLOW) == 0 && S_ISSOCK(left_over.st_mode))
        unlinkat(dir_fd, name, 0);
    /* The mode goes onto the socket before bind, so that the file never has another. */
    if (fchmod(fd, 0600) < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 ||
        listen(fd, LISTEN_BACKLOG) < 0)
        return error_set_errno(error, errno, "cannot listen on socket %s", name);
    return TAKE_FD(fd);
}

int message_accept(int listen_fd, struct error *error) {
    int fd;
    do
        fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
    return fd < 0 ? error_set_errno(error, errno, "cannot accept a connection") : fd;
}

int message_connect(int dir_fd, const char *name, struct error *error) {
    struct sockaddr_un address;
    int failed = fill_address(&address, dir_fd, name, error);
    if (failed < 0)
        return failed;
    _cleanup_close_ int fd = create_socket(error);
    if (fd < 0)
        return fd;
    if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
        return error_set_errno(error, errno, "cannot connect to socket %s", name);
    return TAKE_FD(fd);
}

int message_peer(int fd, pid_t *ret_pid, uid_t *ret_uid, struct error *error) {
    struct ucred peer;
    socklen_t size = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
        return error_set_errno(error, errno, "cannot tell who is at the other end of a socket");
    *ret_pid = peer.pid;
    *ret_uid = peer.uid;
    return 0;
}

int message_send(int fd, const void *bytes, size_t size, const int *fds, size_t fd_count,
                 struct error *error) {
    if (size == 0 || size > MESSAGE_MAX_SIZE)
        return error_set(error, EMSGSIZE, "cannot send a message of %zu bytes, only 1 to %d", size,
                         MESSAGE_MAX_SIZE);
    if (fd_count > MESSAGE_MAX_FDS)
        return error_set(error, EMSGSIZE, "cannot send %zu descriptors, only %d", fd_count, MESSAGE_MAX_FDS);
    struct iovec data = {.iov_base = (void *)bytes, .iov_len = size};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};
    union rights rights = {0};
    if (fd_count > 0) {
        rights.header = (struct cmsghdr){
            .cmsg_level = SOL_SOCKET,
            .cmsg_type = SCM_RIGHTS,
            .cmsg_len = CMSG_LEN(fd_count * sizeof(int)),
        };
        memcpy(CMSG_DATA(&rights.header), fds, fd_count * sizeof(int));
        message.msg_control = &rights;
        message.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
    }
    ssize_t sent;
    do
        sent = sendmsg(fd, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    if (sent >= 0)
        return 0;
    return error_set_errno(error, errno == ECONNRESET ? EPIPE : errno, "cannot send a message");
}

static void take_descriptors(struct msghdr *message, int fds[static MESSAGE_MAX_FDS], size_t *ret_fd_count) {
    *ret_fd_count = 0;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header != NULL;
         header = CMSG_NXTHDR(message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
            continue;
        *ret_fd_count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        memcpy(fds, CMSG_DATA(header), *ret_fd_count * sizeof(int));
    }
}

int message_receive(int fd, struct buffer *buffer, int fds[static MESSAGE_MAX_FDS], size_t *ret_fd_count,
                    struct error *error) {
    *ret_fd_count = 0;
    buffer_clear(buffer);
    char *room = buffer_reserve(buffer, MESSAGE_MAX_SIZE);
    if (room == NULL)
        return error_set_no_memory(error);
    struct iovec data = {.iov_base = room, .iov_len = MESSAGE_MAX_SIZE};
    union rights rights;
    struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = &rights, .msg_controllen = sizeof rights};
    ssize_t size;
    /* ECONNRESET says once that the other side went without reading everything; what it sent is still to
     * come. */
    do
        size = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
    while (size < 0 && (errno == EINTR || errno == ECONNRESET));
    if (size < 0)
        return error_set_errno(error, errno, "cannot receive a message");
    take_descriptors(&message, fds, ret_fd_count);
    if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
        while (*ret_fd_count > 0)
            fd_close(fds[--*ret_fd_count]);
        return error_set(error, EMSGSIZE, "received a message of more than %d bytes or %d descriptors",
                         MESSAGE_MAX_SIZE, MESSAGE_MAX_FDS);
    }
    buffer_commit(buffer, (size_t)size);
    return size > 0;
}

int message_memfd_create(const char *name, const void *bytes, size_t size, struct error *error) {
    int created = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
    if (created < 0 && errno == EINVAL) /* before Linux 6.3 */
        created = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    _cleanup_close_ int fd = created;
    if (fd < 0)
        return error_set_errno(error, errno, "cannot create memfd %s", name);
    int failed = fd_write_all(fd, bytes, size);
    if (failed == 0 && fcntl(fd, F_ADD_SEALS, SEALS) < 0)
        failed = -errno;
    return failed < 0 ? error_set_errno(error, -failed, "cannot fill memfd %s", name) : TAKE_FD(fd);
}

int message_memfd_read(int fd, size_t limit, struct buffer *buffer, struct error *error) {
    int seals = fcntl(fd, F_GET_SEALS);
    struct stat status;
    if (seals < 0 || (seals & SEALS) != SEALS || fstat(fd, &status) < 0)
        return error_set(error, EINVAL, "received a descriptor that is not a sealed memfd");
    size_t size = (size_t)status.st_size;
    if (size > limit)
        return error_set(error, EFBIG, "received a memfd of %zu bytes, more than %zu", size, limit);
    char *room = buffer_reserve(buffer, size);
    if (room == NULL)
        return error_set_no_memory(error);
    for (size_t done = 0; done < size;) {
        ssize_t got = pread(fd, room + done, size - done, (off_t)done);
        if (got <= 0)
            return error_set_errno(error, got < 0 ? errno : EIO, "cannot read a memfd");
        done += (size_t)got;
    }
    buffer_commit(buffer, size);
    return 0;
}
