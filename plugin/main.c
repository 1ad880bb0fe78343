#include <signal.h>
#include <sys/signalfd.h>

#include "plugin/cli/check.h"
#include "plugin/cli/usage.h"
#include "plugin/config/reference.h"
#include "plugin/driver/driver.h"
#include "plugin/goplugin/handshake.h"
#include "plugin/goplugin/services.h"
#include "plugin/hclog.h"
#include "runtime/base/fd.h"

/* Everything the plugin process holds, in the order it is made. */
struct plugin {
    struct logger logger;
    struct spawner spawner;
    struct event_loop *loop;
    struct handshake handshake;
    struct goplugin goplugin;
    struct driver driver;
    struct rpc_service services[3];
    struct rpc_server *server;
    int signal_fd;
    struct event_source *signals;
    struct event_source *spawner_watch;
};

static void stop_loop(void *data) {
    event_loop_stop(((struct plugin *)data)->loop);
}

/* SIGTERM ends the plugin, not its tasks. SIGINT comes from a terminal that the agent shares with us: the
 * agent decides. */
static void signal_arrived(_unused_ struct event_source *source, _unused_ uint32_t events, void *data) {
    struct plugin *plugin = data;
    struct signalfd_siginfo info;
    if (read(plugin->signal_fd, &info, sizeof info) == sizeof info && info.ssi_signo == SIGTERM)
        stop_loop(plugin);
}

static void spawner_died(_unused_ struct event_source *source, _unused_ uint32_t events, void *data) {
    struct plugin *plugin = data;
    log_message(&plugin->logger, LOG_ERROR,
                "the spawner died; the plugin ends so that Nomad starts a new one");
    stop_loop(plugin);
}

static int block_signals(struct plugin *plugin, struct error *error) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN); /* stderr is a broken pipe once the agent is gone */
    plugin->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    return plugin->signal_fd < 0 ? error_set_errno(error, errno, "cannot watch signals") : 0;
}

static int start(struct plugin *plugin, struct error *error) {
    int result = spawner_start(&plugin->spawner, error);
    if (result >= 0)
        result = block_signals(plugin, error);
    if (result >= 0)
        result = event_loop_create(&plugin->loop, error);
    if (result >= 0)
        result = event_loop_add_fd(plugin->loop, plugin->signal_fd, EPOLLIN, signal_arrived, plugin,
                                   &plugin->signals, error);
    if (result >= 0)
        result = event_loop_add_fd(plugin->loop, plugin->spawner.fd, EPOLLIN, spawner_died, plugin,
                                   &plugin->spawner_watch, error);
    if (result >= 0)
        result = driver_init(&plugin->driver, plugin->loop, &plugin->logger, &plugin->spawner, error);
    if (result >= 0)
        result = handshake_prepare(&plugin->handshake, error);
    if (result < 0)
        return result;
    plugin->goplugin = (struct goplugin){.shutdown = stop_loop, .data = plugin};
    plugin->services[0] = base_service(&plugin->driver);
    plugin->services[1] = driver_service(&plugin->driver);
    plugin->services[2] = goplugin_service(&plugin->goplugin);
    result = rpc_server_create(plugin->loop, plugin->handshake.socket_path, plugin->services,
                               ARRAY_SIZE(plugin->services), &plugin->server, error);
    if (result >= 0)
        result = handshake_share(&plugin->handshake, error);
    return result < 0 ? result : handshake_print(&plugin->handshake, error);
}

static void stop(struct plugin *plugin) {
    rpc_server_destroy(plugin->server);
    handshake_release(&plugin->handshake);
    if (plugin->driver.loop != NULL)
        driver_release(&plugin->driver);
    event_loop_destroy(plugin->loop);
    spawner_stop(&plugin->spawner);
    fd_close(plugin->signal_fd);
}

static int run_plugin(void) {
    struct plugin plugin = {
        .logger = hclog_logger(LOG_INFO), .spawner = {.pid = -1, .fd = -1}, .signal_fd = -1};
    _cleanup_error_ struct error error = ERROR_INIT;
    int result = start(&plugin, &error);
    if (result >= 0)
        result = event_loop_run(plugin.loop, &error);
    if (result < 0) {
        _cleanup_free_ char *text = error_format(&error);
        log_message(&plugin.logger, LOG_ERROR, "%s", text != NULL ? text : "out of memory");
    }
    stop(&plugin);
    return result < 0 ? 1 : 0;
}

static int print_help(FILE *stream) {
    usage_print_help(stream);
    return stream == stdout ? 0 : 2;
}

static int print_version(void) {
    usage_print_version(stdout);
    return 0;
}

static int print_reference(void) {
    config_print_reference(stdout);
    return 0;
}

int main(int argc, char **argv) {
    if (handshake_wanted())
        return run_plugin();
    if (argc != 2)
        return print_help(stderr);
    if (strcmp(argv[1], "--help") == 0)
        return print_help(stdout);
    if (strcmp(argv[1], "--version") == 0)
        return print_version();
    if (strcmp(argv[1], "--config-reference") == 0)
        return print_reference();
    if (strcmp(argv[1], "check") == 0)
        return check_run(stdout);
    fprintf(stderr, "nomad-driver-diego: unknown command \"%s\"\n\n", argv[1]);
    return print_help(stderr);
}
