#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>

#include "runtime/base/fd.h"
#include "runtime/base/text.h"
#include "runtime/container/internal.h"
#include "runtime/sys/path.h"

enum { RESOLV_CONF_LIMIT = 64 * 1024 };

/* --- /etc/resolv.conf --- */

static void append_list(struct buffer *file, const char *keyword, char **words, size_t count) {
    if (count == 0)
        return;
    buffer_append_string(file, keyword);
    for (size_t i = 0; i < count; i++)
        buffer_append_format(file, " %s", words[i]);
    buffer_append_char(file, '\n');
}

static void write_own_resolv_conf(struct buffer *file, const Diego__Supervisor__NetworkFiles *network) {
    for (size_t i = 0; i < network->n_dns_servers; i++)
        buffer_append_format(file, "nameserver %s\n", network->dns_servers[i]);
    append_list(file, "search", network->dns_searches, network->n_dns_searches);
    append_list(file, "options", network->dns_options, network->n_dns_options);
}

static void read_host_file(struct buffer *file, const char *directory, const char *name) {
    _cleanup_close_ int fd = path_open_host_directory(directory, NULL);
    if (fd < 0)
        return;
    _cleanup_close_ int source = path_open(fd, name, O_RDONLY, 0, PATH_FOLLOW_IN_ROOT, NULL);
    buffer_clear(file);
    if (source >= 0 && fd_read_all(source, RESOLV_CONF_LIMIT, file, name, NULL) < 0)
        buffer_clear(file);
}

/* A resolver on the host's loopback cannot be reached from another network namespace. */
static bool names_only_loopback(const struct buffer *file) {
    bool loopback = false;
    for (const char *line = file->size > 0 ? file->data : NULL; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (!text_has_prefix(line, "nameserver"))
            continue;
        const char *address = line + strlen("nameserver");
        address += strspn(address, " \t");
        if (!text_has_prefix(address, "127.") && !text_has_prefix(address, "::1"))
            return false;
        loopback = true;
    }
    return loopback;
}

static void write_resolv_conf(struct buffer *file, const Diego__Supervisor__TaskSpec *spec) {
    const Diego__Supervisor__NetworkFiles *network = spec->network_files;
    if (network->n_dns_servers > 0 || network->n_dns_searches > 0 || network->n_dns_options > 0) {
        write_own_resolv_conf(file, network);
        return;
    }
    read_host_file(file, "/", "etc/resolv.conf");
    if (spec->namespaces->network_path[0] != '\0' && names_only_loopback(file))
        read_host_file(file, "/run/systemd/resolve", "resolv.conf");
}

/* --- /etc/hosts --- */

/* The first address of this network namespace that is not loopback; in the host's, Debian's own choice. */
static void find_address(const Diego__Supervisor__TaskSpec *spec, char text[static INET_ADDRSTRLEN]) {
    snprintf(text, INET_ADDRSTRLEN, "127.0.1.1");
    struct ifaddrs *addresses = NULL;
    if (spec->namespaces->network_path[0] == '\0' || getifaddrs(&addresses) < 0)
        return;
    for (const struct ifaddrs *next = addresses; next != NULL; next = next->ifa_next) {
        if (next->ifa_addr == NULL || next->ifa_addr->sa_family != AF_INET ||
            (next->ifa_flags & IFF_LOOPBACK) != 0)
            continue;
        struct sockaddr_in address;
        memcpy(&address, next->ifa_addr, sizeof address);
        inet_ntop(AF_INET, &address.sin_addr, text, INET_ADDRSTRLEN);
        break;
    }
    freeifaddrs(addresses);
}

static int write_hosts(struct buffer *file, const Diego__Supervisor__TaskSpec *spec, struct error *error) {
    char address[INET_ADDRSTRLEN];
    find_address(spec, address);
    buffer_append_string(file, "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"
                               "fe00::0\tip6-localnet\nff00::0\tip6-mcastprefix\n"
                               "ff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n");
    buffer_append_format(file, "%s\t%s\n", address, spec->namespaces->hostname);
    for (size_t i = 0; i < spec->network_files->n_extra_hosts; i++) {
        const char *entry = spec->network_files->extra_hosts[i];
        const char *colon = strchr(entry, ':');
        if (colon == NULL || colon == entry || colon[1] == '\0')
            return error_set(error, EINVAL, "extra_hosts entry must be \"name:address\", got \"%s\"", entry);
        buffer_append_format(file, "%s\t%.*s\n", colon + 1, (int)(colon - entry), entry);
    }
    return 0;
}

int plan_write_files(struct plan *plan, struct error *error) {
    const Diego__Supervisor__TaskSpec *spec = plan->container->spec;
    buffer_append_format(&plan->files[PLAN_HOSTNAME], "%s\n", spec->namespaces->hostname);
    write_resolv_conf(&plan->files[PLAN_RESOLV_CONF], spec);
    int r = write_hosts(&plan->files[PLAN_HOSTS], spec, error);
    for (size_t i = 0; r >= 0 && i < PLAN_FILES; i++)
        if (plan->files[i].failed)
            r = error_set_no_memory(error);
    return r;
}
