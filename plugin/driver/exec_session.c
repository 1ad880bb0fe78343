#include "plugin/driver/exec_session.h"

#include <fcntl.h>

#include "plugin/driver/driver.h"
#include "runtime/base/buffer.h"
#include "runtime/base/fd.h"
#include "runtime/supervisor/protocol.h"

enum { READ_SIZE = 32 * 1024, EXEC_REQUEST_ID = 1, TERMINAL_EOF = 4 };

struct output {
    struct exec_session *session;
    enum exec_stream stream;
    int fd;
    struct event_source *source;
};

struct exec_session {
    struct event_loop *loop;
    const struct exec_callbacks *callbacks;
    void *data;
    int control_fd;
    struct event_source *control;
    struct output outputs[2];
    int input_fd;               /* the terminal's master is shared with outputs[0] and not owned here */
    struct event_source *input; /* only while input waits for room */
    struct buffer input_queue;
    bool tty;
    bool paused;
    bool input_closing;
    bool input_closed;
    bool exited;
    int exit_code;
    int exit_signal;
};

/* --- output --- */

static void close_output(struct output *output) {
    output->source = event_source_remove(output->source);
    output->fd = fd_close(output->fd);
}

/* Reads once. Returns whether there may be more. */
static bool read_output(struct output *output) {
    char bytes[READ_SIZE];
    ssize_t got = read(output->fd, bytes, sizeof bytes);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return errno == EINTR;
    if (got <= 0) { /* end of file; EIO is a terminal's */
        if (output->session->tty)
            output->source = event_source_remove(output->source);
        else
            close_output(output);
        return false;
    }
    output->session->callbacks->output(output->session->data, output->stream, bytes, (size_t)got);
    return true;
}

/* The process has ended: what it wrote is in the pipes already, what its children will write does not count.
 */
static void finish(struct exec_session *session) {
    for (size_t i = 0; i < ARRAY_SIZE(session->outputs); i++) {
        while (session->outputs[i].fd >= 0 && read_output(&session->outputs[i]))
            continue;
    }
    session->callbacks->finished(session->data, NULL, session->exit_code, session->exit_signal);
}

static void output_ready(_unused_ struct event_source *source, _unused_ uint32_t events, void *data) {
    read_output(data);
}

static int watch_output(struct exec_session *session, enum exec_stream stream, int fd, struct error *error) {
    struct output *output = &session->outputs[stream];
    output->fd = fd;
    fd_set_nonblocking(fd, true);
    return event_loop_add_fd(session->loop, fd, session->paused ? 0 : EPOLLIN, output_ready, output,
                             &output->source, error);
}

void exec_session_pause_output(struct exec_session *session, bool paused) {
    if (session->paused == paused)
        return;
    session->paused = paused;
    for (size_t i = 0; i < ARRAY_SIZE(session->outputs); i++) {
        if (session->outputs[i].source != NULL)
            event_source_set_events(session->outputs[i].source, paused ? 0 : EPOLLIN);
    }
    if (!paused && session->exited)
        finish(session);
}

/* --- input --- */

static void close_input(struct exec_session *session) {
    session->input = event_source_remove(session->input);
    if (!session->tty)
        fd_close(session->input_fd);
    session->input_fd = -1;
    session->input_closed = true;
    buffer_clear(&session->input_queue);
}

static void flush_input(struct exec_session *session);

static void input_ready(_unused_ struct event_source *source, _unused_ uint32_t events, void *data) {
    flush_input(data);
}

static void wait_for_room(struct exec_session *session) {
    if (session->input == NULL && event_loop_add_fd(session->loop, session->input_fd, EPOLLOUT, input_ready,
                                                    session, &session->input, NULL) < 0)
        close_input(session);
}

