package conformance

import (
	"strings"
	"testing"

	"github.com/hashicorp/nomad/plugins/base"
	"github.com/hashicorp/nomad/plugins/drivers"
	"github.com/shoenig/test/must"
)

// --- what cannot be executed is the action's failure ---

func assertFails(t *testing.T, config settings, reason string) {
	t.Helper()
	_, result := newNode(t).run(config)
	must.Eq(t, 1, result.ExitCode)
	must.Eq(t, reason, exitError(result))
}

func TestMissingProgram(t *testing.T) {
	assertFails(t, settings{"command": "nothing"}, `exec: "nothing": executable file not found in $PATH`)
	assertFails(t, settings{"command": "/bin/nothing"}, "stat /bin/nothing: no such file or directory")
	assertFails(t, settings{"command": "/etc/passwd"}, `exec: "/etc/passwd": permission denied`)
}

func TestUnknownUser(t *testing.T) {
	assertFails(t, settings{"command": "true", "user": "nobody-here"},
		"unable to find user nobody-here: no matching entries in passwd file")
	assertFails(t, settings{"command": "true", "user": "root:nogroup"},
		"unable to find group nogroup: no matching entries in group file")
}

func TestDirectories(t *testing.T) {
	n := newNode(t)
	must.Eq(t, "/home/vcap\n", n.output(shellAs("vcap", "pwd")))
	config := shellAs("vcap", "pwd; stat -c %u .")
	config["action"].(settings)["run"].(settings)["dir"] = "/srv/new"
	must.Eq(t, "/srv/new\n2000\n", n.output(config))
	config["action"].(settings)["run"].(settings)["dir"] = "relative"
	assertFails(t, config, `dir must be an absolute path, got "relative"`)
}

func TestAVariableThatIsTooLongIsNamed(t *testing.T) {
	config := shell("true")
	config["env"] = settings{"LONG": strings.Repeat("x", 131072)}
	must.ErrorContains(t, newNode(t).newTask(config).start(), "variable LONG has")
}

// --- what is wrong with a configuration ---

func assertRefused(t *testing.T, config settings, text string) {
	t.Helper()
	must.ErrorContains(t, newNode(t).newTask(config).start(), text)
}

func TestTaskConfigurationsThatAreRefused(t *testing.T) {
	run := func(more settings) settings {
		run := settings{"path": "/bin/true", "user": "root"}
		for key, value := range more {
			run[key] = value
		}
		return settings{"action": settings{"run": run}}
	}
	assertRefused(t, run(settings{"pth": "x"}), "action.run.pth: unknown field")
	assertRefused(t, run(settings{"user": nil}), "action.run.user: must be set")
	assertRefused(t, run(settings{"args": "x"}), "action.run.args: must be a list of texts")
	assertRefused(t, run(settings{"env": []settings{{"name": "A=B"}}}), "action.run.env[0]")
	assertRefused(t, settings{"action": settings{"serial": settings{}}}, "action.serial: this version")
	assertRefused(t, settings{"action": settings{"rum": settings{}}}, "action.rum: unknown field")
	assertRefused(t, settings{}, "Invalid field: action")
	assertRefused(t, settings{"command": "x", "action": settings{"run": settings{"path": "x", "user": "x"}}},
		"command and action are both set")
	assertRefused(t, settings{"command": "x", "rootfs": nil}, "Invalid field: rootfs")
	assertRefused(t, settings{"command": "x", "rootfs": "docker:///busybox"}, `got "docker:///busybox"`)
	assertRefused(t, settings{"command": "x", "memory_mb": -1}, "memory_mb: must be 0 or more, got -1")
	assertRefused(t, settings{"command": "x", "memory_mb": 65}, "memory_mb must be at most what Nomad granted, 64 MiB, got 65")
	assertRefused(t, settings{"command": "x", "max_pids": 1.5}, "max_pids: must be a whole number")
	assertRefused(t, settings{"command": "x", "lifecycle": "job"}, `lifecycle: must be "task" or "lrp", got "job"`)
	assertRefused(t, settings{"definition": "{"}, "definition: not JSON")
	assertRefused(t, settings{"definition": `{"actoin": {}}`}, "definition.actoin: unknown field")
	assertRefused(t, settings{"definition": `{"egress_rules": [{"protocol": "tcp"}], "action": {}}`}, "definition.egress_rules: this version")
	assertRefused(t, settings{"command": "x", "isolation": settings{"ulimit": settings{"nofiles": "1"}}},
		`unknown ulimit "nofiles"`)
}

func TestPluginConfigurationsThatAreRefused(t *testing.T) {
	for text, config := range map[string]settings{
		"state_dir: must be an absolute path":            {"state_dir": "relative"},
		"log_level: must be trace":                       {"log_level": "loud"},
		"allow_caps[0]: must be a capability":            {"allow_caps": []string{"FLY"}},
		"preloaded_rootfs.a: must be":                    {"preloaded_rootfs": settings{"a": "b"}},
		"defaults.graceful_shutdown: must be a duration": {"defaults": settings{"graceful_shutdown": "soon"}},
	} {
		n := launch(t, tempDir(t))
		must.ErrorContains(t, n.configure(config), text)
	}
}

func TestHostileConfigurationBytes(t *testing.T) {
	n := launch(t, tempDir(t))
	for _, bytes := range [][]byte{
		{0xc1}, {0x81}, {0xdf, 0xff, 0xff, 0xff, 0xff}, {0xdd, 0xff, 0xff, 0xff, 0xff}, {0xdb, 0xff, 0xff, 0xff, 0xff},
		[]byte(strings.Repeat("\x91", 100000)), {0xc7, 0xff, 0x01}, {0x81, 0x01, 0x02}, {0x90, 0x90},
	} {
		must.Error(t, n.base.SetConfig(&base.Config{PluginConfig: bytes, ApiVersion: drivers.ApiVersion010}))
	}
	must.NoError(t, n.configure(n.defaults())) // it lives
}

func TestANetworkNamespaceThatIsNone(t *testing.T) {
	task := newNode(t).newTask(shell("true"))
	task.config.NetworkIsolation = &drivers.NetworkIsolationSpec{Mode: drivers.NetIsolationModeGroup, Path: "/etc/passwd"}
	must.ErrorContains(t, task.start(), "/etc/passwd is not a network namespace")
}

func TestLogsThatAreNoFifosAreRefused(t *testing.T) {
	task := newNode(t).newTask(shell("true"))
	task.config.StdoutPath = "/etc/passwd"
	must.ErrorContains(t, task.start(), "/etc/passwd: it is not a FIFO")
}
