/* Intrusive doubly linked list. A head and a node are the same type; an unlinked node points at itself. */
#ifndef DIEGO_BASE_LIST_H
#define DIEGO_BASE_LIST_H

#include <stdbool.h>

#include "runtime/base/macros.h"

struct list {
    struct list *next;
    struct list *previous;
};

static inline void list_init(struct list *node) {
    node->next = node->previous = node;
}

static inline bool list_is_empty(const struct list *head) {
    return head->next == head;
}

static inline void list_append(struct list *head, struct list *node) {
    node->previous = head->previous;
    node->next = head;
    head->previous->next = node;
    head->previous = node;
}

static inline void list_remove(struct list *node) {
    node->previous->next = node->next;
    node->next->previous = node->previous;
    list_init(node);
}

/* Walks the list; the current node may be removed in the body. */
#define LIST_FOR_EACH(node, head)                                                                            \
    for (struct list *node = (head)->next, *node##_next = node->next; node != (head);                        \
         node = node##_next, node##_next = node->next)

#define LIST_ENTRY(node, type, member) CONTAINER_OF(node, type, member)

#endif
