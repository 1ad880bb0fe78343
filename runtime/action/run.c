#include "runtime/action/run.h"

#include <inttypes.h>
#include <signal.h>

#include "runtime/base/clock.h"
#include "runtime/base/fd.h"
#include "runtime/container/environment.h"
#include "runtime/sys/cgroup.h"

static const char DEFAULT_SOURCE[] = "APP";

struct run {
    struct action action;
    const Diego__Supervisor__Run *spec;
    struct log_source *log; /* NULL before the start and after the end */
    struct container_child child;
    struct event_source *exit;
    struct event_timer *kill_timer; /* armed by the first cancel */
    bool cancelled;
    bool killed; /* SIGKILL was needed */
};

static struct run *run_of(struct action *action) {
    return CONTAINER_OF(action, struct run, action);
}

static void end_failed(struct run *run, int exit_code, int number, char *reason) {
    action_end(&run->action,
               (struct action_outcome){.ending = run->cancelled ? ACTION_CANCELLED : ACTION_FAILED,
                                       .exit_code = exit_code,
                                       .signal = number,
                                       .reason = reason});
}

/* --- the end of the process --- */

static bool saw_oom(const struct action_context *context) {
    int cgroup = container_cgroup_fd(context->container);
    uint64_t kills = 0;
    return cgroup >= 0 && cgroup_oom_kills(cgroup, &kills, NULL) == 0 && kills > context->oom_kills_before;
}

static const char *source_name(const struct run *run) {
    const char *candidates[] = {run->spec->log_source, run->action.context->spec->logs->source};
    for (size_t i = 0; i < ARRAY_SIZE(candidates); i++)
        if (candidates[i][0] != '\0')
            return candidates[i];
    return DEFAULT_SOURCE;
}

static char *describe_exit(const struct run *run, const struct process_exit *result) {
    char *reason = NULL;
    if (run->killed)
        return strdup("exceeded graceful shutdown interval");
    if (run->cancelled)
        return strdup("cancelled");
    if (asprintf(&reason, "%s: Exited with status %d%s", source_name(run), result->exit_code,
                 saw_oom(run->action.context) ? " (out of memory)" : "") < 0)
        return NULL;
    return reason;
}

static void forget_process(struct run *run) {
    struct action_context *context = run->action.context;
    if (context->main.pidfd == run->child.pidfd)
        context->main = (struct container_child){.pid = 0, .pidfd = -1};
    run->exit = event_source_remove(run->exit);
    run->kill_timer = event_timer_remove(run->kill_timer);
    run->child.pidfd = fd_close(run->child.pidfd);
}

static void process_ended(_unused_ struct event_source *source, _unused_ uint32_t events, void *data) {
    struct run *run = data;
    struct process_exit result;
    if (process_reap(run->child.pidfd, &result, NULL) != 1)
        return;
    forget_process(run);
    log_source_ended(TAKE_PTR(run->log));
    if (result.exit_code == 0 && !run->cancelled)
        action_end(&run->action, (struct action_outcome){.ending = ACTION_SUCCEEDED});
    else
        end_failed(run, result.exit_code, result.signal, describe_exit(run, &result));
}

/* --- the start --- */

static int spawn(struct run *run, struct error *error) {
    const struct action_context *context = run->action.context;
    const Diego__Supervisor__Run *spec = run->spec;
    _cleanup_(environment_release) char **env = NULL;
    _cleanup_free_ const char **args = calloc(spec->n_args + 1, sizeof *args);
    if (args == NULL)
        return error_set_no_memory(error);
    for (size_t i = 0; i < spec->n_args; i++)
        args[i] = spec->args[i];
    int r = environment_build(context->spec->env, context->spec->n_env, spec->env, spec->n_env, &env, error);
    if (r < 0)
        return r;
    struct container_process process = {
        .path = spec->path,
        .args = args,
        .env = env,
        .user = spec->user,
        .dir = spec->dir,
        .nofile = spec->nofile,
        .stdio = {-1, -1, -1},
        .terminal = -1,
    };
    log_source_stdio(run->log, &process.stdio[1], &process.stdio[2]);
    return container_spawn(context->container, &process, &run->child, error);
}

static int start(struct run *run, struct error *error) {
    struct action_context *context = run->action.context;
    int r = log_source_create(context->logs, run->spec->suppress_log_output, &run->log, error);
    if (r >= 0)
        r = spawn(run, error);
    if (r < 0)
        return r;
    log_source_started(run->log);
    if (context->main.pidfd < 0)
        context->main = run->child;
    return event_loop_add_fd(context->loop, run->child.pidfd, EPOLLIN, process_ended, run, &run->exit, error);
}

static void run_start(struct action *action) {
    struct run *run = run_of(action);
    if (run->cancelled) {
        end_failed(run, 1, 0, strdup("cancelled"));
        return;
    }
    _cleanup_error_ struct error error = ERROR_INIT;
    if (start(run, &error) == 0)
        return;
    if (run->log != NULL)
        log_source_ended(TAKE_PTR(run->log));
    end_failed(run, 1, 0, error_format(&error));
}

/* --- the end before its time --- */

static void kill_process(_unused_ struct event_timer *timer, void *data) {
    struct run *run = data;
    run->killed = true;
    process_signal(run->child.pidfd, SIGKILL);
}

static void run_cancel(struct action *action) {
    struct run *run = run_of(action);
    if (run->cancelled)
        return;
    run->cancelled = true;
    if (run->exit == NULL)
        return;
    process_signal(run->child.pidfd, SIGTERM);
    int64_t grace_ns = (int64_t)action->context->spec->graceful_shutdown_ms * NS_PER_MS;
    if (event_loop_add_timer(action->context->loop, kill_process, run, &run->kill_timer, NULL) == 0)
        event_timer_arm(run->kill_timer, clock_monotonic_ns() + grace_ns);
    else
        kill_process(NULL, run);
}

static void run_destroy(struct action *action) {
    struct run *run = run_of(action);
    forget_process(run);
    if (run->log != NULL)
        log_source_ended(run->log);
    free(run);
}

static const struct action_kind RUN = {.start = run_start, .cancel = run_cancel, .destroy = run_destroy};

int action_run_create(_unused_ struct action_context *context, const Diego__Supervisor__Action *spec,
                      struct action **ret, struct error *error) {
    struct run *run = calloc(1, sizeof *run);
    if (run == NULL)
        return error_set_no_memory(error);
    *run = (struct run){.action.kind = &RUN, .spec = spec->run, .child.pidfd = -1};
    *ret = &run->action;
    return 0;
}
