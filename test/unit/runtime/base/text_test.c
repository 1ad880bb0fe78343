#include "runtime/base/text.h"

#include "support/test.h"

static void numbers_are_whole_and_plain(void **state) {
    (void)state;
    uint64_t number = 0;
    assert_int_equal(text_parse_uint64("18446744073709551615", UINT64_MAX, &number), 0);
    assert_int_equal(number, UINT64_MAX);
    static const char *const wrong[] = {"", "-1", "+1", " 1", "1 ", "0x10", "1.0", "one"};
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        assert_int_equal(text_parse_uint64(wrong[i], UINT64_MAX, &number), -EINVAL);
}

static void numbers_have_a_limit(void **state) {
    (void)state;
    uint64_t number = 0;
    assert_int_equal(text_parse_uint64("10", 10, &number), 0);
    assert_int_equal(text_parse_uint64("11", 10, &number), -ERANGE);
    assert_int_equal(text_parse_uint64("18446744073709551616", UINT64_MAX, &number), -ERANGE);
    assert_int_equal(number, 10);
}

static void prefixes(void **state) {
    (void)state;
    assert_true(text_has_prefix("preloaded:x", "preloaded:"));
    assert_true(text_has_prefix("x", ""));
    assert_false(text_has_prefix("pre", "preloaded:"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_whole_and_plain),
        cmocka_unit_test(numbers_have_a_limit),
        cmocka_unit_test(prefixes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
