#include "plugin/driver/node_health.h"

#include "runtime/sys/cgroup.h"

static const char CGROUP_ROOT[] = "/sys/fs/cgroup";

static bool has_word(const char *words, const char *word) {
    size_t length = strlen(word);
    for (const char *found = strstr(words, word); found != NULL; found = strstr(found + 1, word)) {
        bool starts = found == words || found[-1] == ' ';
        bool ends = found[length] == ' ' || found[length] == '\0';
        if (starts && ends)
            return true;
    }
    return false;
}

static void describe_controllers(const struct plugin_config *config, struct buffer *text) {
    if (config->cgroup.n_required_controllers == 0)
        return;
    _cleanup_free_ char *controllers = NULL;
    if (cgroup_controllers(CGROUP_ROOT, &controllers, NULL) < 0) {
        buffer_append_format(text,
                             "%s is not cgroup v2: boot with systemd.unified_cgroup_hierarchy=1, or set "
                             "cgroup { required_controllers = [] } to run without limits",
                             CGROUP_ROOT);
        return;
    }
    bool missing = false;
    for (size_t i = 0; i < config->cgroup.n_required_controllers; i++) {
        if (has_word(controllers, config->cgroup.required_controllers[i]))
            continue;
        buffer_append_format(text, "%s %s", missing ? "," : "cgroup v2 controllers missing:",
                             config->cgroup.required_controllers[i]);
        missing = true;
    }
    if (missing)
        buffer_append_format(text,
                             " (%s/cgroup.controllers has: %s): enable them in the kernel, or name fewer in "
                             "cgroup { required_controllers }",
                             CGROUP_ROOT, controllers);
}

static void describe_features(const struct node_health *health, struct buffer *text) {
    for (size_t i = 0; i < health->feature_count; i++) {
        const struct host_feature *feature = &health->features[i];
        if (feature->required && !feature->present)
            buffer_append_format(text, "%s%s: %s: %s", text->size > 0 ? "; " : "", feature->name,
                                 feature->detail != NULL ? feature->detail : "missing", feature->remedy);
    }
}

int node_health_probe(const struct plugin_config *config, struct node_health *ret, struct error *error) {
    struct node_health health = {.state = NODE_HEALTHY};
    int result = host_features_probe(&health.features, &health.feature_count, error);
    if (result < 0)
        return result;
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    if (!config->enabled)
        buffer_append_string(&text, "disabled: set enabled = true in the plugin block to use this driver");
    else {
        describe_controllers(config, &text);
        describe_features(&health, &text);
    }
    if (text.size > 0)
        health.state = NODE_UNDETECTED;
    else
        buffer_append_string(&text, "ready");
    result = buffer_take_string(&text, &health.description, error);
    if (result < 0) {
        node_health_release(&health);
        return result;
    }
    *ret = health;
    return 0;
}

void node_health_release(struct node_health *health) {
    free(health->description);
    host_features_free(health->features, health->feature_count);
    *health = (struct node_health){0};
}
