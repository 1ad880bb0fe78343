/* What the files of runtime/logs share. */
#ifndef DIEGO_LOGS_INTERNAL_H
#define DIEGO_LOGS_INTERNAL_H

#include "runtime/base/buffer.h"
#include "runtime/base/list.h"
#include "runtime/logs/log_stream.h"

enum log_stream_number { LOG_STDOUT, LOG_STDERR, LOG_STREAMS };

/* One of Nomad's FIFOs. */
struct log_sink {
    struct log_streams *streams;
    int fd;
    bool is_fifo;                    /* opened by us: what is in it can be counted */
    int raw_fd;                      /* the same for processes: blocking, write-only; -1 unless raw */
    struct buffer queue;             /* taken from the pipes, not yet written */
    struct event_source *writable;   /* while the queue waits for room */
    const struct log_pipe *mid_line; /* who wrote the last byte, when that was not a newline */
};

/* One stream of one process. */
struct log_pipe {
    struct log_source *source;
    struct log_sink *sink;
    int read_fd; /* -1 after its end */
    int write_fd;
    struct event_source *readable;
    struct buffer line; /* what came after the last newline */
};

struct log_source {
    struct log_streams *streams;
    struct list link;
    bool ended;
    struct log_pipe pipes[LOG_STREAMS];
};

struct log_streams {
    struct event_loop *loop;
    bool raw;
    bool finishing;
    struct log_sink sinks[LOG_STREAMS];
    struct list sources;
    struct event_timer *timer; /* while finishing */
    int64_t patience_ns;
    int64_t give_up_ns;
    size_t undelivered;
    event_call_fn *done;
    void *done_data;
};

/* Appends to the sink's queue and writes what the FIFO takes. */
void log_sink_write(struct log_sink *sink, const struct log_pipe *from, const char *bytes, size_t size);
bool log_sink_is_blocked(const struct log_sink *sink);

/* Reads what a pipe has and hands on whole lines, until it is empty or the sink blocks. */
void log_pipe_pump(struct log_pipe *pipe);
/* Frees a source whose pipes are both at their end. */
void log_source_release_if_done(struct log_source *source);
void log_source_free(struct log_source *source);

#endif
