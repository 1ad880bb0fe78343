/* One thread's event loop on epoll: descriptors, timers, and calls posted from other threads.
 *
 * Everything but event_loop_post and event_loop_stop belongs to the loop's own thread. Callbacks may add and
 * remove any source, their own included. Sources never own their descriptor. */
#ifndef DIEGO_SYS_EVENT_LOOP_H
#define DIEGO_SYS_EVENT_LOOP_H

#include <stdint.h>
#include <sys/epoll.h>

#include "runtime/base/error.h"

struct event_loop;
struct event_source; /* a watched descriptor */
struct event_timer;

/* `events` are EPOLL* bits that are ready. */
typedef void event_io_fn(struct event_source *source, uint32_t events, void *data);
typedef void event_timer_fn(struct event_timer *timer, void *data);
typedef void event_call_fn(void *data);

int event_loop_create(struct event_loop **ret, struct error *error);
void event_loop_destroy(
    struct event_loop *loop); /* releases sources and timers that are left; accepts NULL */

/* Runs until event_loop_stop; returns 0, or a negative errno when epoll itself fails. */
int event_loop_run(struct event_loop *loop, struct error *error);
void event_loop_stop(struct event_loop *loop);

/* Watches fd for `events` (EPOLLIN, EPOLLOUT; level-triggered; errors and hang-ups always). Data is borrowed.
 */
int event_loop_add_fd(struct event_loop *loop, int fd, uint32_t events, event_io_fn *fn, void *data,
                      struct event_source **ret, struct error *error);
/* Changes what is watched; 0 keeps the source but watches nothing, not even hang-ups. -errno on failure. */
int event_source_set_events(struct event_source *source, uint32_t events);
int event_source_fd(const struct event_source *source);
/* Stops watching and frees; call before closing the descriptor. Accepts NULL. Returns NULL. */
struct event_source *event_source_remove(struct event_source *source);

/* A timer that is not armed yet. */
int event_loop_add_timer(struct event_loop *loop, event_timer_fn *fn, void *data, struct event_timer **ret,
                         struct error *error);
/* Fires once at a CLOCK_MONOTONIC time in nanoseconds; replaces an earlier time. */
void event_timer_arm(struct event_timer *timer, int64_t deadline_ns);
void event_timer_disarm(struct event_timer *timer);
struct event_timer *event_timer_remove(struct event_timer *timer); /* accepts NULL, returns NULL */

/* Runs fn(data) on the loop's thread, in the order posted. Thread-safe. -ENOMEM when it cannot be queued. */
int event_loop_post(struct event_loop *loop, event_call_fn *fn, void *data);

#endif
