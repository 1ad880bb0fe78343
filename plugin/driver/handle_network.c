#include "plugin/driver/handlers.h"

/* The driver does not ask to create networks (must_create_network is false): Nomad's client makes the
 * namespace, and a response without a specification leaves it that way. */
void handle_create_network(struct rpc_call *call, _unused_ const ProtobufCMessage *message,
                           _unused_ void *service) {
    DriverCreateNetworkResponse response = DRIVER_INIT(CREATE_NETWORK_RESPONSE);
    rpc_call_reply(call, &response.base);
}

void handle_destroy_network(struct rpc_call *call, _unused_ const ProtobufCMessage *message,
                            _unused_ void *service) {
    DriverDestroyNetworkResponse response = DRIVER_INIT(DESTROY_NETWORK_RESPONSE);
    rpc_call_reply(call, &response.base);
}
