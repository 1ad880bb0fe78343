/* The plugin block of the agent's configuration, decoded and checked, with every default in its place. */
#ifndef DIEGO_CONFIG_PLUGIN_CONFIG_H
#define DIEGO_CONFIG_PLUGIN_CONFIG_H

#include "proto/supervisor.pb-c.h"
#include "runtime/base/error.h"
#include "runtime/base/log.h"

struct plugin_defaults {
    int64_t max_pids;              /* 0: no limit */
    int64_t cpu_weight;            /* Diego's weight; 0: from Nomad's cpu shares */
    int64_t nofile;                /* 0: inherited */
    uint64_t graceful_shutdown_ms; /* between SIGTERM and SIGKILL where Diego itself cancels; 0: at once */
};

struct plugin_cgroup {
    size_t n_required_controllers;
    char **required_controllers;
};

/* All owned; strings are never NULL. */
struct plugin_config {
    bool enabled;
    char *state_dir; /* absolute and normal: no "//", "." or ".." in it, no "/" at its end */
    char *run_dir;   /* the same */
    char *log_level; /* a name that log_level_parse knows */
    struct plugin_cgroup cgroup;
    size_t n_preloaded_rootfs;
    Diego__Supervisor__Variable **preloaded_rootfs; /* name → absolute path; sorted as the agent sent them */
    bool allow_privileged;
    size_t n_allow_caps;
    char **allow_caps; /* as spelled; capability_set_parse knows every one */
    size_t n_allow_bind;
    char **allow_bind; /* absolute and normal */
    struct plugin_defaults defaults;
};

/* Decodes msgpack as Nomad encodes it (zero bytes: all defaults). -EINVAL names the path of the fault and the
 * value. Keys that the schema does not have are ignored at the top level, errors below it. */
int plugin_config_decode(const void *msgpack, size_t size, struct plugin_config **ret, struct error *error);

void plugin_config_destroy(struct plugin_config *config); /* accepts NULL */

#endif
