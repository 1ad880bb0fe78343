#include "plugin/driver/task.h"

#include <signal.h>

#include "plugin/driver/driver.h"
#include "runtime/base/clock.h"
#include "runtime/base/fd.h"
#include "runtime/supervisor/protocol.h"
#include "runtime/sys/cgroup.h"
#include "runtime/sys/process.h"

struct pending_request {
    struct list link;
    uint64_t id;
    task_reply_fn *reply;
    void *data;
};

int task_create(struct driver *driver, const char *id, const char *name, const char *alloc_id,
                const char *cgroup_path, struct task **ret, struct error *error) {
    struct task *task = calloc(1, sizeof *task);
    if (task == NULL)
        return error_set_no_memory(error);
    *task = (struct task){.driver = driver, .control_fd = -1, .created_ns = clock_realtime_ns()};
    list_init(&task->link);
    list_init(&task->waiters);
    list_init(&task->pending);
    task->id = strdup(id);
    task->name = strdup(name);
    task->alloc_id = strdup(alloc_id);
    task->cgroup_path = strdup(cgroup_path);
    if (task->id == NULL || task->name == NULL || task->alloc_id == NULL || task->cgroup_path == NULL) {
        task_destroy(task, false);
        return error_set_no_memory(error);
    }
    task_table_add(&driver->tasks, task);
    *ret = task;
    return 0;
}

int task_directories(const struct driver *driver, const char *id, char **ret_task_dir, char **ret_layer_dir,
                     struct error *error) {
    /* The readable part is for people, the hash makes it unique. */
    char readable[49];
    size_t length = 0;
    for (const char *next = id; *next != '\0' && length < sizeof readable - 1; next++) {
        bool plain = (*next >= '0' && *next <= '9') || (*next >= 'a' && *next <= 'z') ||
                     (*next >= 'A' && *next <= 'Z') || *next == '-';
        readable[length++] = plain ? *next : '_';
    }
    readable[length] = '\0';
    unsigned long long hash = task_id_hash(id);
    _cleanup_free_ char *task_dir = NULL;
    if (asprintf(&task_dir, "%s/tasks/%s-%016llx", driver->config->run_dir, readable, hash) < 0)
        return error_set_no_memory(error);
    if (asprintf(ret_layer_dir, "%s/tasks/%s-%016llx", driver->config->state_dir, readable, hash) < 0)
        return error_set_no_memory(error);
    *ret_task_dir = TAKE_PTR(task_dir);
    return 0;
}

/* --- the ends of a task's life --- */

static void tell_ready(struct task *task, const struct error *failure, bool recoverable) {
    task_ready_fn *ready = task->ready;
    task->ready = NULL;
    if (ready != NULL)
        ready(task, failure, recoverable, task->ready_data);
}

static void disconnect(struct task *task) {
    task->control = event_source_remove(task->control);
    task->control_fd = fd_close(task->control_fd);
    LIST_FOR_EACH(node, &task->pending) {
        struct pending_request *request = LIST_ENTRY(node, struct pending_request, link);
        list_remove(&request->link);
        request->reply(task, NULL, request->data);
        free(request);
    }
}

static void tell_waiters(struct task *task) {
    while (!list_is_empty(&task->waiters)) {
        struct task_waiter *waiter = LIST_ENTRY(task->waiters.next, struct task_waiter, link);
        list_remove(&waiter->link);
        waiter->exited(waiter, task);
    }
}

/* Takes over the record. The task may be gone afterwards (a waiter may destroy it). */
static void become_exited(struct task *task, SupervisorExitRecord *record) {
    disconnect(task);
    task->exit = record;
    task->state = TASK_EXITED;
    if (record->error[0] != '\0')
        event_streams_emit(&task->driver->events, task, record->error, NULL, 0);
    tell_ready(task, NULL, false);
    tell_waiters(task);
}

