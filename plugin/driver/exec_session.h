/* A process beside a task's own, seen from the plugin: its connection to the supervisor, its pipes or
 * terminal.
 *
 * The session owns one connection; destroying it ends the process (and its process group) if it still runs.
 * All callbacks come from the event loop; `finished` comes last, once, also after a failed start. The session
 * may be destroyed in `finished` and outside of callbacks, not in the other two. */
#ifndef DIEGO_DRIVER_EXEC_SESSION_H
#define DIEGO_DRIVER_EXEC_SESSION_H

#include "plugin/driver/task.h"

struct exec_session;

enum exec_stream { EXEC_STDOUT, EXEC_STDERR };

struct exec_callbacks {
    void (*output)(void *data, enum exec_stream stream, const void *bytes, size_t size);
    void (*input_drained)(void *data); /* everything written with exec_session_write is in the pipe */
    /* failure NULL: the process ended with this code (128 + signal when killed) and all its output was told.
     */
    void (*finished)(void *data, const struct error *failure, int exit_code, int signal);
};

struct exec_options {
    char **command; /* command[0] is looked up in the task's PATH; borrowed */
    size_t command_count;
    bool tty;
    bool combined;   /* stderr goes into stdout, in order; implied by tty */
    bool stdin_open; /* false: stdin is /dev/null */
};

int exec_session_create(struct task *task, const struct exec_options *options,
                        const struct exec_callbacks *callbacks, void *data, struct exec_session **ret,
                        struct error *error);
void exec_session_destroy(struct exec_session *session); /* accepts NULL */

/* Queues input; `input_drained` follows. Input for a closed stdin is dropped. */
void exec_session_write(struct exec_session *session, const void *bytes, size_t size);
/* End of input, after what is queued; on a terminal the end-of-file character. */
void exec_session_close_input(struct exec_session *session);
void exec_session_set_window(struct exec_session *session, uint32_t rows, uint32_t columns);

/* Stops and resumes the reading of output: the process then waits on its full pipe. */
void exec_session_pause_output(struct exec_session *session, bool paused);

#endif
