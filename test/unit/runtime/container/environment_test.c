#include "runtime/container/environment.h"

#include "support/test.h"

static Diego__Supervisor__Variable variables[] = {
    {.name = (char *)"A", .value = (char *)"1"},
    {.name = (char *)"B", .value = (char *)"2"},
    {.name = (char *)"A", .value = (char *)"3"},
    {.name = (char *)"AB", .value = (char *)"4"},
};
static Diego__Supervisor__Variable *list[] = {&variables[0], &variables[1], &variables[2], &variables[3]};

static void the_later_value_wins(void **state) {
    (void)state;
    _cleanup_(environment_release) char **env = NULL;
    assert_int_equal(environment_build(list, 2, list + 2, 2, &env, NULL), 0);
    assert_string_equal(env[0], "A=3");
    assert_string_equal(env[1], "B=2");
    assert_string_equal(env[2], "AB=4");
    assert_null(env[3]);
    assert_string_equal(environment_get(env, "A"), "3");
    assert_null(environment_get(env, "C"));
}

static void path_user_and_home_are_filled_in(void **state) {
    (void)state;
    char *env[] = {NULL};
    const struct container_user root = {.uid = 0, .home = (char *)"/root"};
    const struct container_user other = {.uid = 2000, .home = (char *)"/home/vcap"};
    _cleanup_(environment_release) char **of_root = NULL, **of_other = NULL;
    assert_int_equal(environment_complete(env, NULL, &root, &of_root, NULL), 0);
    assert_string_equal(environment_get(of_root, "PATH"),
                        "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    assert_string_equal(environment_get(of_root, "USER"), "root");
    assert_string_equal(environment_get(of_root, "HOME"), "/root");
    assert_int_equal(environment_complete(env, "vcap", &other, &of_other, NULL), 0);
    assert_string_equal(environment_get(of_other, "PATH"), "/usr/local/bin:/usr/bin:/bin");
    assert_string_equal(environment_get(of_other, "USER"), "vcap");
}

static void what_is_set_stays(void **state) {
    (void)state;
    char *env[] = {(char *)"HOME=/elsewhere", (char *)"PATH=", NULL};
    const struct container_user root = {.uid = 0, .home = (char *)"/root"};
    _cleanup_(environment_release) char **full = NULL;
    assert_int_equal(environment_complete(env, "root", &root, &full, NULL), 0);
    assert_string_equal(environment_get(full, "HOME"), "/elsewhere");
    assert_string_equal(environment_get(full, "PATH"), "");
}

static void a_variable_that_is_too_long_is_named(void **state) {
    (void)state;
    _cleanup_free_ char *variable = malloc(140000);
    assert_non_null(variable);
    memset(variable, 'x', 139999);
    variable[139999] = '\0';
    memcpy(variable, "LONG=", 5);
    char *env[] = {variable, NULL};
    const struct container_user root = {.uid = 0, .home = (char *)"/root"};
    struct error error = ERROR_INIT;
    char **full = NULL;
    assert_int_equal(environment_complete(env, "root", &root, &full, &error), -E2BIG);
    test_assert_error(&error, E2BIG,
                      "environment variable LONG has 140000 bytes, more than the kernel's limit of 131072");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_later_value_wins),
        cmocka_unit_test(path_user_and_home_are_filled_in),
        cmocka_unit_test(what_is_set_stays),
        cmocka_unit_test(a_variable_that_is_too_long_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
