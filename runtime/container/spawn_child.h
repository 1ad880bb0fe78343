/* What happens between the fork of a task's process and its exec. */
#ifndef DIEGO_CONTAINER_SPAWN_CHILD_H
#define DIEGO_CONTAINER_SPAWN_CHILD_H

#include "runtime/container/container.h"
#include "runtime/container/user.h"

struct spawn_child {
    const struct container *container;
    const struct container_process *process;
    const struct container_user *user;
    char *const *env;
    char *const *arguments;
};

/* Enters the container, becomes the user and executes the program. What goes wrong is written to report_fd:
 * four bytes of errno and a text. */
_Noreturn void spawn_child_run(const struct spawn_child *child, int report_fd);

#endif
