#include <grpc/slice.h>

#include "plugin/rpc/internal.h"

/* A call's life: accepted → (its request is received) → the handler's → finished by the handler → status sent
 * → closed by the transport → freed. The last two come in any order. */

static void free_outgoing(struct rpc_call *call, struct rpc_outgoing *outgoing) {
    list_remove(&outgoing->link);
    call->outgoing_bytes -= outgoing->size;
    grpc_byte_buffer_destroy(outgoing->bytes);
    free(outgoing);
}

static void drop_outgoing(struct rpc_call *call) {
    LIST_FOR_EACH(node, &call->outgoing) {
        struct rpc_outgoing *outgoing = LIST_ENTRY(node, struct rpc_outgoing, link);
        if (!call->sending || node != call->outgoing.next)
            free_outgoing(call, outgoing);
    }
}

/* Frees the call once the handler and gRPC are both done with it. */
static void release_if_done(struct rpc_call *call) {
    if (!call->finished || !call->closed || call->sending || call->receiving)
        return;
    drop_outgoing(call);
    list_remove(&call->link);
    if (call->request != NULL)
        protobuf_c_message_free_unpacked(call->request, NULL);
    grpc_slice_unref(call->status_message);
    if (call->has_details) {
        grpc_slice_unref(call->status_details.key);
        grpc_slice_unref(call->status_details.value);
    }
    grpc_call_unref(call->call);
    free(call);
}

/* --- sending --- */

static void add_headers(struct rpc_call *call, grpc_op *ops, size_t *count) {
    if (call->headers_sent)
        return;
    call->headers_sent = true;
    ops[(*count)++] = (grpc_op){.op = GRPC_OP_SEND_INITIAL_METADATA};
}

static void add_status(struct rpc_call *call, grpc_op *ops, size_t *count) {
    call->status_sent = true;
    grpc_op op = {.op = GRPC_OP_SEND_STATUS_FROM_SERVER};
    op.data.send_status_from_server.status = (grpc_status_code)call->status;
    op.data.send_status_from_server.status_details = &call->status_message;
    op.data.send_status_from_server.trailing_metadata_count = call->has_details ? 1 : 0;
    op.data.send_status_from_server.trailing_metadata = &call->status_details;
    ops[(*count)++] = op;
}

/* Starts the next batch of sends unless one is under way: a message, and the status with the last one. */
static void send_next(struct rpc_call *call) {
    if (call->sending || call->status_sent)
        return;
    if (call->cancelled)
        drop_outgoing(call);
    grpc_op ops[3];
    size_t count = 0;
    bool has_message = !list_is_empty(&call->outgoing);
    bool last = !has_message || call->outgoing.next->next == &call->outgoing;
    if (!has_message && !call->finished)
        return;
    add_headers(call, ops, &count);
    if (has_message) {
        struct rpc_outgoing *outgoing = LIST_ENTRY(call->outgoing.next, struct rpc_outgoing, link);
        grpc_op op = {.op = GRPC_OP_SEND_MESSAGE};
        op.data.send_message.send_message = outgoing->bytes;
        ops[count++] = op;
    }
    if (last && call->finished)
        add_status(call, ops, &count);
    call->sending = grpc_call_start_batch(call->call, ops, count, &call->send_tag, NULL) == GRPC_CALL_OK;
}

static void send_completed(struct rpc_tag *tag) {
    struct rpc_call *call = CONTAINER_OF(tag, struct rpc_call, send_tag);
    call->sending = false;
    if (!list_is_empty(&call->outgoing))
        free_outgoing(call, LIST_ENTRY(call->outgoing.next, struct rpc_outgoing, link));
    send_next(call);
    if (!call->finished && !call->sending && call->hooks.drained != NULL)
        call->hooks.drained(call, call->data);
    else
        release_if_done(call);
}

ssize_t rpc_call_send(struct rpc_call *call, const ProtobufCMessage *message) {
    if (call->cancelled)
        return (ssize_t)call->outgoing_bytes;
    struct rpc_outgoing *outgoing = malloc(sizeof *outgoing);
    if (outgoing == NULL)
        return -ENOMEM;
    outgoing->bytes = rpc_message_pack(message, &outgoing->size);
    list_append(&call->outgoing, &outgoing->link);
    call->outgoing_bytes += outgoing->size;
    send_next(call);
    return (ssize_t)call->outgoing_bytes;
}

static void set_details(struct rpc_call *call, const ProtobufCMessage *details) {
    grpc_slice value = grpc_slice_malloc(protobuf_c_message_get_packed_size(details));
    protobuf_c_message_pack(details, GRPC_SLICE_START_PTR(value));
    call->status_details.key = grpc_slice_from_static_string("grpc-status-details-bin");
    call->status_details.value = value;
    call->has_details = true;
}

