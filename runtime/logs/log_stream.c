#include "runtime/logs/log_stream.h"

#include <fcntl.h>
#include <sys/ioctl.h>

#include "runtime/base/clock.h"
#include "runtime/base/fd.h"
#include "runtime/logs/internal.h"
#include "runtime/sys/path.h"

/* How often the emptying of the FIFOs is looked at before the streams are closed. */
static const int64_t DRAIN_INTERVAL_NS = NS_PER_MS;

/* --- one sink --- */

bool log_sink_is_blocked(const struct log_sink *sink) {
    return sink->queue.size > 0;
}

static void flush_sink(struct log_sink *sink);

static void sink_writable(_unused_ struct event_source *event, _unused_ uint32_t events, void *data) {
    struct log_sink *sink = data;
    flush_sink(sink);
    if (log_sink_is_blocked(sink))
        return;
    size_t number = (size_t)(sink - sink->streams->sinks);
    LIST_FOR_EACH(node, &sink->streams->sources) {
        struct log_source *source = LIST_ENTRY(node, struct log_source, link);
        log_pipe_pump(&source->pipes[number]);
        log_source_release_if_done(source);
    }
}

/* While a sink is full its pipes are not read, so they must not wake the loop either. */
static void watch_pipes(struct log_sink *sink, uint32_t events) {
    size_t number = (size_t)(sink - sink->streams->sinks);
    LIST_FOR_EACH(node, &sink->streams->sources) {
        struct log_pipe *pipe = &LIST_ENTRY(node, struct log_source, link)->pipes[number];
        if (pipe->readable != NULL)
            event_source_set_events(pipe->readable, events);
    }
}

static void wait_for_room(struct log_sink *sink) {
    if (sink->writable == NULL && event_loop_add_fd(sink->streams->loop, sink->fd, EPOLLOUT, sink_writable,
                                                    sink, &sink->writable, NULL) == 0)
        watch_pipes(sink, 0);
}

static void flush_sink(struct log_sink *sink) {
    while (sink->queue.size > 0) {
        ssize_t written = write(sink->fd, sink->queue.data, sink->queue.size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0 && errno == EAGAIN) {
            wait_for_room(sink);
            return;
        }
        /* Nobody will ever take it (a closed terminal, a full disk): dropped rather than the task stalled. */
        buffer_consume(&sink->queue, written < 0 ? sink->queue.size : (size_t)written);
    }
    if (sink->writable != NULL) {
        sink->writable = event_source_remove(sink->writable);
        watch_pipes(sink, EPOLLIN);
    }
}

void log_sink_write(struct log_sink *sink, const struct log_pipe *from, const char *bytes, size_t size) {
    if (sink->mid_line != NULL && sink->mid_line != from)
        buffer_append_char(&sink->queue, '\n');
    buffer_append(&sink->queue, bytes, size);
    sink->mid_line = bytes[size - 1] == '\n' ? NULL : from;
    if (sink->writable == NULL)
        flush_sink(sink);
}

static int open_sink(struct log_sink *sink, const char *path, int fd, bool raw, struct error *error) {
    sink->fd = fd;
    if (path[0] == '\0')
        return fd >= 0 ? 0 : error_set(error, EINVAL, "a log has neither a path nor a descriptor");
    /* Also for reading: then no reader has to be there yet, and one that dies takes nothing with it. */
    sink->fd = path_open_log_fifo(path, O_RDWR | O_NONBLOCK, error);
    sink->is_fifo = strcmp(path, "/dev/null") != 0;
    if (sink->fd < 0 || !raw)
        return sink->fd;
    sink->raw_fd = path_open_log_fifo(path, O_WRONLY, error);
    return sink->raw_fd;
}

/* --- both --- */

int log_streams_open(const Diego__Supervisor__Logs *logs, struct event_loop *loop, const int fds[2],
                     struct log_streams **ret, struct error *error) {
    struct log_streams *streams = calloc(1, sizeof *streams);
    if (streams == NULL)
        return error_set_no_memory(error);
    *streams = (struct log_streams){.loop = loop, .raw = strcmp(logs->format, "raw") == 0};
    list_init(&streams->sources);
    for (size_t i = 0; i < LOG_STREAMS; i++)
        streams->sinks[i] = (struct log_sink){.streams = streams, .fd = -1, .raw_fd = -1};
    int r = open_sink(&streams->sinks[LOG_STDOUT], logs->stdout_path, fds[LOG_STDOUT], streams->raw, error);
    if (r >= 0)
        r = open_sink(&streams->sinks[LOG_STDERR], logs->stderr_path, fds[LOG_STDERR], streams->raw, error);
    if (r < 0) {
        log_streams_destroy(streams);
        return r;
    }
    *ret = streams;
    return 0;
}

/* --- the end --- */

/* Bytes that no reader has taken yet. */
static size_t count_undelivered(const struct log_streams *streams) {
    size_t count = 0;
    for (size_t i = 0; i < LOG_STREAMS; i++) {
        int waiting = 0;
        if (streams->sinks[i].is_fifo && ioctl(streams->sinks[i].fd, FIONREAD, &waiting) == 0)
            count += (size_t)MAX_OF(waiting, 0);
        count += streams->sinks[i].queue.size;
    }
    return count;
}

static void finish(struct log_streams *streams) {
    event_call_fn *done = streams->done;
    void *data = streams->done_data;
    log_streams_destroy(streams);
    done(data);
}

static void look_at_delivery(struct event_timer *timer, void *data) {
    struct log_streams *streams = data;
    LIST_FOR_EACH(node, &streams->sources) {
        struct log_source *source = LIST_ENTRY(node, struct log_source, link);
        for (size_t i = 0; i < LOG_STREAMS; i++)
            log_pipe_pump(&source->pipes[i]);
    }
    size_t undelivered = count_undelivered(streams);
    int64_t now = clock_monotonic_ns();
    if (undelivered != streams->undelivered)
        streams->give_up_ns = now + streams->patience_ns;
    streams->undelivered = undelivered;
    if (undelivered == 0 || now >= streams->give_up_ns) {
        finish(streams);
        return;
    }
    event_timer_arm(timer, now + DRAIN_INTERVAL_NS);
}

void log_streams_finish(struct log_streams *streams, uint32_t patience_ms, event_call_fn *done, void *data) {
    streams->finishing = true;
    streams->done = done;
    streams->done_data = data;
    streams->patience_ns = patience_ms * NS_PER_MS;
    streams->give_up_ns = clock_monotonic_ns() + streams->patience_ns;
    if (event_loop_add_timer(streams->loop, look_at_delivery, streams, &streams->timer, NULL) < 0) {
        finish(streams);
        return;
    }
    event_timer_arm(streams->timer, clock_monotonic_ns());
}

void log_streams_destroy(struct log_streams *streams) {
    if (streams == NULL)
        return;
    LIST_FOR_EACH(node, &streams->sources)
    log_source_free(LIST_ENTRY(node, struct log_source, link));
    event_timer_remove(streams->timer);
    for (size_t i = 0; i < LOG_STREAMS; i++) {
        event_source_remove(streams->sinks[i].writable);
        buffer_release(&streams->sinks[i].queue);
        fd_close(streams->sinks[i].fd);
        fd_close(streams->sinks[i].raw_fd);
    }
    free(streams);
}
