#include <signal.h>

#include "plugin/config/task_spec.h"
#include "plugin/driver/handlers.h"
#include "plugin/driver/reply.h"
#include "runtime/supervisor/protocol.h"
#include "runtime/sys/process.h"

/* A StartTask or RecoverTask that is under way. */
struct pending_start {
    struct rpc_call *call; /* NULL once the client left */
    const DriverTaskConfig *config;
};

static char *or_empty(char *text) {
    return text != NULL ? text : (char *)"";
}

/* --- StartTask --- */

static void reply_started(const struct task *task, struct rpc_call *call, const DriverTaskConfig *config) {
    SupervisorTaskState state = SUPERVISOR_INIT(TASK_STATE);
    task_fill_state(task, &state);
    size_t size = protobuf_c_message_get_packed_size(&state.base);
    _cleanup_free_ uint8_t *packed = malloc(size);
    if (packed == NULL) {
        rpc_call_finish(call, RPC_RESOURCE_EXHAUSTED, "out of memory", NULL);
        return;
    }
    protobuf_c_message_pack(&state.base, packed);
    DriverTaskHandle handle = DRIVER_INIT(TASK_HANDLE);
    handle.version = 1;
    handle.config = (DriverTaskConfig *)config;
    handle.state = DRIVER_ENUM(TASK_STATE__RUNNING);
    handle.driver_state = (ProtobufCBinaryData){.len = size, .data = packed};
    DriverStartTaskResponse response = DRIVER_INIT(START_TASK_RESPONSE);
    response.handle = &handle;
    rpc_call_reply(call, &response.base);
}

static void start_ready(struct task *task, const struct error *failure, bool recoverable, void *data) {
    struct pending_start *start = data;
    if (failure != NULL) {
        _cleanup_error_ struct error error = ERROR_INIT;
        error_copy(&error, failure);
        if (start->call != NULL && recoverable)
            reply_recoverable(start->call, &error);
        else if (start->call != NULL)
            reply_error(start->call, RPC_UNKNOWN, &error);
        task_destroy(task, true);
    } else if (start->call != NULL) {
        reply_started(task, start->call, start->config);
    } else {
        handler_abandon_task(task);
    }
    free(start);
}

static void start_cancelled(struct rpc_call *call, void *data) {
    struct pending_start *start = data;
    start->call = NULL;
    rpc_call_finish(call, RPC_CANCELLED, "cancelled", NULL);
}

/* What an attempt with the same id left when its plugin died in the middle: the supervisor is ended, the
 * files go. */
static void remove_earlier_attempt(const struct driver *driver, const char *task_dir, const char *layer_dir) {
    SupervisorTaskState *state = NULL;
    if (protocol_read_state(task_dir, &state, NULL) < 0)
        return;
    struct process_identity identity = {.pid = state->supervisor_pid, .start_time = state->supervisor_start};
    snprintf(identity.boot_id, sizeof identity.boot_id, "%s", state->boot_id);
    int pidfd = process_open(&identity, NULL);
    if (pidfd >= 0) {
        process_signal(pidfd, SIGKILL);
        close(pidfd);
    }
    diego__supervisor__task_state__free_unpacked(state, NULL);
    char *paths[] = {(char *)task_dir, (char *)layer_dir};
    spawner_remove(driver->spawner, paths, ARRAY_SIZE(paths), NULL);
}

static int start_task(struct driver *driver, struct rpc_call *call, const DriverTaskConfig *config,
                      struct error *error) {
    static const struct rpc_hooks hooks = {.cancelled = start_cancelled};
    if (!driver->config->enabled)
        return error_set(error, EPERM,
                         "the diego driver is disabled on this node: set enabled = true in its plugin block");
    if (task_table_find(&driver->tasks, config->id) != NULL)
        return error_set(error, EEXIST, "task with ID \"%s\" already started", config->id);
    _cleanup_free_ char *task_dir = NULL;
    _cleanup_free_ char *layer_dir = NULL;
    int result = task_directories(driver, config->id, &task_dir, &layer_dir, error);
    if (result < 0)
        return result;
    remove_earlier_attempt(driver, task_dir, layer_dir);
    SupervisorTaskSpec *spec = NULL;
    result = task_spec_build(config, driver->config, task_dir, layer_dir, &spec, error);
    if (result < 0)
        return result;
    struct pending_start *start = calloc(1, sizeof *start);
    struct task *task = NULL;
    result = start == NULL
                 ? error_set_no_memory(error)
                 : task_create(driver, config->id, config->name, config->alloc_id,
                               or_empty(spec->cgroup != NULL ? spec->cgroup->path : NULL), &task, error);
    if (result == 0) {
        *start = (struct pending_start){.call = call, .config = config};
        result = task_start(task, spec, start_ready, start, error);
    }
    diego__supervisor__task_spec__free_unpacked(spec, NULL);
    if (result < 0) {
        if (task != NULL)
            task_destroy(task, true);
        free(start);
        return result;
    }
    rpc_call_set_hooks(call, &hooks, start);
    return 0;
}

