#include <fcntl.h>

#include "plugin/driver/handlers.h"
#include "runtime/base/clock.h"
#include "runtime/base/fd.h"
#include "runtime/sys/cgroup.h"
#include "runtime/sys/cgroup_stats.h"

struct stats_stream {
    struct task_waiter waiter; /* linked while the task runs */
    struct rpc_call *call;
    struct driver *driver;
    char *task_id;
    struct event_timer *timer;
    int64_t interval_ns;
    int cgroup_fd;
    struct cgroup_stats last; /* for the differences; read_ns 0 before the first sample */
};

static void stream_free(struct stats_stream *stream) {
    event_timer_remove(stream->timer);
    fd_close(stream->cgroup_fd);
    free(stream->task_id);
    free(stream);
}

/* Ends a stream with OK: an error would be logged by the agent each time. */
static void stream_finish(struct stats_stream *stream) {
    rpc_call_finish(stream->call, RPC_OK, "", NULL);
    stream_free(stream);
}

static void task_exited(struct task_waiter *waiter, _unused_ struct task *task) {
    stream_finish(CONTAINER_OF(waiter, struct stats_stream, waiter));
}

static void stream_cancelled(_unused_ struct rpc_call *call, void *data) {
    struct stats_stream *stream = data;
    task_remove_waiter(&stream->waiter);
    stream_finish(stream);
}

/* Percent of one core over the time since the last sample; 0 for the first. */
static double percent_of(uint64_t now_us, uint64_t before_us, int64_t elapsed_ns) {
    if (elapsed_ns <= 0 || now_us < before_us)
        return 0;
    return (double)(now_us - before_us) * (double)NS_PER_US / (double)elapsed_ns * 100;
}

static void fill_cpu(const struct stats_stream *stream, const struct cgroup_stats *now, DriverCPUUsage *cpu) {
    static Hashicorp__Nomad__Plugins__Drivers__Proto__CPUUsage__Fields measured[] = {
        DRIVER_ENUM(CPUUSAGE__FIELDS__SYSTEM_MODE),    DRIVER_ENUM(CPUUSAGE__FIELDS__USER_MODE),
        DRIVER_ENUM(CPUUSAGE__FIELDS__TOTAL_TICKS),    DRIVER_ENUM(CPUUSAGE__FIELDS__THROTTLED_PERIODS),
        DRIVER_ENUM(CPUUSAGE__FIELDS__THROTTLED_TIME), DRIVER_ENUM(CPUUSAGE__FIELDS__PERCENT),
    };
    const struct cgroup_stats *before = stream->last.read_ns != 0 ? &stream->last : now;
    int64_t elapsed_ns = now->read_ns - before->read_ns;
    cpu->system_mode = percent_of(now->cpu_system_us, before->cpu_system_us, elapsed_ns);
    cpu->user_mode = percent_of(now->cpu_user_us, before->cpu_user_us, elapsed_ns);
    cpu->percent = percent_of(now->cpu_usage_us, before->cpu_usage_us, elapsed_ns);
    cpu->total_ticks = cpu->percent / 100 * stream->driver->mhz_per_core;
    cpu->throttled_periods = now->cpu_throttled_periods;
    cpu->throttled_time = now->cpu_throttled_us * (uint64_t)NS_PER_US;
    cpu->n_measured_fields = ARRAY_SIZE(measured);
    cpu->measured_fields = measured;
}

