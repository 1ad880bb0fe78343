/* A gRPC server on a unix socket, as little of gRPC as the driver needs: the only folder that knows grpc.h.
 *
 * Calls arrive on the event loop's thread: every callback below runs there, and every function below is
 * called there. One extra thread of ours waits on gRPC's completion queue and posts to the loop; open calls
 * cost memory, never a thread. Unknown methods are answered UNIMPLEMENTED. Messages may be of any size. */
#ifndef DIEGO_RPC_SERVER_H
#define DIEGO_RPC_SERVER_H

#include <protobuf-c/protobuf-c.h>

#include "runtime/base/error.h"
#include "runtime/sys/event_loop.h"

struct rpc_server;
struct rpc_call;

enum rpc_kind { RPC_UNARY, RPC_SERVER_STREAM, RPC_BIDIRECTIONAL };

/* gRPC status codes that the driver uses; numbers as in gRPC's specification. */
enum rpc_status {
    RPC_OK = 0,
    RPC_CANCELLED = 1,
    RPC_UNKNOWN = 2,
    RPC_INVALID_ARGUMENT = 3,
    RPC_DEADLINE_EXCEEDED = 4,
    RPC_NOT_FOUND = 5,
    RPC_RESOURCE_EXHAUSTED = 8,
    RPC_FAILED_PRECONDITION = 9,
    RPC_UNIMPLEMENTED = 12,
    RPC_INTERNAL = 13,
    RPC_UNAVAILABLE = 14,
};

/* A new call. `request` is the call's only message for unary and server streams, NULL for bidirectional ones;
 * it belongs to the call and lives until the call is finished. A request that does not parse never gets here.
 */
typedef void rpc_start_fn(struct rpc_call *call, const ProtobufCMessage *request, void *service);
/* A message of a bidirectional call (valid during the callback only), or NULL when the client closed its
 * side. The next one is not read before rpc_call_receive is called. */
typedef void rpc_message_fn(struct rpc_call *call, const ProtobufCMessage *message, void *data);
/* The client went away or cancelled before the call was finished; the call must still be finished. */
typedef void rpc_cancel_fn(struct rpc_call *call, void *data);
/* Everything queued on the call went to the transport. */
typedef void rpc_drained_fn(struct rpc_call *call, void *data);

struct rpc_method {
    const char *path; /* "/package.Service/Method" */
    enum rpc_kind kind;
    const ProtobufCMessageDescriptor *request;
    rpc_start_fn *start;
};

struct rpc_service {
    const struct rpc_method *methods;
    size_t method_count;
    void *data; /* handed to start */
};

/* Listens on `socket_path` (shorter than 108 bytes) and starts serving; services must outlive the server. */
int rpc_server_create(struct event_loop *loop, const char *socket_path, const struct rpc_service *services,
                      size_t service_count, struct rpc_server **ret, struct error *error);

/* Cancels open calls, stops the thread, removes the socket. Call after the loop stopped. */
void rpc_server_destroy(struct rpc_server *server);

/* --- calls --- */

/* Hooks of a long call; `data` is handed to each; NULL hooks are not called. */
struct rpc_hooks {
    rpc_message_fn *message;
    rpc_cancel_fn *cancelled;
    rpc_drained_fn *drained;
};
void rpc_call_set_hooks(struct rpc_call *call, const struct rpc_hooks *hooks, void *data);

/* Asks for the next message of a bidirectional call. */
void rpc_call_receive(struct rpc_call *call);

/* Queues one message of a stream (packed at once, the caller keeps it). Returns bytes now queued, or a
 * negative errno. Sending on a cancelled call is no error: the message is dropped. */
ssize_t rpc_call_send(struct rpc_call *call, const ProtobufCMessage *message);

/* Ends a call with its one reply (unary). */
void rpc_call_reply(struct rpc_call *call, const ProtobufCMessage *reply);
/* Ends a call with a status; `details` (may be NULL) is a google.rpc.Status for grpc-status-details-bin,
 * packed at once. After this, or rpc_call_reply, the call must not be used. Queued messages are delivered
 * first. */
void rpc_call_finish(struct rpc_call *call, enum rpc_status status, const char *message,
                     const ProtobufCMessage *details);

#endif
