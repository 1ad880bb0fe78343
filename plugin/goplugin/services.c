#include "plugin/goplugin/services.h"

#include "proto/google/empty.pb-c.h"
#include "proto/goplugin/broker.pb-c.h"
#include "proto/goplugin/controller.pb-c.h"
#include "proto/goplugin/health.pb-c.h"
#include "proto/goplugin/stdio.pb-c.h"

static void handle_shutdown(struct rpc_call *call, _unused_ const ProtobufCMessage *message, void *service) {
    const struct goplugin *goplugin = service;
    Plugin__Empty response = PLUGIN__EMPTY__INIT;
    rpc_call_reply(call, &response.base);
    goplugin->shutdown(goplugin->data);
}

/* --- streams that the host opens and on which nothing is ever said --- */

static void finish_cancelled(struct rpc_call *call, _unused_ void *data) {
    rpc_call_finish(call, RPC_CANCELLED, "cancelled", NULL);
}

static void ignore_message(struct rpc_call *call, const ProtobufCMessage *message, _unused_ void *data) {
    if (message != NULL)
        rpc_call_receive(call);
    else
        rpc_call_finish(call, RPC_OK, "", NULL);
}

static void hold_open(struct rpc_call *call, const ProtobufCMessage *message, _unused_ void *service) {
    static const struct rpc_hooks hooks = {.message = ignore_message, .cancelled = finish_cancelled};
    rpc_call_set_hooks(call, &hooks, NULL);
    if (message == NULL) /* a bidirectional one */
        rpc_call_receive(call);
}

/* --- health --- */

static bool is_our_service(const ProtobufCMessage *message) {
    const char *name = ((const Grpc__Health__V1__HealthCheckRequest *)message)->service;
    return name[0] == '\0' || strcmp(name, "plugin") == 0;
}

static void handle_health_check(struct rpc_call *call, const ProtobufCMessage *message,
                                _unused_ void *service) {
    if (!is_our_service(message)) {
        rpc_call_finish(call, RPC_NOT_FOUND, "unknown service", NULL);
        return;
    }
    Grpc__Health__V1__HealthCheckResponse response = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;
    response.status = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING;
    rpc_call_reply(call, &response.base);
}

/* The first answer is the only one: a plugin that answers is serving until it is gone. */
static void handle_health_watch(struct rpc_call *call, const ProtobufCMessage *message, void *service) {
    Grpc__Health__V1__HealthCheckResponse response = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;
    response.status = is_our_service(message)
                          ? GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING
                          : GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVICE_UNKNOWN;
    hold_open(call, message, service);
    rpc_call_send(call, &response.base);
}

static const struct rpc_method METHODS[] = {
    {"/plugin.GRPCController/Shutdown", RPC_UNARY, &plugin__empty__descriptor, handle_shutdown},
    {"/plugin.GRPCBroker/StartStream", RPC_BIDIRECTIONAL, &plugin__conn_info__descriptor, hold_open},
    {"/plugin.GRPCStdio/StreamStdio", RPC_SERVER_STREAM, &google__protobuf__empty__descriptor, hold_open},
    {"/grpc.health.v1.Health/Check", RPC_UNARY, &grpc__health__v1__health_check_request__descriptor,
     handle_health_check},
    {"/grpc.health.v1.Health/Watch", RPC_SERVER_STREAM, &grpc__health__v1__health_check_request__descriptor,
     handle_health_watch},
};

struct rpc_service goplugin_service(struct goplugin *goplugin) {
    return (struct rpc_service){.methods = METHODS, .method_count = ARRAY_SIZE(METHODS), .data = goplugin};
}
