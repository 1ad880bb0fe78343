# Shared by the scripts in this directory; sourced, never run.
# shellcheck shell=bash

set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
CACHE=${DIEGO_CACHE:-/var/cache/nomad-driver-diego}
GO_VERSION=1.26.8
export ROOT CACHE

# A step that a person waits for, with the time since the script began.
say() {
    printf '[%3ds] %s\n' "$SECONDS" "$*" >&2
}

die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

need_root() {
    [ "$(id -u)" = 0 ] || die "$(basename "$0") needs root: run it with sudo"
}

# Puts a Go toolchain that can build Nomad first in PATH; hack/bootstrap has installed one where the host has none.
use_go() {
    if [ -x "$CACHE/go/bin/go" ]; then
        PATH="$CACHE/go/bin:$PATH"
    fi
    export PATH GOTOOLCHAIN=local GOFLAGS="-buildvcs=false"
}

# Whether the host's Go is new enough.
has_go() {
    local version
    version=$(go version 2>/dev/null | sed -n 's/^go version go1\.\([0-9]*\).*/\1/p')
    [ -n "$version" ] && [ "$version" -ge "$(cut -d. -f2 <<<"$GO_VERSION")" ]
}

# Builds a preset; shows the compiler's words only when it fails.
build_preset() {
    local log
    log=$(mktemp)
    if ! { cmake -S "$ROOT" --preset "$1" && cmake --build "$ROOT/build/$1"; } >"$log" 2>&1; then
        cat "$log" >&2
        rm -f "$log"
        die "preset $1 does not build"
    fi
    rm -f "$log"
}

# Whether this host itself has what the driver needs for limits.
has_cgroup_v2() {
    local controllers
    controllers=" $(cat /sys/fs/cgroup/cgroup.controllers 2>/dev/null) "
    for name in cpuset cpu io memory pids; do
        case "$controllers" in *" $name "*) ;; *) return 1 ;; esac
    done
}
