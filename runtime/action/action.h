/* Diego's action trees: every node is a state machine on the supervisor's event loop.
 *
 * A node is created, started once, and says once how it ended, through `done`; it may be cancelled in
 * between. Parents own their children. What a node needs of its surroundings is in the action_context. */
#ifndef DIEGO_ACTION_ACTION_H
#define DIEGO_ACTION_ACTION_H

#include "runtime/container/container.h"
#include "runtime/logs/log_stream.h"
#include "runtime/sys/event_loop.h"

struct action;

enum action_ending { ACTION_SUCCEEDED, ACTION_FAILED, ACTION_CANCELLED };

struct action_outcome {
    enum action_ending ending;
    int exit_code; /* of the process that decided, 1 where none did; 0 after success */
    int signal;
    char *reason; /* Diego's failure reason; owned by whoever holds the outcome; NULL after success */
};

/* Takes over the outcome. May destroy the action. */
typedef void action_done_fn(struct action *action, struct action_outcome *outcome, void *data);

struct action_context {
    const Diego__Supervisor__TaskSpec *spec;
    struct event_loop *loop;
    struct container *container;
    struct log_streams *logs;
    uint64_t oom_kills_before;   /* the cgroup's count when the container was made */
    struct container_child main; /* the first Run's process while it lives; pidfd -1 otherwise */
};

/* One kind of node. `cancel` may come before start, twice, and after the end. */
struct action_kind {
    void (*start)(struct action *action);
    void (*cancel)(struct action *action);
    void (*destroy)(struct action *action);
};

struct action {
    const struct action_kind *kind;
    struct action_context *context;
    action_done_fn *done;
    void *data;
};

/* Builds the tree of a specification; nothing runs yet. -EINVAL for an action that this version does not
 * know. */
int action_create(struct action_context *context, const Diego__Supervisor__Action *spec, action_done_fn *done,
                  void *data, struct action **ret, struct error *error);

/* May end, and so call `done`, before it returns. */
void action_start(struct action *action);

/* Asks the node to end: processes get SIGTERM, and SIGKILL after the graceful shutdown interval. */
void action_cancel(struct action *action);

void action_destroy(struct action *action); /* accepts NULL; processes are left to the container's end */

/* Tells the parent. */
void action_end(struct action *action, struct action_outcome outcome);

void action_outcome_release(struct action_outcome *outcome);

/* The first Run of a tree, whose user, environment and directory are the task's; NULL when it has none. */
const Diego__Supervisor__Run *action_first_run(const Diego__Supervisor__Action *spec);

#endif
