#include "plugin/driver/reply.h"

#include "proto/google/any.pb-c.h"
#include "proto/google/status.pb-c.h"
#include "proto/nomad/recoverable_error.pb-c.h"

static const char RECOVERABLE_TYPE[] =
    "type.googleapis.com/hashicorp.nomad.plugins.shared.structs.RecoverableError";

static void finish(struct rpc_call *call, enum rpc_status status, struct error *error, bool recoverable) {
    _cleanup_free_ char *text = error_format(error);
    char *message = text != NULL ? text : (char *)"out of memory";
    error_clear(error);
    if (!recoverable) {
        rpc_call_finish(call, status, message, NULL);
        return;
    }
    uint8_t value[] = {0x08, 0x01}; /* RecoverableError{recoverable: true} */
    Google__Protobuf__Any detail = GOOGLE__PROTOBUF__ANY__INIT;
    detail.type_url = (char *)RECOVERABLE_TYPE;
    detail.value = (ProtobufCBinaryData){.len = sizeof value, .data = value};
    Google__Protobuf__Any *details[] = {&detail};
    Google__Rpc__Status details_status = GOOGLE__RPC__STATUS__INIT;
    details_status.code = status;
    details_status.message = message;
    details_status.n_details = 1;
    details_status.details = details;
    rpc_call_finish(call, status, message, &details_status.base);
}

void reply_error(struct rpc_call *call, enum rpc_status status, struct error *error) {
    finish(call, status, error, false);
}

void reply_recoverable(struct rpc_call *call, struct error *error) {
    finish(call, RPC_FAILED_PRECONDITION, error, true);
}

void reply_task_not_found(struct rpc_call *call) {
    rpc_call_finish(call, RPC_NOT_FOUND, "task not found for given id", NULL);
}
