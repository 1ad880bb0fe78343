#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "runtime/base/fd.h"
#include "runtime/container/environment.h"
#include "runtime/supervisor/internal.h"

/* A process beside the task's own, for one connection. */
struct exec {
    struct connection *connection; /* NULL: nobody wants to know its end, but it must be reaped */
    struct list link;
    uint64_t id;
    struct container_child child;
    struct event_source *exit;
    int master; /* of its terminal, for the window's size; -1 without one */
};

static struct exec *find_exec(struct connection *connection, uint64_t id) {
    LIST_FOR_EACH(node, &connection->execs) {
        struct exec *exec = LIST_ENTRY(node, struct exec, link);
        if (exec->id == id)
            return exec;
    }
    return NULL;
}

static void free_exec(struct exec *exec) {
    list_remove(&exec->link);
    event_source_remove(exec->exit);
    fd_close(exec->child.pidfd);
    fd_close(exec->master);
    free(exec);
}

static void exec_exited(_unused_ struct event_source *source, _unused_ uint32_t events, void *data) {
    struct exec *exec = data;
    struct process_exit result;
    if (process_reap(exec->child.pidfd, &result, NULL) != 1)
        return;
    Diego__Supervisor__ExecExited exited = DIEGO__SUPERVISOR__EXEC_EXITED__INIT;
    exited.exec_id = exec->id;
    exited.exit_code = result.exit_code;
    exited.signal = result.signal;
    SupervisorEvent event = DIEGO__SUPERVISOR__EVENT__INIT;
    event.event_case = DIEGO__SUPERVISOR__EVENT__EVENT_EXEC_EXITED;
    event.exec_exited = &exited;
    struct connection *connection = exec->connection;
    free_exec(exec);
    if (connection != NULL)
        control_send(connection, &event, NULL, 0);
}

static void set_window(int master, uint32_t rows, uint32_t columns) {
    const struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};
    if (rows > 0 && columns > 0)
        ioctl(master, TIOCSWINSZ, &size);
}

/* User, environment and directory of the task's first Run. */
static int spawn(const struct supervisor *supervisor, const Diego__Supervisor__Exec *request,
                 const int stdio[3], int terminal, struct container_child *ret, struct error *error) {
    static const Diego__Supervisor__Run none = DIEGO__SUPERVISOR__RUN__INIT;
    const Diego__Supervisor__Run *run = action_first_run(supervisor->spec->action);
    run = run != NULL ? run : &none;
    _cleanup_(environment_release) char **env = NULL;
    _cleanup_free_ const char **args = calloc(request->n_command + 1, sizeof *args);
    if (args == NULL)
        return error_set_no_memory(error);
    for (size_t i = 1; i < request->n_command; i++)
        args[i - 1] = request->command[i];
    int r =
        environment_build(supervisor->spec->env, supervisor->spec->n_env, run->env, run->n_env, &env, error);
    if (r < 0)
        return r;
    const struct container_process process = {
        .path = request->command[0],
        .args = args,
        .env = env,
        .user = run->user,
        .dir = run->dir,
        .nofile = run->nofile,
        .stdio = {stdio[0], stdio[1], stdio[2]},
        .terminal = terminal,
    };
    return container_spawn(supervisor->context.container, &process, ret, error);
}

static int check_request(const struct supervisor *supervisor, const Diego__Supervisor__Exec *request,
                         size_t fd_count, struct error *error) {
    if (supervisor->state != SUPERVISOR_RUNNING || supervisor->has_outcome)
        return error_set(error, ESRCH, "the task is not running");
    if (request->n_command == 0 || request->command[0][0] == '\0')
        return error_set(error, EINVAL, "command is empty: give at least a program");
    if (!request->tty && fd_count != 3)
        return error_set(error, EINVAL, "a command without a terminal needs 3 descriptors, got %zu",
                         fd_count);
    return 0;
}

static int start(struct exec *exec, const Diego__Supervisor__Exec *request, const int *fds, size_t fd_count,
                 struct error *error) {
    struct supervisor *supervisor = exec->connection->supervisor;
    int r = check_request(supervisor, request, fd_count, error);
    if (r < 0)
        return r;
    _cleanup_close_ int slave = -1;
    if (request->tty) {
        r = container_open_terminal(supervisor->context.container, &exec->master, &slave, error);
        if (r < 0)
            return r;
        set_window(exec->master, request->rows, request->columns);
    }
    static const int none[3] = {-1, -1, -1};
    r = spawn(supervisor, request, request->tty ? none : fds, slave, &exec->child, error);
    if (r < 0)
        return r;
    return event_loop_add_fd(supervisor->loop, exec->child.pidfd, EPOLLIN, exec_exited, exec, &exec->exit,
                             error);
}

static void reply_started(struct exec *exec) {
    Diego__Supervisor__Reply reply = DIEGO__SUPERVISOR__REPLY__INIT;
    reply.id = exec->id;
    SupervisorEvent event = DIEGO__SUPERVISOR__EVENT__INIT;
    event.event_case = DIEGO__SUPERVISOR__EVENT__EVENT_REPLY;
    event.reply = &reply;
    control_send(exec->connection, &event, &exec->master, exec->master >= 0 ? 1 : 0);
}

void exec_start(struct connection *connection, uint64_t request_id, const Diego__Supervisor__Exec *request,
                const int *fds, size_t fd_count) {
    _cleanup_error_ struct error error = ERROR_INIT;
    struct exec *exec = calloc(1, sizeof *exec);
    if (exec == NULL) {
        error_set_no_memory(&error);
        control_reply(connection, request_id, &error);
        return;
    }
    *exec = (struct exec){.connection = connection, .id = request_id, .child.pidfd = -1, .master = -1};
    list_append(&connection->execs, &exec->link);
    if (start(exec, request, fds, fd_count, &error) == 0) {
        reply_started(exec);
        return;
    }
    free_exec(exec);
    control_reply(connection, request_id, &error);
}

void exec_signal(struct connection *connection, uint64_t request_id,
                 const Diego__Supervisor__ExecSignal *request) {
    _cleanup_error_ struct error error = ERROR_INIT;
    const struct exec *exec = find_exec(connection, request->exec_id);
    if (exec == NULL)
        error_set(&error, ESRCH, "the command has ended");
    else if (process_signal(exec->child.pidfd, (int)request->number) < 0)
        error_set(&error, EINVAL, "cannot send signal %u", request->number);
    control_reply(connection, request_id, &error);
}

void exec_resize(struct connection *connection, uint64_t request_id,
                 const Diego__Supervisor__WindowSize *request) {
    _cleanup_error_ struct error error = ERROR_INIT;
    const struct exec *exec = find_exec(connection, request->exec_id);
    if (exec == NULL)
        error_set(&error, ESRCH, "the command has ended");
    else if (exec->master >= 0)
        set_window(exec->master, request->rows, request->columns);
    control_reply(connection, request_id, &error);
}

void exec_end_all(struct connection *connection) {
    LIST_FOR_EACH(node, &connection->execs) {
        struct exec *exec = LIST_ENTRY(node, struct exec, link);
        list_remove(&exec->link);
        exec->connection = NULL;
        /* Not reaped yet, so the group's number is still its own. */
        kill(-exec->child.pid, SIGKILL);
    }
}
