#include "runtime/supervisor/supervisor.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "runtime/base/clock.h"
#include "runtime/base/fd.h"
#include "runtime/image/rootfs.h"
#include "runtime/supervisor/internal.h"
#include "runtime/sys/cgroup.h"
#include "runtime/sys/path.h"

/* How long a log reader may take no byte before the task's end is told without it. */
enum { LOG_PATIENCE_MS = 3000 };

/* --- the end --- */

static bool ran_out_of_memory(const struct supervisor *supervisor) {
    uint64_t kills = 0;
    int cgroup = container_cgroup_fd(supervisor->context.container);
    return cgroup >= 0 && cgroup_oom_kills(cgroup, &kills, NULL) == 0 &&
           kills > supervisor->context.oom_kills_before;
}

static void tell_oom(struct supervisor *supervisor, uint64_t peak) {
    char message[128], limit[24];
    snprintf(limit, sizeof limit, "%" PRId64, supervisor->spec->cgroup->memory_max);
    snprintf(message, sizeof message, "Out of memory: the limit is %s bytes, the peak was %" PRIu64 " bytes",
             limit, peak);
    control_notice(supervisor, message, "memory_max_bytes", limit);
}

static void tell_exit(struct supervisor *supervisor, Diego__Supervisor__ExitRecord *record) {
    Diego__Supervisor__Exited exited = DIEGO__SUPERVISOR__EXITED__INIT;
    exited.record = record;
    SupervisorEvent event = DIEGO__SUPERVISOR__EVENT__INIT;
    event.event_case = DIEGO__SUPERVISOR__EVENT__EVENT_EXITED;
    event.exited = &exited;
    control_broadcast(supervisor, &event);
}

/* A record that cannot be written (a full disk) must not keep the waiters from their answer. */
static void write_and_tell(struct supervisor *supervisor, Diego__Supervisor__ExitRecord *record) {
    _cleanup_error_ struct error error = ERROR_INIT;
    if (record_write_exit(supervisor, record, &error) < 0) {
        _cleanup_free_ char *text = error_format(&error);
        control_notice(supervisor, text != NULL ? text : "out of memory", "file", SUPERVISOR_EXIT_NAME);
    }
    tell_exit(supervisor, record);
}

/* Every log byte is delivered. */
static void logs_delivered(void *data) {
    struct supervisor *supervisor = data;
    supervisor->context.logs = NULL;
    const struct action_outcome *outcome = &supervisor->outcome;
    int cgroup = container_cgroup_fd(supervisor->context.container);
    Diego__Supervisor__ExitRecord record = DIEGO__SUPERVISOR__EXIT_RECORD__INIT;
    record.exit_code = outcome->exit_code;
    record.signal = outcome->signal;
    record.oom_killed = outcome->ending != ACTION_SUCCEEDED && ran_out_of_memory(supervisor);
    record.error = outcome->reason != NULL && !supervisor->stopped ? outcome->reason : (char *)"";
    record.started_ns = supervisor->started_ns;
    record.completed_ns = supervisor->completed_ns;
    record.stopped = supervisor->stopped;
    record.memory_peak = cgroup >= 0 ? cgroup_memory_peak(cgroup) : 0;
    if (record.oom_killed)
        tell_oom(supervisor, record.memory_peak);
    if (cgroup >= 0)
        cgroup_remove_children(cgroup, NULL);
    write_and_tell(supervisor, &record);
    event_loop_stop(supervisor->loop);
}

/* All of the container's processes are dead, or are about to be reaped. */
static void init_ended(_unused_ struct event_source *source, _unused_ uint32_t events, void *data) {
    struct supervisor *supervisor = data;
    if (!supervisor->has_outcome)
        return; /* killed from outside: the main process, which died with it, is reaped next and tells how */
    supervisor->init_exit = event_source_remove(supervisor->init_exit);
    log_streams_finish(TAKE_PTR(supervisor->context.logs), LOG_PATIENCE_MS, logs_delivered, supervisor);
}

static void action_done(struct action *action, struct action_outcome *outcome, void *data) {
    struct supervisor *supervisor = data;
    action_destroy(action);
    supervisor->action = NULL;
    supervisor->outcome = *outcome;
    supervisor->has_outcome = true;
    supervisor->completed_ns = clock_realtime_ns();
    supervisor->state = SUPERVISOR_EXITED;
    supervisor->stop_timer = event_timer_remove(supervisor->stop_timer);
    container_kill(supervisor->context.container);
}

