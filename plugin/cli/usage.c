#include "plugin/cli/usage.h"

void usage_print_help(FILE *stream) {
    fputs("Usage: nomad-driver-diego COMMAND\n"
          "\n"
          "A Nomad task driver that runs Cloud Foundry Diego Tasks and LRPs in containers of its own.\n"
          "Started by a Nomad client (plugin_dir, plugin \"nomad-driver-diego\" {}) it is the plugin.\n"
          "\n"
          "  check        say what this host can and cannot do, and why\n"
          "  --version    print the version\n"
          "  --help       print this text\n",
          stream);
}

void usage_print_version(FILE *stream) {
    fprintf(stream, "nomad-driver-diego %s\n", DIEGO_VERSION);
}
