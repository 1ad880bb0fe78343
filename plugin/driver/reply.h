/* Ways for a handler to end its call. */
#ifndef DIEGO_DRIVER_REPLY_H
#define DIEGO_DRIVER_REPLY_H

#include "plugin/rpc/server.h"

/* Ends the call with the error's text; the error is cleared. */
void reply_error(struct rpc_call *call, enum rpc_status status, struct error *error);

/* The same for a StartTask that Nomad may try again under the job's restart policy: carries RecoverableError
 * in grpc-status-details-bin. */
void reply_recoverable(struct rpc_call *call, struct error *error);

/* Nomad's words for an id that this driver does not know. */
void reply_task_not_found(struct rpc_call *call);

#endif
