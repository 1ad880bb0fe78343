#include "runtime/action/action.h"

#include "runtime/action/run.h"

/* Indexed by the member of the oneof. */
static int (*const CREATORS[])(struct action_context *context, const Diego__Supervisor__Action *spec,
                               struct action **ret, struct error *error) = {
    [DIEGO__SUPERVISOR__ACTION__ACTION_RUN] = action_run_create,
};

int action_create(struct action_context *context, const Diego__Supervisor__Action *spec, action_done_fn *done,
                  void *data, struct action **ret, struct error *error) {
    size_t number = spec != NULL ? (size_t)spec->action_case : 0;
    if (number >= ARRAY_SIZE(CREATORS) || CREATORS[number] == NULL)
        return error_set(error, EINVAL, "the task has no action that this version of the driver knows");
    struct action *action = NULL;
    int r = CREATORS[number](context, spec, &action, error);
    if (r < 0)
        return r;
    action->context = context;
    action->done = done;
    action->data = data;
    *ret = action;
    return 0;
}

void action_start(struct action *action) {
    action->kind->start(action);
}

void action_cancel(struct action *action) {
    action->kind->cancel(action);
}

void action_destroy(struct action *action) {
    if (action != NULL)
        action->kind->destroy(action);
}

void action_end(struct action *action, struct action_outcome outcome) {
    action->done(action, &outcome, action->data);
}

void action_outcome_release(struct action_outcome *outcome) {
    free(outcome->reason);
    *outcome = (struct action_outcome){0};
}

const Diego__Supervisor__Run *action_first_run(const Diego__Supervisor__Action *spec) {
    bool is_run = spec != NULL && spec->action_case == DIEGO__SUPERVISOR__ACTION__ACTION_RUN;
    return is_run ? spec->run : NULL;
}