void handle_start_task(struct rpc_call *call, const ProtobufCMessage *message, void *service) {
    const DriverStartTaskRequest *request = (const DriverStartTaskRequest *)message;
    _cleanup_error_ struct error error = ERROR_INIT;
    if (request->task == NULL || request->task->id[0] == '\0') {
        rpc_call_finish(call, RPC_INVALID_ARGUMENT, "StartTask without a task id", NULL);
        return;
    }
    if (start_task(service, call, request->task, &error) < 0)
        reply_error(call, RPC_INVALID_ARGUMENT, &error);
}

/* --- RecoverTask --- */

static void recover_ready(struct task *task, const struct error *failure, _unused_ bool recoverable,
                          void *data) {
    struct pending_start *start = data;
    if (failure != NULL) {
        _cleanup_error_ struct error error = ERROR_INIT;
        error_copy(&error, failure);
        if (start->call != NULL)
            reply_error(start->call, RPC_UNKNOWN, &error);
        task_destroy(task, false);
    } else if (start->call != NULL) {
        DriverRecoverTaskResponse response = DRIVER_INIT(RECOVER_TASK_RESPONSE);
        rpc_call_reply(start->call, &response.base);
    }
    free(start);
}

static int check_state(const struct driver *driver, const DriverTaskConfig *config,
                       const SupervisorTaskState *state, struct error *error) {
    if (state->version != 1)
        return error_set(error, EPROTO, "task %s: handle of version %u; this driver reads version 1",
                         config->id, state->version);
    if (state->task_dir[0] != '/' || state->layer_dir[0] != '/')
        return error_set(error, EPROTO, "task %s: its handle names no directories", config->id);
    struct process_identity self;
    int result = process_identify(getpid(), &self, error);
    if (result < 0)
        return result;
    if (strcmp(self.boot_id, state->boot_id) != 0)
        return error_set(error, ESRCH, "task %s did not survive the reboot of this machine", config->id);
    log_message(driver->logger, LOG_DEBUG, "recovering task %s from %s", config->id, state->task_dir);
    return 0;
}

static int recover_task(struct driver *driver, struct rpc_call *call, const DriverTaskHandle *handle,
                        struct error *error) {
    static const struct rpc_hooks hooks = {.cancelled = start_cancelled};
    const DriverTaskConfig *config = handle->config;
    SupervisorTaskState *state =
        diego__supervisor__task_state__unpack(NULL, handle->driver_state.len, handle->driver_state.data);
    if (state == NULL)
        return error_set(error, EPROTO, "task %s: its handle cannot be read", config->id);
    struct pending_start *start = calloc(1, sizeof *start);
    struct task *task = NULL;
    int result = start == NULL ? error_set_no_memory(error) : check_state(driver, config, state, error);
    if (result == 0)
        result =
            task_create(driver, config->id, config->name, config->alloc_id, state->cgroup_path, &task, error);
    if (result == 0) {
        *start = (struct pending_start){.call = call};
        rpc_call_set_hooks(call, &hooks, start);
        result = task_recover(task, state, recover_ready, start, error);
    }
    diego__supervisor__task_state__free_unpacked(state, NULL);
    if (result < 0) {
        if (task != NULL)
            task_destroy(task, false);
        free(start);
    }
    return result;
}

void handle_recover_task(struct rpc_call *call, const ProtobufCMessage *message, void *service) {
    const DriverRecoverTaskRequest *request = (const DriverRecoverTaskRequest *)message;
    struct driver *driver = service;
    _cleanup_error_ struct error error = ERROR_INIT;
    if (request->handle == NULL || request->handle->config == NULL ||
        request->handle->config->id[0] == '\0') {
        rpc_call_finish(call, RPC_INVALID_ARGUMENT, "RecoverTask without a handle that names a task", NULL);
        return;
    }
    if (task_table_find(&driver->tasks, request->handle->config->id) != NULL) {
        DriverRecoverTaskResponse response = DRIVER_INIT(RECOVER_TASK_RESPONSE);
        rpc_call_reply(call, &response.base);
        return;
    }
    if (recover_task(driver, call, request->handle, &error) < 0)
        reply_error(call, RPC_UNKNOWN, &error);
}
