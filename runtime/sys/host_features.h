/* What this host's kernel offers: each feature that the driver needs or uses is probed once, by trying it
 * where that leaves nothing behind. Feeds `check` and the fingerprint. */
#ifndef DIEGO_SYS_HOST_FEATURES_H
#define DIEGO_SYS_HOST_FEATURES_H

#include <stdbool.h>
#include <stddef.h>

#include "runtime/base/error.h"

struct host_feature {
    const char *name;   /* node attribute driver.diego.<name>: "overlayfs", "kernel"; constant */
    const char *remedy; /* what an operator does about a missing one; constant */
    bool required;      /* no task can run without it */
    bool present;
    char *detail; /* owned: version, controllers, or why it is missing: "fsopen: Function not implemented" */
};

/* Probes everything; *ret has *ret_count entries in a fixed order. Fails only when memory is short: a probe
 * that fails is a feature that is not there. Takes some milliseconds. Forks a child that only makes system
 * calls, so a process with threads may call it. */
int host_features_probe(struct host_feature **ret, size_t *ret_count, struct error *error);

void host_features_free(struct host_feature *features, size_t count); /* accepts NULL */

#endif
