#include "plugin/driver/exit_result.h"

DriverExitResult exit_result_of(const struct task *task) {
    DriverExitResult result = DRIVER_INIT(EXIT_RESULT);
    if (task->exit != NULL) {
        result.exit_code = task->exit->exit_code;
        result.signal = task->exit->signal;
        result.oom_killed = task->exit->oom_killed;
    }
    return result;
}

const char *exit_result_error(const struct task *task) {
    return task->exit != NULL && !task->exit->stopped ? task->exit->error : "";
}
