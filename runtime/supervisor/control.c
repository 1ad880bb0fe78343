#include <sys/socket.h>

#include "runtime/base/clock.h"
#include "runtime/base/fd.h"
#include "runtime/supervisor/internal.h"

static void close_connection(struct connection *connection) {
    exec_end_all(connection);
    list_remove(&connection->link);
    event_source_remove(connection->source);
    fd_close(connection->fd);
    free(connection);
}

/* --- what goes out --- */

/* The connection itself is closed by its own reading, which sees the end of it next. */
bool control_send(struct connection *connection, const SupervisorEvent *event, const int *fds,
                  size_t fd_count) {
    if (protocol_send(connection->fd, &event->base, fds, fd_count, NULL) == 0)
        return true;
    shutdown(connection->fd, SHUT_RDWR);
    return false;
}

void control_broadcast(struct supervisor *supervisor, const SupervisorEvent *event) {
    LIST_FOR_EACH(node, &supervisor->connections) {
        struct connection *connection = LIST_ENTRY(node, struct connection, link);
        if (connection->wants_events)
            control_send(connection, event, NULL, 0);
    }
}

static void send_reply(struct connection *connection, Diego__Supervisor__Reply *reply,
                       const struct error *error) {
    if (reply->id == 0)
        return;
    _cleanup_free_ char *text = error != NULL && error_is_set(error) ? error_format(error) : NULL;
    if (error != NULL && error_is_set(error)) {
        reply->code = error->code;
        reply->error = text != NULL ? text : (char *)"out of memory";
    }
    SupervisorEvent event = DIEGO__SUPERVISOR__EVENT__INIT;
    event.event_case = DIEGO__SUPERVISOR__EVENT__EVENT_REPLY;
    event.reply = reply;
    control_send(connection, &event, NULL, 0);
}

void control_reply(struct connection *connection, uint64_t request_id, const struct error *error) {
    Diego__Supervisor__Reply reply = DIEGO__SUPERVISOR__REPLY__INIT;
    reply.id = request_id;
    send_reply(connection, &reply, error);
}

void control_notice(struct supervisor *supervisor, const char *message, const char *annotation,
                    const char *value) {
    Diego__Supervisor__Variable variable = DIEGO__SUPERVISOR__VARIABLE__INIT;
    variable.name = (char *)annotation;
    variable.value = (char *)value;
    Diego__Supervisor__Variable *variables[] = {&variable};
    Diego__Supervisor__Notice notice = DIEGO__SUPERVISOR__NOTICE__INIT;
    notice.message = (char *)message;
    notice.realtime_ns = clock_realtime_ns();
    notice.annotations = variables;
    notice.n_annotations = 1;
    SupervisorEvent event = DIEGO__SUPERVISOR__EVENT__INIT;
    event.event_case = DIEGO__SUPERVISOR__EVENT__EVENT_NOTICE;
    event.notice = &notice;
    control_broadcast(supervisor, &event);
}

/* --- what comes in --- */

static void reply_status(struct connection *connection, uint64_t request_id) {
    Diego__Supervisor__Status status = DIEGO__SUPERVISOR__STATUS__INIT;
    record_fill_status(connection->supervisor, &status);
    Diego__Supervisor__Reply reply = DIEGO__SUPERVISOR__REPLY__INIT;
    reply.id = request_id;
    reply.status = &status;
    send_reply(connection, &reply, NULL);
}

static void handle_signal(struct connection *connection, const Diego__Supervisor__Request *request) {
    _cleanup_error_ struct error error = ERROR_INIT;
    stop_signal(connection->supervisor, (int)request->signal->number, &error);
    control_reply(connection, request->id, &error);
}

