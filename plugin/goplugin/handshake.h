/* go-plugin's handshake: what the host says in the environment, what the plugin says on stdout. */
#ifndef DIEGO_GOPLUGIN_HANDSHAKE_H
#define DIEGO_GOPLUGIN_HANDSHAKE_H

#include <stdbool.h>

#include "runtime/base/error.h"

/* Whether a Nomad agent started this process (its magic cookie is in the environment). */
bool handshake_wanted(void);

struct handshake {
    char *directory;   /* owned; ours alone (0700), random name */
    char *socket_path; /* owned; where to listen */
};

/* Makes a fresh directory for the socket below PLUGIN_UNIX_SOCKET_DIR, TMPDIR or /tmp, short enough for a
 * unix socket. A host that insists on TLS (PLUGIN_CLIENT_CERT) or on another protocol version is refused. */
int handshake_prepare(struct handshake *ret, struct error *error);

/* Gives the socket to PLUGIN_UNIX_SOCKET_GROUP where that is set. Call once the socket is there. */
int handshake_share(const struct handshake *handshake, struct error *error);

/* Prints the one line the host waits for and then turns stdout into stderr, since the host reads no more of
 * it. Call once the server accepts. */
int handshake_print(const struct handshake *handshake, struct error *error);

/* Removes socket and directory. */
void handshake_release(struct handshake *handshake);

#endif
