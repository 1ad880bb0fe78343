/* A supervisor's exit record in Nomad's words. */
#ifndef DIEGO_DRIVER_EXIT_RESULT_H
#define DIEGO_DRIVER_EXIT_RESULT_H

#include "plugin/driver/task.h"

/* Zero while the task runs. */
DriverExitResult exit_result_of(const struct task *task);

/* WaitTask's err: empty when the task ended by itself with success, or was stopped. */
const char *exit_result_error(const struct task *task);

#endif
