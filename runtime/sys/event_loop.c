#include "runtime/sys/event_loop.h"

#include <pthread.h>
#include <sys/eventfd.h>

#include "runtime/base/clock.h"
#include "runtime/base/fd.h"
#include "runtime/base/list.h"

enum { EVENTS_PER_WAIT = 64 };

struct event_source {
    struct event_loop *loop;
    struct list link; /* in loop->sources or, once removed, loop->dead */
    event_io_fn *fn;  /* NULL once removed */
    void *data;
    int fd;
    bool in_epoll;
};

struct event_timer {
    struct event_loop *loop;
    struct list link; /* in loop->timers */
    event_timer_fn *fn;
    void *data;
    int64_t deadline_ns;
    size_t heap_index; /* 1-based; 0 while disarmed */
};

struct posted_call {
    struct list link;
    event_call_fn *fn;
    void *data;
};

struct event_loop {
    int epoll_fd;
    int wake_fd;
    bool stopped; /* guarded by lock, as is `posted` */
    pthread_mutex_t lock;
    struct list posted;
    struct list sources;
    struct list dead; /* removed sources whose events may still be in the current batch */
    struct list timers;
    struct event_timer **heap; /* armed timers, soonest first */
    size_t heap_size;
    size_t heap_capacity;
    size_t timer_count;
};

int event_loop_create(struct event_loop **ret, struct error *error) {
    struct event_loop *loop = calloc(1, sizeof *loop);
    if (loop == NULL)
        return error_set_no_memory(error);
    list_init(&loop->posted);
    list_init(&loop->sources);
    list_init(&loop->dead);
    list_init(&loop->timers);
    pthread_mutex_init(&loop->lock, NULL);
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct epoll_event wake = {.events = EPOLLIN, .data.ptr = NULL};
    if (loop->epoll_fd < 0 || loop->wake_fd < 0 ||
        epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, loop->wake_fd, &wake) < 0) {
        int code = errno;
        event_loop_destroy(loop);
        return error_set_errno(error, code, "cannot create an event loop");
    }
    *ret = loop;
    return 0;
}

static void free_dead_sources(struct event_loop *loop) {
    LIST_FOR_EACH(node, &loop->dead) {
        list_remove(node);
        free(LIST_ENTRY(node, struct event_source, link));
    }
}

void event_loop_destroy(struct event_loop *loop) {
    if (loop == NULL)
        return;
    LIST_FOR_EACH(node, &loop->sources)
    event_source_remove(LIST_ENTRY(node, struct event_source, link));
    free_dead_sources(loop);
    LIST_FOR_EACH(node, &loop->timers)
    event_timer_remove(LIST_ENTRY(node, struct event_timer, link));
    LIST_FOR_EACH(node, &loop->posted)
    free(LIST_ENTRY(node, struct posted_call, link));
    fd_close(loop->epoll_fd);
    fd_close(loop->wake_fd);
    pthread_mutex_destroy(&loop->lock);
    free(loop->heap);
    free(loop);
}

/* --- descriptors --- */

int event_loop_add_fd(struct event_loop *loop, int fd, uint32_t events, event_io_fn *fn, void *data,
                      struct event_source **ret, struct error *error) {
    struct event_source *source = calloc(1, sizeof *source);
    if (source == NULL)
        return error_set_no_memory(error);
    *source = (struct event_source){.loop = loop, .fn = fn, .data = data, .fd = fd};
    int failed = event_source_set_events(source, events);
    if (failed < 0) {
        free(source);
        return error_set_errno(error, -failed, "cannot watch descriptor %d", fd);
    }
    list_append(&loop->sources, &source->link);
    *ret = source;
    return 0;
}

int event_source_set_events(struct event_source *source, uint32_t events) {
    int operation = events == 0 ? EPOLL_CTL_DEL : source->in_epoll ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    if (operation == EPOLL_CTL_DEL && !source->in_epoll)
        return 0;
    struct epoll_event event = {.events = events, .data.ptr = source};
    if (epoll_ctl(source->loop->epoll_fd, operation, source->fd, &event) < 0)
        return -errno;
    source->in_epoll = operation != EPOLL_CTL_DEL;
    return 0;
}

int event_source_fd(const struct event_source *source) {
    return source->fd;
}

struct event_source *event_source_remove(struct event_source *source) {
    if (source == NULL)
        return NULL;
    event_source_set_events(source, 0);
    source->fn = NULL;
    list_remove(&source->link);
    list_append(&source->loop->dead, &source->link);
    return NULL;
}

/* --- timers: a binary heap, index 1 is the soonest --- */

static void heap_put(struct event_loop *loop, size_t index, struct event_timer *timer) {
    loop->heap[index - 1] = timer;
    timer->heap_index = index;
}

static void heap_rise(struct event_loop *loop, size_t index, struct event_timer *timer) {
    while (index > 1 && loop->heap[index / 2 - 1]->deadline_ns > timer->deadline_ns) {
        heap_put(loop, index, loop->heap[index / 2 - 1]);
        index /= 2;
    }
    heap_put(loop, index, timer);
}

static void heap_sink(struct event_loop *loop, size_t index, struct event_timer *timer) {
    for (;;) {
        size_t child = index * 2;
        if (child > loop->heap_size)
            break;
        if (child < loop->heap_size && loop->heap[child]->deadline_ns < loop->heap[child - 1]->deadline_ns)
            child++;
        if (loop->heap[child - 1]->deadline_ns >= timer->deadline_ns)
            break;
        heap_put(loop, index, loop->heap[child - 1]);
        index = child;
    }
    heap_put(loop, index, timer);
}

