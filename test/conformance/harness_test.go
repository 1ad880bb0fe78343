// Package conformance drives the driver's binary as a Nomad client does, without Nomad: through go-plugin, with
// Nomad's own client code, configurations encoded through the real schemas, allocation directories and FIFOs.
package conformance

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/nomad/helper/pluginutils/hclspecutils"
	"github.com/hashicorp/nomad/helper/pluginutils/hclutils"
	"github.com/hashicorp/nomad/helper/uuid"
	"github.com/hashicorp/nomad/nomad/structs"
	"github.com/hashicorp/nomad/plugins/base"
	"github.com/hashicorp/nomad/plugins/drivers"
	"github.com/hashicorp/nomad/plugins/shared/hclspec"
	"github.com/shoenig/test/must"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/msgpack"
)

// settings is a configuration as HCL would bring it.
type settings = map[string]any

// node is one plugin process with directories of its own.
type node struct {
	t      *testing.T
	dir    string
	client *plugin.Client
	driver drivers.DriverPlugin
	base   base.BasePlugin
}

func binary() string {
	if path := os.Getenv("DIEGO_BINARY"); path != "" {
		return path
	}
	return "../../build/dev/nomad-driver-diego"
}

// launch starts the binary and configures nothing.
func launch(t *testing.T, dir string) *node {
	t.Helper()
	logger := hclog.New(&hclog.LoggerOptions{Level: hclog.Error, Output: os.Stderr})
	client := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig:  base.Handshake,
		Plugins:          plugin.PluginSet{"base": &base.PluginBase{}, "driver": drivers.NewDriverPlugin(nil, logger)},
		Cmd:              exec.Command(binary()),
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		Logger:           logger,
		SyncStderr:       os.Stderr,
	})
	n := &node{t: t, dir: dir, client: client}
	t.Cleanup(n.kill)
	rpc, err := client.Client()
	must.NoError(t, err)
	raw, err := rpc.Dispense("driver")
	must.NoError(t, err)
	n.driver = raw.(drivers.DriverPlugin)
	n.base = raw.(base.BasePlugin)
	return n
}

func (n *node) kill() { n.client.Kill() }

// encode brings a configuration the way that the agent does.
func encode(t *testing.T, spec *hclspec.Spec, config settings) (cty.Value, error) {
	t.Helper()
	converted, diagnostics := hclspecutils.Convert(spec)
	must.False(t, diagnostics.HasErrors(), must.Sprint(diagnostics))
	value, diagnostics, errs := hclutils.ParseHclInterface(config, converted, nil)
	if diagnostics.HasErrors() {
		return cty.NilVal, diagnostics.Errs()[0]
	}
	for _, err := range errs {
		return cty.NilVal, err
	}
	return value, nil
}

func (n *node) configure(config settings) error {
	n.t.Helper()
	spec, err := n.base.ConfigSchema()
	must.NoError(n.t, err)
	value, err := encode(n.t, spec, config)
	must.NoError(n.t, err)
	bytes, err := msgpack.Marshal(value, value.Type())
	must.NoError(n.t, err)
	return n.base.SetConfig(&base.Config{PluginConfig: bytes, ApiVersion: drivers.ApiVersion010,
		AgentConfig: &base.AgentConfig{Driver: &base.ClientDriverConfig{}}})
}

// defaults are settings of a node that needs no cgroup v2.
func (n *node) defaults() settings {
	return settings{
		"state_dir":        filepath.Join(n.dir, "state"),
		"run_dir":          filepath.Join(n.dir, "run"),
		"cgroup":           settings{"required_controllers": []string{}},
		"preloaded_rootfs": settings{"busybox": rootfs(n.t)},
	}
}

// newNode is a configured plugin; `more` is added to the defaults.
func newNode(t *testing.T, more ...settings) *node {
	t.Helper()
	n := launch(t, tempDir(t))
	config := n.defaults()
	for _, part := range more {
		for key, value := range part {
			config[key] = value
		}
	}
	must.NoError(t, n.configure(config))
	return n
}

// tempDir is short, since sockets are in it.
func tempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "diego-conformance-")
	must.NoError(t, err)
	t.Cleanup(func() { must.NoError(t, os.RemoveAll(dir)) })
	return dir
}

var (
	rootfsOnce sync.Once
	rootfsDir  string
)

// rootfs is a busybox tree that all tests share.
func rootfs(t *testing.T) string {
	rootfsOnce.Do(func() {
		dir, err := os.MkdirTemp("", "diego-rootfs-")
		must.NoError(t, err)
		makeRootfs(t, dir)
		rootfsDir = dir
	})
	return rootfsDir
}

