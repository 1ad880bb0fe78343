/* Runs a piece of a test in a forked child, so that what it does to itself stays there. */
#ifndef DIEGO_TEST_CHILD_H
#define DIEGO_TEST_CHILD_H

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* What fn returned (0 to 255), or 1000 + the signal that ended it. */
static inline int child_run(int (*fn)(const void *data), const void *data) {
    pid_t pid = fork();
    if (pid == 0)
        _exit(fn(data));
    int status;
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

#endif
