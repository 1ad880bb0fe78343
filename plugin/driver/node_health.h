/* What this host can do, put together for Nomad's fingerprint and for `check`. */
#ifndef DIEGO_DRIVER_NODE_HEALTH_H
#define DIEGO_DRIVER_NODE_HEALTH_H

#include "plugin/config/plugin_config.h"
#include "runtime/base/buffer.h"
#include "runtime/sys/host_features.h"

enum node_state { NODE_UNDETECTED, NODE_HEALTHY };

struct node_health {
    enum node_state state;
    char *description; /* owned; what is wrong and what to do, or "ready" */
    struct host_feature *features;
    size_t feature_count;
};

/* Probes the host for a configuration. Fails only when memory is short. */
int node_health_probe(const struct plugin_config *config, struct node_health *ret, struct error *error);
void node_health_release(struct node_health *health);

#endif
