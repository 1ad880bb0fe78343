#include "runtime/sys/event_loop.h"

#include <pthread.h>

#include "runtime/base/clock.h"
#include "support/test.h"

struct scene {
    struct event_loop *loop;
    int pipe[2];
    struct event_source *source;
    struct event_timer *timers[3];
    char order[16];
    int count;
};

static int setup(void **state) {
    struct scene *scene = calloc(1, sizeof *scene);
    assert_non_null(scene);
    assert_int_equal(event_loop_create(&scene->loop, NULL), 0);
    assert_int_equal(pipe2(scene->pipe, O_CLOEXEC | O_NONBLOCK), 0);
    *state = scene;
    return 0;
}

static int teardown(void **state) {
    struct scene *scene = *state;
    event_loop_destroy(scene->loop);
    fd_close(scene->pipe[0]);
    fd_close(scene->pipe[1]);
    free(scene);
    return 0;
}

static void note(struct scene *scene, char mark) {
    scene->order[strlen(scene->order)] = mark;
}

static void readable(struct event_source *source, uint32_t events, void *data) {
    struct scene *scene = data;
    char byte;
    assert_true((events & EPOLLIN) != 0);
    assert_int_equal(read(event_source_fd(source), &byte, 1), 1);
    note(scene, byte);
    if (byte == 'z') {
        scene->source = event_source_remove(source); /* in its own callback */
        event_loop_stop(scene->loop);
    }
}

static void tells_what_is_readable(void **state) {
    struct scene *scene = *state;
    assert_int_equal(
        event_loop_add_fd(scene->loop, scene->pipe[0], EPOLLIN, readable, scene, &scene->source, NULL), 0);
    assert_int_equal(write(scene->pipe[1], "az", 2), 2);
    assert_int_equal(event_loop_run(scene->loop, NULL), 0);
    assert_string_equal(scene->order, "az");
}

static void first_timer(struct event_timer *timer, void *data) {
    (void)timer;
    note(data, '1');
}

static void last_timer(struct event_timer *timer, void *data) {
    (void)timer;
    struct scene *scene = data;
    note(scene, '2');
    event_loop_stop(scene->loop);
}

static void timers_fire_in_the_order_of_their_times(void **state) {
    struct scene *scene = *state;
    int64_t now = clock_monotonic_ns();
    assert_int_equal(event_loop_add_timer(scene->loop, last_timer, scene, &scene->timers[0], NULL), 0);
    assert_int_equal(event_loop_add_timer(scene->loop, first_timer, scene, &scene->timers[1], NULL), 0);
    assert_int_equal(event_loop_add_timer(scene->loop, first_timer, scene, &scene->timers[2], NULL), 0);
    event_timer_arm(scene->timers[0], now + 20 * NS_PER_MS);
    event_timer_arm(scene->timers[1], now + 10 * NS_PER_MS);
    event_timer_arm(scene->timers[2], now + 5 * NS_PER_MS);
    event_timer_disarm(scene->timers[2]);
    assert_int_equal(event_loop_run(scene->loop, NULL), 0);
    assert_string_equal(scene->order, "12");
    assert_true(clock_monotonic_ns() >= now + 20 * NS_PER_MS);
}

static void call(void *data) {
    struct scene *scene = data;
    if (++scene->count == 4000)
        event_loop_stop(scene->loop);
}

static void *post_many(void *data) {
    struct scene *scene = data;
    for (int i = 0; i < 1000; i++)
        assert_int_equal(event_loop_post(scene->loop, call, scene), 0);
    return NULL;
}

static void other_threads_may_post_calls(void **state) {
    struct scene *scene = *state;
    pthread_t threads[4];
    for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, post_many, scene), 0);
    assert_int_equal(event_loop_run(scene->loop, NULL), 0);
    for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(scene->count, 4000);
}

#define test_with_scene(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        test_with_scene(tells_what_is_readable),
        test_with_scene(timers_fire_in_the_order_of_their_times),
        test_with_scene(other_threads_may_post_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
