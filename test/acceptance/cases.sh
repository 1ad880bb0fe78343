# Real jobs on a real agent; every function is a case. Sourced by test/acceptance/guest.
# shellcheck shell=bash

# shellcheck disable=SC2034 # used by test/acceptance/guest
CASES=(the_driver_is_healthy_with_attributes a_batch_job_and_both_logs exit_code_and_restart_policy
    a_service_is_signalled_entered_and_stopped kill_timeout_kills_everything template_artifact_volume_env
    limits_are_in_the_cgroup out_of_memory_is_told a_fork_bomb_is_contained bridge_network_and_port
    twenty_allocations statistics the_agent_dies_and_comes_back nothing_is_left)

the_driver_is_healthy_with_attributes() {
    local node
    node=$("$NOMAD" node status -self -json)
    expect "$(jq -r '.Drivers.diego.HealthDescription' <<<"$node")" ready
    expect_match "$(jq -r '.Attributes["driver.diego.cgroup_v2"]' <<<"$node")" 'memory'
    expect "$(jq -r '.Attributes["driver.diego.version"]' <<<"$node")" "$(plugins_version)"
}

plugins_version() {
    "$DIR/plugins/nomad-driver-diego" --version | cut -d' ' -f2
}

a_batch_job_and_both_logs() {
    local alloc
    alloc=$(job_until batch complete) || exit 1
    expect "$("$NOMAD" alloc logs "$alloc" | head -2 | tr '\n' ' ')" "to stdout 0 "
    expect "$("$NOMAD" alloc logs -stderr "$alloc")" "to stderr"
    expect_match "$("$NOMAD" alloc logs "$alloc")" '1879048192'
    expect_match "$(task_state "$alloc" '[.Events[].DisplayMessage] | join("|")')" 'Started in [0-9.]+ ms'
}

exit_code_and_restart_policy() {
    local alloc events
    alloc=$(job_until failing failed) || exit 1
    events=$(task_state "$alloc" '[.Events[] | .Type + ":" + .DisplayMessage] | join("|")')
    expect_match "$events" 'Exit Code: 3, Exit Message: "APP: Exited with status 3"'
    expect "$(task_state "$alloc" .Restarts)" 1
}

a_service_is_signalled_entered_and_stopped() {
    local alloc
    alloc=$(job_until service running) || exit 1
    eventually 20 logs_hold "$alloc" up
    "$NOMAD" alloc signal -s SIGHUP "$alloc"
    eventually 20 logs_hold "$alloc" 'got hup'
    expect "$("$NOMAD" alloc exec -t=false "$alloc" sh -c 'id -u; cat /proc/1/comm' </dev/null | tr '\n' ' ')" "0 diego-init "
    local status=0
    "$NOMAD" alloc exec -t=false "$alloc" sh -c 'exit 7' </dev/null || status=$?
    expect "$status" 7
    "$NOMAD" job stop service >/dev/null
    eventually 20 alloc_has_status service complete
    eventually 20 logs_hold "$alloc" bye
    stop_job service
}

kill_timeout_kills_everything() {
    local alloc
    alloc=$(job_until stubborn running) || exit 1
    eventually 20 logs_hold "$alloc" up
    pgrep -f 'sleep 4713' >/dev/null || fail "the grandchild does not run"
    "$NOMAD" job stop stubborn >/dev/null
    eventually 30 alloc_has_status stubborn complete
    ! pgrep -f 'sleep 4713' || fail "the grandchild is left"
    expect_match "$(task_state "$alloc" '[.Events[].DisplayMessage] | join("|")')" 'killed \(SIGKILL\)'
    stop_job stubborn
}

template_artifact_volume_env() {
    local alloc http
    mkdir -p "$DIR/www"
    echo fetched >"$DIR/www/file"
    echo "from the volume" >"$DIR/volume/file"
    busybox httpd -f -p 127.0.0.1:8765 -h "$DIR/www" &
    http=$!
    alloc=$(job_until inputs complete) || exit 1
    kill "$http"
    expect "$("$NOMAD" alloc logs "$alloc" | tr '\n' '|')" \
        "rendered on false|fetched|from the volume|good day|secret|"
    expect "$(cat "$DIR/volume/out")" written
}

