#include "plugin/driver/task_table.h"

uint64_t task_id_hash(const char *id) {
    uint64_t hash = UINT64_C(14695981039346656037);
    for (; *id != '\0'; id++)
        hash = (hash ^ (uint8_t)*id) * UINT64_C(1099511628211);
    return hash;
}

static size_t bucket_of(const char *id) {
    return task_id_hash(id) % TASK_TABLE_BUCKETS;
}

void task_table_init(struct task_table *table) {
    for (size_t i = 0; i < TASK_TABLE_BUCKETS; i++)
        list_init(&table->buckets[i]);
    table->count = 0;
}

void task_table_add(struct task_table *table, struct task *task) {
    list_append(&table->buckets[bucket_of(task->id)], &task->link);
    table->count++;
}

void task_table_remove(struct task_table *table, struct task *task) {
    list_remove(&task->link);
    table->count--;
}

struct task *task_table_find(const struct task_table *table, const char *id) {
    const struct list *bucket = &table->buckets[bucket_of(id)];
    LIST_FOR_EACH(node, bucket) {
        struct task *task = LIST_ENTRY(node, struct task, link);
        if (strcmp(task->id, id) == 0)
            return task;
    }
    return NULL;
}

void task_table_release(struct task_table *table) {
    for (size_t i = 0; i < TASK_TABLE_BUCKETS; i++) {
        LIST_FOR_EACH(node, &table->buckets[i])
        task_destroy(LIST_ENTRY(node, struct task, link), false);
    }
}
