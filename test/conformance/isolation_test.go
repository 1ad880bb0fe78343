package conformance

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/nomad/plugins/drivers"
	"github.com/shoenig/test/must"
)

// namespace is a link as /proc shows it, "pid:[4026531836]".
func namespace(t *testing.T, name string) string {
	t.Helper()
	link, err := os.Readlink("/proc/self/ns/" + name)
	must.NoError(t, err)
	return link
}

func TestNamespacesAreTheTasksOwn(t *testing.T) {
	n := newNode(t)
	for _, name := range []string{"mnt", "pid", "ipc", "uts", "cgroup", "user"} {
		inside := strings.TrimSpace(n.output(shell("readlink /proc/self/ns/" + name)))
		must.NotEq(t, namespace(t, name), inside, must.Sprint(name))
	}
	must.Eq(t, namespace(t, "net"), strings.TrimSpace(n.output(shell("readlink /proc/self/ns/net"))))
}

func TestRootIsUnprivilegedOnTheHost(t *testing.T) {
	n := newNode(t)
	must.Eq(t, []string{"0", "1879048192", "65536"}, fields(n.output(shell("cat /proc/self/uid_map"))))
}

func TestCgroupIsTheRootOfItsNamespace(t *testing.T) {
	must.StrContains(t, newNode(t).output(shell("cat /proc/self/cgroup")), "0::/\n")
}

func TestTheRootfsIsSharedAndNeverChanged(t *testing.T) {
	n := newNode(t)
	must.Eq(t, "new\n", n.output(shell("echo new > /etc/new; rm /bin/wget; cat /etc/new")))
	must.Eq(t, "absent\n", n.output(shell("test -e /etc/new || echo absent; test -e /bin/wget")))
	_, err := os.Stat(filepath.Join(rootfs(t), "etc/new"))
	must.ErrorIs(t, err, os.ErrNotExist)
}

func TestAReadOnlyRootfs(t *testing.T) {
	config := shell("touch /etc/new 2>&1; touch /alloc/data/x && echo alloc")
	config["isolation"] = settings{"readonly_rootfs": true}
	output := newNode(t).output(config)
	must.StrContains(t, output, "Read-only file system")
	must.StrContains(t, output, "alloc\n")
}

func TestNomadsDirectoriesBelongToTheTask(t *testing.T) {
	n := newNode(t)
	task, result := n.run(shell("for d in /alloc/data /local /secrets; do echo x > $d/f && stat -c %u $d/f; done"))
	must.Zero(t, result.ExitCode)
	must.Eq(t, "0\n0\n0\n", task.stdout.text())
	must.FileExists(t, filepath.Join(task.config.AllocDir, "task/local/f"))
}

func TestVolumesOfNomad(t *testing.T) {
	n := newNode(t)
	task := n.newTask(shell("cat /data/f; echo y > /data/g || echo denied"))
	volume := filepath.Join(n.dir, "volume")
	must.NoError(t, os.Mkdir(volume, 0o755))
	must.NoError(t, os.WriteFile(filepath.Join(volume, "f"), []byte("x\n"), 0o644))
	task.config.Mounts = []*drivers.MountConfig{{HostPath: volume, TaskPath: "/data", Readonly: true}}
	task.mustStart()
	must.Zero(t, task.wait().ExitCode)
	must.Eq(t, "x\ndenied\n", task.stdout.text())
}

func TestMountsOfTheJob(t *testing.T) {
	dir := tempDir(t)
	must.NoError(t, os.WriteFile(filepath.Join(dir, "f"), []byte("x\n"), 0o644))
	n := newNode(t, settings{"allow_bind": []string{dir}})
	config := shell("cat /srv/data/f; cat /etc/one; df -m /cache | tail -1 | grep -c tmpfs")
	config["mount"] = []settings{
		{"source": dir, "target": "/srv/data", "readonly": true},
		{"source": dir + "/f", "target": "/etc/one"},
		{"type": "tmpfs", "target": "/cache", "size_mb": 8},
	}
	must.Eq(t, "x\nx\n1\n", n.output(config))
}

func TestAMountThatIsNotAllowedIsRefused(t *testing.T) {
	config := shell("true")
	config["mount"] = []settings{{"source": "/etc", "target": "/host"}}
	task := newNode(t).newTask(config)
	must.ErrorContains(t, task.start(), "mount[0].source: /etc may not be bound on this node")
}

func TestALinkInAnAllowedDirectoryIsNotFollowed(t *testing.T) {
	dir := tempDir(t)
	must.NoError(t, os.Symlink("/etc", filepath.Join(dir, "escape")))
	config := shell("true")
	config["mount"] = []settings{{"source": dir + "/escape", "target": "/host"}}
	task := newNode(t, settings{"allow_bind": []string{dir}}).newTask(config)
	must.ErrorContains(t, task.start(), "symbolic link")
}

func TestDevicesAreTheHarmlessOnes(t *testing.T) {
	must.Eq(t, []string{"core", "fd", "full", "mqueue", "null", "ptmx", "pts", "random", "shm", "stderr", "stdin",
		"stdout", "tty", "urandom", "zero"}, fields(newNode(t).output(shell("ls /dev"))))
}

