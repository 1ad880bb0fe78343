/* The task driver as Nomad sees it: one instance per plugin process, all of it on one event loop thread.
 *
 * Nothing happens before the driver is configured: SetConfig with Nomad's part, or the first Driver RPC (then
 * with the defaults). */
#ifndef DIEGO_DRIVER_DRIVER_H
#define DIEGO_DRIVER_DRIVER_H

#include "plugin/config/plugin_config.h"
#include "plugin/driver/events.h"
#include "plugin/driver/fingerprint.h"
#include "plugin/driver/task_table.h"
#include "plugin/rpc/server.h"
#include "runtime/base/log.h"
#include "runtime/supervisor/spawner.h"

struct driver {
    struct event_loop *loop;
    struct logger *logger; /* its level follows the configuration */
    const struct spawner *spawner;
    struct plugin_config *config; /* owned; NULL until configured */
    double mhz_per_core;          /* from Nomad's topology, for TotalTicks; 0: unknown */
    struct task_table tasks;
    struct event_streams events;
    struct fingerprint fingerprint;
};

/* loop, logger and spawner are borrowed. */
int driver_init(struct driver *driver, struct event_loop *loop, struct logger *logger,
                const struct spawner *spawner, struct error *error);
void driver_release(struct driver *driver);

/* Takes over a configuration (owned from now on): directories, spawner, log level. A second one replaces what
 * may change; tasks that run keep theirs. */
int driver_configure(struct driver *driver, struct plugin_config *config, struct error *error);

/* Configures with the defaults where SetConfig never came. */
int driver_ensure_configured(struct driver *driver, struct error *error);

/* The Driver and BasePlugin services for rpc_server_create; their data is the driver. */
struct rpc_service driver_service(struct driver *driver);
struct rpc_service base_service(struct driver *driver);

#endif
