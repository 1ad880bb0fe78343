#include "runtime/base/list.h"

#include "support/test.h"

struct item {
    int number;
    struct list link;
};

static int sum(const struct list *head) {
    int total = 0;
    for (const struct list *node = head->next; node != head; node = node->next)
        total = total * 10 + LIST_ENTRY(node, struct item, link)->number;
    return total;
}

static void keeps_the_order_of_appends(void **state) {
    (void)state;
    struct list head;
    list_init(&head);
    assert_true(list_is_empty(&head));
    struct item items[3] = {{.number = 1}, {.number = 2}, {.number = 3}};
    for (size_t i = 0; i < ARRAY_SIZE(items); i++)
        list_append(&head, &items[i].link);
    assert_int_equal(sum(&head), 123);
    list_remove(&items[1].link);
    assert_int_equal(sum(&head), 13);
    list_remove(&items[1].link); /* once more does no harm */
    assert_int_equal(sum(&head), 13);
}

static void the_current_node_may_be_removed_in_a_walk(void **state) {
    (void)state;
    struct list head;
    list_init(&head);
    struct item items[3] = {{.number = 1}, {.number = 2}, {.number = 3}};
    for (size_t i = 0; i < ARRAY_SIZE(items); i++)
        list_append(&head, &items[i].link);
    int visited = 0;
    LIST_FOR_EACH(node, &head) {
        list_remove(node);
        visited++;
    }
    assert_int_equal(visited, 3);
    assert_true(list_is_empty(&head));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_the_order_of_appends),
        cmocka_unit_test(the_current_node_may_be_removed_in_a_walk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