func makeRootfs(t *testing.T, dir string) {
	t.Helper()
	must.NoError(t, os.Chmod(dir, 0o755))
	output, err := exec.Command("../../hack/make-rootfs", dir).CombinedOutput()
	must.NoError(t, err, must.Sprint(string(output)))
}

func TestMain(m *testing.M) {
	status := m.Run()
	if rootfsDir != "" {
		os.RemoveAll(rootfsDir)
	}
	os.Exit(status)
}

// --- tasks ---

// task is one task with an allocation directory and readers on its FIFOs.
type task struct {
	*node
	config *drivers.TaskConfig
	stdout *logReader
	stderr *logReader
	handle *drivers.TaskHandle
}

// newTask prepares a task; nothing runs yet.
func (n *node) newTask(config settings) *task {
	n.t.Helper()
	task := &task{node: n, config: &drivers.TaskConfig{
		ID:      uuid.Generate()[:8] + "/task/" + uuid.Generate()[:8],
		AllocID: uuid.Generate(),
		Name:    "task",
		JobName: "job",
		Env:     map[string]string{"NOMAD_TASK_DIR": "/local", "NOMAD_ALLOC_INDEX": "4"},
		Resources: &drivers.Resources{
			NomadResources: &structs.AllocatedTaskResources{
				Memory: structs.AllocatedMemoryResources{MemoryMB: 64},
				Cpu:    structs.AllocatedCpuResources{CpuShares: 100},
			},
			LinuxResources: &drivers.LinuxResources{MemoryLimitBytes: 64 << 20, CPUShares: 100},
		},
	}}
	task.config.AllocDir = filepath.Join(n.dir, "alloc-"+task.config.AllocID[:8])
	for _, dir := range []string{"alloc/logs", "alloc/data", "alloc/tmp", "task/local", "task/secrets", "task/tmp"} {
		must.NoError(n.t, os.MkdirAll(filepath.Join(task.config.AllocDir, dir), 0o777))
	}
	task.config.Resources.LinuxResources.CpusetCgroupPath = makeCgroup(n.t)
	task.stdout = newLogReader(n.t, filepath.Join(task.config.AllocDir, "alloc/logs/.task.stdout.fifo"))
	task.stderr = newLogReader(n.t, filepath.Join(task.config.AllocDir, "alloc/logs/.task.stderr.fifo"))
	task.config.StdoutPath, task.config.StderrPath = task.stdout.path, task.stderr.path
	must.NoError(n.t, task.setConfig(config))
	return task
}

func (t *task) setConfig(config settings) error {
	t.t.Helper()
	spec, err := t.driver.TaskConfigSchema()
	must.NoError(t.t, err)
	full := settings{"rootfs": "preloaded:busybox"}
	for key, value := range config {
		full[key] = value
	}
	value, err := encode(t.t, spec, full)
	if err != nil {
		return err
	}
	return t.config.EncodeDriverConfig(value)
}

// start starts it and destroys it when the test ends.
func (t *task) start() error {
	t.t.Helper()
	handle, _, err := t.driver.StartTask(t.config)
	t.handle = handle
	if err == nil {
		t.t.Cleanup(func() { _ = t.driver.DestroyTask(t.config.ID, true) })
	}
	return err
}

func (t *task) mustStart() *task {
	t.t.Helper()
	must.NoError(t.t, t.start())
	return t
}

func (t *task) wait() *drivers.ExitResult {
	t.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	results, err := t.driver.WaitTask(ctx, t.config.ID)
	must.NoError(t.t, err)
	select {
	case result := <-results:
		must.NotNil(t.t, result)
		return result
	case <-ctx.Done():
		t.t.Fatal("the task did not end")
		return nil
	}
}

// run starts the task and returns how it ended.
func (n *node) run(config settings) (*task, *drivers.ExitResult) {
	n.t.Helper()
	task := n.newTask(config).mustStart()
	return task, task.wait()
}

// shell is a configuration that runs a command as root.
func shell(command string) settings { return shellAs("root", command) }

func shellAs(user, command string) settings {
	return settings{"action": settings{"run": settings{
		"path": "/bin/sh", "args": []string{"-c", command}, "user": user}}}
}

// output is what a command in a new task writes; it must succeed.
func (n *node) output(config settings) string {
	n.t.Helper()
	task, result := n.run(config)
	must.NoError(n.t, result.Err)
	must.Zero(n.t, result.ExitCode, must.Sprint(task.stderr.text()))
	return task.stdout.text()
}

func exitError(result *drivers.ExitResult) string {
	if result.Err == nil {
		return ""
	}
	return result.Err.Error()
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if condition() {
			return
		}
	}
	t.Fatalf("never happened: %s", what)
}

func fields(text string) []string { return strings.Fields(text) }
