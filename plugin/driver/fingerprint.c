#include "plugin/driver/fingerprint.h"

#include "plugin/driver/node_health.h"
#include "plugin/driver/proto.h"
#include "plugin/driver/task_table.h"
#include "proto/nomad/attribute.pb-c.h"
#include "runtime/base/clock.h"

typedef Hashicorp__Nomad__Plugins__Shared__Structs__Attribute Attribute;
typedef Hashicorp__Nomad__Plugins__Drivers__Proto__FingerprintResponse__AttributesEntry AttributesEntry;

static const int64_t REFRESH_INTERVAL_NS = 30 * NS_PER_S;

struct fingerprint_stream {
    struct list link;
    struct rpc_call *call;
    struct fingerprint *fingerprint;
};

/* --- the message --- */

/* An attribute under construction: the entry, its value and its key in one allocation. */
struct attribute_slot {
    AttributesEntry entry;
    Attribute value;
    char key[96];
};

static void fill_slot(struct attribute_slot *slot, const char *name) {
    slot->entry = (AttributesEntry)DRIVER_INIT(FINGERPRINT_RESPONSE__ATTRIBUTES_ENTRY);
    slot->value = (Attribute)HASHICORP__NOMAD__PLUGINS__SHARED__STRUCTS__ATTRIBUTE__INIT;
    snprintf(slot->key, sizeof slot->key, "driver.diego.%s", name);
    slot->entry.key = slot->key;
    slot->entry.value = &slot->value;
}

static void fill_text(struct attribute_slot *slot, const char *name, const char *text) {
    fill_slot(slot, name);
    slot->value.value_case = HASHICORP__NOMAD__PLUGINS__SHARED__STRUCTS__ATTRIBUTE__VALUE_STRING_VAL;
    slot->value.string_val = (char *)text;
}

/* A feature with a detail shows it ("6.1.0", "cpu memory"), one without shows true or false. */
static void fill_feature(struct attribute_slot *slot, const struct host_feature *feature) {
    if (feature->present && feature->detail != NULL && feature->detail[0] != '\0') {
        fill_text(slot, feature->name, feature->detail);
        return;
    }
    fill_slot(slot, feature->name);
    slot->value.value_case = HASHICORP__NOMAD__PLUGINS__SHARED__STRUCTS__ATTRIBUTE__VALUE_BOOL_VAL;
    slot->value.bool_val = feature->present;
}

/* Packs the response for a host; the caller frees it. NULL when memory is short. */
static DriverFingerprintResponse *pack_round_trip(const DriverFingerprintResponse *response) {
    size_t size = protobuf_c_message_get_packed_size(&response->base);
    _cleanup_free_ uint8_t *packed = malloc(size + 1);
    if (packed == NULL)
        return NULL;
    protobuf_c_message_pack(&response->base, packed);
    return (DriverFingerprintResponse *)protobuf_c_message_unpack(DRIVER_DESCRIPTOR(fingerprint_response),
                                                                  NULL, size, packed);
}

static DriverFingerprintResponse *build_response(const struct plugin_config *config) {
    struct node_health health;
    if (node_health_probe(config, &health, NULL) < 0)
        return NULL;
    size_t count = health.feature_count + 1;
    _cleanup_free_ struct attribute_slot *slots = calloc(count, sizeof *slots);
    _cleanup_free_ AttributesEntry **entries = calloc(count, sizeof *entries);
    DriverFingerprintResponse *copy = NULL;
    if (slots != NULL && entries != NULL) {
        fill_text(&slots[0], "version", DIEGO_VERSION);
        for (size_t i = 0; i < health.feature_count; i++)
            fill_feature(&slots[i + 1], &health.features[i]);
        for (size_t i = 0; i < count; i++)
            entries[i] = &slots[i].entry;
        DriverFingerprintResponse response = DRIVER_INIT(FINGERPRINT_RESPONSE);
        response.n_attributes = count;
        response.attributes = entries;
        response.health = health.state == NODE_HEALTHY
                              ? DRIVER_ENUM(FINGERPRINT_RESPONSE__HEALTH_STATE__HEALTHY)
                              : DRIVER_ENUM(FINGERPRINT_RESPONSE__HEALTH_STATE__UNDETECTED);
        response.health_description = health.description;
        copy = pack_round_trip(&response);
    }
    node_health_release(&health);
    return copy;
}

/* --- streams --- */

static void stream_cancelled(struct rpc_call *call, void *data) {
    struct fingerprint_stream *stream = data;
    list_remove(&stream->link);
    free(stream);
    rpc_call_finish(call, RPC_CANCELLED, "cancelled", NULL);
}

void fingerprint_open(struct fingerprint *fingerprint, struct rpc_call *call) {
    static const struct rpc_hooks hooks = {.cancelled = stream_cancelled};
    struct fingerprint_stream *stream = malloc(sizeof *stream);
    if (stream == NULL) {
        rpc_call_finish(call, RPC_RESOURCE_EXHAUSTED, "out of memory", NULL);
        return;
    }
    *stream = (struct fingerprint_stream){.call = call, .fingerprint = fingerprint};
    list_append(&fingerprint->streams, &stream->link);
    rpc_call_set_hooks(call, &hooks, stream);
    fingerprint->last_hash = 0; /* the newcomer needs the message even when nothing changed */
    fingerprint_refresh(fingerprint);
}

static uint64_t hash_of(const DriverFingerprintResponse *response) {
    uint64_t hash = task_id_hash(response->health_description) + (uint64_t)response->health;
    for (size_t i = 0; i < response->n_attributes; i++) {
        const Attribute *value = response->attributes[i]->value;
        bool is_text =
            value->value_case == HASHICORP__NOMAD__PLUGINS__SHARED__STRUCTS__ATTRIBUTE__VALUE_STRING_VAL;
        hash = hash * 31 + (is_text ? task_id_hash(value->string_val) : (uint64_t)value->bool_val);
    }
    return hash | 1; /* never 0 */
}

void fingerprint_refresh(struct fingerprint *fingerprint) {
    event_timer_arm(fingerprint->timer, clock_monotonic_ns() + REFRESH_INTERVAL_NS);
    if (list_is_empty(&fingerprint->streams) || *fingerprint->config == NULL)
        return;
    DriverFingerprintResponse *response = build_response(*fingerprint->config);
    if (response == NULL)
        return; /* memory is short: tried again at the next interval */
    uint64_t hash = hash_of(response);
    if (hash != fingerprint->last_hash) {
        fingerprint->last_hash = hash;
        LIST_FOR_EACH(node, &fingerprint->streams)
        rpc_call_send(LIST_ENTRY(node, struct fingerprint_stream, link)->call, &response->base);
    }
    protobuf_c_message_free_unpacked(&response->base, NULL);
}

static void timer_fired(_unused_ struct event_timer *timer, void *data) {
    fingerprint_refresh(data);
}

int fingerprint_init(struct fingerprint *fingerprint, struct event_loop *loop,
                     const struct plugin_config *const *config, struct error *error) {
    *fingerprint = (struct fingerprint){.config = config};
    list_init(&fingerprint->streams);
    return event_loop_add_timer(loop, timer_fired, fingerprint, &fingerprint->timer, error);
}

void fingerprint_release(struct fingerprint *fingerprint) {
    fingerprint->timer = event_timer_remove(fingerprint->timer);
}
