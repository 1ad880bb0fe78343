#include "runtime/base/error.h"

#include "support/test.h"

static void an_error_has_a_code_and_a_text(void **state) {
    (void)state;
    struct error error = ERROR_INIT;
    assert_false(error_is_set(&error));
    assert_int_equal(error_set(&error, EINVAL, "max_pids must be %d or more, got %d", 0, -1), -EINVAL);
    assert_true(error_is_set(&error));
    test_assert_error(&error, EINVAL, "max_pids must be 0 or more, got -1");
}

static void a_code_can_be_spelled_out(void **state) {
    (void)state;
    struct error error = ERROR_INIT;
    assert_int_equal(error_set_errno(&error, ENOENT, "cannot open %s", "/x"), -ENOENT);
    test_assert_error(&error, ENOENT, "cannot open /x: No such file or directory");
}

static void context_goes_in_front_and_keeps_the_code(void **state) {
    (void)state;
    struct error error = ERROR_INIT;
    error_set(&error, EPERM, "inner");
    assert_int_equal(error_wrap(&error, "middle"), -EPERM);
    assert_int_equal(error_wrap(&error, "outer %d", 1), -EPERM);
    test_assert_error(&error, EPERM, "outer 1: middle: inner");
}

static void a_later_error_replaces_an_earlier_one(void **state) {
    (void)state;
    struct error error = ERROR_INIT;
    error_set(&error, EPERM, "first");
    error_wrap(&error, "context");
    error_set(&error, EINVAL, "second");
    test_assert_error(&error, EINVAL, "second");
}

static void a_copy_is_independent(void **state) {
    (void)state;
    struct error error = ERROR_INIT, copy = ERROR_INIT;
    error_set(&error, EIO, "cause");
    error_wrap(&error, "context");
    error_copy(&copy, &error);
    error_clear(&error);
    test_assert_error(&copy, EIO, "context: cause");
}

static void nobody_has_to_want_the_text(void **state) {
    (void)state;
    assert_int_equal(error_set(NULL, EINVAL, "unheard"), -EINVAL);
    assert_int_equal(error_set_errno(NULL, ENOENT, "unheard"), -ENOENT);
    assert_int_equal(error_set_no_memory(NULL), -ENOMEM);
}

static void no_memory_needs_none(void **state) {
    (void)state;
    struct error error = ERROR_INIT;
    assert_int_equal(error_set_no_memory(&error), -ENOMEM);
    assert_int_equal(error.code, ENOMEM);
    error_clear(&error);
    assert_false(error_is_set(&error));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_has_a_code_and_a_text),
        cmocka_unit_test(a_code_can_be_spelled_out),
        cmocka_unit_test(context_goes_in_front_and_keeps_the_code),
        cmocka_unit_test(a_later_error_replaces_an_earlier_one),
        cmocka_unit_test(a_copy_is_independent),
        cmocka_unit_test(nobody_has_to_want_the_text),
        cmocka_unit_test(no_memory_needs_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
