#include "plugin/config/task_config.h"

#include "msgpack_writer.h"

static struct task_config *decode(const char *json) {
    _cleanup_buffer_ struct buffer bytes = msgpack_from_json(json);
    struct error error = ERROR_INIT;
    struct task_config *config = NULL;
    if (task_config_decode(bytes.data, bytes.size, &config, &error) < 0)
        fail_msg("%s: %s", json, error.text);
    return config;
}

static void assert_refused(const char *json, const char *text) {
    _cleanup_buffer_ struct buffer bytes = msgpack_from_json(json);
    struct error error = ERROR_INIT;
    struct task_config *config = NULL;
    assert_int_equal(task_config_decode(bytes.data, bytes.size, &config, &error), -EINVAL);
    test_assert_error_holds(&error, EINVAL, text);
}

static void the_short_form(void **state) {
    (void)state;
    struct task_config *config =
        decode("{\"rootfs\":\"preloaded:b\",\"command\":\"/bin/x\",\"args\":[\"a\",\"b\"],\"user\":null}");
    assert_string_equal(config->command, "/bin/x");
    assert_int_equal(config->n_args, 2);
    assert_string_equal(config->args[1], "b");
    assert_null(config->user);
    assert_null(config->action);
    assert_string_equal(config->lifecycle, "task");
    assert_string_equal(config->log_format, "lines");
    assert_string_equal(config->isolation.user_namespace, "auto");
    assert_true(config->isolation.no_new_privileges);
    task_config_destroy(config);
}

/* Attribute form, block form, and the lists of one that HCL makes of either. */
static void every_form_of_an_action(void **state) {
    (void)state;
    static const char *const forms[] = {
        "{\"run\":{\"path\":\"p\",\"user\":\"u\",\"env\":[{\"name\":\"A\",\"value\":\"1\"}]}}",
        "[{\"run\":[{\"path\":\"p\",\"user\":\"u\",\"env\":{\"A\":\"1\"}}]}]",
        "[{\"run\":{\"path\":\"p\",\"user\":\"u\",\"env\":[{\"A\":1}]}}]",
    };
    for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
        char json[512];
        snprintf(json, sizeof json, "{\"rootfs\":\"preloaded:b\",\"action\":%s}", forms[i]);
        struct task_config *config = decode(json);
        assert_string_equal(config->action->run->path, "p");
        assert_string_equal(config->action->run->user, "u");
        assert_int_equal(config->action->run->n_env, 1);
        assert_string_equal(config->action->run->env[0]->name, "A");
        assert_string_equal(config->action->run->env[0]->value, "1");
        task_config_destroy(config);
    }
}

static void numbers_and_booleans_may_be_texts(void **state) {
    (void)state;
    struct task_config *config = decode("{\"rootfs\":\"preloaded:b\",\"command\":\"x\",\"max_pids\":\"42\","
                                        "\"privileged\":\"true\",\"mount\":[]}");
    assert_int_equal(config->max_pids, 42);
    assert_true(config->privileged);
    assert_int_equal(config->n_mount, 0);
    task_config_destroy(config);
}

static void keys_beside_a_definition_replace_its_own(void **state) {
    (void)state;
    struct task_config *config = decode("{\"max_pids\":7,\"definition\":\"{\\\"process_guid\\\":\\\"g\\\","
                                        "\\\"instances\\\":2,\\\"rootfs\\\":\\\"preloaded:d\\\","
                                        "\\\"max_pids\\\":3,\\\"memory_mb\\\":9,\\\"action\\\":{\\\"run\\\":{"
                                        "\\\"path\\\":\\\"p\\\",\\\"user\\\":\\\"u\\\"}}}\"}");
    assert_int_equal(config->max_pids, 7);
    assert_int_equal(config->memory_mb, 9);
    assert_string_equal(config->rootfs, "preloaded:d");
    assert_string_equal(config->lifecycle, "lrp");
    assert_int_equal(config->n_labels, 2);
    assert_string_equal(config->labels[0]->name, "process_guid");
    assert_string_equal(config->labels[1]->value, "2");
    task_config_destroy(config);
}

