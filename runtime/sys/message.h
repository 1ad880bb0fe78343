/* Datagrams with descriptors over SOCK_SEQPACKET unix sockets. */
#ifndef DIEGO_SYS_MESSAGE_H
#define DIEGO_SYS_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "runtime/base/buffer.h"
#include "runtime/base/error.h"

enum { MESSAGE_MAX_FDS = 8, MESSAGE_MAX_SIZE = 128 * 1024 };

/* A connected pair; both ends close-on-exec, blocking unless `nonblocking`. */
int message_socketpair(int ret_fds[2], bool nonblocking, struct error *error);

/* A listening socket dir_fd/name, mode 0600; works however long the directory's path is. A socket that is
 * there already is replaced. This one and the two below are non-blocking. */
int message_listen(int dir_fd, const char *name, struct error *error);
/* -EAGAIN when nobody connects. */
int message_accept(int listen_fd, struct error *error);
/* -ENOENT or -ECONNREFUSED when nobody listens, -EAGAIN when the other side is too busy to accept. */
int message_connect(int dir_fd, const char *name, struct error *error);

/* The pid and uid of the other side (SO_PEERCRED). */
int message_peer(int fd, pid_t *ret_pid, uid_t *ret_uid, struct error *error);

/* Sends one datagram of at least one byte. -EAGAIN when a non-blocking socket is full, -EPIPE when the other
 * side is gone; no SIGPIPE. */
int message_send(int fd, const void *bytes, size_t size, const int *fds, size_t fd_count,
                 struct error *error);

/* Receives one datagram into `buffer` (cleared first). Returns 1; 0 at end of stream; -EAGAIN when there is
 * none. `fds` (MESSAGE_MAX_FDS of them) become the caller's, close-on-exec; *ret_fd_count of them are set. */
int message_receive(int fd, struct buffer *buffer, int fds[static MESSAGE_MAX_FDS], size_t *ret_fd_count,
                    struct error *error);

/* A sealed memfd with these bytes, and its contents back (what was not sealed by us is refused). */
int message_memfd_create(const char *name, const void *bytes, size_t size, struct error *error);
int message_memfd_read(int fd, size_t limit, struct buffer *buffer, struct error *error);

#endif
