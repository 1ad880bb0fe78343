#include "plugin/goplugin/handshake.h"

#include <grp.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "runtime/base/fd.h"
#include "runtime/base/text.h"

static const char COOKIE_NAME[] = "NOMAD_PLUGIN_MAGIC_COOKIE";
static const char COOKIE_VALUE[] = "e4327c2e01eabfd75a8a67adb114fb34a757d57eee7728d857a8cec6e91a7255";
static const char PROTOCOL_VERSION[] = "2"; /* of Nomad's plugins */
static const char SOCKET_NAME[] = "plugin";
static const char DIRECTORY_TEMPLATE[] = "ndd-XXXXXX";

bool handshake_wanted(void) {
    const char *cookie = getenv(COOKIE_NAME);
    return cookie != NULL && strcmp(cookie, COOKIE_VALUE) == 0;
}

static bool offers_our_version(const char *versions) {
    if (versions == NULL || versions[0] == '\0')
        return true;
    for (const char *next = versions; next != NULL; next = strchr(next, ',')) {
        next += *next == ',';
        if (strncmp(next, PROTOCOL_VERSION, 1) == 0 && (next[1] == ',' || next[1] == '\0'))
            return true;
    }
    return false;
}

static int check_host(struct error *error) {
    const char *certificate = getenv("PLUGIN_CLIENT_CERT");
    if (certificate != NULL && certificate[0] != '\0')
        return error_set(
            error, EPROTO,
            "the host wants TLS (PLUGIN_CLIENT_CERT is set), which Nomad's drivers do not use: start "
            "the plugin without AutoMTLS");
    const char *versions = getenv("PLUGIN_PROTOCOL_VERSIONS");
    if (!offers_our_version(versions))
        return error_set(error, EPROTO, "the host offers plugin protocol versions %s, this driver speaks %s",
                         versions, PROTOCOL_VERSION);
    return 0;
}

/* The first of these places that is set and leaves room for the socket's name. */
static const char *socket_parent(void) {
    static const char *const variables[] = {"PLUGIN_UNIX_SOCKET_DIR", "TMPDIR"};
    size_t room =
        sizeof(((struct sockaddr_un *)NULL)->sun_path) - sizeof DIRECTORY_TEMPLATE - sizeof SOCKET_NAME - 2;
    for (size_t i = 0; i < ARRAY_SIZE(variables); i++) {
        const char *directory = getenv(variables[i]);
        if (directory != NULL && directory[0] == '/' && strlen(directory) <= room)
            return directory;
    }
    return "/tmp";
}

int handshake_prepare(struct handshake *ret, struct error *error) {
    int result = check_host(error);
    if (result < 0)
        return result;
    struct handshake handshake = {0};
    if (asprintf(&handshake.directory, "%s/%s", socket_parent(), DIRECTORY_TEMPLATE) < 0)
        return error_set_no_memory(error);
    if (mkdtemp(handshake.directory) == NULL) {
        result = error_set_errno(error, errno, "cannot make a directory for the plugin's socket in %s",
                                 socket_parent());
        free(handshake.directory);
        return result;
    }
    if (asprintf(&handshake.socket_path, "%s/%s", handshake.directory, SOCKET_NAME) < 0) {
        handshake.socket_path = NULL;
        handshake_release(&handshake);
        return error_set_no_memory(error);
    }
    *ret = handshake;
    return 0;
}

int handshake_share(const struct handshake *handshake, struct error *error) {
    const char *name = getenv("PLUGIN_UNIX_SOCKET_GROUP");
    if (name == NULL || name[0] == '\0')
        return 0;
    uint64_t gid;
    if (text_parse_uint64(name, INT32_MAX, &gid) < 0) {
        const struct group *group = getgrnam(name);
        if (group == NULL)
            return error_set(error, ENOENT, "PLUGIN_UNIX_SOCKET_GROUP: no group %s on this host", name);
        gid = group->gr_gid;
    }
    if (chown(handshake->directory, (uid_t)-1, (gid_t)gid) < 0 || chmod(handshake->directory, 0750) < 0 ||
        chown(handshake->socket_path, (uid_t)-1, (gid_t)gid) < 0 || chmod(handshake->socket_path, 0660) < 0)
        return error_set_errno(error, errno, "cannot give the plugin's socket to group %s", name);
    return 0;
}

int handshake_print(const struct handshake *handshake, struct error *error) {
    _cleanup_free_ char *line = NULL;
    int size = asprintf(&line, "1|%s|unix|%s|grpc|\n", PROTOCOL_VERSION, handshake->socket_path);
    if (size < 0) {
        line = NULL;
        return error_set_no_memory(error);
    }
    int failed = fd_write_all(STDOUT_FILENO, line, (size_t)size);
    if (failed < 0)
        return error_set_errno(error, -failed, "cannot tell the host where the plugin listens");
    if (dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
        return error_set_errno(error, errno, "cannot turn stdout into stderr");
    return 0;
}

void handshake_release(struct handshake *handshake) {
    if (handshake->socket_path != NULL)
        unlink(handshake->socket_path);
    if (handshake->directory != NULL)
        rmdir(handshake->directory);
    free(handshake->socket_path);
    free(handshake->directory);
    *handshake = (struct handshake){0};
}
