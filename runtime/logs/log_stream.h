/* A task's two log streams, from its processes' pipes into Nomad's FIFOs.
 *
 * `lines`: processes write into pipes; whole lines go to the FIFO, never interleaved between processes, bytes
 * unchanged (a line of more than 1 MiB goes in parts; when a process ends in the middle of a line and another
 * goes on, a newline keeps them apart). `raw`: processes get the FIFO itself. The FIFO never blocks the
 * supervisor: a full one stops the reading of the pipes, so the writer waits, as on any pipe. Its reader may
 * come late, die and come back: nothing is lost. */
#ifndef DIEGO_LOGS_LOG_STREAM_H
#define DIEGO_LOGS_LOG_STREAM_H

#include "proto/supervisor.pb-c.h"
#include "runtime/base/error.h"
#include "runtime/sys/event_loop.h"

struct log_streams; /* one task's stdout and stderr sinks */
struct log_source;  /* the pipes of one process */

/* Opens both FIFOs; no reader has to be there yet. `fds` are used instead of empty paths and become the
 * streams'. */
int log_streams_open(const Diego__Supervisor__Logs *logs, struct event_loop *loop, const int fds[2],
                     struct log_streams **ret, struct error *error);

/* Descriptors for a process about to start: the write ends of new pipes, or the FIFOs for `raw`. They are the
 * source's; log_source_started closes them after the fork. */
int log_source_create(struct log_streams *streams, bool suppressed, struct log_source **ret,
                      struct error *error);
void log_source_stdio(const struct log_source *source, int *ret_stdout, int *ret_stderr);
void log_source_started(struct log_source *source);
/* The process ended: what is still in its pipes is read, a last line without newline is ended there, the
 * source frees itself once its bytes are handed on. Children that still hold the pipe may go on writing until
 * the streams are finished. */
void log_source_ended(struct log_source *source);

/* Everything of the task is dead: delivers what is left and calls `done` once, at the latest when a reader
 * made no progress for `patience_ms`. Destroys the streams (FIFO ends closed) before `done` runs. */
void log_streams_finish(struct log_streams *streams, uint32_t patience_ms, event_call_fn *done, void *data);
void log_streams_destroy(struct log_streams *streams); /* at once, for failed starts; accepts NULL */

#endif