limits_are_in_the_cgroup() {
    local alloc logs
    alloc=$(job_until limits complete) || exit 1
    logs=$("$NOMAD" alloc logs "$alloc")
    expect_match "$logs" '^memory.max:83886080$'
    expect_match "$logs" '^memory.low:41943040$'
    expect_match "$logs" '^memory.swap.max:0$'
    expect_match "$logs" '^pids.max:50$'
    expect_match "$logs" '^cpuset.cpus:[01]$'
    expect_match "$logs" '^cpu.weight:[0-9]+$'
    expect "$(tail -1 <<<"$logs")" 1
}

out_of_memory_is_told() {
    local alloc events
    alloc=$(job_until oom failed) || exit 1
    events=$(task_state "$alloc" '[.Events[].DisplayMessage] | join("|")')
    expect_match "$events" 'Exit Code: 137, Signal: 9'
    expect "$(task_state "$alloc" '[.Events[] | select(.Type == "Terminated")][0].Details.oom_killed')" true
    expect_match "$events" 'Out of memory: the limit is 20971520 bytes'
}

a_fork_bomb_is_contained() {
    local alloc
    alloc=$(job_until forkbomb failed) || exit 1
    expect_match "$("$NOMAD" alloc logs -stderr "$alloc")" "can't fork"
}

serves() {
    [ "$(curl -s --max-time 3 "http://$1/")" = served ]
}

bridge_network_and_port() {
    local alloc port
    alloc=$(job_until bridge running) || exit 1
    eventually 20 logs_hold "$alloc" up
    port=$("$NOMAD" alloc status -json "$alloc" | jq -r '.AllocatedResources.Shared.Ports[0] | "\(.HostIP):\(.Value)"')
    eventually 20 serves "$port"
    expect_match "$("$NOMAD" alloc exec -t=false "$alloc" ip addr show eth0 </dev/null)" 'inet 172\.26\.'
    stop_job bridge
}

all_complete() {
    [ "$("$NOMAD" job allocs -json many | jq '[.[] | select(.ClientStatus == "complete")] | length')" = 20 ]
}

twenty_allocations() {
    run_job many
    eventually 120 all_complete
}

measures() {
    local usage
    usage=$(curl -s "http://127.0.0.1:4646/v1/client/allocation/$1/stats")
    echo "$usage"
    usage=$(jq -c .Tasks.t.ResourceUsage <<<"$usage")
    jq -e '.MemoryStats.Usage > 100000 and .MemoryStats.RSS > 0 and .CpuStats.TotalTicks > 0' <<<"$usage" >/dev/null
}

statistics() {
    local alloc
    alloc=$(job_until service running) || exit 1
    eventually 30 measures "$alloc"
    stop_job service
}

# Nomad makes scopes again for tasks that ended before its restart, in share.slice even for those with cores, and
# forgets them; so the ended jobs go first.
forget_ended_jobs() {
    local job
    for job in $("$NOMAD" job status | awk 'NR > 1 { print $1 }'); do
        stop_job "$job"
    done
    sleep 2
    "$NOMAD" system gc
}

the_agent_dies_and_comes_back() {
    local alloc before
    forget_ended_jobs
    alloc=$(job_until service running) || exit 1
    eventually 20 logs_hold "$alloc" up
    before=$(pgrep -x diego-init)
    kill -9 "$(cat "$DIR/agent.pid")"
    sleep 1
    start_agent
    expect "$(pgrep -x diego-init)" "$before"
    "$NOMAD" alloc signal -s SIGHUP "$alloc"
    eventually 30 logs_hold "$alloc" 'got hup'
    expect "$(task_state "$alloc" .Restarts)" 0
    stop_job service
}

# Names what is left, if anything.
is_clean() {
    local left
    left=$(
        pgrep -x diego-task
        pgrep -x diego-init
        find /run/nomad-driver-diego/tasks /var/lib/nomad-driver-diego/tasks -mindepth 1 -maxdepth 1
        ls -d /sys/fs/cgroup/nomad.slice/*/*.scope 2>/dev/null
        grep nomad-driver-diego /proc/self/mountinfo
    )
    [ -z "$left" ] || echo "left: $left"
    [ -z "$left" ]
}

nothing_is_left() {
    forget_ended_jobs
    eventually 60 is_clean
}
