/* TaskEvents: what the platform says about a task, shown in `nomad alloc status`. */
#ifndef DIEGO_DRIVER_EVENTS_H
#define DIEGO_DRIVER_EVENTS_H

#include "plugin/driver/task.h"
#include "plugin/rpc/server.h"

struct event_streams {
    struct list streams;
};

void event_streams_init(struct event_streams *streams);

/* Adds a TaskEvents call; it stays open until its client leaves. */
void event_streams_open(struct event_streams *streams, struct rpc_call *call);

/* One event to every stream. Annotations may be none. */
void event_streams_emit(struct event_streams *streams, const struct task *task, const char *message,
                        Diego__Supervisor__Variable *const *annotations, size_t annotation_count);

/* The phases of a start, in milliseconds. */
void event_streams_emit_started(struct event_streams *streams, const struct task *task,
                                const Diego__Supervisor__Started *started);

#endif
