#include "plugin/cli/check.h"

#include "plugin/driver/node_health.h"

static int print_error(struct error *error) {
    _cleanup_free_ char *text = error_format(error);
    fprintf(stderr, "nomad-driver-diego: %s\n", text != NULL ? text : "out of memory");
    return 1;
}

static void print_feature(FILE *stream, const struct host_feature *feature) {
    const char *mark = feature->present ? "yes" : feature->required ? "NO" : "no";
    fprintf(stream, "%-4s %-24s %s\n", mark, feature->name, feature->detail != NULL ? feature->detail : "");
    if (!feature->present && feature->remedy != NULL)
        fprintf(stream, "     %-24s %s%s\n", "",
                feature->required ? "needed: " : "without it: ", feature->remedy);
}

int check_run(FILE *stream) {
    _cleanup_error_ struct error error = ERROR_INIT;
    struct plugin_config *config = NULL;
    struct node_health health;
    if (plugin_config_decode(NULL, 0, &config, &error) < 0)
        return print_error(&error);
    int result = node_health_probe(config, &health, &error);
    plugin_config_destroy(config);
    if (result < 0)
        return print_error(&error);
    for (size_t i = 0; i < health.feature_count; i++)
        print_feature(stream, &health.features[i]);
    bool healthy = health.state == NODE_HEALTHY;
    fprintf(stream, "\n%s: %s\n",
            healthy ? "This host can run tasks" : "This host cannot run tasks with the defaults",
            health.description);
    node_health_release(&health);
    return healthy ? 0 : 1;
}
