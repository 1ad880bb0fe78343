#include <signal.h>

#include "plugin/driver/handlers.h"
#include "plugin/driver/reply.h"
#include "runtime/sys/process.h"

/* A StopTask or DestroyTask that waits for the task's end. */
struct end_call {
    struct task_waiter waiter;
    struct rpc_call *call; /* NULL once the client left */
    bool destroy;
};

static void reply_stopped(struct rpc_call *call) {
    DriverStopTaskResponse response = DRIVER_INIT(STOP_TASK_RESPONSE);
    rpc_call_reply(call, &response.base);
}

static void reply_destroyed(struct rpc_call *call) {
    DriverDestroyTaskResponse response = DRIVER_INIT(DESTROY_TASK_RESPONSE);
    rpc_call_reply(call, &response.base);
}

/* Other waiters of the task still have to be told before it goes. */
static void destroy_later(void *data) {
    task_destroy(data, true);
}

static void task_ended(struct task_waiter *waiter, struct task *task) {
    struct end_call *end = CONTAINER_OF(waiter, struct end_call, waiter);
    if (end->destroy && !task->destroying && event_loop_post(task->driver->loop, destroy_later, task) == 0)
        task->destroying = true;
    if (end->call != NULL)
        (end->destroy ? reply_destroyed : reply_stopped)(end->call);
    free(end);
}

static void end_cancelled(struct rpc_call *call, void *data) {
    struct end_call *end = data;
    end->call = NULL; /* a destroy goes on */
    rpc_call_finish(call, RPC_CANCELLED, "cancelled", NULL);
}

/* On failure nothing waits and the caller still has the call. */
static int end_task(struct task *task, struct rpc_call *call, int signal, uint64_t timeout_ms, bool destroy,
                    struct error *error) {
    static const struct rpc_hooks hooks = {.cancelled = end_cancelled};
    struct end_call *end = malloc(sizeof *end);
    if (end == NULL)
        return error_set_no_memory(error);
    int result = task_stop(task, signal, timeout_ms, error);
    if (result < 0) {
        free(end);
        return result;
    }
    *end = (struct end_call){.waiter = {.exited = task_ended}, .call = call, .destroy = destroy};
    if (call != NULL)
        rpc_call_set_hooks(call, &hooks, end);
    task_add_waiter(task, &end->waiter);
    return 0;
}

void handler_abandon_task(struct task *task) {
    _cleanup_error_ struct error error = ERROR_INIT;
    if (end_task(task, NULL, SIGKILL, 0, true, &error) < 0)
        log_message(task->driver->logger, LOG_WARN, "task %s cannot be ended: %s", task->id, error.text);
}

static uint64_t duration_ms(const Google__Protobuf__Duration *duration) {
    if (duration == NULL || duration->seconds < 0 || duration->nanos < 0)
        return 0;
    return (uint64_t)MIN_OF(duration->seconds, INT64_C(1000000000)) * 1000 +
           (uint64_t)duration->nanos / 1000000;
}

/* An unknown id is success: an error would only start Nomad's retries, minutes long. */
void handle_stop_task(struct rpc_call *call, const ProtobufCMessage *message, void *service) {
    const DriverStopTaskRequest *request = (const DriverStopTaskRequest *)message;
    struct driver *driver = service;
    struct task *task = task_table_find(&driver->tasks, request->task_id);
    if (task == NULL || task->state == TASK_EXITED) {
        reply_stopped(call);
        return;
    }
    int signal = request->signal[0] != '\0' ? process_signal_number(request->signal) : SIGTERM;
    if (signal <= 0) {
        log_message(driver->logger, LOG_WARN, "task %s: unknown kill_signal \"%s\", SIGTERM is used",
                    task->id, request->signal);
        signal = SIGTERM;
    }
    _cleanup_error_ struct error error = ERROR_INIT;
    if (end_task(task, call, signal, duration_ms(request->timeout), false, &error) < 0)
        reply_error(call, RPC_UNKNOWN, &error);
}

void handle_destroy_task(struct rpc_call *call, const ProtobufCMessage *message, void *service) {
    const DriverDestroyTaskRequest *request = (const DriverDestroyTaskRequest *)message;
    struct driver *driver = service;
    _cleanup_error_ struct error error = ERROR_INIT;
    struct task *task = task_table_find(&driver->tasks, request->task_id);
    if (task == NULL || task->destroying) {
        reply_destroyed(call);
    } else if (task->state == TASK_EXITED) {
        task_destroy(task, true);
        reply_destroyed(call);
    } else if (!request->force) {
        rpc_call_finish(call, RPC_FAILED_PRECONDITION, "cannot destroy running task", NULL);
    } else if (end_task(task, call, SIGKILL, 0, true, &error) < 0) {
        reply_error(call, RPC_UNKNOWN, &error);
    }
}

/* --- SignalTask --- */

static void signal_answered(_unused_ struct task *task, const Diego__Supervisor__Reply *reply, void *data) {
    struct rpc_call *call = data;
    DriverSignalTaskResponse response = DRIVER_INIT(SIGNAL_TASK_RESPONSE);
    if (reply == NULL)
        rpc_call_finish(call, RPC_UNKNOWN, "the task ended before the signal reached it", NULL);
    else if (reply->code != 0)
        rpc_call_finish(call, RPC_UNKNOWN, reply->error, NULL);
    else
        rpc_call_reply(call, &response.base);
}

void handle_signal_task(struct rpc_call *call, const ProtobufCMessage *message, void *service) {
    const DriverSignalTaskRequest *request = (const DriverSignalTaskRequest *)message;
    _cleanup_error_ struct error error = ERROR_INIT;
    struct task *task = handler_find_task(service, call, request->task_id);
    if (task == NULL)
        return;
    int number = process_signal_number(request->signal);
    if (number < 0) {
        error_set(&error, EINVAL, "unknown signal \"%s\": use a name such as SIGHUP, hup or its number",
                  request->signal);
        reply_error(call, RPC_INVALID_ARGUMENT, &error);
        return;
    }
    Diego__Supervisor__Signal signal = SUPERVISOR_INIT(SIGNAL);
    signal.number = (uint32_t)number;
    SupervisorRequest supervisor_request = SUPERVISOR_INIT(REQUEST);
    supervisor_request.request_case = DIEGO__SUPERVISOR__REQUEST__REQUEST_SIGNAL;
    supervisor_request.signal = &signal;
    if (task_request(task, &supervisor_request, signal_answered, call, &error) < 0)
        reply_error(call, RPC_UNKNOWN, &error);
}
