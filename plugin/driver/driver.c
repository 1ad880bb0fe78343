#include "plugin/driver/driver.h"

#include <sys/stat.h>

#include "plugin/config/task_spec.h"

int driver_init(struct driver *driver, struct event_loop *loop, struct logger *logger,
                const struct spawner *spawner, struct error *error) {
    *driver = (struct driver){.loop = loop, .logger = logger, .spawner = spawner};
    task_table_init(&driver->tasks);
    event_streams_init(&driver->events);
    return fingerprint_init(&driver->fingerprint, loop, (const struct plugin_config *const *)&driver->config,
                            error);
}

void driver_release(struct driver *driver) {
    task_table_release(&driver->tasks);
    fingerprint_release(&driver->fingerprint);
    plugin_config_destroy(driver->config);
    driver->config = NULL;
}

/* Makes DIR and DIR/tasks; only root may look inside. */
static int make_directories(const char *key, const char *path, struct error *error) {
    static const char *const below[] = {"", "/tasks"};
    for (size_t i = 0; i < ARRAY_SIZE(below); i++) {
        _cleanup_free_ char *directory = NULL;
        if (asprintf(&directory, "%s%s", path, below[i]) < 0) {
            directory = NULL;
            return error_set_no_memory(error);
        }
        for (char *slash = strchr(directory + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
            *slash = '\0';
            mkdir(directory, 0755);
            *slash = '/';
        }
        if (mkdir(directory, 0700) < 0 && errno != EEXIST)
            return error_set_errno(error, errno, "%s: cannot make %s", key, directory);
    }
    return 0;
}

int driver_configure(struct driver *driver, struct plugin_config *config, struct error *error) {
    int result = make_directories("state_dir", config->state_dir, error);
    if (result == 0)
        result = make_directories("run_dir", config->run_dir, error);
    if (result == 0) {
        Diego__Supervisor__Prepare prepare = DIEGO__SUPERVISOR__PREPARE__INIT;
        prepare.run_dir = config->run_dir;
        prepare.state_dir = config->state_dir;
        prepare.first_id = CONTAINER_FIRST_ID;
        prepare.id_count = CONTAINER_ID_COUNT;
        result = spawner_prepare(driver->spawner, &prepare, error);
    }
    if (result < 0) {
        plugin_config_destroy(config);
        return result;
    }
    plugin_config_destroy(driver->config);
    driver->config = config;
    log_level_parse(config->log_level, &driver->logger->level);
    fingerprint_refresh(&driver->fingerprint);
    return 0;
}

int driver_ensure_configured(struct driver *driver, struct error *error) {
    if (driver->config != NULL)
        return 0;
    struct plugin_config *config = NULL;
    int result = plugin_config_decode(NULL, 0, &config, error);
    return result < 0 ? result : driver_configure(driver, config, error);
}