static void flush_input(struct exec_session *session) {
    struct buffer *queue = &session->input_queue;
    while (queue->size > 0) {
        ssize_t written = write(session->input_fd, queue->data, queue->size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0 && errno == EAGAIN) {
            wait_for_room(session);
            return;
        }
        if (written < 0) { /* nobody reads: the rest is not wanted */
            close_input(session);
            break;
        }
        buffer_consume(queue, (size_t)written);
    }
    session->input = event_source_remove(session->input);
    if (session->input_closing && !session->input_closed)
        close_input(session);
    session->callbacks->input_drained(session->data);
}

void exec_session_write(struct exec_session *session, const void *bytes, size_t size) {
    if (!session->input_closed && !session->input_closing)
        buffer_append(&session->input_queue, bytes, size);
    if (session->input_closed || session->input_fd >= 0)
        flush_input(session);
    /* otherwise the terminal is not there yet: flushed when it is */
}

void exec_session_close_input(struct exec_session *session) {
    if (session->tty) {
        buffer_append_char(&session->input_queue, TERMINAL_EOF);
    } else {
        session->input_closing = true;
    }
    if (session->input_closed || session->input_fd >= 0)
        flush_input(session);
}

/* --- the supervisor's side --- */

static void fail(struct exec_session *session, struct error *error) {
    session->callbacks->finished(session->data, error, 0, 0);
}

static int send_request(struct exec_session *session, SupervisorRequest *request, const int *fds,
                        size_t fd_count, struct error *error) {
    return protocol_send(session->control_fd, &request->base, fds, fd_count, error);
}

void exec_session_set_window(struct exec_session *session, uint32_t rows, uint32_t columns) {
    Diego__Supervisor__WindowSize size = SUPERVISOR_INIT(WINDOW_SIZE);
    size.exec_id = EXEC_REQUEST_ID;
    size.rows = rows;
    size.columns = columns;
    SupervisorRequest request = SUPERVISOR_INIT(REQUEST);
    request.request_case = DIEGO__SUPERVISOR__REQUEST__REQUEST_WINDOW_SIZE;
    request.window_size = &size;
    send_request(session, &request, NULL, 0, NULL);
}

/* The answer to the exec request; with a terminal it brings the master. Returns false when the session ended.
 */
static bool handle_reply(struct exec_session *session, const Diego__Supervisor__Reply *reply, int *fds,
                         size_t fd_count) {
    if (reply->id != EXEC_REQUEST_ID)
        return true;
    _cleanup_error_ struct error error = ERROR_INIT;
    if (reply->code != 0) {
        error_set(&error, reply->code, "%s", reply->error);
        fail(session, &error);
        return false;
    }
    if (!session->tty || fd_count == 0)
        return true;
    int master = TAKE_FD(fds[0]);
    if (watch_output(session, EXEC_STDOUT, master, &error) < 0) {
        fail(session, &error);
        return false;
    }
    session->input_fd = master;
    if (session->input_queue.size > 0)
        flush_input(session);
    return true;
}

static bool handle_event(struct exec_session *session, const SupervisorEvent *event, int *fds,
                         size_t fd_count) {
    if (event->event_case == DIEGO__SUPERVISOR__EVENT__EVENT_REPLY)
        return handle_reply(session, event->reply, fds, fd_count);
    if (event->event_case != DIEGO__SUPERVISOR__EVENT__EVENT_EXEC_EXITED)
        return true;
    session->exited = true;
    session->exit_code = event->exec_exited->exit_code;
    session->exit_signal = event->exec_exited->signal;
    session->control = event_source_remove(session->control);
    if (!session->paused)
        finish(session);
    return false;
}

static void control_ready(_unused_ struct event_source *source, _unused_ uint32_t events, void *data) {
    struct exec_session *session = data;
    bool go_on = true;
    while (go_on) {
        ProtobufCMessage *message = NULL;
        int fds[MESSAGE_MAX_FDS];
        size_t fd_count = 0;
        int got = protocol_receive(session->control_fd, &diego__supervisor__event__descriptor, &message, fds,
                                   &fd_count, NULL);
        if (got == -EAGAIN)
            return;
        if (got <= 0) {
            _cleanup_error_ struct error error = ERROR_INIT;
            error_set(&error, ECONNRESET, "the task ended before the command did");
            fail(session, &error);
            return;
        }
        go_on = handle_event(session, (const SupervisorEvent *)message, fds, fd_count);
        for (size_t i = 0; i < fd_count; i++)
            fd_close(fds[i]);
        protobuf_c_message_free_unpacked(message, NULL);
    }
}

