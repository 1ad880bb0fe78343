/* Messages of proto/supervisor.proto over a supervisor's sockets, for both sides. */
#ifndef DIEGO_SUPERVISOR_PROTOCOL_H
#define DIEGO_SUPERVISOR_PROTOCOL_H

#include "proto/supervisor.pb-c.h"
#include "runtime/base/error.h"
#include "runtime/sys/message.h"

enum { SUPERVISOR_PROTOCOL_VERSION = 1 };

/* Names in a task's run directory. */
#define SUPERVISOR_SOCKET_NAME "control"
#define SUPERVISOR_EXIT_NAME "exit"
#define SUPERVISOR_STATE_NAME "task"

/* Any protobuf message as one datagram. Errors as message_send. */
int protocol_send(int fd, const ProtobufCMessage *message, const int *fds, size_t fd_count,
                  struct error *error);

/* One datagram as a message of `descriptor` (freed with protobuf_c_message_free_unpacked). Returns 1; 0 at
 * end of stream; -EAGAIN when there is none; -EBADMSG when it is not such a message. */
int protocol_receive(int fd, const ProtobufCMessageDescriptor *descriptor, ProtobufCMessage **ret,
                     int fds[static MESSAGE_MAX_FDS], size_t *ret_fd_count, struct error *error);

/* Connects to the supervisor of a task directory; only a process of our own uid is accepted on the other
 * side. */
int protocol_connect(const char *task_dir, struct error *error);

/* The exit record of a task directory. -ENOENT when the task has not ended. */
int protocol_read_exit(const char *task_dir, Diego__Supervisor__ExitRecord **ret, struct error *error);

/* The TaskState file that the supervisor leaves for other plugins and the command line. */
int protocol_read_state(const char *task_dir, Diego__Supervisor__TaskState **ret, struct error *error);

#endif
