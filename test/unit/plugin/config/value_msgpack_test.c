#include "plugin/config/value_msgpack.h"

#include "support/test.h"

/* Reads bytes and shows them as JSON. */
static void assert_reads(const char *bytes, size_t size, const char *json) {
    struct error error = ERROR_INIT;
    json_t *value = NULL;
    if (value_read_msgpack(bytes, size, &value, &error) < 0)
        fail_msg("%s: %s", json, error.text);
    _cleanup_free_ char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS);
    assert_string_equal(text, json);
    json_decref(value);
}

static void assert_refused(const char *bytes, size_t size, const char *text) {
    struct error error = ERROR_INIT;
    json_t *value = NULL;
    assert_int_equal(value_read_msgpack(bytes, size, &value, &error), -EINVAL);
    test_assert_error_holds(&error, EINVAL, text);
}

#define READS(bytes, json) assert_reads(bytes, sizeof(bytes) - 1, json)
#define REFUSED(bytes, text) assert_refused(bytes, sizeof(bytes) - 1, text)

static void every_width_and_sign_of_integers(void **state) {
    (void)state;
    READS("\x00", "0");
    READS("\x7f", "127");
    READS("\xff", "-1");
    READS("\xe0", "-32");
    READS("\xcc\xff", "255");
    READS("\xcd\xff\xff", "65535");
    READS("\xce\xff\xff\xff\xff", "4294967295");
    READS("\xcf\x7f\xff\xff\xff\xff\xff\xff\xff", "9223372036854775807");
    READS("\xcf\xff\xff\xff\xff\xff\xff\xff\xff", "\"18446744073709551615\"");
    READS("\xd0\x80", "-128");
    READS("\xd1\x80\x00", "-32768");
    READS("\xd2\x80\x00\x00\x00", "-2147483648");
    READS("\xd3\x80\x00\x00\x00\x00\x00\x00\x00", "-9223372036854775808");
}

static void texts_as_str_and_as_bin(void **state) {
    (void)state;
    READS("\xa0", "\"\"");
    READS("\xa2hi", "\"hi\"");
    READS("\xd9\x02hi", "\"hi\"");
    READS("\xda\x00\x02hi", "\"hi\"");
    READS("\xdb\x00\x00\x00\x02hi", "\"hi\"");
    READS("\xc4\x02hi", "\"hi\"");
    READS("\xc5\x00\x02hi", "\"hi\"");
    READS("\xc6\x00\x00\x00\x02hi", "\"hi\"");
}

static void lists_and_maps_of_every_width(void **state) {
    (void)state;
    READS("\x92\x01\xc0", "[1,null]");
    READS("\xdc\x00\x01\xc3", "[true]");
    READS("\xdd\x00\x00\x00\x01\xc2", "[false]");
    READS("\x82\xa1"
          "a\x01\xa1"
          "b\x90",
          "{\"a\":1,\"b\":[]}");
    READS("\xde\x00\x01\xa1"
          "a\x01",
          "{\"a\":1}");
    READS("\xdf\x00\x00\x00\x01\xc4\x01"
          "a\x01",
          "{\"a\":1}");
}

static void floats(void **state) {
    (void)state;
    READS("\xca\x3f\x00\x00\x00", "0.5");
    READS("\xcb\x3f\xe0\x00\x00\x00\x00\x00\x00", "0.5");
    REFUSED("\xca\x7f\xc0\x00\x00", "must be a finite number");
}

static void no_bytes_are_null(void **state) {
    (void)state;
    READS("", "null");
}

static void truncated_values_are_refused(void **state) {
    (void)state;
    static const char whole[] = "\x82\xa1"
                                "a\xcd\x01\x02\xa1"
                                "b\x92\xa2hi\xc3";
    for (size_t size = 1; size < sizeof whole - 1; size++)
        assert_refused(whole, size, "msgpack ends in the middle of a value");
}

static void hostile_lengths_allocate_nothing(void **state) {
    (void)state;
    REFUSED("\xdd\xff\xff\xff\xff", "ends in the middle");
    REFUSED("\xdf\xff\xff\xff\xff", "ends in the middle");
    REFUSED("\xdb\xff\xff\xff\xff", "ends in the middle");
}

static void what_no_configuration_holds_is_refused(void **state) {
    (void)state;
    REFUSED("\xc1", "msgpack type 0xc1 is not supported");
    REFUSED("\xd4\x00\x00", "msgpack type 0xd4 is not supported");
    REFUSED("\x01\x02", "1 bytes follow");
    REFUSED("\x81\x01\x02", "has a key that is not text");
    REFUSED("\x82\xa1"
            "a\x01\xa1"
            "a\x02",
            "a: is there twice");
}

static void nesting_has_a_limit(void **state) {
    (void)state;
    char deep[1000];
    memset(deep, '\x91', sizeof deep);
    assert_refused(deep, sizeof deep, "nested deeper than 256 levels");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_width_and_sign_of_integers),
        cmocka_unit_test(texts_as_str_and_as_bin),
        cmocka_unit_test(lists_and_maps_of_every_width),
        cmocka_unit_test(floats),
        cmocka_unit_test(no_bytes_are_null),
        cmocka_unit_test(truncated_values_are_refused),
        cmocka_unit_test(hostile_lengths_allocate_nothing),
        cmocka_unit_test(what_no_configuration_holds_is_refused),
        cmocka_unit_test(nesting_has_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
