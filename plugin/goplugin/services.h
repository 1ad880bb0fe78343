/* HashiCorp go-plugin's own gRPC services: controller, broker, stdio, and gRPC's health service. */
#ifndef DIEGO_GOPLUGIN_SERVICES_H
#define DIEGO_GOPLUGIN_SERVICES_H

#include "plugin/rpc/server.h"

struct goplugin {
    void (*shutdown)(void *data); /* the host asked the plugin to end; its reply is queued already */
    void *data;
};

/* The service for rpc_server_create; `goplugin` is borrowed. */
struct rpc_service goplugin_service(struct goplugin *goplugin);

#endif
