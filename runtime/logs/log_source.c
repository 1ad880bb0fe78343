#include <fcntl.h>

#include "runtime/base/fd.h"
#include "runtime/logs/internal.h"

/* A longer line is handed on in parts. */
enum { LINE_LIMIT = 1024 * 1024, READ_SIZE = 64 * 1024 };

static void close_pipe(struct log_pipe *pipe) {
    pipe->readable = event_source_remove(pipe->readable);
    pipe->read_fd = fd_close(pipe->read_fd);
    if (pipe->line.size > 0)
        log_sink_write(pipe->sink, pipe, pipe->line.data, pipe->line.size);
    buffer_release(&pipe->line);
}

static void hand_on_lines(struct log_pipe *pipe) {
    struct buffer *line = &pipe->line;
    const char *newline = memrchr(line->data, '\n', line->size);
    size_t size = newline != NULL ? (size_t)(newline - line->data) + 1 : 0;
    if (size == 0 && line->size >= LINE_LIMIT)
        size = line->size;
    if (size == 0)
        return;
    log_sink_write(pipe->sink, pipe, line->data, size);
    buffer_consume(line, size);
}

/* The last line of a process that ended has no newline to wait for. */
static void hand_on_rest(struct log_pipe *pipe) {
    if (pipe->line.size == 0)
        return;
    log_sink_write(pipe->sink, pipe, pipe->line.data, pipe->line.size);
    buffer_clear(&pipe->line);
}

void log_pipe_pump(struct log_pipe *pipe) {
    while (pipe->read_fd >= 0 && !log_sink_is_blocked(pipe->sink)) {
        char *space = buffer_reserve(&pipe->line, READ_SIZE);
        ssize_t got = space != NULL ? read(pipe->read_fd, space, READ_SIZE) : -1;
        if (got > 0) {
            buffer_commit(&pipe->line, (size_t)got);
            hand_on_lines(pipe);
            continue;
        }
        if (got < 0 && space != NULL && errno == EINTR)
            continue;
        if (got < 0 && space != NULL && errno == EAGAIN) {
            if (pipe->source->ended || pipe->source->streams->finishing)
                hand_on_rest(pipe);
            if (pipe->line.size == 0)
                buffer_release(&pipe->line); /* most tasks are silent most of the time */
            return;
        }
        close_pipe(pipe);
    }
}

static void pipe_readable(_unused_ struct event_source *event, _unused_ uint32_t events, void *data) {
    struct log_pipe *pipe = data;
    log_pipe_pump(pipe);
    log_source_release_if_done(pipe->source);
}

static int open_pipe(struct log_pipe *pipe, struct event_loop *loop, struct error *error) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return error_set_errno(error, errno, "cannot make a pipe for the output");
    pipe->read_fd = ends[0];
    pipe->write_fd = ends[1];
    fd_set_nonblocking(pipe->read_fd, true);
    return event_loop_add_fd(loop, pipe->read_fd, EPOLLIN, pipe_readable, pipe, &pipe->readable, error);
}

int log_source_create(struct log_streams *streams, bool suppressed, struct log_source **ret,
                      struct error *error) {
    struct log_source *source = calloc(1, sizeof *source);
    if (source == NULL)
        return error_set_no_memory(error);
    source->streams = streams;
    list_append(&streams->sources, &source->link);
    int r = 0;
    for (size_t i = 0; i < LOG_STREAMS; i++)
        source->pipes[i] =
            (struct log_pipe){.source = source, .sink = &streams->sinks[i], .read_fd = -1, .write_fd = -1};
    for (size_t i = 0; r == 0 && i < LOG_STREAMS && !suppressed && !streams->raw; i++)
        r = open_pipe(&source->pipes[i], streams->loop, error);
    for (size_t i = 0; r == 0 && i < LOG_STREAMS && !suppressed && streams->raw; i++) {
        source->pipes[i].write_fd = fcntl(streams->sinks[i].raw_fd, F_DUPFD_CLOEXEC, 0);
        if (source->pipes[i].write_fd < 0)
            r = error_set_errno(error, errno, "cannot hand the log to the process");
    }
    if (r < 0) {
        log_source_free(source);
        return r;
    }
    *ret = source;
    return 0;
}

void log_source_stdio(const struct log_source *source, int *ret_stdout, int *ret_stderr) {
    *ret_stdout = source->pipes[LOG_STDOUT].write_fd;
    *ret_stderr = source->pipes[LOG_STDERR].write_fd;
}

void log_source_started(struct log_source *source) {
    for (size_t i = 0; i < LOG_STREAMS; i++)
        source->pipes[i].write_fd = fd_close(source->pipes[i].write_fd);
}

void log_source_ended(struct log_source *source) {
    source->ended = true;
    log_source_started(source);
    for (size_t i = 0; i < LOG_STREAMS; i++)
        log_pipe_pump(&source->pipes[i]);
    log_source_release_if_done(source);
}

void log_source_release_if_done(struct log_source *source) {
    for (size_t i = 0; i < LOG_STREAMS; i++)
        if (source->pipes[i].read_fd >= 0)
            return;
    if (source->ended)
        log_source_free(source);
}

/* Stands for a writer that is gone in the middle of its line. */
static const struct log_pipe GONE;

void log_source_free(struct log_source *source) {
    for (size_t i = 0; i < LOG_STREAMS; i++) {
        struct log_pipe *pipe = &source->pipes[i];
        if (pipe->sink->mid_line == pipe)
            pipe->sink->mid_line = &GONE;
        event_source_remove(pipe->readable);
        fd_close(pipe->read_fd);
        fd_close(pipe->write_fd);
        buffer_release(&pipe->line);
    }
    list_remove(&source->link);
    free(source);
}
