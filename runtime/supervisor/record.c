#include <string.h>

#include "runtime/supervisor/internal.h"
#include "runtime/sys/path.h"

static const char *const STATES[] = {
    [SUPERVISOR_STARTING] = "starting", [SUPERVISOR_RUNNING] = "running", [SUPERVISOR_EXITED] = "exited"};

void record_fill_status(const struct supervisor *supervisor, Diego__Supervisor__Status *status) {
    status->version = SUPERVISOR_PROTOCOL_VERSION;
    status->state = (char *)STATES[supervisor->state];
    status->supervisor_pid = getpid();
    status->init_pid =
        supervisor->context.container != NULL ? container_init_pid(supervisor->context.container) : 0;
    status->main_pid = supervisor->context.main.pid;
    status->started_ns = supervisor->started_ns;
}

static int write_message(const struct supervisor *supervisor, const char *name,
                         const ProtobufCMessage *message, bool sync, struct error *error) {
    size_t size = protobuf_c_message_get_packed_size(message);
    _cleanup_free_ uint8_t *bytes = malloc(MAX_OF(size, (size_t)1));
    if (bytes == NULL)
        return error_set_no_memory(error);
    protobuf_c_message_pack(message, bytes);
    return path_write_file(supervisor->task_dir_fd, name, bytes, size, 0600, sync, error);
}

int record_write_state(const struct supervisor *supervisor, struct error *error) {
    struct process_identity identity;
    int r = process_identify(getpid(), &identity, error);
    if (r < 0)
        return r;
    Diego__Supervisor__TaskState state = DIEGO__SUPERVISOR__TASK_STATE__INIT;
    state.version = SUPERVISOR_PROTOCOL_VERSION;
    state.task_dir = supervisor->spec->task_dir;
    state.layer_dir = supervisor->spec->layer_dir;
    state.supervisor_pid = identity.pid;
    state.supervisor_start = identity.start_time;
    state.boot_id = identity.boot_id;
    state.cgroup_path = supervisor->spec->cgroup->path;
    state.started_ns = supervisor->started_ns;
    return write_message(supervisor, SUPERVISOR_STATE_NAME, &state.base, false, error);
}

int record_write_exit(const struct supervisor *supervisor, const Diego__Supervisor__ExitRecord *record,
                      struct error *error) {
    return write_message(supervisor, SUPERVISOR_EXIT_NAME, &record->base, true, error);
}