void rpc_call_finish(struct rpc_call *call, enum rpc_status status, const char *message,
                     const ProtobufCMessage *details) {
    call->finished = true;
    call->status = status;
    call->status_message = grpc_slice_from_copied_string(message);
    if (details != NULL)
        set_details(call, details);
    send_next(call);
    release_if_done(call);
}

void rpc_call_reply(struct rpc_call *call, const ProtobufCMessage *reply) {
    if (rpc_call_send(call, reply) < 0)
        rpc_call_finish(call, RPC_RESOURCE_EXHAUSTED, "out of memory", NULL);
    else
        rpc_call_finish(call, RPC_OK, "", NULL);
}

/* --- receiving --- */

static void refuse_request(struct rpc_call *call) {
    char text[256];
    snprintf(text, sizeof text, "%s: the request is not a %s", call->method->path,
             call->method->request->name);
    rpc_call_finish(call, RPC_INVALID_ARGUMENT, text, NULL);
}

/* The request of a unary call or server stream. */
static void start_handler(struct rpc_call *call, ProtobufCMessage *message) {
    call->request = message;
    if (message == NULL)
        refuse_request(call);
    else
        call->method->start(call, message, call->service);
}

static void deliver_message(struct rpc_call *call, ProtobufCMessage *message) {
    if (call->hooks.message != NULL)
        call->hooks.message(call, message, call->data);
    if (message != NULL)
        protobuf_c_message_free_unpacked(message, NULL);
}

static void receive_completed(struct rpc_tag *tag) {
    struct rpc_call *call = CONTAINER_OF(tag, struct rpc_call, receive_tag);
    grpc_byte_buffer *bytes = TAKE_PTR(call->received);
    ProtobufCMessage *message =
        bytes != NULL && tag->ok ? rpc_message_unpack(call->method->request, bytes) : NULL;
    bool garbled = bytes != NULL && message == NULL;
    if (bytes != NULL)
        grpc_byte_buffer_destroy(bytes);
    call->receiving = false;
    if (call->finished || call->cancelled) {
        if (message != NULL)
            protobuf_c_message_free_unpacked(message, NULL);
        if (!call->finished && call->method->kind != RPC_BIDIRECTIONAL)
            rpc_call_finish(call, RPC_CANCELLED, "cancelled", NULL); /* no handler has seen it */
        else
            release_if_done(call);
    } else if (call->method->kind != RPC_BIDIRECTIONAL) {
        start_handler(call, message);
    } else if (garbled) {
        rpc_call_abandon(call);
    } else {
        deliver_message(call, message);
    }
}

void rpc_call_receive(struct rpc_call *call) {
    if (call->receiving || call->cancelled || call->finished)
        return;
    grpc_op op = {.op = GRPC_OP_RECV_MESSAGE};
    op.data.recv_message.recv_message = &call->received;
    call->receiving = grpc_call_start_batch(call->call, &op, 1, &call->receive_tag, NULL) == GRPC_CALL_OK;
}

/* --- the whole call --- */

void rpc_call_set_hooks(struct rpc_call *call, const struct rpc_hooks *hooks, void *data) {
    call->hooks = *hooks;
    call->data = data;
}

void rpc_call_abandon(struct rpc_call *call) {
    call->cancelled = true;
    if (call->finished) {
        release_if_done(call);
    } else if (call->hooks.cancelled != NULL) {
        call->hooks.cancelled(call, call->data);
    }
}

static void close_completed(struct rpc_tag *tag) {
    struct rpc_call *call = CONTAINER_OF(tag, struct rpc_call, close_tag);
    call->closed = true;
    if (call->close_cancelled && !call->cancelled)
        rpc_call_abandon(call);
    else
        release_if_done(call);
}

void rpc_call_accept(struct rpc_server *server, grpc_call *grpc, const struct rpc_method *method,
                     void *service) {
    struct rpc_call *call = calloc(1, sizeof *call);
    if (call == NULL) {
        grpc_call_cancel_with_status(grpc, GRPC_STATUS_RESOURCE_EXHAUSTED, "out of memory", NULL);
        grpc_call_unref(grpc);
        return;
    }
    *call = (struct rpc_call){
        .server = server,
        .call = grpc,
        .method = method,
        .service = service,
        .close_tag.complete = close_completed,
        .receive_tag.complete = receive_completed,
        .send_tag.complete = send_completed,
        .status_message = grpc_empty_slice(),
    };
    list_init(&call->outgoing);
    list_append(&server->calls, &call->link);
    grpc_op op = {.op = GRPC_OP_RECV_CLOSE_ON_SERVER};
    op.data.recv_close_on_server.cancelled = &call->close_cancelled;
    call->closed = grpc_call_start_batch(grpc, &op, 1, &call->close_tag, NULL) != GRPC_CALL_OK;
    if (method == NULL)
        rpc_call_finish(call, RPC_UNIMPLEMENTED, "unknown method", NULL);
    else if (method->kind == RPC_BIDIRECTIONAL)
        method->start(call, NULL, service);
    else
        rpc_call_receive(call);
}
