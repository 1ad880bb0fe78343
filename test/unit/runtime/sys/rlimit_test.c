#include "runtime/sys/rlimit.h"

#include <linux/capability.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "runtime/base/macros.h"
#include "runtime/sys/capability.h"
#include "runtime/sys/child.h"

static void names_are_lower_case_without_prefix(void **state) {
    (void)state;
    assert_int_equal(rlimit_number("nofile", NULL), RLIMIT_NOFILE);
    assert_int_equal(rlimit_number("as", NULL), RLIMIT_AS);
    assert_int_equal(rlimit_number("stack", NULL), RLIMIT_STACK);
    assert_int_equal(rlimit_number("rttime", NULL), RLIMIT_RTTIME);
}

static void an_unknown_name_is_answered_with_the_known(void **state) {
    (void)state;
    _cleanup_error_ struct error error = ERROR_INIT;
    assert_int_equal(rlimit_number("nofiles", &error), -EINVAL);
    assert_non_null(strstr(error.text, "\"nofiles\""));
    assert_non_null(strstr(error.text, "as, core, cpu"));
    assert_non_null(strstr(error.text, "sigpending, stack"));
}

static void values_are_soft_and_hard(void **state) {
    (void)state;
    static const struct {
        const char *text;
        uint64_t soft, hard;
    } cases[] = {
        {"1024", 1024, 1024},
        {"1024:4096", 1024, 4096},
        {"0", 0, 0},
        {"0:unlimited", 0, UINT64_MAX},
        {"unlimited", UINT64_MAX, UINT64_MAX},
        {"unlimited:unlimited", UINT64_MAX, UINT64_MAX},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        uint64_t soft = 1, hard = 1;
        assert_int_equal(rlimit_parse("nofile", cases[i].text, &soft, &hard, NULL), 0);
        assert_int_equal(soft, cases[i].soft);
        assert_int_equal(hard, cases[i].hard);
    }
}

static void faulty_values_are_quoted(void **state) {
    (void)state;
    static const char *const texts[] = {"",       ":",           "1:",        ":1",
                                        "-1",     "1:2:3",       " 1",        "1k",
                                        "4096:1", "unlimited:1", "Unlimited", "18446744073709551615"};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        _cleanup_error_ struct error error = ERROR_INIT;
        _cleanup_free_ char *quoted = NULL;
        uint64_t soft, hard;
        assert_int_equal(rlimit_parse("nofile", texts[i], &soft, &hard, &error), -EINVAL);
        assert_true(asprintf(&quoted, "\"%s\"", texts[i]) > 0);
        assert_non_null(strstr(error.text, "ulimit nofile"));
        assert_non_null(strstr(error.text, quoted));
    }
}

static int lower(const void *data) {
    (void)data;
    struct rlimit limit;
    if (rlimit_apply(0, "nofile", 100, 200, NULL) < 0 || getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return 1;
    if (limit.rlim_cur != 100 || limit.rlim_max != 200)
        return 2;
    return rlimit_apply(0, "nofile", 200, 200, NULL) < 0 ? 3 : 0;
}

static void limits_within_the_hard_one_are_set(void **state) {
    (void)state;
    assert_int_equal(child_run(lower, NULL), 0);
}

static int raise_without_right(const void *data) {
    (void)data;
    _cleanup_error_ struct error error = ERROR_INIT;
    if (rlimit_apply(0, "core", 100, 200, NULL) < 0)
        return 1;
    if (capability_set_effective(capability_full_set & ~CAPABILITY_BIT(CAP_SYS_RESOURCE)) < 0)
        return 2;
    if (rlimit_apply(0, "core", 100, 300, &error) != -EPERM)
        return 3;
    if (strstr(error.text, "hard limit 300 is above 200") == NULL)
        return 4;
    struct rlimit limit;
    return getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_max == 200 ? 0 : 5;
}

static void a_higher_hard_limit_without_sys_resource_is_an_error(void **state) {
    (void)state;
    assert_int_equal(child_run(raise_without_right, NULL), 0);
}

static void limits_of_another_process_can_be_set(void **state) {
    (void)state;
    pid_t pid = fork();
    if (pid == 0)
        for (;;)
            pause();
    struct rlimit limit = {0};
    int r = rlimit_apply(pid, "nofile", 64, 65, NULL);
    int read_back = prlimit(pid, RLIMIT_NOFILE, NULL, &limit);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    assert_int_equal(r, 0);
    assert_int_equal(read_back, 0);
    assert_int_equal(limit.rlim_cur, 64);
    assert_int_equal(limit.rlim_max, 65);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_lower_case_without_prefix),
        cmocka_unit_test(an_unknown_name_is_answered_with_the_known),
        cmocka_unit_test(values_are_soft_and_hard),
        cmocka_unit_test(faulty_values_are_quoted),
        cmocka_unit_test(limits_within_the_hard_one_are_set),
        cmocka_unit_test(a_higher_hard_limit_without_sys_resource_is_an_error),
        cmocka_unit_test(limits_of_another_process_can_be_set),
    };
    return cmocka_run_group_tests_name("rlimit", tests, NULL, NULL);
}