/* --- the start --- */

static int check_spec(const Diego__Supervisor__TaskSpec *spec, struct error *error) {
    if (spec->rootfs == NULL || spec->namespaces == NULL || spec->security == NULL ||
        spec->network_files == NULL || spec->cgroup == NULL || spec->logs == NULL || spec->action == NULL ||
        spec->task_dir[0] != '/')
        return error_set(error, EBADMSG, "the task's specification is not whole");
    return 0;
}

/* What an earlier attempt of the same task left goes first. */
static int make_task_dir(struct supervisor *supervisor, struct error *error) {
    const char *path = supervisor->spec->task_dir;
    const char *slash = strrchr(path, '/');
    _cleanup_free_ char *parent_path = strndup(path, (size_t)(slash - path));
    if (parent_path == NULL)
        return error_set_no_memory(error);
    _cleanup_close_ int root = path_open_host_directory("/", error);
    _cleanup_close_ int parent = root < 0 ? root
                                          : path_make_directories(root, parent_path, 0700, (uid_t)-1,
                                                                  (gid_t)-1, PATH_FOLLOW_IN_ROOT, error);
    if (parent < 0)
        return parent;
    if (mkdirat(parent, slash + 1, 0700) < 0) {
        int r = errno == EEXIST ? path_remove_tree(parent, slash + 1, error)
                                : error_set_errno(error, errno, "cannot make %s", path);
        if (r < 0)
            return r;
        if (mkdirat(parent, slash + 1, 0700) < 0)
            return error_set_errno(error, errno, "cannot make %s", path);
    }
    supervisor->task_dir_fd = openat(parent, slash + 1, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return supervisor->task_dir_fd < 0 ? error_set_errno(error, errno, "cannot open %s", path) : 0;
}

static int create_container(struct supervisor *supervisor, struct error *error) {
    _cleanup_free_ char *lower_dir = NULL;
    int r = rootfs_resolve(supervisor->spec->rootfs, &lower_dir, error);
    if (r >= 0)
        r = container_create(supervisor->host, supervisor->spec, lower_dir, &supervisor->context.container,
                             &supervisor->missing, error);
    if (r < 0)
        return r;
    struct container *container = supervisor->context.container;
    if (container_cgroup_fd(container) >= 0)
        cgroup_oom_kills(container_cgroup_fd(container), &supervisor->context.oom_kills_before, NULL);
    return event_loop_add_fd(supervisor->loop, container_init_pidfd(container), EPOLLIN, init_ended,
                             supervisor, &supervisor->init_exit, error);
}

static int start(struct supervisor *supervisor, struct error *error) {
    static const int no_fds[2] = {-1, -1};
    int r =
        log_streams_open(supervisor->spec->logs, supervisor->loop, no_fds, &supervisor->context.logs, error);
    if (r >= 0)
        r = create_container(supervisor, error);
    if (r >= 0)
        r = action_create(&supervisor->context, supervisor->spec->action, action_done, supervisor,
                          &supervisor->action, error);
    if (r < 0)
        return r;
    supervisor->started_ns = clock_realtime_ns();
    supervisor->state = SUPERVISOR_RUNNING;
    return 0;
}

static void tell_missing(struct supervisor *supervisor) {
    if (supervisor->missing.size == 0)
        return;
    _cleanup_free_ char *message = NULL;
    if (asprintf(&message, "Not enforced on this host: limits of %s (its cgroup has no such controller)",
                 supervisor->missing.data) < 0)
        return;
    control_notice(supervisor, message, "missing", supervisor->missing.data);
}

/* With what each part of the start cost. */
static void tell_started(struct supervisor *supervisor, int64_t exec_ns) {
    const struct container_timing *timings;
    size_t count = container_timings(supervisor->context.container, &timings);
    Diego__Supervisor__Phase phases[8];
    Diego__Supervisor__Phase *list[ARRAY_SIZE(phases)];
    for (size_t i = 0; i <= count && i < ARRAY_SIZE(phases); i++) {
        list[i] = &phases[i];
        diego__supervisor__phase__init(list[i]);
        phases[i].name = (char *)(i < count ? timings[i].name : "exec");
        phases[i].microseconds = (uint64_t)((i < count ? timings[i].duration_ns : exec_ns) / NS_PER_US);
    }
    Diego__Supervisor__Status status = DIEGO__SUPERVISOR__STATUS__INIT;
    record_fill_status(supervisor, &status);
    Diego__Supervisor__Started started = DIEGO__SUPERVISOR__STARTED__INIT;
    started.status = &status;
    started.phases = list;
    started.n_phases = count + 1;
    SupervisorEvent event = DIEGO__SUPERVISOR__EVENT__INIT;
    event.event_case = DIEGO__SUPERVISOR__EVENT__EVENT_STARTED;
    event.started = &started;
    control_broadcast(supervisor, &event);
}

/* What may be gone or in use now and not the next time. */
static bool is_recoverable(int code) {
    static const int codes[] = {EAGAIN, EBUSY, EDQUOT, EIO, EMFILE, ENFILE, ENOMEM, ENOSPC, ETIMEDOUT};
    for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
        if (codes[i] == code)
            return true;
    return false;
}

static void tell_failed(struct supervisor *supervisor, const struct error *error) {
    _cleanup_free_ char *text = error_format(error);
    Diego__Supervisor__StartFailed failed = DIEGO__SUPERVISOR__START_FAILED__INIT;
    failed.code = error->code;
    failed.error = text != NULL ? text : (char *)"out of memory";
    failed.recoverable = is_recoverable(error->code);
    SupervisorEvent event = DIEGO__SUPERVISOR__EVENT__INIT;
    event.event_case = DIEGO__SUPERVISOR__EVENT__EVENT_START_FAILED;
    event.start_failed = &failed;
    control_broadcast(supervisor, &event);
}

/* --- a task's whole life --- */

static void remove_directory(const char *path) {
    const char *slash = strrchr(path, '/');
    _cleanup_free_ char *parent_path = slash != NULL ? strndup(path, (size_t)(slash - path)) : NULL;
    _cleanup_close_ int parent = parent_path != NULL ? path_open_host_directory(parent_path, NULL) : -1;
    if (parent >= 0)
        path_remove_tree(parent, slash + 1, NULL);
}

/* Nothing of a task that could not start is left when the plugin hears of it. */
static int fail(struct supervisor *supervisor, const struct error *error) {
    log_streams_destroy(TAKE_PTR(supervisor->context.logs));
    container_destroy(TAKE_PTR(supervisor->context.container));
    if (supervisor->task_dir_fd >= 0)
        remove_directory(supervisor->spec->task_dir);
    remove_directory(supervisor->spec->layer_dir);
    tell_failed(supervisor, error);
    return 1;
}

static int run(struct supervisor *supervisor, struct error *error) {
    int64_t before_ns = clock_monotonic_ns();
    action_start(supervisor->action);
    tell_started(supervisor, clock_monotonic_ns() - before_ns);
    tell_missing(supervisor);
    int r = record_write_state(supervisor, error);
    if (r < 0)
        control_notice(supervisor, error->text != NULL ? error->text : "out of memory", "file",
                       SUPERVISOR_STATE_NAME);
    error_clear(error);
    return event_loop_run(supervisor->loop, error);
}

int supervisor_run(struct container_host *host, Diego__Supervisor__TaskSpec *spec, int control_fd) {
    struct supervisor supervisor = {.host = host,
                                    .spec = spec,
                                    .task_dir_fd = -1,
                                    .listen_fd = -1,
                                    .context = {.spec = spec, .main.pidfd = -1}};
    list_init(&supervisor.connections);
    _cleanup_error_ struct error error = ERROR_INIT;
    int r = event_loop_create(&supervisor.loop, &error);
    if (r < 0)
        return 1;
    supervisor.context.loop = supervisor.loop;
    r = check_spec(spec, &error);
    if (r >= 0)
        r = make_task_dir(&supervisor, &error);
    int opened = control_open(&supervisor, control_fd, r < 0 ? NULL : &error);
    if (r >= 0 && opened >= 0)
        r = start(&supervisor, &error);
    if (r < 0 || opened < 0)
        return fail(&supervisor, &error);
    r = run(&supervisor, &error);
    container_destroy(supervisor.context.container);
    control_close(&supervisor);
    return r < 0;
}
