# What the cases share; sourced by test/acceptance/guest.
# shellcheck shell=bash

passed=0
failed=0

# A case is a function; what it prints is shown only when it fails.
run_case() {
    local log=$DIR/case.log begin=$SECONDS
    if ("$1") >"$log" 2>&1; then
        passed=$((passed + 1))
        echo "ok    $1 ($((SECONDS - begin)) s)"
    else
        failed=$((failed + 1))
        echo "FAIL  $1"
        # Conditions that were waited for repeat themselves.
        awk '!seen[$0]++' "$log" | sed 's/^/      /' | cut -c1-2000 | head -60
    fi
}

fail() {
    echo "$*" >&2
    exit 1
}

# eventually SECONDS COMMAND...
eventually() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$deadline" ] || fail "never true: $*"
        sleep 0.3
    done
}

start_agent() {
    "$NOMAD" agent -config="$DIR/agent.hcl" >>"$DIR/agent.log" 2>&1 &
    agent_pid=$!
    echo "$agent_pid" >"$DIR/agent.pid"
    eventually 120 agent_is_ready_or_dead
    agent_is_ready || fail "the agent ended"
}

agent_is_ready_or_dead() {
    agent_is_ready || ! kill -0 "$agent_pid" 2>/dev/null
}

agent_is_ready() {
    "$NOMAD" node status -self -json 2>/dev/null | jq -e '.Status == "ready" and .Drivers.diego.Healthy' >/dev/null
}

run_job() {
    "$NOMAD" job run -detach "$JOBS/$1.nomad.hcl" >/dev/null || fail "job $1 was refused"
}

# Newest first.
alloc_of() {
    "$NOMAD" job allocs -json "$1" 2>/dev/null | jq -r 'sort_by(-.CreateTime)[0].ID // empty'
}

alloc_has_status() {
    [ "$("$NOMAD" job allocs -json "$1" 2>/dev/null | jq -r 'sort_by(-.CreateTime)[0].ClientStatus')" = "$2" ]
}

# Runs a job and waits until its allocation has this status; prints the allocation.
job_until() {
    run_job "$1"
    local deadline=$((SECONDS + 60))
    until alloc_has_status "$1" "$2"; do
        if [ "$SECONDS" -ge "$deadline" ]; then
            "$NOMAD" job status "$1" >&2
            "$NOMAD" alloc status "$(alloc_of "$1")" >&2
            fail "job $1 is never $2"
        fi
        sleep 0.3
    done
    alloc_of "$1"
}

logs_hold() {
    "$NOMAD" alloc logs "$1" 2>/dev/null | grep -q -- "$2"
}

# The task's state as the client keeps it.
task_state() {
    "$NOMAD" alloc status -json "$1" | jq -r ".TaskStates.t | $2"
}

expect() {
    [ "$1" = "$2" ] || fail "expected \"$2\", got \"$1\""
}

expect_match() {
    grep -qE -- "$2" <<<"$1" || fail "expected something like \"$2\", got \"$1\""
}

stop_job() {
    "$NOMAD" job stop -purge "$1" >/dev/null
}
