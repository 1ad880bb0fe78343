#include "runtime/logs/log_stream.h"

#include <sys/wait.h>

#include "support/test.h"

/* Two FIFOs in Nomad's place, and a loop that runs until the streams are done. */
struct scene {
    struct test_directory *directory;
    struct event_loop *loop;
    Diego__Supervisor__Logs logs;
    char paths[2][80];
    struct log_streams *streams;
    bool done;
};

static void set_up_scene(struct scene *scene, void **state, const char *format) {
    *scene = (struct scene){.directory = *state};
    assert_int_equal(event_loop_create(&scene->loop, NULL), 0);
    diego__supervisor__logs__init(&scene->logs);
    assert_int_equal(mkdirat(scene->directory->fd, "alloc", 0755), 0);
    assert_int_equal(mkdirat(scene->directory->fd, "alloc/logs", 0755), 0);
    for (int i = 0; i < 2; i++) {
        snprintf(scene->paths[i], sizeof scene->paths[i], "%s/alloc/logs/%d", scene->directory->path, i);
        assert_int_equal(mkfifo(scene->paths[i], 0600), 0);
    }
    scene->logs.stdout_path = scene->paths[0];
    scene->logs.stderr_path = scene->paths[1];
    scene->logs.format = (char *)format;
    static const int none[2] = {-1, -1};
    assert_int_equal(log_streams_open(&scene->logs, scene->loop, none, &scene->streams, NULL), 0);
}

static void done(void *data) {
    struct scene *scene = data;
    scene->done = true;
    event_loop_stop(scene->loop);
}

/* Reads a FIFO to its end in a child and gives back what came. */
static int start_reader(const char *path, pid_t *ret_pid) {
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    int fifo = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(fifo >= 0);
    fd_set_nonblocking(fifo, false);
    *ret_pid = fork();
    if (*ret_pid == 0) {
        dup2(fifo, STDIN_FILENO);
        dup2(ends[1], STDOUT_FILENO);
        close_range(STDERR_FILENO + 1, ~0U, 0); /* the streams' own ends, which would keep the FIFO open */
        char bytes[65536];
        ssize_t got;
        while ((got = read(STDIN_FILENO, bytes, sizeof bytes)) > 0)
            fd_write_all(STDOUT_FILENO, bytes, (size_t)got);
        _exit(0);
    }
    fd_close(fifo);
    fd_close(ends[1]);
    return ends[0];
}

/* Finishes the streams and compares the first one's bytes. */
static void finish_and_expect(struct scene *scene, const char *expected) {
    pid_t pid;
    int result = start_reader(scene->paths[0], &pid);
    log_streams_finish(scene->streams, 2000, done, scene);
    assert_int_equal(event_loop_run(scene->loop, NULL), 0);
    assert_true(scene->done);
    event_loop_destroy(scene->loop);
    _cleanup_buffer_ struct buffer bytes = BUFFER_INIT;
    assert_int_equal(fd_read_all(result, 1 << 24, &bytes, "log", NULL), 0);
    fd_close(result);
    waitpid(pid, NULL, 0);
    assert_string_equal(bytes.size > 0 ? bytes.data : "", expected);
}

static struct log_source *write_as_process(struct scene *scene, const char *text) {
    struct log_source *source = NULL;
    assert_int_equal(log_source_create(scene->streams, false, &source, NULL), 0);
    int out, err;
    log_source_stdio(source, &out, &err);
    assert_int_equal(fd_write_all(out, text, strlen(text)), 0);
    log_source_started(source);
    return source;
}

static void bytes_are_unchanged(void **state) {
    struct scene scene;
    set_up_scene(&scene, state, "lines");
    log_source_ended(write_as_process(&scene, "one\n\n\ntwo, no newline"));
    finish_and_expect(&scene, "one\n\n\ntwo, no newline");
}

static void a_newline_keeps_processes_apart(void **state) {
    struct scene scene;
    set_up_scene(&scene, state, "lines");
    log_source_ended(write_as_process(&scene, "first"));
    log_source_ended(write_as_process(&scene, "second\n"));
    log_source_ended(write_as_process(&scene, "third\n"));
    finish_and_expect(&scene, "first\nsecond\nthird\n");
}

static void a_line_is_held_until_it_is_whole(void **state) {
    struct scene scene;
    set_up_scene(&scene, state, "lines");
    struct log_source *slow = NULL;
    assert_int_equal(log_source_create(scene.streams, false, &slow, NULL), 0);
    int out, err;
    log_source_stdio(slow, &out, &err);
    assert_int_equal(fd_write_all(out, "half ", 5), 0);
    log_source_ended(write_as_process(&scene, "other\n"));
    assert_int_equal(fd_write_all(out, "a line\n", 7), 0);
    log_source_ended(slow);
    finish_and_expect(&scene, "other\nhalf a line\n");
}

static void raw_hands_the_fifo_to_the_process(void **state) {
    struct scene scene;
    set_up_scene(&scene, state, "raw");
    log_source_ended(write_as_process(&scene, "straight"));
    finish_and_expect(&scene, "straight");
}

static void suppressed_output_has_no_descriptors(void **state) {
    struct scene scene;
    set_up_scene(&scene, state, "lines");
    struct log_source *source = NULL;
    assert_int_equal(log_source_create(scene.streams, true, &source, NULL), 0);
    int out, err;
    log_source_stdio(source, &out, &err);
    assert_int_equal(out, -1);
    assert_int_equal(err, -1);
    log_source_ended(source);
    finish_and_expect(&scene, "");
}

static void a_reader_that_never_comes_is_given_up(void **state) {
    struct scene scene;
    set_up_scene(&scene, state, "lines");
    log_source_ended(write_as_process(&scene, "unread\n"));
    log_streams_finish(scene.streams, 50, done, &scene);
    assert_int_equal(event_loop_run(scene.loop, NULL), 0);
    assert_true(scene.done);
    event_loop_destroy(scene.loop);
}

static void a_log_that_is_no_fifo_is_refused(void **state) {
    struct test_directory *directory = *state;
    test_write_file(directory->fd, "file", "");
    char path[64];
    snprintf(path, sizeof path, "%s/file", directory->path);
    Diego__Supervisor__Logs logs = DIEGO__SUPERVISOR__LOGS__INIT;
    logs.stdout_path = logs.stderr_path = path;
    logs.format = (char *)"lines";
    struct event_loop *loop = NULL;
    assert_int_equal(event_loop_create(&loop, NULL), 0);
    struct log_streams *streams = NULL;
    struct error error = ERROR_INIT;
    static const int none[2] = {-1, -1};
    assert_int_equal(log_streams_open(&logs, loop, none, &streams, &error), -EINVAL);
    test_assert_error_holds(&error, EINVAL, "it is not a FIFO");
    event_loop_destroy(loop);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_with_directory(bytes_are_unchanged),
        test_with_directory(a_newline_keeps_processes_apart),
        test_with_directory(a_line_is_held_until_it_is_whole),
        test_with_directory(raw_hands_the_fifo_to_the_process),
        test_with_directory(suppressed_output_has_no_descriptors),
        test_with_directory(a_reader_that_never_comes_is_given_up),
        test_with_directory(a_log_that_is_no_fifo_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
