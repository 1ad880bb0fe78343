package conformance

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/nomad/plugins/drivers"
	"github.com/hashicorp/nomad/plugins/drivers/testutils"
	"github.com/shoenig/test/must"
)

// started waits for the task's first line.
func (t *task) started() *task {
	t.t.Helper()
	eventually(t.t, "the task says that it runs", func() bool { return strings.Contains(t.stdout.soFar(), "\n") })
	return t
}

func TestSignalsInAnySpelling(t *testing.T) {
	n := newNode(t)
	task := n.newTask(shell("trap 'echo hup' HUP; trap 'exit 9' USR1; echo up; while :; do sleep 0.05; done")).mustStart().started()
	for _, name := range []string{"SIGHUP", "hup", "1"} {
		before := strings.Count(task.stdout.soFar(), "hup")
		must.NoError(t, n.driver.SignalTask(task.config.ID, name))
		eventually(t, "the task got "+name, func() bool { return strings.Count(task.stdout.soFar(), "hup") > before })
	}
	must.ErrorContains(t, n.driver.SignalTask(task.config.ID, "SIGNONE"), "SIGNONE")
	must.NoError(t, n.driver.SignalTask(task.config.ID, "SIGUSR1"))
	must.Eq(t, 9, task.wait().ExitCode)
}

func TestStopSendsTermToTheMainProcess(t *testing.T) {
	n := newNode(t)
	task := n.newTask(shell("trap 'echo bye; exit 4' TERM; echo up; while :; do sleep 0.05; done")).mustStart().started()
	must.NoError(t, n.driver.StopTask(task.config.ID, 5*time.Second, ""))
	result := task.wait()
	must.Eq(t, 4, result.ExitCode)
	must.NoError(t, result.Err)
	must.StrHasSuffix(t, "bye\n", task.stdout.text())
}

func TestStopWithAnUnknownSignalSendsTerm(t *testing.T) {
	n := newNode(t)
	task := n.newTask(shell("trap 'exit 4' TERM; echo up; while :; do sleep 0.05; done")).mustStart().started()
	must.NoError(t, n.driver.StopTask(task.config.ID, 5*time.Second, "SIGNONE"))
	must.Eq(t, 4, task.wait().ExitCode)
}

func TestStopKillsAfterTheTimeout(t *testing.T) {
	n := newNode(t)
	task := n.newTask(shell("trap '' TERM; setsid sleep 4711 & echo up; while :; do sleep 0.05; done")).mustStart().started()
	begin := time.Now()
	must.NoError(t, n.driver.StopTask(task.config.ID, 300*time.Millisecond, "SIGTERM"))
	result := task.wait()
	must.Eq(t, 137, result.ExitCode)
	must.Eq(t, 9, result.Signal)
	must.GreaterEq(t, 300*time.Millisecond, time.Since(begin))
	eventually(t, "the grandchild in a session of its own is gone", func() bool {
		return processesNamed(t, "sleep 4711") == 0
	})
}

func TestTheEndOfTheMainProcessEndsTheTask(t *testing.T) {
	n := newNode(t)
	_, result := n.run(shell("setsid sleep 4712 & (trap '' TERM HUP; sleep 4712) & exit 0"))
	must.Zero(t, result.ExitCode)
	must.Zero(t, processesNamed(t, "sleep 4712"))
}

func TestExecTask(t *testing.T) {
	n := newNode(t)
	task := n.newTask(shellAs("vcap", "echo up; sleep 30")).mustStart().started()
	result, err := n.driver.ExecTask(task.config.ID, []string{"sh", "-c", "id -un; pwd; echo err >&2; exit 6"}, 5*time.Second)
	must.NoError(t, err)
	must.Eq(t, 6, result.ExitResult.ExitCode)
	must.Eq(t, "vcap\n/home/vcap\nerr\n", string(result.Stdout)+string(result.Stderr))
	_, err = n.driver.ExecTask(task.config.ID, []string{"nothing"}, time.Second)
	must.ErrorContains(t, err, `exec: "nothing": executable file not found in $PATH`)
}

func TestExecIsInTheTasksNamespacesAndCgroup(t *testing.T) {
	n := newNode(t)
	task := n.newTask(shell("for n in /proc/self/ns/*; do readlink $n; done; grep Cap /proc/self/status; sleep 30")).mustStart().started()
	result, err := n.driver.ExecTask(task.config.ID, []string{"sh", "-c", "for n in /proc/self/ns/*; do readlink $n; done; grep Cap /proc/self/status"}, 5*time.Second)
	must.NoError(t, err)
	must.Eq(t, task.stdout.soFar(), string(result.Stdout))
}

func TestExecStreaming(t *testing.T) {
	n := newNode(t)
	harness := testutils.NewDriverHarness(t, n.driver)
	defer harness.Kill()
	task := n.newTask(shell("echo up; sleep 30")).mustStart().started()
	code, stdout, stderr := testutils.ExecTask(t, harness, task.config.ID, "cat; echo end >&2; exit 3", false, "input")
	must.Eq(t, 3, code)
	must.Eq(t, "input", stdout)
	must.Eq(t, "end\n", stderr)
}

// Nomad's own suite. Its check that /proc/self/cgroup names the scope is for drivers without a cgroup namespace.
func TestExecStreamingAsNomadTestsIt(t *testing.T) {
	n := newNode(t)
	harness := testutils.NewDriverHarness(t, n.driver)
	defer harness.Kill()
	task := n.newTask(shell("echo up; sleep 60")).mustStart().started()
	testutils.TestExecTaskStreamingBasicResponses(t, harness, task.config.ID)
}

func TestAGivenNetworkNamespaceIsEntered(t *testing.T) {
	name := "diego-conformance"
	must.NoError(t, exec.Command("ip", "netns", "add", name).Run())
	t.Cleanup(func() { must.NoError(t, exec.Command("ip", "netns", "del", name).Run()) })
	task := newNode(t).newTask(shell("ls /sys/class/net; nc -l -p 80 -w 1 & sleep 0.2; grep -c :0050 /proc/net/tcp /proc/net/tcp6 | cut -d: -f2 | sort -r | head -1"))
	task.config.NetworkIsolation = &drivers.NetworkIsolationSpec{Mode: drivers.NetIsolationModeGroup, Path: "/run/netns/" + name}
	task.mustStart()
	task.wait()
	lines := fields(task.stdout.text())
	must.SliceContains(t, lines, "lo")
	must.SliceNotContains(t, lines, "eth0")
	must.Eq(t, "1", lines[len(lines)-1], must.Sprint("ports below 1024 can be bound"))
}
