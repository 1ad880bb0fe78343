package conformance

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/shoenig/test/must"
)

// killProcess ends the plugin as a crash would.
func killProcess(n *node) error {
	pid := n.client.ReattachConfig().Pid
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		return err
	}
	n.client.Kill()
	return nil
}

// supervisors are the processes whose descriptors point into the node's run directory.
func supervisors(t *testing.T, n *node) []int {
	t.Helper()
	var found []int
	links, err := filepath.Glob("/proc/[0-9]*/fd/*")
	must.NoError(t, err)
	for _, link := range links {
		target, err := os.Readlink(link)
		if err != nil || !strings.HasPrefix(target, filepath.Join(n.dir, "run")) {
			continue
		}
		pid, err := strconv.Atoi(strings.Split(link, "/")[2])
		must.NoError(t, err)
		if pid != os.Getpid() {
			found = append(found, pid)
		}
	}
	return found
}

// zombies counts supervisors that nobody has reaped.
func zombies(t *testing.T) int {
	t.Helper()
	count := 0
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	must.NoError(t, err)
	for _, file := range files {
		stat, _ := os.ReadFile(file)
		if strings.Contains(string(stat), "(diego-task) Z") {
			count++
		}
	}
	return count
}

func mountCount(t *testing.T) int {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	must.NoError(t, err)
	return strings.Count(string(mounts), "\n")
}

// processesNamed counts processes with this command line.
func processesNamed(t *testing.T, command string) int {
	t.Helper()
	count := 0
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	must.NoError(t, err)
	for _, file := range files {
		line, _ := os.ReadFile(file)
		if strings.Contains(strings.ReplaceAll(string(line), "\x00", " "), command) {
			count++
		}
	}
	return count
}

// makeCgroup is the scope that the client prepares for a task: on the version 2 hierarchy, wherever that is.
func makeCgroup(t *testing.T) string {
	t.Helper()
	root := "/sys/fs/cgroup"
	if _, err := os.Stat(root + "/unified/cgroup.procs"); err == nil {
		root += "/unified"
	}
	path, err := os.MkdirTemp(root, "diego-conformance-")
	must.NoError(t, err)
	t.Cleanup(func() {
		_ = os.WriteFile(path+"/cgroup.kill", []byte("1"), 0)
		eventually(t, path+" can be removed", func() bool { return os.Remove(path) == nil })
	})
	return path
}
