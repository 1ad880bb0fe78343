/* The RPCs of the Driver service, one function each; `service` is the driver. Rules: protocol reference,
 * part 5. */
#ifndef DIEGO_DRIVER_HANDLERS_H
#define DIEGO_DRIVER_HANDLERS_H

#include "plugin/driver/driver.h"

/* handle_start.c */
rpc_start_fn handle_start_task, handle_recover_task;
/* handle_wait.c */
rpc_start_fn handle_wait_task;
/* handle_stop.c */
rpc_start_fn handle_stop_task, handle_destroy_task, handle_signal_task;
/* handle_inspect.c */
rpc_start_fn handle_inspect_task;
/* handle_stats.c */
rpc_start_fn handle_task_stats;
/* handle_exec.c */
rpc_start_fn handle_exec_task, handle_exec_task_streaming;
/* handle_network.c */
rpc_start_fn handle_create_network, handle_destroy_network;

/* The task of an id. NULL after answering NOT_FOUND. */
struct task *handler_find_task(struct driver *driver, struct rpc_call *call, const char *id);

/* Ends and destroys a task that nobody will ever ask for: its client left in the middle of the start. */
void handler_abandon_task(struct task *task);

#endif
