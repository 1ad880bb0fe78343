#include "plugin/config/schema.h"
#include "plugin/driver/handlers.h"
#include "plugin/driver/reply.h"

#define DRIVER_PATH(method) "/hashicorp.nomad.plugins.drivers.proto.Driver/" method

static void handle_init(struct rpc_call *call, _unused_ const ProtobufCMessage *message,
                        _unused_ void *service) {
    DriverInitResponse response = DRIVER_INIT(INIT_RESPONSE);
    rpc_call_reply(call, &response.base);
}

/* Tasks go on without the plugin; GRPCController.Shutdown follows and ends it. */
static void handle_shutdown(struct rpc_call *call, _unused_ const ProtobufCMessage *message,
                            _unused_ void *service) {
    DriverShutdownResponse response = DRIVER_INIT(SHUTDOWN_RESPONSE);
    rpc_call_reply(call, &response.base);
}

static void handle_task_config_schema(struct rpc_call *call, _unused_ const ProtobufCMessage *message,
                                      _unused_ void *service) {
    Hashicorp__Nomad__Plugins__Shared__Hclspec__Spec *spec = config_schema_task();
    if (spec == NULL) {
        rpc_call_finish(call, RPC_RESOURCE_EXHAUSTED, "out of memory", NULL);
        return;
    }
    DriverTaskConfigSchemaResponse response = DRIVER_INIT(TASK_CONFIG_SCHEMA_RESPONSE);
    response.spec = spec;
    rpc_call_reply(call, &response.base);
    hashicorp__nomad__plugins__shared__hclspec__spec__free_unpacked(spec, NULL);
}

static void handle_capabilities(struct rpc_call *call, _unused_ const ProtobufCMessage *message,
                                _unused_ void *service) {
    Hashicorp__Nomad__Plugins__Drivers__Proto__NetworkIsolationSpec__NetworkIsolationMode modes[] = {
        DRIVER_ENUM(NETWORK_ISOLATION_SPEC__NETWORK_ISOLATION_MODE__HOST),
        DRIVER_ENUM(NETWORK_ISOLATION_SPEC__NETWORK_ISOLATION_MODE__GROUP),
    };
    DriverDriverCapabilities capabilities = DRIVER_INIT(DRIVER_CAPABILITIES);
    capabilities.send_signals = true;
    capabilities.exec = true;
    capabilities.fs_isolation = DRIVER_ENUM(DRIVER_CAPABILITIES__FSISOLATION__IMAGE);
    capabilities.n_network_isolation_modes = ARRAY_SIZE(modes);
    capabilities.network_isolation_modes = modes;
    DriverCapabilitiesResponse response = DRIVER_INIT(CAPABILITIES_RESPONSE);
    response.capabilities = &capabilities;
    rpc_call_reply(call, &response.base);
}

static void handle_fingerprint(struct rpc_call *call, _unused_ const ProtobufCMessage *message,
                               void *service) {
    fingerprint_open(&((struct driver *)service)->fingerprint, call);
}

static void handle_task_events(struct rpc_call *call, _unused_ const ProtobufCMessage *message,
                               void *service) {
    event_streams_open(&((struct driver *)service)->events, call);
}

struct task *handler_find_task(struct driver *driver, struct rpc_call *call, const char *id) {
    struct task *task = task_table_find(&driver->tasks, id);
    if (task == NULL)
        reply_task_not_found(call);
    return task;
}

/* Every Driver RPC finds a configured driver: one that was never configured gets the defaults. */
#define CONFIGURED(handler)                                                                                  \
    static void handler##_configured(struct rpc_call *call, const ProtobufCMessage *message,                 \
                                     void *service) {                                                        \
        _cleanup_error_ struct error error = ERROR_INIT;                                                     \
        if (driver_ensure_configured(service, &error) < 0)                                                   \
            reply_error(call, RPC_UNAVAILABLE, &error);                                                      \
        else                                                                                                 \
            handler(call, message, service);                                                                 \
    }

CONFIGURED(handle_init)
CONFIGURED(handle_fingerprint)
CONFIGURED(handle_start_task)
CONFIGURED(handle_recover_task)

#define DRIVER_REQUEST(name) .request = DRIVER_DESCRIPTOR(name)

static const struct rpc_method METHODS[] = {
    {DRIVER_PATH("Init"), RPC_UNARY, DRIVER_REQUEST(init_request), .start = handle_init_configured},
    {DRIVER_PATH("TaskConfigSchema"), RPC_UNARY, DRIVER_REQUEST(task_config_schema_request),
     .start = handle_task_config_schema},
    {DRIVER_PATH("Capabilities"), RPC_UNARY, DRIVER_REQUEST(capabilities_request),
     .start = handle_capabilities},
    {DRIVER_PATH("Fingerprint"), RPC_SERVER_STREAM, DRIVER_REQUEST(fingerprint_request),
     .start = handle_fingerprint_configured},
    {DRIVER_PATH("RecoverTask"), RPC_UNARY, DRIVER_REQUEST(recover_task_request),
     .start = handle_recover_task_configured},
    {DRIVER_PATH("StartTask"), RPC_UNARY, DRIVER_REQUEST(start_task_request),
     .start = handle_start_task_configured},
    {DRIVER_PATH("WaitTask"), RPC_UNARY, DRIVER_REQUEST(wait_task_request), .start = handle_wait_task},
    {DRIVER_PATH("StopTask"), RPC_UNARY, DRIVER_REQUEST(stop_task_request), .start = handle_stop_task},
    {DRIVER_PATH("DestroyTask"), RPC_UNARY, DRIVER_REQUEST(destroy_task_request),
     .start = handle_destroy_task},
    {DRIVER_PATH("InspectTask"), RPC_UNARY, DRIVER_REQUEST(inspect_task_request),
     .start = handle_inspect_task},
    {DRIVER_PATH("TaskStats"), RPC_SERVER_STREAM, DRIVER_REQUEST(task_stats_request),
     .start = handle_task_stats},
    {DRIVER_PATH("TaskEvents"), RPC_SERVER_STREAM, DRIVER_REQUEST(task_events_request),
     .start = handle_task_events},
    {DRIVER_PATH("Shutdown"), RPC_UNARY, DRIVER_REQUEST(shutdown_request), .start = handle_shutdown},
    {DRIVER_PATH("SignalTask"), RPC_UNARY, DRIVER_REQUEST(signal_task_request), .start = handle_signal_task},
    {DRIVER_PATH("ExecTask"), RPC_UNARY, DRIVER_REQUEST(exec_task_request), .start = handle_exec_task},
    {DRIVER_PATH("ExecTaskStreaming"), RPC_BIDIRECTIONAL, DRIVER_REQUEST(exec_task_streaming_request),
     .start = handle_exec_task_streaming},
    {DRIVER_PATH("CreateNetwork"), RPC_UNARY, DRIVER_REQUEST(create_network_request),
     .start = handle_create_network},
    {DRIVER_PATH("DestroyNetwork"), RPC_UNARY, DRIVER_REQUEST(destroy_network_request),
     .start = handle_destroy_network},
};

struct rpc_service driver_service(struct driver *driver) {
    return (struct rpc_service){.methods = METHODS, .method_count = ARRAY_SIZE(METHODS), .data = driver};
}
