#include <inttypes.h>
#include <signal.h>

#include "runtime/base/clock.h"
#include "runtime/supervisor/internal.h"

int stop_signal(struct supervisor *supervisor, int number, struct error *error) {
    const struct container_child *main_process = &supervisor->context.main;
    if (main_process->pidfd < 0)
        return error_set(error, ESRCH, "the task has no main process to signal");
    int r = process_signal(main_process->pidfd, number);
    return r < 0 ? error_set_errno(error, -r, "cannot send signal %d", number) : 0;
}

static void kill_all(_unused_ struct event_timer *timer, void *data) {
    struct supervisor *supervisor = data;
    if (supervisor->has_outcome)
        return;
    char message[128], timeout[32];
    snprintf(timeout, sizeof timeout, "%" PRIu64, supervisor->stop_timeout_ms);
    snprintf(message, sizeof message, "Task did not stop within %s ms of its signal and was killed (SIGKILL)",
             timeout);
    if (supervisor->stop_timeout_ms > 0)
        control_notice(supervisor, message, "kill_timeout_ms", timeout);
    container_kill(supervisor->context.container);
}

/* A later stop may only shorten the time of an earlier one. */
static bool is_sooner(const struct supervisor *supervisor, int64_t deadline_ns) {
    return supervisor->stop_deadline_ns == 0 || deadline_ns < supervisor->stop_deadline_ns;
}

void stop_begin(struct supervisor *supervisor, const Diego__Supervisor__Stop *request) {
    supervisor->stopped = true;
    if (request->timeout_ms > 0)
        stop_signal(supervisor, request->signal > 0 ? (int)request->signal : SIGTERM, NULL);
    int64_t limit_ns = INT64_MAX / 4;
    int64_t timeout_ns = request->timeout_ms < (uint64_t)(limit_ns / NS_PER_MS)
                             ? (int64_t)request->timeout_ms * NS_PER_MS
                             : limit_ns;
    int64_t deadline_ns = clock_monotonic_ns() + timeout_ns;
    if (!is_sooner(supervisor, deadline_ns))
        return;
    supervisor->stop_deadline_ns = deadline_ns;
    supervisor->stop_timeout_ms = request->timeout_ms;
    if (supervisor->stop_timer == NULL &&
        event_loop_add_timer(supervisor->loop, kill_all, supervisor, &supervisor->stop_timer, NULL) < 0) {
        kill_all(NULL, supervisor); /* no memory for a timer: the end is certain at least */
        return;
    }
    event_timer_arm(supervisor->stop_timer, deadline_ns);
}
