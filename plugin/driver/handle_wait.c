#include "plugin/driver/exit_result.h"
#include "plugin/driver/handlers.h"

struct wait_call {
    struct task_waiter waiter;
    struct rpc_call *call;
};

static void reply_exit(const struct task *task, struct rpc_call *call) {
    DriverExitResult result = exit_result_of(task);
    DriverWaitTaskResponse response = DRIVER_INIT(WAIT_TASK_RESPONSE);
    response.result = &result;
    response.err = (char *)exit_result_error(task);
    rpc_call_reply(call, &response.base);
}

static void task_exited(struct task_waiter *waiter, struct task *task) {
    struct wait_call *wait = CONTAINER_OF(waiter, struct wait_call, waiter);
    reply_exit(task, wait->call);
    free(wait);
}

static void wait_cancelled(struct rpc_call *call, void *data) {
    struct wait_call *wait = data;
    task_remove_waiter(&wait->waiter);
    rpc_call_finish(call, RPC_CANCELLED, "cancelled", NULL);
    free(wait);
}

void handle_wait_task(struct rpc_call *call, const ProtobufCMessage *message, void *service) {
    static const struct rpc_hooks hooks = {.cancelled = wait_cancelled};
    struct task *task = handler_find_task(service, call, ((const DriverWaitTaskRequest *)message)->task_id);
    if (task == NULL)
        return;
    if (task->state == TASK_EXITED) {
        reply_exit(task, call);
        return;
    }
    struct wait_call *wait = malloc(sizeof *wait);
    if (wait == NULL) {
        rpc_call_finish(call, RPC_RESOURCE_EXHAUSTED, "out of memory", NULL);
        return;
    }
    *wait = (struct wait_call){.waiter = {.exited = task_exited}, .call = call};
    rpc_call_set_hooks(call, &hooks, wait);
    task_add_waiter(task, &wait->waiter);
}