static void kill_cgroup(const struct task *task) {
    if (task->cgroup_path[0] == '\0')
        return;
    _cleanup_close_ int cgroup = cgroup_open(task->cgroup_path, NULL);
    if (cgroup >= 0)
        cgroup_kill(cgroup, NULL);
}

/* The supervisor is gone: pid 1 of the container died with it; whatever else was in the cgroup follows. */
static void become_orphaned(struct task *task) {
    SupervisorExitRecord *record = NULL;
    _cleanup_error_ struct error error = ERROR_INIT;
    if (protocol_read_exit(task->task_dir, &record, &error) == 0) {
        become_exited(task, record);
        return;
    }
    kill_cgroup(task);
    if (task->state == TASK_STARTING) {
        error_set(&error, ECONNRESET,
                  "the task's supervisor died while it started the task; see the kernel log for why");
        tell_ready(task, &error, true);
        return;
    }
    record = calloc(1, sizeof *record);
    if (record == NULL) {
        log_message(task->driver->logger, LOG_ERROR, "out of memory for the end of task %s", task->id);
        return;
    }
    diego__supervisor__exit_record__init(record);
    record->exit_code = 128 + SIGKILL;
    record->signal = SIGKILL;
    record->started_ns = task->status != NULL ? task->status->started_ns : 0;
    record->completed_ns = clock_realtime_ns();
    record->error = strdup("the task's supervisor died, and the task with it; see the kernel log for why");
    if (record->error == NULL)
        record->error = (char *)protobuf_c_empty_string;
    become_exited(task, record);
}

/* --- messages of the supervisor --- */

static void replace_status(struct task *task, SupervisorStatus **status) {
    if (*status == NULL)
        return;
    if (task->status != NULL)
        diego__supervisor__status__free_unpacked(task->status, NULL);
    task->status = TAKE_PTR(*status);
    if (task->supervisor == NULL && task->status->supervisor_pid > 0) {
        struct process_identity *identity = calloc(1, sizeof *identity);
        if (identity != NULL && process_identify(task->status->supervisor_pid, identity, NULL) == 0)
            task->supervisor = identity;
        else
            free(identity);
    }
}

static void handle_reply(struct task *task, Diego__Supervisor__Reply *reply) {
    replace_status(task, &reply->status);
    LIST_FOR_EACH(node, &task->pending) {
        struct pending_request *request = LIST_ENTRY(node, struct pending_request, link);
        if (request->id != reply->id)
            continue;
        list_remove(&request->link);
        request->reply(task, reply, request->data);
        free(request);
        return;
    }
}

static void handle_started(struct task *task, Diego__Supervisor__Started *started) {
    event_streams_emit_started(&task->driver->events, task, started);
    replace_status(task, &started->status);
    task->state = TASK_RUNNING;
    tell_ready(task, NULL, false);
}

static void handle_start_failed(struct task *task, const Diego__Supervisor__StartFailed *failed) {
    _cleanup_error_ struct error error = ERROR_INIT;
    error_set(&error, failed->code > 0 ? failed->code : EIO, "%s", failed->error);
    disconnect(task);
    tell_ready(task, &error, failed->recoverable);
}

/* Returns false when the task must not be touched any more. */
static bool handle_event(struct task *task, SupervisorEvent *event) {
    switch (event->event_case) {
    case DIEGO__SUPERVISOR__EVENT__EVENT_REPLY:
        handle_reply(task, event->reply);
        return task->control != NULL;
    case DIEGO__SUPERVISOR__EVENT__EVENT_STARTED:
        handle_started(task, event->started);
        return true;
    case DIEGO__SUPERVISOR__EVENT__EVENT_START_FAILED:
        handle_start_failed(task, event->start_failed);
        return false;
    case DIEGO__SUPERVISOR__EVENT__EVENT_EXITED:
        become_exited(task, TAKE_PTR(event->exited->record));
        return false;
    case DIEGO__SUPERVISOR__EVENT__EVENT_NOTICE:
        event_streams_emit(&task->driver->events, task, event->notice->message, event->notice->annotations,
                           event->notice->n_annotations);
        return true;
    default:
        return true; /* of a newer supervisor */
    }
}

