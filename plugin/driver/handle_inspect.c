#include "plugin/driver/exit_result.h"
#include "plugin/driver/handlers.h"
#include "runtime/base/clock.h"

enum { ATTRIBUTE_COUNT = 4, NUMBER_TEXT_SIZE = 24 };

/* Go's zero time, 0001-01-01, which Nomad reads as "not yet". */
static const int64_t GO_ZERO_TIME_SECONDS = INT64_C(-62135596800);

static Google__Protobuf__Timestamp timestamp_of(int64_t realtime_ns) {
    Google__Protobuf__Timestamp timestamp = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    timestamp.seconds = realtime_ns != 0 ? realtime_ns / NS_PER_S : GO_ZERO_TIME_SECONDS;
    timestamp.nanos = (int32_t)(realtime_ns % NS_PER_S);
    return timestamp;
}

static int started_task_state(const struct task *task) {
    switch (task->state) {
    case TASK_RUNNING:
        return DRIVER_ENUM(TASK_STATE__RUNNING);
    case TASK_EXITED:
        return DRIVER_ENUM(TASK_STATE__EXITED);
    default:
        return DRIVER_ENUM(TASK_STATE__UNKNOWN);
    }
}

void handle_inspect_task(struct rpc_call *call, const ProtobufCMessage *message, void *service) {
    typedef Hashicorp__Nomad__Plugins__Drivers__Proto__TaskDriverStatus__AttributesEntry AttributesEntry;
    const struct task *task =
        handler_find_task(service, call, ((const DriverInspectTaskRequest *)message)->task_id);
    if (task == NULL)
        return;
    const SupervisorStatus *status = task->status;
    char supervisor_pid[NUMBER_TEXT_SIZE];
    char init_pid[NUMBER_TEXT_SIZE];
    snprintf(supervisor_pid, sizeof supervisor_pid, "%d", status != NULL ? status->supervisor_pid : 0);
    snprintf(init_pid, sizeof init_pid, "%d", status != NULL ? status->init_pid : 0);
    const struct {
        const char *key;
        char *value;
    } attributes[ATTRIBUTE_COUNT] = {
        {"supervisor_pid", supervisor_pid},
        {"init_pid", init_pid},
        {"task_dir", task->task_dir},
        {"cgroup", task->cgroup_path},
    };
    AttributesEntry entries[ATTRIBUTE_COUNT];
    AttributesEntry *pointers[ATTRIBUTE_COUNT];
    for (size_t i = 0; i < ATTRIBUTE_COUNT; i++) {
        entries[i] = (AttributesEntry)DRIVER_INIT(TASK_DRIVER_STATUS__ATTRIBUTES_ENTRY);
        entries[i].key = (char *)attributes[i].key;
        entries[i].value = attributes[i].value;
        pointers[i] = &entries[i];
    }
    DriverTaskDriverStatus driver_status = DRIVER_INIT(TASK_DRIVER_STATUS);
    driver_status.n_attributes = ATTRIBUTE_COUNT;
    driver_status.attributes = pointers;

    int64_t started_ns = task->exit != NULL ? task->exit->started_ns
                         : status != NULL   ? status->started_ns
                                            : 0;
    Google__Protobuf__Timestamp started = timestamp_of(started_ns);
    Google__Protobuf__Timestamp completed = timestamp_of(task->exit != NULL ? task->exit->completed_ns : 0);
    DriverExitResult result = exit_result_of(task);
    DriverTaskStatus task_status = DRIVER_INIT(TASK_STATUS);
    task_status.id = task->id;
    task_status.name = task->name;
    task_status.state = started_task_state(task);
    task_status.started_at = &started;
    task_status.completed_at = &completed;
    task_status.result = &result;

    DriverInspectTaskResponse response = DRIVER_INIT(INSPECT_TASK_RESPONSE);
    response.task = &task_status;
    response.driver = &driver_status;
    rpc_call_reply(call, &response.base);
}
