#include "runtime/supervisor/protocol.h"

#include "runtime/base/fd.h"
#include "runtime/sys/path.h"

/* Records are small; a larger file is not one of ours. */
enum { RECORD_LIMIT = 1024 * 1024 };

int protocol_send(int fd, const ProtobufCMessage *message, const int *fds, size_t fd_count,
                  struct error *error) {
    uint8_t small[1024];
    size_t size = protobuf_c_message_get_packed_size(message);
    _cleanup_free_ uint8_t *large = size > sizeof small ? malloc(size) : NULL;
    uint8_t *bytes = size > sizeof small ? large : small;
    if (bytes == NULL)
        return error_set_no_memory(error);
    if (size > MESSAGE_MAX_SIZE)
        return error_set(error, EMSGSIZE,
                         "a %s of %zu bytes is too large for the supervisor's socket (limit %d)",
                         message->descriptor->short_name, size, MESSAGE_MAX_SIZE);
    protobuf_c_message_pack(message, bytes);
    return message_send(fd, bytes, size, fds, fd_count, error);
}

static void close_all(const int *fds, size_t count) {
    for (size_t i = 0; i < count; i++)
        fd_close(fds[i]);
}

int protocol_receive(int fd, const ProtobufCMessageDescriptor *descriptor, ProtobufCMessage **ret,
                     int fds[static MESSAGE_MAX_FDS], size_t *ret_fd_count, struct error *error) {
    _cleanup_buffer_ struct buffer bytes = BUFFER_INIT;
    *ret_fd_count = 0;
    int result = message_receive(fd, &bytes, fds, ret_fd_count, error);
    if (result <= 0)
        return result;
    *ret = protobuf_c_message_unpack(descriptor, NULL, bytes.size, (const uint8_t *)bytes.data);
    if (*ret != NULL)
        return 1;
    close_all(fds, *ret_fd_count);
    *ret_fd_count = 0;
    return error_set(error, EBADMSG, "%zu bytes on a supervisor's socket are no %s", bytes.size,
                     descriptor->short_name);
}

int protocol_connect(const char *task_dir, struct error *error) {
    _cleanup_close_ int directory = path_open_host_directory(task_dir, error);
    if (directory < 0)
        return directory;
    _cleanup_close_ int fd = message_connect(directory, SUPERVISOR_SOCKET_NAME, error);
    if (fd < 0)
        return error_wrap(error, "cannot reach the supervisor of %s", task_dir);
    pid_t pid;
    uid_t uid;
    int result = message_peer(fd, &pid, &uid, error);
    if (result < 0)
        return result;
    if (uid != geteuid())
        return error_set(error, EPERM,
                         "the supervisor's socket in %s belongs to uid %u (process %d), not to us", task_dir,
                         (unsigned)uid, (int)pid);
    return TAKE_FD(fd);
}

static int read_record(const char *task_dir, const char *name, const ProtobufCMessageDescriptor *descriptor,
                       ProtobufCMessage **ret, struct error *error) {
    _cleanup_close_ int directory = path_open_host_directory(task_dir, error);
    if (directory < 0)
        return directory;
    _cleanup_buffer_ struct buffer bytes = BUFFER_INIT;
    int result = path_read_file(directory, name, RECORD_LIMIT, &bytes, error);
    if (result < 0)
        return result;
    *ret = protobuf_c_message_unpack(descriptor, NULL, bytes.size, (const uint8_t *)bytes.data);
    return *ret != NULL ? 0
                        : error_set(error, EBADMSG, "%s/%s cannot be read: it is damaged", task_dir, name);
}

int protocol_read_exit(const char *task_dir, Diego__Supervisor__ExitRecord **ret, struct error *error) {
    return read_record(task_dir, SUPERVISOR_EXIT_NAME, &diego__supervisor__exit_record__descriptor,
                       (ProtobufCMessage **)ret, error);
}

int protocol_read_state(const char *task_dir, Diego__Supervisor__TaskState **ret, struct error *error) {
    return read_record(task_dir, SUPERVISOR_STATE_NAME, &diego__supervisor__task_state__descriptor,
                       (ProtobufCMessage **)ret, error);
}