static void handle_request(struct connection *connection, const Diego__Supervisor__Request *request,
                           const int *fds, size_t fd_count) {
    switch (request->request_case) {
    case DIEGO__SUPERVISOR__REQUEST__REQUEST_HELLO:
        connection->wants_events = request->hello->events;
        reply_status(connection, request->id);
        return;
    case DIEGO__SUPERVISOR__REQUEST__REQUEST_INSPECT:
        reply_status(connection, request->id);
        return;
    case DIEGO__SUPERVISOR__REQUEST__REQUEST_SIGNAL:
        handle_signal(connection, request);
        return;
    case DIEGO__SUPERVISOR__REQUEST__REQUEST_STOP:
        stop_begin(connection->supervisor, request->stop);
        control_reply(connection, request->id, NULL);
        return;
    case DIEGO__SUPERVISOR__REQUEST__REQUEST_EXEC:
        exec_start(connection, request->id, request->exec, fds, fd_count);
        return;
    case DIEGO__SUPERVISOR__REQUEST__REQUEST_EXEC_SIGNAL:
        exec_signal(connection, request->id, request->exec_signal);
        return;
    case DIEGO__SUPERVISOR__REQUEST__REQUEST_WINDOW_SIZE:
        exec_resize(connection, request->id, request->window_size);
        return;
    default: {
        _cleanup_error_ struct error error = ERROR_INIT;
        error_set(&error, ENOSYS, "the task's supervisor is older than this request");
        control_reply(connection, request->id, &error);
    }
    }
}

static void connection_readable(_unused_ struct event_source *source, _unused_ uint32_t events, void *data) {
    struct connection *connection = data;
    for (;;) {
        ProtobufCMessage *message = NULL;
        int fds[MESSAGE_MAX_FDS];
        size_t fd_count = 0;
        int got = protocol_receive(connection->fd, &diego__supervisor__request__descriptor, &message, fds,
                                   &fd_count, NULL);
        if (got == -EAGAIN)
            return;
        if (got == -EBADMSG)
            continue;
        if (got <= 0) {
            close_connection(connection);
            return;
        }
        handle_request(connection, (const Diego__Supervisor__Request *)message, fds, fd_count);
        for (size_t i = 0; i < fd_count; i++)
            fd_close(fds[i]);
        protobuf_c_message_free_unpacked(message, NULL);
    }
}

/* Takes over the descriptor in every case. */
static int add_connection(struct supervisor *supervisor, int fd, bool wants_events, struct error *error) {
    struct connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL) {
        fd_close(fd);
        return error_set_no_memory(error);
    }
    *connection = (struct connection){.supervisor = supervisor, .fd = fd, .wants_events = wants_events};
    list_init(&connection->execs);
    list_append(&supervisor->connections, &connection->link);
    fd_set_nonblocking(fd, true);
    int r = event_loop_add_fd(supervisor->loop, fd, EPOLLIN, connection_readable, connection,
                              &connection->source, error);
    if (r < 0)
        close_connection(connection);
    return r;
}

static void client_waiting(_unused_ struct event_source *source, _unused_ uint32_t events, void *data) {
    struct supervisor *supervisor = data;
    for (;;) {
        int fd = message_accept(supervisor->listen_fd, NULL);
        if (fd < 0)
            return;
        pid_t pid;
        uid_t uid;
        if (message_peer(fd, &pid, &uid, NULL) < 0 || uid != geteuid())
            fd_close(fd); /* the directory is ours alone, so this is nobody we know */
        else
            add_connection(supervisor, fd, false, NULL);
    }
}

int control_open(struct supervisor *supervisor, int first_fd, struct error *error) {
    int r = add_connection(supervisor, first_fd, true, error);
    if (r < 0)
        return r;
    supervisor->listen_fd = message_listen(supervisor->task_dir_fd, SUPERVISOR_SOCKET_NAME, error);
    if (supervisor->listen_fd < 0)
        return supervisor->listen_fd;
    return event_loop_add_fd(supervisor->loop, supervisor->listen_fd, EPOLLIN, client_waiting, supervisor,
                             &supervisor->listen_source, error);
}

void control_close(struct supervisor *supervisor) {
    event_source_remove(supervisor->listen_source);
    fd_close(supervisor->listen_fd);
    LIST_FOR_EACH(node, &supervisor->connections)
    close_connection(LIST_ENTRY(node, struct connection, link));
}
