#include "plugin/config/schema.h"
#include "plugin/driver/driver.h"
#include "plugin/driver/reply.h"
#include "proto/nomad/base.pb-c.h"

#define BASE_PATH(method) "/hashicorp.nomad.plugins.base.proto.BasePlugin/" method

typedef Hashicorp__Nomad__Plugins__Base__Proto__ClientTopology ClientTopology;
typedef Hashicorp__Nomad__Plugins__Base__Proto__ClientTopologyCore ClientTopologyCore;
typedef Hashicorp__Nomad__Plugins__Base__Proto__SetConfigRequest SetConfigRequest;

static void handle_plugin_info(struct rpc_call *call, _unused_ const ProtobufCMessage *message,
                               _unused_ void *service) {
    char *api_versions[] = {(char *)"v0.1.0"};
    Hashicorp__Nomad__Plugins__Base__Proto__PluginInfoResponse response =
        HASHICORP__NOMAD__PLUGINS__BASE__PROTO__PLUGIN_INFO_RESPONSE__INIT;
    response.type = HASHICORP__NOMAD__PLUGINS__BASE__PROTO__PLUGIN_TYPE__DRIVER;
    response.n_plugin_api_versions = ARRAY_SIZE(api_versions);
    response.plugin_api_versions = api_versions;
    response.plugin_version = (char *)DIEGO_VERSION;
    response.name = (char *)"diego";
    rpc_call_reply(call, &response.base);
}

static void handle_config_schema(struct rpc_call *call, _unused_ const ProtobufCMessage *message,
                                 _unused_ void *service) {
    Hashicorp__Nomad__Plugins__Shared__Hclspec__Spec *spec = config_schema_plugin();
    if (spec == NULL) {
        rpc_call_finish(call, RPC_RESOURCE_EXHAUSTED, "out of memory", NULL);
        return;
    }
    Hashicorp__Nomad__Plugins__Base__Proto__ConfigSchemaResponse response =
        HASHICORP__NOMAD__PLUGINS__BASE__PROTO__CONFIG_SCHEMA_RESPONSE__INIT;
    response.spec = spec;
    rpc_call_reply(call, &response.base);
    hashicorp__nomad__plugins__shared__hclspec__spec__free_unpacked(spec, NULL);
}

/* MHz of one core as the client counts them: the override, or the sum over all cores, by their number. */
static double mhz_per_core(const ClientTopology *topology) {
    if (topology == NULL || topology->n_cores == 0)
        return 0;
    uint64_t total = topology->override_total_compute;
    for (size_t i = 0; topology->override_total_compute == 0 && i < topology->n_cores; i++) {
        const ClientTopologyCore *core = topology->cores[i];
        total += core->base_speed > 0  ? core->base_speed
                 : core->max_speed > 0 ? core->max_speed
                                       : core->guess_speed;
    }
    return (double)total / (double)topology->n_cores;
}

/* Without Nomad's part this is the agent validating a configuration: checked, nothing done. */
static void handle_set_config(struct rpc_call *call, const ProtobufCMessage *message, void *service) {
    const SetConfigRequest *request = (const SetConfigRequest *)message;
    struct driver *driver = service;
    _cleanup_error_ struct error error = ERROR_INIT;
    struct plugin_config *config = NULL;
    int result =
        plugin_config_decode(request->msgpack_config.data, request->msgpack_config.len, &config, &error);
    if (result == 0 && request->nomad_config != NULL && request->nomad_config->driver != NULL) {
        driver->mhz_per_core = mhz_per_core(request->nomad_config->driver->topology);
        result = driver_configure(driver, TAKE_PTR(config), &error);
    }
    plugin_config_destroy(config);
    if (result < 0) {
        reply_error(call, RPC_INVALID_ARGUMENT, &error);
        return;
    }
    Hashicorp__Nomad__Plugins__Base__Proto__SetConfigResponse response =
        HASHICORP__NOMAD__PLUGINS__BASE__PROTO__SET_CONFIG_RESPONSE__INIT;
    rpc_call_reply(call, &response.base);
}

static const struct rpc_method METHODS[] = {
    {BASE_PATH("PluginInfo"), RPC_UNARY,
     &hashicorp__nomad__plugins__base__proto__plugin_info_request__descriptor, handle_plugin_info},
    {BASE_PATH("ConfigSchema"), RPC_UNARY,
     &hashicorp__nomad__plugins__base__proto__config_schema_request__descriptor, handle_config_schema},
    {BASE_PATH("SetConfig"), RPC_UNARY,
     &hashicorp__nomad__plugins__base__proto__set_config_request__descriptor, handle_set_config},
};

struct rpc_service base_service(struct driver *driver) {
    return (struct rpc_service){.methods = METHODS, .method_count = ARRAY_SIZE(METHODS), .data = driver};
}
