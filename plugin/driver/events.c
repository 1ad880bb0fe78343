#include "plugin/driver/events.h"

#include "runtime/base/buffer.h"
#include "runtime/base/clock.h"

struct event_stream {
    struct list link;
    struct rpc_call *call;
};

void event_streams_init(struct event_streams *streams) {
    list_init(&streams->streams);
}

static void stream_cancelled(struct rpc_call *call, void *data) {
    struct event_stream *stream = data;
    list_remove(&stream->link);
    free(stream);
    rpc_call_finish(call, RPC_CANCELLED, "cancelled", NULL);
}

void event_streams_open(struct event_streams *streams, struct rpc_call *call) {
    static const struct rpc_hooks hooks = {.cancelled = stream_cancelled};
    struct event_stream *stream = malloc(sizeof *stream);
    if (stream == NULL) {
        rpc_call_finish(call, RPC_RESOURCE_EXHAUSTED, "out of memory", NULL);
        return;
    }
    stream->call = call;
    list_append(&streams->streams, &stream->link);
    rpc_call_set_hooks(call, &hooks, stream);
}

void event_streams_emit(struct event_streams *streams, const struct task *task, const char *message,
                        Diego__Supervisor__Variable *const *annotations, size_t annotation_count) {
    typedef Hashicorp__Nomad__Plugins__Drivers__Proto__DriverTaskEvent__AnnotationsEntry AnnotationsEntry;
    if (list_is_empty(&streams->streams))
        return;
    _cleanup_free_ AnnotationsEntry *entries = calloc(annotation_count + 1, sizeof *entries);
    _cleanup_free_ AnnotationsEntry **pointers = calloc(annotation_count + 1, sizeof *pointers);
    if (entries == NULL || pointers == NULL)
        return;
    for (size_t i = 0; i < annotation_count; i++) {
        entries[i] = (AnnotationsEntry)DRIVER_INIT(DRIVER_TASK_EVENT__ANNOTATIONS_ENTRY);
        entries[i].key = annotations[i]->name;
        entries[i].value = annotations[i]->value;
        pointers[i] = &entries[i];
    }
    int64_t now = clock_realtime_ns();
    Google__Protobuf__Timestamp timestamp = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    timestamp.seconds = now / NS_PER_S;
    timestamp.nanos = (int32_t)(now % NS_PER_S);
    DriverDriverTaskEvent event = DRIVER_INIT(DRIVER_TASK_EVENT);
    event.task_id = task->id;
    event.alloc_id = task->alloc_id;
    event.task_name = task->name;
    event.timestamp = &timestamp;
    event.message = (char *)message;
    event.n_annotations = annotation_count;
    event.annotations = pointers;
    LIST_FOR_EACH(node, &streams->streams)
    rpc_call_send(LIST_ENTRY(node, struct event_stream, link)->call, &event.base);
}

void event_streams_emit_started(struct event_streams *streams, const struct task *task,
                                const Diego__Supervisor__Started *started) {
    _cleanup_buffer_ struct buffer message = BUFFER_INIT;
    uint64_t total = 0;
    for (size_t i = 0; i < started->n_phases; i++)
        total += started->phases[i]->microseconds;
    buffer_append_format(&message, "Started in %.1f ms", (double)total / 1000);
    for (size_t i = 0; i < started->n_phases; i++)
        buffer_append_format(&message, "%s%s %.1f", i == 0 ? " (" : ", ", started->phases[i]->name,
                             (double)started->phases[i]->microseconds / 1000);
    if (started->n_phases > 0)
        buffer_append_string(&message, ")");
    if (!message.failed)
        event_streams_emit(streams, task, message.data, NULL, 0);
}