func TestADeviceOfTheJob(t *testing.T) {
	config := shell("test -c /dev/mem2 && echo there; head -c 1 /dev/mem2 | wc -c")
	config["device"] = []settings{{"host_path": "/dev/zero", "container_path": "/dev/mem2", "permissions": "r"}}
	must.Eq(t, "there\n1\n", newNode(t, settings{"allow_privileged": true}).output(config))
	task := newNode(t).newTask(config)
	must.ErrorContains(t, task.start(), "allow_privileged = true")
}

func TestCapabilities14ByDefaultAndNoneForOthers(t *testing.T) {
	n := newNode(t)
	status := "grep -E '^Cap(Eff|Bnd)' /proc/self/status"
	must.Eq(t, []string{"CapEff:", "00000000a80425fb", "CapBnd:", "00000000a80425fb"}, fields(n.output(shell(status))))
	must.Eq(t, []string{"CapEff:", "0000000000000000", "CapBnd:", "00000000a80425fb"},
		fields(n.output(shellAs("vcap", status))))
	must.Eq(t, "0000000000000000", fields(n.output(shellAs("2000:0", status)))[1], must.Sprint("by uid, not by gid"))
}

func TestCapabilitiesAddedAndDropped(t *testing.T) {
	n := newNode(t, settings{"allow_caps": []string{"all"}})
	config := shell("grep ^CapEff /proc/self/status")
	config["isolation"] = settings{"cap_drop": []string{"all"}, "cap_add": []string{"NET_ADMIN"}}
	must.Eq(t, "0000000000001000", fields(n.output(config))[1])
	task := newNode(t).newTask(config)
	must.ErrorContains(t, task.start(), "CAP_NET_ADMIN is not allowed on this node")
}

func TestSeccompAndNoNewPrivileges(t *testing.T) {
	n := newNode(t)
	status := "grep -E '^(Seccomp|NoNewPrivs):' /proc/self/status"
	must.Eq(t, []string{"NoNewPrivs:", "1", "Seccomp:", "2"}, fields(n.output(shell(status))))
	_, result := n.run(shell("unshare -U true"))
	must.NotEq(t, 0, result.ExitCode)
}

func TestKernelFilesAreMasked(t *testing.T) {
	output := newNode(t).output(shell("cat /proc/kcore /proc/keys | wc -c; ls /sys/firmware | wc -l; " +
		"echo 1 > /proc/sys/vm/drop_caches; touch /sys/x; true"))
	must.Eq(t, []string{"0", "0"}, fields(output))
}

func TestHostNameAndHosts(t *testing.T) {
	config := shell("hostname; grep db /etc/hosts; cat /etc/hostname")
	config["isolation"] = settings{"hostname": "web-1", "extra_hosts": []string{"db:192.0.2.7"}}
	must.Eq(t, "web-1\n192.0.2.7\tdb\nweb-1\n", newNode(t).output(config))
}

func TestDNSOfTheJob(t *testing.T) {
	n := newNode(t)
	task := n.newTask(shell("cat /etc/resolv.conf"))
	task.config.DNS = &drivers.DNSConfig{Servers: []string{"192.0.2.1"}, Searches: []string{"a.test", "b.test"},
		Options: []string{"ndots:2"}}
	task.mustStart()
	task.wait()
	must.Eq(t, "nameserver 192.0.2.1\nsearch a.test b.test\noptions ndots:2\n", task.stdout.text())
}

func TestLimitsOfProcesses(t *testing.T) {
	config := shell("ulimit -n")
	config["isolation"] = settings{"ulimit": settings{"nofile": "100:200"}}
	n := newNode(t)
	must.Eq(t, "100\n", n.output(config))
	config = shell("ulimit -n")
	config["action"].(settings)["run"].(settings)["resource_limits"] = settings{"nofile": 77}
	must.Eq(t, "77\n", n.output(config))
}

func TestSysctls(t *testing.T) {
	n := newNode(t)
	config := shell("cat /proc/sys/kernel/shmmax")
	config["isolation"] = settings{"sysctl": settings{"kernel.shmmax": "1048576"}}
	must.Eq(t, "1048576\n", n.output(config))
	config["isolation"] = settings{"sysctl": settings{"kernel.panic": "1"}}
	must.ErrorContains(t, n.newTask(config).start(), "sysctl kernel.panic does not belong to the container")
	config["isolation"] = settings{"sysctl": settings{"net.core.somaxconn": "1"}}
	must.ErrorContains(t, n.newTask(config).start(), "would change the host")
}

func TestPrivilegedNeedsTheOperator(t *testing.T) {
	config := shell("cat /proc/self/uid_map; grep ^Seccomp: /proc/self/status")
	config["privileged"] = true
	task := newNode(t).newTask(config)
	must.ErrorContains(t, task.start(), "privileged = true is not allowed on this node")
	must.Eq(t, []string{"0", "0", "4294967295", "Seccomp:", "0"},
		fields(newNode(t, settings{"allow_privileged": true}).output(config)))
}

func TestUserNamespaceOfTheHost(t *testing.T) {
	config := shell("cat /proc/self/uid_map; grep ^CapEff /proc/self/status")
	config["isolation"] = settings{"user_namespace": "host"}
	must.Eq(t, []string{"0", "0", "4294967295", "CapEff:", "00000000a80425fb"},
		fields(newNode(t, settings{"allow_privileged": true}).output(config)))
}
