/* The Run action: one process. Diego's rules: user, environment, directory, reasons, SIGTERM then SIGKILL. */
#ifndef DIEGO_ACTION_RUN_H
#define DIEGO_ACTION_RUN_H

#include "runtime/action/action.h"

int action_run_create(struct action_context *context, const Diego__Supervisor__Action *spec,
                      struct action **ret, struct error *error);

#endif