static void a_command_replaces_the_definitions_action(void **state) {
    (void)state;
    struct task_config *config = decode("{\"command\":\"x\",\"definition\":\"{\\\"rootfs\\\":\\\"preloaded:"
                                        "d\\\",\\\"action\\\":{\\\"run\\\":{"
                                        "\\\"path\\\":\\\"p\\\",\\\"user\\\":\\\"u\\\"}}}\"}");
    assert_string_equal(config->command, "x");
    assert_null(config->action);
    task_config_destroy(config);
}

static void faults_are_named_by_path_and_value(void **state) {
    (void)state;
#define WITH(rest) "{\"rootfs\":\"preloaded:b\",\"command\":\"x\"," rest "}"
    assert_refused(WITH("\"max_pids\":-1"), "max_pids: must be 0 or more, got -1");
    assert_refused(WITH("\"max_pids\":\"many\""),
                   "max_pids: must be a whole number of 64 bits, got \"many\"");
    assert_refused(WITH("\"memory_mb\":4294967296"), "memory_mb: must be 2147483647 or less");
    assert_refused(WITH("\"args\":[\"a\",{}]"), "args[1]: must be text, got an object");
    assert_refused(WITH("\"log_format\":\"xml\""), "log_format: must be \"lines\" or \"raw\", got \"xml\"");
    assert_refused(WITH("\"mount\":[{\"type\":\"bind\",\"target\":\"/x\"}]"), "mount[0].source: must be set");
    assert_refused(WITH("\"mount\":[{\"source\":\"/x\"}]"), "mount[0].target: must be set");
    assert_refused(WITH("\"mount\":[{\"source\":\"/a/../b\",\"target\":\"/x\"}]"),
                   "mount[0].source: must be an absolute");
    assert_refused(WITH("\"isolation\":{\"cap_add\":[\"FLY\"]}"),
                   "isolation.cap_add[0]: must be a capability");
    assert_refused(WITH("\"isolation\":{\"hostname\":\"a b\"}"), "isolation.hostname: must be a host name");
    assert_refused(WITH("\"isolation\":{\"secomp\":\"x\"}"), "isolation.secomp: unknown field");
    assert_refused(WITH("\"env\":{\"A=B\":\"x\"}"), "env.A=B");
    assert_refused(WITH("\"lifecycle\":\"task\",\"definition\":\"{\\\"process_guid\\\":\\\"g\\\"}\""),
                   "lifecycle is \"task\"");
#undef WITH
}

static void trees_are_refused_with_their_path(void **state) {
    (void)state;
#define TREE(action) "{\"rootfs\":\"preloaded:b\",\"action\":" action "}"
    assert_refused(TREE("{\"run\":{\"path\":\"p\"}}"), "action.run.user: must be set");
    assert_refused(TREE("{\"run\":{\"path\":\"p\",\"user\":\"u\",\"pth\":1}}"),
                   "action.run.pth: unknown field");
    assert_refused(TREE("{\"run\":{},\"try\":{}}"), "action: must hold one action");
    assert_refused(TREE("{\"parallel\":{}}"),
                   "action.parallel: this version of the driver runs only `run` actions");
    assert_refused(TREE("{\"walk\":{}}"), "action.walk: unknown field");
    assert_refused(TREE("\"run\""), "action: must be an object, got \"run\"");
#undef TREE
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_short_form),
        cmocka_unit_test(every_form_of_an_action),
        cmocka_unit_test(numbers_and_booleans_may_be_texts),
        cmocka_unit_test(keys_beside_a_definition_replace_its_own),
        cmocka_unit_test(a_command_replaces_the_definitions_action),
        cmocka_unit_test(faults_are_named_by_path_and_value),
        cmocka_unit_test(trees_are_refused_with_their_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
