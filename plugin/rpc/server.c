#include "plugin/rpc/server.h"

#include <grpc/grpc_security.h>
#include <limits.h>
#include <sys/un.h>

#include "plugin/rpc/internal.h"
#include "runtime/base/clock.h"

/* How long replies that are on their way may hold up the end of the server. */
static const int64_t FAREWELL_NS = 500 * NS_PER_MS;

/* --- from the queue's thread to the loop's --- */

static struct rpc_tag *next_completed(struct rpc_server *server) {
    pthread_mutex_lock(&server->lock);
    struct rpc_tag *tag = NULL;
    if (!list_is_empty(&server->completed)) {
        tag = LIST_ENTRY(server->completed.next, struct rpc_tag, link);
        list_remove(&tag->link);
    }
    pthread_mutex_unlock(&server->lock);
    return tag;
}

static void run_completed(void *data) {
    struct rpc_server *server = data;
    for (struct rpc_tag *tag = next_completed(server); tag != NULL; tag = next_completed(server))
        tag->complete(tag);
}

static void *watch_queue(void *data) {
    struct rpc_server *server = data;
    for (;;) {
        grpc_event event =
            grpc_completion_queue_next(server->queue, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
        if (event.type == GRPC_QUEUE_SHUTDOWN)
            return NULL;
        struct rpc_tag *tag = event.tag;
        tag->ok = event.success;
        pthread_mutex_lock(&server->lock);
        bool first = list_is_empty(&server->completed);
        list_append(&server->completed, &tag->link);
        pthread_cond_signal(&server->arrived);
        pthread_mutex_unlock(&server->lock);
        while (first && event_loop_post(server->loop, run_completed, server) < 0)
            usleep(1000); /* memory is short: the loop must learn of it all the same */
    }
}

/* --- new calls --- */

static void accept_next(struct rpc_acceptor *acceptor) {
    grpc_call_details_init(&acceptor->details);
    grpc_metadata_array_init(&acceptor->metadata);
    acceptor->call = NULL;
    grpc_server_request_call(acceptor->server->server, &acceptor->call, &acceptor->details,
                             &acceptor->metadata, acceptor->server->queue, acceptor->server->queue,
                             &acceptor->tag);
}

static const struct rpc_method *find_method(const struct rpc_server *server, grpc_slice path,
                                            void **ret_service) {
    for (size_t i = 0; i < server->service_count; i++) {
        const struct rpc_service *service = &server->services[i];
        for (size_t j = 0; j < service->method_count; j++) {
            if (grpc_slice_str_cmp(path, service->methods[j].path) == 0) {
                *ret_service = service->data;
                return &service->methods[j];
            }
        }
    }
    return NULL;
}

static void call_arrived(struct rpc_tag *tag) {
    struct rpc_acceptor *acceptor = CONTAINER_OF(tag, struct rpc_acceptor, tag);
    struct rpc_server *server = acceptor->server;
    grpc_call *call = tag->ok ? acceptor->call : NULL;
    void *service = NULL;
    const struct rpc_method *method =
        call != NULL ? find_method(server, acceptor->details.method, &service) : NULL;
    grpc_call_details_destroy(&acceptor->details);
    grpc_metadata_array_destroy(&acceptor->metadata);
    if (tag->ok && !server->closing)
        accept_next(acceptor);
    if (call != NULL && server->closing)
        grpc_call_unref(call);
    else if (call != NULL)
        rpc_call_accept(server, call, method, service);
}

/* --- life --- */

static void server_shut_down(struct rpc_tag *tag) {
    CONTAINER_OF(tag, struct rpc_server, shutdown_tag)->shut_down = true;
}

static int listen_on(struct rpc_server *server, const char *socket_path, struct error *error) {
    grpc_arg args[] = {
        {.type = GRPC_ARG_INTEGER, .key = GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, .value.integer = -1},
        {.type = GRPC_ARG_INTEGER, .key = GRPC_ARG_MAX_SEND_MESSAGE_LENGTH, .value.integer = -1},
        {.type = GRPC_ARG_INTEGER, .key = GRPC_ARG_MAX_CONCURRENT_STREAMS, .value.integer = INT_MAX},
        {.type = GRPC_ARG_INTEGER, .key = GRPC_ARG_HTTP2_MAX_PING_STRIKES, .value.integer = 0},
        {.type = GRPC_ARG_INTEGER, .key = GRPC_ARG_ALLOW_REUSEPORT, .value.integer = 0},
    };
    grpc_channel_args channel_args = {.num_args = ARRAY_SIZE(args), .args = args};
    server->server = grpc_server_create(&channel_args, NULL);
    grpc_server_register_completion_queue(server->server, server->queue, NULL);
    _cleanup_free_ char *address = NULL;
    if (asprintf(&address, "unix:%s", socket_path) < 0) {
        address = NULL;
        return error_set_no_memory(error);
    }
    grpc_server_credentials *credentials = grpc_insecure_server_credentials_create();
    int port = grpc_server_add_http2_port(server->server, address, credentials);
    grpc_server_credentials_release(credentials);
    return port != 0 ? 0 : error_set(error, EADDRNOTAVAIL, "cannot listen on %s", socket_path);
}

static void server_free(struct rpc_server *server) {
    if (server->server != NULL)
        grpc_server_destroy(server->server);
    grpc_completion_queue_destroy(server->queue);
    grpc_shutdown_blocking();
    pthread_mutex_destroy(&server->lock);
    pthread_cond_destroy(&server->arrived);
    free(server->socket_path);
    free(server);
}

int rpc_server_create(struct event_loop *loop, const char *socket_path, const struct rpc_service *services,
                      size_t service_count, struct rpc_server **ret, struct error *error) {
    if (strlen(socket_path) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
        return error_set(error, ENAMETOOLONG, "socket path %s is too long for a unix socket", socket_path);
    struct rpc_server *server = calloc(1, sizeof *server);
    char *path_copy = strdup(socket_path);
    if (server == NULL || path_copy == NULL) {
        free(server);
        free(path_copy);
        return error_set_no_memory(error);
    }
    grpc_init();
    *server = (struct rpc_server){
        .loop = loop,
        .services = services,
        .service_count = service_count,
        .socket_path = path_copy,
        .shutdown_tag.complete = server_shut_down,
        .queue = grpc_completion_queue_create_for_next(NULL),
    };
    pthread_mutex_init(&server->lock, NULL);
    pthread_cond_init(&server->arrived, NULL);
    list_init(&server->completed);
    list_init(&server->calls);
    int result = listen_on(server, socket_path, error);
    if (result == 0 && pthread_create(&server->thread, NULL, watch_queue, server) != 0)
        result = error_set(error, EAGAIN, "cannot start a thread for gRPC");
    if (result < 0) {
        grpc_completion_queue_shutdown(server->queue);
        server_free(server);
        return result;
    }
    grpc_server_start(server->server);
    for (size_t i = 0; i < RPC_ACCEPTORS; i++) {
        server->acceptors[i] = (struct rpc_acceptor){.tag.complete = call_arrived, .server = server};
        accept_next(&server->acceptors[i]);
    }
    *ret = server;
    return 0;
}

/* Runs completions on this thread, which is the loop's after it stopped, until `done` or the deadline. */
static void run_until(struct rpc_server *server, bool (*done)(const struct rpc_server *),
                      int64_t deadline_ns) {
    while (!done(server)) {
        struct timespec deadline = {.tv_sec = deadline_ns / NS_PER_S, .tv_nsec = deadline_ns % NS_PER_S};
        pthread_mutex_lock(&server->lock);
        int waited = 0;
        while (list_is_empty(&server->completed) && waited == 0)
            waited = pthread_cond_timedwait(&server->arrived, &server->lock, &deadline);
        pthread_mutex_unlock(&server->lock);
        if (waited != 0)
            return;
        run_completed(server);
    }
}

static bool replies_sent(const struct rpc_server *server) {
    LIST_FOR_EACH(node, &server->calls) {
        if (LIST_ENTRY(node, struct rpc_call, link)->finished)
            return false;
    }
    return true;
}

static bool all_closed(const struct rpc_server *server) {
    return server->shut_down && list_is_empty(&server->calls);
}

static void abandon_calls(struct rpc_server *server) {
    LIST_FOR_EACH(node, &server->calls) {
        struct rpc_call *call = LIST_ENTRY(node, struct rpc_call, link);
        if (call->finished)
            continue;
        bool has_handler = call->hooks.cancelled != NULL;
        rpc_call_abandon(call);
        if (!has_handler) /* its handler waits for something that will not come any more */
            rpc_call_finish(call, RPC_UNAVAILABLE, "the plugin is shutting down", NULL);
    }
}

void rpc_server_destroy(struct rpc_server *server) {
    if (server == NULL)
        return;
    server->closing = true;
    run_until(server, replies_sent, clock_realtime_ns() + FAREWELL_NS);
    grpc_server_shutdown_and_notify(server->server, server->queue, &server->shutdown_tag);
    grpc_server_cancel_all_calls(server->server);
    abandon_calls(server);
    run_until(server, all_closed, clock_realtime_ns() + FAREWELL_NS);
    bool clean = all_closed(server);
    unlink(server->socket_path);
    if (!clean)
        return; /* gRPC still holds our memory; the process ends next */
    grpc_completion_queue_shutdown(server->queue);
    pthread_join(server->thread, NULL);
    server_free(server);
}
