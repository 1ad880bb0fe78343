package conformance

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/nomad/plugins/base"
	"github.com/hashicorp/nomad/plugins/drivers"
	"github.com/shoenig/test/must"
)

func TestPluginInfoNamesTheDriver(t *testing.T) {
	info, err := launch(t, tempDir(t)).base.PluginInfo()
	must.NoError(t, err)
	must.Eq(t, "diego", info.Name)
	must.Eq(t, base.PluginTypeDriver, info.Type)
	must.SliceContains(t, info.PluginApiVersions, drivers.ApiVersion010)
}

func TestLaunchHasNoSideEffects(t *testing.T) {
	_, before := os.Stat("/run/nomad-driver-diego")
	n := launch(t, tempDir(t))
	_, err := n.base.ConfigSchema()
	must.NoError(t, err)
	_, after := os.Stat("/run/nomad-driver-diego")
	must.Eq(t, before == nil, after == nil)
}

func TestCapabilities(t *testing.T) {
	capabilities, err := newNode(t).driver.Capabilities()
	must.NoError(t, err)
	must.True(t, capabilities.SendSignals)
	must.True(t, capabilities.Exec)
	must.False(t, capabilities.MustInitiateNetwork)
}

func fingerprint(n *node) *drivers.Fingerprint {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	stream, err := n.driver.Fingerprint(ctx)
	must.NoError(n.t, err)
	return <-stream
}

func TestFingerprintIsHealthyAndNamesTheFeatures(t *testing.T) {
	first := fingerprint(newNode(t))
	must.Eq(t, drivers.HealthStateHealthy, first.Health, must.Sprint(first.HealthDescription))
	for _, name := range []string{"driver.diego.kernel", "driver.diego.overlayfs", "driver.diego.version"} {
		must.MapContainsKey(t, first.Attributes, name)
	}
}

func TestFingerprintOfADisabledDriverSaysHowToEnableIt(t *testing.T) {
	first := fingerprint(newNode(t, settings{"enabled": false}))
	must.Eq(t, drivers.HealthStateUndetected, first.Health)
	must.StrContains(t, first.HealthDescription, "enabled = true")
}

func TestFingerprintNamesMissingControllers(t *testing.T) {
	if controllers, err := os.ReadFile("/sys/fs/cgroup/cgroup.controllers"); err == nil &&
		strings.Contains(string(controllers), "memory") {
		must.Eq(t, drivers.HealthStateHealthy,
			fingerprint(newNode(t, settings{"cgroup": settings{"required_controllers": []string{"memory"}}})).Health)
		return
	}
	first := fingerprint(newNode(t, settings{"cgroup": settings{"required_controllers": []string{"memory"}}}))
	must.Eq(t, drivers.HealthStateUndetected, first.Health)
	must.StrContains(t, first.HealthDescription, "required_controllers")
}

func TestTaskEndsWithItsExitCode(t *testing.T) {
	n := newNode(t)
	_, result := n.run(shell("exit 0"))
	must.Zero(t, result.ExitCode)
	must.NoError(t, result.Err)
	_, result = n.run(shell("exit 3"))
	must.Eq(t, 3, result.ExitCode)
	must.Eq(t, "APP: Exited with status 3", exitError(result))
}

func TestTaskKilledBySignal(t *testing.T) {
	_, result := newNode(t).run(shell("kill -9 $$"))
	must.Eq(t, 137, result.ExitCode)
	must.Eq(t, 9, result.Signal)
}

func TestLogSourceNamesTheReason(t *testing.T) {
	config := shell("exit 1")
	config["log_source"] = "APP/PROC/WEB"
	_, result := newNode(t).run(config)
	must.Eq(t, "APP/PROC/WEB: Exited with status 1", exitError(result))
}

func TestShortFormRunsACommand(t *testing.T) {
	must.Eq(t, "a b\n", newNode(t).output(settings{"command": "echo", "args": []string{"a", "b"}}))
}

func TestShortFormFallsBackToNomadsUser(t *testing.T) {
	n := newNode(t)
	task := n.newTask(settings{"command": "id", "args": []string{"-un"}})
	task.config.User = "vcap"
	task.mustStart()
	must.Zero(t, task.wait().ExitCode)
	must.Eq(t, "vcap\n", task.stdout.text())
}

func TestDefinitionIsADiegoTask(t *testing.T) {
	must.Eq(t, "hello\n", newNode(t).output(settings{"rootfs": nil, "definition": `{
		"task_guid": "g", "domain": "d", "rootfs": "preloaded:busybox", "memory_mb": 0, "annotation": "x",
		"env": [{"name": "WORD", "value": "hello"}],
		"action": {"run": {"path": "sh", "args": ["-c", "echo $WORD"], "user": "vcap"}}}`}))
}

func TestEnvironment(t *testing.T) {
	config := shellAs("vcap", "env")
	config["env"] = settings{"A": "block", "B": "block"}
	config["action"].(settings)["run"].(settings)["env"] = []settings{{"name": "B", "value": "run"}}
	config["lifecycle"] = "lrp"
	n := newNode(t)
	task := n.newTask(config)
	task.config.Env["A"] = "nomad"
	task.config.Env["C"] = "nomad"
	task.mustStart()
	must.Zero(t, task.wait().ExitCode)
	lines := fields(task.stdout.text())
	for _, want := range []string{"A=block", "B=run", "C=nomad", "USER=vcap", "HOME=/home/vcap",
		"PATH=/usr/local/bin:/usr/bin:/bin", "INSTANCE_INDEX=4", "INSTANCE_GUID=" + task.config.AllocID} {
		must.SliceContains(t, lines, want)
	}
}

