#include "plugin/config/checks.h"

#include <arpa/inet.h>

#include "runtime/base/log.h"
#include "runtime/base/text.h"
#include "runtime/sys/capability.h"
#include "runtime/sys/device_program.h"

/* `choices` ends with NULL. */
static const char *check_choice(const char *text, const char *const *choices, const char *wrong) {
    for (; *choices != NULL; choices++)
        if (strcmp(text, *choices) == 0)
            return NULL;
    return wrong;
}

const char *check_not_empty(const char *text) {
    return *text != '\0' ? NULL : "must not be empty";
}

const char *check_absolute_path(const char *text) {
    static const char wrong[] =
        "must be an absolute path without \"//\", \".\" or \"..\" and no \"/\" at its end";
    if (*text != '/' || text[1] == '\0')
        return wrong;
    for (const char *part = text; *part == '/';) {
        size_t length = strcspn(++part, "/");
        bool is_dots = (length == 1 || length == 2) && strncmp(part, "..", length) == 0;
        if (length == 0 || is_dots)
            return wrong;
        part += length;
    }
    return NULL;
}

const char *check_log_level(const char *text) {
    enum log_level level;
    return log_level_parse(text, &level) == 0 ? NULL : "must be trace, debug, info, warn or error";
}

const char *check_controller(const char *text) {
    static const char *const choices[] = {"cpuset", "cpu", "io", "memory", "pids", NULL};
    return check_choice(text, choices, "must be cpuset, cpu, io, memory or pids");
}

const char *check_capability(const char *text) {
    bool known = strcmp(text, "all") == 0 || capability_number(text) >= 0;
    return known ? NULL : "must be a capability such as \"NET_ADMIN\" (or \"all\")";
}

const char *check_lifecycle(const char *text) {
    static const char *const choices[] = {"task", "lrp", NULL};
    return check_choice(text, choices, "must be \"task\" or \"lrp\"");
}

const char *check_rootfs(const char *text) {
    return text_has_prefix(text, "preloaded:") && text[strlen("preloaded:")] != '\0'
               ? NULL
               : "must be \"preloaded:NAME\", with a name of the plugin's preloaded_rootfs";
}

const char *check_log_format(const char *text) {
    static const char *const choices[] = {"lines", "raw", NULL};
    return check_choice(text, choices, "must be \"lines\" or \"raw\"");
}

const char *check_seccomp(const char *text) {
    static const char *const choices[] = {"default", "unconfined", NULL};
    return check_choice(text, choices, "must be \"default\" or \"unconfined\"");
}

const char *check_user_namespace(const char *text) {
    static const char *const choices[] = {"auto", "host", NULL};
    return check_choice(text, choices, "must be \"auto\" or \"host\"");
}

/* RFC 1123, and what the kernel takes. */
const char *check_hostname(const char *text) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.";
    size_t length = strlen(text);
    return length > 0 && length <= 64 && strspn(text, letters) == length && *text != '-' && *text != '.'
               ? NULL
               : "must be a host name of 1 to 64 letters, digits, \"-\" and \".\"";
}

const char *check_extra_host(const char *text) {
    static const char wrong[] = "must be \"name:address\"";
    const char *colon = strchr(text, ':');
    unsigned char address[sizeof(struct in6_addr)];
    if (colon == NULL || colon == text || strcspn(text, " \t\n#") < (size_t)(colon - text))
        return wrong;
    return inet_pton(AF_INET, colon + 1, address) == 1 || inet_pton(AF_INET6, colon + 1, address) == 1
               ? NULL
               : wrong;
}

const char *check_mount_type(const char *text) {
    static const char *const choices[] = {"bind", "tmpfs", NULL};
    return check_choice(text, choices, "must be \"bind\" or \"tmpfs\"");
}

const char *check_propagation(const char *text) {
    static const char *const choices[] = {"private", "host-to-task", "bidirectional", NULL};
    return check_choice(text, choices, "must be \"private\", \"host-to-task\" or \"bidirectional\"");
}

const char *check_device_path(const char *text) {
    return text_has_prefix(text, "/dev/") && check_absolute_path(text) == NULL ? NULL
                                                                               : "must be a path below /dev";
}

const char *check_permissions(const char *text) {
    uint32_t access;
    return device_access_parse(text, &access, NULL) == 0 ? NULL
                                                         : "must be one or more of \"r\", \"w\" and \"m\"";
}
