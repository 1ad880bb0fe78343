#include "runtime/base/buffer.h"

#include "support/test.h"

static void appends_build_a_string(void **state) {
    (void)state;
    _cleanup_buffer_ struct buffer buffer = BUFFER_INIT;
    buffer_append_string(&buffer, "a");
    buffer_append_char(&buffer, 'b');
    buffer_append_format(&buffer, "%d", 12);
    buffer_append(&buffer, "\0x", 2);
    assert_int_equal(buffer.size, 6);
    assert_memory_equal(buffer.data, "ab12\0x", 7);
}

static void grows_over_many_appends(void **state) {
    (void)state;
    _cleanup_buffer_ struct buffer buffer = BUFFER_INIT;
    for (int i = 0; i < 10000; i++)
        buffer_append_string(&buffer, "0123456789");
    assert_int_equal(buffer.size, 100000);
    assert_false(buffer.failed);
    assert_int_equal(buffer.data[buffer.size], '\0');
}

static void consume_drops_from_the_front(void **state) {
    (void)state;
    _cleanup_buffer_ struct buffer buffer = BUFFER_INIT;
    buffer_append_string(&buffer, "abcdef");
    buffer_consume(&buffer, 2);
    assert_string_equal(buffer.data, "cdef");
    buffer_consume(&buffer, 4);
    assert_int_equal(buffer.size, 0);
}

static void reserved_space_counts_only_when_committed(void **state) {
    (void)state;
    _cleanup_buffer_ struct buffer buffer = BUFFER_INIT;
    char *space = buffer_reserve(&buffer, 100);
    assert_non_null(space);
    memcpy(space, "xyz", 3);
    assert_int_equal(buffer.size, 0);
    buffer_commit(&buffer, 3);
    assert_string_equal(buffer.data, "xyz");
}

static void a_taken_string_leaves_an_empty_buffer(void **state) {
    (void)state;
    struct buffer buffer = BUFFER_INIT;
    buffer_append_string(&buffer, "text");
    _cleanup_free_ char *text = NULL;
    assert_int_equal(buffer_take_string(&buffer, &text, NULL), 0);
    assert_string_equal(text, "text");
    assert_null(buffer.data);
    assert_int_equal(buffer.size, 0);
}

static void an_empty_buffer_gives_an_empty_string(void **state) {
    (void)state;
    struct buffer buffer = BUFFER_INIT;
    _cleanup_free_ char *text = NULL;
    assert_int_equal(buffer_take_string(&buffer, &text, NULL), 0);
    assert_string_equal(text, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appends_build_a_string),
        cmocka_unit_test(grows_over_many_appends),
        cmocka_unit_test(consume_drops_from_the_front),
        cmocka_unit_test(reserved_space_counts_only_when_committed),
        cmocka_unit_test(a_taken_string_leaves_an_empty_buffer),
        cmocka_unit_test(an_empty_buffer_gives_an_empty_string),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
