/* One task as the plugin knows it: its names and directories, the connection to its supervisor, and who waits
 * for it.
 *
 * Life: STARTING (the supervisor was asked for) → RUNNING → EXITED (the result stays until Nomad destroys the
 * task). A supervisor that dies without leaving an exit record ends its task: what is left in its cgroup is
 * killed and the result says so. */
#ifndef DIEGO_DRIVER_TASK_H
#define DIEGO_DRIVER_TASK_H

#include "plugin/driver/proto.h"
#include "runtime/base/list.h"
#include "runtime/sys/event_loop.h"

struct driver;
struct task;

enum task_state { TASK_STARTING, TASK_RUNNING, TASK_EXITED };

/* Someone who wants to know that a task exited; told once, then unlinked. */
struct task_waiter {
    struct list link;
    void (*exited)(struct task_waiter *waiter, struct task *task);
};

/* The outcome of a start or recovery: `failure` is NULL when the task runs (or has run). The task is gone
 * after a failure. */
typedef void task_ready_fn(struct task *task, const struct error *failure, bool recoverable, void *data);

/* A supervisor's answer; NULL when the connection was lost first. */
typedef void task_reply_fn(struct task *task, const Diego__Supervisor__Reply *reply, void *data);

struct task {
    struct driver *driver;
    struct list link; /* in the table */
    char *id;
    char *name;
    char *alloc_id;
    char *task_dir;
    char *layer_dir;
    char *cgroup_path; /* "" without one */
    enum task_state state;
    int64_t created_ns;                  /* real time */
    struct process_identity *supervisor; /* owned; NULL until known */
    SupervisorStatus *status;            /* owned; the latest from the supervisor; NULL before */
    SupervisorExitRecord *exit;          /* owned; set when EXITED */
    struct list waiters;
    task_ready_fn *ready; /* NULL once told */
    void *ready_data;
    int control_fd;
    struct event_source *control;
    struct list pending; /* requests without their reply */
    uint64_t last_request;
    bool destroying;
};

/* An unconnected task in state STARTING, linked into the driver's table. Strings are copied. */
int task_create(struct driver *driver, const char *id, const char *name, const char *alloc_id,
                const char *cgroup_path, struct task **ret, struct error *error);

/* Directories of a task id: unique, safe as file names, no longer than NAME_MAX. Caller frees both. */
int task_directories(const struct driver *driver, const char *id, char **ret_task_dir, char **ret_layer_dir,
                     struct error *error);

/* Has a supervisor forked for spec; `ready` is called when it said Started or StartFailed. */
int task_start(struct task *task, const SupervisorTaskSpec *spec, task_ready_fn *ready, void *data,
               struct error *error);

/* Takes a task over from an earlier plugin: its supervisor, its exit record, or the fact that both are
 * missing. `ready` may be called before this returns. */
int task_recover(struct task *task, const SupervisorTaskState *state, task_ready_fn *ready, void *data,
                 struct error *error);

/* Sends a request; `reply` (may be NULL) is called once. */
int task_request(struct task *task, SupervisorRequest *request, task_reply_fn *reply, void *data,
                 struct error *error);

/* Asks for the end: signal, then SIGKILL to everything after timeout_ms. */
int task_stop(struct task *task, int signal, uint64_t timeout_ms, struct error *error);

void task_add_waiter(struct task *task, struct task_waiter *waiter);
void task_remove_waiter(struct task_waiter *waiter); /* also when it was told already */

/* What goes into Nomad's task handle. */
void task_fill_state(const struct task *task, SupervisorTaskState *state);

/* Forgets a task, with its directories removed off the path when remove_files. Waiters must be gone. */
void task_destroy(struct task *task, bool remove_files);

#endif
