#include "plugin/config/duration.h"

#include "support/test.h"

static void goes_durations(void **state) {
    (void)state;
    static const struct {
        const char *text;
        uint64_t milliseconds;
    } cases[] = {
        {"0", 0},   {"10s", 10000}, {"1m30s", 90000}, {"1.5h", 5400000}, {"250ms", 250}, {"1h1m1s", 3661000},
        {"1us", 1}, {"1500us", 2},  {"1ns", 1},       {".5s", 500},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        uint64_t got = 0;
        if (duration_parse_ms(cases[i].text, &got) != 0)
            fail_msg("%s is refused", cases[i].text);
        assert_int_equal(got, cases[i].milliseconds);
    }
}

static void anything_else_is_refused(void **state) {
    (void)state;
    static const char *const wrong[] = {"",       "10", "s",  "-1s", "1s ",  " 1s",
                                        "1.2.3s", ".s", "1d", "1s2", "0x1s", "1e3s"};
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        uint64_t got;
        if (duration_parse_ms(wrong[i], &got) != -EINVAL)
            fail_msg("\"%s\" is taken", wrong[i]);
    }
}

static void longer_than_a_life_is_refused(void **state) {
    (void)state;
    uint64_t got;
    assert_int_equal(duration_parse_ms("99999999999h", &got), -ERANGE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goes_durations),
        cmocka_unit_test(anything_else_is_refused),
        cmocka_unit_test(longer_than_a_life_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