static void fill_memory(const struct cgroup_stats *now, DriverMemoryUsage *memory) {
    static Hashicorp__Nomad__Plugins__Drivers__Proto__MemoryUsage__Fields measured[] = {
        DRIVER_ENUM(MEMORY_USAGE__FIELDS__RSS),       DRIVER_ENUM(MEMORY_USAGE__FIELDS__CACHE),
        DRIVER_ENUM(MEMORY_USAGE__FIELDS__SWAP),      DRIVER_ENUM(MEMORY_USAGE__FIELDS__USAGE),
        DRIVER_ENUM(MEMORY_USAGE__FIELDS__MAX_USAGE), DRIVER_ENUM(MEMORY_USAGE__FIELDS__KERNEL_USAGE),
    };
    memory->rss = now->memory_anon;
    memory->cache = now->memory_file;
    memory->swap = now->memory_swap;
    memory->usage = now->memory_current;
    memory->max_usage = now->memory_peak;
    memory->kernel_usage = now->memory_kernel;
    if (now->has_memory) {
        memory->n_measured_fields = ARRAY_SIZE(measured);
        memory->measured_fields = measured;
    }
}

static void send_sample(struct stats_stream *stream) {
    struct cgroup_stats now = {0};
    if (cgroup_stats_read(stream->cgroup_fd, &now) < 0)
        return; /* the scope is gone: the task's exit follows */
    DriverCPUUsage cpu = DRIVER_INIT(CPUUSAGE);
    fill_cpu(stream, &now, &cpu);
    DriverMemoryUsage memory = DRIVER_INIT(MEMORY_USAGE);
    fill_memory(&now, &memory);
    DriverTaskResourceUsage usage = DRIVER_INIT(TASK_RESOURCE_USAGE);
    usage.cpu = &cpu;
    usage.memory = &memory;
    int64_t realtime_ns = clock_realtime_ns();
    Google__Protobuf__Timestamp timestamp = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    timestamp.seconds = realtime_ns / NS_PER_S;
    timestamp.nanos = (int32_t)(realtime_ns % NS_PER_S);
    DriverTaskStats stats = DRIVER_INIT(TASK_STATS);
    stats.id = stream->task_id;
    stats.timestamp = &timestamp;
    stats.agg_resource_usage = &usage;
    DriverTaskStatsResponse response = DRIVER_INIT(TASK_STATS_RESPONSE);
    response.stats = &stats;
    rpc_call_send(stream->call, &response.base);
    stream->last = now;
}

static void timer_fired(struct event_timer *timer, void *data) {
    struct stats_stream *stream = data;
    send_sample(stream);
    event_timer_arm(timer, clock_monotonic_ns() + stream->interval_ns);
}

static int64_t interval_of(const Google__Protobuf__Duration *duration) {
    int64_t interval =
        duration == NULL ? 0 : MIN_OF(duration->seconds, INT64_C(86400)) * NS_PER_S + duration->nanos;
    return interval < NS_PER_MS ? NS_PER_S : interval;
}

void handle_task_stats(struct rpc_call *call, const ProtobufCMessage *message, void *service) {
    static const struct rpc_hooks hooks = {.cancelled = stream_cancelled};
    const DriverTaskStatsRequest *request = (const DriverTaskStatsRequest *)message;
    struct driver *driver = service;
    struct task *task = handler_find_task(driver, call, request->task_id);
    if (task == NULL)
        return;
    struct stats_stream *stream = calloc(1, sizeof *stream);
    if (stream == NULL) {
        rpc_call_finish(call, RPC_RESOURCE_EXHAUSTED, "out of memory", NULL);
        return;
    }
    *stream = (struct stats_stream){
        .waiter = {.exited = task_exited},
        .call = call,
        .driver = driver,
        .task_id = strdup(task->id),
        .interval_ns = interval_of(request->collection_interval),
        .cgroup_fd = task->cgroup_path[0] != '\0' ? cgroup_open(task->cgroup_path, NULL) : -1,
    };
    list_init(&stream->waiter.link);
    if (task->state == TASK_EXITED || stream->task_id == NULL ||
        event_loop_add_timer(driver->loop, timer_fired, stream, &stream->timer, NULL) < 0) {
        stream_finish(stream);
        return;
    }
    rpc_call_set_hooks(call, &hooks, stream);
    task_add_waiter(task, &stream->waiter);
    if (stream->cgroup_fd >= 0) /* without a cgroup there is nothing to measure: the stream stays silent */
        timer_fired(stream->timer, stream);
}
