#include "plugin/driver/exec_session.h"
#include "plugin/driver/handlers.h"
#include "plugin/driver/reply.h"
#include "runtime/base/clock.h"

/* Output that waits in gRPC before the process is made to wait instead. */
enum { QUEUE_LIMIT = 512 * 1024 };

/* An empty frame now and then makes the agent notice a client that went away. */
static const int64_t HEARTBEAT_NS = 10 * NS_PER_S;

struct stream_call {
    struct driver *driver;
    struct rpc_call *call;
    struct exec_session *session; /* NULL before the setup message */
    struct event_timer *heartbeat;
    bool reading; /* the next client message was asked for */
};

static void stream_free(struct stream_call *stream) {
    exec_session_destroy(stream->session);
    event_timer_remove(stream->heartbeat);
    free(stream);
}

static void receive_next(struct stream_call *stream) {
    if (stream->reading)
        return;
    stream->reading = true;
    rpc_call_receive(stream->call);
}

/* --- from the process to the client --- */

static void send_output(void *data, enum exec_stream which, const void *bytes, size_t size) {
    struct stream_call *stream = data;
    DriverExecTaskStreamingIOOperation operation = DRIVER_INIT(EXEC_TASK_STREAMING_IOOPERATION);
    operation.data = (ProtobufCBinaryData){.len = size, .data = (uint8_t *)bytes};
    DriverExecTaskStreamingResponse response = DRIVER_INIT(EXEC_TASK_STREAMING_RESPONSE);
    if (which == EXEC_STDOUT)
        response.stdout = &operation;
    else
        response.stderr = &operation;
    if (rpc_call_send(stream->call, &response.base) > QUEUE_LIMIT)
        exec_session_pause_output(stream->session, true);
}

static void input_drained(void *data) {
    receive_next(data);
}

static void exec_finished(void *data, const struct error *failure, int exit_code, int signal) {
    struct stream_call *stream = data;
    if (failure != NULL) {
        _cleanup_error_ struct error error = ERROR_INIT;
        error_copy(&error, failure);
        reply_error(stream->call, RPC_UNKNOWN, &error);
    } else {
        DriverExitResult result = DRIVER_INIT(EXIT_RESULT);
        result.exit_code = exit_code;
        result.signal = signal;
        DriverExecTaskStreamingResponse response = DRIVER_INIT(EXEC_TASK_STREAMING_RESPONSE);
        response.exited = true;
        response.result = &result;
        rpc_call_send(stream->call, &response.base);
        rpc_call_finish(stream->call, RPC_OK, "", NULL);
    }
    stream_free(stream);
}

static void client_drained(_unused_ struct rpc_call *call, void *data) {
    struct stream_call *stream = data;
    if (stream->session != NULL)
        exec_session_pause_output(stream->session, false);
}

static void heartbeat_due(struct event_timer *timer, void *data) {
    struct stream_call *stream = data;
    DriverExecTaskStreamingResponse response = DRIVER_INIT(EXEC_TASK_STREAMING_RESPONSE);
    rpc_call_send(stream->call, &response.base);
    event_timer_arm(timer, clock_monotonic_ns() + HEARTBEAT_NS);
}

/* --- from the client to the process --- */

static void finish_with(struct stream_call *stream, enum rpc_status status, struct error *error) {
    reply_error(stream->call, status, error);
    stream_free(stream);
}

/* The first message. */
static void set_up(struct stream_call *stream, const DriverExecTaskStreamingRequest *request) {
    static const struct exec_callbacks callbacks = {
        .output = send_output, .input_drained = input_drained, .finished = exec_finished};
    _cleanup_error_ struct error error = ERROR_INIT;
    if (request == NULL || request->setup == NULL) {
        error_set(&error, EINVAL, "the first message of ExecTaskStreaming must carry setup");
        finish_with(stream, RPC_INVALID_ARGUMENT, &error);
        return;
    }
    struct task *task = task_table_find(&stream->driver->tasks, request->setup->task_id);
    if (task == NULL) {
        reply_task_not_found(stream->call);
        stream_free(stream);
        return;
    }
    struct exec_options options = {
        .command = request->setup->command,
        .command_count = request->setup->n_command,
        .tty = request->setup->tty,
        .combined = request->setup->tty,
        .stdin_open = true,
    };
    int result = exec_session_create(task, &options, &callbacks, stream, &stream->session, &error);
    if (result == 0)
        result =
            event_loop_add_timer(stream->driver->loop, heartbeat_due, stream, &stream->heartbeat, &error);
    if (result < 0) {
        finish_with(stream, RPC_UNKNOWN, &error);
        return;
    }
    event_timer_arm(stream->heartbeat, clock_monotonic_ns() + HEARTBEAT_NS);
    receive_next(stream);
}

/* An empty message is a heartbeat; one may carry a window size, input, or the end of input. */
static void apply(struct stream_call *stream, const DriverExecTaskStreamingRequest *request) {
    if (request->tty_size != NULL && request->tty_size->height > 0 && request->tty_size->width > 0)
        exec_session_set_window(stream->session, (uint32_t)request->tty_size->height,
                                (uint32_t)request->tty_size->width);
    const DriverExecTaskStreamingIOOperation *input = request->stdin;
    if (input != NULL && input->data.len > 0)
        exec_session_write(stream->session, input->data.data,
                           input->data.len); /* reads on when it is written */
    if (input != NULL && input->close)
        exec_session_close_input(stream->session);
    if (input == NULL || input->data.len == 0)
        receive_next(stream);
}

static void client_message(_unused_ struct rpc_call *call, const ProtobufCMessage *message, void *data) {
    struct stream_call *stream = data;
    stream->reading = false;
    if (stream->session == NULL)
        set_up(stream, (const DriverExecTaskStreamingRequest *)message);
    else if (message != NULL) /* a client that closed its side may still read */
        apply(stream, (const DriverExecTaskStreamingRequest *)message);
}

static void stream_cancelled(struct rpc_call *call, void *data) {
    rpc_call_finish(call, RPC_CANCELLED, "cancelled", NULL);
    stream_free(data);
}

void handle_exec_task_streaming(struct rpc_call *call, _unused_ const ProtobufCMessage *message,
                                void *service) {
    static const struct rpc_hooks hooks = {
        .message = client_message, .cancelled = stream_cancelled, .drained = client_drained};
    struct stream_call *stream = calloc(1, sizeof *stream);
    if (stream == NULL) {
        rpc_call_finish(call, RPC_RESOURCE_EXHAUSTED, "out of memory", NULL);
        return;
    }
    *stream = (struct stream_call){.driver = service, .call = call};
    rpc_call_set_hooks(call, &hooks, stream);
    receive_next(stream);
}