func TestStartReportsItsPhases(t *testing.T) {
	n := newNode(t)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	events, err := n.driver.TaskEvents(ctx)
	must.NoError(t, err)
	task, _ := n.run(shell("true"))
	for event := range events {
		if event.TaskID == task.config.ID && strings.HasPrefix(event.Message, "Started in") {
			must.StrContains(t, event.Message, "mounts")
			return
		}
	}
	t.Fatal("no event told the phases of the start")
}

func TestTheSameIdCannotStartTwice(t *testing.T) {
	n := newNode(t)
	task := n.newTask(shell("sleep 30")).mustStart()
	_, _, err := n.driver.StartTask(task.config)
	must.ErrorContains(t, err, "already started")
}

func TestWaitersManyAndCancelled(t *testing.T) {
	n := newNode(t)
	task := n.newTask(shell("sleep 0.3; exit 5")).mustStart()
	cancelled, cancel := context.WithCancel(context.Background())
	_, err := n.driver.WaitTask(cancelled, task.config.ID)
	must.NoError(t, err)
	cancel()
	results := make(chan int, 100)
	for range 100 {
		go func() { results <- task.wait().ExitCode }()
	}
	for range 100 {
		must.Eq(t, 5, <-results)
	}
	must.Eq(t, 5, task.wait().ExitCode) // also afterwards
}

func TestUnknownTasks(t *testing.T) {
	n := newNode(t)
	results, err := n.driver.WaitTask(context.Background(), "none")
	must.NoError(t, err)
	must.ErrorContains(t, (<-results).Err, drivers.ErrTaskNotFound.Error())
	_, err = n.driver.InspectTask("none")
	must.ErrorContains(t, err, drivers.ErrTaskNotFound.Error())
	must.NoError(t, n.driver.StopTask("none", 0, ""))
	must.NoError(t, n.driver.DestroyTask("none", true))
}

func TestDestroyOfARunningTaskNeedsForce(t *testing.T) {
	n := newNode(t)
	task := n.newTask(shell("sleep 30")).mustStart()
	must.Error(t, n.driver.DestroyTask(task.config.ID, false))
	must.NoError(t, n.driver.DestroyTask(task.config.ID, true))
	_, err := n.driver.InspectTask(task.config.ID)
	must.ErrorContains(t, err, drivers.ErrTaskNotFound.Error())
}

func TestInspect(t *testing.T) {
	n := newNode(t)
	task := n.newTask(shell("sleep 30")).mustStart()
	status, err := n.driver.InspectTask(task.config.ID)
	must.NoError(t, err)
	must.Eq(t, drivers.TaskStateRunning, status.State)
	must.Eq(t, "task", status.Name)
	must.False(t, status.StartedAt.IsZero())
}

func TestStatistics(t *testing.T) {
	n := newNode(t)
	task := n.newTask(shell("sleep 30")).mustStart()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	samples, err := n.driver.TaskStats(ctx, task.config.ID, 50*time.Millisecond)
	must.NoError(t, err)
	sample := <-samples
	must.NotNil(t, sample)
	must.NotNil(t, sample.ResourceUsage.CpuStats)
	must.NotNil(t, sample.ResourceUsage.MemoryStats)
}

// withoutDriverConfig is what the client hands over after its own restart.
func withoutDriverConfig(config *drivers.TaskConfig) *drivers.TaskConfig {
	return &drivers.TaskConfig{ID: config.ID, AllocID: config.AllocID, Name: config.Name, AllocDir: config.AllocDir,
		StdoutPath: config.StdoutPath, StderrPath: config.StderrPath}
}

func TestRecoverAfterTheDeathOfThePlugin(t *testing.T) {
	first := newNode(t)
	running := first.newTask(shell("sleep 1; exit 7")).mustStart()
	ended := first.newTask(shell("sleep 0.2; exit 4")).mustStart()
	must.NoError(t, killProcess(first))
	time.Sleep(500 * time.Millisecond)

	second := launch(t, first.dir)
	must.NoError(t, second.configure(second.defaults()))
	for _, task := range []*task{running, ended} {
		task.handle.Config = withoutDriverConfig(task.config)
		must.NoError(t, second.driver.RecoverTask(task.handle))
		task.node = second
	}
	must.Eq(t, 4, ended.wait().ExitCode)
	must.Eq(t, 7, running.wait().ExitCode)
	must.NoError(t, second.driver.DestroyTask(running.config.ID, true))
	must.NoError(t, second.driver.DestroyTask(ended.config.ID, true))
}

func TestRecoverOfATaskThatIsGoneIsAnError(t *testing.T) {
	n := newNode(t)
	task, _ := n.run(shell("true"))
	must.NoError(t, n.driver.DestroyTask(task.config.ID, false))
	eventually(t, "its files are gone", func() bool {
		entries, err := os.ReadDir(filepath.Join(n.dir, "run/tasks"))
		return err == nil && len(entries) == 0
	})
	must.ErrorContains(t, n.driver.RecoverTask(task.handle), "nothing is left of task")
}

func TestNothingIsLeftOfATask(t *testing.T) {
	n := newNode(t)
	before := mountCount(t)
	for range 5 {
		task, _ := n.run(shell("(sleep 100 &) ; setsid sleep 100 & exit 0"))
		must.NoError(t, n.driver.DestroyTask(task.config.ID, false))
	}
	for _, dir := range []string{"run/tasks", "state/tasks"} {
		eventually(t, dir+" becomes empty", func() bool {
			entries, err := os.ReadDir(filepath.Join(n.dir, dir))
			return err == nil && len(entries) == 0
		})
	}
	eventually(t, "no supervisor is left", func() bool { return len(supervisors(t, n)) == 0 })
	eventually(t, "nor a zombie of one", func() bool { return zombies(t) == 0 })
	must.Eq(t, before, mountCount(t))
}
