#include "plugin/driver/exec_session.h"
#include "plugin/driver/handlers.h"
#include "plugin/driver/reply.h"
#include "runtime/base/buffer.h"
#include "runtime/base/clock.h"

/* What ExecTask keeps of the output: its end, as a check's status text needs. */
enum { OUTPUT_LIMIT = 64 * 1024 };

struct exec_call {
    struct rpc_call *call;
    struct exec_session *session;
    struct event_timer *timer; /* armed when the command has a time limit */
    int64_t timeout_ns;
    struct buffer output;
};

static void exec_call_free(struct exec_call *exec) {
    exec_session_destroy(exec->session);
    event_timer_remove(exec->timer);
    buffer_release(&exec->output);
    free(exec);
}

static void keep_output(void *data, _unused_ enum exec_stream stream, const void *bytes, size_t size) {
    struct exec_call *exec = data;
    buffer_append(&exec->output, bytes, size);
    if (exec->output.size > OUTPUT_LIMIT)
        buffer_consume(&exec->output, exec->output.size - OUTPUT_LIMIT);
}

static void input_drained(_unused_ void *data) {
}

static void exec_finished(void *data, const struct error *failure, int exit_code, int signal) {
    struct exec_call *exec = data;
    if (failure != NULL) {
        _cleanup_error_ struct error error = ERROR_INIT;
        error_copy(&error, failure);
        reply_error(exec->call, RPC_UNKNOWN, &error);
    } else {
        DriverExitResult result = DRIVER_INIT(EXIT_RESULT);
        result.exit_code = exit_code;
        result.signal = signal;
        DriverExecTaskResponse response = DRIVER_INIT(EXEC_TASK_RESPONSE);
        response.stdout =
            (ProtobufCBinaryData){.len = exec->output.size, .data = (uint8_t *)exec->output.data};
        response.result = &result;
        rpc_call_reply(exec->call, &response.base);
    }
    exec_call_free(exec);
}

static void exec_cancelled(struct rpc_call *call, void *data) {
    rpc_call_finish(call, RPC_CANCELLED, "cancelled", NULL);
    exec_call_free(data);
}

static void exec_timed_out(_unused_ struct event_timer *timer, void *data) {
    struct exec_call *exec = data;
    _cleanup_error_ struct error error = ERROR_INIT;
    error_set(&error, ETIMEDOUT, "the command did not end within %lld ms and was killed",
              (long long)(exec->timeout_ns / NS_PER_MS));
    reply_error(exec->call, RPC_DEADLINE_EXCEEDED, &error);
    exec_call_free(exec);
}

static int64_t duration_ns(const Google__Protobuf__Duration *duration) {
    return duration == NULL ? 0 : MIN_OF(duration->seconds, INT64_C(1000000000)) * NS_PER_S + duration->nanos;
}

static int start_exec(struct task *task, const DriverExecTaskRequest *request, struct exec_call *exec,
                      struct error *error) {
    static const struct exec_callbacks callbacks = {
        .output = keep_output, .input_drained = input_drained, .finished = exec_finished};
    exec->timeout_ns = duration_ns(request->timeout);
    if (exec->timeout_ns > 0) {
        int result = event_loop_add_timer(task->driver->loop, exec_timed_out, exec, &exec->timer, error);
        if (result < 0)
            return result;
        event_timer_arm(exec->timer, clock_monotonic_ns() + exec->timeout_ns);
    }
    struct exec_options options = {
        .command = request->command, .command_count = request->n_command, .combined = true};
    return exec_session_create(task, &options, &callbacks, exec, &exec->session, error);
}

void handle_exec_task(struct rpc_call *call, const ProtobufCMessage *message, void *service) {
    static const struct rpc_hooks hooks = {.cancelled = exec_cancelled};
    const DriverExecTaskRequest *request = (const DriverExecTaskRequest *)message;
    struct task *task = handler_find_task(service, call, request->task_id);
    if (task == NULL)
        return;
    struct exec_call *exec = calloc(1, sizeof *exec);
    if (exec == NULL) {
        rpc_call_finish(call, RPC_RESOURCE_EXHAUSTED, "out of memory", NULL);
        return;
    }
    exec->call = call;
    _cleanup_error_ struct error error = ERROR_INIT;
    if (start_exec(task, request, exec, &error) < 0) {
        exec_call_free(exec);
        reply_error(call, RPC_UNKNOWN, &error);
        return;
    }
    rpc_call_set_hooks(call, &hooks, exec);
}