int event_loop_add_timer(struct event_loop *loop, event_timer_fn *fn, void *data, struct event_timer **ret,
                         struct error *error) {
    if (loop->timer_count == loop->heap_capacity) {
        /* Room for every timer at once, so that arming one cannot fail. */
        size_t capacity = MAX_OF((size_t)8, loop->heap_capacity * 2);
        struct event_timer **heap = reallocarray(loop->heap, capacity, sizeof(struct event_timer *));
        if (heap == NULL)
            return error_set_no_memory(error);
        loop->heap = heap;
        loop->heap_capacity = capacity;
    }
    struct event_timer *timer = calloc(1, sizeof *timer);
    if (timer == NULL)
        return error_set_no_memory(error);
    *timer = (struct event_timer){.loop = loop, .fn = fn, .data = data};
    list_append(&loop->timers, &timer->link);
    loop->timer_count++;
    *ret = timer;
    return 0;
}

void event_timer_arm(struct event_timer *timer, int64_t deadline_ns) {
    event_timer_disarm(timer);
    timer->deadline_ns = deadline_ns;
    timer->loop->heap_size++;
    heap_rise(timer->loop, timer->loop->heap_size, timer);
}

void event_timer_disarm(struct event_timer *timer) {
    size_t index = timer->heap_index;
    if (index == 0)
        return;
    struct event_loop *loop = timer->loop;
    timer->heap_index = 0;
    struct event_timer *last = loop->heap[loop->heap_size - 1];
    loop->heap_size--;
    if (last == timer)
        return;
    if (index > 1 && loop->heap[index / 2 - 1]->deadline_ns > last->deadline_ns)
        heap_rise(loop, index, last);
    else
        heap_sink(loop, index, last);
}

struct event_timer *event_timer_remove(struct event_timer *timer) {
    if (timer == NULL)
        return NULL;
    event_timer_disarm(timer);
    list_remove(&timer->link);
    timer->loop->timer_count--;
    free(timer);
    return NULL;
}

static int next_timeout_ms(const struct event_loop *loop) {
    if (loop->heap_size == 0)
        return -1;
    int64_t wait_ns = loop->heap[0]->deadline_ns - clock_monotonic_ns();
    if (wait_ns <= 0)
        return 0;
    int64_t wait_ms = (wait_ns + NS_PER_MS - 1) / NS_PER_MS;
    return (int)MIN_OF(wait_ms, INT64_C(3600000));
}

static void run_due_timers(struct event_loop *loop) {
    int64_t now = clock_monotonic_ns();
    while (loop->heap_size > 0 && loop->heap[0]->deadline_ns <= now) {
        struct event_timer *timer = loop->heap[0];
        event_timer_disarm(timer);
        timer->fn(timer, timer->data);
    }
}

/* --- calls from other threads --- */

int event_loop_post(struct event_loop *loop, event_call_fn *fn, void *data) {
    struct posted_call *call = malloc(sizeof *call);
    if (call == NULL)
        return -ENOMEM;
    *call = (struct posted_call){.fn = fn, .data = data};
    pthread_mutex_lock(&loop->lock);
    bool wake = list_is_empty(&loop->posted);
    list_append(&loop->posted, &call->link);
    pthread_mutex_unlock(&loop->lock);
    if (wake)
        eventfd_write(loop->wake_fd, 1);
    return 0;
}

void event_loop_stop(struct event_loop *loop) {
    pthread_mutex_lock(&loop->lock);
    loop->stopped = true;
    pthread_mutex_unlock(&loop->lock);
    eventfd_write(loop->wake_fd, 1);
}

/* Runs what was posted before now; returns whether the loop was told to stop. */
static bool run_posted_calls(struct event_loop *loop) {
    eventfd_t count;
    eventfd_read(loop->wake_fd, &count);
    struct list batch;
    list_init(&batch);
    pthread_mutex_lock(&loop->lock);
    LIST_FOR_EACH(node, &loop->posted) {
        list_remove(node);
        list_append(&batch, node);
    }
    bool stopped = loop->stopped;
    pthread_mutex_unlock(&loop->lock);
    LIST_FOR_EACH(node, &batch) {
        struct posted_call call = *LIST_ENTRY(node, struct posted_call, link);
        list_remove(node);
        free(LIST_ENTRY(node, struct posted_call, link));
        call.fn(call.data);
    }
    return stopped;
}

int event_loop_run(struct event_loop *loop, struct error *error) {
    bool stopped = false;
    while (!stopped) {
        struct epoll_event events[EVENTS_PER_WAIT];
        int count = epoll_wait(loop->epoll_fd, events, EVENTS_PER_WAIT, next_timeout_ms(loop));
        if (count < 0 && errno != EINTR)
            return error_set_errno(error, errno, "event loop cannot wait");
        for (int i = 0; i < count; i++) {
            struct event_source *source = events[i].data.ptr;
            if (source == NULL)
                stopped = run_posted_calls(loop);
            else if (source->fn != NULL)
                source->fn(source, events[i].events, source->data);
        }
        run_due_timers(loop);
        free_dead_sources(loop);
    }
    return 0;
}