static event_io_fn control_ready;

/* Takes over the descriptor in every case. */
static int connect_control(struct task *task, int control_fd, struct error *error) {
    fd_set_nonblocking(control_fd, true);
    task->control_fd = control_fd;
    int result = event_loop_add_fd(task->driver->loop, control_fd, EPOLLIN, control_ready, task,
                                   &task->control, error);
    if (result < 0)
        task->control_fd = fd_close(task->control_fd);
    return result;
}

static void hello_answered(struct task *task, const Diego__Supervisor__Reply *reply, _unused_ void *data) {
    if (reply == NULL)
        return; /* the lost connection is handled where it was noticed */
    task->state = TASK_RUNNING;
    tell_ready(task, NULL, false);
}

/* Connects to a supervisor that is there already: one of an earlier plugin, or one that dropped us because we
 * were too slow to read. */
static int greet(struct task *task, struct error *error) {
    int control = protocol_connect(task->task_dir, error);
    if (control < 0)
        return control;
    int result = connect_control(task, control, error);
    if (result < 0)
        return result;
    Diego__Supervisor__Hello hello = SUPERVISOR_INIT(HELLO);
    hello.version = SUPERVISOR_PROTOCOL_VERSION;
    hello.events = true;
    SupervisorRequest request = SUPERVISOR_INIT(REQUEST);
    request.request_case = DIEGO__SUPERVISOR__REQUEST__REQUEST_HELLO;
    request.hello = &hello;
    result = task_request(task, &request, hello_answered, NULL, error);
    if (result < 0)
        disconnect(task);
    return result;
}

static void control_ready(_unused_ struct event_source *source, _unused_ uint32_t events, void *data) {
    struct task *task = data;
    for (;;) {
        ProtobufCMessage *message = NULL;
        int fds[MESSAGE_MAX_FDS];
        size_t fd_count = 0;
        _cleanup_error_ struct error error = ERROR_INIT;
        int got = protocol_receive(task->control_fd, &diego__supervisor__event__descriptor, &message, fds,
                                   &fd_count, &error);
        if (got == -EAGAIN)
            return;
        if (got == -EBADMSG) {
            log_message(task->driver->logger, LOG_WARN, "task %s: %s", task->id, error.text);
            continue;
        }
        if (got <= 0) {
            disconnect(task);
            if (task->state == TASK_STARTING || greet(task, NULL) < 0)
                become_orphaned(task);
            return;
        }
        while (fd_count > 0)
            fd_close(fds[--fd_count]);
        bool go_on = handle_event(task, (SupervisorEvent *)message);
        protobuf_c_message_free_unpacked(message, NULL);
        if (!go_on)
            return;
    }
}

/* --- what others ask of a task --- */

static int set_directories(struct task *task, const char *task_dir, const char *layer_dir,
                           struct error *error) {
    task->task_dir = strdup(task_dir);
    task->layer_dir = strdup(layer_dir);
    return task->task_dir == NULL || task->layer_dir == NULL ? error_set_no_memory(error) : 0;
}

int task_start(struct task *task, const SupervisorTaskSpec *spec, task_ready_fn *ready, void *data,
               struct error *error) {
    int result = set_directories(task, spec->task_dir, spec->layer_dir, error);
    if (result < 0)
        return result;
    int control = -1;
    result = spawner_spawn(task->driver->spawner, spec, &control, error);
    if (result < 0)
        return result;
    task->ready = ready;
    task->ready_data = data;
    return connect_control(task, control, error);
}