/* The child's ends of the pipes in `child`, ours watched by the session. */
static int make_pipes(struct exec_session *session, const struct exec_options *options, int child[static 3],
                      struct error *error) {
    int input[2] = {-1, -1};
    if (options->stdin_open ? pipe2(input, O_CLOEXEC) < 0
                            : (input[0] = open("/dev/null", O_RDONLY | O_CLOEXEC)) < 0)
        return error_set_errno(error, errno, "cannot make the command's stdin");
    child[0] = input[0];
    session->input_fd = input[1];
    session->input_closed = !options->stdin_open;
    if (input[1] >= 0)
        fd_set_nonblocking(input[1], true);
    for (int i = EXEC_STDOUT; i <= EXEC_STDERR; i++) {
        if (i == EXEC_STDERR && options->combined)
            break;
        int ends[2];
        if (pipe2(ends, O_CLOEXEC) < 0)
            return error_set_errno(error, errno, "cannot make the command's output");
        child[1 + i] = ends[1];
        int result = watch_output(session, (enum exec_stream)i, ends[0], error);
        if (result < 0)
            return result;
    }
    return 0;
}

static int send_exec(struct exec_session *session, const struct exec_options *options, struct error *error) {
    int child[3] = {-1, -1, -1};
    int result = options->tty ? 0 : make_pipes(session, options, child, error);
    if (result == 0) {
        Diego__Supervisor__Exec exec = SUPERVISOR_INIT(EXEC);
        exec.n_command = options->command_count;
        exec.command = options->command;
        exec.tty = options->tty;
        SupervisorRequest request = SUPERVISOR_INIT(REQUEST);
        request.id = EXEC_REQUEST_ID;
        request.request_case = DIEGO__SUPERVISOR__REQUEST__REQUEST_EXEC;
        request.exec = &exec;
        int fds[3] = {child[0], child[1], options->combined ? child[1] : child[2]};
        result = send_request(session, &request, fds, options->tty ? 0 : 3, error);
    }
    for (size_t i = 0; i < ARRAY_SIZE(child); i++)
        fd_close(child[i]);
    return result;
}

int exec_session_create(struct task *task, const struct exec_options *options,
                        const struct exec_callbacks *callbacks, void *data, struct exec_session **ret,
                        struct error *error) {
    if (options->command_count == 0)
        return error_set(error, EINVAL, "command is empty: give at least a program");
    struct exec_session *session = calloc(1, sizeof *session);
    if (session == NULL)
        return error_set_no_memory(error);
    *session = (struct exec_session){
        .loop = task->driver->loop,
        .callbacks = callbacks,
        .data = data,
        .control_fd = -1,
        .input_fd = -1,
        .tty = options->tty,
        .outputs = {{.session = session, .stream = EXEC_STDOUT, .fd = -1},
                    {.session = session, .stream = EXEC_STDERR, .fd = -1}},
    };
    int result = session->control_fd = protocol_connect(task->task_dir, error);
    if (result >= 0) {
        fd_set_nonblocking(session->control_fd, true);
        result = event_loop_add_fd(session->loop, session->control_fd, EPOLLIN, control_ready, session,
                                   &session->control, error);
    }
    if (result >= 0)
        result = send_exec(session, options, error);
    if (result < 0) {
        exec_session_destroy(session);
        return result;
    }
    *ret = session;
    return 0;
}

void exec_session_destroy(struct exec_session *session) {
    if (session == NULL)
        return;
    close_input(session);
    for (size_t i = 0; i < ARRAY_SIZE(session->outputs); i++)
        close_output(&session->outputs[i]);
    event_source_remove(session->control);
    fd_close(session->control_fd);
    buffer_release(&session->input_queue);
    free(session);
}
