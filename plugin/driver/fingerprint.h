/* The Fingerprint stream: what this node can do, told at once and whenever it changes. */
#ifndef DIEGO_DRIVER_FINGERPRINT_H
#define DIEGO_DRIVER_FINGERPRINT_H

#include "plugin/config/plugin_config.h"
#include "plugin/rpc/server.h"
#include "runtime/base/list.h"
#include "runtime/sys/event_loop.h"

struct fingerprint {
    struct list streams;
    struct event_timer *timer;
    const struct plugin_config *const *config; /* where the driver keeps its configuration */
    uint64_t last_hash;                        /* of the last message; 0: none yet */
};

/* `config` points at the driver's pointer, which may change. */
int fingerprint_init(struct fingerprint *fingerprint, struct event_loop *loop,
                     const struct plugin_config *const *config, struct error *error);
void fingerprint_release(struct fingerprint *fingerprint);

/* Adds a Fingerprint call: answered at once, then on change until its client leaves. */
void fingerprint_open(struct fingerprint *fingerprint, struct rpc_call *call);

/* Probes again and tells the streams when something changed. */
void fingerprint_refresh(struct fingerprint *fingerprint);

#endif
