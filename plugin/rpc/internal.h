/* What the files of plugin/rpc share; nobody else includes it. */
#ifndef DIEGO_RPC_INTERNAL_H
#define DIEGO_RPC_INTERNAL_H

#include <grpc/grpc.h>
#include <pthread.h>

#include "plugin/rpc/server.h"
#include "runtime/base/list.h"

/* One operation of gRPC's that is under way. Its completion is seen by the queue's thread and run on the
 * loop's. */
struct rpc_tag {
    struct list link; /* in server->completed */
    void (*complete)(struct rpc_tag *tag);
    bool ok; /* gRPC's word for "the operation did what it should" */
};

enum { RPC_ACCEPTORS = 16 };

/* One outstanding request for a new call. */
struct rpc_acceptor {
    struct rpc_tag tag;
    struct rpc_server *server;
    grpc_call *call;
    grpc_call_details details;
    grpc_metadata_array metadata;
};

struct rpc_server {
    struct event_loop *loop;
    grpc_server *server;
    grpc_completion_queue *queue;
    const struct rpc_service *services;
    size_t service_count;
    struct rpc_acceptor acceptors[RPC_ACCEPTORS];
    struct rpc_tag shutdown_tag;
    bool shut_down;
    bool closing; /* no new calls are taken */
    struct list calls;
    char *socket_path;
    pthread_t thread;
    pthread_mutex_t lock; /* of `completed` */
    pthread_cond_t arrived;
    struct list completed;
};

/* A message on its way to the transport. */
struct rpc_outgoing {
    struct list link;
    grpc_byte_buffer *bytes;
    size_t size;
};

struct rpc_call {
    struct list link; /* in server->calls */
    struct rpc_server *server;
    grpc_call *call;
    const struct rpc_method *method; /* NULL when it is unknown */
    void *service;
    struct rpc_hooks hooks;
    void *data;
    ProtobufCMessage *request;

    struct rpc_tag close_tag; /* RECV_CLOSE_ON_SERVER, outstanding from the start */
    int close_cancelled;
    bool closed;
    bool cancelled;

    struct rpc_tag receive_tag;
    grpc_byte_buffer *received;
    bool receiving;

    struct rpc_tag send_tag; /* at most one batch of sends at a time */
    struct list outgoing;    /* the first one is under way while `sending` */
    size_t outgoing_bytes;
    bool sending;
    bool headers_sent;

    bool finished; /* by the handler; the rest is ours */
    bool status_sent;
    enum rpc_status status;
    grpc_slice status_message;
    grpc_metadata status_details;
    bool has_details;
};

/* call.c: takes over a new call. */
void rpc_call_accept(struct rpc_server *server, grpc_call *call, const struct rpc_method *method,
                     void *service);
/* Tells the handler that the client is gone, or finishes the call when it has no hook for that. */
void rpc_call_abandon(struct rpc_call *call);

/* message.c */
grpc_byte_buffer *rpc_message_pack(const ProtobufCMessage *message, size_t *ret_size);
/* NULL when the bytes are no such message, or memory is short. */
ProtobufCMessage *rpc_message_unpack(const ProtobufCMessageDescriptor *descriptor, grpc_byte_buffer *bytes);

#endif