int task_recover(struct task *task, const SupervisorTaskState *state, task_ready_fn *ready, void *data,
                 struct error *error) {
    int result = set_directories(task, state->task_dir, state->layer_dir, error);
    if (result < 0)
        return result;
    task->ready = ready;
    task->ready_data = data;
    task->created_ns = state->started_ns;
    if (greet(task, NULL) == 0)
        return 0;
    if (access(task->task_dir, F_OK) < 0)
        return error_set(error, ENOENT,
                         "nothing is left of task %s: it was destroyed, or the host was rebooted", task->id);
    task->state = TASK_RUNNING; /* it was; what became of it is found now */
    become_orphaned(task);
    return 0;
}

static void ignore_reply(_unused_ struct task *task, _unused_ const Diego__Supervisor__Reply *reply,
                         _unused_ void *data) {
}

int task_request(struct task *task, SupervisorRequest *request, task_reply_fn *reply, void *data,
                 struct error *error) {
    if (task->control_fd < 0)
        return error_set(error, ESRCH, "task %s has ended", task->id);
    struct pending_request *pending = malloc(sizeof *pending);
    if (pending == NULL)
        return error_set_no_memory(error);
    request->id = ++task->last_request;
    *pending = (struct pending_request){
        .id = request->id, .reply = reply != NULL ? reply : ignore_reply, .data = data};
    int result = protocol_send(task->control_fd, &request->base, NULL, 0, error);
    if (result < 0) {
        free(pending);
        return result;
    }
    list_append(&task->pending, &pending->link);
    return 0;
}

int task_stop(struct task *task, int signal, uint64_t timeout_ms, struct error *error) {
    Diego__Supervisor__Stop stop = SUPERVISOR_INIT(STOP);
    stop.signal = (uint32_t)signal;
    stop.timeout_ms = timeout_ms;
    SupervisorRequest request = SUPERVISOR_INIT(REQUEST);
    request.request_case = DIEGO__SUPERVISOR__REQUEST__REQUEST_STOP;
    request.stop = &stop;
    return task_request(task, &request, NULL, NULL, error);
}

void task_add_waiter(struct task *task, struct task_waiter *waiter) {
    list_append(&task->waiters, &waiter->link);
}

void task_remove_waiter(struct task_waiter *waiter) {
    list_remove(&waiter->link);
}

void task_fill_state(const struct task *task, SupervisorTaskState *state) {
    state->version = 1;
    state->task_dir = task->task_dir;
    state->layer_dir = task->layer_dir;
    state->cgroup_path = task->cgroup_path;
    state->started_ns = task->status != NULL ? task->status->started_ns : task->created_ns;
    if (task->supervisor != NULL) {
        state->supervisor_pid = task->supervisor->pid;
        state->supervisor_start = task->supervisor->start_time;
        state->boot_id = task->supervisor->boot_id;
    }
}

static void remove_files(const struct task *task) {
    char *paths[] = {task->task_dir, task->layer_dir};
    _cleanup_error_ struct error error = ERROR_INIT;
    if (paths[0] == NULL || paths[1] == NULL)
        return;
    if (spawner_remove(task->driver->spawner, paths, ARRAY_SIZE(paths), &error) < 0) {
        _cleanup_free_ char *text = error_format(&error);
        log_message(task->driver->logger, LOG_WARN, "files of task %s stay behind: %s", task->id, text);
    }
}

void task_destroy(struct task *task, bool remove) {
    disconnect(task);
    if (!list_is_empty(&task->link))
        task_table_remove(&task->driver->tasks, task);
    if (remove)
        remove_files(task);
    if (task->status != NULL)
        diego__supervisor__status__free_unpacked(task->status, NULL);
    if (task->exit != NULL)
        diego__supervisor__exit_record__free_unpacked(task->exit, NULL);
    free(task->supervisor);
    free(task->id);
    free(task->name);
    free(task->alloc_id);
    free(task->task_dir);
    free(task->layer_dir);
    free(task->cgroup_path);
    free(task);
}
