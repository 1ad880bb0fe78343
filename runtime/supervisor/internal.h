/* What the files of the supervisor share: one task's process from its start to its exit record. */
#ifndef DIEGO_SUPERVISOR_INTERNAL_H
#define DIEGO_SUPERVISOR_INTERNAL_H

#include "runtime/action/action.h"
#include "runtime/base/list.h"
#include "runtime/supervisor/protocol.h"
#include "runtime/supervisor/supervisor.h"

enum supervisor_state { SUPERVISOR_STARTING, SUPERVISOR_RUNNING, SUPERVISOR_EXITED };

struct supervisor {
    struct container_host *host;
    Diego__Supervisor__TaskSpec *spec;
    struct event_loop *loop;
    enum supervisor_state state;
    int task_dir_fd;
    struct action_context context;
    struct action *action;
    struct action_outcome outcome; /* set when the tree has ended */
    bool has_outcome;
    struct event_source *init_exit;
    struct buffer missing; /* limits that this host cannot enforce */
    int64_t started_ns;    /* real time */
    int64_t completed_ns;
    /* control.c */
    int listen_fd;
    struct event_source *listen_source;
    struct list connections;
    /* stop.c */
    bool stopped;
    struct event_timer *stop_timer;
    int64_t stop_deadline_ns;
    uint64_t stop_timeout_ms;
};

/* One client: a plugin, or a command of a person. */
struct connection {
    struct supervisor *supervisor;
    struct list link;
    int fd;
    struct event_source *source;
    bool wants_events;
    struct list execs;
};

typedef Diego__Supervisor__Event SupervisorEvent;

/* control.c */
int control_open(struct supervisor *supervisor, int first_fd, struct error *error);
void control_close(struct supervisor *supervisor);
void control_broadcast(struct supervisor *supervisor, const SupervisorEvent *event);
/* False when the client does not read, or is gone: the connection is closed then. */
bool control_send(struct connection *connection, const SupervisorEvent *event, const int *fds,
                  size_t fd_count);
void control_reply(struct connection *connection, uint64_t request_id, const struct error *error);
void control_notice(struct supervisor *supervisor, const char *message, const char *annotation,
                    const char *value);

/* exec.c */
void exec_start(struct connection *connection, uint64_t request_id, const Diego__Supervisor__Exec *request,
                const int *fds, size_t fd_count);
void exec_signal(struct connection *connection, uint64_t request_id,
                 const Diego__Supervisor__ExecSignal *request);
void exec_resize(struct connection *connection, uint64_t request_id,
                 const Diego__Supervisor__WindowSize *request);
void exec_end_all(struct connection *connection);

/* stop.c */
int stop_signal(struct supervisor *supervisor, int number, struct error *error);
void stop_begin(struct supervisor *supervisor, const Diego__Supervisor__Stop *request);

/* record.c */
void record_fill_status(const struct supervisor *supervisor, Diego__Supervisor__Status *status);
int record_write_state(const struct supervisor *supervisor, struct error *error);
int record_write_exit(const struct supervisor *supervisor, const Diego__Supervisor__ExitRecord *record,
                      struct error *error);

#endif
